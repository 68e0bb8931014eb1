/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request that is being answered, as the application sees it. What makes it answers for it, by a table of functions;
 * this file sees to it that each is answered once.
 *
 * Threads: any. The thread that sets FERRY_INVOCATION_ANSWERED answers. */

#include "config.h"

#include "call/ferry-invocation-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-transactions-private.h"

/**
 * FerryInvocation:
 *
 * A call to answer: a request of the other end of a [class@Ferry.Transport], for a handler of a [class@Ferry.Demux], or
 * a call of a method of an exported object, for a [callback@Ferry.MethodFunc].
 *
 * It is answered once, in the function that gets it or later, with [method@Ferry.Invocation.return_value],
 * [method@Ferry.Invocation.return_object], [method@Ferry.Invocation.return_error] or
 * [method@Ferry.Invocation.refuse]. To answer it later, take a reference; any thread may answer. A call that is dropped
 * without an answer is refused with %FERRY_ERROR_REFUSED, so the caller always gets an answer. A second answer is an
 * error of the program.
 *
 * An answer is never lost for want of room in the transport. A thread that may wait waits for room. On the thread of a
 * main loop the answer is kept and sent later.
 *
 * Any thread may use it.
 *
 * Since: 0.1
 */
G_DEFINE_BOXED_TYPE (FerryInvocation, ferry_invocation, ferry_invocation_ref, ferry_invocation_unref)

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

/**
 * ferry_invocation_unref:
 * @self: (transfer full): an invocation
 *
 * Drops a reference. With the last one, a call that was not answered is refused. Any thread; it never waits.
 *
 * Since: 0.1
 */
void
ferry_invocation_unref (FerryInvocation *self)
{
  g_return_if_fail (self != NULL);

  if (ferry_ref_count_dec (&self->references))
    self->funcs->destroy (self);
}

char *
ferry_invocation_dup_words (FerryInvocation *self)
{
  char *words = self->describe != NULL ? self->describe (self->method, self->arguments) : NULL;

  return words != NULL ? words : g_strdup (ferry_call_method_in_words (self->method));
}

/* ---- the request ---- */

/**
 * ferry_invocation_get_object:
 * @self: an invocation
 *
 * Any thread.
 *
 * Returns: (transfer none) (nullable): the object that is called, or passed to a function; %NULL in a handler of a
 *   [class@Ferry.Demux]
 *
 * Since: 0.1
 */
GObject *
ferry_invocation_get_object (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->object;
}

/**
 * ferry_invocation_get_method:
 * @self: an invocation
 *
 * Any thread.
 *
 * Returns: (transfer none): the method of the request, or the function that the object was passed to
 *
 * Since: 0.1
 */
const char *
ferry_invocation_get_method (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->method;
}

/**
 * ferry_invocation_get_arguments:
 * @self: an invocation
 *
 * The arguments come from another process: check their types and sizes. Those of an object's method are always there,
 * as a tuple of the type of its signature; those of a function that an object is passed to are a tuple of any type.
 *
 * Any thread.
 *
 * Returns: (transfer none) (nullable): the arguments, if there are any.
 *
 * Since: 0.1
 */
GVariant *
ferry_invocation_get_arguments (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->arguments;
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

  return self->deadline;
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

  return (self->flags & FERRY_CALL_ONE_WAY) != 0;
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

  return (self->flags & FERRY_CALL_STREAM) != 0;
}

/**
 * ferry_invocation_is_cancelled:
 * @self: an invocation
 *
 * Whether the answer is wanted no more. That is so when the caller has cancelled the call, when its deadline has passed
 * there, and when the transport is closed. Answer the call nevertheless, for example with an error. Cheap: no lock. Any
 * thread.
 *
 * Returns: whether it is cancelled
 *
 * Since: 0.1
 */
gboolean
ferry_invocation_is_cancelled (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->funcs->is_cancelled (self);
}

/**
 * ferry_invocation_get_cancellable:
 * @self: an invocation
 *
 * A cancellable for the work of the handler. It is cancelled when [method@Ferry.Invocation.is_cancelled] becomes true:
 * once, on the thread that learns of it, and never after the answer to the caller. The calls of one view have the same.
 * It must not be reset. Any thread.
 *
 * Returns: (transfer none): the cancellable
 *
 * Since: 0.1
 */
