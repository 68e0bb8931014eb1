/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How an invocation is answered.
 *
 * Who sets FERRY_INVOCATION_ANSWERED has the answer. Where the transport has no room for it, a thread that may wait
 * does, and for others the transport keeps the invocation until there is room: so only the end of the transport loses
 * one. */

#include "config.h"

#include "call/ferry-invocation-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-known-types-private.h"
#include "call/ferry-remote-error-private.h"

/* How much is left of the message of an error that was too large to be sent. */
#define SHORT_MESSAGE 1024

/* Takes the right to answer; function is what the program called, or what of the library answers. A cancel that is on
 * its way into the cancellable gets there first: that is a few instructions of another thread's, none of them anybody
 * else's code. */
static gboolean
claim (FerryInvocation *self, const char *function)
{
  guint before = atomic_fetch_or_explicit (&self->state, FERRY_INVOCATION_ANSWERED, memory_order_acq_rel);
  gboolean is_first_answer = (before & FERRY_INVOCATION_ANSWERED) == 0;

  if (!is_first_answer)
    {
      g_autofree char *words = ferry_invocation_dup_words (self);

      ferry_critical ("%s: the call of “%s” was answered already; answer each call once", function, words);
      return FALSE;
    }
  if ((before & FERRY_INVOCATION_FIRING) != 0)
    while (!g_cancellable_is_cancelled (atomic_load_explicit (&self->cancellable, memory_order_acquire)))
      g_thread_yield ();
  return TRUE;
}

static gboolean
try_send (FerryInvocation *self, GError **error)
{
  const char *const notes[] = {self->note, NULL};

  switch (self->kind)
    {
    case FERRY_CALL_ANSWER:
      return ferry_call_answer (self->call, self->value, error);
    case FERRY_CALL_REFUSE:
      return ferry_call_refuse (self->call, self->failure, error);
    default:
      return ferry_call_answer_error (self->call, self->failure, self->trace, notes, error);
    }
}

static char *
make_trace (FerryInvocation *self, const GError *failure)
{
  g_autofree char *inner = ferry_error_dup_trace (failure, self->begun);
  g_autofree char *words = ferry_invocation_dup_words (self);

  return ferry_trace_add_place (inner, words);
}

/* An answer that cannot be sent is an error that says so; an error that cannot is cut. Returns FALSE when nothing
 * simpler is left. */
static gboolean
simplify (FerryInvocation *self, const GError *refusal)
{
  g_autofree char *words = ferry_invocation_dup_words (self);

  if (self->kind == FERRY_CALL_ANSWER)
    {
      self->kind = FERRY_CALL_ERROR;
      self->failure = g_error_copy (refusal);
      g_prefix_error (&self->failure, "The answer to “%s” cannot be sent: ", words);
      self->trace = make_trace (self, refusal);
      g_clear_pointer (&self->value, g_variant_unref);
      return TRUE;
    }
  if (!self->shortened)
    {
      const char *message = self->failure->message;
      g_autofree char *start = g_utf8_make_valid (message, (gssize) strnlen (message, SHORT_MESSAGE));
      GError *shortened = g_error_new (self->failure->domain, self->failure->code, "%s…", start);

      g_clear_error (&self->failure);
      self->failure = shortened;
      g_clear_pointer (&self->trace, g_free);
      self->note = "The error was too large to be sent as a whole";
      self->shortened = TRUE;
      return TRUE;
    }
  g_warning ("The answer to “%s” cannot be sent: %s", words, refusal->message);
  return FALSE;
}

/* Returns FALSE while the transport has no room. */
static gboolean
send_answer (FerryInvocation *self)
{
  g_autoptr (GError) refusal = NULL;

  do
    {
      g_clear_error (&refusal);
      if (try_send (self, &refusal) || g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_CLOSED))
        return TRUE;
      if (g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        return FALSE;
    }
  while (!ferry_transport_get_closed (self->transport) && simplify (self, refusal));
  return TRUE;
}

static gboolean
send_kept (gpointer data)
{
  FerryInvocation *self = data;

  if (!send_answer (self))
    return FALSE;
  ferry_invocation_unref (self);
  return TRUE;
}

static void
deliver (FerryInvocation *self, gboolean waits)
{
  guint64 count = ferry_transport_get_room_count (self->transport);

  while (!send_answer (self))
    {
      if (!waits || !ferry_invocation_may_wait (self))
        {
          ferry_transport_send_later (self->transport, send_kept, ferry_invocation_ref (self), count);
          return;
        }
      ferry_transport_wait_for_room (self->transport, count, 0, NULL, NULL);
      count = ferry_transport_get_room_count (self->transport);
    }
}

/* Takes trace, which is (nullable). */
static void
deliver_failure (FerryInvocation *self, FerryCallKind kind, const GError *failure, char *trace, gboolean waits)
{
  g_autofree char *taken = trace;

  if (ferry_invocation_is_one_way (self))
    {
      g_debug ("A one-way call of “%s” failed: %s", ferry_invocation_get_method (self), failure->message);
      return;
    }
  self->kind = kind;
  self->failure = g_error_copy (failure);
  self->trace = g_steal_pointer (&taken);
  deliver (self, waits);
}

