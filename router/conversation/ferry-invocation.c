/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request that is being answered, as a handler sees it. The maker of an invocation sends the answer, by a table of
 * functions. This file ensures that each invocation is answered once.
 *
 * Types:   the functions here take two kinds. In C, an invocation lies in the memory of its maker, and has a count of
 * its own. Other languages get a GObject that has one: they keep objects by a reference, while GJS does not keep a
 *          boxed value that a function is called with, and PyGObject 3.42 knows no other kind of instance. An object
 *          costs 2,500 instructions, a quarter of a small call, so C does without.
 * Threads: any. The thread that sets FERRY_INVOCATION_ANSWERED answers. */

#include "config.h"

#include "conversation/ferry-invocation-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "wire/ferry-reserved-name-private.h"

/**
 * FerryInvocation:
 *
 * A call to answer: a request to a [class@Ferry.Demux], or a call of a method of an exported object. A handler of the
 * demux, or the method's [callback@Ferry.MethodFunc], gets the invocation.
 *
 * Answer an invocation once. For that there are [method@Ferry.Invocation.return_value],
 * [method@Ferry.Invocation.return_bytes], [method@Ferry.Invocation.return_object],
 * [method@Ferry.Invocation.return_error] and [method@Ferry.Invocation.refuse]. Answer it in the function that gets it,
 * or take a reference and answer it later; any thread may answer. If the last reference is dropped before an answer,
 * the call is refused with %FERRY_ERROR_REFUSED, so the caller always gets an answer. A second answer is an error of
 * the program.
 *
 * Languages that count references for their programs get an object, which answers as long as somebody keeps it; where a
 * collector of garbage counts, as in JavaScript, a call that nobody keeps is refused once it has been collected.
 *
 * An answer is never lost because the transport has no room, see [method@Ferry.Invocation.return_value]. Any thread may
 * use an invocation.
 */

typedef struct
{
  GObject parent_instance;
  FerryInvocation *invocation; /* const: (owned) */
} InvocationObject;

static void
finalize (GObject *object)
{
  ferry_invocation_unref (((InvocationObject *) object)->invocation);
  G_OBJECT_CLASS (g_type_class_peek_parent (G_OBJECT_GET_CLASS (object)))->finalize (object);
}

static void
class_init (gpointer klass, gpointer data)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
}

GType
ferry_invocation_get_type (void)
{
  static const GTypeInfo info = {
    .class_size = sizeof (GObjectClass), .class_init = class_init, .instance_size = sizeof (InvocationObject)};
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_type_register_static (G_TYPE_OBJECT, "FerryInvocation", &info, G_TYPE_FLAG_FINAL));
  return type;
}

static gboolean
is_object (FerryInvocation *self)
{
  return self->parent_instance.g_class != NULL;
}

/* Returns (transfer none) the invocation that an object has, or self. */
static FerryInvocation *
resolve (FerryInvocation *self)
{
  return is_object (self) ? ((InvocationObject *) self)->invocation : self;
}

FerryInvocation *
ferry_invocation_new_object (FerryInvocation *self)
{
  InvocationObject *object = g_object_new (FERRY_TYPE_INVOCATION, NULL);

  object->invocation = ferry_invocation_ref (self);
  return (FerryInvocation *) object;
}

/**
 * ferry_invocation_ref: (skip)
 * @self: an invocation
 *
 * Takes a reference. Any thread.
 *
 * Returns: (transfer full): @self
 */
FerryInvocation *
ferry_invocation_ref (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (is_object (self))
    return g_object_ref ((gpointer) self);
  ferry_ref_count_inc (&self->references);
  return self;
}

/**
 * ferry_invocation_unref: (skip)
 * @self: (transfer full): an invocation
 *
 * Drops a reference. If it was the last reference and the call was not answered, the call is refused. Any thread; this
 * function never waits.
 */
void
ferry_invocation_unref (FerryInvocation *self)
{
  g_return_if_fail (self != NULL);

  if (is_object (self))
    g_object_unref ((gpointer) self);
  else if (ferry_ref_count_dec_own (&self->references))
    self->funcs->destroy (self);
}

