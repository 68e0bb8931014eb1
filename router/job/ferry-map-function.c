/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The items of a map at the worker: a chunk, and the function that is run over it.
 *
 * Each item's answer is sent before the next item is begun, as a message of a type FERRY_MAP_MESSAGE_…. So when a
 * worker dies, the application knows which item the worker ran, and no item is run twice. Each of these types begins
 * with a byte that ferry_job_send() refuses, so a function cannot send such messages itself.
 *
 * Threads: any; the function runs on the thread that serves. */

#include "config.h"

#include "job/ferry-map-function-private.h"

#include "base/ferry-base-private.h"
#include "job/ferry-job-private.h"
#include "wire/ferry-call-message-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"

#define BOX_TYPE "mv"

/* Items with a longer type string than this are put into boxes, which contain the type as data. The type of a chunk's
 * arguments is a little longer than the type of its items. */
#define LONGEST_TYPE (FERRY_MAX_CALL_TYPE - 16)

/* Whether all items have one type that can be the element type of the array. The type of the boxes cannot, since the
 * worker would take the items for boxes. */
static gboolean
are_alike (GVariant *const *items, guint n_items)
{
  const GVariantType *type = items[0] != NULL ? g_variant_get_type (items[0]) : NULL;

  if (type == NULL || g_variant_type_equal (type, G_VARIANT_TYPE (BOX_TYPE)) ||
      g_variant_type_get_string_length (type) > LONGEST_TYPE)
    return FALSE;
  for (guint i = 1; i < n_items; i++)
    if (items[i] == NULL || !g_variant_is_of_type (items[i], type))
      return FALSE;
  return TRUE;
}

GVariant *
ferry_map_pack_items (GVariant *const *items, guint n_items)
{
  GVariantBuilder builder;

  if (are_alike (items, n_items))
    return g_variant_new_array (g_variant_get_type (items[0]), items, n_items);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a" BOX_TYPE));
  for (guint i = 0; i < n_items; i++)
    g_variant_builder_add_value (
      &builder,
      g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, items[i] != NULL ? g_variant_new_variant (items[i]) : NULL));
  return g_variant_builder_end (&builder);
}

GVariant *
ferry_map_get_item (GVariant *items, gsize place)
{
  g_autoptr (GVariant) item = g_variant_get_child_value (items, place);
  g_autoptr (GVariant) content = NULL;

  if (!g_str_equal (g_variant_get_type_string (item), BOX_TYPE))
    return g_steal_pointer (&item);
  content = g_variant_get_maybe (item);
  return content != NULL ? g_variant_get_variant (content) : NULL;
}

/* ---- The worker's side ---- */

typedef struct
{
  FerryJob *job;                      /* (unowned) */
  const FerryFunctionEntry *function; /* the mapped function */
  GVariant *items;                    /* (owned) */
  gsize n_items;
  gint64 limit; /* in microseconds; negative: none */
} Chunk;

static gboolean
chunk_init (Chunk *self, FerryJob *job, GVariant *arguments, GError **error)
{
  const char *name;

  if (arguments == NULL || !g_variant_is_of_type (arguments, G_VARIANT_TYPE (FERRY_MAP_ARGUMENTS_TYPE)))
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The arguments are not a chunk of a map; build application and worker with the same version of Ferry");
  g_variant_get_child (arguments, 0, "&s", &name);
  self->function = ferry_function_find (name);
  if (self->function == NULL)
    return ferry_answer_set_unknown (error, name);
  self->job = job;
  g_variant_get_child (arguments, 1, "x", &self->limit);
  self->items = g_variant_get_child_value (arguments, 2);
  self->n_items = g_variant_n_children (self->items);
  return TRUE;
}

static gboolean
send_result (FerryCall *call, GVariant *result, GError **error)
{
  if (result != NULL)
    return ferry_call_send_value (call, FERRY_MAP_MESSAGE_VALUE, result, error);
  return ferry_call_send_value (call, FERRY_MAP_MESSAGE_NOTHING, g_variant_new_tuple (NULL, 0), error);
}

static gboolean
send_failure (FerryCall *call, const GError *failure, const char *trace, const char *const *notes, GError **error)
{
  return ferry_call_send_value (call, FERRY_MAP_MESSAGE_ERROR, ferry_error_to_variant (failure, trace, notes), error);
}

static const FerryAnswerSendFuncs item_funcs = {send_result, send_failure};

/* Runs the function for an item, and sends the answer. Returns FALSE when no further message can be sent. */
static gboolean
run_item (Chunk *self, gsize i, GError **error)
{
  g_auto (FerryAnswer) answer = {0};
  g_autoptr (GVariant) arguments = ferry_map_get_item (self->items, i);

  if (ferry_function_check_arguments (self->function, arguments, &answer.failure))
    ferry_answer_run (&answer, self->job, self->function, arguments);
  return ferry_answer_send (&answer, ferry_job_get_call (self->job), &item_funcs, self->function->name, error);
}

/* Returns how long the chunk has run, in microseconds, without pauses. */
static gint64
get_time (Chunk *self, gint64 begun_at)
{
  return g_get_monotonic_time () - begun_at - ferry_job_get_paused_time (self->job);
}

static gboolean
run_items (Chunk *self, gint64 begun_at, GError **error)
{
  for (gsize i = 0; i < self->n_items; i++)
    {
      if (!ferry_job_check (self->job, error) || !run_item (self, i, error))
        return FALSE;
      if (self->limit >= 0 && get_time (self, begun_at) >= self->limit)
        break;
    }
  return TRUE;
}

static GVariant *
run_chunk (FerryJob *job, GVariant *arguments, GError **error)
{
  Chunk chunk;
  gint64 begun_at = g_get_monotonic_time ();
  gboolean done;

  if (!chunk_init (&chunk, job, arguments, error))
    return NULL;
  done = run_items (&chunk, begun_at, error);
  g_variant_unref (chunk.items);
  return done ? g_variant_new_int64 (get_time (&chunk, begun_at)) : NULL;
}

const FerryFunctionEntry ferry_map_function = {
  .name = (char *) FERRY_MAP_FUNCTION,
  .function = run_chunk,
};

char *
ferry_map_dup_needed_function (const char *function, GVariant *arguments)
{
  char *name;

  if (!g_str_equal (function, FERRY_MAP_FUNCTION) || arguments == NULL ||
      !g_variant_is_of_type (arguments, G_VARIANT_TYPE (FERRY_MAP_ARGUMENTS_TYPE)))
    return g_strdup (function);
  g_variant_get_child (arguments, 0, "s", &name);
  return name;
}
