/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-mux.c, call/ferry-transport.c
 *
 * What goes wrong with Mux and DeMux of old does not go wrong here, over transports of each kind, with nothing but what
 * is public at the asking end. docs/migrating/mux-demux.md has the list.
 *
 * The other end answers in this process, or over the lanes of a worker's link in another one, which is this program. */

#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call/transport-test.h"
#include "conversation/mux-outcome.h"
#include "wire/ferry-call-message-private.h"

#define N_CROWD 64
#define N_THREADS 4
#define HOUR (3600 * (gint64) G_USEC_PER_SEC)

/* ---- the other end ---- */

static FerryDemux *answering; /* the process has one at a time */

static void
echo (FerryInvocation *invocation, gpointer transport)
{
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

static void
forge_answer (FerryTransport *transport, FerryCallKind kind, guint64 xid)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_uint32 (666));
  FerryCallMessage message;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  GOutputVector vectors[FERRY_CALL_MAX_PARTS];
  guint n_parts;

  ferry_call_message_init (&message, kind, xid, NULL, value);
  n_parts = ferry_call_message_get_parts (&message, parts);
  for (guint i = 0; i < n_parts; i++)
    vectors[i] = (GOutputVector){parts[i].data, parts[i].size};
  g_assert_true (FERRY_TRANSPORT_GET_CLASS (transport)->send (transport, vectors, n_parts, NULL));
}

/* Answers what was not asked, and what was answered before, and then what was asked. */
static void
be_strange (FerryInvocation *invocation, gpointer transport)
{
  for (guint i = 0; i < 10; i++)
    {
      forge_answer (transport, FERRY_CALL_ANSWER, G_MAXUINT64 / 2 + i);
      forge_answer (transport, FERRY_CALL_ITEM, G_MAXUINT64 - 1 - i);
      forge_answer (transport, FERRY_CALL_ANSWER, 1);
    }
  echo (invocation, transport);
}

/* The answer and the end come together. */
static void
answer_and_go (FerryInvocation *invocation, gpointer transport)
{
  echo (invocation, transport);
  if (ferry_worker_get_transport ("calls", NULL) != NULL)
    _exit (0);
  ferry_transport_close (transport);
}

/* Together, more than is taken out of a lane while nothing dispatches. */
static void
answer_much_and_die (FerryInvocation *invocation, gpointer transport)
{
  static const guint8 bytes[10000] = {0};
  static guint n_answered;

  ferry_invocation_return_value (invocation, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1));
  if (++n_answered == N_CROWD)
    raise (SIGKILL);
}

static void
wait_for_ever (FerryInvocation *invocation, gpointer transport)
{
  GCancellable *cancellable = ferry_invocation_get_cancellable (invocation);
  GPollFD poll_fd;

  g_assert_true (g_cancellable_make_pollfd (cancellable, &poll_fd));
  g_poll (&poll_fd, 1, -1);
  g_cancellable_release_fd (cancellable);
  ferry_invocation_return_value (invocation, NULL);
}

/* The first one stops the demux, once all the others wait behind it. */
static void
stop_before_the_crowd (FerryInvocation *invocation, gpointer transport)
{
  while (ferry_test_get_number (answering, "n-pending") < N_CROWD - 1)
    g_thread_yield ();
  ferry_demux_stop (answering);
  echo (invocation, transport);
}

static _Atomic guint n_inside;
static _Atomic guint most_inside;
static _Atomic gboolean all_came;

/* Returns when all requests have come, be they begun or waiting. */
static void
be_in_the_crowd (FerryInvocation *invocation, gpointer transport)
{
  guint n = atomic_fetch_add (&n_inside, 1) + 1;
  guint most = atomic_load (&most_inside);

  while (n > most && !atomic_compare_exchange_weak (&most_inside, &most, n))
    ;
  while (!atomic_load (&all_came))
    {
      guint inside = atomic_load (&n_inside);

      if (inside >= N_THREADS && inside + ferry_test_get_number (answering, "n-pending") == N_CROWD)
        atomic_store (&all_came, TRUE);
      g_thread_yield ();
    }
  /* Were there no bound, more would come in now. */
  for (guint i = 0; i < 2000; i++)
    g_thread_yield ();
  atomic_fetch_sub (&n_inside, 1);
  ferry_invocation_return_value (invocation, g_variant_new_uint32 (atomic_load (&most_inside)));
}