char *
ferry_invocation_dup_words (FerryInvocation *self)
{
  char *words = self->describe != NULL ? self->describe (self) : NULL;

  return words != NULL ? words : g_strdup (ferry_name_in_words (self->method));
}

/* ---- the request ---- */

/**
 * ferry_invocation_get_object:
 * @self: an invocation
 *
 * Gets the object of the call. Any thread.
 *
 * Returns: (transfer none) (nullable): the object that has the called method, or that is passed to a function; %NULL in
 *   a handler of a [class@Ferry.Demux]
 */
GObject *
ferry_invocation_get_object (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  self = resolve (self);

  return self->object;
}

/**
 * ferry_invocation_get_transport:
 * @self: an invocation
 *
 * Gets the transport over which the call came. Descriptors of the call are taken from it
 * ([method@Ferry.Transport.take_descriptor]), and those of the answer are sent over it. Any thread.
 *
 * Returns: (transfer none) (nullable): the transport; %NULL if the caller is in this process and calls an object of its
 *   own
 */
FerryTransport *
ferry_invocation_get_transport (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  self = resolve (self);

  return self->funcs->get_transport (self);
}

/**
 * ferry_invocation_get_method:
 * @self: an invocation
 *
 * Gets the method of the call. Any thread.
 *
 * Returns: (transfer none): the method of the request, or the function that the object was passed to
 */
const char *
ferry_invocation_get_method (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  self = resolve (self);

  return self->method;
}

/**
 * ferry_invocation_get_arguments:
 * @self: an invocation
 *
 * Gets the arguments of the call. They come from another process: check their types and sizes. A call of an object's
 * method always has arguments: a tuple of the type of the method's signature. If an object is passed to a function, the
 * arguments are a tuple of any type.
 *
 * Any thread.
 *
 * Returns: (transfer none) (nullable): the arguments; %NULL if a request to a demux has none
 */
GVariant *
ferry_invocation_get_arguments (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  self = resolve (self);

  return self->funcs->get_arguments != NULL ? self->funcs->get_arguments (self) : self->arguments;
}

/**
 * ferry_invocation_get_bytes:
 * @self: an invocation
 * @size: (out): the number of bytes, 0 if @self has none
 *
 * Gets the bytes of a request that was sent as bytes, such as by [method@Ferry.Mux.transact_bytes]. A request that was
 * sent with a value of the type `ay` has its bytes too. The two are the same to the handler, which may as well call
 * [method@Ferry.Invocation.get_arguments].
 *
 * The bytes come from another process, and are this process's own copy: they do not change while they are checked. They
 * are valid as long as @self is referenced, also after the answer. Any thread.
 *
 * Returns: (transfer none) (nullable) (array length=size) (element-type guint8): the bytes, not %NULL for a request of
 * 0 bytes; %NULL if the arguments are of another type than `ay`, if there are none, and for an object's method
 */
gconstpointer
ferry_invocation_get_bytes (FerryInvocation *self, gsize *size)
{
  FerryBody body = {0};

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (size != NULL, NULL);
  self = resolve (self);

  if (self->funcs->get_body == NULL || !self->funcs->get_body (self, &body))
    body = (FerryBody){0};
  *size = body.size;
  return body.data;
}

/**
 * ferry_invocation_get_deadline:
 * @self: an invocation
 *
 * Gets the deadline of the call. Any thread.
 *
 * Returns: the monotonic time in microseconds after which the answer is too late, or 0 for none
 */
gint64
ferry_invocation_get_deadline (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, 0);
  self = resolve (self);

  return self->deadline;
}

gboolean
ferry_invocation_is_one_way (FerryInvocation *self)
{
  return (resolve (self)->flags & FERRY_CALL_ONE_WAY) != 0;
}

/**
 * ferry_invocation_is_cancelled:
 * @self: an invocation
 *
 * Gets whether the caller no longer wants the answer. This is so when the caller has cancelled the call, when the
 * deadline has passed at the caller's end, and when the transport is closed. The call must still be answered, for
 * example with an error. Takes no lock, so it may be called often. Any thread.
 *
 * Returns: whether the call is cancelled
 */
