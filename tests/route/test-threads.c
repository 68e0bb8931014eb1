/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-sender.c, engine/ferry-affinity.c, engine/ferry-commands.c
 *
 * Senders that are used by threads of the application. */

#include "config.h"

#include "route/route-test.h"

#include <string.h>

#define N_THREADS 4
#define N_MESSAGES 20000

/* What the threads send: the payload is repeated up to length, so that a message that was split would show. */
typedef struct
{
  guint32 thread;
  guint32 number;
} Stamp;

typedef struct
{
  FerryRouter *router;
  FerrySender *sender;     /* (owned) */
  FerryReceiver *receiver; /* (owned) */
  guint32 next[N_THREADS];
  guint n_messages;
  guint n_closed;
} Scene;

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  Scene *scene = user_data;
  const Stamp *stamps = data;
  gsize n = size / sizeof *stamps;

  g_assert_cmpuint (size % sizeof *stamps, ==, 0);
  g_assert_cmpuint (n, ==, 1 + stamps[0].number % 32);
  for (gsize i = 1; i < n; i++)
    g_assert_cmpmem (&stamps[i], sizeof *stamps, stamps, sizeof *stamps);
  g_assert_cmpuint (stamps[0].number, ==, scene->next[stamps[0].thread]);
  scene->next[stamps[0].thread]++;
  scene->n_messages++;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  Scene *scene = user_data;

  scene->n_closed++;
  g_assert_cmpint (ferry_exit_get_reason (exit), ==, FERRY_CLOSE_REASON_STOPPED);
}

static Scene *
scene_new (FerryRouter *router)
{
  Scene *scene = g_new0 (Scene, 1);

  scene->router = router;
  route_test_pipe (router, &scene->sender, &scene->receiver);
  ferry_receiver_set_handler (scene->receiver, message_cb, scene, NULL);
  g_signal_connect (scene->receiver, "closed", G_CALLBACK (closed_cb), scene);
  return scene;
}

static void
scene_free (Scene *scene)
{
  ferry_receiver_set_handler (scene->receiver, NULL, NULL, NULL);
  g_signal_handlers_disconnect_by_data (scene->receiver, scene);
  g_object_unref (scene->receiver);
  g_object_unref (scene->sender);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

typedef struct
{
  FerrySender *sender;
  guint32 index;
  GThread *thread;
} Writer;

static gpointer
write_messages (gpointer data)
{
  Writer *writer = data;
  Stamp stamps[32];

  for (guint32 number = 0; number < N_MESSAGES; number++)
    {
      g_autoptr (GError) error = NULL;
      guint n = 1 + number % 32;

      for (guint i = 0; i < n; i++)
        stamps[i] = (Stamp){writer->index, number};
      ferry_sender_send_bytes (writer->sender, stamps, n * sizeof *stamps, &error);
      g_assert_no_error (error);
    }
  return NULL;
}

static gboolean
has_all (gpointer data)
{
  return ((Scene *) data)->n_messages == N_THREADS * N_MESSAGES;
}

static gboolean
has_those_of_one_thread (gpointer data)
{
  return ((Scene *) data)->n_messages == N_MESSAGES;
}

static gboolean
has_closed (gpointer data)
{
  return ((Scene *) data)->n_closed > 0;
}

static void
test_threads_share_one_sender (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (Scene) scene = scene_new (router);
  Writer writers[N_THREADS];

  g_assert_true (ferry_sender_start (scene->sender, NULL));
  for (guint32 i = 0; i < N_THREADS; i++)
    {
      writers[i] = (Writer){scene->sender, i, NULL};
      writers[i].thread = g_thread_new ("writer", write_messages, &writers[i]);
    }
  ferry_test_run_until (has_all, scene);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (writers[i].thread);
  g_assert_true (ferry_sender_stop (scene->sender, NULL));
  ferry_test_run_until (has_closed, scene);
  g_assert_cmpuint (scene->n_messages, ==, N_THREADS * N_MESSAGES);
  ferry_test_router_stop (router);
}

/* ---- types, which each thread may be the first to announce ---- */

#define N_VALUES 3000
#define N_TYPES 100

/* Sends tuples of 0 to 99 numbers, each a type of its own. The numbers are the tuple's length. */
static gpointer
send_tuples (gpointer sender)
{
  for (guint i = 0; i < N_VALUES; i++)
    {
      GVariantBuilder builder;

      g_variant_builder_init (&builder, G_VARIANT_TYPE_TUPLE);
      for (guint j = 0; j < i % N_TYPES; j++)
        g_variant_builder_add (&builder, "u", i % N_TYPES);
      g_assert_true (ferry_sender_send (sender, g_variant_builder_end (&builder), NULL));
    }
  return NULL;
}

static void
tuple_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  guint *n_of_length = data;
  const gsize length = g_variant_n_children (message);

  for (gsize i = 0; i < length; i++)
    {
      g_autoptr (GVariant) number = g_variant_get_child_value (message, i);

      g_assert_cmpuint (g_variant_get_uint32 (number), ==, length);
    }
  g_assert_cmpuint (length, <, N_TYPES);
  n_of_length[length]++;
}

static gboolean
has_all_tuples (gpointer data)
{
  const guint *n_of_length = data;

  for (guint i = 0; i < N_TYPES; i++)
    if (n_of_length[i] < N_THREADS * N_VALUES / N_TYPES)
      return FALSE;
  return TRUE;
}

static void
test_threads_announce_types_at_one_moment (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  guint n_of_length[N_TYPES] = {0};
  GThread *threads[N_THREADS];

  ferry_receiver_set_handler (pipe->receiver, NULL, NULL, NULL);
  g_signal_connect (pipe->receiver, "message", G_CALLBACK (tuple_cb), n_of_length);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("sender", send_tuples, pipe->sender);
  ferry_test_run_until (has_all_tuples, n_of_length);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < N_TYPES; i++)
    g_assert_cmpuint (n_of_length[i], ==, N_THREADS * N_VALUES / N_TYPES);
}

