/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Results of a map, from where they come to who takes them.
 *
 * Each has a place in a ring, and the next to be given is that of place n_taken: the place is the item's index where
 * results are ordered, and the number of the result's arrival where they are not. The ring is as long as it has to be,
 * which is what is in flight at most. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "ferry-marshallers.h"
#include "route/ferry-router-private.h"
#include "task/ferry-iterate-private.h"
#include "task/ferry-map-private.h"
#include "task/ferry-pool-private.h"
#include "task/ferry-waiters-private.h"

#define FEWEST_PLACES 16

enum
{
  SIGNAL_RESULT,
  SIGNAL_FINISHED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

void
ferry_map_install_signals (GObjectClass *object_class)
{
  GType type = G_TYPE_FROM_CLASS (object_class);

  /**
   * FerryMap::result:
   * @self: the map
   * @index: which item it was, in the order of submission, from 0 on
   * @value: (nullable): what the function gave; %NULL for a function without a result, and when it failed
   * @error: (nullable): why the item failed
   *
   * Emitted once for each item of a map that was started with [method@Ferry.Map.start]. The value comes from another
   * process: compare its type before taking it apart, unless this program has registered the function too. Nothing is
   * emitted after [method@Ferry.Map.cancel].
   *
   * Since: 0.1
   */
  signals[SIGNAL_RESULT] =
    g_signal_new ("result", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, ferry_marshal_VOID__UINT64_VARIANT_BOXED,
                  G_TYPE_NONE, 3, G_TYPE_UINT64, G_TYPE_VARIANT, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
  g_signal_set_va_marshaller (signals[SIGNAL_RESULT], type, ferry_marshal_VOID__UINT64_VARIANT_BOXEDv);
  /**
   * FerryMap::finished:
   * @self: the map
   *
   * Emitted once: all items came to their end and all results were taken; or the map was cancelled, and nothing of it
   * runs any more. It is the last signal of a map.
   *
   * Since: 0.1
   */
  signals[SIGNAL_FINISHED] =
    g_signal_new ("finished", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);
  g_signal_set_va_marshaller (signals[SIGNAL_FINISHED], type, g_cclosure_marshal_VOID__VOIDv);
}

/* ---- places ---- */

static FerryMapResult *
get_place (FerryMap *self, guint64 place)
{
  return &self->places[place & (self->n_places - 1)];
}

gboolean
ferry_map_has_result (FerryMap *self)
{
  return self->n_places > 0 && get_place (self, self->n_taken)->is_there;
}

/* Makes the ring long enough for a place. */
static void
need_place (FerryMap *self, guint64 place)
{
  FerryMapResult *old = self->places;
  gsize n_old = self->n_places;
  gsize n = MAX (n_old, FEWEST_PLACES);

  /* No worker has a say in it: what one answers was checked. */
  g_assert (place >= self->n_taken && place < self->n_submitted);
  while (place - self->n_taken >= n)
    n *= 2;
  if (n == n_old)
    return;
  self->places = g_new0 (FerryMapResult, n);
  self->n_places = n;
  for (guint64 i = self->n_taken; i < self->n_taken + n_old; i++)
    *get_place (self, i) = old[i & (n_old - 1)];
  g_free (old);
}

static void
result_clear (FerryMapResult *result)
{
  g_clear_pointer (&result->value, g_variant_unref);
  g_clear_error (&result->error);
  result->is_there = FALSE;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryMapResult, result_clear)

void
ferry_map_clear_results (FerryMap *self)
{
  for (gsize i = 0; i < self->n_places; i++)
    result_clear (&self->places[i]);
  g_clear_pointer (&self->places, g_free);
  self->n_places = 0;
}

/* The next result: there is one. */
static FerryMapResult
pop_result (FerryMap *self)
{
  FerryMapResult *place = get_place (self, self->n_taken);
  FerryMapResult result = *place;

  *place = (FerryMapResult){0};
  self->n_taken++;
  return result;
}

/* ---- giving ---- */

/* Gives what is there, in the way that was asked for. */
static void
deliver (FerryMap *self)
{
  if (self->delivering || self->mode == FERRY_MAP_MODE_NONE)
    return;
  if (self->mode == FERRY_MAP_MODE_TAKEN)
    {
      if (ferry_map_has_result (self))
        ferry_waiters_return (&self->waiters);
      return;
    }
  self->delivering = TRUE;
  while (ferry_map_has_result (self) && !ferry_map_is_dropped (self))
    {
      g_auto (FerryMapResult) result = pop_result (self);

      if (self->mode == FERRY_MAP_MODE_COLLECTED)
        ferry_map_collect_result (self, &result);
      else
        g_signal_emit (self, signals[SIGNAL_RESULT], 0, result.index, result.value, result.error);
    }
  self->delivering = FALSE;
}

void
ferry_map_take_result (FerryMap *self, guint64 index, GVariant *value, GError *error)
{
  guint64 place = self->order == FERRY_MAP_ORDERED ? index : self->n_come;

  self->n_come++;
  self->n_failed += error != NULL;
  need_place (self, place);
  *get_place (self, place) = (FerryMapResult){index, value, error, TRUE};
  deliver (self);
}

static gboolean
is_at_end (FerryMap *self)
{
  if (self->chunks.length > 0 || self->pumping || self->delivering)
    return FALSE;
  return self->cancelled || (self->input_ended && self->again.length == 0 && self->n_taken == self->n_submitted);
}

void
ferry_map_check_finished (FerryMap *self)
{
  if (self->finished || !is_at_end (self) || ferry_map_is_dropped (self))
    return;
  self->finished = TRUE;
  ferry_map_notify_figures (self);
  if (self->error != NULL)
    ferry_map_notify (self, FERRY_MAP_PROP_ERROR);
  ferry_map_notify (self, FERRY_MAP_PROP_FINISHED);
  g_signal_emit (self, signals[SIGNAL_FINISHED], 0);
  ferry_waiters_return (&self->waiters);
  ferry_map_finish_collecting (self);
}

/* Chooses the way in which results are given. One way for a map, for good. */
gboolean
ferry_map_choose_mode (FerryMap *self, FerryMapMode mode)
{
  if (self->mode == mode)
    return TRUE;
  if (self->mode != FERRY_MAP_MODE_NONE)
    {
      ferry_critical (
        "A map gives its results in one way: by FerryMap::result after ferry_map_start(), by ferry_map_next(), or "
        "by ferry_map_collect(); use one of them, or another map");
      return FALSE;
    }
  self->mode = mode;
  self->feeding = TRUE;
  deliver (self);
  ferry_map_pump (self);
  return TRUE;
}

/**
 * ferry_map_start:
 * @self: a map
 *
 * Starts the map, and has each result emitted as [signal@Ferry.Map::result] as soon as it is its turn. Connect the
 * signals first: a map without items is finished before this returns. For results that are asked for one by one, call
 * [method@Ferry.Map.next_async] instead; a map gives its results in one way only. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_start (FerryMap *self)
{
  g_autoptr (FerryMapHold) held G_GNUC_UNUSED = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_elsewhere (self->home);

  held = ferry_map_hold (self);
  ferry_map_choose_mode (self, FERRY_MAP_MODE_EMITTED);
}

/* ---- taking them one by one ---- */

static gboolean
has_news (gpointer data)
{
  FerryMap *self = data;

  return self->finished || ferry_map_has_result (self);
}

/* Why a map that is finished has no further result: FALSE without an error when it came to its end. */
static gboolean
set_end_error (FerryMap *self, GError **error)
{
  if (self->cancelled)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The map was cancelled; make another one");
  else if (self->error != NULL)
    g_propagate_error (error, ferry_error_copy (self->error));
  return FALSE;
}

/* There are news. */
static gboolean
take (FerryMap *self, guint64 *index, GVariant **value, GError **failure, GError **error)
{
  g_auto (FerryMapResult) result = {0};

  if (!ferry_map_has_result (self))
    return set_end_error (self, error);
  result = pop_result (self);
  if (index != NULL)
    *index = result.index;
  if (value != NULL)
    *value = g_steal_pointer (&result.value);
  if (failure != NULL)
    *failure = g_steal_pointer (&result.error);
  ferry_map_pump (self);
  return TRUE;
}

gboolean
ferry_map_gives_results (FerryMap *self)
{
  return self->mode == FERRY_MAP_MODE_TAKEN ? self->n_asked > 0 : self->mode != FERRY_MAP_MODE_NONE;
}

/* main */
gboolean
ferry_map_may_wait (FerryMap *self, GError **error)
{
  if (!ferry_iterate_check (ferry_pool_get_router (ferry_executor_get_pool (self->executor)), error))
    return FALSE;
  if (!self->delivering)
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                       "A handler cannot wait for what would come through the same loop; use the _async form");
  return FALSE;
}

/* main */
gboolean
ferry_map_wait (FerryMap *self, FerryCondition condition, gint64 timeout, GError **error)
{
  if (condition (self))
    return TRUE;
  if (!ferry_map_may_wait (self, error))
    return FALSE;
  if (ferry_iterate (ferry_pool_get_router (ferry_executor_get_pool (self->executor)), condition, self, timeout))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "The map over “%s” was not so far in time; wait longer%s",
               self->function, self->input_ended ? "" : ", or end its input, such as with ferry_map_close_input()");
  return FALSE;
}

