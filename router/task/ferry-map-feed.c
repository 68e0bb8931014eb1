/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a map's input to chunks in its executor, and back again where a worker was lost.
 *
 * Set going by what makes room: a chunk is done, a result was taken, an item was added. Each of them ends in
 * ferry_map_pump().
 *
 * An automatic chunk is to take TARGET_MICROSECONDS, by how long items took lately: the way to a worker and back is
 * then little beside it, and nobody waits long for a chunk. It begins with one item and grows step by step. The worker
 * gives back what it has not begun after twice the time, so a guess that was wrong costs one item's time. When the rest
 * is known and small, it is dealt out so that all workers are busy to the end. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-executor-private.h"
#include "task/ferry-map-chunk-private.h"

#define TARGET_MICROSECONDS 4000.0
#define LONGEST_MICROSECONDS 8000
#define LARGEST_CHUNK 1024
#define GROWTH 4

/* A chunk that came to so many bytes gets no further item: a lane has room for several of them. */
#define FULL_CHUNK_BYTES 16384

/* So many chunks a worker are under way where they are automatic: one that runs, and one that waits for the worker.
 * More would be dealt out before it is known how long items take. */
#define CHUNKS_A_WORKER 2

/* Items in flight, for each worker, where nothing else is said: enough to be sent ahead one by one; or so many chunks,
 * where that is more, so that results may come out of turn. */
#define ITEMS_A_WORKER 128
#define BOUND_CHUNKS_A_WORKER 8

/* How quickly the time of an item follows, and what is taken for less than the clock can tell. */
#define TIME_SHARE 0.25
#define LEAST_MICROSECONDS 0.5

static guint
get_n_workers (FerryMap *self)
{
  return ferry_pool_get_max_workers (ferry_executor_get_pool (self->executor));
}

static guint
get_wanted_size (FerryMap *self)
{
  guint fixed = ferry_map_get_fixed_size (self);

  return fixed > 0 ? fixed : ferry_map_get_automatic_size (self);
}

static guint64
get_default_bound (FerryMap *self, guint size)
{
  return (guint64) get_n_workers (self) * MAX (ITEMS_A_WORKER, (guint64) BOUND_CHUNKS_A_WORKER * size);
}

guint64
ferry_map_get_bound (FerryMap *self)
{
  return self->max_in_flight > 0 ? self->max_in_flight : get_default_bound (self, get_wanted_size (self));
}

/* The size that a chunk would have by itself, were there room for it. */
guint
ferry_map_get_automatic_size (FerryMap *self)
{
  guint n_workers = get_n_workers (self);
  guint64 rest = ferry_map_input_get_rest (&self->input);
  double size = 1;

  if (self->item_time > 0)
    size = CLAMP (TARGET_MICROSECONDS / self->item_time, 1, MIN (LARGEST_CHUNK, GROWTH * self->largest_size));
  if (rest != G_MAXUINT64)
    size = MIN (size, (double) rest / (CHUNKS_A_WORKER * n_workers));
  if (self->max_in_flight > 0)
    size = MIN (size, (double) self->max_in_flight / (CHUNKS_A_WORKER * n_workers));
  return (guint) MAX (size, 1);
}

/* How many items the next chunk is to have; 0 when it is not time for one. Where somebody takes one result after the
 * other, it is not worth a chunk each time: a quarter of all is waited for. */
static guint
choose_size (FerryMap *self)
{
  guint wanted = get_wanted_size (self);
  guint64 bound = self->max_in_flight > 0 ? self->max_in_flight : get_default_bound (self, wanted);
  guint64 in_flight = self->n_submitted - self->n_taken;
  guint64 room = bound > in_flight ? bound - in_flight : 0;

  if (room >= wanted)
    return wanted;
  if (room > 0 && (room >= bound / 4 || (self->chunks.length == 0 && !ferry_map_has_result (self))))
    return (guint) room;
  return 0;
}

/* main: there are no further items. */
void
ferry_map_end_input (FerryMap *self)
{
  self->input_ended = TRUE;
  if (!self->pulling)
    ferry_map_input_clear (&self->input);
}

/* Takes an item from the input, which may do anything, also cancel the map. Returns whether there was one. */
static gboolean
pull (FerryMap *self, GVariant **arguments)
{
  g_autoptr (GError) error = NULL;
  FerryMapPull pulled;

  self->pulling = TRUE;
  pulled = ferry_map_input_pull (&self->input, arguments, &error);
  self->pulling = FALSE;
  if (self->error == NULL)
    self->error = g_steal_pointer (&error);
  if (self->input_ended || pulled == FERRY_MAP_PULL_END || pulled == FERRY_MAP_PULL_FAILED)
    ferry_map_end_input (self);
  return pulled == FERRY_MAP_PULL_ITEM;
}

static void
free_item (gpointer item)
{
  if (item != NULL)
    g_variant_unref (item);
}

