/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-interface.c, object/ferry-member.c
 *
 * Members of interfaces: how they are added and found. */

#include "config.h"

#include "ferry-test.h"
#include "interface-test.h"

#define READ_WRITE (G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE)
#define TOGGLE G_STRUCT_OFFSET (CounterClass, toggle)

static FerryInterface *
new_interface (void)
{
  return ferry_interface_new (INTERFACE_TEST_NAME, COUNTER_TYPE);
}

/* What is done is refused as a mistake of the program, with that condition. */
static void
expect_critical (const char *pattern)
{
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, pattern);
}

static void
count_call (gpointer data)
{
  ++*(guint *) data;
}

/* ---- methods ---- */

static void
test_signatures_are_written_in_any_way (void)
{
  static const char *const ways[][2] = {
    {NULL, "()"},           {"", "()"},       {"()", "()"},   {"i", "(i)"},         {"(i)", "(i)"},
    {"is", "(is)"},         {"(is)", "(is)"}, {"as", "(as)"}, {"((is))", "((is))"}, {"(i)(s)", "((i)(s))"},
    {"a{sv}u", "(a{sv}u)"}, {"v", "(v)"},
  };
  g_autoptr (FerryInterface) interface = new_interface ();

  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *name = g_strdup_printf ("method-%" G_GSIZE_FORMAT, i);
      const FerryMember *member;

      ferry_interface_add_method (interface, name, ways[i][0], ways[i][0], counter_toggle, NULL, NULL);
      member = ferry_interface_find (interface, FERRY_MEMBER_METHOD, name, NULL);
      g_assert_nonnull (member);
      g_assert_true (g_variant_type_equal (member->in_type, (const GVariantType *) ways[i][1]));
      g_assert_true (g_variant_type_equal (member->out_type, (const GVariantType *) ways[i][1]));
    }
}

static void
test_impossible_signatures_are_criticals (void)
{
  static const char *const wrong[] = {"(", "i)", "*", "(*)", "a", "r", "{vs}", "z", "is(", "a?"};
  g_autoptr (FerryInterface) interface = new_interface ();
  g_autofree char *many = g_strnfill (65, 'i');

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      expect_critical ("ferry_interface_add_method(): *is not a signature for method*");
      ferry_interface_add_method (interface, "method", wrong[i], "", counter_toggle, NULL, NULL);
      expect_critical ("ferry_interface_add_method(): *is not a signature for method*");
      ferry_interface_add_method (interface, "method", "", wrong[i], counter_toggle, NULL, NULL);
      g_test_assert_expected_messages ();
    }
  expect_critical ("ferry_interface_add_method(): *is not a signature for method*");
  ferry_interface_add_method (interface, "method", many, "", counter_toggle, NULL, NULL);
  g_test_assert_expected_messages ();
  ferry_interface_add_method (interface, "method", many + 1, "", counter_toggle, NULL, NULL);
}

static void
test_a_name_is_of_one_member_of_a_kind (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  g_autofree char *longest = g_strnfill (255, 'n');
  g_autofree char *too_long = g_strnfill (256, 'n');
  const char *const wrong[] = {"toggle", "", "1st", "-a", "a.b", "a b", "é", too_long};

  ferry_interface_add_method (interface, "toggle", "", "", counter_toggle, NULL, NULL);
  ferry_interface_add_method (interface, "title", "", "", counter_toggle, NULL, NULL);
  ferry_interface_add_method (interface, longest, "", "", counter_toggle, NULL, NULL);
  ferry_interface_add_property (interface, "title", READ_WRITE);
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      expect_critical (i == 0 ? "ferry_interface_add_method(): '*' has a method 'toggle' already*"
                              : "ferry_interface_add_method(): '*' is not a valid name for a method*");
      ferry_interface_add_method (interface, wrong[i], "", "", counter_toggle, NULL, NULL);
      g_test_assert_expected_messages ();
    }
  expect_critical ("ferry_interface_add_property(): '*' has a property 'title' already*");
  ferry_interface_add_property (interface, "title", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (ferry_interface_find (interface, FERRY_MEMBER_PROPERTY, "title", NULL)->access, ==, READ_WRITE);
}

