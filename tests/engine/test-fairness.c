/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-fair-queue.c, route/ferry-dispatch.c
 *
 * A link with slow handlers, which has laid much ahead, beside one with a message now and then. What is counted is what
 * comes before that message, and not how long it takes. */

#include "config.h"

#include "route/route-test.h"

/* Microseconds that a slow handler takes: more than a turn, so that a turn is one call of it. */
#define SLOW 1000

/* A turn of the other link, and one that was begun already. */
#define MOST_BEFORE 2

typedef struct
{
  FerryRouter *router; /* (owned) */
  FerryTestPipe *slow; /* (owned) */
  guint n_slow;        /* calls of its handlers */
  FerrySender *sender; /* (owned): of the quick pipe, as the next one */
  FerryReceiver *receiver;
  guint n_before; /* n_slow when its message came */
  gboolean came;
} Scene;

static void
be_slow (Scene *self)
{
  gint64 until = g_get_monotonic_time () + SLOW;

  while (g_get_monotonic_time () < until)
    ;
  self->n_slow++;
}

static void
slow_buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer data)
{
  be_slow (data);
}

static void
slow_message_cb (FerryReceiver *receiver, gconstpointer bytes, gsize size, const GVariantType *type, gpointer data)
{
  be_slow (data);
}

static void
quick_message_cb (FerryReceiver *receiver, gconstpointer bytes, gsize size, const GVariantType *type, gpointer data)
{
  Scene *self = data;

  self->n_before = self->n_slow;
  self->came = TRUE;
}

static void
set_up (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new ();
  self->slow = route_test_started_pipe (self->router);
  g_signal_connect (self->slow->receiver, "buffer", G_CALLBACK (slow_buffer_cb), self);
  ferry_receiver_set_handler (self->slow->receiver, slow_message_cb, self, NULL);
  route_test_pipe (self->router, &self->sender, &self->receiver);
  ferry_receiver_set_handler (self->receiver, quick_message_cb, self, NULL);
  ferry_sender_start (self->sender, &error);
  g_assert_no_error (error);
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_signal_handlers_disconnect_by_data (self->slow->receiver, self);
  ferry_test_pipe_free (self->slow);
  g_clear_object (&self->sender);
  g_clear_object (&self->receiver);
  route_test_stop_with_open_pipes (self->router);
}

static void
send_buffers (FerrySender *sender, guint n, gsize size)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryBuffer) buffer =
        ferry_test_within (sender, 0, NULL, ferry_sender_create_buffer (sender, size, &error));

      g_assert_no_error (error);
      ferry_test_within (sender, 0, NULL, ferry_sender_send_buffer (sender, NULL, buffer, &error));
      g_assert_no_error (error);
    }
}

static void
send_large (FerrySender *sender, guint n)
{
  static const guint8 bytes[40 * 1024];

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;

      ferry_test_within (sender, 0, NULL, ferry_sender_send_bytes (sender, bytes, sizeof bytes, &error));
      g_assert_no_error (error);
    }
}

/* Waits until the slow link has so many blocks in the local queue, sends the message behind them, and asserts that
 * it comes before almost all of them. */
static void
assert_passes (Scene *self, guint64 n_blocks)
{
  while (ferry_router_get_counter (self->router, FERRY_COUNTER_BLOCKS) < n_blocks)
    g_thread_yield ();
  route_test_burst (self->sender, 0, 1);
  route_test_wait_monitor (self->sender);
  while (!self->came)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (self->n_before, <=, MOST_BEFORE);
}

static void
test_buffers (Scene *self, gconstpointer data)
{
  send_buffers (self->slow->sender, FERRY_MAX_BUFFERS_PER_LINK, 100);
  assert_passes (self, 32);
}

static void
test_large_messages (Scene *self, gconstpointer data)
{
  send_large (self->slow->sender, 8);
  assert_passes (self, 6);
}

static void
test_messages (Scene *self, gconstpointer data)
{
  route_test_burst (self->slow->sender, 0, 500);
  assert_passes (self, 1);
}

/* ---- latest values ---- */

#define N_LATEST 4

/* Microseconds: more than a dispatch has. With so many pipes the first is due again before the last one's handler has
 * returned. */
#define VERY_SLOW 5000

typedef struct
{
  Scene *scene;
  FerrySender *sender;
  FerryReceiver *receiver;
} Latest;

/* There is always a newer value. The message is sent when all pipes are hot, and none rings any more. */
static void
latest_cb (FerryReceiver *receiver, gconstpointer bytes, gsize size, const GVariantType *type, gpointer data)
{
  Latest *latest = data;
  Scene *scene = latest->scene;
  gint64 until = g_get_monotonic_time () + VERY_SLOW;

  while (g_get_monotonic_time () < until)
    ;
  scene->n_slow++;
  route_test_send_numbers (latest->sender, scene->n_slow, 1);
  if (scene->n_slow != 2 * N_LATEST)
    return;
  route_test_burst (scene->sender, 0, 1);
  route_test_wait_monitor (scene->sender);
}

static void
test_latest_values (Scene *self, gconstpointer data)
{
  Latest latest[N_LATEST];

  for (guint i = 0; i < N_LATEST; i++)
    {
      g_autoptr (GError) error = NULL;

      latest[i].scene = self;
      ferry_router_pipe (self->router, FERRY_PIPE_LATEST, &latest[i].sender, &latest[i].receiver, &error);
      g_assert_no_error (error);
      ferry_receiver_set_handler (latest[i].receiver, latest_cb, &latest[i], NULL);
      ferry_sender_start (latest[i].sender, &error);
      g_assert_no_error (error);
      route_test_send_numbers (latest[i].sender, 0, 1);
    }
  while (!self->came)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (self->n_before, <=, 2 * N_LATEST + 1);
  for (guint i = 0; i < N_LATEST; i++)
    {
      ferry_receiver_set_handler (latest[i].receiver, NULL, NULL, NULL);
      g_object_unref (latest[i].sender);
      g_object_unref (latest[i].receiver);
    }
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add ("/fairness/a-message-passes-latest-values-of-slow-handlers", Scene, NULL, set_up, test_latest_values,
              tear_down);
  g_test_add ("/fairness/a-message-passes-buffers-of-a-slow-handler", Scene, NULL, set_up, test_buffers, tear_down);
  g_test_add ("/fairness/a-message-passes-large-messages-of-a-slow-handler", Scene, NULL, set_up, test_large_messages,
              tear_down);
  g_test_add ("/fairness/a-message-passes-messages-of-a-slow-handler", Scene, NULL, set_up, test_messages, tear_down);
  return g_test_run ();
}
