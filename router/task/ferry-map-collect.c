/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* All results of a map at once, in the order of the items.
 *
 * Threads: the router's. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-heed-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-map-private.h"

#define STARTED "the map was started, and gives its results in one way only; collect those of a new map"

static void
free_value (gpointer value)
{
  if (value != NULL)
    g_variant_unref (value);
}

/* The first item that failed is why there is no list, and the rest would be for nothing. */
static void
fail (FerryMap *self, guint64 index, GError *error)
{
  if (self->collector == NULL || self->collect_error != NULL)
    {
      g_error_free (error);
      return;
    }
  g_prefix_error (&error, "Item %" G_GUINT64_FORMAT ": ", index);
  self->collect_error = error;
  ferry_map_cancel (self);
}

void
ferry_map_collect_result (FerryMap *self, FerryMapResult *result)
{
  GPtrArray *list = self->collected;

  if (result->error != NULL)
    {
      fail (self, result->index, g_steal_pointer (&result->error));
      return;
    }
  if (list->len <= result->index)
    g_ptr_array_set_size (list, (int) result->index + 1);
  if (result->value == NULL)
    result->value = g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
  list->pdata[result->index] = g_steal_pointer (&result->value);
}

void
ferry_map_finish_collecting (FerryMap *self)
{
  g_autoptr (GTask) call = g_steal_pointer (&self->collector);

  if (call == NULL)
    return;
  ferry_stop_heeding (&self->collector_source);
  if (self->collect_error != NULL)
    g_task_return_error (call, g_steal_pointer (&self->collect_error));
  else if (self->cancelled)
    g_task_return_new_error (call, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The map was cancelled; make another one");
  else if (self->error != NULL)
    g_task_return_error (call, ferry_error_copy (self->error));
  else
    g_task_return_pointer (call, g_steal_pointer (&self->collected), (GDestroyNotify) g_ptr_array_unref);
}

static gboolean
collecting_cancelled (GCancellable *cancellable, gpointer data)
{
  ferry_map_cancel (data);
  return G_SOURCE_REMOVE;
}

/**
 * ferry_map_collect_async:
 * @self: a map that was not started
 * @cancellable: (nullable): cancels the map
 * @callback: (scope async) (closure user_data): called when all items came to their end, or one failed
 * @user_data: data for @callback
 *
 * Starts the map, and gathers all of its results. A map that is fed by hand has to be closed with
 * [method@Ferry.Map.close_input] to come to its end. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_collect_async (FerryMap *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FerryMapHold) held G_GNUC_UNUSED = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_fail (self->mode == FERRY_MAP_MODE_NONE, STARTED);
  ferry_return_if_elsewhere (self->home);

  held = ferry_map_hold (self);
  self->collector = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (self->collector, ferry_map_collect_async);
  g_task_set_check_cancellable (self->collector, FALSE);
  self->collected = g_ptr_array_new_with_free_func (free_value);
  if (cancellable != NULL)
    ferry_heed_cancellable (self->collector, &self->collector_source, "[ferry] cancel a map", collecting_cancelled,
                            self, NULL);
  if (g_cancellable_is_cancelled (cancellable))
    ferry_map_cancel (self);
  else
    ferry_map_choose_mode (self, FERRY_MAP_MODE_COLLECTED);
}

/**
 * ferry_map_collect_finish:
 * @self: a map
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Map.collect_async]. The list is in the order of the items, whatever that of the map is; for a
 * function without a result it has `()`. Any thread.
 *
 * Fails with the error of the first item that came to one, its index before the message, and cancels the rest then;
 * with the error of the source, or that of an executor that takes nothing more; and with %G_IO_ERROR_CANCELLED. Where
 * the good results count whatever becomes of the others, take them with [method@Ferry.Map.next_async].
 *
 * Returns: (transfer full) (element-type GLib.Variant): the results
 *
 * Since: 0.1
 */
GPtrArray *
ferry_map_collect_finish (FerryMap *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_map_collect_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
collected_cb (GObject *map, GAsyncResult *result, gpointer data)
{
  GAsyncResult **kept = data;

  *kept = g_object_ref (result);
}

static gboolean
is_finished (gpointer data)
{
  return FERRY_MAP (data)->finished;
}

/* The call returns in the context's next turn, or in this one. */
static GPtrArray *
end_collecting (FerryMap *self, GAsyncResult **result, GError **error)
{
  g_autoptr (GAsyncResult) returned = NULL;

  while (*result == NULL)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  returned = *result;
  return ferry_map_collect_finish (self, returned, error);
}

/**
 * ferry_map_collect:
 * @self: a map that was not started
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @error: return location for an error
 *
 * Starts the map, and waits for all of its results: `pmap` of other libraries. While it waits, the router's main
 * context is iterated, so this is for tests and console programs; an application uses
 * [method@Ferry.Map.collect_async]. On the router's thread.
 *
 * Fails as [method@Ferry.Map.collect_finish] does; with %FERRY_ERROR_TIMED_OUT, and the map is cancelled then; with
 * %FERRY_ERROR_BUSY in a callback of its main context, with %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: (transfer full) (element-type GLib.Variant): the results, in the order of the items
 *
 * Since: 0.1
 */
GPtrArray *
ferry_map_collect (FerryMap *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryMapHold) held G_GNUC_UNUSED = NULL;
  g_autoptr (GPtrArray) dropped = NULL;
  GAsyncResult *result = NULL;
  GError *failure = NULL;

  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);
  ferry_return_val_if_fail (self->mode == FERRY_MAP_MODE_NONE, NULL, STARTED);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return NULL;
  held = ferry_map_hold (self);
  if (!ferry_map_may_wait (self, error))
    return NULL;
  ferry_map_collect_async (self, NULL, collected_cb, &result);
  if (ferry_map_wait (self, is_finished, timeout, &failure))
    return end_collecting (self, &result, error);
  g_propagate_error (error, failure);
  ferry_map_cancel (self);
  /* Nobody waits for what still runs. */
  ferry_map_finish_collecting (self);
  dropped = end_collecting (self, &result, NULL);
  return NULL;
}
