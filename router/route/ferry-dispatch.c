/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A dispatch: calls the handlers of receivers with the messages of blocks, and with the newest values of cells, until
 * its budget of time is spent. The links take turns (ferry-fair-queue.c), measured by the time that their handlers
 * take. A turn or the budget may end within a block; the block's cursor says where the next turn continues. Reading
 * the clock takes as long as delivering a few messages. So the clock is read at the end of a link's row, and after a
 * number of messages that depends on the link's handlers.
 *
 * A handler may close pipes, stop the router, start it again, and drop any reference. Receivers that are closed, and
 * the objects given to ferry_router_keep(), are freed after the outermost dispatch. After each delivery the dispatch
 * checks that the router still has the monitor from which the block came.
 *
 * A handler may run a main loop, in which further dispatches begin. They give no turn to the links of which a delivery
 * is under way. Of such a link they look through the row, and deliver what is for receivers without a running handler.
 * What they have delivered they mark, and the outer delivery passes over it. So the order of each pipe stays, no
 * handler is entered twice, and the row's blocks count until the outer delivery has given them back. A receiver of the
 * library has state of several objects, so while its handler runs, its whole link waits.
 *
 * Threads: the router's thread. */

#include "config.h"

#include "route/ferry-router-private.h"

#include <string.h>

#include "base/ferry-completion-private.h"
#include "wire/ferry-layout-private.h"

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

gboolean
ferry_router_is_in_handler (FerryRouter *self)
{
  return self->dispatcher.n_running > 0 || self->dispatcher.n_holding > 0 ||
         ferry_timers_is_dispatching (self->timers) || ferry_timers_is_dispatching (self->limits) ||
         ferry_mailbox_is_running (self->mailbox);
}

void
ferry_router_end_pipe (FerryRouter *self, FerryPipe *pipe, FerryExit *exit)
{
  g_autoptr (FerryReceiver) receiver = g_steal_pointer (&pipe->receiver);

  if (receiver == NULL)
    return;
  self->pipes.n_open--;
  self->dispatcher.n_steps++;
  /* A handler of this receiver may be running, and may use memory that is freed with the receiver. */
  if (self->dispatcher.n_running > 0)
    ferry_router_keep (self, g_object_ref (receiver));
  ferry_receiver_emit_closed (receiver, exit);
}

