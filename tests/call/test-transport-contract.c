/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-transport.c, conversation/ferry-stream-transport.c, call/ferry-link-transport.c
 *
 * What every transport keeps to, whatever it is made of. Each fact is tested with each kind in transport-test.c;
 * test-transport-ends.c has those about the end. */

#include "config.h"

#include "call/transport-test.h"

#include <string.h>

#define ONE 0
#define OTHER 1
#define N_THREADS 4
#define N_TOLD 2000

/* ---- order ---- */

/* What the receiving thread has seen: how far each sending thread's numbers have come. */
static struct
{
  guint next[N_THREADS];
  guint64 last_xid;
  _Atomic guint n_told;
  _Atomic guint n_wrong;
} seen;

static void
note_told (FerryTransport *self, FerryCall *call, GObject *owner)
{
  GVariant *bytes = NULL;
  guint thread;
  guint number;

  g_variant_get (ferry_call_get_arguments (call), "(uu@ay)", &thread, &number, &bytes);
  seen.n_wrong += number == seen.next[thread] && ferry_call_get_xid (call) == seen.last_xid + 1 ? 0 : 1;
  seen.n_wrong += g_variant_get_size (bytes) == number ? 0 : 1;
  seen.next[thread] = number + 1;
  seen.last_xid = ferry_call_get_xid (call);
  seen.n_told++;
  g_variant_unref (bytes);
  transport_test_wake ();
}

typedef struct
{
  FerryTransport *end;
  guint number;
  GThread *thread;
} Teller;

static gpointer
tell_all (gpointer data)
{
  static const guint8 bytes[N_TOLD] = {0};
  Teller *self = data;

  for (guint i = 0; i < N_TOLD; i++)
    transport_test_tell (
      self->end, "tell",
      g_variant_new ("(uu@ay)", self->number, i, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, i, 1)));
  return NULL;
}

static void
test_delivers_in_order (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  Teller tellers[N_THREADS];

  memset (&seen, 0, sizeof seen);
  transport_test_take_calls (pair, OTHER, note_told);
  for (guint i = 0; i < N_THREADS; i++)
    {
      tellers[i] = (Teller){pair->ends[ONE], i, NULL};
      tellers[i].thread = g_thread_new ("tell", tell_all, &tellers[i]);
    }
  transport_test_wait_count (&seen.n_told, N_THREADS * N_TOLD);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (tellers[i].thread);
  g_assert_cmpuint (seen.n_wrong, ==, 0);
}

/* ---- both ends ask ---- */

static void
echo (FerryTransport *self, FerryCall *call, GObject *owner)
{
  g_autoptr (GError) error = NULL;

  ferry_call_answer (call, ferry_call_get_arguments (call), &error);
  g_assert_no_error (error);
}

static void
assert_answered (TransportTestAnswer *answer, guint number)
{
  transport_test_wait_count (&answer->n_done, 1);
  g_assert_no_error (answer->error);
  g_assert_cmpuint (g_variant_get_uint32 (answer->result), ==, number);
}

static void
test_both_ends_ask_and_answer (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);

  transport_test_take_calls (pair, ONE, echo);
  transport_test_take_calls (pair, OTHER, echo);
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (TransportTestAnswer) there = transport_test_ask (pair->ends[ONE], "echo", g_variant_new_uint32 (i));
      g_autoptr (TransportTestAnswer) back = transport_test_ask (pair->ends[OTHER], "echo", g_variant_new_uint32 (~i));

      assert_answered (there, i);
      assert_answered (back, ~i);
    }
}

/* ---- large messages ---- */

#define N_LARGE 5
#define LARGE_SIZE ((gsize) 2 * 1024 * 1024)

typedef struct
{
  FerryTransport *end; /* (unowned) */
  FerryCall *call;     /* (owned) */
} Asked;

static GThreadPool *answerers;

/* An answer that has no room is waited with on another thread than the one that makes room at the other end. */
static void
answer_large (gpointer data, gpointer unused)
{
  g_autofree Asked *asked = data;

  transport_test_answer_call (asked->end, asked->call, ferry_call_get_arguments (asked->call));
  ferry_call_unref (asked->call);
}

static void
queue_large (FerryTransport *self, FerryCall *call, GObject *owner)
{
  Asked *asked = g_new (Asked, 1);

  *asked = (Asked){self, ferry_call_ref (call)};
  g_thread_pool_push (answerers, asked, NULL);
}

static GVariant *
new_large (guint8 fill)
{
  guint8 *bytes = g_malloc (LARGE_SIZE);

  memset (bytes, fill, LARGE_SIZE);
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, LARGE_SIZE, TRUE, g_free, bytes);
}

static gpointer
ask_large (gpointer data)
{
  TransportTestAnswer **answers = g_new0 (TransportTestAnswer *, N_LARGE);

  for (guint i = 0; i < N_LARGE; i++)
    answers[i] = transport_test_ask (data, "large", new_large ((guint8) (i + 1)));
  return answers;
}

