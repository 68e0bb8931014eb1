/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The work of the Start page, five seconds of it, twice: as a function of a worker, and on a main loop that has frames
 * to draw meanwhile. */

#include <glib-unix.h>
#include <signal.h>

#include "app/ferry-demo-message.h"
#include "app/worker-jobs.h"
#include "tasks/worker-sieve.h"

#define WORK_TIME (5 * G_USEC_PER_SEC)
#define FRAME_MILLISECONDS 16
#define LIMIT 4000000

/* Counts primes again and again until the time is over; tell may say that this is not wanted any more. */
static gboolean
do_work (gboolean (*tell) (gpointer data, double fraction), gpointer data)
{
  gint64 begin = g_get_monotonic_time (), now = begin;
  gboolean wanted = TRUE;

  while (wanted && now - begin < WORK_TIME)
    {
      WorkerSieve *sieve = worker_sieve_new (LIMIT);

      while (wanted && now - begin < WORK_TIME && worker_sieve_step (sieve))
        {
          now = g_get_monotonic_time ();
          wanted = tell == NULL || tell (data, MIN ((double) (now - begin) / WORK_TIME, 1.0));
        }
      worker_sieve_free (sieve);
    }
  return wanted;
}

static gboolean
report (gpointer job, double fraction)
{
  return ferry_job_report (job, fraction, NULL, NULL);
}

GVariant *
worker_work (FerryJob *job, GVariant *arguments, GError **error)
{
  if (!do_work (report, job))
    {
      ferry_job_check (job, error);
      return NULL;
    }
  return g_variant_new_boolean (TRUE);
}

/* ---- a main loop of its own ---- */

typedef struct
{
  GMainLoop *loop;
  FerrySender *sender;
  guint n_done; /* how often it has done the work */
} Loop;

static gboolean
frame_cb (gpointer data)
{
  Loop *loop = data;

  if (worker_pipe_send (loop->sender, (double) loop->n_done))
    return G_SOURCE_CONTINUE;
  g_main_loop_quit (loop->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
work_cb (gpointer data)
{
  do_work (NULL, NULL);
  ((Loop *) data)->n_done++;
  return G_SOURCE_CONTINUE;
}

void
worker_loop (FerrySender *sender)
{
  Loop loop = {g_main_loop_new (NULL, FALSE), sender, 0};

  g_unix_signal_add (SIGUSR1, work_cb, &loop);
  g_timeout_add (FRAME_MILLISECONDS, frame_cb, &loop);
  g_main_loop_run (loop.loop);
  g_main_loop_unref (loop.loop);
}
