/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request that a demux received, and its answer.
 *
 * Answering:  if the transport has no room, a thread that may wait does so. On any other thread, the transport
 *             keeps the invocation until there is room. So an answer is lost only if the transport ends.
 * Memory:     the invocation lies in the memory of its call, so a request needs one allocation. A cancel finds the call
 *             in the table of calls. The function cancelled_cb() may use the invocation and its cancellable as long as
 *             it has a reference to the call. */

#include "config.h"

#include "conversation/ferry-demux-invocation-private.h"

#include "conversation/ferry-invocation-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-remote-error-private.h"

G_STATIC_ASSERT (sizeof (FerryDemuxInvocation) <= FERRY_CALL_SPACE);

/* The length in bytes to which the message of an error is cut if the error is too large to be sent. */
#define SHORT_MESSAGE 1024

/* ---- the end ---- */

static void
destroy (FerryInvocation *invocation)
{
  FerryDemuxInvocation *self = (FerryDemuxInvocation *) invocation;

  if (!ferry_invocation_is_answered (invocation))
    {
      g_autofree char *words = ferry_invocation_dup_words (invocation);
      g_autoptr (GError) reason = g_error_new (
        FERRY_ERROR, FERRY_ERROR_REFUSED, "The call of '%s' was dropped without an answer; ask again later", words);

      /* The new reference is for sending the refusal. The unref then finds the invocation answered, and frees it.
       * Relaxed: no other thread has a reference. */
      atomic_store_explicit (&invocation->references, 1, memory_order_relaxed);
      ferry_demux_invocation_turn_away (invocation, reason);
      ferry_invocation_unref (invocation);
      return;
    }
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->failure);
  g_clear_pointer (&self->trace, g_free);
  ferry_call_unref (self->call);
}

static FerryTransport *
get_transport (FerryInvocation *invocation)
{
  return ferry_call_get_transport (((FerryDemuxInvocation *) invocation)->call);
}

/* ---- cancelling ---- */

static gboolean
is_cancelled (FerryInvocation *invocation)
{
  return ferry_call_get_cancelled (((FerryDemuxInvocation *) invocation)->call) != 0;
}

/* any: Cancels the cancellable, unless the invocation was answered. The caller holds a reference to the call, but
 * maybe none to the invocation. */
static void
cancelled_cb (FerryCall *call, gpointer data)
{
  FerryDemuxInvocation *self = data;
  /* Acquire, here and below: sees the cancellable that get_cancellable() released. get_cancellable() makes the
   * cancellable before it sets this function. */
  GCancellable *cancellable = atomic_load_explicit (&self->cancellable, memory_order_acquire);
  guint state = atomic_load_explicit (&self->base.state, memory_order_acquire);

  do
    {
      if ((state & FERRY_INVOCATION_ANSWERED) != 0)
        return;
    }
  while (!atomic_compare_exchange_weak_explicit (&self->base.state, &state, state | FERRY_INVOCATION_FIRING,
                                                 memory_order_acq_rel, memory_order_acquire));
  g_cancellable_cancel (cancellable);
}

/* Returns (transfer none) the cancellable of the request. The first call of this function makes it. */
static GCancellable *
get_cancellable (FerryInvocation *invocation)
{
  FerryDemuxInvocation *self = (FerryDemuxInvocation *) invocation;
  GCancellable *present = atomic_load_explicit (&self->cancellable, memory_order_acquire);
  g_autoptr (GCancellable) made = NULL;

  if (present != NULL)
    return present;
  made = g_cancellable_new ();
  /* Release: publishes this cancellable. Acquire: sees the content of another thread's, if that was first. */
  if (!atomic_compare_exchange_strong_explicit (&self->cancellable, &present, made, memory_order_acq_rel,
                                                memory_order_acquire))
    return present;
  ferry_call_attach (self->call, made, g_object_unref);
  ferry_call_set_cancel_func (self->call, cancelled_cb, self);
  return g_steal_pointer (&made);
}

/* ---- answering ---- */

