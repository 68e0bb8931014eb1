/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-receiver.c
 *
 * What a receiver hears, and until when. */

#include "config.h"

#include "route/route-test.h"

#include <string.h>

/* A pipe with messages that come through the signal, and are kept. */
typedef struct
{
  FerryRouter *router;
  FerrySender *sender;     /* (owned) */
  FerryReceiver *receiver; /* (owned) */
  GPtrArray *messages;     /* (owned) (element-type GVariant) */
  guint wanted;
  guint n_closed;
  FerryCloseReason reason;
} Scene;

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer user_data)
{
  g_ptr_array_add (((Scene *) user_data)->messages, g_variant_ref (message));
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  Scene *scene = user_data;

  scene->n_closed++;
  scene->reason = ferry_exit_get_reason (exit);
  g_assert_true (ferry_test_get_number (receiver, "is-closed"));
  g_assert_true (ferry_receiver_get_exit (receiver) == exit);
}

static Scene *
scene_new (void)
{
  g_autoptr (GError) error = NULL;
  Scene *scene = g_new0 (Scene, 1);

  scene->router = ferry_test_router_new ();
  scene->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  route_test_pipe (scene->router, &scene->sender, &scene->receiver);
  g_signal_connect (scene->receiver, "message", G_CALLBACK (message_cb), scene);
  g_signal_connect (scene->receiver, "closed", G_CALLBACK (closed_cb), scene);
  ferry_sender_start (scene->sender, &error);
  g_assert_no_error (error);
  return scene;
}

static void
stop_router (Scene *scene)
{
  if (scene->router == NULL)
    return;
  if (!ferry_test_get_number (scene->receiver, "is-closed"))
    ferry_router_close_pipe (scene->router, scene->receiver, NULL);
  ferry_test_router_stop (g_steal_pointer (&scene->router));
}

static void
scene_free (Scene *scene)
{
  stop_router (scene);
  g_signal_handlers_disconnect_by_data (scene->receiver, scene);
  ferry_receiver_set_handler (scene->receiver, NULL, NULL, NULL);
  g_object_unref (scene->sender);
  g_assert_finalize_object (scene->receiver);
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
}

static gboolean
is_closed (gpointer data)
{
  return ferry_test_get_number (data, "is-closed");
}

/* ---- message ---- */

static void
test_bytes_come_as_an_array_of_bytes (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GVariant *message;
  gconstpointer data;
  gsize n;

  g_assert_true (ferry_sender_send_bytes (scene->sender, "hello", 5, NULL));
  wait_messages (scene, 1);
  message = scene->messages->pdata[0];
  g_assert_true (g_variant_is_of_type (message, G_VARIANT_TYPE_BYTESTRING));
  data = g_variant_get_fixed_array (message, &n, 1);
  g_assert_cmpmem (data, n, "hello", 5);
}

static void
test_variants_keep_type_and_value (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (GVariant) one = g_variant_ref_sink (g_variant_new ("(tsmv)", (guint64) 7, "seven", NULL));
  g_autoptr (GVariant) two = g_variant_ref_sink (g_variant_new_parsed ("{'a': <1>, 'b': <'x'>}"));

  g_assert_true (ferry_sender_send (scene->sender, one, NULL));
  g_assert_true (ferry_sender_send (scene->sender, two, NULL));
  g_assert_true (ferry_sender_send (scene->sender, one, NULL));
  wait_messages (scene, 3);
  g_assert_true (g_variant_equal (scene->messages->pdata[0], one));
  g_assert_true (g_variant_equal (scene->messages->pdata[1], two));
  g_assert_true (g_variant_equal (scene->messages->pdata[2], one));
}

static void
test_messages_of_a_worker_come_through_the_signal (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (scene->router);
  g_autoptr (FerryWorker) worker = NULL;

  ferry_receiver_set_handler (pipe->receiver, NULL, NULL, NULL);
  g_signal_connect (pipe->receiver, "message", G_CALLBACK (message_cb), scene);
  worker = ferry_test_spawn_obedient (scene->router, pipe, "variant:1000", "stop", NULL);
  wait_messages (scene, 1000);
  for (guint64 i = 0; i < 1000; i++)
    {
      guint64 number;

      g_variant_get (scene->messages->pdata[i], "(t&s)", &number, NULL);
      g_assert_cmpuint (number, ==, i);
    }
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_wait_ended (worker);
  g_signal_handlers_disconnect_by_data (pipe->receiver, scene);
}

static void
test_handler_is_told_the_type (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (scene->router);

  g_assert_true (ferry_sender_send (pipe->sender, g_variant_new_uint64 (0), NULL));
  ferry_test_pipe_wait_count (pipe, 1);
  g_assert_true (pipe->in_order);
}

