/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-demo-words.h"

#include <string.h>

#include "ferry-demo-format.h"
#include "ferry-demo-message.h"

const char *
ferry_demo_words_for_state (FerryDemoState state)
{
  switch (state)
    {
    case FERRY_DEMO_STATE_WAITING:
      return "Waiting";
    case FERRY_DEMO_STATE_RUNNING:
      return "Running";
    case FERRY_DEMO_STATE_NOT_RESPONDING:
      return "Not responding";
    case FERRY_DEMO_STATE_CANCELLING:
      return "Cancelling";
    case FERRY_DEMO_STATE_DONE:
      return "Done";
    case FERRY_DEMO_STATE_CANCELLED:
      return "Cancelled";
    case FERRY_DEMO_STATE_CRASHED:
      return "Crashed";
    case FERRY_DEMO_STATE_TIMED_OUT:
      return "Timed out";
    case FERRY_DEMO_STATE_FAILED:
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

/* What a task has reported of its amount, with a space before the unit; no unit where bytes are counted. */
typedef struct
{
  guint64 amount, total;
  gboolean is_known;
  gboolean is_of_bytes;
  char *unit; /* (owned) */
} Amount;

static void
amount_clear (Amount *self)
{
  g_clear_pointer (&self->unit, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Amount, amount_clear)

static Amount
get_amount (FerryTask *task)
{
  Amount amount = {0};
  g_autofree char *unit = NULL;

  g_object_get (task, "amount", &amount.amount, "total", &amount.total, "unit", &unit, NULL);
  amount.is_known = unit != NULL;
  amount.is_of_bytes = g_strcmp0 (unit, FERRY_DEMO_BYTES) == 0;
  amount.unit = amount.is_of_bytes ? g_strdup ("") : g_strdup_printf (" %s", unit != NULL ? unit : "units");
  return amount;
}

static char *
words_for_amount (FerryTask *task)
{
  g_auto (Amount) amount = get_amount (task);
  gboolean bytes = amount.is_of_bytes;
  g_autofree char *done = bytes ? g_format_size (amount.amount) : ferry_demo_format_count (amount.amount);
  g_autofree char *all = bytes ? g_format_size (amount.total) : ferry_demo_format_count (amount.total);

  if (!amount.is_known)
    return g_strdup ("");
  if (amount.total == 0)
    return g_strdup_printf ("%s%s", done, amount.unit);
  return g_strdup_printf ("%s of %s%s", done, all, amount.unit);
}

/* Empty where it is not known, or a task has ended before anything was done. */
static char *
words_for_fraction (FerryTask *task)
{
  double fraction = ferry_task_get_fraction (task);
  gboolean indeterminate;

  g_object_get (task, "indeterminate", &indeterminate, NULL);
  if (indeterminate || (fraction == 0.0 && ferry_task_get_done (task)))
    return g_strdup ("");
  return g_strdup_printf ("%d %%", (int) (fraction * 100.0));
}

/* How far the task is: amount, fraction and what the function says to it, as much as there is of that. */
char *
ferry_demo_words_for_progress (FerryTask *task, gboolean with_message)
{
  g_autofree char *fraction = words_for_fraction (task);
  g_autofree char *amount = words_for_amount (task);
  const char *message = with_message ? ferry_task_get_text (task) : NULL;
  const char *parts[] = {fraction, amount, message != NULL ? message : ""};
  GString *words = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      if (*parts[i] == '\0')
        continue;
      if (words->len > 0)
        g_string_append (words, " · ");
      g_string_append (words, parts[i]);
    }
  return g_string_free (words, FALSE);
}

char *
ferry_demo_words_for_waiting (FerryTask *task)
{
  const char *reason = ferry_task_get_text (task);

  return g_strdup (reason != NULL ? reason : "Waits for a free worker");
}

/* How far a task is that runs, and before it has reported anything, where it runs. */
char *
ferry_demo_words_for_run (FerryTask *task)
{
  g_autofree char *progress = ferry_demo_words_for_progress (task, /* with_message: */ TRUE);
  g_autofree char *host = NULL;

  if (*progress != '\0')
    return g_steal_pointer (&progress);
  g_object_get (task, "host-name", &host, NULL);
  return host != NULL ? g_strdup_printf ("Running on %s", host) : g_strdup ("Running");
}

char *
ferry_demo_words_for_silence (double seconds)
{
  return g_strdup_printf ("Nothing heard for %.0f seconds. Wait, or cancel it.", seconds);
}

/* How long the task has run, or runs so far. */
double
ferry_demo_words_get_seconds (FerryTask *task)
{
  gint64 start, end;

  g_object_get (task, "start-time", &start, "end-time", &end, NULL);
  if (start == 0)
    return 0.0;
  return (double) ((end != 0 ? end : g_get_monotonic_time ()) - start) / G_USEC_PER_SEC;
}

/* Empty for a task that never began. What took little is told more closely once it does not change any more. */
char *
ferry_demo_words_for_duration (FerryTask *task)
{
  double seconds = ferry_demo_words_get_seconds (task);
  gint64 start;

  g_object_get (task, "start-time", &start, NULL);
  if (start == 0)
    return g_strdup ("");
  if (ferry_task_get_done (task) && seconds < 10.0)
    return g_strdup_printf ("%.1f s", seconds);
  return ferry_demo_format_duration (seconds);
}

static char *
words_for_rate (const Amount *amount, double rate)
{
  g_autofree char *number = amount->is_of_bytes ? g_format_size ((guint64) rate) : ferry_demo_format_amount (rate);

  return g_strdup_printf ("%s%s/s", number, amount->unit);
}

/* Rate and time left come when they are steady. */
char *
ferry_demo_words_for_pace (FerryTask *task, const FerryDemoPace *pace)
{
  g_auto (Amount) amount = get_amount (task);
  g_autofree char *duration = ferry_demo_words_for_duration (task);
  g_autofree char *rate_words = NULL;
  g_autofree char *time_words = NULL;
  double rate, seconds;

  if (!ferry_demo_pace_get_rate (pace, &rate))
    return g_steal_pointer (&duration);
  rate_words = words_for_rate (&amount, rate);
  if (amount.total <= amount.amount || !ferry_demo_pace_get_time_left (pace, amount.total - amount.amount, &seconds))
    return g_strdup_printf ("%s · %s", rate_words, duration);

  time_words = ferry_demo_format_time_left (seconds);
  return g_strdup_printf ("%s · %s · %s", rate_words, time_words, duration);
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
ferry_demo_words_for_signal (int signal_number)
{
  return g_strdup_printf ("%s (signal %d)", g_strsignal (signal_number), signal_number);
}

static const char *
get_remedy (const GError *error, FerryExit *exit)
{
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED))
    return "Install the demo whole, or name the worker's program in FERRY_DEMO_WORKER.";
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST) && exit == NULL)
    return "Check that FERRY_DEMO_WORKER names the demo's own worker.";
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL) ||
      g_error_matches (error, FERRY_ERROR, FERRY_ERROR_VERSION) ||
      g_error_matches (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION))
    return "Check that FERRY_DEMO_WORKER names the demo's own worker.";
  return "Try it again.";
}

