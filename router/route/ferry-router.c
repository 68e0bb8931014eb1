/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way of one message, from a worker to its receiver:
 *
 * 1. A sender writes a record into its process' up lane and publishes it (ferry-send.c). From here on it is safe:
 *    the memory is the application's, whatever becomes of the worker.
 * 2. If the monitor sleeps on that lane, the sender rings its doorbell (ferry-wake-private.h).
 * 3. The monitor copies records into a block, checks them, and gives the room back to the sender (ferry-drain.c).
 * 4. It pushes the block into the local queue (ferry-local-queue.c) and pings (ferry-pingee.c).
 * 5. The main context runs the pingee, which has the router dispatch for its budget (ferry-dispatch.c).
 * 6. The router finds the receiver by the connection id and calls its handler, or emits `message`.
 * 7. The block goes back, and with it the permission to drain more of that link.
 *
 * When a worker dies, or breaks the protocol, its lane is drained to where it is final, and the end of the link
 * travels as the last block behind its messages. */

#include "config.h"

#include "route/ferry-router-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-usable-memory-private.h"

#define DEFAULT_DISPATCH_BUDGET (4 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define DEFAULT_AGEING (50 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define DEFAULT_LATEST_INTERVAL (G_USEC_PER_SEC / 60 + 1)
#define LOWEST_LATEST_INTERVAL FERRY_MICROSECONDS_PER_MILLISECOND
#define HIGHEST_LATEST_INTERVAL (3600 * (gint64) G_USEC_PER_SEC)
/* What is left is for the application itself, its workers and everybody else. */
#define BUFFER_LIMIT_PART 4
#define DEFAULT_SPARE_TIME (5 * G_USEC_PER_SEC)
#define DEFAULT_LOCAL_QUEUE_LIMIT (16 * 1024 * 1024)
#define DEFAULT_LANE_CAPACITY (2 * 1024 * 1024)
#define DEFAULT_MAX_MESSAGE_SIZE (64 * 1024 * 1024)
#define HIGHEST_MAX_MESSAGE_SIZE (1024 * 1024 * 1024)

enum
{
  PROP_MAIN_CONTEXT = 1,
  PROP_PRIORITY,
  PROP_DISPATCH_BUDGET,
  PROP_AGEING,
  PROP_LOCAL_QUEUE_LIMIT,
  PROP_LANE_CAPACITY,
  PROP_MAX_MESSAGE_SIZE,
  PROP_LATEST_INTERVAL,
  PROP_BUFFER_LIMIT,
  PROP_SPARE_TIME,
  PROP_RUNNING,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/**
 * FerryRouter:
 *
 * Brings the messages of worker processes to their receivers on a main context.
 *
 * A router is started on the thread that runs its main context, which is its thread from then on: all calls but
 * those that say otherwise belong there. It opens pipes, whose senders are passed to workers
 * ([class@Ferry.Launcher]) or used by threads of the application, and whose receivers hear on the main context.
 *
 * The router dispatches below the priority of GTK's redraw and for a few milliseconds at a time, so frames, input
 * and animations come first whatever the workers do; and it ages, so that messages keep flowing whatever is painted.
 * What the application does not take in time stays with the workers, who wait.
 *
 * The application's memory stays bounded: by [property@Ferry.Router:local-queue-limit] and
 * [property@Ferry.Router:buffer-limit] for all links together, and for each link by its lane, four blocks of 64 KiB,
 * and one message that arrives in pieces.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryRouter, ferry_router, G_TYPE_OBJECT)

static GThread *
get_thread (FerryRouter *self)
{
  return g_atomic_pointer_get (&self->thread);
}

/* any: whether the router runs, and the caller is on its thread. */
gboolean
ferry_router_check (FerryRouter *self, GError **error)
{
  GThread *thread = get_thread (self);

  if (thread == NULL)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING,
                         "The router is not running; call ferry_router_start() first");
  else if (thread != g_thread_self ())
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD,
                         "The router is used on a thread that did not start it; call it there, for example through "
                         "g_main_context_invoke()");
  else
    return TRUE;
  return FALSE;
}

gboolean
ferry_router_is_in_handler (FerryRouter *self)
{
  return self->dispatching || self->n_holding > 0 || ferry_timers_is_dispatching (self->timers) ||
         ferry_errands_is_running (self->errands);
}

gboolean
ferry_router_check_not_in_handler (FerryRouter *self, GError **error)
{
  if (!ferry_router_is_in_handler (self) && !ferry_is_in_callback_of (self->context))
    return TRUE;
  g_set_error_literal (
    error, FERRY_ERROR, FERRY_ERROR_BUSY,
    "A callback of the main context cannot wait for what would come through it; use the _async form");
  return FALSE;
}

