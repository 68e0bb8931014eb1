/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-job.c, job/ferry-serve.c, link/ferry-downlink.c, link/ferry-link.c
 *
 * What a function sees of a pause, served by a thread of the test. */

#include "config.h"

#include "task/serve-test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ferry-base-private.h"

static gint n_rounds; /* of the loop of the function that runs */
static gint n_handled;

/* ---- functions ---- */

/* A round of the function's loop. */
typedef gboolean (*Round) (FerryJob *job, GError **error);

static gboolean
check (FerryJob *job, GError **error)
{
  return ferry_job_check (job, error);
}

static gboolean
report (FerryJob *job, GError **error)
{
  return ferry_job_report (job, 0.5, NULL, error);
}

static gboolean
report_amount (FerryJob *job, GError **error)
{
  return ferry_job_report_amount (job, 1, 2, NULL, NULL, error);
}

static gboolean
step (FerryJob *job, GError **error)
{
  ferry_job_set_n_steps (job, 1);
  return ferry_job_step (job, NULL, error);
}

static gboolean
send (FerryJob *job, GError **error)
{
  return ferry_job_send (job, "round", g_variant_new_int32 (1), error);
}

static gboolean
yield (FerryJob *job, GError **error)
{
  return ferry_job_yield (job, g_variant_new_int32 (1), error);
}

static GVariant *
repeat (FerryJob *job, Round next, GError **error)
{
  do
    g_atomic_int_inc (&n_rounds);
  while (next (job, error));
  return NULL;
}

#define REPEATING(name)                                                                                                \
  static GVariant *repeat_##name (FerryJob *job, GVariant *arguments, GError **error)                                  \
  {                                                                                                                    \
    return repeat (job, name, error);                                                                                  \
  }

REPEATING (check)
REPEATING (report)
REPEATING (report_amount)
REPEATING (step)
REPEATING (send)
REPEATING (yield)

static gpointer
check_on_a_thread (gpointer job)
{
  g_autoptr (GError) error = NULL;

  repeat (job, check, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  return NULL;
}

/* The thread that serves waits for others, which check. */
static GVariant *
check_on_threads (FerryJob *job, GVariant *arguments, GError **error)
{
  GThread *threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("test-checks", check_on_a_thread, job);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  ferry_job_check (job, error);
  return NULL;
}

static GVariant *
spin (FerryJob *job, GVariant *arguments, GError **error)
{
  while (!ferry_job_is_cancelled (job))
    g_atomic_int_inc (&n_rounds);
  ferry_job_check (job, error);
  return NULL;
}

/* What a function polls, in place of the cancellable's descriptor: ThreadSanitizer does not see that GLib closes that
 * after the last write. For the same reason, events are written and closed with the lock. */
static pthread_mutex_t event_lock = PTHREAD_MUTEX_INITIALIZER;

static void
write_event (int event)
{
  const guint64 one = 1;

  pthread_mutex_lock (&event_lock);
  g_assert_cmpint (write (event, &one, sizeof one), ==, sizeof one);
  pthread_mutex_unlock (&event_lock);
}

static void
note_pause (FerryJob *job, GParamSpec *pspec, gpointer event)
{
  /* It does not wait here, where it would wait for itself. */
  if (ferry_job_check (job, NULL))
    g_atomic_int_inc (&n_handled);
  write_event (GPOINTER_TO_INT (event));
}

static void
note_cancel (GCancellable *cancellable, gpointer event)
{
  write_event (GPOINTER_TO_INT (event));
}

static void
close_event (gpointer event, GClosure *closure)
{
  pthread_mutex_lock (&event_lock);
  close (GPOINTER_TO_INT (event));
  pthread_mutex_unlock (&event_lock);
}

/* The handler has a descriptor of its own, since the other thread may be in it when it is disconnected. */
static gulong
connect_event (gpointer object, const char *signal, GCallback handler, int event)
{
  int own = fcntl (event, F_DUPFD_CLOEXEC, 0);

  g_assert_cmpint (own, >=, 0);
  return g_signal_connect_data (object, signal, handler, GINT_TO_POINTER (own), close_event, 0);
}

static void
poll_event (int event)
{
  struct pollfd descriptor = {event, POLLIN, 0};
  guint64 n;

  g_assert_cmpint (poll (&descriptor, 1, -1), ==, 1);
  pthread_mutex_lock (&event_lock);
  g_assert_cmpint (read (event, &n, sizeof n), ==, sizeof n);
  pthread_mutex_unlock (&event_lock);
}

/* Polls, as a function does that drives something, and never checks. */
static GVariant *
drive (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_autofd event = eventfd (0, EFD_CLOEXEC);
  GCancellable *cancellable = ferry_job_get_cancellable (job);
  gulong handlers[] = {
    connect_event (cancellable, "cancelled", G_CALLBACK (note_cancel), event),
    connect_event (job, "notify::paused", G_CALLBACK (note_pause), event),
  };

  while (!g_cancellable_is_cancelled (cancellable))
    {
      if (!ferry_test_get_number (job, "paused"))
        g_atomic_int_inc (&n_rounds);
      poll_event (event);
    }
  g_signal_handler_disconnect (cancellable, handlers[0]);
  g_signal_handler_disconnect (job, handlers[1]);
  g_cancellable_set_error_if_cancelled (cancellable, error);
  return NULL;
}

static GVariant *
sleep_until_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_autofd event = eventfd (0, EFD_CLOEXEC);
  GCancellable *cancellable = ferry_job_get_cancellable (job);
  gulong handler = connect_event (cancellable, "cancelled", G_CALLBACK (note_cancel), event);

  g_atomic_int_inc (&n_rounds);
  poll_event (event);
  g_signal_handler_disconnect (cancellable, handler);
  ferry_job_check (job, error);
  return NULL;
}