static void
assert_u_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  gboolean *called = user_data;

  g_assert_true (g_variant_type_equal (type, G_VARIANT_TYPE_UINT32));
  g_assert_cmpuint (size, ==, 4);
  g_assert_cmpuint ((guintptr) data % 8, ==, 0);
  *called = TRUE;
}

static void
test_handler_gets_the_serialised_form (void)
{
  g_autoptr (Scene) scene = scene_new ();
  gboolean called = FALSE;

  ferry_receiver_set_handler (scene->receiver, assert_u_cb, &called, NULL);
  g_assert_true (ferry_sender_send (scene->sender, g_variant_new_uint32 (5), NULL));
  ferry_test_wait_flag (&called);
  g_assert_cmpuint (scene->messages->len, ==, 0);
}

/* ---- handlers that change ---- */

typedef struct
{
  Scene *scene;
  guint n_first;
  guint n_second;
  guint n_destroyed;
} Change;

static void
count_destroyed (gpointer data)
{
  ((Change *) data)->n_destroyed++;
}

static void
second_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  ((Change *) user_data)->n_second++;
}

static void
change_to_second_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type,
                     gpointer user_data)
{
  Change *change = user_data;

  if (++change->n_first == 10)
    {
      ferry_receiver_set_handler (receiver, second_cb, change, count_destroyed);
      g_assert_cmpuint (change->n_destroyed, ==, 1);
    }
}

static void
change_to_signal_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type,
                     gpointer user_data)
{
  Change *change = user_data;

  if (++change->n_first == 10)
    ferry_receiver_set_handler (receiver, NULL, NULL, NULL);
}

static gboolean
second_has_90 (gpointer data)
{
  return ((Change *) data)->n_second == 90;
}

static void
test_handler_may_be_replaced_in_mid_stream (void)
{
  g_autoptr (Scene) scene = scene_new ();
  Change change = {scene};

  ferry_receiver_set_handler (scene->receiver, change_to_second_cb, &change, count_destroyed);
  route_test_send_numbers (scene->sender, 0, 100);
  ferry_test_run_until (second_has_90, &change);
  g_assert_cmpuint (change.n_first, ==, 10);
  ferry_receiver_set_handler (scene->receiver, NULL, NULL, NULL);
  g_assert_cmpuint (change.n_destroyed, ==, 2);
}

static void
test_handler_may_give_way_to_the_signal_in_mid_stream (void)
{
  g_autoptr (Scene) scene = scene_new ();
  Change change = {scene};

  ferry_receiver_set_handler (scene->receiver, change_to_signal_cb, &change, count_destroyed);
  route_test_send_numbers (scene->sender, 0, 100);
  wait_messages (scene, 90);
  g_assert_cmpuint (change.n_first, ==, 10);
  g_assert_cmpuint (change.n_destroyed, ==, 1);
}

static void
test_handler_data_goes_with_the_receiver (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerrySender) sender = NULL;
  FerryReceiver *receiver;
  Change change = {NULL};

  route_test_pipe (router, &sender, &receiver);
  ferry_receiver_set_handler (receiver, second_cb, &change, count_destroyed);
  g_assert_true (ferry_router_close_pipe (router, receiver, NULL));
  g_assert_cmpuint (change.n_destroyed, ==, 0);
  g_assert_finalize_object (receiver);
  g_assert_cmpuint (change.n_destroyed, ==, 1);
  ferry_test_router_stop (router);
}

/* ---- closed ---- */

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_closed_comes_with_the_exit_record (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (FerryExit) exit = NULL;
  gboolean closed;
  guint n_exit = 0, n_closed = 0;

  g_signal_connect (scene->receiver, "notify::exit", G_CALLBACK (count_notify), &n_exit);
  g_signal_connect (scene->receiver, "notify::is-closed", G_CALLBACK (count_notify), &n_closed);
  g_assert_null (ferry_receiver_get_exit (scene->receiver));
  g_assert_true (ferry_sender_stop (scene->sender, NULL));
  ferry_test_run_until (is_closed, scene->receiver);
  g_object_get (scene->receiver, "exit", &exit, "is-closed", &closed, NULL);
  g_assert_true (closed);
  g_assert_cmpint (ferry_exit_get_reason (exit), ==, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpint (scene->reason, ==, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (scene->n_closed, ==, 1);
  g_assert_cmpuint (n_exit, ==, 1);
  g_assert_cmpuint (n_closed, ==, 1);
}

/* ---- owners ---- */

static void
flood_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  GObject **owner = user_data;

  /* Nothing arrives after the owner's disposal. */
  g_assert_nonnull (*owner);
  if (ferry_test_get_number (receiver, "n-messages") == 10)
    g_clear_object (owner);
}

static void
test_nothing_arrives_after_the_owner_is_disposed_in_a_handler (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);

  ferry_receiver_bind (scene->receiver, owner);
  ferry_receiver_set_handler (scene->receiver, flood_cb, &owner, NULL);
  route_test_burst (scene->sender, 0, 100);
  ferry_test_run_until (is_closed, scene->receiver);
  route_test_settle ();
  g_assert_cmpuint (ferry_test_get_number (scene->receiver, "n-messages"), ==, 10);
  g_assert_cmpuint (scene->n_closed, ==, 0);
}

