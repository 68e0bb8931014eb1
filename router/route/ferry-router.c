/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way of one message, from a worker to its receiver:
 *
 * 1. A sender writes a record into the up lane of its process and publishes the record (ferry-sender.c). From then on
 *    the message is not lost even if the worker dies, since the application has mapped the memory too.
 * 2. If the monitor sleeps on that lane, the sender rings the lane's doorbell (ferry-wake-private.h).
 * 3. The monitor copies records into a block and checks them. The room in the lane is free for the sender again
 *    (ferry-drain.c).
 * 4. The monitor pushes the block into the local queue (ferry-local-queue.c) and pings the pingee (ferry-pingee.c).
 * 5. The main context runs the pingee's callback, which makes the router dispatch for its budget (below).
 * 6. The router finds the receiver by the connection id and calls its handler, or emits `message`.
 * 7. The router gives the block back to the local queue, and the monitor may drain more of that link.
 *
 * When a worker dies or breaks the protocol, its lane is drained up to the final tail. The end of the link is its last
 * block, behind the messages.
 *
 * Threads: the router's thread ("main"), unless a function says otherwise.
 *
 * It is one file since all functions use one routing table and one dispatch. In a dispatch, a handler may at any time
 * close pipes of the table, and stop and start the router. */

#include "config.h"

#include "base/ferry-property-private.h"
#include "route/ferry-router-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-limit-clock-private.h"
#include "base/ferry-spin-private.h"
#include "base/ferry-thread-private.h"
#include "base/ferry-usable-cores.h"
#include "engine/ferry-pingee-private.h"
#include "ferry-enums.h"

/* The longest spins, in microseconds: a little more than a wake-up across cores, and several of them. */
#define BALANCED_SPIN 60
#define QUICK_SPIN 200
#define DEFAULT_DISPATCH_BUDGET (4 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define DEFAULT_AGEING (20 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define DEFAULT_LATEST_INTERVAL (G_USEC_PER_SEC / 60 + 1)
#define LOWEST_LATEST_INTERVAL FERRY_MICROSECONDS_PER_MILLISECOND
#define HIGHEST_LATEST_INTERVAL (3600 * (gint64) G_USEC_PER_SEC)
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

/* The clock is read about every CHECK_INTERVAL microseconds, and at the latest after MAX_CHECK_EVERY messages. */
#define CHECK_INTERVAL 50
#define MAX_CHECK_EVERY 8192

/* The state of one dispatch. */
typedef struct
{
  FerryRouter *router;
  FerryMonitor *monitor;    /* (owned): the router's monitor when the dispatch began */
  gint64 until;             /* monotonic time at which the budget ends */
  FerryCondition condition; /* (nullable): is evaluated after each message */
  gpointer user_data;
  gint64 last; /* monotonic time of the latest reading of the clock */
} Dispatch;

typedef enum
{
  FERRY_DISPATCH_IDLE,    /* no block and no cell is left */
  FERRY_DISPATCH_TURN,    /* the link's turn is over; the dispatch goes on with the next link */
  FERRY_DISPATCH_SPENT,   /* the budget is spent, or the condition holds; blocks may be left */
  FERRY_DISPATCH_STOPPED, /* a handler stopped the router */
} FerryDispatchResult;

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

/* main: whether a handler of the router, of its timers or of its mailbox is running; it must not wait for the loop. */
static gboolean
is_in_handler (FerryRouter *self)
{
  return self->dispatching || self->n_holding > 0 || ferry_timers_is_dispatching (self->timers) ||
         ferry_timers_is_dispatching (self->limits) || ferry_mailbox_is_running (self->mailbox);
}

gboolean
ferry_router_check_not_in_handler (FerryRouter *self, GError **error)
{
  if (!is_in_handler (self) && !ferry_is_in_callback_of (self->context))
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_BUSY,
    "A callback of a main context cannot wait for work that the same context has to do; use the _async form");
}

/* ---- the routing table: pipes by slot ---- */

static void
pipe_free (gpointer data)
{
  FerryPipe *pipe = data;

  if (pipe == NULL)
    return;
  g_clear_object (&pipe->receiver);
  g_clear_pointer (&pipe->watch, ferry_cell_watch_free);
  ferry_pipe_share_unref (pipe->share);
  g_clear_pointer (&pipe->types, g_ptr_array_unref);
  g_free (pipe);
}

/* main: (nullable): returns the pipe with that connection id. */
FerryPipe *
ferry_router_find_pipe (FerryRouter *self, guint64 connection_id)
{
  guint slot = ferry_connection_id_get_slot (connection_id);
  FerryPipe *pipe = slot < self->slots->len ? g_ptr_array_index (self->slots, slot) : NULL;

  return pipe != NULL && pipe->connection_id == connection_id ? pipe : NULL;
}

/* Ends the receiver of a pipe and drops it. If exit is not NULL, the receiver emits `closed`. */
static void
end_pipe (FerryRouter *self, FerryPipe *pipe, FerryExit *exit)
{
  g_autoptr (FerryReceiver) receiver = g_steal_pointer (&pipe->receiver);

  if (receiver == NULL)
    return;
  self->n_open--;
  self->n_steps++;
  /* A handler of this receiver may be running, and may use memory that is freed with the receiver. */
  if (self->dispatching)
    ferry_router_keep (self, g_object_ref (receiver));
  ferry_receiver_emit_closed (receiver, exit);
}

/* Frees a pipe that has no link any more, and its slot. */
static void
free_slot (FerryRouter *self, FerryPipe *pipe)
{
  guint slot = ferry_connection_id_get_slot (pipe->connection_id);

  g_ptr_array_index (self->slots, slot) = NULL;
  g_array_append_val (self->free_slots, slot);
  pipe_free (pipe);
}

static void
close_abandoned (gpointer data)
{
  FerryReceiver *receiver = data;
  g_autoptr (FerryRouter) router = ferry_receiver_dup_router (receiver);

  if (router != NULL && !receiver->closed)
    ferry_router_close_pipe (router, receiver, NULL);
}

static void
receiver_abandoned (FerryReceiver *receiver, gpointer data)
{
  FerryRouter *self = data;

  if (ferry_router_check (self, NULL))
    close_abandoned (receiver);
  else
    ferry_mailbox_post (self->context, close_abandoned, g_object_ref (receiver), g_object_unref);
}

/* Takes a free slot, and makes a connection id that no pipe of this router has had before. */
static gboolean
take_connection_id (FerryRouter *self, guint64 *connection_id, GError **error)
{
  guint slot = self->slots->len;

  if (self->free_slots->len > 0)
    {
      slot = g_array_index (self->free_slots, guint, self->free_slots->len - 1);
      g_array_set_size (self->free_slots, self->free_slots->len - 1);
    }
  else if (slot == FERRY_MAX_SLOTS)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The router has %u pipes, which is the limit; close some pipes first", FERRY_MAX_SLOTS);
  else
    g_ptr_array_add (self->slots, NULL);
  *connection_id = ++self->n_uses << FERRY_SLOT_BITS | slot;
  return TRUE;
}

/* Ends and frees a pipe that has no link, since its sender was not taken. */
static void
end_untaken_pipe (FerryRouter *self, FerryPipe *pipe, FerryExit *exit)
{
  guint64 connection_id = pipe->connection_id;

  end_pipe (self, pipe, exit);
  if (ferry_router_find_pipe (self, connection_id) == pipe)
    free_slot (self, pipe);
}

static void
close_dropped (gpointer data)
{
  FerryReceiver *receiver = data;
  g_autoptr (FerryRouter) self = ferry_receiver_dup_router (receiver);
  FerryPipe *pipe = self != NULL ? ferry_router_find_pipe (self, receiver->connection_id) : NULL;
  g_autoptr (FerryExit) exit = NULL;

  if (pipe == NULL)
    return;
  exit = ferry_exit_new (FERRY_CLOSE_REASON_STOPPED, "The sender was dropped before it was started");
  end_untaken_pipe (self, pipe, exit);
}

/* any: ends, on the main context, the pipe of a sender that was dropped unstarted. Takes ownership of receiver. */
static void
sender_dropped (FerryReceiver *receiver)
{
  g_autoptr (FerryHome) home = ferry_home_ref (receiver->home);

  ferry_home_invoke (home, close_dropped, receiver, g_object_unref);
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
  guint64 connection_id = 0;
  FerryPipe *pipe;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail ((flags & ~(FERRY_PIPE_LATEST | FERRY_PIPE_ONE_SHOT_BUFFERS)) == 0, FALSE);
  g_return_val_if_fail (flags != (FERRY_PIPE_LATEST | FERRY_PIPE_ONE_SHOT_BUFFERS), FALSE);
  g_return_val_if_fail (sender != NULL && receiver != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self, error) || !take_connection_id (self, &connection_id, error))
    return FALSE;
  pipe = g_new0 (FerryPipe, 1);
  pipe->connection_id = connection_id;
  pipe->receiver =
    ferry_receiver_new (connection_id, (flags & FERRY_PIPE_LATEST) != 0, self->weak, self->home, receiver_abandoned);
  g_ptr_array_index (self->slots, ferry_connection_id_get_slot (connection_id)) = pipe;
  self->n_open++;
  *receiver = g_object_ref (pipe->receiver);
  *sender = ferry_sender_new (pipe->receiver, sender_dropped, self->monitor, self->thread, self->lane_capacity,
                              self->max_message_size, flags);
  pipe->share = ferry_pipe_share_ref (ferry_sender_get_share (*sender));
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
  pipe = ferry_router_find_pipe (self, receiver->connection_id);
  if (pipe == NULL || pipe->receiver != receiver)
    {
      g_autoptr (FerryRouter) owner = ferry_receiver_dup_router (receiver);

      if (owner == self && receiver->closed)
        return TRUE;
      return ferry_set_error (error, FERRY_ERROR_CLOSED,
                              "The pipe %" G_GUINT64_FORMAT " belongs to another router; close it with that router",
                              receiver->connection_id);
    }
  if (ferry_pipe_share_close (pipe->share))
    {
      end_untaken_pipe (self, pipe, NULL);
      return TRUE;
    }
  ferry_monitor_close_pipe (self->monitor, receiver->connection_id);
  end_pipe (self, pipe, NULL);
  return TRUE;
}

