/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-translation.c
 *
 * The library's texts in another language, from the build's own translations. */

#include "config.h"

#include "ferry-test.h"
#include "gtk/ferry-format.h"
#include "gtk/ferry-task-monitor.h"
#include "task/lone-task.h"

#include <glib/gstdio.h>
#include <libintl.h>
#include <locale.h>
#include <unistd.h>

#include "gtk/ferry-clock-time-private.h"
#include "gtk/ferry-task-details-private.h"
#include "gtk/ferry-translation-private.h"

#define DOMAIN "ferry-gtk-1-0"

/* Where glibc keeps the one locale that each system has. */
static const char *const locales[] = {"/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8"};

/* The process takes up that locale under another name: newer versions of glibc translate nothing from one that is named
 * C, whatever its encoding. The files are needed only while the locale is taken up. */
static gboolean
take_locale (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-locale-XXXXXX", NULL);
  g_autofree char *link = NULL;
  gboolean is_taken = FALSE;

  g_assert_nonnull (folder);
  link = g_build_filename (folder, "en.utf8", NULL);
  g_setenv ("LOCPATH", folder, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (locales) && !is_taken; i++)
    {
      g_assert_no_errno (symlink (locales[i], link));
      is_taken = setlocale (LC_ALL, "en.UTF-8") != NULL;
      g_assert_no_errno (unlink (link));
    }
  g_assert_no_errno (rmdir (folder));
  return is_taken;
}

/* Has the library speak a language. FALSE where this system cannot. */
static gboolean
speak (const char *language)
{
  g_autofree char *folder = g_test_build_filename (G_TEST_BUILT, "..", "router", "gtk", "po", NULL);
  g_autofree char *catalogue = g_build_filename (folder, language, "LC_MESSAGES", DOMAIN ".mo", NULL);

  ferry_gtk_bind_domain ();
  g_setenv ("LANGUAGE", language, TRUE);
  bindtextdomain (DOMAIN, folder);
  if (!g_file_test (catalogue, G_FILE_TEST_EXISTS))
    g_test_skip ("There are no translations: msgfmt was missing");
  else if (!take_locale () || g_strcmp0 (dgettext (DOMAIN, "Done"), "Done") == 0)
    g_test_skip ("This system has no locale that can be translated from");
  else
    return TRUE;
  return FALSE;
}

/* Of a task that waits for ten in the evening of today. */
static void
check_wait (const char *expected)
{
  g_autoptr (GDateTime) then = g_date_time_new_local (2026, 3, 2, 22, 0, 0);
  gint64 time = g_date_time_to_unix (then) * G_USEC_PER_SEC;
  g_autofree char *words = ferry_clock_time_format_wait (time, time - 3600 * (gint64) G_USEC_PER_SEC);

  g_assert_cmpstr (words, ==, expected);
}

static void
check_states (const char *language, const char *state, const char *detail, const char *wait)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (FerryTaskMonitor) monitor = NULL;

  if (!speak (language))
    return;
  monitor = ferry_task_monitor_new (task, NULL);
  g_assert_cmpstr (ferry_test_get_string (monitor, "state-text"), ==, state);
  g_assert_cmpstr (ferry_test_get_string (monitor, "detail"), ==, detail);
  check_wait (wait);
}

static void
test_states_are_translated (void)
{
  check_states ("de", "Wartet", "Wartet, bis es an der Reihe ist", "Wartet bis 22:00");
}

/* The core says it in English, to logs. */
static void
test_what_failed_of_a_group_is_translated (void)
{
  FerryProgress progress = {.fraction = -1, .amount = 60, .total = 60, .unit = "pictures"};
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autofree char *report = NULL;

  if (!speak ("de"))
    return;
  g_object_set (task, "name", "Urlaub", NULL);
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  task_test_fail_for_parts (task, 9, 60, "Kaputt");
  report = ferry_task_dup_error_report (task);
  ferry_test_assert_says (report, ": 9 / 60 Bilder fehlgeschlagen:\nElement 12: Kaputt\nund 8 weitere");
}

/* A process speaks one language: gettext keeps what it has found. */
static void
test_states_are_translated_into_chinese (void)
{
  if (g_test_subprocess ())
    {
      check_states ("zh_CN", "等待中", "正在排队等待", "等到 22:00");
      return;
    }
  /* A process whose one test is skipped fails. */
  if (!speak ("de"))
    return;
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
test_numbers_have_their_plural (void)
{
  g_autofree char *one = NULL;
  g_autofree char *many = NULL;

  if (!speak ("de"))
    return;
  one = ferry_format_time_left (G_USEC_PER_SEC);
  many = ferry_format_time_left (2 * G_USEC_PER_SEC);
  g_assert_cmpstr (one, ==, "noch 1 Sekunde");
  g_assert_cmpstr (many, ==, "noch 2 Sekunden");
}

/* Compiles a catalogue of an application, and has that speak it. */
static void
speak_own_catalogue (const char *words)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-catalogue-XXXXXX", NULL);
  g_autofree char *messages = g_build_filename (folder, "de", "LC_MESSAGES", NULL);
  g_autofree char *source = g_build_filename (folder, "own.po", NULL);
  g_autofree char *catalogue = g_build_filename (messages, "own.mo", NULL);
  const char *argv[] = {"msgfmt", "-o", catalogue, source, NULL};
  int status = -1;

  g_assert_no_errno (g_mkdir_with_parents (messages, 0700));
  g_assert_true (g_file_set_contents (source, words, -1, NULL));
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  bindtextdomain ("own", folder);
  bind_textdomain_codeset ("own", "UTF-8");
  textdomain ("own");
  g_assert_cmpstr (ferry_gtk_translate_unit ("chapters"), ==, "Kapitel");
  g_assert_no_errno (g_remove (catalogue));
  g_assert_no_errno (g_rmdir (messages));
  g_free (messages);
  messages = g_build_filename (folder, "de", NULL);
  g_assert_no_errno (g_rmdir (messages));
  g_assert_no_errno (g_remove (source));
  g_assert_no_errno (g_rmdir (folder));
}

/* By the application, and else by the library. */
static void
test_units_are_translated (void)
{
  FerryProgress progress = {.fraction = -1, .amount = 3, .total = 20, .unit = "files"};
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (FerryTaskMonitor) monitor = NULL;

  if (!speak ("de"))
    return;
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  monitor = ferry_task_monitor_new (task, NULL);
  g_assert_cmpstr (ferry_test_get_string (monitor, "detail"), ==, "3 / 20 Dateien");
  speak_own_catalogue ("msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n\n"
                       "msgctxt \"unit\"\nmsgid \"chapters\"\nmsgstr \"Kapitel\"\n");
  g_assert_cmpstr (ferry_gtk_translate_unit ("files"), ==, "Dateien");
  g_assert_cmpstr (ferry_gtk_translate_unit ("stones"), ==, "stones");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/translation/what-failed-of-a-group-is-translated", test_what_failed_of_a_group_is_translated);
  g_test_add_func ("/translation/states-are-translated", test_states_are_translated);
  g_test_add_func ("/translation/states-are-translated-into-chinese", test_states_are_translated_into_chinese);
  g_test_add_func ("/translation/numbers-have-their-plural", test_numbers_have_their_plural);
  g_test_add_func ("/translation/units-are-translated", test_units_are_translated);
  return g_test_run ();
}
