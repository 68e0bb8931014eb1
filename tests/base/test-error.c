/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-error.c
 *
 * The error domain, the version macros and the enumerations' types. */

#include "config.h"

#include "ferry-test.h"

#include <errno.h>

#include "base/ferry-base-private.h"

static void
test_domain_has_its_name (void)
{
  g_assert_cmpstr (g_quark_to_string (FERRY_ERROR), ==, "ferry-error-quark");
  g_assert_cmpuint (FERRY_ERROR, ==, ferry_error_quark ());
}

static void
test_version_is_that_of_the_build (void)
{
  g_autofree char *version =
    g_strdup_printf ("%d.%d.%d", FERRY_MAJOR_VERSION, FERRY_MINOR_VERSION, FERRY_MICRO_VERSION);

  g_assert_cmpstr (FERRY_VERSION_STRING, ==, FERRY_PROJECT_VERSION);
  g_assert_cmpstr (version, ==, FERRY_PROJECT_VERSION);
}

static void
test_version_check_compares_in_order (void)
{
  g_assert_true (FERRY_CHECK_VERSION (FERRY_MAJOR_VERSION, FERRY_MINOR_VERSION, FERRY_MICRO_VERSION));
  g_assert_false (FERRY_CHECK_VERSION (FERRY_MAJOR_VERSION, FERRY_MINOR_VERSION, FERRY_MICRO_VERSION + 1));
  g_assert_false (FERRY_CHECK_VERSION (FERRY_MAJOR_VERSION, FERRY_MINOR_VERSION + 1, 0));
  g_assert_false (FERRY_CHECK_VERSION (FERRY_MAJOR_VERSION + 1, 0, 0));
  g_assert_true (FERRY_CHECK_VERSION (FERRY_MAJOR_VERSION - 1, 99, 99));
}

static void
assert_nick (GType type, int value, const char *nick)
{
  g_autoptr (GEnumClass) klass = NULL;
  GEnumValue *found;

  g_assert_true (G_TYPE_IS_ENUM (type));
  klass = g_type_class_ref (type);
  found = g_enum_get_value (klass, value);
  g_assert_nonnull (found);
  g_assert_cmpstr (found->value_nick, ==, nick);
}

static void
test_enumerations_have_types (void)
{
  assert_nick (FERRY_TYPE_ERROR, FERRY_ERROR_WOULD_BLOCK, "would-block");
  assert_nick (FERRY_TYPE_CLOSE_REASON, FERRY_CLOSE_REASON_ROUTER_STOPPED, "router-stopped");
  assert_nick (FERRY_TYPE_COUNTER, FERRY_COUNTER_QUEUED_BYTES, "queued-bytes");
  assert_nick (FERRY_TYPE_WORKER_STATE, FERRY_WORKER_STATE_ENDED, "ended");
  g_assert_true (G_TYPE_IS_ENUM (FERRY_TYPE_STREAM));
}

static void
test_pipe_flags_have_a_type (void)
{
  g_assert_true (G_TYPE_IS_ENUM (FERRY_TYPE_PIPE_FLAGS) || G_TYPE_IS_FLAGS (FERRY_TYPE_PIPE_FLAGS));
}

static void
test_errors_differ (void)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (FERRY_TYPE_ERROR);

  for (guint i = 0; i < klass->n_values; i++)
    g_assert_true (g_enum_get_value (klass, klass->values[i].value) == &klass->values[i]);
  g_assert_cmpuint (klass->n_values, ==, FERRY_ERROR_INTERRUPTED + 1);
}

/* What may be over soon, so that a launch is tried again. */
/* The name of a file may be none, and a language binding takes UTF-8 alone. */
static void
test_messages_are_utf8 (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_set_error (&error, FERRY_ERROR_SYSTEM, "no file '%s'", "caf\xe9"));
  g_assert_cmpstr (error->message, ==, "no file 'caf\xef\xbf\xbd'");
}

static void
test_shortages_are_told_from_refusals (void)
{
  static const int shortages[] = {EAGAIN, ENOMEM, EMFILE, ENFILE, ENOBUFS, ENOSPC, ETXTBSY};
  static const int refusals[] = {0, ENOENT, EACCES, EPERM, ENOEXEC, EINVAL, ENOSYS, EINTR};

  for (guint i = 0; i < G_N_ELEMENTS (shortages); i++)
    g_assert_true (ferry_is_shortage (shortages[i]));
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    g_assert_false (ferry_is_shortage (refusals[i]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/error/domain-has-its-name", test_domain_has_its_name);
  g_test_add_func ("/error/messages-are-utf8", test_messages_are_utf8);
  g_test_add_func ("/error/version-is-that-of-the-build", test_version_is_that_of_the_build);
  g_test_add_func ("/error/version-check-compares-in-order", test_version_check_compares_in_order);
  g_test_add_func ("/error/enumerations-have-types", test_enumerations_have_types);
  g_test_add_func ("/error/pipe-flags-have-a-type", test_pipe_flags_have_a_type);
  g_test_add_func ("/error/codes-differ", test_errors_differ);
  g_test_add_func ("/error/shortages-are-told-from-refusals", test_shortages_are_told_from_refusals);
  return g_test_run ();
}
