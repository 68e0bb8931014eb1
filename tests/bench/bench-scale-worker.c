/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that sends a message by each of its pipes when it begins, and again for each SIGUSR1. */

#include "config.h"

#include <ferry.h>
#include <signal.h>
#include <stdlib.h>

#include "bench-scale-worker.h"

static void
get_senders (GPtrArray *senders)
{
  const char *number = g_getenv (BENCH_SCALE_PIPES);
  const guint64 n = number != NULL ? g_ascii_strtoull (number, NULL, 10) : 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf (BENCH_SCALE_SENDER, i);
      g_autoptr (GError) error = NULL;
      FerrySender *sender = ferry_worker_get_sender (name, &error);

      if (sender == NULL || !ferry_sender_start (sender, &error))
        g_error ("bench-scale-worker: %s", error->message);
      g_ptr_array_add (senders, sender);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) senders = g_ptr_array_new_with_free_func (g_object_unref);
  sigset_t signals;
  int number;

  ferry_worker_main (&argc, &argv);
  sigemptyset (&signals);
  sigaddset (&signals, SIGUSR1);
  sigprocmask (SIG_BLOCK, &signals, NULL);
  get_senders (senders);
  do
    for (guint i = 0; i < senders->len; i++)
      if (!ferry_sender_send_bytes (senders->pdata[i], &i, sizeof i, NULL))
        return EXIT_FAILURE;
  while (sigwait (&signals, &number) == 0);
  return EXIT_FAILURE;
}
