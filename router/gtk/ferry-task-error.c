/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why a task failed, or an item of a map, for users: the one place where errors become words. The thread that runs GTK.
 */

#include "config.h"

#include "gtk/ferry-task-error-private.h"

#include <signal.h>
#include <string.h>

#include "gtk/ferry-format.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"
#include "task/ferry-executor-private.h"

/* Marks a text for translators, and leaves it as it is. */
#define N_(text) text

#define SECONDS_PER_MINUTE 60
#define MINUTES_PER_HOUR 60

/* A limit of less is told in parts of a second. */
#define SHORT_LIMIT (10 * G_USEC_PER_SEC)

/* So many seconds or minutes are told as whole minutes or hours, also where something is left over. */
#define LONG_LIMIT 600

/* Whether the log has what is to be mended of a task. */
#define LOGGED_KEY "ferry-fault-logged"

typedef struct
{
  const char *title;
  gboolean can_retry;     /* whether the same task may fare better without anything being mended */
  const char *own_detail; /* (nullable): the cause, for an error of the library's, whose message is for developers */
  const char *advice;     /* (nullable): what can be done about that cause, as a sentence of its own */
} Kind;

#define REINSTALL N_ ("Installing the application again may help")
#define CORRECT N_ ("Its makers have to correct it")

static const Kind crashed = {N_ ("It crashed"), TRUE, N_ ("A fault in the program ended this task")};
static const Kind crashed_again = {N_ ("It crashed again"), FALSE,
                                   N_ ("A fault in the program has ended this task again")};
static const Kind interrupted = {N_ ("It was interrupted"), TRUE,
                                 N_ ("The application ended while it ran, and it may have done a part of its work")};
/* Of an earlier run of the application, so it is not known any more which program it was. */
static const Kind set_aside = {N_ ("It is not begun again by itself"), FALSE,
                               N_ ("The program has ended again and again while this task ran")};
static const Kind killed = {N_ ("It was killed"), TRUE,
                            N_ ("Somebody stopped it, or the computer had too little memory")};
static const Kind killed_here = {N_ ("It was killed"), TRUE, N_ ("The application ended its process")};
static const Kind starved = {N_ ("It needed too much memory"), FALSE, N_ ("There was less memory than it needed")};
static const Kind ended = {N_ ("It ended early"), TRUE, N_ ("The program ended before the work was done")};
static const Kind misfit = {N_ ("The parts of the application do not fit together"), FALSE,
                            N_ ("The program for this task does not know what the application wants of it"), REINSTALL};
static const Kind odd_result = {N_ ("There is a mistake in the application"), FALSE,
                                N_ ("The program for this task returned something else than it should"), CORRECT};
/* What is installed belongs together. A worker of another version was installed while the application ran. */
static const Kind updated = {N_ ("A new version has been installed"), FALSE,
                             N_ ("The application was updated, and has to be started again")};
static const Kind missing = {N_ ("Something is missing"), FALSE, NULL};
static const Kind forbidden = {N_ ("That is not allowed"), FALSE,
                               N_ ("The application asked for something that it may not have")};
static const Kind no_room = {N_ ("There is no room left"), TRUE, NULL};
static const Kind unusable = {N_ ("The input cannot be used"), FALSE,
                              N_ ("The application gave the program for this task something that it cannot use"),
                              CORRECT};
static const Kind too_large = {N_ ("It is too large"), FALSE,
                               N_ ("There is more data than can be passed on in one piece"),
                               N_ ("Smaller pieces may fit")};
static const Kind late = {N_ ("It took too long"), TRUE, N_ ("The work was not done in the time that it had")};
static const Kind waited = {N_ ("It waited too long"), TRUE, N_ ("Other tasks did not end in time")};
static const Kind unstarted = {N_ ("It could not be started"), FALSE, N_ ("The program for this task does not start"),
                               REINSTALL};
static const Kind refused = {N_ ("It was not begun"), TRUE, N_ ("The application takes no more work at the moment")};
static const Kind other = {N_ ("It failed"), TRUE, NULL};

