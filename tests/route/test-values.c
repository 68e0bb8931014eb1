/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-dispatch.c, engine/ferry-drain.c, link/ferry-aside.c
 *
 * Values that GLib reads slowly unless it trusts them, by each way that a message takes: they are checked once, and are
 * then trusted. A sender of this process has what a trusted worker has: its buffers are lent, unless a value in them is
 * checked. */

#include "config.h"

#include "route/route-test.h"

#include <string.h>

#include "link/ferry-uplink-private.h"

/* Of a record, of a message that is checked where it is drained, and of one that another thread checks. */
#define FEW 5
#define MANY 4000
#define VERY_MANY 100000

typedef struct
{
  FerryRouter *router;
  FerrySender *sender;     /* (owned): started */
  FerryReceiver *receiver; /* (owned) */
  GPtrArray *messages;     /* (owned) (element-type GVariant) */
  guint wanted;
} Scene;

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  g_ptr_array_add (((Scene *) data)->messages, g_variant_ref (message));
}

static void
set_up (Scene *self, gconstpointer unused)
{
  self->router = ferry_test_router_new ();
  self->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  self->wanted = 0;
  route_test_pipe (self->router, &self->sender, &self->receiver);
  g_assert_true (ferry_sender_start (self->sender, NULL));
  g_signal_connect (self->receiver, "message", G_CALLBACK (message_cb), self);
}

static void
tear_down (Scene *self, gconstpointer unused)
{
  ferry_router_close_pipe (self->router, self->receiver, NULL);
  g_object_unref (self->sender);
  g_object_unref (self->receiver);
  ferry_test_router_stop (self->router);
  g_ptr_array_unref (self->messages);
}

static gboolean
has_wanted (gpointer data)
{
  Scene *self = data;

  return self->messages->len >= self->wanted;
}

static GVariant *
wait_for_message (Scene *self)
{
  self->wanted++;
  ferry_test_run_until (has_wanted, self);
  return self->messages->pdata[self->wanted - 1];
}

typedef struct
{
  FerrySender *sender;
  guint n;
} Strings;

static gpointer
send_on_thread (gpointer data)
{
  const Strings *strings = data;
  g_autoptr (GError) error = NULL;

  ferry_sender_send (strings->sender, ferry_test_make_strings (strings->n), &error);
  g_assert_no_error (error);
  return NULL;
}

/* More than the lane holds, so a thread sends that may wait for room. */
static void
send_strings (Scene *self, guint n)
{
  g_thread_join (g_thread_new ("sender", send_on_thread, &(Strings){self->sender, n}));
}

/* Returns (transfer full) what keeps large messages out of buffers: one is to have half of the arena. */
static FerryBuffer *
take_arena (Scene *self)
{
  FerryBuffer *buffer = ferry_sender_create_buffer (self->sender, FERRY_DEFAULT_ARENA_SIZE / 4 * 3, NULL);

  g_assert_nonnull (buffer);
  return buffer;
}

static void
test_strings_arrive_trusted (Scene *self, gconstpointer unused)
{
  static const guint counts[] = {FEW, MANY, VERY_MANY};

  for (guint i = 0; i < 2 * G_N_ELEMENTS (counts); i++)
    {
      const guint n = counts[i / 2];
      /* Large ones go in a buffer, and then in pieces. */
      FerryBuffer *buffer = i % 2 == 1 ? take_arena (self) : NULL;
      g_autoptr (GVariant) sent = g_variant_ref_sink (ferry_test_make_strings (n));
      GVariant *message;

      send_strings (self, n);
      message = wait_for_message (self);
      g_assert_cmpvariant (message, sent);
      g_assert_true (ferry_test_is_trusted (message));
      g_clear_pointer (&buffer, ferry_buffer_unref);
    }
}

static void
test_a_value_without_elements_is_as_it_came (Scene *self, gconstpointer unused)
{
  guint8 *bytes = g_malloc0 (1000);
  GVariant *message;

  /* No zero is at its end. */
  memset (bytes, 'a', 1000);
  message = g_variant_new_from_data (G_VARIANT_TYPE_STRING, bytes, 1000, FALSE, g_free, bytes);
  g_assert_true (ferry_sender_send (self->sender, message, NULL));
  message = wait_for_message (self);
  g_assert_cmpstr (g_variant_get_string (message, NULL), ==, "");
}

/* Overwrites what the sender has of the memory that both ends map. */
static void
scribble (Scene *self)
{
  FerryArenaWriter *arena = ferry_sender_get_uplink (self->sender)->arena;

  memset (arena->arena->memory, 0xff, (gsize) 16 * 1024 * 1024);
}

static void
test_a_sender_that_writes_on_changes_no_checked_value (Scene *self, gconstpointer unused)
{
  static const guint counts[] = {MANY, VERY_MANY};

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autoptr (GVariant) sent = g_variant_ref_sink (ferry_test_make_strings (counts[i]));
      GVariant *message;

      send_strings (self, counts[i]);
      message = wait_for_message (self);
      scribble (self);
      g_assert_cmpvariant (message, sent);
      g_assert_true (ferry_test_is_trusted (message));
    }
}

/* Bytes have nothing to check. */
static void
test_bytes_of_a_trusted_sender_are_not_copied (Scene *self, gconstpointer unused)
{
  const gsize size = 1024 * 1024;
  g_autofree guint8 *zeros = g_malloc0 (size);
  const guint8 *data;
  GVariant *message;

  g_assert_true (ferry_sender_send_bytes (self->sender, zeros, size, NULL));
  message = wait_for_message (self);
  data = g_variant_get_data (message);
  g_assert_cmpuint (data[size / 2], ==, 0);
  scribble (self);
  g_assert_cmpuint (data[size / 2], ==, 0xff);
}

/* The link may go before the other thread is done, which then frees the value. */
static void
test_a_router_may_stop_while_values_are_checked (Scene *self, gconstpointer unused)
{
  for (guint i = 0; i < 20; i++)
    {
      Scene other = {0};
      FerryBuffer *buffer;

      set_up (&other, NULL);
      buffer = i % 2 == 1 ? take_arena (&other) : NULL;
      send_strings (&other, VERY_MANY);
      g_clear_pointer (&buffer, ferry_buffer_unref);
      tear_down (&other, NULL);
    }
}

int
main (int argc, char *argv[])
{
  route_test_init (&argc, &argv);
#define ADD(path, func) g_test_add (path, Scene, NULL, set_up, func, tear_down)
  ADD ("/values/strings-arrive-trusted", test_strings_arrive_trusted);
  ADD ("/values/a-value-without-elements-is-as-it-came", test_a_value_without_elements_is_as_it_came);
  ADD ("/values/a-sender-that-writes-on-changes-no-checked-value",
       test_a_sender_that_writes_on_changes_no_checked_value);
  ADD ("/values/bytes-of-a-trusted-sender-are-not-copied", test_bytes_of_a_trusted_sender_are_not_copied);
  ADD ("/values/a-router-may-stop-while-values-are-checked", test_a_router_may_stop_while_values_are_checked);
#undef ADD
  return g_test_run ();
}
