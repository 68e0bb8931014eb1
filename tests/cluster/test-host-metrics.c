/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-host-metrics.c, cluster/ferry-host-service.c
 *
 * What a host counts of its tasks, and the file that tells it to other programs, as their own checker reads it. */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/ferry-host-metrics-private.h"
#include "cluster/host-test.h"

static void
assert_line (const char *text, const char *line)
{
  g_autofree char *whole = g_strdup_printf ("\n%s\n", line);

  if (strstr (text, whole) == NULL)
    g_test_message ("'%s' is not in:\n%s", line, text);
  g_assert_nonnull (strstr (text, whole));
}

/* A line of the function and user, with a number. what: the name and further labels, as "NAME" or "NAME,LABEL". */
static void
assert_number (const char *text, const char *name, const char *function, const char *further, guint n)
{
  g_autofree char *line = g_strdup_printf (
    "%s{application=\"demo\",host=\"alpha\",function=\"%s\",user=\"alice\"%s} %u", name, function, further, n);

  assert_line (text, line);
}

static char *
describe (HostTest *test)
{
  return ferry_host_service_describe_metrics (test->service, "demo");
}

static void
tasks_are_counted_by_function_and_result (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 2);
  g_autoptr (HostTestApplication) application = host_test_connect_as (test, "alice/1", "client", 1);
  g_autoptr (HostTestCall) one = host_test_run_idempotent (application, "echo", g_variant_new_string ("one"));
  g_autoptr (HostTestCall) two = host_test_run_idempotent (application, "echo", g_variant_new_string ("two"));
  g_autoptr (HostTestCall) failed = NULL;
  g_autoptr (HostTestCall) lost = NULL;
  g_autoptr (HostTestCall) cancelled = NULL;
  g_autofree char *text = NULL;
  FerryHostFigures figures;

  host_test_assert_result (one, "'one'");
  host_test_assert_result (two, "'two'");
  failed = host_test_run_idempotent (application, "fail", NULL);
  host_test_wait_done (failed);
  lost = host_test_run_idempotent (application, "crash", g_variant_new_int32 (SIGKILL));
  host_test_assert_failed (lost, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  cancelled = host_test_run_idempotent (application, "sleep-until-cancelled", NULL);
  host_test_wait_begin (cancelled);
  host_test_cancel (cancelled);
  host_test_wait_done (cancelled);
  text = describe (test);
  assert_number (text, "ferry_host_tasks_total", "echo", ",result=\"done\"", 2);
  assert_number (text, "ferry_host_tasks_total", "fail", ",result=\"failed\"", 1);
  assert_number (text, "ferry_host_tasks_total", "crash", ",result=\"lost\"", 1);
  assert_number (text, "ferry_host_tasks_total", "sleep-until-cancelled", ",result=\"cancelled\"", 1);
  assert_number (text, "ferry_host_task_run_seconds_count", "echo", "", 2);
  assert_number (text, "ferry_host_tasks_running", "echo", "", 0);
  assert_line (text, "ferry_host_workers{application=\"demo\",host=\"alpha\"} 2");
  assert_line (text, "ferry_host_sessions{application=\"demo\",host=\"alpha\"} 1");
  ferry_host_service_get_figures (test->service, &figures);
  g_assert_cmpuint (figures.n_done, ==, 2);
  g_assert_cmpuint (figures.n_failed, ==, 1);
  g_assert_cmpuint (figures.n_lost, ==, 1);
  g_assert_cmpuint (figures.n_running + figures.n_waiting, ==, 0);
  g_assert_cmpuint (figures.uptime, >, 0);
}

static gboolean
has_waited (gpointer test)
{
  FerryHostFigures figures;

  ferry_host_service_get_figures (((HostTest *) test)->service, &figures);
  return figures.n_running == 1 && figures.longest_wait > G_USEC_PER_SEC / 50;
}

static void
tasks_that_wait_and_run_are_told_apart (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect_as (test, "alice/1", "client", 1);
  g_autoptr (HostTestApplication) other = host_test_connect_as (test, "alice/2", "other", 1);
  g_autoptr (HostTestCall) runs = host_test_run_idempotent (application, "sleep-until-cancelled", NULL);
  g_autoptr (HostTestCall) waits = NULL;
  g_autofree char *text = NULL;

  host_test_wait_begin (runs);
  waits = host_test_run_idempotent (other, "sleep-until-cancelled", NULL);
  host_test_wait_counts (test, 1, 0, 1);
  ferry_test_run_until (has_waited, test);
  text = describe (test);
  assert_number (text, "ferry_host_tasks_running", "sleep-until-cancelled", "", 1);
  assert_number (text, "ferry_host_tasks_waiting", "sleep-until-cancelled", "", 1);
  assert_line (text, "ferry_host_workers_busy{application=\"demo\",host=\"alpha\"} 1");
  host_test_withdraw (waits);
  host_test_wait_done (waits);
  host_test_cancel (runs);
  host_test_wait_done (runs);
  g_free (text);
  text = describe (test);
  assert_number (text, "ferry_host_tasks_total", "sleep-until-cancelled", ",result=\"returned\"", 1);
  assert_number (text, "ferry_host_tasks_waiting", "sleep-until-cancelled", "", 0);
}

