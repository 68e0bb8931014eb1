/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-short-cut.c, engine/ferry-drain.c, lane/ferry-answer-waits.c, call/ferry-link-transport.c
 *
 * Answers that waiting threads of the application are handed, by the thread that drains, which may be the same, and
 * what may come in between. */

#include "config.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call/link-test.h"
#include "conversation/ferry-mux.h"
#include "engine/ferry-monitor-private.h"
#include "process/ferry-worker-private.h"
#include "route/ferry-router-private.h"

#define N_DIRECT 200
/* Each night. */
#define N_ROUNDS 30
#define MAX_IN_FLIGHT 8
#define N_TOGETHER 6
#define N_WHILE_BLOCKED 20
#define SOON (100 * G_TIME_SPAN_MILLISECOND)

/* A thread that asks a, again and again, until it is stopped or gets an error. */
typedef struct
{
  LinkTest *test;
  FerryMux *mux;   /* (owned) */
  GThread *thread; /* (owned) */
  GError *error;   /* (owned) (nullable): written by the thread before it ends */
  _Atomic guint n_answered;
  _Atomic gboolean stops;
  _Atomic gboolean ended;
} Asker;

static gpointer
ask (gpointer data)
{
  Asker *self = data;

  for (guint32 i = 0; self->error == NULL && !atomic_load (&self->stops); i++)
    {
      g_autoptr (GVariant) result =
        ferry_mux_transact (self->mux, "echo", g_variant_new_uint32 (i), -1, NULL, &self->error);

      if (result != NULL)
        g_assert_cmpuint (g_variant_get_uint32 (result), ==, i);
      atomic_fetch_add (&self->n_answered, 1);
      /* The main loop sleeps while this thread takes its answers itself, and looks at its condition now and then. */
      if (i % 64 == 0)
        g_main_context_wakeup (NULL);
    }
  atomic_store (&self->ended, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
asker_start (Asker *self, LinkTest *test)
{
  *self = (Asker){.test = test, .mux = ferry_mux_new (test->a)};
  self->thread = g_thread_new ("asker", ask, self);
}

static gboolean
has_ended (gpointer data)
{
  return atomic_load (&((Asker *) data)->ended);
}

static void
asker_end (Asker *self)
{
  atomic_store (&self->stops, TRUE);
  ferry_test_run_until (has_ended, self);
  g_thread_join (self->thread);
  g_clear_object (&self->mux);
}

static guint64
count_direct (LinkTest *test)
{
  return ferry_router_get_counter (test->router, FERRY_COUNTER_DIRECT_ANSWERS);
}

static gboolean
has_taken_many (gpointer data)
{
  return count_direct (data) >= N_DIRECT;
}

/* Whether the main loop polls before it sleeps, or sleeps at once. */
typedef enum
{
  POLLS,
  SLEEPS,
} Manner;

static void
open_test (LinkTest *test, Manner manner)
{
  link_test_init (test);
  if (manner == SLEEPS)
    ferry_monitor_set_spin (test->router->monitor, 0);
}

/* Whether the main loop drains, and not the monitor. */
static gboolean
can_take (LinkTest *test)
{
  return !test->router->by_monitor;
}

static void
skip (LinkTest *test)
{
  g_test_skip ("No thread drains for its answer here");
  link_test_close (test);
}

static void
thread_takes_its_answers_itself (gconstpointer manner)
{
  g_auto (LinkTest) test = {0};
  Asker asker;

  open_test (&test, GPOINTER_TO_INT (manner));
  if (!can_take (&test))
    {
      skip (&test);
      return;
    }
  asker_start (&asker, &test);
  ferry_test_run_until (has_taken_many, &test);
  asker_end (&asker);
  g_assert_no_error (asker.error);
  link_test_close (&test);
}

typedef struct
{
  LinkTest *test;
  guint64 wanted;
} Count;

static gboolean
has_taken_more (gpointer data)
{
  const Count *count = data;

  return count_direct (count->test) >= count->wanted;
}

/* The main loop need not run for that, once the thread takes its answers itself. */
static void
thread_takes_its_answers_while_the_main_loop_works (gconstpointer manner)
{
  g_auto (LinkTest) test = {0};
  Count count = {&test, 0};
  gboolean taken = FALSE;
  Asker asker;

  open_test (&test, GPOINTER_TO_INT (manner));
  if (!can_take (&test))
    {
      skip (&test);
      return;
    }
  asker_start (&asker, &test);
  while (!taken)
    {
      gint64 until;

      count.wanted += N_DIRECT;
      ferry_test_run_until (has_taken_more, &count);
      count.wanted = count_direct (&test) + 1;
      until = g_get_monotonic_time () + 20 * G_TIME_SPAN_MILLISECOND;
      while (!(taken = has_taken_more (&count)) && g_get_monotonic_time () < until)
        g_thread_yield ();
    }
  asker_end (&asker);
  g_assert_no_error (asker.error);
  link_test_close (&test);
}

typedef struct
{
  Asker askers[N_TOGETHER];
  guint wanted[N_TOGETHER]; /* of answers of each thread */
  gboolean done;            /* they came while the main loop was in the callback of a source */
} Together;

static gboolean
have_all_got_more (gpointer data)
{
  const Together *self = data;

  for (guint i = 0; i < N_TOGETHER; i++)
    if (atomic_load (&self->askers[i].n_answered) < self->wanted[i])
      return FALSE;
  return TRUE;
}

/* The callback of a source: the main loop does nothing else until each thread has got some answers. */
static gboolean
block_until_answered (gpointer data)
{
  Together *self = data;

  for (guint i = 0; i < N_TOGETHER; i++)
    self->wanted[i] = atomic_load (&self->askers[i].n_answered) + N_WHILE_BLOCKED;
  while (!have_all_got_more (self))
    g_thread_yield ();
  self->done = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
was_blocked (gpointer data)
{
  return ((Together *) data)->done;
}

static void
threads_that_wait_together_are_answered_while_the_main_loop_is_blocked (gconstpointer manner)
{
  g_auto (LinkTest) test = {0};
  Together together = {0};

  open_test (&test, GPOINTER_TO_INT (manner));
  for (guint i = 0; i < N_TOGETHER; i++)
    asker_start (&together.askers[i], &test);
  for (guint i = 0, n = ferry_test_times (N_ROUNDS / 3, N_ROUNDS); i < n; i++)
    {
      together.done = FALSE;
      /* Before and after the router's own source. */
      g_idle_add_full (i % 2 == 0 ? G_PRIORITY_HIGH : G_PRIORITY_LOW, block_until_answered, &together, NULL);
      ferry_test_run_until (was_blocked, &together);
    }
  for (guint i = 0; i < N_TOGETHER; i++)
    {
      asker_end (&together.askers[i]);
      g_assert_no_error (together.askers[i].error);
    }
  link_test_close (&test);
}

typedef struct
{
  FerryLink *link;   /* (unowned) */
  gboolean is_quiet; /* the main loop has been in a callback of a source while the lane was unarmed */
} Lane;

/* The callback of a source: the main loop works. */
static gboolean
look_at_lane (gpointer data)
{
  Lane *self = data;

  self->is_quiet = self->link->visit.is_active;
  return self->is_quiet ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

/* What the main loop itself asks over the link is then answered without the monitor, as before. The time is the
 * processor's: the main loop has nothing else to do, and what other processes take does not count. */
static void
main_loop_has_the_lane_for_itself_soon_after_the_last_wait (gconstpointer manner)
{
  g_auto (LinkTest) test = {0};
  Together together = {0};
  Lane lane = {0};
  gint64 before;

  open_test (&test, GPOINTER_TO_INT (manner));
  if (!can_take (&test))
    {
      skip (&test);
      return;
    }
  lane.link = ferry_worker_get_link (test.worker);
  for (guint i = 0; i < N_TOGETHER; i++)
    {
      together.wanted[i] = 1;
      asker_start (&together.askers[i], &test);
    }
  ferry_test_run_until (have_all_got_more, &together);
  for (guint i = 0; i < N_TOGETHER; i++)
    asker_end (&together.askers[i]);
  before = ferry_test_read_clock (CLOCK_THREAD_CPUTIME_ID);
  g_idle_add (look_at_lane, &lane);
  ferry_test_wait_flag (&lane.is_quiet);
  g_assert_cmpint (ferry_test_read_clock (CLOCK_THREAD_CPUTIME_ID) - before, <, SOON);
  link_test_close (&test);
}

typedef struct
{
  LinkTest *test;
  FerryMux *mux; /* (unowned) */
  guint32 n_asked;
  guint32 n_answered;
} Others;

static void
other_answered (GVariant *result, const GError *error, gpointer data)
{
  Others *self = data;

  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint32 (result), ==, self->n_answered);
  self->n_answered++;
}

static gboolean
have_many_come (gpointer data)
{
  Others *self = data;

  while (self->n_asked - self->n_answered < MAX_IN_FLIGHT &&
         ferry_mux_transact_with_func (self->mux, "echo", g_variant_new_uint32 (self->n_asked), other_answered, self,
                                       NULL) != 0)
    self->n_asked++;
  return self->n_answered > 100 * N_DIRECT;
}

static gboolean
have_all_come (gpointer data)
{
  const Others *self = data;

  return self->n_answered == self->n_asked;
}

static void
answers_of_others_reach_the_main_loop_in_order (gconstpointer manner)
{
  g_auto (LinkTest) test = {0};
  Others others = {&test, NULL, 0, 0};
  Asker asker;

  open_test (&test, GPOINTER_TO_INT (manner));
  asker_start (&asker, &test);
  others.mux = asker.mux;
  ferry_test_run_until (have_many_come, &others);
  ferry_test_run_until (have_all_come, &others);
  asker_end (&asker);
  g_assert_no_error (asker.error);
  link_test_close (&test);
}

/* Starts an asker in each round, and lets it take some answers. */
static void
begin_round (LinkTest *test, Asker *asker, Manner manner)
{
  open_test (test, manner);
  asker_start (asker, test);
  if (can_take (test))
    ferry_test_run_until (has_taken_many, test);
}

static void
killed_worker_ends_the_wait (gconstpointer manner)
{
  for (guint i = 0, n = ferry_test_times (N_ROUNDS / 3, N_ROUNDS); i < n; i++)
    {
      g_auto (LinkTest) test = {0};
      Asker asker;

      begin_round (&test, &asker, GPOINTER_TO_INT (manner));
      ferry_worker_force_exit (test.worker);
      ferry_test_run_until (has_ended, &asker);
      /* The worker may end before the thread sends its next request. */
      if (!g_error_matches (asker.error, FERRY_ERROR, FERRY_ERROR_CLOSED))
        g_assert_error (asker.error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      asker_end (&asker);
      g_clear_error (&asker.error);
    }
}

static void
closed_transport_ends_the_wait (gconstpointer manner)
{
  for (guint i = 0, n = ferry_test_times (N_ROUNDS / 3, N_ROUNDS); i < n; i++)
    {
      g_auto (LinkTest) test = {0};
      Asker asker;

      begin_round (&test, &asker, GPOINTER_TO_INT (manner));
      ferry_transport_close (test.a);
      ferry_test_run_until (has_ended, &asker);
      g_assert_error (asker.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
      asker_end (&asker);
      g_clear_error (&asker.error);
      link_test_close (&test);
    }
}

static void
stopped_router_ends_the_wait (gconstpointer manner)
{
  for (guint i = 0, n = ferry_test_times (N_ROUNDS / 3, N_ROUNDS); i < n; i++)
    {
      g_auto (LinkTest) test = {0};
      g_autoptr (GError) error = NULL;
      guint64 n_direct, spin_time;
      Asker asker;

      begin_round (&test, &asker, GPOINTER_TO_INT (manner));
      n_direct = count_direct (&test);
      spin_time = ferry_router_get_counter (test.router, FERRY_COUNTER_SPIN_TIME);
      ferry_router_stop (test.router, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (count_direct (&test), >=, n_direct);
      g_assert_cmpuint (ferry_router_get_counter (test.router, FERRY_COUNTER_SPIN_TIME), >=, spin_time);
      ferry_test_run_until (has_ended, &asker);
      g_assert_error (asker.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
      asker_end (&asker);
      g_clear_error (&asker.error);
      /* link_test_clear() stops a running router. */
      ferry_router_start (test.router, &error);
      g_assert_no_error (error);
    }
}

static void
malformed_message_ends_the_worker (gconstpointer manner)
{
  for (guint i = 0, n = ferry_test_times (N_ROUNDS / 3, N_ROUNDS); i < n; i++)
    {
      g_auto (LinkTest) test = {0};
      g_autoptr (CallTestAnswer) garbage = NULL;
      Asker asker;

      begin_round (&test, &asker, GPOINTER_TO_INT (manner));
      garbage = link_test_ask (test.a, "garbage", NULL);
      ferry_test_run_until (has_ended, &asker);
      g_assert_nonnull (asker.error);
      asker_end (&asker);
      g_clear_error (&asker.error);
      ferry_test_wait_ended (test.worker);
      worker_test_assert_exit (test.worker, FERRY_CLOSE_REASON_PROTOCOL_ERROR, "message");
    }
}

/* ---- a thread that holds the drain lock and loses its processor ---- */

typedef struct
{
  FerryDrainLock *drain_lock; /* (unowned) */
  guint n_ticks;
  _Atomic gboolean has_drain_lock;
  _Atomic gboolean goes_on;
} Holder;

static gpointer
hold_drain_lock (gpointer data)
{
  Holder *self = data;

  while (!ferry_drain_lock_acquire (self->drain_lock))
    g_thread_yield ();
  atomic_store (&self->has_drain_lock, TRUE);
  g_main_context_wakeup (NULL);
  while (!atomic_load (&self->goes_on))
    g_thread_yield ();
  ferry_drain_lock_release (self->drain_lock, FALSE);
  return NULL;
}

static gboolean
has_drain_lock (gpointer data)
{
  return atomic_load (&((Holder *) data)->has_drain_lock);
}

static gboolean
count_tick (gpointer data)
{
  ((Holder *) data)->n_ticks++;
  return G_SOURCE_CONTINUE;
}

static gboolean
has_ticked (gpointer data)
{
  return ((Holder *) data)->n_ticks > 20;
}

static void
thread_that_stands_still_with_the_drain_lock_holds_up_no_timer (void)
{
  g_auto (LinkTest) test = {0};
  Holder holder = {0};
  GThread *thread;
  guint id;

  open_test (&test, POLLS);
  if (!can_take (&test))
    {
      skip (&test);
      return;
    }
  link_test_assert_answers (test.a, "name", NULL, "'a'");
  holder.drain_lock = ferry_monitor_get_short_cut (test.router->monitor)->drain_lock;
  id = g_timeout_add (1, count_tick, &holder);
  thread = g_thread_new ("holder", hold_drain_lock, &holder);
  ferry_test_run_until (has_drain_lock, &holder);
  holder.n_ticks = 0;
  ferry_test_run_until (has_ticked, &holder);
  atomic_store (&holder.goes_on, TRUE);
  g_thread_join (thread);
  g_source_remove (id);
  link_test_assert_answers (test.a, "name", NULL, "'a'");
  link_test_close (&test);
}

/* A thread that is asked to stand still, in the handler of a signal: as one that another thread keeps from running. */
static _Atomic gboolean stands_still;
static int gate[2]; /* it goes on when it reads a byte there */

static void
keep_still (int number)
{
  char byte;

  atomic_store (&stands_still, TRUE);
  while (read (gate[0], &byte, 1) < 0)
    ;
}

typedef struct
{
  FerryMux *mux; /* (owned) */
  _Atomic int thread;
  GError *error; /* (owned) (nullable): written by the thread before it ends */
} Late;

static gpointer
ask_last (gpointer data)
{
  Late *self = data;

  atomic_store (&self->thread, (int) syscall (SYS_gettid));
  return ferry_mux_transact (self->mux, "drop", NULL, -1, NULL, &self->error);
}

static gboolean
sleeps (gpointer data)
{
  const int thread = atomic_load (&((Late *) data)->thread);

  return thread != 0 && ferry_test_get_system_call (getpid (), thread) == SYS_futex;
}

static gboolean
is_still (gpointer data)
{
  return atomic_load (&stands_still);
}

static gboolean
is_closed (gpointer data)
{
  return ferry_transport_get_closed (data);
}

/* The worker's answer is the last that it sends: its transport ends behind that. */
static void
answer_that_came_before_the_end_is_that_of_a_thread_that_looks_later (gconstpointer manner)
{
  struct sigaction action = {.sa_handler = keep_still};
  g_auto (LinkTest) test = {0};
  Late late = {0};
  GThread *thread;

  open_test (&test, GPOINTER_TO_INT (manner));
  link_test_assert_answers (test.a, "name", NULL, "'a'");
  g_assert_cmpint (sigaction (SIGUSR1, &action, NULL), ==, 0);
  atomic_store (&stands_still, FALSE);
  g_assert_cmpint (pipe (gate), ==, 0);
  late.mux = ferry_mux_new (test.a);
  ferry_test_stop_worker (test.worker);
  thread = g_thread_new ("late", ask_last, &late);
  ferry_test_look_until (sleeps, &late);
  g_assert_cmpint ((int) syscall (SYS_tgkill, getpid (), atomic_load (&late.thread), SIGUSR1), ==, 0);
  ferry_test_look_until (is_still, NULL);
  ferry_worker_send_signal (test.worker, SIGCONT);
  ferry_test_run_until (is_closed, test.a);
  g_assert_cmpint (write (gate[1], "", 1), ==, 1);
  g_thread_join (thread);
  g_assert_no_error (late.error);
  close (gate[0]);
  close (gate[1]);
  g_object_unref (late.mux);
  link_test_close (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* It has a descriptor, which is not to count as left behind. */
  g_main_context_default ();
#define ADD(name, func)                                                                                                \
  g_test_add_data_func ("/direct-answers/" name "/it-polls", GINT_TO_POINTER (POLLS), func);                           \
  g_test_add_data_func ("/direct-answers/" name "/it-sleeps", GINT_TO_POINTER (SLEEPS), func)
  ADD ("a-thread-takes-its-answers-itself", thread_takes_its_answers_itself);
  ADD ("a-thread-takes-its-answers-while-the-main-loop-works", thread_takes_its_answers_while_the_main_loop_works);
  ADD ("threads-that-wait-together-are-answered-while-the-main-loop-is-blocked",
       threads_that_wait_together_are_answered_while_the_main_loop_is_blocked);
  ADD ("the-main-loop-has-the-lane-for-itself-soon-after-the-last-wait",
       main_loop_has_the_lane_for_itself_soon_after_the_last_wait);
  ADD ("answers-of-others-reach-the-main-loop-in-order", answers_of_others_reach_the_main_loop_in_order);
  ADD ("a-killed-worker-ends-the-wait", killed_worker_ends_the_wait);
  ADD ("a-closed-transport-ends-the-wait", closed_transport_ends_the_wait);
  ADD ("a-stopped-router-ends-the-wait", stopped_router_ends_the_wait);
  ADD ("a-malformed-message-ends-the-worker", malformed_message_ends_the_worker);
  ADD ("an-answer-that-came-before-the-end-is-that-of-a-thread-that-looks-later",
       answer_that_came_before_the_end_is_that_of_a_thread_that_looks_later);
#undef ADD
  g_test_add_func ("/direct-answers/a-thread-that-stands-still-with-the-drain-lock-holds-up-no-timer",
                   thread_that_stands_still_with_the_drain_lock_holds_up_no_timer);
  return g_test_run ();
}
