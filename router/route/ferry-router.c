/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A router: its settings and their defaults, its counters, its start and stop, and what it does with pipes and links as
 * a whole. docs/architecture.md has the way of a message; what is delivered, and when, is in ferry-dispatch.c.
 *
 * When a worker dies or breaks the protocol, its lane is drained up to the final tail. The end of the link is its last
 * block, behind the messages.
 *
 * Threads: the router's thread ("main"), unless a function says otherwise. */

#include "config.h"

#include "base/ferry-property-private.h"
#include "route/ferry-router-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-revival-private.h"
#include "engine/ferry-pingee-private.h"
#include "ferry-enums.h"

/* How many free threads a router needs to start: its monitor, and those that GLib starts for the first GTask, which are
 * "gmain" and, in newer versions, "pool-spawner". */
#define START_N_THREADS 3

#define DEFAULT_DISPATCH_BUDGET (4 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define DEFAULT_AGEING (20 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define DEFAULT_LATEST_INTERVAL (G_USEC_PER_SEC / 60 + 1)
#define LOWEST_LATEST_INTERVAL FERRY_MICROSECONDS_PER_MILLISECOND
/* The default buffer limit is the usable memory divided by this number. */
#define BUFFER_LIMIT_PART 4
#define DEFAULT_SPARE_TIME (5 * G_USEC_PER_SEC)
#define DEFAULT_LOCAL_QUEUE_LIMIT (16 * 1024 * 1024)
#define DEFAULT_LANE_CAPACITY (2 * 1024 * 1024)

/* So many links have lanes of the whole capacity. Each time that there are twice as many, a new lane has half of it, so
 * often at most. A flood of one worker needs a long lane, also beside idle workers. Its writer and its reader wake each
 * other twice for each lane that was filled. But the lanes of hundreds of workers would be more memory than the system
 * has at hand. */
#define WHOLE_LANES 16
#define MOST_HALVINGS 4
#define DEFAULT_MAX_MESSAGE_SIZE (64 * 1024 * 1024)
#define HIGHEST_MAX_MESSAGE_SIZE (1024 * 1024 * 1024)

enum
{
  PROP_MAIN_CONTEXT = 1,
  PROP_PRIORITY,
  PROP_DISPATCH_BUDGET,
  PROP_AGEING,
  PROP_LATENCY,
  PROP_LOCAL_QUEUE_LIMIT,
  PROP_LANE_CAPACITY,
  PROP_MAX_MESSAGE_SIZE,
  PROP_LATEST_INTERVAL,
  PROP_BUFFER_LIMIT,
  PROP_SPARE_TIME,
  PROP_RUNNING,
  PROP_N_PIPES,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/**
 * FerryRouter:
 *
 * Delivers the messages of worker processes to receivers on a main context.
 *
 * A router is started on the thread that runs its main context. That thread is the router's thread: all functions of
 * the router must be called there, unless a function says otherwise. A router opens pipes. The senders of pipes are
 * passed to workers ([class@Ferry.Launcher]), or used by threads of the application. The receivers deliver messages on
 * the main context.
 *
 * The router delivers messages at a priority below GTK's redraw, for a few milliseconds at a time, so that frames,
 * input and animations come first. After [property@Ferry.Router:ageing] it also delivers messages while the window is
 * painted all the time. When the application is slower than its workers, the workers wait.
 *
 * The memory that messages use in the application is limited. For all links together there are
 * [property@Ferry.Router:local-queue-limit] and [property@Ferry.Router:buffer-limit]. Each link has its lane, 16 blocks
 * of 64 KiB, and one message that arrives in pieces.
 */
G_DEFINE_FINAL_TYPE (FerryRouter, ferry_router, G_TYPE_OBJECT)

static GThread *
get_thread (FerryRouter *self)
{
  return g_atomic_pointer_get (&self->thread);
}

gboolean
ferry_router_check (FerryRouter *self, GError **error)
{
  GThread *thread = get_thread (self);

  if (thread == NULL)
    return ferry_set_error (error, FERRY_ERROR_NOT_RUNNING, "The router is not running; start it first");
  if (ferry_forks_is_inherited (self->fork_number))
    return ferry_set_error (error, FERRY_ERROR_NOT_RUNNING,
                            "The router runs in the process that this one was forked from; make another one here");
  if (thread == g_thread_self ())
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_WRONG_THREAD,
    "The router was used on a thread that did not start it; use it on the thread that started it, for example through "
    "g_main_context_invoke()");
}