/* Nothing that is there was asked for in vain: so outputs are set in any case. */
static void
clear_outputs (GVariant **value, GError **failure)
{
  if (value != NULL)
    *value = NULL;
  if (failure != NULL)
    *failure = NULL;
}

/**
 * ferry_map_next:
 * @self: a map
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @index: (out) (optional): where the item's index goes
 * @value: (out) (optional) (transfer full) (nullable): where the result goes; %NULL for a function without a result,
 *   and when the item failed
 * @failure: (out) (optional) (transfer full) (nullable): where the item's error goes
 * @error: return location for an error
 *
 * Takes the next result, and waits for it; the first call starts the map. While it waits, the router's main context is
 * iterated, so this is for tests and console programs; an application uses [method@Ferry.Map.next_async]. On the
 * router's thread.
 *
 * An item that failed is a result as well: this returns %TRUE then, with @failure set. At the end, it returns %FALSE
 * without an error.
 *
 * Fails with the error of the source, or that of an executor that takes nothing more, behind the last result; with
 * %G_IO_ERROR_CANCELLED when the map was cancelled; with %FERRY_ERROR_TIMED_OUT, with %FERRY_ERROR_BUSY in a callback
 * of its main context, with %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE when there is a result
 *
 * Since: 0.1
 */
gboolean
ferry_map_next (FerryMap *self, gint64 timeout, guint64 *index, GVariant **value, GError **failure, GError **error)
{
  g_autoptr (FerryMapHold) held G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  held = ferry_map_hold (self);
  clear_outputs (value, failure);
  return ferry_map_choose_mode (self, FERRY_MAP_MODE_TAKEN) && ferry_map_wait (self, has_news, timeout, error) &&
         take (self, index, value, failure, error);
}

