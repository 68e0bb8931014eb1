/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The asking end of a transport: questions, blocking or not, their timeouts and their cancels. It sends a request for a
 * thread that waits, for a function, or for a GTask.
 *
 * The table of calls of the transport contains every request, so a mux has no list of its own. The function that
 * removes a request from the table ends the request, so each request ends once. A request's number is never used again,
 * and callers refer to the request by its number alone. As its data, the table has a completion for a thread or a
 * GTask, and an Ask for a function.
 *
 * Threads: any, unless a comment says otherwise. */

#include "config.h"

#include "base/ferry-property-private.h"
#include "conversation/ferry-mux-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "wire/ferry-remote-error-private.h"

struct _FerryMux
{
  GObject parent_instance;

  FerryTransport *transport; /* const: (owned) */

  _Atomic (GError *) stopped; /* (owned) (nullable): set once */
};

/**
 * FerryMux:
 *
 * Sends requests over a transport and gets their answers. A transaction is a call that a mux asks. Any number of them
 * may be in flight, from any threads. Answers arrive in any order.
 *
 * A transaction ends with its answer or an error, at its deadline, or when it is cancelled. It also ends when the mux
 * is stopped or the transport closes. The first of these is its end, so no call waits for an other end that is gone. An
 * answer that arrived in time is the end even if the caller looks later, and time for which the caller's process was
 * stopped does not count.
 *
 * The other end is a [class@Ferry.Demux], or another program that uses the same protocol. It is notified of cancels and
 * deadlines.
 *
 * Several muxes may use one transport; stopping one mux does not stop the others.
 *
 * Any thread may use a mux, but see [method@Ferry.Mux.transact].
 */
G_DEFINE_FINAL_TYPE (FerryMux, ferry_mux, G_TYPE_OBJECT)

enum
{
  PROP_TRANSPORT = 1,
  PROP_STOPPED,
  PROP_N_IN_FLIGHT,
  PROP_N_LATE,
  PROP_N_UNKNOWN,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/* any: Returns FALSE, and sets error to FERRY_ERROR_CLOSED, once the mux was stopped. */
static gboolean
check_running (FerryMux *self, GError **error)
{
  /* Acquire: sees the error that ferry_mux_stop() released. The error is set once and never changes. */
  GError *stopped = atomic_load_explicit (&self->stopped, memory_order_acquire);

  if (stopped != NULL && error != NULL)
    *error = ferry_error_copy (stopped);
  return stopped == NULL;
}

GError *
ferry_mux_new_timed_out_error (const char *method)
{
  return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                      "'%s' was not answered in time; allow more time, or find what delays the other end", method);
}

/* ---- asking ---- */

/* A request whose answer an application's function gets. The table has it until then. */
typedef struct
{
  FerryMux *mux;     /* const, as the fields below: (owned) */
  FerryMuxFunc func; /* (nullable): NULL for a request of bytes */
  FerryMuxBytesFunc bytes_func;
  gpointer data;
} Ask;

static void
ask_free (Ask *self)
{
  g_object_unref (self->mux);
  g_free (self);
}

/* Returns (nullable) (transfer full) the error for an asker that wants bytes and gets value (nullable). */
static GError *
new_no_bytes_error (GVariant *value)
{
  if (value == NULL)
    return NULL;
  return g_error_new (FERRY_ERROR, FERRY_ERROR_BAD_RESULT,
                      "The answer is a value of the type '%s' and no array of bytes; use ferry_mux_transact() for "
                      "values, or ferry_invocation_return_bytes() at the other end",
                      g_variant_get_type_string (value));
}

static void
ask_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Ask *self = data;
  g_autoptr (GError) no_bytes = self->func == NULL ? new_no_bytes_error (result) : NULL;

  if (result != NULL)
    ferry_known_types_add (result);
  if (self->func != NULL)
    self->func (result, error, self->data);
  else
    self->bytes_func (NULL, 0, error != NULL ? error : no_bytes, self->data);
  ask_free (self);
}

static void
ask_done_packed (gpointer data, const FerryBody *result)
{
  Ask *self = data;

  self->bytes_func (result->data, result->size, NULL, self->data);
  ask_free (self);
}

/* The bytes of a request, which are set even if there are 0 of them. */
static FerryPart
make_part (gconstpointer data, gsize size)
{
  return (FerryPart){data != NULL ? data : "", size};
}

