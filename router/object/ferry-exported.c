/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter's record of an object (or of a value) that other processes may reach: its interface, and the
 * evaluation that has its turn.
 *
 * Owner:   counted references: of the exporter for the name, of sessions for the other ends' references, of
 *          subscriptions and of evaluations.
 * Threads: any. */

#include "config.h"

#include "object/ferry-exported-private.h"

#include "base/ferry-base-private.h"
#include "object/ferry-interface-private.h"

/* The revisions of a list begin with its number in the upper bits. So two lists of a process have no revision in
 * common. A name may come to stand for another list, and a replica of the first list must not take rows of the second
 * one. */
#define REVISION_BITS 32

typedef struct
{
  FerryInterface *interface; /* (owned) */
  FerryCallPolicy policy;
} ExportedType;

struct _FerryObjectTable
{
  _Atomic gint references;
  pthread_mutex_t lock;
  GHashTable *objects;   /* lock, also for the fields below: (element-type GObject FerryExported): nothing is owned */
  GPtrArray *types;      /* (element-type ExportedType) (owned) */
  GHashTable *functions; /* (element-type utf8 FerryPassFunction): keys and values are owned, and never removed */
  _Atomic gboolean refusing;
};

static void
type_free (gpointer data)
{
  ExportedType *entry = data;

  g_object_unref (entry->interface);
  g_free (entry);
}

static void
pass_function_free (gpointer data)
{
  FerryPassFunction *function = data;

  if (function->destroy != NULL)
    function->destroy (function->user_data);
  g_free (function);
}

FerryObjectTable *
ferry_object_table_new (void)
{
  FerryObjectTable *self = g_new0 (FerryObjectTable, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  self->objects = g_hash_table_new (NULL, NULL);
  self->types = g_ptr_array_new_with_free_func (type_free);
  self->functions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, pass_function_free);
  return self;
}

static FerryObjectTable *
ferry_object_table_ref (FerryObjectTable *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

static void
ferry_object_table_unref (FerryObjectTable *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  g_assert (g_hash_table_size (self->objects) == 0);
  g_hash_table_unref (self->objects);
  g_ptr_array_unref (self->types);
  g_hash_table_unref (self->functions);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* No evaluation uses the functions any more: each has a reference to the exporter. */
void
ferry_object_table_close (FerryObjectTable *self)
{
  g_hash_table_remove_all (self->functions);
  ferry_object_table_unref (self);
}

/* Returns (transfer full) (nullable): the object's record, unless the record is being freed. */
static FerryExported *
find_locked (FerryObjectTable *self, GObject *object)
{
  FerryExported *exported = g_hash_table_lookup (self->objects, object);
  gint references = exported != NULL ? atomic_load_explicit (&exported->references, memory_order_relaxed) : 0;

  /* The record's memory is still valid here: the last ferry_exported_unref() takes the table's lock before it frees
   * the record. */
  while (references > 0)
    if (atomic_compare_exchange_weak_explicit (&exported->references, &references, references + 1, memory_order_relaxed,
                                               memory_order_relaxed))
      return exported;
  return NULL;
}

GPtrArray *
ferry_object_table_list (FerryObjectTable *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_exported_unref);
  GHashTableIter iter;
  gpointer object;
  FERRY_AUTO_LOCK (&self->lock);

  g_hash_table_iter_init (&iter, self->objects);
  while (g_hash_table_iter_next (&iter, &object, NULL))
    {
      FerryExported *exported = find_locked (self, object);

      if (exported != NULL)
        g_ptr_array_add (list, exported);
    }
  return list;
}

void
ferry_object_table_set_refusing (FerryObjectTable *self, gboolean refusing)
{
  /* Relaxed: after a stop, each object's queue is emptied under its lock. An evaluation that joins the queue later sees
   * the flag by that lock. */
  atomic_store_explicit (&self->refusing, refusing, memory_order_relaxed);
}

gboolean
ferry_object_table_check_waiting (FerryObjectTable *self, GError **error)
{
  return !atomic_load_explicit (&self->refusing, memory_order_relaxed) ||
         ferry_set_error (error, FERRY_ERROR_REFUSED,
                          "The exporter was stopped before this call began; repeat it when the exporter listens");
}

/* Returns a new record, which takes a reference to the object, the interface and the value, each (nullable). With an
 * object, the caller must have the table's lock. */
static FerryExported *
exported_new (FerryObjectTable *table, GObject *object, FerryInterface *interface, GVariant *value,
              FerryCallPolicy policy)
{
  static _Atomic guint64 last_number;
  FerryExported *self = g_new0 (FerryExported, 1);

  atomic_init (&self->references, 1);
  /* Relaxed: only uniqueness matters. */
  self->number = atomic_fetch_add_explicit (&last_number, 1, memory_order_relaxed) + 1;
  self->table = ferry_object_table_ref (table);
  self->object = object != NULL ? g_object_ref (object) : NULL;
  self->interface = interface != NULL ? g_object_ref (interface) : NULL;
  self->value = value != NULL ? g_variant_ref (value) : NULL;
  atomic_init (&self->policy, policy);
  pthread_mutex_init (&self->lock, NULL);
  /* This may replace the entry of a record that is being freed. */
  if (object != NULL)
    g_hash_table_insert (table->objects, object, self);
  return self;
}

FerryExported *
ferry_object_table_find (FerryObjectTable *self, GObject *object, FerryInterface *interface, FerryCallPolicy policy)
{
  FerryExported *exported;
  FERRY_AUTO_LOCK (&self->lock);

  exported = find_locked (self, object);
  if (exported == NULL)
    exported = exported_new (self, object, interface, NULL, policy);
  return exported;
}

FerryExported *
ferry_object_table_hold_value (FerryObjectTable *self, GVariant *value)
{
  return exported_new (self, NULL, NULL, value, FERRY_CALL_POLICY_CONCURRENT);
}

/* ---- types and functions ---- */

void
ferry_object_table_add_type (FerryObjectTable *self, FerryInterface *interface, FerryCallPolicy policy)
{
  ExportedType *entry = g_new (ExportedType, 1);
  FERRY_AUTO_LOCK (&self->lock);

  *entry = (ExportedType){g_object_ref (interface), policy};
  g_ptr_array_add (self->types, entry);
}

/* Returns the exported type that the given type is derived from; of several, the most derived one. */
static const ExportedType *
find_type_locked (FerryObjectTable *self, GType type)
{
  const ExportedType *closest = NULL;

  for (guint i = 0; i < self->types->len; i++)
    {
      const ExportedType *entry = self->types->pdata[i];
      GType its_type = ferry_interface_get_object_type (entry->interface);

      if (g_type_is_a (type, its_type) &&
          (closest == NULL || g_type_is_a (its_type, ferry_interface_get_object_type (closest->interface))))
        closest = entry;
    }
  return closest;
}

FerryExported *
ferry_object_table_find_result (FerryObjectTable *self, GObject *object, GError **error)
{
  FerryExported *exported;
  const ExportedType *entry;
  FERRY_AUTO_LOCK (&self->lock);

  exported = find_locked (self, object);
  entry = exported == NULL ? find_type_locked (self, G_OBJECT_TYPE (object)) : NULL;
  if (entry != NULL)
    exported = exported_new (self, object, entry->interface, NULL, entry->policy);
  if (exported == NULL)
    ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                     "A %s cannot be sent to another process, as it is not exported; export the object or its type",
                     G_OBJECT_TYPE_NAME (object));
  return exported;
}

