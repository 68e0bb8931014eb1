/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many items of a map go into a chunk, and how many may be in flight.
 *
 * An automatic chunk takes about TARGET_MICROSECONDS, estimated from the time that recent items took. So the round trip
 * to a worker costs little in comparison, and no chunk takes long. The first chunk has one item, and each next chunk
 * may be GROWTH times as large. After twice the target, the worker ends the chunk, and the items that it has not begun
 * are submitted again. So a wrong estimate costs at most one item's time. When the rest of the input is known and
 * small, it is divided so that all workers are busy to the end.
 *
 * Threads: the router's. */

#include "config.h"

#include "task/ferry-map-chunk-size-private.h"

#define TARGET_MICROSECONDS 4000.0
#define LARGEST_CHUNK 1024
#define GROWTH 4

/* The number of automatic chunks for each worker: one that runs, and one that waits for the worker. The size of further
 * chunks would be chosen before it is known how long items take. */
#define CHUNKS_A_WORKER 2

/* The default limit of items in flight is ITEMS_A_WORKER items for each worker, or BOUND_CHUNKS_A_WORKER chunks if
 * these have more items. So many items are enough to send single items to the workers ahead of time. So many chunks let
 * later chunks end while an earlier chunk still runs. */
#define ITEMS_A_WORKER 128
#define BOUND_CHUNKS_A_WORKER 8

/* The weight of a new sample in the mean time of an item; and the least sample in microseconds, for when the clock has
 * measured 0. */
#define TIME_SHARE 0.25
#define LEAST_MICROSECONDS 0.5

guint
ferry_map_chunk_size_get_fixed (const FerryMapChunkSize *self)
{
  return self->run_timeout > 0 ? 1 : self->chunk_size;
}

guint
ferry_map_chunk_size_get (const FerryMapChunkSize *self, guint n_workers, guint64 rest)
{
  guint fixed = ferry_map_chunk_size_get_fixed (self);
  double size = 1;

  if (fixed > 0)
    return fixed;
  if (self->item_time > 0)
    size = CLAMP (TARGET_MICROSECONDS / self->item_time, 1, MIN (LARGEST_CHUNK, GROWTH * self->largest));
  if (rest != G_MAXUINT64)
    size = MIN (size, (double) rest / (CHUNKS_A_WORKER * n_workers));
  if (self->max_in_flight > 0)
    size = MIN (size, (double) self->max_in_flight / (CHUNKS_A_WORKER * n_workers));
  return (guint) MAX (size, 1);
}

guint64
ferry_map_chunk_size_get_bound (const FerryMapChunkSize *self, guint n_workers, guint64 rest)
{
  if (self->max_in_flight > 0)
    return self->max_in_flight;
  return n_workers *
         MAX (ITEMS_A_WORKER, (guint64) BOUND_CHUNKS_A_WORKER * ferry_map_chunk_size_get (self, n_workers, rest));
}

guint64
ferry_map_chunk_size_get_n_chunks (const FerryMapChunkSize *self, guint n_workers)
{
  guint64 few = (guint64) CHUNKS_A_WORKER * n_workers;
  guint fixed = ferry_map_chunk_size_get_fixed (self);

  if (fixed == 0)
    return few;
  /* The rest matters to an automatic size only. */
  return MAX (ferry_map_chunk_size_get_bound (self, n_workers, G_MAXUINT64) / fixed / 2, few);
}

void
ferry_map_chunk_size_note_time (FerryMapChunkSize *self, double microseconds, guint n_items)
{
  double sample = MAX (microseconds, LEAST_MICROSECONDS) / n_items;

  if (self->item_time == 0)
    self->item_time = sample;
  else
    self->item_time += (sample - self->item_time) * TIME_SHARE;
  self->largest = MAX (self->largest, n_items);
}
