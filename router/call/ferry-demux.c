/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end of a transport that answers: the public object in front of the dispatcher, which does the work.
 *
 * The dispatcher knows whether the demux is started; a closed one refuses every request. The transport is told of it
 * afterwards, by one thread at a time, until both agree. So start and stop may run on several threads at once, and also
 * within each other, in the handlers of requests that came early.
 *
 * Locks: neither lock nor the dispatcher's is held while the transport is called. */

#include "config.h"

#include "call/ferry-demux-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-usable-cores.h"

#define DEFAULT_MAX_PENDING 65536
#define DEFAULT_MAX_PENDING_SIZE (64 * 1024 * 1024)

/* After so many idle microseconds a thread ends that was started on demand. */
#define IDLE_TIME (5 * G_USEC_PER_SEC)

/**
 * FerryDemux:
 *
 * Answers the requests of a [class@Ferry.Transport], with handlers by the name of the method.
 *
 * By default, handlers run on a pool of threads, one for each core that the process may use. See
 * [method@Ferry.Demux.set_threads], [method@Ferry.Demux.set_threads_on_demand] and
 * [method@Ferry.Demux.set_context]. Threads are started when there are requests.
 *
 * Every request is answered. Those without a handler's answer get one of these errors:
 *
 * - %FERRY_ERROR_UNKNOWN_FUNCTION where there is no handler for the method;
 * - %FERRY_ERROR_REFUSED beyond [property@Ferry.Demux:max-pending] or [property@Ferry.Demux:max-pending-size], and for
 *   requests that wait when the demux is stopped;
 * - %FERRY_ERROR_TIMED_OUT and %G_IO_ERROR_CANCELLED where the request's deadline passed, or it was cancelled, before a
 *   handler was called.
 *
 * A transport has at most one demux that runs. A demux that is dropped is stopped. Any thread may use it.
 *
 * Since: 0.1
 */
struct _FerryDemux
{
  GObject parent_instance;

  FerryTransport *transport;            /* const: (owned) */
  FerryDispatcher *dispatcher;          /* const: (owned) */
  FerryInvocationDescribeFunc describe; /* (nullable): set before it is started */
  _Atomic guint64 n_received;

  pthread_mutex_t lock;
  gboolean telling;    /* lock, as the next one: a thread tells the transport */
  gboolean registered; /* the transport passes requests on to this */
};

G_DEFINE_FINAL_TYPE (FerryDemux, ferry_demux, G_TYPE_OBJECT)

enum
{
  PROP_TRANSPORT = 1,
  PROP_MAX_PENDING,
  PROP_MAX_PENDING_SIZE,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/**
 * ferry_demux_new:
 * @transport: the transport of the requests
 *
 * Any thread.
 *
 * Returns: (transfer full): a demux that is not started
 *
 * Since: 0.1
 */
FerryDemux *
ferry_demux_new (FerryTransport *transport)
{
  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), NULL);

  return g_object_new (FERRY_TYPE_DEMUX, "transport", transport, NULL);
}

/**
 * ferry_demux_get_transport:
 * @self: a demux
 *
 * Any thread.
 *
 * Returns: (transfer none): its transport
 *
 * Since: 0.1
 */
FerryTransport *
ferry_demux_get_transport (FerryDemux *self)
{
  g_return_val_if_fail (FERRY_IS_DEMUX (self), NULL);

  return self->transport;
}

FerryDispatcher *
ferry_demux_get_dispatcher (FerryDemux *self)
{
  return self->dispatcher;
}

void
ferry_demux_set_describe_func (FerryDemux *self, FerryInvocationDescribeFunc describe)
{
  self->describe = describe;
}

/* ---- handlers ---- */

/**
 * ferry_demux_add_handler:
 * @self: a demux
 * @method: (nullable): the method that it answers, or %NULL for all methods without a handler
 * @handler: (scope notified) (closure user_data) (destroy destroy): called for each request
 * @user_data: data for @handler
 * @destroy: (nullable): frees the data, once @handler is removed and has returned; on any thread.
 *
 * Adds a handler, in place of the one that answered the method before. Any thread, at any time.
 *
 * Since: 0.1
 */
void
ferry_demux_add_handler (FerryDemux *self, const char *method, FerryDemuxHandler handler, gpointer user_data,
                         GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));
  g_return_if_fail (handler != NULL);

  ferry_dispatcher_set_handler (self->dispatcher, method, handler, user_data, destroy);
}

