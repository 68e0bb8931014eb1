/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-wait-queue.c, conversation/ferry-channel.c, conversation/ferry-replies.c
 *
 * Several calls that wait at a time, of which one thread brings a message, and another one the end. The first thread is
 * stopped wherever it has given a lock back, so each place at which the other may come in between is tried. */

#include "config.h"

#include <dlfcn.h>
#include <pthread.h>

#include "call/ferry-transport-private.h"
#include "conversation/ferry-replies-private.h"
#include "ferry-test.h"
#include "wire/ferry-call-message-private.h"

/* ---- a thread that stops where it holds no lock ---- */

extern const char __executable_start, etext; /* of the linker: where this program's code begins and ends */

static _Thread_local int n_held;
static _Thread_local int n_left = -1; /* locks that the thread gives back before it stops; negative: it does not stop */
static GMutex lock;
static GCond changed;
static gboolean has_stopped; /* lock, as the next */
static gboolean may_go_on;

int
pthread_mutex_lock (pthread_mutex_t *mutex)
{
  static int (*real) (pthread_mutex_t *);

  if (real == NULL)
    real = (int (*) (pthread_mutex_t *)) dlsym (RTLD_NEXT, "pthread_mutex_lock");
  n_held++;
  return real (mutex);
}

static void
stop_here (void)
{
  g_mutex_lock (&lock);
  has_stopped = TRUE;
  g_cond_broadcast (&changed);
  while (!may_go_on)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
}

/* Whoever gives a lock back in GLib may hold another one there, which is none of pthread's. */
static gboolean
is_in_this_program (const char *caller)
{
  return caller >= &__executable_start && caller < &etext;
}

int
pthread_mutex_unlock (pthread_mutex_t *mutex)
{
  static int (*real) (pthread_mutex_t *);
  int result;

  if (real == NULL)
    real = (int (*) (pthread_mutex_t *)) dlsym (RTLD_NEXT, "pthread_mutex_unlock");
  result = real (mutex);
  n_held--;
  if (n_left >= 0 && n_held == 0 && is_in_this_program (__builtin_return_address (0)) && n_left-- == 0)
    stop_here ();
  return result;
}

/* ---- an end whose messages the test brings ---- */

typedef struct
{
  FerryTransport *transport; /* (owned) */
  GBytes *message;           /* (owned): what the thread brings */
  int stops_after;
  GString *order; /* 'm' for a message that a callback got, 'e' for the end */
} Scene;

static gboolean
drop (gpointer carrier, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  return TRUE;
}

static gpointer
bring (gpointer data)
{
  Scene *self = data;

  n_held = 0;
  n_left = self->stops_after;
  g_assert_true (ferry_transport_process (self->transport, NULL, 0, self->message, FERRY_VALUE_UNJUDGED, NULL));
  n_left = -1;
  g_mutex_lock (&lock);
  has_stopped = TRUE;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  return NULL;
}

static void
scene_init (Scene *self, guint64 xid, int stops_after)
{
  static const FerryCarrierFuncs funcs = {.send = drop};
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_uint32 (5));
  g_autoptr (GByteArray) joined = g_byte_array_new ();
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  FerryCallMessage message;
  guint n_parts;

  ferry_call_message_init (&message, FERRY_CALL_ITEM, xid, NULL, value);
  n_parts = ferry_call_message_get_parts (&message, parts);
  for (guint i = 0; i < n_parts; i++)
    g_byte_array_append (joined, parts[i].data, (guint) parts[i].size);
  *self = (Scene){.stops_after = stops_after, .order = g_string_new (NULL)};
  self->message = g_byte_array_free_to_bytes (g_steal_pointer (&joined));
  self->transport = ferry_transport_new_for_carrier (&funcs, self);
  has_stopped = may_go_on = FALSE;
}

static gboolean
has_both (gpointer data)
{
  return ((Scene *) data)->order->len == 2;
}

/* Returns whether the thread was stopped, and not at its end already. */
static gboolean
bring_message_and_end (Scene *self)
{
  GThread *thread = g_thread_new ("bringer", bring, self);
  gboolean was_stopped;

  g_mutex_lock (&lock);
  while (!has_stopped)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
  ferry_transport_close (self->transport);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  was_stopped = self->order->len < 2;
  g_mutex_lock (&lock);
  may_go_on = TRUE;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  g_thread_join (thread);
  ferry_test_run_until (has_both, self);
  return was_stopped;
}

static void
scene_clear (Scene *self)
{
  g_object_unref (self->transport);
  g_bytes_unref (self->message);
  g_string_free (self->order, TRUE);
}

/* ---- the tests ---- */

static void
received_cb (GObject *channel, GAsyncResult *result, gpointer data)
{
  Scene *self = data;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_channel_receive_finish (FERRY_CHANNEL (channel), result, &value, NULL, &error);
  g_string_append_c (self->order, value != NULL ? 'm' : 'e');
}

static void
test_a_channels_message_comes_before_its_end (void)
{
  for (int i = 0; i < 40; i++)
    {
      g_autoptr (FerryChannel) channel = NULL;
      Scene self;

      scene_init (&self, FERRY_STANDING_XID, i);
      channel = ferry_channel_new (self.transport);
      ferry_channel_receive_async (channel, NULL, received_cb, &self);
      ferry_channel_receive_async (channel, NULL, received_cb, &self);
      bring_message_and_end (&self);
      /* Where the thread was stopped before it brought the message, that came too late. */
      if (!g_str_equal (self.order->str, "ee"))
        g_assert_cmpstr (self.order->str, ==, "me");
      scene_clear (&self);
    }
}

static void
next_cb (GObject *replies, GAsyncResult *result, gpointer data)
{
  Scene *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_replies_next_finish (FERRY_REPLIES (replies), result, &error);

  g_string_append_c (self->order, value != NULL ? 'm' : 'e');
}

static void
test_a_streams_value_comes_before_its_end (void)
{
  for (int i = 0; i < 40; i++)
    {
      g_autoptr (FerryReplies) replies = NULL;
      g_autoptr (FerryMux) mux = NULL;
      g_autoptr (GError) error = NULL;
      Scene self;

      scene_init (&self, 1, i);
      mux = ferry_mux_new (self.transport);
      replies = ferry_mux_transact_stream (mux, "count", NULL, 10, -1, &error);
      g_assert_no_error (error);
      ferry_replies_next_async (replies, NULL, next_cb, &self);
      ferry_replies_next_async (replies, NULL, next_cb, &self);
      bring_message_and_end (&self);
      if (!g_str_equal (self.order->str, "ee"))
        g_assert_cmpstr (self.order->str, ==, "me");
      scene_clear (&self);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/receive-order/a-channels-message-comes-before-its-end",
                   test_a_channels_message_comes_before_its_end);
  g_test_add_func ("/receive-order/a-streams-value-comes-before-its-end", test_a_streams_value_comes_before_its_end);
  return g_test_run ();
}
