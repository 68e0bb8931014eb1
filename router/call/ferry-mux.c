/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end of a transport that asks, for a thread that waits, for a function, or in GIO's asynchronous manner.
 *
 * The table of the transactions has all that was asked, so a mux needs no list of its own. What takes one out of the
 * table ends it, so each ends once. Its number is all that others know of it, and is never used twice. For a thread and
 * a GTask the table has a completion, for all others an Ask.
 *
 * Threads: any, where nothing else is said.
 * Locks:   lock is not held while a callback or the transport is called. */

#include "config.h"

#include "call/ferry-mux-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-error.h"
#include "call/ferry-known-types-private.h"
#include "call/ferry-remote-error-private.h"

struct _FerryMux
{
  GObject parent_instance;

  FerryTransport *transport;       /* const: (owned) */
  FerryTransactions *transactions; /* const: (unowned): the transport's */

  GMutex lock;
  GError *stopped; /* lock to set, once: (owned) (nullable) */
  _Atomic gboolean is_stopped;
};

/**
 * FerryMux:
 *
 * Asks over a transport: any number of transactions at once, from any threads, whose answers come in any order.
 *
 * A transaction ends with its answer, with an error, when its time is over, when it is cancelled, when the mux is
 * stopped or when the transport closes, whichever comes first: nobody waits for ever for an end that is gone. The other
 * end, [class@Ferry.Demux] or whatever speaks the protocol, hears of cancels and deadlines.
 *
 * Several muxes may use one transport; each is stopped by itself.
 *
 * Any thread may use it, but see [method@Ferry.Mux.transact].
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryMux, ferry_mux, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_TRANSPORT,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/* any: FALSE with FERRY_ERROR_CLOSED once it was stopped. */
static gboolean
check_running (FerryMux *self, GError **error)
{
  /* Acquire: pairs with ferry_mux_stop(); the reason is there then, for good. */
  if (!atomic_load_explicit (&self->is_stopped, memory_order_acquire))
    return TRUE;
  if (error != NULL)
    *error = ferry_error_copy (self->stopped);
  return FALSE;
}

GError *
ferry_mux_new_timed_out_error (const char *method)
{
  return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                      "“%s” was not answered in time; give it more, or see what keeps the other end", method);
}

gint64
ferry_mux_get_deadline (gint64 timeout)
{
  return timeout < 0 ? 0 : ferry_time_add (g_get_monotonic_time (), MAX (timeout, 1));
}

/* ---- asking ---- */

typedef struct
{
  _Atomic gint references; /* the table's, and those of items on their way */
  FerryMux *mux;           /* const: (owned) */
  FerryAskFuncs funcs;     /* const, as the next one */
  gpointer data;
} Ask;

static void
ask_hold (gpointer data)
{
  Ask *self = data;

  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
}

static void
ask_free (Ask *self)
{
  g_object_unref (self->mux);
  g_free (self);
}

static void
ask_release (gpointer data)
{
  Ask *self = data;

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  if (self->funcs.destroy != NULL)
    self->funcs.destroy (self->data);
  ask_free (self);
}

/* For what took it out of the table, with the table's reference. */
static void
ask_end (Ask *self, GVariant *result, const GError *error)
{
  if (result != NULL)
    ferry_known_types_add (result);
  if (self->funcs.done != NULL)
    self->funcs.done (self->data, result, error);
  else
    self->funcs.func (result, error, self->data);
  ask_release (self);
}

static void
ask_answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  ask_end (data, result, error);
}

static void
ask_item_came (gpointer data, const char *name, GVariant *value)
{
  Ask *self = data;

  if (name[0] == '\0' && value != NULL)
    self->funcs.item (self->data, value);
}

static const FerryAnswerFuncs plain_funcs = {.done = ask_answered};
static const FerryAnswerFuncs stream_funcs = {
  .item = ask_item_came, .done = ask_answered, .hold = ask_hold, .release = ask_release};

static Ask *
ask_new (FerryMux *mux, const FerryAskFuncs *funcs, gpointer data)
{
  Ask *self = g_new (Ask, 1);

  atomic_init (&self->references, 1);
  self->mux = g_object_ref (mux);
  self->funcs = *funcs;
  self->data = data;
  return self;
}