/* ---- delivering ---- */

static inline void
count (FerryRouter *self, FerryReceiver *receiver, gsize size)
{
  receiver->messages++;
  self->counters[FERRY_COUNTER_MESSAGES]++;
  self->counters[FERRY_COUNTER_BYTES] += size;
}

/* Counts a message. Returns (nullable) the pipe's receiver, or NULL when the message is to be dropped. Logs the first
 * drop of each pipe only: a worker may send much before it finds that the pipe is closed. */
static FerryReceiver *
count_or_drop (FerryRouter *self, FerryPipe *pipe, gsize size)
{
  if (G_LIKELY (pipe->receiver != NULL && !ferry_receiver_is_abandoned (pipe->receiver)))
    {
      count (self, pipe->receiver, size);
      return pipe->receiver;
    }
  if (pipe->dropped++ == 0)
    g_debug ("A message arrived for pipe %" G_GUINT64_FORMAT
             ", which is closed; this message and all later ones are dropped",
             pipe->connection_id);
  self->counters[FERRY_COUNTER_DROPPED]++;
  return NULL;
}

static void
emit (FerryReceiver *receiver, GVariant *message)
{
  g_variant_ref_sink (message);
  ferry_receiver_emit_message (receiver, message);
  g_variant_unref (message);
}

/* main: delivers a message with bytes that are valid only during this function. Copies the bytes for the signal, so
 * that a handler that keeps the message keeps only its bytes. type is NULL for plain bytes. */
void
ferry_router_deliver (FerryRouter *self, FerryPipe *pipe, const GVariantType *type, gconstpointer data, gsize size)
{
  FerryReceiver *receiver = count_or_drop (self, pipe, size);
  gpointer copy;

  if (G_UNLIKELY (receiver == NULL))
    return;
  if (receiver->handler != NULL)
    {
      receiver->handler (receiver, data, size, type, receiver->handler_data);
      return;
    }
  copy = g_memdup2 (data, size);
  emit (receiver,
        g_variant_new_from_data (type != NULL ? type : G_VARIANT_TYPE_BYTESTRING, copy, size, FALSE, g_free, copy));
}

static void
count_undelivered (FerryRouter *self, guint64 connection_id)
{
  FerryPipe *pipe = ferry_router_find_pipe (self, connection_id);

  self->counters[FERRY_COUNTER_UNDELIVERED]++;
  if (pipe != NULL && pipe->receiver != NULL)
    pipe->receiver->undelivered++;
}

static inline gboolean
condition_holds (const Dispatch *dispatch)
{
  return dispatch->condition != NULL && dispatch->condition (dispatch->user_data);
}

/* ---- latest values ---- */

static void
watch_cells (FerryRouter *self, FerryLink *link)
{
  for (guint i = 0; i < link->cells->len; i++)
    {
      guint32 cell = g_array_index (link->cells, guint32, i);
      FerryPipe *pipe = ferry_router_find_pipe (self, g_array_index (link->connection_ids, guint64, i));

      if (cell != FERRY_NO_CELL && pipe != NULL && pipe->watch == NULL)
        pipe->watch = ferry_cell_watch_new (link, cell);
    }
}

/* Returns (nullable) the watch of an open pipe with a cell that can be read. Makes the watch if the pipe's sender is in
 * this process, where any thread may start it. */
static FerryCellWatch *
get_watch (FerryPipe *pipe)
{
  if (pipe->receiver == NULL)
    return NULL;
  if (pipe->watch == NULL)
    {
      FerryLink *link = ferry_pipe_share_get_link (pipe->share);

      if (link == NULL)
        return NULL;
      pipe->watch = ferry_cell_watch_new (link, 0);
    }
  return pipe->watch->broken ? NULL : pipe->watch;
}

/* Whether a handler of the receiver is running, somewhere on the stack. */
static gboolean
is_entered (FerryRouter *self, FerryReceiver *receiver)
{
  for (const FerryDelivery *delivery = self->delivery; delivery != NULL; delivery = delivery->outer)
    if (delivery->receiver == receiver)
      return TRUE;
  return FALSE;
}

/* Whether all that came over the link waits until the delivery that is under way has ended. */
static gboolean
waits_as_a_whole (FerryRouter *self, FerryLink *link)
{
  for (const FerryDelivery *delivery = self->delivery; delivery != NULL; delivery = delivery->outer)
    if (delivery->link == link && (delivery->receiver == NULL || delivery->receiver->internal))
      return TRUE;
  return FALSE;
}

/* The innermost delivery is further out only if the innermost dispatch does not run the caller directly. */
gboolean
ferry_router_is_held_outside (FerryRouter *self, FerryLink *link)
{
  const FerryDelivery *delivery = self->delivery;

  if (delivery != NULL && g_main_depth () <= self->depth)
    delivery = delivery->outer;
  while (delivery != NULL && delivery->link != link)
    delivery = delivery->outer;
  return delivery != NULL;
}

/* Whether a value of a cell waits for a delivery that is under way. */
static gboolean
must_wait (FerryRouter *self, FerryPipe *pipe)
{
  return self->delivery != NULL && (is_entered (self, pipe->receiver) || waits_as_a_whole (self, pipe->watch->link));
}

/* Ends a delivery that the router's stop has not ended. */
static void
end_delivery (FerryRouter *self, FerryDelivery *delivery)
{
  const FerryDelivery *other = delivery->outer;

  g_assert (self->delivery == delivery);
  self->delivery = delivery->outer;
  while (other != NULL && other->link != delivery->link)
    other = other->outer;
  if (other == NULL)
    ferry_turns_release (&self->turns, delivery->link);
}

static void
deliver_value (FerryRouter *self, FerryPipe *pipe, const FerryCellValue *value)
{
  g_autoptr (FerryLink) link = ferry_link_ref (pipe->watch->link);
  FerryDelivery delivery = {link, NULL, pipe->receiver, self->delivery};
  /* No handler is entered twice, so a delivery to this receiver is that of the block that had the cell read. */
  gboolean is_under_way = self->delivery != NULL && self->delivery->receiver == pipe->receiver;

  if (!is_under_way)
    self->delivery = &delivery;
  ferry_router_deliver (self, pipe, value->has_type ? (const GVariantType *) value->type : NULL, value->data,
                        value->size);
  if (self->delivery == &delivery)
    end_delivery (self, &delivery);
}

/* Delivers the newest value of a pipe that has a watch, if the value was not delivered yet. The handler may close the
 * pipe, so the caller must not use it afterwards. */
static void
take_and_deliver (FerryRouter *self, FerryPipe *pipe, gint64 now)
{
  FerryCellWatch *watch = pipe->watch;
  guint64 before = watch->reader.latest;
  const char *fault = NULL;
  FerryCellValue value;

  switch (ferry_cell_reader_take (&watch->reader, &value, &fault))
    {
    case FERRY_CELL_NEW:
      watch->delivered_at = now;
      self->counters[FERRY_COUNTER_OVERTAKEN] += watch->reader.latest - before - 1;
      pipe->receiver->overtaken += watch->reader.latest - before - 1;
      atomic_fetch_add_explicit (&watch->link->cells_taken, 1, memory_order_relaxed);
      deliver_value (self, pipe, &value);
      break;
    case FERRY_CELL_INVALID:
      watch->broken = TRUE;
      ferry_monitor_fault_link (self->monitor, watch->link, fault);
      break;
    default:
      break;
    }
}

/* Reads the cell (if any) of a pipe that ends now for the last time. While the router is being stopped, a value is
 * counted and not delivered. Returns the pipe, or NULL when the receiver's handler has stopped the router. */
static FerryPipe *
take_last_value (FerryRouter *self, FerryPipe *pipe)
{
  guint64 connection_id = pipe->connection_id;
  FerryCellWatch *watch = get_watch (pipe);

  if (watch == NULL)
    return pipe;
  if (!self->stopping)
    take_and_deliver (self, pipe, watch->delivered_at);
  else if (ferry_cell_reader_has_new (&watch->reader))
    count_undelivered (self, connection_id);
  return ferry_router_find_pipe (self, connection_id);
}

static void
heat (FerryRouter *self, FerryPipe *pipe, gint64 now)
{
  ferry_hot_cells_heat (&self->hot_cells, pipe->watch, pipe->connection_id, now + self->latest_interval);
}

/* Makes a cold cell hot because its writer rang, and delivers its value, unless ferry_router_flush_latest() did
 * that. */