void
ferry_router_free_pipe (FerryRouter *self, FerryPipe *pipe, FerryExit *exit)
{
  guint64 connection_id = pipe->connection_id;

  ferry_router_end_pipe (self, pipe, exit);
  /* The receiver's handlers may have stopped the router, and a stop empties the table. */
  if (ferry_pipes_find (&self->pipes, connection_id) == pipe)
    ferry_pipes_remove (&self->pipes, pipe);
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

void
ferry_router_deliver (FerryRouter *self, FerryPipe *pipe, const GVariantType *type, gboolean is_checked,
                      gconstpointer data, gsize size)
{
  FerryReceiver *receiver = count_or_drop (self, pipe, size);
  gpointer copy;

  if (G_UNLIKELY (receiver == NULL))
    return;
  if (G_LIKELY (receiver->handler != NULL))
    {
      receiver->handler (receiver, data, size, type, receiver->handler_data);
      return;
    }
  copy = g_memdup2 (data, size);
  if (type == NULL)
    type = G_VARIANT_TYPE_BYTESTRING;
  ferry_receiver_emit_message (receiver, g_variant_new_from_data (type, copy, size, is_checked, g_free, copy));
}

static void
count_undelivered (FerryRouter *self, guint64 connection_id)
{
  FerryPipe *pipe = ferry_pipes_find (&self->pipes, connection_id);

  self->counters[FERRY_COUNTER_UNDELIVERED]++;
  if (pipe != NULL && pipe->receiver != NULL)
    pipe->receiver->undelivered++;
}

static inline gboolean
condition_holds (const Dispatch *dispatch)
{
  return dispatch->condition != NULL && dispatch->condition (dispatch->user_data);
}

/* Adds the time since the last reading of the clock, in which n messages were delivered, to what the latest receiver
 * took. receiver: (nullable): what was delivered was for none. */
static void
note_time (Dispatch *dispatch, FerryReceiver *receiver, gint64 now, guint n)
{
  guint64 passed = (guint64) (now - dispatch->last);

  dispatch->router->counters[FERRY_COUNTER_HANDLER_TIME] += passed;
  if (receiver == NULL)
    return;
  receiver->handler_time += passed;
  receiver->slowest = MAX (receiver->slowest, passed / MAX (n, 1));
}

/* ---- latest values ---- */

void
ferry_router_watch_cells (FerryRouter *self, FerryLink *link)
{
  for (guint i = 0; i < link->cells->len; i++)
    {
      guint32 cell = g_array_index (link->cells, guint32, i);
      FerryPipe *pipe = ferry_pipes_find (&self->pipes, g_array_index (link->connection_ids, guint64, i));

      if (cell != FERRY_NO_CELL && pipe != NULL && pipe->watch == NULL)
        pipe->watch = ferry_cell_watch_new (link, cell);
    }
}

/* Whether a handler of the receiver is running, somewhere on the stack. */
static gboolean
is_entered (FerryRouter *self, FerryReceiver *receiver)
{
  for (const FerryDelivery *delivery = self->dispatcher.delivery; delivery != NULL; delivery = delivery->outer)
    if (delivery->receiver == receiver)
      return TRUE;
  return FALSE;
}

/* Whether all that came over the link waits until the delivery that is under way has ended. */
static gboolean
waits_as_a_whole (FerryRouter *self, FerryLink *link)
{
  for (const FerryDelivery *delivery = self->dispatcher.delivery; delivery != NULL; delivery = delivery->outer)
    if (delivery->link == link && (delivery->receiver == NULL || delivery->receiver->internal))
      return TRUE;
  return FALSE;
}

/* The innermost delivery is further out only if the innermost dispatch does not run the caller directly. */
gboolean
ferry_router_is_held_outside (FerryRouter *self, FerryLink *link)
{
  const FerryDelivery *delivery = self->dispatcher.delivery;

  if (delivery != NULL && g_main_depth () <= self->dispatcher.depth)
    delivery = delivery->outer;
  while (delivery != NULL && delivery->link != link)
    delivery = delivery->outer;
  return delivery != NULL;
}

/* Ends a delivery that the router's stop has not ended. */
static void
end_delivery (FerryRouter *self, FerryDelivery *delivery)
{
  const FerryDelivery *other = delivery->outer;

  g_assert (self->dispatcher.delivery == delivery);
  self->dispatcher.delivery = delivery->outer;
  while (other != NULL && other->link != delivery->link)
    other = other->outer;
  if (other == NULL)
    ferry_fair_queue_release (&self->dispatcher.fair_queue, delivery->link);
}

static void
deliver_value (FerryRouter *self, FerryPipe *pipe, const FerryCellValue *value)
{
  g_autoptr (FerryLink) link = ferry_link_ref (pipe->watch->link);
  FerryDelivery delivery = {link, NULL, pipe->receiver, self->dispatcher.delivery};
  /* No handler is entered twice, so a delivery to this receiver is that of the block that had the cell read. */
  gboolean is_under_way = self->dispatcher.delivery != NULL && self->dispatcher.delivery->receiver == pipe->receiver;

  if (!is_under_way)
    self->dispatcher.delivery = &delivery;
  ferry_router_deliver (self, pipe, value->has_type ? (const GVariantType *) value->type : NULL,
                        value->has_type && ferry_layout_is_checked (value->type, strlen (value->type)), value->data,
                        value->size);
  if (self->dispatcher.delivery == &delivery)
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
  FerryCellWatch *watch = ferry_pipe_get_watch (pipe);

  if (watch == NULL)
    return pipe;
  if (!self->stopping)
    take_and_deliver (self, pipe, watch->delivered_at);
  else if (ferry_cell_reader_has_new (&watch->reader))
    count_undelivered (self, connection_id);
  return ferry_pipes_find (&self->pipes, connection_id);
}

static void
heat (FerryRouter *self, FerryPipe *pipe, gint64 now)
{
  ferry_hot_cells_heat (&self->dispatcher.hot_cells, pipe->watch, pipe->connection_id,
                        ferry_time_add (now, self->latest_interval));
}

/* Makes a cold cell hot because its writer rang, and delivers its value, unless ferry_router_flush_latest() did
 * that. */
static void
cell_rang (FerryRouter *self, FerryBlock *block, FerryReceiver **running)
{
  FerryPipe *pipe = ferry_pipes_find (&self->pipes, block->connection_id);
  gint64 now = g_get_monotonic_time ();

  /* Clears the bit before the cell is read, so that the monitor pushes another block for a value that is written
   * later. Acquire and release: pairs with ferry_link_events_take_cells(). */
  atomic_fetch_and_explicit (&block->link->cells_pending, ~((guint64) 1 << block->number), memory_order_acq_rel);
  if (pipe == NULL || ferry_pipe_get_watch (pipe) == NULL || pipe->watch->hot)
    return;
  heat (self, pipe, now);
  *running = pipe->receiver;
  take_and_deliver (self, pipe, now);
}

/* At a tick, delivers the new value of a hot cell, which stays hot; or arms the cell, which becomes cold. Returns
 * (nullable) the receiver that it delivered to, which is freed after the dispatch at the earliest. */
static FerryReceiver *
read_again (FerryRouter *self, guint64 connection_id)
{
  gint64 began = self->dispatcher.hot_cells.began;
  FerryPipe *pipe = ferry_pipes_find (&self->pipes, connection_id);
  FerryCellWatch *watch = pipe != NULL ? ferry_pipe_get_watch (pipe) : NULL;
  FerryReceiver *receiver;

  if (watch == NULL)
    return NULL;
  watch->hot = FALSE;
  /* A cell that became hot since the last tick waits until a whole interval has passed since its delivery. Where the
   * handler of the cell's receiver runs a main loop, the cell waits until that handler has returned. */
  if (began - watch->delivered_at < self->latest_interval || is_entered (self, pipe->receiver) ||
      waits_as_a_whole (self, watch->link))
    {
      heat (self, pipe, began);
      return NULL;
    }
  if (!ferry_cell_reader_has_new (&watch->reader) && !ferry_cell_reader_arm (&watch->reader))
    return NULL;
  heat (self, pipe, began);
  receiver = pipe->receiver;
  take_and_deliver (self, pipe, began);
  return receiver;
}

/* Reads the hot cells when a tick is due, or continues the present tick. Takes at most half a dispatch budget, or the
 * time of one handler; the remaining cells stay due. Before the next cell is read, blocks are dispatched for as long
 * as this function took. */
static FerryDispatchResult
deliver_latest (Dispatch *dispatch)
{
  FerryRouter *self = dispatch->router;
  FerryHotCells *cells = &self->dispatcher.hot_cells;
  gint64 began = dispatch->last;
  gint64 until = MIN (dispatch->until, began + self->dispatch_budget / 2);

  ferry_hot_cells_begin (cells, began, ferry_time_add (began, self->latest_interval));
  while (!ferry_hot_cells_is_done (cells))
    {
      FerryReceiver *receiver = read_again (self, ferry_hot_cells_next (cells));
      gint64 now;

      if (self->monitor != dispatch->monitor)
        return FERRY_DISPATCH_STOPPED;
      ferry_hot_cells_settle (cells);
      if (condition_holds (dispatch))
        return FERRY_DISPATCH_SPENT;
      now = g_get_monotonic_time ();
      note_time (dispatch, receiver, now, 1);
      dispatch->last = now;
      cells->debt = dispatch->last - began;
      if (dispatch->last >= until)
        break;
    }
  return dispatch->last >= dispatch->until ? FERRY_DISPATCH_SPENT : FERRY_DISPATCH_IDLE;
}

void
ferry_router_flush_latest (FerryRouter *self, FerryReceiver *receiver)
{
  FerryPipe *pipe = ferry_pipes_find (&self->pipes, receiver->connection_id);

  if (pipe == NULL || self->monitor == NULL || pipe->receiver != receiver || ferry_pipe_get_watch (pipe) == NULL ||
      !ferry_cell_reader_has_new (&pipe->watch->reader) || is_entered (self, receiver))
    return;
  g_object_ref (self);
  g_object_ref (receiver);
  take_and_deliver (self, pipe, g_get_monotonic_time ());
  g_object_unref (receiver);
  g_object_unref (self);
}

/* ---- the records of a block ---- */

static const GVariantType *
get_type (FerryPipe *pipe, guint16 kind, guint16 number)
{
  /* The monitor checked that the type was announced. */
  return kind == FERRY_RECORD_VARIANT ? g_ptr_array_index (pipe->types, number - 1) : NULL;
}

/* Whether a value of the type was found to be in normal form when it was drained. */
static gboolean
is_checked (FerryPipe *pipe, guint16 number)
{
  return (pipe->checked[(number - 1) / 64] >> (number - 1) % 64 & 1) != 0;
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
      receiver->verdict = block->verdict;
      receiver->handler (receiver, g_bytes_get_data (bytes, NULL), block->size, type, receiver->handler_data);
      receiver->verdict = FERRY_VALUE_UNJUDGED;
      receiver->large = NULL;
      return;
    }
  if (type == NULL)
    type = G_VARIANT_TYPE_BYTESTRING;
  ferry_receiver_emit_message (receiver, g_variant_new_from_bytes (type, bytes, block->verdict == FERRY_VALUE_GOOD));
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
      const GVariantType *type = g_ptr_array_index (pipe->types, block->number - 1);
      gpointer data = g_steal_pointer (&block->data);

      metadata = g_variant_ref_sink (
        g_variant_new_from_data (type, data, block->size, is_checked (pipe, block->number), g_free, data));
    }
  ferry_receiver_emit_buffer (receiver, metadata, buffer);
}