static gboolean
pinged (gpointer user_data)
{
  FerryRouter *self = user_data;
  FerryBudget budget = {.until = g_get_monotonic_time () + self->dispatch_budget};

  /* In a nested loop of a handler that route_until or an earlier run called: whoever dispatches goes on, or pings. */
  if (self->dispatching)
    return FALSE;
  self->dispatches++;
  if (g_source_get_priority (g_main_current_source ()) != self->priority)
    self->aged_dispatches++;
  return ferry_router_dispatch (self, &budget) == FERRY_DISPATCH_SPENT;
}

/**
 * ferry_router_new:
 * @context: (nullable): the main context that receivers hear on; %NULL for the thread-default one of the caller
 *
 * Makes a router, which does nothing until it is started. Any thread may call this.
 *
 * Returns: (transfer full): a new router
 *
 * Since: 0.1
 */
FerryRouter *
ferry_router_new (GMainContext *context)
{
  return g_object_new (FERRY_TYPE_ROUTER, "main-context", context, NULL);
}

/**
 * ferry_router_start:
 * @self: a router
 * @error: return location for an error
 *
 * Starts the router, with a thread of its own that drains what workers send. The calling thread, which runs the main
 * context, becomes the router's thread.
 *
 * A router that was stopped can be started again. Any thread may call this.
 *
 * Fails with %FERRY_ERROR_ALREADY_RUNNING, with %FERRY_ERROR_BUSY from within a `closed` handler that a
 * stop calls, and with %FERRY_ERROR_SYSTEM when the system has no thread or descriptors for it.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_router_start (FerryRouter *self, GError **error)
{
  g_autoptr (FerryPingee) pingee = NULL;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (get_thread (self) != NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_ALREADY_RUNNING,
                           "The router is running already; it is started once before each stop");
      return FALSE;
    }
  if (self->stopping)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                           "The router is being stopped; start it again when ferry_router_stop() has returned");
      return FALSE;
    }
  pingee = ferry_pingee_new (self->priority, self->ageing, pinged, self, NULL);
  self->monitor = ferry_monitor_new (pingee, self->account, self->local_queue_limit, self->spare_time, error);
  if (self->monitor == NULL)
    return FALSE;
  /* A new pingee is not connected, so this cannot fail. */
  ferry_pingee_connect (pingee, self->context, NULL);
  self->pingee = g_steal_pointer (&pingee);
  /* GLib starts a thread with the first GTask, and ends the program where there is none to be had: here it has just had
   * one, and later it may not. */
  g_type_ensure (G_TYPE_TASK);
  ferry_home_set_thread (self->home, g_thread_self ());
  g_atomic_pointer_set (&self->thread, g_thread_self ());
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
  return TRUE;
}

static void
warn_of_open_pipes (FerryRouter *self)
{
  g_autoptr (GString) ids = g_string_new (NULL);
  guint n_open = 0;

  for (guint i = 0; i < self->slots->len; i++)
    {
      FerryPipe *pipe = g_ptr_array_index (self->slots, i);

      if (pipe == NULL || pipe->receiver == NULL || pipe->receiver->internal)
        continue;
      g_string_append_printf (ids, "%s%" G_GUINT64_FORMAT, n_open > 0 ? ", " : "", pipe->connection_id);
      n_open++;
    }
  if (n_open > 0)
    g_warning ("The router is stopped with %u open pipe%s: %s; call ferry_router_close_pipe() first where no more is "
               "expected",
               n_open, n_open > 1 ? "s" : "", ids->str);
}

static void
end_all_pipes (FerryRouter *self)
{
  g_autoptr (FerryExit) exit = ferry_exit_new (FERRY_CLOSE_REASON_ROUTER_STOPPED, "The router was stopped");
  g_autoptr (GPtrArray) slots = g_steal_pointer (&self->slots);

  self->slots = g_ptr_array_new_with_free_func (ferry_pipe_free);
  g_array_set_size (self->free_slots, 0);
  for (guint i = 0; i < slots->len; i++)
    {
      FerryPipe *pipe = g_ptr_array_index (slots, i);

      if (pipe == NULL)
        continue;
      ferry_pipe_share_claim (pipe->share, FERRY_CLAIM_CLOSED);
      ferry_router_end_pipe (self, pipe, exit);
    }
}

