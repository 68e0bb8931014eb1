/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <gio/gio.h>

#include "base/ferry-error.h"
#include "base/ferry-wait-queue-private.h"

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
  one = ferry_wait_queue_join (&scene.queue, "late");
  two = ferry_wait_queue_join (&scene.queue, "late");
  g_assert_false (ferry_wait_queue_is_empty (&scene.queue));
  g_assert_false (ferry_completion_is_over (one));
  ferry_wait_queue_finish_all (&scene.queue, NULL);
  g_assert_true (ferry_wait_queue_is_empty (&scene.queue));
  late = ferry_wait_queue_join (&scene.queue, "late");
  g_assert_nonnull (take (one, NULL));
  g_assert_nonnull (take (two, NULL));
  g_assert_false (ferry_completion_is_over (late));
  ferry_wait_queue_finish_all (&scene.queue, NULL);
  g_assert_nonnull (take (late, NULL));
  scene_end (&scene);
}

static void
test_all_that_wait_have_a_copy_of_the_error (void)
{
  Scene scene;
  g_autoptr (GError) closed = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "closed");
  g_autoptr (FerryCompletion) one = NULL;
  g_autoptr (FerryCompletion) two = NULL;
  g_autoptr (GError) first = NULL;
  g_autoptr (GError) second = NULL;

  scene_begin (&scene);
  one = ferry_wait_queue_join (&scene.queue, "late");
  two = ferry_wait_queue_join (&scene.queue, "late");
  ferry_wait_queue_finish_all (&scene.queue, closed);
  g_assert_null (take (one, &first));
  g_assert_null (take (two, &second));
  g_assert_error (first, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_error (second, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_true (first != second && first != closed);
  scene_end (&scene);
}

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
  one = ferry_wait_queue_join (&scene.queue, "late");
  two = ferry_wait_queue_join (&scene.queue, "late");
  g_assert_true (ferry_wait_queue_finish_next (&scene.queue, g_strdup ("1"), g_free));
  g_assert_true (ferry_wait_queue_finish_next (&scene.queue, g_strdup ("2"), g_free));
  g_assert_false (ferry_wait_queue_finish_next (&scene.queue, third, g_free));
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
  one = ferry_wait_queue_join (&scene.queue, "Nothing came in time");
  two = ferry_wait_queue_join (&scene.queue, "late");
  ferry_completion_wait (one, 1, NULL);
  g_assert_null (ferry_completion_take (one, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpstr (error->message, ==, "Nothing came in time");
  g_assert_true (ferry_wait_queue_finish_next (&scene.queue, &scene, NULL));
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
  one = ferry_wait_queue_join (&scene.queue, "late");
  two = ferry_wait_queue_join (&scene.queue, "late");
  g_assert_true (ferry_completion_reserve (one));
  g_assert_true (ferry_wait_queue_finish_next (&scene.queue, &scene, NULL));
  g_assert_true (take (two, NULL) == &scene);
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
  one = ferry_wait_queue_join (&scene.queue, "late");
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
        g_autoptr (FerryCompletion) completion = ferry_wait_queue_join (&scene->queue, "late");
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
        ferry_wait_queue_finish_all (&scene.queue, NULL);
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
  g_test_add_func ("/wait-queue/all-that-wait-have-a-copy-of-the-error", test_all_that_wait_have_a_copy_of_the_error);
  g_test_add_func ("/wait-queue/values-go-to-those-that-wait-in-turn", test_values_go_to_those_that_wait_in_turn);
  g_test_add_func ("/wait-queue/what-was-abandoned-is-passed-over", test_what_was_abandoned_is_passed_over);
  g_test_add_func ("/wait-queue/what-is-reserved-is-passed-over", test_what_is_reserved_is_passed_over);
  g_test_add_func ("/wait-queue/a-cancel-is-told", test_a_cancel_is_told);
  g_test_add_func ("/wait-queue/no-thread-misses-what-it-waits-for", test_no_thread_misses_what_it_waits_for);
  return g_test_run ();
}