static void
add_type (FerryPipe *pipe, const FerryRecordHeader *header, const char *payload)
{
  g_autofree char *type_string = g_strndup (payload, header->length);

  if (pipe->types == NULL)
    pipe->types = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_type_free);
  if (ferry_layout_is_checked (payload, header->length))
    pipe->checked[pipe->types->len / 64] |= (guint64) 1 << pipe->types->len % 64;
  g_ptr_array_add (pipe->types, g_variant_type_new (type_string));
}

static void
end_stopped (FerryRouter *self, FerryPipe *pipe)
{
  const char *name = pipe->receiver != NULL ? pipe->receiver->sender_name : NULL;
  g_autofree char *text = name != NULL ? g_strdup_printf ("The sender %s was stopped; all its messages have come", name)
                                       : g_strdup ("The sender was stopped");
  g_autoptr (FerryExit) exit = ferry_exit_new (FERRY_CLOSE_REASON_STOPPED, text);

  pipe = take_last_value (self, pipe);
  if (pipe != NULL)
    ferry_router_end_pipe (self, pipe, exit);
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
    ferry_router_deliver (self, pipe, get_type (pipe, kind, header->number),
                          kind == FERRY_RECORD_VARIANT && is_checked (pipe, header->number), payload, header->length);
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
  gboolean is_over = ferry_fair_queue_charge (link, passed);

  note_time (dispatch, dispatch->router->dispatcher.delivery->receiver, now, turn->check_every - turn->left);
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

/* Returns how many records are delivered until the clock is read. A condition is evaluated after each of them. */
static guint
begin_slice (const Dispatch *dispatch, const FerryLinkTurn *turn)
{
  return dispatch->condition == NULL ? turn->left : 1;
}

/* Has the latest record, of that size, delivered again. Returns whether that is to be now. */
static FerryDispatchResult
repeat (Dispatch *dispatch, FerryBlock *block, gsize size, guint left)
{
  FerryDispatchResult result;

  dispatch->router->dispatcher.repeats = FALSE;
  block->cursor -= size;
  block->link->turn.left = left;
  result = after_delivery (dispatch, block->link);
  return result == FERRY_DISPATCH_IDLE && dispatch->router->dispatcher.holds ? FERRY_DISPATCH_TURN : result;
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

  self->dispatcher.may_repeat = TRUE;
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
          pipe = ferry_pipes_find (&self->pipes, latest_id);
          g_assert (pipe != NULL);
          *running = pipe->receiver;
        }
      deliver_record (self, pipe, header, header->kind);
      if (G_UNLIKELY (self->monitor != monitor))
        return FERRY_DISPATCH_STOPPED;
      if (G_UNLIKELY (self->dispatcher.repeats))
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
          FerryDispatchResult result;

          if (dispatch->condition == NULL)
            turn->left = 0;
          result = after_delivery (dispatch, block->link);
          if (result != FERRY_DISPATCH_IDLE)
            return result;
          left = begin_slice (dispatch, turn);
        }
    }
  turn->left = left;
  /* The time so far is charged to this link, not to the next one. */
  return turn->first == NULL ? read_clock (dispatch, block->link) : FERRY_DISPATCH_IDLE;
}

