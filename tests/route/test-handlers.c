/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-dispatch.c, route/ferry-receiver.c, route/ferry-router.c
 *
 * What handlers may do while they run. */

#include "config.h"

#include "route/route-test.h"

#include <string.h>

typedef struct _Scene Scene;

struct _Scene
{
  FerryRouter *router;     /* (owned) (nullable) */
  FerrySender *sender;     /* (owned) */
  FerryReceiver *receiver; /* (owned) (nullable) */
  FerryTestPipe *other;    /* (owned) (nullable) */
  guint64 at;              /* the number of the message that act is called for */
  void (*act) (Scene *scene);
  guint64 n_messages;
  guint64 n_other_messages; /* what the other pipe's handler had when it was closed */
  guint n_closed;
  guint depth; /* of handlers within handlers */
  gboolean acted;
  gboolean idle_ran;
};

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  Scene *scene = user_data;

  g_assert_cmpuint (scene->depth, ==, 0);
  g_assert_cmpuint (scene->n_closed, ==, 0);
  scene->depth++;
  if (scene->n_messages++ == scene->at)
    {
      scene->act (scene);
      scene->acted = TRUE;
    }
  scene->depth--;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  ((Scene *) user_data)->n_closed++;
}

/* A router and a pipe with a started sender; act is called in the handler of message number at. */
static Scene *
scene_new (guint64 at, void (*act) (Scene *scene))
{
  g_autoptr (GError) error = NULL;
  Scene *scene = g_new0 (Scene, 1);

  scene->at = at;
  scene->act = act;
  scene->router = ferry_test_router_new ();
  route_test_pipe (scene->router, &scene->sender, &scene->receiver);
  ferry_receiver_set_handler (scene->receiver, message_cb, scene, NULL);
  g_signal_connect (scene->receiver, "closed", G_CALLBACK (closed_cb), scene);
  ferry_sender_start (scene->sender, &error);
  g_assert_no_error (error);
  return scene;
}

static void
scene_free (Scene *scene)
{
  if (scene->receiver != NULL)
    {
      if (scene->router != NULL && !ferry_test_get_number (scene->receiver, "is-closed"))
        ferry_router_close_pipe (scene->router, scene->receiver, NULL);
      ferry_receiver_set_handler (scene->receiver, NULL, NULL, NULL);
      g_signal_handlers_disconnect_by_data (scene->receiver, scene);
      g_object_unref (scene->receiver);
    }
  g_clear_pointer (&scene->other, ferry_test_pipe_free);
  if (scene->router != NULL)
    g_assert_finalize_object (scene->router);
  g_object_unref (scene->sender);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

/* Has 100 messages in the local queue, and runs the main context until act was called. */
static void
play (Scene *scene)
{
  route_test_burst (scene->sender, 0, 100);
  ferry_test_wait_flag (&scene->acted);
  route_test_settle ();
}

static void
act_stop (Scene *scene)
{
  g_assert_true (ferry_router_stop (scene->router, NULL));
  g_assert_cmpuint (scene->n_closed, ==, 1);
  scene->depth = 0;
  scene->n_closed = 0;
  scene->depth++;
}

static void
test_stop_router (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_stop);

  play (scene);
  route_test_assert_warned ("*1 open pipe*");
  g_assert_cmpuint (scene->n_messages, ==, 10);
  g_assert_cmpuint (scene->n_closed, ==, 0);
  g_assert_cmpuint (ferry_test_get_number (scene->receiver, "n-undelivered"), ==, 90);
  g_assert_cmpuint (ferry_router_get_counter (scene->router, FERRY_COUNTER_UNDELIVERED), ==, 90);
}

static void
act_close_own (Scene *scene)
{
  g_assert_true (ferry_router_close_pipe (scene->router, scene->receiver, NULL));
}

static void
test_close_own_pipe (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_close_own);

  play (scene);
  g_assert_cmpuint (scene->n_messages, ==, 10);
  g_assert_cmpuint (scene->n_closed, ==, 0);
  g_assert_cmpuint (ferry_router_get_counter (scene->router, FERRY_COUNTER_DROPPED), ==, 90);
}

static void
act_drop_own_receiver (Scene *scene)
{
  g_assert_true (ferry_router_close_pipe (scene->router, scene->receiver, NULL));
  g_clear_object (&scene->receiver);
}

static void
test_drop_own_receiver (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_drop_own_receiver);

  play (scene);
  g_assert_cmpuint (scene->n_messages, ==, 10);
}

static void
act_close_other (Scene *scene)
{
  scene->n_other_messages = scene->other->n_messages;
  g_assert_true (ferry_router_close_pipe (scene->router, scene->other->receiver, NULL));
}