/**
 * ferry_map_next_async:
 * @self: a map
 * @cancellable: (nullable): ends the waiting; the map goes on
 * @callback: (scope async) (closure user_data): called when there is a result, or the end
 * @user_data: data for @callback
 *
 * Waits for the next result; the first call starts the map. While nobody takes results, no more than
 * [property@Ferry.Map:max-in-flight] items are taken from the source. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_next_async (FerryMap *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) call = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->home);

  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_map_next_async);
  self->n_asked++;
  if (!ferry_map_choose_mode (self, FERRY_MAP_MODE_TAKEN))
    g_task_return_new_error (call, FERRY_ERROR, FERRY_ERROR_BUSY, "The map gives its results in another way");
  else if (has_news (self))
    g_task_return_boolean (call, TRUE);
  else
    ferry_waiters_add (&self->waiters, call);
}

/**
 * ferry_map_next_finish:
 * @self: a map
 * @result: what the callback was given
 * @index: (out) (optional): where the item's index goes
 * @value: (out) (optional) (transfer full) (nullable): where the result goes; %NULL for a function without a result,
 *   and when the item failed
 * @failure: (out) (optional) (transfer full) (nullable): where the item's error goes
 * @error: return location for an error
 *
 * Ends [method@Ferry.Map.next_async], as [method@Ferry.Map.next] does: at the end, it returns %FALSE without an error.
 * On the router's thread.
 *
 * Fails with %FERRY_ERROR_WRONG_THREAD; with the error of the source, or that of an executor that takes nothing more,
 * behind the last result; with %G_IO_ERROR_CANCELLED when the waiting or the map was cancelled, and with
 * %G_IO_ERROR_PENDING when another call took the result that this one waited for.
 *
 * Returns: %TRUE when there is a result
 *
 * Since: 0.1
 */
gboolean
ferry_map_next_finish (FerryMap *self, GAsyncResult *result, guint64 *index, GVariant **value, GError **failure,
                       GError **error)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_map_next_async), FALSE);

  clear_outputs (value, failure);
  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  self->n_asked--;
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  if (has_news (self))
    return take (self, index, value, failure, error);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                       "Another call took the result; wait for results one call at a time");
  return FALSE;
}