static void
end_link (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block)
{
  FerryLinkObserver *observer = block->link->user_data;

  ferry_monitor_count_ended_link (monitor);
  for (guint i = 0; i < block->link->connection_ids->len; i++)
    {
      guint64 connection_id = g_array_index (block->link->connection_ids, guint64, i);
      FerryPipe *pipe = ferry_pipes_find (&self->pipes, connection_id);

      if (pipe != NULL)
        pipe = take_last_value (self, pipe);
      if (pipe != NULL)
        ferry_router_free_pipe (self, pipe, block->exit);
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
  self->dispatcher.n_steps++;
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
  FerryPipe *pipe = ferry_pipes_find (&dispatch->router->pipes, block->connection_id);

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
      return deliver_records (dispatch, block, running);
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

      is_held |= ferry_fair_queue_is_held (&self->dispatcher.fair_queue, block->link);
      ferry_fair_queue_add (&self->dispatcher.fair_queue, block);
      block = next;
    }
  return is_held;
}

/* Gives the link no turn until ferry_held_link_release(). Its block must be in its row again. */
static void
hold_for_another_thread (FerryRouter *self, FerryLink *link)
{
  self->dispatcher.holds = FALSE;
  ferry_fair_queue_hold (&self->dispatcher.fair_queue, link);
}