static void
raise_error (FerryInvocation *invocation, gpointer transport)
{
  ferry_invocation_return_new_error (invocation, G_FILE_ERROR, G_FILE_ERROR_NOENT, "process %d", (int) getpid ());
}

typedef enum
{
  DISPATCHER_POOL,
  DISPATCHER_RECEIVING_THREAD,
  N_CREWS,
} Dispatcher;

static FerryDemux *
new_demux (FerryTransport *transport, Dispatcher dispatcher, guint n_threads)
{
  static const struct
  {
    const char *method;
    FerryDemuxHandler func;
  } handlers[] = {
    {"echo", echo},          {"strange", be_strange},       {"go", answer_and_go},
    {"wait", wait_for_ever}, {"crowd", be_in_the_crowd},    {"stop", stop_before_the_crowd},
    {"raise", raise_error},  {"much", answer_much_and_die},
  };
  FerryDemux *demux = ferry_demux_new (transport);

  for (guint i = 0; i < G_N_ELEMENTS (handlers); i++)
    ferry_demux_add_handler (demux, handlers[i].method, handlers[i].func, transport, NULL);
  ferry_demux_set_threads (demux, dispatcher == DISPATCHER_POOL ? (int) n_threads : 0);
  n_inside = 0;
  most_inside = 0;
  all_came = FALSE;
  answering = demux;
  g_assert_true (ferry_demux_start (demux, NULL));
  return demux;
}

static int
be_worker (char **argv)
{
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("calls", NULL);
  g_autoptr (FerryDemux) demux = new_demux (transport, (Dispatcher) atoi (argv[2]), (guint) atoi (argv[3]));

  ferry_transport_wait_closed (transport);
  return EXIT_SUCCESS;
}

/* ---- both ends ---- */

typedef struct
{
  FerryTransport *here;  /* (owned) */
  FerryTransport *there; /* (owned) (nullable): in this process */
  FerryMux *mux;         /* (owned) */
  FerryDemux *demux;     /* (owned) (nullable): in this process */
  FerryRouter *router;   /* (owned) (nullable): of a worker, as the next one */
  FerryWorker *worker;
  guint n_fds; /* open before */
} Scene;