static void
test_close_another_pipe (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_close_other);
  guint64 seen;

  scene->other = route_test_started_pipe (scene->router);
  /* These are in the queue behind the ones of play(), or come later. */
  play (scene);
  seen = scene->other->n_messages;
  g_assert_cmpuint (seen, ==, 0);
  g_assert_cmpuint (scene->n_messages, ==, 100);
  g_assert_cmpuint (scene->other->n_closed, ==, 0);
}

static void
test_close_another_pipe_with_messages_in_the_queue (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_close_other);

  scene->other = route_test_started_pipe (scene->router);
  route_test_burst (scene->sender, 0, 50);
  route_test_burst (scene->other->sender, 0, 70);
  ferry_test_wait_flag (&scene->acted);
  route_test_settle ();
  g_assert_cmpuint (scene->n_messages, ==, 50);
  /* Each sender has its own link, and a link's turn may be over before its tenth message. */
  g_assert_cmpuint (scene->other->n_messages, ==, scene->n_other_messages);
  g_assert_cmpuint (ferry_router_get_counter (scene->router, FERRY_COUNTER_DROPPED), ==, 70 - scene->n_other_messages);
}

static void
act_drop_router (Scene *scene)
{
  g_clear_object (&scene->router);
}

static void
test_drop_router (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_drop_router);
  gpointer weak = scene->router;

  g_object_add_weak_pointer (G_OBJECT (scene->router), &weak);
  play (scene);
  g_assert_null (weak);
  route_test_assert_warned ("*1 open pipe*");
  g_assert_cmpuint (scene->n_messages, >=, 10);
  g_assert_cmpuint (scene->n_closed, ==, 1);
}

static void
act_restart (Scene *scene)
{
  act_stop (scene);
  g_assert_true (ferry_router_start (scene->router, NULL));
  scene->other = route_test_started_pipe (scene->router);
}

static void
test_restart_router (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_restart);

  play (scene);
  route_test_assert_warned ("*1 open pipe*");
  g_assert_cmpuint (scene->n_messages, ==, 10);
  route_test_send_numbers (scene->other->sender, 0, 100);
  ferry_test_pipe_wait_count (scene->other, 100);
  g_assert_true (scene->other->in_order);
}

static void
act_open_and_send (Scene *scene)
{
  scene->other = route_test_started_pipe (scene->router);
  route_test_send_numbers (scene->other->sender, 0, 100);
}

static void
test_open_a_pipe_and_send (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_open_and_send);

  play (scene);
  ferry_test_pipe_wait_count (scene->other, 100);
  g_assert_cmpuint (scene->n_messages, ==, 100);
  g_assert_true (scene->other->in_order);
}

/* ---- nested loops ---- */

static gboolean
idle_cb (gpointer user_data)
{
  ((Scene *) user_data)->idle_ran = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs a loop until even a source of the lowest priority has had its turn; message_cb() complains of a message. */
static void
act_run_loop (Scene *scene)
{
  guint64 before = scene->n_messages;

  route_test_burst (scene->sender, 100, 10);
  scene->idle_ran = FALSE;
  g_idle_add_full (G_PRIORITY_LOW, idle_cb, scene, NULL);
  ferry_test_wait_flag (&scene->idle_ran);
  g_assert_cmpuint (scene->n_messages, ==, before);
}

static void
test_nested_loop (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_run_loop);

  play (scene);
  g_assert_cmpuint (scene->n_messages, ==, 110);
}

static gboolean
stay_busy (gpointer user_data)
{
  return !((Scene *) user_data)->acted;
}

static void
act_run_loop_aged (Scene *scene)
{
  g_assert_cmpint (g_source_get_priority (g_main_current_source ()), ==, G_PRIORITY_DEFAULT);
  g_source_remove_by_user_data (scene);
  act_run_loop (scene);
}

/* The handler is called by ageing, since a source of higher priority is always ready. */
static void
test_nested_loop_of_an_aged_dispatch (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_run_loop_aged);

  g_idle_add_full (G_PRIORITY_HIGH_IDLE + 20, stay_busy, scene, NULL);
  play (scene);
  g_assert_cmpuint (scene->n_messages, ==, 110);
}

static void
act_restart_and_run_loop (Scene *scene)
{
  act_restart (scene);
  route_test_burst (scene->other->sender, 0, 10);
  scene->idle_ran = FALSE;
  g_idle_add_full (G_PRIORITY_LOW, idle_cb, scene, NULL);
  ferry_test_wait_flag (&scene->idle_ran);
  g_assert_cmpuint (scene->other->n_messages, ==, 10);
}

static void
test_nested_loop_after_a_restart (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_restart_and_run_loop);

  play (scene);
  route_test_assert_warned ("*1 open pipe*");
  ferry_test_pipe_wait_count (scene->other, 10);
}

