/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-descriptor-port.c, conversation/ferry-returned-transport.c, task/ferry-task.c, job/ferry-job.c,
 *        conversation/ferry-stream-transport.c, job/ferry-file-value.c
 *
 * Descriptors and transports that functions return. That the application has none open afterwards, every fixture
 * looks. */

#include "config.h"

#include <fcntl.h>
#include <ferry-conversations.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "ferry-test.h"
#include "task/return-functions.h"
#include "task/task-test.h"

#define LONG (30 * G_USEC_PER_SEC)

static FerryTask *
new_task (FerryTaskKind kind, const char *function, GVariant *arguments, guint max)
{
  FerryTask *task = ferry_task_new (kind, function, arguments);

  g_object_set (task, "max-returned-descriptors", max, NULL);
  return task;
}

static FerryTask *
submit (TaskTest *test, const char *function, GVariant *arguments, guint max)
{
  FerryTask *task = new_task (FERRY_TASK_KIND_CALL, function, arguments, max);

  task_test_submit_task (test->executor, task);
  return task;
}

static GVariant *
make_texts (guint n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("as"));
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = g_strdup_printf ("text %u", i);

      g_variant_builder_add (&builder, "s", text);
    }
  return g_variant_builder_end (&builder);
}

/* What the file of a handle contains. */
static char *
read_handle (FerryTask *task, gint handle)
{
  g_autoptr (GError) error = NULL;
  int fd = ferry_task_dup_descriptor (task, handle, &error);
  char text[64];
  gssize n;

  g_assert_no_error (error);
  n = pread (fd, text, sizeof text, 0);
  g_assert_cmpint (n, >=, 0);
  close (fd);
  return g_strndup (text, (gsize) n);
}

static void
assert_text (FerryTask *task, gint handle, const char *expected)
{
  g_autofree char *text = read_handle (task, handle);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_none (FerryTask *task, gint handle, FerryError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_task_dup_descriptor (task, handle, &error), ==, -1);
  g_assert_error (error, FERRY_ERROR, (gint) code);
}

/* ---- with a result, a message, a value ---- */

static void
test_a_result_brings_descriptors (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = submit (test, "return-texts", make_texts (64), 64);

  task_test_wait_done (task);
  /* In another order than they came. */
  assert_text (task, 63, "text 63");
  assert_text (task, 0, "text 0");
  assert_text (task, 0, "text 0");
  assert_none (task, 64, FERRY_ERROR_BAD_ARGUMENTS);
  assert_none (task, -1, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
note_file (FerryTask *task, const char *type, GVariant *handle, gpointer text)
{
  g_autofree char *content = read_handle (task, g_variant_get_handle (handle));

  g_string_append (text, content);
}

static void
test_a_message_brings_a_descriptor (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = new_task (FERRY_TASK_KIND_CALL, "send-text", g_variant_new_string ("news"), 1);
  g_autoptr (GString) text = g_string_new (NULL);

  g_signal_connect (task, "message::file", G_CALLBACK (note_file), text);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  g_assert_cmpstr (text->str, ==, "news");
}

static void
note_value (FerryTask *task, GVariant *handle, gpointer text)
{
  note_file (task, NULL, handle, text);
}

static void
test_each_value_brings_its_descriptor (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = new_task (FERRY_TASK_KIND_ITERATION, "yield-texts", make_texts (3), 3);
  g_autoptr (GString) text = g_string_new (NULL);

  g_signal_connect (task, "yielded", G_CALLBACK (note_value), text);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  g_assert_cmpstr (text->str, ==, "text 0text 1text 2");
}

/* What the task was given keeps its handles, of which there may be one less. */
static void
test_a_task_is_given_others (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = new_task (FERRY_TASK_KIND_CALL, "return-texts", make_texts (2), 2);
  g_autoptr (GError) error = NULL;

  for (gint i = 0; i < 63; i++)
    g_assert_cmpint (ferry_task_add_descriptor (task, STDIN_FILENO, NULL), ==, i);
  g_assert_cmpint (ferry_task_add_descriptor (task, STDIN_FILENO, &error), ==, -1);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  task_test_submit_task (test->executor, task);
  task_test_wait_done (task);
  assert_text (task, 1, "text 1");
}

static void
test_a_task_that_takes_none_has_none (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = submit (test, "return-until-refused", NULL, 0);
  g_autoptr (GVariant) result = NULL;
  const char *text;
  guint n;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, NULL);
  g_variant_get (result, "(u&s)", &n, &text);
  g_assert_cmpuint (n, ==, 0);
  ferry_test_assert_says (text, "FerryTask:max-returned-descriptors");
  assert_none (task, 0, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
test_a_function_is_told_the_limit (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = submit (test, "return-until-refused", NULL, 5);
  g_autoptr (GVariant) result = NULL;
  const char *text;
  guint n;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, NULL);
  g_variant_get (result, "(u&s)", &n, &text);
  g_assert_cmpuint (n, ==, 5);
  ferry_test_assert_says (text, "has returned 5 descriptors");
}

static void
test_a_descriptor_must_be_open (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = submit (test, "return-closed", NULL, 1);

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_SYSTEM);
}

static void
test_the_same_task_is_submitted_again (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = submit (test, "return-texts", make_texts (1), 1);
  g_autoptr (FerryTask) again = NULL;

  task_test_wait_done (task);
  again = ferry_executor_retry (test->executor, task, NULL);
  task_test_wait_done (again);
  assert_text (again, 0, "text 0");
  assert_text (task, 0, "text 0");
}

/* ---- ends ---- */

static void
test_what_came_outlives_the_worker (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit (test, "return-and-die", g_variant_new_string ("last words"), 1);

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  assert_text (task, 0, "last words");
}

static void
test_a_second_attempt_returns_its_own (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autofree char *path = task_test_make_path ("returned");
  GVariant *arguments = g_variant_new ("(ss)", "of the second", path);
  g_autoptr (FerryTask) task = new_task (FERRY_TASK_KIND_CALL, "return-once-killed", arguments, 1);

  g_object_set (task, "retries", 1, NULL);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "0");
  assert_text (task, 0, "of the second");
  g_unlink (path);
}