static void
test_members_are_listed_in_their_order (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  const GPtrArray *properties;

  ferry_interface_add_property (interface, "title", READ_WRITE);
  ferry_interface_add_property (interface, "bit_rate", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_property (interface, "boolean", READ_WRITE);
  properties = ferry_interface_list (interface, FERRY_MEMBER_PROPERTY);
  g_assert_cmpuint (properties->len, ==, 3);
  g_assert_cmpstr (((FerryMember *) properties->pdata[0])->name, ==, "title");
  g_assert_cmpstr (((FerryMember *) properties->pdata[1])->name, ==, "bit-rate");
  g_assert_cmpstr (((FerryMember *) properties->pdata[2])->name, ==, "boolean");
}

static void
test_unknown_member_says_what_there_is (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  g_autoptr (GError) error = NULL;

  ferry_interface_add_property (interface, "title", READ_WRITE);
  g_assert_null (ferry_interface_find (interface, FERRY_MEMBER_METHOD, "title", &error));
  interface_test_expect (&error, FERRY_ERROR_UNKNOWN_MEMBER, "no method 'title'", "a property of that name");
  g_assert_null (ferry_interface_find (interface, FERRY_MEMBER_SIGNAL, "nothing\n", &error));
  interface_test_expect (&error, FERRY_ERROR_UNKNOWN_MEMBER, INTERFACE_TEST_NAME, "no signal 'nothing\\n'");
}

static void
test_data_is_destroyed_with_the_interface (void)
{
  FerryInterface *interface = new_interface ();
  guint n_methods = 0;
  guint n_containers = 0;

  ferry_interface_add_method (interface, "one", "", "", counter_toggle, &n_methods, count_call);
  ferry_interface_set_container (interface, &(FerryContainerFuncs){NULL}, &n_containers, count_call);
  ferry_interface_set_container (interface, &(FerryContainerFuncs){NULL}, &n_containers, count_call);
  g_assert_cmpuint (n_containers, ==, 1);
  g_object_unref (interface);
  g_assert_cmpuint (n_containers, ==, 2);
  g_assert_cmpuint (n_methods, ==, 1);
}

static void
test_a_sealed_interface_does_not_change (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  gpointer data;

  ferry_interface_add_method (interface, "one", "", "", counter_toggle, NULL, NULL);
  ferry_interface_seal (interface);
  ferry_interface_seal (interface);
  for (guint i = 0; i < 6; i++)
    expect_critical ("ferry_interface_*(): interface '*' is exported and not changed any more*");
  ferry_interface_add_method (interface, "two", "", "", counter_toggle, NULL, NULL);
  ferry_interface_add_class_method (interface, "two", "", "", TOGGLE);
  ferry_interface_add_property (interface, "title", READ_WRITE);
  ferry_interface_add_signal (interface, "emptied");
  ferry_interface_add_all (interface);
  ferry_interface_set_container (interface, &(FerryContainerFuncs){NULL}, NULL, NULL);
  g_test_assert_expected_messages ();
  g_assert_null (ferry_interface_find (interface, FERRY_MEMBER_METHOD, "two", NULL));
  g_assert_true (ferry_interface_find (interface, FERRY_MEMBER_METHOD, "one", NULL)->func == counter_toggle);
  g_assert_null (ferry_interface_get_container (interface, &data));
}

/* ---- functions of classes ---- */

static const FerryMember *
add_toggle (FerryInterface *interface)
{
  ferry_interface_add_class_method (interface, "toggle", "", "b", TOGGLE);
  return ferry_interface_find (interface, FERRY_MEMBER_METHOD, "toggle", NULL);
}

static void
test_derived_class_has_its_own_implementation (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  const FerryMember *toggle = add_toggle (interface);
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, NULL);
  g_autoptr (Counter) plain = g_object_new (PLAIN_COUNTER_TYPE, NULL);

  ferry_interface_seal (interface);
  g_assert_true (ferry_member_find_func (toggle, G_OBJECT (counter), NULL, NULL) == counter_toggle);
  g_assert_true (ferry_member_find_func (toggle, G_OBJECT (plain), NULL, NULL) == fast_counter_toggle);
}

static void
test_super_reaches_what_is_overridden (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  const FerryMember *toggle = add_toggle (interface);
  g_autoptr (Counter) fast = g_object_new (FAST_COUNTER_TYPE, NULL);
  g_autoptr (Counter) plain = g_object_new (PLAIN_COUNTER_TYPE, NULL);

  g_assert_true (ferry_member_find_func (toggle, G_OBJECT (fast), "", NULL) == counter_toggle);
  g_assert_true (ferry_member_find_func (toggle, G_OBJECT (plain), "", NULL) == fast_counter_toggle);
  g_assert_true (ferry_member_find_func (toggle, G_OBJECT (plain), "Counter", NULL) == counter_toggle);
}

