/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/ferry-handler-table-private.h"

FerryHandler *
ferry_handler_new (FerryDemuxHandler func, gpointer data, GDestroyNotify destroy)
{
  FerryHandler *self = g_new (FerryHandler, 1);

  atomic_init (&self->references, 1);
  self->func = func;
  self->data = data;
  self->destroy = destroy;
  return self;
}

FerryHandler *
ferry_handler_ref (FerryHandler *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_handler_unref (FerryHandler *self)
{
  /* Release what this thread did with its data; acquire what others did, for the one that destroys it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  if (self->destroy != NULL)
    self->destroy (self->data);
  g_free (self);
}

void
ferry_handler_table_init (FerryHandlerTable *self)
{
  self->by_method = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->others = NULL;
}

/* Nobody uses it any more. */
void
ferry_handler_table_clear (FerryHandlerTable *self)
{
  GHashTableIter iter;
  gpointer handler;

  g_hash_table_iter_init (&iter, self->by_method);
  while (g_hash_table_iter_next (&iter, NULL, &handler))
    ferry_handler_unref (handler);
  g_clear_pointer (&self->by_method, g_hash_table_unref);
  g_clear_pointer (&self->others, ferry_handler_unref);
}

FerryHandler *
ferry_handler_table_replace (FerryHandlerTable *self, const char *method, FerryHandler *handler)
{
  FerryHandler *before = method != NULL ? g_hash_table_lookup (self->by_method, method) : self->others;

  if (method == NULL)
    self->others = handler;
  else if (handler != NULL)
    g_hash_table_insert (self->by_method, g_strdup (method), handler);
  else
    g_hash_table_remove (self->by_method, method);
  return before;
}

FerryHandler *
ferry_handler_table_find (const FerryHandlerTable *self, const char *method)
{
  FerryHandler *handler = g_hash_table_lookup (self->by_method, method);

  return handler != NULL ? handler : self->others;
}