static void
stop (FerryRouter *self)
{
  g_autoptr (FerryMonitor) monitor = g_steal_pointer (&self->monitor);
  g_autoptr (FerryPingee) pingee = g_steal_pointer (&self->pingee);

  self->stopping = TRUE;
  warn_of_open_pipes (self);
  ferry_pingee_disconnect (pingee);
  ferry_router_forget_hot_cells (self);
  ferry_monitor_stop (monitor);
  self->blocks += atomic_load_explicit (&monitor->n_blocks, memory_order_relaxed);
  self->protocol_errors += atomic_load_explicit (&monitor->n_faults, memory_order_relaxed);
  self->highest_queued = MAX (self->highest_queued, (guint64) ferry_local_queue_get_highest (monitor->local));
  self->most_waiting = MAX (self->most_waiting, atomic_load_explicit (&monitor->most_waiting, memory_order_relaxed));
  ferry_memory_account_set_bell (self->account, -1, NULL);
  g_atomic_pointer_set (&self->thread, NULL);
  ferry_router_discard (self, monitor);
  end_all_pipes (self);
  /* Last, so that what other threads ask meanwhile is still left to this one. */
  ferry_home_set_thread (self->home, NULL);
  self->stopping = FALSE;
}

/**
 * ferry_router_stop:
 * @self: a router
 * @error: return location for an error
 *
 * Stops the router: nothing more is taken from workers, and those that still run are killed. What has come and was
 * not delivered is counted and dropped; to have it delivered first, use [method@Ferry.Router.route_until]. Each
 * receiver whose pipe is open hears `closed` with the reason %FERRY_CLOSE_REASON_ROUTER_STOPPED before this
 * returns, and nothing afterwards; a warning lists their connection ids. Tasks of its pools, those that run as those
 * that wait, fail with %FERRY_ERROR_CLOSED.
 *
 * The warning is a structured message, as all of Ferry's warnings are, which g_test_expect_message() does not see. A
 * test that wants it sets a log writer, with g_log_set_writer_func().
 *
 * May be called from within a handler. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_router_stop (FerryRouter *self, GError **error)
{
  g_autoptr (FerryRouter) kept = NULL;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self, error))
    return FALSE;
  kept = g_object_ref (self);
  stop (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
  return TRUE;
}

/**
 * ferry_router_get_running:
 * @self: a router
 *
 * Whether the router was started and not stopped. Any thread may call this.
 *
 * Returns: %TRUE if it runs
 *
 * Since: 0.1
 */
gboolean
ferry_router_get_running (FerryRouter *self)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);

  return get_thread (self) != NULL;
}

/**
 * ferry_router_get_n_pipes:
 * @self: a router
 *
 * How many pipes are open. On the router's thread.
 *
 * Returns: the number of pipes
 *
 * Since: 0.1
 */
guint
ferry_router_get_n_pipes (FerryRouter *self)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->n_open;
}

static void
ferry_router_constructed (GObject *object)
{
  FerryRouter *self = FERRY_ROUTER (object);

  G_OBJECT_CLASS (ferry_router_parent_class)->constructed (object);

  if (self->context == NULL)
    self->context = g_main_context_ref_thread_default ();
  self->home = ferry_home_new (self->context, NULL);
  self->timers = ferry_timers_new (self->context);
  self->errands = ferry_errands_ref_for (self->context);
}

static void
stop_abandoned (gpointer data)
{
  FerryRouter *self = data;

  if (get_thread (self) != NULL)
    stop (self);
}

/* The router's thread may be in the middle of a dispatch, and receivers hear there and nowhere else. So a running
 * router whose last reference is dropped on another thread lives on until its own thread has stopped it. */
static void
ferry_router_dispose (GObject *object)
{
  FerryRouter *self = FERRY_ROUTER (object);
  GThread *thread = get_thread (self);

  if (thread != NULL && thread != g_thread_self ())
    {
      ferry_errands_post (self->context, stop_abandoned, g_object_ref (self), g_object_unref);
      return;
    }
  if (thread != NULL)
    stop (self);

  G_OBJECT_CLASS (ferry_router_parent_class)->dispose (object);
}

static void
ferry_router_finalize (GObject *object)
{
  FerryRouter *self = FERRY_ROUTER (object);

  g_ptr_array_unref (self->slots);
  g_ptr_array_unref (self->graveyard);
  ferry_hot_cells_clear (&self->hot_cells);
  g_array_unref (self->free_slots);
  ferry_timers_free (self->timers);
  ferry_errands_unref (self->errands);
  ferry_home_unref (self->home);
  ferry_memory_account_unref (self->account);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (ferry_router_parent_class)->finalize (object);
}