static const Kind *
find_ferry_kind (int code, FerryExit *exit)
{
  switch ((FerryError) code)
    {
    case FERRY_ERROR_WORKER_LOST:
      return &ended;
    case FERRY_ERROR_LAUNCH_FAILED:
      return &unstarted;
    case FERRY_ERROR_TIMED_OUT:
      return &late;
    case FERRY_ERROR_QUEUE_TIMED_OUT:
      return &waited;
    case FERRY_ERROR_INTERRUPTED:
      return &interrupted;
    case FERRY_ERROR_QUARANTINED:
      return exit != NULL ? &crashed_again : &set_aside;
    case FERRY_ERROR_VERSION:
      return &updated;
    case FERRY_ERROR_PROTOCOL:
    case FERRY_ERROR_UNKNOWN_FUNCTION:
      return &misfit;
    case FERRY_ERROR_BAD_RESULT:
      return &odd_result;
    case FERRY_ERROR_BAD_ARGUMENTS:
      return &unusable;
    case FERRY_ERROR_TOO_LARGE:
      return &too_large;
    case FERRY_ERROR_NOT_ALLOWED:
      return &forbidden;
    case FERRY_ERROR_REFUSED:
    case FERRY_ERROR_STOPPED:
    case FERRY_ERROR_NOT_RUNNING:
      return &refused;
    default:
      return &other;
    }
}

static const Kind *
find_io_kind (int code)
{
  switch ((GIOErrorEnum) code)
    {
    case G_IO_ERROR_NOT_FOUND:
    case G_IO_ERROR_HOST_NOT_FOUND:
    case G_IO_ERROR_NOT_MOUNTED:
      return &missing;
    case G_IO_ERROR_PERMISSION_DENIED:
    case G_IO_ERROR_READ_ONLY:
      return &forbidden;
    case G_IO_ERROR_NO_SPACE:
      return &no_room;
    case G_IO_ERROR_TIMED_OUT:
      return &late;
    case G_IO_ERROR_INVALID_ARGUMENT:
    case G_IO_ERROR_INVALID_DATA:
    case G_IO_ERROR_INVALID_FILENAME:
    case G_IO_ERROR_IS_DIRECTORY:
    case G_IO_ERROR_NOT_DIRECTORY:
    case G_IO_ERROR_NOT_REGULAR_FILE:
    case G_IO_ERROR_NOT_SUPPORTED:
      return &unusable;
    default:
      return &other;
    }
}

static const Kind *
find_file_kind (int code)
{
  switch ((GFileError) code)
    {
    case G_FILE_ERROR_NOENT:
    case G_FILE_ERROR_NODEV:
    case G_FILE_ERROR_NXIO:
      return &missing;
    case G_FILE_ERROR_ACCES:
    case G_FILE_ERROR_PERM:
    case G_FILE_ERROR_ROFS:
      return &forbidden;
    case G_FILE_ERROR_NOSPC:
      return &no_room;
    case G_FILE_ERROR_INVAL:
    case G_FILE_ERROR_ISDIR:
    case G_FILE_ERROR_NOTDIR:
    case G_FILE_ERROR_NAMETOOLONG:
      return &unusable;
    default:
      return &other;
    }
}

/* Of a program that is a task. One that ended with a status may fare better another time: see its last words. */
static const Kind *
find_spawn_kind (int code)
{
  switch ((GSpawnError) code)
    {
    case G_SPAWN_ERROR_NOENT:
    case G_SPAWN_ERROR_CHDIR:
      return &missing;
    case G_SPAWN_ERROR_ACCES:
    case G_SPAWN_ERROR_PERM:
      return &forbidden;
    case G_SPAWN_ERROR_TOO_BIG:
    case G_SPAWN_ERROR_NOEXEC:
      return &unusable;
    default:
      return &other;
    }
}