/* Dispatches a block, and gives it back, or puts it into its row again if a part is left. If a handler stopped the
 * router, ferry_router_discard() has handled that part. */
static FerryDispatchResult
dispatch_next (Dispatch *dispatch, FerryBlock *block)
{
  FerryRouter *self = dispatch->router;
  FerryDelivery delivery = {block->link, block, NULL, self->dispatcher.delivery};
  FerryDispatchResult result;

  self->dispatcher.delivery = &delivery;
  self->dispatcher.n_steps++;
  result = dispatch_block (dispatch, block, &delivery.receiver);
  if (self->monitor == dispatch->monitor)
    {
      end_delivery (self, &delivery);
      if (has_cursor (block) && block->cursor < block->size)
        {
          ferry_fair_queue_put_back (&self->dispatcher.fair_queue, block);
          if (G_UNLIKELY (self->dispatcher.holds))
            hold_for_another_thread (self, block->link);
          return result;
        }
    }
  ferry_local_queue_give_back (ferry_monitor_get_local_queue (dispatch->monitor), block);
  return result;
}

/* ---- dispatching in a nested loop ---- */

/* What a record becomes that was delivered in a nested loop. No other record has this kind. */
#define RECORD_DONE 0

/* Delivers a message or a value of a link of which another delivery is under way. */
static FerryDispatchResult
deliver_beside (Dispatch *dispatch, FerryBlock *block, FerryPipe *pipe, FerryRecordHeader *header)
{
  FerryRouter *self = dispatch->router;
  FerryDelivery delivery = {block->link, NULL, pipe != NULL ? pipe->receiver : NULL, self->dispatcher.delivery};
  FerryLocalQueue *queue = ferry_monitor_get_local_queue (dispatch->monitor);
  guint kind = header != NULL ? header->kind : block->kind;
  gboolean may_repeat;
  gint64 now;

  /* Marked before, since the handler may begin a further dispatch, or stop the router. */
  ferry_local_queue_lock (queue);
  if (header != NULL)
    header->kind = RECORD_DONE;
  else
    block->kind = FERRY_BLOCK_DONE;
  ferry_local_queue_unlock (queue);
  self->dispatcher.delivery = &delivery;
  if (header != NULL)
    {
      may_repeat = self->dispatcher.may_repeat;
      self->dispatcher.may_repeat = FALSE;
      deliver_record (self, pipe, header, (guint16) kind);
      self->dispatcher.may_repeat = may_repeat;
    }
  else if (kind == FERRY_BLOCK_CELL)
    cell_rang (self, block, &delivery.receiver);
  else
    deliver_whole (dispatch, block, kind, &delivery.receiver);
  if (self->monitor != dispatch->monitor)
    return FERRY_DISPATCH_STOPPED;
  /* The link stays held, for the delivery further out. */
  self->dispatcher.delivery = delivery.outer;
  now = g_get_monotonic_time ();
  note_time (dispatch, delivery.receiver, now, 1);
  dispatch->last = now;
  return now >= dispatch->until ? FERRY_DISPATCH_SPENT : FERRY_DISPATCH_IDLE;
}

