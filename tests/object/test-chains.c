/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy-call.c, object/ferry-evaluation.c, object/ferry-proxy-call.c, wire/ferry-object-message.c
 *
 * Chains of operations on an object that is somewhere: in this process, across a transport, in a worker. */

#include "config.h"

#include <locale.h>

#include "object-scene.h"

/* Returns (transfer full): a shelf with two labels. */
static FerryProxy *
new_shelf (ObjectScene *scene)
{
  FerryProxy *shelf = object_scene_new_proxy (scene, "shelf");

  object_scene_assert_call (shelf, "append", g_variant_new ("(s)", "apples"), "1");
  object_scene_assert_call (shelf, "append", g_variant_new ("(s)", "pears"), "2");
  return shelf;
}

/* ---- containers ---- */

static void
attributes_of_items (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = new_shelf (scene);

  object_scene_assert_gives (shelf, "(('get-item', 1), ('get', 'label'))", NULL, "'pears'");
  object_scene_assert_gives (shelf, "(('get-item', 0), ('set', 'value', 12))", NULL, "12");
  object_scene_assert_gives (shelf, "(('get-item', 0), ('delete', 'value'))", NULL, "0");
  object_scene_assert_fails (shelf, "(('get-item', 2), ('get', 'label'))", NULL, FERRY_ERROR,
                             FERRY_ERROR_BAD_ARGUMENTS);
}

