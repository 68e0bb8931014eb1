/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-view.c
 *
 * What can be done with an object that is somewhere: in this process, across a transport, in a worker. */

#include "config.h"

#include <locale.h>
#include <string.h>

#include <ferry-classic.h>

#include "object/object-scene.h"

/* ---- asking ---- */

static void
resolved_cb (GObject *proxy, GAsyncResult *result, gpointer kept)
{
  g_set_object ((GAsyncResult **) kept, result);
}

static gboolean
is_set (gpointer data)
{
  return *(GAsyncResult **) data != NULL;
}

/* Takes the view. */
static void
resolve (FerryView *view, ObjectOutcome *outcome)
{
  g_autoptr (GAsyncResult) result = NULL;
  gboolean resolved;

  ferry_view_resolve_async (view, -1, NULL, resolved_cb, &result);
  ferry_test_run_until (is_set, &result);
  resolved = ferry_view_resolve_finish (view, result, &outcome->value, &outcome->object, &outcome->error);
  g_assert_true (resolved == (outcome->error == NULL));
  ferry_view_unref (view);
}

/* Takes the view. */
static void
assert_gives (FerryView *view, const char *text)
{
  g_auto (ObjectOutcome) outcome = {0};
  g_autofree char *printed = NULL;

  resolve (view, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_null (outcome.object);
  if (outcome.value != NULL)
    printed = g_variant_print (outcome.value, FALSE);
  g_assert_cmpstr (printed, ==, text);
}

/* Takes the view. */
static void
assert_fails (FerryView *view, GQuark domain, int code)
{
  g_auto (ObjectOutcome) outcome = {0};

  resolve (view, &outcome);
  g_assert_error (outcome.error, domain, code);
  g_assert_null (outcome.value);
  g_assert_null (outcome.object);
}

static FerryView *
new_view (ObjectScene *scene, const char *name)
{
  g_autoptr (FerryProxy) proxy = object_scene_new_proxy (scene, name);

  return ferry_view_new (proxy);
}

static void
append_labels (ObjectScene *scene, const char *first, const char *second)
{
  g_autoptr (FerryProxy) shelf = object_scene_new_proxy (scene, "shelf");

  object_scene_assert_call (shelf, "append", g_variant_new ("(s)", first), "1");
  object_scene_assert_call (shelf, "append", g_variant_new ("(s)", second), "2");
}

/* ---- containers ---- */

static void
attributes_of_items (ObjectScene *scene)
{
  FerryView *view;

  append_labels (scene, "apples", "pears");
  view = new_view (scene, "shelf");
  ferry_view_get_item (view, g_variant_new_int32 (1));
  ferry_view_get (view, "label");
  assert_gives (view, "'pears'");
  view = new_view (scene, "shelf");
  ferry_view_get_item (view, g_variant_new_int32 (0));
  ferry_view_set (view, "value", g_variant_new_int32 (12));
  assert_gives (view, "12");
  view = new_view (scene, "shelf");
  ferry_view_get_item (view, g_variant_new_int32 (0));
  ferry_view_delete (view, "value");
  assert_gives (view, "0");
  view = new_view (scene, "shelf");
  ferry_view_get_item (view, g_variant_new_int32 (2));
  ferry_view_get (view, "label");
  assert_fails (view, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
items_set_and_deleted (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = object_scene_new_proxy (scene, "shelf");
  FerryView *view;

  append_labels (scene, "apples", "pears");
  view = ferry_view_new (shelf);
  ferry_view_set_item (view, g_variant_new_int32 (1), g_variant_new_string ("plums"));
  assert_gives (view, NULL);
  object_scene_assert_call (shelf, "labels", NULL, "['apples', 'plums']");
  view = ferry_view_new (shelf);
  ferry_view_delete_item (view, g_variant_new_int32 (0));
  assert_gives (view, NULL);
  object_scene_assert_call (shelf, "labels", NULL, "['plums']");
  view = ferry_view_new (shelf);
  ferry_view_delete_item (view, g_variant_new_int32 (1));
  assert_fails (view, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
items_looked_for_and_counted (ObjectScene *scene)
{
  FerryView *view;

  append_labels (scene, "apples", "pears");
  view = new_view (scene, "shelf");
  ferry_view_contains (view, g_variant_new_string ("pears"));
  assert_gives (view, "true");
  view = new_view (scene, "shelf");
  ferry_view_contains (view, g_variant_new_string ("plums"));
  assert_gives (view, "false");
  view = new_view (scene, "shelf");
  ferry_view_length (view);
  assert_gives (view, "2");
  view = new_view (scene, "counter");
  ferry_view_length (view);
  assert_fails (view, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
}

static void
passed_to_a_function (ObjectScene *scene)
{
  FerryView *view;

  append_labels (scene, "apples", "pears");
  view = new_view (scene, "shelf");
  ferry_view_get_item (view, g_variant_new_int32 (1));
  ferry_view_set (view, "value", g_variant_new_int32 (30));
  assert_gives (view, "30");
  view = new_view (scene, "shelf");
  ferry_view_pass_to (view, "total", g_variant_new ("(i)", 4));
  assert_gives (view, "34");
  view = new_view (scene, "shelf");
  ferry_view_pass_to (view, "nothing", NULL);
  assert_fails (view, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
}

/* ---- super ---- */

static void
super (ObjectScene *scene)
{
  FerryView *view = new_view (scene, "twice");

  ferry_view_call (view, "add", g_variant_new ("(i)", 10));
  assert_gives (view, "20");
  view = new_view (scene, "twice");
  ferry_view_super (view, NULL);
  ferry_view_call (view, "add", g_variant_new ("(i)", 10));
  assert_gives (view, "30");
  view = new_view (scene, "twice");
  ferry_view_super (view, "TestCounter");
  ferry_view_call (view, "add", g_variant_new ("(i)", 5));
  assert_gives (view, "35");
  view = new_view (scene, "twice");
  ferry_view_super (view, "TestDoubleCounter");
  ferry_view_call (view, "add", g_variant_new ("(i)", 5));
  assert_gives (view, "45");
  view = new_view (scene, "twice");
  ferry_view_super (view, "TestShelf");
  ferry_view_call (view, "add", g_variant_new ("(i)", 5));
  assert_fails (view, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
}

/* ---- results that are objects ---- */

static void
itself (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = object_scene_new_proxy (scene, "shelf");
  FerryView *view = ferry_view_new (shelf);
  g_auto (ObjectOutcome) outcome = {0};

  for (guint i = 0; i < 5; i++)
    ferry_view_call (view, "get_self", NULL);
  resolve (view, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_true (outcome.object == shelf);
}

static void
object_as_result (ObjectScene *scene)
{
  FerryView *view;
  g_auto (ObjectOutcome) outcome = {0};

  append_labels (scene, "apples", "pears");
  view = new_view (scene, "shelf");
  ferry_view_get_item (view, g_variant_new_int32 (0));
  resolve (view, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_nonnull (outcome.object);
  view = new_view (scene, "shelf");
  ferry_view_delete_item (view, g_variant_new_int32 (0));
  assert_gives (view, NULL);
  /* It stays for as long as there is a proxy of it. */
  view = ferry_view_new (outcome.object);
  ferry_view_get (view, "label");
  assert_gives (view, "'apples'");
}

/* ---- values ---- */

static FerryView *
new_labels_view (ObjectScene *scene)
{
  FerryView *view = new_view (scene, "shelf");

  ferry_view_call (view, "labels", NULL);
  return view;
}

static void
inside_of_values (ObjectScene *scene)
{
  FerryView *view;

  append_labels (scene, "apples", "pears");
  view = new_labels_view (scene);
  ferry_view_get_item (view, g_variant_new_int32 (-1));
  assert_gives (view, "'pears'");
  view = new_labels_view (scene);
  ferry_view_length (view);
  assert_gives (view, "2");
  view = new_labels_view (scene);
  ferry_view_contains (view, g_variant_new_string ("apples"));
  assert_gives (view, "true");
  view = new_labels_view (scene);
  ferry_view_call (view, "append", g_variant_new ("(s)", "plums"));
  assert_fails (view, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
}

static void
value_as_proxy (ObjectScene *scene)
{
  FerryView *view;
  g_auto (ObjectOutcome) outcome = {0};

  append_labels (scene, "apples", "pears");
  view = new_labels_view (scene);
  ferry_view_set_as_proxy (view, TRUE);
  resolve (view, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_null (outcome.value);
  g_assert_nonnull (outcome.object);
  view = ferry_view_new (outcome.object);
  ferry_view_get_item (view, g_variant_new_int32 (0));
  assert_gives (view, "'apples'");
  view = ferry_view_new (outcome.object);
  assert_gives (view, "['apples', 'pears']");
  /* It is what was given, and not what there is now. */
  view = new_view (scene, "shelf");
  ferry_view_delete_item (view, g_variant_new_int32 (0));
  assert_gives (view, NULL);
  view = ferry_view_new (outcome.object);
  ferry_view_length (view);
  assert_gives (view, "2");
}

/* ---- views ---- */

static void
frozen (ObjectScene *scene)
{
  g_autoptr (FerryView) whole = new_view (scene, "shelf");
  g_autoptr (FerryView) copy = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *extended = NULL;

  append_labels (scene, "apples", "pears");
  ferry_view_get_item (whole, g_variant_new_int32 (0));
  ferry_view_freeze (whole);
  before = ferry_view_to_string (whole);
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "ferry_view_get(): the view is frozen*");
  ferry_view_get (whole, "label");
  g_test_assert_expected_messages ();
  copy = ferry_view_copy (whole);
  ferry_view_get (copy, "label");
  after = ferry_view_to_string (whole);
  extended = ferry_view_to_string (copy);
  g_assert_cmpstr (before, ==, "shelf[0]");
  g_assert_cmpstr (after, ==, "shelf[0]");
  g_assert_cmpstr (extended, ==, "shelf[0].label");
  assert_gives (ferry_view_ref (copy), "'apples'");
  /* It may be used as often as one likes. */
  assert_gives (ferry_view_ref (copy), "'apples'");
}

static void
assert_text (FerryView *view, const char *wanted)
{
  g_autoptr (FerryView) owned = view;
  g_autofree char *text = ferry_view_to_string (view);

  g_assert_cmpstr (text, ==, wanted);
}

static void
as_text (ObjectScene *scene)
{
  FerryView *view = new_view (scene, "counter");

  ferry_view_set_item (view, g_variant_new_int32 (0), g_variant_new_int32 (6));
  assert_text (view, "counter[0] = 6");
  view = new_view (scene, "counter");
  ferry_view_get (view, "list");
  ferry_view_set_item (view, g_variant_new_string ("a key"), g_variant_new ("(is)", 3, "x"));
  assert_text (view, "counter.list['a key'] = (3, 'x')");
  view = new_view (scene, "counter");
  ferry_view_get_item (view, g_variant_new_int32 (3));
  ferry_view_call (view, "append", g_variant_new ("(s)", "x"));
  assert_text (view, "counter[3].append('x')");
  view = new_view (scene, "counter");
  ferry_view_set (view, "value", g_variant_new_int32 (7));
  assert_text (view, "counter.value = 7");
  view = new_view (scene, "counter");
  ferry_view_call (view, "get_self", NULL);
  ferry_view_get (view, "next");
  ferry_view_super (view, NULL);
  ferry_view_pass_to (view, "look", g_variant_new ("(si)", "x", 3));
  assert_text (view, "counter.get_self().next.super() -> look('x', 3)");
  view = new_view (scene, "counter");
  ferry_view_delete (view, "value");
  ferry_view_length (view);
  ferry_view_contains (view, g_variant_new_int32 (3));
  ferry_view_delete_item (view, g_variant_new_string ("x"));
  assert_text (view, "counter.value = default.length.contains(3).delete('x')");
}

/* ---- forms ---- */

static gpointer
wait_thread (gpointer view)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  ferry_view_resolve (view, -1, NULL, &value, NULL, &error);
  g_assert_no_error (error);
  return value;
}

static void
waited_for (ObjectScene *scene)
{
  g_autoptr (FerryView) view = new_view (scene, "counter");
  g_autoptr (GVariant) value = NULL;

  ferry_view_get (view, "value");
  value = g_thread_join (g_thread_new ("wait", wait_thread, view));
  g_assert_cmpint (g_variant_get_int32 (value), ==, 0);
}

/* ---- defaults ---- */

static void
default_where_nobody_listens (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  FerryView *view = ferry_view_new (counter);

  ferry_view_get (view, "value");
  ferry_view_set_default (view, g_variant_new_int32 (-1));
  assert_gives (ferry_view_ref (view), "0");
  ferry_view_unref (view);
  view = ferry_view_new (counter);
  ferry_view_pass_to (view, "doze", g_variant_new ("(b)", TRUE));
  assert_gives (view, NULL);
  view = ferry_view_new (counter);
  ferry_view_get (view, "value");
  assert_fails (view, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  view = ferry_view_new (counter);
  ferry_view_get (view, "value");
  ferry_view_set_default (view, g_variant_new_int32 (-1));
  assert_gives (view, "-1");
}

/* A default stands for an answer that is not given, and for no other error. */
static void
default_hides_no_error (ObjectScene *scene)
{
  FerryView *view = new_view (scene, "counter");

  ferry_view_call (view, "fail", g_variant_new ("(s)", "no such luck"));
  ferry_view_set_default (view, g_variant_new_int32 (-1));
  assert_fails (view, G_IO_ERROR, G_IO_ERROR_BUSY);
  view = new_view (scene, "counter");
  ferry_view_get (view, "nothing");
  ferry_view_set_default (view, g_variant_new_int32 (-1));
  assert_fails (view, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
}

/* ---- turns ---- */

static void
calls_itself (ObjectScene *scene)
{
  FerryView *view = new_view (scene, "counter");

  ferry_view_call (view, "get_self", NULL);
  ferry_view_pass_to (view, "again", g_variant_new ("(i)", 3));
  assert_gives (view, "3");
}

/* Another object, while one's own is held: neither waits for the other. */
static void
calls_another (ObjectScene *scene)
{
  FerryView *view = new_view (scene, "twice");

  ferry_view_pass_to (view, "again", g_variant_new ("(i)", 4));
  assert_gives (view, "4");
}

static const ObjectSceneFact facts[] = {
  {"attributes-of-a-container's-items-are-reached", attributes_of_items},
  {"items-are-set-and-deleted", items_set_and_deleted},
  {"items-are-looked-for-and-counted", items_looked_for_and_counted},
  {"an-object-is-passed-to-a-function", passed_to_a_function},
  {"super-is-the-parent's-or-a-named-type's-implementation", super},
  {"a-chain-of-methods-that-give-their-object-gives-the-proxy", itself},
  {"an-object-that-is-given-away-lives-as-long-as-its-proxy", object_as_result},
  {"items-and-length-of-a-value-are-read-where-it-is", inside_of_values},
  {"a-value-stays-where-it-is-as-a-proxy", value_as_proxy},
  {"a-frozen-view-is-copied-and-the-copy-extended", frozen},
  {"a-view-reads-as-the-operations-that-it-has", as_text},
  {"a-thread-waits-for-what-a-view-gives", waited_for},
  {"a-default-is-the-answer-where-nobody-listens", default_where_nobody_listens},
  {"a-default-hides-no-error", default_hides_no_error},
  {"a-method-may-call-its-own-object", calls_itself},
  {"a-method-may-call-another-object", calls_another},
};

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  object_scene_add_facts ("views", facts, G_N_ELEMENTS (facts));

  return g_test_run ();
}
