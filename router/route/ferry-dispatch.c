/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* From blocks to receivers, on the router's thread.
 *
 * A dispatch goes on until its budget is spent. Within it links take turns (ferry-turns-private.h), by the time that
 * their handlers take. Where a turn or the budget ended within a block is kept in that, so the next one goes on from
 * there. Reading the clock costs as much as delivering a few messages, so it is looked at after a number of messages
 * that follows what the link's handlers cost, and at the end of a row.
 *
 * A handler may close pipes, stop the router, start it again, and drop whatever it likes: receivers that are closed
 * wait in the graveyard until the dispatch is over, as does what ferry_router_keep() was given, and after each delivery
 * the dispatch sees whether the router still has the monitor that the block came from. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"

/* The clock is looked at about this often, whatever a message costs. */
#define CHECK_INTERVAL 50
#define MAX_CHECK_EVERY 8192

static const GVariantType *
get_type (FerryPipe *pipe, guint16 kind, guint16 number)
{
  /* The monitor checked that the type was announced. */
  return kind == FERRY_RECORD_VARIANT ? g_ptr_array_index (pipe->types, number - 1) : NULL;
}

static void
count (FerryRouter *self, FerryReceiver *receiver, gsize size)
{
  receiver->messages++;
  self->messages++;
  self->bytes += size;
}

static void
emit (FerryReceiver *receiver, GVariant *message)
{
  g_variant_ref_sink (message);
  ferry_receiver_emit_message (receiver, message);
  g_variant_unref (message);
}

/* Counted, and said once a pipe: a worker may go on for long before it looks. */
static void
drop (FerryRouter *self, FerryPipe *pipe)
{
  if (pipe->dropped++ == 0)
    g_debug ("A message came for pipe %" G_GUINT64_FORMAT ", which is closed; it and those after it are dropped",
             pipe->connection_id);
  self->dropped++;
}

/* main: hands a message over, whose memory is borrowed. It is copied where it may be kept, so that keeping it keeps no
 * more than itself. type is NULL for plain bytes. */
void
ferry_router_deliver (FerryRouter *self, FerryPipe *pipe, const GVariantType *type, gconstpointer data, gsize size)
{
  FerryReceiver *receiver = pipe->receiver;
  gpointer copy;

  if (G_UNLIKELY (receiver == NULL || ferry_receiver_is_abandoned (receiver)))
    {
      drop (self, pipe);
      return;
    }
  count (self, receiver, size);
  if (receiver->handler != NULL)
    {
      receiver->handler (receiver, data, size, type, receiver->handler_data);
      return;
    }
  copy = g_memdup2 (data, size);
  emit (receiver,
        g_variant_new_from_data (type != NULL ? type : G_VARIANT_TYPE_BYTESTRING, copy, size, FALSE, g_free, copy));
}

/* The receiver's handler was called for the last time before other code is. */
static inline void
end_run (FerryReceiver *receiver)
{
  if (G_UNLIKELY (receiver != NULL && receiver->run_ended != NULL))
    receiver->run_ended (receiver->handler_data);
}

/* A message with a block of its own is handed over with its memory. */
static void
deliver_large (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block)
{
  FerryPipe *pipe = ferry_router_find_pipe (self, block->connection_id);
  FerryReceiver *receiver;
  g_autoptr (GBytes) bytes = NULL;
  const GVariantType *type;

  /* A pipe's entry stays until the end of its link, which comes behind this block. */
  g_assert (pipe != NULL);
  receiver = pipe->receiver;
  if (receiver == NULL || ferry_receiver_is_abandoned (receiver))
    {
      drop (self, pipe);
      return;
    }
  type = get_type (pipe, block->message_kind, block->number);
  count (self, receiver, block->size);
  /* What lies in a buffer is there already. */
  bytes = block->buffer != NULL ? g_steal_pointer (&block->buffer) : ferry_local_queue_keep (monitor->local, block);
  if (receiver->handler != NULL)
    {
      receiver->large = ferry_local_queue_may_keep (monitor->local, block->link) ? bytes : NULL;
      receiver->handler (receiver, g_bytes_get_data (bytes, NULL), block->size, type, receiver->handler_data);
      receiver->large = NULL;
      end_run (receiver);
      return;
    }
  emit (receiver, g_variant_new_from_bytes (type != NULL ? type : G_VARIANT_TYPE_BYTESTRING, bytes, FALSE));
}

