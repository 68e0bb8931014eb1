/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/ferry-map-input-private.h"

typedef enum
{
  INPUT_MANUAL,
  INPUT_CONTAINER,
  INPUT_ARRAY,
  INPUT_MODEL,
  INPUT_SOURCE,
} Kind;

struct _FerryMapInput
{
  Kind kind;
  gpointer from;  /* (owned) (nullable): GVariant, GPtrArray or GListModel */
  gsize position; /* of the next item in it */
  GQueue added;   /* (element-type GVariant) (owned); &no_arguments where there are none */
  gboolean closed;
  gulong handler; /* of the model's changes */
  FerryMapSource source;
  FerryMapArguments get_arguments;
  gpointer user_data;
  GDestroyNotify destroy;
};

/* Stands in the queue for an item without arguments. */
static char no_arguments;

static void
free_added (gpointer arguments)
{
  if (arguments != &no_arguments)
    g_variant_unref (arguments);
}

FerryMapInput *
ferry_map_input_new (void)
{
  FerryMapInput *self = g_new0 (FerryMapInput, 1);

  g_queue_init (&self->added);
  return self;
}

void
ferry_map_input_free (FerryMapInput *self)
{
  ferry_map_input_end (self);
  g_free (self);
}

void
ferry_map_input_end (FerryMapInput *self)
{
  gpointer from = g_steal_pointer (&self->from);
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);

  self->closed = TRUE;
  g_queue_clear_full (&self->added, free_added);
  if (self->handler != 0)
    g_signal_handler_disconnect (from, self->handler);
  self->handler = 0;
  if (self->kind == INPUT_CONTAINER && from != NULL)
    g_variant_unref (from);
  else if (self->kind == INPUT_ARRAY && from != NULL)
    g_ptr_array_unref (from);
  else if (self->kind == INPUT_MODEL && from != NULL)
    g_object_unref (from);
  if (destroy != NULL)
    destroy (self->user_data);
}

void
ferry_map_input_set_container (FerryMapInput *self, GVariant *arguments)
{
  self->kind = INPUT_CONTAINER;
  self->from = g_variant_ref_sink (arguments);
}

void
ferry_map_input_set_array (FerryMapInput *self, GPtrArray *arguments)
{
  self->kind = INPUT_ARRAY;
  self->from = g_ptr_array_ref (arguments);
}

/* What was reached stays where it is among the items. What comes before that is not mapped any more; what is put at
 * that place comes next, and a change around it begins there anew. */
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
  self->kind = INPUT_MODEL;
  self->from = g_object_ref (model);
  self->get_arguments = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->handler = g_signal_connect (model, "items-changed", G_CALLBACK (items_changed), self);
}

void
ferry_map_input_set_source (FerryMapInput *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy)
{
  self->kind = INPUT_SOURCE;
  self->source = func;
  self->user_data = user_data;
  self->destroy = destroy;
}

gboolean
ferry_map_input_is_manual (const FerryMapInput *self)
{
  return self->kind == INPUT_MANUAL;
}

void
ferry_map_input_close (FerryMapInput *self)
{
  self->closed = TRUE;
}

gboolean
ferry_map_input_is_closed (const FerryMapInput *self)
{
  return self->closed;
}

guint
ferry_map_input_get_n_added (const FerryMapInput *self)
{
  return self->added.length;
}

guint64
ferry_map_input_get_rest (const FerryMapInput *self)
{
  gsize n = 0;

  if (self->from == NULL)
    return self->closed ? self->added.length : G_MAXUINT64;
  if (self->kind == INPUT_CONTAINER)
    n = g_variant_n_children (self->from);
  else if (self->kind == INPUT_ARRAY)
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
    case INPUT_MANUAL:
      return pull_added (self, arguments);
    case INPUT_MODEL:
      return pull_from_model (self, arguments);
    case INPUT_SOURCE:
      return pull_from_source (self, arguments, error);
    case INPUT_CONTAINER:
    case INPUT_ARRAY:
    default:
      break;
    }
  if (ferry_map_input_get_rest (self) == 0)
    return FERRY_MAP_PULL_END;
  if (self->kind == INPUT_CONTAINER)
    *arguments = g_variant_get_child_value (self->from, self->position);
  else
    *arguments = get_element (self->from, self->position);
  self->position++;
  return FERRY_MAP_PULL_ITEM;
}
