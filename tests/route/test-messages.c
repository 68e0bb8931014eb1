/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages of all types and sizes, also those larger than a record, a block and the lane. */

#include "config.h"

#include "route/route-test.h"

#include <string.h>

#define MILLISECOND 1000
#define LARGE_SIZE (5 * 1024 * 1024)

/* A pipe whose messages come through the signal, and are kept. */
typedef struct
{
  FerryRouter *router;
  FerrySender *sender;     /* (owned) */
  FerryReceiver *receiver; /* (owned) */
  GPtrArray *messages;     /* (owned) (element-type GVariant) */
  guint wanted;
} Scene;

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer user_data)
{
  g_ptr_array_add (((Scene *) user_data)->messages, g_variant_ref (message));
}

static Scene *
scene_new_with (guint64 lane_capacity, guint64 max_message_size)
{
  g_autoptr (GError) error = NULL;
  Scene *scene = g_new0 (Scene, 1);

  scene->router = ferry_test_router_new ();
  g_object_set (scene->router, "lane-capacity", lane_capacity, "max-message-size", max_message_size, NULL);
  scene->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  route_test_pipe (scene->router, &scene->sender, &scene->receiver);
  g_signal_connect (scene->receiver, "message", G_CALLBACK (message_cb), scene);
  ferry_sender_start (scene->sender, &error);
  g_assert_no_error (error);
  return scene;
}

static Scene *
scene_new (void)
{
  return scene_new_with (1024 * 1024, 64 * 1024 * 1024);
}

static void
scene_free (Scene *scene)
{
  g_signal_handlers_disconnect_by_data (scene->receiver, scene);
  if (!ferry_receiver_get_closed (scene->receiver))
    ferry_router_close_pipe (scene->router, scene->receiver, NULL);
  ferry_test_router_stop (scene->router);
  g_object_unref (scene->sender);
  g_object_unref (scene->receiver);
  g_ptr_array_unref (scene->messages);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

static gboolean
has_wanted (gpointer data)
{
  Scene *scene = data;

  return scene->messages->len >= scene->wanted;
}

static void
wait_messages (Scene *scene, guint n)
{
  scene->wanted = n;
  ferry_test_run_until (has_wanted, scene);
  route_test_settle ();
  g_assert_cmpuint (scene->messages->len, ==, n);
}

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
  98256, LANE - 48, LANE - 17, LANE - 16, LANE - 1, LANE,  LANE + 1, LANE * 2, LARGE_SIZE,
};

static void
test_size (gconstpointer data)
{
  const gsize *size = data;
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (GBytes) pattern = make_pattern (*size);
  RouteTestSend *send;

  send = route_test_send_new (scene->sender, g_bytes_get_data (pattern, NULL), *size, FERRY_NO_DEADLINE, NULL);
  wait_messages (scene, 1);
  route_test_send_finish (send, 0, 0);
  assert_bytes (scene->messages->pdata[0], pattern);
}

static void
test_sizes_in_one_stream (void)
{
  g_autoptr (Scene) scene = scene_new_with (128 * 1024, 64 * 1024 * 1024);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GBytes) pattern = make_pattern (sizes[i]);
      RouteTestSend *send;

      send = route_test_send_new (scene->sender, g_bytes_get_data (pattern, NULL), sizes[i], FERRY_NO_DEADLINE, NULL);
      wait_messages (scene, i + 1);
      route_test_send_finish (send, 0, 0);
      assert_bytes (scene->messages->pdata[i], pattern);
    }
}

static void
test_null_without_size_is_an_empty_message (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);

  g_assert_true (ferry_sender_send_bytes (scene->sender, NULL, 0, NULL));
  wait_messages (scene, 1);
  assert_bytes (scene->messages->pdata[0], empty);
}

static void
test_the_largest_size_is_the_one_that_was_set (void)
{
  g_autoptr (Scene) scene = scene_new_with (1024 * 1024, 65536);
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
  wait_messages (scene, 1);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[0]), ==, 65536);
}

