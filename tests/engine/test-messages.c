/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-drain.c, route/ferry-send-message.c
 *
 * Messages of all types and sizes, also those larger than a record, a block and the lane. */

#include "config.h"

#include "engine/messages-test.h"

#include <string.h>

/* size bytes that are nowhere alike. */
static GBytes *
make_pattern (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i % 251 + size);
  return g_bytes_new_take (data, size);
}

static void
assert_bytes (GVariant *message, GBytes *expected)
{
  g_assert_true (g_variant_is_of_type (message, G_VARIANT_TYPE_BYTESTRING));
  g_assert_cmpuint (g_variant_get_size (message), ==, g_bytes_get_size (expected));
  if (g_bytes_get_size (expected) > 0)
    g_assert_cmpint (
      memcmp (g_variant_get_data (message), g_bytes_get_data (expected, NULL), g_bytes_get_size (expected)), ==, 0);
}

/* ---- sizes ---- */

#define LANE (1024 * 1024)

static const gsize sizes[] = {
  0,     1,         7,         8,         9,        15,    16,       17,       4095,
  4096,  4097,      32751,     32752,     32753,    65535, 65536,    65537,    65504,
  98256, LANE - 48, LANE - 17, LANE - 16, LANE - 1, LANE,  LANE + 1, LANE * 2, MESSAGES_TEST_LARGE_SIZE,
};

static void
test_size (gconstpointer data)
{
  const gsize *size = data;
  g_autoptr (MessagesTest) scene = messages_test_new ();
  g_autoptr (GBytes) pattern = make_pattern (*size);
  RouteTestSend *send;

  send = route_test_send_new (scene->sender, g_bytes_get_data (pattern, NULL), *size, -1, NULL);
  messages_test_wait (scene, 1);
  route_test_send_finish (send, 0, 0);
  assert_bytes (scene->messages->pdata[0], pattern);
}

static void
test_sizes_in_one_stream (gconstpointer in_buffers)
{
  g_autoptr (MessagesTest) scene = messages_test_new_for_large (in_buffers);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GBytes) pattern = make_pattern (sizes[i]);
      RouteTestSend *send;

      send = route_test_send_new (scene->sender, g_bytes_get_data (pattern, NULL), sizes[i], -1, NULL);
      messages_test_wait (scene, i + 1);
      route_test_send_finish (send, 0, 0);
      assert_bytes (scene->messages->pdata[i], pattern);
    }
}

static void
test_null_without_size_is_an_empty_message (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);

  g_assert_true (ferry_sender_send_bytes (scene->sender, NULL, 0, NULL));
  messages_test_wait (scene, 1);
  assert_bytes (scene->messages->pdata[0], empty);
}

static void
test_the_largest_size_is_the_one_that_was_set (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new_with (1024 * 1024, 65536);
  g_autofree guint8 *data = g_malloc0 (65537);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_sender_send_bytes (scene->sender, data, 65537, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_false (
    ferry_sender_send (scene->sender, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, 65537, 1), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_clear_error (&error);
  ferry_sender_send_bytes (scene->sender, data, 65536, &error);
  g_assert_no_error (error);
  messages_test_wait (scene, 1);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[0]), ==, 65536);
}

static void
test_worker_sends_messages_larger_than_its_lane (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  g_object_set (scene->router, "lane-capacity", (guint64) 128 * 1024, NULL);
  pipe = ferry_test_pipe_new (scene->router);
  ferry_receiver_set_handler (pipe->receiver, NULL, NULL, NULL);
  g_signal_connect (pipe->receiver, "message", G_CALLBACK (messages_test_message_cb), scene);
  worker = ferry_test_spawn_obedient (scene->router, pipe, "large:3000000", "large:40000", "stop", NULL);
  messages_test_wait (scene, 2);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[0]), ==, 3000000);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[1]), ==, 40000);
  for (gsize i = 0; i < 3000000; i++)
    g_assert_cmpuint (((const guint8 *) g_variant_get_data (scene->messages->pdata[0]))[i], ==, i % 251);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_wait_ended (worker);
  g_signal_handlers_disconnect_by_data (pipe->receiver, scene);
}

/* ---- GVariants ---- */

static const char *const texts[] = {
  "true",
  "byte 7",
  "int16 -7",
  "uint16 7",
  "-7",
  "uint32 7",
  "int64 -7",
  "uint64 7",
  "7.5",
  "'text'",
  "''",
  "objectpath '/a/b'",
  "signature 'a{sv}'",
  "()",
  "(1, 'a')",
  "@as []",
  "['a', 'bc', '']",
  "@ms nothing",
  "just 'x'",
  "{'a': <1>, 'b': <['x']>}",
  "@a{sv} {}",
  "<<<1>>>",
  "b'bytes'",
  "[(1, true, [byte 1]), (2, false, @ay [])]",
};

static void
test_types_come_as_they_went (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();

  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
      g_assert_true (ferry_sender_send (scene->sender, g_variant_new_parsed (texts[i]), NULL));
  messages_test_wait (scene, 3 * G_N_ELEMENTS (texts));
  for (guint i = 0; i < scene->messages->len; i++)
    {
      g_autoptr (GVariant) sent = g_variant_ref_sink (g_variant_new_parsed (texts[i % G_N_ELEMENTS (texts)]));

      g_assert_true (g_variant_equal (scene->messages->pdata[i], sent));
    }
}

