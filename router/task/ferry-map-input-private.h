/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a map's items come from: a container, an array, a list model, a function, or somebody who adds them.
 *
 * Owner:   the map.
 * Threads: the router's. */

#pragma once

#include "task/ferry-map.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_MAP_PULL_ITEM,
  FERRY_MAP_PULL_NOTHING, /* now; there may be more later */
  FERRY_MAP_PULL_END,
  FERRY_MAP_PULL_FAILED,
} FerryMapPull;

typedef struct _FerryMapInput FerryMapInput;

/* By hand, as long as nothing else is set. */
FerryMapInput *ferry_map_input_new (void);
void ferry_map_input_free (FerryMapInput *self);
/* Ends the input: nothing that it was made of is used after that. */
void ferry_map_input_end (FerryMapInput *self);

/* For an input manually; takes a reference, and sinks what floats. */
void ferry_map_input_set_container (FerryMapInput *self, GVariant *arguments);
void ferry_map_input_set_array (FerryMapInput *self, GPtrArray *arguments);
void ferry_map_input_set_model (FerryMapInput *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                                GDestroyNotify destroy);
void ferry_map_input_set_source (FerryMapInput *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy);

gboolean ferry_map_input_is_manual (const FerryMapInput *self);
/* Nothing more will be added manually; or the input has ended. */
void ferry_map_input_close (FerryMapInput *self);
gboolean ferry_map_input_is_closed (const FerryMapInput *self);
/* The next item. Calls the application's functions, which may do anything. */
FerryMapPull ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error);
/* How many items are left; G_MAXUINT64 when nobody knows. */
guint64 ferry_map_input_get_rest (const FerryMapInput *self);
void ferry_map_input_add (FerryMapInput *self, GVariant *arguments);
/* How many items were added and not pulled. */
guint ferry_map_input_get_n_added (const FerryMapInput *self);

G_END_DECLS
