/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's side of a map: a function that every worker has, and that runs another function over a chunk of items.
 *
 * It takes (sxaT): the name of the other function, the microseconds after which it begins no further item (negative: no
 * limit), and the items' arguments. T is their type. It is "mv" where their types differ or are long, or where an item
 * has no arguments.
 *
 * Each item's answer is sent before the next item is begun, as a message of one of the types below. So the application
 * knows which item a dead worker ran, and no item is run twice. The result is x, the microseconds that the chunk took.
 * Where that exceeds the limit, the last items may be left out.
 *
 * The types begin with a byte that ferry_job_send() refuses, so a function cannot send such messages itself. */

#pragma once

#include "worker/ferry-function-private.h"

G_BEGIN_DECLS

#define FERRY_MAP_FUNCTION "ferry.map"
#define FERRY_MAP_ARGUMENTS_TYPE "(sxa*)"
#define FERRY_MAP_BOX_TYPE "mv"

#define FERRY_MAP_MESSAGE_VALUE "\001"
#define FERRY_MAP_MESSAGE_NOTHING "\002" /* with () */
#define FERRY_MAP_MESSAGE_ERROR "\003"   /* with an error of FERRY_ERROR_VARIANT_TYPE */

#define FERRY_MAP_IS_RESERVED_MESSAGE(type) ((guchar) (type)[0] < ' ')

extern const FerryFunctionEntry ferry_map_function;

G_END_DECLS
