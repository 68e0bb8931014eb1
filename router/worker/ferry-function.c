/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <pthread.h>

#include "worker/ferry-function-private.h"

#include <string.h>

#include "base/ferry-base-private.h"

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *registry; /* lock: (element-type utf8 FerryFunctionEntry) (nullable) */

static FerryFunctionEntry *
entry_new (const char *name, const char *arguments_type, const char *result_type, FerryFunction function)
{
  FerryFunctionEntry *self = g_new0 (FerryFunctionEntry, 1);

  self->name = g_strdup (name);
  self->arguments_type = arguments_type != NULL ? g_variant_type_new (arguments_type) : NULL;
  self->has_result = result_type == NULL || result_type[0] != '\0';
  self->result_type = result_type != NULL && self->has_result ? g_variant_type_new (result_type) : NULL;
  self->function = function;
  return self;
}

static void
entry_free (FerryFunctionEntry *self)
{
  g_free (self->name);
  g_clear_pointer (&self->arguments_type, g_variant_type_free);
  g_clear_pointer (&self->result_type, g_variant_type_free);
  g_free (self);
}

static gboolean
types_are_equal (const GVariantType *one, const GVariantType *other)
{
  return one == NULL || other == NULL ? one == other : g_variant_type_equal (one, other);
}

static gboolean
entries_are_equal (const FerryFunctionEntry *one, const FerryFunctionEntry *other)
{
  return one->function == other->function && one->has_result == other->has_result &&
         types_are_equal (one->arguments_type, other->arguments_type) &&
         types_are_equal (one->result_type, other->result_type);
}

/* An entry whose name is taken goes. Returns whether it says the same as the one that is there. */
static gboolean
is_known (FerryFunctionEntry *entry, const FerryFunctionEntry *present)
{
  gboolean equal = entries_are_equal (present, entry);

  entry_free (entry);
  return equal;
}

/* Returns FALSE when the name has another function; takes the entry over. */
static gboolean
add (FerryFunctionEntry *entry)
{
  const FerryFunctionEntry *present;

  pthread_mutex_lock (&registry_lock);
  if (registry == NULL)
    registry = g_hash_table_new (g_str_hash, g_str_equal);
  present = g_hash_table_lookup (registry, entry->name);
  if (present == NULL)
    g_hash_table_insert (registry, entry->name, entry);
  pthread_mutex_unlock (&registry_lock);
  return present == NULL || is_known (entry, present);
}

/**
 * ferry_function_register:
 * @name: the name by which the function is asked for, 1 to 255 bytes
 * @arguments_type: (nullable): the type string of its arguments; %NULL for any, or none
 * @result_type: (nullable): the type string of its result; %NULL for any, and the empty string for none
 * @function: (scope forever): the function
 *
 * Makes a function known by a name, in this process and in the workers that run the same program. To register the same
 * function again is allowed; to give its name to another one is not. Any thread may call this.
 *
 * Since: 0.1
 */
void
ferry_function_register (const char *name, const char *arguments_type, const char *result_type, FerryFunction function)
{
  gboolean added;

  g_return_if_fail (name != NULL && name[0] != '\0' && strlen (name) <= FERRY_FUNCTION_MAX_NAME);
  g_return_if_fail (arguments_type == NULL || g_variant_type_string_is_valid (arguments_type));
  g_return_if_fail (result_type == NULL || result_type[0] == '\0' || g_variant_type_string_is_valid (result_type));
  g_return_if_fail (function != NULL);

  added = add (entry_new (name, arguments_type, result_type, function));
  ferry_return_if_fail (added, "“%s” is registered already: a name has one function, with one set of types", name);
}

/**
 * ferry_function_is_registered:
 * @name: a name
 *
 * Whether a function has that name in this process. Any thread may call this.
 *
 * Returns: %TRUE if one has
 *
 * Since: 0.1
 */
gboolean
ferry_function_is_registered (const char *name)
{
  g_return_val_if_fail (name != NULL, FALSE);

  return ferry_function_find (name) != NULL;
}

/* any */
void
ferry_function_forget (const char *name)
{
  pthread_mutex_lock (&registry_lock);
  if (registry != NULL)
    g_hash_table_remove (registry, name);
  pthread_mutex_unlock (&registry_lock);
}

/* any: the entry of that name, which lives for ever, or NULL. */
const FerryFunctionEntry *
ferry_function_find (const char *name)
{
  const FerryFunctionEntry *entry;

  pthread_mutex_lock (&registry_lock);
  entry = registry != NULL ? g_hash_table_lookup (registry, name) : NULL;
  pthread_mutex_unlock (&registry_lock);
  return entry;
}

static char *
describe_type (const GVariantType *type)
{
  return type != NULL ? g_variant_type_dup_string (type) : g_strdup ("nothing");
}

/* any: whether arguments, NULL for none, are of the type that the function wants. */
gboolean
ferry_function_check_arguments (const FerryFunctionEntry *entry, GVariant *arguments, GError **error)
{
  g_autofree char *expected = NULL;
  g_autofree char *given = NULL;

  if (entry->arguments_type == NULL || (arguments != NULL && g_variant_is_of_type (arguments, entry->arguments_type)))
    return TRUE;
  expected = describe_type (entry->arguments_type);
  given = describe_type (arguments != NULL ? g_variant_get_type (arguments) : NULL);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "Function “%s” takes arguments of type “%s” and was given “%s”; call it with what it takes", entry->name,
               expected, given);
  return FALSE;
}

static gboolean
result_fits (const FerryFunctionEntry *entry, GVariant *result)
{
  if (!entry->has_result)
    return result == NULL;
  return result != NULL && (entry->result_type == NULL || g_variant_is_of_type (result, entry->result_type));
}

/* any: whether the function gave back what it was registered to give, NULL being nothing. */
gboolean
ferry_function_check_result (const FerryFunctionEntry *entry, GVariant *result, GError **error)
{
  g_autofree char *expected = NULL;
  g_autofree char *given = NULL;

  if (result_fits (entry, result))
    return TRUE;
  if (entry->has_result && entry->result_type == NULL)
    expected = g_strdup ("anything");
  else
    expected = describe_type (entry->result_type);
  given = describe_type (result != NULL ? g_variant_get_type (result) : NULL);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_RESULT,
               "Function “%s” was registered to give a result of type “%s” and gave “%s”; correct the one or the other",
               entry->name, expected, given);
  return FALSE;
}
