/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-channel.c
 *
 * Threads that wait for a channel with a worker while the main loop runs; and a channel whose messages come on one
 * thread while another one ends it. */

#include "config.h"

#include <stdatomic.h>

#include "conversation/channel-test.h"
#include "process/worker-test.h"

/* More than a window of messages, and more bytes than a link's share. */
#define N_MESSAGES 1000
#define SIZE 2000
#define LARGE_SIZE 300000
#define N_LARGE 10

typedef struct
{
  ChannelTest *test;
  FerryChannel *channel; /* (owned) */
  FerryChannel *other;   /* (owned) (nullable): with another worker */
  GThreadFunc func;
  _Atomic gboolean is_done;
} Scene;

static gpointer
run (gpointer data)
{
  Scene *self = data;

  self->func (self);
  atomic_store (&self->is_done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gboolean
is_done (gpointer data)
{
  return atomic_load (&((Scene *) data)->is_done);
}

/* On a thread, while the main loop runs. */
static void
run_beside (Scene *self, GThreadFunc func)
{
  GThread *thread;

  self->func = func;
  atomic_store (&self->is_done, FALSE);
  thread = g_thread_new ("waiting", run, self);
  ferry_test_run_until (is_done, self);
  g_thread_join (thread);
}

static void
open_scene (Scene *self, const char *function, GVariant *arguments)
{
  *self = (Scene){.test = channel_test_new ()};
  self->channel = channel_test_start (self->test, function, arguments);
}

static void
close_scene (Scene *self)
{
  g_clear_object (&self->channel);
  g_clear_object (&self->other);
  channel_test_free (self->test);
}

/* An echo that comes has a number, and a size. */
static void
send (Scene *self, guint number, gsize size)
{
  g_autofree guint8 *bytes = g_malloc0 (size);
  g_autoptr (GError) error = NULL;
  GVariant *value =
    g_variant_new ("(u@ay)", number, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, sizeof (guint8)));

  ferry_channel_send (self->channel, value, -1, NULL, &error);
  g_assert_no_error (error);
}

static void
take (Scene *self, guint number, gsize size)
{
  g_autoptr (GVariant) bytes = NULL;
  g_autoptr (GVariant) value = channel_test_take (self->channel);
  guint found;

  g_variant_get (value, "(u@ay)", &found, &bytes);
  g_assert_cmpuint (found, ==, number);
  g_assert_cmpuint (g_variant_n_children (bytes), ==, size);
}

static gpointer
converse (gpointer data)
{
  for (guint i = 0; i < N_MESSAGES; i++)
    {
      send (data, i, SIZE);
      take (data, i, SIZE);
    }
  return NULL;
}

/* The other worker ends meanwhile. */
static gpointer
end_other_and_converse (gpointer data)
{
  Scene *self = data;

  ferry_worker_force_exit (ferry_test_get_object (self->other, "worker"));
  return converse (self);
}

static gpointer
converse_of_large_messages (gpointer data)
{
  for (guint i = 0; i < N_LARGE; i++)
    {
      send (data, i, LARGE_SIZE);
      take (data, i, LARGE_SIZE);
    }
  return NULL;
}

/* More than the lane to the worker has room for: most messages wait in this process. */
static gpointer
send_all_then_take_all (gpointer data)
{
  for (guint i = 0; i < N_LARGE; i++)
    send (data, i, LARGE_SIZE);
  for (guint i = 0; i < N_LARGE; i++)
    take (data, i, LARGE_SIZE);
  return NULL;
}

static gpointer
take_numbers (gpointer data)
{
  Scene *self = data;

  for (guint i = 1; i < N_MESSAGES; i++)
    channel_test_assert_next (self->channel, i);
  return NULL;
}

static gpointer
send_acknowledged (gpointer data)
{
  Scene *self = data;

  for (guint i = 0; i < N_MESSAGES; i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;

      ferry_channel_send_acknowledged (self->channel, g_variant_new_uint32 (i), -1, NULL, &error);
      g_assert_no_error (error);
      channel_test_assert_next (self->channel, i);
    }
  return NULL;
}

static gpointer
take_good_end (gpointer data)
{
  Scene *self = data;

  ferry_channel_close (self->channel);
  channel_test_assert_good_end (self->channel);
  return NULL;
}

/* The worker starts while the main loop runs. */
static void
open_echo (Scene *self)
{
  open_scene (self, "echo", NULL);
  send (self, 0, SIZE);
  take (self, 0, SIZE);
}

static void
thread_beside_the_main_loop_gets_messages (void)
{
  Scene scene;

  open_echo (&scene);
  run_beside (&scene, converse);
  run_beside (&scene, converse_of_large_messages);
  /* The main loop takes messages in between. */
  send (&scene, 7, SIZE);
  take (&scene, 7, SIZE);
  run_beside (&scene, converse);
  close_scene (&scene);
}

static void
thread_beside_the_main_loop_sends_more_than_there_is_room_for (void)
{
  Scene scene;

  open_echo (&scene);
  run_beside (&scene, send_all_then_take_all);
  close_scene (&scene);
}

static void
thread_beside_the_main_loop_gets_messages_that_came_before (void)
{
  Scene scene;

  open_scene (&scene, "count", g_variant_new_uint32 (N_MESSAGES));
  channel_test_assert_next (scene.channel, 0);
  run_beside (&scene, take_numbers);
  channel_test_assert_good_end (scene.channel);
  close_scene (&scene);
}

static void
thread_beside_the_main_loop_gets_acknowledgements (void)
{
  Scene scene;

  open_echo (&scene);
  run_beside (&scene, send_acknowledged);
  close_scene (&scene);
}

static void
thread_beside_the_main_loop_gets_the_end (void)
{
  Scene scene;

  open_echo (&scene);
  run_beside (&scene, converse);
  run_beside (&scene, take_good_end);
  close_scene (&scene);
}

static void
thread_beside_the_main_loop_gets_messages_while_another_worker_ends (void)
{
  Scene scene;

  open_echo (&scene);
  scene.other = channel_test_start (scene.test, "deaf", NULL);
  run_beside (&scene, end_other_and_converse);
  channel_test_assert_exit (scene.other, -1, SIGKILL);
  close_scene (&scene);
}

static gboolean
has_message (gpointer pipe)
{
  return ((FerryTestPipe *) pipe)->n_messages > 0;
}

/* Another worker sends messages without end. */
static void
thread_beside_the_main_loop_gets_messages_beside_a_flood (void)
{
  FerryLauncher *launcher = worker_test_launcher_new ("chatty-worker", "flood", NULL);
  FerryTestPipe *pipe;
  FerryWorker *worker;
  Scene scene;

  open_echo (&scene);
  pipe = ferry_test_pipe_new (scene.test->router);
  worker_test_add_sender (launcher, "side", pipe);
  worker = worker_test_spawn (launcher, scene.test->router);
  ferry_test_run_until (has_message, pipe);
  run_beside (&scene, converse);
  /* What has come is not delivered any more, which would take long. */
  ferry_router_close_pipe (pipe->router, pipe->receiver, NULL);
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  g_object_unref (worker);
  g_object_unref (launcher);
  ferry_test_pipe_free (pipe);
  close_scene (&scene);
}

/* ---- an end on another thread ---- */

#define N_ENDS 2000

static _Atomic gboolean is_over; /* the other end has been told of the end */

/* With a pair of transports, its messages are received on this thread. */
static gpointer
send_until_over (gpointer channel)
{
  while (!atomic_load (&is_over))
    ferry_channel_send (channel, g_variant_new_uint32 (1), 0, NULL, NULL);
  return NULL;
}

/* A message that is on its way when the transport is closed comes before the end, or not at all. */
static void
test_no_message_comes_after_the_end (void)
{
  for (guint i = 0; i < N_ENDS; i++)
    {
      g_autoptr (FerryTransport) here = NULL;
      g_autoptr (FerryTransport) there = NULL;
      g_autoptr (FerryChannel) receiving = NULL;
      g_autoptr (FerryChannel) sending = NULL;
      g_autoptr (GVariant) late = NULL;
      GThread *thread;
      gboolean has_more = TRUE;

      ferry_transport_new_pair (&here, &there);
      receiving = ferry_channel_new (here);
      sending = ferry_channel_new (there);
      atomic_store (&is_over, FALSE);
      thread = g_thread_new ("sending", send_until_over, sending);
      for (guint n = 0; n <= i % 8; n++)
        g_variant_unref (channel_test_take (receiving));
      ferry_transport_close (here);
      while (has_more)
        {
          g_autoptr (GVariant) value = NULL;

          has_more = ferry_channel_receive (receiving, -1, NULL, &value, NULL, NULL);
        }
      atomic_store (&is_over, TRUE);
      g_thread_join (thread);
      g_assert_false (ferry_channel_receive (receiving, -1, NULL, &late, NULL, NULL));
      g_assert_null (late);
    }
}

int
main (int argc, char **argv)
{
  channel_test_init (&argc, &argv);
  g_test_add_func ("/channel-threads/thread-beside-the-main-loop-gets-messages",
                   thread_beside_the_main_loop_gets_messages);
  g_test_add_func ("/channel-threads/thread-beside-the-main-loop-sends-more-than-there-is-room-for",
                   thread_beside_the_main_loop_sends_more_than_there_is_room_for);
  g_test_add_func ("/channel-threads/thread-beside-the-main-loop-gets-messages-that-came-before",
                   thread_beside_the_main_loop_gets_messages_that_came_before);
  g_test_add_func ("/channel-threads/thread-beside-the-main-loop-gets-acknowledgements",
                   thread_beside_the_main_loop_gets_acknowledgements);
  g_test_add_func ("/channel-threads/thread-beside-the-main-loop-gets-the-end",
                   thread_beside_the_main_loop_gets_the_end);
  g_test_add_func ("/channel-threads/thread-beside-the-main-loop-gets-messages-while-another-worker-ends",
                   thread_beside_the_main_loop_gets_messages_while_another_worker_ends);
  g_test_add_func ("/channel-threads/thread-beside-the-main-loop-gets-messages-beside-a-flood",
                   thread_beside_the_main_loop_gets_messages_beside_a_flood);
  g_test_add_func ("/channel-threads/no-message-comes-after-the-end", test_no_message_comes_after_the_end);
  return g_test_run ();
}
