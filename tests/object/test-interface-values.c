/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-value.c, object/ferry-member.c
 *
 * Properties of objects as others read and write them. */

#include "config.h"

#include "ferry-test.h"
#include "interface-test.h"

static FerryInterface *
new_interface (void)
{
  return ferry_interface_new (INTERFACE_TEST_NAME, COUNTER_TYPE);
}

static FerryInterface *
new_interface_of_all (void)
{
  FerryInterface *interface = new_interface ();

  ferry_interface_add_all (interface);
  ferry_interface_seal (interface);
  return interface;
}

static const FerryMember *
find_property (FerryInterface *interface, const char *name)
{
  const FerryMember *member = ferry_interface_find (interface, FERRY_MEMBER_PROPERTY, name, NULL);

  g_assert_nonnull (member);
  return member;
}

/* Sets a value that another process writes so, and reads the same. */
static void
assert_round_trip (FerryInterface *interface, Counter *counter, const char *name, const char *text)
{
  const FerryMember *member = find_property (interface, name);
  g_autoptr (GVariant) sent = g_variant_parse (NULL, text, NULL, NULL, NULL);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) content = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (sent);
  ferry_member_set (member, G_OBJECT (counter), sent, &error);
  g_assert_no_error (error);
  g_assert_true (ferry_member_get (member, G_OBJECT (counter), &value, &content, &error));
  g_assert_cmpvariant (value, sent);
  g_assert_null (content);
}

static void
test_values_of_all_types_go_both_ways (void)
{
  static const char *const values[][2] = {
    {"boolean", "false"},
    {"char", "byte 0xff"},
    {"uchar", "byte 0xc8"},
    {"int", "-10"},
    {"bit-rate", "uint32 1000"},
    {"long", "int64 -9223372036854775808"},
    {"ulong", "uint64 18446744073709551615"},
    {"int64", "int64 9223372036854775807"},
    {"uint64", "uint64 18446744073709551615"},
    {"float", "-0.5"},
    {"double", "1e300"},
    {"mode", "1"},
    {"options", "uint32 5"},
    {"title", "'Zähler'"},
    {"extra", "<(1, 'a')>"},
    {"tags", "['a', '', 'b']"},
    {"bytes", "[byte 0x00, 0xff]"},
    {"array", "[byte 0x01, 0x00]"},
  };
  g_autoptr (FerryInterface) interface = new_interface_of_all ();
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    assert_round_trip (interface, counter, values[i][0], values[i][1]);
  assert_round_trip (interface, counter, "tags", "@as []");
  assert_round_trip (interface, counter, "bytes", "@ay []");
  assert_round_trip (interface, counter, "array", "@ay []");
}

static void
assert_refused (FerryInterface *interface, Counter *counter, const char *name, const char *text)
{
  const FerryMember *member = find_property (interface, name);
  g_autoptr (GVariant) sent = g_variant_parse (NULL, text, NULL, NULL, NULL);
  g_autoptr (GVariant) before = NULL;
  g_autoptr (GVariant) after = NULL;
  g_autoptr (GObject) content = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (sent);
  g_assert_true (ferry_member_get (member, G_OBJECT (counter), &before, &content, NULL));
  g_assert_false (ferry_member_set (member, G_OBJECT (counter), sent, &error));
  interface_test_expect (&error, FERRY_ERROR_BAD_ARGUMENTS, name, "'");
  g_assert_true (ferry_member_get (member, G_OBJECT (counter), &after, &content, NULL));
  g_assert_cmpvariant (before, after);
}

static void
test_values_out_of_range_are_refused_and_not_clamped (void)
{
  g_autoptr (FerryInterface) interface = new_interface_of_all ();
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, NULL);

  assert_refused (interface, counter, "int", "11");
  assert_refused (interface, counter, "int", "-11");
  assert_refused (interface, counter, "uchar", "byte 0xc9");
  assert_refused (interface, counter, "bit-rate", "uint32 1001");
  assert_refused (interface, counter, "float", "1e39");
  assert_refused (interface, counter, "float", "inf");
  assert_refused (interface, counter, "mode", "0");
  assert_refused (interface, counter, "mode", "2");
  assert_refused (interface, counter, "options", "uint32 2");
  assert_refused (interface, counter, "options", "uint32 7");
}