/* Returns the transaction's number, or 0 with an error. */
static guint64
send_request (FerryMux *self, const FerryAskRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
              GError **error)
{
  const FerryRequest message = {
    .method = request->method,
    .arguments = request->arguments,
    .packed = request->packed,
    .deadline = request->deadline,
    .flags = request->window > 0 ? FERRY_CALL_STREAM : 0,
    .window = (guint16) request->window,
  };

  if (!check_running (self, error))
    return 0;
  if (request->arguments != NULL)
    ferry_known_types_add (request->arguments);
  return ferry_transactions_ask (self->transactions, &message, funcs, data, error);
}

guint64
ferry_mux_ask (FerryMux *self, const FerryAskRequest *request, const FerryAskFuncs *funcs, gpointer data,
               GError **error)
{
  Ask *ask = ask_new (self, funcs, data);
  guint64 xid = send_request (self, request, request->window > 0 ? &stream_funcs : &plain_funcs, ask, error);
  g_autoptr (GError) stopped = NULL;

  if (xid == 0)
    ask_free (ask);
  /* It is in the table now, and the table has a lock: a stop that did not find it there has set its mark before that,
   * and is seen here. */
  else if (!check_running (self, &stopped))
    ferry_mux_abandon (self, xid, FERRY_CANCEL_REASON_CANCELLED, stopped);
  return xid;
}

/* After a failure: waits until it may be tried once more. count: as it was before. Returns FALSE with an error where it
 * need not be tried again. */
static gboolean
wait_to_retry (FerryMux *self, const GError *failure, guint64 count, gint64 deadline, GCancellable *cancellable,
               GError **error)
{
  if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return ferry_transport_wait_for_room (self->transport, count, deadline, cancellable, error);
  g_propagate_error (error, ferry_error_copy (failure));
  return FALSE;
}

guint64
ferry_mux_ask_waiting (FerryMux *self, const FerryAskRequest *request, const FerryAskFuncs *funcs, gpointer data,
                       GCancellable *cancellable, GError **error)
{
  for (;;)
    {
      guint64 count = ferry_transport_get_room_count (self->transport);
      g_autoptr (GError) failure = NULL;
      guint64 xid = ferry_mux_ask (self, request, funcs, data, &failure);

      if (xid != 0 || !wait_to_retry (self, failure, count, request->deadline, cancellable, error))
        return xid;
    }
}

gboolean
ferry_mux_abandon (FerryMux *self, guint64 xid, FerryCancelReason reason, const GError *error)
{
  Ask *ask = ferry_transactions_abandon (self->transactions, xid, reason);

  if (ask == NULL)
    return FALSE;
  ask_end (ask, NULL, error);
  return TRUE;
}

void
ferry_mux_add_window (FerryMux *self, guint64 xid, guint n)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_transactions_add_window (self->transactions, xid, n, &error))
    g_debug ("A stream's window does not grow: %s", error->message);
}

/* ---- asking with a completion ---- */

/* What a completion has of its transaction. */
typedef struct
{
  FerryMux *mux; /* const: (owned) */
  char *method;  /* const: (owned) (nullable): NULL where it cannot be abandoned */
  guint64 xid;   /* written before the completion has a face */
} Transaction;

static GError *
transaction_abandon (gpointer data, FerryAbandonReason reason)
{
  Transaction *self = data;
  gboolean timed_out = reason == FERRY_ABANDON_DEADLINE;
  FerryCompletion *held = ferry_transactions_abandon (
    self->mux->transactions, self->xid, timed_out ? FERRY_CANCEL_REASON_DEADLINE : FERRY_CANCEL_REASON_CANCELLED);

  /* Where an answer has taken it out, that finds the completion over. */
  g_clear_pointer (&held, ferry_completion_unref);
  if (timed_out)
    return ferry_mux_new_timed_out_error (self->method);
  return g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "“%s” was cancelled", self->method);
}

static void
transaction_destroy (gpointer data)
{
  Transaction *self = data;

  g_free (self->method);
  g_object_unref (self->mux);
}

static const FerryCompletionFuncs transaction_funcs = {transaction_abandon, transaction_destroy};

typedef gboolean (*FinishFunc) (FerryCompletion *self, gpointer result, GDestroyNotify free_result, GError *error);