static void
cell_rang (FerryRouter *self, FerryBlock *block, FerryReceiver **running)
{
  FerryPipe *pipe = ferry_router_find_pipe (self, block->connection_id);
  gint64 now = g_get_monotonic_time ();

  /* Clears the bit before the cell is read, so that the monitor pushes another block for a value that is written
   * later. Acquire and release: pairs with ferry_news_take_cells(). */
  atomic_fetch_and_explicit (&block->link->cells_pending, ~((guint64) 1 << block->number), memory_order_acq_rel);
  if (pipe == NULL || get_watch (pipe) == NULL || pipe->watch->hot)
    return;
  heat (self, pipe, now);
  *running = pipe->receiver;
  take_and_deliver (self, pipe, now);
}

/* At a tick, delivers the new value of a hot cell, which stays hot; or arms the cell, which becomes cold. */
static void
read_again (FerryRouter *self, guint64 connection_id)
{
  gint64 began = self->hot_cells.began;
  FerryPipe *pipe = ferry_router_find_pipe (self, connection_id);
  FerryCellWatch *watch = pipe != NULL ? get_watch (pipe) : NULL;

  if (watch == NULL)
    return;
  watch->hot = FALSE;
  /* A cell that became hot since the last tick waits until a whole interval has passed since its delivery. Where the
   * handler of the cell's receiver runs a main loop, the cell waits until that handler has returned. */
  if (began - watch->delivered_at < self->latest_interval || must_wait (self, pipe))
    {
      heat (self, pipe, began);
      return;
    }
  if (!ferry_cell_reader_has_new (&watch->reader) && !ferry_cell_reader_arm (&watch->reader))
    return;
  heat (self, pipe, began);
  take_and_deliver (self, pipe, began);
}

/* Reads the hot cells when a tick is due, or continues the present tick. Takes at most half a dispatch budget, or the
 * time of one handler; the remaining cells stay due. Before the next cell is read, blocks are dispatched for as long
 * as this function took. */
static FerryDispatchResult
deliver_latest (Dispatch *dispatch)
{
  FerryRouter *self = dispatch->router;
  FerryHotCells *cells = &self->hot_cells;
  gint64 began = dispatch->last;
  gint64 until = MIN (dispatch->until, began + self->dispatch_budget / 2);

  ferry_hot_cells_begin (cells, began, began + self->latest_interval);
  while (!ferry_hot_cells_is_done (cells))
    {
      read_again (self, ferry_hot_cells_next (cells));
      if (self->monitor != dispatch->monitor)
        return FERRY_DISPATCH_STOPPED;
      ferry_hot_cells_settle (cells);
      if (condition_holds (dispatch))
        return FERRY_DISPATCH_SPENT;
      dispatch->last = g_get_monotonic_time ();
      cells->debt = dispatch->last - began;
      if (dispatch->last >= until)
        break;
    }
  return dispatch->last >= dispatch->until ? FERRY_DISPATCH_SPENT : FERRY_DISPATCH_IDLE;
}

void
ferry_router_flush_latest (FerryRouter *self, FerryReceiver *receiver)
{
  FerryPipe *pipe = ferry_router_find_pipe (self, receiver->connection_id);

  if (pipe == NULL || self->monitor == NULL || pipe->receiver != receiver || get_watch (pipe) == NULL ||
      !ferry_cell_reader_has_new (&pipe->watch->reader) || is_entered (self, receiver))
    return;
  g_object_ref (self);
  g_object_ref (receiver);
  take_and_deliver (self, pipe, g_get_monotonic_time ());
  g_object_unref (receiver);
  g_object_unref (self);
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
  watch_cells (self, link);
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

/* ---- dispatching ----
 *
 * A dispatch delivers the messages of blocks to receivers until its budget is spent. The links take turns
 * (ferry-turns-private.h), measured by the time that their handlers take. A turn or the budget may end within a block;
 * the block's cursor says where the next turn continues. Reading the clock takes as long as delivering a few messages.
 * So the clock is read at the end of a link's row, and after a number of messages that depends on the link's handlers.
 *
 * A handler may close pipes, stop the router, start it again, and drop any reference. Receivers that are closed, and
 * the objects given to ferry_router_keep(), are freed after the outermost dispatch. After each delivery the dispatch
 * checks that the router still has the monitor from which the block came.
 *
 * A handler may run a main loop, in which further dispatches begin. They give no turn to the links of which a delivery
 * is under way. Of such a link they look through the row, and deliver what is for receivers without a running handler.
 * What they have delivered they mark, and the outer delivery passes over it. So the order of each pipe stays, no
 * handler is entered twice, and the row's blocks count until the outer delivery has given them back. A receiver of the
 * library has state of several objects, so while its handler runs, its whole link waits. */

static const GVariantType *
get_type (FerryPipe *pipe, guint16 kind, guint16 number)
{
  /* The monitor checked that the type was announced. */
  return kind == FERRY_RECORD_VARIANT ? g_ptr_array_index (pipe->types, number - 1) : NULL;
}

/* Delivers a large message, which has its own block, without a copy. */
static void
deliver_large (Dispatch *dispatch, FerryBlock *block, FerryPipe *pipe)
{
  FerryLocalQueue *queue = ferry_monitor_get_local_queue (dispatch->monitor);
  FerryReceiver *receiver;
  g_autoptr (GBytes) bytes = NULL;
  const GVariantType *type;

  receiver = count_or_drop (dispatch->router, pipe, block->size);
  if (receiver == NULL)
    return;
  type = get_type (pipe, block->message_kind, block->number);
  bytes = ferry_local_queue_take_large (queue, block);
  if (receiver->handler != NULL)
    {
      receiver->large = ferry_local_queue_may_keep (queue, block->link) ? bytes : NULL;
      receiver->handler (receiver, g_bytes_get_data (bytes, NULL), block->size, type, receiver->handler_data);
      receiver->large = NULL;
      return;
    }
  emit (receiver, g_variant_new_from_bytes (type != NULL ? type : G_VARIANT_TYPE_BYTESTRING, bytes, FALSE));
}

static void
deliver_buffer (FerryRouter *self, FerryBlock *block, FerryPipe *pipe)
{
  g_autoptr (GBytes) buffer = g_steal_pointer (&block->buffer);
  g_autoptr (GVariant) metadata = NULL;
  FerryReceiver *receiver;

  receiver = count_or_drop (self, pipe, g_bytes_get_size (buffer));
  if (receiver == NULL)
    return;
  if (block->number != 0)
    {
      gpointer data = g_steal_pointer (&block->data);

      metadata = g_variant_ref_sink (g_variant_new_from_data (g_ptr_array_index (pipe->types, block->number - 1), data,
                                                              block->size, FALSE, g_free, data));
    }
  ferry_receiver_emit_buffer (receiver, metadata, buffer);
}

static void
add_type (FerryPipe *pipe, const FerryRecordHeader *header, const char *payload)
{
  g_autofree char *type_string = g_strndup (payload, header->length);

  if (pipe->types == NULL)
    pipe->types = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_type_free);
  g_ptr_array_add (pipe->types, g_variant_type_new (type_string));
}

static void
end_stopped (FerryRouter *self, FerryPipe *pipe)
{
  const char *name = pipe->receiver != NULL ? pipe->receiver->sender_name : NULL;
  g_autofree char *text =
    name != NULL ? g_strdup_printf ("The sender %s was stopped, or the worker returned and dropped it; all its "
                                    "messages have come",
                                    name)
                 : g_strdup ("The sender was stopped");
  g_autoptr (FerryExit) exit = ferry_exit_new (FERRY_CLOSE_REASON_STOPPED, text);

  pipe = take_last_value (self, pipe);
  if (pipe != NULL)
    end_pipe (self, pipe, exit);
}

static inline void
deliver_record (FerryRouter *self, FerryPipe *pipe, const FerryRecordHeader *header, guint16 kind)
{
  const void *payload = header + 1;
  FerryReceiver *receiver = pipe->receiver;

  /* The fast path, for a handler. */
  if (G_LIKELY ((kind == FERRY_RECORD_BYTES || kind == FERRY_RECORD_VARIANT) && receiver != NULL &&
                receiver->handler != NULL && !ferry_receiver_is_abandoned (receiver)))
    {
      count (self, receiver, header->length);
      receiver->handler (receiver, payload, header->length, get_type (pipe, kind, header->number),
                         receiver->handler_data);
    }
  else if (G_LIKELY (kind == FERRY_RECORD_BYTES || kind == FERRY_RECORD_VARIANT))
    ferry_router_deliver (self, pipe, get_type (pipe, kind, header->number), payload, header->length);
  else if (kind == FERRY_RECORD_TYPE)
    add_type (pipe, header, payload);
  else if (kind == FERRY_RECORD_STOP)
    end_stopped (self, pipe);
}

/* Charges the link for the time since the last reading of the clock, and adapts the number of messages between two
 * readings. Each link has its own number, since the handlers of another link may take a thousand times as long. */