/* How a worker died, and the last line that it wrote to its standard error, where it did. */
static char *
words_for_death (FerryExit *exit)
{
  g_autofree char *signal_words = ferry_demo_words_for_signal (ferry_exit_get_signal (exit));
  g_auto (GStrv) lines = NULL;
  guint n_lines;

  g_object_get (exit, "last-lines", &lines, NULL);
  n_lines = g_strv_length (lines);
  if (n_lines == 0)
    return g_steal_pointer (&signal_words);
  return g_strdup_printf ("%s, after '%s'", signal_words, lines[n_lines - 1]);
}

/* A worker that died is told of by how; all else by its error. */
char *
ferry_demo_words_for_failure (FerryTask *task)
{
  const GError *error = ferry_task_get_error (task);
  FerryExit *exit = ferry_task_get_exit (task);
  g_autofree char *words = NULL;

  if (exit != NULL && ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_KILLED)
    words = words_for_death (exit);
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    {
      g_autofree char *duration = ferry_demo_words_for_duration (task);

      words = g_strdup_printf ("Not done in the %s that it had", duration);
    }
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST) && exit == NULL)
    words = g_strdup ("Workers ended before they had done anything");
  else
    words = g_strdup (error->message);
  return g_strdup_printf ("%s%s %s", words, g_str_has_suffix (words, ".") ? "" : ".", get_remedy (error, exit));
}

static void
append_count (GString *words, guint64 count, const char *state)
{
  g_autofree char *number = ferry_demo_format_count (count);

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
  append_count (words, n_executing, "running");
  append_count (words, n_waiting, "waiting");
  append_count (words, n_completed, "done");
  append_count (words, n_failed, "failed");
  append_count (words, n_cancelled, "cancelled");
  return g_string_free (words, FALSE);
}
