/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The type, what a map is told before it starts, and how it ends. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-heed-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-map-private.h"
#include "task/ferry-pool-private.h"

/**
 * FerryMap:
 *
 * A function applied to many items, in the workers of an executor.
 *
 * A map takes its items from a container ([method@Ferry.Map.set_arguments]), an array ([method@Ferry.Map.set_array]), a
 * list model ([method@Ferry.Map.set_model]) or a function of the application's ([method@Ferry.Map.set_source]); or
 * nothing of that is called, and they are added one by one ([method@Ferry.Map.add]). Any function that workers know can
 * be mapped, as it is. Its results come in one of three ways: as signals ([method@Ferry.Map.start]), one by one as they
 * are asked for ([method@Ferry.Map.next_async]), or as a list ([method@Ferry.Map.collect_async]); and either in the
 * order of the items or in that of their coming.
 *
 * ```c
 * g_autoptr (FerryMap) map = ferry_map_new (executor, "sha256", FERRY_MAP_ORDERED);
 * g_autoptr (GPtrArray) digests = NULL;
 *
 * ferry_map_set_arguments (map, g_variant_new_strv (paths, -1));
 * digests = ferry_map_collect (map, -1, &error);
 * ```
 *
 * Items are taken from the input when there is room for them, and no more than [property@Ferry.Map:max-in-flight] are
 * in flight at any time: those that run, that wait to be run, and whose results wait to be taken. So memory is bounded
 * however long the input is, however slow the first item or whoever takes the results.
 *
 * Workers get items in chunks, so that small ones do not cost a message each; see [property@Ferry.Map:chunk-size]. Each
 * item's result comes when the item is done, or a millisecond later, whatever the size of its chunk. An item that fails
 * is a result as well, and the rest goes on. A worker that dies costs the item that it was at, which fails with
 * %FERRY_ERROR_WORKER_LOST: the others of its chunk are run by another worker, and none is run twice. Where the
 * executor takes no tasks any more, or its pool cannot start workers, the items that were taken fail, no more are
 * taken, and [property@Ferry.Map:error] says why.
 *
 * The chunks are tasks of the executor: they have its order and priorities, and its list shows them.
 *
 * When the last reference goes, what runs is cancelled, and nothing is emitted any more. All of it is for the router's
 * thread. Handlers may do anything: cancel the map, add to it, drop the last reference.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryMap, ferry_map, G_TYPE_OBJECT)

static void
ferry_map_dispose (GObject *object)
{
  FerryMap *self = FERRY_MAP (object);

  self->cancelled = TRUE;
  ferry_timers_unset (ferry_pool_get_timers (ferry_executor_get_pool (self->executor)), &self->notify_timer);
  ferry_map_end_input (self);
  ferry_map_drop_chunks (self, TRUE);
  ferry_map_clear_results (self);

  G_OBJECT_CLASS (ferry_map_parent_class)->dispose (object);
}

static void
ferry_map_finalize (GObject *object)
{
  FerryMap *self = FERRY_MAP (object);

  g_assert (self->chunks.length == 0 && self->collector == NULL && self->adds.length == 0);
  g_clear_pointer (&self->batch, g_ptr_array_unref);
  g_clear_pointer (&self->collected, g_ptr_array_unref);
  g_clear_error (&self->collect_error);
  g_clear_error (&self->error);
  g_clear_object (&self->executor);
  g_clear_pointer (&self->home, ferry_home_unref);
  g_free (self->function);

  G_OBJECT_CLASS (ferry_map_parent_class)->finalize (object);
}

static void
ferry_map_constructed (GObject *object)
{
  FerryMap *self = FERRY_MAP (object);

  G_OBJECT_CLASS (ferry_map_parent_class)->constructed (object);

  self->entry = self->function != NULL ? ferry_function_find (self->function) : NULL;
}

static void
ferry_map_class_init (FerryMapClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_map_constructed;
  object_class->dispose = ferry_map_dispose;
  object_class->finalize = ferry_map_finalize;
  ferry_map_install_properties (object_class);
  ferry_map_install_signals (object_class);
}

static void
ferry_map_init (FerryMap *self)
{
  ferry_map_input_init (&self->input);
}

/**
 * ferry_map_new:
 * @executor: an executor; the map takes part in its order, with tasks of its own
 * @function: the name that the function is registered with in the workers
 * @order: in which order results come
 *
 * Makes a map without items. Any thread.
 *
 * Returns: (transfer full): a new map
 *
 * Since: 0.1
 */
