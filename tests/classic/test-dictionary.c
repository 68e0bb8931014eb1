/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-dictionary.c
 *
 * Dictionaries, as their own process uses them and as others do. */

#include "config.h"

#include <ferry-classic.h>
#include <string.h>

#include "ferry-test.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-proxy-private.h"

#define NAME "com.example.Dictionary"

static void
test_what_is_set_is_got (void)
{
  g_autoptr (FerryDictionary) dictionary = ferry_dictionary_new ();
  g_autoptr (GVariant) value = NULL;

  g_assert_null (ferry_dictionary_get (dictionary, "a"));
  ferry_dictionary_set (dictionary, "a", g_variant_new_int32 (1));
  ferry_dictionary_set (dictionary, "a", g_variant_new_string ("two"));
  value = ferry_dictionary_get (dictionary, "a");
  g_assert_cmpstr (g_variant_get_string (value, NULL), ==, "two");
  g_assert_true (ferry_dictionary_contains (dictionary, "a"));
  g_assert_false (ferry_dictionary_contains (dictionary, "b"));
  g_assert_cmpuint (ferry_dictionary_get_length (dictionary), ==, 1);
}

static void
test_what_is_removed_is_gone (void)
{
  g_autoptr (FerryDictionary) dictionary = ferry_dictionary_new ();

  ferry_dictionary_set (dictionary, "", g_variant_new_int32 (1));
  g_assert_true (ferry_dictionary_remove (dictionary, ""));
  g_assert_false (ferry_dictionary_remove (dictionary, ""));
  g_assert_null (ferry_dictionary_get (dictionary, ""));
  g_assert_cmpuint (ferry_dictionary_get_length (dictionary), ==, 0);
}

static void
test_keys_are_sorted (void)
{
  g_autoptr (FerryDictionary) dictionary = ferry_dictionary_new ();
  g_auto (GStrv) none = ferry_dictionary_get_keys (dictionary);
  g_auto (GStrv) keys = NULL;
  const char *const wanted[] = {"", "B", "a", "b", "é", NULL};

  g_assert_cmpuint (g_strv_length (none), ==, 0);
  for (guint i = 5; i > 0; i--)
    ferry_dictionary_set (dictionary, wanted[i - 1], g_variant_new_uint32 (i));
  keys = ferry_dictionary_get_keys (dictionary);
  g_assert_true (g_strv_equal ((const char *const *) keys, wanted));
}

/* Writes down what was heard, and calls the dictionary meanwhile. */
static void
changed_cb (FerryDictionary *dictionary, const char *key, GVariant *value, gpointer log)
{
  g_autofree char *text = value != NULL ? g_variant_print (value, FALSE) : g_strdup ("nothing");

  g_string_append_printf (log, "%s=%s/%u ", key, text, ferry_dictionary_get_length (dictionary));
  if (strcmp (key, "again") == 0 && value != NULL)
    ferry_dictionary_remove (dictionary, key);
}

static void
test_changes_are_told_without_the_lock (void)
{
  g_autoptr (FerryDictionary) dictionary = ferry_dictionary_new ();
  g_autoptr (GString) log = g_string_new (NULL);

  g_signal_connect (dictionary, "changed", G_CALLBACK (changed_cb), log);
  ferry_dictionary_set (dictionary, "a", g_variant_new_int32 (1));
  ferry_dictionary_set (dictionary, "a", g_variant_new_int32 (1));
  ferry_dictionary_remove (dictionary, "b");
  ferry_dictionary_set (dictionary, "again", g_variant_new_int32 (2));
  ferry_dictionary_remove (dictionary, "a");
  g_assert_cmpstr (log->str, ==, "a=1/1 a=1/1 again=2/2 again=nothing/1 a=nothing/0 ");
}

#define N_THREADS 4
#define N_ROUNDS 2000

typedef struct
{
  FerryDictionary *dictionary;
  guint number;
  GThread *thread;
  guint n_signals; /* of its own keys, on its own thread */
} Changer;