/* ---- names ---- */

static FerryHostFacts alpha = {
  .name = (char *) "alpha",
  .ferry_version = (char *) "0.2.0",
  .program_version = (char *) "1.4",
  .n_workers = 1,
};

/* What a host would write that has tasks of these. */
static char *
describe_all (FerryHostMetrics *metrics)
{
  const FerryHostFigures figures = {.longest_wait = 1500000};

  return ferry_host_metrics_describe (metrics, &alpha, "demo", &figures, 1);
}

static void
add_hostile_names (FerryHostMetrics *metrics)
{
  ferry_host_metrics_find (metrics, "quote\" slash\\ line\nescape\033[2J \303\244", "alice/1", 5)->n_ended[0] = 3;
  ferry_host_metrics_find (metrics, "plain", "bob", 3)->run_time = 2500000;
}

static void
names_are_escaped (void)
{
  FerryHostMetrics metrics;
  g_autofree char *text = NULL;

  ferry_host_metrics_init (&metrics);
  add_hostile_names (&metrics);
  text = describe_all (&metrics);
  assert_line (text, "ferry_host_tasks_total{application=\"demo\",host=\"alpha\",function=\"quote\\\" slash\\\\ "
                     "line\\nescape?[2J \303\244\",user=\"alice\",result=\"done\"} 3");
  assert_line (text, "ferry_host_task_run_seconds_sum{application=\"demo\",host=\"alpha\",function=\"plain\","
                     "user=\"bob\"} 2.5");
  assert_line (text, "ferry_host_longest_wait_seconds{application=\"demo\",host=\"alpha\"} 1.5");
  ferry_host_metrics_clear (&metrics);
}

static void
no_more_names_are_kept_than_are_allowed (void)
{
  FerryHostMetrics metrics;
  FerryHostTally *first, *other;

  ferry_host_metrics_init (&metrics);
  first = ferry_host_metrics_find (&metrics, "function-0", "user", 4);
  for (guint i = 0; i < 10 * FERRY_HOST_MAX_COUNTED; i++)
    {
      g_autofree char *function = g_strdup_printf ("function-%u", i);

      ferry_host_metrics_find (&metrics, function, "user", 4)->n_ended[0]++;
    }
  other = ferry_host_metrics_find (&metrics, "one more", "user", 4);
  g_assert_cmpstr (other->function, ==, "other");
  g_assert_cmpstr (other->user, ==, "other");
  g_assert_cmpuint (other->n_ended[0], ==, 9 * FERRY_HOST_MAX_COUNTED);
  g_assert_true (ferry_host_metrics_find (&metrics, "function-0", "user and more", 4) == first);
  g_assert_cmpuint (g_hash_table_size (metrics.tallies), ==, FERRY_HOST_MAX_COUNTED + 1);
  ferry_host_metrics_clear (&metrics);
}

/* ---- the checkers of others ---- */

/* Runs a program with text as its standard input. */
static void
assert_accepts (const char *const *arguments, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (
    arguments, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE,
    &error);
  g_autofree char *said = NULL;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, text, NULL, &said, NULL, &error);
  g_assert_no_error (error);
  g_test_message ("%s says: %s", arguments[0], said);
  g_assert_true (g_subprocess_get_successful (process));
}

static gboolean
has_program (const char *name)
{
  g_autofree char *path = g_find_program_in_path (name);

  return path != NULL;
}

static gboolean
has_parser (void)
{
  g_autoptr (GSubprocess) process =
    has_program ("python3")
      ? g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, "python3", "-c", "import prometheus_client", NULL)
      : NULL;

  return process != NULL && g_subprocess_wait_check (process, NULL, NULL);
}

static void
checkers_of_others_accept_it (void)
{
  static const char *const promtool[] = {"promtool", "check", "metrics", NULL};
  static const char *const parser[] = {
    "python3", "-c",
    "import sys; from prometheus_client.parser import text_fd_to_metric_families as read; "
    "sys.exit(len(list(read(sys.stdin))) < 10)",
    NULL};
  FerryHostMetrics metrics;
  g_autofree char *text = NULL;

  if (!has_program ("promtool") && !has_parser ())
    {
      g_test_skip ("there is neither promtool nor Python's prometheus_client");
      return;
    }
  ferry_host_metrics_init (&metrics);
  add_hostile_names (&metrics);
  for (guint i = 0; i <= FERRY_HOST_MAX_COUNTED; i++)
    {
      g_autofree char *function = g_strdup_printf ("function-%u", i);

      ferry_host_metrics_find (&metrics, function, "user", 4);
    }
  text = describe_all (&metrics);
  if (has_program ("promtool"))
    assert_accepts (promtool, text);
  if (has_parser ())
    assert_accepts (parser, text);
  ferry_host_metrics_clear (&metrics);
}