static FerryDispatchResult
read_clock (Dispatch *dispatch, FerryLink *link)
{
  FerryLinkTurn *turn = &link->turn;
  gint64 now = g_get_monotonic_time ();
  gint64 passed = now - dispatch->last;
  gboolean is_over = ferry_turns_charge (link, passed);

  if (passed < CHECK_INTERVAL / 2 && turn->left == 0 && turn->check_every < MAX_CHECK_EVERY)
    turn->check_every *= 2;
  else if (passed > CHECK_INTERVAL * 2 && turn->left < turn->check_every)
    turn->check_every = MAX (turn->check_every / 4, 1);
  turn->left = turn->check_every;
  dispatch->last = now;
  if (now >= dispatch->until)
    return FERRY_DISPATCH_SPENT;
  return is_over ? FERRY_DISPATCH_TURN : FERRY_DISPATCH_IDLE;
}

/* Returns whether and how the dispatch goes on after a delivery from the link. */
static FerryDispatchResult
after_delivery (Dispatch *dispatch, FerryLink *link)
{
  if (dispatch->router->monitor != dispatch->monitor)
    return FERRY_DISPATCH_STOPPED;
  return condition_holds (dispatch) ? FERRY_DISPATCH_SPENT : read_clock (dispatch, link);
}

/* Returns how many records are delivered until end_slice(). A condition is evaluated after each of them. */
static guint
begin_slice (const Dispatch *dispatch, const FerryLinkTurn *turn)
{
  return dispatch->condition == NULL ? turn->left : 1;
}

/* Returns whether and how the dispatch goes on after a slice of records. */
static FerryDispatchResult
end_slice (Dispatch *dispatch, FerryLink *link)
{
  if (dispatch->condition == NULL)
    {
      link->turn.left = 0;
      return read_clock (dispatch, link);
    }
  return condition_holds (dispatch) ? FERRY_DISPATCH_SPENT : read_clock (dispatch, link);
}

/* Has the latest record, of that size, delivered again. Returns whether that is to be now. */
static FerryDispatchResult
repeat (Dispatch *dispatch, FerryBlock *block, gsize size, guint left)
{
  dispatch->router->repeats = FALSE;
  block->cursor -= size;
  block->link->turn.left = left;
  return after_delivery (dispatch, block->link);
}

/* Delivers the records of a block from its cursor on. Sets *running to the receiver of the latest message, which is
 * freed after the dispatch at the earliest. */
static FerryDispatchResult
deliver_records (Dispatch *dispatch, FerryBlock *block, FerryReceiver **running)
{
  FerryRouter *self = dispatch->router;
  FerryMonitor *monitor = dispatch->monitor;
  FerryLinkTurn *turn = &block->link->turn;
  guint left = begin_slice (dispatch, turn);
  gsize cursor = block->cursor;
  guint64 latest_id = 0;
  guint32 latest_length = 0;
  gsize latest_size = sizeof (FerryRecordHeader);
  FerryPipe *pipe = NULL;

  self->may_repeat = TRUE;
  while (cursor < block->size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (block->data + cursor);

      /* Guesses that a record is as long as the one before, and then checks that, as skip_alike() of ferry-drain.c. */
      if (G_UNLIKELY (header->length != latest_length))
        {
          latest_length = header->length;
          latest_size = ferry_record_size (latest_length);
        }
      cursor += latest_size;
      block->cursor = cursor;
      if (G_UNLIKELY (header->connection_id != latest_id))
        {
          latest_id = header->connection_id;
          pipe = ferry_router_find_pipe (self, latest_id);
          g_assert (pipe != NULL);
          *running = pipe->receiver;
        }
      deliver_record (self, pipe, header, header->kind);
      if (G_UNLIKELY (self->monitor != monitor))
        return FERRY_DISPATCH_STOPPED;
      if (G_UNLIKELY (self->repeats))
        {
          FerryDispatchResult result = repeat (dispatch, block, latest_size, left);

          if (result != FERRY_DISPATCH_IDLE)
            return result;
          cursor = block->cursor;
          left = begin_slice (dispatch, turn);
          continue;
        }
      if (G_UNLIKELY (--left == 0))
        {
          FerryDispatchResult result = end_slice (dispatch, block->link);

          if (result != FERRY_DISPATCH_IDLE)
            return result;
          left = begin_slice (dispatch, turn);
        }
    }
  turn->left = left;
  return FERRY_DISPATCH_IDLE;
}

static FerryDispatchResult
dispatch_records (Dispatch *dispatch, FerryBlock *block, FerryReceiver **running)
{
  FerryDispatchResult result = deliver_records (dispatch, block, running);

  /* The time so far is charged to this link, not to the next one. */
  if (result == FERRY_DISPATCH_IDLE && block->link->turn.first == NULL)
    result = read_clock (dispatch, block->link);
  return result;
}

static void
end_link (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block)
{
  FerryLinkObserver *observer = block->link->user_data;

  ferry_monitor_count_ended_link (monitor);
  for (guint i = 0; i < block->link->connection_ids->len; i++)
    {
      guint64 connection_id = g_array_index (block->link->connection_ids, guint64, i);
      FerryPipe *pipe = ferry_router_find_pipe (self, connection_id);

      if (pipe != NULL)
        pipe = take_last_value (self, pipe);
      if (pipe == NULL)
        continue;
      end_pipe (self, pipe, block->exit);
      /* The receiver's handlers may have stopped the router, and a stop empties the table. */
      if (ferry_router_find_pipe (self, connection_id) == pipe)
        free_slot (self, pipe);
    }
  block->link->user_data = NULL;
  if (observer != NULL)
    observer->ended (observer->data, block->exit);
  /* References to the link may be held for long, by a FerryWorker that has ended or by a large message. So its memory,
   * which is not used any more, is freed here. That of a local link is not, since the sender in this process uses
   * it. */
  ferry_link_close_down (block->link);
  if (!block->link->local)
    {
      ferry_segment_clear_soon (&block->link->segment);
      ferry_link_give_up_buffers (block->link);
    }
  if (observer == NULL)
    return;
  observer->destroy (observer->data);
  g_free (observer);
}

static void
deliver_line (FerryRouter *self, FerryBlock *block)
{
  FerryLinkObserver *observer = block->link->user_data;
  const guint8 *place = block->data + block->cursor;
  FerryOutputLine line;

  memcpy (&line, place, sizeof line);
  block->cursor += sizeof line + line.length + 1;
  self->n_steps++;
  observer->output (observer->data, line.stream, line.call, (const char *) place + sizeof line);
}

static FerryDispatchResult
dispatch_output (Dispatch *dispatch, FerryBlock *block)
{
  FerryDispatchResult result = FERRY_DISPATCH_IDLE;

  while (result == FERRY_DISPATCH_IDLE && block->cursor < block->size)
    {
      deliver_line (dispatch->router, block);
      result = after_delivery (dispatch, block->link);
    }
  return result;
}

/* Delivers a message that has a block of its own. */
static void
deliver_whole (Dispatch *dispatch, FerryBlock *block, guint kind, FerryReceiver **running)
{
  FerryPipe *pipe = ferry_router_find_pipe (dispatch->router, block->connection_id);

  /* The pipe exists: its entry stays until the end of its link, and that end comes behind this block. */
  g_assert (pipe != NULL);
  *running = pipe->receiver;
  if (kind == FERRY_BLOCK_LARGE)
    deliver_large (dispatch, block, pipe);
  else
    deliver_buffer (dispatch->router, block, pipe);
}

static FerryDispatchResult
dispatch_block (Dispatch *dispatch, FerryBlock *block, FerryReceiver **running)
{
  FerryLinkObserver *observer = block->link->user_data;

  switch (block->kind)
    {
    case FERRY_BLOCK_RECORDS:
      return dispatch_records (dispatch, block, running);
    case FERRY_BLOCK_OUTPUT:
      return dispatch_output (dispatch, block);
    case FERRY_BLOCK_LARGE:
    case FERRY_BLOCK_BUFFER:
      deliver_whole (dispatch, block, block->kind, running);
      break;
    case FERRY_BLOCK_DONE:
      break;
    case FERRY_BLOCK_LAUNCHED:
      observer->launched (observer->data, block->pid);
      break;
    case FERRY_BLOCK_ATTACHED:
      observer->attached (observer->data);
      break;
    case FERRY_BLOCK_CELL:
      cell_rang (dispatch->router, block, running);
      break;
    case FERRY_BLOCK_ENDED:
    default:
      end_link (dispatch->router, dispatch->monitor, block);
      break;
    }
  return after_delivery (dispatch, block->link);
}

/* Whether a block of this kind has a cursor, so that a part of it can be dispatched. */
static gboolean
has_cursor (const FerryBlock *block)
{
  return block->kind == FERRY_BLOCK_RECORDS || block->kind == FERRY_BLOCK_OUTPUT;
}

/* Returns whether a block of a held link came. */
static gboolean
take_what_came (FerryRouter *self, FerryMonitor *monitor)
{
  FerryBlock *block = ferry_local_queue_pop_all (ferry_monitor_get_local_queue (monitor));
  gboolean is_held = FALSE;

  while (block != NULL)
    {
      FerryBlock *next = g_steal_pointer (&block->next);

      is_held |= ferry_turns_is_held (&self->turns, block->link);
      ferry_turns_add (&self->turns, block);
      block = next;
    }
  return is_held;
}

/* Dispatches a block, and gives it back, or puts it into its row again if a part is left. If a handler stopped the
 * router, discard() has handled that part. */
