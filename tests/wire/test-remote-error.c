/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-remote-error.c */

#include "config.h"

#include "wire/ferry-remote-error-private.h"

#include <string.h>
#include <unistd.h>

#include "base/ferry-error.h"

#define LONGEST_MESSAGE (64 * 1024)
#define N_REMEMBERED 1024
#define N_NEW_DOMAINS 256

static GVariant *
value_of (const char *domain, int code, const char *message, const char *trace, const char *note)
{
  const char *notes[] = {note, NULL};

  return g_variant_ref_sink (g_variant_new ("(siss^as)", domain, code, message, trace, notes));
}

static void
test_error_of_a_known_domain_comes_out_as_itself (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "The hold is full: 'crate'");
  const char *const notes[] = {"the crane broke", "it rained", NULL};
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (error, "in the hold\n", notes));
  g_autofree char *trace = NULL;
  g_autoptr (GError) found = ferry_error_from_variant (value, &trace);

  g_assert_cmpstr (g_variant_get_type_string (value), ==, FERRY_ERROR_VARIANT_TYPE);
  g_assert_error (found, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpstr (found->message, ==, error->message);
  g_assert_cmpstr (trace, ==, "in the hold\nnote: the crane broke\nnote: it rained\n");
}

static void
test_error_keeps_a_domain_that_nobody_here_has_used (void)
{
  g_autoptr (GVariant) value = value_of ("harbour-error-quark", 42, "The crane broke", "", "");
  g_autoptr (GError) found = NULL;

  g_assert_cmpuint (g_quark_try_string ("harbour-error-quark"), ==, 0);
  found = ferry_error_from_variant (value, NULL);
  g_assert_true (g_error_matches (found, g_quark_from_string ("harbour-error-quark"), 42));
  g_assert_cmpstr (found->message, ==, "The crane broke");
}

static void
assert_says_its_domain (const char *domain)
{
  g_autoptr (GVariant) value = value_of (domain, 42, "The crane broke", "", "");
  g_autoptr (GError) found = ferry_error_from_variant (value, NULL);

  g_assert_error (found, FERRY_ERROR, FERRY_ERROR_REMOTE);
  g_assert_true (g_str_has_prefix (found->message, "The crane broke (code 42 of the error domain '"));
  g_assert_cmpuint (g_quark_try_string (domain), ==, 0);
}

static void
test_error_of_what_is_no_domain_says_what (void)
{
  g_autofree char *longest = g_strnfill (255, 'b');
  g_autofree char *too_long = g_strnfill (256, 'b');
  const char *const names[] = {"crane broke", "1st-error-quark", "-error", "hafen\xc3\xa4", "a\nb", "a%s", too_long};
  g_autoptr (GVariant) value = value_of (longest, 1, "Long", "", "");
  g_autoptr (GError) found = ferry_error_from_variant (value, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    assert_says_its_domain (names[i]);
  g_assert_cmpstr (g_quark_to_string (found->domain), ==, longest);
}

static void
assert_keeps_its_domain (const char *domain)
{
  g_autoptr (GVariant) value = value_of (domain, 7, "The crane broke", "", "");
  g_autoptr (GError) found = ferry_error_from_variant (value, NULL);

  g_assert_error (found, g_quark_try_string (domain), 7);
}

/* Quarks are never freed. It is in a process of its own, as it uses up what this one may have. */
static void
test_new_domains_are_bounded (void)
{
  guint n_kept = 0;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
      g_test_trap_assert_passed ();
      return;
    }
  g_assert_cmpuint (g_quark_from_string ("harbour-master-error-quark"), !=, 0);
  for (guint i = 0; i < 2 * N_NEW_DOMAINS; i++)
    {
      g_autofree char *name = g_strdup_printf ("harbour-%u", i);
      g_autoptr (GVariant) value = value_of (name, 7, "The crane broke", "", "");
      g_autoptr (GError) first = ferry_error_from_variant (value, NULL);
      g_autoptr (GError) second = ferry_error_from_variant (value, NULL);

      g_assert_cmpuint (first->domain, ==, second->domain);
      n_kept += g_strcmp0 (g_quark_to_string (first->domain), name) == 0;
    }
  g_assert_cmpuint (n_kept, ==, N_NEW_DOMAINS);
  assert_says_its_domain ("fleet-error-quark");
  g_assert_cmpuint (g_quark_from_string ("fleet-error-quark"), !=, 0);
  /* What this process uses itself is known, before and after, however many the others have named. */
  assert_keeps_its_domain ("fleet-error-quark");
  assert_keeps_its_domain ("harbour-master-error-quark");
}

