/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-run.c, command-worker/ferry-command-main.c, command-worker/command-options.c,
 *        command-worker/command-output.c, command-worker/command-program.c, command-worker/command-files.c,
 *        command-worker/command-confinement.c
 *
 * Commands from their arguments to their result: input, output, and the errors of those that fail. */

#include "config.h"

#include <gio/gio.h>
#include <string.h>

#include "command/command-test.h"
#include "ferry-test.h"

static void
has_its_output (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit (test, (const char *const[]){"echo", "a b", "$HOME", NULL}, NULL);
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, "a b $HOME\n");
}

static void
has_its_errors (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo first >&2; echo last >&2; exit 23", NULL);
  const GError *error = command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 23);

  ferry_test_assert_says (error->message, "'sh' ended with status 23");
  ferry_test_assert_says (error->message, "last");
}

static void
is_not_found (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit (test, (const char *const[]){"no-such-program", NULL}, NULL);

  command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-run/has-its-output", has_its_output);
  g_test_add_func ("/command-run/has-its-errors", has_its_errors);
  g_test_add_func ("/command-run/is-not-found", is_not_found);

  return g_test_run ();
}