static void
start_worker (Scene *self, Dispatcher dispatcher, guint n_threads)
{
  const char dispatcher_text[] = {(char) ('0' + dispatcher), '\0'};
  const char threads_text[] = {(char) ('0' + n_threads), '\0'};
  const char *const argv[] = {"/proc/self/exe", "worker", dispatcher_text, threads_text, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new ();
  self->here = ferry_launcher_add_transport (launcher, self->router, "calls", &error);
  g_assert_no_error (error);
  self->worker = ferry_launcher_spawn (launcher, self->router, &error);
  g_assert_no_error (error);
}

/* kind: NULL for the lanes of a worker. */
static Scene *
scene_new (const TransportTestKind *kind, Dispatcher dispatcher, guint n_threads)
{
  Scene *self = g_new0 (Scene, 1);

  self->n_fds = ferry_test_count_fds ();
  if (kind == NULL)
    start_worker (self, dispatcher, n_threads);
  else
    {
      kind->connect (&self->here, &self->there);
      self->demux = new_demux (self->there, dispatcher, n_threads);
    }
  self->mux = ferry_mux_new (self->here);
  return self;
}

static void
set_flag (GObject *source, GAsyncResult *result, gpointer data)
{
  *(gboolean *) data = TRUE;
}

static void
scene_free (Scene *self)
{
  gboolean stopped = FALSE;

  g_assert_cmpuint (ferry_test_get_number (self->mux, "n-in-flight"), ==, 0);
  ferry_transport_close (self->here);
  if (self->demux != NULL)
    {
      ferry_demux_stop_async (self->demux, NULL, set_flag, &stopped);
      ferry_test_wait_flag (&stopped);
    }
  if (self->worker != NULL)
    ferry_test_wait_ended (self->worker);
  g_clear_object (&self->worker);
  g_clear_object (&self->mux);
  g_clear_object (&self->demux);
  g_clear_object (&self->here);
  g_clear_object (&self->there);
  if (self->router != NULL)
    ferry_test_router_stop (self->router);
  transport_test_wait_left (0, self->n_fds);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

static void
assert_answers (Scene *scene)
{
  g_auto (MuxOutcome) outcome = {0};

  mux_outcome_ask (scene->mux, "echo", 1, -1, NULL, &outcome);
  mux_outcome_wait (&outcome, 1);
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (outcome.most, ==, 7);
}

/* ---- faults ---- */

static void
an_answer_of_an_unknown_call_ends_nothing (gconstpointer kind)
{
  g_autoptr (Scene) scene = scene_new (kind, DISPATCHER_POOL, 1);
  g_auto (MuxOutcome) outcome = {0};

  assert_answers (scene);
  mux_outcome_ask (scene->mux, "strange", 3, -1, NULL, &outcome);
  mux_outcome_wait (&outcome, 3);
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (outcome.most, ==, 7);
  g_assert_cmpuint (ferry_test_get_number (scene->mux, "n-unknown"), ==, 60);
  g_assert_cmpuint (ferry_test_get_number (scene->mux, "n-late"), ==, 30);
  assert_answers (scene);
}

static void
an_answer_that_comes_with_the_hang_up_is_heard (gconstpointer kind)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (Scene) scene = scene_new (kind, DISPATCHER_POOL, 1);
      g_auto (MuxOutcome) outcome = {0};
      g_auto (MuxOutcome) later = {0};

      mux_outcome_ask (scene->mux, "go", 1, -1, NULL, &outcome);
      mux_outcome_wait (&outcome, 1);
      g_assert_no_error (outcome.error);
      g_assert_cmpuint (outcome.most, ==, 7);
      mux_outcome_ask (scene->mux, "echo", 1, -1, NULL, &later);
      mux_outcome_wait (&later, 1);
      g_assert_nonnull (later.error);
    }
}

static void
a_deadline_ends_the_waiting (gconstpointer kind)
{
  g_autoptr (Scene) scene = scene_new (kind, DISPATCHER_POOL, 1);
  g_auto (MuxOutcome) outcome = {0};

  mux_outcome_ask (scene->mux, "wait", 5, G_USEC_PER_SEC / 50, NULL, &outcome);
  mux_outcome_wait (&outcome, 5);
  g_assert_cmpuint (outcome.n_good, ==, 0);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  /* The one thread there heard of it. */
  assert_answers (scene);
}

static void
a_cancel_ends_the_waiting (gconstpointer kind)
{
  g_autoptr (Scene) scene = scene_new (kind, DISPATCHER_POOL, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (MuxOutcome) outcome = {0};

  mux_outcome_ask (scene->mux, "wait", 5, HOUR, cancellable, &outcome);
  g_cancellable_cancel (cancellable);
  mux_outcome_wait (&outcome, 5);
  g_assert_cmpuint (outcome.n_good, ==, 0);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_answers (scene);
}

static void
a_demux_that_stops_answers_what_waits (gconstpointer kind)
{
  g_autoptr (Scene) scene = scene_new (kind, DISPATCHER_POOL, 1);
  g_auto (MuxOutcome) outcome = {0};
  g_auto (MuxOutcome) later = {0};

  mux_outcome_ask (scene->mux, "stop", N_CROWD, -1, NULL, &outcome);
  mux_outcome_wait (&outcome, N_CROWD);
  g_assert_cmpuint (outcome.n_good, ==, 1);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_REFUSED);
  mux_outcome_ask (scene->mux, "echo", 1, -1, NULL, &later);
  mux_outcome_wait (&later, 1);
  g_assert_error (later.error, FERRY_ERROR, FERRY_ERROR_REFUSED);
}

