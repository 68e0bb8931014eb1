/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A dictionary, and the interface by which other processes use it.
 *
 * Threads: any. The lock is held for a look-up or a change only: values are freed and signals are emitted without
 *          it.
 * Trust:   keys and values of the interface come from another process. A key must be a string; any value is valid. */

#include "config.h"

#include "classic/ferry-dictionary.h"

#include <stdlib.h>
#include <string.h>

/**
 * FerryDictionary:
 *
 * Values with names, for processes that share state. Export a dictionary with the interface that
 * [func@FerryClassic.Dictionary.create_interface] returns. Other processes can then read and change the dictionary, and
 * follow its changes. They can also set any number of values, so export it to processes that may use the memory of this
 * one.
 *
 * Keys are strings in UTF-8; the empty string is valid. Values are variants of any type.
 *
 * Any thread may use it.
 */
struct _FerryDictionary
{
  GObject parent_instance;

  GMutex lock;
  GHashTable *values; /* lock: (element-type utf8 GVariant) (owned) */
};

G_DEFINE_FINAL_TYPE (FerryDictionary, ferry_dictionary, G_TYPE_OBJECT)

static guint changed_signal;

static void
ferry_dictionary_finalize (GObject *object)
{
  FerryDictionary *self = FERRY_DICTIONARY (object);

  g_hash_table_unref (self->values);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (ferry_dictionary_parent_class)->finalize (object);
}

static void
ferry_dictionary_class_init (FerryDictionaryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_dictionary_finalize;

  /**
   * FerryDictionary::changed:
   * @self: the dictionary
   * @key: the key
   * @value: (nullable): the new value, or %NULL when the value was removed
   *
   * A value was set, also to an equal value, or removed. The signal is emitted after the change, on the thread that
   * made the change. When several threads change one key, their signals may come in another order than their changes.
   * [method@FerryClassic.Dictionary.get] returns the value of the last change.
   *
   * Another process gets the value in a variant; the variant of a removed value has an empty tuple.
   */
  changed_signal = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);
}

static void
ferry_dictionary_init (FerryDictionary *self)
{
  g_mutex_init (&self->lock);
  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_variant_unref);
}

/**
 * ferry_dictionary_new:
 *
 * Returns an empty dictionary. Any thread.
 *
 * Returns: (transfer full): a new dictionary
 */
FerryDictionary *
ferry_dictionary_new (void)
{
  return g_object_new (FERRY_TYPE_DICTIONARY, NULL);
}

/**
 * ferry_dictionary_get:
 * @self: a dictionary
 * @key: a key
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): the key's value, or %NULL if the key has none
 */
GVariant *
ferry_dictionary_get (FerryDictionary *self, const char *key)
{
  g_autoptr (GMutexLocker) locker = NULL;
  GVariant *value;

  g_return_val_if_fail (FERRY_IS_DICTIONARY (self), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  locker = g_mutex_locker_new (&self->lock);
  value = g_hash_table_lookup (self->values, key);
  return value != NULL ? g_variant_ref (value) : NULL;
}

/* Sets or, with value NULL, removes a key's value. Returns (transfer full) (nullable): the value before. */
static GVariant *
exchange (FerryDictionary *self, const char *key, GVariant *value)
{
  g_autofree char *name = g_strdup (key);
  g_autofree char *former_name = NULL;
  GVariant *former = NULL;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  g_hash_table_steal_extended (self->values, key, (gpointer *) &former_name, (gpointer *) &former);
  if (value != NULL)
    g_hash_table_insert (self->values, g_steal_pointer (&name), g_variant_ref (value));
  return former;
}

/**
 * ferry_dictionary_set:
 * @self: a dictionary
 * @key: a key, in UTF-8
 * @value: the key's new value; a floating reference is taken
 *
 * Sets the value of a key, which may have a value already, and emits [signal@FerryClassic.Dictionary::changed]. Any
 * thread.
 */
void
ferry_dictionary_set (FerryDictionary *self, const char *key, GVariant *value)
{
  g_autoptr (GVariant) taken = NULL;
  g_autoptr (GVariant) former = NULL;

  g_return_if_fail (FERRY_IS_DICTIONARY (self));
  g_return_if_fail (key != NULL && g_utf8_validate (key, -1, NULL));
  g_return_if_fail (value != NULL);

  taken = g_variant_ref_sink (value);
  former = exchange (self, key, taken);
  g_signal_emit (self, changed_signal, 0, key, taken);
}

/**
 * ferry_dictionary_remove:
 * @self: a dictionary
 * @key: a key
 *
 * Removes a value, and emits [signal@FerryClassic.Dictionary::changed] if the key had one. Any thread.
 *
 * Returns: whether the key had a value
 */
gboolean
ferry_dictionary_remove (FerryDictionary *self, const char *key)
{
  g_autoptr (GVariant) former = NULL;

  g_return_val_if_fail (FERRY_IS_DICTIONARY (self), FALSE);
  g_return_val_if_fail (key != NULL, FALSE);

  former = exchange (self, key, NULL);
  if (former == NULL)
    return FALSE;
  g_signal_emit (self, changed_signal, 0, key, NULL);
  return TRUE;
}

/**
 * ferry_dictionary_contains:
 * @self: a dictionary
 * @key: a key
 *
 * Any thread.
 *
 * Returns: whether the key has a value
 */
gboolean
ferry_dictionary_contains (FerryDictionary *self, const char *key)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (FERRY_IS_DICTIONARY (self), FALSE);
  g_return_val_if_fail (key != NULL, FALSE);

  locker = g_mutex_locker_new (&self->lock);
  return g_hash_table_contains (self->values, key);
}

