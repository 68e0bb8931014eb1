/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-router.c, route/ferry-turns.c
 *
 * Handlers that run a main loop, where two receivers share the link of one worker. */

#include "config.h"

#include <string.h>

#include "worker/worker-test.h"

#define N_MESSAGES 5000
#define LARGE_SIZE 300000

typedef struct
{
  FerryRouter *router;
  FerryTestPipe *pipes[2]; /* the worker's own sender, and "other" */
  FerryTestPipe *local;    /* its sender is this process's */
  FerryWorker *worker;
  guint64 n_messages[2];
  guint64 next[2]; /* the number of the next message */
  guint depths[2];
  gboolean large_came[2];
  guint64 nest_at[2]; /* the message whose handler runs a main loop; G_MAXUINT64: none */
  FerryTestCondition until[2];
  guint nested[2];
} Scene;

static Scene scene;

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  guint i = GPOINTER_TO_UINT (user_data);
  guint64 number;

  g_assert_cmpuint (scene.depths[i]++, ==, 0);
  g_assert_cmpuint (scene.pipes[i]->n_closed, ==, 0);
  if (size == LARGE_SIZE)
    scene.large_came[i] = TRUE;
  else
    {
      memcpy (&number, data, sizeof number);
      g_assert_cmpuint (number, ==, scene.next[i]++);
      if (number == scene.nest_at[i])
        {
          ferry_test_run_until (scene.until[i], NULL);
          scene.nested[i]++;
          g_assert_cmpuint (scene.next[i], ==, number + 1);
        }
    }
  scene.depths[i]--;
}

static void
set_up (const char *first_order, const char *second_order)
{
  g_autoptr (FerryLauncher) launcher =
    worker_test_launcher_new (g_getenv ("FERRY_TEST_WORKER"), first_order, second_order, NULL);

  scene = (Scene){.router = ferry_test_router_new (), .nest_at = {G_MAXUINT64, G_MAXUINT64}};
  for (guint i = 0; i < 2; i++)
    {
      scene.pipes[i] = ferry_test_pipe_new (scene.router);
      ferry_receiver_set_handler (scene.pipes[i]->receiver, message_cb, GUINT_TO_POINTER (i), NULL);
      worker_test_add_sender (launcher, i == 0 ? "out" : "other", scene.pipes[i]);
    }
  scene.local = ferry_test_pipe_new (scene.router);
  g_assert_true (ferry_sender_start (scene.local->sender, NULL));
  scene.worker = worker_test_spawn (launcher, scene.router);
}

static void
tear_down (void)
{
  for (guint i = 0; i < 2; i++)
    {
      ferry_test_pipe_wait_closed (scene.pipes[i]);
      g_assert_cmpuint (scene.pipes[i]->n_closed, ==, 1);
      g_assert_cmpuint (scene.next[i], ==, N_MESSAGES);
    }
  ferry_test_wait_ended (scene.worker);
  for (guint i = 0; i < 2; i++)
    ferry_test_pipe_free (scene.pipes[i]);
  ferry_test_pipe_free (scene.local);
  g_object_unref (scene.worker);
  ferry_test_router_stop (scene.router);
}

static gboolean
second_has_all (gpointer data)
{
  return scene.next[1] == N_MESSAGES;
}

static gboolean
local_has_ten (gpointer data)
{
  return scene.local->n_messages == 10;
}

static gboolean
first_has_all_and_the_large_one (gpointer data)
{
  return scene.next[0] == N_MESSAGES && scene.large_came[0];
}

/* The two receivers' messages lie in turn in the same blocks. */
static void
test_the_other_receiver_of_the_worker_is_heard (void)
{
  set_up ("pair:5000", NULL);
  scene.nest_at[0] = 3;
  scene.until[0] = second_has_all;
  ferry_test_run_until (second_has_all, NULL);
  tear_down ();
  g_assert_cmpuint (scene.nested[0], ==, 1);
}

/* The handler of the one runs a loop within the loop of the other's. */
static void
test_loops_within_loops (void)
{
  set_up ("pair:5000", NULL);
  scene.nest_at[0] = 3;
  scene.until[0] = second_has_all;
  scene.nest_at[1] = 10;
  scene.until[1] = local_has_ten;
  for (guint64 i = 0; i < 10; i++)
    g_assert_true (ferry_sender_send_bytes (scene.local->sender, &i, sizeof i, NULL));
  ferry_test_run_until (second_has_all, NULL);
  tear_down ();
  g_assert_cmpuint (scene.nested[0], ==, 1);
  g_assert_cmpuint (scene.nested[1], ==, 1);
}

/* It has a block of its own, behind those that wait. */
static void
test_a_large_message_is_heard (void)
{
  set_up ("pair:5000", "large:300000");
  scene.nest_at[1] = 3;
  scene.until[1] = first_has_all_and_the_large_one;
  ferry_test_run_until (second_has_all, NULL);
  tear_down ();
  g_assert_true (scene.large_came[0]);
  g_assert_cmpuint (scene.nested[1], ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/nested-loops/the-other-receiver-of-the-worker-is-heard",
                   test_the_other_receiver_of_the_worker_is_heard);
  g_test_add_func ("/nested-loops/may-be-within-nested-loops", test_loops_within_loops);
  g_test_add_func ("/nested-loops/a-large-message-is-heard", test_a_large_message_is_heard);
  return g_test_run ();
}