gboolean
ferry_router_is_here (FerryRouter *self)
{
  if (get_thread (self) != NULL)
    return get_thread (self) == g_thread_self ();
  return ferry_affinity_is_own (self->affinity) ||
         (self->context == g_main_context_default () && gettid () == getpid ());
}

gboolean
ferry_router_check_not_in_handler (FerryRouter *self, GError **error)
{
  if (!ferry_router_is_in_handler (self) && !ferry_is_in_callback_of (self->context))
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_BUSY,
    "A callback of a main context cannot wait for work that the same context has to do; use the _async form");
}

/* ---- pipes ---- */

static void
end_given_up (gpointer data)
{
  FerryReceiver *receiver = data;
  g_autoptr (FerryRouter) self = ferry_receiver_dup_router (receiver);
  FerryPipe *pipe = self != NULL ? ferry_pipes_find (&self->pipes, receiver->connection_id) : NULL;
  g_autoptr (FerryExit) exit = NULL;

  if (pipe == NULL || receiver->closed)
    return;
  if (ferry_receiver_is_abandoned (receiver))
    {
      ferry_router_close_pipe (self, receiver, NULL);
      return;
    }
  exit = ferry_exit_new (FERRY_CLOSE_REASON_STOPPED, "The sender was dropped before it was started");
  ferry_router_free_pipe (self, pipe, exit);
}

/* An abandoned receiver's pipe is closed at once where that may be. */
static void
receiver_given_up (FerryReceiver *receiver, gpointer data)
{
  FerryRouter *self = data;

  if (ferry_receiver_is_abandoned (receiver) && ferry_router_check (self, NULL))
    end_given_up (receiver);
  else
    ferry_mailbox_post (self->context, end_given_up, g_object_ref (receiver), g_object_unref);
}

/**
 * ferry_router_pipe:
 * @self: a router
 * @flags: the kind of pipe
 * @sender: (out) (transfer full): return location for the sender, the writing end
 * @receiver: (out) (transfer full): return location for the receiver, the reading end
 * @error: return location for an error
 *
 * Opens a pipe. Connect to the receiver's signals, or set its handler, before the sender sends a message. On the
 * router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING, %FERRY_ERROR_WRONG_THREAD, and %FERRY_ERROR_TOO_LARGE at 16,777,216 pipes.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_router_pipe (FerryRouter *self, FerryPipeFlags flags, FerrySender **sender, FerryReceiver **receiver,
                   GError **error)
{
  FerryPipe *pipe;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail ((flags & ~FERRY_PIPE_LATEST) == 0, FALSE);
  g_return_val_if_fail (sender != NULL && receiver != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  pipe = ferry_router_check (self, error) ? ferry_pipes_add (&self->pipes, error) : NULL;
  if (pipe == NULL)
    return FALSE;
  pipe->flags = flags;
  pipe->monitor = ferry_monitor_ref (self->monitor);
  pipe->router_thread = self->thread;
  pipe->lane_capacity = self->lane_capacity;
  pipe->max_message_size = self->max_message_size;
  pipe->receiver = ferry_receiver_new (pipe->connection_id, self->weak, self->affinity, receiver_given_up);
  self->pipes.n_open++;
  *receiver = g_object_ref (pipe->receiver);
  *sender = ferry_sender_new (pipe);
  return TRUE;
}

/**
 * ferry_router_close_pipe:
 * @self: a router
 * @receiver: the receiver of a pipe of this router
 * @error: return location for an error
 *
 * Closes a pipe from the reading end. The receiver emits no more signals, not even `closed`. Messages that are on their
 * way are counted and dropped. A send fails with %FERRY_ERROR_CLOSED, also one that waits for room. But for a moment
 * after this has returned, a send may return %TRUE for a message that is dropped. May be called from within a handler.
 * On the router's thread.
 *
 * Also succeeds for a pipe that has ended already, so clean-up code need not know whether `closed` was emitted.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING, %FERRY_ERROR_WRONG_THREAD, and with %FERRY_ERROR_CLOSED when the pipe belongs to
 * another router.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_router_close_pipe (FerryRouter *self, FerryReceiver *receiver, GError **error)
{
  FerryPipe *pipe;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail (FERRY_IS_RECEIVER (receiver), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self, error))
    return FALSE;
  pipe = ferry_pipes_find (&self->pipes, receiver->connection_id);
  if (pipe == NULL || pipe->receiver != receiver)
    {
      g_autoptr (FerryRouter) owner = ferry_receiver_dup_router (receiver);

      if (owner == self && receiver->closed)
        return TRUE;
      return ferry_set_error (error, FERRY_ERROR_CLOSED,
                              "The pipe %" G_GUINT64_FORMAT " belongs to another router; close it with that router",
                              receiver->connection_id);
    }
  if (ferry_pipe_close (pipe))
    {
      ferry_router_free_pipe (self, pipe, NULL);
      return TRUE;
    }
  ferry_monitor_close_pipe (self->monitor, receiver->connection_id);
  ferry_router_end_pipe (self, pipe, NULL);
  return TRUE;
}

/* ---- links ---- */