static void
deliver_buffer (FerryRouter *self, FerryBlock *block)
{
  FerryPipe *pipe = ferry_router_find_pipe (self, block->connection_id);
  g_autoptr (GBytes) buffer = g_steal_pointer (&block->buffer);
  g_autoptr (GVariant) metadata = NULL;

  g_assert (pipe != NULL);
  if (pipe->receiver == NULL || ferry_receiver_is_abandoned (pipe->receiver))
    {
      drop (self, pipe);
      return;
    }
  if (block->number != 0)
    {
      gpointer data = g_steal_pointer (&block->data);

      metadata = g_variant_ref_sink (g_variant_new_from_data (g_ptr_array_index (pipe->types, block->number - 1), data,
                                                              block->size, FALSE, g_free, data));
    }
  count (self, pipe->receiver, g_bytes_get_size (buffer));
  ferry_receiver_emit_buffer (pipe->receiver, metadata, buffer);
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
  g_autoptr (FerryExit) exit = ferry_exit_new (FERRY_CLOSE_REASON_STOPPED, "The sender was stopped");

  pipe = ferry_router_take_last_value (self, pipe);
  if (pipe != NULL)
    ferry_router_end_pipe (self, pipe, exit);
}

static inline void
deliver_record (FerryRouter *self, FerryPipe *pipe, const FerryRecordHeader *header)
{
  const void *payload = header + 1;
  FerryReceiver *receiver = pipe->receiver;

  /* The quickest road, for plain bytes and a handler. */
  if (G_LIKELY (header->kind == FERRY_RECORD_BYTES && receiver != NULL && receiver->handler != NULL &&
                !ferry_receiver_is_abandoned (receiver)))
    {
      count (self, receiver, header->length);
      receiver->handler (receiver, payload, header->length, NULL, receiver->handler_data);
    }
  else if (G_LIKELY (header->kind == FERRY_RECORD_BYTES || header->kind == FERRY_RECORD_VARIANT))
    ferry_router_deliver (self, pipe, get_type (pipe, header->kind, header->number), payload, header->length);
  else if (header->kind == FERRY_RECORD_TYPE)
    add_type (pipe, header, payload);
  else
    end_stopped (self, pipe);
}

/* Has the link's handlers pay for the time since the last look, and adapts how many messages go by between two. The
 * number is the link's own: handlers of others may cost a thousand times as much. */
static FerryDispatchResult
look_at_clock (FerryLink *link, const FerryBudget *budget, gint64 *last)
{
  FerryLinkTurn *turn = &link->turn;
  gint64 now = g_get_monotonic_time ();
  gint64 passed = now - *last;
  gboolean is_over = ferry_turns_charge (link, passed);

  if (passed < CHECK_INTERVAL / 2 && turn->left == 0 && turn->check_every < MAX_CHECK_EVERY)
    turn->check_every *= 2;
  else if (passed > CHECK_INTERVAL * 2 && turn->left < turn->check_every)
    turn->check_every = MAX (turn->check_every / 4, 1);
  turn->left = turn->check_every;
  *last = now;
  if (now >= budget->until)
    return FERRY_DISPATCH_SPENT;
  return is_over ? FERRY_DISPATCH_TURN : FERRY_DISPATCH_IDLE;
}

