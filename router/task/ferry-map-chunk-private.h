/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A chunk of a map's items: a task of the function that every worker has, see ferry-map-function-private.h.
 *
 * Where chunks are to have one item each, it is a task of the function itself: there is nothing to gain then.
 *
 * Owner:   the map, until the chunk is done, and the executor that it was submitted to.
 * Threads: the router's. */

#pragma once

#include "task/ferry-task.h"
#include "worker/ferry-function-private.h"

G_BEGIN_DECLS

#define FERRY_TYPE_MAP_CHUNK (ferry_map_chunk_get_type ())
G_DECLARE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY, MAP_CHUNK, FerryTask)

/* What a chunk tells its map, until that let go of it. */
typedef struct
{
  /* An item of a chunk that is not plain has come to its end, in order. Takes value and error, both (nullable). */
  void (*item_done) (gpointer map, guint64 index, GVariant *value, GError *error);
  /* The chunk's task is done. */
  void (*done) (gpointer map, FerryMapChunk *self);
} FerryMapChunkFuncs;

/* How a map has its chunks made. */
typedef struct
{
  const FerryMapChunkFuncs *funcs;
  gpointer map;                    /* (unowned): for funcs */
  const char *function;            /* that is mapped */
  const FerryFunctionEntry *entry; /* (nullable): what this program knows of it */
  int priority;
  gint64 run_timeout; /* of an item that is a chunk of its own, in microseconds; 0: none */
  gint64 limit;       /* of a chunk: see the function that every worker has */
  gboolean plain;     /* an item is a chunk of its own, and the chunk its call */
} FerryMapChunkPlan;

/* items: (nullable GVariant) of n_items elements; of a plain one there is one. */
FerryMapChunk *ferry_map_chunk_new (const FerryMapChunkPlan *plan, guint64 first, GVariant *const *items,
                                    guint n_items);
/* The same of items that are a part of another chunk's; never plain. */
FerryMapChunk *ferry_map_chunk_new_part (const FerryMapChunkPlan *plan, guint64 first, GVariant *items, gsize begin,
                                         gsize end);

/* NULL once the map let go of it. */
gpointer ferry_map_chunk_get_map (FerryMapChunk *self);
/* From now on the map is told nothing more. */
void ferry_map_chunk_let_go (FerryMapChunk *self);
/* The map's: in its list of chunks. */
GList *ferry_map_chunk_get_link (FerryMapChunk *self);

/* The index of the first item. */
guint64 ferry_map_chunk_get_first (FerryMapChunk *self);
guint ferry_map_chunk_get_n_items (FerryMapChunk *self);
/* So many items came to their end, in order. */
guint ferry_map_chunk_get_n_come (FerryMapChunk *self);
/* One more item came to its end, by what the map knows: its index. There is one. */
guint64 ferry_map_chunk_end_item (FerryMapChunk *self);
/* Which item the worker is at, as far as it has said: one that came in an earlier attempt, perhaps. */
guint ferry_map_chunk_get_place (FerryMapChunk *self);
gboolean ferry_map_chunk_is_plain (FerryMapChunk *self);
/* Of a chunk that is not plain: the items as the worker gets them, an array (transfer full). */
GVariant *ferry_map_chunk_get_items (FerryMapChunk *self);
/* How long it took by its result (nullable), in microseconds; negative when nobody knows. */
gint64 ferry_map_chunk_read_time (FerryMapChunk *self, GVariant *result);

G_END_DECLS