static void
test_super_that_is_no_ancestor_is_unknown (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  const FerryMember *toggle = add_toggle (interface);
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, NULL);
  /* A descendant; another class; what is no class, or nothing; and ancestors with classes that are too small. */
  const char *const wrong[] = {"FastCounter", "GListStore", "GListModel", "gint", "Nobody", "GObject", ""};
  g_autoptr (GError) error = NULL;

  g_type_ensure (FAST_COUNTER_TYPE);
  g_type_ensure (G_TYPE_LIST_STORE);
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_null (ferry_member_find_func (toggle, G_OBJECT (counter), wrong[i], &error));
      interface_test_expect (&error, FERRY_ERROR_UNKNOWN_MEMBER, wrong[i], "toggle");
    }
}

static void
test_handler_has_no_super (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  g_autoptr (Counter) fast = g_object_new (FAST_COUNTER_TYPE, NULL);
  g_autoptr (GError) error = NULL;
  const FerryMember *member;

  ferry_interface_add_method (interface, "toggle", "", "", counter_toggle, NULL, NULL);
  member = ferry_interface_find (interface, FERRY_MEMBER_METHOD, "toggle", NULL);
  g_assert_true (ferry_member_find_func (member, G_OBJECT (fast), NULL, NULL) == counter_toggle);
  g_assert_null (ferry_member_find_func (member, G_OBJECT (fast), "", &error));
  interface_test_expect (&error, FERRY_ERROR_UNKNOWN_MEMBER, "toggle", "not a function of a class");
  g_assert_null (ferry_member_find_func (member, G_OBJECT (fast), "Counter", &error));
  interface_test_expect (&error, FERRY_ERROR_UNKNOWN_MEMBER, "toggle", "not a function of a class");
}

static void
test_class_without_a_function_is_unknown (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  g_autoptr (Counter) counter = g_object_new (COUNTER_TYPE, NULL);
  g_autoptr (GError) error = NULL;
  const FerryMember *member;

  ferry_interface_add_class_method (interface, "missing", "", "", G_STRUCT_OFFSET (CounterClass, missing));
  member = ferry_interface_find (interface, FERRY_MEMBER_METHOD, "missing", NULL);
  g_assert_null (ferry_member_find_func (member, G_OBJECT (counter), NULL, &error));
  interface_test_expect (&error, FERRY_ERROR_UNKNOWN_MEMBER, "Counter", "does not implement the method 'missing'");
}

static void
test_offset_outside_of_the_class_is_a_critical (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();
  g_autoptr (FerryInterface) model = ferry_interface_new ("com.example.Model", G_TYPE_LIST_MODEL);

  for (guint i = 0; i < 4; i++)
    expect_critical ("ferry_interface_*class_method(): the class of '*' has no function at offset*");
  ferry_interface_add_class_method (interface, "toggle", "", "", 0);
  ferry_interface_add_class_method (interface, "toggle", "", "", sizeof (CounterClass));
  ferry_interface_add_class_method (interface, "toggle", "", "", TOGGLE + 1);
  ferry_interface_add_class_method (model, "toggle", "", "", TOGGLE);
  g_test_assert_expected_messages ();
}

/* ---- properties ---- */

