/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-team.c, conversation/ferry-demux.c
 *
 * Handlers in a worker run where their requests are received, and hold up nothing when they take long: neither requests
 * nor cancels, nor a stop. The worker is this program. */

#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "call/ferry-link-transport.h"
#include "conversation/ferry-demux-private.h"
#include "conversation/ferry-mux-private.h"
#include "ferry-test.h"
#include "process/ferry-worker.h"

#define N_AT_A_TIME 4
#define N_QUICK 300
#define N_WAITING 50
#define N_FLOOD 4000
#define IN_FLIGHT 32
#define N_EARLY 5
#define N_LATER 20

/* ---- the worker ---- */

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static gboolean gate_is_open;
static gboolean is_started; /* gate_lock: the start of the demux has returned */
static guint n_inside;
static guint most_inside;
static GArray *order; /* gate_lock: (element-type guint32): the arguments of "append" */
static FerryDemux *answering;
static FerryMux *asking;

static guint32
get_number (FerryInvocation *invocation)
{
  return g_variant_get_uint32 (ferry_invocation_get_arguments (invocation));
}

static void
echo (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

/* 0: returns at once; else when the gate is open. */
static void
pass (FerryInvocation *invocation, gpointer data)
{
  pthread_mutex_lock (&gate_lock);
  while (get_number (invocation) > 0 && !gate_is_open)
    pthread_cond_wait (&gate_changed, &gate_lock);
  pthread_mutex_unlock (&gate_lock);
  echo (invocation, data);
}

static void
open_gate (FerryInvocation *invocation, gpointer data)
{
  pthread_mutex_lock (&gate_lock);
  gate_is_open = TRUE;
  pthread_cond_broadcast (&gate_changed);
  pthread_mutex_unlock (&gate_lock);
  echo (invocation, data);
}

/* 0: returns at once; else when it is cancelled. */
static void
hang (FerryInvocation *invocation, gpointer data)
{
  while (get_number (invocation) > 0 && !ferry_invocation_is_cancelled (invocation))
    g_thread_yield ();
  echo (invocation, data);
}

/* Waits for what the application answers. */
static void
ask_back (FerryInvocation *invocation, gpointer data)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  if (get_number (invocation) > 0)
    result = ferry_mux_transact (asking, "echo", ferry_invocation_get_arguments (invocation), -1, NULL, &error);
  if (error != NULL)
    ferry_invocation_return_error (invocation, error);
  else
    echo (invocation, data);
}

static void
append (FerryInvocation *invocation, gpointer data)
{
  const guint32 number = get_number (invocation);

  pthread_mutex_lock (&gate_lock);
  g_array_append_val (order, number);
  pthread_mutex_unlock (&gate_lock);
  echo (invocation, data);
}

/* Whether the numbers came in order, as many as the argument says. */
static void
check_order (FerryInvocation *invocation, gpointer data)
{
  gboolean is_right;

  pthread_mutex_lock (&gate_lock);
  is_right = order->len == get_number (invocation);
  for (guint i = 0; i < order->len; i++)
    is_right = is_right && g_array_index (order, guint32, i) == i;
  pthread_mutex_unlock (&gate_lock);
  ferry_invocation_return_value (invocation, g_variant_new_uint32 (is_right));
}

/* Spins as long as the argument says, in microseconds. Returns how many such handlers ran at a time, at most. */
static void
work (FerryInvocation *invocation, gpointer data)
{
  const gint64 end = g_get_monotonic_time () + get_number (invocation);
  guint32 most;

  pthread_mutex_lock (&gate_lock);
  n_inside++;
  most = most_inside = MAX (most_inside, n_inside);
  pthread_mutex_unlock (&gate_lock);
  while (g_get_monotonic_time () < end)
    ;
  pthread_mutex_lock (&gate_lock);
  n_inside--;
  pthread_mutex_unlock (&gate_lock);
  ferry_invocation_return_value (invocation, g_variant_new_uint32 (most));
}

