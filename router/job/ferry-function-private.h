/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions that this process can run for another process, each with a name. Any thread. */

#pragma once

#include "base/ferry-base-private.h"
#include "job/ferry-function.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;
  char *arguments_type;            /* (nullable): the type string; NULL for any type */
  char *result_type;               /* (nullable): the type string; NULL for any type, empty for no result */
  FerryFunction function;          /* (nullable): NULL where there is one with data */
  FerryFunctionFull function_full; /* (nullable) */
  gpointer user_data;              /* (owned): for function_full */
  GDestroyNotify destroy;          /* (nullable) */
} FerryFunctionEntry;

#define FERRY_FUNCTION_MAX_NAME 255

/* The kinds of registered functions. Functions of different kinds may have the same name. */
typedef enum
{
  FERRY_FUNCTION_OF_JOBS,
  FERRY_FUNCTION_OF_CHANNELS, /* .function of these entries is cast from another type */
  FERRY_N_FUNCTION_KINDS,
} FerryFunctionKind;

/* For caller, a public function that registers functions: adds one of the two functions of wanted with its data, as
 * ferry_function_register() and ferry_function_register_full() say. */
void ferry_function_add (const char *caller, FerryFunctionKind kind, const FerryFunctionEntry *wanted);
const FerryFunctionEntry *ferry_function_find_kind (FerryFunctionKind kind, const char *name);

/* Returns (nullable) the entry of the job function with that name. */
static inline const FerryFunctionEntry *
ferry_function_find (const char *name)
{
  return ferry_function_find_kind (FERRY_FUNCTION_OF_JOBS, name);
}

static inline GVariant *
ferry_function_run (const FerryFunctionEntry *entry, FerryJob *job, GVariant *arguments, GError **error)
{
  return entry->function != NULL ? entry->function (job, arguments, error)
                                 : entry->function_full (job, arguments, entry->user_data, error);
}

/* Removes the job function with that name from the registry, and frees its entry: no thread may be using it. */
void ferry_function_forget (const char *name);

/* A function that every worker that serves calls has. It tells which functions the program has registered. So an end
 * that only has the program can offer them to others. It takes nothing, or anything. */
#define FERRY_LIST_FUNCTION "ferry.functions"
/* The result has, for each function in the order of the names: name, type of the arguments ("*": any or none), type of
 * the result ("*": any, empty: none). */
#define FERRY_LIST_FUNCTION_TYPE "a(sss)"

extern const FerryFunctionEntry ferry_list_function;

/* Check that a value (NULL for none) has the type that the function was registered with. */
gboolean ferry_function_check_arguments (const FerryFunctionEntry *entry, GVariant *arguments, GError **error);
gboolean ferry_function_check_result (const FerryFunctionEntry *entry, GVariant *result, GError **error);

G_END_DECLS
