/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's side of a map: a function that every worker has, and that runs another one over a chunk of items.
 *
 * It takes (sxaT): the name of the function, the microseconds after which it begins no further item (negative: it takes
 * its time), and the items' arguments. T is their type, or "mv" where they are of several types, long ones, or none.
 *
 * Each item's answer is sent before the next one is begun, as a message of one of the types below: so whoever asked
 * knows which item a worker was at that died, and nothing is run twice. The result is x, the microseconds that it all
 * took; where that is longer than allowed, the last items were left out.
 *
 * The types begin with a byte that ferry_job_send() refuses, so that no function can pass its messages off as these. */

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
