/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The objects, types and functions of an exporter. */

#include "config.h"

#include "object/ferry-exporter-fields-private.h"

#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "object/ferry-interface-private.h"

void
ferry_exporter_type_free (gpointer data)
{
  FerryExporterType *entry = data;

  g_object_unref (entry->interface);
  g_free (entry);
}

void
ferry_pass_function_free (gpointer data)
{
  FerryPassFunction *function = data;

  if (function->destroy != NULL)
    function->destroy (function->user_data);
  g_free (function);
}

/* The record of the object, where it has that interface; or a new one. */
static FerryExported *
record_locked (FerryExporter *self, GObject *object, FerryInterface *interface, FerryCallPolicy policy)
{
  FerryExported *exported;

  pthread_mutex_lock (&self->table->lock);
  exported = ferry_object_table_find_locked (self->table, object);
  if (exported == NULL)
    exported = ferry_exported_new (self->table, object, interface, NULL, policy);
  pthread_mutex_unlock (&self->table->lock);
  return exported;
}

static void
set_name (FerryExported *exported, const char *name)
{
  pthread_mutex_lock (&exported->table->lock);
  g_free (exported->name);
  exported->name = g_strdup (name);
  pthread_mutex_unlock (&exported->table->lock);
}

guint64
ferry_exporter_get_n_names (FerryExporter *self)
{
  return atomic_load (&self->n_names);
}

/* left: (nullable): has lost its name. */
static void
tell_names (FerryExporter *self, FerryExported *left)
{
  g_autoptr (GPtrArray) links = ferry_exporter_list_links (self);

  atomic_fetch_add (&self->n_names, 1);
  for (guint i = 0; i < links->len; i++)
    ferry_exporter_link_tell_names (links->pdata[i], left);
}

static gboolean
export_locked (FerryExporter *self, const char *name, FerryExported *exported, FerryInterface *interface,
               GError **error)
{
  if (g_hash_table_contains (self->names, name))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "“%s” is exported already; unexport it first", name);
  else if (exported->interface != interface || exported->name != NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "The object is exported already, as “%s” with the interface %s; it has one name and one interface",
                 exported->name != NULL ? exported->name : "", ferry_interface_get_name (exported->interface));
  else
    return TRUE;
  return FALSE;
}

/**
 * ferry_exporter_export:
 * @self: an exporter
 * @name: the name under which it can be reached, 1 to 255 bytes
 * @object: the object, of the interface's type
 * @interface: what can be done with it; it is not changed any more from now on
 * @policy: how many callers it has at a time
 * @error: return location for an error
 *
 * Exports an object. Any thread, at any time.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS where the name is taken, the object has another name or another interface
 * already, or a method of the interface's description has no function.
 *
 * Returns: whether it is exported
 *
 * Since: 0.1
 */
gboolean
ferry_exporter_export (FerryExporter *self, const char *name, GObject *object, FerryInterface *interface,
                       FerryCallPolicy policy, GError **error)
{
  g_autoptr (FerryExported) exported = NULL;
  gboolean is_exported;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), FALSE);
  g_return_val_if_fail (name != NULL && name[0] != '\0' && strlen (name) <= FERRY_MEMBER_NAME_MAX, FALSE);
  g_return_val_if_fail (FERRY_IS_INTERFACE (interface), FALSE);
  g_return_val_if_fail (G_IS_OBJECT (object), FALSE);
  ferry_return_val_if_fail (g_type_is_a (G_OBJECT_TYPE (object), ferry_interface_get_object_type (interface)), FALSE,
                            "object “%s” is a “%s”, and interface “%s” is for “%s”; export it with one for its type",
                            name, G_OBJECT_TYPE_NAME (object), ferry_interface_get_name (interface),
                            g_type_name (ferry_interface_get_object_type (interface)));

  if (!ferry_interface_seal (interface, error))
    return FALSE;
  pthread_mutex_lock (&self->lock);
  exported = record_locked (self, object, interface, policy);
  is_exported = export_locked (self, name, exported, interface, error);
  if (is_exported)
    {
      set_name (exported, name);
      /* It may have a record by its type, with the policy of that. Relaxed: whoever is at it goes on as it began. */
      atomic_store_explicit (&exported->policy, policy, memory_order_relaxed);
      g_hash_table_insert (self->names, g_strdup (name), ferry_exported_ref (exported));
    }
  pthread_mutex_unlock (&self->lock);
  if (is_exported)
    tell_names (self, NULL);
  return is_exported;
}

/**
 * ferry_exporter_export_type:
 * @self: an exporter
 * @interface: what can be done with objects of its type; it is not changed any more from now on, and all methods of
 *   its description have functions
 * @policy: how many callers each of them has at a time
 *
 * Lets methods, properties and containers of exported objects give away objects of a type, and of those that are
 * derived from it where they have no closer one here. Such an object can be reached while somebody has a reference to
 * it. Any thread, at any time.
 *
 * Since: 0.1
 */
void
ferry_exporter_export_type (FerryExporter *self, FerryInterface *interface, FerryCallPolicy policy)
{
  FerryExporterType *entry;
  g_autoptr (GError) missing = NULL;
  gboolean is_complete;

  g_return_if_fail (FERRY_IS_EXPORTER (self));
  g_return_if_fail (FERRY_IS_INTERFACE (interface));

  is_complete = ferry_interface_seal (interface, &missing);
  ferry_return_if_fail (is_complete, "%s", missing->message);

  entry = g_new (FerryExporterType, 1);
  *entry = (FerryExporterType){g_object_ref (interface), policy};
  pthread_mutex_lock (&self->lock);
  g_ptr_array_add (self->types, entry);
  pthread_mutex_unlock (&self->lock);
}

