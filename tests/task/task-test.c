/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <stdio.h>
#include <string.h>

#include "task/task-test.h"

#include <errno.h>
#include <glib-unix.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "task/ferry-task-private.h"

/* ---- functions of this process ---- */

static gint n_warnings; /* atomic */
static gint n_messages; /* atomic */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char *latest_message; /* lock: (owned) (nullable): what the library said last, and was not taken */
static char *messages;       /* lock: (owned) (nullable): all since the last one that was waited for, a line each */
static GString *words;       /* lock */
static gboolean is_open;     /* lock */

static void
note_word (const char *word)
{
  pthread_mutex_lock (&lock);
  if (words->len > 0)
    g_string_append_c (words, ' ');
  g_string_append (words, word);
  pthread_mutex_unlock (&lock);
  g_main_context_wakeup (NULL);
}

static GVariant *
do_nothing (FerryJob *job, GVariant *arguments, GError **error)
{
  return NULL;
}

static GVariant *
echo (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_ref (arguments);
}

static GVariant *
add (FerryJob *job, GVariant *arguments, GError **error)
{
  gint64 a, b;

  g_variant_get (arguments, "(xx)", &a, &b);
  return g_variant_new_int64 (a + b);
}

static GVariant *
fail (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *domain, *message;
  int code;

  g_variant_get (arguments, "(&si&s)", &domain, &code, &message);
  g_set_error_literal (error, g_quark_from_string (domain), code, message);
  return NULL;
}

static GVariant *
yield (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 n = g_variant_get_uint64 (arguments);
  guint64 sum = 0;

  for (guint64 i = 0; i < n; i++)
    {
      if (!ferry_job_yield (job, g_variant_new_uint64 (i), error))
        return NULL;
      sum += i;
    }
  return g_variant_new_uint64 (sum);
}

static GVariant *
report (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 n = g_variant_get_uint64 (arguments);

  for (guint64 i = 1; i <= n; i++)
    if (!ferry_job_report (job, (double) i / (double) n, NULL, error))
      break;
  return NULL;
}

static void
wake_gate (GCancellable *cancellable, gpointer data)
{
  pthread_mutex_lock (&lock);
  pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&lock);
}

static GVariant *
sleep_until_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  GCancellable *cancellable = ferry_job_get_cancellable (job);
  gulong handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (wake_gate), NULL);

  /* Without the cancellable's descriptor: ThreadSanitizer does not see that GLib closes it after the last write. */
  pthread_mutex_lock (&lock);
  while (!g_cancellable_is_cancelled (cancellable))
    pthread_cond_wait (&changed, &lock);
  pthread_mutex_unlock (&lock);
  g_signal_handler_disconnect (cancellable, handler);
  ferry_job_check (job, error);
  return NULL;
}

static GVariant *
spin_until_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  while (!ferry_job_is_cancelled (job))
    ;
  ferry_job_check (job, error);
  return NULL;
}

static GVariant *
note (FerryJob *job, GVariant *arguments, GError **error)
{
  note_word (g_variant_get_string (arguments, NULL));
  return NULL;
}

/* Waits until the gate is open, or until it is closed, or for a cancel. */
static gboolean
wait_until_gate (FerryJob *job, gboolean open, GError **error)
{
  GCancellable *cancellable = ferry_job_get_cancellable (job);
  gulong handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (wake_gate), NULL);

  /* Not ferry_job_is_cancelled(), which may be what cancels, and call wake_gate() under the lock. */
  pthread_mutex_lock (&lock);
  while (is_open != open && !g_cancellable_is_cancelled (cancellable))
    pthread_cond_wait (&changed, &lock);
  pthread_mutex_unlock (&lock);
  g_signal_handler_disconnect (cancellable, handler);
  return ferry_job_check (job, error);
}

static GVariant *
wait_at_gate (FerryJob *job, GVariant *arguments, GError **error)
{
  note_word (g_variant_get_string (arguments, NULL));
  wait_until_gate (job, TRUE, error);
  return NULL;
}

static GVariant *
tell_whether_repeated (FerryJob *job, GVariant *arguments, GError **error)
{
  note_word (ferry_job_is_repeated (job) ? "repeated" : "first");
  wait_until_gate (job, TRUE, error);
  return NULL;
}

