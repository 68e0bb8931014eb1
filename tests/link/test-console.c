/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-console.c
 *
 * Lines of workers on the application's own streams. */

#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "ferry-test.h"
#include "link/console-test.h"
#include "link/ferry-console-private.h"

static void
names_the_worker (void)
{
  ConsoleTest console;
  g_autofree char *text = NULL;

  console_test_begin (&console, STDERR_FILENO);
  ferry_console_show (2, "pi 1", 4711, "hello");
  ferry_console_show (2, "pi 1", 4711, "");
  ferry_console_show (2, "pi 2", 4712, "w\tör\x1b[31mld\xc2\x9b");
  text = console_test_end (&console);
  g_assert_cmpstr (text, ==, "pi 1[4711]: hello\npi 2[4712]: w\tör\\x1b[31mld\\x9b\n");
}

static void
does_not_wait_for_a_reader (void)
{
  ConsoleTest console;
  g_autofree char *line = g_strnfill (4000, 'x');
  g_autofree char *text = NULL;
  g_autofree char *later = NULL;

  console_test_begin (&console, STDERR_FILENO);
  for (guint i = 0; i < 1000; i++)
    ferry_console_show (2, "flood", 1, line);
  text = console_test_read (&console);
  ferry_console_show (2, "flood", 1, "the end");
  later = console_test_end (&console);
  g_assert_true (g_str_has_prefix (text, "flood[1]: xxx"));
  g_assert_true (g_str_has_suffix (later, " lines of workers were dropped, as nobody read them)\nflood[1]: the end\n"));
}

/* A terminal that is not read may have room for a part of a line. */
static void
does_not_wait_for_a_terminal (void)
{
  ferry_autofd saved = dup (STDERR_FILENO);
  ferry_autofd reader = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  ferry_autofd terminal = -1;
  char text[7] = "";

  g_assert_no_errno (reader);
  g_assert_no_errno (grantpt (reader));
  g_assert_no_errno (unlockpt (reader));
  terminal = open (ptsname (reader), O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_no_errno (terminal);
  dup2 (terminal, STDERR_FILENO);
  for (guint i = 0; i < 50000; i++)
    ferry_console_show (2, "flood", 1, "a line of some words");
  dup2 (saved, STDERR_FILENO);
  g_assert_cmpint (read (reader, text, sizeof text - 1), >, 0);
  g_assert_cmpstr (text, ==, "flood[");
}

/* Without a signal: nothing is written where the reader is gone. */
static void
survives_a_reader_that_is_gone (void)
{
  ConsoleTest console;

  console_test_begin (&console, STDERR_FILENO);
  console_test_hang_up (&console);
  ferry_console_show (2, "late", 1, "nobody reads this");
  g_free (console_test_end (&console));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/console/names-the-worker", names_the_worker);
  g_test_add_func ("/console/does-not-wait-for-a-reader", does_not_wait_for_a_reader);
  g_test_add_func ("/console/does-not-wait-for-a-terminal", does_not_wait_for_a_terminal);
  g_test_add_func ("/console/survives-a-reader-that-is-gone", survives_a_reader_that_is_gone);
  return g_test_run ();
}
