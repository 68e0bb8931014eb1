/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-handle-table-private.h"

#include "base/ferry-error.h"
#include "object/ferry-object-message-private.h"

struct _FerryHandleTable
{
  GMainContext *context; /* const: (owned) (nullable): where objects go */

  pthread_mutex_t lock;
  GHashTable *table; /* lock, as what follows: (element-type guint64 Reference) (owned) */
  gsize value_bytes; /* of values among them */
  gboolean closed;
};

typedef struct
{
  FerryExported *exported; /* (owned) */
  guint64 count;
} Reference;

static void
reference_free (gpointer data)
{
  Reference *reference = data;

  ferry_exported_unref (reference->exported);
  g_free (reference);
}

static GHashTable *
new_table (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, reference_free);
}

FerryHandleTable *
ferry_handle_table_new (GMainContext *context)
{
  FerryHandleTable *self = g_new0 (FerryHandleTable, 1);

  self->context = context != NULL ? g_main_context_ref (context) : NULL;
  self->table = new_table ();
  pthread_mutex_init (&self->lock, NULL);
  return self;
}

void
ferry_handle_table_free (FerryHandleTable *self)
{
  g_clear_pointer (&self->context, g_main_context_unref);
  g_hash_table_unref (self->table);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* ---- one ---- */

static gsize
get_value_size (const FerryExported *exported)
{
  return exported->value != NULL ? g_variant_get_size (exported->value) : 0;
}

static gboolean
has_room_locked (FerryHandleTable *self, FerryExported *exported)
{
  return g_hash_table_size (self->table) < FERRY_MAX_REFERENCES &&
         (self->value_bytes == 0 || self->value_bytes + get_value_size (exported) <= FERRY_MAX_HELD_BYTES);
}

gboolean
ferry_handle_table_add (FerryHandleTable *self, FerryExported *exported, GError **error)
{
  Reference *reference;
  gboolean is_full;
  gboolean closed;

  pthread_mutex_lock (&self->lock);
  closed = self->closed;
  reference = g_hash_table_lookup (self->table, &exported->number);
  is_full = reference == NULL && !has_room_locked (self, exported);
  if (reference == NULL && !is_full && !closed)
    {
      reference = g_new (Reference, 1);
      *reference = (Reference){ferry_exported_ref (exported), 0};
      g_hash_table_insert (self->table, &exported->number, reference);
      self->value_bytes += get_value_size (exported);
    }
  if (reference != NULL && !closed)
    reference->count++;
  pthread_mutex_unlock (&self->lock);
  if (is_full)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                 "The other end has references to %d objects, or to values of %d MiB, and gets no more until it drops "
                 "some",
                 FERRY_MAX_REFERENCES, FERRY_MAX_HELD_BYTES / (1024 * 1024));
  else if (closed)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The transport is closed");
  return !is_full && !closed;
}

void
ferry_handle_table_drop (FerryHandleTable *self, guint64 number, guint64 count)
{
  Reference *reference;

  pthread_mutex_lock (&self->lock);
  reference = g_hash_table_lookup (self->table, &number);
  if (reference != NULL)
    reference->count -= MIN (count, reference->count);
  if (reference != NULL && reference->count == 0)
    {
      g_hash_table_steal (self->table, &number);
      self->value_bytes -= get_value_size (reference->exported);
    }
  else
    reference = NULL;
  pthread_mutex_unlock (&self->lock);
  /* It may be the last of the object, which runs code of the application's. */
  g_clear_pointer (&reference, reference_free);
}

FerryExported *
ferry_handle_table_find (FerryHandleTable *self, guint64 number)
{
  FerryExported *exported = NULL;
  Reference *reference;

  pthread_mutex_lock (&self->lock);
  reference = g_hash_table_lookup (self->table, &number);
  if (reference != NULL)
    exported = ferry_exported_ref (reference->exported);
  pthread_mutex_unlock (&self->lock);
  return exported;
}

/* ---- all ---- */

guint64
ferry_handle_table_get_n (FerryHandleTable *self)
{
  guint64 n;

  pthread_mutex_lock (&self->lock);
  n = g_hash_table_size (self->table);
  pthread_mutex_unlock (&self->lock);
  return n;
}

static gboolean
drop_cb (gpointer table)
{
  return G_SOURCE_REMOVE;
}

/* Takes table. With the last reference of an object code of the application's runs, where it has its methods called. */
static void
drop_table (FerryHandleTable *self, GHashTable *table)
{
  g_autoptr (GSource) source = NULL;

  if (self->context == NULL || g_hash_table_size (table) == 0 || g_main_context_is_owner (self->context))
    {
      g_hash_table_unref (table);
      return;
    }
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[ferry] references are dropped");
  g_source_set_callback (source, drop_cb, table, (GDestroyNotify) g_hash_table_unref);
  g_source_attach (source, self->context);
}

void
ferry_handle_table_close (FerryHandleTable *self)
{
  GHashTable *table;

  pthread_mutex_lock (&self->lock);
  self->closed = TRUE;
  self->value_bytes = 0;
  table = self->table;
  self->table = new_table ();
  pthread_mutex_unlock (&self->lock);
  drop_table (self, table);
}