/* ---- the application's side ---- */

static gboolean
is_moving (gpointer data)
{
  return g_atomic_int_get (&n_rounds) > *(gint *) data;
}

static void
wait_moving (void)
{
  gint n = g_atomic_int_get (&n_rounds);

  ferry_test_look_until (is_moving, &n);
}

static ServeTestCall *
ask_moving (ServeTest *test, FerryTaskKind kind, const char *function, gint64 deadline)
{
  ServeTestCall *call;
  gint n = 0;

  g_atomic_int_set (&n_rounds, 0);
  call =
    serve_test_ask_fully (test, kind, function, NULL, kind == FERRY_TASK_KIND_ITERATION ? G_MAXUINT16 : 0, deadline);
  ferry_test_look_until (is_moving, &n);
  return call;
}

static void
set_paused (ServeTestCall *call, gboolean paused)
{
  ferry_link_set_pause (call->test->link, call->xid, paused, 0);
}

static gboolean
is_heard (gpointer data)
{
  const ServeTestCall *call = data;

  return ferry_link_has_heard_pause (call->test->link);
}

static void
go_on_moving (ServeTestCall *call)
{
  gint n = g_atomic_int_get (&n_rounds);

  set_paused (call, FALSE);
  ferry_test_look_until (is_moving, &n);
}

static void
assert_stands_still (void)
{
  gint n = g_atomic_int_get (&n_rounds);

  for (guint i = 0; i < 1000; i++)
    {
      g_thread_yield ();
      g_assert_cmpint (g_atomic_int_get (&n_rounds), ==, n);
    }
}

static void
pause_until_heard (ServeTestCall *call)
{
  set_paused (call, TRUE);
  ferry_test_look_until (is_heard, call);
}

static void
cancel (ServeTestCall *call)
{
  serve_test_cancel (call, FERRY_CANCEL_REASON_CANCELLED);
  serve_test_assert_failed (call, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static const struct
{
  const char *name;
  FerryTaskKind kind;
  FerryFunction function;
} repeating[] = {
  {"check", FERRY_TASK_KIND_CALL, repeat_check},
  {"report", FERRY_TASK_KIND_PROGRESS, repeat_report},
  {"report-amount", FERRY_TASK_KIND_PROGRESS, repeat_report_amount},
  {"step", FERRY_TASK_KIND_STEPS, repeat_step},
  {"send", FERRY_TASK_KIND_PROGRESS, repeat_send},
  {"yield", FERRY_TASK_KIND_ITERATION, repeat_yield},
};

static void
test_functions_wait_where_they_check (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  for (guint i = 0; i < G_N_ELEMENTS (repeating); i++)
    {
      g_autoptr (ServeTestCall) call = ask_moving (test, repeating[i].kind, repeating[i].name, 0);

      for (guint round = 0; round < 2; round++)
        {
          pause_until_heard (call);
          assert_stands_still ();
          go_on_moving (call);
        }
      pause_until_heard (call);
      cancel (call);
    }
}

static void
test_threads_of_a_function_wait_too (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = ask_moving (test, FERRY_TASK_KIND_CALL, "check-on-threads", 0);

  for (guint round = 0; round < 10; round++)
    {
      pause_until_heard (call);
      go_on_moving (call);
    }
  set_paused (call, TRUE);
  cancel (call);
}

static void
test_a_function_that_does_not_look_goes_on (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = ask_moving (test, FERRY_TASK_KIND_CALL, "spin", 0);

  set_paused (call, TRUE);
  wait_moving ();
  g_assert_false (is_heard (call));
  cancel (call);
}

static void
test_a_function_that_polls_is_told (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = NULL;

  g_atomic_int_set (&n_handled, 0);
  call = ask_moving (test, FERRY_TASK_KIND_CALL, "drive", 0);
  for (guint round = 0; round < 10; round++)
    {
      pause_until_heard (call);
      go_on_moving (call);
    }
  g_assert_cmpint (g_atomic_int_get (&n_handled), >=, 20);
  cancel (call);
}

static void
test_a_pause_is_kept_for_a_call_that_has_not_begun (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) first = ask_moving (test, FERRY_TASK_KIND_CALL, "check", 0);
  g_autoptr (ServeTestCall) second = serve_test_ask (test, "check", NULL);

  set_paused (second, TRUE);
  wait_moving ();
  cancel (first);
  ferry_test_look_until (is_heard, second);
  assert_stands_still ();
  go_on_moving (second);
  cancel (second);
}

static void
test_a_pause_is_for_one_call (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) first = ask_moving (test, FERRY_TASK_KIND_CALL, "check", 0);
  g_autoptr (ServeTestCall) second = NULL;

  pause_until_heard (first);
  cancel (first);
  /* The word still names the first one. */
  second = ask_moving (test, FERRY_TASK_KIND_CALL, "check", 0);
  wait_moving ();
  cancel (second);
}