/* A task with a function that returns a descriptor once *gate is closed. */
static FerryTask *
new_late_task (int *gate)
{
  FerryTask *task = new_task (FERRY_TASK_KIND_CALL, "return-late", g_variant_new_handle (0), 1);
  int ends[2];

  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  g_assert_cmpint (ferry_task_add_descriptor (task, ends[0], NULL), ==, 0);
  close (ends[0]);
  *gate = ends[1];
  return task;
}

static gboolean
has_to_end (gpointer task)
{
  return ferry_task_get_state (task) >= FERRY_TASK_STATE_CANCELLING;
}

/* The function returns a descriptor after the task's time is over. */
static void
test_a_task_whose_time_is_over_drops_what_comes (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  int gate;
  g_autoptr (FerryTask) task = new_late_task (&gate);
  g_autoptr (FerryTask) next = NULL;

  ferry_task_set_run_timeout (task, 2000);
  task_test_submit_task (test->executor, task);
  ferry_test_run_until (has_to_end, task);
  close (gate);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  next = task_test_submit (test->executor, "nothing", NULL);
  task_test_wait_done (next);
  task_test_take_n_messages ();
}

static void
test_a_cancelled_task_drops_what_came (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  int gate;
  g_autoptr (FerryTask) task = new_late_task (&gate);

  task_test_submit_task (test->executor, task);
  task_test_wait_begun (task);
  ferry_task_cancel (task);
  close (gate);
  task_test_assert_cancelled (task);
}

/* None is asked for, or half of them. */
static void
test_many_leave_nothing_open (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 2);
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "nothing", NULL);
  guint before;

  task_test_wait_done (first);
  before = ferry_test_count_fds ();
  for (guint round = 0; round < 40; round++)
    {
      FerryTask *tasks[10];

      for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
        tasks[i] = submit (test, "return-texts", make_texts (20), 20);
      for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
        {
          task_test_wait_done (tasks[i]);
          if (i % 2 == 0)
            assert_text (tasks[i], 10, "text 10");
          g_object_unref (tasks[i]);
        }
    }
  while (ferry_test_count_fds () > before + 8)
    g_main_context_iteration (NULL, FALSE);
}

/* ---- shortage ---- */

static void
test_a_descriptor_waits_for_room (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit (test, "return-texts", make_texts (2), 2);
  guint64 before;

  task_test_wait_done (task);
  before = ferry_test_limit_fds (3);
  assert_none (task, 0, FERRY_ERROR_SYSTEM);
  ferry_test_limit_fds (before);
  assert_text (task, 0, "text 0");
  before = ferry_test_limit_fds (3);
  assert_none (task, 0, FERRY_ERROR_SYSTEM);
  assert_none (task, 1, FERRY_ERROR_SYSTEM);
  ferry_test_limit_fds (before);
  assert_text (task, 1, "text 1");
}