static gboolean
has_110 (gpointer user_data)
{
  return ((Scene *) user_data)->n_messages >= 110;
}

static void
test_nested_loop_within_route_until (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_run_loop);
  g_autoptr (GError) error = NULL;

  route_test_burst (scene->sender, 0, 100);
  ferry_router_route_until (scene->router, has_110, scene, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (scene->n_messages, ==, 110);
}

/* Waits for what comes for another receiver, while more comes for this one. */
static void
act_wait_for_other (Scene *scene)
{
  guint64 before = scene->n_messages;

  scene->other = route_test_started_pipe (scene->router);
  route_test_burst (scene->sender, 100, 100);
  route_test_send_numbers (scene->other->sender, 0, 1000);
  ferry_test_pipe_wait_count (scene->other, 1000);
  g_assert_true (scene->other->in_order);
  g_assert_cmpuint (scene->n_messages, ==, before);
}

static void
test_others_are_heard_in_a_nested_loop (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_wait_for_other);

  play (scene);
  g_assert_cmpuint (scene->n_messages, ==, 200);
}

static void
act_wait_for_end_of_other (Scene *scene)
{
  act_wait_for_other (scene);
  g_assert_true (ferry_sender_stop (scene->other->sender, NULL));
  ferry_test_pipe_wait_closed (scene->other);
  ferry_test_pipe_assert_end (scene->other, FERRY_CLOSE_REASON_STOPPED);
}

static void
test_ends_of_others_are_heard_in_a_nested_loop (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_wait_for_end_of_other);

  play (scene);
  g_assert_cmpuint (scene->n_messages, ==, 200);
}

static void
stop_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  Scene *scene = user_data;

  g_assert_true (ferry_router_stop (scene->router, NULL));
  scene->idle_ran = TRUE;
}

/* The router is stopped two handlers deep, and what lies in half delivered blocks is counted. */
static void
act_stop_in_a_loop (Scene *scene)
{
  scene->other = route_test_started_pipe (scene->router);
  ferry_receiver_set_handler (scene->other->receiver, stop_cb, scene, NULL);
  route_test_burst (scene->other->sender, 0, 10);
  ferry_test_wait_flag (&scene->idle_ran);
  g_assert_cmpuint (scene->n_closed, ==, 1);
  g_assert_cmpuint (scene->other->n_closed, ==, 1);
  scene->n_closed = 0;
}

static void
test_stop_router_in_a_nested_loop (void)
{
  g_autoptr (Scene) scene = scene_new (9, act_stop_in_a_loop);

  play (scene);
  route_test_assert_warned ("*2 open pipes*");
  g_assert_cmpuint (scene->n_messages, ==, 10);
  g_assert_cmpuint (ferry_router_get_counter (scene->router, FERRY_COUNTER_UNDELIVERED), ==, 90 + 9);
}

#define N_NESTED 4

typedef struct
{
  FerryTestPipe *pipes[N_NESTED];
  guint64 n_messages[N_NESTED];
  guint depths[N_NESTED];
} Nest;

static Nest nest;

static gboolean
has_all (gpointer data)
{
  return nest.n_messages[GPOINTER_TO_UINT (data)] == 1000;
}

static void
nest_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  guint i = GPOINTER_TO_UINT (user_data);
  guint64 number;

  memcpy (&number, data, sizeof number);
  g_assert_cmpuint (number, ==, nest.n_messages[i]);
  g_assert_cmpuint (nest.depths[i]++, ==, 0);
  nest.n_messages[i]++;
  /* Links take turns, so the next receiver's handler may be the one that runs this loop: it cannot be waited for. */
  if (number == 10 && i + 1 < N_NESTED && nest.depths[i + 1] == 0)
    {
      ferry_test_run_until (has_all, GUINT_TO_POINTER (i + 1));
      g_assert_cmpuint (nest.n_messages[i], ==, 11);
    }
  nest.depths[i]--;
}

/* Each handler waits for all messages of the next receiver. */
static void
test_loops_within_loops (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  nest = (Nest){0};
  for (guint i = 0; i < N_NESTED; i++)
    {
      nest.pipes[i] = route_test_started_pipe (router);
      ferry_receiver_set_handler (nest.pipes[i]->receiver, nest_cb, GUINT_TO_POINTER (i), NULL);
    }
  route_test_send_numbers (nest.pipes[0]->sender, 0, 11);
  for (guint i = N_NESTED - 1; i > 0; i--)
    route_test_send_numbers (nest.pipes[i]->sender, 0, 1000);
  route_test_send_numbers (nest.pipes[0]->sender, 11, 989);
  ferry_test_run_until (has_all, GUINT_TO_POINTER (0));
  for (guint i = 0; i < N_NESTED; i++)
    {
      ferry_test_run_until (has_all, GUINT_TO_POINTER (i));
      ferry_test_pipe_free (nest.pipes[i]);
    }
}

