/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The registry of functions that this process can run for another process, each with a name.
 *
 * Threads:   any thread; a lock guards the registry.
 * Invariant: an entry is never changed and never freed, so a pointer to it stays valid. */

#include "config.h"

#include "job/ferry-function-private.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
/* (element-type utf8 FerryFunctionEntry) (nullable): lock, except that any thread may see whether there is one. */
static _Atomic (GHashTable *) registries[FERRY_N_FUNCTION_KINDS];

static void
entry_free (gpointer data)
{
  FerryFunctionEntry *self = data;

  g_free (self->name);
  g_free (self->arguments_type);
  g_free (self->result_type);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self);
}

/* Returns (nullable) what a program must keep, and has not. The empty type is that of nothing. */
static const char *
find_mistake (const FerryFunctionEntry *wanted)
{
  const char *arguments = wanted->arguments_type;
  const char *result = wanted->result_type;

  if (wanted->name == NULL || wanted->name[0] == '\0' || strlen (wanted->name) > FERRY_FUNCTION_MAX_NAME)
    return "name has 1 to 255 bytes";
  if (arguments != NULL && arguments[0] != '\0' && !g_variant_type_string_is_valid (arguments))
    return "arguments_type is the string of a type";
  if (result != NULL && result[0] != '\0' && !g_variant_type_string_is_valid (result))
    return "result_type is the string of a type";
  return wanted->function == NULL && wanted->function_full == NULL ? "function != NULL" : NULL;
}

/* Whether the name is new or was registered with all of this. added: (out): whether the registry has the data now. */
static gboolean
add (FerryFunctionKind kind, const FerryFunctionEntry *wanted, gboolean *added)
{
  FERRY_AUTO_LOCK (&registry_lock);
  FerryFunctionEntry *entry;

  if (registries[kind] == NULL)
    registries[kind] = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  entry = g_hash_table_lookup (registries[kind], wanted->name);
  *added = entry == NULL;
  if (entry == NULL)
    {
      entry = g_memdup2 (wanted, sizeof *wanted);
      entry->name = g_strdup (wanted->name);
      entry->arguments_type = g_strdup (wanted->arguments_type);
      entry->result_type = g_strdup (wanted->result_type);
      g_hash_table_insert (registries[kind], entry->name, entry);
    }
  return entry->function == wanted->function && entry->function_full == wanted->function_full &&
         entry->user_data == wanted->user_data && g_strcmp0 (entry->arguments_type, wanted->arguments_type) == 0 &&
         g_strcmp0 (entry->result_type, wanted->result_type) == 0;
}

void
ferry_function_add (const char *caller, FerryFunctionKind kind, const FerryFunctionEntry *wanted)
{
  const char *mistake = find_mistake (wanted);
  gboolean added;

  if (mistake != NULL)
    {
      g_return_if_fail_warning (G_LOG_DOMAIN, caller, mistake);
      return;
    }
  if (!add (kind, wanted, &added))
    ferry_critical (
      "%s(): the name '%s' is registered already with another function or other types; choose another name", caller,
      wanted->name);
  if (!added && wanted->destroy != NULL)
    wanted->destroy (wanted->user_data);
}

/**
 * ferry_function_register: (skip)
 * @name: the name of the function, 1 to 255 bytes
 * @arguments_type: (nullable): the type string of the function's arguments; %NULL for any type, and the empty string
 *   for no arguments
 * @result_type: (nullable): the type string of the function's result; %NULL for any type, and the empty string for no
 *   result
 * @function: (scope forever): the function
 *
 * Registers a function under a name in this process. A program that is its own worker calls this in the worker
 * processes too, so these have the same functions. A name may be registered again only with the same function and the
 * same types. Any thread may call this.
 */
void
ferry_function_register (const char *name, const char *arguments_type, const char *result_type, FerryFunction function)
{
  ferry_function_add (
    G_STRFUNC, FERRY_FUNCTION_OF_JOBS,
    &(FerryFunctionEntry){(char *) name, (char *) arguments_type, (char *) result_type, function, NULL, NULL, NULL});
}

/**
 * ferry_function_register_full: (rename-to ferry_function_register)
 * @name: the name of the function, 1 to 255 bytes
 * @arguments_type: (nullable): the type string of the function's arguments; %NULL for any type, and the empty string
 *   for no arguments
 * @result_type: (nullable): the type string of the function's result; %NULL for any type, and the empty string for no
 *   result
 * @function: (scope notified) (closure user_data) (destroy destroy): the function
 * @user_data: (nullable): data for @function
 * @destroy: (nullable): called with @user_data if the name is taken; a function that is registered stays until the
 *   process ends
 *
 * Registers a function with data of its own, as [func@Ferry.function_register] does without. This is the form for
 * languages with closures as functions. Any thread may call this.
 */
