/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input of a map: a container, a list model, or a function that returns items. See ferry-map-input-private.h. */

#include "config.h"

#include "task/ferry-map-input-private.h"

void
ferry_map_input_end (FerryMapInput *self)
{
  gpointer from = g_steal_pointer (&self->from);
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);

  self->ended = TRUE;
  if (self->handler != 0)
    g_signal_handler_disconnect (from, self->handler);
  self->handler = 0;
  if (self->kind == FERRY_MAP_INPUT_CONTAINER)
    g_clear_pointer (&from, g_variant_unref);
  else
    g_clear_object (&from);
  if (destroy != NULL)
    destroy (self->user_data);
}

/* Moves the position so that the next item is the same item as before the change. Items that are inserted before that
 * item are not mapped, but items that are inserted directly at the position come next. If the change removes that item,
 * the position becomes the begin of the change. */
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

void
ferry_map_input_set_model (FerryMapInput *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                           GDestroyNotify destroy)
{
  self->kind = FERRY_MAP_INPUT_MODEL;
  self->from = g_object_ref (model);
  self->get_arguments = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->handler = g_signal_connect (model, "items-changed", G_CALLBACK (items_changed), self);
}

guint64
ferry_map_input_get_rest (const FerryMapInput *self)
{
  gsize n = 0;

  if (self->from == NULL)
    return self->kind == FERRY_MAP_INPUT_SOURCE && !self->ended ? G_MAXUINT64 : 0;
  if (self->kind == FERRY_MAP_INPUT_CONTAINER)
    n = g_variant_n_children (self->from);
  else
    n = g_list_model_get_n_items (self->from);
  return n > self->position ? n - self->position : 0;
}

static gboolean
pull_from_model (FerryMapInput *self, GVariant **arguments)
{
  g_autoptr (GObject) item = g_list_model_get_item (self->from, (guint) self->position);
  GVariant *made;

  if (item == NULL)
    return FALSE;
  self->position++;
  made = self->get_arguments (item, self->user_data);
  *arguments = made != NULL ? g_variant_take_ref (made) : NULL;
  return TRUE;
}

static gboolean
pull_from_source (FerryMapInput *self, GVariant **arguments, GError **error)
{
  GVariant *next = self->source (self->user_data, error);
  g_autoptr (GVariant) owned = next != NULL ? g_variant_take_ref (next) : NULL;

  if (owned == NULL || *error != NULL)
    return FALSE;
  *arguments = g_steal_pointer (&owned);
  return TRUE;
}

gboolean
ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error)
{
  *arguments = NULL;
  if (self->kind == FERRY_MAP_INPUT_MODEL)
    return pull_from_model (self, arguments);
  if (self->kind == FERRY_MAP_INPUT_SOURCE)
    return pull_from_source (self, arguments, error);
  if (ferry_map_input_get_rest (self) == 0)
    return FALSE;
  *arguments = g_variant_get_child_value (self->from, self->position++);
  return TRUE;
}