/* exit: (nullable): that of a task; one of an item has its error alone. */
static gboolean
was_killed (const GError *error, FerryExit *exit)
{
  return exit != NULL ? ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_KILLED
                      : ferry_error_get_cause (error)->signal != 0;
}

/* The kernel kills with SIGKILL for want of memory, and so do users; that is no fault of the function. */
static const Kind *
find_death_kind (const GError *error, FerryExit *exit, gboolean again)
{
  int signal = exit != NULL ? ferry_exit_get_signal (exit) : ferry_error_get_cause (error)->signal;
  gboolean forced = FALSE;

  if (exit != NULL)
    g_object_get (exit, "forced", &forced, NULL);
  if (signal == SIGKILL || signal == SIGTERM)
    return forced ? &killed_here : &killed;
  if (ferry_error_get_cause (error)->lacked_memory)
    return &starved;
  return again ? &crashed_again : &crashed;
}

/* again: it does not end for the first time. */
static const Kind *
find_kind (const GError *error, FerryExit *exit, gboolean again)
{
  if (was_killed (error, exit) && !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    return find_death_kind (error, exit, again);
  if (error->domain == FERRY_ERROR)
    return find_ferry_kind (error->code, exit);
  if (error->domain == G_IO_ERROR)
    return find_io_kind (error->code);
  if (error->domain == G_FILE_ERROR)
    return find_file_kind (error->code);
  if (error->domain == G_SPAWN_ERROR)
    return find_spawn_kind (error->code);
  return &other;
}

/* Whether nothing is to be put behind the character that ends a sentence: '.', '!' and '?', an ellipsis, and the full
 * stop, '!' and '?' of Chinese and Japanese. */
static gboolean
ends_sentence (gunichar last)
{
  static const gunichar ends[] = {'.', '!', '?', 0x2026, 0x3002, 0xff01, 0xff1f};

  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    if (last == ends[i])
      return TRUE;
  return FALSE;
}

char *
ferry_task_error_dup_sentence (const char *text)
{
  const char *place = *text != '\0' ? g_utf8_find_prev_char (text, text + strlen (text)) : NULL;
  gunichar last = place != NULL ? g_utf8_get_char (place) : '.';

  if (ends_sentence (last) || strchr (text, '\n') != NULL)
    return g_strdup (text);
  return g_strconcat (text, g_unichar_iswide (last) ? "\343\200\202" : ".", NULL);
}

/* (transfer full): first has its full stop. Chinese has no space behind that. */
static char *
join_sentences (const char *first, const char *second)
{
  return g_strconcat (first, g_str_has_suffix (first, "\343\200\202") ? "" : " ", second, NULL);
}

char *
ferry_task_error_dup_sentences (const char *title, const char *detail)
{
  g_autofree char *first = ferry_task_error_dup_sentence (title);
  g_autofree char *second = ferry_task_error_dup_sentence (detail);
  g_autofree char *folded_title = g_utf8_casefold (title, -1);
  g_autofree char *folded_detail = g_utf8_casefold (detail, -1);

  if (*detail == '\0' || strstr (folded_title, folded_detail) != NULL)
    return g_steal_pointer (&first);
  if (strstr (folded_detail, folded_title) != NULL)
    return g_steal_pointer (&second);
  return join_sentences (first, second);
}

static char *
dup_without_stop (const char *message)
{
  char *sentence = ferry_task_words_straighten (message);

  if (g_str_has_suffix (sentence, "."))
    sentence[strlen (sentence) - 1] = '\0';
  return sentence;
}

/* (transfer full) (nullable): both nullable. */
static char *
describe_harm (const char *files, const char *note)
{
  g_autofree char *names = files != NULL ? ferry_task_words_straighten (files) : NULL;

  if (names != NULL)
    /* Translators: after a crash. The names of the files have quotation marks: "'a.png', 'b.png' may be incomplete". */
    return g_strdup_printf (_ ("%s may be incomplete"), names);
  return g_strdup (note);
}

char *
ferry_task_error_dup_harm (FerryTask *task)
{
  const char *files, *note;

  ferry_task_get_harm (task, &files, &note);
  return describe_harm (files, note);
}

/* (transfer full): cause, and harm (nullable), which the user has to know as well. */
static char *
add_harm (const char *cause, const char *harm)
{
  g_autofree char *first = ferry_task_error_dup_sentence (cause);

  return harm != NULL ? join_sentences (first, harm) : g_strdup (cause);
}

/* (transfer full): the cause first. */
static char *
add_advice (const Kind *kind)
{
  g_autofree char *cause = ferry_task_error_dup_sentence (ferry_gtk_gettext (kind->own_detail));

  return kind->advice != NULL ? join_sentences (cause, ferry_gtk_gettext (kind->advice))
                              : g_strdup (ferry_gtk_gettext (kind->own_detail));
}

/* Users are told in their words of what only an author of the application can mend, who reads the log. */
static void
log_for_authors (FerryTask *task, const Kind *kind, const GError *error)
{
  if (error->domain != FERRY_ERROR || kind->advice == NULL || g_object_get_data (G_OBJECT (task), LOGGED_KEY) != NULL)
    return;
  g_object_set_data (G_OBJECT (task), LOGGED_KEY, GINT_TO_POINTER (TRUE));
  g_message ("Task '%s' failed: %s", ferry_task_get_name (task), error->message);
}

/* Of a program, the library says for users what became of it, and which files may be incomplete. */
static gboolean
is_said_of_program (FerryTask *task, const GError *error)
{
  g_autofree char *function = NULL;
  g_autoptr (GVariant) arguments = NULL;

  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST))
    return FALSE;
  g_object_get (task, "function", &function, "arguments", &arguments, NULL);
  return g_strcmp0 (function, "command") == 0 && arguments != NULL &&
         g_variant_is_of_type (arguments, G_VARIANT_TYPE_VARDICT);
}

