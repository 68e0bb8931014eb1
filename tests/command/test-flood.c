/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-output.c, command-worker/command-run.c
 *
 * Commands that write as fast as they can: what they write is read and dropped in the worker, so that neither it nor
 * the application grows. */

#include "config.h"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "command/command-test.h"
#include "ferry-test.h"

/* What the application may grow by. */
#define MAX_GROWTH (4 * 1024 * 1024)
/* What a worker has at most: its program, its streams, and the output that it keeps. */
#ifdef __SANITIZE_ADDRESS__ /* which keeps 256 MiB of what was freed, and has a shadow of all */
#define MAX_WORKER (384 * 1024 * 1024)
#else
#define MAX_WORKER (16 * 1024 * 1024)
#endif

#define MEGABYTE 1000000

/* Reads a line of /proc/PID/status that is in KiB. */
static gsize
read_memory (const char *pid, const char *name)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "status", NULL);
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents (path, &status, NULL, NULL));
  line = strstr (status, name);
  g_assert_nonnull (line);
  return (gsize) g_ascii_strtoull (line + strlen (name), NULL, 10) * 1024;
}

/* Runs a script that writes n megabytes, and asserts that this process does not grow, nor its worker. */
static FerryTask *
run_flood (CommandTest *test, const char *script, guint n, GVariantDict *options)
{
  g_autofree char *filled =
    g_strdup_printf ("n=%u; %s; sed -n 's/VmHWM: *//p' /proc/$PPID/status > worker; exit 1", n * MEGABYTE, script);
  g_autofree char *worker = NULL;
  gint64 begun;
  FerryTask *task;
  gsize before;

  /* What the first command of an executor takes is no growth. */
  task = command_test_submit_script (test, "true", NULL);
  command_test_wait (task);
  g_object_unref (task);
  begun = g_get_monotonic_time ();
  before = read_memory ("self", "VmRSS:");
  task = command_test_submit_script (test, filled, options);
  command_test_wait (task);
  g_test_message ("%u MB in %" G_GINT64_FORMAT " ms, %u messages, grown by %" G_GSSIZE_FORMAT " bytes", n,
                  (g_get_monotonic_time () - begun) / 1000, test->lines->len,
                  (gssize) (read_memory ("self", "VmRSS:") - before));
  g_assert_cmpint ((gssize) read_memory ("self", "VmRSS:"), <, (gssize) before + MAX_GROWTH);
  worker = command_test_read (test, "worker");
  g_assert_cmpuint (g_ascii_strtoull (worker, NULL, 10) * 1024, <, MAX_WORKER);
  return task;
}

static GVariantDict *
to_no_file (void)
{
  GVariantDict *options = g_variant_dict_new (NULL);

  g_variant_dict_insert_value (options, "output-file", g_variant_new_bytestring ("/dev/null"));
  return options;
}

/* By day a tenth. */
static guint
get_size (guint megabytes)
{
  return ferry_test_times (megabytes / 10, megabytes);
}

static void
of_lines_leaves_the_last_ones (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    run_flood (test, "yes 'a line of the flood' | head -c $n >&2; echo; yes | head -c $n; echo 'the last one' >&2",
               get_size (1000), to_no_file ());
  const GError *error = command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);

  ferry_test_assert_says (ferry_test_get_string (task, "trace"), "a line of the flood\na line of the flood\n");
  g_assert_cmpstr (error->message, ==, "'sh' ended with status 1: the last one");
  /* The application was told of some of them each second. */
  g_assert_cmpuint (test->lines->len, >, 0);
}

static void
of_one_line_is_cut (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = run_flood (test, "head -c $n /dev/zero | tr '\\0' 'x' >&2", 100, to_no_file ());
  const GError *error = command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);

  g_assert_cmpuint (strlen (error->message), <, 1000);
  ferry_test_assert_says (error->message, "xxx...");
}

static void
of_any_bytes_is_text (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    run_flood (test, "head -c $n /dev/urandom >&2; printf '\\0\\033[1m\\377 \\033]0;title\\a\\nthe\\0 end\\033[0m' >&2",
               get_size (100), to_no_file ());
  const GError *error = command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);

  for (guint i = 0; i < test->lines->len; i++)
    g_assert_true (g_utf8_validate (g_ptr_array_index (test->lines, i), -1, NULL));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  ferry_test_assert_says (ferry_test_get_string (task, "trace"), "the end\n");
}

static void
of_output_ends_at_the_limit (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = g_variant_dict_new (NULL);
  g_autoptr (FerryTask) task = NULL;
  gsize before = read_memory ("self", "VmRSS:");

  g_variant_dict_insert (options, "fail-at-output-limit", "b", TRUE);
  task = command_test_submit (test, (const char *const[]){"yes", NULL}, options);
  command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
  g_assert_cmpint ((gssize) read_memory ("self", "VmRSS:"), <, (gssize) before + MAX_GROWTH);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-flood/of-lines-leaves-the-last-ones", of_lines_leaves_the_last_ones);
  g_test_add_func ("/command-flood/of-one-line-is-cut", of_one_line_is_cut);
  g_test_add_func ("/command-flood/of-any-bytes-is-text", of_any_bytes_is_text);
  g_test_add_func ("/command-flood/of-output-ends-at-the-limit", of_output_ends_at_the_limit);

  return g_test_run ();
}
