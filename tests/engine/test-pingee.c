/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-pingee.c
 *
 * Pings from any thread, served on a main context. */

#include "config.h"

#include "engine/ferry-pingee-private.h"
#include "route/route-test.h"

#define PRIORITY FERRY_PRIORITY_DEFAULT
#define MILLISECOND 1000

typedef struct
{
  FerryPingee *pingee; /* (owned) */
  guint n_calls;
  guint n_again; /* how often the callback asks to be repeated */
  guint depth;
  gboolean nest; /* run a loop in the callback */
  gboolean idle_ran;
  int priority; /* of the source that the latest call came by */
  gint64 called;
  gint sent; /* atomic: counted up before each ping */
  gint seen; /* the value of sent that the latest call saw */
} Scene;

static gboolean
idle_cb (gpointer user_data)
{
  ((Scene *) user_data)->idle_ran = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
pinged_cb (gpointer user_data)
{
  Scene *scene = user_data;

  g_assert_cmpuint (scene->depth, ==, 0);
  scene->depth++;
  scene->n_calls++;
  scene->called = g_get_monotonic_time ();
  scene->priority = g_source_get_priority (g_main_current_source ());
  scene->seen = g_atomic_int_get (&scene->sent);
  if (scene->nest)
    {
      scene->nest = FALSE;
      ferry_pingee_ping (scene->pingee);
      g_idle_add_full (G_PRIORITY_LOW, idle_cb, scene, NULL);
      ferry_test_wait_flag (&scene->idle_ran);
    }
  scene->depth--;
  if (scene->n_again == 0)
    return FALSE;
  scene->n_again--;
  return TRUE;
}

static gboolean
was_called (gpointer data)
{
  return ((Scene *) data)->n_calls > 0;
}

static Scene *
scene_new (gint64 ageing)
{
  Scene *scene = g_new0 (Scene, 1);

  scene->pingee = ferry_pingee_new (PRIORITY, ageing, pinged_cb, scene);
  return scene;
}

static Scene *
scene_new_connected (gint64 ageing)
{
  Scene *scene = scene_new (ageing);

  ferry_pingee_connect (scene->pingee, g_main_context_default ());
  return scene;
}

static void
scene_free (Scene *scene)
{
  ferry_pingee_disconnect (scene->pingee);
  ferry_pingee_unref (scene->pingee);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

static void
test_pings_coalesce (void)
{
  g_autoptr (Scene) scene = scene_new_connected (-1);

  for (guint i = 0; i < 1000; i++)
    ferry_pingee_ping (scene->pingee);
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 1);
  ferry_pingee_ping (scene->pingee);
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 2);
}

static void
test_is_not_called_without_a_ping (void)
{
  g_autoptr (Scene) scene = scene_new_connected (1);

  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 0);
}

#define N_THREADS 4
#define N_PINGS 20000

static gpointer
ping_often (gpointer data)
{
  Scene *scene = data;

  for (guint i = 0; i < N_PINGS; i++)
    {
      g_atomic_int_inc (&scene->sent);
      ferry_pingee_ping (scene->pingee);
    }
  return NULL;
}

static gboolean
saw_all (gpointer data)
{
  return ((Scene *) data)->seen == N_THREADS * N_PINGS;
}

static void
test_no_ping_of_many_threads_is_lost (void)
{
  g_autoptr (Scene) scene = scene_new_connected (50 * MILLISECOND);
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("ping", ping_often, scene);
  ferry_test_run_until (saw_all, scene);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (scene->n_calls, <=, N_THREADS * N_PINGS);
}

static void
test_is_not_called_after_disconnect (void)
{
  g_autoptr (Scene) scene = scene_new_connected (1);

  ferry_pingee_ping (scene->pingee);
  ferry_pingee_disconnect (scene->pingee);
  ferry_pingee_disconnect (scene->pingee);
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 0);
}