static void
test_a_task_that_cannot_take_any_fails (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) next = NULL;
  guint64 before;

  task_test_wait_done (first);
  before = ferry_test_limit_fds (3);
  task = submit (test, "return-texts", make_texts (2), 2);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  ferry_test_limit_fds (before);
  next = submit (test, "return-texts", make_texts (2), 2);
  task_test_wait_done (next);
  assert_text (next, 1, "text 1");
}

/* ---- workers that break the rules ---- */

static void
check_force (const char *way, guint n, FerryError first)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit (test, "return-by-force", g_variant_new ("(su)", way, n), 3);
  guint before;

  task_test_assert_result (task, NULL);
  before = ferry_test_count_fds_without_threads ();
  assert_none (task, 0, first);
  assert_none (task, 3, FERRY_ERROR_BAD_ARGUMENTS);
  while (ferry_test_count_fds_without_threads () > before)
    g_thread_yield ();
}

static void
test_a_packet_of_another_kind_has_no_descriptor (void)
{
  check_force ("nothing", 3, FERRY_ERROR_SYSTEM);
  check_force ("empty", 3, FERRY_ERROR_BAD_ARGUMENTS); /* as the end */
  check_force ("two", 3, FERRY_ERROR_SYSTEM);
  check_force ("253", 3, FERRY_ERROR_SYSTEM);
  check_force ("shutdown", 1, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
test_more_than_the_limit_are_not_taken (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit (test, "return-by-force", g_variant_new ("(su)", "large", 1000), 3);
  guint before;

  task_test_assert_result (task, NULL);
  before = ferry_test_count_fds ();
  assert_none (task, 1000, FERRY_ERROR_TOO_LARGE);
  assert_none (task, 3, FERRY_ERROR_TOO_LARGE);
  g_assert_cmpuint (ferry_test_count_fds (), <=, before + 3);
}

/* The socket lies in its own queue, and the application has a copy too. */
static void
test_a_box_that_is_returned_in_itself_is_freed (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit (test, "return-by-force", g_variant_new ("(su)", "itself", 3), 3);
  int fd;

  task_test_assert_result (task, NULL);
  fd = ferry_task_dup_descriptor (task, 1, NULL);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

/* ---- transports ---- */

static FerryMux *
open_mux (FerryTask *task, FerryTransport **transport)
{
  g_autoptr (GError) error = NULL;

  *transport = ferry_task_open_transport (task, 0, &error);
  g_assert_no_error (error);
  return ferry_mux_new (*transport);
}

typedef struct
{
  gint64 number;
  gboolean done;
} Answer;

static void
take_answer (GObject *mux, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &error);

  answer->number = value != NULL ? g_variant_get_int64 (value) : -error->code;
  answer->done = TRUE;
}

static gint64
ask (FerryMux *mux, gint64 number)
{
  Answer answer = {0};

  ferry_mux_transact_async (mux, "double", g_variant_new_int64 (number), LONG, NULL, take_answer, &answer);
  ferry_test_wait_flag (&answer.done);
  return answer.number;
}

static void
stop_serving (TaskTest *test)
{
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "stop-serving", NULL);

  task_test_wait_done (task);
}

static void
test_a_transport_outlives_its_task (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = submit (test, "serve", NULL, 1);
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryMux) mux = NULL;

  task_test_assert_result (task, "0");
  mux = open_mux (task, &transport);
  g_clear_object (&task);
  g_assert_cmpint (ask (mux, 21), ==, 42);
  stop_serving (test);
  g_assert_cmpint (ask (mux, 1), ==, -FERRY_ERROR_CLOSED);
}

static void
test_a_transport_is_got_once (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = submit (test, "serve", NULL, 1);
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryMux) mux = NULL;
  g_autoptr (GError) error = NULL;

  task_test_assert_result (task, "0");
  mux = open_mux (task, &transport);
  g_assert_null (ferry_task_open_transport (task, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  assert_none (task, 0, FERRY_ERROR_CLOSED);
  g_assert_cmpint (ask (mux, 2), ==, 4);
  stop_serving (test);
}

static void
test_a_transport_ends_with_its_worker (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerryTask) task = submit (test, "serve", NULL, 1);
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryMux) mux = NULL;

  task_test_assert_result (task, "0");
  mux = open_mux (task, &transport);
  g_assert_cmpint (ask (mux, 2), ==, 4);
  worker = g_object_ref (ferry_test_get_worker (test->pool, task));
  ferry_worker_send_signal (worker, SIGKILL);
  ferry_test_wait_ended (worker);
  g_assert_cmpint (ask (mux, 2), ==, -FERRY_ERROR_CLOSED);
}