static FerryDispatchResult
dispatch_next (Dispatch *dispatch, FerryBlock *block)
{
  FerryRouter *self = dispatch->router;
  FerryDelivery delivery = {block->link, block, NULL, self->delivery};
  FerryDispatchResult result;

  self->delivery = &delivery;
  self->n_steps++;
  result = dispatch_block (dispatch, block, &delivery.receiver);
  if (self->monitor == dispatch->monitor)
    {
      end_delivery (self, &delivery);
      if (has_cursor (block) && block->cursor < block->size)
        {
          ferry_turns_put_back (&self->turns, block);
          return result;
        }
    }
  ferry_local_queue_give_back (ferry_monitor_get_local_queue (dispatch->monitor), block);
  return result;
}

/* ---- dispatching in a nested loop ---- */

/* What a record becomes that was delivered in a nested loop. No other record has this kind. */
#define RECORD_DONE 0

static void
set_record_done (FerryMonitor *monitor, FerryRecordHeader *header)
{
  FerryLocalQueue *queue = ferry_monitor_get_local_queue (monitor);

  ferry_local_queue_lock (queue);
  header->kind = RECORD_DONE;
  ferry_local_queue_unlock (queue);
}

static void
set_block_done (FerryMonitor *monitor, FerryBlock *block)
{
  FerryLocalQueue *queue = ferry_monitor_get_local_queue (monitor);

  ferry_local_queue_lock (queue);
  block->kind = FERRY_BLOCK_DONE;
  ferry_local_queue_unlock (queue);
}

/* Delivers a message or a value of a link of which another delivery is under way. */
static FerryDispatchResult
deliver_beside (Dispatch *dispatch, FerryBlock *block, FerryPipe *pipe, FerryRecordHeader *header)
{
  FerryRouter *self = dispatch->router;
  FerryDelivery delivery = {block->link, NULL, pipe != NULL ? pipe->receiver : NULL, self->delivery};
  guint kind = header != NULL ? header->kind : block->kind;
  gboolean may_repeat;

  /* Marked before, since the handler may begin a further dispatch, or stop the router. */
  self->delivery = &delivery;
  if (header != NULL)
    {
      set_record_done (dispatch->monitor, header);
      may_repeat = self->may_repeat;
      self->may_repeat = FALSE;
      deliver_record (self, pipe, header, (guint16) kind);
      self->may_repeat = may_repeat;
    }
  else
    {
      set_block_done (dispatch->monitor, block);
      if (kind == FERRY_BLOCK_CELL)
        cell_rang (self, block, &delivery.receiver);
      else
        deliver_whole (dispatch, block, kind, &delivery.receiver);
    }
  if (self->monitor != dispatch->monitor)
    return FERRY_DISPATCH_STOPPED;
  /* The link stays held, for the delivery further out. */
  self->delivery = delivery.outer;
  dispatch->last = g_get_monotonic_time ();
  return dispatch->last >= dispatch->until ? FERRY_DISPATCH_SPENT : FERRY_DISPATCH_IDLE;
}

/* Whether a message of the pipe (nullable) can be delivered now. */
static gboolean
is_free (FerryRouter *self, FerryPipe *pipe)
{
  return pipe == NULL || pipe->receiver == NULL || !is_entered (self, pipe->receiver);
}

/* Whether the block is one message of a pipe, or tells of one value. */
static gboolean
is_of_one_pipe (const FerryBlock *block)
{
  return block->kind == FERRY_BLOCK_LARGE || block->kind == FERRY_BLOCK_BUFFER || block->kind == FERRY_BLOCK_CELL;
}

static FerryDispatchResult
dispatch_records_beside (Dispatch *dispatch, FerryBlock *block)
{
  FerryDispatchResult result = FERRY_DISPATCH_IDLE;
  gsize cursor = block->cursor;

  while (result == FERRY_DISPATCH_IDLE && cursor < block->size)
    {
      FerryRecordHeader *header = (FerryRecordHeader *) (void *) (block->data + cursor);
      FerryPipe *pipe;

      cursor += ferry_record_size (header->length);
      if (header->kind == RECORD_DONE)
        continue;
      pipe = ferry_router_find_pipe (dispatch->router, header->connection_id);
      g_assert (pipe != NULL);
      /* A type is told to the pipe and to no handler. */
      if (header->kind == FERRY_RECORD_TYPE || is_free (dispatch->router, pipe))
        result = deliver_beside (dispatch, block, pipe, header);
    }
  return result;
}

/* Whether something in the block was not delivered yet. */
static gboolean
has_left (const FerryBlock *block)
{
  gsize cursor = block->cursor;

  if (block->kind != FERRY_BLOCK_RECORDS)
    return block->kind != FERRY_BLOCK_DONE && (!has_cursor (block) || cursor < block->size);
  while (cursor < block->size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (block->data + cursor);

      if (header->kind != RECORD_DONE)
        return TRUE;
      cursor += ferry_record_size (header->length);
    }
  return FALSE;
}

/* Whether something of the delivery's link waits: behind it in its block, or in the row. */
static gboolean
has_waiting (const FerryDelivery *under_way)
{
  const FerryBlock *block = under_way->block;

  if (block != NULL && has_cursor (block) && has_left (block))
    return TRUE;
  for (block = under_way->link->turn.first; block != NULL; block = block->next)
    if (has_left (block))
      return TRUE;
  return FALSE;
}

/* Says once what a user would take for a hang. */
static void
tell_of_nesting (FerryRouter *self, const FerryDelivery *under_way)
{
  if (self->told_of_nesting || !has_waiting (under_way))
    return;
  self->told_of_nesting = TRUE;
  g_message ("A handler of worker '%s' runs a main loop, and what else this worker sends waits until the handler "
             "returns; to wait for the same worker, return from the handler and go on in another one",
             under_way->link->name);
}

/* Moves what is left of a block's records to the end of an earlier block, as far as there is room. Returns whether
 * nothing is left. The local queue's lock must be held. */
static gboolean
move_records_locked (FerryBlock *from, FerryBlock *to)
{
  gsize cursor = from->cursor;

  while (cursor < from->size)
    {
      FerryRecordHeader *header = (FerryRecordHeader *) (void *) (from->data + cursor);
      gsize size = ferry_record_size (header->length);

      cursor += size;
      if (header->kind == RECORD_DONE)
        continue;
      if (to == NULL || to->size + size > FERRY_BLOCK_SIZE)
        return FALSE;
      memcpy (to->data + to->size, header, size);
      to->size += size;
      header->kind = RECORD_DONE;
    }
  return TRUE;
}

static gboolean
move_records (FerryLocalQueue *queue, FerryBlock *from, FerryBlock *to)
{
  gboolean is_empty;

  ferry_local_queue_lock (queue);
  is_empty = move_records_locked (from, to);
  ferry_local_queue_unlock (queue);
  return is_empty;
}

/* Gives back the blocks of a row of which all was delivered. The rest is moved together: a link has a number of blocks,
 * whatever they hold, and those of small messages would use it up. */
static void
tidy_row (FerryRouter *self, FerryLink *link, FerryBlock *first)
{
  FerryLocalQueue *queue = ferry_monitor_get_local_queue (self->monitor);
  FerryBlock *to = first != NULL && first->kind == FERRY_BLOCK_RECORDS ? first : NULL;
  FerryBlock *before = NULL;
  FerryBlock *block = link->turn.first;

  while (block != NULL)
    {
      FerryBlock *next = block->next;
      gboolean is_records = block->kind == FERRY_BLOCK_RECORDS;

      if (block->kind == FERRY_BLOCK_DONE || (is_records && move_records (queue, block, to)))
        {
          ferry_turns_remove (link, before, block);
          ferry_local_queue_give_back (queue, block);
        }
      else
        {
          before = block;
          to = is_records ? block : NULL;
        }
      block = next;
    }
}

/* How many deliveries of the link are under way. */
static guint
count_deliveries (FerryRouter *self, const FerryLink *link)
{
  guint n = 0;

  for (const FerryDelivery *delivery = self->delivery; delivery != NULL; delivery = delivery->outer)
    n += delivery->link == link;
  return n;
}

/* Delivers, of a link with a delivery under way, what is for receivers without a running handler. Output, and the end
 * of the link, wait. */
static FerryDispatchResult
dispatch_beside (Dispatch *dispatch, const FerryDelivery *under_way)
{
  FerryRouter *self = dispatch->router;
  FerryLink *link = under_way->link;
  FerryDispatchResult result = FERRY_DISPATCH_IDLE;

  if (waits_as_a_whole (self, link))
    {
      tell_of_nesting (self, under_way);
      return FERRY_DISPATCH_IDLE;
    }
  if (under_way->block != NULL && under_way->block->kind == FERRY_BLOCK_RECORDS)
    result = dispatch_records_beside (dispatch, under_way->block);
  for (FerryBlock *block = link->turn.first; result == FERRY_DISPATCH_IDLE && block != NULL; block = block->next)
    {
      FerryPipe *pipe = ferry_router_find_pipe (self, block->connection_id);

      if (block->kind == FERRY_BLOCK_RECORDS)
        result = dispatch_records_beside (dispatch, block);
      else if (is_of_one_pipe (block) && is_free (self, pipe))
        result = deliver_beside (dispatch, block, pipe, NULL);
    }
  /* Where a further delivery is under way, it is looking through these blocks. */
  if (result != FERRY_DISPATCH_STOPPED && count_deliveries (self, link) == 1)
    tidy_row (self, link, under_way->block);
  return result;
}