/**
 * ferry_dictionary_get_length:
 * @self: a dictionary
 *
 * Any thread.
 *
 * Returns: the number of values
 */
guint
ferry_dictionary_get_length (FerryDictionary *self)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (FERRY_IS_DICTIONARY (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return g_hash_table_size (self->values);
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/**
 * ferry_dictionary_get_keys:
 * @self: a dictionary
 *
 * Any thread.
 *
 * Returns: (transfer full): the keys, sorted by their bytes
 */
char **
ferry_dictionary_get_keys (FerryDictionary *self)
{
  g_autoptr (GMutexLocker) locker = NULL;
  g_autofree char **borrowed = NULL;
  guint n;

  g_return_val_if_fail (FERRY_IS_DICTIONARY (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  borrowed = (char **) g_hash_table_get_keys_as_array (self->values, &n);
  qsort (borrowed, n, sizeof *borrowed, compare_keys);
  return g_strdupv (borrowed);
}

/* ---- for other processes ---- */

/* Returns (nullable) the string of a key; NULL with an error. */
static const char *
take_key (GVariant *key, GError **error)
{
  if (g_variant_is_of_type (key, G_VARIANT_TYPE_STRING))
    return g_variant_get_string (key, NULL);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "A key of a dictionary must be a string, and this one has the type '%s'; send a string",
               g_variant_get_type_string (key));
  return NULL;
}

/* Returns has_value, with an error where it is FALSE. */
static gboolean
require (gboolean has_value, const char *key, GError **error)
{
  if (!has_value)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "The dictionary has no value with the key '%s'; set one first", key);
  return has_value;
}

static gboolean
get_item (gpointer object, GVariant *key, GVariant **value, GObject **item, gpointer user_data, GError **error)
{
  const char *name = take_key (key, error);

  return name != NULL && require ((*value = ferry_dictionary_get (object, name)) != NULL, name, error);
}

static gboolean
set_item (gpointer object, GVariant *key, GVariant *value, gpointer user_data, GError **error)
{
  const char *name = take_key (key, error);
  gboolean is_boxed = g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT);
  g_autoptr (GVariant) taken = is_boxed ? g_variant_get_variant (value) : g_variant_ref (value);

  if (name != NULL)
    ferry_dictionary_set (object, name, taken);
  return name != NULL;
}

static gboolean
delete_item (gpointer object, GVariant *key, gpointer user_data, GError **error)
{
  const char *name = take_key (key, error);

  return name != NULL && require (ferry_dictionary_remove (object, name), name, error);
}

static gboolean
contains_item (gpointer object, GVariant *key, gboolean *contains, gpointer user_data, GError **error)
{
  const char *name = take_key (key, error);

  *contains = name != NULL && ferry_dictionary_contains (object, name);
  return name != NULL;
}

static gboolean
get_length (gpointer object, guint64 *length, gpointer user_data, GError **error)
{
  *length = ferry_dictionary_get_length (object);
  return TRUE;
}

static void
answer_keys (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_auto (GStrv) keys = ferry_dictionary_get_keys (object);

  ferry_invocation_return_value (invocation, g_variant_new ("(^as)", keys));
}

/**
 * ferry_dictionary_create_interface:
 * @name: the interface's name, in D-Bus form
 *
 * Returns an interface to export dictionaries with. The dictionaries are containers: other processes get, set, remove
 * and find items by keys of type `s`. If a value is set to a variant `v`, the value in that variant is stored. Getting
 * or removing a missing item fails with %FERRY_ERROR_BAD_ARGUMENTS; so does the use of a key that is not a string. The
 * method `keys` returns `as`; the signal is [signal@FerryClassic.Dictionary::changed].
 *
 * Other processes may set any number of values: export a dictionary only to processes that you trust with your memory.
 * Any thread.
 *
 * Returns: (transfer full): a new interface
 */
FerryInterface *
ferry_dictionary_create_interface (const char *name)
{
  static const FerryContainerFuncs funcs = {
    .get_item = get_item,
    .set_item = set_item,
    .delete_item = delete_item,
    .contains = contains_item,
    .get_length = get_length,
  };
  FerryInterface *interface;

  g_return_val_if_fail (name != NULL && g_dbus_is_interface_name (name), NULL);

  interface = ferry_interface_new (name, FERRY_TYPE_DICTIONARY);
  ferry_interface_set_container (interface, &funcs, NULL, NULL);
  ferry_interface_add_method (interface, "keys", "", "as", answer_keys, NULL, NULL);
  ferry_interface_add_signal (interface, "changed");
  return interface;
}