/* Whether a message of the pipe (nullable) can be delivered now. */
static gboolean
is_free (FerryRouter *self, FerryPipe *pipe)
{
  return pipe == NULL || pipe->receiver == NULL || !is_entered (self, pipe->receiver);
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
      pipe = ferry_pipes_find (&dispatch->router->pipes, header->connection_id);
      g_assert (pipe != NULL);
      /* A type is told to the pipe and to no handler. */
      if (header->kind == FERRY_RECORD_TYPE || is_free (dispatch->router, pipe))
        result = deliver_beside (dispatch, block, pipe, header);
    }
  return result;
}

/* Moves what is left of a block's records to the end of an earlier block (nullable), as far as there is room. Returns
 * whether nothing is left. */
static gboolean
move_records (FerryLocalQueue *queue, FerryBlock *from, FerryBlock *to)
{
  gsize cursor = from->cursor;
  gboolean fits = TRUE;

  ferry_local_queue_lock (queue);
  while (cursor < from->size)
    {
      FerryRecordHeader *header = (FerryRecordHeader *) (void *) (from->data + cursor);
      gsize size = ferry_record_size (header->length);

      cursor += size;
      if (header->kind == RECORD_DONE)
        continue;
      fits = to != NULL && to->size + size <= FERRY_BLOCK_SIZE;
      if (!fits)
        break;
      memcpy (to->data + to->size, header, size);
      to->size += size;
      header->kind = RECORD_DONE;
    }
  ferry_local_queue_unlock (queue);
  return fits;
}

/* Whether something in the block was not delivered yet. */
static gboolean
has_left (FerryLocalQueue *queue, FerryBlock *block)
{
  if (block->kind == FERRY_BLOCK_RECORDS)
    return !move_records (queue, block, NULL);
  return block->kind != FERRY_BLOCK_DONE && (!has_cursor (block) || block->cursor < block->size);
}

/* Says once what a user would take for a hang, if something of the delivery's link waits: behind it in its block, or in
 * the row. */
static void
tell_of_nesting (FerryRouter *self, const FerryDelivery *under_way)
{
  FerryLocalQueue *queue = ferry_monitor_get_local_queue (self->monitor);
  FerryBlock *block = under_way->block;

  if (self->dispatcher.told_of_nesting)
    return;
  if (block == NULL || !has_cursor (block) || !has_left (queue, block))
    for (block = under_way->link->turn.first; block != NULL && !has_left (queue, block); block = block->next)
      ;
  if (block == NULL)
    return;
  self->dispatcher.told_of_nesting = TRUE;
  g_message ("A handler of worker '%s' runs a main loop, and what else this worker sends waits until the handler "
             "returns; to wait for the same worker, return from the handler and go on in another one",
             under_way->link->name);
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
          ferry_fair_queue_remove (link, before, block);
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

  for (const FerryDelivery *delivery = self->dispatcher.delivery; delivery != NULL; delivery = delivery->outer)
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
      FerryPipe *pipe = ferry_pipes_find (&self->pipes, block->connection_id);

      if (block->kind == FERRY_BLOCK_RECORDS)
        result = dispatch_records_beside (dispatch, block);
      else if ((block->kind == FERRY_BLOCK_LARGE || block->kind == FERRY_BLOCK_BUFFER ||
                block->kind == FERRY_BLOCK_CELL) &&
               is_free (self, pipe))
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

  for (const FerryDelivery *delivery = dispatch->router->dispatcher.delivery;
       result == FERRY_DISPATCH_IDLE && delivery != NULL; delivery = delivery->outer)
    result = dispatch_beside (dispatch, delivery);
  return result;
}

/* ---- a whole dispatch ---- */

/* Returns a number that is another one within each handler. */
static guint64
get_n_calls (FerryRouter *self)
{
  return self->dispatcher.n_steps + self->counters[FERRY_COUNTER_MESSAGES];
}