static void
test_no_trace_is_null (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "It failed");
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (error, NULL, NULL));
  char *trace = (char *) "something";
  g_autoptr (GError) found = ferry_error_from_variant (value, &trace);

  g_assert_null (trace);
  g_assert_error (found, G_IO_ERROR, G_IO_ERROR_FAILED);
}

static void
test_malformed_value_is_an_error_nevertheless (void)
{
  g_autoptr (GVariant) other = g_variant_ref_sink (g_variant_new ("(si)", "a", 1));
  g_autoptr (GError) of_other = ferry_error_from_variant (other, NULL);
  g_autoptr (GError) of_none = ferry_error_from_variant (NULL, NULL);
  g_autoptr (GVariant) empty = value_of ("", 0, "", "", "");
  g_autoptr (GError) of_empty = ferry_error_from_variant (empty, NULL);

  g_assert_error (of_other, FERRY_ERROR, FERRY_ERROR_REMOTE);
  g_assert_error (of_none, FERRY_ERROR, FERRY_ERROR_REMOTE);
  g_assert_error (of_empty, FERRY_ERROR, FERRY_ERROR_REMOTE);
}

static void
test_garbage_is_an_error_nevertheless (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);

  for (guint i = 0; i < 20000; i++)
    {
      guint8 data[80];
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *trace = NULL;

      for (guint j = 0; j < sizeof data; j++)
        data[j] = (guint8) (g_rand_int (rand) & (i % 2 == 0 ? 0xff : 0x3f));
      value = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (FERRY_ERROR_VARIANT_TYPE), data,
                                                           (gsize) g_rand_int_range (rand, 0, sizeof data), FALSE, NULL,
                                                           NULL));
      error = ferry_error_from_variant (value, &trace);
      g_assert_nonnull (error);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_true (trace == NULL || g_utf8_validate (trace, -1, NULL));
    }
}

static void
test_bytes_that_are_no_text_become_text (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "caf\xe9 \xff");
  const char *const notes[] = {"\xfe", NULL};
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (error, "\xc3", notes));
  g_autofree char *trace = NULL;
  g_autoptr (GError) found = ferry_error_from_variant (value, &trace);

  g_assert_true (g_str_has_prefix (found->message, "caf"));
  g_assert_true (g_utf8_validate (found->message, -1, NULL));
  g_assert_true (g_utf8_validate (trace, -1, NULL));
}

static void
test_texts_are_bounded (void)
{
  g_autoptr (GString) text = g_string_new ("a");
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) found = NULL;
  g_autoptr (GError) direct = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) unbounded = NULL;
  g_autofree char *trace = NULL;

  while (text->len < 200000)
    g_string_append (text, "€");
  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, text->str);
  value = g_variant_ref_sink (ferry_error_to_variant (error, text->str, NULL));
  found = ferry_error_from_variant (value, &trace);
  g_assert_cmpuint (strlen (found->message), <=, LONGEST_MESSAGE);
  g_assert_cmpuint (strlen (found->message), >, LONGEST_MESSAGE - 8);
  g_assert_true (g_utf8_validate (found->message, -1, NULL));
  g_assert_cmpuint (strlen (trace), <=, FERRY_MAX_TRACE);
  /* The sender may not keep to it. */
  unbounded = value_of ("g-io-error-quark", 0, text->str, "", "");
  direct = ferry_error_from_variant (unbounded, NULL);
  g_assert_cmpuint (strlen (direct->message), <=, LONGEST_MESSAGE);
}

/* ---- traces ---- */

static void
test_place_names_function_and_process (void)
{
  g_autofree char *name = NULL;
  g_autofree char *wanted = NULL;
  g_autofree char *place = ferry_trace_add_place (NULL, "unload");

  g_assert_true (g_file_get_contents ("/proc/self/comm", &name, NULL, NULL));
  wanted = g_strdup_printf ("in function 'unload' of process %d (%s)\n", (int) getpid (), g_strchomp (name));
  g_assert_cmpstr (place, ==, wanted);
}