static void
test_nothing_arrives_after_the_owner_is_disposed (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);

  ferry_receiver_bind (scene->receiver, owner);
  route_test_burst (scene->sender, 0, 100);
  g_object_run_dispose (owner);
  g_assert_true (ferry_test_get_number (scene->receiver, "is-closed"));
  route_test_settle ();
  g_assert_cmpuint (scene->messages->len, ==, 0);
  g_assert_cmpuint (scene->n_closed, ==, 0);
  g_object_unref (owner);
}

static void
test_closed_does_not_arrive_after_the_owner_is_disposed (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);

  ferry_receiver_bind (scene->receiver, owner);
  g_assert_true (ferry_sender_stop (scene->sender, NULL));
  route_test_wait_drained (scene->sender);
  g_object_unref (owner);
  route_test_settle ();
  g_assert_cmpuint (scene->n_closed, ==, 0);
}

static void
test_nothing_arrives_of_a_flood_after_the_owner_is_disposed (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (scene->router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (scene->router, pipe, "flood", NULL);
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);
  guint64 heard;

  ferry_receiver_bind (pipe->receiver, owner);
  ferry_test_pipe_wait_count (pipe, 100000);
  g_object_unref (owner);
  heard = pipe->n_messages;
  ferry_test_wait_ended (worker);
  g_assert_cmpuint (pipe->n_messages, ==, heard);
  g_assert_cmpuint (pipe->n_closed, ==, 0);
  g_assert_cmpuint (ferry_test_get_number (scene->router, "n-pipes"), ==, 1);
}

static gpointer
drop_object (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

static void
test_nothing_arrives_after_another_thread_disposed_the_owner (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);

  ferry_receiver_bind (scene->receiver, owner);
  route_test_burst (scene->sender, 0, 100);
  g_thread_join (g_thread_new ("drop", drop_object, owner));
  ferry_test_run_until (is_closed, scene->receiver);
  route_test_settle ();
  g_assert_cmpuint (scene->messages->len, ==, 0);
  g_assert_cmpuint (scene->n_closed, ==, 0);
}

static gboolean
is_dropped (gpointer data)
{
  return ferry_router_get_counter (data, FERRY_COUNTER_DROPPED) == 100;
}

/* The pipe is closed by the main context, which does not run here, so the messages do find the receiver. */
static void
test_nothing_is_routed_after_another_thread_disposed_the_owner (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (GError) error = NULL;

  ferry_receiver_bind (scene->receiver, owner);
  g_thread_join (g_thread_new ("drop", drop_object, owner));
  route_test_send_numbers (scene->sender, 0, 100);
  ferry_router_route_until (scene->router, is_dropped, scene->router, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC,
                            &error);
  g_assert_no_error (error);
  g_assert_cmpuint (scene->messages->len, ==, 0);
  ferry_test_run_until (is_closed, scene->receiver);
}

static void
test_another_thread_disposes_the_owner_while_the_loop_runs (void)
{
  g_autoptr (Scene) scene = scene_new ();

  for (guint round = 0; round < 100; round++)
    {
      g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (scene->router);
      GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);
      GThread *thread;

      ferry_receiver_bind (pipe->receiver, owner);
      route_test_send_numbers (pipe->sender, 0, 100);
      thread = g_thread_new ("drop", drop_object, owner);
      ferry_test_run_until (is_closed, pipe->receiver);
      g_thread_join (thread);
      g_assert_cmpuint (pipe->n_closed, ==, 0);
    }
}

static void
test_the_latest_owner_counts (void)
{
  g_autoptr (Scene) scene = scene_new ();
  GObject *first = g_object_new (G_TYPE_OBJECT, NULL);
  GObject *second = g_object_new (G_TYPE_OBJECT, NULL);

  ferry_receiver_bind (scene->receiver, first);
  ferry_receiver_bind (scene->receiver, second);
  g_object_unref (first);
  route_test_send_numbers (scene->sender, 0, 1);
  wait_messages (scene, 1);
  g_object_unref (second);
  g_assert_true (ferry_test_get_number (scene->receiver, "is-closed"));
}

static void
test_owner_may_outlive_the_receiver (void)
{
  g_autoptr (GObject) owner = g_object_new (G_TYPE_OBJECT, NULL);
  Scene *scene = scene_new ();

  ferry_receiver_bind (scene->receiver, owner);
  scene_free (scene);
}

/* ---- messages that are kept ---- */