static void
test_values_of_another_type_are_refused (void)
{
  g_autoptr (FerryInterface) interface = new_interface_of_all ();
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, NULL);
  g_autoptr (GVariant) text = g_variant_ref_sink (g_variant_new_string ("3"));
  g_autoptr (GError) error = NULL;

  assert_refused (interface, counter, "int", "uint32 3");
  assert_refused (interface, counter, "int", "int64 3");
  assert_refused (interface, counter, "int", "<3>");
  assert_refused (interface, counter, "title", "3");
  assert_refused (interface, counter, "title", "objectpath '/a'");
  assert_refused (interface, counter, "tags", "'a'");
  assert_refused (interface, counter, "extra", "3");
  assert_refused (interface, counter, "mode", "'up'");
  g_assert_false (ferry_member_set (find_property (interface, "int"), G_OBJECT (counter), text, &error));
  interface_test_expect (&error, FERRY_ERROR_BAD_ARGUMENTS, "'i'", "'s'");
}

static void
test_access_is_checked (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, NULL);
  g_autoptr (GVariant) sent = g_variant_ref_sink (g_variant_new_string ("text"));
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) content = NULL;
  g_autoptr (GError) error = NULL;

  ferry_interface_add_property (interface, "title", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_property (interface, "secret", G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  g_assert_false (ferry_member_set (find_property (interface, "title"), G_OBJECT (counter), sent, &error));
  interface_test_expect (&error, FERRY_ERROR_NOT_ALLOWED, "title", "cannot be written");
  g_assert_false (ferry_member_set (find_property (interface, "title"), G_OBJECT (counter), NULL, &error));
  interface_test_expect (&error, FERRY_ERROR_NOT_ALLOWED, "title", "cannot be written");
  g_assert_false (ferry_member_get (find_property (interface, "secret"), G_OBJECT (counter), &value, &content, &error));
  interface_test_expect (&error, FERRY_ERROR_NOT_ALLOWED, "secret", "cannot be read");
  g_assert_true (ferry_member_set (find_property (interface, "secret"), G_OBJECT (counter), sent, &error));
  g_assert_no_error (error);
}

static void
test_nothing_sets_the_default (void)
{
  static const char *const defaults[][2] = {
    {"boolean", "true"}, {"int", "3"},        {"bit-rate", "uint32 64"},
    {"mode", "4"},       {"title", "'none'"}, {"tags", "@as []"},
  };
  g_autoptr (FerryInterface) interface = new_interface_of_all ();
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, "boolean", FALSE, "int", 5, "bit-rate", 6, "mode", 1,
                                              "title", "other", "tags", (const char *[]){"a", NULL}, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (defaults); i++)
    {
      const FerryMember *member = find_property (interface, defaults[i][0]);
      g_autoptr (GVariant) wanted = g_variant_parse (NULL, defaults[i][1], NULL, NULL, NULL);
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GObject) content = NULL;

      g_assert_true (ferry_member_set (member, G_OBJECT (counter), NULL, NULL));
      g_assert_true (ferry_member_get (member, G_OBJECT (counter), &value, &content, NULL));
      g_assert_cmpvariant (value, wanted);
    }
}

static void
assert_reads (FerryInterface *interface, Counter *counter, const char *name, const char *text)
{
  g_autoptr (GVariant) wanted = g_variant_parse (NULL, text, NULL, NULL, NULL);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) content = NULL;

  g_assert_true (ferry_member_get (find_property (interface, name), G_OBJECT (counter), &value, &content, NULL));
  g_assert_cmpvariant (value, wanted);
}

static void
test_null_is_read_as_empty (void)
{
  g_autoptr (FerryInterface) interface = new_interface_of_all ();
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, "title", NULL, NULL);

  assert_reads (interface, counter, "title", "''");
  assert_reads (interface, counter, "tags", "@as []");
  assert_reads (interface, counter, "bytes", "@ay []");
  assert_reads (interface, counter, "array", "@ay []");
  assert_reads (interface, counter, "extra", "<()>");
}

static void
test_text_that_is_no_utf8_is_refused (void)
{
  g_autoptr (FerryInterface) interface = new_interface_of_all ();
  char *tags[] = {(char *) "a", (char *) "\xff", NULL};
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, "title", "\xff", "tags", tags, NULL);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) content = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_member_get (find_property (interface, "title"), G_OBJECT (counter), &value, &content, &error));
  interface_test_expect (&error, FERRY_ERROR_BAD_ARGUMENTS, "title", "UTF-8");
  g_assert_false (ferry_member_get (find_property (interface, "tags"), G_OBJECT (counter), &value, &content, &error));
  interface_test_expect (&error, FERRY_ERROR_BAD_ARGUMENTS, "tags", "UTF-8");
}

