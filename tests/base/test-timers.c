/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-timers.c, base/ferry-deadlines.c
 *
 * Deadlines here lie in the past or far away, so that nothing depends on how quick the machine is. */

#include "config.h"

#include "ferry-test.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/ferry-timers-private.h"
#include "route/ferry-router-private.h"

#define FAR (G_USEC_PER_SEC * G_GINT64_CONSTANT (3600))

typedef struct
{
  FerryTimers *timers;
  GString *calls;
  char name;
  FerryTimer timer;
  FerryTimer *other; /* (nullable): that the func changes */
  gboolean again;
} Waiter;

static void
note_call (gpointer data)
{
  Waiter *waiter = data;

  g_assert_false (ferry_timer_is_set (&waiter->timer));
  g_string_append_c (waiter->calls, waiter->name);
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_timers_are_called_in_the_order_of_their_deadlines (void)
{
  g_autoptr (FerryTimers) timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  const gint64 deadlines[] = {5, 3, 8, 1, 7, 2, 6, 4};
  Waiter waiters[G_N_ELEMENTS (deadlines)] = {{NULL}};

  for (guint i = 0; i < G_N_ELEMENTS (deadlines); i++)
    {
      waiters[i] = (Waiter){timers, calls, (char) ('0' + deadlines[i])};
      ferry_timers_set (timers, &waiters[i].timer, deadlines[i], note_call, &waiters[i]);
      g_assert_true (ferry_timer_is_set (&waiters[i].timer));
    }
  g_assert_cmpstr (calls->str, ==, "");
  settle ();
  g_assert_cmpstr (calls->str, ==, "12345678");
}

static void
test_timer_waits_for_its_deadline (void)
{
  g_autoptr (FerryTimers) timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter near = {timers, calls, 'n'};
  Waiter far = {timers, calls, 'f'};
  gint64 deadline = g_get_monotonic_time () + 20 * G_TIME_SPAN_MILLISECOND;

  ferry_timers_set (timers, &far.timer, deadline + FAR, note_call, &far);
  ferry_timers_set (timers, &near.timer, deadline, note_call, &near);
  while (calls->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (g_get_monotonic_time (), >=, deadline);
  g_assert_cmpstr (calls->str, ==, "n");
  g_assert_true (ferry_timer_is_set (&far.timer));
}

/* As ferry_router_route_until() does it, with a time that is given. */
static void
test_one_timer_that_is_due_is_run (void)
{
  g_autoptr (FerryTimers) timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  gint64 later = g_get_monotonic_time () + FAR;
  Waiter first = {timers, calls, '1'};
  Waiter second = {timers, calls, '2'};

  g_assert_false (ferry_timers_run_one (timers, later));
  ferry_timers_set (timers, &second.timer, later + 2, note_call, &second);
  ferry_timers_set (timers, &first.timer, later + 1, note_call, &first);
  g_assert_false (ferry_timers_run_one (timers, later));
  g_assert_true (ferry_timers_run_one (timers, later + 1));
  g_assert_cmpstr (calls->str, ==, "1");
  g_assert_false (ferry_timers_run_one (timers, later + 1));
  g_assert_true (ferry_timers_run_one (timers, later + 2));
  g_assert_cmpstr (calls->str, ==, "12");
  g_assert_cmpuint (ferry_timers_get_n (timers), ==, 0);
}

static void
test_timer_can_be_moved_and_unset (void)
{
  g_autoptr (FerryTimers) timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  gint64 now = g_get_monotonic_time ();
  Waiter later = {timers, calls, 'l'};
  Waiter sooner = {timers, calls, 's'};
  Waiter unset = {timers, calls, 'u'};

  ferry_timers_set (timers, &later.timer, 1, note_call, &later);
  ferry_timers_set (timers, &later.timer, now + FAR, note_call, &later);
  ferry_timers_set (timers, &sooner.timer, now + FAR, note_call, &sooner);
  ferry_timers_set (timers, &sooner.timer, 1, note_call, &sooner);
  ferry_timers_set (timers, &unset.timer, 1, note_call, &unset);
  ferry_timers_unset (timers, &unset.timer);
  ferry_timers_unset (timers, &unset.timer);
  settle ();
  g_assert_cmpstr (calls->str, ==, "s");
  g_assert_true (ferry_timer_is_set (&later.timer));
  g_assert_false (ferry_timer_is_set (&unset.timer));
}

/* How long the context would sleep, in milliseconds; negative: until a source is ready. */
static int
get_time_to_sleep (GMainContext *context)
{
  GPollFD fd;
  int priority, timeout;

  g_assert_true (g_main_context_acquire (context));
  g_assert_false (g_main_context_prepare (context, &priority));
  g_main_context_query (context, priority, &timeout, &fd, 1);
  g_main_context_release (context);
  return timeout;
}

static void
test_nothing_wakes_for_a_timer_that_was_dropped (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FerryTimers) timers = ferry_timers_new (context);
  gint64 now = g_get_monotonic_time ();
  Waiter first = {timers, NULL, '1'};
  Waiter second = {timers, NULL, '2'};

  ferry_timers_set (timers, &first.timer, now + FAR, note_call, &first);
  ferry_timers_set (timers, &second.timer, now + 2 * FAR, note_call, &second);
  ferry_timers_drop (timers, &first.timer);
  g_assert_cmpint (get_time_to_sleep (context), >, FAR / 1000);
  ferry_timers_drop (timers, &second.timer);
  g_assert_cmpint (get_time_to_sleep (context), <, 0);
}

static gboolean
set_in_dispatch (gpointer data)
{
  Waiter *waiter = data;
  GMainContext *context = g_source_get_context (g_main_current_source ());

  ferry_timers_set (waiter->timers, &waiter->timer, 1, note_call, waiter);
  g_assert_false (ferry_test_is_woken (context));
  return G_SOURCE_REMOVE;
}

/* A write to the context's descriptor for each timer that is the first would cost each packet of a cluster as much as
 * its sending. */
static void
test_timer_of_the_own_thread_wakes_nobody (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FerryTimers) timers = ferry_timers_new (context);
  g_autoptr (GSource) source = g_timeout_source_new (0);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter waiter = {timers, calls, 'a'};

  g_main_context_iteration (context, FALSE);
  g_source_set_callback (source, set_in_dispatch, &waiter, NULL);
  g_source_attach (source, context);
  while (calls->len == 0)
    g_main_context_iteration (context, TRUE);
}

