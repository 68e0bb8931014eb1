/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/ferry-map-input-private.h"

/* Stands in the queue for an item without arguments. */
static char no_arguments;

static void
free_added (gpointer arguments)
{
  if (arguments != &no_arguments)
    g_variant_unref (arguments);
}

void
ferry_map_input_init (FerryMapInput *self)
{
  *self = (FerryMapInput){.kind = FERRY_MAP_INPUT_BY_HAND};
  g_queue_init (&self->added);
}

/* Ends the input: nothing that it was made of is used after that. */
void
ferry_map_input_clear (FerryMapInput *self)
{
  gpointer from = g_steal_pointer (&self->from);
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);

  self->closed = TRUE;
  g_queue_clear_full (&self->added, free_added);
  if (self->handler != 0)
    g_signal_handler_disconnect (from, self->handler);
  self->handler = 0;
  if (self->kind == FERRY_MAP_INPUT_CONTAINER && from != NULL)
    g_variant_unref (from);
  else if (self->kind == FERRY_MAP_INPUT_ARRAY && from != NULL)
    g_ptr_array_unref (from);
  else if (self->kind == FERRY_MAP_INPUT_MODEL && from != NULL)
    g_object_unref (from);
  if (destroy != NULL)
    destroy (self->user_data);
}

guint64
ferry_map_input_get_rest (const FerryMapInput *self)
{
  gsize n = 0;

  if (self->from == NULL)
    return self->closed ? self->added.length : G_MAXUINT64;
  if (self->kind == FERRY_MAP_INPUT_CONTAINER)
    n = g_variant_n_children (self->from);
  else if (self->kind == FERRY_MAP_INPUT_ARRAY)
    n = ((GPtrArray *) self->from)->len;
  else
    n = g_list_model_get_n_items (self->from);
  return n > self->position ? n - self->position : 0;
}

void
ferry_map_input_add (FerryMapInput *self, GVariant *arguments)
{
  g_queue_push_tail (&self->added, arguments != NULL ? (gpointer) g_variant_ref_sink (arguments) : &no_arguments);
}

static FerryMapPull
pull_added (FerryMapInput *self, GVariant **arguments)
{
  gpointer added = g_queue_pop_head (&self->added);

  if (added == NULL)
    return self->closed ? FERRY_MAP_PULL_END : FERRY_MAP_PULL_NOTHING;
  *arguments = added != &no_arguments ? added : NULL;
  return FERRY_MAP_PULL_ITEM;
}

static FerryMapPull
pull_from_model (FerryMapInput *self, GVariant **arguments)
{
  g_autoptr (GObject) item = g_list_model_get_item (self->from, (guint) self->position);

  if (item == NULL)
    return FERRY_MAP_PULL_END;
  self->position++;
  *arguments = g_variant_take_ref (self->get_arguments (item, self->user_data));
  return FERRY_MAP_PULL_ITEM;
}

static FerryMapPull
pull_from_source (FerryMapInput *self, GVariant **arguments, GError **error)
{
  GError *failure = NULL;
  GVariant *next = self->source (self->user_data, &failure);

  if (next != NULL)
    *arguments = g_variant_take_ref (next);
  if (failure != NULL)
    g_clear_pointer (arguments, g_variant_unref);
  if (failure == NULL)
    return next != NULL ? FERRY_MAP_PULL_ITEM : FERRY_MAP_PULL_END;
  g_propagate_error (error, failure);
  return FERRY_MAP_PULL_FAILED;
}

static GVariant *
get_element (GPtrArray *elements, gsize i)
{
  GVariant *element = g_ptr_array_index (elements, i);

  return element != NULL ? g_variant_ref_sink (element) : NULL;
}

FerryMapPull
ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error)
{
  *arguments = NULL;
  switch (self->kind)
    {
    case FERRY_MAP_INPUT_BY_HAND:
      return pull_added (self, arguments);
    case FERRY_MAP_INPUT_MODEL:
      return pull_from_model (self, arguments);
    case FERRY_MAP_INPUT_SOURCE:
      return pull_from_source (self, arguments, error);
    case FERRY_MAP_INPUT_CONTAINER:
    case FERRY_MAP_INPUT_ARRAY:
    default:
      break;
    }
  if (ferry_map_input_get_rest (self) == 0)
    return FERRY_MAP_PULL_END;
  if (self->kind == FERRY_MAP_INPUT_CONTAINER)
    *arguments = g_variant_get_child_value (self->from, self->position);
  else
    *arguments = get_element (self->from, self->position);
  self->position++;
  return FERRY_MAP_PULL_ITEM;
}