static void
stop (FerryInvocation *invocation, gpointer data)
{
  ferry_demux_stop (answering);
  open_gate (invocation, data);
}

/* Whether this thread blocks the signal. */
static void
get_mask (FerryInvocation *invocation, gpointer data)
{
  sigset_t blocked;

  pthread_sigmask (SIG_SETMASK, NULL, &blocked);
  ferry_invocation_return_value (
    invocation, g_variant_new_uint32 ((guint32) sigismember (&blocked, (int) get_number (invocation))));
}

/* Whether this thread is the one that receives. */
static void
receives (FerryInvocation *invocation, gpointer data)
{
  char name[16] = "";

  pthread_getname_np (pthread_self (), name, sizeof name);
  ferry_invocation_return_value (invocation, g_variant_new_uint32 (g_str_equal (name, "ferry-reader")));
}

static gpointer
drop_demux (gpointer data)
{
  g_object_unref (answering);
  return NULL;
}

/* Answers when the last reference is dropped, on another thread. While it starts, the demux has one more. */
static void
drop (FerryInvocation *invocation, gpointer data)
{
  pthread_mutex_lock (&gate_lock);
  while (!is_started)
    pthread_cond_wait (&gate_changed, &gate_lock);
  pthread_mutex_unlock (&gate_lock);
  g_thread_join (g_thread_new ("drop", drop_demux, NULL));
  echo (invocation, data);
}

typedef struct
{
  GThreadFunc func;
  gpointer data;
} Thread;

/* Begins when all of N_EARLY and N_LATER were received. */
static gpointer
slow_thread (gpointer data)
{
  g_autofree Thread *self = data;

  while (ferry_demux_get_n_received (answering) < N_EARLY + N_LATER)
    g_thread_yield ();
  return self->func (self->data);
}

static GThread *
start_slowly (const char *name, GThreadFunc func, gpointer data, GError **error)
{
  Thread *thread = g_new (Thread, 1);

  *thread = (Thread){func, data};
  return g_thread_try_new (name, slow_thread, thread, error);
}

/* Has the demux start with N_EARLY requests, of which none begins before the later ones have come. */
static void
start_behind_requests (FerryTransport *transport)
{
  while (ferry_transport_get_counts (transport).n_calls < N_EARLY)
    g_thread_yield ();
  ferry_demux_set_start_thread_func (answering, start_slowly);
  g_assert_true (ferry_demux_start (answering, NULL));
  g_assert_true (ferry_mux_send (asking, "started", NULL, -1, NULL, NULL));
}

static int
be_worker (char **argv)
{
  static const struct
  {
    const char *method;
    FerryDemuxHandler func;
  } handlers[] = {
    {"echo", echo},         {"pass", pass},     {"open", open_gate},    {"hang", hang},
    {"ask-back", ask_back}, {"append", append}, {"order", check_order}, {"work", work},
    {"stop", stop},         {"mask", get_mask}, {"drop", drop},         {"receives", receives},
  };
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("calls", NULL);
  sigset_t usr1;

  sigemptyset (&usr1);
  sigaddset (&usr1, SIGUSR1);
  pthread_sigmask (SIG_BLOCK, &usr1, NULL);
  order = g_array_new (FALSE, FALSE, sizeof (guint32));
  asking = ferry_mux_new (transport);
  answering = ferry_demux_new (transport);
  for (guint i = 0; i < G_N_ELEMENTS (handlers); i++)
    ferry_demux_add_handler (answering, handlers[i].method, handlers[i].func, NULL, NULL);
  if (atoi (argv[2]) > 0)
    ferry_demux_set_team (answering, (guint) atoi (argv[2]));
  if (argv[3] != NULL)
    start_behind_requests (transport);
  else
    g_assert_true (ferry_demux_start (answering, NULL));
  pthread_mutex_lock (&gate_lock);
  is_started = TRUE;
  pthread_cond_broadcast (&gate_changed);
  pthread_mutex_unlock (&gate_lock);
  ferry_transport_wait_closed (transport);
  /* What has no answer yet is not waited for. */
  _exit (EXIT_SUCCESS);
}