FerryMap *
ferry_map_new (FerryExecutor *executor, const char *function, FerryMapOrder order)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (executor), NULL);
  g_return_val_if_fail (function != NULL && *function != '\0', NULL);

  return g_object_new (FERRY_TYPE_MAP, "executor", executor, "function", function, "order", order, NULL);
}

#define HAS_INPUT "the map has its input already, or was started; set the input of a new map"
#define NOT_BY_HAND "the map has an input, to which nothing is added; make a map without one"

/* Whether the input may still be chosen. */
static gboolean
is_fresh (FerryMap *self)
{
  return !self->feeding && !self->input_ended && self->input.kind == FERRY_MAP_INPUT_BY_HAND && !self->input.closed;
}

/**
 * ferry_map_set_arguments:
 * @self: a map that was not started, and has no input
 * @arguments: an array or a tuple, each of whose elements is the arguments of an item; a floating reference is sunk
 *
 * Sets what the function is applied to. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_arguments (FerryMap *self, GVariant *arguments)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (arguments != NULL && g_variant_is_container (arguments));
  ferry_return_if_elsewhere (self->home);

  self->input.kind = FERRY_MAP_INPUT_CONTAINER;
  self->input.from = g_variant_ref_sink (arguments);
}

/**
 * ferry_map_set_array:
 * @self: a map that was not started, and has no input
 * @arguments: (element-type GLib.Variant): the arguments of each item, or %NULL for none
 *
 * Sets what the function is applied to. The array must not change until the map is finished. The map takes over
 * elements that float, as g_variant_new_array() does: an array that frees its elements has to have sunk ones. On the
 * router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_array (FerryMap *self, GPtrArray *arguments)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (arguments != NULL);
  ferry_return_if_elsewhere (self->home);

  self->input.kind = FERRY_MAP_INPUT_ARRAY;
  self->input.from = g_ptr_array_ref (arguments);
}

/* What was reached stays where it is among the items. What comes before that is not mapped any more; what is put at
 * that place comes next, and a change around it begins there anew. */
static void
items_changed (GListModel *model, guint position, guint n_removed, guint n_added, gpointer data)
{
  FerryMapInput *input = data;
  gboolean is_put_there = n_removed == 0 && position == input->position;

  if (position + n_removed <= input->position && !is_put_there)
    input->position += (gsize) n_added - n_removed;
  else
    input->position = MIN (input->position, position);
}

/**
 * ferry_map_set_model:
 * @self: a map that was not started, and has no input
 * @model: a list
 * @func: (scope notified) (closure user_data) (destroy destroy): makes an item's arguments
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data, when the input has ended or the map goes
 *
 * Applies the function to the items of a list, from the first to the last. The list may change meanwhile: what is added
 * behind the item that was reached is mapped as well, as long as the end was not found. Indices count the items that
 * were submitted. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_model (FerryMap *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                     GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (G_IS_LIST_MODEL (model));
  g_return_if_fail (func != NULL);
  ferry_return_if_elsewhere (self->home);

  self->input.kind = FERRY_MAP_INPUT_MODEL;
  self->input.from = g_object_ref (model);
  self->input.get_arguments = func;
  self->input.user_data = user_data;
  self->input.destroy = destroy;
  self->input.handler = g_signal_connect (model, "items-changed", G_CALLBACK (items_changed), &self->input);
}

/**
 * ferry_map_set_source:
 * @self: a map that was not started, and has no input
 * @func: (scope notified) (closure user_data) (destroy destroy): gives the next item's arguments
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data, when the input has ended or the map goes
 *
 * Applies the function to what a function gives, until that gives %NULL. It is called only when there is room for one
 * item more. Where it fails, what it gave before still comes to its end, and the error is [property@Ferry.Map:error].
 * On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_source (FerryMap *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (func != NULL);
  ferry_return_if_elsewhere (self->home);

  self->input.kind = FERRY_MAP_INPUT_SOURCE;
  self->input.source = func;
  self->input.user_data = user_data;
  self->input.destroy = destroy;
}

/* ---- by hand ---- */