static void
test_object_is_read_as_one (void)
{
  g_autoptr (FerryInterface) interface = new_interface_of_all ();
  g_autoptr (Counter) peer = g_object_new (COUNTER_TYPE, NULL);
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, "peer", peer, NULL);
  const FerryMember *member = find_property (interface, "peer");
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) content = NULL;

  g_assert_cmpuint (member->access, ==, G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  g_assert_null (member->in_type);
  g_assert_true (ferry_member_get (member, G_OBJECT (counter), &value, &content, NULL));
  g_assert_true (content == G_OBJECT (peer));
  g_assert_null (value);
  g_clear_object (&content);
  g_object_set (counter, "peer", NULL, NULL);
  g_assert_true (ferry_member_get (member, G_OBJECT (counter), &value, &content, NULL));
  g_assert_null (content);
  g_assert_null (value);
}

static void
test_values_without_a_type_are_refused (void)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) made = G_VALUE_INIT;
  g_autoptr (GVariant) number = g_variant_ref_sink (g_variant_new_int32 (1));
  g_autoptr (GError) error = NULL;

  g_value_init (&value, G_TYPE_POINTER);
  g_assert_null (ferry_value_get_variant_type (G_TYPE_POINTER));
  g_assert_null (ferry_value_get_variant_type (G_TYPE_DATE_TIME));
  g_assert_null (ferry_value_get_variant_type (COUNTER_TYPE));
  g_assert_null (ferry_value_to_variant (&value, &error));
  interface_test_expect (&error, FERRY_ERROR_BAD_ARGUMENTS, "gpointer", "cannot be sent");
  g_assert_false (ferry_value_from_variant (&made, G_TYPE_POINTER, number, &error));
  interface_test_expect (&error, FERRY_ERROR_BAD_ARGUMENTS, "gpointer", "such values");
  g_assert_false (G_IS_VALUE (&made));
}

static void
assert_made (GType type, const char *text, gboolean taken)
{
  g_autoptr (GVariant) sent = g_variant_parse (NULL, text, NULL, NULL, NULL);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_value_from_variant (&value, type, sent, &error) == taken);
  g_assert_true (G_IS_VALUE (&value) == taken);
  if (!taken)
    interface_test_expect (&error, FERRY_ERROR_BAD_ARGUMENTS, g_type_name (type), "'");
}

/* Not only what a property would refuse as well. */
static void
test_values_are_checked_without_a_property (void)
{
  assert_made (COUNTER_TYPE_MODE, "4", TRUE);
  assert_made (COUNTER_TYPE_MODE, "3", FALSE);
  assert_made (COUNTER_TYPE_OPTIONS, "uint32 5", TRUE);
  assert_made (COUNTER_TYPE_OPTIONS, "uint32 6", FALSE);
  assert_made (G_TYPE_FLOAT, "3e38", TRUE);
  assert_made (G_TYPE_FLOAT, "-4e38", FALSE);
  assert_made (G_TYPE_INT, "1", TRUE);
  assert_made (G_TYPE_INT, "uint32 1", FALSE);
  assert_made (G_TYPE_STRING, "1", FALSE);
  assert_made (G_TYPE_STRV, "@as []", TRUE);
  assert_made (G_TYPE_STRV, "@ao []", FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/interface-values/" path, func)
  ADD ("values-of-all-types-go-both-ways", test_values_of_all_types_go_both_ways);
  ADD ("values-out-of-range-are-refused-and-not-clamped", test_values_out_of_range_are_refused_and_not_clamped);
  ADD ("values-of-another-type-are-refused", test_values_of_another_type_are_refused);
  ADD ("access-is-checked", test_access_is_checked);
  ADD ("nothing-sets-the-default", test_nothing_sets_the_default);
  ADD ("null-is-read-as-empty", test_null_is_read_as_empty);
  ADD ("text-that-is-no-utf8-is-refused", test_text_that_is_no_utf8_is_refused);
  ADD ("object-is-read-as-one", test_object_is_read_as_one);
  ADD ("values-without-a-type-are-refused", test_values_without_a_type_are_refused);
  ADD ("values-are-checked-without-a-property", test_values_are_checked_without_a_property);
#undef ADD
  return g_test_run ();
}
