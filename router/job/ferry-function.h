/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

typedef struct _FerryJob FerryJob;

/**
 * FerryFunction: (skip)
 * @job: (transfer none): this run of the function, by which it reports progress, yields results, and checks for a
 *   cancel
 * @arguments: (transfer none) (nullable): the arguments, of the type that the function was registered with; %NULL if
 *   there are none
 * @error: return location for an error
 *
 * The type of a function that a worker runs by its name.
 *
 * Returns: (transfer full) (nullable): the result, floating or not, of the type that the function was registered with;
 *   %NULL with @error set when the function failed, and %NULL without @error when it was registered without a result
 */
typedef GVariant *(*FerryFunction) (FerryJob *job, GVariant *arguments, GError **error);

/**
 * FerryFunctionFull:
 * @job: (transfer none): this run of the function
 * @arguments: (transfer none) (nullable): the arguments, of the type that the function was registered with; %NULL if
 *   there are none
 * @user_data: (nullable) (closure): the data that was registered with the function
 * @error: return location for an error
 *
 * A [callback@Ferry.Function] with data of its own.
 *
 * Returns: (transfer full) (nullable): as for a [callback@Ferry.Function]
 */
typedef GVariant *(*FerryFunctionFull) (FerryJob *job, GVariant *arguments, gpointer user_data, GError **error);

FERRY_AVAILABLE_IN_0_1
void ferry_function_register (const char *name, const char *arguments_type, const char *result_type,
                              FerryFunction function);
FERRY_AVAILABLE_IN_0_1
void ferry_function_register_full (const char *name, const char *arguments_type, const char *result_type,
                                   FerryFunctionFull function, gpointer user_data, GDestroyNotify destroy);

G_END_DECLS