gboolean
ferry_router_wants_nested_dispatch (gpointer user_data)
{
  FerryRouter *self = user_data;
  guint64 n_calls = get_n_calls (self);

  if (G_LIKELY (self->dispatcher.n_running == 0) || n_calls == self->dispatcher.n_searched)
    return FALSE;
  self->dispatcher.n_searched = n_calls;
  return TRUE;
}

void
ferry_router_keep (FerryRouter *self, gpointer object)
{
  g_assert (self->dispatcher.n_running);
  g_ptr_array_add (self->dispatcher.kept, object);
}

/* Frees the kept objects. Replaces the list first, since the application's code may begin another dispatch. */
static void
run_deferred_frees (FerryRouter *self)
{
  g_autoptr (GPtrArray) objects = NULL;

  if (self->dispatcher.kept->len == 0)
    return;
  objects = g_steal_pointer (&self->dispatcher.kept);
  self->dispatcher.kept = g_ptr_array_new_with_free_func (g_object_unref);
}

FerryDispatchResult
ferry_router_dispatch (FerryRouter *self, FerryCondition condition, gpointer user_data)
{
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (FerryMonitor) monitor = ferry_monitor_ref (self->monitor);
  gint64 now = g_get_monotonic_time ();
  Dispatch course = {self, monitor, now + self->dispatch_budget, condition, user_data, now};
  FerryDispatchResult result = FERRY_DISPATCH_IDLE;
  gboolean has_come = self->dispatcher.delivery != NULL; /* the rows of held links are to be looked through */
  int outer_depth = self->dispatcher.depth;

  self->dispatcher.depth = g_main_depth ();
  if (self->dispatcher.n_running++ == 0)
    self->dispatcher.number++;
  for (const FerryDelivery *delivery = self->dispatcher.delivery; delivery != NULL; delivery = delivery->outer)
    ferry_fair_queue_hold (&self->dispatcher.fair_queue, delivery->link);
  while (result == FERRY_DISPATCH_IDLE || result == FERRY_DISPATCH_TURN)
    {
      FerryBlock *block;
      gint64 before;

      if (G_UNLIKELY (course.last >= ferry_hot_cells_get_tick (&self->dispatcher.hot_cells)) &&
          self->dispatcher.hot_cells.debt <= 0)
        {
          result = deliver_latest (&course);
          if (result != FERRY_DISPATCH_IDLE)
            break;
        }
      has_come |= take_what_came (self, monitor);
      if (G_UNLIKELY (has_come))
        {
          has_come = FALSE;
          result = dispatch_beside_all (&course);
          continue;
        }
      block = ferry_fair_queue_take (&self->dispatcher.fair_queue);
      before = course.last;
      if (block != NULL)
        {
          result = dispatch_next (&course, block);
          self->dispatcher.hot_cells.debt -= course.last - before;
        }
      else if (self->dispatcher.hot_cells.debt > 0)
        self->dispatcher.hot_cells.debt = 0;
      else if (course.last < ferry_hot_cells_get_tick (&self->dispatcher.hot_cells))
        {
          result = FERRY_DISPATCH_IDLE;
          break;
        }
    }
  self->dispatcher.depth = outer_depth;
  if (--self->dispatcher.n_running == 0)
    run_deferred_frees (self);
  else if (result == FERRY_DISPATCH_IDLE)
    self->dispatcher.n_searched = get_n_calls (self);
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

/* The blocks that are being dispatched are given back by their dispatches. */
void
ferry_router_discard (FerryRouter *self, FerryMonitor *monitor)
{
  const FerryDelivery *under_way = g_steal_pointer (&self->dispatcher.delivery);
  GQueue first = G_QUEUE_INIT;
  GQueue last = G_QUEUE_INIT;
  FerryBlock *block;

  for (; under_way != NULL; under_way = under_way->outer)
    if (under_way->block != NULL && has_cursor (under_way->block))
      discard_block (self, monitor, under_way->block);
  take_what_came (self, monitor);
  ferry_fair_queue_release_all (&self->dispatcher.fair_queue);
  while ((block = ferry_fair_queue_take (&self->dispatcher.fair_queue)) != NULL)
    if (block->kind == FERRY_BLOCK_ENDED || block->kind == FERRY_BLOCK_OUTPUT)
      g_queue_push_tail (&last, block);
    else
      g_queue_push_tail (&first, block);
  while ((block = g_queue_pop_head (first.length > 0 ? &first : &last)) != NULL)
    {
      discard_block (self, monitor, block);
      ferry_local_queue_give_back (ferry_monitor_get_local_queue (monitor), block);
    }
}

/* A conversation, in which a spin has found something each time, gives way to sources of lower priority after a budget.
 * Without spins, they would have been dispatched. */
gboolean
ferry_router_drain_and_dispatch (FerryRouter *self)
{
  gint64 until = g_get_monotonic_time () + self->dispatch_budget;
  guint n_returns = ferry_completion_count_returns ();
  FerryDispatchResult result;

  do
    {
      ferry_short_cut_drain (ferry_monitor_get_short_cut (self->monitor),
                             ferry_fair_queue_has_until (&self->dispatcher.fair_queue, G_MAXUINT64) ||
                               ferry_hot_cells_get_tick (&self->dispatcher.hot_cells) != G_MAXINT64);
      result = ferry_router_dispatch (self, NULL, NULL);
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
          self->dispatcher.way_due = 0;
          return FALSE;
        }
      if (self->dispatcher.way_due == 0)
        self->dispatcher.way_due = until;
    }
  while (g_get_monotonic_time () < until);
  if (self->dispatcher.way_due != 0 && g_get_monotonic_time () >= self->dispatcher.way_due)
    {
      self->dispatcher.way_due = 0;
      ferry_short_cut_give_way (ferry_monitor_get_short_cut (self->monitor));
      return FALSE;
    }
  ferry_short_cut_expect_drain (ferry_monitor_get_short_cut (self->monitor));
  return TRUE;
}

