/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application that has a fork server with workers, and runs until it is killed.
 *
 *   fork-server-application FORK_SERVER-WORKER
 *
 * One of its workers evades its end. When all run, it writes the numbers of their processes to standard output, the
 * fork server's first, a line each, and an empty line. */

#include <ferry.h>
#include <stdio.h>
#include <stdlib.h>

#define N_WORKERS 3

/* It comes when the worker has evaded. */
static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

int
main (int argc, char **argv)
{
  const char *command[] = {argv[1], NULL};
  const char *const orders[N_WORKERS] = {"evade send:1 pause", "spin", "pause"};
  FerryRouter *router = ferry_router_new (NULL);
  FerryLauncher *base = ferry_launcher_new (command);
  FerryLauncher *launcher = ferry_launcher_new (command);
  FerryForkServer *fork_server = ferry_fork_server_new (base);
  FerryWorker *workers[N_WORKERS];
  FerryWorker *process;
  FerrySender *sender;
  FerryReceiver *receiver;
  gboolean evaded = FALSE;

  g_object_set (base, "stdout", FERRY_STREAM_MODE_SILENT, NULL);
  ferry_launcher_set_fork_server (launcher, fork_server);
  if (!ferry_router_start (router, NULL) || !ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, NULL))
    return 2;
  ferry_receiver_set_handler (receiver, message_cb, &evaded, NULL);
  for (int i = N_WORKERS - 1; i >= 0; i--)
    {
      if (i == 0 && !ferry_launcher_add_sender (launcher, "out", sender, NULL))
        return 2;
      ferry_launcher_setenv (launcher, "WORKER_ORDERS", orders[i]);
      workers[i] = ferry_launcher_spawn (launcher, router, NULL);
      if (workers[i] == NULL)
        return 2;
    }
  for (int i = 0; i < N_WORKERS; i++)
    while (ferry_worker_get_identifier (workers[i]) == NULL)
      g_main_context_iteration (NULL, TRUE);
  while (!evaded)
    g_main_context_iteration (NULL, TRUE);
  g_object_get (fork_server, "worker", &process, NULL);
  puts (ferry_worker_get_identifier (process));
  for (int i = 0; i < N_WORKERS; i++)
    puts (ferry_worker_get_identifier (workers[i]));
  puts ("");
  fflush (stdout);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}
