/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/ferry-answer-private.h"

#include <errno.h>
#include <string.h>

#include "base/ferry-base-private.h"

/* How many bytes of its message an error keeps that is too large to be sent. */
#define SHORT_MESSAGE 1024

void
ferry_answer_clear (FerryAnswer *self)
{
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->failure);
  g_clear_pointer (&self->trace, g_free);
}

void
ferry_answer_set_unknown (GError **error, const char *name)
{
  ferry_set_error (error, FERRY_ERROR_UNKNOWN_FUNCTION,
                   "The program of worker “%s” has no function “%s”; have it call ferry_function_register() before "
                   "ferry_worker_main()",
                   program_invocation_short_name, name);
}

gboolean
ferry_answer_begin (FerryAnswer *self, FerryCall *call, const FerryFunctionEntry *function)
{
  const char *name = ferry_call_get_method (call);
  guint cancelled = ferry_call_get_cancelled (call);
  gint64 deadline = ferry_call_get_deadline (call);

  self->begun_at = g_get_monotonic_time ();
  if (cancelled == FERRY_CANCEL_REASON_DEADLINE || (cancelled == 0 && deadline != 0 && self->begun_at >= deadline))
    ferry_set_error (&self->failure, FERRY_ERROR_TIMED_OUT, "The call's time was over before it was begun");
  else if (cancelled != 0)
    g_set_error_literal (&self->failure, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                         "The call was cancelled before it was begun");
  else if (ferry_call_get_task_kind (call) > FERRY_TASK_KIND_STEPS)
    ferry_set_error (
      &self->failure, FERRY_ERROR_BAD_ARGUMENTS,
      "The call of “%s” is of a kind of task that the worker does not know; build application and worker "
      "with the same version of Ferry",
      name);
  else if (function == NULL)
    ferry_answer_set_unknown (&self->failure, name);
  else
    return ferry_function_check_arguments (function, ferry_call_get_arguments (call), &self->failure);
  return FALSE;
}

void
ferry_answer_take (FerryAnswer *self, const FerryFunctionEntry *function, GVariant *result, GError *failure,
                   FerryJob *job)
{
  self->result = result != NULL ? g_variant_take_ref (result) : NULL;
  self->failure = failure;
  if (failure != NULL && result != NULL)
    {
      self->note = "The function returned a value as well, which was dropped";
      g_warning ("Function “%s” set an error and returned a value; the error counts: %s", function->name,
                 failure->message);
    }
  if (failure == NULL)
    ferry_function_check_result (function, self->result, &self->failure);
  if (self->failure != NULL)
    self->trace = ferry_job_make_trace (job, self->failure);
}

/* Whether no answer can be sent any more. */
static gboolean
is_closed (const GError *refusal)
{
  return g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_CLOSED) ||
         g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_STOPPED);
}

/* Sends the failure with a shortened message and without its trace. */
static void
send_short_failure (const GError *failure, FerryCall *call)
{
  const char *const notes[] = {"The error was too large to be sent as a whole", NULL};
  g_autofree char *start = g_utf8_make_valid (failure->message, (gssize) strnlen (failure->message, SHORT_MESSAGE));
  g_autoptr (GError) shortened = g_error_new (failure->domain, failure->code, "%s…", start);
  g_autoptr (GError) refusal = NULL;

  if (!ferry_call_answer_error (call, shortened, NULL, notes, &refusal) && !is_closed (refusal))
    g_warning ("The failure of call %" G_GUINT64_FORMAT " of “%s” cannot be sent: %s", ferry_call_get_xid (call),
               ferry_call_method_in_words (ferry_call_get_method (call)), refusal->message);
}

static void
send_failure (FerryAnswer *self, FerryCall *call)
{
  const char *const notes[] = {self->note, NULL};
  g_autoptr (GError) refusal = NULL;

  if (!ferry_call_answer_error (call, self->failure, self->trace, notes, &refusal) && !is_closed (refusal))
    send_short_failure (self->failure, call);
}

void
ferry_answer_send (FerryAnswer *self, FerryCall *call)
{
  ferry_debug_often ("Ends call %" G_GUINT64_FORMAT " of “%s” after %" G_GINT64_FORMAT " µs: %s",
                     ferry_call_get_xid (call), ferry_call_get_method (call), g_get_monotonic_time () - self->begun_at,
                     self->failure != NULL ? self->failure->message : "a result");
  if (self->failure == NULL && !ferry_call_answer (call, self->result, &self->failure))
    {
      if (is_closed (self->failure))
        return;
      g_prefix_error (&self->failure, "The result of function “%s” cannot be sent: ", ferry_call_get_method (call));
    }
  if (self->failure != NULL)
    send_failure (self, call);
}