static FerryDispatchResult
dispatch_beside_all (Dispatch *dispatch)
{
  FerryDispatchResult result = FERRY_DISPATCH_IDLE;

  for (const FerryDelivery *delivery = dispatch->router->delivery; result == FERRY_DISPATCH_IDLE && delivery != NULL;
       delivery = delivery->outer)
    result = dispatch_beside (dispatch, delivery);
  return result;
}

/* ---- a whole dispatch ---- */

/* Returns a number that is another one within each handler. */
static guint64
get_n_calls (FerryRouter *self)
{
  return self->n_steps + self->counters[FERRY_COUNTER_MESSAGES];
}

/* Whether a handler runs a main loop that has not served the rows yet. The dispatch that called the handler has taken
 * blocks, and used up the blocks' pings. */
static gboolean
wants_nested_dispatch (gpointer user_data)
{
  FerryRouter *self = user_data;
  guint64 n_calls = get_n_calls (self);

  if (G_LIKELY (self->dispatching == 0) || n_calls == self->n_searched)
    return FALSE;
  self->n_searched = n_calls;
  return TRUE;
}

/* main, in a dispatch: takes ownership of a reference to object, and drops the reference after the dispatch. */
void
ferry_router_keep (FerryRouter *self, gpointer object)
{
  g_assert (self->dispatching);
  g_ptr_array_add (self->deferred_frees, object);
}

/* Frees the kept objects. Replaces the list first, since the application's code may begin another dispatch. */
static void
run_deferred_frees (FerryRouter *self)
{
  g_autoptr (GPtrArray) objects = NULL;

  if (self->deferred_frees->len == 0)
    return;
  objects = g_steal_pointer (&self->deferred_frees);
  self->deferred_frees = g_ptr_array_new_with_free_func (g_object_unref);
}

/* Dispatches blocks and hot cells until the budget is spent, none are left, or the condition (nullable) holds. */
static FerryDispatchResult
dispatch (FerryRouter *self, FerryCondition condition, gpointer user_data)
{
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (FerryMonitor) monitor = ferry_monitor_ref (self->monitor);
  gint64 now = g_get_monotonic_time ();
  Dispatch course = {self, monitor, now + self->dispatch_budget, condition, user_data, now};
  FerryDispatchResult result = FERRY_DISPATCH_IDLE;
  gboolean has_news = self->delivery != NULL; /* the rows of held links are to be looked through */
  int outer_depth = self->depth;

  self->depth = g_main_depth ();
  if (self->dispatching++ == 0)
    self->dispatch_number++;
  for (const FerryDelivery *delivery = self->delivery; delivery != NULL; delivery = delivery->outer)
    ferry_turns_hold (&self->turns, delivery->link);
  while (result == FERRY_DISPATCH_IDLE || result == FERRY_DISPATCH_TURN)
    {
      FerryBlock *block;
      gint64 before;

      if (G_UNLIKELY (course.last >= ferry_hot_cells_get_tick (&self->hot_cells)) && self->hot_cells.debt <= 0)
        {
          result = deliver_latest (&course);
          if (result != FERRY_DISPATCH_IDLE)
            break;
        }
      has_news |= take_what_came (self, monitor);
      if (G_UNLIKELY (has_news))
        {
          has_news = FALSE;
          result = dispatch_beside_all (&course);
          continue;
        }
      block = ferry_turns_take (&self->turns);
      before = course.last;
      if (block != NULL)
        {
          result = dispatch_next (&course, block);
          self->hot_cells.debt -= course.last - before;
        }
      else if (self->hot_cells.debt > 0)
        self->hot_cells.debt = 0;
      else if (course.last < ferry_hot_cells_get_tick (&self->hot_cells))
        {
          result = FERRY_DISPATCH_IDLE;
          break;
        }
    }
  self->depth = outer_depth;
  if (--self->dispatching == 0)
    run_deferred_frees (self);
  else if (result == FERRY_DISPATCH_IDLE)
    self->n_searched = get_n_calls (self);
  /* The handler that stopped the router may have started it again; then the new queue may hold blocks. */
  if (result == FERRY_DISPATCH_STOPPED && self->pingee != NULL)
    ferry_pingee_ping (self->pingee);
  return result;
}

/* While the router stops: counts the block's messages as undelivered, delivers its output, or ends its link. */
static void
discard_block (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block)
{
  gsize cursor = block->cursor;

  while (block->kind == FERRY_BLOCK_RECORDS && cursor < block->size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (block->data + cursor);

      if (header->kind == FERRY_RECORD_BYTES || header->kind == FERRY_RECORD_VARIANT)
        count_undelivered (self, header->connection_id);
      cursor += ferry_record_size (header->length);
    }
  while (block->kind == FERRY_BLOCK_OUTPUT && block->cursor < block->size)
    deliver_line (self, block);
  if (block->kind == FERRY_BLOCK_LARGE || block->kind == FERRY_BLOCK_BUFFER)
    count_undelivered (self, block->connection_id);
  else if (block->kind == FERRY_BLOCK_ENDED)
    end_link (self, monitor, block);
}

/* Empties the local queue of a stopped monitor: counts all messages as undelivered, and then delivers output and the
 * ends of links. The blocks that are being dispatched are given back by their dispatches. */
static void
discard (FerryRouter *self, FerryMonitor *monitor)
{
  const FerryDelivery *under_way = g_steal_pointer (&self->delivery);
  GQueue news = G_QUEUE_INIT;
  FerryBlock *block;

  for (; under_way != NULL; under_way = under_way->outer)
    if (under_way->block != NULL && has_cursor (under_way->block))
      discard_block (self, monitor, under_way->block);
  take_what_came (self, monitor);
  ferry_turns_release_all (&self->turns);
  while ((block = ferry_turns_take (&self->turns)) != NULL)
    if (block->kind == FERRY_BLOCK_ENDED || block->kind == FERRY_BLOCK_OUTPUT)
      g_queue_push_tail (&news, block);
    else
      {
        discard_block (self, monitor, block);
        ferry_local_queue_give_back (ferry_monitor_get_local_queue (monitor), block);
      }
  while ((block = g_queue_pop_head (&news)) != NULL)
    {
      discard_block (self, monitor, block);
      ferry_local_queue_give_back (ferry_monitor_get_local_queue (monitor), block);
    }
}

/* ---- what was sent before a moment ---- */

/* Whether all messages from before the fence are dispatched. TRUE also if the router was stopped and started. */
static gboolean
has_passed_fence (FerryRouter *self, const FerryMonitor *monitor, guint64 fence)
{
  guint64 n_pushed;

  if (self->monitor != monitor)
    return TRUE;
  if (!ferry_monitor_is_fence_reached (self->monitor, fence, &n_pushed))
    return FALSE;
  return ferry_local_queue_get_n_popped (ferry_monitor_get_local_queue (self->monitor)) >= n_pushed &&
         !ferry_turns_has_until (&self->turns, n_pushed);
}

/* FerrySettledFunc of the limits. Within a handler that runs a main loop, the messages of its link wait until it
 * returns. Limits of others do not wait for that. */
static gboolean
is_settled (gpointer data, gboolean begins)
{
  FerryRouter *self = data;

  if (self->monitor == NULL || self->delivery != NULL)
    return TRUE;
  if (begins)
    {
      self->limits_asked = self->monitor;
      self->limits_fence = ferry_monitor_set_fence (self->monitor);
    }
  return has_passed_fence (self, self->limits_asked, self->limits_fence);
}

/* ---- routing without the main context ---- */

/* The state of one ferry_router_route_until(). */
typedef struct
{
  FerryRouter *router;
  FerryCondition condition;
  gpointer user_data;
  gint64 until;          /* the clock's time of the timeout; G_MAXINT64: none */
  FerryLimitClock clock; /* of the timeout */
  gboolean is_late;      /* the timeout is over, and the fence is behind what had come by then */
  FerryMonitor *monitor; /* (unowned) (nullable): has the fence; NULL without a timeout */
  guint64 fence;
} Route;

static gboolean
holds (const Route *self)
{
  return self->condition (self->user_data);
}

/* Runs the timers that are due and that existed at the beginning. Timers that are added meanwhile run later, after
 * other work. Returns whether the condition holds. */
static gboolean
run_timers (Route *self, FerryTimers *timers)
{
  gint64 now = g_get_monotonic_time ();

  for (guint left = ferry_timers_get_n (timers); left > 0; left--)
    if (!ferry_timers_run_one (timers, now))
      return FALSE;
    else if (holds (self))
      return TRUE;
  return FALSE;
}

/* Runs the functions that were posted to the mailbox before this began. Returns whether the condition holds. */
static gboolean
run_posts (Route *self)
{
  for (guint left = ferry_mailbox_get_n (self->router->mailbox); left > 0; left--)
    if (!ferry_mailbox_run_one (self->router->mailbox))
      return FALSE;
    else if (holds (self))
      return TRUE;
  return FALSE;
}

/* any, with the mailbox's lock held: ends the sleep of the router's thread when a function is posted. */
static void
nudge_local_queue (gpointer queue)
{
  ferry_local_queue_nudge (queue);
}

/* Sleeps until a block is in the queue, a function is posted, or a timer or tick is due. A timeout that is over does
 * not end the sleep, which then waits for messages that were sent before it was. */
