/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy.c
 *
 * Objects over a transport within this process: what a proxy can do, and how each thing fails. */

#include "config.h"

#include <locale.h>

#include "object-test.h"
#include "object/ferry-proxy-private.h"
#include "pair-scene.h"

/* What a chain gave. */
typedef struct
{
  gboolean over;
  gboolean resolved;
  GVariant *value;
  FerryProxy *object;
  GError *error;
} Outcome;

static void
outcome_clear (Outcome *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_object (&self->object);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static void
set_up (PairScene *self, gconstpointer place)
{
  pair_scene_open (self, GPOINTER_TO_INT (place), "counter", test_counter_create_interface (),
                   test_counter_new ("first"));
  pair_scene_wait_listening (self);
}

static void
tear_down (PairScene *self, gconstpointer data)
{
  pair_scene_close (self);
  ferry_test_look_until (test_counters_are_gone, NULL);
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  self->resolved = ferry_resolve_finish (result, &self->value, &self->object, &self->error);
  self->over = TRUE;
}

static void
resolve (FerryProxy *proxy, const char *steps, const char *options, Outcome *outcome)
{
  g_autoptr (GVariant) parsed = g_variant_parse (NULL, steps, NULL, NULL, NULL);
  GVariant *with = options != NULL ? g_variant_new_parsed (options) : NULL;

  ferry_proxy_resolve_async (proxy, parsed, with, -1, NULL, resolved_cb, outcome);
  ferry_test_wait_flag (&outcome->over);
}

static void
assert_value (Outcome *outcome, const char *text)
{
  g_autofree char *printed = NULL;

  g_assert_no_error (outcome->error);
  g_assert_true (outcome->resolved);
  g_assert_nonnull (outcome->value);
  printed = g_variant_print (outcome->value, FALSE);
  g_assert_cmpstr (printed, ==, text);
}

static void
call (FerryProxy *proxy, const char *method, GVariant *arguments, Outcome *outcome)
{
  ferry_proxy_call_async (proxy, method, arguments, -1, NULL, resolved_cb, outcome);
  ferry_test_wait_flag (&outcome->over);
}

static void
test_call (PairScene *self, gconstpointer data)
{
  g_auto (Outcome) first = {0};
  g_auto (Outcome) second = {0};
  g_auto (Outcome) third = {0};

  call (self->proxy, "add", g_variant_new ("(i)", 3), &first);
  assert_value (&first, "3");
  call (self->proxy, "thread", NULL, &second);
  assert_value (&second, "3");
  call (self->proxy, "stop", NULL, &third);
  g_assert_no_error (third.error);
  g_assert_null (third.value);
}

static void
test_set (PairScene *self, gconstpointer data)
{
  g_auto (Outcome) first = {0};
  g_auto (Outcome) second = {0};

  resolve (self->proxy, "(('set', 'value', 77),)", NULL, &first);
  assert_value (&first, "77");
  resolve (self->proxy, "(('get', 'value'),)", NULL, &second);
  assert_value (&second, "77");
  g_assert_cmpint (test_counter_get_value (self->object), ==, 77);
}

static void
test_self (PairScene *self, gconstpointer data)
{
  g_auto (Outcome) outcome = {0};

  call (self->proxy, "get_self", NULL, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_true (outcome.object == self->proxy);
}

static void
test_chain (PairScene *self, gconstpointer data)
{
  g_autoptr (TestCounter) next = test_counter_new ("next");
  g_auto (Outcome) outcome = {0};

  test_counter_set_next (self->object, next);
  resolve (self->proxy,
           "[('call', 'get_self'), ('call', 'get_self'), ('get', 'next'), ('call', 'get_self'), ('get', 'label')]",
           NULL, &outcome);
  assert_value (&outcome, "'next'");
}

static void
test_reference (PairScene *self, gconstpointer data)
{
  g_auto (Outcome) first = {0};
  g_auto (Outcome) second = {0};

  call (self->proxy, "make", g_variant_new ("(s)", "made"), &first);
  g_assert_no_error (first.error);
  g_assert_nonnull (first.object);
  g_assert_cmpint (ferry_test_get_number (self->exporter, "n-references"), ==, 1);
  g_assert_cmpint (test_counter_count (), ==, 2);
  call (first.object, "add", g_variant_new ("(i)", 5), &second);
  assert_value (&second, "5");
  g_clear_object (&first.object);
  pair_scene_wait_dropped (self);
}

static void
test_fail (PairScene *self, gconstpointer data)
{
  g_auto (Outcome) outcome = {0};
  g_autofree char *trace = NULL;

  call (self->proxy, "fail", g_variant_new ("(s)", "no such luck"), &outcome);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_cmpstr (outcome.error->message, ==, "no such luck");
  trace = ferry_error_get_trace (outcome.error);
  g_assert_nonnull (strstr (trace, "counter.fail('no such luck')"));
}

/* Has the object fail, and returns the trace of its error: a line. */
static char *
assert_fails_with_a_place (FerryProxy *proxy, const char *steps, const char *place, Outcome *outcome)
{
  g_autofree char *line = g_strdup_printf ("in function '%s' of process", place);
  g_autofree char *trace = NULL;

  resolve (proxy, steps, NULL, outcome);
  g_assert_nonnull (outcome->error);
  trace = ferry_error_get_trace (outcome->error);
  g_assert_nonnull (trace);
  g_assert_true (g_str_has_prefix (trace, line));
  g_assert_true (strchr (trace, '\n') == trace + strlen (trace) - 1);
  return g_steal_pointer (&trace);
}

/* Both processes are this one: so it also has the traces that arrived when the next error is raised. */
static void
test_trace_does_not_grow (PairScene *self, gconstpointer data)
{
  for (guint i = 0; i < 20; i++)
    {
      g_auto (Outcome) outcome = {0};

      g_free (
        assert_fails_with_a_place (self->proxy, "(('call', 'fail', ('again',)),)", "counter.fail('again')", &outcome));
      g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_BUSY);
    }
}

static void
assert_keeps_trace (GError *error, const char *wanted)
{
  g_autofree char *trace = ferry_error_get_trace (error);

  g_assert_cmpstr (trace, ==, wanted);
}

static void
test_alike_errors (PairScene *self, gconstpointer data)
{
  g_auto (Outcome) first = {0};
  g_auto (Outcome) second = {0};
  g_autofree char *first_trace = NULL;
  g_autofree char *second_trace = NULL;

  first_trace =
    assert_fails_with_a_place (self->proxy, "(('call', 'fail', ('alike',)),)", "counter.fail('alike')", &first);
  second_trace = assert_fails_with_a_place (self->proxy, "(('call', 'get_self'), ('call', 'fail', ('alike',)))",
                                            "counter.get_self().fail('alike')", &second);
  g_assert_cmpstr (first.error->message, ==, second.error->message);
  assert_keeps_trace (first.error, first_trace);
  assert_keeps_trace (second.error, second_trace);
}

static void
test_copies (PairScene *self, gconstpointer data)
{
  g_auto (Outcome) first = {0};
  g_auto (Outcome) second = {0};
  g_autofree char *first_trace = NULL;
  g_autoptr (GError) copy = NULL;

  first_trace = assert_fails_with_a_place (self->proxy, "(('call', 'none'),)", "counter.none()", &first);
  copy = g_error_copy (first.error);
  g_assert_error (copy, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
  g_free (assert_fails_with_a_place (self->proxy, "(('call', 'get_self'), ('call', 'none'))",
                                     "counter.get_self().none()", &second));
  g_assert_cmpstr (first.error->message, ==, second.error->message);
  g_clear_error (&first.error);
  assert_keeps_trace (copy, first_trace);
  g_prefix_error (&copy, "Nothing done: ");
  assert_keeps_trace (copy, first_trace);
}

static gboolean
has_changed (gpointer proxy)
{
  g_autoptr (GVariant) value = ferry_proxy_dup_cached (proxy, "value");

  return value != NULL && g_variant_get_int32 (value) == 12;
}

static void
test_follow (PairScene *self, gconstpointer data)
{
  ferry_proxy_follow (self->proxy, (const char *const[]){"*", NULL}, (const char *const[]){"counted", NULL});
  test_counter_set_value (self->object, 12);
  ferry_test_run_until (has_changed, self->proxy);
  ferry_proxy_follow (self->proxy, (const char *const[]){NULL}, NULL);
  g_assert_false (has_changed (self->proxy));
}

/* What a proxy says of itself: with a transport, and in the object's own process. */
static void
test_says (PairScene *self, gconstpointer data)
{
  g_autoptr (FerryTransport) transport = NULL;
  g_autofree char *name = NULL;

  g_object_get (self->proxy, "transport", &transport, "name", &name, NULL);
  g_assert_true (transport == (self->local ? NULL : self->here));
  g_assert_cmpstr (name, ==, "counter");
}

static gboolean
has_first_value (gpointer proxy)
{
  g_autoptr (GVariant) value = ferry_proxy_dup_cached (proxy, "value");

  return value != NULL;
}

/* The watch of the exporter's state has one thing to tell, that it listens, and has told that before. */
static void
test_follow_again (PairScene *self, gconstpointer data)
{
  ferry_proxy_follow (self->proxy, (const char *const[]){"value", NULL}, NULL);
  ferry_test_run_until (has_first_value, self->proxy);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  ferry_exporter_start (self->exporter);
  test_counter_set_value (self->object, 12);
  ferry_test_run_until (has_changed, self->proxy);
}

static gpointer
drop_main (gpointer proxy)
{
  g_object_unref (proxy);
  return NULL;
}

/* It has ever something to tell when its last reference goes. */
static void
test_dropped_elsewhere (PairScene *self, gconstpointer data)
{
  for (int i = 0; i < 200; i++)
    {
      FerryProxy *proxy = pair_scene_new_proxy (self, "counter");
      GThread *thread;

      ferry_proxy_follow (proxy, (const char *const[]){"value", NULL}, NULL);
      ferry_test_run_until (has_first_value, proxy);
      thread = g_thread_new ("dropping", drop_main, proxy);
      for (int value = 0; value < 20; value++)
        {
          test_counter_set_value (self->object, 20 * i + value);
          g_main_context_iteration (NULL, FALSE);
        }
      g_thread_join (thread);
    }
}

static void
waited_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  self->resolved = ferry_proxy_wait_until_listening_finish (FERRY_PROXY (proxy), result, &self->error);
  self->over = TRUE;
}

static void
wait_until_listening (PairScene *self, Outcome *outcome)
{
  ferry_proxy_wait_until_listening_async (self->proxy, -1, NULL, waited_cb, outcome);
  ferry_test_wait_flag (&outcome->over);
}

static gboolean
is_not_listening (gpointer proxy)
{
  return !ferry_proxy_get_listening (proxy);
}

static void
test_another_exporter (PairScene *self, gconstpointer data)
{
  g_autoptr (FerryExporter) other = ferry_exporter_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Outcome) first = {0};
  g_auto (Outcome) second = {0};
  g_auto (Outcome) third = {0};

  g_object_unref (g_steal_pointer (&self->exporter));
  ferry_test_run_until (is_not_listening, self->proxy);
  wait_until_listening (self, &first);
  g_assert_error (first.error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  self->exporter = g_steal_pointer (&other);
  ferry_exporter_export (self->exporter, "counter", self->object, self->interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
  wait_until_listening (self, &second);
  g_assert_no_error (second.error);
  call (self->proxy, "add", g_variant_new ("(i)", 2), &third);
  assert_value (&third, "2");
}

static gboolean
is_gone (gpointer object)
{
  return *(gpointer *) object == NULL;
}

static void
test_waiting_keeps_nothing (PairScene *self, gconstpointer data)
{
  FerryProxy *proxy = pair_scene_new_proxy (self, "counter");
  g_auto (Outcome) outcome = {0};

  g_object_add_weak_pointer (G_OBJECT (proxy), (gpointer *) &proxy);
  ferry_proxy_wait_until_listening_async (proxy, -1, NULL, waited_cb, &outcome);
  ferry_test_wait_flag (&outcome.over);
  g_assert_no_error (outcome.error);
  g_object_unref (proxy);
  ferry_test_run_until (is_gone, &proxy);
}

static void
test_stopped (PairScene *self, gconstpointer data)
{
  g_auto (Outcome) first = {0};
  g_auto (Outcome) second = {0};

  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  resolve (self->proxy, "(('get', 'value'),)", NULL, &first);
  g_assert_error (first.error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  resolve (self->proxy, "(('get', 'value'),)", "{'default': <-1>}", &second);
  assert_value (&second, "-1");
}

static void
add (const char *name, void (*test) (PairScene *, gconstpointer))
{
  static const struct
  {
    const char *name;
    int place;
  } places[] = {{"context", PAIR_SCENE_CONTEXT}, {"receiving", PAIR_SCENE_RECEIVING}, {"thread", 1}};

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *path = g_strdup_printf ("/proxy/%s/%s", places[i].name, name);

      g_test_add (path, PairScene, GINT_TO_POINTER (places[i].place), set_up, test, tear_down);
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add ("calls-a-method", test_call);
  add ("sets-and-gets-a-property", test_set);
  add ("is-what-a-method-gives-that-gives-its-object", test_self);
  add ("has-a-chain-done-in-one-trip", test_chain);
  add ("keeps-an-object-as-long-as-it-lives", test_reference);
  add ("has-an-error-with-the-place-where-it-was-raised", test_fail);
  add ("has-an-error-whose-trace-does-not-grow", test_trace_does_not_grow);
  add ("has-alike-errors-with-their-own-traces", test_alike_errors);
  add ("has-an-error-whose-copies-keep-its-trace", test_copies);
  add ("says-its-name-and-transport", test_says);
  add ("knows-the-newest-value-of-what-it-follows", test_follow);
  add ("follows-again-what-was-stopped-for-a-moment", test_follow_again);
  add ("that-follows-may-be-dropped-on-any-thread", test_dropped_elsewhere);
  add ("finds-another-exporter-where-one-has-left", test_another_exporter);
  add ("is-not-kept-by-a-wait-until-its-exporter-listens", test_waiting_keeps_nothing);
  add ("has-a-default-where-nobody-listens", test_stopped);

  return g_test_run ();
}
