/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Threads: the thread that serves. */

#include "config.h"

#include "task/ferry-map-function-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-job-private.h"

typedef struct
{
  FerryJob *job;                      /* (unowned) */
  const FerryFunctionEntry *function; /* the mapped function */
  GVariant *items;                    /* (owned) */
  gsize n_items;
  gboolean boxed;
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
  self->boxed = g_variant_is_of_type (self->items, G_VARIANT_TYPE ("a" FERRY_MAP_BOX_TYPE));
  return TRUE;
}

/* Returns (transfer full) (nullable) the arguments of an item; NULL for an item without arguments. */
static GVariant *
get_arguments (Chunk *self, gsize i)
{
  g_autoptr (GVariant) child = g_variant_get_child_value (self->items, i);
  g_autoptr (GVariant) content = NULL;

  if (!self->boxed)
    return g_steal_pointer (&child);
  content = g_variant_get_maybe (child);
  return content != NULL ? g_variant_get_variant (content) : NULL;
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

static const FerryAnswerWay item_way = {send_result, send_failure};

/* Runs the function for an item, and sends the answer. Returns FALSE when no further message can be sent. */
static gboolean
run_item (Chunk *self, gsize i, GError **error)
{
  g_auto (FerryAnswer) answer = {0};
  g_autoptr (GVariant) arguments = get_arguments (self, i);

  if (ferry_function_check_arguments (self->function, arguments, &answer.failure))
    ferry_answer_run (&answer, self->job, self->function, arguments);
  return ferry_answer_send (&answer, ferry_job_get_call (self->job), &item_way, self->function->name, error);
}

static gboolean
run_items (Chunk *self, gint64 begun_at, GError **error)
{
  for (gsize i = 0; i < self->n_items; i++)
    {
      if (!ferry_job_check (self->job, error) || !run_item (self, i, error))
        return FALSE;
      if (self->limit >= 0 && g_get_monotonic_time () - begun_at >= self->limit)
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
  return done ? g_variant_new_int64 (g_get_monotonic_time () - begun_at) : NULL;
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