/* By whether bytes are wanted. */
static const FerryAnswerFuncs ask_funcs[2] = {{.done = ask_done}, {.done = ask_done, .done_packed = ask_done_packed}};

guint64
ferry_mux_ask (FerryMux *self, const FerryRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
               GError **error)
{
  FerryRequest own = *request;
  g_autoptr (GError) stopped = NULL;
  guint64 xid;

  own.asker = self;
  own.flags = funcs == NULL ? FERRY_CALL_ONE_WAY : request->window > 0 ? FERRY_CALL_STREAM : 0;
  if (request->arguments != NULL)
    ferry_known_types_add (request->arguments);
  if (!check_running (self, error))
    return 0;
  xid = ferry_transport_ask (self->transport, &own, funcs, data, error);
  /* ferry_mux_stop() may have listed the table before this call was in it. It set stopped before that, so this check
   * finds stopped set. */
  if (xid != 0 && !check_running (self, &stopped))
    ferry_mux_abandon (self, xid, FERRY_CANCEL_REASON_CANCELLED, stopped);
  return xid;
}

/* Sends a request for a function, one of the two. */
static guint64
ask_for_func (FerryMux *self, const FerryRequest *request, FerryMuxFunc func, FerryMuxBytesFunc bytes_func,
              gpointer data, GError **error)
{
  Ask *ask = g_new (Ask, 1);
  guint64 xid;

  *ask = (Ask){g_object_ref (self), func, bytes_func, data};
  xid = ferry_mux_ask (self, request, &ask_funcs[bytes_func != NULL], ask, error);
  if (xid == 0)
    ask_free (ask);
  return xid;
}

gboolean
ferry_mux_abandon (FerryMux *self, guint64 xid, FerryCancelReason reason, const GError *error)
{
  return ferry_transport_end_request (self->transport, xid, reason, error);
}

void
ferry_mux_add_window (FerryMux *self, guint64 xid, guint n)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_transport_add_window (self->transport, xid, n, &error))
    g_debug ("A stream's window does not grow: %s", error->message);
}

/* ---- asking with a completion ---- */

/* The data of a completion that waits for an answer. */
typedef struct
{
  FerryMux *mux;     /* const: (owned) */
  char *method;      /* const: (owned) (nullable): NULL if the call has neither a deadline nor a cancellable */
  guint64 xid;       /* written before a task or a thread waits for the completion */
  gboolean of_bytes; /* const: the result is a GBytes, not a GVariant */
} Asking;

static GError *
asking_abandon (gpointer data, FerryAbandonReason reason)
{
  Asking *self = data;
  gboolean timed_out = reason == FERRY_ABANDON_DEADLINE;
  FerryCompletion *held = ferry_transport_abandon (
    self->mux->transport, self->xid, timed_out ? FERRY_CANCEL_REASON_DEADLINE : FERRY_CANCEL_REASON_CANCELLED);

  /* held is NULL if an answer has removed the call from the table. That answer then has no effect, as the completion
   * has ended. */
  g_clear_pointer (&held, ferry_completion_unref);
  if (timed_out)
    return ferry_mux_new_timed_out_error (self->method);
  return g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "'%s' was cancelled", self->method);
}

static void
asking_destroy (gpointer data)
{
  Asking *self = data;

  g_free (self->method);
  g_object_unref (self->mux);
}

static const FerryCompletionFuncs asking_funcs = {asking_abandon, asking_destroy};

/* Ends the completion with the answer. Drops the table's reference. */
static void
asking_answered (gpointer completion, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  const Asking *self = ferry_completion_get_data (completion);

  if (error != NULL)
    ferry_completion_finish (completion, NULL, NULL, ferry_error_copy (error));
  else if (result == NULL || self->of_bytes)
    ferry_completion_finish (completion, NULL, NULL, new_no_bytes_error (result));
  else
    {
      ferry_known_types_add (result);
      ferry_completion_finish (completion, g_variant_ref (result), (GDestroyNotify) g_variant_unref, NULL);
    }
  ferry_completion_unref (completion);
}

static void
asking_answered_packed (gpointer data, const FerryBody *result)
{
  ferry_completion_finish (data, ferry_body_dup_bytes (result), (GDestroyNotify) g_bytes_unref, NULL);
  ferry_completion_unref (data);
}