/* *running becomes the receiver that got the latest message; one that is closed is kept, as long as the dispatch. */
static FerryDispatchResult
deliver_records (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block, const FerryBudget *budget, gint64 *last,
                 FerryReceiver **running)
{
  FerryLinkTurn *turn = &block->link->turn;
  guint left = turn->left;
  gsize cursor = block->cursor;
  guint64 latest_id = 0;
  guint32 latest_length = 0;
  gsize latest_size = sizeof (FerryRecordHeader);
  FerryPipe *pipe = NULL;

  while (cursor < block->size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (block->data + cursor);

      /* That records are alike is guessed, and only checked: see skip_alike() in ferry-drain.c. */
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
          end_run (*running);
          *running = pipe->receiver;
        }
      deliver_record (self, pipe, header);
      if (G_UNLIKELY (self->monitor != monitor))
        return FERRY_DISPATCH_STOPPED;
      if (G_UNLIKELY (budget->condition != NULL))
        {
          end_run (*running);
          if (budget->condition (budget->user_data))
            return FERRY_DISPATCH_SPENT;
        }
      if (G_UNLIKELY (--left == 0))
        {
          FerryDispatchResult result;

          turn->left = 0;
          result = look_at_clock (block->link, budget, last);
          if (result != FERRY_DISPATCH_IDLE)
            return result;
          left = turn->left;
        }
    }
  turn->left = left;
  return FERRY_DISPATCH_IDLE;
}

static FerryDispatchResult
dispatch_records (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block, const FerryBudget *budget, gint64 *last)
{
  FerryReceiver *running = NULL;
  FerryDispatchResult result = deliver_records (self, monitor, block, budget, last, &running);

  end_run (running);
  return result;
}

/* Who sends to a worker that has ended may do so until its observer was told, and what its memory says is looked at
 * until then. After that nobody does: the link itself may stay for long, in a worker that has ended or in a large
 * message. A local link shares its memory with its sending end. */
static void
give_up_memory (FerryLink *link)
{
  ferry_link_close_down (link);
  if (link->local)
    return;
  ferry_segment_clear_soon (&link->segment);
  ferry_link_give_up_buffers (link);
}

static void
end_link (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block)
{
  FerryLinkObserver *observer = block->link->user_data;

  atomic_fetch_sub_explicit (&monitor->n_links, 1, memory_order_relaxed);
  for (guint i = 0; i < block->link->connection_ids->len; i++)
    {
      guint64 connection_id = g_array_index (block->link->connection_ids, guint64, i);
      FerryPipe *pipe = ferry_router_find_pipe (self, connection_id);

      if (pipe != NULL)
        pipe = ferry_router_take_last_value (self, pipe);
      if (pipe == NULL)
        continue;
      ferry_router_end_pipe (self, pipe, block->exit);
      /* The receiver's handlers may have stopped the router, which empties the table. */
      if (ferry_router_find_pipe (self, connection_id) == pipe)
        ferry_router_free_slot (self, pipe);
    }
  block->link->user_data = NULL;
  if (observer != NULL)
    observer->ended (observer->data, block->exit);
  give_up_memory (block->link);
  if (observer == NULL)
    return;
  observer->destroy (observer->data);
  g_free (observer);
}

/* Delivers the line at the block's cursor, and moves that on. */
static void
deliver_line (FerryBlock *block)
{
  FerryLinkObserver *observer = block->link->user_data;
  const guint8 *place = block->data + block->cursor;
  FerryOutputLine line;

  memcpy (&line, place, sizeof line);
  block->cursor += sizeof line + line.length + 1;
  observer->output (observer->data, line.stream, (const char *) place + sizeof line);
}

static FerryDispatchResult
dispatch_output (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block, const FerryBudget *budget, gint64 *last)
{
  FerryDispatchResult result;

  while (block->cursor < block->size)
    {
      deliver_line (block);
      if (self->monitor != monitor)
        return FERRY_DISPATCH_STOPPED;
      if (budget->condition != NULL && budget->condition (budget->user_data))
        return FERRY_DISPATCH_SPENT;
      result = look_at_clock (block->link, budget, last);
      if (result != FERRY_DISPATCH_IDLE)
        return result;
    }
  return FERRY_DISPATCH_IDLE;
}

