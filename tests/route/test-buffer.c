/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-buffer.c, route/ferry-send-buffer.c, lane/ferry-spare-memory.c
 *
 * Buffers with both ends in this process: what is written arrives where it was written, in order, and its memory is
 * used again. */

#include "config.h"

#include <string.h>

#include "route-test.h"
#include "route/ferry-sender-private.h"

#define SIZE (3 * 1024 * 1024 + 5)

typedef struct
{
  FerryRouter *router;
  FerrySender *sender;
  FerryReceiver *receiver;
  GPtrArray *buffers; /* (element-type GBytes) */
  GPtrArray *texts;   /* (element-type utf8) (nullable elements): what came with them */
  GString *order;     /* 'm' for a message, 'b' for a buffer */
} Scene;

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer data)
{
  Scene *self = data;

  g_ptr_array_add (self->buffers, g_bytes_ref (buffer));
  g_ptr_array_add (self->texts, metadata != NULL ? g_variant_print (metadata, TRUE) : NULL);
  g_string_append_c (self->order, 'b');
}

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  g_string_append_c (((Scene *) data)->order, 'm');
}

static void
set_up (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new ();
  route_test_pipe (self->router, &self->sender, &self->receiver);
  self->buffers = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  self->texts = g_ptr_array_new_with_free_func (g_free);
  self->order = g_string_new (NULL);
  g_signal_connect (self->receiver, "buffer", G_CALLBACK (buffer_cb), self);
  g_signal_connect (self->receiver, "message", G_CALLBACK (message_cb), self);
  ferry_sender_start (self->sender, &error);
  g_assert_no_error (error);
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_clear_object (&self->sender);
  g_clear_object (&self->receiver);
  if (self->router != NULL)
    ferry_test_router_stop (self->router);
  g_ptr_array_unref (self->buffers);
  g_ptr_array_unref (self->texts);
  g_string_free (self->order, TRUE);
}

static FerryBuffer *
create (Scene *self, gsize size)
{
  gsize found = 0;
  g_autoptr (GError) error = NULL;
  FerryBuffer *buffer =
    ferry_test_within (self->sender, 0, NULL, ferry_sender_create_buffer (self->sender, size, &error));

  g_assert_no_error (error);
  g_assert_nonnull (buffer);
  g_assert_nonnull (ferry_buffer_get_data (buffer, &found));
  g_assert_cmpuint (found, ==, size);
  return buffer;
}

/* Takes buffer. */
static void
send (Scene *self, FerryBuffer *buffer, GVariant *metadata)
{
  g_autoptr (GError) error = NULL;

  ferry_test_within (self->sender, 0, NULL, ferry_sender_send_buffer (self->sender, metadata, buffer, &error));
  g_assert_no_error (error);
  g_assert_null (ferry_buffer_get_data (buffer, NULL));
  ferry_buffer_unref (buffer);
}

static gboolean
has_come (gpointer data)
{
  Scene *self = ((gpointer *) data)[0];

  return self->order->len == GPOINTER_TO_UINT (((gpointer *) data)[1]);
}

static void
wait_count (Scene *self, guint n)
{
  gpointer data[] = {self, GUINT_TO_POINTER (n)};

  ferry_test_run_until (has_come, data);
}

static void
assert_filled (GBytes *buffer, int byte, gsize size)
{
  gsize n;
  const guint8 *data = g_bytes_get_data (buffer, &n);

  g_assert_cmpuint (n, ==, size);
  for (gsize i = 0; i < n; i++)
    if (data[i] != byte)
      g_error ("byte %" G_GSIZE_FORMAT " is %u, and not %d", i, data[i], byte);
}