/* By whether bytes are wanted. */
static const FerryAnswerFuncs answer_funcs[2] = {{.done = asking_answered},
                                                 {.done = asking_answered, .done_packed = asking_answered_packed}};

/* Sends a request. Returns (transfer full) its completion, or NULL with an error. */
static FerryCompletion *
asking_start (FerryMux *mux, const FerryRequest *request, GError **error)
{
  g_autoptr (FerryCompletion) completion = NULL;
  Asking *self;

  if (g_cancellable_set_error_if_cancelled (request->cancellable, error))
    return NULL;
  completion = ferry_completion_new (&asking_funcs, sizeof (Asking));
  if (request->wait != NULL)
    ferry_request_wait_init (request->wait, mux->transport, completion);
  self = ferry_completion_get_data (completion);
  self->mux = g_object_ref (mux);
  self->of_bytes = request->packed.data != NULL;
  self->method = request->deadline > 0 || request->cancellable != NULL ? g_strdup (request->method) : NULL;
  self->xid = ferry_mux_ask (mux, request, &answer_funcs[self->of_bytes], ferry_completion_ref (completion), error);
  if (self->xid != 0)
    return g_steal_pointer (&completion);
  ferry_completion_unref (completion);
  return NULL;
}

/* ---- a thread that waits ---- */

/* Sends a request and waits. Returns (transfer full) (nullable) a GVariant, or a GBytes for a request of bytes. form:
 * the name of the function to use on a thread that may not wait. */
static gpointer
transact (FerryMux *self, FerryRequest *request, const char *form, GError **error)
{
  g_autoptr (FerryCompletion) completion = NULL;
  FerryRequestWait wait;

  if (!ferry_transport_check_may_wait (self->transport, form, error))
    return NULL;
  request->wait = &wait;
  completion = asking_start (self, request, error);
  if (completion == NULL)
    return NULL;
  ferry_request_wait_finish (&wait, ferry_deadline_or_never (request->deadline), request->cancellable);
  return ferry_completion_take (completion, error);
}

/**
 * ferry_mux_transact:
 * @self: a mux
 * @method: the method, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): the arguments of the method; a floating reference is sunk
 * @timeout: microseconds until the answer; negative for no limit. The other end is notified of the deadline.
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends a request, and waits for the answer. Any thread, except the main loop's and the one that receives for the
 * transport, which for a worker's link is the router's. On these two threads the function fails with
 * %FERRY_ERROR_WRONG_THREAD; use [method@Ferry.Mux.transact_async] there.
 *
 * The answer of a worker comes however busy the router's thread is, and even where it waits for the calling thread. No
 * handler has to return for it. So it may come before messages that the worker sent earlier over its pipes. A worker
 * that sends more of these than are kept for a busy main loop, about a MiB, holds up its own answers.
 *
 * An error of the other end keeps its domain and code; see [func@Ferry.Error.get_trace]. Other failures are:
 *
 * - %FERRY_ERROR_TIMED_OUT and %G_IO_ERROR_CANCELLED;
 * - %FERRY_ERROR_REFUSED when the other end did not begin the request;
 * - %FERRY_ERROR_CLOSED when the mux was stopped or the transport closed;
 * - %FERRY_ERROR_WORKER_LOST when the worker ended before it answered;
 * - %FERRY_ERROR_BAD_ARGUMENTS and %FERRY_ERROR_TOO_LARGE for a request that cannot be sent.
 *
 * Returns: (transfer full) (nullable): the value of the answer; %NULL without an error for an answer without a value
 */
GVariant *
ferry_mux_transact (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout, GCancellable *cancellable,
                    GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryRequest request = {.method = method,
                          .arguments = kept,
                          .deadline = ferry_mux_get_deadline (timeout),
                          .waits = TRUE,
                          .cancellable = cancellable};

  g_return_val_if_fail (FERRY_IS_MUX (self), NULL);
  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return transact (self, &request, "ferry_mux_transact_async()", error);
}

