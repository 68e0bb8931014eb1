/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-given-sender.c, task/ferry-task.c, job/ferry-job.c
 *
 * Tasks that are given senders, in workers that run already. That the application has no descriptor open afterwards,
 * every fixture looks. */

#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "task/sender-functions.h"
#include "task/task-test.h"

#define N_MESSAGES 20000

/* A test whose only worker runs already. */
static TaskTest *
begin (gconstpointer in_threads)
{
  TaskTest *test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);

  task_test_wait_done (task);
  return test;
}

static FerryTask *
new_task (const char *function, FerryTestPipe *pipe)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new_handle (0));
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_task_add_sender (task, pipe->sender, &error), ==, 0);
  g_assert_no_error (error);
  return task;
}

static FerryTask *
new_counting_task (const char *function, FerryTestPipe *pipe, guint64 n)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new ("(ht)", 0, n));

  g_assert_cmpint (ferry_task_add_sender (task, pipe->sender, NULL), ==, 0);
  return task;
}

static void
assert_end (FerryTestPipe *pipe, FerryCloseReason reason, guint64 n_messages)
{
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpint (ferry_exit_get_reason (pipe->exit), ==, reason);
  g_assert_cmpuint (pipe->n_messages, ==, n_messages);
  g_assert_cmpuint (pipe->at_closed, ==, n_messages);
  g_assert_cmpuint (pipe->n_closed, ==, 1);
}

/* The pipe is opened when the worker has run a task already. */
static void
test_messages_come_in_order (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_counting_task ("send-numbers", pipe, N_MESSAGES);

  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  assert_end (pipe, FERRY_CLOSE_REASON_STOPPED, N_MESSAGES);
  g_assert_true (pipe->in_order);
}

static void
test_a_task_has_several (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) first = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTestPipe) second = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "send-numbers", g_variant_new ("(ht)", 2, 10ull));
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);

  g_assert_cmpint (ferry_task_add_sender (task, first->sender, NULL), ==, 0);
  g_assert_cmpint (ferry_task_add_bytes (task, bytes, NULL), ==, 1);
  g_assert_cmpint (ferry_task_add_sender (task, second->sender, NULL), ==, 2);
  task_test_submit_task (test->executor, task);
  assert_end (first, FERRY_CLOSE_REASON_STOPPED, 0);
  assert_end (second, FERRY_CLOSE_REASON_STOPPED, 10);
}

static void
test_large_messages_come (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_task ("send-large", pipe);

  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  assert_end (pipe, FERRY_CLOSE_REASON_STOPPED, 1);
  g_assert_cmpuint (ferry_test_get_number (test->router, "running"), ==, TRUE);
}

/* Of a pipe for latest values, the last message comes in any case. */
static void
test_latest_values_come (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new_with_flags (test->router, FERRY_PIPE_LATEST);
  g_autoptr (FerryTask) task = new_counting_task ("send-numbers", pipe, N_MESSAGES);

  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpuint (pipe->next, ==, N_MESSAGES);
}

static void
count_buffer (FerryReceiver *receiver, GVariant *metadata, GBytes *bytes, gpointer data)
{
  guint64 *n = data;
  gsize size;
  const guint8 *first = g_bytes_get_data (bytes, &size);

  g_assert_cmpuint (g_variant_get_uint64 (metadata), ==, *n);
  g_assert_cmpuint (size, ==, 100000);
  g_assert_cmpuint (first[size - 1], ==, *n);
  ++*n;
}

