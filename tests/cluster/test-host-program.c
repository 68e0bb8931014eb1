/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-host-program.c, job/ferry-program-version.c */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "cluster/ferry-host-program-private.h"
#include "ferry-test.h"
#include "process/ferry-worker.h"
#include "task/ferry-executor.h"

static void
parse (FerryHostOptions *options, const char *switches, const char *program)
{
  g_autofree char *line = g_strdup_printf ("ferry-host %s %s", switches, program);
  g_auto (GStrv) arguments = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &arguments, NULL));
  ferry_host_options_parse (options, arguments, &error);
  g_assert_no_error (error);
}

/* The operator of a host calls no functions of the library. */
static void
assert_is_for_operators (const char *text)
{
  g_assert_null (strstr (text, "ferry_pool"));
}

static void
assert_failed (const char *switches, const char *path, int code, const char *word)
{
  g_auto (FerryHostOptions) options = {0};
  g_autoptr (GError) error = NULL;
  FerryHostProgram program;

  parse (&options, switches, path);
  g_assert_false (ferry_host_program_start (&program, &options, &error));
  g_assert_error (error, FERRY_ERROR, code);
  g_assert_nonnull (strstr (error->message, word));
  assert_is_for_operators (error->message);
  ferry_host_program_stop (&program);
}

static void
test_learns_what_the_program_can_do (void)
{
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_auto (FerryHostOptions) options = {0};
  g_autoptr (GError) error = NULL;
  FerryHostProgram program;

  parse (&options, "--functions 'echo*' --workers 3", worker);
  ferry_host_program_start (&program, &options, &error);
  g_assert_no_error (error);
  g_assert_true (g_strv_contains ((const char *const *) program.functions, "echo-bytes"));
  g_assert_cmpuint (g_strv_length (program.functions), ==, 3);
  g_assert_cmpstr (program.version, ==, "1.4-test");
  g_assert_cmpuint (ferry_test_get_number (program.pool, "max-workers"), ==, 3);
  ferry_host_program_stop (&program);
}

static void
test_program_runs_in_a_sandbox (void)
{
  g_autofree char *path = ferry_test_build_path ("serving-worker");
  g_auto (FerryHostOptions) options = {0};
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  FerryHostProgram program;

  parse (&options, "--sandbox preferred --workers 1", path);
  ferry_host_program_start (&program, &options, &error);
  g_assert_no_error (error);
  executor = ferry_executor_new (program.pool);
  task = ferry_executor_submit (executor, "pid", NULL, &error);
  g_assert_no_error (error);
  result = ferry_task_wait (task, -1, &error);
  g_assert_no_error (error);
  worker = g_list_model_get_item (ferry_pool_get_workers (program.pool), 0);
  /* All systems have this layer. */
  g_assert_true (ferry_test_get_number (worker, "sandbox-strength") & FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES);
  g_clear_object (&worker);
  g_clear_object (&task);
  g_clear_object (&executor);
  ferry_host_program_stop (&program);
}

static void
test_program_that_is_not_there_is_told (void)
{
  assert_failed ("", "/no/such/program", FERRY_ERROR_LAUNCH_FAILED, "/no/such/program");
}

static void
test_program_that_is_no_worker_is_told (void)
{
  assert_failed ("", "/bin/true", FERRY_ERROR_WORKER_LOST, "'/bin/true' cannot be run: ");
  assert_failed ("", "/bin/true", FERRY_ERROR_WORKER_LOST, "correct the worker's program. The last worker: ");
}

/* Returns (transfer full) a program that is a worker until there is such a file. */
static char *
make_fragile_program (const char *folder, const char *flag)
{
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\n[ ! -e '%s' ] && exec '%s' \"$@\"\n", flag, worker);
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (folder, "fragile", NULL);

  g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0700, &error);
  g_assert_no_error (error);
  return path;
}

static gboolean
has_failed (gpointer pool)
{
  return ferry_pool_get_error (pool) != NULL;
}

static void
test_program_that_is_no_worker_any_more_is_told (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-host-XXXXXX", NULL);
  g_autofree char *flag = g_build_filename (folder, "flag", NULL);
  g_autofree char *path = make_fragile_program (folder, flag);
  g_auto (FerryHostOptions) options = {0};
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;
  FerryHostProgram program;
  const char *text;

  parse (&options, "--workers 1 --no-fork-server", path);
  ferry_host_program_start (&program, &options, &error);
  g_assert_no_error (error);
  g_file_set_contents (flag, "", 0, &error);
  g_assert_no_error (error);
  executor = ferry_executor_new (program.pool);
  task = ferry_executor_submit (executor, "pid", NULL, &error);
  g_assert_no_error (error);
  ferry_test_run_until (has_failed, program.pool);
  text = ferry_pool_get_error (program.pool)->message;
  g_assert_nonnull (strstr (text, "correct the worker's program. The last worker: "));
  assert_is_for_operators (text);
  g_clear_object (&task);
  g_clear_object (&executor);
  ferry_host_program_stop (&program);
  g_unlink (flag);
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_pattern_that_fits_nothing_is_told (void)
{
  g_autofree char *worker = ferry_test_build_path ("serving-worker");

  assert_failed ("--functions 'none*'", worker, FERRY_ERROR_UNKNOWN_FUNCTION, "none*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host-program/learns-what-the-program-can-do", test_learns_what_the_program_can_do);
  g_test_add_func ("/host-program/runs-in-a-sandbox", test_program_runs_in_a_sandbox);
  g_test_add_func ("/host-program/that-is-not-there-is-told", test_program_that_is_not_there_is_told);
  g_test_add_func ("/host-program/that-is-no-worker-is-told", test_program_that_is_no_worker_is_told);
  g_test_add_func ("/host-program/that-is-no-worker-any-more-is-told", test_program_that_is_no_worker_any_more_is_told);
  g_test_add_func ("/host-program/with-a-pattern-that-fits-nothing-is-told", test_pattern_that_fits_nothing_is_told);
  return g_test_run ();
}