/* main: returns the capacity of the lane of a new worker. The router must run. */
gsize
ferry_router_choose_lane_capacity (FerryRouter *self)
{
  const guint n_links = ferry_monitor_count_links (self->monitor);
  const guint n_halvings = n_links < WHOLE_LANES ? 0 : MIN (g_bit_storage (n_links / WHOLE_LANES), MOST_HALVINGS);

  return MAX (self->lane_capacity >> n_halvings, FERRY_MIN_LANE_CAPACITY);
}

/* main: adds a link: see ferry_monitor_add_link(). Takes ownership of observer on success. */
gboolean
ferry_router_add_link (FerryRouter *self, FerryLink *link, FerryLinkObserver *observer, FerryLaunchFunc launch,
                       gpointer launch_data, GDestroyNotify launch_destroy)
{
  link->user_data = observer;
  ferry_router_watch_cells (self, link);
  if (ferry_monitor_add_link (self->monitor, link, launch, launch_data, launch_destroy))
    return TRUE;
  link->user_data = NULL;
  return FALSE;
}

/* main: ends a link because its worker broke a rule that another layer of the library checks. detail says which
 * rule. */
void
ferry_router_fault_link (FerryRouter *self, FerryLink *link, const char *detail)
{
  if (self->monitor != NULL)
    ferry_monitor_fault_link (self->monitor, link, detail);
}

/* ---- start and stop ---- */

static gboolean
pinged (gpointer user_data)
{
  FerryRouter *self = user_data;
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = g_object_ref (self);
  gboolean has_more;

  /* GTK may be there later than the router. Before the first dispatch, the second, the third, the fifth... */
  if ((self->counters[FERRY_COUNTER_DISPATCHES] & (self->counters[FERRY_COUNTER_DISPATCHES] - 1)) == 0)
    ferry_inspector_offer_page ();
  self->counters[FERRY_COUNTER_DISPATCHES]++;
  if (g_source_get_priority (g_main_current_source ()) != self->priority)
    self->counters[FERRY_COUNTER_AGED_DISPATCHES]++;
  has_more = ferry_router_drain_and_dispatch (self);
  if (self->monitor != NULL)
    ferry_short_cut_end_dispatch (ferry_monitor_get_short_cut (self->monitor));
  ferry_timers_look (self->limits);
  return has_more;
}

/**
 * ferry_router_new:
 * @context: (nullable): the main context on which receivers deliver messages; %NULL for the thread-default main context
 *   of the caller
 *
 * Makes a router. It does nothing until it is started with [method@Ferry.Router.start]. Any thread may call this.
 *
 * Returns: (transfer full): a new router
 */
FerryRouter *
ferry_router_new (GMainContext *context)
{
  return g_object_new (FERRY_TYPE_ROUTER, "main-context", context, NULL);
}

/**
 * ferry_router_get_default:
 *
 * Gets the router for a program that needs one only. It delivers messages on the default main context, on which GTK
 * runs too. It is made at the first call, and from then on it is the same one. It does not run yet: start it with
 * [method@Ferry.Router.start], on the thread that runs the default main context; no other thread can, whichever asks
 * first. The constructor [ctor@Ferry.Executor.new_for_program] does so by itself.
 *
 * After [method@Ferry.Router.stop] it is still the default router, and can be started again. A program may also end
 * without a stop: its workers end with it. A forked child gets a router of its own. Any thread may call this.
 *
 * Returns: (transfer none): the default router, which stays until the program ends
 */
FerryRouter *
ferry_router_get_default (void)
{
  static _Atomic (FerryRouter *)
    shared; /* any: (owned) (nullable): never dropped, save by a thread that comes second */
  /* Acquire, and release below: the thread that uses the router sees what the thread that made it wrote. */
  FerryRouter *router = atomic_load_explicit (&shared, memory_order_acquire);
  g_autoptr (FerryRouter) made = NULL;

  /* Without a lock, which a thread of the parent may have had at a fork. */
  if (router != NULL && !ferry_forks_is_inherited (router->fork_number))
    return router;
  made = ferry_router_new (g_main_context_default ());
  if (atomic_compare_exchange_strong_explicit (&shared, &router, made, memory_order_acq_rel, memory_order_acquire))
    return g_steal_pointer (&made);
  return router;
}

