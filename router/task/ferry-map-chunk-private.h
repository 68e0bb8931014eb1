/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A chunk of a map's items: a task of the function that every worker has, see ferry-map-function-private.h.
 *
 * Where chunks are to have one item each, it is a task of the function itself: there is nothing to gain then.
 *
 * Owner:   the map, until the chunk is done, and the executor that it was submitted to.
 * Threads: the router's. */

#pragma once

#include "task/ferry-map-private.h"

G_BEGIN_DECLS

#define FERRY_TYPE_MAP_CHUNK (ferry_map_chunk_get_type ())
G_DECLARE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY, MAP_CHUNK, FerryTask)

struct _FerryMapChunk
{
  FerryTask parent_instance;

  FerryMap *map; /* (unowned) (nullable): NULL once the map let go of it */
  GList link;    /* in the map's chunks */
  guint64 first; /* index of the first item */
  guint n_items;
  guint n_come;      /* so many came to their end, in order */
  guint attempt;     /* of the task, which the last answer was of */
  guint n_answers;   /* that came of it */
  gboolean is_plain; /* the one item's call itself */
  gboolean waits_for_room;
};

/* items: (nullable GVariant) of n_items elements. limit: see the function. */
FerryMapChunk *ferry_map_chunk_new (FerryMap *map, guint64 first, GVariant *const *items, guint n_items, gint64 limit);
/* Which item the worker is at, as far as it has said: one that came in an earlier attempt, perhaps. */
guint ferry_map_chunk_get_place (FerryMapChunk *self);
/* The items as the worker gets them: an array (transfer full). */
GVariant *ferry_map_chunk_get_items (FerryMapChunk *self);
/* The same of items that are a part of another chunk's. */
FerryMapChunk *ferry_map_chunk_new_part (FerryMap *map, guint64 first, GVariant *items, gsize begin, gsize end,
                                         gint64 limit);

G_END_DECLS