guint64
ferry_map_count_in_flight (FerryMap *self)
{
  return self->n_submitted - self->n_taken + self->input.added.length;
}

static gboolean
has_room (FerryMap *self)
{
  return ferry_map_count_in_flight (self) < ferry_map_get_bound (self);
}

/* Whether there will ever be room again. */
static gboolean
check_open (FerryMap *self, GError **error)
{
  if (self->cancelled)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The map was cancelled; make another one");
  else if (self->error != NULL)
    g_propagate_error (error, ferry_error_copy (self->error));
  else if (self->input.closed)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The map's input was closed; make another map");
  else
    return TRUE;
  return FALSE;
}

/* Whether one more item may be asked for. */
static gboolean
check_may_add (FerryMap *self, GError **error)
{
  if (!check_open (self, error))
    return FALSE;
  if (!self->closing)
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The map's input was closed; make another map");
  return FALSE;
}

static void
add (FerryMap *self, GVariant *arguments)
{
  self->feeding = TRUE;
  ferry_map_input_add (&self->input, arguments);
}

/* Adds an item if there is room for it, behind those that wait. */
static gboolean
try_add (FerryMap *self, GVariant *arguments, GError **error)
{
  if (!check_may_add (self, error))
    return FALSE;
  if (self->adds.length > 0 || !has_room (self))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
                   "The map has %" G_GUINT64_FORMAT " items in flight, and may have %" G_GUINT64_FORMAT
                   "; take results first, wait with ferry_map_add_waiting() or ferry_map_add_async(), or raise "
                   "FerryMap:max-in-flight",
                   ferry_map_count_in_flight (self), ferry_map_get_bound (self));
      return FALSE;
    }
  add (self, arguments);
  ferry_map_pump (self);
  return TRUE;
}

/**
 * ferry_map_add:
 * @self: a map without another input
 * @arguments: (nullable): the arguments of one more item; a floating reference is sunk
 * @error: return location for an error
 *
 * Adds an item, and has it run when there is a worker for it, whether the map was started or not. Its index is the
 * number of those that were added before. It never waits. On the router's thread.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK, and the item is not added, while [method@Ferry.Map.get_in_flight_limit] items
 * are in flight (128 a worker, unless [property@Ferry.Map:max-in-flight] says otherwise) and their results are not
 * taken: [method@Ferry.Map.add_waiting] and [method@Ferry.Map.add_async] wait for room. Fails with %FERRY_ERROR_CLOSED
 * after [method@Ferry.Map.close_input], %G_IO_ERROR_CANCELLED after [method@Ferry.Map.cancel], and with
 * [property@Ferry.Map:error] where there is one.
 *
 * Returns: %TRUE when the item was added
 *
 * Since: 0.1
 */
gboolean
ferry_map_add (FerryMap *self, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) kept G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  ferry_return_val_if_fail (self->input.kind == FERRY_MAP_INPUT_BY_HAND, FALSE, NOT_BY_HAND);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  return ferry_home_check_error (self->home, G_STRFUNC, error) && try_add (self, kept, error);
}

/* Whether a try is worth it: it adds, or says why never. */
static gboolean
is_worth_a_try (gpointer data)
{
  FerryMap *self = data;

  return !check_may_add (self, NULL) || (self->adds.length == 0 && has_room (self));
}