/**
 * ferry_exporter_unexport:
 * @self: an exporter
 * @name: the name of an object
 *
 * Takes back a name. References that others have to the object stay good until they drop them; who follows it by its
 * name follows the next object that is exported by that name. Any thread.
 *
 * Returns: whether there was an object of that name
 *
 * Since: 0.1
 */
gboolean
ferry_exporter_unexport (FerryExporter *self, const char *name)
{
  g_autofree char *key = NULL;
  g_autoptr (FerryExported) exported = NULL;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  pthread_mutex_lock (&self->lock);
  g_hash_table_steal_extended (self->names, name, (gpointer *) &key, (gpointer *) &exported);
  if (exported != NULL)
    set_name (exported, NULL);
  pthread_mutex_unlock (&self->lock);
  if (exported != NULL)
    tell_names (self, exported);
  return exported != NULL;
}

/**
 * ferry_exporter_dup_object:
 * @self: an exporter
 * @name: the name of an object
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): the object that is exported under that name
 *
 * Since: 0.1
 */
GObject *
ferry_exporter_dup_object (FerryExporter *self, const char *name)
{
  g_autoptr (FerryExported) exported = NULL;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  exported = ferry_exporter_find (self, name, NULL);
  return exported != NULL ? g_object_ref (exported->object) : NULL;
}

/**
 * ferry_exporter_add_function:
 * @self: an exporter
 * @name: the function's name, 1 to 255 bytes; there is none of that name yet
 * @func: (scope notified) (closure user_data) (destroy destroy): what is called with an object and further arguments
 * @user_data: data for @func
 * @destroy: (nullable): frees the data, with the exporter; on any thread
 *
 * Adds a function that others may have exported objects passed to: see [method@Ferry.View.pass_to]. It is called with
 * the object's own policy. Any thread.
 *
 * Since: 0.1
 */
void
ferry_exporter_add_function (FerryExporter *self, const char *name, FerryMethodFunc func, gpointer user_data,
                             GDestroyNotify destroy)
{
  FerryPassFunction *function;
  gboolean is_new;

  g_return_if_fail (FERRY_IS_EXPORTER (self));
  g_return_if_fail (name != NULL && name[0] != '\0' && strlen (name) <= FERRY_MEMBER_NAME_MAX);
  g_return_if_fail (func != NULL);

  function = g_new (FerryPassFunction, 1);
  *function = (FerryPassFunction){func, user_data, destroy};
  pthread_mutex_lock (&self->lock);
  is_new = !g_hash_table_contains (self->functions, name);
  if (is_new)
    g_hash_table_insert (self->functions, g_strdup (name), function);
  pthread_mutex_unlock (&self->lock);
  if (!is_new)
    ferry_pass_function_free (function);
  ferry_return_if_fail (is_new, "the exporter has a function “%s” already; give this one another name", name);
}

/* ---- finding ---- */

FerryExported *
ferry_exporter_find (FerryExporter *self, const char *name, GError **error)
{
  FerryExported *exported;

  pthread_mutex_lock (&self->lock);
  exported = g_hash_table_lookup (self->names, name);
  if (exported != NULL)
    ferry_exported_ref (exported);
  pthread_mutex_unlock (&self->lock);
  if (exported == NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_OBJECT, "No object is exported as “%s”", name);
  return exported;
}

/* The interface of the closest type. */
static const FerryExporterType *
find_type_locked (FerryExporter *self, GType type)
{
  const FerryExporterType *closest = NULL;

  for (guint i = 0; i < self->types->len; i++)
    {
      const FerryExporterType *entry = self->types->pdata[i];
      GType its_type = ferry_interface_get_object_type (entry->interface);

      if (g_type_is_a (type, its_type) &&
          (closest == NULL || g_type_is_a (its_type, ferry_interface_get_object_type (closest->interface))))
        closest = entry;
    }
  return closest;
}

FerryExported *
ferry_exporter_find_object (FerryExporter *self, GObject *object, GError **error)
{
  FerryExported *exported;
  const FerryExporterType *entry;

  pthread_mutex_lock (&self->lock);
  pthread_mutex_lock (&self->table->lock);
  exported = ferry_object_table_find_locked (self->table, object);
  entry = exported == NULL ? find_type_locked (self, G_OBJECT_TYPE (object)) : NULL;
  if (entry != NULL)
    exported = ferry_exported_new (self->table, object, entry->interface, NULL, entry->policy);
  pthread_mutex_unlock (&self->table->lock);
  pthread_mutex_unlock (&self->lock);
  if (exported == NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED,
                 "A %s was to be given away, and neither it nor its type is exported", G_OBJECT_TYPE_NAME (object));
  return exported;
}

FerryExported *
ferry_exporter_hold_value (FerryExporter *self, GVariant *value)
{
  return ferry_exported_new (self->table, NULL, NULL, value, FERRY_CALL_POLICY_CONCURRENT);
}

const FerryPassFunction *
ferry_exporter_find_function (FerryExporter *self, const char *name, GError **error)
{
  const FerryPassFunction *function;

  pthread_mutex_lock (&self->lock);
  function = g_hash_table_lookup (self->functions, name);
  pthread_mutex_unlock (&self->lock);
  if (function == NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION, "No function “%s” was added to the exporter", name);
  return function;
}