static void
count_own (FerryDictionary *dictionary, const char *key, GVariant *value, gpointer data)
{
  Changer *self = data;

  if (key[0] != (char) ('a' + self->number))
    return;
  g_assert_true (g_thread_self () == self->thread);
  self->n_signals++;
}

static gpointer
change_keys (gpointer data)
{
  Changer *self = data;

  self->thread = g_thread_self ();
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autofree char *key = g_strdup_printf ("%c%u", 'a' + (int) self->number, i % 7);
      g_autoptr (GVariant) value = NULL;
      g_auto (GStrv) keys = ferry_dictionary_get_keys (self->dictionary);

      ferry_dictionary_set (self->dictionary, key, g_variant_new_uint32 (i));
      ferry_dictionary_set (self->dictionary, "shared", g_variant_new_uint32 (i));
      value = ferry_dictionary_get (self->dictionary, key);
      g_assert_cmpuint (g_variant_get_uint32 (value), ==, i);
      g_assert_true (ferry_dictionary_remove (self->dictionary, key));
      ferry_dictionary_remove (self->dictionary, "shared");
    }
  return NULL;
}

static void
test_threads_change_it_at_the_same_time (void)
{
  g_autoptr (FerryDictionary) dictionary = ferry_dictionary_new ();
  Changer changers[N_THREADS] = {{NULL}};
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    {
      changers[i] = (Changer){.dictionary = dictionary, .number = i};
      g_signal_connect (dictionary, "changed", G_CALLBACK (count_own), &changers[i]);
    }
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("changer", change_keys, &changers[i]);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < N_THREADS; i++)
    g_assert_cmpuint (changers[i].n_signals, ==, 2 * N_ROUNDS);
  g_assert_cmpuint (ferry_dictionary_get_length (dictionary), ==, 0);
}

/* ---- for other processes ---- */

typedef struct
{
  FerryDictionary *dictionary;
  FerryInterface *interface;
  const FerryContainerFuncs *funcs;
  gpointer data;
  GVariant *key;
  GError *error;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->dictionary = ferry_dictionary_new ();
  self->interface = ferry_dictionary_create_interface (NAME);
  self->funcs = ferry_interface_get_container (self->interface, &self->data);
  self->key = g_variant_ref_sink (g_variant_new_string ("rate"));
  ferry_interface_seal (self->interface);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_clear_error (&self->error);
  g_variant_unref (self->key);
  g_object_unref (self->interface);
  g_assert_finalize_object (self->dictionary);
}

static void
assert_set (Fixture *self, GVariant *value)
{
  g_autoptr (GVariant) taken = g_variant_ref_sink (value);

  g_assert_true (self->funcs->set_item (self->dictionary, self->key, taken, self->data, &self->error));
  g_assert_no_error (self->error);
}

static void
assert_got (Fixture *self, const char *text)
{
  g_autoptr (GVariant) wanted = g_variant_parse (NULL, text, NULL, NULL, NULL);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) item = NULL;

  g_assert_true (self->funcs->get_item (self->dictionary, self->key, &value, &item, self->data, &self->error));
  g_assert_null (item);
  g_assert_cmpvariant (value, wanted);
}

static void
test_others_get_and_set_items (Fixture *self, gconstpointer data)
{
  gboolean contains = TRUE;
  guint64 length = 7;

  g_assert_true (self->funcs->contains (self->dictionary, self->key, &contains, self->data, NULL));
  g_assert_false (contains);
  assert_set (self, g_variant_new ("(is)", 1, "a"));
  assert_got (self, "(1, 'a')");
  g_assert_true (self->funcs->contains (self->dictionary, self->key, &contains, self->data, NULL));
  g_assert_true (contains);
  g_assert_true (self->funcs->get_length (self->dictionary, &length, self->data, NULL));
  g_assert_cmpuint (length, ==, 1);
  g_assert_true (self->funcs->delete_item (self->dictionary, self->key, self->data, NULL));
  g_assert_false (ferry_dictionary_contains (self->dictionary, "rate"));
}