/* (transfer full): a limit of time, within a sentence. */
static char *
format_limit (gint64 limit)
{
  const guint64 seconds = ((guint64) limit + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC;
  const guint minutes = (guint) ((seconds + SECONDS_PER_MINUTE / 2) / SECONDS_PER_MINUTE);
  const guint hours = (minutes + MINUTES_PER_HOUR / 2) / MINUTES_PER_HOUR;

  if (limit < SHORT_LIMIT && limit % G_USEC_PER_SEC != 0)
    /* Translators: a limit of time, as in "Not done in the 2.5 seconds that it had". So are the next ones. */
    return g_strdup_printf (_ ("%.3g seconds"), (double) limit / G_USEC_PER_SEC);
  if (seconds < SECONDS_PER_MINUTE || (seconds < LONG_LIMIT && seconds % SECONDS_PER_MINUTE != 0))
    return g_strdup_printf (ferry_gtk_ngettext ("%u second", "%u seconds", (gulong) seconds), (guint) seconds);
  if (minutes < MINUTES_PER_HOUR || (minutes < LONG_LIMIT && minutes % MINUTES_PER_HOUR != 0))
    return g_strdup_printf (ferry_gtk_ngettext ("%u minute", "%u minutes", minutes), minutes);
  return g_strdup_printf (ferry_gtk_ngettext ("%u hour", "%u hours", hours), hours);
}

/* (transfer full): why it failed, without what came to harm by that. is_said: the message says it to users. */
static char *
describe_cause (const GError *error, FerryExit *exit, const Kind *kind, gboolean is_said)
{
  gint64 limit = ferry_error_get_cause (error)->limit;
  g_autofree char *words = limit > 0 ? format_limit (limit) : NULL;

  if (words != NULL)
    /* Translators: how long it might have run: "Not done in the 30 seconds that it had". */
    return g_strdup_printf (_ ("Not done in the %s that it had"), words);
  if (kind->own_detail != NULL && !is_said && (error->domain == FERRY_ERROR || was_killed (error, exit)))
    return add_advice (kind);
  return NULL;
}

/* (transfer full): harm: (nullable). */
static char *
describe (const GError *error, FerryExit *exit, const Kind *kind, gboolean is_said, const char *harm)
{
  g_autofree char *cause = describe_cause (error, exit, kind, is_said);

  return cause != NULL ? add_harm (cause, harm) : dup_without_stop (error->message);
}

char *
ferry_task_error_dup_technical (FerryTask *task)
{
  const GError *error = ferry_task_get_error (task);
  FerryExit *exit = ferry_task_get_exit (task);
  g_autofree char *function = NULL;

  if (error == NULL || exit == NULL || !was_killed (error, exit))
    return g_strdup (error != NULL ? error->message : "");
  g_object_get (task, "function", &function, NULL);
  return g_strdup_printf ("%s: %s", function, ferry_exit_get_message (exit));
}

/**
 * ferry_describe_error:
 * @error: an error of a task, of a call, or of an item of a map
 *
 * Says why something failed, in the language of the user: the message of the function's own error, or what the library
 * says of a crash, of a process that was killed, of a time that was over and the like, whose messages are for
 * developers.
 *
 * The error is one that the library has given to this process, or a copy of it. One that was made anew from domain,
 * code and message does not know how its process ended. [func@FerryGtk.task_describe_error] has a title as well, and
 * whether it helps to try a task again. Any thread.
 *
 * Returns: (transfer full): the cause, in one sentence without a full stop at its end, such as `A fault in the program
 *   ended this task`. Another sentence says what may help, and one which files may be damaged
 */
char *
ferry_describe_error (const GError *error)
{
  const FerryErrorCause *cause;
  g_autofree char *harm = NULL;
  const char *note;

  g_return_val_if_fail (error != NULL, NULL);

  cause = ferry_error_get_cause (error);
  note = ferry_run_get_addition (error);
  harm = describe_harm (cause->files, *note != '\0' ? note + strlen ("; ") : NULL);
  return describe (error, NULL, find_kind (error, NULL, FALSE), cause->is_for_people, harm);
}

/* ---- what has failed of many ---- */

/* (transfer full): a line of a list. number: from 0 on. */
static char *
dup_line (guint64 number, const char *name, const char *text)
{
  g_autofree char *count = ferry_format_count (number + 1);
  /* Translators: one of many that have no names; the first is number 1. */
  g_autofree char *item = g_strdup_printf (_ ("Item %s"), count);

  return g_strdup_printf ("%s: %s", *name != '\0' ? name : item, text);
}

/* (transfer full) (nullable) (element-type utf8): a line for each failure that is known. n_more: of how many it is not
 * known; NULL: the lines are for developers. */
static GStrvBuilder *
list_failures (FerryTask *task, guint64 *n_more)
{
  GPtrArray *errors = ferry_task_get_failure_errors (task);
  g_autoptr (GVariant) failures = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  guint64 number, n_failed, n_parts;
  const char *name, *message;
  GStrvBuilder *lines;

  g_object_get (task, "failures", &failures, NULL);
  if (failures == NULL)
    return NULL;
  g_variant_get (failures, "(tta(tss))", &n_failed, &n_parts, &iter);
  if (n_parts <= 1)
    return NULL;
  lines = g_strv_builder_new ();
  for (guint i = 0; g_variant_iter_next (iter, "(t&s&s)", &number, &name, &message); i++)
    {
      g_autofree char *words = ferry_describe_error (g_ptr_array_index (errors, i));
      g_autofree char *line = dup_line (number, name, n_more != NULL ? words : message);

      if (n_more != NULL || !g_str_has_prefix (message, words))
        g_strv_builder_add (lines, line);
    }
  if (n_more != NULL)
    *n_more = n_failed - errors->len;
  return lines;
}

char *
ferry_task_error_list_failures (FerryTask *task)
{
  guint64 n_more;
  g_autoptr (GStrvBuilder) builder = list_failures (task, &n_more);
  g_auto (GStrv) lines = builder != NULL ? g_strv_builder_end (builder) : NULL;
  g_autofree char *list = lines != NULL ? g_strjoinv ("\n", lines) : NULL;
  g_autofree char *count = lines != NULL && n_more > 0 ? ferry_format_count (n_more) : NULL;
  g_autofree char *more = NULL;

  if (count == NULL)
    return g_steal_pointer (&list);
  /* Translators: below a list of ten that have failed: "and 5 more". */
  more = g_strdup_printf (_ ("and %s more"), count);
  return g_strjoin ("\n", list, more, NULL);
}

char *
ferry_task_error_list_technical (FerryTask *task)
{
  g_autoptr (GStrvBuilder) builder = list_failures (task, NULL);
  g_auto (GStrv) lines = builder != NULL ? g_strv_builder_end (builder) : NULL;

  return lines != NULL && *lines != NULL ? g_strjoinv ("\n", lines) : NULL;
}

/* ---- of a task ---- */

/* Whether it does not end for the first time. */
static gboolean
is_again (FerryTask *task)
{
  guint n_attempts;

  g_object_get (task, "n-attempts", &n_attempts, NULL);
  return n_attempts > 1 || ferry_task_has_crashed_before (task);
}

/* (transfer full): why the task failed. */
static char *
describe_task (FerryTask *task, const GError *error, FerryExit *exit, const Kind *kind)
{
  g_autofree char *harm = ferry_task_error_dup_harm (task);

  return describe (error, exit, kind, is_said_of_program (task, error), harm);
}

/**
 * ferry_task_describe_error:
 * @task: a task that is done
 * @title: (out) (optional) (nullable) (transfer full): what happened, in a few words, such as `It crashed`
 * @detail: (out) (optional) (nullable) (transfer full): the cause, in one sentence without a full stop at its end: the
 *   message of the function's own error, or what the library says of a crash and the like. Another sentence says what
 * may help, and one which files may be damaged, where the task was ended while it wrote them
 * @can_retry: (out) (optional): whether the same task may fare better when it is tried again
 *
 * Describes why a task failed, in the language of the user. Title and detail do not say the same twice, so that either
 * can stand alone. What is a mistake in the application, such as a result of another type than it was registered with,
 * is said in words that help users; the log has once, as a message, what its author has to mend. Of a task that stands
 * for a map or a group, both are how much of it failed, such as `9 of 60 pictures failed`: see
 * [property@Ferry.Task:failures]. What is for developers, such as the signal that killed a worker, is in
 * [method@Ferry.Task.get_error] and [method@Ferry.Task.get_exit].
 *
 * A retry makes sense after a crash, a time that was over, or a full disk. It does not where something is missing, not
 * allowed or of a wrong kind, and not after a crash that has repeated: in another attempt of the task, or in one that
 * [method@Ferry.Executor.retry] or a list has made of it. On the thread that runs GTK.
 *
 * Returns: whether the task failed; if not, the texts are %NULL
 */
gboolean
ferry_task_describe_error (FerryTask *task, char **title, char **detail, gboolean *can_retry)
{
  g_autofree char *failures = NULL;
  const GError *error;
  FerryExit *exit;
  const Kind *kind;

  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);

  error = ferry_task_get_done (task) ? ferry_task_get_error (task) : NULL;
  exit = error != NULL ? ferry_task_get_exit (task) : NULL;
  kind = error != NULL ? find_kind (error, exit, is_again (task)) : NULL;
  failures = kind != NULL ? ferry_task_words_for_failures (task) : NULL;
  if (title != NULL)
    *title = g_strdup (failures != NULL || kind == NULL ? failures : ferry_gtk_gettext (kind->title));
  if (detail != NULL)
    *detail = failures != NULL || kind == NULL ? g_strdup (failures) : describe_task (task, error, exit, kind);
  if (can_retry != NULL)
    *can_retry = kind != NULL && kind->can_retry;
  if (kind != NULL && failures == NULL)
    log_for_authors (task, kind, error);
  return kind != NULL;
}