/* A source that sets a timer when the context is about to sleep. */
typedef struct
{
  GSource source;
  Waiter *waiter; /* (nullable): NULL once the timer was set */
} Setter;

static gboolean
setter_prepare (GSource *source, int *timeout)
{
  Setter *self = (Setter *) source;
  Waiter *waiter = g_steal_pointer (&self->waiter);

  *timeout = -1;
  if (waiter != NULL)
    ferry_timers_set (waiter->timers, &waiter->timer, 1, note_call, waiter);
  return FALSE;
}

static gboolean
setter_check (GSource *source)
{
  return FALSE;
}

static void
test_timer_that_is_set_before_the_sleep_wakes (void)
{
  static GSourceFuncs funcs = {.prepare = setter_prepare, .check = setter_check};
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FerryTimers) timers = ferry_timers_new (context);
  g_autoptr (GSource) source = g_source_new (&funcs, sizeof (Setter));
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter waiter = {timers, calls, 'a'};

  ((Setter *) source)->waiter = &waiter;
  /* Behind the timers, which have looked by then. */
  g_source_set_priority (source, G_PRIORITY_LOW);
  g_source_attach (source, context);
  while (calls->len == 0)
    g_main_context_iteration (context, TRUE);
}

static void
test_deadlines_have_any_value (void)
{
  g_autoptr (FerryTimers) timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter least = {timers, calls, 'l'};
  Waiter most = {timers, calls, 'm'};

  ferry_timers_set (timers, &most.timer, G_MAXINT64, note_call, &most);
  ferry_timers_set (timers, &least.timer, G_MININT64, note_call, &least);
  settle ();
  g_assert_cmpstr (calls->str, ==, "l");
}

/* ---- limits ---- */

/* A way over which something comes. */
typedef struct
{
  guint n_begins;
  gboolean is_settled;
} Way;

static gboolean
is_settled (gpointer data, gboolean begins)
{
  Way *self = data;

  self->n_begins += begins;
  return self->is_settled;
}