static void
test_buffers_come (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_counting_task ("send-buffers", pipe, 100);
  guint64 n = 0;

  g_signal_connect (pipe->receiver, "buffer", G_CALLBACK (count_buffer), &n);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpint (ferry_exit_get_reason (pipe->exit), ==, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (n, ==, 100);
}

/* ---- ends ---- */

/* What the next task finds at its handle, and what the kept sender is good for. */
static void
check_kept (gconstpointer in_threads, const char *function, guint64 n_messages)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_task (function, pipe);
  g_autoptr (FerryTask) next = ferry_task_new (FERRY_TASK_KIND_CALL, "send-large", g_variant_new_handle (0));
  g_autoptr (FerryTask) last = NULL;

  task_test_submit_task (test->executor, task);
  task_test_submit_task (test->executor, next);
  assert_end (pipe, FERRY_CLOSE_REASON_STOPPED, n_messages);
  task_test_assert_failed (next, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  last = task_test_submit (test->executor, "use-kept-sender", NULL);
  task_test_assert_result (last, "'The sender was stopped; open another pipe to send more'");
}

static void
test_the_next_task_does_not_have_it (gconstpointer in_threads)
{
  check_kept (in_threads, "keep-sender", 1);
}

static void
test_the_next_task_cannot_start_it (gconstpointer in_threads)
{
  check_kept (in_threads, "keep-new-sender", 0);
}

static void
test_a_sender_that_is_not_used_ends_with_its_task (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);

  ferry_task_add_sender (task, pipe->sender, NULL);
  task_test_submit_task (test->executor, task);
  assert_end (pipe, FERRY_CLOSE_REASON_STOPPED, 0);
}

static void
test_a_sender_of_no_attempt_ends_with_its_task (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) dropped = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTestPipe) cancelled = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_task ("send-large", cancelled);

  g_object_unref (new_task ("send-large", dropped));
  assert_end (dropped, FERRY_CLOSE_REASON_STOPPED, 0);
  ferry_task_cancel (task);
  assert_end (cancelled, FERRY_CLOSE_REASON_STOPPED, 0);
}

static void
test_a_cancel_ends_the_sender (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_task ("send-until-refused", pipe);

  ferry_task_set_cancel_grace (task, 60 * G_USEC_PER_SEC);
  task_test_submit_task (test->executor, task);
  ferry_test_pipe_wait_count (pipe, 1000);
  ferry_router_close_pipe (test->router, pipe->receiver, NULL);
  ferry_task_cancel (task);
  task_test_wait_done (task);
  g_assert_true (pipe->in_order);
}

static void
test_a_closed_pipe_refuses_messages (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_task ("send-until-refused", pipe);
  g_autoptr (GVariant) result = NULL;

  task_test_submit_task (test->executor, task);
  ferry_test_pipe_wait_count (pipe, 1000);
  g_assert_true (ferry_router_close_pipe (test->router, pipe->receiver, NULL));
  task_test_wait_done (task);
  result = ferry_task_get_result (task, NULL);
  g_assert_nonnull (strstr (g_variant_get_string (result, NULL), "was closed by the application"));
}

static void
count_any_buffer (FerryReceiver *receiver, GVariant *metadata, GBytes *bytes, gpointer data)
{
  ++*(guint64 *) data;
}

static gboolean
has_some (gpointer data)
{
  return *(guint64 *) data >= 20;
}