static FerryDispatchResult
dispatch_block (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block, const FerryBudget *budget, gint64 *last)
{
  FerryLinkObserver *observer = block->link->user_data;

  switch (block->kind)
    {
    case FERRY_BLOCK_RECORDS:
      return dispatch_records (self, monitor, block, budget, last);
    case FERRY_BLOCK_OUTPUT:
      return dispatch_output (self, monitor, block, budget, last);
    case FERRY_BLOCK_LARGE:
      deliver_large (self, monitor, block);
      break;
    case FERRY_BLOCK_BUFFER:
      deliver_buffer (self, block);
      break;
    case FERRY_BLOCK_LAUNCHED:
      observer->launched (observer->data, block->pid);
      break;
    case FERRY_BLOCK_ATTACHED:
      observer->attached (observer->data);
      break;
    case FERRY_BLOCK_CELL:
      ferry_router_cell_rang (self, block);
      break;
    case FERRY_BLOCK_ENDED:
    default:
      end_link (self, monitor, block);
      break;
    }
  if (self->monitor != monitor)
    return FERRY_DISPATCH_STOPPED;
  if (budget->condition != NULL && budget->condition (budget->user_data))
    return FERRY_DISPATCH_SPENT;
  return look_at_clock (block->link, budget, last);
}

/* Gives the block back, or puts it into its row again where a part of it is left. A stop of the router has counted that
 * part. */
static void
put_block_away (FerryRouter *self, FerryMonitor *monitor, FerryBlock *block)
{
  gboolean in_parts = block->kind == FERRY_BLOCK_RECORDS || block->kind == FERRY_BLOCK_OUTPUT;

  if (g_steal_pointer (&self->block) != NULL && in_parts && block->cursor < block->size)
    ferry_turns_put_back (&self->turns, block);
  else
    ferry_local_queue_give_back (monitor->local, block);
}

static void
take_what_came (FerryRouter *self, FerryMonitor *monitor)
{
  FerryBlock *block = ferry_local_queue_pop_all (monitor->local);

  while (block != NULL)
    {
      FerryBlock *next = g_steal_pointer (&block->next);

      ferry_turns_add (&self->turns, block);
      block = next;
    }
}

/* Dispatches a block, or a part of it. */
static FerryDispatchResult
dispatch_next (FerryRouter *self, FerryMonitor *monitor, const FerryBudget *budget, gint64 *last)
{
  FerryBlock *block = self->block;
  FerryDispatchResult result = dispatch_block (self, monitor, block, budget, last);

  /* The next link does not pay for this one. */
  if (result == FERRY_DISPATCH_IDLE && block->kind == FERRY_BLOCK_RECORDS && block->link->turn.first == NULL)
    result = look_at_clock (block->link, budget, last);
  put_block_away (self, monitor, block);
  return result;
}

/* router's thread, in a dispatch: takes a reference to object over until that ends. */
void
ferry_router_keep (FerryRouter *self, gpointer object)
{
  g_assert (self->dispatching);
  g_ptr_array_add (self->graveyard, object);
}

/* Somebody's code may be called when objects go, and even begin another dispatch. */
static void
bury (FerryRouter *self)
{
  g_autoptr (GPtrArray) dead = NULL;

  if (self->graveyard->len == 0)
    return;
  dead = g_steal_pointer (&self->graveyard);
  self->graveyard = g_ptr_array_new_with_free_func (g_object_unref);
}

