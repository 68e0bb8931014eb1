/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a program is in this process: the application, a worker that serves calls, or a plain worker.
 *
 * A worker attaches before its initialisers run: so versions are compared before anything else happens, a long
 * initialiser is not held for a worker that hangs at its start, and a plain worker runs none.
 *
 * Threads: the process' first one, before others; ferry_worker_exit() is any thread's. */

#include "config.h"

#include "task/ferry-worker-main-private.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sysexits.h>

#include "base/ferry-base-private.h"
#include "call/ferry-link-transport-private.h"
#include "task/ferry-serve-private.h"
#include "task/ferry-warm-up-private.h"
#include "worker/ferry-attachment-private.h"
#include "worker/ferry-fork-server-main-private.h"

/* The environment variable that says what a worker that was executed is to be called. */
#define NAME_VARIABLE "FERRY_WORKER_NAME"

typedef struct
{
  char *name; /* (owned) */
  FerryInitialiser func;
  gpointer user_data;
} Initialiser;

static GArray *initialisers; /* (element-type Initialiser) (nullable) */

/* What else a worker may be started for than calls: passed by the name of the transport that such a worker has. */
typedef struct
{
  const char *transport;
  FerryTransportServeFunc serve;
} Server;

static Server server; /* const once the library is loaded */

static gboolean was_called; /* set on the first thread, before there is another */

/* Of the process that serves; set before it begins, and for good. */
static FerrySender *calls;
static FerrySender *progress;
static gboolean forked_by_fork_server;

/**
 * ferry_worker_add_initialiser:
 * @name: a name for messages
 * @initialiser: (scope forever): prepares the program
 * @user_data: data for @initialiser
 *
 * Has a function prepare the program for the calls that it will serve, in the order in which they are added. To be
 * called before [func@Ferry.Worker.main], by the thread that calls that.
 *
 * Initialisers run in workers that serve calls, and in a fork server, which then forks its workers with all of it in
 * place. Where one fails, the process says so on standard error and exits with status 70, which is `EX_SOFTWARE`.
 *
 * Since: 0.1
 */
void
ferry_worker_add_initialiser (const char *name, FerryInitialiser initialiser, gpointer user_data)
{
  Initialiser entry = {NULL, initialiser, user_data};

  g_return_if_fail (name != NULL);
  g_return_if_fail (initialiser != NULL);

  if (initialisers == NULL)
    initialisers = g_array_new (FALSE, FALSE, sizeof entry);
  entry.name = g_strdup (name);
  g_array_append_val (initialisers, entry);
}

/* In a fork server, note is told the name of each, after it ran; elsewhere it is NULL. */
static void
run_initialisers (void (*note) (const char *name))
{
  for (guint i = 0; initialisers != NULL && i < initialisers->len; i++)
    {
      const Initialiser *initialiser = &g_array_index (initialisers, Initialiser, i);
      g_autoptr (GError) error = NULL;

      if (!initialiser->func (initialiser->user_data, &error))
        {
          g_printerr ("%s: initialiser “%s” failed: %s\n", program_invocation_short_name, initialiser->name,
                      error != NULL ? error->message : "it did not say why");
          ferry_worker_exit (EX_SOFTWARE);
        }
      if (note != NULL)
        note (initialiser->name);
    }
}

static G_GNUC_NORETURN void
give_up (const GError *error)
{
  g_printerr ("%s: %s\n", program_invocation_short_name, error->message);
  ferry_worker_exit (EX_PROTOCOL);
}

static void
take_name (void)
{
  const char *name = g_getenv (NAME_VARIABLE);

  if (name != NULL)
    prctl (PR_SET_NAME, name);
  g_unsetenv (NAME_VARIABLE);
}

static FerrySender *
get_sender (const char *name)
{
  g_autoptr (GError) error = NULL;
  FerrySender *sender = ferry_attachment_get_sender (name, &error);

  if (sender == NULL)
    give_up (error);
  return sender;
}