static gboolean
wait_for_room (FerryMap *self, gint64 timeout, GError **error)
{
  if (is_worth_a_try (self))
    return TRUE;
  if (ferry_map_gives_results (self))
    return ferry_map_wait (self, is_worth_a_try, timeout, error);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
               "The map has %" G_GUINT64_FORMAT " items in flight, as many as it may, and nothing takes results while "
               "this waits; call ferry_map_start() first, or take results with ferry_map_next()",
               ferry_map_count_in_flight (self));
  return FALSE;
}

/**
 * ferry_map_add_waiting:
 * @self: a map without another input
 * @arguments: (nullable): the arguments of one more item; a floating reference is sunk
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @error: return location for an error
 *
 * Adds an item, as [method@Ferry.Map.add] does, and waits while there is no room for it. Meanwhile results have to be
 * taken, since that is what makes room: call [method@Ferry.Map.start], or ask with [method@Ferry.Map.next_async] or
 * [method@Ferry.Map.collect_async], before. While it waits, the router's main context is iterated, so this is for tests
 * and console programs; an application uses [method@Ferry.Map.add_async]. On the router's thread.
 *
 * Fails as [method@Ferry.Map.add], but with %FERRY_ERROR_WOULD_BLOCK only where nothing takes results; with
 * %FERRY_ERROR_TIMED_OUT, with %FERRY_ERROR_BUSY in a callback of its main context, with %FERRY_ERROR_NOT_RUNNING and
 * %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE when the item was added
 *
 * Since: 0.1
 */
gboolean
ferry_map_add_waiting (FerryMap *self, GVariant *arguments, gint64 timeout, GError **error)
{
  g_autoptr (FerryMapHold) held G_GNUC_UNUSED = NULL;
  g_autoptr (GVariant) kept G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  ferry_return_val_if_fail (self->input.kind == FERRY_MAP_INPUT_BY_HAND, FALSE, NOT_BY_HAND);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  held = ferry_map_hold (self);
  return wait_for_room (self, timeout, error) && try_add (self, kept, error);
}

/* A call of add_async() that waits. */
typedef struct
{
  FerryMap *map;       /* (unowned): the call has it */
  GTask *call;         /* (owned) */
  GVariant *arguments; /* (owned) (nullable) */
  GSource *source;     /* (owned) (nullable): of the call's cancellable */
} MapAdd;

static void
map_add_free (MapAdd *self)
{
  ferry_stop_heeding (&self->source);
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_object_unref (self->call);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MapAdd, map_add_free)

static void
close_behind_adds (FerryMap *self)
{
  if (self->closing && self->adds.length == 0)
    self->input.closed = TRUE;
}

void
ferry_map_serve_adds (FerryMap *self)
{
  while (self->adds.length > 0)
    {
      g_autoptr (GError) refusal = NULL;
      g_autoptr (MapAdd) served = NULL;
      gboolean open = check_open (self, &refusal);

      if (open && !has_room (self))
        return;
      served = g_queue_pop_head (&self->adds);
      if (open)
        add (self, served->arguments);
      close_behind_adds (self);
      /* Its cancellable has no say any more. Callbacks may do anything. */
      ferry_stop_heeding (&served->source);
      if (open)
        g_task_return_boolean (served->call, TRUE);
      else
        g_task_return_error (served->call, g_steal_pointer (&refusal));
    }
}

static gboolean
add_cancelled (GCancellable *cancellable, gpointer data)
{
  g_autoptr (MapAdd) cancelled = data;
  g_autoptr (FerryMapHold) self = ferry_map_hold (cancelled->map);

  g_queue_remove (&self->adds, cancelled);
  close_behind_adds (self);
  g_task_return_error_if_cancelled (cancelled->call);
  ferry_map_pump (self);
  return G_SOURCE_REMOVE;
}

