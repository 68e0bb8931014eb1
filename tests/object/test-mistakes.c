/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-interface.c, object/ferry-exporter.c, object/ferry-proxy.c, object/ferry-replica.c
 *
 * Mistakes of a program: each message names the public function and the thing, and says what to do. */

#include "config.h"

#include <locale.h>
#include <string.h>

#include "object-test.h"
#include "object/ferry-proxy-private.h"
#include "pair-scene.h"

static void
expect (const char *pattern)
{
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, pattern);
}

static void
set_up (PairScene *self, gconstpointer data)
{
  pair_scene_open (self, PAIR_SCENE_RECEIVING, "counter", test_counter_create_interface (), test_counter_new ("first"));
  pair_scene_wait_listening (self);
}

static void
tear_down (PairScene *self, gconstpointer data)
{
  pair_scene_close (self);
}

static void
answer_twice (gpointer object, FerryInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "late");

  ferry_invocation_return_value (invocation, NULL);
  expect ("ferry_invocation_return_value(): the call of 'twice' was answered already; answer each call once");
  ferry_invocation_return_value (invocation, NULL);
  g_test_assert_expected_messages ();
  expect ("ferry_invocation_return_object(): the call of 'twice' was answered already; answer each call once");
  ferry_invocation_return_object (invocation, object);
  g_test_assert_expected_messages ();
  expect ("ferry_invocation_return_error(): the call of 'twice' was answered already; answer each call once");
  ferry_invocation_return_error (invocation, error);
  g_test_assert_expected_messages ();
}