static void
test_a_variant_is_unwrapped_once (Fixture *self, gconstpointer data)
{
  assert_set (self, g_variant_new_variant (g_variant_new_int32 (3)));
  assert_got (self, "3");
  assert_set (self, g_variant_new_variant (g_variant_new_variant (g_variant_new_int32 (3))));
  assert_got (self, "<3>");
}

static void
assert_bad_arguments (Fixture *self, const char *message)
{
  g_assert_error (self->error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (self->error->message, message));
  g_clear_error (&self->error);
}

static void
test_missing_key_is_named (Fixture *self, gconstpointer data)
{
  GVariant *value = NULL;
  GObject *item = NULL;

  g_assert_false (self->funcs->get_item (self->dictionary, self->key, &value, &item, self->data, &self->error));
  assert_bad_arguments (self, "'rate'");
  g_assert_false (self->funcs->delete_item (self->dictionary, self->key, self->data, &self->error));
  assert_bad_arguments (self, "'rate'");
}

static void
test_key_that_is_no_string_is_refused (Fixture *self, gconstpointer data)
{
  g_autoptr (GVariant) number = g_variant_ref_sink (g_variant_new_int32 (3));
  GVariant *value = NULL;
  GObject *item = NULL;
  gboolean contains;

  g_assert_false (self->funcs->get_item (self->dictionary, number, &value, &item, self->data, &self->error));
  assert_bad_arguments (self, "'i'");
  g_assert_false (self->funcs->set_item (self->dictionary, number, number, self->data, &self->error));
  assert_bad_arguments (self, "'i'");
  g_assert_false (self->funcs->delete_item (self->dictionary, number, self->data, &self->error));
  assert_bad_arguments (self, "'i'");
  g_assert_false (self->funcs->contains (self->dictionary, number, &contains, self->data, &self->error));
  assert_bad_arguments (self, "'i'");
  g_assert_cmpuint (ferry_dictionary_get_length (self->dictionary), ==, 0);
}

static void
test_interface_has_keys_and_changes (Fixture *self, gconstpointer data)
{
  g_autoptr (GVariant) description = g_variant_ref_sink (ferry_interface_describe (self->interface));
  g_autoptr (GVariant) wanted =
    g_variant_parse (G_VARIANT_TYPE (FERRY_DESCRIPTION_TYPE),
                     "('" NAME "', [('keys', '()', '(as)')], [], [('changed', '(sv)')])", NULL, NULL, NULL);

  g_assert_nonnull (wanted);
  g_assert_cmpvariant (description, wanted);
  g_assert_false (ferry_interface_is_list (self->interface));
}

/* ---- by a proxy ---- */