GCancellable *
ferry_invocation_get_cancellable (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->funcs->get_cancellable (self);
}

/* ---- answering ---- */

gboolean
ferry_invocation_is_answered (FerryInvocation *self)
{
  /* Relaxed: only the answering thread knows for sure. */
  return (atomic_load_explicit (&self->state, memory_order_relaxed) & FERRY_INVOCATION_ANSWERED) != 0;
}

gboolean
ferry_invocation_check_wanted (FerryInvocation *self, GError **error)
{
  gboolean answered = ferry_invocation_is_answered (self);
  g_autofree char *words = NULL;

  if (!answered && !self->funcs->is_cancelled (self))
    return TRUE;
  words = ferry_invocation_dup_words (self);
  if (answered)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The call of “%s” was answered already", words);
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
 * cancelled or its deadline passes, and when the transport closes. Where no stream is wanted, as by no caller of an
 * object's method, the item is dropped.
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
  if (self->funcs->send_item == NULL)
    return ferry_invocation_check_wanted (self, error);
  return self->funcs->send_item (self, taken, error);
}

/* Where another thread is cancelling the cancellable, this waits for it: for a few instructions, all of them the
 * library's and GLib's. */
gboolean
ferry_invocation_begin_answer (FerryInvocation *self, const char *function)
{
  guint before = atomic_fetch_or_explicit (&self->state, FERRY_INVOCATION_ANSWERED, memory_order_acq_rel);
  g_autofree char *words = NULL;

  if ((before & FERRY_INVOCATION_ANSWERED) != 0)
    {
      words = ferry_invocation_dup_words (self);
      ferry_critical ("%s: the call of “%s” was answered already; answer each call once", function, words);
      return FALSE;
    }
  if ((before & FERRY_INVOCATION_FIRING) != 0)
    while (!g_cancellable_is_cancelled (self->funcs->get_cancellable (self)))
      g_thread_yield ();
  return TRUE;
}

/**
 * ferry_invocation_return_value:
 * @self: an invocation
 * @value: (nullable): the answer; a floating reference is taken.
 *
 * Answers. A value that is too large for the transport becomes an error that tells so.
 *
 * The value of an object's method has the type of its out signature: a tuple. Where the tuple has one element, the
 * element alone will do; where it has none, %NULL will do. The caller of a method that gives another type gets
 * %FERRY_ERROR_BAD_RESULT.
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

  if (ferry_invocation_begin_answer (self, "ferry_invocation_return_value()"))
    self->funcs->answer (self, g_steal_pointer (&taken), NULL, NULL, FALSE);
}

/**
 * ferry_invocation_return_object:
 * @self: an invocation of an object's method, or of a function that an object is passed to
 * @object: an object that is exported, by its name or by its type
 *
 * Answers with an object; the caller gets a proxy of it. The out signature of the method is `o`. Threads as with
 * [method@Ferry.Invocation.return_value].
 *
 * In a handler of a [class@Ferry.Demux] it is an error of the program, and no answer: there is no exporter.
 *
 * Since: 0.1
 */
void
ferry_invocation_return_object (FerryInvocation *self, GObject *object)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (G_IS_OBJECT (object));

  if (self->object == NULL)
    ferry_critical ("%s(): “%s” is a request to a demux, and no method of an exported object; answer it with "
                    "ferry_invocation_return_value()",
                    G_STRFUNC, self->method);
  else if (ferry_invocation_begin_answer (self, "ferry_invocation_return_object()"))
    self->funcs->answer (self, NULL, object, NULL, FALSE);
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

  if (ferry_invocation_begin_answer (self, "ferry_invocation_return_error()"))
    self->funcs->answer (self, NULL, NULL, failure, FALSE);
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
 * elsewhere. What a view did before it called an object's method remains done. Threads as with
 * [method@Ferry.Invocation.return_value].
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
  if (ferry_invocation_begin_answer (self, "ferry_invocation_refuse()"))
    self->funcs->answer (self, NULL, NULL, failure, TRUE);
}