/**
 * ferry_mux_transact_bytes:
 * @self: a mux
 * @method: the method, 1 to 255 bytes of UTF-8
 * @data: (array length=size) (element-type guint8) (nullable): the bytes of the request, borrowed until this returns;
 *   %NULL only if @size is 0
 * @size: the size of @data in bytes; may be 0
 * @timeout: microseconds until the answer; negative for no limit. The other end is notified of the deadline.
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends a request of plain bytes, and waits for an answer of plain bytes. The request is written into the transport
 * without a copy in between. Otherwise as [method@Ferry.Mux.transact], also as to threads and errors. A thread that may
 * not wait uses [method@Ferry.Mux.transact_bytes_with_func], or [method@Ferry.Mux.transact_async] with a value of the
 * type `ay`.
 *
 * To a handler, the request is the same as one with a value of the type `ay`, and so is the answer. A handler uses
 * [method@Ferry.Invocation.get_bytes] and [method@Ferry.Invocation.return_bytes], or the functions for values. An
 * answer with a value of another type fails with %FERRY_ERROR_BAD_RESULT. The bytes of an answer come from another
 * process: check them.
 *
 * Returns: (transfer full) (nullable): the bytes of the answer; %NULL without an error for an answer without a value
 */
GBytes *
ferry_mux_transact_bytes (FerryMux *self, const char *method, gconstpointer data, gsize size, gint64 timeout,
                          GCancellable *cancellable, GError **error)
{
  FerryRequest request = {.method = method,
                          .packed = make_part (data, size),
                          .deadline = ferry_mux_get_deadline (timeout),
                          .waits = TRUE,
                          .cancellable = cancellable};

  g_return_val_if_fail (FERRY_IS_MUX (self), NULL);
  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (data != NULL || size == 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return transact (self, &request, "ferry_mux_transact_bytes_with_func()", error);
}

/* ---- a task ---- */

/**
 * ferry_mux_transact_async:
 * @self: a mux
 * @method: the method, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): the arguments of the method; a floating reference is sunk
 * @timeout: microseconds until the answer; negative for no limit. The other end is notified of the deadline.
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when the transaction ends, in the thread-default main context of the caller
 * @user_data: data for @callback
 *
 * Sends a request without waiting. Any thread that runs its main context. If the transport has no room now, the
 * transaction fails at once with %FERRY_ERROR_WOULD_BLOCK. Then keep fewer requests in flight: send the next one when
 * one is answered.
 */
void
ferry_mux_transact_async (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  const FerryRequest request = {
    .method = method, .arguments = kept, .deadline = ferry_mux_get_deadline (timeout), .cancellable = cancellable};
  g_autoptr (GTask) task = NULL;
  g_autoptr (FerryCompletion) completion = NULL;
  GError *error = NULL;

  g_return_if_fail (FERRY_IS_MUX (self));
  g_return_if_fail (method != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_mux_transact_async);
  g_task_set_check_cancellable (task, FALSE);
  completion = asking_start (self, &request, &error);
  if (completion != NULL)
    ferry_completion_return (completion, task, ferry_deadline_or_never (request.deadline));
  else
    g_task_return_error (task, error);
}

/**
 * ferry_mux_transact_finish:
 * @self: a mux
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Ferry.Mux.transact_async]. Fails as [method@Ferry.Mux.transact] does. Any thread.
 *
 * Returns: (transfer full) (nullable): the value of the answer; %NULL without an error for an answer without a value
 */
GVariant *
ferry_mux_transact_finish (FerryMux *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_mux_transact_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- a function ---- */

/**
 * ferry_mux_transact_with_func:
 * @self: a mux
 * @method: the method, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): the arguments of the method; a floating reference is sunk
 * @func: (scope async): called once with the answer or an error
 * @user_data: data for @func
 * @error: return location for an error
 *
 * Sends a request without waiting, at the lowest cost. @func is called on the thread that receives for the transport;
 * for a worker's link that is the router's thread. If the mux is stopped or the transport ends, @func is called on the
 * thread that does that. @func may be called before this function returns. Any thread.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK if the transport has no room now, with %FERRY_ERROR_CLOSED,
 * %FERRY_ERROR_BAD_ARGUMENTS and %FERRY_ERROR_TOO_LARGE; @func is not called then.
 *
 * Returns: the transaction's number, for [method@Ferry.Mux.cancel], or 0 when it failed
 */
guint64
ferry_mux_transact_with_func (FerryMux *self, const char *method, GVariant *arguments, FerryMuxFunc func,
                              gpointer user_data, GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  const FerryRequest request = {.method = method, .arguments = kept};

  g_return_val_if_fail (FERRY_IS_MUX (self), 0);
  g_return_val_if_fail (method != NULL, 0);
  g_return_val_if_fail (func != NULL, 0);
  g_return_val_if_fail (error == NULL || *error == NULL, 0);

  return ask_for_func (self, &request, func, NULL, user_data, error);
}

/**
 * ferry_mux_transact_bytes_with_func:
 * @self: a mux
 * @method: the method, 1 to 255 bytes of UTF-8
 * @data: (array length=size) (element-type guint8) (nullable): the bytes of the request, borrowed until this returns;
 *   %NULL only if @size is 0
 * @size: the size of @data in bytes; may be 0
 * @func: (scope async): called once with the answer or an error
 * @user_data: data for @func
 * @error: return location for an error
 *
 * Sends a request of plain bytes without waiting: the least costly form of all. @func gets the bytes of the answer
 * where they were received, and copies what it keeps. Otherwise as [method@Ferry.Mux.transact_with_func], also as to
 * threads and errors; for the bytes see [method@Ferry.Mux.transact_bytes].
 *
 * Returns: the transaction's number, for [method@Ferry.Mux.cancel], or 0 when it failed
 */
guint64
ferry_mux_transact_bytes_with_func (FerryMux *self, const char *method, gconstpointer data, gsize size,
                                    FerryMuxBytesFunc func, gpointer user_data, GError **error)
{
  const FerryRequest request = {.method = method, .packed = make_part (data, size)};

  g_return_val_if_fail (FERRY_IS_MUX (self), 0);
  g_return_val_if_fail (method != NULL, 0);
  g_return_val_if_fail (data != NULL || size == 0, 0);
  g_return_val_if_fail (func != NULL, 0);
  g_return_val_if_fail (error == NULL || *error == NULL, 0);

  return ask_for_func (self, &request, NULL, func, user_data, error);
}

/**
 * ferry_mux_cancel:
 * @self: a mux
 * @xid: the number of a transaction of [method@Ferry.Mux.transact_with_func] or
 *   [method@Ferry.Mux.transact_bytes_with_func]
 *
 * Notifies the other end that the answer is no longer wanted. The other end still answers, with %G_IO_ERROR_CANCELLED
 * if it has stopped its work. Any thread.
 *
 * Returns: %FALSE if the transaction has ended already
 */
gboolean
ferry_mux_cancel (FerryMux *self, guint64 xid)
{
  g_return_val_if_fail (FERRY_IS_MUX (self), FALSE);

  return ferry_transport_cancel (self->transport, xid, FERRY_CANCEL_REASON_CANCELLED);
}

/* ---- one way ---- */

/**
 * ferry_mux_send:
 * @self: a mux
 * @method: the method, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): the arguments of the method; a floating reference is sunk
 * @timeout: microseconds to wait for room in the transport; negative for no limit, 0 to not wait
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends a one-way request: the other end sends no answer, and this end keeps no state for one. To a handler of plain
 * bytes, a value of the type `ay` is bytes. Returns when the transport has the request. Any thread, but a thread that
 * may not wait (see [method@Ferry.Mux.transact]) must pass a @timeout of 0.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK if there is no room and @timeout is 0, %FERRY_ERROR_TIMED_OUT,
 * %G_IO_ERROR_CANCELLED, %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_CLOSED, %FERRY_ERROR_BAD_ARGUMENTS and
 * %FERRY_ERROR_TOO_LARGE.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_mux_send (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout, GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  const FerryRequest request = {.method = method,
                                .arguments = kept,
                                .deadline = ferry_mux_get_deadline (timeout),
                                .waits = timeout != 0,
                                .cancellable = cancellable};

  g_return_val_if_fail (FERRY_IS_MUX (self), FALSE);
  g_return_val_if_fail (method != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if ((request.waits &&
       !ferry_transport_check_may_wait (self->transport, "ferry_mux_send() with a timeout of 0", error)) ||
      g_cancellable_set_error_if_cancelled (cancellable, error) ||
      ferry_mux_ask (self, &request, NULL, NULL, error) == 0)
    return FALSE;
  /* The program may end now. */
  if (request.waits)
    ferry_transport_wait_sent (self->transport, request.deadline, cancellable);
  return TRUE;
}

/* ---- the end ---- */

/**
 * ferry_mux_stop:
 * @self: a mux
 *
 * Ends the mux's transactions with %FERRY_ERROR_CLOSED, and accepts no more requests. The other end is notified that
 * the answers are no longer wanted. The transport stays open. Does nothing when called again. Any thread, also within a
 * callback.
 */
void
ferry_mux_stop (FerryMux *self)
{
  g_autoptr (GArray) xids = NULL;
  GError *none = NULL;
  GError *reason;

  g_return_if_fail (FERRY_IS_MUX (self));

  reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The mux was stopped; make a new mux");
  if (!atomic_compare_exchange_strong (&self->stopped, &none, reason))
    {
      g_error_free (reason);
      return;
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STOPPED]);
  xids = ferry_transport_list_asked (self->transport, self);
  for (guint i = 0; i < xids->len; i++)
    ferry_mux_abandon (self, g_array_index (xids, guint64, i), FERRY_CANCEL_REASON_CANCELLED, reason);
}

