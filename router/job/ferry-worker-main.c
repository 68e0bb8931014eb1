/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decides the role of the program in this process, application or worker: ferry_worker_main(). It is the application, a
 * fork server, a worker that serves calls, a worker of a channel, or a plain worker.
 *
 * A worker attaches before its initialisers run. So a difference of versions is found first, and a slow initialiser is
 * not taken for a worker that hangs at its start. A plain worker runs no initialisers.
 *
 * Threads: the first thread of the process, before there are others; any thread for ferry_worker_exit(). */

#include "config.h"

#include "job/ferry-worker-main-private.h"

#include "process/ferry-attributes-private.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sysexits.h>

#include "base/ferry-base-private.h"
#include "call/ferry-link-transport-private.h"
#include "job/ferry-function-private.h"
#include "job/ferry-job.h"
#include "job/ferry-map-function-private.h"
#include "job/ferry-serve-private.h"
#include "process/ferry-attachment-private.h"
#include "process/ferry-crash-private.h"
#include "process/ferry-fork-server-main-private.h"
#include "route/ferry-sender-private.h"
#include "wire/ferry-task-call-private.h"

#define WARM_UP_FUNCTION "ferry.warm-up"

typedef struct
{
  char *name; /* (owned) */
  FerryInitialiser func;
  gpointer user_data;
} Initialiser;

typedef struct
{
  FerryForkHandler func;
  gpointer user_data;
} ForkHandler;

static GArray *initialisers;  /* (element-type Initialiser) (nullable) */
static GArray *fork_handlers; /* (element-type ForkHandler) (nullable) */

/* Set by ferry_worker_main_set_server(). Both are const once the library is loaded. */
static const char *server_transport;
static FerryTransportServeFunc serve_func;

static gboolean was_called; /* set on the first thread, before there are others */

/* The senders of a worker that serves calls. They are set before it serves, and never changed. */
static FerrySender *calls;
static FerrySender *progress;
static gboolean forked_by_fork_server;

/**
 * ferry_worker_add_initialiser:
 * @name: the name of the initialiser, for error messages
 * @initialiser: (scope notified) (closure user_data) (destroy destroy): a function that prepares the program
 * @user_data: (nullable): data for @initialiser
 * @destroy: (nullable): for languages that need one; it is not called, since initialisers stay until the process ends
 *
 * Adds a function that prepares the program for the calls that it will serve. The functions run in the order in which
 * they are added. Must be called before [func@Ferry.Worker.main], by the thread that calls that function.
 *
 * Initialisers run in workers that serve calls, and in a fork server: its workers inherit what the initialisers
 * prepared. When an initialiser fails, the process writes the error to standard error and exits with status 70
 * (`EX_SOFTWARE`).
 */
void
ferry_worker_add_initialiser (const char *name, FerryInitialiser initialiser, gpointer user_data,
                              GDestroyNotify destroy)
{
  Initialiser entry = {NULL, initialiser, user_data};

  g_return_if_fail (name != NULL);
  g_return_if_fail (initialiser != NULL);

  if (initialisers == NULL)
    initialisers = g_array_new (FALSE, FALSE, sizeof entry);
  entry.name = g_strdup (name);
  g_array_append_val (initialisers, entry);
}

/**
 * ferry_worker_add_fork_handler:
 * @handler: (scope notified) (closure user_data) (destroy destroy): a function for each forked child
 * @user_data: (nullable): data for @handler
 * @destroy: (nullable): for languages that need one; it is not called, since handlers stay until the process ends
 *
 * Adds a function that is called in each child that Ferry forks from this process. Such a child is a copy. So children
 * of one process draw the same random numbers, unless a handler draws a new seed. Ferry itself draws new seeds for
 * `random()`, `drand48()` and GLib. Python's own handlers (`os.register_at_fork()`) run where a handler calls
 * `PyOS_AfterFork_Child()`.
 *
 * The handlers are called in the order in which they were added, in these children:
 *
 * - In a worker that a fork server has forked, after the worker has attached. The worker has its name, environment,
 *   folder, limits and standard streams. Its functions run later, as does what follows [func@Ferry.Worker.main].
 * - In a child of `ferry_channel_create()`, before that function returns.
 *
 * An executed worker is no copy, and calls no handler. A handler runs on the child's first thread. A handler must not
 * use the parent's objects of Ferry. In a worker it may start threads, and call [func@Ferry.Worker.exit].
 *
 * Must be called before [func@Ferry.Worker.main], or in an initialiser, by the thread that calls that function.
 */