static GVariant *
do_halves (FerryJob *job, GVariant *arguments, GError **error)
{
  if (wait_until_gate (job, TRUE, error) && ferry_job_report (job, 0.5, NULL, error))
    wait_until_gate (job, FALSE, error);
  return NULL;
}

/* Has a fraction at the open gate, and none once it is closed. */
static GVariant *
do_not_know (FerryJob *job, GVariant *arguments, GError **error)
{
  if (wait_until_gate (job, TRUE, error) && ferry_job_report (job, 0.9, "first part", error) &&
      wait_until_gate (job, FALSE, error) && ferry_job_report (job, -INFINITY, "second part", error) &&
      ferry_job_report (job, 0.1, "second part", error))
    wait_until_gate (job, TRUE, error);
  return NULL;
}

static GVariant *
hang (FerryJob *job, GVariant *arguments, GError **error)
{
  pthread_mutex_lock (&lock);
  while (!is_open)
    pthread_cond_wait (&changed, &lock);
  pthread_mutex_unlock (&lock);
  return NULL;
}

static GVariant *
commit (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *text = g_variant_get_string (arguments, NULL);

  if (!ferry_job_commit (job, error))
    return NULL;
  note_word (text);
  hang (job, NULL, error);
  /* What could not be put into place. */
  if (g_str_equal (text, "fail"))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "The disk is full");
      return NULL;
    }
  return ferry_job_commit (job, error) && ferry_job_check (job, error) ? g_variant_ref (arguments) : NULL;
}

static GVariant *
commit_late (FerryJob *job, GVariant *arguments, GError **error)
{
  hang (job, NULL, error);
  if (ferry_job_commit (job, error))
    note_word ("committed");
  return NULL;
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  gboolean ours = FALSE;
  const char *text = "";
  g_autofree char *before = NULL;

  for (gsize i = 0; i < n_fields; i++)
    {
      ours |= strcmp (fields[i].key, "GLIB_DOMAIN") == 0 &&
              (strcmp (fields[i].value, "Ferry") == 0 || strcmp (fields[i].value, "Ferry-Host") == 0);
      if (strcmp (fields[i].key, "MESSAGE") == 0)
        text = fields[i].value;
    }
  if (ours && (level & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO)) != 0)
    {
      pthread_mutex_lock (&lock);
      if ((level & G_LOG_LEVEL_MESSAGE) != 0)
        {
          g_atomic_int_inc (&n_messages);
          g_free (latest_message);
          latest_message = g_strdup (text);
        }
      before = g_steal_pointer (&messages);
      messages = g_strconcat (before != NULL ? before : "", text, "\n", NULL);
      pthread_mutex_unlock (&lock);
    }
  if (!ours || (level & G_LOG_LEVEL_WARNING) == 0)
    return g_log_writer_default (level, fields, n_fields, user_data);
  g_atomic_int_inc (&n_warnings);
  return G_LOG_WRITER_HANDLED;
}

guint
task_test_take_n_warnings (void)
{
  guint n = (guint) g_atomic_int_get (&n_warnings);

  g_atomic_int_add (&n_warnings, -(gint) n);
  return n;
}

guint
task_test_take_n_messages (void)
{
  guint n = (guint) g_atomic_int_get (&n_messages);

  g_atomic_int_add (&n_messages, -(gint) n);
  return n;
}

char *
task_test_take_message (void)
{
  char *taken;

  pthread_mutex_lock (&lock);
  taken = g_steal_pointer (&latest_message);
  g_clear_pointer (&messages, g_free);
  pthread_mutex_unlock (&lock);
  return taken;
}

/* Another message may have come behind it. */
static gboolean
was_said (gpointer part)
{
  gboolean is_there;

  pthread_mutex_lock (&lock);
  is_there = messages != NULL && strstr (messages, part) != NULL;
  if (is_there)
    g_clear_pointer (&messages, g_free);
  pthread_mutex_unlock (&lock);
  return is_there;
}

void
task_test_wait_message (const char *part)
{
  ferry_test_run_until (was_said, (gpointer) part);
}