static void
test_access_is_no_more_than_the_class_has (void)
{
  g_autoptr (FerryInterface) interface = new_interface ();

  for (guint i = 0; i < 4; i++)
    expect_critical ("ferry_interface_add_property(): property '*' of '*' does not allow that access*");
  ferry_interface_add_property (interface, "serial", READ_WRITE);
  ferry_interface_add_property (interface, "secret", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_property (interface, "peer", READ_WRITE);
  ferry_interface_add_property (interface, "title", G_DBUS_PROPERTY_INFO_FLAGS_NONE);
  expect_critical ("ferry_interface_add_property(): '*' has no property '*'*");
  ferry_interface_add_property (interface, "nothing", READ_WRITE);
  expect_critical ("ferry_interface_add_property(): property *no variant type*");
  ferry_interface_add_property (interface, "date", READ_WRITE);
  expect_critical ("ferry_interface_add_signal(): '*' has no signal '*'*");
  ferry_interface_add_signal (interface, "nothing");
  expect_critical ("ferry_interface_add_signal(): signal *no variant type*");
  ferry_interface_add_signal (interface, "pointed");
  expect_critical ("ferry_interface_add_signal(): signal 'wide' *or more than 64*");
  ferry_interface_add_signal (interface, "wide");
  g_test_assert_expected_messages ();
  ferry_interface_add_property (interface, "serial", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_property (interface, "secret", G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  ferry_interface_add_property (interface, "peer", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
}

/* ---- all there is ---- */

static const FerryMember *
find_property (FerryInterface *interface, const char *name)
{
  const FerryMember *member = ferry_interface_find (interface, FERRY_MEMBER_PROPERTY, name, NULL);

  g_assert_nonnull (member);
  return member;
}

static void
test_all_is_what_can_be_sent (void)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new (INTERFACE_TEST_NAME, FAST_COUNTER_TYPE);
  const GPtrArray *properties;
  const GPtrArray *signals;

  ferry_interface_add_property (interface, "title", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_all (interface);
  properties = ferry_interface_list (interface, FERRY_MEMBER_PROPERTY);
  signals = ferry_interface_list (interface, FERRY_MEMBER_SIGNAL);
  g_assert_cmpuint (properties->len, ==, 21);
  g_assert_cmpuint (find_property (interface, "title")->access, ==, G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  g_assert_cmpuint (find_property (interface, "serial")->access, ==, G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  g_assert_cmpuint (find_property (interface, "secret")->access, ==, G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  g_assert_cmpuint (find_property (interface, "int")->access, ==, READ_WRITE);
  g_assert_null (ferry_interface_find (interface, FERRY_MEMBER_PROPERTY, "date", NULL));
  g_assert_cmpuint (signals->len, ==, 3);
  g_assert_nonnull (ferry_interface_find (interface, FERRY_MEMBER_SIGNAL, "hurried", NULL));
  g_assert_nonnull (ferry_interface_find (interface, FERRY_MEMBER_SIGNAL, "emptied", NULL));
  g_assert_true (g_variant_type_equal (
    ferry_interface_find (interface, FERRY_MEMBER_SIGNAL, "level-changed", NULL)->in_type, G_VARIANT_TYPE ("(si)")));
}

static void
test_all_includes_interfaces_signals (void)
{
  g_autoptr (FerryInterface) store = ferry_interface_new ("com.example.Store", G_TYPE_LIST_STORE);
  g_autoptr (FerryInterface) model = ferry_interface_new ("com.example.Model", G_TYPE_LIST_MODEL);
  g_autoptr (FerryInterface) application = ferry_interface_new ("com.example.Action", G_TYPE_ACTION);

  ferry_interface_add_all (store);
  ferry_interface_add_all (model);
  ferry_interface_add_all (application);
  g_assert_nonnull (ferry_interface_find (store, FERRY_MEMBER_SIGNAL, "items-changed", NULL));
  g_assert_nonnull (ferry_interface_find (model, FERRY_MEMBER_SIGNAL, "items-changed", NULL));
  g_assert_nonnull (ferry_interface_find (application, FERRY_MEMBER_PROPERTY, "enabled", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/interface/" path, func)
  ADD ("signatures-are-written-in-any-way", test_signatures_are_written_in_any_way);
  ADD ("impossible-signatures-are-criticals", test_impossible_signatures_are_criticals);
  ADD ("a-name-is-of-one-member-of-a-kind", test_a_name_is_of_one_member_of_a_kind);
  ADD ("members-are-listed-in-their-order", test_members_are_listed_in_their_order);
  ADD ("unknown-member-says-what-there-is", test_unknown_member_says_what_there_is);
  ADD ("data-is-destroyed-with-the-interface", test_data_is_destroyed_with_the_interface);
  ADD ("a-sealed-interface-does-not-change", test_a_sealed_interface_does_not_change);
  ADD ("derived-class-has-its-own-implementation", test_derived_class_has_its_own_implementation);
  ADD ("super-reaches-what-is-overridden", test_super_reaches_what_is_overridden);
  ADD ("super-that-is-no-ancestor-is-unknown", test_super_that_is_no_ancestor_is_unknown);
  ADD ("handler-has-no-super", test_handler_has_no_super);
  ADD ("class-without-a-function-is-unknown", test_class_without_a_function_is_unknown);
  ADD ("offset-outside-of-the-class-is-a-critical", test_offset_outside_of_the_class_is_a_critical);
  ADD ("access-is-no-more-than-the-class-has", test_access_is_no_more_than_the_class_has);
  ADD ("all-is-what-can-be-sent", test_all_is_what_can_be_sent);
  ADD ("all-includes-interfaces-signals", test_all_includes_interfaces_signals);
#undef ADD
  return g_test_run ();
}