static void
test_answers_of_a_method (void)
{
  FerryInterface *interface = ferry_interface_new ("org.example.Object", G_TYPE_OBJECT);
  PairScene scene = {.local = TRUE};
  g_autoptr (GError) error = NULL;

  ferry_interface_add_method (interface, "twice", NULL, NULL, answer_twice, NULL, NULL);
  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "object", interface, g_object_new (G_TYPE_OBJECT, NULL));
  g_assert_true (ferry_proxy_call (scene.proxy, "twice", NULL, -1, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  pair_scene_close (&scene);
}

static gboolean
fail_silently (gpointer object, guint64 *length, gpointer user_data, GError **error)
{
  return FALSE;
}

static void
test_a_failure_without_an_error (void)
{
  const FerryContainerFuncs funcs = {.get_length = fail_silently};
  FerryInterface *interface = ferry_interface_new ("org.example.Object", G_TYPE_OBJECT);
  PairScene scene = {.local = TRUE};
  g_autoptr (GError) error = NULL;

  ferry_interface_set_container (interface, &funcs, NULL, NULL);
  pair_scene_open (&scene, PAIR_SCENE_RECEIVING, "object", interface, g_object_new (G_TYPE_OBJECT, NULL));
  g_assert_false (
    ferry_proxy_resolve (scene.proxy, g_variant_new_parsed ("(('length',),)"), NULL, -1, NULL, NULL, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
  g_assert_nonnull (strstr (error->message, "without an error"));
  pair_scene_close (&scene);
}

static void
take_request (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, NULL);
}

static void
test_a_demux_that_runs (void)
{
  g_autoptr (FerryTransport) here = NULL;
  g_autoptr (FerryTransport) there = NULL;
  g_autoptr (FerryDemux) demux = NULL;
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&here, &there);
  demux = ferry_demux_new (here);
  ferry_demux_add_handler (demux, NULL, take_request, NULL, NULL);
  g_assert_true (ferry_demux_start (demux, &error));
  expect ("ferry_demux_set_threads(): the demux is running*ferry_demux_start()*ferry_demux_stop()*");
  ferry_demux_set_threads (demux, 2);
  g_test_assert_expected_messages ();
  expect ("ferry_demux_set_context(): the demux is running*");
  ferry_demux_set_context (demux, NULL);
  g_test_assert_expected_messages ();
  expect ("ferry_channel_new(): the transport has a channel, a demux or an exporter already*");
  g_assert_null (ferry_channel_new (here));
  g_test_assert_expected_messages ();
}

static void
note_closed (gboolean *closed)
{
  *closed = TRUE;
}

static void
test_a_transport_that_has_a_channel (void)
{
  g_autoptr (FerryTransport) here = NULL;
  g_autoptr (FerryTransport) there = NULL;
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (FerryExporter) exporter = ferry_exporter_new ();
  g_autoptr (GError) error = NULL;
  gboolean closed = FALSE;

  ferry_transport_new_pair (&here, &there);
  channel = ferry_channel_new (here);
  g_signal_connect_swapped (channel, "notify::closed", G_CALLBACK (note_closed), &closed);
  g_assert_false (ferry_exporter_add_transport (exporter, here, &error));
  g_assert_nonnull (error);
  expect ("ferry_channel_new(): the transport has a channel, a demux or an exporter already*");
  g_assert_null (ferry_channel_new (here));
  g_test_assert_expected_messages ();
  /* The first one still hears how the transport ends. */
  ferry_transport_close (there);
  ferry_test_wait_flag (&closed);
}

static void
test_an_exporter_with_a_transport (PairScene *self, gconstpointer data)
{
  expect ("ferry_exporter_set_context(): the exporter has a transport already*ferry_exporter_add_transport()*");
  ferry_exporter_set_context (self->exporter, NULL);
  g_test_assert_expected_messages ();
  expect ("FerryExporter:threads: the exporter has a transport already*");
  g_object_set (self->exporter, "threads", 1, NULL);
  g_test_assert_expected_messages ();
  expect ("FerryExporter:manual: the exporter has a transport already*");
  g_object_set (self->exporter, "manual", TRUE, NULL);
  g_test_assert_expected_messages ();
  expect ("ferry_exporter_process_requests(): *FerryExporter:manual*");
  ferry_exporter_process_requests (self->exporter);
  g_test_assert_expected_messages ();
}

static void
test_an_interface_that_is_exported (PairScene *self, gconstpointer data)
{
  g_autoptr (GObject) other = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (GError) error = NULL;

  expect ("ferry_interface_add_signal(): interface '*' is exported*ferry_exporter_export()");
  ferry_interface_add_signal (self->interface, "counted");
  g_test_assert_expected_messages ();
  expect ("ferry_exporter_export(): object 'other' is a 'GObject', and interface '*' is for 'TestCounter'*");
  g_assert_false (
    ferry_exporter_export (self->exporter, "other", other, self->interface, FERRY_CALL_POLICY_SERIAL, &error));
  g_test_assert_expected_messages ();
}

static void
test_waiting_on_the_main_loop (PairScene *self, gconstpointer data)
{
  expect ("ferry_transport_wait_closed(): Waiting on this thread would block the main loop*");
  /* This thread owns the default main context, as one does that runs it. */
  g_assert_true (g_main_context_acquire (NULL));
  ferry_transport_wait_closed (self->here);
  g_main_context_release (NULL);
  g_test_assert_expected_messages ();
}

static void
test_a_replica_without_its_property (PairScene *self, gconstpointer data)
{
  expect ("ferry_proxy_create_replica(): 'TestCounter' has no property 'missing' that can be read and has*");
  g_assert_null (ferry_proxy_create_replica (self->proxy, G_OBJECT_TYPE (self->object),
                                             (const char *const[]){"value", "missing", NULL}));
  g_test_assert_expected_messages ();
}

static void
test_a_replica_of_what_no_variant_holds (PairScene *self, gconstpointer data)
{
  expect ("ferry_proxy_create_replica(): 'GSimpleAction' has no property 'parameter-type' that can be read and has*");
  g_assert_null (
    ferry_proxy_create_replica (self->proxy, G_TYPE_SIMPLE_ACTION, (const char *const[]){"parameter-type", NULL}));
  g_test_assert_expected_messages ();
}

static void
test_a_replica_of_a_class_without_objects (PairScene *self, gconstpointer data)
{
  const GType types[] = {G_TYPE_INT, G_TYPE_PERMISSION};

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      expect ("*ferry_proxy_create_replica*G_TYPE_IS_ABSTRACT*");
      g_assert_null (ferry_proxy_create_replica (self->proxy, types[i], NULL));
      expect ("*ferry_proxy_create_replica_async*G_TYPE_IS_ABSTRACT*");
      ferry_proxy_create_replica_async (self->proxy, types[i], NULL, NULL, NULL, NULL);
    }
  g_test_assert_expected_messages ();
}

static void
test_a_replica_of_what_its_class_does_not_set (PairScene *self, gconstpointer data)
{
  expect ("ferry_proxy_create_replica(): 'GSimplePermission' has no set_property() that takes its property 'allowed'*");
  g_assert_null (
    ferry_proxy_create_replica (self->proxy, G_TYPE_SIMPLE_PERMISSION, (const char *const[]){"allowed", NULL}));
  g_test_assert_expected_messages ();
}

