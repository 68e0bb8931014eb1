/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application that attaches to a persistent worker.
 *
 *   attaching-application attach ADDRESS [USER]
 *   attaching-application spawn ADDRESS WORKER
 *
 * The first attaches, as USER where one is given, adds 1, writes a line with the sum to standard output, and runs on
 * until standard input ends; or it writes the code of the error and its message. The second starts WORKER there, adds
 * 1, writes the sum and ends at once, with everything left open. */

#include <ferry.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
finish_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static FerryTransport *
start (const char *address, const char *worker, GError **error)
{
  const char *argv[] = {worker, "loop", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GAsyncResult) result = NULL;

  if (!ferry_launcher_spawn_persistent (launcher, address, NULL, error))
    return NULL;
  ferry_transport_connect_when_there_async (address, -1, NULL, finish_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return ferry_transport_connect_to_finish (result, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryMux) mux = NULL;
  g_autoptr (GVariant) sum = NULL;
  g_autoptr (GError) error = NULL;
  gboolean spawns = g_str_equal (argv[1], "spawn");
  char end;

  if (!spawns && argc > 3 && setuid ((uid_t) atoi (argv[3])) < 0)
    return 2;
  transport = spawns ? start (argv[2], argv[3], &error) : ferry_transport_connect_to (argv[2], &error);
  if (transport != NULL)
    {
      mux = ferry_mux_new (transport);
      ferry_mux_transact (mux, "add", g_variant_new_uint32 (1), -1, NULL, &sum, &error);
    }
  if (error != NULL)
    printf ("%d %s\n", error->code, error->message);
  else
    printf ("%u\n", g_variant_get_uint32 (sum));
  fflush (stdout);
  if (spawns)
    _exit (0);
  return read (STDIN_FILENO, &end, 1) < 0;
}
