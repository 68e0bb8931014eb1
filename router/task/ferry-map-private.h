/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What tests see of a map's inside. On the router's thread. */

#pragma once

#include "task/ferry-map.h"

G_BEGIN_DECLS

/* The size that a chunk would have by itself, were there room for it. */
guint ferry_map_get_automatic_size (FerryMap *self);
/* How long the ring of results is. */
gsize ferry_map_get_n_places (FerryMap *self);
/* (element-type FerryMapChunk): those that were submitted and are not done. */
const GQueue *ferry_map_get_chunks (FerryMap *self);

G_END_DECLS
