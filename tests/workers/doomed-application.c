/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application that has workers of every kind, and waits for its own end.
 *
 *   doomed-application OBEDIENT-WORKER
 *   doomed-application trial
 *
 * The second asks which sandboxes the system has, and waits without end. The first starts an obedient worker for each
 * kind below, and a program that knows nothing of Ferry. When all have come as far as their kind does, it writes the
 * numbers of their processes to standard output, a line each, and an empty line. Then it runs on, until standard input
 * ends: it returns from main() with everything left open. */

#include <ferry.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N_KINDS 7
#define PROGRAM_KIND 4

typedef struct
{
  FerryWorker *worker;
  FerrySender *sender;
  FerryReceiver *receiver;
  guint64 n_messages;
} Doomed;

/* What each kind is told, and whether it attaches. The one that is told to flood stays in a full lane for most of its
 * time. */
static const struct
{
  const char *orders[5];
  gboolean attaches;
} kinds[N_KINDS] = {
  {{"send:1", "spin", NULL}, TRUE},
  {{"send:1", "pause", NULL}, TRUE},
  {{"flood", NULL, NULL}, TRUE},
  {{"pause", NULL, NULL}, FALSE},
  {{"-f", "/dev/null", NULL}, FALSE},
  {{"attach", "evade", "send:1", "pause", NULL}, TRUE},
  {{"attach", "give-away:3", "send:1", "pause", NULL}, TRUE},
};

static Doomed doomed[N_KINDS];

static void
check (gboolean success, GError **error)
{
  if (success)
    return;
  g_printerr ("doomed-application: %s\n", (*error)->message);
  exit (2);
}

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  ((Doomed *) user_data)->n_messages++;
}

static void
spawn (FerryRouter *router, guint kind, const char *obedient_worker)
{
  const char *const *orders = kinds[kind].orders;
  const char *argv[] = {kind == PROGRAM_KIND ? "tail" : obedient_worker,
                        orders[0],
                        orders[1],
                        orders[1] != NULL ? orders[2] : NULL,
                        orders[1] != NULL && orders[2] != NULL ? orders[3] : NULL,
                        NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  Doomed *self = &doomed[kind];
  GError *error = NULL;

  check (ferry_router_pipe (router, FERRY_PIPE_QUEUED, &self->sender, &self->receiver, &error), &error);
  ferry_receiver_set_handler (self->receiver, message_cb, self, NULL);
  check (ferry_launcher_add_sender (launcher, "out", self->sender, &error), &error);
  g_object_set (launcher, "stdin", FERRY_STREAM_MODE_SILENT, NULL);
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_SILENT, NULL);
  self->worker = ferry_launcher_spawn (launcher, router, &error);
  check (self->worker != NULL, &error);
}

static gboolean
all_are_there (void)
{
  for (guint kind = 0; kind < N_KINDS; kind++)
    if (ferry_worker_get_identifier (doomed[kind].worker) == NULL ||
        (kinds[kind].attaches && doomed[kind].n_messages == 0))
      return FALSE;
  return TRUE;
}

static gboolean
input_cb (int fd, GIOCondition condition, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

int
main (int argc, char **argv)
{
  FerryRouter *router = ferry_router_new (NULL);
  gboolean ended = FALSE;
  GError *error = NULL;

  if (argc != 2)
    return 2;
  if (g_str_equal (argv[1], "trial"))
    {
      ferry_sandbox_get_strength ();
      for (;;)
        pause ();
    }
  check (ferry_router_start (router, &error), &error);
  for (guint kind = 0; kind < N_KINDS; kind++)
    spawn (router, kind, argv[1]);
  while (!all_are_there ())
    g_main_context_iteration (NULL, TRUE);
  for (guint kind = 0; kind < N_KINDS; kind++)
    puts (ferry_worker_get_identifier (doomed[kind].worker));
  puts ("");
  fflush (stdout);
  g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, input_cb, &ended);
  while (!ended)
    g_main_context_iteration (NULL, TRUE);
  return 0;
}
