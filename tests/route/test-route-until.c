/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-route-until.c, engine/ferry-watermark.c
 *
 * Routing manually, until a condition holds. */

#include "config.h"

#include "route/route-test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MILLISECOND 1000
#define LONG (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

typedef struct
{
  FerryTestPipe *pipe;
  guint64 n;
} Count;

static gboolean
has_count (gpointer user_data)
{
  Count *count = user_data;

  return count->pipe->n_messages >= count->n;
}

static gboolean
never (gpointer user_data)
{
  return FALSE;
}

static gboolean
always (gpointer user_data)
{
  return TRUE;
}

static void
route (FerryTestPipe *pipe, guint64 n)
{
  g_autoptr (GError) error = NULL;
  Count count = {pipe, n};

  g_assert_true (ferry_router_route_until (pipe->router, has_count, &count, LONG, &error));
  g_assert_no_error (error);
}

static void
test_returns_when_the_condition_holds (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:100000", NULL);

  route (pipe, 100000);
  g_assert_cmpuint (pipe->n_messages, ==, 100000);
  g_assert_true (pipe->in_order);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

static void
test_returns_at_once_when_it_holds_already (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  route_test_burst (pipe->sender, 0, 10);
  g_assert_true (ferry_router_route_until (router, always, NULL, LONG, NULL));
  g_assert_cmpuint (pipe->n_messages, ==, 0);
}

static void
test_looks_after_each_message (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  route_test_burst (pipe->sender, 0, 1000);
  for (guint64 n = 1; n <= 1000; n += 37)
    {
      route (pipe, n);
      g_assert_cmpuint (pipe->n_messages, ==, n);
    }
}

static void
test_looks_after_each_message_of_a_worker (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:100000", "stop", NULL);

  for (guint64 n = 1; n < 100000; n += 997)
    {
      route (pipe, n);
      g_assert_cmpuint (pipe->n_messages, ==, n);
    }
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 100000);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

static void
test_times_out (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (GError) error = NULL;
  gint64 began = g_get_monotonic_time ();

  g_assert_false (ferry_router_route_until (router, never, NULL, 30 * MILLISECOND, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 30 * MILLISECOND);
}

static void
test_times_out_in_a_flood (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "flood", NULL);
  g_autoptr (GError) error = NULL;

  route (pipe, 1000);
  g_assert_false (ferry_router_route_until (router, never, NULL, 30 * MILLISECOND, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpuint (pipe->n_messages, >, 1000);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

/* ---- a time that is over ---- */

typedef struct
{
  FerryTestPipe *pipe;
  gint64 time;
  gboolean is_sent;
} Slow;

/* The second message is sent within the time, after the monitor has seen what was sent before the call. The look at the
 * first one takes longer than the time. */
static gboolean
has_second_after_a_slow_look (gpointer user_data)
{
  Slow *self = user_data;

  if (self->pipe->n_messages == 1 && !self->is_sent)
    {
      ferry_test_take_time (self->time / 2);
      route_test_send_numbers (self->pipe->sender, 1, 1);
      self->is_sent = TRUE;
      ferry_test_take_time (self->time);
    }
  return self->pipe->n_messages == 2;
}

static void
test_delivers_what_came_in_time (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  Slow slow = {pipe, 100 * MILLISECOND, FALSE};
  g_autoptr (GError) error = NULL;

  route_test_send_numbers (pipe->sender, 0, 1);
  ferry_router_route_until (router, has_second_after_a_slow_look, &slow, slow.time, &error);
  g_assert_no_error (error);
}

typedef struct
{
  Count count;
  const char *go; /* (nullable): of the stopper, until it has stopped this process */
  int order;
  GThread *sender;
} Stopped;

static gpointer
send_late (gpointer pipe)
{
  ferry_test_take_time (G_USEC_PER_SEC / 4);
  route_test_send_numbers (((FerryTestPipe *) pipe)->sender, 0, 1);
  return NULL;
}

/* Is first called after the timeout has begun, and before the first sleep. */
static gboolean
has_count_after_stop (gpointer data)
{
  Stopped *self = data;

  if (self->go != NULL)
    {
      g_assert_cmpint (write (self->order, "", 1), ==, 1);
      close (open (g_steal_pointer (&self->go), O_RDONLY | O_CLOEXEC));
      self->sender = g_thread_new ("sender", send_late, self->count.pipe);
    }
  return has_count (&self->count);
}

/* As where the sender was stopped as well, by a frozen container for instance. */
static void
test_a_stop_takes_no_time (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autofree char *go = g_build_filename (g_get_user_runtime_dir (), "go", NULL);
  Stopped stopped = {.count = {pipe, 1}, .go = go};
  g_autoptr (GError) error = NULL;
  GPid stopper;

  g_assert_no_errno (mkfifo (go, 0600));
  stopper = ferry_test_fork_stopper (go, 3 * G_USEC_PER_SEC, &stopped.order);
  ferry_router_route_until (router, has_count_after_stop, &stopped, 2 * G_USEC_PER_SEC, &error);
  g_assert_no_error (error);
  g_thread_join (stopped.sender);
  g_assert_cmpint (waitpid (stopper, NULL, 0), ==, stopper);
  close (stopped.order);
}

static void
route_without_time (FerryRouter *router)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_router_route_until (router, never, NULL, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

/* In the last rounds, most of what a lane holds. */
static void
test_without_time_delivers_all_that_was_sent (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  guint64 n = 0;

  for (guint64 round = 0; round < 200; round++)
    {
      guint64 n_sent = round < 190 ? 10 : 50000;

      route_test_send_numbers (pipe->sender, n, n_sent);
      n += n_sent;
      route_without_time (router);
      g_assert_cmpuint (pipe->n_messages, ==, n);
    }
  g_assert_true (pipe->in_order);
}

static gboolean
has_pid (gpointer worker)
{
  return ferry_worker_get_identifier (worker) != NULL;
}

static void
test_without_time_delivers_all_that_a_worker_sent (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:10000", NULL);

  g_assert_true (ferry_router_route_until (router, has_pid, worker, LONG, NULL));
  while (ferry_test_is_alive (ferry_test_get_process (worker)))
    g_thread_yield ();
  route_without_time (router);
  g_assert_cmpuint (pipe->n_messages, ==, 10000);
  g_assert_true (pipe->in_order);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

/* It holds when work was done once. */
static gboolean
holds_next (gpointer n_looks)
{
  return ++*(guint *) n_looks == 2;
}

/* The second watermark is asked for before the first one is reached. */
static void
test_without_time_after_one_that_was_left_early (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  for (guint round = 0; round < 1000; round++)
    {
      guint n_looks = 0;

      g_assert_true (ferry_router_route_until (router, holds_next, &n_looks, LONG, NULL));
      route_without_time (router);
    }
}

typedef struct
{
  FerryRouter *router;
  FerryLink *link; /* that of the first message */
} Look;

static gboolean
sees_link (gpointer user_data)
{
  Look *look = user_data;

  if (look->router->dispatcher.delivery != NULL)
    look->link = look->router->dispatcher.delivery->link;
  return look->link != NULL;
}

/* A large message waits, and what is behind it, while the application keeps much of what came over its link, which it
 * does as long as it waits here. */
static void
test_without_time_does_not_wait_for_what_is_kept (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  static const guint8 large[FERRY_MAX_RECORD_SIZE];
  g_autoptr (GError) error = NULL;
  Look look = {router};

  route_test_send_numbers (pipe->sender, 0, 1);
  g_assert_true (ferry_router_route_until (router, sees_link, &look, LONG, NULL));
  atomic_fetch_add (&look.link->out.kept, FERRY_KEPT_LIMIT);
  route_test_send_numbers (pipe->sender, 1, 10);
  ferry_test_within (pipe->sender, 0, NULL, ferry_sender_send_bytes (pipe->sender, large, sizeof large, &error));
  g_assert_no_error (error);
  route_test_send_numbers (pipe->sender, 11, 10);
  route_without_time (router);
  g_assert_cmpuint (pipe->n_messages, ==, 11);
  atomic_fetch_sub (&look.link->out.kept, FERRY_KEPT_LIMIT);
  ferry_local_queue_ring (ferry_monitor_get_local_queue (router->monitor));
  route (pipe, 22);
}

/* ---- what else the router does ---- */

static void
raise_flag (gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

static gboolean
is_raised (gpointer flag)
{
  return *(gboolean *) flag;
}

static void
test_runs_timers (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  gboolean is_over = FALSE;
  gboolean is_late = FALSE;
  FerryTimer timer = {0};
  FerryTimer late = {0};

  ferry_timers_set (router->timers, &timer, g_get_monotonic_time () + 10 * MILLISECOND, raise_flag, &is_over);
  ferry_timers_set (router->timers, &late, g_get_monotonic_time () + G_USEC_PER_SEC * G_GINT64_CONSTANT (3600),
                    raise_flag, &is_late);
  g_assert_true (ferry_router_route_until (router, is_raised, &is_over, -1, NULL));
  g_assert_false (is_late);
  ferry_timers_unset (router->timers, &late);
}

static void
test_runs_timers_in_a_flood (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "flood", NULL);
  gboolean is_over = FALSE;
  FerryTimer timer = {0};

  route (pipe, 1000);
  ferry_timers_set (router->timers, &timer, g_get_monotonic_time () + 10 * MILLISECOND, raise_flag, &is_over);
  g_assert_true (ferry_router_route_until (router, is_raised, &is_over, LONG, NULL));
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

typedef struct
{
  FerryRouter *router;
  gboolean done;
} Letter;

static void
open_letter (gpointer data)
{
  Letter *letter = data;
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_router_route_until (letter->router, always, NULL, LONG, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  letter->done = TRUE;
}

static gboolean
is_done (gpointer letter)
{
  return ((Letter *) letter)->done;
}

static gpointer
post_letter (gpointer data)
{
  ferry_mailbox_post (NULL, open_letter, data, NULL);
  return NULL;
}

/* Posted before, while it sleeps, and while it delivers. */
static void
test_runs_posts_of_other_threads (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  for (guint round = 0; round < 200; round++)
    {
      Letter letter = {router, FALSE};
      GThread *thread = g_thread_new ("poster", post_letter, &letter);

      if (round % 2 == 0)
        g_thread_join (g_steal_pointer (&thread));
      g_assert_true (ferry_router_route_until (router, is_done, &letter, -1, NULL));
      g_clear_pointer (&thread, g_thread_join);
    }
}

static gboolean
is_no_process (gpointer worker)
{
  return !ferry_test_is_alive (ferry_test_get_process (worker));
}

/* The condition holds by itself when the news of the end comes, and is looked at first. */
static void
test_leaves_the_end_of_a_worker_to_a_stop (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"true", NULL});
  g_autoptr (GError) error = NULL;
  FerryWorker *worker = ferry_launcher_spawn (launcher, router, &error);

  g_assert_no_error (error);
  g_assert_true (ferry_router_route_until (router, has_pid, worker, LONG, NULL));
  g_assert_true (ferry_router_route_until (router, is_no_process, worker, LONG, NULL));
  g_assert_true (ferry_router_stop (router, NULL));
  g_assert_cmpint (ferry_worker_get_state (worker), ==, FERRY_WORKER_STATE_ENDED);
  g_assert_finalize_object (worker);
  g_assert_finalize_object (router);
}

static void
test_main_loop_takes_over_again (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  for (guint64 round = 0; round < 20; round++)
    {
      route_test_burst (pipe->sender, round * 100, 100);
      route (pipe, round * 100 + 50);
      ferry_test_pipe_wait_count (pipe, round * 100 + 100);
    }
  g_assert_true (pipe->in_order);
}

static void
test_other_sources_do_not_run (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  gint ran = FALSE;

  g_idle_add_once ((GSourceOnceFunc) route_test_raise, &ran);
  route_test_send_numbers (pipe->sender, 0, 100);
  route (pipe, 100);
  g_assert_false (g_atomic_int_get (&ran));
  route_test_wait_raised (&ran);
}

/* ---- handlers ---- */

static void
busy_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryTestPipe *pipe = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_router_route_until (pipe->router, always, NULL, LONG, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  pipe->n_messages++;
}

static void
test_refuses_a_handler_of_the_main_loop (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  ferry_receiver_set_handler (pipe->receiver, busy_cb, pipe, NULL);
  route_test_send_numbers (pipe->sender, 0, 10);
  ferry_test_pipe_wait_count (pipe, 10);
}

static void
test_refuses_a_handler_of_its_own (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  ferry_receiver_set_handler (pipe->receiver, busy_cb, pipe, NULL);
  route_test_send_numbers (pipe->sender, 0, 10);
  route (pipe, 10);
}

static void
stop_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryTestPipe *pipe = user_data;

  pipe->n_messages++;
  g_assert_true (ferry_router_stop (pipe->router, NULL));
}

static void
test_fails_when_a_handler_stops_the_router (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GError) error = NULL;

  ferry_receiver_set_handler (pipe->receiver, stop_cb, pipe, NULL);
  route_test_send_numbers (pipe->sender, 0, 10);
  g_assert_false (ferry_router_route_until (router, never, NULL, LONG, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
  g_assert_cmpuint (pipe->n_messages, ==, 1);
  route_test_assert_warned ("*1 open pipe*");
  g_assert_finalize_object (router);
}

static void
drop_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryTestPipe *pipe = user_data;

  pipe->n_messages++;
  g_clear_object (&pipe->router);
}

static void
test_keeps_the_router_that_a_handler_drops (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  Count count = {pipe, 1};
  g_autoptr (GError) error = NULL;

  ferry_receiver_set_handler (pipe->receiver, drop_cb, pipe, NULL);
  route_test_send_numbers (pipe->sender, 0, 1);
  g_assert_true (ferry_router_route_until (router, has_count, &count, LONG, &error));
  g_assert_no_error (error);
  route_test_assert_warned ("*1 open pipe*");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_ROUTER_STOPPED);
}

/* ---- without a timeout ---- */

static gpointer
send_after_a_while (gpointer data)
{
  g_autoptr (GError) error = NULL;
  guint64 number = 0;
  GMutex lock;
  GCond no_one;
  gint64 until = g_get_monotonic_time () + 200 * MILLISECOND;

  g_mutex_init (&lock);
  g_cond_init (&no_one);
  g_mutex_lock (&lock);
  while (g_cond_wait_until (&no_one, &lock, until))
    ;
  g_mutex_unlock (&lock);
  g_cond_clear (&no_one);
  g_mutex_clear (&lock);
  ferry_sender_send_bytes (data, &number, sizeof number, &error);
  g_assert_no_error (error);
  return NULL;
}

static void
test_sleeps_while_nothing_comes (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  GThread *thread = g_thread_new ("send", send_after_a_while, pipe->sender);
  Count count = {pipe, 1};
  g_autoptr (GError) error = NULL;
  gint64 before = ferry_test_read_clock (CLOCK_THREAD_CPUTIME_ID);

  g_assert_true (ferry_router_route_until (router, has_count, &count, -1, &error));
  g_assert_no_error (error);
  /* It computes for less than a quarter of the time. */
  g_assert_cmpint (ferry_test_read_clock (CLOCK_THREAD_CPUTIME_ID) - before, <, 50 * MILLISECOND);
  g_thread_join (thread);
}

static gboolean
has_closed (gpointer pipe)
{
  return ((FerryTestPipe *) pipe)->n_closed > 0;
}

static void
test_tells_the_end_of_a_dropped_sender (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);

  g_object_unref (pipe->sender);
  /* For ferry_test_pipe_free(). */
  pipe->sender = g_object_new (FERRY_TYPE_SENDER, NULL);
  g_assert_true (ferry_router_route_until (router, has_closed, pipe, LONG, NULL));
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  route_test_add_untraceable ("/route-until/returns-when-the-condition-holds", test_returns_when_the_condition_holds);
  g_test_add_func ("/route-until/returns-at-once-when-it-holds-already", test_returns_at_once_when_it_holds_already);
  g_test_add_func ("/route-until/looks-after-each-message", test_looks_after_each_message);
  route_test_add_untraceable ("/route-until/looks-after-each-message-of-a-worker",
                              test_looks_after_each_message_of_a_worker);
  g_test_add_func ("/route-until/times-out", test_times_out);
  route_test_add_untraceable ("/route-until/times-out-in-a-flood", test_times_out_in_a_flood);
  g_test_add_func ("/route-until/delivers-what-came-in-time", test_delivers_what_came_in_time);
  g_test_add_func ("/route-until/a-stop-takes-no-time", test_a_stop_takes_no_time);
  g_test_add_func ("/route-until/without-time-delivers-all-that-was-sent",
                   test_without_time_delivers_all_that_was_sent);
  route_test_add_untraceable ("/route-until/without-time-delivers-all-that-a-worker-sent",
                              test_without_time_delivers_all_that_a_worker_sent);
  g_test_add_func ("/route-until/without-time-after-one-that-was-left-early",
                   test_without_time_after_one_that_was_left_early);
  g_test_add_func ("/route-until/without-time-does-not-wait-for-what-is-kept",
                   test_without_time_does_not_wait_for_what_is_kept);
  g_test_add_func ("/route-until/runs-timers", test_runs_timers);
  route_test_add_untraceable ("/route-until/runs-timers-in-a-flood", test_runs_timers_in_a_flood);
  g_test_add_func ("/route-until/runs-posts-of-other-threads", test_runs_posts_of_other_threads);
  route_test_add_untraceable ("/route-until/leaves-the-end-of-a-worker-to-a-stop",
                              test_leaves_the_end_of_a_worker_to_a_stop);
  g_test_add_func ("/route-until/main-loop-takes-over-again", test_main_loop_takes_over_again);
  g_test_add_func ("/route-until/other-sources-do-not-run", test_other_sources_do_not_run);
  g_test_add_func ("/route-until/refuses-a-handler-of-the-main-loop", test_refuses_a_handler_of_the_main_loop);
  g_test_add_func ("/route-until/refuses-a-handler-of-its-own", test_refuses_a_handler_of_its_own);
  g_test_add_func ("/route-until/fails-when-a-handler-stops-the-router", test_fails_when_a_handler_stops_the_router);
  g_test_add_func ("/route-until/keeps-the-router-that-a-handler-drops", test_keeps_the_router_that_a_handler_drops);
  g_test_add_func ("/route-until/sleeps-while-nothing-comes", test_sleeps_while_nothing_comes);
  g_test_add_func ("/route-until/tells-the-end-of-a-dropped-sender", test_tells_the_end_of_a_dropped_sender);
  return g_test_run ();
}
