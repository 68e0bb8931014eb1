/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said of a task: its status, how far it is, how fast. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-words-private.h"

#include <gtk/gtk.h>

#include "gtk/ferry-clock-time-private.h"
#include "gtk/ferry-format.h"
#include "gtk/ferry-translation-private.h"
#include "task/ferry-executor-private.h"

/* "0:00" is not said of what has ended: where the main loop was busy, it hears of the beginning and the end at once,
 * and nobody knows how long the task took. */
#define LEAST G_USEC_PER_SEC

#define FIRST_KEY "ferry-task-waits-first"
#define NAME_KEY "ferry-task-straight-name"

const char *
ferry_task_words_for_status (FerryTaskStatus status)
{
  switch (status)
    {
    case FERRY_TASK_STATUS_WAITING:
      return _ ("Waiting");
    case FERRY_TASK_STATUS_RUNNING:
      return _ ("Running");
    case FERRY_TASK_STATUS_STALLED:
      return _ ("Not responding");
    case FERRY_TASK_STATUS_PAUSED:
      return _ ("Paused");
    case FERRY_TASK_STATUS_CANCELLING:
      return _ ("Cancelling");
    case FERRY_TASK_STATUS_DONE:
      return _ ("Done");
    case FERRY_TASK_STATUS_CANCELLED:
      return _ ("Cancelled");
    case FERRY_TASK_STATUS_CRASHED:
      return _ ("Crashed");
    case FERRY_TASK_STATUS_TIMED_OUT:
      return _ ("Timed out");
    case FERRY_TASK_STATUS_INTERRUPTED:
      return _ ("Interrupted");
    case FERRY_TASK_STATUS_FAILED:
    default:
      return _ ("Failed");
    }
}

/* Joins the parts that are not empty. */
static char *
join (const char *const *parts, gsize n_parts)
{
  GString *words = g_string_new (NULL);

  for (gsize i = 0; i < n_parts; i++)
    {
      if (parts[i] == NULL || *parts[i] == '\0')
        continue;
      if (words->len > 0)
        g_string_append (words, FERRY_TASK_WORDS_SEPARATOR);
      g_string_append (words, parts[i]);
    }
  return g_string_free (words, FALSE);
}

/* ---- what strangers have said ---- */

/* A direction, an embedding, an override, an isolate, or the end of one. */
static gboolean
is_turn (gunichar letter)
{
  return letter == 0x061c || letter == 0x200e || letter == 0x200f || (letter >= 0x202a && letter <= 0x202e) ||
         (letter >= 0x2066 && letter <= 0x2069);
}

char *
ferry_task_words_straighten (const char *text)
{
  GString *words = g_string_new (NULL);

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    if (!is_turn (g_utf8_get_char (at)))
      g_string_append_unichar (words, g_utf8_get_char (at));
  return g_string_free (words, FALSE);
}

const char *
ferry_task_words_get_name (FerryTask *task)
{
  const char *name = ferry_task_get_name (task), *known = g_object_get_data (G_OBJECT (task), NAME_KEY);
  g_autofree char *words = ferry_task_words_straighten (name);

  if (g_str_equal (words, name))
    return name;
  if (g_strcmp0 (words, known) == 0)
    return known;
  known = words;
  g_object_set_data_full (G_OBJECT (task), NAME_KEY, g_steal_pointer (&words), g_free);
  return known;
}

/* (transfer full) (nullable): what its function, or what holds it, says. */
static char *
dup_text (FerryTask *task)
{
  const char *text = ferry_task_get_text (task);

  return text != NULL ? ferry_task_words_straighten (text) : NULL;
}

/* (transfer full) (nullable): what the application says of it. */
static char *
dup_description (FerryTask *task)
{
  g_autofree char *description = NULL;

  g_object_get (task, "description", &description, NULL);
  return description != NULL ? ferry_task_words_straighten (description) : NULL;
}

/* ---- amounts ---- */

/* What a task has reported of its amount. */
typedef struct
{
  guint64 amount, total;
  gboolean is_known;
  gboolean is_of_bytes, is_of_seconds; /* these have units of their own */
  char *unit;                          /* (owned): of others; may be empty */
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
  amount.is_of_bytes = g_strcmp0 (unit, "bytes") == 0;
  amount.is_of_seconds = g_strcmp0 (unit, "s") == 0;
  amount.unit =
    g_strdup (amount.is_known && !amount.is_of_bytes && !amount.is_of_seconds ? ferry_gtk_translate_unit (unit) : "");
  return amount;
}

