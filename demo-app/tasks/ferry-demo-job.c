/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What can be added on the page of tasks: each kind of work, with its name and arguments. */

#include "tasks/ferry-demo-job.h"

#include <ferry-gtk.h>
#include <glib/gi18n.h>
#include <string.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-message.h"

#define ENDLESS "endless"
#define FOLLOWED_KEY "ferry-demo-followed"

/* A function that is cancelled has so long for leaving in peace, before its worker is ended. */
#define CANCEL_GRACE G_USEC_PER_SEC
/* A job that hangs ends by itself when it is not cancelled. */
#define HANG_TIMEOUT (600 * G_USEC_PER_SEC)

static const struct
{
  const char *name;
  const char *usual;
  guint64 least, most; /* 0 where there is no number */
} kinds[FERRY_DEMO_N_KINDS] = {
  [FERRY_DEMO_KIND_PRIMES] = {"primes", "3000000", 2, G_GUINT64_CONSTANT (100000000000)},
  [FERRY_DEMO_KIND_CRASH] = {"crash", "", 0, 0},
  [FERRY_DEMO_KIND_HANG] = {"hang", "", 0, 0},
  [FERRY_DEMO_KIND_FLOOD] = {"flood", "2000000", 1, G_MAXINT64},
};

/* ---- jobs as words, and as tasks ---- */

static gboolean
find_kind (const char *name, FerryDemoKind *kind)
{
  for (*kind = 0; *kind < FERRY_DEMO_N_KINDS; (*kind)++)
    if (g_str_equal (kinds[*kind].name, name))
      return TRUE;
  return FALSE;
}

gboolean
ferry_demo_job_parse (const char *text, FerryDemoJob *job, GError **error)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GStrv) parts = g_strsplit (valid, ":", 2);
  const char *number = parts[0] != NULL && parts[1] != NULL ? parts[1] : "";

  *job = (FerryDemoJob){0};
  if (!find_kind (parts[0] != NULL ? parts[0] : "", &job->kind))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   _ ("There is no job '%s': choose among primes, crash, hang and flood"), valid);
      return FALSE;
    }
  if (kinds[job->kind].most == 0 && *number != '\0')
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _ ("The job %s takes no number"), parts[0]);
      return FALSE;
    }
  if (kinds[job->kind].most == 0 || (job->kind == FERRY_DEMO_KIND_FLOOD && g_str_equal (number, ENDLESS)))
    return TRUE;
  return g_ascii_string_to_unsigned (*number != '\0' ? number : kinds[job->kind].usual, 10, kinds[job->kind].least,
                                     kinds[job->kind].most, &job->number, error);
}

static char *
make_title (FerryDemoJob job)
{
  g_autofree char *number = ferry_format_count (job.number);

  switch (job.kind)
    {
    case FERRY_DEMO_KIND_PRIMES:
      return g_strdup_printf (_ ("Primes up to %s"), number);
    case FERRY_DEMO_KIND_CRASH:
      return g_strdup (_ ("A task that crashes"));
    case FERRY_DEMO_KIND_HANG:
      return g_strdup (_ ("A task that hangs"));
    case FERRY_DEMO_KIND_FLOOD:
      return job.number == 0 ? g_strdup (_ ("An endless flood of messages"))
                             : g_strdup_printf (_ ("A flood of %s messages"), number);
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

FerryTask *
ferry_demo_job_make_task (FerryDemoJob job)
{
  GVariant *arguments = kinds[job.kind].most > 0 ? g_variant_new_uint64 (job.number) : NULL;
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, kinds[job.kind].name, arguments);
  g_autofree char *title = make_title (job);

  /* Primes are counted again where their host is lost or the demo has ended; all else waits for somebody then. */
  g_object_set (task, "name", title, "idempotent", job.kind == FERRY_DEMO_KIND_PRIMES, "application-data", arguments,
                NULL);
  ferry_task_set_cancel_grace (task, CANCEL_GRACE);
  if (job.kind == FERRY_DEMO_KIND_HANG)
    ferry_task_set_run_timeout (task, HANG_TIMEOUT);
  return task;
}

/* ---- what a task says ---- */

typedef struct
{
  FerryDemoJob job;
  gboolean was_done; /* in an earlier run of the demo, which has heard the messages */
  guint64 n_messages;
  gboolean has_lied;
} Followed;

static void
message_cb (FerryTask *task, const char *type, GVariant *value, Followed *followed)
{
  gboolean is_due = followed->job.kind == FERRY_DEMO_KIND_FLOOD && g_str_equal (type, FERRY_DEMO_FLOOD) &&
                    value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64) &&
                    g_variant_get_uint64 (value) == followed->n_messages;

  if (followed->has_lied)
    return;
  followed->n_messages++;
  followed->has_lied = !is_due || (followed->job.number != 0 && followed->n_messages > followed->job.number);
  if (followed->has_lied)
    ferry_task_cancel (task);
}

/* NULL where the result cannot be. */
static char *
describe_result (Followed *followed, GVariant *result)
{
  guint64 number = g_variant_is_of_type (result, G_VARIANT_TYPE_UINT64) ? g_variant_get_uint64 (result) : G_MAXUINT64;
  g_autofree char *messages = NULL;

  if (followed->job.kind == FERRY_DEMO_KIND_PRIMES && number < followed->job.number)
    return ferry_demo_format_counted (number, ngettext ("%s prime", "%s primes", number));
  if (followed->job.kind != FERRY_DEMO_KIND_FLOOD || number != followed->job.number ||
      (number != followed->n_messages && !followed->was_done))
    return NULL;
  messages = ferry_demo_format_counted (number, ngettext ("%s message", "%s messages", number));
  return followed->was_done ? g_steal_pointer (&messages) : g_strdup_printf (_ ("%s, complete and in order"), messages);
}

static void
state_cb (FerryTask *task, GParamSpec *pspec, Followed *followed)
{
  g_autoptr (GVariant) result =
    ferry_task_get_state (task) == FERRY_TASK_STATE_COMPLETED ? ferry_task_get_result (task, NULL) : NULL;
  g_autofree char *words = NULL;

  if (result != NULL && !followed->has_lied)
    {
      words = describe_result (followed, result);
      followed->has_lied = words == NULL;
    }
  if (followed->has_lied && ferry_task_get_done (task))
    ferry_task_set_outcome (task, FERRY_TASK_STATUS_FAILED, _ ("The worker said what cannot be"));
  else if (words != NULL)
    ferry_task_set_outcome (task, FERRY_TASK_STATUS_DONE, words);
}

void
ferry_demo_job_follow (FerryTask *task)
{
  Followed *followed;
  g_autoptr (GVariant) number = NULL;
  g_autofree char *function = NULL;
  FerryDemoJob job = {0};

  g_object_get (task, "function", &function, "application-data", &number, NULL);
  /* A task is in the list again where an undo has submitted it. */
  if (g_object_get_data (G_OBJECT (task), FOLLOWED_KEY) != NULL || !find_kind (function, &job.kind))
    return;
  if (number != NULL && g_variant_is_of_type (number, G_VARIANT_TYPE_UINT64))
    job.number = g_variant_get_uint64 (number);
  followed = g_new0 (Followed, 1);
  followed->job = job;
  followed->was_done = ferry_task_get_done (task);
  g_object_set_data_full (G_OBJECT (task), FOLLOWED_KEY, followed, g_free);
  g_signal_connect (task, "message", G_CALLBACK (message_cb), followed);
  g_signal_connect (task, "notify::state", G_CALLBACK (state_cb), followed);
  state_cb (task, NULL, followed);
}