void
ferry_invocation_turn_away (FerryInvocation *self, const GError *reason)
{
  gboolean is_refusal = g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_REFUSED);

  if (!claim (self, "A demux"))
    return;
  if (is_refusal)
    deliver_failure (self, FERRY_CALL_REFUSE, reason, NULL, FALSE);
  else
    deliver_failure (self, FERRY_CALL_ERROR, reason, make_trace (self, reason), FALSE);
}

gboolean
ferry_invocation_check_in_time (FerryInvocation *self)
{
  guint cancelled = ferry_call_get_cancelled (self->call);
  gint64 deadline = ferry_call_get_deadline (self->call);
  g_autofree char *words = NULL;

  if (cancelled == 0 && deadline != 0 && g_get_monotonic_time () >= deadline)
    cancelled = FERRY_CANCEL_REASON_DEADLINE;
  if (cancelled == 0)
    return TRUE;
  words = ferry_invocation_dup_words (self);
  if (cancelled == FERRY_CANCEL_REASON_DEADLINE)
    ferry_invocation_return_new_error (self, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                                       "The time of the call of “%s” was over before it was begun", words);
  else
    ferry_invocation_return_new_error (self, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                       "The call of “%s” was cancelled before it was begun", words);
  return FALSE;
}

/**
 * ferry_invocation_return_value:
 * @self: an invocation
 * @value: (nullable): the answer; a floating reference is taken
 *
 * Answers. A value that cannot be sent, as it is larger than the transport takes, becomes an error that says so.
 *
 * Any thread. Where the transport has no room, this waits for it, but not on the thread of a main loop or the one that
 * receives: there the answer is kept and sent later.
 *
 * Since: 0.1
 */
void
ferry_invocation_return_value (FerryInvocation *self, GVariant *value)
{
  g_autoptr (GVariant) taken = value != NULL ? g_variant_ref_sink (value) : NULL;

  g_return_if_fail (self != NULL);

  if (!claim (self, "ferry_invocation_return_value()") || ferry_invocation_is_one_way (self))
    return;
  if (taken != NULL)
    ferry_known_types_add (taken);
  self->kind = FERRY_CALL_ANSWER;
  self->value = g_steal_pointer (&taken);
  deliver (self, TRUE);
}

/**
 * ferry_invocation_return_error:
 * @self: an invocation
 * @failure: why there is no answer
 *
 * Answers with an error. Domain, code and message arrive as they are, with a trace
 * ([func@Ferry.Error.get_trace]) that names this process and the method, and what the error had of a trace already when
 * it came from yet another process. Threads as with [method@Ferry.Invocation.return_value].
 *
 * Since: 0.1
 */
void
ferry_invocation_return_error (FerryInvocation *self, const GError *failure)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (failure != NULL);

  if (claim (self, "ferry_invocation_return_error()"))
    deliver_failure (self, FERRY_CALL_ERROR, failure, make_trace (self, failure), TRUE);
}

void
ferry_invocation_pass_error (FerryInvocation *self, const GError *failure)
{
  if (claim (self, "An exporter"))
    deliver_failure (self, FERRY_CALL_ERROR, failure, ferry_error_dup_trace (failure, self->begun), TRUE);
}

/**
 * ferry_invocation_return_new_error:
 * @self: an invocation
 * @domain: the domain of the error
 * @code: its code
 * @format: its message, as for printf()
 * @...: what the format takes
 *
 * Answers with an error that is made here: see [method@Ferry.Invocation.return_error]. Any thread.
 *
 * Since: 0.1
 */
void
ferry_invocation_return_new_error (FerryInvocation *self, GQuark domain, int code, const char *format, ...)
{
  g_autoptr (GError) failure = NULL;
  va_list arguments;

  g_return_if_fail (self != NULL);
  g_return_if_fail (domain != 0);
  g_return_if_fail (format != NULL);

  va_start (arguments, format);
  failure = g_error_new_valist (domain, code, format, arguments);
  va_end (arguments);
  ferry_invocation_return_error (self, failure);
}

/**
 * ferry_invocation_refuse:
 * @self: an invocation
 * @reason: why, with what to do about it
 *
 * Answers that nothing was begun: whoever asked gets %FERRY_ERROR_REFUSED, and may ask again, here or elsewhere.
 * Threads as with [method@Ferry.Invocation.return_value].
 *
 * Since: 0.1
 */
void
ferry_invocation_refuse (FerryInvocation *self, const char *reason)
{
  g_autoptr (GError) failure = NULL;

  g_return_if_fail (self != NULL);
  g_return_if_fail (reason != NULL);

  failure = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, reason);
  if (claim (self, "ferry_invocation_refuse()"))
    deliver_failure (self, FERRY_CALL_REFUSE, failure, NULL, TRUE);
}