static void
ferry_router_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryRouter *self = FERRY_ROUTER (object);

  /* The others may change on the router's thread. */
  if (property_id != PROP_MAIN_CONTEXT && property_id != PROP_RUNNING)
    ferry_return_if_elsewhere (self->home);
  switch (property_id)
    {
    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, self->context);
      break;
    case PROP_PRIORITY:
      g_value_set_int (value, self->priority);
      break;
    case PROP_DISPATCH_BUDGET:
      g_value_set_int64 (value, self->dispatch_budget);
      break;
    case PROP_AGEING:
      g_value_set_int64 (value, self->ageing);
      break;
    case PROP_LOCAL_QUEUE_LIMIT:
      g_value_set_uint64 (value, self->local_queue_limit);
      break;
    case PROP_LANE_CAPACITY:
      g_value_set_uint64 (value, self->lane_capacity);
      break;
    case PROP_MAX_MESSAGE_SIZE:
      g_value_set_uint64 (value, self->max_message_size);
      break;
    case PROP_LATEST_INTERVAL:
      g_value_set_int64 (value, self->latest_interval);
      break;
    case PROP_BUFFER_LIMIT:
      g_value_set_uint64 (value, ferry_memory_account_get_limit (self->account));
      break;
    case PROP_SPARE_TIME:
      g_value_set_int64 (value, self->spare_time);
      break;
    case PROP_RUNNING:
      g_value_set_boolean (value, get_thread (self) != NULL);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

/* The largest power of two that is not above capacity. */
static guint64
round_capacity (guint64 capacity)
{
  guint64 rounded = FERRY_MIN_LANE_CAPACITY;

  while (rounded * 2 <= capacity)
    rounded *= 2;
  return rounded;
}

static void
set_buffer_limit (FerryRouter *self, guint64 limit)
{
  ferry_memory_account_set_limit (self->account, limit > 0 ? limit : ferry_get_usable_memory () / BUFFER_LIMIT_PART);
}

static void
ferry_router_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryRouter *self = FERRY_ROUTER (object);

  ferry_return_if_elsewhere (self->home);
  switch (property_id)
    {
    case PROP_MAIN_CONTEXT:
      self->context = g_value_dup_boxed (value);
      break;
    case PROP_PRIORITY:
      self->priority = g_value_get_int (value);
      break;
    case PROP_DISPATCH_BUDGET:
      self->dispatch_budget = g_value_get_int64 (value);
      break;
    case PROP_AGEING:
      self->ageing = g_value_get_int64 (value);
      break;
    case PROP_LOCAL_QUEUE_LIMIT:
      self->local_queue_limit = g_value_get_uint64 (value);
      break;
    case PROP_LANE_CAPACITY:
      self->lane_capacity = round_capacity (g_value_get_uint64 (value));
      break;
    case PROP_MAX_MESSAGE_SIZE:
      self->max_message_size = g_value_get_uint64 (value);
      break;
    case PROP_LATEST_INTERVAL:
      self->latest_interval = g_value_get_int64 (value);
      break;
    case PROP_BUFFER_LIMIT:
      set_buffer_limit (self, g_value_get_uint64 (value));
      break;
    case PROP_SPARE_TIME:
      self->spare_time = g_value_get_int64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

#define SETTING (G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS)

static void
install_scheduling_properties (void)
{
  /**
   * FerryRouter:main-context:
   *
   * The main context that receivers hear on. By default the thread-default one of the thread that made the router.
   *
   * Since: 0.1
   */
  properties[PROP_MAIN_CONTEXT] =
    g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT,
                        G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryRouter:priority:
   *
   * The priority on the main context, [const@Ferry.PRIORITY_DEFAULT] by default. A change counts from the next start.
   *
   * Since: 0.1
   */
  properties[PROP_PRIORITY] =
    g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, FERRY_PRIORITY_DEFAULT, SETTING);
  /**
   * FerryRouter:dispatch-budget:
   *
   * For how many microseconds messages are delivered before the main context may do other things; 4,000 by default.
   * A handler that takes longer is not interrupted.
   *
   * Since: 0.1
   */
  properties[PROP_DISPATCH_BUDGET] =
    g_param_spec_int64 ("dispatch-budget", NULL, NULL, 1, G_USEC_PER_SEC, DEFAULT_DISPATCH_BUDGET, SETTING);
  /**
   * FerryRouter:ageing:
   *
   * After how many microseconds messages that higher priorities hold back are delivered at default priority, one
   * dispatch budget's worth; 50,000 by default, 0 for never. A change counts from the next start.
   *
   * Since: 0.1
   */
  properties[PROP_AGEING] = g_param_spec_int64 ("ageing", NULL, NULL, 0, G_MAXINT64 / 2, DEFAULT_AGEING, SETTING);
  /**
   * FerryRouter:latest-interval:
   *
   * How many microseconds lie between two deliveries of a pipe for latest values ([flags@Ferry.PipeFlags]) at the
   * least; 16,667 by default, which is 60 a second. The last value before the end of the pipe does not wait.
   *
   * Since: 0.1
   */
  properties[PROP_LATEST_INTERVAL] = g_param_spec_int64 ("latest-interval", NULL, NULL, LOWEST_LATEST_INTERVAL,
                                                         HIGHEST_LATEST_INTERVAL, DEFAULT_LATEST_INTERVAL, SETTING);
}