/* All that was sent comes before the end, and the end is the worker's. */
static void
test_a_kill_ends_the_pipe_behind_its_messages (void)
{
  g_autoptr (TaskTest) test = begin (NULL);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_counting_task ("send-and-die", pipe, N_MESSAGES);
  g_autoptr (FerryTask) next = NULL;

  task_test_submit_task (test->executor, task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  assert_end (pipe, FERRY_CLOSE_REASON_KILLED, N_MESSAGES);
  g_assert_true (pipe->in_order);
  g_assert_cmpint (ferry_exit_get_signal (pipe->exit), ==, SIGKILL);
  next = task_test_submit (test->executor, "add", g_variant_new ("(xx)", 40, 2));
  task_test_assert_result (next, "42");
}

/* A task that was sent ahead goes to another worker, with its sender. */
static void
test_a_task_that_was_not_begun_keeps_its_sender (void)
{
  g_autoptr (TaskTest) test = begin (NULL);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_counting_task ("send-numbers", pipe, N_MESSAGES);
  g_autoptr (FerryTask) killer = ferry_task_new (FERRY_TASK_KIND_CALL, "die-at-end", g_variant_new_handle (0));
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_cmpint (ferry_task_add_descriptor (killer, fds[0], NULL), ==, 0);
  close (fds[0]);
  task_test_expect_short_tasks (test->pool);
  task_test_submit_task (test->executor, killer);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun (killer);
  close (fds[1]);
  task_test_assert_failed (killer, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  task_test_assert_result (task, NULL);
  assert_end (pipe, FERRY_CLOSE_REASON_STOPPED, N_MESSAGES);
}

static void
test_a_second_attempt_does_not_have_it (void)
{
  g_autoptr (TaskTest) test = begin (NULL);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_counting_task ("send-and-die", pipe, 10);

  g_object_set (task, "retries", 1, NULL);
  task_test_submit_task (test->executor, task);
  task_test_wait_done (task);
  assert_end (pipe, FERRY_CLOSE_REASON_KILLED, 10);
}

/* The thread sends on while the link ends. What it has sent is taken as far as it has come. */
static void
test_a_thread_that_is_given_up_breaks_no_rule (void)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (TaskTest) test = begin ("");
      g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
      g_autoptr (FerryTask) task = new_task ("send-buffers-until-refused", pipe);
      guint64 n = 0;

      g_signal_connect (pipe->receiver, "buffer", G_CALLBACK (count_any_buffer), &n);
      ferry_task_set_cancel_grace (task, 1);
      task_test_submit_task (test->executor, task);
      ferry_test_run_until (has_some, &n);
      ferry_task_cancel (task);
      task_test_wait_done (task);
      ferry_test_pipe_wait_closed (pipe);
      g_assert_cmpint (ferry_exit_get_reason (pipe->exit), ==, FERRY_CLOSE_REASON_STOPPED);
    }
}

/* ---- refusals ---- */

static void
assert_refused (FerryTask *task, FerrySender *sender, FerryError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_task_add_sender (task, sender, &error), ==, -1);
  g_assert_error (error, FERRY_ERROR, (int) code);
}

static void
test_what_cannot_be_given_is_refused (void)
{
  g_autoptr (TaskTest) test = begin (NULL);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTestPipe) closed = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTestPipe) started = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_task ("nothing", pipe);

  assert_refused (task, pipe->sender, FERRY_ERROR_ALREADY_STARTED);
  g_assert_true (ferry_sender_start (started->sender, NULL));
  assert_refused (task, started->sender, FERRY_ERROR_ALREADY_STARTED);
  g_assert_true (ferry_router_close_pipe (test->router, closed->receiver, NULL));
  assert_refused (task, closed->sender, FERRY_ERROR_CLOSED);
  g_assert_false (ferry_sender_start (pipe->sender, NULL));
  task_test_submit_task (test->executor, task);
  assert_refused (task, pipe->sender, FERRY_ERROR_ALREADY_STARTED);
  task_test_wait_done (task);
}

static void
test_a_handle_of_no_sender_is_an_error (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = begin (in_threads);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "send-large", g_variant_new_handle (0));
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);

  ferry_task_add_bytes (task, bytes, NULL);
  task_test_submit_task (test->executor, task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
test_a_child_of_the_worker_cannot_send (void)
{
  g_autoptr (TaskTest) test = begin (NULL);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_task ("send-in-a-child", pipe);

  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "'not a worker'");
  assert_end (pipe, FERRY_CLOSE_REASON_STOPPED, 0);
}

/* ---- hostile workers ---- */

/* The worker is ended, and the pipe whose connection id it used hears nothing. */
static void
test_a_worker_that_uses_another_id_is_ended (void)
{
  g_autoptr (TaskTest) test = begin (NULL);
  g_autoptr (FerryTestPipe) other = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_task ("send-as-another", pipe);
  g_autoptr (FerryTask) next = NULL;
  const GError *error;

  task_test_submit_task (test->executor, task);
  error = task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  ferry_test_assert_says (error->message, "broke the protocol of a sender that it was given");
  assert_end (pipe, FERRY_CLOSE_REASON_PROTOCOL_ERROR, 0);
  ferry_test_assert_says (ferry_exit_get_message (pipe->exit), "which it was not granted");
  g_assert_cmpuint (other->n_messages, ==, 0);
  g_assert_cmpuint (other->n_closed, ==, 0);
  next = task_test_submit (test->executor, "add", g_variant_new ("(xx)", 40, 2));
  task_test_assert_result (next, "42");
}

