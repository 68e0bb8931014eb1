/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/ferry-map-chunk-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-call-message-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-map-function-private.h"
#include "task/ferry-task-private.h"

/* Arguments with a longer type are put into boxes, where it is a value: a chunk's type is a little longer than its
 * items'. */
#define LONGEST_TYPE (FERRY_MAX_CALL_TYPE - 16)

G_DEFINE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY_TYPE_TASK)

guint
ferry_map_chunk_get_place (FerryMapChunk *self)
{
  return self->attempt == ferry_task_get_n_attempts (FERRY_TASK (self)) ? self->n_answers : 0;
}

/* Whether an answer is that of the next item. Not one of a worker that says more than it was asked; nor one of an item
 * that another worker has answered, which then said that it had not begun. */
static gboolean
is_wanted (FerryMapChunk *self)
{
  guint place = ferry_map_chunk_get_place (self);

  /* The one item of a plain chunk is answered by the end of its call. */
  if (self->is_plain)
    return FALSE;
  self->attempt = ferry_task_get_n_attempts (FERRY_TASK (self));
  self->n_answers = MIN (place + 1, self->n_items);
  return place == self->n_come && place < self->n_items;
}

/* What an item's answer says: its value, or its error. */
static GVariant *
read_answer (FerryMap *map, const char *type, GVariant *value, GError **error)
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
  if (map->entry != NULL && !ferry_function_check_result (map->entry, value, error))
    return NULL;
  return value != NULL ? g_variant_ref (value) : NULL;
}

/* The worker sends the items' answers in order, and nothing else under these names. */
static void
take_answer (FerryMapChunk *self, const char *type, GVariant *value)
{
  g_autoptr (FerryMapHold) map = NULL;
  guint64 index = self->first + self->n_come;
  GError *error = NULL;
  GVariant *result;

  if (!is_wanted (self))
    return;
  map = ferry_map_hold (self->map);
  self->n_come++;
  result = read_answer (map, type, value, &error);
  ferry_map_take_result (map, index, result, error);
}

static void
ferry_map_chunk_message (FerryTask *task, const char *type, GVariant *value)
{
  FerryMapChunk *self = FERRY_MAP_CHUNK (task);

  if (!FERRY_MAP_IS_RESERVED_MESSAGE (type))
    FERRY_TASK_CLASS (ferry_map_chunk_parent_class)->message (task, type, value);
  else if (self->map != NULL && !self->map->cancelled)
    take_answer (self, type, value);
}

/* The end of a task that is the one item's call. */
static void
take_plain_result (FerryMap *map, FerryMapChunk *self, GVariant *result)
{
  self->n_come++;
  ferry_map_take_result (map, self->first, result != NULL ? g_variant_ref (result) : NULL, NULL);
  ferry_map_chunk_completed (map, self, -1);
}

static void
ferry_map_chunk_done (FerryTask *task)
{
  FerryMapChunk *self = FERRY_MAP_CHUNK (task);
  g_autoptr (FerryMapHold) map = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  if (self->map == NULL)
    return;
  map = ferry_map_hold (self->map);
  result = ferry_task_get_result (task, &error);
  if (error != NULL)
    ferry_map_chunk_failed (map, self, error);
  else if (self->is_plain)
    take_plain_result (map, self, result);
  else if (result != NULL && g_variant_is_of_type (result, G_VARIANT_TYPE_INT64))
    ferry_map_chunk_completed (map, self, g_variant_get_int64 (result));
  else
    ferry_map_chunk_completed (map, self, -1);
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

/* Takes arguments, floating or not, which may be NULL. */
static FerryMapChunk *
chunk_new (FerryMap *map, guint64 first, guint n_items, const char *function, GVariant *arguments)
{
  FerryMapChunk *self = g_object_new (FERRY_TYPE_MAP_CHUNK, NULL);

  self->map = map;
  self->link.data = self;
  self->first = first;
  self->n_items = n_items;
  ferry_task_set_up (FERRY_TASK (self), FERRY_TASK_KIND_CALL, function, arguments);
  ferry_task_set_priority (FERRY_TASK (self), map->priority);
  return self;
}

/* Takes items, which is floating. */
static FerryMapChunk *
chunk_new_of_array (FerryMap *map, guint64 first, GVariant *items, guint n_items, gint64 limit)
{
  GVariant *const parts[] = {g_variant_new_string (map->function), g_variant_new_int64 (limit), items};
  FerryMapChunk *self =
    chunk_new (map, first, n_items, FERRY_MAP_FUNCTION, g_variant_new_tuple (parts, G_N_ELEMENTS (parts)));
  char name[FERRY_FUNCTION_MAX_NAME + 48];

  /* Lists and errors speak of what is mapped. */
  g_snprintf (name, sizeof name, "%s %" G_GUINT64_FORMAT "–%" G_GUINT64_FORMAT, map->function, first,
              first + n_items - 1);
  ferry_task_set_name (FERRY_TASK (self), name);
  return self;
}

/* Whether one type says it all. A type that is that of boxes would be taken for one. */
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
ferry_map_chunk_new (FerryMap *map, guint64 first, GVariant *const *items, guint n_items, gint64 limit)
{
  FerryMapChunk *self;
  GVariant *array;

  if (ferry_map_get_fixed_size (map) == 1)
    {
      self = chunk_new (map, first, 1, map->function, items[0]);
      self->is_plain = TRUE;
      if (map->run_timeout > 0)
        ferry_task_set_run_timeout (FERRY_TASK (self), map->run_timeout);
      return self;
    }
  if (are_alike (items, n_items))
    array = g_variant_new_array (g_variant_get_type (items[0]), items, n_items);
  else
    array = box_items (items, n_items);
  return chunk_new_of_array (map, first, array, n_items, limit);
}

GVariant *
ferry_map_chunk_get_items (FerryMapChunk *self)
{
  return g_variant_get_child_value (ferry_task_get_arguments (FERRY_TASK (self)), 2);
}

FerryMapChunk *
ferry_map_chunk_new_part (FerryMap *map, guint64 first, GVariant *items, gsize begin, gsize end, gint64 limit)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, g_variant_get_type (items));
  for (gsize i = begin; i < end; i++)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (items, i);

      g_variant_builder_add_value (&builder, item);
    }
  return chunk_new_of_array (map, first, g_variant_builder_end (&builder), (guint) (end - begin), limit);
}
