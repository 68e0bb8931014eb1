/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes a task of items, and ends items by the answers of the task's worker.
 *
 * Trust: a worker's answers are counted and checked. It ends only items that it was asked for, and each once. */

#include "config.h"

#include "task/ferry-map-chunk-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-call-message-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-map-function-private.h"
#include "task/ferry-task-private.h"

/* Items of a longer type are put into boxes, which hold the type as a value. A chunk's own type is a little longer than
 * that of its items. */
#define LONGEST_TYPE (FERRY_MAX_CALL_TYPE - 16)

G_DEFINE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY_TYPE_TASK)

guint
ferry_map_chunk_get_place (FerryMapChunk *self)
{
  return self->attempt == ferry_task_get_n_attempts (FERRY_TASK (self)) ? self->n_answers : 0;
}

/* Whether an answer is that of the next item. It is not where a worker answers more items than it was asked for, or an
 * item that an earlier worker has answered and then claimed not to have begun. */
static gboolean
is_wanted (FerryMapChunk *self)
{
  guint place = ferry_map_chunk_get_place (self);

  /* The item of a plain chunk ends with its call. */
  if (self->is_plain)
    return FALSE;
  self->attempt = ferry_task_get_n_attempts (FERRY_TASK (self));
  self->n_answers = MIN (place + 1, self->n_items);
  return place == self->n_come && place < self->n_items;
}

/* Returns (transfer full) (nullable) the value of an item's answer, or sets its error. */
static GVariant *
read_answer (FerryMapChunk *self, const char *type, GVariant *value, GError **error)
{
  g_autofree char *trace = NULL;

  if (g_str_equal (type, FERRY_MAP_MESSAGE_ERROR))
    {
      *error = ferry_error_from_variant (value, &trace);
      if (trace != NULL)
        ferry_error_set_trace (*error, trace);
      return NULL;
    }
  if (g_str_equal (type, FERRY_MAP_MESSAGE_NOTHING))
    value = NULL;
  else if (!g_str_equal (type, FERRY_MAP_MESSAGE_VALUE))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                           "The worker answered an item in a way that is none; build application and worker with the "
                           "same version of Ferry");
      return NULL;
    }
  if (self->entry != NULL && !ferry_function_check_result (self->entry, value, error))
    return NULL;
  return value != NULL ? g_variant_ref (value) : NULL;
}

/* Under the reserved names the worker sends the items' answers, in order. */
static void
ferry_map_chunk_message (FerryTask *task, const char *type, GVariant *value)
{
  FerryMapChunk *self = FERRY_MAP_CHUNK (task);

  if (!FERRY_MAP_IS_RESERVED_MESSAGE (type))
    FERRY_TASK_CLASS (ferry_map_chunk_parent_class)->message (task, type, value);
  else if (self->map != NULL && is_wanted (self))
    {
      GError *error = NULL;
      GVariant *result = read_answer (self, type, value, &error);

      self->funcs->item_done (self->map, ferry_map_chunk_end_item (self), result, error);
    }
}

static void
ferry_map_chunk_done (FerryTask *task)
{
  FerryMapChunk *self = FERRY_MAP_CHUNK (task);

  if (self->map != NULL)
    self->funcs->done (self->map, self);
}

static void
ferry_map_chunk_class_init (FerryMapChunkClass *klass)
{
  FERRY_TASK_CLASS (klass)->message = ferry_map_chunk_message;
  FERRY_TASK_CLASS (klass)->done = ferry_map_chunk_done;
}

static void
ferry_map_chunk_init (FerryMapChunk *self)
{
}

/* Takes arguments (nullable), floating or not. */
static FerryMapChunk *
chunk_new (const FerryMapChunkPlan *plan, guint64 first, guint n_items, const char *function, GVariant *arguments)
{
  FerryMapChunk *self = g_object_new (FERRY_TYPE_MAP_CHUNK, NULL);

  self->funcs = plan->funcs;
  self->map = plan->map;
  self->entry = plan->entry;
  self->link.data = self;
  self->first = first;
  self->n_items = n_items;
  ferry_task_set_up (FERRY_TASK (self), FERRY_TASK_KIND_CALL, function, arguments);
  ferry_task_set_priority (FERRY_TASK (self), plan->priority);
  return self;
}

/* Takes items, which is floating. */
static FerryMapChunk *
chunk_new_of_array (const FerryMapChunkPlan *plan, guint64 first, GVariant *items, guint n_items)
{
  GVariant *const parts[] = {g_variant_new_string (plan->function), g_variant_new_int64 (plan->limit), items};
  FerryMapChunk *self =
    chunk_new (plan, first, n_items, FERRY_MAP_FUNCTION, g_variant_new_tuple (parts, G_N_ELEMENTS (parts)));
  char name[FERRY_FUNCTION_MAX_NAME + 48];

  /* Lists and errors show the name of the mapped function. */
  g_snprintf (name, sizeof name, "%s %" G_GUINT64_FORMAT "–%" G_GUINT64_FORMAT, plan->function, first,
              first + n_items - 1);
  ferry_task_set_name (FERRY_TASK (self), name);
  return self;
}

/* Whether all items have one type, which can be the array's. Values of the boxes' type would be taken for boxes. */
static gboolean
are_alike (GVariant *const *items, guint n_items)
{
  const GVariantType *type = items[0] != NULL ? g_variant_get_type (items[0]) : NULL;

  if (type == NULL || g_variant_type_equal (type, G_VARIANT_TYPE (FERRY_MAP_BOX_TYPE)) ||
      g_variant_type_get_string_length (type) > LONGEST_TYPE)
    return FALSE;
  for (guint i = 1; i < n_items; i++)
    if (items[i] == NULL || !g_variant_is_of_type (items[i], type))
      return FALSE;
  return TRUE;
}

static GVariant *
box_items (GVariant *const *items, guint n_items)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a" FERRY_MAP_BOX_TYPE));
  for (guint i = 0; i < n_items; i++)
    g_variant_builder_add_value (
      &builder,
      g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, items[i] != NULL ? g_variant_new_variant (items[i]) : NULL));
  return g_variant_builder_end (&builder);
}

FerryMapChunk *
ferry_map_chunk_new (const FerryMapChunkPlan *plan, guint64 first, GVariant *const *items, guint n_items)
{
  FerryMapChunk *self;
  GVariant *array;

  if (plan->plain)
    {
      self = chunk_new (plan, first, 1, plan->function, items[0]);
      self->is_plain = TRUE;
      if (plan->run_timeout > 0)
        ferry_task_set_run_timeout (FERRY_TASK (self), plan->run_timeout);
      return self;
    }
  if (are_alike (items, n_items))
    array = g_variant_new_array (g_variant_get_type (items[0]), items, n_items);
  else
    array = box_items (items, n_items);
  return chunk_new_of_array (plan, first, array, n_items);
}

FerryMapChunk *
ferry_map_chunk_new_part (const FerryMapChunkPlan *plan, guint64 first, GVariant *items, gsize begin, gsize end)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, g_variant_get_type (items));
  for (gsize i = begin; i < end; i++)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (items, i);

      g_variant_builder_add_value (&builder, item);
    }
  return chunk_new_of_array (plan, first, g_variant_builder_end (&builder), (guint) (end - begin));
}

guint64
ferry_map_chunk_end_item (FerryMapChunk *self)
{
  g_assert (self->n_come < self->n_items);
  return self->first + self->n_come++;
}

GVariant *
ferry_map_chunk_get_items (FerryMapChunk *self)
{
  return g_variant_get_child_value (ferry_task_get_arguments (FERRY_TASK (self)), 2);
}
