/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How large a chunk of a map is: its settings, and what was measured. The router's thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint chunk_size;    /* how many items a chunk has; 0: automatic */
  guint max_in_flight; /* how many items may be in flight; 0: automatic */
  gint64 run_timeout;  /* the limit of an item's run, in microseconds; 0: no limit */
  double item_time;    /* the mean time of an item, in microseconds; 0: not known */
  guint largest;       /* the most items of a chunk with a measured time */
} FerryMapChunkSize;

/* Returns how many items a chunk has by the settings; 0: automatic. A run timeout applies to a task, so with a run
 * timeout each item is a task. */
guint ferry_map_chunk_size_get_fixed (const FerryMapChunkSize *self);
/* Returns how many items the next chunk should have. rest: as ferry_map_input_get_rest(). */
guint ferry_map_chunk_size_get (const FerryMapChunkSize *self, guint n_workers, guint64 rest);
/* Returns how many items may be in flight. */
guint64 ferry_map_chunk_size_get_bound (const FerryMapChunkSize *self, guint n_workers, guint64 rest);
/* Returns how many chunks under way are few: further ones are wanted. */
guint64 ferry_map_chunk_size_get_n_chunks (const FerryMapChunkSize *self, guint n_workers);
/* A worker took so long for n_items. */
void ferry_map_chunk_size_note_time (FerryMapChunkSize *self, double microseconds, guint n_items);

G_END_DECLS