gboolean
ferry_invocation_is_cancelled (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, FALSE);
  self = resolve (self);

  return self->funcs->is_cancelled (self);
}

/**
 * ferry_invocation_get_cancellable:
 * @self: an invocation
 *
 * Gets a cancellable for the work of the handler. It is cancelled when [method@Ferry.Invocation.is_cancelled] becomes
 * true: once, on the thread that is notified of the cancel, and never after the answer. The calls of one view share one
 * cancellable. The cancellable must not be reset. Any thread.
 *
 * Returns: (transfer none): the cancellable
 */
GCancellable *
ferry_invocation_get_cancellable (FerryInvocation *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  self = resolve (self);

  return self->funcs->get_cancellable (self);
}

/* ---- answering ---- */

gboolean
ferry_invocation_is_answered (FerryInvocation *self)
{
  /* Relaxed: on another thread than the answering one, the result may be outdated at once in any case. */
  return (atomic_load_explicit (&self->state, memory_order_relaxed) & FERRY_INVOCATION_ANSWERED) != 0;
}

/* If another thread has set FERRY_INVOCATION_FIRING, waits until that thread has cancelled the cancellable. That
 * thread only runs a few instructions of the library and of GLib before that. */
gboolean
ferry_invocation_begin_answer (FerryInvocation *self, const char *function)
{
  guint before = atomic_fetch_or_explicit (&self->state, FERRY_INVOCATION_ANSWERED, memory_order_acq_rel);
  g_autofree char *words = NULL;

  if ((before & FERRY_INVOCATION_ANSWERED) != 0)
    {
      words = ferry_invocation_dup_words (self);
      ferry_critical ("%s: the call of '%s' was answered already; answer each call once", function, words);
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
 * @value: (nullable): the answer; a floating reference is sunk
 *
 * Answers with a value. If the value is too large for the transport, the caller gets an error that says so.
 *
 * The value of an object's method must be a tuple of the type of the method's out signature. If the tuple has one
 * element, @value may be the element alone; if it has none, @value may be %NULL. If a method gives a value of another
 * type, its caller gets %FERRY_ERROR_BAD_RESULT.
 *
 * Any thread. Waits until the transport has room. On the thread of a main loop, and on the receiving thread, the answer
 * is kept and sent later.
 */
void
ferry_invocation_return_value (FerryInvocation *self, GVariant *value)
{
  g_autoptr (GVariant) taken = value != NULL ? g_variant_ref_sink (value) : NULL;

  g_return_if_fail (self != NULL);
  self = resolve (self);

  if (ferry_invocation_begin_answer (self, "ferry_invocation_return_value()"))
    self->funcs->answer (self, g_steal_pointer (&taken), NULL, NULL, FALSE);
}

GVariant *
ferry_invocation_new_bytes_value (const FerryPart *bytes)
{
  gpointer copy = g_memdup2 (bytes->data, bytes->size);

  return g_variant_ref_sink (
    g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, copy, bytes->size, TRUE, g_free, copy));
}

/**
 * ferry_invocation_return_bytes:
 * @self: an invocation
 * @data: (array length=size) (element-type guint8) (nullable): the bytes of the answer, borrowed until this returns;
 *   %NULL only if @size is 0
 * @size: the size of @data in bytes; may be 0
 *
 * Answers with bytes, which are written into the transport without a value in between. To the caller they are the same
 * as a value of the type `ay`. A caller that sent bytes gets bytes. A caller that sent a value gets such a value.
 *
 * The out signature of an object's method must be `ay` for this. Otherwise as [method@Ferry.Invocation.return_value],
 * on any thread. If the transport has no room now, and this thread may not wait for it, a copy of @data is kept and
 * sent later.
 */
void
ferry_invocation_return_bytes (FerryInvocation *self, gconstpointer data, gsize size)
{
  const FerryPart bytes = {data != NULL ? data : "", size};

  g_return_if_fail (self != NULL);
  g_return_if_fail (data != NULL || size == 0);
  self = resolve (self);

  if (!ferry_invocation_begin_answer (self, "ferry_invocation_return_bytes()"))
    return;
  if (self->funcs->answer_bytes != NULL)
    self->funcs->answer_bytes (self, &bytes);
  else
    self->funcs->answer (self, ferry_invocation_new_bytes_value (&bytes), NULL, NULL, FALSE);
}

/**
 * ferry_invocation_return_object:
 * @self: an invocation of an object's method, or of a function that an object is passed to
 * @object: an object that is exported, by its name or by its type
 *
 * Answers with an object; the caller gets a proxy of the object. The out signature of the method must be `o`. Threads
 * as with [method@Ferry.Invocation.return_value].
 *
 * A handler of a [class@Ferry.Demux] must not call this function, as there is no exporter. That is an error of the
 * program, and sends no answer.
 */
void
ferry_invocation_return_object (FerryInvocation *self, GObject *object)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (G_IS_OBJECT (object));
  self = resolve (self);

  if (self->object == NULL)
    ferry_critical ("%s(): '%s' is a request to a demux, and no method of an exported object; answer it with "
                    "ferry_invocation_return_value()",
                    G_STRFUNC, self->method);
  else if (ferry_invocation_begin_answer (self, "ferry_invocation_return_object()"))
    self->funcs->answer (self, NULL, object, NULL, FALSE);
}