static void
test_places_are_a_line_each_the_innermost_first (void)
{
  g_autofree char *inner = ferry_trace_add_place (NULL, "unload");
  g_autofree char *outer = ferry_trace_add_place (inner, "dock\nagain");
  g_autofree char *open = ferry_trace_add_place ("without a line end", "dock");
  g_auto (GStrv) lines = g_strsplit (outer, "\n", -1);

  g_assert_cmpuint (g_strv_length (lines), ==, 3);
  g_assert_true (g_str_has_prefix (lines[0], "in function 'unload'"));
  g_assert_true (g_str_has_prefix (lines[1], "in function 'dock again'"));
  g_assert_cmpstr (lines[2], ==, "");
  g_assert_true (g_str_has_prefix (open, "without a line end\nin function 'dock'"));
}

static void
assert_without_dock (const char *before, const char *after)
{
  g_autofree char *place = ferry_trace_add_place (before, "dock");
  g_autofree char *trace = g_strconcat (place, after, NULL);
  g_autofree char *expected = g_strconcat (before, after, NULL);
  g_autofree char *dropped = ferry_trace_drop_place (trace, "dock");

  g_assert_cmpstr (dropped, ==, expected[0] != '\0' ? expected : NULL);
}

static void
test_place_is_dropped_wherever_it_is (void)
{
  g_autofree char *kept = ferry_trace_drop_place ("in function 'docks' of process 3 (a)\nb", "dock");

  assert_without_dock ("", NULL);
  assert_without_dock ("", "a line\n");
  assert_without_dock ("a line\n", NULL);
  assert_without_dock ("a line\n", "another");
  g_assert_cmpstr (kept, ==, "in function 'docks' of process 3 (a)\nb");
  g_assert_null (ferry_trace_drop_place (NULL, "dock"));
}

static void
test_place_finds_room_in_a_full_trace (void)
{
  g_autofree char *full = g_strnfill (FERRY_MAX_TRACE, 'x');
  g_autofree char *trace = ferry_trace_add_place (full, "unload");

  g_assert_cmpuint (strlen (trace), <=, FERRY_MAX_TRACE);
  g_assert_nonnull (strstr (trace, "in function 'unload'"));
}

static void
test_backtrace_is_indented (void)
{
  g_autofree char *whole = ferry_trace_new_backtrace (0);
  g_autofree char *none = ferry_trace_new_backtrace (G_MAXUINT);
  g_autofree char *shorter = ferry_trace_new_backtrace (1);
  g_auto (GStrv) lines = NULL;
  g_auto (GStrv) fewer = NULL;

  g_assert_null (none);
  g_assert_nonnull (whole);
  g_assert_nonnull (shorter);
  lines = g_strsplit (whole, "\n", -1);
  fewer = g_strsplit (shorter, "\n", -1);
  g_assert_cmpuint (g_strv_length (fewer), ==, g_strv_length (lines) - 1);
  for (guint i = 0; i + 1 < g_strv_length (lines); i++)
    g_assert_true (g_str_has_prefix (lines[i], "    ") && strlen (lines[i]) > 4);
}

static void
assert_trace (GQuark domain, int code, const char *message, const char *wanted)
{
  g_autoptr (GError) error = g_error_new_literal (domain, code, message);
  g_autofree char *trace = ferry_error_get_trace (error);

  g_assert_cmpstr (trace, ==, wanted);
}

static void
remember (int code, const char *message, const char *trace)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, code, message);

  ferry_error_set_trace (error, trace);
}

static void
test_trace_is_found_by_domain_code_and_message (void)
{
  remember (1, "one", "trace of one");
  remember (1, "other", "trace of another");
  assert_trace (G_IO_ERROR, 1, "one", "trace of one");
  assert_trace (G_IO_ERROR, 1, "other", "trace of another");
  assert_trace (G_IO_ERROR, 2, "one", NULL);
  assert_trace (FERRY_ERROR, 1, "one", NULL);
  assert_trace (G_IO_ERROR, 1, "neither", NULL);
  remember (1, "one", "newer trace of one");
  assert_trace (G_IO_ERROR, 1, "one", "newer trace of one");
}