static void
sleep_until_work (Route *self)
{
  FerryRouter *router = self->router;
  FerryLocalQueue *queue = ferry_monitor_get_local_queue (router->monitor);
  gint64 until = MIN (ferry_hot_cells_get_tick (&router->hot_cells),
                      MIN (ferry_timers_get_first (router->timers), ferry_timers_get_first (router->limits)));

  if (self->monitor != NULL && !self->is_late)
    until = MIN (until, ferry_limit_clock_sleep (&self->clock, self->until));
  if (!ferry_mailbox_watch (router->mailbox, nudge_local_queue, queue))
    return;
  ferry_local_queue_wait_until (queue, until);
  ferry_mailbox_unwatch (router->mailbox);
}

/* Does each kind of work once. Returns whether the condition holds. Sets *result to the result of the dispatch. */
static gboolean
serve (Route *self, FerryDispatchResult *result)
{
  *result = FERRY_DISPATCH_STOPPED;
  if (run_timers (self, self->router->timers) || run_timers (self, self->router->limits) || run_posts (self))
    return TRUE;
  if (self->router->monitor == NULL)
    return FALSE;
  *result = dispatch (self->router, self->condition, self->user_data);
  return holds (self);
}

/* Whether the timeout is over, and what had come by then is delivered: a handler may have taken the whole time. */
static gboolean
is_over (Route *self)
{
  if (self->monitor == NULL || (!self->is_late && ferry_limit_clock_look (&self->clock) < self->until))
    return FALSE;
  if (!self->is_late && self->monitor == self->router->monitor)
    self->fence = ferry_monitor_set_fence (self->monitor);
  self->is_late = TRUE;
  return has_passed_fence (self->router, self->monitor, self->fence);
}

static gboolean
route (Route *self, GError **error)
{
  FerryDispatchResult result;

  while (ferry_router_check (self->router, error))
    {
      if (serve (self, &result))
        return TRUE;
      if (result == FERRY_DISPATCH_STOPPED)
        continue;
      if (is_over (self))
        return ferry_set_error (
          error, FERRY_ERROR_TIMED_OUT,
          "The condition did not hold before the timeout of ferry_router_route_until(); allow more time");
      if (result == FERRY_DISPATCH_IDLE)
        sleep_until_work (self);
    }
  return FALSE;
}

/**
 * ferry_router_route_until:
 * @self: a router
 * @condition: (scope call): the condition to wait for; evaluated after each message, and after each piece of other work
 * @user_data: data for @condition
 * @timeout: the longest time to wait, in microseconds; negative for no limit
 * @error: return location for an error
 *
 * Does the router's work on the calling thread until a condition holds, without running the other sources of the main
 * context. Use it in tests, in console programs, and in an application that waits for the last messages before it ends.
 *
 * The function delivers messages and the ends of workers. It begins tasks, also tasks that other threads submitted, and
 * handles their cancellables, timeouts and grace times. So a condition may depend on messages, tasks, groups and maps.
 * A [class@Ferry.Listener] that was started on the router's main context reports applications that attach.
 *
 * Work that needs other sources is not done. That is the callbacks of functions that end in `_async`, and the work of
 * proxies, replicas and exporters on the main context. If a condition depends on such work, iterate the context
 * instead, with g_main_context_iteration(). To wait for the end of one task, use [method@Ferry.Task.wait].
 *
 * Messages that were sent before @timeout was over are delivered, however long handlers took. So a @timeout of 0
 * delivers what was sent before the call, and waits for nothing else. The time in which this process was stopped does
 * not count. The function does not wait for large data that cannot come until the application drops other large data.
 *
 * On the router's thread. Unlike functions that iterate the context, this function may be called from within callbacks
 * of the context, except for Ferry's callbacks.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT; with %FERRY_ERROR_NOT_RUNNING, also when a handler stopped the
 * router; with %FERRY_ERROR_WRONG_THREAD; and with %FERRY_ERROR_BUSY from within a handler.
 *
 * Returns: %TRUE when the condition holds
 */
gboolean
ferry_router_route_until (FerryRouter *self, FerryCondition condition, gpointer user_data, gint64 timeout,
                          GError **error)
{
  Route course = {.router = self, .condition = condition, .user_data = user_data, .is_late = timeout == 0};
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = NULL;
  g_autoptr (FerryMonitor) monitor = NULL;
  gboolean success;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail (condition != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self, error))
    return FALSE;
  if (is_in_handler (self))
    return ferry_set_error (error, FERRY_ERROR_BUSY,
                            "A handler cannot call ferry_router_route_until(); return to the main loop first");
  kept = g_object_ref (self);
  course.until = ferry_limit_clock_begin (&course.clock, timeout);
  if (holds (&course))
    return TRUE;
  monitor = ferry_monitor_ref (self->monitor);
  course.monitor = timeout >= 0 ? monitor : NULL;
  if (timeout == 0)
    course.fence = ferry_monitor_set_fence (monitor);
  ferry_monitor_begin_need (monitor);
  success = route (&course, error);
  ferry_monitor_end_need (monitor);
  if (self->pingee != NULL)
    ferry_pingee_ping (self->pingee);
  return success;
}

/* ---- latency ---- */

/* The share of each second that a thread may poll in vain before it sleeps, in thousandths. */
#define SPIN_SHARE 50

/* How many free descriptors a router needs to start. GLib makes a main context for its own thread then, and opens the
 * system bus for the power profile. It ends the program where it gets no descriptor for a context. */
#define START_N_FDS 8

/* How many free threads a router needs to start: its monitor, and the thread that GLib starts for the first GTask. */
#define START_N_THREADS 2

/* How many GLib starts to follow the power profile, at the most. */
#define POWER_N_THREADS 3

static gpointer
pass (gpointer gate)
{
  pthread_mutex_lock (gate);
  pthread_mutex_unlock (gate);
  return NULL;
}

/* Whether n threads, at most POWER_N_THREADS, can be started now. GLib ends the program where it gets no thread. */
static gboolean
check_free_threads (guint n, GError **error)
{
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  GThread *threads[POWER_N_THREADS];
  guint n_started = 0;
  gboolean starts = TRUE;

  /* All of them are there at the same time. */
  pthread_mutex_lock (&gate);
  while (starts && n_started < n)
    {
      threads[n_started] = ferry_thread_try_new ("ferry-free", "the router", pass, &gate, error);
      starts = threads[n_started] != NULL;
      n_started += starts;
    }
  pthread_mutex_unlock (&gate);
  while (n_started > 0)
    g_thread_join (threads[--n_started]);
  pthread_mutex_destroy (&gate);
  return starts;
}

/* What follows the system's power profile; for the thread on which GLib reports a change. */
typedef struct
{
  FerryMonitor *monitor; /* (owned) */
  guint longest;         /* where power is not saved */
} Spin;

static void
spin_free (gpointer data, GClosure *closure)
{
  ferry_monitor_unref (((Spin *) data)->monitor);
  g_free (data);
}

static void
power_changed_cb (GPowerProfileMonitor *power, GParamSpec *pspec, gpointer data)
{
  const Spin *self = data;
  guint longest = g_power_profile_monitor_get_power_saver_enabled (power) ? 0 : self->longest;

  ferry_monitor_set_spin (self->monitor, FERRY_SPIN_SETTING (longest, SPIN_SHARE));
}

static void
start_spin (FerryRouter *self)
{
  /* See ferry-spin-private.h. */
  const gboolean yields = ferry_get_n_usable_cores () == 1;
  const guint balanced = yields ? FERRY_SPIN_YIELD : BALANCED_SPIN;
  const guint longest[] = {
    [FERRY_LATENCY_SYSTEM] = balanced,
    [FERRY_LATENCY_BALANCED] = balanced,
    [FERRY_LATENCY_QUICK] = yields ? FERRY_SPIN_YIELD : QUICK_SPIN,
  };
  Spin *spin;

  if (self->latency != FERRY_LATENCY_SYSTEM || !ferry_check_free_fds (START_N_FDS, NULL) ||
      !check_free_threads (POWER_N_THREADS, NULL))
    {
      ferry_monitor_set_spin (self->monitor, FERRY_SPIN_SETTING (longest[self->latency], SPIN_SHARE));
      return;
    }
  spin = g_new (Spin, 1);
  *spin = (Spin){ferry_monitor_ref (self->monitor), balanced};
  self->power = g_power_profile_monitor_dup_default ();
  self->power_handler = g_signal_connect_data (self->power, "notify::power-saver-enabled",
                                               G_CALLBACK (power_changed_cb), spin, spin_free, 0);
  power_changed_cb (self->power, NULL, spin);
}

static void
stop_spin (FerryRouter *self)
{
  if (self->power != NULL)
    g_signal_handler_disconnect (self->power, self->power_handler);
  g_clear_object (&self->power);
}

/* ---- start and stop ---- */

/* Acquires the role and dispatches, again and again, for the dispatch budget. Returns whether there may be more. A
 * conversation, in which a spin has found something each time, gives way to sources of lower priority after a budget.
 * Without spins, they would have been dispatched. */