/* ---- the object ---- */

/**
 * ferry_mux_new:
 * @transport: a transport
 *
 * Creates a mux that sends requests over @transport. Any thread.
 *
 * Returns: (transfer full): a new mux
 */
FerryMux *
ferry_mux_new (FerryTransport *transport)
{
  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), NULL);

  return g_object_new (FERRY_TYPE_MUX, "transport", transport, NULL);
}

static guint
count_calls (FerryMux *self)
{
  g_autoptr (GArray) xids = ferry_transport_list_asked (self->transport, self);

  return xids->len;
}

static void
ferry_mux_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryMux *self = FERRY_MUX (object);

  switch (id)
    {
    case PROP_TRANSPORT:
      g_value_set_object (value, self->transport);
      break;
    case PROP_STOPPED:
      g_value_set_boolean (value, !check_running (self, NULL));
      break;
    case PROP_N_IN_FLIGHT:
      g_value_set_uint (value, count_calls (self));
      break;
    case PROP_N_LATE:
      g_value_set_uint64 (value, ferry_transport_get_counts (self->transport).n_late);
      break;
    case PROP_N_UNKNOWN:
      g_value_set_uint64 (value, ferry_transport_get_counts (self->transport).n_unknown);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ferry_mux_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryMux *self = FERRY_MUX (object);

  self->transport = ferry_property_require (object, value, pspec);
}