gboolean
ferry_object_table_add_function (FerryObjectTable *self, const char *name, const FerryPassFunction *function)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (g_hash_table_contains (self->functions, name))
    return FALSE;
  g_hash_table_insert (self->functions, g_strdup (name), g_memdup2 (function, sizeof *function));
  return TRUE;
}

const FerryPassFunction *
ferry_object_table_find_function (FerryObjectTable *self, const char *name, GError **error)
{
  const FerryPassFunction *function;
  FERRY_AUTO_LOCK (&self->lock);

  function = g_hash_table_lookup (self->functions, name);
  if (function == NULL)
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_FUNCTION,
                     "The exporter has no function '%s'; check the name, or add the function", name);
  return function;
}

/* ---- the record of an object ---- */

FerryExported *
ferry_exported_ref (FerryExported *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_exported_unref (FerryExported *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  pthread_mutex_lock (&self->table->lock);
  if (self->object != NULL && g_hash_table_lookup (self->table->objects, self->object) == self)
    g_hash_table_remove (self->table->objects, self->object);
  pthread_mutex_unlock (&self->table->lock);
  g_assert (self->holder == NULL && g_queue_is_empty (&self->waiting));
  if (self->list_handler != 0)
    g_signal_handler_disconnect (self->object, self->list_handler);
  g_clear_pointer (&self->revision, g_atomic_rc_box_release);
  g_clear_object (&self->object);
  g_clear_object (&self->interface);
  g_clear_pointer (&self->value, g_variant_unref);
  g_free (self->name);
  pthread_mutex_destroy (&self->lock);
  ferry_object_table_unref (self->table);
  g_free (self);
}

/* ---- lists ---- */

/* The handler's data is not the record: a change on another thread may come after the record is freed. */
static void
items_changed (GListModel *list, guint position, guint removed, guint added, gpointer revision)
{
  atomic_fetch_add ((_Atomic guint64 *) revision, 1);
}

guint64
ferry_exported_count_revisions (FerryExported *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  if (self->revision == NULL)
    {
      self->revision = g_atomic_rc_box_alloc (sizeof *self->revision);
      atomic_init (self->revision, self->number << REVISION_BITS);
      self->list_handler = g_signal_connect_data (self->object, "items-changed", G_CALLBACK (items_changed),
                                                  g_atomic_rc_box_acquire (self->revision),
                                                  (GClosureNotify) (GCallback) g_atomic_rc_box_release, 0);
    }
  return atomic_load (self->revision);
}

guint64
ferry_exported_get_revision (FerryExported *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->revision != NULL ? atomic_load (self->revision) : 0;
}

/* ---- names ---- */

void
ferry_exported_set_name (FerryExported *self, const char *name)
{
  FERRY_AUTO_LOCK (&self->table->lock);

  g_free (self->name);
  self->name = g_strdup (name);
}

char *
ferry_exported_dup_name (FerryExported *self)
{
  FERRY_AUTO_LOCK (&self->table->lock);
  return g_strdup (self->name);
}