/* Takes the words, whose order is their own in a sentence that goes from right to left: "540 of 600" would stand the
 * other way round. */
static char *
isolate (char *words)
{
  g_autofree char *owned = words;

  /* FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE, as UTF-8. */
  return gtk_widget_get_default_direction () == GTK_TEXT_DIR_RTL ? g_strdup_printf ("\342\201\250%s\342\201\251", owned)
                                                                 : g_steal_pointer (&owned);
}

static char *
format_number (const Amount *amount, guint64 number)
{
  if (amount->is_of_bytes)
    return isolate (g_format_size (number));
  if (amount->is_of_seconds)
    return isolate (ferry_format_duration ((gint64) MIN (number, G_MAXINT64 / G_USEC_PER_SEC) * G_USEC_PER_SEC));
  return isolate (ferry_format_count (number));
}

/* Takes the number. */
static char *
add_unit (char *number, const Amount *amount)
{
  g_autofree char *owned = number;

  /* Translators: a number and its unit: "20 files". */
  return *amount->unit != '\0' ? g_strdup_printf (_ ("%s %s"), owned, amount->unit) : g_steal_pointer (&owned);
}

/* A task that has done all of it is said to have done so much. */
static char *
words_for_amount (FerryTask *task)
{
  g_auto (Amount) amount = get_amount (task);
  g_autofree char *done = NULL, *all = NULL;

  if (!amount.is_known)
    return g_strdup ("");
  done = format_number (&amount, amount.amount);
  if (amount.total == 0 || (amount.amount == amount.total && ferry_task_get_done (task)))
    return add_unit (g_steal_pointer (&done), &amount);
  all = add_unit (format_number (&amount, amount.total), &amount);
  /* Translators: how much is done of how much there is to do, which has the unit: "3 of 20 files". */
  return g_strdup_printf (_ ("%s of %s"), done, all);
}

static char *
format_percent (double fraction)
{
  return isolate (g_strdup_printf (_ ("%d %%"), (int) (fraction * 100.0)));
}

char *
ferry_task_words_for_fraction (FerryTask *task)
{
  double fraction = ferry_task_get_fraction (task);
  gboolean indeterminate;

  g_object_get (task, "indeterminate", &indeterminate, NULL);
  if (indeterminate || (fraction == 0.0 && ferry_task_get_done (task)))
    return g_strdup ("");
  return format_percent (fraction);
}

/* ---- a task ---- */

char *
ferry_task_words_for_progress (FerryTask *task, gint64 time_left, gboolean has_bar)
{
  g_autofree char *amount = words_for_amount (task);
  g_autofree char *percent = *amount == '\0' && !has_bar ? ferry_task_words_for_fraction (task) : g_strdup ("");
  g_autofree char *left = time_left >= 0 ? ferry_format_time_left (time_left) : NULL;
  const char *far = *amount != '\0' ? amount : percent;

  if (left == NULL)
    return g_strdup (far);
  /* Translators: how far a task is, and how long the rest takes: "3 of 20 files, 2 minutes left". */
  return *far != '\0' ? g_strdup_printf (_ ("%s, %s"), far, left) : g_steal_pointer (&left);
}

void
ferry_task_words_set_first (FerryTask *task, gboolean is_first)
{
  g_object_set_data (G_OBJECT (task), FIRST_KEY, GINT_TO_POINTER (is_first));
}

/* (nullable): which attempt runs, or is waited for; NULL if it is the first one. */
static char *
words_for_attempt (FerryTask *task)
{
  guint n_before = ferry_task_get_n_attempts_before (task);
  guint number, retries;

  g_object_get (task, "n-attempts", &number, "retries", &retries, NULL);
  number += n_before + (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING);
  if (number <= 1)
    return NULL;
  if (n_before == 0 && number - 1 <= retries && retries < G_MAXUINT)
    /* Translators: a task that has failed is tried again: "Attempt 2 of 3". */
    return isolate (g_strdup_printf (_ ("Attempt %u of %u"), number, retries + 1));
  return isolate (g_strdup_printf (_ ("Attempt %u"), number));
}

