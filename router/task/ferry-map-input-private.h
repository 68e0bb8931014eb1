/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input of a map: a container, a list model, or a function that returns items.
 *
 * Owner:   the map.
 * Threads: the router's thread. */

#pragma once

#include "task/ferry-map.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_MAP_INPUT_NONE,
  FERRY_MAP_INPUT_CONTAINER,
  FERRY_MAP_INPUT_MODEL,
  FERRY_MAP_INPUT_SOURCE,
} FerryMapInputKind;

/* A zeroed FerryMapInput has no items. The map reads all fields, and sets `kind` and the fields of that kind. */
typedef struct
{
  FerryMapInputKind kind;
  gpointer from;  /* (owned) (nullable): GVariant or GListModel */
  gsize position; /* the index of the next item in `from` */
  gboolean ended;
  gulong handler; /* the id of the handler of `items-changed` of a list model */
  FerryMapSource source;
  FerryMapArguments get_arguments;
  gpointer user_data;
  GDestroyNotify destroy;
} FerryMapInput;

/* Ends the input, and drops its references. */
void ferry_map_input_end (FerryMapInput *self);

/* Makes it the input of a list model. The map itself sets the fields of the other kinds. */
void ferry_map_input_set_model (FerryMapInput *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                                GDestroyNotify destroy);

/* Gives the next item. Its arguments are (transfer full) (nullable). Returns FALSE at the end, and with an error, which
 * must not be NULL. Calls functions of the application, which may call any function of the map. */
gboolean ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error);
/* Returns how many items are not pulled yet; G_MAXUINT64 when the number is not known. */
guint64 ferry_map_input_get_rest (const FerryMapInput *self);

G_END_DECLS