/* Sets two items, and returns the keys. */
static gpointer
use_thread (gpointer proxy)
{
  g_autoptr (GError) error = NULL;
  GVariant *keys = NULL;

  ferry_proxy_wait_until_listening (proxy, -1, NULL, &error);
  g_assert_no_error (error);
  ferry_proxy_resolve (proxy, g_variant_new_parsed ("(('set-item', 'b', 1),)"), NULL, -1, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  ferry_proxy_resolve (proxy, g_variant_new_parsed ("(('set-item', 'a', 2),)"), NULL, -1, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  ferry_proxy_call (proxy, "keys", NULL, -1, NULL, &keys, NULL, &error);
  g_assert_no_error (error);
  return keys;
}

static void
received_cb (FerryProxy *proxy, const char *signal, GVariant *arguments, GString *heard)
{
  g_autofree char *text = g_variant_print (arguments, FALSE);

  g_string_append_printf (heard, "%s%s", signal, text);
}

static gboolean
is_followed (gpointer dictionary)
{
  return g_signal_has_handler_pending (dictionary, g_signal_lookup ("changed", FERRY_TYPE_DICTIONARY), 0, TRUE);
}

static gboolean
has_heard (gpointer data)
{
  const GString *heard = data;

  return g_str_has_suffix (heard->str, "changed('a', <2>)");
}

static void
test_proxy_gives_keys_and_tells_changes (void)
{
  g_autoptr (FerryDictionary) dictionary = ferry_dictionary_new ();
  g_autoptr (FerryInterface) interface = ferry_dictionary_create_interface (NAME);
  g_autoptr (FerryExporter) exporter = ferry_exporter_new ();
  g_autoptr (FerryTransport) here = NULL;
  g_autoptr (FerryTransport) there = NULL;
  g_autoptr (FerryProxy) proxy = NULL;
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (GVariant) keys = NULL;
  g_autofree char *text = NULL;

#ifdef __SANITIZE_THREAD__
  /* The streams of a call are guarded by locks of GLib, which ThreadSanitizer does not see. */
  g_test_skip ("A pair's threads are not looked at under ThreadSanitizer");
  return;
#endif
  ferry_transport_new_pair (&here, &there);
  g_assert_true (
    ferry_exporter_export (exporter, "words", G_OBJECT (dictionary), interface, FERRY_CALL_POLICY_SERIAL, NULL));
  g_assert_true (ferry_exporter_add_transport (exporter, there, NULL));
  proxy = ferry_proxy_new (here, "words");
  g_signal_connect (proxy, "received", G_CALLBACK (received_cb), heard);
  ferry_proxy_follow (proxy, NULL, (const char *const[]){"changed", NULL});
  ferry_exporter_start (exporter);
  /* What changes before is not heard. */
  ferry_test_run_until (is_followed, dictionary);
  keys = g_thread_join (g_thread_new ("use", use_thread, proxy));
  text = g_variant_print (keys, FALSE);
  g_assert_cmpstr (text, ==, "['a', 'b']");
  ferry_test_run_until (has_heard, heard);
}

/* A container that is no list. Another process may ask it for rows all the same. */
static void
test_it_has_no_rows (void)
{
  g_autoptr (FerryDictionary) dictionary = ferry_dictionary_new ();
  g_autoptr (FerryInterface) interface = ferry_dictionary_create_interface (NAME);
  g_autoptr (FerryExporter) exporter = ferry_exporter_new ();
  const FerryStep step = {FERRY_STEP_ROWS, "", g_variant_new ("(tu)", (guint64) 0, 1)};
  FerryChain chain = {.steps = &step, .n_steps = 1};
  g_autoptr (FerryProxy) proxy = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (exporter, "threads", 0, NULL);
  g_assert_true (
    ferry_exporter_export (exporter, "words", G_OBJECT (dictionary), interface, FERRY_CALL_POLICY_SERIAL, NULL));
  ferry_exporter_start (exporter);
  chain.proxy = proxy = ferry_proxy_new_local (exporter, "words");
  g_assert_false (ferry_resolve_wait (&chain, "another", -1, NULL, NULL, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/dictionary/" path, func)
#define ADD_REMOTE(path, func) g_test_add ("/dictionary/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("what-is-set-is-got", test_what_is_set_is_got);
  ADD ("what-is-removed-is-gone", test_what_is_removed_is_gone);
  ADD ("keys-are-sorted", test_keys_are_sorted);
  ADD ("changes-are-told-without-the-lock", test_changes_are_told_without_the_lock);
  ADD ("threads-change-it-at-the-same-time", test_threads_change_it_at_the_same_time);
  ADD_REMOTE ("others-get-and-set-items", test_others_get_and_set_items);
  ADD_REMOTE ("a-variant-is-unwrapped-once", test_a_variant_is_unwrapped_once);
  ADD_REMOTE ("missing-key-is-named", test_missing_key_is_named);
  ADD_REMOTE ("key-that-is-no-string-is-refused", test_key_that_is_no_string_is_refused);
  ADD_REMOTE ("interface-has-keys-and-changes", test_interface_has_keys_and_changes);
  ADD ("it-has-no-rows", test_it_has_no_rows);
  ADD ("proxy-gives-keys-and-tells-changes", test_proxy_gives_keys_and_tells_changes);
#undef ADD
#undef ADD_REMOTE
  return g_test_run ();
}
