/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A chunk of a map's items on its way, and the answers of its worker.
 *
 * Threads: the router's.
 * Trust:   a worker's answers are counted and checked. An answer can end only an item of the worker's own chunk, and
 *          each item once. */

#include "config.h"

#include "task/ferry-map-chunk-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "job/ferry-map-function-private.h"
#include "task/ferry-task-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"

/* A longer string is no name. */
#define LONGEST_NAME 1024

G_DEFINE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY_TYPE_TASK)

static FerryMapChunk *
chunk_new (FerryMap *map, guint64 first, guint n_items, const char *function, GVariant *arguments)
{
  FerryMapChunk *self = g_object_new (FERRY_TYPE_MAP_CHUNK, NULL);

  self->map = map;
  self->link.data = self;
  self->first = first;
  self->n_items = n_items;
  ferry_task_set_up (FERRY_TASK (self), FERRY_TASK_KIND_CALL, function, arguments);
  return self;
}

FerryMapChunk *
ferry_map_chunk_new (FerryMap *map, const char *function, gint64 limit, guint64 first, GVariant *items, guint n_items)
{
  GVariant *const parts[] = {g_variant_new_string (function), g_variant_new_int64 (limit), items};
  FerryMapChunk *self =
    chunk_new (map, first, n_items, FERRY_MAP_FUNCTION, g_variant_new_tuple (parts, G_N_ELEMENTS (parts)));
  char name[FERRY_FUNCTION_MAX_NAME + 48];

  /* The name of the task, for lists and errors: the mapped function and the range of items. */
  g_snprintf (name, sizeof name, "%s %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, function, first, first + n_items - 1);
  ferry_task_set_name (FERRY_TASK (self), name);
  return self;
}

FerryMapChunk *
ferry_map_chunk_new_plain (FerryMap *map, const char *function, guint64 first, GVariant *arguments)
{
  FerryMapChunk *self = chunk_new (map, first, 1, function, arguments);

  self->is_plain = TRUE;
  return self;
}

static const FerryRun *
get_run (FerryMapChunk *self)
{
  return ferry_task_get_run (FERRY_TASK (self));
}

/* Returns (transfer full) (nullable) the arguments of an item. */
static GVariant *
dup_item (FerryMapChunk *self, guint place)
{
  GVariant *arguments = get_run (self)->arguments;
  g_autoptr (GVariant) items = NULL;

  if (self->is_plain)
    return arguments != NULL ? g_variant_ref (arguments) : NULL;
  items = g_variant_get_child_value (arguments, 2);
  return ferry_map_get_item (items, place);
}

char *
ferry_map_chunk_dup_item_name (FerryMapChunk *self, guint place)
{
  g_autoptr (GVariant) item = dup_item (self, place);
  g_autofree char *name = NULL;

  if (item == NULL || g_variant_get_size (item) > LONGEST_NAME)
    return NULL;
  if (g_variant_is_of_type (item, G_VARIANT_TYPE_STRING))
    name = g_variant_dup_string (item, NULL);
  else if (g_variant_is_of_type (item, G_VARIANT_TYPE_BYTESTRING))
    name = g_filename_display_name (g_variant_get_bytestring (item));
  return name != NULL && strchr (name, '\n') == NULL ? g_steal_pointer (&name) : NULL;
}

guint
ferry_map_chunk_get_item_place (FerryMapChunk *self)
{
  return self->start == get_run (self)->n_starts ? self->n_answers : 0;
}

/* Counts an answer. Returns whether it is the answer of the next item. Other answers are ignored: a worker may send
 * more answers than the chunk has items. An earlier worker may have answered the item, and then claimed not to have
 * begun the chunk. */
static gboolean
is_wanted (FerryMapChunk *self)
{
  guint place = ferry_map_chunk_get_item_place (self);

  /* A plain chunk is a call of one item. Its worker sends no answer for the item: the item ends with the call. */
  if (self->is_plain)
    return FALSE;
  self->start = get_run (self)->n_starts;
  self->n_answers = MIN (place + 1, self->n_items);
  return place == self->n_come && place < self->n_items;
}

/* Returns (transfer full) (nullable) the value of an item's answer, or sets its error. */
static GVariant *
read_answer (const char *type, GVariant *value, GError **error)
{
  if (g_str_equal (type, FERRY_MAP_MESSAGE_VALUE))
    return value != NULL ? g_variant_ref (value) : NULL;
  if (g_str_equal (type, FERRY_MAP_MESSAGE_ERROR))
    *error = ferry_error_from_variant (value, NULL);
  else if (!g_str_equal (type, FERRY_MAP_MESSAGE_NOTHING))
    ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                     "The worker's answer for an item has an unknown type; build application and worker with the same "
                     "version of Ferry");
  return NULL;
}

/* Receives a message of the task. Messages with reserved types are the answers of items, in order. */
static void
ferry_map_chunk_message (FerryTask *task, const char *type, GVariant *value)
{
  FerryMapChunk *self = FERRY_MAP_CHUNK (task);

  if (!FERRY_MAP_IS_RESERVED_MESSAGE (type))
    FERRY_TASK_CLASS (ferry_map_chunk_parent_class)->message (task, type, value);
  else if (self->map != NULL && is_wanted (self))
    {
      GError *error = NULL;
      GVariant *result = read_answer (type, value, &error);

      ferry_map_take_answer (self->map, self, result, error);
    }
}

static void
ferry_map_chunk_done (FerryTask *task)
{
  FerryMapChunk *self = FERRY_MAP_CHUNK (task);

  if (self->map != NULL)
    ferry_map_take_end (self->map, self);
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
