/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy-call.c
 *
 * The forms in which a proxy is asked: with and without waiting, for values and for proxies of them, and by more than
 * one proxy of a name. What holds over a transport holds in the object's own process. */

#include "config.h"

#include <locale.h>
#include <string.h>

#include "object-test.h"
#include "pair-scene.h"

/* What the callback was given. */
typedef struct
{
  FerryProxy *proxy;
  GAsyncResult *result;
} Answer;

static void
answer_clear (Answer *self)
{
  g_clear_object (&self->proxy);
  g_clear_object (&self->result);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

/* ---- a scene ---- */

static void
set_up (PairScene *self, gconstpointer local)
{
  self->local = GPOINTER_TO_INT (local);
  pair_scene_open (self, PAIR_SCENE_CONTEXT, "counter", test_counter_create_interface (), test_counter_new ("first"));
  pair_scene_wait_listening (self);
}

static void
tear_down (PairScene *self, gconstpointer data)
{
  pair_scene_close (self);
  ferry_test_look_until (test_counters_are_gone, NULL);
}

/* ---- asking ---- */

static void
answered_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  Answer *self = data;

  self->proxy = g_object_ref (FERRY_PROXY (proxy));
  self->result = g_object_ref (result);
}

static gboolean
is_answered (gpointer data)
{
  return ((Answer *) data)->result != NULL;
}

static GVariant *
get (FerryProxy *proxy, const char *property, GError **error)
{
  g_auto (Answer) answer = {0};

  ferry_proxy_get_async (proxy, property, -1, NULL, answered_cb, &answer);
  ferry_test_run_until (is_answered, &answer);
  g_assert_true (answer.proxy == proxy);
  return ferry_proxy_get_finish (proxy, answer.result, error);
}

static gboolean
set (FerryProxy *proxy, const char *property, GVariant *value, GError **error)
{
  g_auto (Answer) answer = {0};

  ferry_proxy_set_async (proxy, property, value, -1, NULL, answered_cb, &answer);
  ferry_test_run_until (is_answered, &answer);
  g_assert_true (answer.proxy == proxy);
  return ferry_proxy_set_finish (proxy, answer.result, error);
}

static void
resolve (FerryProxy *proxy, const char *steps, const char *options, GVariant **value, FerryProxy **object)
{
  g_autoptr (GVariant) parsed = g_variant_parse (NULL, steps, NULL, NULL, NULL);
  GVariant *with = options != NULL ? g_variant_new_parsed (options) : NULL;
  g_auto (Answer) answer = {0};
  g_autoptr (GError) error = NULL;

  ferry_proxy_resolve_async (proxy, parsed, with, -1, NULL, answered_cb, &answer);
  ferry_test_run_until (is_answered, &answer);
  ferry_proxy_resolve_finish (proxy, answer.result, value, object, &error);
  g_assert_no_error (error);
}

static void
call (FerryProxy *proxy, const char *method, GVariant *arguments, GVariant **value, FerryProxy **object)
{
  g_auto (Answer) answer = {0};
  g_autoptr (GError) error = NULL;

  ferry_proxy_call_async (proxy, method, arguments, -1, NULL, answered_cb, &answer);
  ferry_test_run_until (is_answered, &answer);
  ferry_proxy_call_finish (proxy, answer.result, value, object, &error);
  g_assert_no_error (error);
}

/* Takes value. */
static void
assert_number (GVariant *value, int number)
{
  g_assert_nonnull (value);
  g_assert_cmpstr (g_variant_get_type_string (value), ==, "i");
  g_assert_cmpint (g_variant_get_int32 (value), ==, number);
  g_variant_unref (value);
}

static void
assert_gives_number (FerryProxy *proxy, const char *steps, const char *options, int number)
{
  FerryProxy *object = NULL;
  GVariant *value = NULL;

  resolve (proxy, steps, options, &value, &object);
  g_assert_null (object);
  assert_number (value, number);
}

/* Returns (transfer full). */
static FerryProxy *
assert_gives_proxy (FerryProxy *proxy, const char *steps)
{
  FerryProxy *object = NULL;
  GVariant *value = NULL;

  resolve (proxy, steps, NULL, &value, &object);
  g_assert_null (value);
  g_assert_nonnull (object);
  return object;
}

/* ---- without waiting ---- */

static void
test_async (PairScene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (set (self->proxy, "value", g_variant_new_int32 (77), &error));
  g_assert_no_error (error);
  g_assert_cmpint (test_counter_get_value (self->object), ==, 77);
  assert_number (get (self->proxy, "value", &error), 77);
  g_assert_no_error (error);
}