/* Takes items from the input. Returns whether the batch has one. */
static gboolean
fill_batch (FerryMap *self, guint size)
{
  gsize n_bytes = 0;

  if (self->batch == NULL)
    self->batch = g_ptr_array_new_with_free_func (free_item);
  while (self->batch->len < size && n_bytes < FULL_CHUNK_BYTES && !self->input_ended && !ferry_map_is_dropped (self))
    {
      GVariant *arguments;

      if (!pull (self, &arguments))
        break;
      n_bytes += arguments != NULL ? g_variant_get_size (arguments) : 0;
      g_ptr_array_add (self->batch, arguments);
    }
  if (self->cancelled || ferry_map_is_dropped (self))
    g_ptr_array_set_size (self->batch, 0);
  return self->batch->len > 0;
}

static gint64
get_limit (FerryMap *self)
{
  return ferry_map_get_fixed_size (self) > 0 ? -1 : LONGEST_MICROSECONDS;
}

void
ferry_map_range_free (FerryMapRange *range)
{
  g_variant_unref (range->items);
  g_free (range);
}

/* The next part of what has to be run again. */
static FerryMapChunk *
make_chunk_again (FerryMap *self)
{
  FerryMapRange *range = g_queue_peek_head (&self->again);
  gsize begin = range->begin;
  gsize n = range->singly ? 1 : MIN (range->end - begin, get_wanted_size (self));
  FerryMapChunk *chunk =
    ferry_map_chunk_new_part (self, range->first, range->items, begin, begin + n, get_limit (self));

  range->begin += n;
  range->first += n;
  if (range->begin == range->end)
    ferry_map_range_free (g_queue_pop_head (&self->again));
  return chunk;
}

static FerryMapChunk *
make_chunk (FerryMap *self)
{
  FerryMapChunk *chunk;
  guint size;

  if (!g_queue_is_empty (&self->again))
    return make_chunk_again (self);
  size = self->input_ended ? 0 : choose_size (self);
  if (size == 0 || !fill_batch (self, size))
    return NULL;
  chunk = ferry_map_chunk_new (self, self->n_submitted, (GVariant *const *) self->batch->pdata, self->batch->len,
                               get_limit (self));
  self->n_submitted += self->batch->len;
  g_ptr_array_set_size (self->batch, 0);
  return chunk;
}

/* ---- submitting ---- */

/* Takes a chunk out of the map's hands: (transfer full). */
static FerryMapChunk *
unlink_chunk (FerryMap *self, FerryMapChunk *chunk)
{
  g_queue_unlink (&self->chunks, &chunk->link);
  chunk->map = NULL;
  if (chunk->waits_for_room)
    self->waits_for_room = FALSE;
  return chunk;
}

/* All items of the chunk that did not come to an end fail. */
static void
fail_items (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  while (chunk->n_come < chunk->n_items && !self->cancelled)
    ferry_map_take_result (self, chunk->first + chunk->n_come++, NULL, ferry_error_copy (error));
}

/* Nothing that is submitted will be run any more. */
static void
give_up (FerryMap *self, const GError *error)
{
  if (self->error == NULL)
    self->error = ferry_error_copy (error);
  ferry_map_end_input (self);
  /* What waits to be added hears of it. */
  self->pump_again = TRUE;
}

static void
chunk_refused (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  g_autoptr (FerryMapChunk) refused = unlink_chunk (self, chunk);

  /* Arguments that the function does not take are the item's fault, and all else the executor's. */
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS))
    give_up (self, error);
  fail_items (self, refused, error);
}

static void
room_came (gpointer data, const GError *error)
{
  g_autoptr (FerryMapChunk) chunk = data;
  g_autoptr (FerryMapHold) self = chunk->map != NULL ? ferry_map_hold (chunk->map) : NULL;

  /* It may have come to its end before this is called. */
  if (self == NULL)
    return;
  chunk->waits_for_room = FALSE;
  self->waits_for_room = FALSE;
  /* A chunk whose map was cancelled meanwhile was cancelled, and is not submitted. */
  if (error != NULL)
    chunk_refused (self, chunk, error);
  ferry_map_pump (self);
}

/* Submits a chunk, or has it wait for room in the executor. */
static void
submit (FerryMap *self, FerryMapChunk *chunk)
{
  g_autoptr (GError) error = NULL;

  g_queue_push_tail_link (&self->chunks, &chunk->link);
  if (ferry_executor_submit_task (self->executor, FERRY_TASK (chunk), &error))
    return;
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      chunk_refused (self, chunk, error);
      return;
    }
  chunk->waits_for_room = TRUE;
  self->waits_for_room = TRUE;
  ferry_executor_submit_when_room (self->executor, FERRY_TASK (chunk), room_came, g_object_ref (chunk));
}

/* Chunks of a fixed size, which may be small, are submitted many at a time: when half of them are done, and not one for
 * each that is done. So workers are woken seldom, and do not run dry. */
static gboolean
may_have_more_chunks (FerryMap *self)
{
  guint few = CHUNKS_A_WORKER * get_n_workers (self);
  guint fixed = ferry_map_get_fixed_size (self);

  if (fixed == 0)
    return self->chunks.length < few;
  if (self->chunks.length <= MAX (ferry_map_get_bound (self) / fixed / 2, few))
    self->filling_up = TRUE;
  return self->filling_up;
}