/* ---- the handler of closed ---- */

static void
start_in_closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_router_start (((Scene *) user_data)->router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
}

static void
test_refuses_start_while_it_stops (void)
{
  g_autoptr (Scene) scene = scene_new (0, NULL);

  g_signal_connect (scene->receiver, "closed", G_CALLBACK (start_in_closed_cb), scene);
  g_assert_true (ferry_router_stop (scene->router, NULL));
  route_test_assert_warned ("*1 open pipe*");
  g_assert_cmpuint (scene->n_closed, ==, 1);
}

static void
stop_in_closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  g_assert_true (ferry_router_stop (((Scene *) user_data)->router, NULL));
}

static void
test_stop_router_when_a_pipe_closes (void)
{
  g_autoptr (Scene) scene = scene_new (0, NULL);
  FerryTestPipe *other = scene->other = route_test_started_pipe (scene->router);

  g_signal_connect (scene->receiver, "closed", G_CALLBACK (stop_in_closed_cb), scene);
  g_assert_true (ferry_sender_stop (scene->sender, NULL));
  ferry_test_pipe_wait_closed (other);
  route_test_assert_warned ("*1 open pipe*");
  ferry_test_pipe_assert_end (other, FERRY_CLOSE_REASON_ROUTER_STOPPED);
  g_assert_cmpuint (scene->n_closed, ==, 1);
}

static void
drop_in_closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  Scene *scene = user_data;

  g_signal_handlers_disconnect_by_data (receiver, scene);
  ferry_receiver_set_handler (receiver, NULL, NULL, NULL);
  g_clear_object (&scene->receiver);
  scene->acted = TRUE;
}

static void
test_drop_receiver_when_its_pipe_closes (void)
{
  g_autoptr (Scene) scene = scene_new (0, NULL);
  gpointer weak = scene->receiver;

  g_object_add_weak_pointer (G_OBJECT (scene->receiver), &weak);
  g_signal_connect (scene->receiver, "closed", G_CALLBACK (drop_in_closed_cb), scene);
  g_assert_true (ferry_sender_stop (scene->sender, NULL));
  ferry_test_wait_flag (&scene->acted);
  route_test_settle ();
  g_assert_null (weak);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/handlers/may-stop-the-router", test_stop_router);
  g_test_add_func ("/handlers/may-close-their-own-pipe", test_close_own_pipe);
  g_test_add_func ("/handlers/may-drop-their-own-receiver", test_drop_own_receiver);
  g_test_add_func ("/handlers/may-close-another-pipe", test_close_another_pipe);
  g_test_add_func ("/handlers/may-close-another-pipe-with-messages-in-the-queue",
                   test_close_another_pipe_with_messages_in_the_queue);
  g_test_add_func ("/handlers/may-drop-the-router", test_drop_router);
  g_test_add_func ("/handlers/may-restart-the-router", test_restart_router);
  g_test_add_func ("/handlers/may-open-a-pipe-and-send", test_open_a_pipe_and_send);
  g_test_add_func ("/handlers/are-not-entered-again-in-a-nested-loop", test_nested_loop);
  g_test_add_func ("/handlers/of-others-run-in-a-nested-loop", test_others_are_heard_in_a_nested_loop);
  g_test_add_func ("/handlers/of-others-hear-their-end-in-a-nested-loop",
                   test_ends_of_others_are_heard_in_a_nested_loop);
  g_test_add_func ("/handlers/may-stop-the-router-in-a-nested-loop", test_stop_router_in_a_nested_loop);
  g_test_add_func ("/handlers/may-run-loops-within-loops", test_loops_within_loops);
  g_test_add_func ("/handlers/are-not-entered-again-in-a-nested-loop-of-an-aged-dispatch",
                   test_nested_loop_of_an_aged_dispatch);
  g_test_add_func ("/handlers/hear-a-new-run-in-a-nested-loop-after-a-restart", test_nested_loop_after_a_restart);
  g_test_add_func ("/handlers/are-not-entered-again-in-a-nested-loop-within-route-until",
                   test_nested_loop_within_route_until);
  g_test_add_func ("/handlers/cannot-start-a-router-that-stops", test_refuses_start_while_it_stops);
  g_test_add_func ("/handlers/of-closed-may-stop-the-router", test_stop_router_when_a_pipe_closes);
  g_test_add_func ("/handlers/of-closed-may-drop-their-receiver", test_drop_receiver_when_its_pipe_closes);
  return g_test_run ();
}