/* Whether the calling thread runs the router's main context, or no thread does and this one may. The default main
 * context is run by nobody before the main loop and between two iterations. It is left to the main thread of the
 * process then: another thread that happens to ask first, such as a plug-in's, would keep a router that nothing
 * iterates. */
static gboolean
check_runs_context (FerryRouter *self, GError **error)
{
  gboolean may_acquire = self->context != g_main_context_default () || gettid () == getpid ();

  if (g_main_context_is_owner (self->context))
    return TRUE;
  if (may_acquire && g_main_context_acquire (self->context))
    {
      g_main_context_release (self->context);
      return TRUE;
    }
  return ferry_set_error (
    error, FERRY_ERROR_WRONG_THREAD,
    "A router belongs to the thread that runs its main context%s, which is not this one; start it, or make the "
    "executor, on that thread, for example through g_main_context_invoke()",
    self->context == g_main_context_default () ? ", the default one" : "");
}

/**
 * ferry_router_start:
 * @self: a router
 * @error: return location for an error
 *
 * Starts the router, and with it the monitor's thread, which takes the messages that workers send. On the thread that
 * runs the main context; it becomes the router's thread. While no thread runs the default main context, as before the
 * main loop, that is the main thread of the process. Another thread that is about to run it calls
 * [method@GLib.MainContext.acquire] first. A router that was stopped can be started again.
 *
 * Fails with %FERRY_ERROR_WRONG_THREAD, and with %FERRY_ERROR_ALREADY_RUNNING. Fails with %FERRY_ERROR_BUSY in a
 * `closed` handler that runs within [method@Ferry.Router.stop]. Fails with %FERRY_ERROR_SYSTEM when the system cannot
 * give it a thread or descriptors.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_router_start (FerryRouter *self, GError **error)
{
  g_autoptr (FerryPingee) pingee = NULL;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_runs_context (self, error))
    return FALSE;
  if (get_thread (self) != NULL)
    return ferry_set_error (error, FERRY_ERROR_ALREADY_RUNNING,
                            "The router is running already; stop it before you start it again");
  if (self->stopping)
    return ferry_set_error (error, FERRY_ERROR_BUSY, "The router is being stopped; start it again when it has stopped");
  if (!ferry_check_free_fds (FERRY_START_N_FDS, error) ||
      (g_type_from_name ("GTask") == 0 && !ferry_check_free_threads (START_N_THREADS, "the router", error)))
    return FALSE;
  pingee = ferry_pingee_new (self->priority, self->ageing, pinged, self);
  ferry_pingee_set_can_recurse (pingee, ferry_router_wants_nested_dispatch);
  self->monitor = ferry_monitor_new (pingee, self->by_monitor ? NULL : self->context, self->account,
                                     self->local_queue_limit, self->spare_time, error);
  if (self->monitor == NULL)
    return FALSE;
  /* GLib starts threads for the first GTask, and aborts the program if the system refuses one. So GLib starts them
   * here, where they were looked for. */
  g_type_ensure (G_TYPE_TASK);
  ferry_pingee_connect (pingee, self->context);
  self->latency_watch = ferry_latency_begin (self->latency, self->monitor);
  if (!self->by_monitor)
    self->short_cut_source = ferry_monitor_attach_short_cut (self->monitor);
  self->pingee = g_steal_pointer (&pingee);
  self->dispatcher.hot_cells.pingee = self->pingee;
  ferry_affinity_set_thread (self->affinity, g_thread_self ());
  g_atomic_pointer_set (&self->thread, g_thread_self ());
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RUNNING]);
  return TRUE;
}

static void
warn_of_open_pipes (FerryRouter *self)
{
  g_autoptr (GString) ids = g_string_new (NULL);
  guint n_open = 0;

  for (guint i = 0; i < self->pipes.slots->len; i++)
    {
      FerryPipe *pipe = g_ptr_array_index (self->pipes.slots, i);

      if (pipe == NULL || pipe->receiver == NULL || pipe->receiver->internal)
        continue;
      g_string_append_printf (ids, "%s%" G_GUINT64_FORMAT, n_open > 0 ? ", " : "", pipe->connection_id);
      if (pipe->receiver->sender_name != NULL)
        g_string_append_printf (ids, " (sender %s)", pipe->receiver->sender_name);
      n_open++;
    }
  if (n_open > 0)
    g_warning ("The router is stopped with %u open pipe%s: %s; call ferry_router_close_pipe() first for pipes from "
               "which no more messages are expected",
               n_open, n_open > 1 ? "s" : "", ids->str);
}