static void
threads_are_bounded (gconstpointer kind)
{
  g_autoptr (Scene) scene = scene_new (kind, DISPATCHER_POOL, N_THREADS);
  g_auto (MuxOutcome) outcome = {0};

  mux_outcome_ask (scene->mux, "crowd", N_CROWD, -1, NULL, &outcome);
  mux_outcome_wait (&outcome, N_CROWD);
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (outcome.most, ==, N_THREADS);
}

static void
an_error_has_its_trace_whoever_runs_the_handler (gconstpointer kind)
{
  for (Dispatcher dispatcher = DISPATCHER_POOL; dispatcher < N_CREWS; dispatcher++)
    {
      g_autoptr (Scene) scene = scene_new (kind, dispatcher, 1);
      g_auto (MuxOutcome) outcome = {0};
      g_autofree char *trace = NULL;
      g_autofree char *place = NULL;

      mux_outcome_ask (scene->mux, "raise", 1, -1, NULL, &outcome);
      mux_outcome_wait (&outcome, 1);
      g_assert_error (outcome.error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
      trace = ferry_error_get_trace (outcome.error);
      g_assert_nonnull (trace);
      place = g_strdup_printf ("in function 'raise' of %s (", outcome.error->message);
      g_assert_nonnull (strstr (trace, place));
    }
}

/* The worker is gone, and its end known to what reaped it, while most of it lies in its lane. */
static void
what_lies_in_the_lane_of_a_dead_worker_is_heard (void)
{
  g_autoptr (Scene) scene = scene_new (NULL, DISPATCHER_POOL, 1);
  g_auto (MuxOutcome) outcome = {0};
  GPid pid;

  assert_answers (scene);
  pid = ferry_test_get_process (scene->worker);
  mux_outcome_ask (scene->mux, "much", N_CROWD, -1, NULL, &outcome);
  while (kill (pid, 0) == 0)
    g_thread_yield ();
  mux_outcome_wait (&outcome, N_CROWD);
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (outcome.n_good, ==, N_CROWD);
}

static const TransportTestFact facts[] = {
  {"an-answer-of-an-unknown-call-ends-nothing", an_answer_of_an_unknown_call_ends_nothing},
  {"an-answer-that-comes-with-the-hang-up-is-heard", an_answer_that_comes_with_the_hang_up_is_heard},
  {"a-deadline-ends-the-waiting", a_deadline_ends_the_waiting},
  {"a-cancel-ends-the-waiting", a_cancel_ends_the_waiting},
  {"a-demux-that-stops-answers-what-waits", a_demux_that_stops_answers_what_waits},
  {"threads-are-bounded", threads_are_bounded},
  {"an-error-has-its-trace-whoever-runs-the-handler", an_error_has_its_trace_whoever_runs_the_handler},
};

static void
add_facts_of_lanes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    {
      g_autofree char *path = g_strconcat ("/mux-faults/lanes/", facts[i].name, NULL);

      g_test_add_data_func (path, NULL, facts[i].func);
    }
  g_test_add_func ("/mux-faults/lanes/what-lies-in-the-lane-of-a-dead-worker-is-heard",
                   what_lies_in_the_lane_of_a_dead_worker_is_heard);
}

int
main (int argc, char **argv)
{
  if (argc > 1 && strcmp (argv[1], "worker") == 0)
    return be_worker (argv);
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  mux_outcome_open_descriptors ();
  transport_test_add_facts ("mux-faults", facts, G_N_ELEMENTS (facts));
  add_facts_of_lanes ();
  return g_test_run ();
}
