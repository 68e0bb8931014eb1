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
  FERRY_MAP_INPUT_BY_HAND,
  FERRY_MAP_INPUT_CONTAINER,
  FERRY_MAP_INPUT_ARRAY,
  FERRY_MAP_INPUT_MODEL,
  FERRY_MAP_INPUT_SOURCE,
} FerryMapInputKind;

typedef enum
{
  FERRY_MAP_PULL_ITEM,
  FERRY_MAP_PULL_NOTHING, /* now; there may be more later */
  FERRY_MAP_PULL_END,
  FERRY_MAP_PULL_FAILED,
} FerryMapPull;

typedef struct
{
  FerryMapInputKind kind;
  gpointer from;  /* (owned) (nullable): GVariant, GPtrArray or GListModel */
  gsize position; /* of the next item in it */
  GQueue added;   /* (element-type GVariant) (owned); &no_arguments where there are none */
  gboolean closed;
  gulong handler; /* of the model's changes */
  FerryMapSource source;
  FerryMapArguments get_arguments;
  gpointer user_data;
  GDestroyNotify destroy;
} FerryMapInput;

void ferry_map_input_init (FerryMapInput *self);
void ferry_map_input_clear (FerryMapInput *self);
/* The next item. Calls the application's functions, which may do anything. */
FerryMapPull ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error);
/* How many items are left; G_MAXUINT64 when nobody knows. */
guint64 ferry_map_input_get_rest (const FerryMapInput *self);
void ferry_map_input_add (FerryMapInput *self, GVariant *arguments);

G_END_DECLS