void
ferry_worker_add_fork_handler (FerryForkHandler handler, gpointer user_data, GDestroyNotify destroy)
{
  ForkHandler entry = {handler, user_data};

  g_return_if_fail (handler != NULL);

  if (fork_handlers == NULL)
    fork_handlers = g_array_new (FALSE, FALSE, sizeof entry);
  g_array_append_val (fork_handlers, entry);
}

void
ferry_worker_main_handle_fork (void)
{
  for (guint i = 0; fork_handlers != NULL && i < fork_handlers->len; i++)
    {
      const ForkHandler *handler = &g_array_index (fork_handlers, ForkHandler, i);

      handler->func (handler->user_data);
    }
}

/* Runs all initialisers. note (nullable) is called after each of them, with its name. */
static void
run_initialisers (void (*note) (const char *name))
{
  for (guint i = 0; initialisers != NULL && i < initialisers->len; i++)
    {
      const Initialiser *initialiser = &g_array_index (initialisers, Initialiser, i);
      g_autoptr (GError) error = NULL;

      if (!initialiser->func (initialiser->user_data, &error))
        {
          g_printerr ("%s: initialiser '%s' failed: %s\n", program_invocation_short_name, initialiser->name,
                      error != NULL ? error->message : "it set no error");
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

static FerrySender *
get_sender (const char *name)
{
  g_autoptr (GError) error = NULL;
  FerrySender *sender = ferry_attachment_get_sender (name, &error);

  if (sender == NULL)
    give_up (error);
  return sender;
}

static void
handle_interrupt (int signal_number)
{
}

/* A terminal may send SIGINT to the workers too, but the application decides when its workers end. A handler is not
 * inherited by what a function executes; an ignored signal would be. */
static void
withstand_interrupts (void)
{
  struct sigaction action = {.sa_handler = handle_interrupt, .sa_flags = SA_RESTART};

  sigaction (SIGINT, &action, NULL);
}

static G_GNUC_NORETURN void
serve (FerryDownlink *downlink)
{
  FerryServe *self;
  GError *error = NULL;

  withstand_interrupts ();
  calls = get_sender (FERRY_CALLS_SENDER);
  progress = get_sender (FERRY_PROGRESS_SENDER);
  self = ferry_serve_new (downlink, calls, progress);
  if (!ferry_serve_run (self, &ferry_map_function, &error) && !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    give_up (error);
  g_clear_error (&error);
  ferry_serve_free (self);
  ferry_worker_exit (EXIT_SUCCESS);
}

static void
prepare (void)
{
  const char *name = g_getenv (FERRY_WORKER_NAME_VARIABLE);

  if (forked_by_fork_server)
    return;
  if (name != NULL)
    prctl (PR_SET_NAME, name);
  g_unsetenv (FERRY_WORKER_NAME_VARIABLE);
  run_initialisers (NULL);
}

void
ferry_worker_main_set_server (const char *transport, FerryTransportServeFunc func)
{
  server_transport = transport;
  serve_func = func;
}

gboolean
ferry_worker_main_was_called (void)
{
  return was_called;
}

gboolean
ferry_worker_main_serves (void)
{
  return calls != NULL;
}

static GVariant *
do_nothing (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_report (job, 1, WARM_UP_FUNCTION, NULL);
  return g_variant_new ("(s)", WARM_UP_FUNCTION);
}

static void
ask (FerryLink *link, guint64 connection_id)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new ("(s)", WARM_UP_FUNCTION));
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REQUEST, 1, WARM_UP_FUNCTION, arguments);
  ferry_link_send (link, connection_id, parts, ferry_call_message_get_parts (&message, parts));
  ferry_link_send_finish (link);
}

/* Runs in a pre-forked child: serves one call over a link with both ends in this process.
 *
 * After a fork, the first write to a page copies the page, and the first read maps it. Between the fork of a worker and
 * its first answer, about 60 pages are used for the first time, which takes longer than the fork itself. A pre-forked
 * child uses these pages while it waits for its request. */
static void
warm_up (void)
{
  const guint64 connection_ids[2] = {1, 2};
  const guint32 cells[2] = {FERRY_NO_CELL, 0};
  g_autoptr (FerryLink) link =
    ferry_link_new ("warm-up", connection_ids, cells, 2, FERRY_MIN_LANE_CAPACITY, 0, FERRY_BLOCK_SIZE, NULL);
  g_autoptr (FerryServe) serve = link != NULL ? ferry_serve_new_local (link, connection_ids, NULL, NULL) : NULL;

  if (serve == NULL)
    return;
  ferry_function_register (WARM_UP_FUNCTION, "(s)", "(s)", do_nothing);
  ask (link, connection_ids[0]);
  ferry_serve_run (serve, &ferry_map_function, NULL);
  ferry_function_forget (WARM_UP_FUNCTION);
}

/* Makes this process a fork server. Returns only in its workers, which inherit what the initialisers prepared. */
static void
be_fork_server (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  ferry_fork_server_set_arguments (argc, argv);
  /* Creates the classes that each worker needs, so that the workers inherit them. */
  g_type_class_unref (g_type_class_ref (FERRY_TYPE_SENDER));
  g_type_class_unref (g_type_class_ref (FERRY_TYPE_JOB));
  /* What initialisers install over these, such as Python's, gives them back to a worker. */
  ferry_crash_prepare ();
  ferry_fork_server_note_begin ();
  run_initialisers (ferry_fork_server_note_initialiser);
  if (ferry_fork_server_run (warm_up, &error) < 0)
    give_up (error);
  forked_by_fork_server = TRUE;
}

/**
 * ferry_worker_main:
 * @argc: (inout) (optional): the number of arguments of `main()`
 * @argv: (inout) (array length=argc) (transfer none) (optional) (nullable): the arguments of `main()`
 *
 * Turns the process into a worker, if an application started it as one. It may be one that serves calls, a worker of a
 * channel, or a fork server. Then it does not return: the process serves, and exits when the application finishes its
 * link or ends, or when the channel's function returns. In any other process it does nothing and returns.
 *
 * A program calls it as a statement, at the beginning of `main()`. By then it has registered its functions and added
 * its initialisers. It has not read its arguments, started a thread or opened a display. What stands behind it is the
 * application, in a program that is its own worker. In a program that is only a worker, it is an error: a person
 * started the program.
 *
 * ```c
 * ferry_function_register ("square", "x", "x", square);
 * ferry_worker_main (&argc, &argv);
 * g_printerr ("An application starts this program.\n");
 * return 1;
 * ```
 *
 * It returns also in a worker that was passed only senders or transports of the application's own. The worker gets them
 * by [func@Ferry.Worker.get_sender] and [func@Ferry.Worker.get_transport], behind this call. A fork server, which is
 * not the worker yet, has neither.
 *
 * `SIGINT` does nothing in a worker that serves, since the application decides what Ctrl-C does. In programs that its
 * functions execute, the signal has its usual effect. A worker writes an error to standard error and exits with status
 * 76 (`EX_PROTOCOL`) when its version of Ferry does not fit the application's. It also does when the program got a
 * transport before it called this function.
 *
 * Standard output of a worker is buffered by lines, as on a terminal, since the application shows each line.
 *
 * An executed worker ends by `exit()`. A forked worker flushes its standard streams and ends by `_exit()`. So the
 * `atexit()` functions of its fork server do not run in each worker.
 *
 * The first thread of the process must call this.
 *
 * Returns: always %FALSE, so that no caller needs to look at it: a call that returns has found no worker that serves
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
  /* The application shows what is printed line by line, and a crash loses none. */
  setvbuf (stdout, NULL, _IOLBF, 0);
  if (ferry_attachment_get_downlink (&error) == NULL)
    give_up (error);
  if (forked_by_fork_server)
    ferry_worker_main_handle_fork ();
  if (serve_func != NULL && ferry_worker_has_transport (server_transport))
    {
      withstand_interrupts ();
      prepare ();
      ferry_worker_exit (serve_func ());
    }
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
 * Ends the worker from one of its functions: stops its senders, flushes the standard streams, and exits. Messages that
 * were sent before are delivered. The call that the worker serves fails in the application with
 * %FERRY_ERROR_WORKER_LOST. In a process that is not a worker, this function calls `exit()`. Any thread may call this.
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