void
ferry_function_register_full (const char *name, const char *arguments_type, const char *result_type,
                              FerryFunctionFull function, gpointer user_data, GDestroyNotify destroy)
{
  ferry_function_add (G_STRFUNC, FERRY_FUNCTION_OF_JOBS,
                      &(FerryFunctionEntry){(char *) name, (char *) arguments_type, (char *) result_type, NULL,
                                            function, user_data, destroy});
}

void
ferry_function_forget (const char *name)
{
  FERRY_AUTO_LOCK (&registry_lock);

  if (registries[FERRY_FUNCTION_OF_JOBS] != NULL)
    g_hash_table_remove (registries[FERRY_FUNCTION_OF_JOBS], name);
}

const FerryFunctionEntry *
ferry_function_find_kind (FerryFunctionKind kind, const char *name)
{
  /* Relaxed: the lock orders the rest. An application that has all its functions in its workers' program registers
   * none, and asks for each task. */
  if (atomic_load_explicit (&registries[kind], memory_order_relaxed) == NULL)
    return NULL;
  FERRY_AUTO_LOCK (&registry_lock);

  return g_hash_table_lookup (registries[kind], name);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  const FerryFunctionEntry *one = *(const FerryFunctionEntry *const *) a;
  const FerryFunctionEntry *other = *(const FerryFunctionEntry *const *) b;

  return strcmp (one->name, other->name);
}

/* Returns (transfer container) (element-type FerryFunctionEntry) the functions of jobs. */
static GPtrArray *
dup_entries (void)
{
  GPtrArray *entries = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer entry;
  FERRY_AUTO_LOCK (&registry_lock);

  if (registries[FERRY_FUNCTION_OF_JOBS] == NULL)
    return entries;
  g_hash_table_iter_init (&iter, registries[FERRY_FUNCTION_OF_JOBS]);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    g_ptr_array_add (entries, entry);
  return entries;
}

static GVariant *
list_functions (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GPtrArray) entries = dup_entries ();
  GVariantBuilder list;

  g_ptr_array_sort (entries, compare_names);
  g_variant_builder_init (&list, G_VARIANT_TYPE (FERRY_LIST_FUNCTION_TYPE));
  for (guint i = 0; i < entries->len; i++)
    {
      const FerryFunctionEntry *entry = entries->pdata[i];

      g_variant_builder_add (&list, "(sss)", entry->name, entry->arguments_type != NULL ? entry->arguments_type : "*",
                             entry->result_type != NULL ? entry->result_type : "*");
    }
  return g_variant_builder_end (&list);
}

const FerryFunctionEntry ferry_list_function = {
  .name = (char *) FERRY_LIST_FUNCTION,
  .result_type = (char *) FERRY_LIST_FUNCTION_TYPE,
  .function = list_functions,
};

/* Whether the value has the type. NULL is any type, and the empty string that of nothing. */
static gboolean
has_type (GVariant *value, const char *type)
{
  if (type != NULL && type[0] == '\0')
    return value == NULL;
  return value != NULL && (type == NULL || g_variant_is_of_type (value, (const GVariantType *) type));
}

static const char *
describe_type (const char *type)
{
  return type == NULL ? "anything" : type[0] != '\0' ? type : "nothing";
}

gboolean
ferry_function_check_arguments (const FerryFunctionEntry *entry, GVariant *arguments, GError **error)
{
  if (entry->arguments_type == NULL || has_type (arguments, entry->arguments_type))
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_BAD_ARGUMENTS,
    "Function '%s' takes arguments of type '%s' and was given '%s'; pass arguments of the type that it takes",
    entry->name, describe_type (entry->arguments_type),
    arguments != NULL ? g_variant_get_type_string (arguments) : "nothing");
}

gboolean
ferry_function_check_result (const FerryFunctionEntry *entry, GVariant *result, GError **error)
{
  if (has_type (result, entry->result_type))
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_BAD_RESULT,
    "Function '%s' was registered with a result of type '%s' and returned '%s'; correct its code or its registration",
    entry->name, describe_type (entry->result_type), result != NULL ? g_variant_get_type_string (result) : "nothing");
}
