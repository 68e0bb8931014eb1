/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A map's inside, for tests. On the router's thread. */

#pragma once

#include "task/ferry-map.h"

G_BEGIN_DECLS

/* The automatic size of a chunk, if there were room for it. */
guint ferry_map_get_automatic_size (FerryMap *self);
/* The length of the ring of results. */
gsize ferry_map_get_n_places (FerryMap *self);
/* (element-type FerryMapChunk): submitted and not done. */
const GQueue *ferry_map_get_chunks (FerryMap *self);

G_END_DECLS