/* ---- the application ---- */

typedef struct
{
  FerryRouter *router;       /* (owned) */
  FerryTransport *transport; /* (owned) */
  FerryMux *mux;             /* (owned) */
  FerryDemux *demux;         /* (owned) */
  FerryWorker *worker;       /* (owned) */
  gboolean is_started;       /* a worker that starts its demux behind requests has done so */
} Scene;

static void
note_start (FerryInvocation *invocation, gpointer scene)
{
  ((Scene *) scene)->is_started = TRUE;
}

/* n_at_a_time: 0 for a demux as it is made; how (nullable): a worker that starts its demux behind requests. */
static void
scene_init_how (Scene *self, const char *n_at_a_time, const char *how)
{
  const char *const argv[] = {"/proc/self/exe", "worker", n_at_a_time, how, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new ();
  self->transport = ferry_launcher_add_transport (launcher, self->router, "calls", &error);
  g_assert_no_error (error);
  self->mux = ferry_mux_new (self->transport);
  self->demux = ferry_demux_new (self->transport);
  ferry_demux_set_context (self->demux, NULL);
  ferry_demux_add_handler (self->demux, "echo", echo, NULL, NULL);
  ferry_demux_add_handler (self->demux, "started", note_start, self, NULL);
  g_assert_true (ferry_demux_start (self->demux, NULL));
  self->worker = ferry_launcher_spawn (launcher, self->router, &error);
  g_assert_no_error (error);
}

static void
scene_init (Scene *self, const char *n_at_a_time)
{
  scene_init_how (self, n_at_a_time, NULL);
}

static void
scene_clear (Scene *self)
{
  g_clear_object (&self->mux);
  g_clear_object (&self->demux);
  g_clear_object (&self->transport);
  ferry_test_wait_ended (self->worker);
  g_clear_object (&self->worker);
  ferry_test_router_stop (self->router);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scene, scene_clear)

typedef struct
{
  gboolean is_done;
  guint32 value;
  GError *error; /* (owned) (nullable) */
} Answer;

static void
answered (GObject *mux, GAsyncResult *result, gpointer data)
{
  Answer *self = data;
  g_autoptr (GVariant) value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &self->error);

  if (value != NULL)
    self->value = g_variant_get_uint32 (value);
  self->is_done = TRUE;
}

static void
ask (Scene *self, const char *method, guint32 number, GCancellable *cancellable, Answer *answer)
{
  *answer = (Answer){FALSE, 0, NULL};
  ferry_mux_transact_async (self->mux, method, g_variant_new_uint32 (number), -1, cancellable, answered, answer);
}

static gboolean
is_done (gpointer answer)
{
  return ((Answer *) answer)->is_done;
}

static void
expect (Answer *answer, guint32 value)
{
  ferry_test_run_until (is_done, answer);
  g_assert_no_error (answer->error);
  g_assert_cmpuint (answer->value, ==, value);
}