static void
test_worker_sends_messages_larger_than_its_lane (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  g_object_set (scene->router, "lane-capacity", (guint64) 128 * 1024, NULL);
  pipe = ferry_test_pipe_new (scene->router);
  ferry_receiver_set_handler (pipe->receiver, NULL, NULL, NULL);
  g_signal_connect (pipe->receiver, "message", G_CALLBACK (message_cb), scene);
  worker = ferry_test_spawn_obedient (scene->router, pipe, "large:3000000", "large:40000", "stop", NULL);
  wait_messages (scene, 2);
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
  g_autoptr (Scene) scene = scene_new ();

  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
      g_assert_true (ferry_sender_send (scene->sender, g_variant_new_parsed (texts[i]), NULL));
  wait_messages (scene, 3 * G_N_ELEMENTS (texts));
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
  g_autoptr (Scene) scene = scene_new ();

  for (guint n = 1; n <= 300; n++)
    {
      g_autoptr (GVariant) tuple = make_tuple (n);

      g_assert_true (ferry_sender_send (scene->sender, tuple, NULL));
      if (n % 20 == 0)
        wait_messages (scene, n);
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
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (GVariant) first = make_tuple (1);

  for (guint n = 1; n <= 200; n++)
    {
      g_autoptr (GVariant) tuple = make_tuple (n);

      g_assert_true (ferry_sender_send (scene->sender, tuple, NULL));
    }
  g_assert_true (ferry_sender_send (scene->sender, first, NULL));
  wait_messages (scene, 201);
  g_assert_true (g_variant_equal (scene->messages->pdata[200], first));
}

static void
test_long_type_strings_are_carried (void)
{
  g_autoptr (Scene) scene = scene_new ();
  /* Of 1,024 bytes and 1,025, with the parentheses. */
  g_autoptr (GVariant) longest = make_tuple (1022);
  g_autoptr (GVariant) longer = make_tuple (1023);

  g_assert_true (ferry_sender_send (scene->sender, longest, NULL));
  g_assert_true (ferry_sender_send (scene->sender, longer, NULL));
  wait_messages (scene, 2);
  g_assert_true (g_variant_equal (scene->messages->pdata[0], longest));
  assert_boxed (scene->messages->pdata[1], longer);
}

static gpointer
send_variant (gpointer data)
{
  Scene *scene = data;
  g_autofree char *text = g_strnfill (LARGE_SIZE, 'x');
  g_autoptr (GError) error = NULL;

  ferry_sender_send (scene->sender, g_variant_new ("(us)", 7, text), &error);
  g_assert_no_error (error);
  ferry_sender_send (scene->sender, g_variant_new ("(su)", text, 8), &error);
  g_assert_no_error (error);
  return NULL;
}

static void
test_large_variants_keep_type_and_value (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GThread *thread = g_thread_new ("send", send_variant, scene);
  const char *text;
  guint number;

  wait_messages (scene, 2);
  g_thread_join (thread);
  g_variant_get (scene->messages->pdata[0], "(u&s)", &number, &text);
  g_assert_cmpuint (number, ==, 7);
  g_assert_cmpuint (strlen (text), ==, LARGE_SIZE);
  g_assert_true (g_variant_is_normal_form (scene->messages->pdata[0]));
  g_variant_get (scene->messages->pdata[1], "(&su)", &text, &number);
  g_assert_cmpuint (number, ==, 8);
  g_assert_cmpuint (strspn (text, "x"), ==, LARGE_SIZE);
}

/* ---- large messages that are given up ---- */

static void
assert_only_small_ones_arrive (Scene *scene, guint64 n)
{
  route_test_settle ();
  wait_messages (scene, (guint) n);
  g_assert_true (ferry_sender_send_bytes (scene->sender, "after", 5, NULL));
  wait_messages (scene, (guint) n + 1);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[n]), ==, 5);
}

/* The beginning of a large message has gone into the lane, and the rest of it waits. */
static RouteTestSend *
send_halfway (Scene *scene, gint64 deadline, GCancellable *cancellable)
{
  guint waits = route_test_count_waits (scene->sender);
  RouteTestSend *send = route_test_send_new (scene->sender, NULL, LARGE_SIZE, deadline, cancellable);

  route_test_wait_waiting (scene->sender, waits);
  return send;
}