/* router's thread: delivers what is in the local queue, until there is no more or the budget is spent. */
FerryDispatchResult
ferry_router_dispatch (FerryRouter *self, const FerryBudget *budget)
{
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (FerryMonitor) monitor = ferry_monitor_ref (self->monitor);
  FerryDispatchResult result = FERRY_DISPATCH_IDLE;
  gint64 last = g_get_monotonic_time ();

  self->dispatching = TRUE;
  self->dispatch_number++;
  while (result == FERRY_DISPATCH_IDLE || result == FERRY_DISPATCH_TURN)
    {
      gint64 before;

      if (G_UNLIKELY (last >= ferry_router_get_tick (self)) && self->hot_cells.debt <= 0)
        {
          result = ferry_router_deliver_latest (self, monitor, budget, &last);
          if (result != FERRY_DISPATCH_IDLE)
            break;
        }
      take_what_came (self, monitor);
      self->block = ferry_turns_take (&self->turns);
      before = last;
      if (self->block != NULL)
        {
          result = dispatch_next (self, monitor, budget, &last);
          self->hot_cells.debt -= last - before;
        }
      else if (self->hot_cells.debt > 0)
        self->hot_cells.debt = 0;
      else if (last < ferry_router_get_tick (self))
        {
          result = FERRY_DISPATCH_IDLE;
          break;
        }
    }
  self->dispatching = FALSE;
  bury (self);
  /* A handler that stopped the router may have started it again. */
  if (result == FERRY_DISPATCH_STOPPED && self->pingee != NULL)
    ferry_pingee_ping (self->pingee);
  return result;
}

/* main */
void
ferry_router_count_undelivered (FerryRouter *self, guint64 connection_id)
{
  FerryPipe *pipe = ferry_router_find_pipe (self, connection_id);

  self->undelivered++;
  if (pipe != NULL && pipe->receiver != NULL)
    pipe->receiver->undelivered++;
}

static void
discard_records (FerryRouter *self, FerryBlock *block)
{
  gsize cursor = block->cursor;

  while (cursor < block->size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (block->data + cursor);

      if (header->kind == FERRY_RECORD_BYTES || header->kind == FERRY_RECORD_VARIANT)
        ferry_router_count_undelivered (self, header->connection_id);
      cursor += ferry_record_size (header->length);
    }
}

static void
deliver_lines (FerryBlock *block)
{
  while (block->cursor < block->size)
    deliver_line (block);
}

static void
discard_block (FerryRouter *self, FerryBlock *block)
{
  if (block->kind == FERRY_BLOCK_RECORDS)
    discard_records (self, block);
  else if (block->kind == FERRY_BLOCK_LARGE || block->kind == FERRY_BLOCK_BUFFER)
    ferry_router_count_undelivered (self, block->connection_id);
}

/* router's thread, with the monitor stopped: counts what will not be delivered, logs what workers wrote, and ends all
 * links. The block that a dispatch has in its hands stays with that. */
void
ferry_router_discard (FerryRouter *self, FerryMonitor *monitor)
{
  FerryBlock *current = g_steal_pointer (&self->block);
  GQueue news = G_QUEUE_INIT;
  FerryBlock *block;

  if (current != NULL && current->kind == FERRY_BLOCK_RECORDS)
    discard_records (self, current);
  if (current != NULL && current->kind == FERRY_BLOCK_OUTPUT)
    deliver_lines (current);
  take_what_came (self, monitor);
  while ((block = ferry_turns_take (&self->turns)) != NULL)
    {
      discard_block (self, block);
      if (block->kind == FERRY_BLOCK_ENDED || block->kind == FERRY_BLOCK_OUTPUT)
        g_queue_push_tail (&news, block);
      else
        ferry_local_queue_give_back (monitor->local, block);
    }
  while ((block = g_queue_pop_head (&news)) != NULL)
    {
      if (block->kind == FERRY_BLOCK_OUTPUT)
        deliver_lines (block);
      else
        end_link (self, monitor, block);
      ferry_local_queue_give_back (monitor->local, block);
    }
}
