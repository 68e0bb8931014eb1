/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/ferry-waiters-private.h"

#include "base/ferry-heed-private.h"

typedef struct
{
  GTask *call;
  GSource *source;     /* (owned) (nullable): of the call's cancellable */
  GPtrArray **waiters; /* where this one is; the call keeps it alive */
} FerryWaiter;

static void
waiter_free (gpointer data)
{
  FerryWaiter *waiter = data;

  ferry_stop_heeding (&waiter->source);
  g_object_unref (waiter->call);
  g_free (waiter);
}

static gboolean
waiter_cancelled (GCancellable *cancellable, gpointer data)
{
  FerryWaiter *waiter = data;
  g_autoptr (GTask) call = g_object_ref (waiter->call);
  GPtrArray **waiters = waiter->waiters;

  g_ptr_array_remove_fast (*waiters, waiter);
  if ((*waiters)->len == 0)
    g_clear_pointer (waiters, g_ptr_array_unref);
  g_task_return_error_if_cancelled (call);
  return G_SOURCE_REMOVE;
}

void
ferry_waiters_add (GPtrArray **waiters, GTask *call)
{
  FerryWaiter *waiter = g_new0 (FerryWaiter, 1);

  waiter->call = g_object_ref (call);
  waiter->waiters = waiters;
  if (g_task_get_cancellable (call) != NULL)
    ferry_heed_cancellable (call, &waiter->source, "[ferry] stop waiting", waiter_cancelled, waiter, NULL);
  if (*waiters == NULL)
    *waiters = g_ptr_array_new_with_free_func (waiter_free);
  g_ptr_array_add (*waiters, waiter);
}

void
ferry_waiters_return (GPtrArray **waiters)
{
  g_autoptr (GPtrArray) returned = g_steal_pointer (waiters);

  if (returned == NULL)
    return;
  /* First of all no cancellable may have its say any more: callbacks may iterate main contexts. */
  for (guint i = 0; i < returned->len; i++)
    {
      FerryWaiter *waiter = g_ptr_array_index (returned, i);

      if (waiter->source != NULL)
        g_source_destroy (waiter->source);
    }
  for (guint i = 0; i < returned->len; i++)
    g_task_return_boolean (((FerryWaiter *) g_ptr_array_index (returned, i))->call, TRUE);
}