/**
 * ferry_demux_remove_handler:
 * @self: a demux
 * @method: (nullable): the method, or %NULL for the handler of all others.
 *
 * Removes a handler, if there is one. It may still run. Any thread, at any time.
 *
 * Since: 0.1
 */
void
ferry_demux_remove_handler (FerryDemux *self, const char *method)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));

  ferry_dispatcher_set_handler (self->dispatcher, method, NULL, NULL, NULL);
}

/* ---- where they run ---- */

#define WHEN_STOPPED "the demux is running; call this before ferry_demux_start(), or after ferry_demux_stop()"

/**
 * ferry_demux_set_threads:
 * @self: a demux that is stopped
 * @n_threads: how many, or 0 to run handlers on the thread that receives.
 *
 * Runs handlers on a pool of threads, which stay until the demux is stopped. While a handler runs on the receiving
 * thread, no message is received, not even a cancel. Requests that came before the start are answered on the thread
 * that starts the demux.
 *
 * A receiving thread of the library blocks all signals, and a process that a handler starts inherits that. The threads
 * of a pool block the signals that the thread blocks which starts the demux. Any thread.
 *
 * Since: 0.1
 */
void
ferry_demux_set_threads (FerryDemux *self, guint n_threads)
{
  gboolean is_early;

  g_return_if_fail (FERRY_IS_DEMUX (self));

  is_early = ferry_dispatcher_set_place (
    self->dispatcher, n_threads > 0 ? FERRY_DISPATCHER_PLACE_THREADS : FERRY_DISPATCHER_PLACE_RECEIVING, n_threads, -1,
    NULL);
  ferry_return_if_fail (is_early, WHEN_STOPPED);
}

/**
 * ferry_demux_set_threads_on_demand:
 * @self: a demux that is stopped
 * @max_threads: the most threads at a time
 *
 * Runs each handler on a thread of its own, up to so many; further requests wait. Threads are used again, and end after
 * some idle time. Any thread.
 *
 * Since: 0.1
 */
void
ferry_demux_set_threads_on_demand (FerryDemux *self, guint max_threads)
{
  gboolean is_early;

  g_return_if_fail (FERRY_IS_DEMUX (self));
  g_return_if_fail (max_threads > 0);

  is_early =
    ferry_dispatcher_set_place (self->dispatcher, FERRY_DISPATCHER_PLACE_THREADS, max_threads, IDLE_TIME, NULL);
  ferry_return_if_fail (is_early, WHEN_STOPPED);
}

/**
 * ferry_demux_set_context:
 * @self: a demux that is stopped
 * @context: (nullable): a main context, or %NULL for the default one.
 *
 * Runs handlers on a main context, one at a time and in order. Where the receiving thread is the context's own, they
 * run at once, otherwise from a source. Any thread.
 *
 * Since: 0.1
 */
void
ferry_demux_set_context (FerryDemux *self, GMainContext *context)
{
  gboolean is_early;

  g_return_if_fail (FERRY_IS_DEMUX (self));

  is_early = ferry_dispatcher_set_place (self->dispatcher, FERRY_DISPATCHER_PLACE_CONTEXT, 0, -1,
                                         context != NULL ? context : g_main_context_default ());
  ferry_return_if_fail (is_early, WHEN_STOPPED);
}

/**
 * ferry_demux_set_max_pending:
 * @self: a demux
 * @max_pending: how many requests may wait
 *
 * Sets [property@Ferry.Demux:max-pending]. Any thread, at any time.
 *
 * Since: 0.1
 */
void
ferry_demux_set_max_pending (FerryDemux *self, guint max_pending)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));

  if (ferry_dispatcher_set_max_pending (self->dispatcher, max_pending))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_PENDING]);
}

/**
 * ferry_demux_get_max_pending:
 * @self: a demux
 *
 * Any thread.
 *
 * Returns: how many requests may wait
 *
 * Since: 0.1
 */
guint
ferry_demux_get_max_pending (FerryDemux *self)
{
  g_return_val_if_fail (FERRY_IS_DEMUX (self), 0);

  return ferry_dispatcher_get_max_pending (self->dispatcher);
}

/**
 * ferry_demux_set_max_pending_size:
 * @self: a demux
 * @max_pending_size: how many bytes of arguments may wait
 *
 * Sets [property@Ferry.Demux:max-pending-size]. Any thread, at any time.
 *
 * Since: 0.1
 */