static void
check_large (TransportTestAnswer **answers)
{
  for (guint i = 0; i < N_LARGE; i++)
    {
      const guint8 *bytes;

      transport_test_wait_count (&answers[i]->n_done, 1);
      g_assert_no_error (answers[i]->error);
      g_assert_cmpuint (g_variant_get_size (answers[i]->result), ==, LARGE_SIZE);
      bytes = g_variant_get_data (answers[i]->result);
      g_assert_cmpuint (bytes[0], ==, i + 1);
      g_assert_cmpint (memcmp (bytes, bytes + 1, LARGE_SIZE - 1), ==, 0);
      transport_test_answer_free (answers[i]);
    }
  g_free (answers);
}

static void
test_large_messages_cross (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  GThread *threads[2];

  answerers = g_thread_pool_new (answer_large, NULL, 2 * N_LARGE, TRUE, NULL);
  for (guint i = 0; i < 2; i++)
    {
      transport_test_take_calls (pair, i, queue_large);
      threads[i] = g_thread_new ("ask", ask_large, pair->ends[i]);
    }
  check_large (g_thread_join (threads[0]));
  check_large (g_thread_join (threads[1]));
  g_thread_pool_free (answerers, FALSE, TRUE);
}

/* ---- room ---- */

static TransportTestGate gate = TRANSPORT_TEST_GATE_INIT;
static _Atomic guint n_passed;

static void
pass_gate (FerryTransport *self, FerryCall *call, GObject *owner)
{
  transport_test_gate_pass (&gate);
  n_passed++;
  transport_test_wake ();
}

static GVariant *
new_block (void)
{
  static const guint8 bytes[50000] = {0};

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1);
}

static void
test_a_full_transport_says_so_and_tells_of_room (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  g_autoptr (GError) error = NULL;
  guint64 count;
  guint n_told = 0;

  n_passed = 0;
  transport_test_gate_set (&gate, FALSE);
  transport_test_take_calls (pair, OTHER, pass_gate);
  do
    count = ferry_transport_get_room_count (pair->ends[ONE]);
  while (transport_test_try_tell (pair->ends[ONE], "tell", new_block ()) && ++n_told < 10000);
  g_assert_cmpuint (n_told, >, 10);
  g_assert_cmpuint (n_told, <, 10000);

  transport_test_gate_set (&gate, TRUE);
  ferry_transport_wait_for_room (pair->ends[ONE], count,
                                 g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ferry_transport_get_room_count (pair->ends[ONE]), >, count);
  transport_test_tell (pair->ends[ONE], "tell", new_block ());
  transport_test_wait_count (&n_passed, n_told + 1);
}

/* ---- who answers ---- */

static void
test_requests_wait_for_who_takes_them (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  TransportTestAnswer *answers[20];
  g_autoptr (TransportTestAnswer) back = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answers[i] = transport_test_ask (pair->ends[ONE], "echo", g_variant_new_uint32 (i));
  /* What is answered the other way has come after them. */
  transport_test_take_calls (pair, ONE, echo);
  back = transport_test_ask (pair->ends[OTHER], "echo", g_variant_new_uint32 (0));
  assert_answered (back, 0);
  transport_test_take_calls (pair, OTHER, echo);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      assert_answered (answers[i], i);
      transport_test_answer_free (answers[i]);
    }
}

static void
test_requests_are_refused_once_nobody_takes_them (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  g_autoptr (TransportTestAnswer) before = NULL;
  g_autoptr (TransportTestAnswer) after = NULL;
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, "No more for today");

  transport_test_take_calls (pair, OTHER, echo);
  before = transport_test_ask (pair->ends[ONE], "echo", g_variant_new_uint32 (1));
  assert_answered (before, 1);
  ferry_transport_leave_calls (pair->ends[OTHER], reason);
  after = transport_test_ask (pair->ends[ONE], "echo", g_variant_new_uint32 (2));
  transport_test_assert_failed (after, FERRY_ERROR_REFUSED);
  g_assert_true (after->refused);
  g_assert_nonnull (strstr (after->error->message, "No more for today"));
}

static void
try_to_wait (FerryTransport *self, FerryCall *call, GObject *owner)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_transport_check_may_wait (self, "the other form", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  ferry_call_answer (call, g_variant_new_uint32 (7), NULL);
}

static gpointer
check_may_wait (gpointer end)
{
  g_assert_true (ferry_transport_check_may_wait (end, "the other form", NULL));
  return NULL;
}

static void
test_nobody_waits_on_the_receiving_thread (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  g_autoptr (TransportTestAnswer) answer = NULL;

  transport_test_take_calls (pair, OTHER, try_to_wait);
  answer = transport_test_ask (pair->ends[ONE], "wait", NULL);
  assert_answered (answer, 7);
  g_thread_join (g_thread_new ("wait", check_may_wait, pair->ends[OTHER]));
}

static const TransportTestFact facts[] = {
  {"delivers-in-order", test_delivers_in_order},
  {"both-ends-ask-and-answer", test_both_ends_ask_and_answer},
  {"large-messages-cross", test_large_messages_cross},
  {"a-full-transport-says-so-and-tells-of-room", test_a_full_transport_says_so_and_tells_of_room},
  {"requests-wait-for-who-takes-them", test_requests_wait_for_who_takes_them},
  {"requests-are-refused-once-nobody-takes-them", test_requests_are_refused_once_nobody_takes_them},
  {"nobody-waits-on-the-receiving-thread", test_nobody_waits_on_the_receiving_thread},
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  transport_test_add_facts ("transport", facts, G_N_ELEMENTS (facts));
  return g_test_run ();
}