static void
install_limit_properties (void)
{
  /**
   * FerryRouter:local-queue-limit:
   *
   * How many bytes may wait for the main context, over all links; 16 MiB by default. One block or one large message
   * may go beyond it. A change counts from the next start.
   *
   * Since: 0.1
   */
  properties[PROP_LOCAL_QUEUE_LIMIT] = g_param_spec_uint64 ("local-queue-limit", NULL, NULL, FERRY_BLOCK_SIZE,
                                                            G_MAXINT64, DEFAULT_LOCAL_QUEUE_LIMIT, SETTING);
  /**
   * FerryRouter:lane-capacity:
   *
   * How many bytes of messages a worker can be ahead of the application, 16 for each message included; 2 MiB by
   * default. Rounded down to a power of two. A change counts for the links made after it.
   *
   * Since: 0.1
   */
  properties[PROP_LANE_CAPACITY] = g_param_spec_uint64 ("lane-capacity", NULL, NULL, FERRY_MIN_LANE_CAPACITY,
                                                        FERRY_MAX_LANE_CAPACITY, DEFAULT_LANE_CAPACITY, SETTING);
  /**
   * FerryRouter:max-message-size:
   *
   * How many bytes a message may have; 64 MiB by default, 1 GiB at the most. A change counts for the links made
   * after it.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_MESSAGE_SIZE] = g_param_spec_uint64 ("max-message-size", NULL, NULL, FERRY_MAX_RECORD_SIZE,
                                                           HIGHEST_MAX_MESSAGE_SIZE, DEFAULT_MAX_MESSAGE_SIZE, SETTING);
}

static void
install_memory_properties (void)
{
  /**
   * FerryRouter:buffer-limit:
   *
   * How many bytes of buffers and large messages of all links the application may have, on their way and kept, and of
   * memory that is kept for the next ones. Beyond it a link may have one at a time, and its next one waits until some
   * are dropped; a worker's buffers wait for room then. Other messages pass.
   *
   * By default, and where it is set to 0, a quarter of the machine's memory, or of what a control group allows where
   * that is less. It reads as the number that holds. A change counts at once.
   *
   * Since: 0.1
   */
  properties[PROP_BUFFER_LIMIT] = g_param_spec_uint64 ("buffer-limit", NULL, NULL, 0, G_MAXINT64, 0, SETTING);
  /**
   * FerryRouter:spare-time:
   *
   * For how many microseconds memory of buffers that is not used is kept for the next ones, before the system has it
   * back; 5,000,000 by default. A change counts from the next start.
   *
   * Since: 0.1
   */
  properties[PROP_SPARE_TIME] = g_param_spec_int64 ("spare-time", NULL, NULL, FERRY_MICROSECONDS_PER_MILLISECOND,
                                                    G_MAXINT64 / 2, DEFAULT_SPARE_TIME, SETTING);
}

static void
ferry_router_class_init (FerryRouterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_router_constructed;
  object_class->dispose = ferry_router_dispose;
  object_class->finalize = ferry_router_finalize;
  object_class->get_property = ferry_router_get_property;
  object_class->set_property = ferry_router_set_property;

  install_scheduling_properties ();
  install_limit_properties ();
  install_memory_properties ();
  /**
   * FerryRouter:running:
   *
   * Whether the router was started and not stopped.
   *
   * Since: 0.1
   */
  properties[PROP_RUNNING] =
    g_param_spec_boolean ("running", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_router_init (FerryRouter *self)
{
  self->slots = g_ptr_array_new_with_free_func (ferry_pipe_free);
  self->free_slots = g_array_new (FALSE, FALSE, sizeof (guint));
  self->graveyard = g_ptr_array_new_with_free_func (g_object_unref);
  ferry_hot_cells_init (&self->hot_cells);
  self->account = ferry_memory_account_new (0);
}