static void
test_one_that_would_block_is_not_delivered (void)
{
  g_autoptr (Scene) scene = scene_new ();
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  g_autofree guint8 *data = g_malloc0 (LARGE_SIZE);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_sender_send_bytes (scene->sender, data, LARGE_SIZE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  assert_only_small_ones_arrive (scene, n);
}

static void
test_one_past_its_deadline_is_not_delivered (void)
{
  g_autoptr (Scene) scene = scene_new ();
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  RouteTestSend *send = send_halfway (scene, g_get_monotonic_time () + 50 * MILLISECOND, NULL);

  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  assert_only_small_ones_arrive (scene, n);
}

static void
test_a_cancelled_one_is_not_delivered (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  RouteTestSend *send = send_halfway (scene, FERRY_NO_DEADLINE, cancellable);

  g_cancellable_cancel (cancellable);
  route_test_send_finish (send, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_only_small_ones_arrive (scene, n);
}

static void
test_closing_the_pipe_ends_one_halfway (void)
{
  g_autoptr (Scene) scene = scene_new ();
  RouteTestSend *send;

  route_test_use_up_window (scene->router, scene->sender);
  send = send_halfway (scene, FERRY_NO_DEADLINE, NULL);
  g_assert_true (ferry_router_close_pipe (scene->router, scene->receiver, NULL));
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_CLOSED);
  route_test_settle ();
  g_assert_cmpuint (scene->messages->len, ==, 0);
}

static void
test_stopping_the_router_ends_one_halfway (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  RouteTestSend *send;
  guint waits;

  route_test_use_up_window (router, pipe->sender);
  waits = route_test_count_waits (pipe->sender);
  send = route_test_send_new (pipe->sender, NULL, LARGE_SIZE, FERRY_NO_DEADLINE, NULL);
  route_test_wait_waiting (pipe->sender, waits);
  route_test_stop_with_open_pipes (router);
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static void
test_stopping_the_sender_ends_one_halfway (void)
{
  g_autoptr (Scene) scene = scene_new ();
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  RouteTestSend *send = send_halfway (scene, FERRY_NO_DEADLINE, NULL);

  g_assert_true (ferry_sender_stop (scene->sender, NULL));
  route_test_wait_raised (&send->done);
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_STOPPED);
  wait_messages (scene, (guint) n);
  g_assert_cmpuint (ferry_router_get_counter (scene->router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, 0);
}

/* ---- large and small at once ---- */

static gboolean
has_1000 (gpointer data)
{
  return ((FerryTestPipe *) data)->n_messages == 1000;
}

static void
test_a_waiting_large_one_does_not_hold_up_another_sender (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (FerryTestPipe) other = route_test_started_pipe (scene->router);
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  RouteTestSend *send = send_halfway (scene, FERRY_NO_DEADLINE, NULL);

  route_test_burst (other->sender, 0, 1000);
  /* They are in the local queue before the large one can be. Looked at after each message. */
  g_assert_true (ferry_router_route_until (scene->router, has_1000, other, -1, NULL));
  g_assert_cmpuint (scene->messages->len, <=, n);
  wait_messages (scene, (guint) n + 1);
  route_test_send_finish (send, 0, 0);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[n]), ==, LARGE_SIZE);
}

static gboolean
is_done (gpointer data)
{
  return g_atomic_int_get (&((RouteTestSend *) data)->done);
}

/* Sends a large and a small message through one sender at once. Returns whether the small one was written before the
 * last piece of the large one. */
static gboolean
overlap (Scene *scene)
{
  FerryLaneControl *lane = ferry_segment_get_up (&scene->sender->uplink->segment);
  const gsize size = 32 * 1024 * 1024;
  guint64 before = atomic_load (&lane->writer.tail);
  RouteTestSend *large = route_test_send_new (scene->sender, NULL, size, FERRY_NO_DEADLINE, NULL);
  RouteTestSend *small;
  gboolean within;

  while (atomic_load (&lane->writer.tail) < before + 2 * FERRY_MAX_RECORD_SIZE && !is_done (large))
    g_thread_yield ();
  small = route_test_send_new (scene->sender, NULL, 8, FERRY_NO_DEADLINE, NULL);
  g_thread_join (g_thread_ref (small->thread));
  within = atomic_load (&lane->writer.tail) < before + size;
  ferry_test_run_until (is_done, large);
  route_test_send_finish (large, 0, 0);
  route_test_send_finish (small, 0, 0);
  return within;
}