/* One that carries its trace, and one for which it is kept. */
static const struct
{
  const char *name;
  GQuark (*get_domain) (void);
} domains[] = {{"carried", ferry_error_quark}, {"kept-apart", g_io_error_quark}};

static GError *
new_traced (GQuark domain, const char *trace)
{
  GError *error = g_error_new_literal (domain, 1, "alike");

  ferry_error_set_trace (error, trace);
  return error;
}

static void
assert_own_trace (const GError *error, guint64 since, const char *wanted)
{
  g_autofree char *trace = ferry_error_dup_trace (error, since);

  g_assert_cmpstr (trace, ==, wanted);
}

static void
test_alike_errors_keep_their_own_traces (gconstpointer data)
{
  GQuark domain = domains[GPOINTER_TO_UINT (data)].get_domain ();
  g_autoptr (GError) first = new_traced (domain, "first");
  g_autoptr (GError) second = new_traced (domain, "second");
  g_autofree char *trace_of_first = ferry_error_get_trace (first);
  g_autofree char *trace_of_second = ferry_error_get_trace (second);

  g_assert_cmpstr (trace_of_first, ==, "first");
  g_assert_cmpstr (trace_of_second, ==, "second");
}

static void
test_copies_keep_their_traces (gconstpointer data)
{
  GQuark domain = domains[GPOINTER_TO_UINT (data)].get_domain ();
  g_autoptr (GError) first = new_traced (domain, "first");
  g_autoptr (GError) second = new_traced (domain, "second");
  g_autoptr (GError) copy = ferry_error_copy (first);
  g_autoptr (GError) told = ferry_error_copy_with_trace (second, "told");

  assert_own_trace (copy, 0, "first");
  assert_own_trace (told, 0, "told");
  g_clear_error (&first);
  assert_own_trace (copy, 0, "first");
  assert_own_trace (second, 0, "second");
}

static void
test_an_alike_error_has_no_trace_to_hand_on (gconstpointer data)
{
  GQuark domain = domains[GPOINTER_TO_UINT (data)].get_domain ();
  g_autoptr (GError) raised = new_traced (domain, "raised");
  g_autoptr (GError) fresh = g_error_new_literal (domain, 1, "alike");
  g_autoptr (GError) copy = ferry_error_copy (fresh);

  assert_own_trace (fresh, 0, NULL);
  assert_own_trace (copy, 0, NULL);
}

static void
test_a_change_keeps_the_trace (void)
{
  g_autoptr (GError) error = new_traced (FERRY_ERROR, "trace");
  g_autofree char *trace = NULL;

  g_prefix_error (&error, "Changed: ");
  trace = ferry_error_get_trace (error);
  g_assert_cmpstr (trace, ==, "trace");
}

/* An error that was freed is the same, for all that can be known of it, as one that is made alike in its place. */
static void
test_work_finds_no_trace_from_before_it_began (void)
{
  g_autoptr (GError) error = new_traced (G_IO_ERROR, "before");
  guint64 begun = ferry_trace_get_moment ();
  g_autoptr (GError) copy = ferry_error_copy_since (error, begun);

  assert_own_trace (error, begun, NULL);
  assert_own_trace (copy, 0, NULL);
  ferry_error_set_trace (error, "within");
  assert_own_trace (error, begun, "within");
}

static void
test_the_latest_traces_are_kept (void)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);

  for (guint i = 0; i <= N_REMEMBERED; i++)
    {
      g_ptr_array_add (errors, g_error_new (G_IO_ERROR, 3, "latest %u", i));
      ferry_error_set_trace (errors->pdata[i], ((GError *) errors->pdata[i])->message);
      /* This one is the newest again each time. */
      ferry_error_set_trace (errors->pdata[0], "newest");
    }
  assert_trace (G_IO_ERROR, 3, "latest 0", "newest");
  assert_trace (G_IO_ERROR, 3, "latest 1", NULL);
  assert_trace (G_IO_ERROR, 3, "latest 2", "latest 2");
  assert_trace (G_IO_ERROR, 3, "latest 1024", "latest 1024");
  assert_own_trace (errors->pdata[0], 0, "newest");
  assert_own_trace (errors->pdata[1], 0, NULL);
  assert_own_trace (errors->pdata[2], 0, "latest 2");
}