static void
end_all_pipes (FerryRouter *self)
{
  g_autoptr (FerryExit) exit = ferry_exit_new (FERRY_CLOSE_REASON_ROUTER_STOPPED, "The router was stopped");
  g_autoptr (GPtrArray) slots = ferry_pipes_take_all (&self->pipes);

  for (guint i = 0; i < slots->len; i++)
    {
      FerryPipe *pipe = g_ptr_array_index (slots, i);

      if (pipe == NULL)
        continue;
      ferry_pipe_close (pipe);
      ferry_router_end_pipe (self, pipe, exit);
    }
}

/* Adds what the monitor has counted in all to the router's counters. */
static void
keep_counts (FerryRouter *self, FerryMonitor *monitor)
{
  guint64 counts[FERRY_N_COUNTERS] = {0};

  ferry_monitor_get_counts (monitor, counts);
  self->counters[FERRY_COUNTER_BLOCKS] += counts[FERRY_COUNTER_BLOCKS];
  self->counters[FERRY_COUNTER_PROTOCOL_ERRORS] += counts[FERRY_COUNTER_PROTOCOL_ERRORS];
  self->counters[FERRY_COUNTER_SPIN_TIME] += counts[FERRY_COUNTER_SPIN_TIME];
  self->counters[FERRY_COUNTER_DIRECT_ANSWERS] += counts[FERRY_COUNTER_DIRECT_ANSWERS];
  for (guint i = FERRY_COUNTER_HIGHEST_QUEUED_BYTES; i < FERRY_N_COUNTERS; i++)
    self->counters[i] = MAX (self->counters[i], counts[i]);
}

static void
stop (FerryRouter *self)
{
  g_autoptr (FerryMonitor) monitor = g_steal_pointer (&self->monitor);
  g_autoptr (FerryPingee) pingee = g_steal_pointer (&self->pingee);

  self->stopping = TRUE;
  warn_of_open_pipes (self);
  ferry_pingee_disconnect (pingee);
  ferry_clear_source (&self->short_cut_source);
  g_clear_pointer (&self->latency_watch, ferry_latency_end);
  ferry_hot_cells_stop (&self->dispatcher.hot_cells);
  ferry_monitor_stop (monitor);
  keep_counts (self, monitor);
  ferry_memory_account_set_bell (self->account, -1, NULL);
  g_atomic_pointer_set (&self->thread, NULL);
  ferry_router_discard (self, monitor);
  end_all_pipes (self);
  /* Done last: until then other threads pass their requests to this thread. */
  ferry_affinity_set_thread (self->affinity, NULL);
  self->stopping = FALSE;
}

/**
 * ferry_router_stop:
 * @self: a router
 * @error: return location for an error
 *
 * Stops the router: takes no more messages from workers, and kills the workers that still run. One with a handler of
 * `SIGTERM`, such as a worker that runs a command, gets that signal instead and tidies up, for which this function
 * waits for two seconds at most. Messages that were received and not delivered are counted and dropped; call
 * [method@Ferry.Router.route_until] first to deliver them. Before this function returns, each receiver of an open pipe
 * emits `closed` with the reason %FERRY_CLOSE_REASON_ROUTER_STOPPED. It emits nothing afterwards. A warning lists the
 * connection ids of the open pipes. All tasks of the router's pools that are not done fail with %FERRY_ERROR_CLOSED.
 *
 * As all warnings of Ferry, the warning is a structured log message, which g_test_expect_message() does not find. A
 * test that expects the warning must set a log writer with g_log_set_writer_func().
 *
 * May be called from within a handler. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE on success
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

static void
ferry_router_constructed (GObject *object)
{
  FerryRouter *self = FERRY_ROUTER (object);

  G_OBJECT_CLASS (ferry_router_parent_class)->constructed (object);

  if (self->context == NULL)
    self->context = g_main_context_ref_thread_default ();
  self->affinity = ferry_affinity_new (self->context, NULL);
  self->weak = g_atomic_rc_box_new0 (GWeakRef);
  g_weak_ref_init (self->weak, self);
  self->timers = ferry_timers_new (self->context);
  self->limits = ferry_timers_ref_limits_of (self->context);
  ferry_timers_add_settled_func (self->limits, ferry_router_is_settled, self);
  self->mailbox = ferry_mailbox_ref_for (self->context);
  ferry_hot_cells_init (&self->dispatcher.hot_cells, self->context);
  ferry_registry_add (&self->registered, FERRY_KIND_ROUTER, self, NULL);
  ferry_inspector_offer_page ();
}

static void
stop_abandoned (gpointer data)
{
  FerryRouter *self = data;

  if (get_thread (self) != NULL)
    stop (self);
}

/* any */
static void
stop_on_its_thread (gpointer object, gpointer data)
{
  FerryRouter *self = object;

  ferry_mailbox_post (self->context, stop_abandoned, self, g_object_unref);
}

