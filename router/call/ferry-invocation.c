/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request that is being answered, as the application sees it.
 *
 * Answering:  the thread that sets FERRY_INVOCATION_ANSWERED answers. Without room in the transport, a thread that may
 *             wait waits. For another thread the transport keeps the invocation until there is room. So only the end of
 *             the transport loses an answer.
 * Cancelling: a cancel finds the call in the table of the transactions, and by it the invocation. Once the cancellable
 *             is made, the call owns the invocation's memory. So cancelled_cb(), with a reference to the call, may use
 *             it.
 * References: the call is dropped before the transport, as the transport requires it. */

#include "config.h"

#include "call/ferry-invocation-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"

/* The length to which the message of an error is cut that is too large to be sent. */
#define SHORT_MESSAGE 1024

/**
 * FerryInvocation:
 *
 * A request of the other end of a [class@Ferry.Transport], for a [class@Ferry.Demux] handler to answer.
 *
 * It is answered once, in the handler or later, with [method@Ferry.Invocation.return_value],
 * [method@Ferry.Invocation.return_error] or [method@Ferry.Invocation.refuse]. To answer it later, take a reference; any
 * thread may answer. A request that is dropped without an answer is refused with %FERRY_ERROR_REFUSED, so the other end
 * always gets an answer.
 *
 * An answer is never lost for want of room in the transport. A thread that may wait waits for room. On the thread of a
 * main loop the answer is kept and sent later.
 *
 * Any thread may use it.
 *
 * Since: 0.1
 */
G_DEFINE_BOXED_TYPE (FerryInvocation, ferry_invocation, ferry_invocation_ref, ferry_invocation_unref)

FerryInvocation *
ferry_invocation_new (FerryTransport *transport, FerryCall *call, FerryInvocationDescribeFunc describe)
{
  FerryInvocation *self = g_new0 (FerryInvocation, 1);
  GVariant *arguments = ferry_call_get_arguments (call);

  if (arguments != NULL)
    ferry_known_types_add (arguments);
  atomic_init (&self->references, 1);
  self->call = ferry_call_ref (call);
  self->transport = g_object_ref (transport);
  self->describe = describe;
  self->link.data = self;
  self->begun = ferry_trace_get_moment ();
  return self;
}

/**
 * ferry_invocation_ref:
 * @self: an invocation
 *
 * Any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 0.1
 */
FerryInvocation *
ferry_invocation_ref (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  ferry_ref_count_inc (&self->references);
  return self;
}

static void
free_memory (gpointer data)
{
  FerryInvocation *self = data;
  GCancellable *cancellable = atomic_load_explicit (&self->cancellable, memory_order_acquire);

  g_clear_object (&cancellable);
  g_free (self);
}

static void
dispose (FerryInvocation *self)
{
  FerryTransport *transport = self->transport;
  FerryCall *call = self->call;

  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->failure);
  g_clear_pointer (&self->trace, g_free);
  /* Acquire, as in free_memory(): pairs with get_cancellable(). */
  if (atomic_load_explicit (&self->cancellable, memory_order_acquire) == NULL)
    g_free (self);
  ferry_call_unref (call);
  ferry_hand_over (transport);
  g_object_unref (transport);
}

/* The request, as messages name it. */
static char *
dup_words (FerryInvocation *self)
{
  const char *method = ferry_call_get_method (self->call);
  char *words = self->describe != NULL ? self->describe (method, ferry_call_get_arguments (self->call)) : NULL;

  return words != NULL ? words : g_strdup (ferry_call_method_in_words (method));
}

/**
 * ferry_invocation_unref:
 * @self: (transfer full): an invocation
 *
 * Drops a reference. With the last one, a request that was not answered is refused. Any thread; it never waits.
 *
 * Since: 0.1
 */
void
ferry_invocation_unref (FerryInvocation *self)
{
  g_return_if_fail (self != NULL);

  if (!ferry_ref_count_dec (&self->references))
    return;
  /* Relaxed: only a thread with a reference answers. */
  if ((atomic_load_explicit (&self->state, memory_order_relaxed) & FERRY_INVOCATION_ANSWERED) == 0)
    {
      g_autofree char *words = dup_words (self);
      g_autoptr (GError) reason = g_error_new (
        FERRY_ERROR, FERRY_ERROR_REFUSED, "The call of “%s” was dropped without an answer; ask again later", words);

      /* The reference is for the refusal. The second unref finds it answered. */
      atomic_store_explicit (&self->references, 1, memory_order_relaxed);
      ferry_invocation_turn_away (self, reason);
      ferry_invocation_unref (self);
      return;
    }
  dispose (self);
}

/* ---- the request ---- */

/**
 * ferry_invocation_get_method:
 * @self: an invocation
 *
 * Any thread.
 *
 * Returns: (transfer none): the method of the request
 *
 * Since: 0.1
 */
const char *
ferry_invocation_get_method (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return ferry_call_get_method (self->call);
}