static G_GNUC_NORETURN void
serve (FerryDownlink *downlink)
{
  FerryServe *self;
  GError *error = NULL;

  /* A terminal sends it to all that it started, and it is for the application to say what becomes of its workers. */
  signal (SIGINT, SIG_IGN);
  calls = get_sender (FERRY_CALLS_SENDER);
  progress = get_sender (FERRY_PROGRESS_SENDER);
  self = ferry_serve_new (downlink, calls, progress);
  if (!ferry_serve_run (self, &error) && !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    give_up (error);
  g_clear_error (&error);
  ferry_serve_free (self);
  ferry_worker_exit (EXIT_SUCCESS);
}

static void
prepare (void)
{
  if (forked_by_fork_server)
    return;
  take_name ();
  run_initialisers (NULL);
}

static G_GNUC_NORETURN void
serve_transport (void)
{
  signal (SIGINT, SIG_IGN);
  prepare ();
  ferry_worker_exit (server.serve ());
}

/* While the library is loaded. */
void
ferry_worker_main_set_server (const char *transport, FerryTransportServeFunc func)
{
  server = (Server){transport, func};
}

/* any */
gboolean
ferry_worker_main_was_called (void)
{
  return was_called;
}

/* fork server: makes the classes that each worker needs, which then inherits them. */
static void
make_classes (void)
{
  g_type_class_unref (g_type_class_ref (FERRY_TYPE_SENDER));
  g_type_class_unref (g_type_class_ref (FERRY_TYPE_JOB));
}

/* Returns in the fork server's workers, each of which has what the initialisers left. */
static void
be_fork_server (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  ferry_fork_server_set_arguments (argc, argv);
  make_classes ();
  run_initialisers (ferry_fork_server_note_initialiser);
  ferry_fork_server_set_warm_up (ferry_warm_up);
  if (ferry_fork_server_run (&error) < 0)
    give_up (error);
  forked_by_fork_server = TRUE;
}

/**
 * ferry_worker_main:
 * @argc: (inout) (optional): the number of arguments of `main()`
 * @argv: (inout) (array length=argc) (optional) (nullable): the arguments of `main()`
 *
 * Has a program be its own workers. To be called at the beginning of `main()`, after the functions were registered and
 * the initialisers added, and before anything starts a thread or opens a display.
 *
 * In the application, this does nothing and returns %FALSE. In a worker that is to serve calls, and in a fork server,
 * it does not return: the process serves until the application is done with it or gone, and exits. In one that was
 * started for a channel it does not return either, and the process ends with its function. In a worker that was passed
 * other senders only, it returns %FALSE as well, and [func@Ferry.Worker.get_sender] and
 * [func@Ferry.Worker.get_transport] give them.
 *
 * A worker that serves ignores `SIGINT`: what Ctrl-C means is the application's to say. A process that one of its
 * functions executes inherits that. One that cannot go on, since application and worker are of versions that do not
 * fit or it got a transport before, says so on standard error and exits with status 76, which is `EX_PROTOCOL`.
 *
 * A process that was executed ends by `exit()`. One that a fork server forked flushes its standard streams and ends by
 * `_exit()`, so that what its fork server has registered with `atexit()` is not done once for each worker.
 *
 * The first thread of the process.
 *
 * Returns: %FALSE where the program is to go on
 *
 * Since: 0.1
 */
gboolean
ferry_worker_main (int *argc, char ***argv)
{
  g_autoptr (GError) error = NULL;
  FerryDownlink *downlink;

  was_called = TRUE;
  if (ferry_fork_server_is_asked_for ())
    be_fork_server (argc != NULL ? *argc : 0, argv != NULL ? *argv : NULL);
  if (!ferry_attachment_is_possible ())
    return FALSE;
  if (ferry_attachment_get_downlink (&error) == NULL)
    give_up (error);
  if (server.serve != NULL && ferry_worker_has_transport (server.transport))
    serve_transport ();
  if (!ferry_attachment_has_sender (FERRY_CALLS_SENDER))
    return FALSE;
  downlink = ferry_attachment_take_downlink (FERRY_DOWNLINK_SERVES, FERRY_CALLS_SENDER, &error);
  if (downlink == NULL)
    give_up (error);
  prepare ();
  serve (downlink);
}

/**
 * ferry_worker_exit:
 * @status: the exit status
 *
 * Ends the worker from within, as a function may want to: what was sent arrives, its senders are stopped, the standard
 * streams are flushed, and the process exits. The call that it was serving fails for the application with
 * %FERRY_ERROR_WORKER_LOST. Any thread may call this. In a process that is no worker of Ferry's, it is `exit()`.
 *
 * Since: 0.1
 */
void
ferry_worker_exit (int status)
{
  if (calls != NULL)
    ferry_sender_stop (calls, NULL);
  if (progress != NULL)
    ferry_sender_stop (progress, NULL);
  if (!forked_by_fork_server)
    exit (status);
  fflush (NULL);
  _exit (status);
}