/* Stops a running router. When another thread drops the last reference, the router's thread stops it. The router's
 * thread may be in a dispatch, and only that thread may emit the receivers' signals. */
static void
ferry_router_dispose (GObject *object)
{
  FerryRouter *self = FERRY_ROUTER (object);
  GThread *thread = get_thread (self);

  if (ferry_forks_keep (object, self->fork_number))
    return;
  ferry_registry_remove (&self->registered);
  if (thread != NULL && thread != g_thread_self ())
    {
      ferry_revive (self, stop_on_its_thread, NULL);
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

  ferry_pipes_clear (&self->pipes);
  g_ptr_array_unref (self->dispatcher.kept);
  ferry_hot_cells_clear (&self->dispatcher.hot_cells);
  ferry_timers_free (self->timers);
  ferry_timers_remove_settled_func (self->limits, self);
  ferry_timers_unref_limits (self->limits);
  ferry_mailbox_unref (self->mailbox);
  ferry_affinity_unref (self->affinity);
  g_atomic_rc_box_release_full (self->weak, (GDestroyNotify) g_weak_ref_clear);
  ferry_memory_account_unref (self->account);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (ferry_router_parent_class)->finalize (object);
}

/* ---- counters ---- */

static guint64
read_count (_Atomic gint64 *count)
{
  /* Relaxed: the count may be out of date when it is returned. */
  return (guint64) atomic_load_explicit (count, memory_order_relaxed);
}

/* Returns the part of a counter that the running monitor or the memory account counts. */
static guint64
count_others (FerryRouter *self, FerryCounter counter)
{
  guint64 counts[FERRY_N_COUNTERS] = {
    [FERRY_COUNTER_BUFFER_BYTES] = read_count (&self->account->held),
    [FERRY_COUNTER_SPARE_BYTES] = read_count (&self->account->spare),
    [FERRY_COUNTER_HIGHEST_BUFFER_BYTES] = read_count (&self->account->highest_held),
    [FERRY_COUNTER_HIGHEST_SPARE_BYTES] = read_count (&self->account->highest_spare),
  };

  if (self->monitor != NULL)
    ferry_monitor_get_counts (self->monitor, counts);
  return counts[counter];
}

/**
 * ferry_router_get_counter:
 * @self: a router
 * @counter: the counter to read
 *
 * Gets a count of the router since it was made. Counters of the present state are 0 when the router does not run,
 * except for those of memory that the application keeps. On the router's thread.
 *
 * Returns: the count
 */
guint64
ferry_router_get_counter (FerryRouter *self, FerryCounter counter)
{
  guint64 own, other;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), 0);
  ferry_return_val_if_elsewhere (self->affinity, 0);

  if ((guint) counter >= FERRY_N_COUNTERS)
    g_return_val_if_reached (0);
  own = self->counters[counter];
  other = count_others (self, counter);
  return counter >= FERRY_COUNTER_HIGHEST_QUEUED_BYTES ? MAX (own, other) : own + other;
}

/**
 * ferry_router_get_running:
 * @self: a router
 *
 * Whether the router runs: it was started and not stopped. Any thread may call this.
 *
 * Returns: %TRUE if the router runs
 */
gboolean
ferry_router_get_running (FerryRouter *self)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);

  return get_thread (self) != NULL;
}

/* ---- properties ---- */

