/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a map makes and orders its items. */

#pragma once

#include "task/ferry-map-item.h"

G_BEGIN_DECLS

/* Returns (transfer full) an item. Takes value and error, both (nullable). */
FerryMapItem *ferry_map_item_new (guint64 index, GVariant *value, GError *error);

guint64 ferry_map_item_get_index (FerryMapItem *self);

G_END_DECLS