static void
test_ping_after_disconnect_is_served_at_the_next_connect (void)
{
  g_autoptr (Scene) scene = scene_new_connected (1);

  ferry_pingee_disconnect (scene->pingee);
  ferry_pingee_ping (scene->pingee);
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 0);
  ferry_pingee_connect (scene->pingee, g_main_context_default ());
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 1);
}

static void
test_ping_before_connect_is_served (void)
{
  g_autoptr (Scene) scene = scene_new (-1);

  ferry_pingee_ping (scene->pingee);
  ferry_pingee_connect (scene->pingee, g_main_context_default ());
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 1);
}

static void
test_true_repeats_the_call (void)
{
  g_autoptr (Scene) scene = scene_new_connected (-1);

  scene->n_again = 9;
  ferry_pingee_ping (scene->pingee);
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 10);
}

static gboolean
disconnect_cb (gpointer user_data)
{
  Scene *scene = user_data;

  scene->n_calls++;
  ferry_pingee_disconnect (scene->pingee);
  return TRUE;
}

static void
test_may_be_disconnected_by_its_callback (void)
{
  g_autoptr (Scene) scene = g_new0 (Scene, 1);

  scene->pingee = ferry_pingee_new (PRIORITY, 1, disconnect_cb, scene);
  ferry_pingee_connect (scene->pingee, g_main_context_default ());
  ferry_pingee_ping (scene->pingee);
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 1);
  /* It asked to be repeated. */
  ferry_pingee_connect (scene->pingee, g_main_context_default ());
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 2);
}

static void
test_is_not_called_in_a_nested_loop (void)
{
  g_autoptr (Scene) scene = scene_new_connected (1);

  scene->nest = TRUE;
  ferry_pingee_ping (scene->pingee);
  ferry_test_run_until (was_called, scene);
  g_assert_true (scene->idle_ran);
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 2);
}

static void
test_context_keeps_a_connected_one (void)
{
  Scene *scene = scene_new_connected (-1);

  ferry_pingee_ref (scene->pingee);
  ferry_pingee_unref (scene->pingee);
  ferry_pingee_unref (scene->pingee);
  ferry_pingee_ping (scene->pingee);
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 1);
  ferry_pingee_disconnect (scene->pingee);
  g_free (scene);
}

/* ---- ageing ---- */

static gboolean
count_call (gpointer user_data)
{
  ++*(guint *) user_data;
  return FALSE;
}

