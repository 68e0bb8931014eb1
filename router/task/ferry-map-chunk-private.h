/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A chunk of a map's items: a task of the function that every worker has, see ferry-map-function-private.h. Where
 * chunks have one item each, the chunk is plain: a task of the mapped function itself.
 *
 * Owner:   the map, until the chunk is done, and the executor that it was submitted to.
 * Threads: the router's. */

#pragma once

#include "task/ferry-task.h"
#include "worker/ferry-function-private.h"

G_BEGIN_DECLS

#define FERRY_TYPE_MAP_CHUNK (ferry_map_chunk_get_type ())
G_DECLARE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY, MAP_CHUNK, FerryTask)

/* How a chunk tells its map of ends, until the map lets go of it. */
typedef struct
{
  /* An item of a chunk that is not plain has ended; in order. Takes value and error, both (nullable). */
  void (*item_done) (gpointer map, guint64 index, GVariant *value, GError *error);
  /* The chunk's task is done. */
  void (*done) (gpointer map, FerryMapChunk *self);
} FerryMapChunkFuncs;

/* The map reads the fields, and changes map and link. */
struct _FerryMapChunk
{
  FerryTask parent_instance;

  const FerryMapChunkFuncs *funcs; /* const */
  gpointer map;                    /* (unowned) (nullable): NULL once the map let go of it */
  const FerryFunctionEntry *entry; /* const (nullable) */
  GList link;                      /* in the map's chunks */
  guint64 first;                   /* const: index of the first item */
  guint n_items;                   /* const */
  guint n_come;                    /* how many items have ended, in order */
  guint attempt;                   /* of the task: the attempt of the latest answer */
  guint n_answers;                 /* of that attempt */
  gboolean is_plain;               /* const: the chunk's task is the one item's call */
};

/* How a map makes its chunks. */
typedef struct
{
  const FerryMapChunkFuncs *funcs;
  gpointer map;                    /* (unowned): for funcs */
  const char *function;            /* the mapped function */
  const FerryFunctionEntry *entry; /* (nullable): the mapped function, if this program has registered it */
  int priority;
  gint64 run_timeout; /* of a plain chunk, in microseconds; 0: none */
  gint64 limit;       /* of a chunk: see the function that every worker has */
  gboolean plain;
} FerryMapChunkPlan;

/* items: (element-type GVariant), each (nullable). A plain chunk has one. */
FerryMapChunk *ferry_map_chunk_new (const FerryMapChunkPlan *plan, guint64 first, GVariant *const *items,
                                    guint n_items);
/* The same of a part of another chunk's items; never plain. */
FerryMapChunk *ferry_map_chunk_new_part (const FerryMapChunkPlan *plan, guint64 first, GVariant *items, gsize begin,
                                         gsize end);

/* Counts the next item as ended; there is one. Returns its index. */
guint64 ferry_map_chunk_end_item (FerryMapChunk *self);
/* The place of the item that the worker runs, as far as it has answered. Earlier attempts may have answered more. */
guint ferry_map_chunk_get_place (FerryMapChunk *self);
/* Of a chunk that is not plain: the array of items (transfer full) as the worker gets it. */
GVariant *ferry_map_chunk_get_items (FerryMapChunk *self);

G_END_DECLS