/* ---- the file ---- */

typedef struct
{
  char *folder;
  char *path;
} File;

static void
file_init (File *self)
{
  self->folder = g_dir_make_tmp ("ferry-metrics-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "alpha.prom", NULL);
}

/* Nothing is left beside it. */
static void
file_clear (File *self)
{
  g_remove (self->path);
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->folder);
  g_free (self->path);
}

static void
assert_content (const File *file, const char *beginning)
{
  g_autofree char *content = NULL;

  g_assert_true (g_file_get_contents (file->path, &content, NULL, NULL));
  g_assert_true (g_str_has_prefix (content, beginning));
}

static void
assert_refused (const char *path, const char *host, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_host_metrics_write_file (path, "demo", host, "text\n", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, words));
}

/* Writes what a host writes. */
static void
write_file (const File *file)
{
  FerryHostMetrics metrics;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  ferry_host_metrics_init (&metrics);
  text = describe_all (&metrics);
  ferry_host_metrics_write_file (file->path, "demo", "alpha", text, &error);
  g_assert_no_error (error);
  ferry_host_metrics_clear (&metrics);
}

static void
a_file_is_replaced_as_a_whole_and_removed (void)
{
  mode_t mask = umask (0077);
  struct stat first, second;
  File file;

  file_init (&file);
  write_file (&file);
  g_assert_cmpint (stat (file.path, &first), ==, 0);
  /* Others are to read it, whatever the mask of the host is. */
  g_assert_cmpint (first.st_mode & 0777, ==, 0644);
  write_file (&file);
  g_assert_cmpint (stat (file.path, &second), ==, 0);
  g_assert_cmpuint (first.st_ino, !=, second.st_ino);
  assert_content (&file, "# ferry-host: metrics of host 'alpha' of the application 'demo'\n");
  ferry_host_metrics_remove_file (file.path, "demo", "alpha");
  g_assert_false (g_file_test (file.path, G_FILE_TEST_EXISTS));
  file_clear (&file);
  umask (mask);
}

static void
a_file_of_somebody_else_stays (void)
{
  File file;

  file_init (&file);
  g_assert_true (g_file_set_contents (file.path, "my notes\n", -1, NULL));
  assert_refused (file.path, "alpha", "was not written by ferry-host, and is not replaced");
  ferry_host_metrics_remove_file (file.path, "demo", "alpha");
  assert_content (&file, "my notes\n");
  /* As somebody makes it beforehand who gives it an owner. */
  g_assert_true (g_file_set_contents (file.path, "", 0, NULL));
  write_file (&file);
  assert_refused (file.path, "beta", "another host writes this file");
  assert_content (&file, "# ferry-host: ");
  file_clear (&file);
}

static void
what_is_no_file_is_refused (void)
{
  g_autofree char *target = NULL;
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;
  File file;

  file_init (&file);
  target = g_build_filename (file.folder, "target", NULL);
  missing = g_build_filename (file.folder, "none", "alpha.prom", NULL);
  g_assert_cmpint (mkfifo (file.path, 0600), ==, 0);
  assert_refused (file.path, "alpha", "no regular file");
  g_remove (file.path);
  g_assert_cmpint (symlink (target, file.path), ==, 0);
  assert_refused (file.path, "alpha", "no regular file");
  assert_refused (target, "alpha", "must end in '.prom'");
  g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));
  g_assert_false (ferry_host_metrics_write_file (missing, "demo", "alpha", "text\n", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  file_clear (&file);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/host-metrics/tasks-are-counted-by-function-and-result", tasks_are_counted_by_function_and_result);
  g_test_add_func ("/host-metrics/tasks-that-wait-and-run-are-told-apart", tasks_that_wait_and_run_are_told_apart);
  g_test_add_func ("/host-metrics/names-are-escaped", names_are_escaped);
  g_test_add_func ("/host-metrics/no-more-names-are-kept-than-are-allowed", no_more_names_are_kept_than_are_allowed);
  g_test_add_func ("/host-metrics/checkers-of-others-accept-it", checkers_of_others_accept_it);
  g_test_add_func ("/host-metrics/a-file-is-replaced-as-a-whole-and-removed",
                   a_file_is_replaced_as_a_whole_and_removed);
  g_test_add_func ("/host-metrics/a-file-of-somebody-else-stays", a_file_of_somebody_else_stays);
  g_test_add_func ("/host-metrics/what-is-no-file-is-refused", what_is_no_file_is_refused);
  return g_test_run ();
}