/**
 * ferry_map_add_async:
 * @self: a map without another input
 * @arguments: (nullable): the arguments of one more item; a floating reference is sunk
 * @cancellable: (nullable): ends the waiting, and the item is not added
 * @callback: (scope async) (closure user_data): called when the item was added
 * @user_data: data for @callback
 *
 * Adds an item, as [method@Ferry.Map.add] does, when there is room for it. Items are added in the order of the calls.
 * Those that wait for room are not bounded: ask for the next one in the callback. [method@Ferry.Map.close_input] closes
 * the input behind them. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_add_async (FerryMap *self, GVariant *arguments, GCancellable *cancellable, GAsyncReadyCallback callback,
                     gpointer user_data)
{
  g_autoptr (FerryMapHold) held G_GNUC_UNUSED = NULL;
  g_autoptr (GTask) call = NULL;
  g_autoptr (GError) refusal = NULL;
  MapAdd *waiting;

  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (self->input.kind == FERRY_MAP_INPUT_BY_HAND, NOT_BY_HAND);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->home);

  held = ferry_map_hold (self);
  waiting = g_new0 (MapAdd, 1);
  waiting->map = self;
  waiting->arguments = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  waiting->call = g_task_new (self, cancellable, callback, user_data);
  call = g_object_ref (waiting->call);
  g_task_set_source_tag (call, ferry_map_add_async);
  g_task_set_check_cancellable (call, FALSE);
  if (!check_may_add (self, &refusal) || g_cancellable_set_error_if_cancelled (cancellable, &refusal))
    {
      map_add_free (waiting);
      g_task_return_error (call, g_steal_pointer (&refusal));
      return;
    }
  if (cancellable != NULL)
    ferry_heed_cancellable (call, &waiting->source, "[ferry] stop waiting for room in a map", add_cancelled, waiting,
                            NULL);
  g_queue_push_tail (&self->adds, waiting);
  ferry_map_pump (self);
}

/**
 * ferry_map_add_finish:
 * @self: a map
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Map.add_async]. Fails as [method@Ferry.Map.add], but not with %FERRY_ERROR_WOULD_BLOCK; and with
 * %G_IO_ERROR_CANCELLED when the waiting was cancelled. The item was not added then. Any thread.
 *
 * Returns: %TRUE when the item was added
 *
 * Since: 0.1
 */
gboolean
ferry_map_add_finish (FerryMap *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_map_add_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_map_close_input:
 * @self: a map without another input
 *
 * Says that no more items will be added: the map is finished when the results of those that were are taken. What waits
 * in [method@Ferry.Map.add_async] is still added. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_close_input (FerryMap *self)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (self->input.kind == FERRY_MAP_INPUT_BY_HAND, NOT_BY_HAND);
  ferry_return_if_elsewhere (self->home);

  self->closing = TRUE;
  close_behind_adds (self);
  if (self->feeding)
    ferry_map_pump (self);
}

static void
cancel_asked (gpointer data)
{
  ferry_map_cancel (data);
}

/**
 * ferry_map_cancel:
 * @self: a map
 *
 * Cancels the map: nothing is taken from its input any more, results that nobody took are dropped, what waits is not
 * begun, and what runs is told to stop, as [method@Ferry.Task.cancel] does. When nothing of it runs any more,
 * [signal@Ferry.Map::finished] says so. Any thread may call this; on another than the router's, that thread is asked to
 * cancel the map.
 *
 * Since: 0.1
 */
void
ferry_map_cancel (FerryMap *self)
{
  g_autoptr (FerryMapHold) held G_GNUC_UNUSED = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));

  if (!ferry_home_is_own (self->home))
    {
      /* Relaxed: the context orders what comes before and after. */
      if (!atomic_exchange_explicit (&self->asked, TRUE, memory_order_relaxed))
        ferry_home_invoke (self->home, cancel_asked, g_object_ref (self), g_object_unref);
      return;
    }
  if (self->cancelled || self->finished)
    return;
  held = ferry_map_hold (self);
  self->cancelled = TRUE;
  ferry_map_end_input (self);
  ferry_map_clear_results (self);
  ferry_map_drop_chunks (self, FALSE);
  ferry_map_serve_adds (self);
  ferry_map_check_finished (self);
}
