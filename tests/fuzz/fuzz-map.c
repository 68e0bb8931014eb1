/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-map.c
 *
 * The chunks of a map, as the workers answer them: in part, in full, with more than was asked for, with what is of no
 * type that was expected, or by dying.
 *
 * The first byte has the size of chunks in its low bits (0: automatic), then that the map is ordered, and that the
 * application knows the function's types. Then come orders, a byte each. The executor's pool is never started: the
 * chunks that lie in it are run from here. */

#include "config.h"

#include "ferry-test.h"
#include "fuzz.h"
#include "job/ferry-function-private.h"
#include "task/ferry-map-private.h"
#include "task/ferry-task-private.h"
#include "wire/ferry-call-message-private.h"
#include "wire/ferry-remote-error-private.h"

#define SIZE_MASK 7
#define ORDERED 8
#define TYPED 16
#define N_ITEMS 24

typedef struct
{
  FerryMap *map; /* (owned) */
  guint n_given; /* by the source */
  guint n_results;
  gboolean typed;
  gboolean cancelled;
  gboolean seen[N_ITEMS];
} Scene;

static GVariant *
next_item (gpointer data, GError **error)
{
  Scene *scene = data;

  if (scene->n_given == N_ITEMS)
    return NULL;
  return g_variant_new_uint32 (scene->n_given++);
}

static GVariant *
never_called (FerryJob *job, GVariant *arguments, GError **error)
{
  g_assert_not_reached ();
}

static void
result_cb (FerryMap *map, guint64 index, GVariant *value, const GError *error, gpointer data)
{
  Scene *scene = data;

  g_assert_false (scene->cancelled);
  g_assert_cmpuint (index, <, scene->n_given);
  g_assert_false (scene->seen[index]);
  scene->seen[index] = TRUE;
  if (ferry_test_get_number (map, "order") == FERRY_MAP_ORDERED)
    g_assert_cmpuint (index, ==, scene->n_results);
  scene->n_results++;
  g_assert_true (value == NULL || error == NULL);
  g_assert_true (error == NULL || g_utf8_validate (error->message, -1, NULL));
  if (scene->typed && error == NULL)
    g_assert_true (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32));
  fuzz_n_accepted += error == NULL;
}

/* ---- the workers ---- */

/* A chunk that a worker has, (transfer full). */
static FerryTask *
dup_chunk (Scene *scene, guint i)
{
  GQueue *chunks = (GQueue *) ferry_map_get_chunks (scene->map);
  FerryTask *task = chunks->length > 0 ? g_object_ref (g_queue_peek_nth (chunks, i % chunks->length)) : NULL;

  if (task != NULL && ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
    g_assert_true (ferry_run_start (ferry_task_get_run (task), 1, NULL));
  return task;
}

static void
fail (FerryTask *task, FerryTaskEvent event, int code)
{
  g_assert_true (ferry_run_fail (ferry_task_get_run (task), event,
                                 g_error_new_literal (FERRY_ERROR, code, "as it was told"), NULL, NULL));
}

static void
complete (FerryTask *task, GVariant *result)
{
  const FerryFunctionEntry *entry = ferry_function_find (ferry_task_get_function (task));
  GError *error = NULL;

  if (entry == NULL || ferry_function_check_result (entry, result, &error))
    g_assert_true (ferry_run_complete (ferry_task_get_run (task), result));
  else
    g_assert_true (ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR, error, NULL, NULL));
}

/* What becomes of a message in the pool. */
static void
take_message (FerryTask *task, const FerryCallMessage *message)
{
  g_autoptr (GVariant) value = ferry_call_message_dup_value (message, NULL);
  g_autofree char *name = g_strndup (message->name, message->header.name_length);
  g_autofree char *trace = NULL;

  switch (message->header.kind)
    {
    case FERRY_CALL_ITEM:
      if (name != NULL && name[0] != '\0')
        ferry_run_take_message (ferry_task_get_run (task), name, value);
      break;
    case FERRY_CALL_ANSWER:
      complete (task, value);
      break;
    case FERRY_CALL_ERROR:
      g_assert_true (ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR,
                                     ferry_error_from_variant (value, &trace), NULL, NULL));
      break;
    default:
      break;
    }
}

static gsize
run_message (Scene *scene, guint i, const guint8 *data, gsize size)
{
  gsize length = MIN ((gsize) data[0] | (gsize) data[1] << 8, size - 2);
  g_autofree guint8 *copy = g_memdup2 (data + 2, length);
  g_autoptr (FerryTask) task = dup_chunk (scene, i);
  FerryCallMessage message;

  if (task != NULL && ferry_call_message_parse (&message, copy, length, NULL))
    take_message (task, &message);
  return 2 + length;
}

static void
lose (Scene *scene, guint i, FerryTaskEvent event, int code)
{
  g_autoptr (FerryTask) task = dup_chunk (scene, i);

  if (task != NULL)
    fail (task, event, code);
}

/* ---- the whole ---- */

static void
check (Scene *scene)
{
  g_assert_cmpuint (ferry_test_get_number (scene->map, "n-in-flight"), <=,
                    ferry_test_get_number (scene->map, "in-flight-limit"));
}

static void
run (Scene *scene, const guint8 *data, gsize size)
{
  for (gsize at = 0; at < size; check (scene))
    {
      guint8 order = data[at++];
      guint chunk = order >> 5;

      switch (order & 31)
        {
        case 0:
          if (at + 2 <= size)
            at += run_message (scene, chunk, data + at, size - at);
          break;
        case 1:
          lose (scene, chunk, FERRY_TASK_EVENT_LOST, FERRY_ERROR_WORKER_LOST);
          break;
        case 2:
          lose (scene, chunk, FERRY_TASK_EVENT_ERROR, FERRY_ERROR_TOO_LARGE);
          break;
        case 3:
          scene->cancelled = TRUE;
          ferry_map_cancel (scene->map);
          break;
        default:
          break;
        }
    }
}

/* Whatever workers did, each item comes to one end. */
static void
finish (Scene *scene)
{
  while (ferry_map_get_chunks (scene->map)->length > 0)
    lose (scene, 0, FERRY_TASK_EVENT_LOST, FERRY_ERROR_WORKER_LOST);
  g_assert_true (ferry_test_get_number (scene->map, "is-finished"));
  g_assert_true (scene->cancelled || scene->n_results == N_ITEMS);
  g_assert_finalize_object (scene->map);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FerryRouter) router = ferry_router_new (context);
  g_autoptr (FerryPool) pool = ferry_pool_new_for_threads (router);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  Scene scene = {0};

  if (size == 0)
    return 0;
  if (ferry_function_find ("typed") == NULL)
    ferry_function_register ("typed", "u", "u", never_called);
  scene.typed = (data[0] & TYPED) != 0;
  scene.map = ferry_map_new (executor, scene.typed ? "typed" : "untyped",
                             (data[0] & ORDERED) != 0 ? FERRY_MAP_ORDERED : FERRY_MAP_UNORDERED);
  g_object_set (scene.map, "chunk-size", data[0] & SIZE_MASK, NULL);
  ferry_map_set_source (scene.map, next_item, &scene, NULL);
  g_signal_connect (scene.map, "result", G_CALLBACK (result_cb), &scene);
  g_main_context_push_thread_default (context);
  ferry_pool_set_max_workers (pool, 2);
  ferry_map_start (scene.map);
  run (&scene, data + 1, size - 1);
  finish (&scene);
  /* The executor lets go of what is done. */
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return 0;
}