/* Nothing is wrong with the other end. */
static void
test_what_is_closed_at_this_end (PairScene *self, gconstpointer data)
{
  g_autoptr (FerryMux) mux = ferry_mux_new (self->here);
  g_autoptr (GError) error = NULL;

  ferry_transport_close (self->here);
  g_assert_null (ferry_mux_transact (mux, "work", NULL, 0, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_nonnull (strstr (error->message, "closed at this end"));
  g_assert_null (strstr (error->message, "other end"));
}

typedef struct
{
  GError *error; /* (owned) (nullable) */
  gboolean over;
} Failure;

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Failure *self = data;

  ferry_resolve_finish (result, NULL, NULL, &self->error);
  self->over = TRUE;
}

/* The text of a chain, as an error that says that it was cancelled has it. */
static void
assert_text (PairScene *self, const char *steps, const char *wanted)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *message = g_strdup_printf ("'%s' was cancelled", wanted);
  g_autoptr (GVariant) parsed = g_variant_parse (NULL, steps, NULL, NULL, NULL);
  g_autoptr (GError) error = NULL;
  Failure failure = {0};

  g_cancellable_cancel (cancellable);
  ferry_proxy_resolve_async (self->proxy, parsed, NULL, -1, cancellable, resolved_cb, &failure);
  ferry_test_wait_flag (&failure.over);
  error = g_steal_pointer (&failure.error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_chains_as_text (PairScene *self, gconstpointer data)
{
  assert_text (self, "(('set-item', 0, 6),)", "counter[0] = 6");
  assert_text (self, "(('get', 'list'), ('set-item', 'a key', (3, 'x')))", "counter.list['a key'] = (3, 'x')");
  assert_text (self, "(('get-item', 3), ('call', 'append', ('x',)))", "counter[3].append('x')");
  assert_text (self, "(('set', 'value', 7),)", "counter.value = 7");
}

static void
assert_raised_at (PairScene *self, const char *name, const char *place)
{
  g_autoptr (FerryProxy) proxy = pair_scene_new_proxy (self, name);
  g_autofree char *line = g_strdup_printf ("in function '%s' of process", place);
  g_autofree char *trace = NULL;
  g_autoptr (GError) error = NULL;
  Failure failure = {0};

  ferry_proxy_call_async (proxy, "nothing", NULL, -1, NULL, resolved_cb, &failure);
  ferry_test_wait_flag (&failure.over);
  g_assert_nonnull (failure.error);
  error = g_steal_pointer (&failure.error);
  trace = ferry_error_get_trace (error);
  g_assert_nonnull (trace);
  g_assert_true (g_str_has_prefix (trace, line));
  g_assert_null (strstr (trace, "ferry.View"));
}

static void
test_places_of_failures (PairScene *self, gconstpointer data)
{
  assert_raised_at (self, "counter", "counter.nothing()");
  assert_raised_at (self, "nobody", "nobody.nothing()");
}

static void
add (const char *name, void (*test) (PairScene *, gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/mistakes/%s", name);

  g_test_add (path, PairScene, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/mistakes/a-second-answer-names-call-and-function", test_answers_of_a_method);
  g_test_add_func ("/mistakes/a-container-that-fails-without-an-error-fails", test_a_failure_without_an_error);
  g_test_add_func ("/mistakes/a-demux-that-runs-is-not-set-up", test_a_demux_that_runs);
  g_test_add_func ("/mistakes/a-transport-that-is-taken-stays-its-channel-s", test_a_transport_that_has_a_channel);
  add ("an-exporter-with-a-transport-is-not-set-up", test_an_exporter_with_a_transport);
  add ("an-interface-that-is-exported-is-not-changed", test_an_interface_that_is_exported);
  add ("waiting-on-the-main-loop-says-what-it-would-hold-up", test_waiting_on_the_main_loop);
  add ("a-replica-names-the-property-that-it-cannot-have", test_a_replica_without_its_property);
  add ("a-replica-names-the-property-that-no-variant-holds", test_a_replica_of_what_no_variant_holds);
  add ("a-replica-names-the-property-that-its-class-does-not-set", test_a_replica_of_what_its_class_does_not_set);
  add ("a-replica-is-of-a-class-that-has-objects", test_a_replica_of_a_class_without_objects);
  add ("what-is-closed-at-this-end-is-not-laid-to-the-other", test_what_is_closed_at_this_end);
  add ("a-chain-reads-as-the-operations-that-it-has", test_chains_as_text);
  add ("a-failure-has-the-place-of-its-chain", test_places_of_failures);

  return g_test_run ();
}