static gpointer
start_write_and_stop (gpointer data)
{
  Writer *writer = data;
  g_autoptr (GError) error = NULL;

  ferry_sender_start (writer->sender, &error);
  g_assert_no_error (error);
  write_messages (writer);
  ferry_sender_stop (writer->sender, &error);
  g_assert_no_error (error);
  return NULL;
}

static void
test_each_thread_has_its_sender (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  Scene *scenes[N_THREADS];
  Writer writers[N_THREADS];

  for (guint32 i = 0; i < N_THREADS; i++)
    {
      scenes[i] = scene_new (router);
      writers[i] = (Writer){scenes[i]->sender, i, NULL};
      writers[i].thread = g_thread_new ("writer", start_write_and_stop, &writers[i]);
    }
  for (guint i = 0; i < N_THREADS; i++)
    {
      ferry_test_run_until (has_closed, scenes[i]);
      g_assert_true (has_those_of_one_thread (scenes[i]));
      g_thread_join (writers[i].thread);
      scene_free (scenes[i]);
    }
}

static gpointer
start_write_and_drop (gpointer data)
{
  Writer *writer = data;
  g_autoptr (GError) error = NULL;

  ferry_sender_start (writer->sender, &error);
  g_assert_no_error (error);
  write_messages (writer);
  g_object_unref (writer->sender);
  return NULL;
}

static void
test_a_thread_may_drop_the_last_reference (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (Scene) scene = scene_new (router);
  Writer writer = {g_steal_pointer (&scene->sender), 0, NULL};

  /* For scene_free(). */
  scene->sender = g_object_new (FERRY_TYPE_SENDER, NULL);
  writer.thread = g_thread_new ("writer", start_write_and_drop, &writer);
  ferry_test_run_until (has_closed, scene);
  g_assert_true (has_those_of_one_thread (scene));
  g_thread_join (writer.thread);
  ferry_test_router_stop (router);
}

/* Sends until the other end is gone. */
static gpointer
write_until_closed (gpointer data)
{
  Writer *writer = data;
  g_autoptr (GError) error = NULL;
  guint32 number = 0;

  for (;;)
    {
      Stamp stamps[32];
      guint n = 1 + number % 32;

      for (guint i = 0; i < n; i++)
        stamps[i] = (Stamp){writer->index, number};
      if (!ferry_sender_send_bytes (writer->sender, stamps, n * sizeof *stamps, &error))
        break;
      number++;
    }
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  return NULL;
}

static gboolean
has_some (gpointer data)
{
  return ((Scene *) data)->n_messages >= 1000;
}

static void
test_closing_the_pipe_ends_a_flood_of_threads (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (Scene) scene = scene_new (router);
  Writer writers[N_THREADS];

  g_assert_true (ferry_sender_start (scene->sender, NULL));
  for (guint32 i = 0; i < N_THREADS; i++)
    {
      writers[i] = (Writer){scene->sender, i, NULL};
      writers[i].thread = g_thread_new ("writer", write_until_closed, &writers[i]);
    }
  ferry_test_run_until (has_some, scene);
  g_assert_true (ferry_router_close_pipe (router, scene->receiver, NULL));
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (writers[i].thread);
  g_assert_cmpuint (scene->n_closed, ==, 0);
  ferry_test_router_stop (router);
}

static void
test_stopping_the_router_ends_a_flood_of_threads (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (Scene) scene = scene_new (router);
  Writer writers[N_THREADS];

  g_signal_handlers_disconnect_by_data (scene->receiver, scene);
  g_assert_true (ferry_sender_start (scene->sender, NULL));
  for (guint32 i = 0; i < N_THREADS; i++)
    {
      writers[i] = (Writer){scene->sender, i, NULL};
      writers[i].thread = g_thread_new ("writer", write_until_closed, &writers[i]);
    }
  ferry_test_run_until (has_some, scene);
  route_test_stop_with_open_pipes (router);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (writers[i].thread);
}

static gpointer
start_sender (gpointer data)
{
  return GINT_TO_POINTER (ferry_sender_start (data, NULL));
}

static void
test_threads_start_senders_while_the_router_stops (void)
{
  for (guint round = 0; round < 50; round++)
    {
      FerryRouter *router = ferry_test_router_new ();
      g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
      GThread *thread = g_thread_new ("start", start_sender, pipe->sender);

      route_test_stop_with_open_pipes (router);
      if (GPOINTER_TO_INT (g_thread_join (thread)))
        {
          RouteTestSend *send = route_test_send_new (pipe->sender, NULL, 8, -1, NULL);

          route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_CLOSED);
        }
      g_assert_cmpuint (pipe->n_closed, ==, 1);
    }
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/threads/share-one-sender", test_threads_share_one_sender);
  g_test_add_func ("/threads/announce-types-at-one-moment", test_threads_announce_types_at_one_moment);
  route_test_add_untraceable ("/threads/have-a-sender-each", test_each_thread_has_its_sender);
  g_test_add_func ("/threads/may-drop-the-last-reference", test_a_thread_may_drop_the_last_reference);
  route_test_add_untraceable ("/threads/are-told-when-the-pipe-is-closed",
                              test_closing_the_pipe_ends_a_flood_of_threads);
  route_test_add_untraceable ("/threads/are-told-when-the-router-stops",
                              test_stopping_the_router_ends_a_flood_of_threads);
  route_test_add_untraceable ("/threads/may-start-senders-while-the-router-stops",
                              test_threads_start_senders_while_the_router_stops);
  return g_test_run ();
}
