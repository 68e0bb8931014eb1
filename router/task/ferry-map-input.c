/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a map's items are pulled from: a function, or a list model. A container is a function that iterates it. */

#include "config.h"

#include "task/ferry-map-input-private.h"

gboolean
ferry_map_input_is_fresh (const FerryMapInput *self)
{
  return !self->ended && self->source == NULL && self->model == NULL;
}

void
ferry_map_input_set_source (FerryMapInput *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy)
{
  *self = (FerryMapInput){.source = func, .user_data = user_data, .destroy = destroy, .length = G_MAXUINT64};
}

static GVariant *
next_child (gpointer iter, GError **error)
{
  return g_variant_iter_next_value (iter);
}

void
ferry_map_input_set_arguments (FerryMapInput *self, GVariant *arguments)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (arguments);

  ferry_map_input_set_source (self, next_child, g_variant_iter_new (owned), (GDestroyNotify) g_variant_iter_free);
  self->length = g_variant_n_children (owned);
}

/* Moves the position so that the next item is the same item as before the change. Items that are inserted before that
 * item are not mapped, but items that are inserted directly at the position come next. If the change removes that item,
 * the position becomes the begin of the change. */
static void
items_changed (GListModel *model, guint position, guint n_removed, guint n_added, gpointer data)
{
  FerryMapInput *self = data;
  gboolean is_put_there = n_removed == 0 && position == self->position;

  if (position + n_removed <= self->position && !is_put_there)
    self->position += (guint64) n_added - n_removed;
  else
    self->position = MIN (self->position, position);
}

void
ferry_map_input_set_model (FerryMapInput *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                           GDestroyNotify destroy)
{
  *self =
    (FerryMapInput){.model = g_object_ref (model), .get_arguments = func, .user_data = user_data, .destroy = destroy};
  self->handler = g_signal_connect (model, "items-changed", G_CALLBACK (items_changed), self);
}

/* Reads the next item, as ferry_map_input_pull(). error must not be NULL. */
static gboolean
read_item (FerryMapInput *self, GVariant **arguments, GError **error)
{
  g_autoptr (GObject) item = self->model != NULL ? g_list_model_get_item (self->model, (guint) self->position) : NULL;
  g_autoptr (GVariant) read = NULL;
  GVariant *given = NULL;

  self->position++;
  if (self->source != NULL)
    given = self->source (self->user_data, error);
  else if (item != NULL)
    given = self->get_arguments (item, self->user_data, error);
  read = given != NULL ? g_variant_take_ref (given) : NULL;
  if (*error != NULL || (read == NULL && item == NULL))
    return FALSE;
  *arguments = g_steal_pointer (&read);
  return TRUE;
}

gboolean
ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error)
{
  g_autoptr (GError) failure = NULL;

  if (read_item (self, arguments, &failure))
    return TRUE;
  /* A function of the input may have ended it. */
  if (self->ended)
    return FALSE;
  ferry_map_input_end (self);
  if (failure == NULL)
    self->length = 0;
  else
    g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

guint64
ferry_map_input_get_rest (const FerryMapInput *self)
{
  guint64 length = self->model != NULL ? g_list_model_get_n_items (self->model) : self->length;

  if (length == G_MAXUINT64)
    return length;
  return length > self->position ? length - self->position : 0;
}

void
ferry_map_input_end (FerryMapInput *self)
{
  if (!self->ended)
    {
      self->length = ferry_map_input_get_rest (self);
      self->position = 0;
    }
  self->ended = TRUE;
  if (self->model != NULL)
    g_clear_signal_handler (&self->handler, self->model);
  g_clear_object (&self->model);
}

void
ferry_map_input_free_data (FerryMapInput *self)
{
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);

  if (destroy != NULL)
    destroy (self->user_data);
}