static gboolean
submit_next (FerryMap *self)
{
  FerryMapChunk *chunk;

  if (!self->feeding || self->cancelled || self->waits_for_room || ferry_map_is_dropped (self))
    return FALSE;
  if (!may_have_more_chunks (self))
    return FALSE;
  chunk = make_chunk (self);
  if (chunk == NULL)
    {
      self->filling_up = FALSE;
      return FALSE;
    }
  submit (self, chunk);
  return TRUE;
}

/* main: submits what there is room for. Calls the source, and handlers. */
void
ferry_map_pump (FerryMap *self)
{
  g_autoptr (FerryMapHold) held G_GNUC_UNUSED = NULL;

  if (self->pumping)
    {
      self->pump_again = TRUE;
      return;
    }
  held = ferry_map_hold (self);
  self->pumping = TRUE;
  do
    {
      self->pump_again = FALSE;
      ferry_map_serve_adds (self);
      while (submit_next (self))
        ;
    }
  while (self->pump_again);
  self->pumping = FALSE;
  ferry_map_check_finished (self);
}

/* ---- chunks that are done ---- */

static void
note_time (FerryMap *self, double microseconds, guint n_items)
{
  double sample = MAX (microseconds, LEAST_MICROSECONDS) / n_items;

  if (self->item_time == 0)
    self->item_time = sample;
  else
    self->item_time += (sample - self->item_time) * TIME_SHARE;
  self->largest_size = MAX (self->largest_size, n_items);
}

/* What the chunk has from that item on goes before all else: somebody may wait for it. */
static void
put_again (FerryMap *self, FerryMapChunk *chunk, guint from, gboolean singly)
{
  FerryMapRange *range;

  if (from >= chunk->n_items || self->cancelled)
    return;
  range = g_new (FerryMapRange, 1);
  *range = (FerryMapRange){chunk->first + from, ferry_map_chunk_get_items (chunk), from, chunk->n_items, singly};
  g_queue_push_head (&self->again, range);
}

/* A worker runs one item of a chunk at least, or the same chunk would go to and fro for ever. */
static void
fail_unanswered (FerryMap *self, FerryMapChunk *chunk)
{
  g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                                                  "The worker was done with items and sent no answers; build "
                                                  "application and worker with the same version of Ferry");

  fail_items (self, chunk, error);
}

/* main: the caller holds the map and has a reference to the chunk. */
void
ferry_map_chunk_completed (FerryMap *self, gpointer data, gint64 took)
{
  g_autoptr (FerryMapChunk) chunk = unlink_chunk (self, data);

  if (took >= 0 && chunk->n_come > 0)
    note_time (self, (double) took, chunk->n_come);
  if (chunk->n_come > 0)
    put_again (self, chunk, chunk->n_come, FALSE);
  else
    fail_unanswered (self, chunk);
  ferry_map_figures_changed (self);
  ferry_map_pump (self);
}

/* Whether the chunk failed for what is wrong with the executor and not with the items. */
static gboolean
was_refused (FerryMapChunk *chunk, const GError *error)
{
  return chunk->n_come == 0 && ferry_task_get_n_attempts (FERRY_TASK (chunk)) == 0 &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* The items before the one that the worker was at have sent their answers, and those behind it were not begun. */
static void
lose_item (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  gboolean was_there = ferry_map_chunk_get_place (chunk) < chunk->n_come;

  put_again (self, chunk, was_there ? chunk->n_come : chunk->n_come + 1, FALSE);
  if (!was_there && chunk->n_come < chunk->n_items && !self->cancelled)
    ferry_map_take_result (self, chunk->first + chunk->n_come++, NULL, ferry_error_copy (error));
}

void
ferry_map_chunk_failed (FerryMap *self, gpointer data, const GError *error)
{
  g_autoptr (FerryMapChunk) chunk = unlink_chunk (self, data);

  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST))
    lose_item (self, chunk, error);
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE) && chunk->n_items > 1)
    put_again (self, chunk, chunk->n_come, TRUE);
  else
    {
      if (was_refused (chunk, error) && !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE))
        give_up (self, error);
      fail_items (self, chunk, error);
    }
  ferry_map_figures_changed (self);
  ferry_map_pump (self);
}

/* main: cancels what is under way. For good: the map lets go of it at once. */
void
ferry_map_drop_chunks (FerryMap *self, gboolean for_good)
{
  g_autoptr (GPtrArray) chunks = g_ptr_array_new_with_free_func (g_object_unref);

  g_queue_clear_full (&self->again, (GDestroyNotify) ferry_map_range_free);
  for (GList *link = self->chunks.head; link != NULL; link = link->next)
    g_ptr_array_add (chunks, g_object_ref (link->data));
  for (guint i = 0; i < chunks->len; i++)
    {
      FerryMapChunk *chunk = g_ptr_array_index (chunks, i);

      if (for_good && chunk->map != NULL)
        g_object_unref (unlink_chunk (self, chunk));
      ferry_task_cancel (FERRY_TASK (chunk));
    }
}
