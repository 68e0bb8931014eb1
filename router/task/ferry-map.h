/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "task/ferry-executor.h"
#include "task/ferry-map-item.h"

G_BEGIN_DECLS

/**
 * FerryMapOrder:
 * @FERRY_MAP_ORDERED: The order of the items: a result waits for the results of all earlier items.
 * @FERRY_MAP_UNORDERED: The order in which the results arrive.
 *
 * The order in which a map returns its results.
 */
typedef enum
{
  FERRY_MAP_ORDERED,
  FERRY_MAP_UNORDERED,
} FerryMapOrder;

/**
 * FerryMapOutcome:
 * @FERRY_MAP_OUTCOME_NONE: The map is not finished.
 * @FERRY_MAP_OUTCOME_COMPLETE: The input was read to its end, and all items have ended; at least one of them did not
 *   fail, or there was none.
 * @FERRY_MAP_OUTCOME_CANCELLED: The map was cancelled.
 * @FERRY_MAP_OUTCOME_FAILED: The map has an error (see [property@Ferry.Map:error]), or every item failed.
 *
 * How a map finished.
 */
typedef enum
{
  FERRY_MAP_OUTCOME_NONE,
  FERRY_MAP_OUTCOME_COMPLETE,
  FERRY_MAP_OUTCOME_CANCELLED,
  FERRY_MAP_OUTCOME_FAILED,
} FerryMapOutcome;

/**
 * FerryMapSource:
 * @user_data: the data that was set with the function
 * @error: return location for an error
 *
 * The type of a function that returns the arguments of a map's next item. It is called on the router's thread, and only
 * when the map can submit another item.
 *
 * Returns: (transfer full) (nullable): the arguments, floating or not; %NULL at the end, or with @error set after a
 *   failure
 */
typedef GVariant *(*FerryMapSource) (gpointer user_data, GError **error);

/**
 * FerryMapArguments:
 * @item: (transfer none): an item of the list
 * @user_data: the data that was set with the function
 * @error: return location for an error
 *
 * The type of a function that makes the arguments for an item of a list. It is called on the router's thread, and only
 * when the map can submit another item.
 *
 * Returns: (transfer full) (nullable): the arguments, floating or not; %NULL for none, or with @error set after a
 *   failure, with which the map fails
 */
typedef GVariant *(*FerryMapArguments) (GObject *item, gpointer user_data, GError **error);

#define FERRY_TYPE_MAP (ferry_map_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryMap, ferry_map, FERRY, MAP, GObject)

FERRY_AVAILABLE_IN_0_1
FerryMap *ferry_map_new (FerryExecutor *executor, const char *function, FerryMapOrder order) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
void ferry_map_set_arguments (FerryMap *self, GVariant *arguments);
FERRY_AVAILABLE_IN_0_1
void ferry_map_set_model (FerryMap *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                          GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_map_set_source (FerryMap *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy);

FERRY_AVAILABLE_IN_0_1
void ferry_map_start (FerryMap *self);
FERRY_AVAILABLE_IN_0_1
void ferry_map_cancel (FerryMap *self);
FERRY_AVAILABLE_IN_0_1
void ferry_map_set_paused (FerryMap *self, gboolean paused);

FERRY_AVAILABLE_IN_0_1
void ferry_map_next_async (FerryMap *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
FerryMapItem *ferry_map_next_finish (FerryMap *self, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
GListModel *ferry_map_collect (FerryMap *self, gint64 timeout, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_map_collect_async (FerryMap *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GListModel *ferry_map_collect_finish (FerryMap *self, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
GListModel *ferry_map_get_results (FerryMap *self);
FERRY_AVAILABLE_IN_0_1
FerryMapOutcome ferry_map_get_outcome (FerryMap *self);

FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_task_new_for_map (FerryMap *map, const char *name, const char *unit) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