/* A tuple of n numbers: a type of its own for each n. */
static GVariant *
make_tuple (guint n)
{
  g_autofree GVariant **numbers = g_new (GVariant *, n);

  for (guint i = 0; i < n; i++)
    numbers[i] = g_variant_new_int32 ((gint32) (i + n));
  return g_variant_ref_sink (g_variant_new_tuple (numbers, n));
}

static void
assert_boxed (GVariant *message, GVariant *expected)
{
  g_autoptr (GVariant) inside = NULL;

  g_assert_true (g_variant_is_of_type (message, G_VARIANT_TYPE_VARIANT));
  inside = g_variant_get_variant (message);
  g_assert_true (g_variant_equal (inside, expected));
}

static void
test_a_pipe_carries_any_number_of_types (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();

  for (guint n = 1; n <= 300; n++)
    {
      g_autoptr (GVariant) tuple = make_tuple (n);

      g_assert_true (ferry_sender_send (scene->sender, tuple, NULL));
      if (n % 20 == 0)
        messages_test_wait (scene, n);
    }
  for (guint n = 1; n <= 300; n++)
    {
      g_autoptr (GVariant) tuple = make_tuple (n);

      if (n <= 127)
        g_assert_true (g_variant_equal (scene->messages->pdata[n - 1], tuple));
      else
        assert_boxed (scene->messages->pdata[n - 1], tuple);
    }
}

static void
test_a_type_that_was_announced_stays_when_there_are_many (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  g_autoptr (GVariant) first = make_tuple (1);

  for (guint n = 1; n <= 200; n++)
    {
      g_autoptr (GVariant) tuple = make_tuple (n);

      g_assert_true (ferry_sender_send (scene->sender, tuple, NULL));
    }
  g_assert_true (ferry_sender_send (scene->sender, first, NULL));
  messages_test_wait (scene, 201);
  g_assert_true (g_variant_equal (scene->messages->pdata[200], first));
}

static void
test_long_type_strings_are_carried (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  /* Of 1,024 bytes and 1,025, with the parentheses. */
  g_autoptr (GVariant) longest = make_tuple (1022);
  g_autoptr (GVariant) longer = make_tuple (1023);

  g_assert_true (ferry_sender_send (scene->sender, longest, NULL));
  g_assert_true (ferry_sender_send (scene->sender, longer, NULL));
  messages_test_wait (scene, 2);
  g_assert_true (g_variant_equal (scene->messages->pdata[0], longest));
  assert_boxed (scene->messages->pdata[1], longer);
}

static gpointer
send_variant (gpointer data)
{
  MessagesTest *scene = data;
  g_autofree char *text = g_strnfill (MESSAGES_TEST_LARGE_SIZE, 'x');
  g_autoptr (GError) error = NULL;

  ferry_sender_send (scene->sender, g_variant_new ("(us)", 7, text), &error);
  g_assert_no_error (error);
  ferry_sender_send (scene->sender, g_variant_new ("(su)", text, 8), &error);
  g_assert_no_error (error);
  return NULL;
}

static void
test_large_variants_keep_type_and_value (gconstpointer in_buffers)
{
  g_autoptr (MessagesTest) scene = messages_test_new_for_large (in_buffers);
  GThread *thread = g_thread_new ("send", send_variant, scene);
  const char *text;
  guint number;

  messages_test_wait (scene, 2);
  g_thread_join (thread);
  g_variant_get (scene->messages->pdata[0], "(u&s)", &number, &text);
  g_assert_cmpuint (number, ==, 7);
  g_assert_cmpuint (strlen (text), ==, MESSAGES_TEST_LARGE_SIZE);
  g_assert_true (g_variant_is_normal_form (scene->messages->pdata[0]));
  g_variant_get (scene->messages->pdata[1], "(&su)", &text, &number);
  g_assert_cmpuint (number, ==, 8);
  g_assert_cmpuint (strspn (text, "x"), ==, MESSAGES_TEST_LARGE_SIZE);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *path = g_strdup_printf ("/messages/of-%" G_GSIZE_FORMAT "-bytes-arrive", sizes[i]);

      g_test_add_data_func (path, &sizes[i], test_size);
    }
  g_test_add_data_func ("/messages/of-all-sizes-arrive-in-one-stream/in-pieces", NULL, test_sizes_in_one_stream);
  g_test_add_data_func ("/messages/of-all-sizes-arrive-in-one-stream/in-buffers", "", test_sizes_in_one_stream);
  g_test_add_func ("/messages/may-be-empty", test_null_without_size_is_an_empty_message);
  g_test_add_func ("/messages/may-be-as-large-as-was-set", test_the_largest_size_is_the_one_that_was_set);
  route_test_add_untraceable ("/messages/of-a-worker-may-be-larger-than-its-lane",
                              test_worker_sends_messages_larger_than_its_lane);
  g_test_add_func ("/messages/keep-their-type", test_types_come_as_they_went);
  g_test_add_func ("/messages/may-have-any-number-of-types", test_a_pipe_carries_any_number_of_types);
  g_test_add_func ("/messages/keep-an-announced-type-when-there-are-many",
                   test_a_type_that_was_announced_stays_when_there_are_many);
  g_test_add_func ("/messages/may-have-long-type-strings", test_long_type_strings_are_carried);
  g_test_add_data_func ("/messages/that-are-large-keep-their-type/in-pieces", NULL,
                        test_large_variants_keep_type_and_value);
  g_test_add_data_func ("/messages/that-are-large-keep-their-type/in-buffers", "",
                        test_large_variants_keep_type_and_value);
  return g_test_run ();
}
