/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a map's task, its chunks and tests ask it for. The router's thread. */

#pragma once

#include "task/ferry-map-item.h"
#include "task/ferry-map.h"
#include "task/ferry-whole-task-private.h"

G_BEGIN_DECLS

/* Returns how many items there are, with those that are not submitted yet; G_MAXUINT64: not known. */
guint64 ferry_map_get_n_items (FerryMap *self);
/* Returns (transfer none) the items that have failed. */
const FerryFailures *ferry_map_get_failures (FerryMap *self);
/* Returns the size of a chunk that the map would choose, if the limit of items in flight were no restriction. */
guint ferry_map_get_next_chunk_size (FerryMap *self);
/* For tests: returns (element-type FerryMapChunk) the chunks that are submitted and not done. */
const GQueue *ferry_map_get_chunks (FerryMap *self);

/* Returns (transfer full) an item. Takes value and error, both (nullable). */
FerryMapItem *ferry_map_item_new (guint64 index, GVariant *value, GError *error);

G_END_DECLS