static gboolean
stay_busy (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
test_an_old_ping_is_served_above_busy_sources (void)
{
  g_autoptr (Scene) scene = scene_new_connected (50 * MILLISECOND);
  guint busy = g_idle_add_full (G_PRIORITY_HIGH_IDLE + 20, stay_busy, NULL, NULL);
  gint64 began = g_get_monotonic_time ();

  ferry_pingee_ping (scene->pingee);
  ferry_test_run_until (was_called, scene);
  g_assert_cmpint (scene->priority, ==, G_PRIORITY_DEFAULT);
  g_assert_cmpint (scene->called - began, >=, 50 * MILLISECOND);
  g_source_remove (busy);
}

static void
test_each_old_ping_has_its_turn (void)
{
  g_autoptr (Scene) scene = scene_new_connected (5 * MILLISECOND);
  guint busy = g_idle_add_full (G_PRIORITY_HIGH_IDLE + 20, stay_busy, NULL, NULL);

  for (guint i = 0; i < 20; i++)
    {
      scene->n_calls = 0;
      ferry_pingee_ping (scene->pingee);
      ferry_test_run_until (was_called, scene);
      g_assert_cmpint (scene->priority, ==, G_PRIORITY_DEFAULT);
    }
  g_source_remove (busy);
}

static void
test_without_ageing_busy_sources_come_first (void)
{
  g_autoptr (Scene) scene = scene_new_connected (-1);
  guint busy = g_idle_add_full (G_PRIORITY_HIGH_IDLE + 20, stay_busy, NULL, NULL);
  gint64 until = g_get_monotonic_time () + 150 * MILLISECOND;

  ferry_pingee_ping (scene->pingee);
  while (g_get_monotonic_time () < until)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (scene->n_calls, ==, 0);
  g_source_remove (busy);
  ferry_test_run_until (was_called, scene);
  g_assert_cmpint (scene->priority, ==, PRIORITY);
}

static void
test_idle_context_serves_at_its_own_priority (void)
{
  g_autoptr (Scene) scene = scene_new_connected (600 * G_USEC_PER_SEC);

  ferry_pingee_ping (scene->pingee);
  ferry_test_run_until (was_called, scene);
  g_assert_cmpint (scene->priority, ==, PRIORITY);
}

static gboolean
busy_until_called (gpointer user_data)
{
  return ((Scene *) user_data)->n_calls == 0;
}

static void
test_aged_call_hears_nothing_in_a_nested_loop (void)
{
  g_autoptr (Scene) scene = scene_new_connected (10 * MILLISECOND);

  g_idle_add_full (G_PRIORITY_HIGH_IDLE + 20, busy_until_called, scene, NULL);
  scene->nest = TRUE;
  ferry_pingee_ping (scene->pingee);
  ferry_test_run_until (was_called, scene);
  g_assert_true (scene->idle_ran);
  route_test_settle ();
  g_assert_cmpuint (scene->n_calls, ==, 2);
}

/* The iteration finds both sources due: the context was held up for longer than the ageing. */
static void
test_an_old_ping_of_default_priority_is_one_call (void)
{
  guint n_calls = 0;
  FerryPingee *pingee = ferry_pingee_new (G_PRIORITY_DEFAULT, 0, count_call, &n_calls);

  ferry_pingee_connect (pingee, g_main_context_default ());
  for (guint i = 1; i <= 100; i++)
    {
      ferry_pingee_ping (pingee);
      route_test_settle ();
      g_assert_cmpuint (n_calls, ==, i);
    }
  ferry_pingee_disconnect (pingee);
  ferry_pingee_unref (pingee);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/pingee/pings-coalesce", test_pings_coalesce);
  g_test_add_func ("/pingee/is-not-called-without-a-ping", test_is_not_called_without_a_ping);
  g_test_add_func ("/pingee/no-ping-of-many-threads-is-lost", test_no_ping_of_many_threads_is_lost);
  g_test_add_func ("/pingee/is-not-called-after-disconnect", test_is_not_called_after_disconnect);
  g_test_add_func ("/pingee/ping-after-disconnect-is-served-at-the-next-connect",
                   test_ping_after_disconnect_is_served_at_the_next_connect);
  g_test_add_func ("/pingee/ping-before-connect-is-served", test_ping_before_connect_is_served);
  g_test_add_func ("/pingee/true-repeats-the-call", test_true_repeats_the_call);
  g_test_add_func ("/pingee/may-be-disconnected-by-its-callback", test_may_be_disconnected_by_its_callback);
  g_test_add_func ("/pingee/is-not-called-in-a-nested-loop", test_is_not_called_in_a_nested_loop);
  g_test_add_func ("/pingee/context-keeps-a-connected-one", test_context_keeps_a_connected_one);
  g_test_add_func ("/pingee/an-old-ping-is-served-above-busy-sources", test_an_old_ping_is_served_above_busy_sources);
  g_test_add_func ("/pingee/an-old-ping-of-default-priority-is-one-call",
                   test_an_old_ping_of_default_priority_is_one_call);
  g_test_add_func ("/pingee/each-old-ping-has-its-turn", test_each_old_ping_has_its_turn);
  g_test_add_func ("/pingee/without-ageing-busy-sources-come-first", test_without_ageing_busy_sources_come_first);
  g_test_add_func ("/pingee/idle-context-serves-at-its-own-priority", test_idle_context_serves_at_its_own_priority);
  g_test_add_func ("/pingee/aged-call-hears-nothing-in-a-nested-loop", test_aged_call_hears_nothing_in_a_nested_loop);
  return g_test_run ();
}