static void
test_a_transport_that_is_not_got_is_closed (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = submit (test, "serve", NULL, 1);

  task_test_assert_result (task, "0");
  g_clear_object (&task);
  stop_serving (test);
}

static void
test_another_file_is_no_transport (gconstpointer path)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit (test, "return-path", g_variant_new_string (path), 1);
  g_autoptr (GError) error = NULL;
  int fd;

  task_test_assert_result (task, "0");
  g_assert_null (ferry_task_open_transport (task, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  fd = ferry_task_dup_descriptor (task, 0, NULL);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

/* Another worker that has a copy of the socket makes it block; a send on this thread must not wait for that. */
static void
test_a_socket_that_blocks_holds_up_no_sender (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit (test, "return-deaf", NULL, 1);
  g_autoptr (FerryTask) block = NULL;
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryMux) mux = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strnfill (100000, 'x');

  task_test_assert_result (task, "0");
  mux = open_mux (task, &transport);
  block = task_test_submit (test->executor, "make-blocking", NULL);
  task_test_wait_done (block);
  while (ferry_mux_send (mux, "none", g_variant_new_string (text), 0, NULL, &error))
    ;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  stop_serving (test);
}

/* ---- values in files, and partial results ---- */

static GVariant *
make_large (void)
{
  g_autoptr (GBytes) zeros = g_bytes_new_take (g_malloc0 (200000), 200000);

  return g_variant_new ("(i@ay)", 7, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, zeros, TRUE));
}

static void
test_a_result_may_be_in_a_file (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (GVariant) large = g_variant_ref_sink (make_large ());
  g_autoptr (FerryTask) task = submit (test, "return-in-file", g_variant_new ("(vsb)", large, "(iay)", TRUE), 1);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_equal (result, large));
  /* The result has it, and nobody else needs it. */
  g_assert_cmpint (ferry_task_dup_descriptor (task, 0, NULL), ==, -1);
}

typedef struct
{
  FerryTask *task;
  GVariant *result; /* (owned) (nullable) */
  _Atomic gboolean is_over;
} Elsewhere;

static gpointer
wait_elsewhere (gpointer data)
{
  Elsewhere *self = data;

  self->result = ferry_task_wait (self->task, -1, NULL);
  atomic_store (&self->is_over, TRUE);
  return NULL;
}

static gboolean
is_over (gpointer data)
{
  return atomic_load (&((Elsewhere *) data)->is_over);
}

/* (transfer full) (nullable): the result, for which a thread waits. */
static GVariant *
get_elsewhere (FerryTask *task)
{
  Elsewhere self = {.task = task};
  GThread *thread = g_thread_new ("elsewhere", wait_elsewhere, &self);

  ferry_test_run_until (is_over, &self);
  g_thread_join (thread);
  return self.result;
}

static void
test_a_thread_reads_a_result_in_a_file (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (GVariant) large = g_variant_ref_sink (make_large ());

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (FerryTask) task = submit (test, "return-in-file", g_variant_new ("(vsb)", large, "(iay)", TRUE), 1);
      g_autoptr (GVariant) result = get_elsewhere (task);

      g_assert_nonnull (result);
      g_assert_true (g_variant_equal (result, large));
    }
}

static void
assert_bad_file (TaskTest *test, GVariant *value, const char *type, gboolean seals)
{
  g_autoptr (FerryTask) task = submit (test, "return-in-file", g_variant_new ("(vsb)", value, type, seals), 1);

  task_test_wait_done (task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
}

static void
test_a_file_is_checked (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);

  assert_bad_file (test, g_variant_new_string ("no bytes of that type"), "(as)", TRUE);
  assert_bad_file (test, g_variant_new_string ("unsealed"), "s", FALSE);
}

static void
assert_part (TaskTest *test, gboolean is_in_file)
{
  g_autoptr (FerryTask) task =
    submit (test, "fail-in-part", g_variant_new ("(vb)", g_variant_new_string ("half"), is_in_file), 1);
  g_autoptr (GVariant) part = NULL;

  task_test_wait_done (task);
  task_test_assert_failed (task, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_object_get (task, "partial-result", &part, NULL);
  g_assert_cmpstr (g_variant_get_string (part, NULL), ==, "half");
}

static void
test_a_failure_has_a_partial_result (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);

  assert_part (test, FALSE);
  assert_part (test, TRUE);
}