/* Whether this thread may wait for room. A thread that is dispatching sources of a main context must not wait, nor
 * the receiving thread. */
static gboolean
may_wait (FerryDemuxInvocation *self)
{
  return g_main_depth () == 0 && ferry_transport_check_may_wait (ferry_call_get_transport (self->call), "", NULL);
}

static gboolean
try_send (FerryDemuxInvocation *self, GError **error)
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
make_trace (FerryDemuxInvocation *self, const GError *failure)
{
  g_autofree char *inner = ferry_error_dup_trace (failure, self->begun);
  g_autofree char *words = ferry_invocation_dup_words (&self->base);

  return ferry_trace_add_place (inner, words);
}

/* Changes an answer that cannot be sent: a result becomes an error that says why, and an error is cut. Returns FALSE
 * if the error was cut already. */
static gboolean
simplify (FerryDemuxInvocation *self, const GError *refusal)
{
  g_autofree char *words = ferry_invocation_dup_words (&self->base);

  if (self->kind == FERRY_CALL_ANSWER)
    {
      self->kind = FERRY_CALL_ERROR;
      self->failure = g_error_copy (refusal);
      g_prefix_error (&self->failure, "The answer to '%s' cannot be sent: ", words);
      self->trace = make_trace (self, refusal);
      g_clear_pointer (&self->value, g_variant_unref);
      return TRUE;
    }
  if (self->note == NULL)
    {
      const char *message = self->failure->message;
      g_autofree char *start = g_utf8_make_valid (message, (gssize) strnlen (message, SHORT_MESSAGE));
      GError *shortened = g_error_new (self->failure->domain, self->failure->code, "%s...", start);

      g_clear_error (&self->failure);
      self->failure = shortened;
      g_clear_pointer (&self->trace, g_free);
      self->note = "The error was too large to be sent as a whole";
      return TRUE;
    }
  g_warning ("The answer to '%s' cannot be sent: %s", words, refusal->message);
  return FALSE;
}

/* Returns TRUE when the answer was sent or cannot be sent at all, FALSE when the transport has no room now. */
static gboolean
send_answer (FerryDemuxInvocation *self)
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
  while (!ferry_transport_get_closed (ferry_call_get_transport (self->call)) && simplify (self, refusal));
  return TRUE;
}

static gboolean
send_kept (gpointer data)
{
  if (!send_answer (data))
    return FALSE;
  ferry_invocation_unref (data);
  return TRUE;
}

static void
deliver (FerryDemuxInvocation *self, gboolean waits)
{
  guint64 count = ferry_transport_get_room_count (ferry_call_get_transport (self->call));

  while (!send_answer (self))
    {
      if (!waits || !may_wait (self))
        {
          ferry_transport_send_later (ferry_call_get_transport (self->call), send_kept,
                                      ferry_invocation_ref (&self->base), count);
          return;
        }
      ferry_transport_wait_for_room (ferry_call_get_transport (self->call), count, 0, NULL, NULL);
      count = ferry_transport_get_room_count (ferry_call_get_transport (self->call));
    }
}

/* Answers with an error. Takes trace (nullable). */
static void
deliver_failure (FerryDemuxInvocation *self, gboolean refused, const GError *failure, char *trace, gboolean waits)
{
  g_autofree char *taken = trace;

  if (ferry_invocation_is_one_way (&self->base))
    {
      g_debug ("A one-way call of '%s' failed: %s", self->base.method, failure->message);
      return;
    }
  self->kind = refused ? FERRY_CALL_REFUSE : FERRY_CALL_ERROR;
  self->failure = g_error_copy (failure);
  self->trace = g_steal_pointer (&taken);
  deliver (self, waits);
}

static void
answer (FerryInvocation *invocation, GVariant *value, GObject *object, const GError *failure, gboolean refused)
{
  FerryDemuxInvocation *self = (FerryDemuxInvocation *) invocation;
  g_autoptr (GVariant) taken = value;

  if (failure != NULL)
    deliver_failure (self, refused, failure, refused ? NULL : make_trace (self, failure), TRUE);
  if (failure != NULL || ferry_invocation_is_one_way (invocation))
    return;
  if (taken != NULL)
    ferry_known_types_add (taken);
  self->kind = FERRY_CALL_ANSWER;
  self->value = g_steal_pointer (&taken);
  deliver (self, TRUE);
}