/* For what took it out of the table, with the table's reference. */
static void
transaction_end (FerryCompletion *completion, GVariant *result, const GError *error, FinishFunc finish)
{
  if (result != NULL)
    ferry_known_types_add (result);
  finish (completion, result != NULL ? g_variant_ref (result) : NULL, (GDestroyNotify) g_variant_unref,
          error != NULL ? ferry_error_copy (error) : NULL);
  ferry_completion_unref (completion);
}

static void
transaction_answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  transaction_end (data, result, error, ferry_completion_finish);
}

static void
transaction_answered_in_run (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  transaction_end (data, result, error, ferry_completion_finish_in_run);
}

static const FerryAnswerFuncs completion_funcs = {.done = transaction_answered};
static const FerryAnswerFuncs waiting_funcs = {.done = transaction_answered,
                                               .done_in_run = transaction_answered_in_run};

/* can_end: it has a deadline or a cancellable. Returns (transfer full). */
static FerryCompletion *
transaction_new (FerryMux *mux, const char *method, gboolean can_end)
{
  FerryCompletion *completion = ferry_completion_new (&transaction_funcs, sizeof (Transaction));
  Transaction *self = ferry_completion_get_data (completion);

  self->mux = g_object_ref (mux);
  self->method = can_end ? g_strdup (method) : NULL;
  return completion;
}

static void
stop_transaction (FerryMux *self, guint64 xid, const GError *error)
{
  FerryCompletion *completion = ferry_transactions_abandon (self->transactions, xid, FERRY_CANCEL_REASON_CANCELLED);

  if (completion != NULL)
    transaction_end (completion, NULL, error, ferry_completion_finish);
}

/* Returns FALSE with an error where it could not be asked. */
static gboolean
transaction_start (FerryCompletion *completion, const FerryAskRequest *request, const FerryAnswerFuncs *funcs,
                   GError **error)
{
  Transaction *self = ferry_completion_get_data (completion);
  g_autoptr (GError) stopped = NULL;

  self->xid = send_request (self->mux, request, funcs, ferry_completion_ref (completion), error);
  if (self->xid == 0)
    ferry_completion_unref (completion);
  /* As in ferry_mux_ask(). */
  else if (!check_running (self->mux, &stopped))
    stop_transaction (self->mux, self->xid, stopped);
  return self->xid != 0;
}

/* ---- what is in flight ---- */

/* Others than muxes ask over the same transport too. */
static gboolean
is_ask_of_mux (const FerryAnswerFuncs *funcs, gpointer data, gpointer mux)
{
  return funcs->done == ask_answered && ((Ask *) data)->mux == mux;
}

static gboolean
is_transaction_of_mux (const FerryAnswerFuncs *funcs, gpointer data, gpointer mux)
{
  return funcs->done == transaction_answered && ((Transaction *) ferry_completion_get_data (data))->mux == mux;
}

static void
stop_all (FerryMux *self, const GError *error)
{
  g_autoptr (GArray) asks = ferry_transactions_list_asked (self->transactions, is_ask_of_mux, self);
  g_autoptr (GArray) transactions = ferry_transactions_list_asked (self->transactions, is_transaction_of_mux, self);

  for (guint i = 0; i < asks->len; i++)
    ferry_mux_abandon (self, g_array_index (asks, guint64, i), FERRY_CANCEL_REASON_CANCELLED, error);
  for (guint i = 0; i < transactions->len; i++)
    stop_transaction (self, g_array_index (transactions, guint64, i), error);
}

/* ---- a thread that waits ---- */

/* Asks once there is room. */
static gboolean
transaction_start_waiting (FerryCompletion *completion, const FerryAskRequest *request, GCancellable *cancellable,
                           GError **error)
{
  FerryMux *mux = ((Transaction *) ferry_completion_get_data (completion))->mux;

  for (;;)
    {
      guint64 count = ferry_transport_get_room_count (mux->transport);
      g_autoptr (GError) failure = NULL;

      if (transaction_start (completion, request, &waiting_funcs, &failure))
        return TRUE;
      if (!wait_to_retry (mux, failure, count, request->deadline, cancellable, error))
        return FALSE;
    }
}

/* For a completion, which has G_MAXINT64 for none. */
static gint64
get_completion_deadline (const FerryAskRequest *request)
{
  return request->deadline > 0 ? request->deadline : G_MAXINT64;
}