static void
expect_refused (Answer *answer)
{
  ferry_test_run_until (is_done, answer);
  g_assert_error (answer->error, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_clear_error (&answer->error);
}

static void
expect_now (Scene *self, const char *method, guint32 number, guint32 value)
{
  Answer answer;

  ask (self, method, number, NULL, &answer);
  expect (&answer, value);
}

/* Afterwards, the handler is expected to return at once. */
static void
get_used_to (Scene *self, const char *method)
{
  for (guint i = 0; i < N_QUICK; i++)
    expect_now (self, method, 0, 0);
}

static void
test_handler_that_blocks_holds_up_no_request (gconstpointer is_known)
{
  g_auto (Scene) scene = {0};
  Answer passed;

  scene_init (&scene, G_STRINGIFY (N_AT_A_TIME));
  if (is_known != NULL)
    get_used_to (&scene, "pass");
  ask (&scene, "pass", 1, NULL, &passed);
  expect_now (&scene, "echo", 5, 5);
  g_assert_false (passed.is_done);
  expect_now (&scene, "open", 6, 6);
  expect (&passed, 1);
  get_used_to (&scene, "pass");
}

static void
test_handler_that_blocks_hears_of_its_cancel (gconstpointer is_known)
{
  g_auto (Scene) scene = {0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Answer hung;
  Answer next;

  scene_init (&scene, "1");
  if (is_known != NULL)
    get_used_to (&scene, "hang");
  ask (&scene, "hang", 1, cancellable, &hung);
  ask (&scene, "echo", 7, NULL, &next);
  g_cancellable_cancel (cancellable);
  ferry_test_run_until (is_done, &hung);
  g_assert_error (hung.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&hung.error);
  /* It begins when the handler has returned. */
  expect (&next, 7);
}

static void
test_handler_may_wait_for_an_answer (gconstpointer is_known)
{
  g_auto (Scene) scene = {0};

  scene_init (&scene, "1");
  if (is_known != NULL)
    get_used_to (&scene, "ask-back");
  for (guint32 i = 1; i < 20; i++)
    expect_now (&scene, "ask-back", i, i);
}

static void
test_requests_begin_in_order (gconstpointer is_known)
{
  g_auto (Scene) scene = {0};
  Answer answers[N_WAITING];
  Answer passed;

  scene_init (&scene, "1");
  if (is_known != NULL)
    get_used_to (&scene, "pass");
  ask (&scene, "ask-back", 1, NULL, &passed);
  for (guint32 i = 0; i < N_WAITING; i++)
    ask (&scene, "append", i, NULL, &answers[i]);
  expect (&passed, 1);
  for (guint32 i = 0; i < N_WAITING; i++)
    expect (&answers[i], i);
  expect_now (&scene, "order", N_WAITING, 1);
}

static void
test_requests_do_not_overtake_those_that_came_before_the_start (void)
{
  g_auto (Scene) scene = {0};
  Answer answers[N_EARLY + N_LATER];

  scene_init_how (&scene, "1", "behind-requests");
  for (guint32 i = 0; i < N_EARLY; i++)
    ask (&scene, "append", i, NULL, &answers[i]);
  ferry_test_wait_flag (&scene.is_started);
  for (guint32 i = N_EARLY; i < G_N_ELEMENTS (answers); i++)
    ask (&scene, "append", i, NULL, &answers[i]);
  for (guint32 i = 0; i < G_N_ELEMENTS (answers); i++)
    expect (&answers[i], i);
  expect_now (&scene, "order", G_N_ELEMENTS (answers), TRUE);
}

static void
test_stop_is_heard_while_handlers_run (void)
{
  g_auto (Scene) scene = {0};
  Answer passed;
  Answer late;

  scene_init (&scene, G_STRINGIFY (N_AT_A_TIME));
  get_used_to (&scene, "pass");
  ask (&scene, "pass", 1, NULL, &passed);
  expect_now (&scene, "stop", 1, 1);
  expect (&passed, 1);
  ask (&scene, "echo", 1, NULL, &late);
  expect_refused (&late);
}

static void
test_demux_that_is_dropped_while_handlers_run_answers_no_more (void)
{
  g_auto (Scene) scene = {0};
  Answer passed;
  Answer late;

  scene_init (&scene, G_STRINGIFY (N_AT_A_TIME));
  ask (&scene, "pass", 1, NULL, &passed);
  expect_now (&scene, "drop", 1, 1);
  ask (&scene, "echo", 1, NULL, &late);
  expect_refused (&late);
  g_assert_false (passed.is_done);
  g_clear_object (&scene.mux);
  ferry_transport_close (scene.transport);
  ferry_test_run_until (is_done, &passed);
  g_assert_error (passed.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_clear_error (&passed.error);
}

/* A process that a handler starts inherits them. */
static void
test_handlers_block_the_signals_of_the_thread_that_started_the_demux (void)
{
  g_auto (Scene) scene = {0};

  scene_init (&scene, G_STRINGIFY (N_AT_A_TIME));
  for (guint i = 0; i < 3; i++)
    {
      expect_now (&scene, "mask", SIGTERM, 0);
      expect_now (&scene, "mask", SIGUSR1, 1);
    }
}

/* Some take long, and at most so many run at a time. */
static void
test_flood_is_answered (gconstpointer n_at_a_time)
{
  g_auto (Scene) scene = {0};
  Answer answers[IN_FLIGHT] = {0};
  const guint32 most = (guint32) atoi (n_at_a_time);

  scene_init (&scene, n_at_a_time);
  for (guint i = 0; i < N_FLOOD; i++)
    {
      Answer *answer = &answers[i % IN_FLIGHT];

      if (i >= IN_FLIGHT)
        {
          ferry_test_run_until (is_done, answer);
          g_assert_no_error (answer->error);
          g_assert_cmpuint (answer->value, <=, most);
        }
      ask (&scene, "work", (guint32) g_test_rand_int_range (0, 100) == 0 ? 3000 : 0, NULL, answer);
    }
  for (guint i = 0; i < IN_FLIGHT; i++)
    ferry_test_run_until (is_done, &answers[i]);
}

/* What came before the start is answered by another thread, which may take what comes next as well. */
static void
test_handlers_run_where_requests_were_received_by_default (void)
{
  const gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;
  g_auto (Scene) scene = {0};
  Answer answer = {0};

  scene_init (&scene, "0");
  while (answer.value == 0)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      ask (&scene, "receives", 0, NULL, &answer);
      ferry_test_run_until (is_done, &answer);
      g_assert_no_error (answer.error);
    }
}

int
main (int argc, char **argv)
{
  if (argc > 1 && strcmp (argv[1], "worker") == 0)
    return be_worker (argv);
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, func) g_test_add_func ("/team/" name, func)
#define ADD_BOTH(name, func)                                                                                           \
  g_test_add_data_func ("/team/new-handler/" name, NULL, func);                                                        \
  g_test_add_data_func ("/team/known-handler/" name, "", func)
  ADD_BOTH ("a-handler-that-blocks-holds-up-no-request", test_handler_that_blocks_holds_up_no_request);
  ADD_BOTH ("a-handler-that-blocks-hears-of-its-cancel", test_handler_that_blocks_hears_of_its_cancel);
  ADD_BOTH ("a-handler-may-wait-for-an-answer", test_handler_may_wait_for_an_answer);
  ADD_BOTH ("requests-begin-in-order", test_requests_begin_in_order);
  ADD ("handlers-run-where-requests-were-received-by-default",
       test_handlers_run_where_requests_were_received_by_default);
  ADD ("requests-do-not-overtake-those-that-came-before-the-start",
       test_requests_do_not_overtake_those_that_came_before_the_start);
  ADD ("a-stop-is-heard-while-handlers-run", test_stop_is_heard_while_handlers_run);
  ADD ("a-demux-that-is-dropped-while-handlers-run-answers-no-more",
       test_demux_that_is_dropped_while_handlers_run_answers_no_more);
  ADD ("handlers-block-the-signals-of-the-thread-that-started-the-demux",
       test_handlers_block_the_signals_of_the_thread_that_started_the_demux);
  g_test_add_data_func ("/team/a-flood-is-answered/one-at-a-time", "1", test_flood_is_answered);
  g_test_add_data_func ("/team/a-flood-is-answered/some-at-a-time", G_STRINGIFY (N_AT_A_TIME), test_flood_is_answered);
#undef ADD
#undef ADD_BOTH
  return g_test_run ();
}