/* (nullable): the words of a queue that is paused, for tasks that wait; NULL: it is not, or there is no queue. */
static char *
words_for_pause (FerryTask *task)
{
  const FerryRunKeeper *keeper = ferry_task_get_run (task)->keeper;
  g_autofree char *reason = NULL;
  gboolean paused = FALSE;

  if (keeper == NULL)
    return NULL;
  g_object_get (keeper->list, "paused", &paused, "reason", &reason, NULL);
  if (!paused)
    return NULL;
  return reason != NULL ? g_steal_pointer (&reason) : g_strdup (_ ("The queue is paused"));
}

const char *
ferry_task_words_for_unstarted (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_VERSION)
           ? _ ("The application was updated, and has to be started again")
           : _ ("The program for these tasks does not start");
}

/* (nullable): no worker starts for the tasks of its queue; NULL: some do, or there is no queue. */
static const char *
words_for_unstarted (FerryTask *task)
{
  const FerryRunKeeper *keeper = ferry_task_get_run (task)->keeper;
  g_autoptr (GError) error = NULL;

  if (keeper == NULL)
    return NULL;
  g_object_get (keeper->executor, "error", &error, NULL);
  return error != NULL ? ferry_task_words_for_unstarted (error) : NULL;
}

char *
ferry_task_words_for_unstored (FerryTask *task)
{
  FerryRun *run = ferry_task_get_run (task);
  const GError *error = run->keeper != NULL ? run->keeper->funcs->get_unstored (run->keeper, run) : NULL;
  gboolean is_full = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);

  if (error == NULL || ferry_task_get_done (task))
    return NULL;
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING)
    return g_strdup (is_full ? _ ("Has ended, and is not stored yet: the disk is full")
                             : _ ("Has ended, and is not stored yet"));
  return g_strdup (is_full ? _ ("Not stored yet: the disk is full") : _ ("Not stored yet"));
}

/* Whether it is not to be begun yet: a task of a queue, or one that rests before another attempt. */
static gboolean
has_time_to_come (FerryTask *task)
{
  gint64 not_before;

  g_object_get (task, "not-before", &not_before, NULL);
  return ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && not_before > g_get_real_time ();
}

gboolean
ferry_task_words_wait_for_time (FerryTask *task)
{
  return ferry_task_get_run (task)->keeper != NULL && has_time_to_come (task);
}

/* (nullable): what holds the task. The queue and the task say it in English. */
static char *
words_for_hold (FerryTask *task)
{
  char *pause = words_for_pause (task);
  gint64 not_before;

  if (pause != NULL)
    return pause;
  if (!has_time_to_come (task))
    return g_strdup (words_for_unstarted (task));
  g_object_get (task, "not-before", &not_before, NULL);
  return ferry_clock_time_format_wait (not_before, g_get_real_time ());
}

char *
ferry_task_words_for_waiting (FerryTask *task)
{
  gboolean is_first = g_object_get_data (G_OBJECT (task), FIRST_KEY) != NULL;
  g_autofree char *hold = words_for_hold (task), *attempt = words_for_attempt (task), *text = dup_text (task);
  g_autofree char *description = dup_description (task);
  const char *reason = hold != NULL ? hold : text;

  if (reason == NULL)
    reason = description;
  if (reason == NULL)
    reason = is_first ? _ ("Waits at the front") : _ ("Waits for its turn");
  return join ((const char *const[]){attempt, reason}, 2);
}

gboolean
ferry_task_words_say_waiting (FerryTask *task)
{
  g_autofree char *pause = words_for_pause (task), *description = NULL;

  if (pause == NULL && has_time_to_come (task))
    return TRUE;
  g_object_get (task, "description", &description, NULL);
  return description == NULL && ferry_task_get_text (task) == NULL;
}

