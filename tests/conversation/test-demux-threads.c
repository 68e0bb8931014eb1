/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-demux.c
 *
 * Floods from many threads, over wires that are often full: each request ends once, whatever happens meanwhile. What
 * happens comes from a seed (--seed), when it happens does not. */

#include "config.h"

#include <signal.h>

#include "conversation/demux-test.h"

#include <stdatomic.h>

#define N_THREADS 64
#define N_REQUESTS 60
#define N_STARTS 40

/* What a handler does with a request; its arguments say which. */
typedef enum
{
  ANSWERS,
  ANSWERS_SLOWLY,
  ANSWERS_LATER, /* on a thread of its own */
  FAILS,
  DROPS,
  WATCHES, /* has the cancellable, and answers */
  N_DEEDS,
} Deed;

typedef struct
{
  GCancellable *cancellable; /* (owned) */
  gboolean fired;            /* by the time the answer was given */
} Watched;

typedef struct
{
  DemuxTestPair *pair;
  _Atomic guint n_ended;

  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue later;    /* lock: (element-type FerryInvocation) (owned) */
  GArray *watched; /* lock: (element-type Watched) */
  gboolean ending; /* lock */
} Flood;

typedef struct
{
  Flood *flood;
  GRand *random;
  GThread *thread;
} Asker;

typedef struct
{
  Flood *flood;
  guint32 number;
  _Atomic guint n_done;
} Question;

static void
note_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Question *question = data;

  g_assert_cmpuint (atomic_fetch_add (&question->n_done, 1), ==, 0);
  g_assert_true ((result == NULL) == (error != NULL));
  if (result != NULL)
    g_assert_cmpuint (g_variant_get_uint32 (result), ==, question->number);
  else
    g_assert_true (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_REFUSED) ||
                   g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT) ||
                   g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
                   g_error_matches (error, G_IO_ERROR, G_IO_ERROR_FAILED));
  atomic_fetch_add (&question->flood->n_ended, 1);
  g_main_context_wakeup (NULL);
}

static const FerryAnswerFuncs answer_funcs = {.done = note_done};

/* ---- asking ---- */

static void
ask (Flood *flood, Question *question, guint64 *xid)
{
  const FerryRequest request = {.method = "do", .arguments = g_variant_new_uint32 (question->number)};
  FerryTransport *transport = flood->pair->ends[ASKING];
  g_autoptr (GVariant) kept G_GNUC_UNUSED = g_variant_ref_sink (request.arguments);
  guint64 count;

  do
    {
      g_autoptr (GError) error = NULL;

      count = ferry_transport_get_room_count (transport);
      *xid = ferry_transport_ask (transport, &request, &answer_funcs, question, &error);
      if (*xid == 0)
        {
          g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
          ferry_transport_wait_for_room (transport, count, 0, NULL, NULL);
        }
    }
  while (*xid == 0);
}

static gpointer
ask_all (gpointer data)
{
  Asker *self = data;
  FerryTransport *transport = self->flood->pair->ends[ASKING];
  Question *questions = g_new0 (Question, N_REQUESTS);

  for (guint i = 0; i < N_REQUESTS; i++)
    {
      guint64 xid;

      questions[i].flood = self->flood;
      questions[i].number = g_rand_int (self->random);
      ask (self->flood, &questions[i], &xid);
      if (g_rand_int_range (self->random, 0, 4) == 0)
        ferry_transport_cancel (transport, xid, FERRY_CANCEL_REASON_CANCELLED);
    }
  return questions;
}

/* ---- answering ---- */

static void
spend (guint microseconds)
{
  gint64 end = g_get_monotonic_time () + microseconds;

  while (g_get_monotonic_time () < end)
    g_thread_yield ();
}