/* The fields of the properties that are no more than a field. */
static const gsize fields[N_PROPERTIES] = {
  [PROP_MAIN_CONTEXT] = G_STRUCT_OFFSET (FerryRouter, context),
  [PROP_PRIORITY] = G_STRUCT_OFFSET (FerryRouter, priority),
  [PROP_DISPATCH_BUDGET] = G_STRUCT_OFFSET (FerryRouter, dispatch_budget),
  [PROP_AGEING] = G_STRUCT_OFFSET (FerryRouter, ageing),
  [PROP_LATENCY] = G_STRUCT_OFFSET (FerryRouter, latency),
  [PROP_LOCAL_QUEUE_LIMIT] = G_STRUCT_OFFSET (FerryRouter, local_queue_limit),
  [PROP_LANE_CAPACITY] = G_STRUCT_OFFSET (FerryRouter, lane_capacity),
  [PROP_MAX_MESSAGE_SIZE] = G_STRUCT_OFFSET (FerryRouter, max_message_size),
  [PROP_LATEST_INTERVAL] = G_STRUCT_OFFSET (FerryRouter, latest_interval),
  [PROP_SPARE_TIME] = G_STRUCT_OFFSET (FerryRouter, spare_time),
  [PROP_N_PIPES] = G_STRUCT_OFFSET (FerryRouter, pipes.n_open),
};

static void
ferry_router_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryRouter *self = FERRY_ROUTER (object);

  /* The other properties may be changed on the router's thread. */
  if (property_id != PROP_MAIN_CONTEXT && property_id != PROP_RUNNING)
    ferry_return_if_elsewhere (self->affinity);
  if (property_id == PROP_RUNNING)
    g_value_set_boolean (value, get_thread (self) != NULL);
  else if (property_id == PROP_BUFFER_LIMIT)
    g_value_set_uint64 (value, ferry_memory_account_get_limit (self->account));
  else
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
}

static void
ferry_router_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryRouter *self = FERRY_ROUTER (object);
  guint64 limit;

  ferry_return_if_elsewhere (self->affinity);
  if (property_id == PROP_BUFFER_LIMIT)
    {
      limit = g_value_get_uint64 (value);
      ferry_memory_account_set_limit (self->account,
                                      limit > 0 ? limit : ferry_get_usable_memory () / BUFFER_LIMIT_PART);
    }
  else
    ferry_property_change (object, G_STRUCT_MEMBER_P (self, fields[property_id]), value, pspec);
  /* Rounds the capacity down to a power of two. */
  if (property_id == PROP_LANE_CAPACITY)
    self->lane_capacity = (guint64) 1 << (g_bit_storage ((gulong) self->lane_capacity) - 1);
}

#define SETTING (G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS)

static void
install_scheduling_properties (void)
{
  /**
   * FerryRouter:main-context:
   *
   * The main context on which receivers deliver messages. The default is the thread-default main context of the thread
   * that made the router.
   */
  properties[PROP_MAIN_CONTEXT] =
    g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT, FERRY_AT_CONSTRUCTION);
  /**
   * FerryRouter:priority:
   *
   * The priority of the router on the main context; [const@Ferry.PRIORITY_DEFAULT] by default. A change takes effect at
   * the next start.
   */
  properties[PROP_PRIORITY] =
    g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, FERRY_PRIORITY_DEFAULT, SETTING);
  /**
   * FerryRouter:dispatch-budget:
   *
   * The time in microseconds for which messages are delivered before the main context runs other sources; 4,000 by
   * default. A handler that takes longer is not interrupted.
   */
  properties[PROP_DISPATCH_BUDGET] =
    g_param_spec_int64 ("dispatch-budget", NULL, NULL, 1, G_USEC_PER_SEC, DEFAULT_DISPATCH_BUDGET, SETTING);
  /**
   * FerryRouter:ageing:
   *
   * The time in microseconds after which messages are delivered at default priority, for one dispatch budget, if other
   * sources have kept the router from running. It is 20,000 by default, and -1 for never. A change takes effect at the
   * next start.
   */
  properties[PROP_AGEING] = g_param_spec_int64 ("ageing", NULL, NULL, -1, G_MAXINT64, DEFAULT_AGEING, SETTING);
  /**
   * FerryRouter:latest-interval:
   *
   * The least time in microseconds between two deliveries of a pipe for latest values ([flags@Ferry.PipeFlags]); 16,667
   * by default, which is 60 deliveries a second, and %G_MAXINT64 for never. The first value of a pipe and the last one
   * before its end do not wait.
   */
  properties[PROP_LATEST_INTERVAL] = g_param_spec_int64 ("latest-interval", NULL, NULL, LOWEST_LATEST_INTERVAL,
                                                         G_MAXINT64, DEFAULT_LATEST_INTERVAL, SETTING);
}

static void
install_latency_properties (void)
{
  /**
   * FerryRouter:latency:
   *
   * How much processor time may be spent on short waits; %FERRY_LATENCY_SYSTEM by default. A thread that waits for a
   * message or a call can poll for some microseconds before it sleeps. The main context does. So do the thread of a
   * worker that receives, and a thread that waits for an answer, as in [method@Ferry.Mux.transact]. Each of them polls
   * only where that has paid lately, for at most 5 % of each second in vain, and never while nothing happens. Where the
   * process may use one processor core only, it yields the core instead. A change takes effect at the next start.
   */
  properties[PROP_LATENCY] =
    g_param_spec_enum ("latency", NULL, NULL, FERRY_TYPE_LATENCY, FERRY_LATENCY_SYSTEM, SETTING);
}

