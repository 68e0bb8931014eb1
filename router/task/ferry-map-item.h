/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_MAP_ITEM (ferry_map_item_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryMapItem, ferry_map_item, FERRY, MAP_ITEM, GObject)

FERRY_AVAILABLE_IN_0_1
guint64 ferry_map_item_get_index (FerryMapItem *self);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_map_item_get_value (FerryMapItem *self);
FERRY_AVAILABLE_IN_0_1
const GError *ferry_map_item_get_error (FerryMapItem *self);

G_END_DECLS