/**
 * ferry_mux_transact:
 * @self: a mux
 * @method: what is asked, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): what goes with it; a floating reference is taken
 * @timeout: how long it may take, in microseconds; negative for any time. The other end is told the deadline
 * @cancellable: (nullable): a cancellable
 * @result: (out) (transfer full) (nullable) (optional): where the answer's value goes, %NULL for an answer without one
 * @error: return location for an error
 *
 * Asks, and waits for the answer. Not on the thread that receives for the transport (the router's thread, for a
 * worker's link) nor on that of the main loop, where it fails with %FERRY_ERROR_WRONG_THREAD: there is
 * [method@Ferry.Mux.transact_async].
 *
 * Fails with the error that the other end answers, which comes with its domain and code (see
 * [func@Ferry.Error.get_trace]); with %FERRY_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED, %FERRY_ERROR_REFUSED when it was
 * not begun, %FERRY_ERROR_CLOSED when the mux was stopped or the transport closed, %FERRY_ERROR_WORKER_LOST when
 * the worker ended before it had answered, %FERRY_ERROR_BAD_ARGUMENTS and
 * %FERRY_ERROR_TOO_LARGE for what cannot be sent.
 *
 * Returns: %TRUE when it was answered
 *
 * Since: 0.1
 */
gboolean
ferry_mux_transact (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout, GCancellable *cancellable,
                    GVariant **result, GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  const FerryAskRequest request = {method, kept, ferry_mux_get_deadline (timeout), 0};
  g_autoptr (FerryCompletion) completion = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;

  g_return_val_if_fail (FERRY_IS_MUX (self), FALSE);
  g_return_val_if_fail (method != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (result != NULL)
    *result = NULL;
  if (!ferry_transport_check_may_wait (self->transport, "ferry_mux_transact_async()", error) ||
      g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  completion = transaction_new (self, method, timeout >= 0 || cancellable != NULL);
  ferry_completion_set_waiters (completion, ferry_transport_get_waiters (self->transport));
  if (!transaction_start_waiting (completion, &request, cancellable, error))
    return FALSE;
  ferry_completion_wait (completion, get_completion_deadline (&request), cancellable);
  value = ferry_completion_take (completion, &failure);
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  if (result != NULL)
    *result = g_steal_pointer (&value);
  return TRUE;
}

/* ---- GIO's asynchronous manner ---- */

/**
 * ferry_mux_transact_async:
 * @self: a mux
 * @method: what is asked, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): what goes with it; a floating reference is taken
 * @timeout: how long it may take, in microseconds; negative for any time. The other end is told the deadline
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when it is over, in the thread-default main context of the caller
 * @user_data: data for @callback
 *
 * Asks without waiting. Any thread with a main context that runs. Where the transport has no room at present it fails
 * with %FERRY_ERROR_WOULD_BLOCK, at once: have fewer in flight, and go on when one is answered.
 *
 * Since: 0.1
 */
void
ferry_mux_transact_async (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  const FerryAskRequest request = {method, kept, ferry_mux_get_deadline (timeout), 0};
  g_autoptr (FerryCompletion) completion = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (FERRY_IS_MUX (self));
  g_return_if_fail (method != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_mux_transact_async);
  g_task_set_check_cancellable (task, FALSE);
  completion = transaction_new (self, method, timeout >= 0 || cancellable != NULL);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error) ||
      !transaction_start (completion, &request, &completion_funcs, &error))
    g_task_return_error (task, error);
  else
    ferry_completion_return (completion, task, get_completion_deadline (&request));
}

/**
 * ferry_mux_transact_finish:
 * @self: a mux
 * @result: what the callback was given
 * @value: (out) (transfer full) (nullable) (optional): where the answer's value goes, %NULL for an answer without one
 * @error: return location for an error
 *
 * Ends [method@Ferry.Mux.transact_async]. Fails as [method@Ferry.Mux.transact]. Any thread.
 *
 * Returns: %TRUE when it was answered
 *
 * Since: 0.1
 */
gboolean
ferry_mux_transact_finish (FerryMux *self, GAsyncResult *result, GVariant **value, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) answer = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  answer = g_task_propagate_pointer (G_TASK (result), &failure);
  if (value != NULL)
    *value = failure == NULL ? g_steal_pointer (&answer) : NULL;
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* ---- a function ---- */

