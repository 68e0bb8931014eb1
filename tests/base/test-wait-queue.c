/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-wait-queue.c */

#include "config.h"

#include <gio/gio.h>

#include "base/ferry-error.h"
#include "base/ferry-wait-queue.c"

#define N_THREADS 8
#define N_ROUNDS 500

typedef struct
{
  FerryWaitQueue queue;
  guint n_left; /* atomic: what is there to be taken */
  guint n_given_up;
} Scene;

static void
scene_begin (Scene *self)
{
  *self = (Scene){.n_left = 0};
  ferry_wait_queue_init (&self->queue);
}

static void
scene_end (Scene *self)
{
  g_assert_true (ferry_wait_queue_is_empty (&self->queue));
  ferry_wait_queue_clear (&self->queue);
}

static gboolean
finish_next (Scene *scene, gpointer result, GDestroyNotify free_result)
{
  g_autoptr (FerryCompletion) reserved = ferry_wait_queue_reserve_next (&scene->queue);

  if (reserved == NULL)
    return FALSE;
  ferry_completion_finish_reserved (reserved, result, free_result, NULL);
  return TRUE;
}

static gpointer
take (FerryCompletion *completion, GError **error)
{
  ferry_completion_wait (completion, G_MAXINT64, NULL);
  return ferry_completion_take (completion, error);
}

static void
test_all_that_wait_end (void)
{
  Scene scene;
  g_autoptr (FerryCompletion) one = NULL;
  g_autoptr (FerryCompletion) two = NULL;
  g_autoptr (FerryCompletion) late = NULL;

  scene_begin (&scene);
  one = ferry_wait_queue_join (&scene.queue, NULL, "late");
  two = ferry_wait_queue_join (&scene.queue, NULL, "late");
  g_assert_false (ferry_wait_queue_is_empty (&scene.queue));
  g_assert_false (ferry_completion_is_over (one));
  ferry_wait_queue_finish_all (&scene.queue);
  g_assert_true (ferry_wait_queue_is_empty (&scene.queue));
  late = ferry_wait_queue_join (&scene.queue, NULL, "late");
  g_assert_nonnull (take (one, NULL));
  g_assert_nonnull (take (two, NULL));
  g_assert_false (ferry_completion_is_over (late));
  ferry_wait_queue_finish_all (&scene.queue);
  g_assert_nonnull (take (late, NULL));
  scene_end (&scene);
}

static void
test_a_key_is_for_those_that_have_joined_with_it (void)
{
  Scene scene;
  g_autoptr (FerryCompletion) one = NULL;
  g_autoptr (FerryCompletion) two = NULL;

  scene_begin (&scene);
  one = ferry_wait_queue_join (&scene.queue, "1", "late");
  two = ferry_wait_queue_join (&scene.queue, "2", "late");
  ferry_wait_queue_finish_key (&scene.queue, "2");
  g_assert_false (ferry_completion_is_over (one));
  g_assert_nonnull (take (two, NULL));
  ferry_wait_queue_finish_key (&scene.queue, "1");
  g_assert_nonnull (take (one, NULL));
  scene_end (&scene);
}

/* ---- tasks ---- */

typedef struct
{
  GCancellable *cancels; /* (unowned) (nullable): what its callback cancels */
  gboolean came;
  gboolean returned;
  GError *error; /* (owned) (nullable) */
} Call;

static void
call_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *self = data;

  g_assert_false (self->came);
  self->came = TRUE;
  self->returned = g_task_propagate_boolean (G_TASK (result), &self->error);
  if (self->cancels != NULL)
    g_cancellable_cancel (self->cancels);
}

static void
add_call (Scene *scene, Call *call, GCancellable *cancellable)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, call_cb, call);

  g_task_set_check_cancellable (task, FALSE);
  ferry_wait_queue_add_task (&scene->queue, task);
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_a_task_that_waits_returns (void)
{
  Scene scene;
  Call call = {.cancels = NULL};

  scene_begin (&scene);
  add_call (&scene, &call, NULL);
  settle ();
  g_assert_false (call.came);
  ferry_wait_queue_finish_all (&scene.queue);
  settle ();
  g_assert_true (call.returned);
  g_assert_no_error (call.error);
  scene_end (&scene);
}

/* Its callback is not called within the cancel. */
static void
test_a_task_that_is_cancelled_returns_later (void)
{
  Scene scene;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Call call = {.cancels = NULL};

  scene_begin (&scene);
  add_call (&scene, &call, cancellable);
  settle ();
  g_cancellable_cancel (cancellable);
  g_assert_false (call.came);
  g_assert_true (ferry_wait_queue_is_empty (&scene.queue));
  settle ();
  g_assert_true (call.came);
  g_assert_error (call.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&call.error);
  scene_end (&scene);
}

static void
test_a_moment_that_has_come_is_not_cancelled_by_a_callback (void)
{
  Scene scene;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Call first = {.cancels = cancellable};
  Call second = {.cancels = NULL};

  scene_begin (&scene);
  add_call (&scene, &first, NULL);
  add_call (&scene, &second, cancellable);
  settle ();
  ferry_wait_queue_finish_all (&scene.queue);
  settle ();
  g_assert_true (first.returned && second.returned);
  scene_end (&scene);
}

/* ---- values ---- */