static void
test_limits_wait_for_what_has_come (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  FerryTimers *limits = ferry_timers_ref_limits_of (context);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter waiters[] = {{limits, calls, '0'}, {limits, calls, '1'}, {limits, calls, '2'}};
  Way first = {0, FALSE};
  Way second = {0, TRUE};

  g_assert_true (limits == ferry_timers_ref_limits_of (context));
  ferry_timers_unref_limits (limits);
  ferry_timers_add_settled_func (limits, is_settled, &first);
  ferry_timers_add_settled_func (limits, is_settled, &second);
  ferry_timers_set (limits, &waiters[0].timer, 1, note_call, &waiters[0]);
  ferry_timers_set (limits, &waiters[1].timer, 1, note_call, &waiters[1]);
  while (first.n_begins == 0)
    g_main_context_iteration (context, TRUE);
  g_assert_cmpuint (second.n_begins, ==, 1);
  g_assert_cmpstr (calls->str, ==, "");
  /* What comes unsets one of them. */
  ferry_timers_unset (limits, &waiters[0].timer);
  ferry_timers_set (limits, &waiters[2].timer, g_get_monotonic_time () + FAR, note_call, &waiters[2]);
  first.is_settled = TRUE;
  ferry_timers_look (limits);
  while (calls->len == 0)
    g_main_context_iteration (context, TRUE);
  g_assert_cmpuint (first.n_begins, ==, 1);
  g_assert_cmpstr (calls->str, ==, "1");
  ferry_timers_unset (limits, &waiters[2].timer);
  ferry_timers_remove_settled_func (limits, &first);
  ferry_timers_remove_settled_func (limits, &second);
  ferry_timers_unref_limits (limits);
}

typedef struct
{
  FerryTimers *limits;
  Way way; /* that the thread adds */
  GThread *thread;
  _Atomic pid_t id;
  _Atomic gboolean has_added;
} Adding;

static gpointer
add_way (gpointer data)
{
  Adding *self = data;

  atomic_store (&self->id, gettid ());
  ferry_timers_add_settled_func (self->limits, is_settled, &self->way);
  atomic_store (&self->has_added, TRUE);
  return NULL;
}

static gboolean
waits_or_has_added (gpointer data)
{
  Adding *self = data;

  return atomic_load (&self->has_added) || ferry_test_get_system_call (getpid (), atomic_load (&self->id)) >= 0;
}

static gboolean
is_settled_while_another_adds (gpointer data, gboolean begins)
{
  Adding *self = data;

  if (self->thread == NULL)
    {
      self->thread = g_thread_new ("adder", add_way, self);
      ferry_test_look_until (waits_or_has_added, self);
      g_assert_false (atomic_load (&self->has_added));
    }
  return TRUE;
}

/* Of a router that another thread makes for this context. */
static void
test_way_of_another_thread_waits_for_those_that_are_asked (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  FerryTimers *limits = ferry_timers_ref_limits_of (context);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter waiter = {limits, calls, '0'};
  Adding adding = {limits, {0, TRUE}};

  ferry_timers_add_settled_func (limits, is_settled_while_another_adds, &adding);
  ferry_timers_set (limits, &waiter.timer, 1, note_call, &waiter);
  while (calls->len == 0)
    g_main_context_iteration (context, TRUE);
  g_thread_join (adding.thread);
  ferry_timers_set (limits, &waiter.timer, 1, note_call, &waiter);
  while (calls->len == 1)
    g_main_context_iteration (context, TRUE);
  g_assert_cmpuint (adding.way.n_begins, ==, 1);
  ferry_timers_remove_settled_func (limits, &adding);
  ferry_timers_remove_settled_func (limits, &adding.way);
  ferry_timers_unref_limits (limits);
}