static void
test_a_worker_that_shuts_the_socket_down_ends_the_pipe (void)
{
  g_autoptr (TaskTest) test = begin (NULL);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = new_task ("shut-down", pipe);

  ferry_task_set_cancel_grace (task, 1000);
  task_test_submit_task (test->executor, task);
  ferry_test_pipe_wait_count (pipe, 3);
  ferry_task_cancel (task);
  task_test_wait_done (task);
  ferry_test_pipe_wait_closed (pipe);
}

/* ---- many ---- */

static void
test_many_come_through (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 3);
  FerryTestPipe *pipes[60];

  for (guint round = 0; round < 5; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (pipes); i++)
        {
          g_autoptr (FerryTask) task = NULL;

          pipes[i] = ferry_test_pipe_new (test->router);
          task = new_counting_task ("send-numbers", pipes[i], i);
          task_test_submit_task (test->executor, task);
        }
      for (guint i = 0; i < G_N_ELEMENTS (pipes); i++)
        {
          assert_end (pipes[i], FERRY_CLOSE_REASON_STOPPED, i);
          g_assert_true (pipes[i]->in_order);
          ferry_test_pipe_free (pipes[i]);
        }
    }
}

/* Each of these in a process and in a thread. */
static void
add_both (const char *name, GTestDataFunc function)
{
  g_autofree char *in_process = g_strdup_printf ("/task-senders/%s", name);
  g_autofree char *in_thread = g_strdup_printf ("/task-senders/in-a-thread/%s", name);

  g_test_add_data_func (in_process, NULL, function);
  g_test_add_data_func (in_thread, "", function);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  sender_functions_register ();

  add_both ("messages-come-in-order", test_messages_come_in_order);
  add_both ("a-task-has-several", test_a_task_has_several);
  add_both ("large-messages-come", test_large_messages_come);
  add_both ("latest-values-come", test_latest_values_come);
  add_both ("buffers-come", test_buffers_come);
  add_both ("the-next-task-does-not-have-it", test_the_next_task_does_not_have_it);
  add_both ("the-next-task-cannot-start-it", test_the_next_task_cannot_start_it);
  add_both ("a-sender-that-is-not-used-ends-with-its-task", test_a_sender_that_is_not_used_ends_with_its_task);
  add_both ("a-sender-of-no-attempt-ends-with-its-task", test_a_sender_of_no_attempt_ends_with_its_task);
  add_both ("a-cancel-ends-the-sender", test_a_cancel_ends_the_sender);
  add_both ("a-closed-pipe-refuses-messages", test_a_closed_pipe_refuses_messages);
  add_both ("a-handle-of-no-sender-is-an-error", test_a_handle_of_no_sender_is_an_error);
  add_both ("many-come-through", test_many_come_through);
  g_test_add_func ("/task-senders/a-kill-ends-the-pipe-behind-its-messages",
                   test_a_kill_ends_the_pipe_behind_its_messages);
  g_test_add_func ("/task-senders/a-task-that-was-not-begun-keeps-its-sender",
                   test_a_task_that_was_not_begun_keeps_its_sender);
  g_test_add_func ("/task-senders/a-second-attempt-does-not-have-it", test_a_second_attempt_does_not_have_it);
  g_test_add_func ("/task-senders/a-thread-that-is-given-up-breaks-no-rule",
                   test_a_thread_that_is_given_up_breaks_no_rule);
  g_test_add_func ("/task-senders/what-cannot-be-given-is-refused", test_what_cannot_be_given_is_refused);
  g_test_add_func ("/task-senders/a-child-of-the-worker-cannot-send", test_a_child_of_the_worker_cannot_send);
  g_test_add_func ("/task-senders/a-worker-that-uses-another-id-is-ended", test_a_worker_that_uses_another_id_is_ended);
  g_test_add_func ("/task-senders/a-worker-that-shuts-the-socket-down-ends-the-pipe",
                   test_a_worker_that_shuts_the_socket_down_ends_the_pipe);
  return g_test_run ();
}
