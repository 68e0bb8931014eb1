/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-method-call-private.h"

#include <stdarg.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"

struct _FerryMethodCall
{
  _Atomic gint references;
  FerryEvaluation *run; /* const: (owned): whose request has the method's name */
  GObject *object;      /* const: (owned), as arguments */
  const char *method;   /* const: borrowed from run */
  GVariant *arguments;  /* const */
  _Atomic gboolean answered;
};

G_DEFINE_BOXED_TYPE (FerryMethodCall, ferry_method_call, ferry_method_call_ref, ferry_method_call_unref)

/* Returns (transfer none): one for all calls without arguments. */
static GVariant *
get_no_arguments (void)
{
  static gsize value = 0;

  if (g_once_init_enter (&value))
    g_once_init_leave (&value, (gsize) g_variant_ref_sink (g_variant_new_tuple (NULL, 0)));
  return (GVariant *) value;
}

FerryMethodCall *
ferry_method_call_new (FerryEvaluation *run, GObject *object, const char *method, GVariant *arguments)
{
  FerryMethodCall *self = g_new0 (FerryMethodCall, 1);

  atomic_init (&self->references, 1);
  self->run = ferry_evaluation_ref (run);
  self->object = g_object_ref (object);
  self->method = method;
  self->arguments = g_variant_ref (arguments != NULL ? arguments : get_no_arguments ());
  return self;
}

/**
 * ferry_method_call_ref:
 * @self: a call
 *
 * Any thread.
 *
 * Returns: (transfer full): the call
 *
 * Since: 0.1
 */
FerryMethodCall *
ferry_method_call_ref (FerryMethodCall *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

/* Returns whether this is the first answer. */
static gboolean
claim (FerryMethodCall *self)
{
  /* Relaxed: what the answer is goes its own way. */
  return !atomic_exchange_explicit (&self->answered, TRUE, memory_order_relaxed);
}

/**
 * ferry_method_call_unref:
 * @self: (transfer full): a call
 *
 * Drops a reference. A call that was not answered is refused with the last one. Any thread.
 *
 * Since: 0.1
 */
void
ferry_method_call_unref (FerryMethodCall *self)
{
  g_return_if_fail (self != NULL);

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  if (claim (self))
    ferry_evaluation_answer (
      self->run, NULL, NULL,
      g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "“%s” was dropped without an answer", self->method));
  ferry_evaluation_unref (self->run);
  g_object_unref (self->object);
  g_variant_unref (self->arguments);
  g_free (self);
}

/**
 * ferry_method_call_get_object:
 * @self: a call
 *
 * Any thread.
 *
 * Returns: (transfer none): the object that is called
 *
 * Since: 0.1
 */
GObject *
ferry_method_call_get_object (FerryMethodCall *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->object;
}

/**
 * ferry_method_call_get_method:
 * @self: a call
 *
 * Any thread.
 *
 * Returns: the name of the method, or of the function that the object was passed to
 *
 * Since: 0.1
 */
const char *
ferry_method_call_get_method (FerryMethodCall *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->method;
}

/**
 * ferry_method_call_get_arguments:
 * @self: a call
 *
 * What a method is called with has the type of its signature; what a function is given has any.
 *
 * Any thread.
 *
 * Returns: (transfer none): the arguments, a tuple
 *
 * Since: 0.1
 */
GVariant *
ferry_method_call_get_arguments (FerryMethodCall *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->arguments;
}

/**
 * ferry_method_call_get_cancellable:
 * @self: a call
 *
 * Something that is cancelled when nobody wants the answer any more: whoever called has cancelled, has run out of time,
 * or is gone. The call is to be answered nevertheless. Any thread.
 *
 * Returns: (transfer none): a cancellable that is the call's own
 *
 * Since: 0.1
 */
GCancellable *
ferry_method_call_get_cancellable (FerryMethodCall *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return ferry_evaluation_get_cancellable (self->run);
}

/**
 * ferry_method_call_get_deadline:
 * @self: a call
 *
 * Any thread.
 *
 * Returns: the monotonic time in microseconds at which the answer is of no use any more, or 0
 *
 * Since: 0.1
 */
gint64
ferry_method_call_get_deadline (FerryMethodCall *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return ferry_evaluation_get_deadline (self->run);
}

/* ---- answering ---- */

/**
 * ferry_method_call_return_value:
 * @self: a call
 * @value: (nullable): the answer; a floating reference is taken
 *
 * Answers a call. The value of a method has the type of its out signature: a tuple, or where that has one element, also
 * this element alone; %NULL where it has none. One that has not becomes %FERRY_ERROR_BAD_RESULT at the caller's.
 *
 * Any thread. To answer twice is an error of the program.
 *
 * Since: 0.1
 */
void
ferry_method_call_return_value (FerryMethodCall *self, GVariant *value)
{
  g_autoptr (GVariant) taken = value != NULL ? g_variant_ref_sink (value) : NULL;
  gboolean is_first;

  g_return_if_fail (self != NULL);

  is_first = claim (self);
  ferry_return_if_fail (is_first, "the call of “%s” was answered already; answer each call once", self->method);

  ferry_evaluation_answer (self->run, g_steal_pointer (&taken), NULL, NULL);
}

/**
 * ferry_method_call_return_object:
 * @self: a call
 * @object: an object that is exported, be it by its name or by its type
 *
 * Answers a call with an object, of which the caller gets a proxy. The out signature of the method is `o`.
 *
 * Any thread. To answer twice is an error of the program.
 *
 * Since: 0.1
 */
void
ferry_method_call_return_object (FerryMethodCall *self, GObject *object)
{
  gboolean is_first;

  g_return_if_fail (self != NULL);
  g_return_if_fail (G_IS_OBJECT (object));

  is_first = claim (self);
  ferry_return_if_fail (is_first, "the call of “%s” was answered already; answer each call once", self->method);

  ferry_evaluation_answer (self->run, NULL, g_object_ref (object), NULL);
}

/**
 * ferry_method_call_return_error:
 * @self: a call
 * @failure: the error
 *
 * Answers a call with an error, which the caller gets with its domain, code and message; `ferry_error_get_trace()`
 * tells there where it comes from.
 *
 * Any thread. To answer twice is an error of the program.
 *
 * Since: 0.1
 */
void
ferry_method_call_return_error (FerryMethodCall *self, const GError *failure)
{
  gboolean is_first;

  g_return_if_fail (self != NULL);
  g_return_if_fail (failure != NULL);

  is_first = claim (self);
  ferry_return_if_fail (is_first, "the call of “%s” was answered already; answer each call once", self->method);

  ferry_evaluation_answer (self->run, NULL, NULL,
                           ferry_error_copy_since (failure, ferry_evaluation_get_begun (self->run)));
}

/**
 * ferry_method_call_return_new_error:
 * @self: a call
 * @domain: the domain of the error
 * @code: its code
 * @format: its message, as for `printf()`
 * @...: what goes into the message
 *
 * Answers a call with an error: see [method@Ferry.MethodCall.return_error]. Any thread.
 *
 * Since: 0.1
 */
void
ferry_method_call_return_new_error (FerryMethodCall *self, GQuark domain, int code, const char *format, ...)
{
  g_autoptr (GError) failure = NULL;
  va_list arguments;

  g_return_if_fail (self != NULL);
  g_return_if_fail (format != NULL);

  va_start (arguments, format);
  failure = g_error_new_valist (domain, code, format, arguments);
  va_end (arguments);
  ferry_method_call_return_error (self, failure);
}
