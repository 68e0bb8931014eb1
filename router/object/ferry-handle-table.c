/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-handle-table-private.h"

#include "base/ferry-error.h"
#include "object/ferry-object-message-private.h"

struct _FerryHandleTable
{
  GMainContext *context; /* const: (owned) (nullable): where objects are freed */

  pthread_mutex_t lock;
  GHashTable *table; /* lock, as what follows: (element-type guint64 Handle) (owned): by the numbers of their records */
  gsize value_bytes; /* of the values */
  gboolean closed;
};

typedef struct
{
  FerryExported *exported; /* (owned) */
  guint64 count;
} Handle;

static void
handle_free (gpointer data)
{
  Handle *handle = data;

  ferry_exported_unref (handle->exported);
  g_free (handle);
}

static GHashTable *
new_table (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, handle_free);
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
  Handle *handle;
  gboolean is_full;
  gboolean closed;

  pthread_mutex_lock (&self->lock);
  closed = self->closed;
  handle = g_hash_table_lookup (self->table, &exported->number);
  is_full = handle == NULL && !has_room_locked (self, exported);
  if (handle == NULL && !is_full && !closed)
    {
      handle = g_new (Handle, 1);
      *handle = (Handle){ferry_exported_ref (exported), 0};
      g_hash_table_insert (self->table, &exported->number, handle);
      self->value_bytes += get_value_size (exported);
    }
  if (handle != NULL && !closed)
    handle->count++;
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
  Handle *handle;

  pthread_mutex_lock (&self->lock);
  handle = g_hash_table_lookup (self->table, &number);
  if (handle != NULL)
    handle->count -= MIN (count, handle->count);
  if (handle != NULL && handle->count == 0)
    {
      g_hash_table_steal (self->table, &number);
      self->value_bytes -= get_value_size (handle->exported);
    }
  else
    handle = NULL;
  pthread_mutex_unlock (&self->lock);
  /* Outside of the lock: with the last reference to an object application code runs. */
  g_clear_pointer (&handle, handle_free);
}

FerryExported *
ferry_handle_table_find (FerryHandleTable *self, guint64 number)
{
  FerryExported *exported = NULL;
  Handle *handle;

  pthread_mutex_lock (&self->lock);
  handle = g_hash_table_lookup (self->table, &number);
  if (handle != NULL)
    exported = ferry_exported_ref (handle->exported);
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

/* With the last reference to an object application code runs: on the context where methods are called. */
void
ferry_handle_table_close (FerryHandleTable *self)
{
  g_autoptr (GHashTable) table = NULL;
  g_autoptr (GSource) source = NULL;

  pthread_mutex_lock (&self->lock);
  self->closed = TRUE;
  self->value_bytes = 0;
  table = self->table;
  self->table = new_table ();
  pthread_mutex_unlock (&self->lock);
  if (self->context == NULL || g_hash_table_size (table) == 0 || g_main_context_is_owner (self->context))
    return;
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[ferry] references are dropped");
  g_source_set_callback (source, drop_cb, g_steal_pointer (&table), (GDestroyNotify) g_hash_table_unref);
  g_source_attach (source, self->context);
}
