/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Threads: the one that serves. */

#include "config.h"

#include "task/ferry-map-function-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-answer-private.h"

typedef struct
{
  FerryJob *job;                      /* (unowned) */
  const FerryFunctionEntry *function; /* the mapped function */
  GVariant *items;                    /* (owned) */
  gsize n_items;
  gboolean boxed;
  gint64 limit; /* in microseconds; negative: none */
} Chunk;

static void
chunk_clear (Chunk *self)
{
  g_clear_pointer (&self->items, g_variant_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Chunk, chunk_clear)

static gboolean
chunk_init (Chunk *self, FerryJob *job, GVariant *arguments, GError **error)
{
  const char *name;

  if (arguments == NULL || !g_variant_is_of_type (arguments, G_VARIANT_TYPE (FERRY_MAP_ARGUMENTS_TYPE)))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "This is no chunk of a map; have FerryMap make it, of the same version as the worker");
  g_variant_get (arguments, "(&sx@*)", &name, &self->limit, &self->items);
  self->job = job;
  self->n_items = g_variant_n_children (self->items);
  self->boxed = g_variant_is_of_type (self->items, G_VARIANT_TYPE ("a" FERRY_MAP_BOX_TYPE));
  self->function = ferry_function_find (name);
  if (self->function != NULL)
    return TRUE;
  ferry_answer_set_unknown (error, name);
  return FALSE;
}

/* Returns (transfer full) (nullable) the arguments of an item. */
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
is_closed (const GError *refusal)
{
  return g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_CLOSED) ||
         g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_STOPPED);
}

static gboolean
send_error (Chunk *self, const GError *failure, const char *trace, const char *note, GError **error)
{
  const char *const notes[] = {note, NULL};

  return ferry_call_send_value (ferry_job_get_call (self->job), FERRY_MAP_MESSAGE_ERROR,
                                ferry_error_to_variant (failure, trace, notes), error);
}

static gboolean
send_failure (Chunk *self, const FerryAnswer *answer, GError **error)
{
  g_autoptr (GError) refusal = NULL;
  g_autoptr (GError) shortened = NULL;

  if (send_error (self, answer->failure, answer->trace, answer->note, &refusal))
    return TRUE;
  if (is_closed (refusal))
    {
      g_propagate_error (error, g_steal_pointer (&refusal));
      return FALSE;
    }
  shortened = g_error_new_literal (answer->failure->domain, answer->failure->code,
                                   "An error whose message was too large to be sent");
  return send_error (self, shortened, NULL, NULL, error);
}

/* Sends an item's result or failure. A result that cannot be sent makes the item fail. Returns FALSE when no further
 * message can be sent. */
static gboolean
send_answer (Chunk *self, FerryAnswer *answer, GError **error)
{
  FerryCall *call = ferry_job_get_call (self->job);
  gboolean sent;

  if (answer->failure != NULL)
    return send_failure (self, answer, error);
  if (answer->result != NULL)
    sent = ferry_call_send_value (call, FERRY_MAP_MESSAGE_VALUE, answer->result, &answer->failure);
  else
    sent = ferry_call_send_value (call, FERRY_MAP_MESSAGE_NOTHING, g_variant_new_tuple (NULL, 0), &answer->failure);
  if (sent)
    return TRUE;
  if (is_closed (answer->failure))
    {
      g_propagate_error (error, g_steal_pointer (&answer->failure));
      return FALSE;
    }
  g_prefix_error (&answer->failure, "The result of function “%s” cannot be sent: ", self->function->name);
  return send_failure (self, answer, error);
}

static gboolean
run_item (Chunk *self, gsize i, GError **error)
{
  g_auto (FerryAnswer) answer = {0};
  g_autoptr (GVariant) arguments = get_arguments (self, i);
  GError *failure = NULL;
  GVariant *result;

  if (ferry_function_check_arguments (self->function, arguments, &answer.failure))
    {
      ferry_job_begin_function (self->job);
      result = self->function->function (self->job, arguments, &failure);
      ferry_answer_take (&answer, self->function, result, failure, self->job);
    }
  return send_answer (self, &answer, error);
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
  g_auto (Chunk) chunk = {0};
  gint64 begun_at = g_get_monotonic_time ();
  gboolean done;

  if (!chunk_init (&chunk, job, arguments, error))
    return NULL;
  ferry_job_set_function_name (job, chunk.function->name);
  if (chunk.n_items > 1)
    ferry_job_take_time (job);
  done = run_items (&chunk, begun_at, error);
  ferry_job_hurry (job);
  ferry_job_set_function_name (job, FERRY_MAP_FUNCTION);
  return done ? g_variant_new_int64 (g_get_monotonic_time () - begun_at) : NULL;
}

const FerryFunctionEntry ferry_map_function = {
  .name = (char *) FERRY_MAP_FUNCTION,
  .has_result = TRUE,
  .function = run_chunk,
};