/**
 * ferry_invocation_get_arguments:
 * @self: an invocation
 *
 * The arguments come from another process: check their types and sizes. Any thread.
 *
 * Returns: (transfer none) (nullable): the arguments, if there are any.
 *
 * Since: 0.1
 */
GVariant *
ferry_invocation_get_arguments (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return ferry_call_get_arguments (self->call);
}

/**
 * ferry_invocation_get_deadline:
 * @self: an invocation
 *
 * Any thread.
 *
 * Returns: the monotonic time in microseconds after which the answer is too late, or 0 for none
 *
 * Since: 0.1
 */
gint64
ferry_invocation_get_deadline (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return ferry_call_get_deadline (self->call);
}

/**
 * ferry_invocation_is_one_way:
 * @self: an invocation
 *
 * Any thread.
 *
 * Returns: whether no answer is wanted; an answer is dropped then
 *
 * Since: 0.1
 */
gboolean
ferry_invocation_is_one_way (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return (ferry_call_get_flags (self->call) & FERRY_CALL_ONE_WAY) != 0;
}

/**
 * ferry_invocation_wants_stream:
 * @self: an invocation
 *
 * Any thread.
 *
 * Returns: whether items are wanted before the answer: see [method@Ferry.Invocation.send_item]
 *
 * Since: 0.1
 */
gboolean
ferry_invocation_wants_stream (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return (ferry_call_get_flags (self->call) & FERRY_CALL_STREAM) != 0;
}

/* ---- cancelling ---- */

/**
 * ferry_invocation_is_cancelled:
 * @self: an invocation
 *
 * Whether the answer is wanted no more. That is so when the other end has cancelled the request, when its deadline has
 * passed there, and when the transport is closed. Answer the request nevertheless, for example with an error. Cheap:
 * one load. Any thread.
 *
 * Returns: whether it is cancelled
 *
 * Since: 0.1
 */
gboolean
ferry_invocation_is_cancelled (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return ferry_call_get_cancelled (self->call) != 0;
}

/* any, with a reference to the call and none to the invocation */
static void
cancelled_cb (FerryCall *call, gpointer data)
{
  FerryInvocation *self = data;
  /* Acquire, here and below: pairs with get_cancellable(), which makes the cancellable before it sets this function. */
  GCancellable *cancellable = atomic_load_explicit (&self->cancellable, memory_order_acquire);
  guint state = atomic_load_explicit (&self->state, memory_order_acquire);

  do
    {
      if ((state & FERRY_INVOCATION_ANSWERED) != 0)
        return;
    }
  while (!atomic_compare_exchange_weak_explicit (&self->state, &state, state | FERRY_INVOCATION_FIRING,
                                                 memory_order_acq_rel, memory_order_acquire));
  g_cancellable_cancel (cancellable);
}

/**
 * ferry_invocation_get_cancellable:
 * @self: an invocation
 *
 * A cancellable for the work of the handler. It is cancelled when [method@Ferry.Invocation.is_cancelled] becomes true:
 * once, on the thread that learns of it, and never after the answer. It must not be reset. Any thread.
 *
 * Returns: (transfer none): the cancellable, made by the first call
 *
 * Since: 0.1
 */
GCancellable *
ferry_invocation_get_cancellable (FerryInvocation *self)
{
  g_autoptr (GCancellable) made = NULL;
  GCancellable *present;

  g_return_val_if_fail (self != NULL, NULL);

  present = atomic_load_explicit (&self->cancellable, memory_order_acquire);
  if (present != NULL)
    return present;
  made = g_cancellable_new ();
  /* Releases the cancellable; acquires that of another thread which was faster. */
  if (!atomic_compare_exchange_strong_explicit (&self->cancellable, &present, made, memory_order_acq_rel,
                                                memory_order_acquire))
    return present;
  ferry_call_attach (self->call, self, free_memory);
  ferry_call_set_cancel_func (self->call, cancelled_cb, self);
  return g_steal_pointer (&made);
}

/* ---- items ---- */

/* A thread that dispatches sources of a main context must not wait, nor the one that receives. */
static gboolean
may_wait (FerryInvocation *self)
{
  return g_main_depth () == 0 && ferry_transport_check_may_wait (self->transport, "", NULL);
}

static gboolean
check_wants_items (FerryInvocation *self, GError **error)
{
  guint cancelled = ferry_call_get_cancelled (self->call);
  g_autofree char *words = NULL;
  /* The end of a transport cancels its open calls. */
  g_autoptr (GError) reason = cancelled != 0 ? ferry_transport_dup_reason (self->transport) : NULL;
  /* Relaxed: only the answering thread knows for sure. */
  gboolean answered = (atomic_load_explicit (&self->state, memory_order_relaxed) & FERRY_INVOCATION_ANSWERED) != 0;

  if (!answered && cancelled == 0)
    return TRUE;
  words = dup_words (self);
  if (answered)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The call of “%s” was answered already", words);
  if (reason != NULL)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The call of “%s” has ended with its transport: %s", words,
                            reason->message);
  if (cancelled == FERRY_CANCEL_REASON_DEADLINE)
    return ferry_set_error (error, FERRY_ERROR_TIMED_OUT, "The time of the call of “%s” is over", words);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The call of “%s” was cancelled", words);
  return FALSE;
}

