/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application that has a nursery with workers, and runs until it is killed.
 *
 *   nursery-application NURSERY-WORKER
 *
 * When all run, it writes the numbers of their processes to standard output, the nursery's first, a line each, and an
 * empty line. */

#include <ferry.h>
#include <stdio.h>
#include <stdlib.h>

#define N_WORKERS 3

int
main (int argc, char **argv)
{
  const char *command[] = {argv[1], NULL};
  const char *const orders[N_WORKERS] = {"pause", "spin", "pause"};
  FerryRouter *router = ferry_router_new (NULL);
  FerryLauncher *base = ferry_launcher_new (command);
  FerryLauncher *launcher = ferry_launcher_new (command);
  FerryNursery *nursery = ferry_nursery_new (base);
  FerryWorker *workers[N_WORKERS];

  ferry_launcher_silence_stream (base, FERRY_STREAM_STDOUT);
  ferry_launcher_set_nursery (launcher, nursery);
  if (!ferry_router_start (router, NULL))
    return 2;
  for (int i = 0; i < N_WORKERS; i++)
    {
      ferry_launcher_setenv (launcher, "WORKER_ORDERS", orders[i]);
      workers[i] = ferry_launcher_spawn (launcher, router, NULL);
      if (workers[i] == NULL)
        return 2;
    }
  for (int i = 0; i < N_WORKERS; i++)
    while (ferry_worker_get_pid (workers[i]) == 0)
      g_main_context_iteration (NULL, TRUE);
  printf ("%d\n", (int) ferry_worker_get_pid (ferry_nursery_get_worker (nursery)));
  for (int i = 0; i < N_WORKERS; i++)
    printf ("%d\n", (int) ferry_worker_get_pid (workers[i]));
  puts ("");
  fflush (stdout);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}