void
ferry_demux_set_max_pending_size (FerryDemux *self, guint64 max_pending_size)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));

  if (ferry_dispatcher_set_max_pending_size (self->dispatcher, max_pending_size))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_PENDING_SIZE]);
}

/**
 * ferry_demux_get_max_pending_size:
 * @self: a demux
 *
 * Any thread.
 *
 * Returns: how many bytes of arguments may wait
 *
 * Since: 0.1
 */
guint64
ferry_demux_get_max_pending_size (FerryDemux *self)
{
  g_return_val_if_fail (FERRY_IS_DEMUX (self), 0);

  return ferry_dispatcher_get_max_pending_size (self->dispatcher);
}

/**
 * ferry_demux_get_n_pending:
 * @self: a demux
 *
 * Any thread.
 *
 * Returns: how many requests wait for a handler
 *
 * Since: 0.1
 */
guint
ferry_demux_get_n_pending (FerryDemux *self)
{
  g_return_val_if_fail (FERRY_IS_DEMUX (self), 0);

  return ferry_dispatcher_get_n_pending (self->dispatcher);
}

/* ---- starting and stopping ---- */

/* The receiving thread; for early requests the thread that starts the demux. */
static void
call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  FerryDemux *self = FERRY_DEMUX (owner);
  FerryInvocation *invocation = ferry_invocation_new (transport, call, self->describe);

  invocation->number = atomic_fetch_add (&self->n_received, 1) + 1;
  ferry_dispatcher_take (self->dispatcher, invocation);
}

guint64
ferry_demux_get_n_received (FerryDemux *self)
{
  return atomic_load (&self->n_received);
}

/* Registers or unregisters. Returns FALSE with an error where another demux has the transport. */
static gboolean
tell_transport (FerryDemux *self, gboolean wanted, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (wanted)
    return ferry_transport_take_calls (self->transport, call_came, G_OBJECT (self), error);
  reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, "The other end does not answer any more; ask again later");
  ferry_transport_leave_calls (self->transport, reason);
  return TRUE;
}

/* Where another call of this runs, on any thread, that one does the work. */
static gboolean
agree (FerryDemux *self, GError **error)
{
  gboolean told = TRUE;
  gboolean wanted;

  pthread_mutex_lock (&self->lock);
  while (told && !self->telling && (wanted = ferry_dispatcher_is_open (self->dispatcher)) != self->registered)
    {
      self->telling = TRUE;
      pthread_mutex_unlock (&self->lock);
      told = tell_transport (self, wanted, error);
      if (!told)
        ferry_dispatcher_close (self->dispatcher);
      pthread_mutex_lock (&self->lock);
      self->telling = FALSE;
      if (told)
        self->registered = wanted;
    }
  pthread_mutex_unlock (&self->lock);
  return told;
}

/**
 * ferry_demux_start:
 * @self: a demux
 * @error: return location for an error
 *
 * Answers requests from now on, beginning with those that came to the transport early. Does nothing where it is
 * started. Any thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_RUNNING when another demux answers on the transport.
 *
 * Returns: whether it is started
 *
 * Since: 0.1
 */
gboolean
ferry_demux_start (FerryDemux *self, GError **error)
{
  g_return_val_if_fail (FERRY_IS_DEMUX (self), FALSE);

  return !ferry_dispatcher_open (self->dispatcher) || agree (self, error);
}

/**
 * ferry_demux_stop:
 * @self: a demux
 *
 * Begins no further handlers. Requests that wait or come later get %FERRY_ERROR_REFUSED. Handlers that run go on to
 * their answers, and then their threads end. This does not wait for them: see [method@Ferry.Demux.stop_async]. The
 * demux may be started again at once. Does nothing where it is stopped. Any thread, also in a handler.
 *
 * Since: 0.1
 */
void
ferry_demux_stop (FerryDemux *self)
{
  g_return_if_fail (FERRY_IS_DEMUX (self));

  if (ferry_dispatcher_close (self->dispatcher))
    agree (self, NULL);
}

/**
 * ferry_demux_stop_async:
 * @self: a demux
 * @cancellable: (nullable): ends the wait, but does not undo the stop.
 * @callback: (scope async): called when all handlers have returned that had begun
 * @user_data: data for @callback
 *
 * Stops as [method@Ferry.Demux.stop] does, and waits until the handlers have returned and the threads have ended. It
 * does not wait for requests that a handler left to be answered later. Any thread, also in a handler.
 *
 * Since: 0.1
 */
