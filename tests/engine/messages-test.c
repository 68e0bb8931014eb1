/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "engine/messages-test.h"

#define MOST_BUFFERS (FERRY_DEFAULT_ARENA_SIZE / 4 * 3) /* bytes */

void
messages_test_message_cb (FerryReceiver *receiver, GVariant *message, gpointer user_data)
{
  g_ptr_array_add (((MessagesTest *) user_data)->messages, g_variant_ref (message));
}

FerryBuffer *
messages_test_use_up_buffers (FerrySender *sender)
{
  g_autoptr (GError) error = NULL;
  FerryBuffer *buffer = ferry_sender_create_buffer (sender, MOST_BUFFERS, &error);

  g_assert_no_error (error);
  return buffer;
}

MessagesTest *
messages_test_new_with (guint64 lane_capacity, guint64 max_message_size)
{
  g_autoptr (GError) error = NULL;
  MessagesTest *self = g_new0 (MessagesTest, 1);

  self->router = ferry_test_router_new ();
  g_object_set (self->router, "lane-capacity", lane_capacity, "max-message-size", max_message_size, NULL);
  self->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  route_test_pipe (self->router, &self->sender, &self->receiver);
  g_signal_connect (self->receiver, "message", G_CALLBACK (messages_test_message_cb), self);
  ferry_sender_start (self->sender, &error);
  g_assert_no_error (error);
  self->buffer = messages_test_use_up_buffers (self->sender);
  return self;
}

MessagesTest *
messages_test_new_for_large (gconstpointer in_buffers)
{
  MessagesTest *self = messages_test_new_with (128 * 1024, 64 * 1024 * 1024);

  if (in_buffers != NULL)
    g_clear_pointer (&self->buffer, ferry_buffer_unref);
  return self;
}

MessagesTest *
messages_test_new (void)
{
  return messages_test_new_with (1024 * 1024, 64 * 1024 * 1024);
}

void
messages_test_free (MessagesTest *self)
{
  g_signal_handlers_disconnect_by_data (self->receiver, self);
  if (!ferry_test_get_number (self->receiver, "is-closed"))
    ferry_router_close_pipe (self->router, self->receiver, NULL);
  ferry_test_router_stop (self->router);
  g_clear_pointer (&self->buffer, ferry_buffer_unref);
  g_object_unref (self->sender);
  g_object_unref (self->receiver);
  g_ptr_array_unref (self->messages);
  g_free (self);
}

static gboolean
has_wanted (gpointer data)
{
  MessagesTest *self = data;

  return self->messages->len >= self->wanted;
}

void
messages_test_wait (MessagesTest *self, guint n)
{
  self->wanted = n;
  ferry_test_run_until (has_wanted, self);
  route_test_settle ();
  g_assert_cmpuint (self->messages->len, ==, n);
}