void
task_test_register (void)
{
  if (words != NULL)
    return;
  words = g_string_new (NULL);
  ferry_function_register ("nothing", NULL, "", do_nothing);
  ferry_function_register ("echo", "s", "s", echo);
  ferry_function_register ("add", "(xx)", "x", add);
  ferry_function_register ("fail", "(sis)", "", fail);
  ferry_function_register ("yield", "t", "t", yield);
  ferry_function_register ("report", "t", "", report);
  ferry_function_register ("sleep-until-cancelled", NULL, "", sleep_until_cancelled);
  ferry_function_register ("spin-until-cancelled", NULL, "", spin_until_cancelled);
  ferry_function_register ("note", "s", "", note);
  ferry_function_register ("gate", "s", "", wait_at_gate);
  ferry_function_register ("repeated", NULL, "", tell_whether_repeated);
  ferry_function_register ("halves", NULL, "", do_halves);
  ferry_function_register ("two-parts", NULL, "", do_not_know);
  ferry_function_register ("hang", NULL, "", hang);
  ferry_function_register ("commit", "s", "s", commit);
  ferry_function_register ("commit-late", NULL, "", commit_late);
}

void
task_test_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
  task_test_register ();
}

char *
task_test_make_path (const char *name)
{
  /* One of this test alone, by G_TEST_OPTION_ISOLATE_DIRS. */
  const char *folder = g_get_user_cache_dir ();

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  return g_build_filename (folder, name, NULL);
}

char *
task_test_take_log (void)
{
  char *taken;

  pthread_mutex_lock (&lock);
  taken = g_strdup (words->str);
  g_string_truncate (words, 0);
  pthread_mutex_unlock (&lock);
  return taken;
}

static gboolean
has_log (gpointer data)
{
  gboolean found;

  pthread_mutex_lock (&lock);
  found = g_str_equal (words->str, data);
  pthread_mutex_unlock (&lock);
  return found;
}

void
task_test_wait_log (const char *text)
{
  ferry_test_run_until (has_log, (gpointer) text);
}

void
task_test_open_gate (void)
{
  pthread_mutex_lock (&lock);
  is_open = TRUE;
  pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&lock);
}

void
task_test_close_gate (void)
{
  pthread_mutex_lock (&lock);
  is_open = FALSE;
  pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&lock);
}

/* ---- the fixture ---- */

FerryLauncher *
task_test_launcher_new (void)
{
  g_autofree char *path = ferry_test_build_path ("serving-worker");
  const char *argv[] = {path, NULL};

  return ferry_launcher_new (argv);
}

/* What GLib opens once, for the default context and for its own thread, is open then. */
static void
warm_up (void)
{
  g_source_unref (g_unix_signal_source_new (SIGHUP));
  task_test_settle ();
}

TaskTest *
task_test_new_with_launcher (FerryLauncher *launcher, guint max_workers)
{
  TaskTest *test = g_new0 (TaskTest, 1);

  warm_up ();
  test->n_fds = ferry_test_count_fds ();
  test->router = ferry_test_router_new ();
  if (launcher == NULL)
    test->pool = ferry_pool_new_for_threads (test->router);
  else
    test->pool = ferry_pool_new (test->router, launcher);
  ferry_pool_set_max_workers (test->pool, max_workers);
  test->executor = ferry_executor_new (test->pool);
  return test;
}

TaskTest *
task_test_new (gboolean in_threads, guint max_workers)
{
  g_autoptr (FerryLauncher) launcher = in_threads ? NULL : task_test_launcher_new ();

  return task_test_new_with_launcher (launcher, max_workers);
}

TaskTest *
task_test_new_trusted (guint max_workers)
{
  g_autoptr (FerryLauncher) launcher = task_test_launcher_new ();

  g_object_set (launcher, "trusted", TRUE, NULL);
  return task_test_new_with_launcher (launcher, max_workers);
}

TaskTest *
task_test_new_in_sandbox (FerrySandbox *sandbox, guint max_workers)
{
  g_autoptr (FerryLauncher) launcher = task_test_launcher_new ();

  /* What looks for leaks at the end would do so by another process. */
  ferry_launcher_setenv (launcher, "LSAN_OPTIONS", "detect_leaks=0");
  g_object_set (launcher, "sandbox", sandbox, NULL);
  /* Descriptors are counted from here on, and those of a trial that is under way are none to be had again. */
  ferry_sandbox_get_strength ();
  return task_test_new_with_launcher (launcher, max_workers);
}

static gboolean
has_no_pipes (gpointer data)
{
  return ferry_test_get_number (data, "n-pipes") == 0;
}