static gboolean
drain_and_dispatch (FerryRouter *self)
{
  gint64 until = g_get_monotonic_time () + self->dispatch_budget;
  guint n_returns = ferry_completion_count_returns ();
  FerryDispatchResult result;

  do
    {
      ferry_short_cut_drain (
        ferry_monitor_get_short_cut (self->monitor),
        ferry_turns_has_until (&self->turns, G_MAXUINT64) || ferry_hot_cells_get_tick (&self->hot_cells) != G_MAXINT64);
      result = dispatch (self, NULL, NULL);
      if (result == FERRY_DISPATCH_SPENT)
        break;
      /* A handler may have stopped the router. */
      if (result != FERRY_DISPATCH_IDLE || self->monitor == NULL)
        return FALSE;
      /* The callbacks of tasks run before the spin: it is they that ask again. */
      if (ferry_completion_count_returns () != n_returns)
        break;
      if (!ferry_short_cut_spin (ferry_monitor_get_short_cut (self->monitor)))
        {
          self->way_due = 0;
          return FALSE;
        }
      if (self->way_due == 0)
        self->way_due = until;
    }
  while (g_get_monotonic_time () < until);
  if (self->way_due != 0 && g_get_monotonic_time () >= self->way_due)
    {
      self->way_due = 0;
      ferry_short_cut_give_way (ferry_monitor_get_short_cut (self->monitor));
      return FALSE;
    }
  ferry_short_cut_expect_drain (ferry_monitor_get_short_cut (self->monitor));
  return TRUE;
}

static gboolean
pinged (gpointer user_data)
{
  FerryRouter *self = user_data;
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = g_object_ref (self);
  gboolean has_more;

  self->counters[FERRY_COUNTER_DISPATCHES]++;
  if (g_source_get_priority (g_main_current_source ()) != self->priority)
    self->counters[FERRY_COUNTER_AGED_DISPATCHES]++;
  has_more = drain_and_dispatch (self);
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
  if (!ferry_check_free_fds (START_N_FDS, error) ||
      (g_type_from_name ("GTask") == 0 && !check_free_threads (START_N_THREADS, error)))
    return FALSE;
  pingee = ferry_pingee_new (self->priority, self->ageing, pinged, self);
  ferry_pingee_set_can_recurse (pingee, wants_nested_dispatch);
  self->monitor = ferry_monitor_new (pingee, self->by_monitor ? NULL : self->context, self->account,
                                     self->local_queue_limit, self->spare_time, error);
  if (self->monitor == NULL)
    return FALSE;
  /* GLib starts a thread for the first GTask, and aborts the program if the system refuses the thread. So GLib
   * starts its thread here, where it was looked for. */
  g_type_ensure (G_TYPE_TASK);
  ferry_pingee_connect (pingee, self->context);
  start_spin (self);
  if (!self->by_monitor)
    self->short_cut_source = ferry_monitor_attach_short_cut (self->monitor);
  self->pingee = g_steal_pointer (&pingee);
  self->hot_cells.pingee = self->pingee;
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
  g_autoptr (GPtrArray) slots = g_steal_pointer (&self->slots);

  self->slots = g_ptr_array_new_with_free_func (pipe_free);
  g_array_set_size (self->free_slots, 0);
  for (guint i = 0; i < slots->len; i++)
    {
      FerryPipe *pipe = g_ptr_array_index (slots, i);

      if (pipe == NULL)
        continue;
      ferry_pipe_share_close (pipe->share);
      end_pipe (self, pipe, exit);
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
  stop_spin (self);
  ferry_hot_cells_stop (&self->hot_cells);
  ferry_monitor_stop (monitor);
  keep_counts (self, monitor);
  ferry_memory_account_set_bell (self->account, -1, NULL);
  g_atomic_pointer_set (&self->thread, NULL);
  discard (self, monitor);
  end_all_pipes (self);
  /* Done last: until then other threads pass their requests to this thread. */
  ferry_home_set_thread (self->home, NULL);
  self->stopping = FALSE;
}

/**
 * ferry_router_stop:
 * @self: a router
 * @error: return location for an error
 *
 * Stops the router: takes no more messages from workers, and kills the workers that still run. Messages that were
 * received and not delivered are counted and dropped; call [method@Ferry.Router.route_until] first to deliver them.
 * Before this function returns, each receiver of an open pipe emits `closed` with the reason
 * %FERRY_CLOSE_REASON_ROUTER_STOPPED. It emits nothing afterwards. A warning lists the connection ids of the open
 * pipes. All tasks of the router's pools that are not done fail with %FERRY_ERROR_CLOSED.
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
  self->home = ferry_home_new (self->context, NULL);
  self->weak = g_atomic_rc_box_new0 (GWeakRef);
  g_weak_ref_init (self->weak, self);
  self->timers = ferry_timers_new (self->context);
  self->limits = ferry_timers_ref_limits_of (self->context);
  ferry_timers_add_way (self->limits, is_settled, self);
  self->mailbox = ferry_mailbox_ref_for (self->context);
  ferry_hot_cells_init (&self->hot_cells, self->context);
}

static void
stop_abandoned (gpointer data)
{
  FerryRouter *self = data;

  if (get_thread (self) != NULL)
    stop (self);
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
  if (thread != NULL && thread != g_thread_self ())
    {
      ferry_mailbox_post (self->context, stop_abandoned, g_object_ref (self), g_object_unref);
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
  g_ptr_array_unref (self->deferred_frees);
  ferry_hot_cells_clear (&self->hot_cells);
  g_array_unref (self->free_slots);
  ferry_timers_free (self->timers);
  ferry_timers_remove_way (self->limits, self);
  ferry_timers_unref_limits (self->limits);
  ferry_mailbox_unref (self->mailbox);
  ferry_home_unref (self->home);
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
  ferry_return_val_if_elsewhere (self->home, 0);

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

/* Returns the field of a property that is a number of 64 bits. */
static gpointer
get_number (FerryRouter *self, guint property_id)
{
  gpointer const numbers[N_PROPERTIES] = {
    [PROP_DISPATCH_BUDGET] = &self->dispatch_budget,
    [PROP_AGEING] = &self->ageing,
    [PROP_LOCAL_QUEUE_LIMIT] = &self->local_queue_limit,
    [PROP_LANE_CAPACITY] = &self->lane_capacity,
    [PROP_MAX_MESSAGE_SIZE] = &self->max_message_size,
    [PROP_LATEST_INTERVAL] = &self->latest_interval,
    [PROP_SPARE_TIME] = &self->spare_time,
  };

  return numbers[property_id];
}

static void
ferry_router_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryRouter *self = FERRY_ROUTER (object);

  /* The other properties may be changed on the router's thread. */
  if (property_id != PROP_MAIN_CONTEXT && property_id != PROP_RUNNING)
    ferry_return_if_elsewhere (self->home);
  if (property_id == PROP_MAIN_CONTEXT)
    g_value_set_boxed (value, self->context);
  else if (property_id == PROP_RUNNING)
    g_value_set_boolean (value, get_thread (self) != NULL);
  else if (property_id == PROP_N_PIPES)
    g_value_set_uint (value, self->n_open);
  else if (property_id == PROP_PRIORITY)
    g_value_set_int (value, self->priority);
  else if (property_id == PROP_LATENCY)
    g_value_set_enum (value, (int) self->latency);
  else if (property_id == PROP_BUFFER_LIMIT)
    g_value_set_uint64 (value, ferry_memory_account_get_limit (self->account));
  else if (G_VALUE_HOLDS_INT64 (value))
    g_value_set_int64 (value, *(gint64 *) get_number (self, property_id));
  else
    g_value_set_uint64 (value, *(guint64 *) get_number (self, property_id));
}

static void
ferry_router_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryRouter *self = FERRY_ROUTER (object);
  guint64 limit;

  ferry_return_if_elsewhere (self->home);
  if (property_id == PROP_MAIN_CONTEXT)
    self->context = g_value_dup_boxed (value);
  else if (property_id == PROP_PRIORITY)
    self->priority = g_value_get_int (value);
  else if (property_id == PROP_LATENCY)
    self->latency = (FerryLatency) g_value_get_enum (value);
  else if (property_id == PROP_BUFFER_LIMIT)
    {
      limit = g_value_get_uint64 (value);
      ferry_memory_account_set_limit (self->account,
                                      limit > 0 ? limit : ferry_get_usable_memory () / BUFFER_LIMIT_PART);
    }
  else if (G_VALUE_HOLDS_INT64 (value))
    *(gint64 *) get_number (self, property_id) = g_value_get_int64 (value);
  else
    *(guint64 *) get_number (self, property_id) = g_value_get_uint64 (value);
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
  properties[PROP_AGEING] = g_param_spec_int64 ("ageing", NULL, NULL, -1, G_MAXINT64 / 2, DEFAULT_AGEING, SETTING);
  /**
   * FerryRouter:latest-interval:
   *
   * The least time in microseconds between two deliveries of a pipe for latest values ([flags@Ferry.PipeFlags]); 16,667
   * by default, which is 60 deliveries a second. The last value before the end of the pipe does not wait.
   */
  properties[PROP_LATEST_INTERVAL] = g_param_spec_int64 ("latest-interval", NULL, NULL, LOWEST_LATEST_INTERVAL,
                                                         HIGHEST_LATEST_INTERVAL, DEFAULT_LATEST_INTERVAL, SETTING);
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
   * process may use one processor core only, it yields the core once instead. A change takes effect at the next start.
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
  self->slots = g_ptr_array_new_with_free_func (pipe_free);
  self->free_slots = g_array_new (FALSE, FALSE, sizeof (guint));
  self->deferred_frees = g_ptr_array_new_with_free_func (g_object_unref);
  self->account = ferry_memory_account_new (0);
}