void
ferry_demux_stop_async (FerryDemux *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_DEMUX (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_demux_stop_async);
  ferry_demux_stop (self);
  ferry_dispatcher_wait_quiet (self->dispatcher, task);
}

/**
 * ferry_demux_stop_finish:
 * @self: a demux
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Demux.stop_async]. Any thread.
 *
 * Fails with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when all handlers have returned that had begun
 *
 * Since: 0.1
 */
gboolean
ferry_demux_stop_finish (FerryDemux *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_DEMUX (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_demux_get_running:
 * @self: a demux
 *
 * Any thread.
 *
 * Returns: whether it is started
 *
 * Since: 0.1
 */
gboolean
ferry_demux_get_running (FerryDemux *self)
{
  g_return_val_if_fail (FERRY_IS_DEMUX (self), FALSE);

  return ferry_dispatcher_is_open (self->dispatcher);
}

/* ---- the object ---- */

static void
ferry_demux_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryDemux *self = FERRY_DEMUX (object);

  switch (property_id)
    {
    case PROP_TRANSPORT:
      g_value_set_object (value, self->transport);
      break;
    case PROP_MAX_PENDING:
      g_value_set_uint (value, ferry_demux_get_max_pending (self));
      break;
    case PROP_MAX_PENDING_SIZE:
      g_value_set_uint64 (value, ferry_demux_get_max_pending_size (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_demux_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryDemux *self = FERRY_DEMUX (object);

  switch (property_id)
    {
    case PROP_TRANSPORT:
      self->transport = g_value_dup_object (value);
      break;
    case PROP_MAX_PENDING:
      ferry_demux_set_max_pending (self, g_value_get_uint (value));
      break;
    case PROP_MAX_PENDING_SIZE:
      ferry_demux_set_max_pending_size (self, g_value_get_uint64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_demux_dispose (GObject *object)
{
  ferry_take_over (object);
  ferry_demux_stop (FERRY_DEMUX (object));

  G_OBJECT_CLASS (ferry_demux_parent_class)->dispose (object);
}

static void
ferry_demux_finalize (GObject *object)
{
  FerryDemux *self = FERRY_DEMUX (object);

  ferry_dispatcher_unref (self->dispatcher);
  g_clear_object (&self->transport);
  pthread_mutex_destroy (&self->lock);

  G_OBJECT_CLASS (ferry_demux_parent_class)->finalize (object);
}

static void
ferry_demux_class_init (FerryDemuxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_demux_get_property;
  object_class->set_property = ferry_demux_set_property;
  object_class->dispose = ferry_demux_dispose;
  object_class->finalize = ferry_demux_finalize;

  /**
   * FerryDemux:transport:
   *
   * The transport of the requests.
   *
   * Since: 0.1
   */
  properties[PROP_TRANSPORT] = g_param_spec_object (
    "transport", NULL, NULL, FERRY_TYPE_TRANSPORT, G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * FerryDemux:max-pending:
   *
   * How many requests may wait for a handler, 65,536 by default. Further requests are refused.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_PENDING] =
    g_param_spec_uint ("max-pending", NULL, NULL, 0, G_MAXUINT, DEFAULT_MAX_PENDING,
                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * FerryDemux:max-pending-size:
   *
   * How many bytes of serialised arguments may wait for a handler, 64 MiB by default. Further requests are refused.
   * Where no request waits, one may wait, however large it is.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_PENDING_SIZE] =
    g_param_spec_uint64 ("max-pending-size", NULL, NULL, 0, G_MAXUINT64, DEFAULT_MAX_PENDING_SIZE,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_demux_init (FerryDemux *self)
{
  pthread_mutex_init (&self->lock, NULL);
  self->dispatcher = ferry_dispatcher_new ();
  ferry_dispatcher_set_max_pending (self->dispatcher, DEFAULT_MAX_PENDING);
  ferry_dispatcher_set_max_pending_size (self->dispatcher, DEFAULT_MAX_PENDING_SIZE);
  ferry_dispatcher_set_place (self->dispatcher, FERRY_DISPATCHER_PLACE_THREADS, ferry_get_n_usable_cores (), -1, NULL);
}
