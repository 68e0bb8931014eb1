/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-description.c
 *
 * Descriptions of interfaces, and descriptions that are none. */

#include "config.h"

#include "ferry-test.h"
#include "interface-test.h"

#define READ_WRITE (G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE)

/* ---- telling, and being told ---- */

static GDBusInterfaceInfo *
take_text (const char *text, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) description =
    g_variant_parse (G_VARIANT_TYPE (FERRY_DESCRIPTION_TYPE), text, NULL, NULL, &failure);

  g_assert_no_error (failure);
  return ferry_description_to_info (description, error);
}

static void
assert_described (FerryInterface *interface, const char *text)
{
  g_autoptr (GVariant) description = g_variant_ref_sink (ferry_interface_describe (interface));
  g_autoptr (GVariant) wanted = g_variant_parse (G_VARIANT_TYPE (FERRY_DESCRIPTION_TYPE), text, NULL, NULL, NULL);

  g_assert_nonnull (wanted);
  g_assert_cmpvariant (description, wanted);
}

static void
test_description_has_all_members (void)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new (INTERFACE_TEST_NAME, COUNTER_TYPE);

  ferry_interface_add_method (interface, "add", "ia{sv}", "x", counter_toggle, NULL, NULL);
  ferry_interface_add_property (interface, "bit-rate", READ_WRITE);
  ferry_interface_add_property (interface, "peer", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_signal (interface, "level-changed");
  assert_described (interface, "('com.example.Counter', [('add', '(ia{sv})', '(x)')],"
                               " [('bit-rate', 'u', 3), ('peer', '', 1)],"
                               " [('level-changed', '(si)')])");
}

static void
test_other_end_makes_the_same_of_it (void)
{
  GDBusInterfaceInfo *info = take_text ("('com.example.Counter', [('toggle', '(is)', '(as)')],"
                                        " [('bit-rate', 'u', 3), ('title', 's', 1)], [('level-changed', '(si)')])",
                                        NULL);
  GDBusMethodInfo *method = g_dbus_interface_info_lookup_method (info, "toggle");
  GDBusPropertyInfo *rate = g_dbus_interface_info_lookup_property (info, "bit-rate");
  GDBusSignalInfo *changed = g_dbus_interface_info_lookup_signal (info, "level-changed");

  g_assert_cmpstr (info->name, ==, INTERFACE_TEST_NAME);
  g_assert_cmpstr (method->in_args[0]->signature, ==, "i");
  g_assert_cmpstr (method->in_args[1]->signature, ==, "s");
  g_assert_null (method->in_args[2]);
  g_assert_cmpstr (method->out_args[0]->signature, ==, "as");
  g_assert_null (method->out_args[1]);
  g_assert_cmpstr (rate->signature, ==, "u");
  g_assert_cmpuint (rate->flags, ==, READ_WRITE);
  g_assert_cmpuint (g_dbus_interface_info_lookup_property (info, "title")->flags, ==,
                    G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  g_assert_cmpstr (changed->args[1]->signature, ==, "i");
  g_assert_null (info->properties[2]);
  g_dbus_interface_info_unref (info);
}

static void
test_an_interface_tells_its_name_type_and_members (void)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new (INTERFACE_TEST_NAME, COUNTER_TYPE);
  g_autofree char *name = NULL;
  GDBusInterfaceInfo *info;
  GType type;

  ferry_interface_add_method (interface, "add", "ia{sv}", "x", counter_toggle, NULL, NULL);
  ferry_interface_add_all (interface);
  g_object_get (interface, "info", &info, "name", &name, "object-type", &type, NULL);
  g_assert_cmpstr (name, ==, INTERFACE_TEST_NAME);
  g_assert_true (type == COUNTER_TYPE);
  g_assert_cmpstr (g_dbus_interface_info_lookup_method (info, "add")->in_args[1]->signature, ==, "a{sv}");
  g_assert_cmpstr (g_dbus_interface_info_lookup_property (info, "bit-rate")->signature, ==, "u");
  g_assert_nonnull (g_dbus_interface_info_lookup_signal (info, "level-changed"));
  g_dbus_interface_info_unref (info);
}

