/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-demux.c
 *
 * Which handler answers, where it runs, and what becomes of requests that none answers. */

#include "config.h"

#include "conversation/demux-test.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ferry-spin-private.h"

#define ONE g_variant_new_uint32 (1)

static void
add_ten (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (
    invocation, g_variant_new_uint32 (g_variant_get_uint32 (ferry_invocation_get_arguments (invocation)) + 10));
}

static void
test_names (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();

  ferry_demux_add_handler (pair->demux, "add", demux_test_add_one, NULL, NULL);
  ferry_demux_add_handler (pair->demux, NULL, add_ten, NULL, NULL);
  demux_test_start (pair);
  demux_test_expect_value (demux_test_ask (pair, "add", ONE), 2);
  demux_test_expect_value (demux_test_ask (pair, "anything", ONE), 11);
  ferry_demux_remove_handler (pair->demux, "add");
  demux_test_expect_value (demux_test_ask (pair, "add", ONE), 11);
  ferry_demux_add_handler (pair->demux, NULL, demux_test_add_one, NULL, NULL);
  demux_test_expect_value (demux_test_ask (pair, "add", ONE), 2);
}

static void
test_unknown (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  DemuxTestAnswer *answer;

  ferry_demux_add_handler (pair->demux, "add", demux_test_add_one, NULL, NULL);
  demux_test_start (pair);
  answer = demux_test_ask (pair, "subtract", ONE);
  demux_test_wait (answer);
  g_assert_nonnull (strstr (answer->error->message, "subtract"));
  g_assert_false (answer->refused);
  demux_test_expect_failure (answer, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
}

static gboolean
nothing_on_the_way (gpointer data)
{
  return demux_test_wire_count (data, ASKING) == 0;
}

static void
test_early (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  DemuxTestAnswer *answers[10];

  ferry_demux_add_handler (pair->demux, "add", demux_test_add_one, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answers[i] = demux_test_ask (pair, "add", g_variant_new_uint32 (i));
  demux_test_until (nothing_on_the_way, pair);
  demux_test_start (pair);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    demux_test_expect_value (answers[i], i + 1);
}

static void
set_flag (gpointer data)
{
  atomic_store ((_Atomic gboolean *) data, TRUE);
}

/* The data of a handler is freed after it has returned: then the gate is open. */
static void
shut_after (gpointer data)
{
  DemuxTestGate *gate = data;

  g_assert_true (gate->open);
  gate->open = FALSE;
}

/* The thread that receives counts whom it has woken, and yields before it polls: see ferry_spin_count_wakes(). A thread
 * of the pool that has not fallen asleep yet is not woken, so there may have to be more than one request. */
static void
test_a_wake_up_of_the_pool_counts (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  const guint n_wakes = ferry_spin_count_wakes ();

  demux_test_pair_manual (pair, ASKING);
  ferry_demux_set_threads (pair->demux, 1);
  ferry_demux_add_handler (pair->demux, "add", demux_test_add_one, NULL, NULL);
  demux_test_start (pair);
  do
    {
      DemuxTestAnswer *answer = demux_test_ask (pair, "add", ONE);

      g_assert_true (demux_test_deliver (pair, ASKING));
      demux_test_expect_value (answer, 2);
    }
  while (ferry_spin_count_wakes () == n_wakes);
  demux_test_stop (pair);
}

static void
test_handler_data (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  static DemuxTestGate gate;
  static _Atomic gboolean freed;
  DemuxTestAnswer *answer;

  demux_test_gate_init (&gate);
  ferry_demux_set_threads (pair->demux, 1);
  ferry_demux_add_handler (pair->demux, "add", demux_test_add_one, (gpointer) &freed, set_flag);
  ferry_demux_add_handler (pair->demux, "add", demux_test_gated, &gate, shut_after);
  g_assert_true (atomic_load (&freed));
  demux_test_start (pair);
  answer = demux_test_ask (pair, "add", ONE);
  demux_test_gate_wait (&gate, 1);
  ferry_demux_remove_handler (pair->demux, "add");
  /* It is removed and runs, so its data is there. */
  demux_test_gate_open (&gate);
  demux_test_expect_value (answer, 2);
  demux_test_stop (pair);
  g_assert_false (gate.open);
  demux_test_gate_clear (&gate);
}

/* ---- threads ---- */

static void
run_gated (DemuxTestPair *pair, DemuxTestGate *gate, guint n_requests, guint n_threads)
{
  g_autofree DemuxTestAnswer **answers = g_new (DemuxTestAnswer *, n_requests);

  ferry_demux_add_handler (pair->demux, "wait", demux_test_gated, gate, NULL);
  demux_test_start (pair);
  for (guint i = 0; i < n_requests; i++)
    answers[i] = demux_test_ask (pair, "wait", g_variant_new_uint32 (i));
  /* All threads are inside at once, and the rest waits. */
  demux_test_gate_wait (gate, n_threads);
  demux_test_until (nothing_on_the_way, pair);
  g_assert_cmpuint (demux_test_gate_count (gate), ==, n_threads);
  demux_test_gate_open (gate);
  for (guint i = 0; i < n_requests; i++)
    demux_test_expect_value (answers[i], i + 1);
  g_assert_cmpuint (demux_test_gate_most (gate), ==, n_threads);
}

static void
test_pool (void)
{
  for (guint n = 1; n <= 5; n += 2)
    {
      g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
      g_auto (DemuxTestGate) gate;

      demux_test_gate_init (&gate);
      ferry_demux_set_threads (pair->demux, n);
      run_gated (pair, &gate, 40, n);
      demux_test_stop (pair);
    }
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer n)
{
  ++*(guint *) n;
}

/* The properties that say where handlers run. */
static void
expect_place (FerryDemux *demux, int threads, GMainContext *context)
{
  g_autoptr (GMainContext) found = NULL;

  g_object_get (demux, "context", &found, NULL);
  g_assert_cmpint (ferry_test_get_number (demux, "threads"), ==, threads);
  g_assert_true (found == context);
}

static void
test_places (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  g_autoptr (GMainContext) context = g_main_context_new ();
  FerryDemux *demux = pair->demux;
  guint n = 0;

  g_signal_connect (demux, "notify::threads", G_CALLBACK (count_notify), &n);
  g_signal_connect (demux, "notify::context", G_CALLBACK (count_notify), &n);
  expect_place (demux, -1, NULL);
  g_object_set (demux, "threads", 3, NULL);
  expect_place (demux, 3, NULL);
  g_assert_cmpuint (n, ==, 1);
  g_object_set (demux, "context", context, NULL);
  expect_place (demux, -1, context);
  g_assert_cmpuint (n, ==, 3);
  g_object_set (demux, "context", NULL, NULL);
  expect_place (demux, -1, g_main_context_default ());
  ferry_demux_set_threads (demux, 0);
  expect_place (demux, 0, NULL);
  n = 0;
  ferry_demux_set_threads (demux, 0);
  g_assert_cmpuint (n, ==, 0);
  ferry_demux_set_threads (demux, -1);
  expect_place (demux, -1, NULL);
}

static void
test_running (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  guint n = 0;

  g_signal_connect (pair->demux, "notify::running", G_CALLBACK (count_notify), &n);
  g_assert_false (ferry_test_get_number (pair->demux, "running"));
  demux_test_start (pair);
  demux_test_start (pair);
  g_assert_true (ferry_test_get_number (pair->demux, "running"));
  g_assert_cmpuint (n, ==, 1);
  demux_test_stop (pair);
  ferry_demux_stop (pair->demux);
  g_assert_cmpuint (n, ==, 2);
  g_signal_handlers_disconnect_by_func (pair->demux, count_notify, &n);
}

static gboolean
has_no_spare_thread (gpointer data)
{
  return g_thread_pool_get_num_unused_threads () == 0;
}

/* Whether threads can be started, as far as the system is asked: no stack is so large. */
static void
allow_threads (gboolean allowed)
{
  static pthread_attr_t usual;
  pthread_attr_t attributes;

  if (allowed)
    {
      g_assert_cmpint (pthread_setattr_default_np (&usual), ==, 0);
      return;
    }
  g_thread_pool_set_max_unused_threads (0);
  ferry_test_look_until (has_no_spare_thread, NULL);
  g_assert_cmpint (pthread_getattr_default_np (&usual), ==, 0);
  pthread_attr_init (&attributes);
  g_assert_cmpint (pthread_attr_setstacksize (&attributes, (size_t) 1 << 46), ==, 0);
  g_assert_cmpint (pthread_setattr_default_np (&attributes), ==, 0);
  pthread_attr_destroy (&attributes);
}

static void
test_no_thread (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  DemuxTestAnswer *answer;

  ferry_demux_add_handler (pair->demux, "add", demux_test_add_one, NULL, NULL);
  demux_test_start (pair);
  allow_threads (FALSE);
  answer = demux_test_ask (pair, "add", ONE);
  demux_test_wait (answer);
  allow_threads (TRUE);
  g_assert_nonnull (strstr (answer->error->message, "cannot start a thread"));
  demux_test_expect_failure (answer, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  /* The next one may be luckier. */
  demux_test_expect_value (demux_test_ask (pair, "add", ONE), 2);
}

static void
test_no_second_thread (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  g_auto (DemuxTestGate) gate;
  DemuxTestAnswer *answers[20];

  demux_test_gate_init (&gate);
  ferry_demux_set_threads (pair->demux, 8);
  ferry_demux_add_handler (pair->demux, "wait", demux_test_gated, &gate, NULL);
  demux_test_start (pair);
  answers[0] = demux_test_ask (pair, "wait", g_variant_new_uint32 (0));
  demux_test_gate_wait (&gate, 1);
  allow_threads (FALSE);
  for (guint i = 1; i < G_N_ELEMENTS (answers); i++)
    answers[i] = demux_test_ask (pair, "wait", g_variant_new_uint32 (i));
  demux_test_until (nothing_on_the_way, pair);
  demux_test_gate_open (&gate);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    demux_test_expect_value (answers[i], i + 1);
  allow_threads (TRUE);
  g_assert_cmpuint (demux_test_gate_most (&gate), ==, 1);
}

/* ---- other places ---- */

static void
note_thread (FerryInvocation *invocation, gpointer data)
{
  atomic_store ((_Atomic (GThread *) *) data, g_thread_self ());
  demux_test_add_one (invocation, NULL);
}

static void
test_context (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  _Atomic (GThread *) thread = NULL;
  DemuxTestAnswer *answers[100];

  ferry_demux_set_context (pair->demux, NULL);
  ferry_demux_add_handler (pair->demux, "add", note_thread, (gpointer) &thread, NULL);
  demux_test_start (pair);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answers[i] = demux_test_ask (pair, "add", g_variant_new_uint32 (i));
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    demux_test_expect_value (answers[i], i + 1);
  g_assert_true (atomic_load (&thread) == g_thread_self ());
}

static guint
count_sources (GMainContext *context)
{
  guint n = 0;

  for (guint id = 1; id < 20; id++)
    n += g_main_context_find_source_by_id (context, id) != NULL;
  return n;
}

/* A second start does nothing. */
static void
test_context_of_two_starts (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  g_autoptr (GMainContext) context = g_main_context_new ();

  ferry_demux_set_context (pair->demux, context);
  demux_test_start (pair);
  demux_test_start (pair);
  g_assert_cmpuint (count_sources (context), ==, 1);
  ferry_demux_stop (pair->demux);
  g_assert_cmpuint (count_sources (context), ==, 0);
}

static void
test_context_at_once (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  _Atomic (GThread *) thread = NULL;
  DemuxTestAnswer *answer;

  demux_test_pair_manual (pair, ASKING);
  ferry_demux_set_context (pair->demux, NULL);
  ferry_demux_add_handler (pair->demux, "add", note_thread, (gpointer) &thread, NULL);
  demux_test_start (pair);
  answer = demux_test_ask (pair, "add", ONE);
  g_assert_true (g_main_context_acquire (NULL));
  g_assert_true (demux_test_deliver (pair, ASKING));
  g_main_context_release (NULL);
  g_assert_true (atomic_load (&thread) == g_thread_self ());
  demux_test_expect_value (answer, 2);
}

/* Requests that come within one dispatch of their context: the second one while the handler of the first runs. */
typedef struct
{
  DemuxTestPair *pair;
  GMainContext *context;
  guint n_handled;
} Within;

static void
deliver_another (FerryInvocation *invocation, gpointer data)
{
  Within *self = data;

  if (self->n_handled++ == 0)
    {
      g_assert_true (demux_test_deliver (self->pair, ASKING));
      g_assert_cmpuint (ferry_demux_get_n_pending (self->pair->demux), ==, 1);
      g_assert_false (ferry_test_is_woken (self->context));
    }
  demux_test_add_one (invocation, NULL);
}

static gboolean
deliver_within (gpointer data)
{
  Within *self = data;

  g_assert_true (demux_test_deliver (self->pair, ASKING));
  return G_SOURCE_REMOVE;
}

/* A write to the context's descriptor for each request would cost as much as its answer. */
static void
test_context_that_is_awake (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  g_autoptr (GSource) source = g_timeout_source_new (0);
  Within within = {pair, context};
  DemuxTestAnswer *answers[2];

  demux_test_pair_manual (pair, ASKING);
  ferry_demux_set_context (pair->demux, context);
  ferry_demux_add_handler (pair->demux, "add", deliver_another, &within, NULL);
  demux_test_start (pair);
  g_main_context_iteration (context, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answers[i] = demux_test_ask (pair, "add", g_variant_new_uint32 (i));
  g_source_set_callback (source, deliver_within, &within, NULL);
  g_source_attach (source, context);
  while (within.n_handled < G_N_ELEMENTS (answers))
    g_main_context_iteration (context, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    demux_test_expect_value (answers[i], i + 1);
}

static void
test_receiving_thread (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  _Atomic (GThread *) thread = NULL;

  ferry_demux_set_threads (pair->demux, 0);
  ferry_demux_add_handler (pair->demux, "add", note_thread, (gpointer) &thread, NULL);
  demux_test_start (pair);
  demux_test_expect_value (demux_test_ask (pair, "add", ONE), 2);
  g_assert_true (atomic_load (&thread) == pair->wires[ASKING].pump);
}

static void
ask_back (FerryInvocation *invocation, gpointer data)
{
  DemuxTestPair *pair = data;
  g_autoptr (FerryMux) mux = ferry_mux_new (pair->ends[ASKED]);
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_mux_transact (mux, "add", ONE, -1, NULL, &error));
  ferry_invocation_return_error (invocation, error);
}

/* A handler there would wait for an answer that only its own thread can receive. */
static void
test_no_wait_on_the_receiving_thread (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  DemuxTestAnswer *answer;

  ferry_demux_set_threads (pair->demux, 0);
  ferry_demux_add_handler (pair->demux, "ask-back", ask_back, pair, NULL);
  demux_test_start (pair);
  answer = demux_test_ask (pair, "ask-back", ONE);
  demux_test_wait (answer);
  g_assert_error (answer->error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  ferry_test_assert_says (answer->error->message, "FerryDemux:threads");
  demux_test_answer_free (answer);
}

/* ---- refusals ---- */

static void
test_max_pending (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  g_auto (DemuxTestGate) gate;
  DemuxTestAnswer *answers[5];

  demux_test_gate_init (&gate);
  ferry_demux_set_threads (pair->demux, 1);
  g_object_set (pair->demux, "max-pending", 2, NULL);
  ferry_demux_add_handler (pair->demux, NULL, demux_test_gated, &gate, NULL);
  demux_test_start (pair);
  answers[0] = demux_test_ask (pair, "wait", ONE);
  demux_test_gate_wait (&gate, 1);
  for (guint i = 1; i < 5; i++)
    answers[i] = demux_test_ask (pair, "wait", ONE);
  demux_test_expect_refused_for (answers[3], "Too many requests wait");
  demux_test_expect_refused (answers[4]);
  g_assert_cmpuint (ferry_test_get_number (pair->demux, "n-pending"), ==, 2);
  demux_test_gate_open (&gate);
  for (guint i = 0; i < 3; i++)
    demux_test_expect_value (answers[i], 2);
}

/* ONE has four bytes. */
static void
test_max_pending_size (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  g_auto (DemuxTestGate) gate;
  DemuxTestAnswer *answers[5];
  guint64 by_default;

  demux_test_gate_init (&gate);
  ferry_demux_set_threads (pair->demux, 1);
  g_object_get (pair->demux, "max-pending-size", &by_default, NULL);
  g_assert_cmpuint (by_default, ==, 64 * 1024 * 1024);
  g_object_set (pair->demux, "max-pending-size", (guint64) 8, NULL);
  ferry_demux_add_handler (pair->demux, NULL, demux_test_gated, &gate, NULL);
  demux_test_start (pair);
  answers[0] = demux_test_ask (pair, "wait", ONE);
  demux_test_gate_wait (&gate, 1);
  for (guint i = 1; i < 5; i++)
    answers[i] = demux_test_ask (pair, "wait", ONE);
  demux_test_expect_refused_for (answers[3], "Too many requests wait");
  demux_test_expect_refused (answers[4]);
  g_assert_cmpuint (ferry_test_get_number (pair->demux, "n-pending"), ==, 2);
  /* One may always wait. */
  g_object_set (pair->demux, "max-pending-size", (guint64) 0, NULL);
  demux_test_gate_open (&gate);
  for (guint i = 0; i < 3; i++)
    demux_test_expect_value (answers[i], 2);
  demux_test_expect_value (demux_test_ask (pair, "wait", ONE), 2);
}

static void
test_stop_refuses (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  g_auto (DemuxTestGate) gate;
  DemuxTestAnswer *answers[10];

  demux_test_gate_init (&gate);
  ferry_demux_set_threads (pair->demux, 1);
  ferry_demux_add_handler (pair->demux, NULL, demux_test_gated, &gate, NULL);
  demux_test_start (pair);
  answers[0] = demux_test_ask (pair, "wait", ONE);
  demux_test_gate_wait (&gate, 1);
  for (guint i = 1; i < G_N_ELEMENTS (answers); i++)
    answers[i] = demux_test_ask (pair, "wait", ONE);
  demux_test_until (nothing_on_the_way, pair);
  ferry_demux_stop (pair->demux);
  ferry_demux_stop (pair->demux);
  for (guint i = 1; i < G_N_ELEMENTS (answers); i++)
    demux_test_expect_refused_for (answers[i], "was stopped");
  demux_test_expect_refused (demux_test_ask (pair, "later", ONE));
  g_assert_false (demux_test_is_done (answers[0]));
  demux_test_gate_open (&gate);
  demux_test_expect_value (answers[0], 2);
}

static void
stop_inside (FerryInvocation *invocation, gpointer demux)
{
  ferry_demux_stop (demux);
  demux_test_add_one (invocation, NULL);
}

static void
test_stop_inside (void)
{
  for (guint n_threads = 0; n_threads < 3; n_threads++)
    {
      g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();

      ferry_demux_set_threads (pair->demux, n_threads);
      ferry_demux_add_handler (pair->demux, "stop", stop_inside, pair->demux, NULL);
      for (guint i = 0; i < 3; i++)
        {
          demux_test_start (pair);
          demux_test_expect_value (demux_test_ask (pair, "stop", ONE), 2);
          g_assert_false (ferry_test_get_number (pair->demux, "running"));
          demux_test_expect_refused (demux_test_ask (pair, "stop", ONE));
        }
    }
}

static void
test_stop_inside_early (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  DemuxTestAnswer *answers[3];

  ferry_demux_set_threads (pair->demux, 0);
  ferry_demux_add_handler (pair->demux, "stop", stop_inside, pair->demux, NULL);
  for (guint i = 0; i < 3; i++)
    answers[i] = demux_test_ask (pair, "stop", ONE);
  demux_test_until (nothing_on_the_way, pair);
  demux_test_start (pair);
  demux_test_expect_value (answers[0], 2);
  demux_test_expect_refused (answers[1]);
  demux_test_expect_refused (answers[2]);
  demux_test_expect_refused (demux_test_ask (pair, "stop", ONE));
  demux_test_start (pair);
  demux_test_expect_value (demux_test_ask (pair, "stop", ONE), 2);
}

typedef struct
{
  FerryDemux *demux; /* (owned) (nullable) */
  gboolean gone;
  gboolean was_gone_inside;
} Dropped;

static void
note_gone (gpointer data, GObject *gone)
{
  ((Dropped *) data)->gone = TRUE;
}

static void
drop_inside (FerryInvocation *invocation, gpointer data)
{
  Dropped *dropped = data;

  g_clear_object (&dropped->demux);
  dropped->was_gone_inside = dropped->gone;
  demux_test_add_one (invocation, NULL);
}

static void
test_drop_inside_early (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  Dropped dropped = {ferry_demux_new (pair->ends[ASKED])};
  DemuxTestAnswer *answers[2];

  demux_test_pair_manual (pair, ASKING);
  ferry_demux_set_threads (dropped.demux, 0);
  ferry_demux_add_handler (dropped.demux, "drop", drop_inside, &dropped, NULL);
  g_object_weak_ref (G_OBJECT (dropped.demux), note_gone, &dropped);
  answers[0] = demux_test_ask (pair, "drop", ONE);
  g_assert_true (demux_test_deliver (pair, ASKING));
  g_assert_true (ferry_demux_start (dropped.demux, NULL));
  /* The start had not returned. */
  g_assert_false (dropped.was_gone_inside);
  g_assert_true (dropped.gone);
  demux_test_expect_value (answers[0], 2);
  answers[1] = demux_test_ask (pair, "drop", ONE);
  g_assert_true (demux_test_deliver (pair, ASKING));
  demux_test_expect_refused (answers[1]);
}

static void
test_start_while_running (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  g_auto (DemuxTestGate) gate;
  DemuxTestAnswer *first, *second, *third;

  demux_test_gate_init (&gate);
  ferry_demux_set_threads (pair->demux, 2);
  ferry_demux_add_handler (pair->demux, "wait", demux_test_gated, &gate, NULL);
  ferry_demux_add_handler (pair->demux, "add", demux_test_add_one, NULL, NULL);
  demux_test_start (pair);
  first = demux_test_ask (pair, "wait", ONE);
  demux_test_gate_wait (&gate, 1);
  ferry_demux_stop (pair->demux);
  demux_test_start (pair);
  second = demux_test_ask (pair, "wait", ONE);
  demux_test_gate_wait (&gate, 2);
  /* The bound holds across. */
  third = demux_test_ask (pair, "wait", ONE);
  demux_test_until (nothing_on_the_way, pair);
  g_assert_cmpuint (demux_test_gate_count (&gate), ==, 2);
  demux_test_gate_open (&gate);
  demux_test_expect_value (first, 2);
  demux_test_expect_value (second, 2);
  demux_test_expect_value (third, 2);
}

static void
test_one_demux (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  FerryDemux *other = ferry_demux_new (pair->ends[ASKED]);
  g_autoptr (GError) error = NULL;

  demux_test_start (pair);
  demux_test_start (pair);
  g_assert_false (ferry_demux_start (other, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_RUNNING);
  g_assert_false (ferry_test_get_number (other, "running"));
  ferry_demux_stop (pair->demux);
  ferry_demux_add_handler (other, "add", demux_test_add_one, NULL, NULL);
  g_assert_true (ferry_demux_start (other, NULL));
  demux_test_expect_value (demux_test_ask (pair, "add", ONE), 2);
  /* Dropped without being stopped. */
  g_object_unref (other);
  demux_test_expect_refused (demux_test_ask (pair, "add", ONE));
}

static void
stopped_cb (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_demux_stop_finish (FERRY_DEMUX (object), result, &error));
  g_assert_no_error (error);
  *(gboolean *) data = TRUE;
}

static void
test_wait_stopped (void)
{
  for (guint n_threads = 0; n_threads < 3; n_threads++)
    {
      g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
      g_auto (DemuxTestGate) gate;
      gboolean stopped[3] = {FALSE};
      DemuxTestAnswer *answer;

      demux_test_gate_init (&gate);
      ferry_demux_set_threads (pair->demux, n_threads);
      ferry_demux_add_handler (pair->demux, "wait", demux_test_gated, &gate, NULL);
      demux_test_start (pair);
      answer = demux_test_ask (pair, "wait", ONE);
      demux_test_gate_wait (&gate, 1);
      for (guint i = 0; i < 2; i++)
        ferry_demux_stop_async (pair->demux, NULL, stopped_cb, &stopped[i]);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_false (stopped[0] || stopped[1]);
      demux_test_gate_open (&gate);
      ferry_test_wait_flag (&stopped[0]);
      ferry_test_wait_flag (&stopped[1]);
      demux_test_expect_value (answer, 2);
      /* Where nothing runs, at once. */
      ferry_demux_stop_async (pair->demux, NULL, stopped_cb, &stopped[2]);
      ferry_test_wait_flag (&stopped[2]);
    }
}

static void
wait_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  GError **error = data;

  g_assert_false (ferry_demux_stop_finish (FERRY_DEMUX (object), result, error));
}

static gboolean
has_error (gpointer data)
{
  return *(GError **) data != NULL;
}

static void
test_wait_cancelled (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (DemuxTestGate) gate;
  DemuxTestAnswer *answer;

  demux_test_gate_init (&gate);
  ferry_demux_add_handler (pair->demux, "wait", demux_test_gated, &gate, NULL);
  demux_test_start (pair);
  answer = demux_test_ask (pair, "wait", ONE);
  demux_test_gate_wait (&gate, 1);
  ferry_demux_stop_async (pair->demux, cancellable, wait_ended, &error);
  g_cancellable_cancel (cancellable);
  ferry_test_run_until (has_error, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  demux_test_gate_open (&gate);
  demux_test_expect_value (answer, 2);
}

/* ---- cancelled before it is begun ---- */

static gboolean
three_wait (gpointer data)
{
  return ferry_test_get_number (((DemuxTestPair *) data)->demux, "n-pending") == 3;
}

static void
test_cancelled_before (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  const FerryRequest late = {.method = "late", .deadline = 1};
  _Atomic (GThread *) thread = NULL;
  g_auto (DemuxTestGate) gate;
  DemuxTestAnswer *answers[4];

  demux_test_gate_init (&gate);
  ferry_demux_set_threads (pair->demux, 1);
  ferry_demux_add_handler (pair->demux, "wait", demux_test_gated, &gate, NULL);
  ferry_demux_add_handler (pair->demux, "add", note_thread, (gpointer) &thread, NULL);
  ferry_demux_add_handler (pair->demux, "late", demux_test_gated, &gate, NULL);
  demux_test_start (pair);
  answers[0] = demux_test_ask (pair, "wait", ONE);
  demux_test_gate_wait (&gate, 1);
  answers[1] = demux_test_ask (pair, "add", ONE);
  answers[2] = demux_test_ask (pair, "add", ONE);
  demux_test_cancel (answers[1], FERRY_CANCEL_REASON_CANCELLED);
  demux_test_cancel (answers[2], FERRY_CANCEL_REASON_DEADLINE);
  answers[3] = demux_test_ask_fully (pair, &late);
  /* When that has come, so have the cancels. */
  demux_test_until (three_wait, pair);
  demux_test_gate_open (&gate);
  demux_test_expect_value (answers[0], 2);
  demux_test_expect_failure (answers[1], G_IO_ERROR, G_IO_ERROR_CANCELLED);
  demux_test_expect_failure (answers[2], FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_null (atomic_load (&thread));
  /* The other end judges its deadline, and cancels: both ends may have been stopped meanwhile. */
  demux_test_expect_value (answers[3], 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/demux/answers-by-name-and-for-all-others", test_names);
  g_test_add_func ("/demux/names-an-unknown-method", test_unknown);
  g_test_add_func ("/demux/answers-what-came-before-it-was-started", test_early);
  g_test_add_func ("/demux/frees-the-data-of-a-handler-that-was-replaced", test_handler_data);
  g_test_add_func ("/demux/counts-a-wake-up-of-its-threads", test_a_wake_up_of_the_pool_counts);
  g_test_add_func ("/demux/runs-as-many-at-once-as-it-has-threads", test_pool);
  g_test_add_func ("/demux/answers-with-an-error-when-no-thread-can-be-started", test_no_thread);
  g_test_add_func ("/demux/makes-do-with-one-thread-when-no-other-can-be-started", test_no_second_thread);
  g_test_add_func ("/demux/says-where-handlers-run", test_places);
  g_test_add_func ("/demux/says-whether-it-runs", test_running);
  g_test_add_func ("/demux/runs-handlers-on-a-main-context", test_context);
  g_test_add_func ("/demux/has-one-source-in-a-main-context", test_context_of_two_starts);
  g_test_add_func ("/demux/runs-at-once-where-the-receiving-thread-has-the-context", test_context_at_once);
  g_test_add_func ("/demux/wakes-no-context-that-is-awake", test_context_that_is_awake);
  g_test_add_func ("/demux/runs-handlers-on-the-receiving-thread", test_receiving_thread);
  g_test_add_func ("/demux/says-at-once-that-a-handler-on-the-receiving-thread-may-not-wait",
                   test_no_wait_on_the_receiving_thread);
  g_test_add_func ("/demux/refuses-more-than-may-wait", test_max_pending);
  g_test_add_func ("/demux/refuses-more-bytes-than-may-wait", test_max_pending_size);
  g_test_add_func ("/demux/refuses-what-waits-when-stopped", test_stop_refuses);
  g_test_add_func ("/demux/may-be-stopped-inside-a-handler", test_stop_inside);
  g_test_add_func ("/demux/may-be-stopped-by-what-came-before-it-was-started", test_stop_inside_early);
  g_test_add_func ("/demux/may-be-dropped-by-what-came-before-it-was-started", test_drop_inside_early);
  g_test_add_func ("/demux/may-be-started-again-while-handlers-run", test_start_while_running);
  g_test_add_func ("/demux/is-alone-on-its-transport", test_one_demux);
  g_test_add_func ("/demux/tells-when-the-last-handler-has-returned", test_wait_stopped);
  g_test_add_func ("/demux/ends-the-wait-for-its-stop-when-that-is-cancelled", test_wait_cancelled);
  g_test_add_func ("/demux/does-not-begin-what-was-cancelled", test_cancelled_before);

  return g_test_run ();
}
