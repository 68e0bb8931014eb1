/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-demo-job-words.h"

#include <string.h>

#include "ferry-demo-format.h"

const char *
ferry_demo_words_for_state (FerryDemoJobState state)
{
  switch (state)
    {
    case FERRY_DEMO_JOB_STATE_STARTING:
      return "Starting";
    case FERRY_DEMO_JOB_STATE_RUNNING:
      return "Running";
    case FERRY_DEMO_JOB_STATE_NOT_RESPONDING:
      return "Not responding";
    case FERRY_DEMO_JOB_STATE_CANCELLING:
      return "Cancelling";
    case FERRY_DEMO_JOB_STATE_DONE:
      return "Done";
    case FERRY_DEMO_JOB_STATE_CANCELLED:
      return "Cancelled";
    case FERRY_DEMO_JOB_STATE_CRASHED:
      return "Crashed";
    case FERRY_DEMO_JOB_STATE_FAILED:
      return "Failed";
    default:
      g_assert_not_reached ();
    }
}

char *
ferry_demo_words_for_title (const FerryDemoSpec *spec)
{
  g_autofree char *folder = NULL;
  g_autofree char *number = ferry_demo_format_count (spec->number);

  switch (spec->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      folder = g_filename_display_name (spec->argument);
      return g_strdup_printf ("SHA-256 of %s", folder);
    case FERRY_DEMO_KIND_PRIMES:
      return g_strdup_printf ("Primes up to %s", number);
    case FERRY_DEMO_KIND_CRASH:
      return g_strdup ("Worker that crashes");
    case FERRY_DEMO_KIND_HANG:
      return g_strdup ("Worker that hangs");
    case FERRY_DEMO_KIND_FLOOD:
      return ferry_demo_spec_is_endless (spec) ? g_strdup ("Endless flood of messages")
                                               : g_strdup_printf ("Flood of %s messages", number);
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

static char *
words_for_files (const FerryDemoReport *report)
{
  g_autofree char *done = ferry_demo_format_count (report->items_done);
  g_autofree char *total = ferry_demo_format_count (report->items_total);

  if (report->items_total == 0)
    return g_strdup_printf ("Looking for files: %s so far", done);
  if (report->doing == NULL || *report->doing == '\0')
    return g_strdup_printf ("%s of %s files", done, total);
  return g_strdup_printf ("%s of %s files: %s", done, total, report->doing);
}

static char *
words_for_primes (const FerryDemoReport *report)
{
  g_autofree char *found = ferry_demo_format_counted (report->items_done, "prime so far", "primes so far");

  if (report->doing == NULL || *report->doing == '\0')
    return g_steal_pointer (&found);
  return g_strdup_printf ("%s, %s", found, report->doing);
}

char *
ferry_demo_words_for_activity (const FerryDemoSpec *spec, const FerryDemoReport *report)
{
  g_autofree char *messages = NULL;

  switch (spec->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      return words_for_files (report);
    case FERRY_DEMO_KIND_PRIMES:
    case FERRY_DEMO_KIND_CRASH:
    case FERRY_DEMO_KIND_HANG:
      return words_for_primes (report);
    case FERRY_DEMO_KIND_FLOOD:
      messages = ferry_demo_format_counted (report->done, "message", "messages");
      return g_strdup_printf ("%s, all in order", messages);
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

char *
ferry_demo_words_for_silence (double seconds)
{
  return g_strdup_printf ("Nothing heard for %.0f seconds. Wait, or cancel the job.", seconds);
}

static char *
words_for_rate (const FerryDemoSpec *spec, double rate)
{
  g_autofree char *amount =
    spec->kind == FERRY_DEMO_KIND_SHA256 ? g_format_size ((guint64) rate) : ferry_demo_format_amount (rate);

  switch (spec->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      return g_strdup_printf ("%s/s", amount);
    case FERRY_DEMO_KIND_FLOOD:
      return g_strdup_printf ("%s messages/s", amount);
    case FERRY_DEMO_KIND_PRIMES:
    case FERRY_DEMO_KIND_CRASH:
    case FERRY_DEMO_KIND_HANG:
      return g_strdup_printf ("%s numbers/s", amount);
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

/* Empty while the pace is not steady. */
char *
ferry_demo_words_for_pace (const FerryDemoSpec *spec, const FerryDemoReport *report, const FerryDemoPace *pace)
{
  g_autofree char *rate_words = NULL;
  g_autofree char *time_words = NULL;
  double rate, seconds;

  if (!ferry_demo_pace_get_rate (pace, &rate))
    return g_strdup ("");
  rate_words = words_for_rate (spec, rate);
  if (report->total == 0 || !ferry_demo_pace_get_time_left (pace, report->total - report->done, &seconds))
    return g_steal_pointer (&rate_words);

  time_words = ferry_demo_format_time_left (seconds);
  return g_strdup_printf ("%s · %s", rate_words, time_words);
}

static char *
words_for_digests (const FerryDemoReport *report)
{
  g_autofree char *files = ferry_demo_format_counted (report->result[0], "file", "files");
  g_autofree char *bytes = g_format_size (report->result[1]);
  g_autofree char *problems = NULL;

  if (report->problems == 0)
    return g_strdup_printf ("%s, %s", files, bytes);

  problems = ferry_demo_format_count (report->problems);
  return g_strdup_printf ("%s, %s; %s could not be read. The first: %s", files, bytes, problems, report->first_problem);
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
      return ferry_demo_format_counted (report->result[0], "prime", "primes");
    case FERRY_DEMO_KIND_FLOOD:
      number = ferry_demo_format_counted (report->result[0], "message", "messages");
      return g_strdup_printf ("%s, complete and in order", number);
    case FERRY_DEMO_KIND_CRASH:
    case FERRY_DEMO_KIND_HANG:
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

char *
ferry_demo_words_for_crash (int signal_number)
{
  return g_strdup_printf ("%s (signal %d)", g_strsignal (signal_number), signal_number);
}

/* How far it came, and no longer what it was doing. */
char *
ferry_demo_words_for_cancelled (const FerryDemoSpec *spec, const FerryDemoReport *report)
{
  FerryDemoReport reached = *report;

  reached.doing = NULL;
  return ferry_demo_words_for_activity (spec, &reached);
}

static const char *
get_remedy (FerryExit *exit)
{
  switch (ferry_exit_get_reason (exit))
    {
    case FERRY_CLOSE_REASON_LAUNCH_FAILED:
      return "Install the demo whole, or name the worker's program in FERRY_DEMO_WORKER.";
    case FERRY_CLOSE_REASON_NEVER_ATTACHED:
      return "Check that FERRY_DEMO_WORKER names the demo's own worker.";
    case FERRY_CLOSE_REASON_PROTOCOL_ERROR:
      return "Check that worker and application are of the same version.";
    case FERRY_CLOSE_REASON_STOPPED:
    case FERRY_CLOSE_REASON_EXITED:
    case FERRY_CLOSE_REASON_KILLED:
    case FERRY_CLOSE_REASON_HUNG_UP:
    case FERRY_CLOSE_REASON_ROUTER_STOPPED:
    default:
      return "Start the job again.";
    }
}

/* The worker's own words say more than its exit status. */
char *
ferry_demo_words_for_failure (FerryExit *exit, const FerryDemoReport *report)
{
  const char *what = report->first_problem != NULL ? report->first_problem : ferry_exit_get_message (exit);

  if (ferry_exit_is_success (exit))
    what = "The worker left without a result";
  return g_strdup_printf ("%s%s %s", what, g_str_has_suffix (what, ".") ? "" : ".", get_remedy (exit));
}