static void
answer_bytes (FerryInvocation *invocation, const FerryPart *bytes)
{
  FerryDemuxInvocation *self = (FerryDemuxInvocation *) invocation;

  /* If the answer is not sent, it is kept until there is room, or becomes an error that says why it cannot be sent. */
  if (!ferry_call_answer_packed (self->call, bytes, NULL))
    answer (invocation, ferry_invocation_new_bytes_value (bytes), NULL, NULL, FALSE);
}

/* ---- the request ---- */

static GVariant *
get_arguments (FerryInvocation *invocation)
{
  return ferry_call_get_arguments (((FerryDemuxInvocation *) invocation)->call);
}

static gboolean
get_body (FerryInvocation *invocation, FerryBody *body)
{
  return ferry_call_get_body (((FerryDemuxInvocation *) invocation)->call, body);
}

GBytes *
ferry_demux_invocation_dup_bytes (FerryInvocation *invocation, FerryValueVerdict *verdict)
{
  FerryBody body = {0};
  GBytes *bytes = get_body (invocation, &body) ? ferry_body_dup_bytes (&body) : NULL;

  *verdict = body.verdict;
  return bytes;
}

void
ferry_demux_invocation_turn_away (FerryInvocation *invocation, const GError *reason)
{
  FerryDemuxInvocation *self = (FerryDemuxInvocation *) invocation;
  gboolean refused = g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_REFUSED);

  if (ferry_invocation_begin_answer (invocation, "A demux"))
    deliver_failure (self, refused, reason, refused ? NULL : make_trace (self, reason), FALSE);
}

void
ferry_demux_invocation_pass_error (FerryInvocation *invocation, const GError *failure)
{
  FerryDemuxInvocation *self = (FerryDemuxInvocation *) invocation;

  if (ferry_invocation_begin_answer (invocation, "An exporter"))
    deliver_failure (self, FALSE, failure, ferry_error_dup_trace (failure, self->begun), TRUE);
}

gboolean
ferry_demux_invocation_check_in_time (FerryInvocation *invocation)
{
  guint cancelled = ferry_call_get_cancelled (((FerryDemuxInvocation *) invocation)->call);
  g_autofree char *words = NULL;

  /* The other end judges the deadline, and cancels: this process may have been stopped together with it. */
  if (cancelled == 0)
    return TRUE;
  words = ferry_invocation_dup_words (invocation);
  if (cancelled == FERRY_CANCEL_REASON_DEADLINE)
    ferry_invocation_return_new_error (
      invocation, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
      "The deadline of the call of '%s' passed before the call was begun; allow more time", words);
  else
    ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                       "The call of '%s' was cancelled before it was begun", words);
  return FALSE;
}

/* ---- the beginning ---- */

FerryDemuxInvocation *
ferry_demux_invocation_new (FerryCall *call, FerryInvocationDescribeFunc describe)
{
  static const FerryInvocationFuncs funcs = {.answer = answer,
                                             .answer_bytes = answer_bytes,
                                             .get_arguments = get_arguments,
                                             .get_body = get_body,
                                             .get_transport = get_transport,
                                             .is_cancelled = is_cancelled,
                                             .get_cancellable = get_cancellable,
                                             .destroy = destroy};
  FerryDemuxInvocation *self = ferry_call_get_space (call);

  atomic_init (&self->base.references, 1);
  self->base.funcs = &funcs;
  self->base.describe = describe;
  self->base.method = ferry_call_get_method (call);
  self->base.deadline = ferry_call_get_deadline (call);
  self->base.flags = ferry_call_get_flags (call);
  self->call = ferry_call_ref (call);
  self->link.data = self;
  self->begun = ferry_trace_get_moment ();
  return self;
}