static gboolean
has_no_children (gpointer data)
{
  siginfo_t info = {0};

  return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

/* A thread of a pool closes its descriptors when it sees that its link is closed, and no call waits for that. So those
 * of an earlier test may have been open when this test began. */
static gboolean
has_no_fds_left (gpointer data)
{
  TaskTest *test = data;

  return ferry_test_count_fds () <= test->n_fds;
}

void
task_test_free (TaskTest *test)
{
  task_test_open_gate ();
  if (test->executor != NULL)
    ferry_executor_cancel_all (test->executor);
  g_clear_object (&test->executor);
  g_clear_object (&test->pool);
  if (ferry_router_get_running (test->router))
    {
      ferry_test_look_until (has_no_pipes, test->router);
      ferry_test_look_until (has_no_children, NULL);
      ferry_router_stop (test->router, NULL);
    }
  task_test_settle ();
  g_assert_finalize_object (test->router);
  ferry_test_look_until (has_no_fds_left, test);
  g_assert_cmpuint (task_test_take_n_warnings (), ==, 0);
  task_test_close_gate ();
  g_free (task_test_take_log ());
  g_free (test);
}

void
task_test_submit_task (FerryExecutor *executor, FerryTask *task)
{
  g_autoptr (GError) error = NULL;

  ferry_executor_submit_task (executor, task, &error);
  g_assert_no_error (error);
}

FerryTask *
task_test_submit (FerryExecutor *executor, const char *function, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  FerryTask *task = ferry_executor_submit (executor, function, arguments, &error);

  g_assert_no_error (error);
  return task;
}

static gboolean
is_done (gpointer data)
{
  return ferry_task_get_done (data);
}

void
task_test_wait_done (FerryTask *task)
{
  ferry_test_run_until (is_done, task);
}

typedef struct
{
  FerryTask *task;
  FerryTaskState state;
} Wanted;

static gboolean
has_state (gpointer data)
{
  Wanted *wanted = data;

  return ferry_task_get_state (wanted->task) == wanted->state;
}

void
task_test_wait_state (FerryTask *task, FerryTaskState state)
{
  Wanted wanted = {task, state};

  ferry_test_run_until (has_state, &wanted);
}

void
task_test_assert_result (FerryTask *task, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autofree char *given = NULL;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  given = result != NULL ? g_variant_print (result, FALSE) : NULL;
  g_assert_cmpstr (given, ==, text);
}

const GError *
task_test_assert_failed (FerryTask *task, GQuark domain, int code)
{
  task_test_wait_done (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
  g_assert_error (ferry_task_get_error (task), domain, code);
  return ferry_task_get_error (task);
}

void
task_test_assert_cancelled (FerryTask *task)
{
  task_test_wait_done (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
}

typedef struct
{
  FerryPool *pool;
  guint n_workers;
} WantedWorkers;

static gboolean
has_workers (gpointer data)
{
  WantedWorkers *wanted = data;

  return ferry_test_get_number (wanted->pool, "n-workers") == wanted->n_workers;
}

void
task_test_wait_workers (FerryPool *pool, guint n_workers)
{
  WantedWorkers wanted = {pool, n_workers};

  ferry_test_run_until (has_workers, &wanted);
}

gboolean
task_test_is_idle (gpointer executor)
{
  return ferry_test_get_number (executor, "n-waiting") == 0 && ferry_test_get_number (executor, "n-executing") == 0;
}

void
task_test_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static gboolean
is_begun (gpointer data)
{
  const FerryRun *run = ferry_task_get_run (data);
  const FerryPoolWorker *worker = (FerryPoolWorker *) run->destination;

  return worker != NULL && run->xid != 0 && ferry_link_get_begun_call (worker->link) == run->xid;
}

void
task_test_wait_begun (FerryTask *task)
{
  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  ferry_test_look_until (is_begun, task);
}

void
task_test_wait_begun_unheard (FerryTask *task)
{
  while (!is_begun (task))
    g_thread_yield ();
}

void
task_test_expect_short_tasks (FerryPool *pool)
{
  /* The mean of the times follows slowly, and is a microsecond after so many, whatever it was before. */
  for (guint i = 0; i < 1000; i++)
    ferry_pool_note_time (pool, 1);
}

GPid
task_test_get_parent (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *text = NULL;
  int parent = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpint (sscanf (strrchr (text, ')') + 2, "%*c %d", &parent), ==, 1);
  return parent;
}