/**
 * ferry_mux_transact_with_func:
 * @self: a mux
 * @method: what is asked, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): what goes with it; a floating reference is taken
 * @func: (scope async): called once with the answer, or with why there is none
 * @user_data: data for @func
 * @error: return location for an error
 *
 * Asks without waiting, at the least cost: @func is called on the thread that receives for the transport (the router's
 * thread, for a worker's link), or on the one that stops the mux or closes the transport. It may be called before this
 * returns. Any thread.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK where the transport has no room at present, with %FERRY_ERROR_CLOSED,
 * %FERRY_ERROR_BAD_ARGUMENTS and %FERRY_ERROR_TOO_LARGE; @func is not called then.
 *
 * Returns: the transaction's number, for [method@Ferry.Mux.cancel], or 0 when it failed
 *
 * Since: 0.1
 */
guint64
ferry_mux_transact_with_func (FerryMux *self, const char *method, GVariant *arguments, FerryMuxFunc func,
                              gpointer user_data, GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryAskRequest request = {method, kept, 0, 0};
  FerryAskFuncs funcs = {.func = func};

  g_return_val_if_fail (FERRY_IS_MUX (self), 0);
  g_return_val_if_fail (method != NULL, 0);
  g_return_val_if_fail (func != NULL, 0);
  g_return_val_if_fail (error == NULL || *error == NULL, 0);

  return ferry_mux_ask (self, &request, &funcs, user_data, error);
}

/**
 * ferry_mux_cancel:
 * @self: a mux
 * @xid: the number of a transaction of [method@Ferry.Mux.transact_with_func]
 *
 * Tells the other end that the answer is wanted no more. It answers all the same, with %G_IO_ERROR_CANCELLED when it
 * heeds that. Any thread.
 *
 * Returns: %FALSE when the transaction is over
 *
 * Since: 0.1
 */
gboolean
ferry_mux_cancel (FerryMux *self, guint64 xid)
{
  g_return_val_if_fail (FERRY_IS_MUX (self), FALSE);

  return ferry_transactions_cancel (self->transactions, xid, FERRY_CANCEL_REASON_CANCELLED);
}

/* ---- one way ---- */

static gboolean
send_once (FerryMux *self, const char *method, GVariant *arguments, gint64 deadline, GError **error)
{
  FerryRequest request = {
    .method = method,
    .arguments = arguments,
    .deadline = deadline,
    .flags = FERRY_CALL_ONE_WAY,
  };

  return check_running (self, error) && ferry_transactions_ask (self->transactions, &request, NULL, NULL, error) != 0;
}

/**
 * ferry_mux_send:
 * @self: a mux
 * @method: what is asked, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): what goes with it; a floating reference is taken
 * @timeout: how long to wait for room in the transport, in microseconds; negative for any time, 0 for not at all
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Asks one way: no answer is wanted, none is sent, and nothing is kept for one. Returns when the transport has it. Any
 * thread, but one that may not wait (see [method@Ferry.Mux.transact]) gives a @timeout of 0.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK where there is no room and it may not wait, %FERRY_ERROR_TIMED_OUT,
 * %G_IO_ERROR_CANCELLED, %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_CLOSED, %FERRY_ERROR_BAD_ARGUMENTS and
 * %FERRY_ERROR_TOO_LARGE.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_mux_send (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout, GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  gint64 deadline = ferry_mux_get_deadline (timeout);

  g_return_val_if_fail (FERRY_IS_MUX (self), FALSE);
  g_return_val_if_fail (method != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (timeout != 0 && !ferry_transport_check_may_wait (self->transport, "ferry_mux_send() with a timeout of 0", error))
    return FALSE;
  for (;;)
    {
      guint64 count = ferry_transport_get_room_count (self->transport);
      g_autoptr (GError) failure = NULL;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (send_once (self, method, kept, 0, &failure))
        return TRUE;
      if (timeout == 0)
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      if (!wait_to_retry (self, failure, count, deadline, cancellable, error))
        return FALSE;
    }
}

/* ---- the end ---- */

/**
 * ferry_mux_stop:
 * @self: a mux
 *
 * Ends what the mux has in flight with %FERRY_ERROR_CLOSED, and takes nothing more. The other end is told that the
 * answers are wanted no more; the transport stays open. Does nothing when called again. Any thread, also within a
 * callback.
 *
 * Since: 0.1
 */