/**
 * ferry_invocation_send_item:
 * @self: an invocation
 * @item: an item of the streamed answer; a floating reference is taken.
 * @error: return location for an error
 *
 * Sends an item ahead of the answer. Waits until the other end takes the item. The wait also ends when the call is
 * cancelled or its deadline passes, and when the transport closes. Where no stream is wanted, the item is dropped.
 *
 * Any thread, but it waits neither on the thread of a main loop nor on the one that receives.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK where it may not wait, %G_IO_ERROR_CANCELLED, %FERRY_ERROR_TIMED_OUT and
 * %FERRY_ERROR_TOO_LARGE. Fails with %FERRY_ERROR_CLOSED after the end of the transport, and after the answer. The
 * transport may have errors of its own.
 *
 * Returns: whether the item was sent
 *
 * Since: 0.1
 */
gboolean
ferry_invocation_send_item (FerryInvocation *self, GVariant *item, GError **error)
{
  g_autoptr (GVariant) taken = NULL;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (item != NULL, FALSE);

  taken = g_variant_ref_sink (item);
  while (TRUE)
    {
      guint64 count = ferry_transport_get_room_count (self->transport);
      g_autoptr (GError) refusal = NULL;

      if (!check_wants_items (self, error))
        return FALSE;
      if (ferry_call_send_item (self->call, taken, &refusal))
        return TRUE;
      if (!g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) || !may_wait (self))
        {
          g_propagate_error (error, g_steal_pointer (&refusal));
          return FALSE;
        }
      if (!ferry_transport_wait_for_room (self->transport, count, ferry_call_get_deadline (self->call), NULL, error))
        return FALSE;
    }
}

/* ---- answering ---- */

/* Takes the right to answer. function: the caller's name in messages. Where another thread is cancelling the
 * cancellable, this waits for it: for a few instructions, all of them the library's and GLib's. */
static gboolean
begin_answer (FerryInvocation *self, const char *function)
{
  guint before = atomic_fetch_or_explicit (&self->state, FERRY_INVOCATION_ANSWERED, memory_order_acq_rel);
  gboolean is_first_answer = (before & FERRY_INVOCATION_ANSWERED) == 0;

  if (!is_first_answer)
    {
      g_autofree char *words = dup_words (self);

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
  g_autofree char *words = dup_words (self);

  return ferry_trace_add_place (inner, words);
}

/* After an answer that cannot be sent: makes it an error that tells so, or cuts an error. Returns FALSE after that. */
static gboolean
simplify (FerryInvocation *self, const GError *refusal)
{
  g_autofree char *words = dup_words (self);

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
      if (!waits || !may_wait (self))
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

  if (!begin_answer (self, "A demux"))
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
  words = dup_words (self);
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
 * @value: (nullable): the answer; a floating reference is taken.
 *
 * Answers. A value that is too large for the transport becomes an error that tells so.
 *
 * Any thread. Waits where the transport has no room. On the thread of a main loop, and on the one that receives, the
 * answer is kept and sent later.
 *
 * Since: 0.1
 */
void
ferry_invocation_return_value (FerryInvocation *self, GVariant *value)
{
  g_autoptr (GVariant) taken = value != NULL ? g_variant_ref_sink (value) : NULL;

  g_return_if_fail (self != NULL);

  if (!begin_answer (self, "ferry_invocation_return_value()") || ferry_invocation_is_one_way (self))
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
 * Answers with an error. Domain, code and message arrive as they are. Its trace ([func@Ferry.Error.get_trace]) names
 * this process and the method, below the trace that the error has from yet another process. Threads as with
 * [method@Ferry.Invocation.return_value].
 *
 * Since: 0.1
 */
void
ferry_invocation_return_error (FerryInvocation *self, const GError *failure)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (failure != NULL);

  if (begin_answer (self, "ferry_invocation_return_error()"))
    deliver_failure (self, FERRY_CALL_ERROR, failure, make_trace (self, failure), TRUE);
}

void
ferry_invocation_pass_error (FerryInvocation *self, const GError *failure)
{
  if (begin_answer (self, "An exporter"))
    deliver_failure (self, FERRY_CALL_ERROR, failure, ferry_error_dup_trace (failure, self->begun), TRUE);
}

/**
 * ferry_invocation_return_new_error:
 * @self: an invocation
 * @domain: the domain of the error
 * @code: its code
 * @format: its message, as for printf().
 * @...: the values of the format.
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
 * @reason: why, and the remedy.
 *
 * Answers that the request was not begun. The other end gets %FERRY_ERROR_REFUSED, and may ask again, here or
 * elsewhere. Threads as with [method@Ferry.Invocation.return_value].
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
  if (begin_answer (self, "ferry_invocation_refuse()"))
    deliver_failure (self, FERRY_CALL_REFUSE, failure, NULL, TRUE);
}