/* What a task does or where it runs, before it has reported anything. */
char *
ferry_task_words_for_run (FerryTask *task, gint64 time_left, gboolean has_bar)
{
  g_autofree char *progress = ferry_task_words_for_progress (task, time_left, has_bar);
  g_autofree char *attempt = words_for_attempt (task);
  g_autofree char *host = NULL, *description = dup_description (task), *text = dup_text (task);
  gboolean is_paused;

  g_object_get (task, "host-name", &host, "is-paused", &is_paused, NULL);
  if (*progress != '\0' || text != NULL)
    return join ((const char *const[]){progress, attempt, text}, 3);
  if (attempt != NULL || description != NULL)
    return join ((const char *const[]){attempt, description}, 2);
  /* The status says the rest. */
  if (is_paused || ferry_task_get_state (task) != FERRY_TASK_STATE_EXECUTING)
    return g_strdup ("");
  return host != NULL ? g_strdup_printf (_ ("Running on %s"), host) : g_strdup (_ ("Running"));
}

char *
ferry_task_words_for_question (FerryTask *task)
{
  g_autofree char *asked = NULL, *question = NULL;

  g_object_get (task, "question", &asked, NULL);
  if (asked == NULL)
    return NULL;
  question = isolate (ferry_task_words_straighten (asked));
  /* Translators: a program waits for an answer: "Asks: Password:". */
  return g_strdup_printf (_ ("Asks: %s"), question);
}

/* (nullable): FerryTask:failures of a task that stands for several others. */
static GVariant *
get_failures (FerryTask *task, guint64 *n_failed, guint64 *n_parts)
{
  g_autoptr (GVariant) failures = NULL;

  g_object_get (task, "failures", &failures, NULL);
  if (failures == NULL)
    return NULL;
  g_variant_get (failures, "(tt@a(tss))", n_failed, n_parts, NULL);
  return *n_parts > 1 ? g_variant_get_child_value (failures, 2) : NULL;
}

char *
ferry_task_words_for_failures (FerryTask *task)
{
  g_auto (Amount) amount = get_amount (task);
  guint64 n_failed, n_parts;
  g_autoptr (GVariant) failures = get_failures (task, &n_failed, &n_parts);
  g_autofree char *failed = NULL, *all = NULL;

  if (failures == NULL)
    return NULL;
  failed = isolate (ferry_format_count (n_failed));
  all = add_unit (isolate (ferry_format_count (n_parts)), &amount);
  /* Translators: how much of how much has failed, which has the unit, if there is one: "9 of 60 pictures failed". */
  return g_strdup_printf (_ ("%s of %s failed"), failed, all);
}

/* What a function has said last, such as "Reading holidays.jpg", is not so any more. */
char *
ferry_task_words_for_result (FerryTask *task)
{
  return words_for_amount (task);
}

char *
ferry_task_words_for_silence (gint64 silence)
{
  guint seconds = (guint) (silence / G_USEC_PER_SEC);

  return g_strdup_printf (ferry_gtk_ngettext ("Nothing heard for %u second", "Nothing heard for %u seconds", seconds),
                          seconds);
}

gint64
ferry_task_words_get_elapsed (FerryTask *task, gint64 now)
{
  gint64 start, end;

  g_object_get (task, "start-time", &start, "end-time", &end, NULL);
  if (start == 0)
    return -1;
  return MAX ((end != 0 ? end : now) - start, 0);
}

/* Empty for a task that never began. */
static char *
dup_duration (FerryTask *task, gint64 now)
{
  gint64 elapsed = ferry_task_words_get_elapsed (task, now);

  if (elapsed < 0 || (ferry_task_get_done (task) && elapsed < LEAST))
    return g_strdup ("");
  return ferry_format_duration (elapsed);
}

/* Empty if seconds are counted, as of a film: they are no measure of how much is done in each second. */
static char *
words_for_rate (FerryTask *task, double rate)
{
  g_auto (Amount) amount = get_amount (task);
  g_autofree char *words = NULL;

  if (amount.is_of_seconds)
    return g_strdup ("");
  words =
    add_unit (isolate (amount.is_of_bytes ? g_format_size ((guint64) rate) : ferry_format_amount (rate)), &amount);
  /* Translators: so much in each second: "12 MB/s", "300 files/s". */
  return isolate (g_strdup_printf (_ ("%s/s"), words));
}

char *
ferry_task_words_for_pace (FerryTask *task, double rate, gint64 now)
{
  g_autofree char *rate_words = rate > 0.0 ? words_for_rate (task, rate) : NULL;
  g_autofree char *duration = dup_duration (task, now);

  return join ((const char *const[]){rate_words, duration}, 2);
}

/* ---- all tasks ---- */