static void
test_a_copy_of_a_freed_error_has_its_trace (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, 4, "short-lived");
  g_autoptr (GError) copy = g_error_copy (error);

  ferry_error_set_trace (error, "of the freed one");
  g_clear_error (&error);
  for (guint i = 0; i < 10; i++)
    remember (4, "another one in its place", "another trace");
  assert_trace (G_IO_ERROR, 4, "short-lived", "of the freed one");
}

static void
test_memory_of_long_traces_is_bounded (void)
{
  g_autofree char *long_message = g_strnfill (LONGEST_MESSAGE, 'm');

  for (int code = 0; code < 500; code++)
    remember (code, long_message, "trace");
  assert_trace (G_IO_ERROR, 0, long_message, NULL);
  assert_trace (G_IO_ERROR, 499, long_message, "trace");
}

#define N_THREADS 4

static gpointer
remember_and_look (gpointer data)
{
  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *message = g_strdup_printf ("%u", i % 1500);
      g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, 9, message);
      g_autofree char *trace = NULL;

      ferry_error_set_trace (error, message);
      trace = ferry_error_get_trace (error);
      g_assert_true (trace == NULL || g_str_equal (trace, message));
    }
  return NULL;
}

static void
test_any_thread_may_look (void)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("look", remember_and_look, NULL);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

static void
test_null_is_a_critical (void)
{
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*error != NULL*");
  g_assert_null (ferry_error_get_trace (NULL));
  g_test_assert_expected_messages ();
}

static void
add_domain (guint i, const char *name, void (*test) (gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/remote-error/%s/%s", domains[i].name, name);

  g_test_add_data_func (path, GUINT_TO_POINTER (i), test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/remote-error/" path, func)
  ADD ("error-of-a-known-domain-comes-out-as-itself", test_error_of_a_known_domain_comes_out_as_itself);
  ADD ("error-keeps-a-domain-that-nobody-here-has-used", test_error_keeps_a_domain_that_nobody_here_has_used);
  ADD ("error-of-what-is-no-domain-says-what", test_error_of_what_is_no_domain_says_what);
  ADD ("new-domains-are-bounded", test_new_domains_are_bounded);
  ADD ("no-trace-is-null", test_no_trace_is_null);
  ADD ("malformed-value-is-an-error-nevertheless", test_malformed_value_is_an_error_nevertheless);
  ADD ("garbage-is-an-error-nevertheless", test_garbage_is_an_error_nevertheless);
  ADD ("bytes-that-are-no-text-become-text", test_bytes_that_are_no_text_become_text);
  ADD ("texts-are-bounded", test_texts_are_bounded);
  ADD ("place-names-function-and-process", test_place_names_function_and_process);
  ADD ("places-are-a-line-each-the-innermost-first", test_places_are_a_line_each_the_innermost_first);
  ADD ("place-is-dropped-wherever-it-is", test_place_is_dropped_wherever_it_is);
  ADD ("place-finds-room-in-a-full-trace", test_place_finds_room_in_a_full_trace);
  ADD ("backtrace-is-indented", test_backtrace_is_indented);
  ADD ("trace-is-found-by-domain-code-and-message", test_trace_is_found_by_domain_code_and_message);
  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    {
      add_domain (i, "alike-errors-keep-their-own-traces", test_alike_errors_keep_their_own_traces);
      add_domain (i, "copies-keep-their-traces", test_copies_keep_their_traces);
      add_domain (i, "an-alike-error-has-no-trace-to-hand-on", test_an_alike_error_has_no_trace_to_hand_on);
    }
  ADD ("a-copy-of-a-freed-error-has-its-trace", test_a_copy_of_a_freed_error_has_its_trace);
  ADD ("a-change-keeps-the-trace", test_a_change_keeps_the_trace);
  ADD ("work-finds-no-trace-from-before-it-began", test_work_finds_no_trace_from_before_it_began);
  ADD ("the-latest-traces-are-kept", test_the_latest_traces_are_kept);
  ADD ("memory-of-long-traces-is-bounded", test_memory_of_long_traces_is_bounded);
  ADD ("any-thread-may-look", test_any_thread_may_look);
  ADD ("null-is-a-critical", test_null_is_a_critical);
#undef ADD
  return g_test_run ();
}