static void
test_end_of_the_link_ends_a_pause (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = ask_moving (test, FERRY_TASK_KIND_CALL, "check", 0);

  pause_until_heard (call);
  serve_test_stop_router (test);
  g_assert_error (test->failure, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static gboolean
has_passed (gpointer data)
{
  return g_get_monotonic_time () > *(gint64 *) data;
}

static void
test_a_pause_moves_the_deadline (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  gint64 deadline = g_get_monotonic_time () + 300 * FERRY_MICROSECONDS_PER_MILLISECOND;
  gint64 later = deadline + 200 * FERRY_MICROSECONDS_PER_MILLISECOND;
  /* It asks for its cancellable, so the second thread looks at the clock. */
  g_autoptr (ServeTestCall) call = ask_moving (test, FERRY_TASK_KIND_CALL, "sleep", deadline);

  set_paused (call, TRUE);
  ferry_test_look_until (has_passed, &later);
  g_assert_false (call->done);
  ferry_link_set_pause (test->link, call->xid, FALSE, later + 3600 * (gint64) G_USEC_PER_SEC);
  cancel (call);
}

static void
test_a_deadline_holds_in_a_pause_where_it_is_given (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  gint64 deadline = g_get_monotonic_time () + 300 * FERRY_MICROSECONDS_PER_MILLISECOND;
  g_autoptr (ServeTestCall) call = ask_moving (test, FERRY_TASK_KIND_CALL, "check", deadline);

  ferry_link_set_pause (test->link, call->xid, TRUE, deadline);
  serve_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

static void
test_no_end_of_a_pause_is_lost (void)
{
  const char *const names[] = {"check", "check-on-threads", "drive"};
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (ServeTestCall) call = ask_moving (test, FERRY_TASK_KIND_CALL, names[i], 0);

      for (guint round = 0; round < 500; round++)
        {
          for (gint n = g_test_rand_int_range (1, 6); n > 0; n--)
            {
              set_paused (call, TRUE);
              for (gint delay = g_test_rand_int_range (0, 2000); delay > 0; delay--)
                g_atomic_int_get (&n_rounds);
              set_paused (call, FALSE);
            }
          if (round % 10 == 0)
            {
              pause_until_heard (call);
              go_on_moving (call);
            }
        }
      cancel (call);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (repeating); i++)
    ferry_function_register (repeating[i].name, NULL, "", repeating[i].function);
  ferry_function_register ("check-on-threads", NULL, "", check_on_threads);
  ferry_function_register ("spin", NULL, "", spin);
  ferry_function_register ("drive", NULL, "", drive);
  ferry_function_register ("sleep", NULL, "", sleep_until_cancelled);
  g_test_add_func ("/job-pause/functions-wait-where-they-check", test_functions_wait_where_they_check);
  g_test_add_func ("/job-pause/threads-of-a-function-wait-too", test_threads_of_a_function_wait_too);
  g_test_add_func ("/job-pause/function-that-does-not-look-goes-on", test_a_function_that_does_not_look_goes_on);
  g_test_add_func ("/job-pause/function-that-polls-is-told", test_a_function_that_polls_is_told);
  g_test_add_func ("/job-pause/is-kept-for-a-call-that-has-not-begun",
                   test_a_pause_is_kept_for_a_call_that_has_not_begun);
  g_test_add_func ("/job-pause/is-for-one-call", test_a_pause_is_for_one_call);
  g_test_add_func ("/job-pause/ends-with-the-link", test_end_of_the_link_ends_a_pause);
  g_test_add_func ("/job-pause/moves-the-deadline", test_a_pause_moves_the_deadline);
  g_test_add_func ("/job-pause/deadline-holds-where-it-is-given", test_a_deadline_holds_in_a_pause_where_it_is_given);
  g_test_add_func ("/job-pause/no-end-of-a-pause-is-lost", test_no_end_of_a_pause_is_lost);
  return g_test_run ();
}
