/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/ferry-mux-fields-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-berths-private.h"
#include "call/ferry-remote-error-private.h"

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

gboolean
ferry_mux_check_running (FerryMux *self, GError **error)
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

/* ---- a thread that waits ---- */

/* Bits of a waiter's state: it is over; it sleeps, or is about to; and above these, how often it was told to look
 * again. */
#define WAITER_OVER 1u
#define WAITER_ASLEEP 2u
#define WAITER_LOOK 4u

/* No lock, which who answers would have to let go of before a thread that it wakes can go on. */
typedef struct
{
  FerryMux *mux;       /* (unowned) */
  FerryBerths *berths; /* (unowned): the transport's */
  guint berth;
  _Atomic guint32 state;
  GVariant *result; /* (owned) (nullable): of who ends it, as the next one, until it is over */
  GError *error;    /* (owned) (nullable) */
} Waiter;

/* any. A waiter may be gone as soon as it is over, so what is needed is taken before. */
static void
waiter_tell (Waiter *self, guint32 what, gboolean later)
{
  FerryBerths *berths = self->berths;
  guint berth = self->berth;

  /* Release: pairs with waiter_is_over(). */
  if ((atomic_fetch_add_explicit (&self->state, what, memory_order_release) & WAITER_ASLEEP) == 0)
    return;
  if (later)
    ferry_berths_wake_later (berths, berth);
  else
    ferry_berths_wake (berths, berth);
}

static void
waiter_done (gpointer data, GVariant *result, const GError *error, gboolean later)
{
  Waiter *self = data;

  self->result = result != NULL ? g_variant_ref (result) : NULL;
  self->error = error != NULL ? ferry_error_copy (error) : NULL;
  waiter_tell (self, WAITER_OVER, later);
}

/* While this runs, who waits does not go: disconnecting waits for it. */
static void
waiter_cancelled (GCancellable *cancellable, gpointer data)
{
  waiter_tell (data, WAITER_LOOK, FALSE);
}

static gboolean
waiter_is_over (Waiter *self, guint32 *state)
{
  /* Acquire: pairs with waiter_tell(). */
  *state = atomic_load_explicit (&self->state, memory_order_acquire);
  return (*state & WAITER_OVER) != 0;
}

/* Until the state is another one, or for nothing. Returns FALSE when it is time. deadline: 0 for none. */
static gboolean
waiter_sleep (Waiter *self, guint32 state, gint64 deadline)
{
  guint32 seen = ferry_berths_look (self->berths, self->berth);

  /* Relaxed: it is one word, and who changes it after this finds the mark, and rings. */
  if (!atomic_compare_exchange_strong_explicit (&self->state, &state, state | WAITER_ASLEEP, memory_order_relaxed,
                                                memory_order_relaxed))
    return TRUE;
  return ferry_berths_sleep (self->berths, self->berth, seen, deadline);
}

/* Returns whether it is over, and not just its time, or cancelled. */
static gboolean
waiter_wait (Waiter *self, gint64 deadline, GCancellable *cancellable)
{
  gulong id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (waiter_cancelled), self, NULL) : 0;
  gboolean in_time = TRUE;
  guint32 state;

  while (!waiter_is_over (self, &state) && in_time && !g_cancellable_is_cancelled (cancellable))
    in_time = waiter_sleep (self, state, deadline);
  g_cancellable_disconnect (cancellable, id);
  return waiter_is_over (self, &state);
}

static const FerryAskFuncs waiter_funcs = {.wake = waiter_done};

static void
waiter_run (Waiter *self, const FerryAskRequest *request, GCancellable *cancellable)
{
  guint64 xid = ferry_mux_ask_waiting (self->mux, request, &waiter_funcs, self, cancellable, &self->error);
  g_autoptr (GError) error = NULL;
  gboolean cancelled;

  if (xid == 0 || waiter_wait (self, request->deadline, cancellable))
    return;
  cancelled = g_cancellable_set_error_if_cancelled (cancellable, &error);
  if (!cancelled)
    error = ferry_mux_new_timed_out_error (request->method);
  /* Where its answer comes at this moment, that counts, and is waited for. */
  if (!ferry_mux_abandon (self->mux, xid, cancelled ? FERRY_CANCEL_REASON_CANCELLED : FERRY_CANCEL_REASON_DEADLINE,
                          error))
    waiter_wait (self, 0, NULL);
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
  FerryAskRequest request = {method, kept, ferry_mux_get_deadline (timeout), 0};
  Waiter waiter = {.mux = self};

  g_return_val_if_fail (FERRY_IS_MUX (self), FALSE);
  g_return_val_if_fail (method != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (result != NULL)
    *result = NULL;
  if (!ferry_transport_check_may_wait (self->transport, "ferry_mux_transact_async()", error) ||
      g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  waiter.berths = ferry_transport_get_berths (self->transport);
  waiter.berth = ferry_berths_take (waiter.berths);
  waiter_run (&waiter, &request, cancellable);
  ferry_berths_leave (waiter.berths, waiter.berth);
  if (waiter.error != NULL)
    {
      g_propagate_error (error, waiter.error);
      return FALSE;
    }
  if (result != NULL)
    *result = g_steal_pointer (&waiter.result);
  g_clear_pointer (&waiter.result, g_variant_unref);
  return TRUE;
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

  return ferry_mux_check_running (self, error) &&
         ferry_transactions_ask (self->transactions, &request, NULL, NULL, error) != 0;
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
      if (timeout == 0 || !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      if (!ferry_transport_wait_for_room (self->transport, count, deadline, cancellable, error))
        return FALSE;
    }
}

/* ---- the end ---- */

static void
abandon_all (FerryMux *self, const GError *error)
{
  g_autoptr (GArray) xids = ferry_mux_list_asked (self);

  for (guint i = 0; i < xids->len; i++)
    ferry_mux_abandon (self, g_array_index (xids, guint64, i), FERRY_CANCEL_REASON_CANCELLED, error);
}

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
  /* Release: pairs with ferry_mux_check_running(). */
  atomic_store_explicit (&self->is_stopped, TRUE, memory_order_release);
  g_mutex_unlock (&self->lock);
  if (!stopped)
    abandon_all (self, reason);
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

  return !ferry_mux_check_running (self, NULL);
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
  g_autoptr (GArray) xids = NULL;

  g_return_val_if_fail (FERRY_IS_MUX (self), 0);

  xids = ferry_mux_list_asked (self);
  return xids->len;
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