static void
test_arrives (Scene *self, gconstpointer data)
{
  FerryBuffer *buffer = create (self, SIZE);

  memset (ferry_buffer_get_data (buffer, NULL), 7, SIZE);
  send (self, buffer, g_variant_new ("(su)", "picture", 24));
  wait_count (self, 1);
  assert_filled (self->buffers->pdata[0], 7, SIZE);
  g_assert_cmpstr (self->texts->pdata[0], ==, "('picture', uint32 24)");
  g_assert_cmpuint (ferry_test_get_number (self->receiver, "n-messages"), ==, 1);
}

static void
test_has_no_memory_after_it_was_sent (Scene *self, gconstpointer data)
{
  FerryBuffer *buffer = create (self, 8);
  FerryBuffer *kept = g_boxed_copy (FERRY_TYPE_BUFFER, buffer);

  memcpy (ferry_buffer_get_data (buffer, NULL), "abcdefgh", 8);
  send (self, buffer, NULL);
  g_assert_null (ferry_buffer_get_data (kept, NULL));
  ferry_buffer_unref (kept);
  wait_count (self, 1);
  g_assert_cmpmem (g_bytes_get_data (self->buffers->pdata[0], NULL), 8, "abcdefgh", 8);
}

static void
test_in_order (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 30; i++)
    {
      FerryBuffer *buffer;

      ferry_test_within (self->sender, 0, NULL, ferry_sender_send (self->sender, g_variant_new_uint32 (i), &error));
      g_assert_no_error (error);
      buffer = create (self, 1 + i * 100);
      memset (ferry_buffer_get_data (buffer, NULL), (int) i, 1 + i * 100);
      send (self, buffer, i % 3 == 0 ? NULL : i % 3 == 1 ? g_variant_new_uint32 (i) : g_variant_new_string ("text"));
    }
  wait_count (self, 60);
  for (guint i = 0; i < 60; i++)
    g_assert_cmpint (self->order->str[i], ==, i % 2 == 0 ? 'm' : 'b');
  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *number = g_strdup_printf ("uint32 %u", i);

      assert_filled (self->buffers->pdata[i], (int) i, 1 + i * 100);
      g_assert_cmpstr (self->texts->pdata[i], ==, i % 3 == 0 ? NULL : i % 3 == 1 ? number : "'text'");
    }
}

/* One after the other: all lie in the same place. */
static void
test_memory_is_used_again (Scene *self, gconstpointer data)
{
  gpointer place = NULL;

  for (guint i = 0; i < 100; i++)
    {
      FerryBuffer *buffer = create (self, SIZE);

      g_assert_true (place == NULL || ferry_buffer_get_data (buffer, NULL) == place);
      place = ferry_buffer_get_data (buffer, NULL);
      memset (place, (int) i, SIZE);
      send (self, buffer, NULL);
      wait_count (self, i + 1);
      assert_filled (self->buffers->pdata[0], (int) i, SIZE);
      g_ptr_array_set_size (self->buffers, 0);
    }
}

static void
test_unsent_is_free (Scene *self, gconstpointer data)
{
  FerryBuffer *first = create (self, SIZE);
  FerryBuffer *second = create (self, SIZE);
  gpointer place = ferry_buffer_get_data (first, NULL);

  g_assert_true (ferry_buffer_get_data (second, NULL) != place);
  g_assert_true (g_boxed_copy (FERRY_TYPE_BUFFER, first) == first);
  ferry_buffer_unref (first);
  g_assert_true (ferry_buffer_get_data (first, NULL) == place);
  ferry_buffer_unref (first);
  first = create (self, SIZE);
  g_assert_true (ferry_buffer_get_data (first, NULL) == place);
  ferry_buffer_unref (second);
  ferry_buffer_unref (first);
}