static void
test_values_go_to_those_that_wait_in_turn (void)
{
  Scene scene;
  g_autoptr (FerryCompletion) one = NULL;
  g_autoptr (FerryCompletion) two = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *third = g_strdup ("3");

  scene_begin (&scene);
  one = ferry_wait_queue_join (&scene.queue, NULL, "late");
  two = ferry_wait_queue_join (&scene.queue, NULL, "late");
  g_assert_true (finish_next (&scene, g_strdup ("1"), g_free));
  g_assert_true (finish_next (&scene, g_strdup ("2"), g_free));
  g_assert_false (finish_next (&scene, third, g_free));
  first = take (one, NULL);
  second = take (two, NULL);
  g_assert_cmpstr (first, ==, "1");
  g_assert_cmpstr (second, ==, "2");
  scene_end (&scene);
}

static void
test_what_was_abandoned_is_passed_over (void)
{
  Scene scene;
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryCompletion) one = NULL;
  g_autoptr (FerryCompletion) two = NULL;

  scene_begin (&scene);
  one = ferry_wait_queue_join (&scene.queue, NULL, "Nothing came in time");
  two = ferry_wait_queue_join (&scene.queue, NULL, "late");
  ferry_completion_wait (one, 1, NULL);
  g_assert_null (ferry_completion_take (one, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpstr (error->message, ==, "Nothing came in time");
  g_assert_true (finish_next (&scene, &scene, NULL));
  g_assert_true (take (two, NULL) == &scene);
  scene_end (&scene);
}

/* One that another thread has reserved, and not taken out of the queue yet. */
static void
test_what_is_reserved_is_passed_over (void)
{
  Scene scene;
  g_autoptr (FerryCompletion) one = NULL;
  g_autoptr (FerryCompletion) two = NULL;

  scene_begin (&scene);
  one = ferry_wait_queue_join (&scene.queue, NULL, "late");
  two = ferry_wait_queue_join (&scene.queue, NULL, "late");
  g_assert_true (ferry_completion_reserve (one));
  g_assert_true (finish_next (&scene, &scene, NULL));
  g_assert_true (take (two, NULL) == &scene);
  leave (ferry_completion_get_data (one));
  ferry_completion_finish_reserved (one, NULL, NULL, g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "closed"));
  scene_end (&scene);
}

static void
test_a_cancel_is_told (void)
{
  Scene scene;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryCompletion) one = NULL;
  g_autoptr (GError) error = NULL;

  scene_begin (&scene);
  one = ferry_wait_queue_join (&scene.queue, NULL, "late");
  g_cancellable_cancel (cancellable);
  ferry_completion_wait (one, G_MAXINT64, cancellable);
  g_assert_null (ferry_completion_take (one, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  scene_end (&scene);
}

/* ---- threads ---- */

static gboolean
take_one (Scene *scene)
{
  guint left = g_atomic_int_get (&scene->n_left);

  while (left > 0)
    {
      if (g_atomic_int_compare_and_exchange (&scene->n_left, left, left - 1))
        return TRUE;
      left = g_atomic_int_get (&scene->n_left);
    }
  return FALSE;
}

/* Joins, looks, waits: as whatever waits for a condition does. Some of the waits are short. */
static gpointer
taker_thread (gpointer data)
{
  Scene *scene = data;

  for (guint round = 0; round < N_ROUNDS; round++)
    while (!take_one (scene))
      {
        g_autoptr (FerryCompletion) completion = ferry_wait_queue_join (&scene->queue, NULL, "late");
        gint64 deadline = round % 3 == 0 ? g_get_monotonic_time () + 20 : G_MAXINT64;
        g_autoptr (GError) error = NULL;

        /* There may be one to take since the look, of which no member of the queue was told. */
        if (g_atomic_int_get (&scene->n_left) > 0)
          ferry_completion_abandon (completion, FERRY_ABANDON_CANCELLED);
        ferry_completion_wait (completion, deadline, NULL);
        if (ferry_completion_take (completion, &error) == NULL)
          g_atomic_int_inc (&scene->n_given_up);
      }
  return NULL;
}

static void
test_no_thread_misses_what_it_waits_for (void)
{
  Scene scene;
  GThread *threads[N_THREADS];

  scene_begin (&scene);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("taker", taker_thread, &scene);
  for (guint i = 0; i < N_THREADS * N_ROUNDS; i++)
    {
      g_atomic_int_inc (&scene.n_left);
      if (!ferry_wait_queue_is_empty (&scene.queue))
        ferry_wait_queue_finish_all (&scene.queue);
      if (i % 16 == 0)
        g_thread_yield ();
    }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (scene.n_left, ==, 0);
  scene_end (&scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wait-queue/all-that-wait-end", test_all_that_wait_end);
  g_test_add_func ("/wait-queue/a-key-is-for-those-that-have-joined-with-it",
                   test_a_key_is_for_those_that_have_joined_with_it);
  g_test_add_func ("/wait-queue/a-task-that-waits-returns", test_a_task_that_waits_returns);
  g_test_add_func ("/wait-queue/a-task-that-is-cancelled-returns-later", test_a_task_that_is_cancelled_returns_later);
  g_test_add_func ("/wait-queue/a-moment-that-has-come-is-not-cancelled-by-a-callback",
                   test_a_moment_that_has_come_is_not_cancelled_by_a_callback);
  g_test_add_func ("/wait-queue/values-go-to-those-that-wait-in-turn", test_values_go_to_those_that_wait_in_turn);
  g_test_add_func ("/wait-queue/what-was-abandoned-is-passed-over", test_what_was_abandoned_is_passed_over);
  g_test_add_func ("/wait-queue/what-is-reserved-is-passed-over", test_what_is_reserved_is_passed_over);
  g_test_add_func ("/wait-queue/a-cancel-is-told", test_a_cancel_is_told);
  g_test_add_func ("/wait-queue/no-thread-misses-what-it-waits-for", test_no_thread_misses_what_it_waits_for);
  return g_test_run ();
}