void
ferry_mux_stop (FerryMux *self)
{
  g_autoptr (GError) reason = NULL;
  gboolean stopped;

  g_return_if_fail (FERRY_IS_MUX (self));

  reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The mux was stopped; make another one");
  g_mutex_lock (&self->lock);
  stopped = self->stopped != NULL;
  if (!stopped)
    self->stopped = ferry_error_copy (reason);
  /* Release: pairs with check_running(). */
  atomic_store_explicit (&self->is_stopped, TRUE, memory_order_release);
  g_mutex_unlock (&self->lock);
  if (!stopped)
    stop_all (self, reason);
}

/**
 * ferry_mux_get_stopped:
 * @self: a mux
 *
 * Any thread.
 *
 * Returns: whether [method@Ferry.Mux.stop] was called
 *
 * Since: 0.1
 */
gboolean
ferry_mux_get_stopped (FerryMux *self)
{
  g_return_val_if_fail (FERRY_IS_MUX (self), TRUE);

  return !check_running (self, NULL);
}

/**
 * ferry_mux_get_n_in_flight:
 * @self: a mux
 *
 * Counts them: what it costs grows with what is in flight over the transport. Any thread.
 *
 * Returns: how many of its transactions are not over
 *
 * Since: 0.1
 */
guint
ferry_mux_get_n_in_flight (FerryMux *self)
{
  g_autoptr (GArray) asks = NULL;
  g_autoptr (GArray) transactions = NULL;

  g_return_val_if_fail (FERRY_IS_MUX (self), 0);

  asks = ferry_transactions_list_asked (self->transactions, is_ask_of_mux, self);
  transactions = ferry_transactions_list_asked (self->transactions, is_transaction_of_mux, self);
  return asks->len + transactions->len;
}

/**
 * ferry_mux_get_n_late:
 * @self: a mux
 *
 * Any thread.
 *
 * Returns: how many answers came over its transport for transactions that were over
 *
 * Since: 0.1
 */
guint64
ferry_mux_get_n_late (FerryMux *self)
{
  g_return_val_if_fail (FERRY_IS_MUX (self), 0);

  return ferry_transactions_get_n_late (self->transactions);
}

/**
 * ferry_mux_get_n_unknown:
 * @self: a mux
 *
 * Any thread.
 *
 * Returns: how many answers came over its transport for what nobody had asked
 *
 * Since: 0.1
 */
guint64
ferry_mux_get_n_unknown (FerryMux *self)
{
  g_return_val_if_fail (FERRY_IS_MUX (self), 0);

  return ferry_transactions_get_n_unknown (self->transactions);
}

/* ---- the object ---- */

/**
 * ferry_mux_new:
 * @transport: a transport
 *
 * Any thread.
 *
 * Returns: (transfer full): a new mux
 *
 * Since: 0.1
 */
FerryMux *
ferry_mux_new (FerryTransport *transport)
{
  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), NULL);

  return g_object_new (FERRY_TYPE_MUX, "transport", transport, NULL);
}

/**
 * ferry_mux_get_transport: (get-property transport)
 * @self: a mux
 *
 * Any thread.
 *
 * Returns: (transfer none): what carries its transactions
 *
 * Since: 0.1
 */
FerryTransport *
ferry_mux_get_transport (FerryMux *self)
{
  g_return_val_if_fail (FERRY_IS_MUX (self), NULL);

  return self->transport;
}

static void
ferry_mux_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryMux *self = FERRY_MUX (object);

  if (id == PROP_TRANSPORT)
    g_value_set_object (value, self->transport);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ferry_mux_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryMux *self = FERRY_MUX (object);

  if (id != PROP_TRANSPORT)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  self->transport = g_value_dup_object (value);
  self->transactions = ferry_transport_get_transactions (self->transport);
}

/* Nothing is in flight: that would have a reference. */
static void
ferry_mux_finalize (GObject *object)
{
  FerryMux *self = FERRY_MUX (object);

  g_clear_object (&self->transport);
  g_clear_error (&self->stopped);
  g_mutex_clear (&self->lock);

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
   * FerryMux:transport: (getter get_transport)
   *
   * What carries its transactions.
   *
   * Since: 0.1
   */
  properties[PROP_TRANSPORT] = g_param_spec_object (
    "transport", NULL, NULL, FERRY_TYPE_TRANSPORT, G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_mux_init (FerryMux *self)
{
  g_mutex_init (&self->lock);
}