static void
test_small_ones_pass_a_large_one_of_the_same_process (void)
{
  g_autoptr (Scene) scene = scene_new ();
  guint n = 0;
  gboolean within;

  do
    {
      within = overlap (scene);
      n += 2;
      wait_messages (scene, n);
    }
  while (!within);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[n - 2]), ==, 8);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[n - 1]), ==, 32 * 1024 * 1024);
}

static void
test_large_ones_of_several_threads_take_turns (void)
{
  g_autoptr (Scene) scene = scene_new_with (128 * 1024, 64 * 1024 * 1024);
  RouteTestSend *sends[6];
  gsize total = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sends); i++)
    sends[i] = route_test_send_new (scene->sender, NULL, 1000000 + i, FERRY_NO_DEADLINE, NULL);
  wait_messages (scene, G_N_ELEMENTS (sends));
  for (guint i = 0; i < G_N_ELEMENTS (sends); i++)
    {
      route_test_send_finish (sends[i], 0, 0);
      total += g_variant_get_size (scene->messages->pdata[i]);
    }
  g_assert_cmpuint (total, ==, 6 * 1000000 + 15);
}

static void
add_large (void)
{
  g_test_add_func ("/messages/a-large-one-that-would-block-is-not-delivered",
                   test_one_that_would_block_is_not_delivered);
  g_test_add_func ("/messages/a-large-one-past-its-deadline-is-not-delivered",
                   test_one_past_its_deadline_is_not_delivered);
  g_test_add_func ("/messages/a-large-one-that-is-cancelled-is-not-delivered", test_a_cancelled_one_is_not_delivered);
  g_test_add_func ("/messages/closing-the-pipe-ends-a-large-one-halfway", test_closing_the_pipe_ends_one_halfway);
  g_test_add_func ("/messages/stopping-the-router-ends-a-large-one-halfway", test_stopping_the_router_ends_one_halfway);
  g_test_add_func ("/messages/stopping-the-sender-ends-a-large-one-halfway", test_stopping_the_sender_ends_one_halfway);
  g_test_add_func ("/messages/a-waiting-large-one-does-not-hold-up-another-sender",
                   test_a_waiting_large_one_does_not_hold_up_another_sender);
  g_test_add_func ("/messages/small-ones-pass-a-large-one-of-the-same-process",
                   test_small_ones_pass_a_large_one_of_the_same_process);
  g_test_add_func ("/messages/large-ones-of-several-threads-take-turns", test_large_ones_of_several_threads_take_turns);
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
  g_test_add_func ("/messages/of-all-sizes-arrive-in-one-stream", test_sizes_in_one_stream);
  g_test_add_func ("/messages/may-be-empty", test_null_without_size_is_an_empty_message);
  g_test_add_func ("/messages/may-be-as-large-as-was-set", test_the_largest_size_is_the_one_that_was_set);
  route_test_add_untraceable ("/messages/of-a-worker-may-be-larger-than-its-lane",
                              test_worker_sends_messages_larger_than_its_lane);
  g_test_add_func ("/messages/keep-their-type", test_types_come_as_they_went);
  g_test_add_func ("/messages/may-have-any-number-of-types", test_a_pipe_carries_any_number_of_types);
  g_test_add_func ("/messages/keep-an-announced-type-when-there-are-many",
                   test_a_type_that_was_announced_stays_when_there_are_many);
  g_test_add_func ("/messages/may-have-long-type-strings", test_long_type_strings_are_carried);
  g_test_add_func ("/messages/that-are-large-keep-their-type", test_large_variants_keep_type_and_value);
  add_large ();
  return g_test_run ();
}