static void
test_a_cancelled_task_has_a_partial_result (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = submit (test, "part-when-late", NULL, 0);
  g_autoptr (GVariant) part = NULL;

  task_test_wait_begun (task);
  ferry_task_cancel (task);
  task_test_wait_done (task);
  g_object_get (task, "partial-result", &part, NULL);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpstr (g_variant_get_string (part, NULL), ==, "late");
}

/* Each of these in a process and in a thread. */
static void
add_both (const char *name, GTestDataFunc function)
{
  g_autofree char *in_process = g_strdup_printf ("/task-returns/%s", name);
  g_autofree char *in_thread = g_strdup_printf ("/task-returns/in-a-thread/%s", name);

  g_test_add_data_func (in_process, NULL, function);
  g_test_add_data_func (in_thread, "", function);
}

static void
add_transports (void)
{
  add_both ("a-transport-outlives-its-task", test_a_transport_outlives_its_task);
  add_both ("a-transport-is-got-once", test_a_transport_is_got_once);
  add_both ("a-transport-that-is-not-got-is-closed", test_a_transport_that_is_not_got_is_closed);
  g_test_add_func ("/task-returns/a-transport-ends-with-its-worker", test_a_transport_ends_with_its_worker);
  g_test_add_data_func ("/task-returns/a-file-is-no-transport", "/proc/self/exe", test_another_file_is_no_transport);
  g_test_add_data_func ("/task-returns/a-directory-is-no-transport", "/", test_another_file_is_no_transport);
  g_test_add_func ("/task-returns/a-socket-that-blocks-holds-up-no-sender",
                   test_a_socket_that_blocks_holds_up_no_sender);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  return_functions_register ();

  add_both ("a-result-brings-descriptors", test_a_result_brings_descriptors);
  add_both ("a-message-brings-a-descriptor", test_a_message_brings_a_descriptor);
  add_both ("each-value-brings-its-descriptor", test_each_value_brings_its_descriptor);
  add_both ("a-task-is-given-others", test_a_task_is_given_others);
  add_both ("a-task-that-takes-none-has-none", test_a_task_that_takes_none_has_none);
  add_both ("a-function-is-told-the-limit", test_a_function_is_told_the_limit);
  add_both ("a-descriptor-must-be-open", test_a_descriptor_must_be_open);
  add_both ("the-same-task-is-submitted-again", test_the_same_task_is_submitted_again);
  add_both ("a-task-whose-time-is-over-drops-what-comes", test_a_task_whose_time_is_over_drops_what_comes);
  add_both ("a-cancelled-task-drops-what-came", test_a_cancelled_task_drops_what_came);
  add_both ("a-result-may-be-in-a-file", test_a_result_may_be_in_a_file);
  add_both ("a-thread-reads-a-result-in-a-file", test_a_thread_reads_a_result_in_a_file);
  add_both ("a-file-is-checked", test_a_file_is_checked);
  add_both ("a-failure-has-a-partial-result", test_a_failure_has_a_partial_result);
  add_both ("a-cancelled-task-has-a-partial-result", test_a_cancelled_task_has_a_partial_result);
  add_both ("many-leave-nothing-open", test_many_leave_nothing_open);
  add_both ("a-task-that-cannot-take-any-fails", test_a_task_that_cannot_take_any_fails);
  g_test_add_func ("/task-returns/what-came-outlives-the-worker", test_what_came_outlives_the_worker);
  g_test_add_func ("/task-returns/a-second-attempt-returns-its-own", test_a_second_attempt_returns_its_own);
  g_test_add_func ("/task-returns/a-descriptor-waits-for-room", test_a_descriptor_waits_for_room);
  g_test_add_func ("/task-returns/a-packet-of-another-kind-has-no-descriptor",
                   test_a_packet_of_another_kind_has_no_descriptor);
  g_test_add_func ("/task-returns/more-than-the-limit-are-not-taken", test_more_than_the_limit_are_not_taken);
  g_test_add_func ("/task-returns/a-box-that-is-returned-in-itself-is-freed",
                   test_a_box_that_is_returned_in_itself_is_freed);
  add_transports ();
  return g_test_run ();
}