/* How many tasks of a list have failed. One that was interrupted by the end of the application has not. */
static char *
words_for_failed (const FerryTaskFigures *figures, guint n_failed)
{
  guint n_interrupted = MIN (figures->n_interrupted, n_failed);
  g_autofree char *failed = NULL, *interrupted = NULL;

  n_failed -= n_interrupted;
  if (n_failed > 0)
    failed = g_strdup_printf (ferry_gtk_ngettext ("%u task failed", "%u tasks failed", n_failed), n_failed);
  if (n_interrupted > 0)
    interrupted = g_strdup_printf (
      ferry_gtk_ngettext ("%u task was interrupted", "%u tasks were interrupted", n_interrupted), n_interrupted);
  return join ((const char *const[]){failed, interrupted}, 2);
}

/* Of all tasks that are open. Where all of them are paused, that is said before. */
static char *
words_for_open (const FerryTaskFigures *figures)
{
  guint n_paused = figures->running.n_paused, n_running = figures->running.n_running - n_paused;
  guint n_waiting = figures->n_waiting;
  g_autofree char *running = NULL, *paused = NULL, *waiting = NULL;

  if (n_running > 0)
    running = g_strdup_printf (ferry_gtk_ngettext ("%u task runs", "%u tasks run", n_running), n_running);
  if (n_paused > 0)
    paused = g_strdup_printf (ferry_gtk_ngettext ("%u task is paused", "%u tasks are paused", n_paused), n_paused);
  if (n_waiting > 0)
    waiting = g_strdup_printf (ferry_gtk_ngettext ("%u task waits", "%u tasks wait", n_waiting), n_waiting);
  return join ((const char *const[]){running, paused, waiting}, 3);
}

char *
ferry_task_words_for_work (const FerryTaskFigures *figures, guint n_failed)
{
  g_autofree char *open = words_for_open (figures), *failed = words_for_failed (figures, n_failed), *percent = NULL;

  if (*open == '\0')
    return *failed != '\0' ? g_steal_pointer (&failed) : g_strdup (_ ("All tasks have ended"));
  percent = figures->indeterminate ? NULL : format_percent (figures->fraction);
  return join ((const char *const[]){figures->paused ? _ ("Paused") : NULL, percent, open, failed}, 4);
}

static char *
words_for_time_left (gint64 time_left, gboolean is_least)
{
  g_autofree char *left = ferry_format_time_left (time_left);

  /* Translators: of all tasks, where one of them has no end that is known: "3 tasks, at least 2 minutes left". */
  return is_least ? g_strdup_printf (_ ("at least %s"), left) : g_steal_pointer (&left);
}

/* Where nothing runs, nobody waits for an end. */
char *
ferry_task_words_for_headline (const FerryTaskFigures *figures, gint64 time_left, gboolean is_least, guint n_failed)
{
  guint n_open = figures->n_waiting + figures->running.n_running;
  g_autofree char *tasks = NULL, *left = NULL;

  if (n_open == 0)
    return ferry_task_words_for_work (figures, n_failed);
  tasks = g_strdup_printf (ferry_gtk_ngettext ("%u task", "%u tasks", n_open), n_open);
  /* Translators: of all tasks: "3 tasks, paused". */
  left = figures->paused || figures->running.n_paused == n_open ? g_strdup (_ ("paused"))
         : time_left >= 0                                       ? words_for_time_left (time_left, is_least)
                                                                : NULL;
  return left != NULL ? g_strdup_printf (_ ("%s, %s"), tasks, left) : g_steal_pointer (&tasks);
}

char *
ferry_task_words_for_ends (guint64 n_completed, guint64 n_failed)
{
  g_autofree char *completed = ferry_format_count (n_completed), *failed = ferry_format_count (n_failed);
  gulong n = (gulong) n_completed;

  if (n_completed == 0)
    return g_strdup_printf (ferry_gtk_ngettext ("%s task failed.", "%s tasks failed.", (gulong) n_failed), failed);
  if (n_failed == 0)
    return g_strdup_printf (ferry_gtk_ngettext ("%s task is done.", "%s tasks are done.", n), completed);
  return g_strdup_printf (ferry_gtk_ngettext ("%s task is done, %s failed.", "%s tasks are done, %s failed.", n),
                          completed, failed);
}