/**
 * ferry_invocation_return_error:
 * @self: an invocation
 * @failure: why there is no result
 *
 * Answers with an error. The caller gets the same domain, code and message. The error's trace
 * ([func@Ferry.Error.get_trace]) names this process and the method. If @failure came from a third process, its trace is
 * kept above that entry. Threads as with [method@Ferry.Invocation.return_value].
 */
void
ferry_invocation_return_error (FerryInvocation *self, const GError *failure)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (failure != NULL);
  self = resolve (self);

  if (ferry_invocation_begin_answer (self, "ferry_invocation_return_error()"))
    self->funcs->answer (self, NULL, NULL, failure, FALSE);
}

/**
 * ferry_invocation_return_new_error:
 * @self: an invocation
 * @domain: the domain of the error
 * @code: the code of the error
 * @format: the message of the error, as for printf()
 * @...: the values for @format
 *
 * Makes an error and answers with it: see [method@Ferry.Invocation.return_error]. Any thread.
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
 * @reason: why the request is refused, and what the caller can do
 *
 * Answers that the request was not begun. The other end gets %FERRY_ERROR_REFUSED, and may send the request again, here
 * or to another process. What earlier operations of a chain did is not undone. Threads as with
 * [method@Ferry.Invocation.return_value].
 */
void
ferry_invocation_refuse (FerryInvocation *self, const char *reason)
{
  g_autoptr (GError) failure = NULL;

  g_return_if_fail (self != NULL);
  g_return_if_fail (reason != NULL);
  self = resolve (self);

  failure = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, reason);
  if (ferry_invocation_begin_answer (self, "ferry_invocation_refuse()"))
    self->funcs->answer (self, NULL, NULL, failure, TRUE);
}

/* ---- handlers that may fail ---- */

struct _FerryFailing
{
  GCallback func;
  gpointer data;
  GDestroyNotify destroy; /* (nullable) */
};

FerryFailing *
ferry_failing_new (GCallback func, gpointer data, GDestroyNotify destroy)
{
  FerryFailing *self = g_new (FerryFailing, 1);

  *self = (FerryFailing){.func = func, .data = data, .destroy = destroy};
  return self;
}

void
ferry_failing_free (gpointer data)
{
  FerryFailing *self = data;

  if (self->destroy != NULL)
    self->destroy (self->data);
  g_free (self);
}

GCallback
ferry_failing_get_func (FerryFailing *self, gpointer *data)
{
  *data = self->data;
  return self->func;
}

void
ferry_invocation_answer_failure (FerryInvocation *self, GError *error)
{
  g_autoptr (GError) taken = error;
  g_autofree char *words = NULL;

  if (taken == NULL)
    return;
  if (!ferry_invocation_is_answered (self))
    {
      ferry_invocation_return_error (self, taken);
      return;
    }
  words = ferry_invocation_dup_words (self);
  /* Not g_warning(), so that a test can expect it. */
  g_log (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING,
         "The handler of '%s' has failed after its answer, so only this log has its error: %s", words, taken->message);
}