static void
watch (Flood *flood, FerryInvocation *invocation, guint32 number)
{
  Watched watched = {.cancellable = g_object_ref (ferry_invocation_get_cancellable (invocation))};

  spend (number % 300);
  ferry_invocation_return_value (invocation, g_variant_new_uint32 (number));
  watched.fired = g_cancellable_is_cancelled (watched.cancellable);
  pthread_mutex_lock (&flood->lock);
  g_array_append_val (flood->watched, watched);
  pthread_mutex_unlock (&flood->lock);
}

static void
do_cb (FerryInvocation *invocation, gpointer data)
{
  Flood *flood = data;
  guint32 number = g_variant_get_uint32 (ferry_invocation_get_arguments (invocation));

  switch ((Deed) (number % N_DEEDS))
    {
    case ANSWERS_SLOWLY:
      spend (number % 500);
      ferry_invocation_return_value (invocation, g_variant_new_uint32 (number));
      break;
    case ANSWERS_LATER:
      pthread_mutex_lock (&flood->lock);
      g_queue_push_tail (&flood->later, ferry_invocation_ref (invocation));
      pthread_cond_signal (&flood->changed);
      pthread_mutex_unlock (&flood->lock);
      break;
    case FAILS:
      ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_FAILED, "Number %u", number);
      break;
    case DROPS:
      break;
    case WATCHES:
      watch (flood, invocation, number);
      break;
    case ANSWERS:
    default:
      ferry_invocation_return_value (invocation, g_variant_new_uint32 (number));
    }
}

static gpointer
answer_later (gpointer data)
{
  Flood *flood = data;
  FerryInvocation *invocation;

  pthread_mutex_lock (&flood->lock);
  while (flood->later.length > 0 || !flood->ending)
    {
      invocation = g_queue_pop_head (&flood->later);
      if (invocation == NULL)
        {
          pthread_cond_wait (&flood->changed, &flood->lock);
          continue;
        }
      pthread_mutex_unlock (&flood->lock);
      ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
      ferry_invocation_unref (invocation);
      pthread_mutex_lock (&flood->lock);
    }
  pthread_mutex_unlock (&flood->lock);
  return NULL;
}

/* ---- the flood ---- */

static void
flood_init (Flood *flood)
{
  flood->pair = demux_test_pair_new ();
  pthread_mutex_init (&flood->lock, NULL);
  pthread_cond_init (&flood->changed, NULL);
  g_queue_init (&flood->later);
  flood->watched = g_array_new (FALSE, FALSE, sizeof (Watched));
  for (guint i = 0; i < 2; i++)
    demux_test_wire_limit (flood->pair, i, 20, G_MAXSIZE);
  ferry_demux_add_handler (flood->pair->demux, "do", do_cb, flood, NULL);
}

/* What had not fired when the answer was given has not fired since. */
static void
flood_clear (Flood *flood)
{
  demux_test_pair_free (flood->pair);
  for (guint i = 0; i < flood->watched->len; i++)
    {
      Watched *watched = &g_array_index (flood->watched, Watched, i);

      g_assert_cmpint (g_cancellable_is_cancelled (watched->cancellable), ==, watched->fired);
      g_object_unref (watched->cancellable);
    }
  g_array_unref (flood->watched);
  pthread_cond_destroy (&flood->changed);
  pthread_mutex_destroy (&flood->lock);
}

static gboolean
all_ended (gpointer data)
{
  Flood *flood = data;

  return atomic_load (&flood->n_ended) == N_THREADS * N_REQUESTS;
}