static void
items_set_and_deleted (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = new_shelf (scene);

  object_scene_assert_gives (shelf, "(('set-item', 1, 'plums'),)", NULL, NULL);
  object_scene_assert_call (shelf, "labels", NULL, "['apples', 'plums']");
  object_scene_assert_gives (shelf, "(('delete-item', 0),)", NULL, NULL);
  object_scene_assert_call (shelf, "labels", NULL, "['plums']");
  object_scene_assert_fails (shelf, "(('delete-item', 1),)", NULL, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
items_looked_for_and_counted (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = new_shelf (scene);
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  object_scene_assert_gives (shelf, "(('contains', 'pears'),)", NULL, "true");
  object_scene_assert_gives (shelf, "(('contains', 'plums'),)", NULL, "false");
  object_scene_assert_gives (shelf, "(('length',),)", NULL, "2");
  object_scene_assert_fails (counter, "(('length',),)", NULL, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
}

static void
passed_to_a_function (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = new_shelf (scene);

  object_scene_assert_gives (shelf, "(('get-item', 1), ('set', 'value', 30))", NULL, "30");
  object_scene_assert_gives (shelf, "(('pass-to', 'total', (4,)),)", NULL, "34");
  object_scene_assert_fails (shelf, "(('pass-to', 'nothing'),)", NULL, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
}

/* ---- super ---- */

static void
super (ObjectScene *scene)
{
  g_autoptr (FerryProxy) twice = object_scene_new_proxy (scene, "twice");

  object_scene_assert_gives (twice, "(('call', 'add', (10,)),)", NULL, "20");
  object_scene_assert_gives (twice, "(('super',), ('call', 'add', (10,)))", NULL, "30");
  object_scene_assert_gives (twice, "(('super', 'TestCounter'), ('call', 'add', (5,)))", NULL, "35");
  object_scene_assert_gives (twice, "(('super', 'TestDoubleCounter'), ('call', 'add', (5,)))", NULL, "45");
  object_scene_assert_fails (twice, "(('super', 'TestShelf'), ('call', 'add', (5,)))", NULL, FERRY_ERROR,
                             FERRY_ERROR_UNKNOWN_MEMBER);
}

/* ---- results that are objects ---- */

static void
itself (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = object_scene_new_proxy (scene, "shelf");
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_resolve (shelf, "[('call', 'get_self'), ('call', 'get_self'), ('call', 'get_self')]", NULL, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_true (outcome.object == shelf);
}

static void
object_as_result (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = new_shelf (scene);
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_resolve (shelf, "(('get-item', 0),)", NULL, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_nonnull (outcome.object);
  object_scene_assert_gives (shelf, "(('delete-item', 0),)", NULL, NULL);
  /* It stays for as long as there is a proxy of it. */
  object_scene_assert_gives (outcome.object, "(('get', 'label'),)", NULL, "'apples'");
}

/* ---- values ---- */

static void
inside_of_values (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = new_shelf (scene);

  object_scene_assert_gives (shelf, "(('call', 'labels'), ('get-item', -1))", NULL, "'pears'");
  object_scene_assert_gives (shelf, "(('call', 'labels'), ('length',))", NULL, "2");
  object_scene_assert_gives (shelf, "(('call', 'labels'), ('contains', 'apples'))", NULL, "true");
  object_scene_assert_fails (shelf, "(('call', 'labels'), ('call', 'append', ('plums',)))", NULL, FERRY_ERROR,
                             FERRY_ERROR_UNKNOWN_MEMBER);
}

static void
value_as_proxy (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = new_shelf (scene);
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_resolve (shelf, "(('call', 'labels'),)", "{'as-proxy': <true>}", &outcome);
  g_assert_no_error (outcome.error);
  g_assert_null (outcome.value);
  g_assert_nonnull (outcome.object);
  object_scene_assert_gives (outcome.object, "(('get-item', 0),)", NULL, "'apples'");
  object_scene_assert_gives (outcome.object, "()", NULL, "['apples', 'pears']");
  object_scene_assert_gives (outcome.object, NULL, NULL, "['apples', 'pears']");
  /* It is what was given, and not what there is now. */
  object_scene_assert_gives (shelf, "(('delete-item', 0),)", NULL, NULL);
  object_scene_assert_gives (outcome.object, "(('length',),)", NULL, "2");
}

/* ---- defaults ---- */

static void
default_where_nobody_listens (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  object_scene_assert_gives (counter, "(('get', 'value'),)", "{'default': <-1>}", "0");
  object_scene_assert_gives (counter, "(('pass-to', 'doze', (true,)),)", NULL, NULL);
  object_scene_assert_fails (counter, "(('get', 'value'),)", NULL, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  object_scene_assert_gives (counter, "(('get', 'value'),)", "{'default': <-1>}", "-1");
}

/* A default stands for an answer that is not given, and for no other error. */
static void
default_hides_no_error (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  object_scene_assert_fails (counter, "(('call', 'fail', ('no such luck',)),)", "{'default': <-1>}", G_IO_ERROR,
                             G_IO_ERROR_BUSY);
  object_scene_assert_fails (counter, "(('get', 'nothing'),)", "{'default': <-1>}", FERRY_ERROR,
                             FERRY_ERROR_UNKNOWN_MEMBER);
}

/* ---- turns ---- */

static void
calls_itself (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  object_scene_assert_gives (counter, "(('call', 'get_self'), ('pass-to', 'again', (3,)))", NULL, "3");
}

/* Another object, while one's own is held: neither waits for the other. */
static void
calls_another (ObjectScene *scene)
{
  g_autoptr (FerryProxy) twice = object_scene_new_proxy (scene, "twice");

  object_scene_assert_gives (twice, "(('pass-to', 'again', (4,)),)", NULL, "4");
}

/* ---- what is no chain ---- */

static void
refused (FerryProxy *proxy, const char *steps, const char *options, const char *words)
{
  g_auto (ObjectOutcome) outcome = {0};

  object_scene_resolve (proxy, steps, options, &outcome);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  ferry_test_assert_says (outcome.error->message, words);
}

static void
wrong_steps (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  refused (counter, "'get'", NULL, "a tuple or an array");
  refused (counter, "('get', 'value')", NULL, "Step 1 is no operation");
  refused (counter, "((),)", NULL, "Step 1 is no operation");
  refused (counter, "(('get', 'value'), (7, 'value'))", NULL, "Step 2 is no operation");
  refused (counter, "(('rows', (uint64 0, uint32 1)),)", NULL, "Step 1 is no operation");
  refused (counter, "(('get', 7),)", NULL, "put a string there");
  refused (counter, "(('get',),)", NULL, "must have 1 to");
  refused (counter, "(('get', 'value', 7),)", NULL, "takes none");
  refused (counter, "(('set', 'value'),)", NULL, "has no value");
  refused (counter, "(('set', 'value', 7, 8),)", NULL, "has 2 values");
  refused (counter, "(('set-item', 7),)", NULL, "has 1 values");
  refused (counter, "(('length', 7),)", NULL, "takes none");
  refused (counter, "(('call', 'add', 7),)", NULL, "not a tuple");
  refused (counter, "(('length',), ('get', 'value'))", NULL, "make it the last");
  refused (counter, "(('super',), ('get', 'value'))", NULL, "methods only");
  refused (counter, "(('super',),)", NULL, "No call follows");
}

static void
too_many_steps (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_autoptr (GString) steps = g_string_new ("[('call', 'get_self')");

  for (guint i = 1; i < 63; i++)
    g_string_append (steps, ", ('call', 'get_self')");
  g_string_append (steps, ", ('get', 'value')]");
  object_scene_assert_gives (counter, steps->str, NULL, "0");
  g_string_truncate (steps, steps->len - 1);
  g_string_append (steps, ", ('get', 'value')]");
  object_scene_assert_fails (counter, steps->str, NULL, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
}

static void
wrong_options (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  refused (counter, "(('get', 'value'),)", "('default', 7)", "as an 'a{sv}'");
  refused (counter, "(('get', 'value'),)", "{'timeout': <7>}", "no option 'timeout'");
  refused (counter, "(('get', 'value'),)", "{'as-proxy': <7>}", "of type 'i'");
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
  {"a-default-is-the-answer-where-nobody-listens", default_where_nobody_listens},
  {"a-default-hides-no-error", default_hides_no_error},
  {"a-method-may-call-its-own-object", calls_itself},
  {"a-method-may-call-another-object", calls_another},
  {"what-is-no-chain-is-refused", wrong_steps},
  {"a-chain-has-64-steps-at-most", too_many_steps},
  {"what-is-no-option-is-refused", wrong_options},
};

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  object_scene_add_facts ("object-chains", facts, G_N_ELEMENTS (facts));

  return g_test_run ();
}
