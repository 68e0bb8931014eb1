/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tasks/ferry-demo-words.h"

#include <glib/gi18n.h>

#include "app/ferry-demo-format.h"

char *
ferry_demo_words_for_title (const FerryDemoSpec *spec)
{
  g_autofree char *folder = NULL;
  g_autofree char *number = ferry_format_count (spec->number);

  switch (spec->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      folder = g_filename_display_name (spec->argument);
      return g_strdup_printf (_ ("SHA-256 of %s"), folder);
    case FERRY_DEMO_KIND_PRIMES:
      return g_strdup_printf (_ ("Primes up to %s"), number);
    case FERRY_DEMO_KIND_CRASH:
      return g_strdup (_ ("Worker that crashes"));
    case FERRY_DEMO_KIND_HANG:
      return g_strdup (_ ("Worker that hangs"));
    case FERRY_DEMO_KIND_FLOOD:
      return ferry_demo_spec_is_endless (spec) ? g_strdup (_ ("Endless flood of messages"))
                                               : g_strdup_printf (_ ("Flood of %s messages"), number);
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

static char *
words_for_digests (const FerryDemoReport *report)
{
  g_autofree char *files =
    ferry_demo_format_counted (report->result[0], ngettext ("%s file", "%s files", report->result[0]));
  g_autofree char *bytes = g_format_size (report->result[1]);
  g_autofree char *problems = NULL;

  if (report->problems == 0)
    return g_strdup_printf ("%s, %s", files, bytes);

  problems = ferry_format_count (report->problems);
  return g_strdup_printf (_ ("%s, %s; %s could not be read. The first: %s"), files, bytes, problems,
                          report->first_problem);
}

char *
ferry_demo_words_for_result (const FerryDemoSpec *spec, const FerryDemoReport *report)
{
  g_autofree char *number = NULL;

  switch (spec->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      return words_for_digests (report);
    case FERRY_DEMO_KIND_PRIMES:
      return ferry_demo_format_counted (report->result[0], ngettext ("%s prime", "%s primes", report->result[0]));
    case FERRY_DEMO_KIND_FLOOD:
      number = ferry_demo_format_counted (report->result[0], ngettext ("%s message", "%s messages", report->result[0]));
      return g_strdup_printf (_ ("%s, complete and in order"), number);
    case FERRY_DEMO_KIND_CRASH:
    case FERRY_DEMO_KIND_HANG:
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

static void
append_count (GString *words, guint64 count, const char *state)
{
  g_autofree char *number = ferry_format_count (count);

  if (count == 0)
    return;
  g_string_append_printf (words, "%s%s %s", words->len > 0 ? " · " : "", number, state);
}

/* Those that there are. */
char *
ferry_demo_words_for_counts (FerryExecutor *executor)
{
  GString *words = g_string_new (NULL);
  guint n_executing, n_waiting;
  guint64 n_completed, n_failed, n_cancelled;

  g_object_get (executor, "n-executing", &n_executing, "n-waiting", &n_waiting, "n-completed", &n_completed, "n-failed",
                &n_failed, "n-cancelled", &n_cancelled, NULL);
  append_count (words, n_executing, _ ("running"));
  append_count (words, n_waiting, _ ("waiting"));
  append_count (words, n_completed, _ ("done"));
  append_count (words, n_failed, _ ("failed"));
  append_count (words, n_cancelled, _ ("cancelled"));
  return g_string_free (words, FALSE);
}