/* meanwhile (nullable) runs on three threads until it returns. */
static void
run (Flood *flood, GThreadFunc meanwhile)
{
  GThread *later = g_thread_new ("later", answer_later, flood);
  Asker askers[N_THREADS];
  GThread *others[3] = {NULL};
  Question *questions[N_THREADS];

  demux_test_start (flood->pair);
  for (guint i = 0; i < N_THREADS; i++)
    {
      askers[i] = (Asker){flood, g_rand_new_with_seed (g_test_rand_int ()), NULL};
      askers[i].thread = g_thread_new ("ask", ask_all, &askers[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (others) && meanwhile != NULL; i++)
    others[i] = g_thread_new ("meanwhile", meanwhile, flood);
  for (guint i = 0; i < N_THREADS; i++)
    questions[i] = g_thread_join (askers[i].thread);
  for (guint i = 0; i < G_N_ELEMENTS (others) && meanwhile != NULL; i++)
    g_thread_join (others[i]);
  ferry_test_run_until (all_ended, flood);
  pthread_mutex_lock (&flood->lock);
  flood->ending = TRUE;
  pthread_cond_signal (&flood->changed);
  pthread_mutex_unlock (&flood->lock);
  g_thread_join (later);
  flood_clear (flood);
  for (guint i = 0; i < N_THREADS; i++)
    {
      g_rand_free (askers[i].random);
      g_free (questions[i]);
    }
}

static void
test_flood_pool (void)
{
  Flood flood = {NULL};

  flood_init (&flood);
  ferry_demux_set_threads (flood.pair->demux, 3);
  run (&flood, NULL);
}

static void
test_flood_many (void)
{
  Flood flood = {NULL};

  flood_init (&flood);
  ferry_demux_set_threads (flood.pair->demux, 16);
  run (&flood, NULL);
}

static void
test_flood_receiving (void)
{
  Flood flood = {NULL};

  flood_init (&flood);
  ferry_demux_set_threads (flood.pair->demux, 0);
  run (&flood, NULL);
}

/* ---- signals ---- */

static void
tell_blocked (FerryInvocation *invocation, gpointer data)
{
  sigset_t blocked;

  pthread_sigmask (SIG_SETMASK, NULL, &blocked);
  ferry_invocation_return_value (
    invocation, g_variant_new_uint32 (sigismember (&blocked, SIGTERM) | sigismember (&blocked, SIGUSR1) << 1));
}

/* A thread that receives blocks all signals, and starts those that answer: what a handler starts is not to inherit it.
 */
static void
test_signals (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  DemuxTestAnswer *answer;
  sigset_t one;
  sigset_t all;
  sigset_t before;

  sigemptyset (&one);
  sigaddset (&one, SIGUSR1);
  sigfillset (&all);
  ferry_demux_set_threads (pair->demux, 1);
  ferry_demux_add_handler (pair->demux, "blocked", tell_blocked, NULL, NULL);
  demux_test_pair_manual (pair, ASKING);
  pthread_sigmask (SIG_BLOCK, &one, &before);
  demux_test_start (pair);
  answer = demux_test_ask (pair, "blocked", NULL);
  pthread_sigmask (SIG_SETMASK, &all, NULL);
  g_assert_true (demux_test_deliver (pair, ASKING));
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  demux_test_expect_value (answer, 2);
}

static gpointer
start_and_stop (gpointer data)
{
  Flood *flood = data;

  for (guint i = 0; i < N_STARTS; i++)
    {
      guint seen = atomic_load (&flood->n_ended);

      if (i % 2 == 0)
        ferry_demux_stop (flood->pair->demux);
      else
        demux_test_start (flood->pair);
      /* Something happens in between, or nothing can any more. */
      while (atomic_load (&flood->n_ended) == seen && !all_ended (flood))
        g_thread_yield ();
    }
  return NULL;
}

static void
test_flood_stops (void)
{
  Flood flood = {NULL};

  flood_init (&flood);
  ferry_demux_set_threads (flood.pair->demux, 3);
  run (&flood, start_and_stop);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/demux/ends-each-of-a-flood-once/on-a-pool", test_flood_pool);
  g_test_add_func ("/demux/ends-each-of-a-flood-once/many", test_flood_many);
  g_test_add_func ("/demux/ends-each-of-a-flood-once/on-the-receiving-thread", test_flood_receiving);
  g_test_add_func ("/demux/ends-each-of-a-flood-once/while-it-starts-and-stops", test_flood_stops);

  g_test_add_func ("/demux/its-threads-block-the-signals-that-its-starter-blocks", test_signals);
  return g_test_run ();
}
