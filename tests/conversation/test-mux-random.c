/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-mux.c, call/ferry-request.c
 *
 * 100,000 calls of 64 threads, from a seed, over each kind of transport, with delays, deadlines, cancels, stops, closed
 * transports and killed workers: each ends exactly once, with its own answer or with an error that it may have.
 */

#include "config.h"

#include <stdatomic.h>

#include "conversation/mux-test.h"

#define N_THREADS 64
#define N_ROUNDS 60
#ifdef __SANITIZE_ADDRESS__
#define N_EACH 6
#else
#define N_EACH 60
#endif

typedef enum
{
  FATE_NONE,
  FATE_STOP,
  FATE_CLOSE,
  FATE_KILL,
  N_FATES,
} Fate;

/* What happens to the transport when so many calls are over. */
static struct
{
  guint32 seed;
  Fate fate;
  guint moment;
  _Atomic guint n_asked; /* those with a function */
  _Atomic guint n_called;
  _Atomic guint n_over;
  _Atomic guint n_answered;
  _Atomic gboolean fated;
} play;

typedef struct
{
  guint32 number;
  gboolean timed;
  gboolean cancelled;
} Expectation;

static gboolean
may_end_with (const Expectation *self, const GError *error)
{
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    return self->timed;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return self->cancelled;
  if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return self->number % 10 == 9;
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    return atomic_load (&play.fated);
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST) && atomic_load (&play.fated) &&
         play.fate == FATE_KILL;
}

static void
note_end (const Expectation *self, GVariant *result, const GError *error)
{
  if (error != NULL && !may_end_with (self, error))
    g_error ("Number %u (%s, %s) ended with: %s", self->number, self->timed ? "timed" : "not timed",
             self->cancelled ? "cancelled" : "not cancelled", error->message);
  if (error == NULL)
    {
      g_assert_cmpuint (g_variant_get_uint32 (result), ==, 2 * self->number);
      atomic_fetch_add (&play.n_answered, 1);
    }
  atomic_fetch_add (&play.n_over, 1);
  if (atomic_load (&play.n_over) == play.moment)
    g_main_context_wakeup (NULL);
}

static void
called_cb (GVariant *result, const GError *error, gpointer data)
{
  Expectation *expectation = data;

  note_end (expectation, result, error);
  atomic_fetch_add (&play.n_called, 1);
  g_free (expectation);
}

static GVariant *
new_work (GRand *rand, guint32 number)
{
  return g_variant_new ("(uu)", g_rand_int_range (rand, 0, 20) == 0 ? g_rand_int_range (rand, 1, 4) : 0, number);
}

static void
ask_with_func (MuxTest *test, GRand *rand, guint32 number)
{
  Expectation *expectation = g_new0 (Expectation, 1);
  g_autoptr (GError) error = NULL;

  expectation->number = number;
  if (ferry_mux_transact_with_func (test->mux, "work", new_work (rand, number), called_cb, expectation, &error) != 0)
    {
      atomic_fetch_add (&play.n_asked, 1);
      return;
    }
  /* A thread that may not wait is told to come again. */
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    g_assert_true (may_end_with (expectation, error));
  g_free (expectation);
}

/* It stays until it is removed. */
static gboolean
cancel_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_CONTINUE;
}

static void
ask_and_wait (MuxTest *test, GRand *rand, guint32 number)
{
  Expectation expectation = {number, g_rand_int_range (rand, 0, 4) == 0, g_rand_int_range (rand, 0, 6) == 0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gint64 timeout = expectation.timed ? g_rand_int_range (rand, 0, 3000) : -1;
  gboolean hangs = g_rand_int_range (rand, 0, 50) == 0 && (expectation.timed || expectation.cancelled);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  guint timer = 0;

  if (expectation.cancelled && (hangs || g_rand_boolean (rand)))
    timer = g_timeout_add_full (G_PRIORITY_HIGH, (guint) g_rand_int_range (rand, 0, 3), cancel_cb,
                                g_object_ref (cancellable), g_object_unref);
  else if (expectation.cancelled)
    g_cancellable_cancel (cancellable);
  result = ferry_mux_transact (test->mux, hangs ? "never" : "work", hangs ? NULL : new_work (rand, number), timeout,
                               cancellable, &error);
  note_end (&expectation, result, error);
  if (timer != 0)
    g_source_remove (timer);
}

static void
ask_at_random (MuxTest *test, guint thread)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (play.seed + thread);

  for (guint i = 0; i < N_EACH; i++)
    if (g_rand_int_range (rand, 0, 3) == 0)
      ask_with_func (test, rand, thread * N_EACH + i);
    else
      ask_and_wait (test, rand, thread * N_EACH + i);
}

/* Looks at each turn of the main loop whether it is time. */
static gboolean
look_for_fate (gpointer data)
{
  MuxTest *test = data;

  if (play.fate == FATE_NONE || atomic_load (&play.fated) || atomic_load (&play.n_over) < play.moment)
    return G_SOURCE_CONTINUE;
  atomic_store (&play.fated, TRUE);
  if (play.fate == FATE_STOP)
    ferry_mux_stop (test->mux);
  else if (play.fate == FATE_CLOSE)
    ferry_transport_close (test->transport);
  else
    ferry_worker_force_exit (test->worker);
  return G_SOURCE_CONTINUE;
}

static gboolean
all_were_called (gpointer data)
{
  return atomic_load (&play.n_called) == atomic_load (&play.n_asked);
}

static void
play_round (guint round)
{
  MuxTestWay way = (MuxTestWay) (round % MUX_TEST_N_WAYS);
  guint n_fates = way == MUX_TEST_LANES ? N_FATES : N_FATES - 1;
  MuxTest *test;
  guint timer;

  play.seed = g_test_rand_int ();
  /* Every second worker is killed. */
  play.fate = (Fate) (round / MUX_TEST_N_WAYS % n_fates);
  if (way == MUX_TEST_LANES && round % 2 == 0)
    play.fate = FATE_KILL;
  play.moment = (guint) g_test_rand_int_range (1, N_THREADS * N_EACH);
  play.n_asked = play.n_called = play.n_over = 0;
  play.fated = FALSE;
  test = mux_test_new (way, 1 + round % 7);
  timer = g_timeout_add (1, look_for_fate, test);
  mux_test_run_threads (test, N_THREADS, ask_at_random);
  ferry_test_run_until (all_were_called, NULL);
  g_source_remove (timer);
  mux_test_free (test);
  /* Nothing can come any more, and nothing was told twice. */
  g_assert_cmpuint (atomic_load (&play.n_called), ==, atomic_load (&play.n_asked));
}

static void
each_ends_once (void)
{
  for (guint round = 0; round < N_ROUNDS; round++)
    play_round (round);
  g_test_message ("%u were answered", atomic_load (&play.n_answered));
  g_assert_cmpuint (atomic_load (&play.n_answered), >, N_ROUNDS * N_THREADS * N_EACH / 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/mux-random/each-ends-once", each_ends_once);
  return g_test_run ();
}