static void
test_async_unknown (PairScene *self, gconstpointer data)
{
  g_autoptr (GError) from_get = NULL;
  g_autoptr (GError) from_set = NULL;
  g_autoptr (GError) from_value = NULL;

  g_assert_null (get (self->proxy, "nothing", &from_get));
  g_assert_error (from_get, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
  g_assert_false (set (self->proxy, "nothing", g_variant_new_int32 (1), &from_set));
  g_assert_error (from_set, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
  g_assert_false (set (self->proxy, "value", g_variant_new_string ("one"), &from_value));
  g_assert_error (from_value, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
test_async_object (PairScene *self, gconstpointer data)
{
  g_autoptr (TestCounter) next = test_counter_new ("next");
  g_autoptr (GError) error = NULL;

  test_counter_set_next (self->object, next);
  g_assert_null (get (self->proxy, "next", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
  /* The proxy that was not fetched has let go of it. */
  pair_scene_wait_dropped (self);
}

/* ---- waiting where that is not allowed ---- */

/* Takes error. */
static void
assert_refused (GError *error, const char *async_form)
{
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_assert_nonnull (strstr (error->message, async_form));
  g_error_free (error);
}

static void
test_refusals (PairScene *self, gconstpointer data)
{
  GError *errors[5] = {0};

  g_assert_true (g_main_context_acquire (NULL));
  g_assert_false (ferry_proxy_call (self->proxy, "stop", NULL, -1, NULL, NULL, NULL, &errors[0]));
  g_assert_null (ferry_proxy_get (self->proxy, "value", -1, NULL, &errors[1]));
  g_assert_false (ferry_proxy_set (self->proxy, "value", g_variant_new_int32 (9), -1, NULL, &errors[2]));
  g_assert_false (ferry_proxy_resolve (self->proxy, g_variant_new ("((ss))", "get", "value"), NULL, -1, NULL, NULL,
                                       NULL, &errors[3]));
  g_assert_false (ferry_proxy_wait_until_listening (self->proxy, -1, NULL, &errors[4]));
  g_main_context_release (NULL);
  assert_refused (errors[0], " ferry_proxy_call_async()");
  assert_refused (errors[1], " ferry_proxy_get_async()");
  assert_refused (errors[2], " ferry_proxy_set_async()");
  assert_refused (errors[3], " ferry_proxy_resolve_async()");
  assert_refused (errors[4], " ferry_proxy_wait_until_listening_async()");
  /* What is refused is not asked for either. */
  assert_number (get (self->proxy, "value", NULL), 0);
}

/* Only an answer that comes later is waited for: what is asked for is there at once otherwise. */
static void
test_local_refusals (PairScene *self, gconstpointer data)
{
  GVariant *value;
  GError *errors[5] = {0};

  g_assert_true (g_main_context_acquire (NULL));
  g_assert_true (ferry_proxy_set (self->proxy, "value", g_variant_new_int32 (9), -1, NULL, NULL));
  value = ferry_proxy_get (self->proxy, "value", -1, NULL, NULL);
  g_assert_false (ferry_proxy_call (self->proxy, "hold", NULL, -1, NULL, NULL, NULL, &errors[0]));
  g_assert_null (ferry_proxy_get (self->proxy, "value", -1, NULL, &errors[1]));
  g_assert_false (ferry_proxy_set (self->proxy, "value", g_variant_new_int32 (8), -1, NULL, &errors[2]));
  g_assert_false (ferry_proxy_resolve (self->proxy, g_variant_new ("((ss))", "call", "hold"), NULL, -1, NULL, NULL,
                                       NULL, &errors[3]));
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  g_assert_false (ferry_proxy_wait_until_listening (self->proxy, -1, NULL, &errors[4]));
  g_main_context_release (NULL);
  assert_number (value, 9);
  assert_refused (errors[0], " ferry_proxy_call_async()");
  assert_refused (errors[1], " ferry_proxy_get_async()");
  assert_refused (errors[2], " ferry_proxy_set_async()");
  assert_refused (errors[3], " ferry_proxy_resolve_async()");
  assert_refused (errors[4], " ferry_proxy_wait_until_listening_async()");
  test_counter_let_go (self->object);
}

static void
test_local_listens (PairScene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (g_main_context_acquire (NULL));
  g_assert_true (ferry_proxy_wait_until_listening (self->proxy, -1, NULL, &error));
  g_main_context_release (NULL);
  g_assert_no_error (error);
}

/* ---- proxies of values ---- */

static void
count_call (gpointer n_calls)
{
  ++*(guint *) n_calls;
}

static void
test_as_proxy (PairScene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) sum = NULL;
  g_autoptr (FerryProxy) again = NULL;
  GVariant *value = NULL;
  guint n_notified = 0;

  g_assert_false (ferry_test_get_number (self->proxy, "as-proxy"));
  g_signal_connect_swapped (self->proxy, "notify::as-proxy", G_CALLBACK (count_call), &n_notified);
  g_object_set (self->proxy, "as-proxy", TRUE, NULL);
  g_object_set (self->proxy, "as-proxy", TRUE, NULL);
  g_signal_handlers_disconnect_by_data (self->proxy, &n_notified);
  g_assert_cmpuint (n_notified, ==, 1);
  g_assert_true (ferry_test_get_number (self->proxy, "as-proxy"));
  call (self->proxy, "add", g_variant_new ("(i)", 3), &value, &sum);
  g_assert_null (value);
  g_assert_nonnull (sum);
  g_assert_true (ferry_test_get_number (sum, "as-proxy"));
  again = assert_gives_proxy (sum, "()");
  g_assert_true (ferry_test_get_number (again, "as-proxy"));
  assert_gives_number (again, "()", "{'as-proxy': <false>}", 3);
}

static void
test_as_proxy_objects (PairScene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) made = NULL;
  g_autoptr (FerryProxy) sum = NULL;

  g_object_set (self->proxy, "as-proxy", TRUE, NULL);
  call (self->proxy, "make", g_variant_new ("(s)", "made"), NULL, &made);
  g_assert_nonnull (made);
  g_assert_true (ferry_test_get_number (made, "as-proxy"));
  call (made, "add", g_variant_new ("(i)", 5), NULL, &sum);
  g_assert_nonnull (sum);
}

static void
test_as_proxy_values (PairScene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) kept = NULL;
  GVariant *value = NULL;

  g_object_set (self->proxy, "as-proxy", TRUE, NULL);
  assert_gives_number (self->proxy, "(('call', 'add', (4,)),)", "{'as-proxy': <false>}", 4);
  kept = assert_gives_proxy (self->proxy, "(('get', 'value'),)");
  assert_number (get (self->proxy, "value", NULL), 4);
  g_object_set (self->proxy, "as-proxy", FALSE, NULL);
  call (self->proxy, "add", g_variant_new ("(i)", 1), &value, NULL);
  assert_number (value, 5);
}

static void
test_set_as_proxy (PairScene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  assert_gives_number (self->proxy, "(('set', 'value', 77),)", "{'as-proxy': <true>}", 77);
  assert_gives_number (self->proxy, "(('delete', 'value'),)", "{'as-proxy': <true>}", 0);
  g_object_set (self->proxy, "as-proxy", TRUE, NULL);
  g_assert_true (set (self->proxy, "value", g_variant_new_int32 (78), &error));
  g_assert_no_error (error);
  g_assert_cmpint (test_counter_get_value (self->object), ==, 78);
  g_assert_cmpint (ferry_test_get_number (self->exporter, "n-references"), ==, 0);
}

/* ---- two proxies of a name ---- */

static void
test_namesakes (PairScene *self, gconstpointer data)
{
  g_autoptr (FerryProxy) other = pair_scene_new_proxy (self, "counter");
  FerryProxy *const askers[] = {self->proxy, other, other, self->proxy, other, self->proxy};

  g_assert_true (other != self->proxy);
  for (guint i = 0; i < G_N_ELEMENTS (askers); i++)
    {
      g_autoptr (FerryProxy) given = NULL;

      call (askers[i], "get_self", NULL, NULL, &given);
      g_assert_true (given == askers[i]);
    }
  pair_scene_wait_dropped (self);
}

/* ---- the tests ---- */

static void
add_local (const char *name, void (*test) (PairScene *, gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/proxy-forms/local/%s", name);

  g_test_add (path, PairScene, GINT_TO_POINTER (TRUE), set_up, test, tear_down);
}

static void
add_remote (const char *name, void (*test) (PairScene *, gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/proxy-forms/transport/%s", name);

  g_test_add (path, PairScene, GINT_TO_POINTER (FALSE), set_up, test, tear_down);
}

static void
add (const char *name, void (*test) (PairScene *, gconstpointer))
{
  add_remote (name, test);
  add_local (name, test);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add ("sets-and-gets-without-waiting", test_async);
  add ("says-without-waiting-what-cannot-be-got-or-set", test_async_unknown);
  add ("gets-no-property-that-is-an-object", test_async_object);
  add_remote ("names-the-async-form-of-what-it-refuses", test_refusals);
  add_local ("names-the-async-form-of-what-it-refuses", test_local_refusals);
  add_local ("sees-at-once-on-the-main-thread-that-it-listens", test_local_listens);
  add ("has-values-stay-where-they-are", test_as_proxy);
  add ("has-values-stay-also-of-objects-that-it-gives", test_as_proxy_objects);
  add ("gives-the-value-to-who-asks-for-it", test_as_proxy_values);
  add ("gives-no-proxy-of-what-was-set", test_set_as_proxy);
  add ("is-what-its-object-gives-though-it-has-a-namesake", test_namesakes);

  return g_test_run ();
}