#define LARGE_SIZE 3000000

static void
assert_pattern (GVariant *message, gsize size)
{
  const guint8 *data = g_variant_get_data (message);

  g_assert_cmpuint (g_variant_get_size (message), ==, size);
  for (gsize i = 0; i < size; i++)
    g_assert_cmpuint (data[i], ==, (guint8) (i % 251));
}

static void
test_kept_messages_stay_valid_after_the_router (void)
{
  g_autoptr (Scene) scene = scene_new ();
  g_autofree guint8 *data = g_malloc (LARGE_SIZE);
  RouteTestSend *send;

  for (gsize i = 0; i < LARGE_SIZE; i++)
    data[i] = (guint8) (i % 251);
  g_assert_true (ferry_sender_send_bytes (scene->sender, data, 1000, NULL));
  g_assert_true (ferry_sender_send_bytes (scene->sender, data, 32752, NULL));
  send = route_test_send_new (scene->sender, data, LARGE_SIZE, -1, NULL);
  wait_messages (scene, 3);
  route_test_send_finish (send, 0, 0);
  stop_router (scene);
  assert_pattern (scene->messages->pdata[0], 1000);
  assert_pattern (scene->messages->pdata[1], 32752);
  assert_pattern (scene->messages->pdata[2], LARGE_SIZE);
}

static void
test_null_is_a_critical (void)
{
  g_autoptr (Scene) scene = scene_new ();

  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*FERRY_IS_RECEIVER (self)*");
  ferry_receiver_set_handler (NULL, NULL, NULL, NULL);
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*G_IS_OBJECT (owner)*");
  ferry_receiver_bind (scene->receiver, NULL);
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*FERRY_IS_RECEIVER (self)*");
  g_assert_null (ferry_receiver_get_exit (NULL));
  g_test_assert_expected_messages ();
}

static void
add_owners (void)
{
  g_test_add_func ("/receiver/nothing-arrives-after-the-owner-is-disposed-in-a-handler",
                   test_nothing_arrives_after_the_owner_is_disposed_in_a_handler);
  g_test_add_func ("/receiver/nothing-arrives-after-the-owner-is-disposed",
                   test_nothing_arrives_after_the_owner_is_disposed);
  g_test_add_func ("/receiver/closed-does-not-arrive-after-the-owner-is-disposed",
                   test_closed_does_not_arrive_after_the_owner_is_disposed);
  route_test_add_untraceable ("/receiver/nothing-arrives-of-a-flood-after-the-owner-is-disposed",
                              test_nothing_arrives_of_a_flood_after_the_owner_is_disposed);
  route_test_add_untraceable ("/receiver/nothing-arrives-after-another-thread-disposed-the-owner",
                              test_nothing_arrives_after_another_thread_disposed_the_owner);
  route_test_add_untraceable ("/receiver/nothing-is-routed-after-another-thread-disposed-the-owner",
                              test_nothing_is_routed_after_another_thread_disposed_the_owner);
  route_test_add_untraceable ("/receiver/another-thread-may-dispose-the-owner-while-the-loop-runs",
                              test_another_thread_disposes_the_owner_while_the_loop_runs);
  g_test_add_func ("/receiver/the-latest-owner-counts", test_the_latest_owner_counts);
  g_test_add_func ("/receiver/owner-may-outlive-the-receiver", test_owner_may_outlive_the_receiver);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/receiver/bytes-come-as-an-array-of-bytes", test_bytes_come_as_an_array_of_bytes);
  g_test_add_func ("/receiver/variants-keep-type-and-value", test_variants_keep_type_and_value);
  route_test_add_untraceable ("/receiver/messages-of-a-worker-come-through-the-signal",
                              test_messages_of_a_worker_come_through_the_signal);
  g_test_add_func ("/receiver/handler-gets-the-bytes-of-a-variant", test_handler_is_told_the_type);
  g_test_add_func ("/receiver/handler-is-told-the-type", test_handler_gets_the_serialised_form);
  g_test_add_func ("/receiver/handler-may-be-replaced-in-mid-stream", test_handler_may_be_replaced_in_mid_stream);
  g_test_add_func ("/receiver/handler-may-give-way-to-the-signal-in-mid-stream",
                   test_handler_may_give_way_to_the_signal_in_mid_stream);
  g_test_add_func ("/receiver/handler-data-goes-with-the-receiver", test_handler_data_goes_with_the_receiver);
  g_test_add_func ("/receiver/closed-comes-with-the-exit-record", test_closed_comes_with_the_exit_record);
  add_owners ();
  g_test_add_func ("/receiver/kept-messages-stay-valid-after-the-router",
                   test_kept_messages_stay_valid_after_the_router);
  g_test_add_func ("/receiver/null-is-a-critical", test_null_is_a_critical);
  return g_test_run ();
}
