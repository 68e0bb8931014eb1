/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application that attaches to a persistent worker.
 *
 *   attaching-application attach ADDRESS [USER]
 *   attaching-application take|answer ADDRESS
 *   attaching-application spawn ADDRESS WORKER
 *
 * The first attaches, as USER where one is given, adds 1, writes a line with the sum to standard output, and runs on
 * until standard input ends; or it writes the code of the error and its message. The second takes results: it writes a
 * line with the number and the value of each, and answers, or not. The third starts WORKER there, adds 1, writes the
 * sum and ends at once, with everything left open. */

#include <ferry-conversations.h>
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
  ferry_transport_connect_to_async (address, -1, -1, NULL, finish_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return ferry_transport_connect_to_finish (result, error);
}

static void
take (FerryInvocation *invocation, gpointer answers)
{
  g_autoptr (GVariant) value = NULL;
  guint64 number;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(tv)", &number, &value);
  printf ("%u %u\n", (guint) number, g_variant_get_uint32 (value));
  fflush (stdout);
  if (answers != NULL)
    ferry_invocation_return_value (invocation, NULL);
  else
    ferry_invocation_ref (invocation);
}

static void
take_results (FerryTransport *transport, gboolean answers, GError **error)
{
  FerryDemux *demux = ferry_demux_new (transport);
  char end;

  ferry_demux_add_handler (demux, "result", take, GINT_TO_POINTER (answers), NULL);
  if (ferry_demux_start (demux, error) && read (STDIN_FILENO, &end, 1) >= 0)
    exit (0);
}

static guint32
add_one (FerryTransport *transport, GError **error)
{
  g_autoptr (FerryMux) mux = ferry_mux_new (transport);
  g_autoptr (GVariant) sum = ferry_mux_transact (mux, "add", g_variant_new_uint32 (1), -1, NULL, error);

  return sum != NULL ? g_variant_get_uint32 (sum) : 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (GError) error = NULL;
  gboolean spawns = g_str_equal (argv[1], "spawn");
  gboolean answers = g_str_equal (argv[1], "answer");
  guint32 sum = 0;
  char end;

  if (!spawns && argc > 3 && setuid ((uid_t) atoi (argv[3])) < 0)
    return 2;
  transport = spawns ? start (argv[2], argv[3], &error) : ferry_transport_connect_to (argv[2], &error);
  if (transport != NULL && (answers || g_str_equal (argv[1], "take")))
    take_results (transport, answers, &error);
  else if (transport != NULL)
    sum = add_one (transport, &error);
  if (error != NULL)
    printf ("%d %s\n", error->code, error->message);
  else
    printf ("%u\n", sum);
  fflush (stdout);
  if (spawns)
    _exit (0);
  return read (STDIN_FILENO, &end, 1) < 0;
}
