/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input of a map: a container, a list model, a function that returns items, or a manual input, to which the
 * application adds items.
 *
 * Owner:   the map.
 * Threads: the router's thread. */

#pragma once

#include "task/ferry-map.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_MAP_INPUT_MANUAL,
  FERRY_MAP_INPUT_CONTAINER,
  FERRY_MAP_INPUT_MODEL,
  FERRY_MAP_INPUT_SOURCE,
} FerryMapInputKind;

typedef enum
{
  FERRY_MAP_PULL_ITEM,
  FERRY_MAP_PULL_NOTHING, /* no item now, maybe later */
  FERRY_MAP_PULL_END,     /* or an error */
} FerryMapPull;

/* A zeroed FerryMapInput is a manual input. The map reads all fields. It sets `closed`, and for another kind of input
 * `kind` and the fields of that kind. */
typedef struct
{
  FerryMapInputKind kind;
  gpointer from;   /* (owned) (nullable): GVariant or GListModel */
  gsize position;  /* the index of the next item in `from` */
  GQueue added;    /* (element-type GVariant) (owned), each (nullable): added items, not pulled yet */
  gboolean closed; /* no more items are added, or the input has ended */
  gulong handler;  /* the id of the handler of `items-changed` of a list model */
  FerryMapSource source;
  FerryMapArguments get_arguments;
  gpointer user_data;
  GDestroyNotify destroy;
} FerryMapInput;

/* Ends the input, and drops its references and the items that are not pulled. */
void ferry_map_input_end (FerryMapInput *self);

/* Makes a manual input the input of a list model. The map itself sets the fields of the other kinds. */
void ferry_map_input_set_model (FerryMapInput *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                                GDestroyNotify destroy);

/* Returns the next item. Its arguments are (transfer full) (nullable). error must not be NULL. Calls functions of the
 * application, which may call any function of the map. */
FerryMapPull ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error);
/* Returns how many items are not pulled yet; G_MAXUINT64 when the number is not known. */
guint64 ferry_map_input_get_rest (const FerryMapInput *self);
void ferry_map_input_add (FerryMapInput *self, GVariant *arguments);

/* Drops a reference to the arguments or the result (nullable) of an item. */
void ferry_map_free_variant (gpointer arguments);

G_END_DECLS