/* No call can be in flight here, as each holds a reference to the mux. */
static void
ferry_mux_finalize (GObject *object)
{
  FerryMux *self = FERRY_MUX (object);
  GError *stopped = atomic_load_explicit (&self->stopped, memory_order_acquire);

  g_clear_object (&self->transport);
  g_clear_error (&stopped);

  G_OBJECT_CLASS (ferry_mux_parent_class)->finalize (object);
}

static void
ferry_mux_class_init (FerryMuxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_mux_get_property;
  object_class->set_property = ferry_mux_set_property;
  object_class->finalize = ferry_mux_finalize;

  /**
   * FerryMux:transport:
   *
   * The transport over which the mux sends requests. Any thread.
   */
  properties[PROP_TRANSPORT] =
    g_param_spec_object ("transport", NULL, NULL, FERRY_TYPE_TRANSPORT, FERRY_AT_CONSTRUCTION);

  /**
   * FerryMux:stopped:
   *
   * Whether [method@Ferry.Mux.stop] was called. Notified on the thread that stops the mux. Any thread.
   */
  properties[PROP_STOPPED] = g_param_spec_boolean ("stopped", NULL, NULL, FALSE, FERRY_READABLE);

  /**
   * FerryMux:n-in-flight:
   *
   * How many transactions of the mux have not ended. To read it takes a time that is proportional to the number of
   * transactions in flight over the transport. Changes are not notified. Any thread.
   */
  properties[PROP_N_IN_FLIGHT] = g_param_spec_uint ("n-in-flight", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);

  /**
   * FerryMux:n-late:
   *
   * How many answers arrived over the transport after their transactions had ended. Changes are not notified. Any
   * thread.
   */
  properties[PROP_N_LATE] = g_param_spec_uint64 ("n-late", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);

  /**
   * FerryMux:n-unknown:
   *
   * How many answers arrived over the transport for requests that this end never sent. Changes are not notified. Any
   * thread.
   */
  properties[PROP_N_UNKNOWN] = g_param_spec_uint64 ("n-unknown", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_mux_init (FerryMux *self)
{
}