static void
assert_protocol_error (const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (take_text (text, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

static void
test_hostile_names_are_refused (void)
{
  assert_protocol_error ("('', [], [], [])");
  assert_protocol_error ("('nodot', [], [], [])");
  assert_protocol_error ("('a..b', [], [], [])");
  assert_protocol_error ("('a.b', [('', '()', '()')], [], [])");
  assert_protocol_error ("('a.b', [('m m', '()', '()')], [], [])");
  assert_protocol_error ("('a.b', [('1m', '()', '()')], [], [])");
  assert_protocol_error ("('a.b', [('m\\n', '()', '()')], [], [])");
  assert_protocol_error ("('a.b', [], [('-p', 'i', 1)], [])");
  assert_protocol_error ("('a.b', [], [], [('s.s', '()')])");
}

static void
test_hostile_types_are_refused (void)
{
  assert_protocol_error ("('a.b', [('m', '', '()')], [], [])");
  assert_protocol_error ("('a.b', [('m', 'i', '()')], [], [])");
  assert_protocol_error ("('a.b', [('m', '(a*)', '()')], [], [])");
  assert_protocol_error ("('a.b', [('m', '()', '(')], [], [])");
  assert_protocol_error ("('a.b', [('m', '()', '(i)(i)')], [], [])");
  assert_protocol_error ("('a.b', [], [('p', 'si', 1)], [])");
  assert_protocol_error ("('a.b', [], [('p', '?', 1)], [])");
  assert_protocol_error ("('a.b', [], [], [('s', '(z)')])");
}

static void
test_types_that_are_too_deep_are_refused (void)
{
  for (guint depth = 64; depth <= 65; depth++)
    {
      g_autofree char *arrays = g_strnfill (depth, 'a');
      g_autofree char *text = g_strdup_printf ("('a.b', [], [('p', '%sy', 1)], [])", arrays);

      if (depth == 64)
        {
          GDBusInterfaceInfo *taken = take_text (text, NULL);

          g_assert_nonnull (taken);
          g_dbus_interface_info_unref (taken);
        }
      else
        assert_protocol_error (text);
    }
}

static void
test_hostile_numbers_are_refused (void)
{
  assert_protocol_error ("('a.b', [], [('p', 'i', 0)], [])");
  assert_protocol_error ("('a.b', [], [('p', 'i', 4)], [])");
  assert_protocol_error ("('a.b', [], [('p', 'i', 4294967295)], [])");
}

static void
test_twice_the_same_is_refused (void)
{
  GDBusInterfaceInfo *info;

  assert_protocol_error ("('a.b', [('m', '()', '()'), ('n', '()', '()'), ('m', '()', '()')], [], [])");
  assert_protocol_error ("('a.b', [], [('p', 'i', 1), ('p', 's', 1)], [])");
  assert_protocol_error ("('a.b', [], [], [('s', '()'), ('s', '()')])");
  /* One of each kind may have a name. */
  info = take_text ("('a.b', [('m', '()', '()')], [('m', 'i', 1)], [('m', '()')])", NULL);
  g_assert_nonnull (info);
  g_dbus_interface_info_unref (info);
}

/* Of so many methods, each with so many arguments, with names and types of such lengths. */
static GVariant *
describe_many (guint n_methods, guint n_arguments, guint name_length, guint type_length)
{
  g_autofree char *argument = g_strnfill (type_length, 'i');
  g_autoptr (GString) arguments = g_string_new ("(");
  GVariantBuilder builder;

  if (type_length > 1)
    {
      argument[0] = '(';
      argument[type_length - 1] = ')';
    }
  for (guint i = 0; i < n_arguments; i++)
    g_string_append (arguments, argument);
  g_string_append_c (arguments, ')');
  g_variant_builder_init (&builder, G_VARIANT_TYPE (FERRY_DESCRIPTION_TYPE));
  g_variant_builder_add (&builder, "s", "a.b");
  g_variant_builder_open (&builder, G_VARIANT_TYPE ("a(sss)"));
  for (guint i = 0; i < n_methods; i++)
    {
      g_autofree char *name = g_strdup_printf ("m%0*u", (int) name_length - 1, i);

      g_variant_builder_add (&builder, "(sss)", name, arguments->str, "()");
    }
  g_variant_builder_close (&builder);
  g_variant_builder_add_value (&builder, g_variant_new_array (G_VARIANT_TYPE ("(ssu)"), NULL, 0));
  g_variant_builder_add_value (&builder, g_variant_new_array (G_VARIANT_TYPE ("(ss)"), NULL, 0));
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
assert_many (guint n_methods, guint n_arguments, guint name_length, guint type_length, gboolean taken)
{
  g_autoptr (GVariant) description = describe_many (n_methods, n_arguments, name_length, type_length);
  g_autoptr (GError) error = NULL;
  GDBusInterfaceInfo *info = ferry_description_to_info (description, &error);

  g_assert_true ((info != NULL) == taken);
  if (taken)
    g_dbus_interface_info_unref (info);
  else
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

static void
test_numbers_and_lengths_are_bounded (void)
{
  assert_many (1024, 1, 8, 1, TRUE);
  assert_many (1025, 1, 8, 1, FALSE);
  assert_many (1, 64, 8, 1, TRUE);
  assert_many (1, 65, 8, 1, FALSE);
  assert_many (1, 1, 255, 1, TRUE);
  assert_many (1, 1, 256, 1, FALSE);
  assert_many (1, 1, 8, 100, TRUE);
  assert_many (1, 1, 8, 256, FALSE);
}

static void
test_what_is_no_description_is_refused (void)
{
  g_autoptr (GVariant) other = g_variant_ref_sink (g_variant_new ("(ss)", "a.b", "c"));
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_description_to_info (other, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

/* Every byte of a description that is right, changed in some ways and cut off: what is made of it is right or nothing.
 */
static void
test_changed_bytes_are_an_error_or_a_description (void)
{
  g_autoptr (GVariant) right =
    g_variant_parse (G_VARIANT_TYPE (FERRY_DESCRIPTION_TYPE),
                     "('a.b', [('m', '(i)', '(s)')], [('p', 'u', 1)], [('s', '(s)')])", NULL, NULL, NULL);
  static const guint8 masks[] = {0x01, 0x20, 0x80, 0xff};
  gsize size = g_variant_get_size (right);
  guint n_refused = 0;

  for (gsize i = 0; i < size * G_N_ELEMENTS (masks); i++)
    {
      guint8 *copy = g_memdup2 (g_variant_get_data (right), size);
      g_autoptr (GVariant) changed = NULL;
      g_autoptr (GError) error = NULL;
      GDBusInterfaceInfo *info;

      copy[i / G_N_ELEMENTS (masks)] ^= masks[i % G_N_ELEMENTS (masks)];
      changed = g_variant_ref_sink (
        g_variant_new_from_data (G_VARIANT_TYPE (FERRY_DESCRIPTION_TYPE), copy, size - i % 2, FALSE, g_free, copy));
      info = ferry_description_to_info (changed, &error);
      g_assert_true ((info == NULL) == (error != NULL));
      if (info == NULL)
        n_refused++;
      else
        g_assert_true (g_dbus_is_interface_name (info->name) && g_variant_is_normal_form (changed));
      g_clear_pointer (&info, g_dbus_interface_info_unref);
    }
  g_assert_cmpuint (n_refused, >, size);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/interface-description/" path, func)
  ADD ("description-has-all-members", test_description_has_all_members);
  ADD ("other-end-makes-the-same-of-it", test_other_end_makes_the_same_of_it);
  ADD ("an-interface-tells-its-name-type-and-members", test_an_interface_tells_its_name_type_and_members);
  ADD ("hostile-names-are-refused", test_hostile_names_are_refused);
  ADD ("hostile-types-are-refused", test_hostile_types_are_refused);
  ADD ("types-that-are-too-deep-are-refused", test_types_that_are_too_deep_are_refused);
  ADD ("hostile-numbers-are-refused", test_hostile_numbers_are_refused);
  ADD ("twice-the-same-is-refused", test_twice_the_same_is_refused);
  ADD ("numbers-and-lengths-are-bounded", test_numbers_and_lengths_are_bounded);
  ADD ("what-is-no-description-is-refused", test_what_is_no_description_is_refused);
  ADD ("changed-bytes-are-an-error-or-a-description", test_changed_bytes_are_an_error_or_a_description);
#undef ADD
  return g_test_run ();
}
