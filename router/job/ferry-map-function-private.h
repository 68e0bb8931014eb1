/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The chunks of a map, and a function that every worker has. It runs another function over a chunk of items.
 *
 * Its arguments are (sxaT). They are the name of the other function, a limit in microseconds (negative: no limit), and
 * an array with the arguments of each item. When the limit has passed, no further item is begun. T is the type of the
 * items' arguments. T is "mv" if their types differ or are long, or if an item has no arguments.
 *
 * Each item's answer is a message of one of the types below. The result is x, the microseconds that the chunk took. If
 * the chunk took longer than the limit, the last items may have no answer. */

#pragma once

#include "base/ferry-base-private.h"
#include "job/ferry-function-private.h"

G_BEGIN_DECLS

#define FERRY_MAP_ARGUMENTS_TYPE "(sxa*)"

#define FERRY_MAP_MESSAGE_VALUE "\001"
#define FERRY_MAP_MESSAGE_NOTHING "\002" /* the value is () */
#define FERRY_MAP_MESSAGE_ERROR "\003"   /* the value is an error of FERRY_ERROR_VARIANT_TYPE */

#define FERRY_MAP_IS_RESERVED_MESSAGE(type) ((guchar) (type)[0] < ' ')

extern const FerryFunctionEntry ferry_map_function;

/* any: returns (transfer none) the array of a chunk's items (element-type GVariant), each (nullable). */
GVariant *ferry_map_pack_items (GVariant *const *items, guint n_items);
/* any: returns (transfer full) (nullable) the arguments of an item of such an array. */
GVariant *ferry_map_get_item (GVariant *items, gsize place);

/* any: returns (transfer full) the name of the function that a worker must have for a call of function with these
 * arguments (nullable). For a chunk it is the other function. */
FERRY_FOR_SIBLINGS
char *ferry_map_dup_needed_function (const char *function, GVariant *arguments);

G_END_DECLS
