/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input of a map: what items are pulled from, a function or a list model. The router's thread. */

#pragma once

#include "task/ferry-map.h"

G_BEGIN_DECLS

/* All zero: there is none. */
typedef struct
{
  FerryMapSource source;           /* (nullable) */
  GListModel *model;               /* (owned) (nullable) */
  FerryMapArguments get_arguments; /* makes the arguments of an item of the model */
  gulong handler;                  /* the id of the handler of `items-changed` of the model */
  guint64 position;                /* how many items were pulled; in a model, the position of the next item */
  guint64 length;                  /* of an input without a model; G_MAXUINT64: not known */
  gpointer user_data;              /* of the functions */
  GDestroyNotify destroy;          /* (nullable) */
  gboolean ended;
} FerryMapInput;

/* Whether it was not set and not ended. */
gboolean ferry_map_input_is_fresh (const FerryMapInput *self);
void ferry_map_input_set_source (FerryMapInput *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy);
/* arguments: a container; floating or not. */
void ferry_map_input_set_arguments (FerryMapInput *self, GVariant *arguments);
void ferry_map_input_set_model (FerryMapInput *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                                GDestroyNotify destroy);
/* Pulls an item. Its arguments are (transfer full) (nullable). Returns FALSE at the end, and with an error. */
gboolean ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error);
/* Returns how many items there are that have not been pulled; G_MAXUINT64: not known. */
guint64 ferry_map_input_get_rest (const FerryMapInput *self);
/* Ends the input. Its functions may run, so their data stays until ferry_map_input_free_data(). */
void ferry_map_input_end (FerryMapInput *self);
void ferry_map_input_free_data (FerryMapInput *self);

G_END_DECLS