#define SOON (10 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define STOP (200 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* As after Ctrl-Z: the context has not looked for longer than a look may be late. */
static void
test_limits_wait_after_a_stop_too (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  FerryTimers *limits = ferry_timers_ref_limits_of (context);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter waiter = {limits, calls, '0'};
  Way way = {0, FALSE};

  ferry_timers_add_settled_func (limits, is_settled, &way);
  ferry_timers_set (limits, &waiter.timer, g_get_monotonic_time () + SOON, note_call, &waiter);
  ferry_test_take_time (SOON + STOP);
  while (way.n_begins == 0 && calls->len == 0)
    g_main_context_iteration (context, TRUE);
  g_assert_cmpstr (calls->str, ==, "");
  way.is_settled = TRUE;
  ferry_timers_look (limits);
  while (calls->len == 0)
    g_main_context_iteration (context, TRUE);
  ferry_timers_remove_settled_func (limits, &way);
  ferry_timers_unref_limits (limits);
}

static gboolean
note_end (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_source_of_a_limit_waits_too (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  FerryTimers *limits = ferry_timers_ref_limits_of (context);
  g_autoptr (GSource) source = ferry_limit_source_new (g_get_monotonic_time () + 1);
  g_autoptr (GSource) never = ferry_limit_source_new (G_MAXINT64);
  Way way = {0, FALSE};
  gboolean is_over = FALSE;

  ferry_timers_add_settled_func (limits, is_settled, &way);
  g_source_set_callback (source, note_end, &is_over, NULL);
  g_source_attach (source, context);
  g_source_attach (never, context);
  while (way.n_begins == 0)
    g_main_context_iteration (context, TRUE);
  g_assert_false (is_over);
  way.is_settled = TRUE;
  while (!is_over)
    g_main_context_iteration (context, TRUE);
  g_assert_true (g_source_is_destroyed (source));
  g_assert_false (g_source_is_destroyed (never));
  ferry_timers_remove_settled_func (limits, &way);
  ferry_timers_unref_limits (limits);
}

/* ---- what a func may do ---- */

static void
unset_other (gpointer data)
{
  Waiter *waiter = data;

  note_call (waiter);
  ferry_timers_unset (waiter->timers, waiter->other);
}

static void
set_self (gpointer data)
{
  Waiter *waiter = data;

  note_call (waiter);
  if (waiter->calls->len < 100)
    ferry_timers_set (waiter->timers, &waiter->timer, 1, set_self, waiter);
}

static void
test_func_may_unset_another_that_is_due (void)
{
  g_autoptr (FerryTimers) timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter second = {timers, calls, '2'};
  Waiter first = {timers, calls, '1', .other = &second.timer};

  ferry_timers_set (timers, &first.timer, 1, unset_other, &first);
  ferry_timers_set (timers, &second.timer, 2, note_call, &second);
  settle ();
  g_assert_cmpstr (calls->str, ==, "1");
}

static gboolean
note_idle (gpointer data)
{
  *(gsize *) data = ((Waiter *) ((gpointer *) data)[1])->calls->len;
  return G_SOURCE_REMOVE;
}

static void
test_func_that_sets_itself_to_the_past_holds_up_nobody (void)
{
  g_autoptr (FerryTimers) timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter waiter = {timers, calls, 'a'};
  gpointer idle[] = {NULL, &waiter};

  g_idle_add_full (G_PRIORITY_DEFAULT, note_idle, idle, NULL);
  ferry_timers_set (timers, &waiter.timer, 1, set_self, &waiter);
  settle ();
  g_assert_cmpuint (calls->len, ==, 100);
  g_assert_cmpuint ((gsize) idle[0], <, 10);
}

static void
set_other (gpointer data)
{
  Waiter *waiter = data;

  note_call (waiter);
  ferry_timers_set (waiter->timers, waiter->other, waiter->again ? 1 : g_get_monotonic_time () + FAR, note_call,
                    ((char *) waiter->other) - G_STRUCT_OFFSET (Waiter, timer));
}

static void
test_func_may_set_and_move_others (void)
{
  g_autoptr (FerryTimers) timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter moved = {timers, calls, 'm'};
  Waiter set = {timers, calls, 's'};
  Waiter moves = {timers, calls, '1', .other = &moved.timer};
  Waiter sets = {timers, calls, '2', .other = &set.timer, .again = TRUE};

  ferry_timers_set (timers, &moves.timer, 1, set_other, &moves);
  ferry_timers_set (timers, &sets.timer, 2, set_other, &sets);
  ferry_timers_set (timers, &moved.timer, 3, note_call, &moved);
  settle ();
  g_assert_cmpstr (calls->str, ==, "12s");
  g_assert_true (ferry_timer_is_set (&moved.timer));
}

static void
free_timers (gpointer data)
{
  Waiter *waiter = data;

  note_call (waiter);
  ferry_timers_free (waiter->timers);
}

static void
test_func_may_free_the_timers (void)
{
  FerryTimers *timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter first = {timers, calls, '1'};
  Waiter second = {timers, calls, '2'};

  ferry_timers_set (timers, &first.timer, 1, free_timers, &first);
  ferry_timers_set (timers, &second.timer, 2, note_call, &second);
  settle ();
  g_assert_cmpstr (calls->str, ==, "1");
  g_assert_false (ferry_timer_is_set (&second.timer));
}

static void
test_many_timers_at_random (void)
{
  g_autoptr (FerryTimers) timers = ferry_timers_new (NULL);
  g_autoptr (GString) calls = g_string_new (NULL);
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  static Waiter waiters[500];
  guint n_due = 0;

  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    waiters[i] = (Waiter){timers, calls, 'x'};
  for (guint i = 0; i < 20000; i++)
    {
      Waiter *waiter = &waiters[g_rand_int_range (rand, 0, G_N_ELEMENTS (waiters))];
      gint64 deadline = g_rand_int_range (rand, 1, 1000) + (g_rand_boolean (rand) ? 0 : G_MAXINT64 / 2);

      if (g_rand_int_range (rand, 0, 3) == 0)
        ferry_timers_unset (timers, &waiter->timer);
      else
        ferry_timers_set (timers, &waiter->timer, deadline, note_call, waiter);
    }
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    n_due += ferry_timer_is_set (&waiters[i].timer) && waiters[i].timer.deadline.time <= 1000;
  g_assert_cmpuint (n_due, >, 100);
  settle ();
  g_assert_cmpuint (calls->len, ==, n_due);
}

static void
test_routers_timers_outlive_its_stop (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (GString) calls = g_string_new (NULL);
  Waiter waiter = {router->timers, calls, 'a'};

  ferry_timers_set (waiter.timers, &waiter.timer, 1, note_call, &waiter);
  ferry_router_stop (router, NULL);
  g_assert_true (router->timers == waiter.timers);
  settle ();
  g_assert_cmpstr (calls->str, ==, "a");
  g_assert_finalize_object (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/timers/" path, func)
  ADD ("timers-are-called-in-the-order-of-their-deadlines", test_timers_are_called_in_the_order_of_their_deadlines);
  ADD ("timer-waits-for-its-deadline", test_timer_waits_for_its_deadline);
  ADD ("one-timer-that-is-due-is-run", test_one_timer_that_is_due_is_run);
  ADD ("timer-can-be-moved-and-unset", test_timer_can_be_moved_and_unset);
  ADD ("nothing-wakes-for-a-timer-that-was-dropped", test_nothing_wakes_for_a_timer_that_was_dropped);
  ADD ("timer-of-the-own-thread-wakes-nobody", test_timer_of_the_own_thread_wakes_nobody);
  ADD ("timer-that-is-set-before-the-sleep-wakes", test_timer_that_is_set_before_the_sleep_wakes);
  ADD ("deadlines-have-any-value", test_deadlines_have_any_value);
  ADD ("limits-wait-for-what-has-come", test_limits_wait_for_what_has_come);
  ADD ("way-of-another-thread-waits-for-those-that-are-asked",
       test_way_of_another_thread_waits_for_those_that_are_asked);
  ADD ("limits-wait-after-a-stop-too", test_limits_wait_after_a_stop_too);
  ADD ("source-of-a-limit-waits-too", test_source_of_a_limit_waits_too);
  ADD ("func-may-unset-another-that-is-due", test_func_may_unset_another_that_is_due);
  ADD ("func-that-sets-itself-to-the-past-holds-up-nobody", test_func_that_sets_itself_to_the_past_holds_up_nobody);
  ADD ("func-may-set-and-move-others", test_func_may_set_and_move_others);
  ADD ("func-may-free-the-timers", test_func_may_free_the_timers);
  ADD ("many-timers-at-random", test_many_timers_at_random);
  ADD ("routers-timers-outlive-its-stop", test_routers_timers_outlive_its_stop);
#undef ADD
  return g_test_run ();
}
