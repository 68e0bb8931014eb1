/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A chunk of a map's items. The router's thread. */

#pragma once

#include "task/ferry-map.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/* After so long, the worker ends a chunk of automatic size, and the items that it has not begun are submitted again. */
#define FERRY_MAP_LONGEST_CHUNK_MICROSECONDS 8000

#define FERRY_TYPE_MAP_CHUNK (ferry_map_chunk_get_type ())
G_DECLARE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY, MAP_CHUNK, FerryTask)

/* A chunk of a map's items. It is a task of the function FERRY_MAP_FUNCTION, which every worker has; see
 * ferry-map-function-private.h. If chunks have one item each, the chunk is plain: a task of the mapped function itself.
 */
struct _FerryMapChunk
{
  FerryTask parent_instance;

  FerryMap *map;     /* (unowned) (nullable): NULL once the chunk is removed from the map */
  GList link;        /* the chunk's link in the queue `chunks` of the map */
  guint64 first;     /* const: the index of the first item */
  guint n_items;     /* const */
  guint n_come;      /* how many items have ended; items end in their order */
  guint start;       /* the start of the task after which the last answer came */
  guint n_answers;   /* how many answers have come since that start */
  gboolean is_plain; /* const */
};

/* Makes a chunk of an array of items, which must be floating. limit: of its time, in microseconds; negative: none. */
FerryMapChunk *ferry_map_chunk_new (FerryMap *map, const char *function, gint64 limit, guint64 first, GVariant *items,
                                    guint n_items);
/* Makes a plain chunk. Takes arguments (nullable), floating or not. */
FerryMapChunk *ferry_map_chunk_new_plain (FerryMap *map, const char *function, guint64 first, GVariant *arguments);
/* Returns (transfer full) (nullable) what a user may call an item: its arguments, if these are a path or a word. */
char *ferry_map_chunk_dup_item_name (FerryMapChunk *self, guint place);
/* Returns the place in the chunk of the item that the present worker runs, by the number of its answers. Earlier
 * workers may have sent more answers. */
guint ferry_map_chunk_get_item_place (FerryMapChunk *self);

/* What a chunk tells its map: the next item's answer, and its own end. Takes value and error, both (nullable). */
void ferry_map_take_answer (FerryMap *map, FerryMapChunk *chunk, GVariant *value, GError *error);
void ferry_map_take_end (FerryMap *map, FerryMapChunk *ended);

G_END_DECLS