/* ---- links that wait for another thread ---- */

struct _FerryHeldLink
{
  GWeakRef *router;      /* (owned): the router's weak reference to itself */
  GMainContext *context; /* (owned) */
  FerryLink *link;       /* (owned) */
};

FerryHeldLink *
ferry_held_link_new (FerryRouter *router)
{
  FerryHeldLink *self = g_new (FerryHeldLink, 1);

  *self = (FerryHeldLink){g_atomic_rc_box_acquire (router->weak), g_main_context_ref (router->context),
                          ferry_link_ref (router->dispatcher.delivery->link)};
  return self;
}

void
ferry_held_link_free (FerryHeldLink *self)
{
  g_atomic_rc_box_release_full (self->router, (GDestroyNotify) g_weak_ref_clear);
  g_main_context_unref (self->context);
  ferry_link_unref (self->link);
  g_free (self);
}

/* main: lets the link go on, unless a delivery of it is under way, whose end does that. */
static void
go_on (gpointer data)
{
  const FerryHeldLink *self = data;
  g_autoptr (FerryRouter) router = g_weak_ref_get (self->router);

  if (router == NULL)
    return;
  if (router->monitor == NULL || count_deliveries (router, self->link) > 0)
    return;
  ferry_fair_queue_release (&router->dispatcher.fair_queue, self->link);
  ferry_pingee_ping (router->pingee);
}

static void
free_held_link (gpointer self)
{
  ferry_held_link_free (self);
}

void
ferry_held_link_release (FerryHeldLink *self)
{
  g_autoptr (GMainContext) context = g_main_context_ref (self->context);

  ferry_mailbox_post (context, go_on, self, free_held_link);
}

/* ---- what was sent before a moment ---- */

gboolean
ferry_router_has_passed (FerryRouter *self, const FerryMoment *moment)
{
  guint64 n_pushed;

  if (self->monitor != moment->monitor)
    return TRUE;
  if (!ferry_monitor_is_watermark_reached (self->monitor, moment->watermark, &n_pushed))
    return FALSE;
  return ferry_local_queue_get_n_popped (ferry_monitor_get_local_queue (self->monitor)) >= n_pushed &&
         !ferry_fair_queue_has_until (&self->dispatcher.fair_queue, n_pushed);
}

gboolean
ferry_router_is_settled (gpointer data, gboolean begins)
{
  FerryRouter *self = data;
  FerryMoment *moment = &self->dispatcher.limits;

  if (self->monitor == NULL || self->dispatcher.delivery != NULL)
    return TRUE;
  if (begins)
    *moment = (FerryMoment){self->monitor, ferry_monitor_set_watermark (self->monitor)};
  return ferry_router_has_passed (self, moment);
}
