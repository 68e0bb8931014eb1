/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-objects.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_LIST_ROW (ferry_list_row_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryListRow, ferry_list_row, FERRY, LIST_ROW, GObject)

FERRY_AVAILABLE_IN_0_1
GVariant *ferry_list_row_get_value (FerryListRow *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_list_row_get_loaded (FerryListRow *self);

G_END_DECLS