static void
test_kept_stays (Scene *self, gconstpointer data)
{
  FerryBuffer *buffer = create (self, SIZE);

  memset (ferry_buffer_get_data (buffer, NULL), 1, SIZE);
  send (self, buffer, NULL);
  wait_count (self, 1);
  for (guint i = 0; i < 100; i++)
    {
      buffer = create (self, SIZE);
      memset (ferry_buffer_get_data (buffer, NULL), 2, SIZE);
      send (self, buffer, NULL);
      wait_count (self, 2 + i);
      g_ptr_array_set_size (self->buffers, 1);
    }
  assert_filled (self->buffers->pdata[0], 1, SIZE);
  g_clear_object (&self->sender);
  g_clear_object (&self->receiver);
  ferry_test_router_stop (self->router);
  self->router = NULL;
  assert_filled (self->buffers->pdata[0], 1, SIZE);
}

static void
test_shrinks (Scene *self, gconstpointer data)
{
  FerryBuffer *buffer = create (self, SIZE);
  gsize size = 0;

  memset (ferry_buffer_get_data (buffer, NULL), 3, 100);
  ferry_buffer_shrink (buffer, 100);
  g_assert_nonnull (ferry_buffer_get_data (buffer, &size));
  g_assert_cmpuint (size, ==, 100);
  send (self, buffer, NULL);
  wait_count (self, 1);
  assert_filled (self->buffers->pdata[0], 3, 100);
}

/* ---- limits ---- */

static void
assert_refused (Scene *self, gsize size, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_test_within (self->sender, 0, NULL, ferry_sender_create_buffer (self->sender, size, &error)));
  g_assert_error (error, FERRY_ERROR, code);
}

static void
test_number_is_bounded (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < FERRY_MAX_BUFFERS_PER_LINK; i++)
    send (self, create (self, 1), NULL);
  wait_count (self, FERRY_MAX_BUFFERS_PER_LINK);
  assert_refused (self, 1, FERRY_ERROR_WOULD_BLOCK);
  g_ptr_array_remove_index (self->buffers, 17);
  ferry_buffer_unref (create (self, 1));
  ferry_buffer_unref (create (self, 1));
}

static void
test_size_is_bounded (Scene *self, gconstpointer data)
{
  const gsize capacity = FERRY_DEFAULT_ARENA_SIZE;
  FerryBuffer *half;

  assert_refused (self, capacity + 1, FERRY_ERROR_TOO_LARGE);
  ferry_buffer_unref (create (self, capacity));
  half = create (self, capacity / 2 + 1);
  assert_refused (self, capacity / 2, FERRY_ERROR_WOULD_BLOCK);
  ferry_buffer_unref (create (self, capacity / 4));
  ferry_buffer_unref (half);
  ferry_buffer_unref (create (self, capacity));
}

/* Many pipes without buffers fit into an address space of 32 bits, or one that is limited. */
static void
test_is_mapped_with_the_first_one (Scene *self, gconstpointer data)
{
  FerryArena *arena = ferry_sender_get_uplink (self->sender)->arena->arena;

  g_assert_cmpuint (arena->mapped, ==, FERRY_ARENA_UNIT);
  ferry_buffer_unref (create (self, SIZE));
  g_assert_cmpuint (arena->mapped, ==, FERRY_DEFAULT_ARENA_SIZE);
}

