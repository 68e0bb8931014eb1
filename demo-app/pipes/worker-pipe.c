/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's end of a plain pipe. Each message has its number, so that a lost or misplaced one is seen, and its time.
 * What the worker does besides depends on its mode. */

#include "app/worker-jobs.h"

#include <stdlib.h>
#include <string.h>

#include "app/ferry-demo-message.h"

/* Messages that are sent at a time, and microseconds from one time to the next. */
#define BURST 25
#define PAUSE 1000

gboolean
worker_pipe_send (FerrySender *sender, double value)
{
  static FerryDemoPipeMessage message = {0};
  gboolean heard;

  message.time = g_get_monotonic_time ();
  message.value = value;
  heard = ferry_sender_send_bytes (sender, &message, sizeof message, NULL);
  message.sequence++;
  return heard;
}

gboolean
worker_pipe_send_for (FerrySender *sender, gint64 microseconds)
{
  gint64 end = g_get_monotonic_time () + microseconds;
  gboolean heard = TRUE;

  while (heard && (microseconds < 0 || g_get_monotonic_time () < end))
    {
      for (guint i = 0; i < BURST && heard; i++)
        heard = worker_pipe_send (sender, 0.0);
      g_usleep (PAUSE);
    }
  return heard;
}

int
worker_pipe (const char *mode)
{
  static const struct
  {
    const char *mode;
    void (*run) (FerrySender *sender);
  } modes[] = {
    {FERRY_DEMO_PIPE_LOOP, worker_loop},
    {FERRY_DEMO_PIPE_CRASH, worker_ill_crash},
    {FERRY_DEMO_PIPE_HANG, worker_ill_hang},
    {FERRY_DEMO_PIPE_RUBBISH, worker_ill_rubbish},
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerrySender) sender = ferry_worker_get_sender (FERRY_DEMO_PIPE_SENDER, &error);

  if (sender == NULL || !ferry_sender_start (sender, &error))
    {
      g_printerr ("ferry-demo-worker: %s.\n", error->message);
      return EXIT_FAILURE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (strcmp (modes[i].mode, mode) == 0)
      {
        modes[i].run (sender);
        return EXIT_SUCCESS;
      }
  worker_pipe_send_for (sender, -1);
  return EXIT_SUCCESS;
}