static void
install_limit_properties (void)
{
  /**
   * FerryRouter:local-queue-limit:
   *
   * How many bytes of all links together may wait for the main context; 16 MiB by default. One block or one large
   * message may exceed the limit. A change takes effect at the next start.
   */
  properties[PROP_LOCAL_QUEUE_LIMIT] = g_param_spec_uint64 ("local-queue-limit", NULL, NULL, FERRY_BLOCK_SIZE,
                                                            G_MAXINT64, DEFAULT_LOCAL_QUEUE_LIMIT, SETTING);
  /**
   * FerryRouter:lane-capacity:
   *
   * How many bytes of messages a worker can send before the application takes them, including 16 bytes for each; 2 MiB
   * by default. The value is rounded down to a power of two. A change applies to links that are made later.
   *
   * A worker beside 16 to 31 other links gets half of it, one beside 32 to 63 a quarter, one beside 64 to 127 an
   * eighth, and beyond that a sixteenth. Each lane has at least 128 KiB.
   */
  properties[PROP_LANE_CAPACITY] = g_param_spec_uint64 ("lane-capacity", NULL, NULL, FERRY_MIN_LANE_CAPACITY,
                                                        FERRY_MAX_LANE_CAPACITY, DEFAULT_LANE_CAPACITY, SETTING);
  /**
   * FerryRouter:max-message-size:
   *
   * How many bytes a message may have; 64 MiB by default, at most 1 GiB. A change applies to links that are made later.
   */
  properties[PROP_MAX_MESSAGE_SIZE] = g_param_spec_uint64 ("max-message-size", NULL, NULL, FERRY_MAX_RECORD_SIZE,
                                                           HIGHEST_MAX_MESSAGE_SIZE, DEFAULT_MAX_MESSAGE_SIZE, SETTING);
  /**
   * FerryRouter:buffer-limit:
   *
   * How many bytes of buffers and large messages of all links the application may have. They are on their way to
   * receivers, kept by the application, or unused memory that is kept for later ones. Beyond the limit each link may
   * have one at a time; its next one waits until some are dropped. Other messages are not affected.
   *
   * The default, also set by 0, is a quarter of the machine's memory, or of the memory limit of the control group if
   * that is lower. Reading the property returns the number in effect, not 0. A change takes effect at once.
   */
  properties[PROP_BUFFER_LIMIT] = g_param_spec_uint64 ("buffer-limit", NULL, NULL, 0, G_MAXINT64, 0, SETTING);
  /**
   * FerryRouter:spare-time:
   *
   * The time in microseconds for which unused memory is kept for later messages and buffers, before it is returned to
   * the system; 5,000,000 by default. It is looked at once in that time, so it may be kept for twice as long. A lane
   * that carried 256 KiB or more is returned as soon as it is idle. A change takes effect at the next start.
   */
  properties[PROP_SPARE_TIME] = g_param_spec_int64 ("spare-time", NULL, NULL, FERRY_MICROSECONDS_PER_MILLISECOND,
                                                    G_MAXINT64, DEFAULT_SPARE_TIME, SETTING);
}

static void
ferry_router_class_init (FerryRouterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_router_constructed;
  ferry_revival_class_init (object_class);
  object_class->dispose = ferry_router_dispose;
  object_class->finalize = ferry_router_finalize;
  object_class->get_property = ferry_router_get_property;
  object_class->set_property = ferry_router_set_property;

  install_scheduling_properties ();
  install_latency_properties ();
  install_limit_properties ();
  /**
   * FerryRouter:running: (getter get_running)
   *
   * Whether the router runs: it was started and not stopped.
   */
  properties[PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, FERRY_READABLE);

  /**
   * FerryRouter:n-pipes:
   *
   * The number of pipes that are open. Changes are not notified. On the router's thread.
   */
  properties[PROP_N_PIPES] = g_param_spec_uint ("n-pipes", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_router_init (FerryRouter *self)
{
  self->fork_number = ferry_forks_note ();
  ferry_pipes_init (&self->pipes);
  self->dispatcher.kept = g_ptr_array_new_with_free_func (g_object_unref);
  self->account = ferry_memory_account_new (0);
}
