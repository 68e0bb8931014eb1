/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input of a map: a container, an array, a list model or a function. In a manual input, the application adds items.
 *
 * Owner:   the map.
 * Threads: the router's. */

#pragma once

#include "task/ferry-map.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_MAP_INPUT_MANUAL,
  FERRY_MAP_INPUT_CONTAINER,
  FERRY_MAP_INPUT_ARRAY,
  FERRY_MAP_INPUT_MODEL,
  FERRY_MAP_INPUT_SOURCE,
} FerryMapInputKind;

typedef enum
{
  FERRY_MAP_PULL_ITEM,
  FERRY_MAP_PULL_NOTHING, /* no item now, maybe later */
  FERRY_MAP_PULL_END,
  FERRY_MAP_PULL_FAILED,
} FerryMapPull;

/* A zeroed one is manual. The map reads the fields, and sets closed, and those of its kind of input. */
typedef struct
{
  FerryMapInputKind kind;
  gpointer from;   /* (owned) (nullable): GVariant, GPtrArray or GListModel */
  gsize position;  /* of the next item in it */
  GQueue added;    /* (element-type GVariant) (owned): not pulled yet; see ferry_map_input_add() */
  gboolean closed; /* no more items are added, or the input has ended */
  gulong handler;  /* of the model's changes */
  FerryMapSource source;
  FerryMapArguments get_arguments;
  gpointer user_data;
  GDestroyNotify destroy;
} FerryMapInput;

/* Ends the input, and releases what it was made of. */
void ferry_map_input_end (FerryMapInput *self);

/* Turns a manual input into that of a list. The map sets the fields of the other kinds. */
void ferry_map_input_set_model (FerryMapInput *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                                GDestroyNotify destroy);
void ferry_map_input_set_source (FerryMapInput *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy);

/* Returns the next item. Calls the application's functions, which may do anything. */
FerryMapPull ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error);
/* How many items are left; G_MAXUINT64 where that is not known. */
guint64 ferry_map_input_get_rest (const FerryMapInput *self);
void ferry_map_input_add (FerryMapInput *self, GVariant *arguments);

G_END_DECLS