static void
test_metadata_is_bounded (Scene *self, gconstpointer data)
{
  g_autofree char *text = g_strnfill (FERRY_MAX_RECORD_PAYLOAD - sizeof (FerryBufferMessage) - 1, 'x');
  g_autofree char *longer = g_strconcat (text, "x", NULL);
  FerryBuffer *buffer = create (self, 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_sender_send_buffer (self->sender, g_variant_new_string (longer), buffer, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  /* It is as it was. */
  *(guint8 *) ferry_buffer_get_data (buffer, NULL) = 9;
  send (self, buffer, g_variant_new_string (text));
  wait_count (self, 1);
  assert_filled (self->buffers->pdata[0], 9, 1);
}

typedef struct
{
  FerrySender *sender;
  GCancellable *cancellable; /* (nullable) */
  gint64 timeout;
  FerryBuffer *buffer;
  GError *error;
} Wanted;

static gpointer
create_thread (gpointer data)
{
  Wanted *self = data;

  g_object_set (self->sender, "timeout", self->timeout, "cancellable", self->cancellable, NULL);
  self->buffer = ferry_sender_create_buffer (self->sender, 1, &self->error);
  return NULL;
}

static void
wait_until_it_waits (Scene *self)
{
  FerryArenaControl *control = ferry_sender_get_uplink (self->sender)->arena->arena->control;

  while (atomic_load (&control->writer_waiting) == 0)
    g_thread_yield ();
}

static void
use_up (Scene *self)
{
  for (guint i = 0; i < FERRY_MAX_BUFFERS_PER_LINK; i++)
    send (self, create (self, 1), NULL);
  wait_count (self, FERRY_MAX_BUFFERS_PER_LINK);
}

static void
test_waits_for_room (Scene *self, gconstpointer data)
{
  Wanted wanted = {self->sender, NULL, -1};
  GThread *thread;

  use_up (self);
  thread = g_thread_new ("create", create_thread, &wanted);
  wait_until_it_waits (self);
  g_ptr_array_remove_index (self->buffers, 0);
  g_thread_join (thread);
  g_assert_no_error (wanted.error);
  ferry_buffer_unref (wanted.buffer);
}

static void
test_waiting_ends (Scene *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Wanted late = {self->sender, NULL, 1000};
  Wanted cancelled = {self->sender, cancellable, -1};
  Wanted closed = {self->sender, NULL, -1};
  GThread *thread;

  use_up (self);
  g_thread_join (g_thread_new ("create", create_thread, &late));
  g_assert_error (late.error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  thread = g_thread_new ("create", create_thread, &cancelled);
  wait_until_it_waits (self);
  g_cancellable_cancel (cancellable);
  g_thread_join (thread);
  g_assert_error (cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  thread = g_thread_new ("create", create_thread, &closed);
  g_assert_true (ferry_router_close_pipe (self->router, self->receiver, NULL));
  g_thread_join (thread);
  g_assert_error (closed.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_clear_error (&late.error);
  g_clear_error (&cancelled.error);
  g_clear_error (&closed.error);
}

static void
test_latest_has_none (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (GError) error = NULL;

  ferry_router_pipe (router, FERRY_PIPE_LATEST, &sender, &receiver, &error);
  g_assert_no_error (error);
  g_assert_null (ferry_sender_create_buffer (sender, 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED);
  g_clear_error (&error);
  ferry_sender_start (sender, &error);
  g_assert_no_error (error);
  g_assert_null (ferry_sender_create_buffer (sender, 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_object (&sender);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);

#define ADD(name, test) g_test_add ("/buffer/" name, Scene, NULL, set_up, test, tear_down)
  ADD ("arrives-with-what-goes-with-it", test_arrives);
  ADD ("has-no-memory-after-it-was-sent", test_has_no_memory_after_it_was_sent);
  ADD ("arrives-in-order-with-messages", test_in_order);
  ADD ("has-memory-that-was-used-before", test_memory_is_used_again);
  ADD ("is-free-when-it-is-dropped-unsent", test_unsent_is_free);
  ADD ("stays-as-it-is-while-it-is-kept", test_kept_stays);
  ADD ("shrinks", test_shrinks);
  ADD ("there-are-so-many-at-a-time", test_number_is_bounded);
  ADD ("all-take-so-much-memory-together", test_size_is_bounded);
  ADD ("the-first-one-takes-the-addresses-of-all", test_is_mapped_with_the_first_one);
  ADD ("goes-with-so-much-and-no-more", test_metadata_is_bounded);
  ADD ("is-waited-for-until-one-is-dropped", test_waits_for_room);
  ADD ("is-waited-for-until-the-deadline-a-cancel-or-the-end", test_waiting_ends);
  g_test_add_func ("/buffer/none-goes-through-a-pipe-for-latest-values", test_latest_has_none);

  return g_test_run ();
}
