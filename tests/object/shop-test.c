/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "shop-test.h"

#include <sys/prctl.h>
#include <unistd.h>

/* ---- the shelf ---- */

struct _TestShelf
{
  GObject parent_instance;

  GPtrArray *counters; /* (element-type TestCounter) (owned) */
};

G_DEFINE_FINAL_TYPE (TestShelf, test_shelf, G_TYPE_OBJECT)

static void
test_shelf_finalize (GObject *object)
{
  g_ptr_array_unref (TEST_SHELF (object)->counters);

  G_OBJECT_CLASS (test_shelf_parent_class)->finalize (object);
}

static void
test_shelf_class_init (TestShelfClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_shelf_finalize;
}

static void
test_shelf_init (TestShelf *self)
{
  self->counters = g_ptr_array_new_with_free_func (g_object_unref);
}

/* Returns FALSE with an error, such as KeyError and IndexError were. */
static gboolean
take_position (TestShelf *self, GVariant *key, guint *position, GError **error)
{
  int number = g_variant_is_of_type (key, G_VARIANT_TYPE_INT32) ? g_variant_get_int32 (key) : -1;

  if (number >= 0 && (guint) number < self->counters->len)
    {
      *position = (guint) number;
      return TRUE;
    }
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "The shelf has no such place");
  return FALSE;
}

static gboolean
get_item (gpointer object, GVariant *key, GVariant **value, GObject **item, gpointer user_data, GError **error)
{
  TestShelf *self = TEST_SHELF (object);
  guint position;

  if (!take_position (self, key, &position, error))
    return FALSE;
  *item = g_object_ref (self->counters->pdata[position]);
  return TRUE;
}

static gboolean
set_item (gpointer object, GVariant *key, GVariant *value, gpointer user_data, GError **error)
{
  TestShelf *self = TEST_SHELF (object);
  guint position;

  if (!take_position (self, key, &position, error))
    return FALSE;
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "A label is wanted");
      return FALSE;
    }
  g_object_unref (self->counters->pdata[position]);
  self->counters->pdata[position] = test_counter_new (g_variant_get_string (value, NULL));
  return TRUE;
}

static gboolean
delete_item (gpointer object, GVariant *key, gpointer user_data, GError **error)
{
  TestShelf *self = TEST_SHELF (object);
  guint position;

  if (!take_position (self, key, &position, error))
    return FALSE;
  g_ptr_array_remove_index (self->counters, position);
  return TRUE;
}

static char *
dup_label (TestCounter *counter)
{
  char *label;

  g_object_get (counter, "label", &label, NULL);
  return label;
}

static gboolean
contains (gpointer object, GVariant *key, gboolean *is_there, gpointer user_data, GError **error)
{
  TestShelf *self = TEST_SHELF (object);

  *is_there = FALSE;
  for (guint i = 0; i < self->counters->len && g_variant_is_of_type (key, G_VARIANT_TYPE_STRING); i++)
    {
      g_autofree char *label = dup_label (self->counters->pdata[i]);

      *is_there = *is_there || g_str_equal (label, g_variant_get_string (key, NULL));
    }
  return TRUE;
}

static gboolean
get_length (gpointer object, guint64 *length, gpointer user_data, GError **error)
{
  *length = TEST_SHELF (object)->counters->len;
  return TRUE;
}

static void
append (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  TestShelf *self = TEST_SHELF (object);
  const char *label;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(&s)", &label);
  g_ptr_array_add (self->counters, test_counter_new (label));
  ferry_invocation_return_value (invocation, g_variant_new_int32 ((int) self->counters->len));
}

static void
get_self (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_object (invocation, object);
}

static void
hidden (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_value (invocation, g_variant_new_string ("found"));
}

static void
labels (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  TestShelf *self = TEST_SHELF (object);
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->counters->len; i++)
    g_ptr_array_add (words, dup_label (self->counters->pdata[i]));
  ferry_invocation_return_value (invocation, g_variant_new_strv ((const char *const *) words->pdata, words->len));
}

static FerryInterface *
create_shelf_interface (void)
{
  static const FerryContainerFuncs funcs = {get_item, set_item, delete_item, contains, get_length};
  FerryInterface *self = ferry_interface_new ("org.example.Shelf", TEST_TYPE_SHELF);

  ferry_interface_add_method (self, "append", "s", "i", append, NULL, NULL);
  ferry_interface_add_method (self, "get_self", "", "o", get_self, NULL, NULL);
  ferry_interface_add_method (self, "_hidden", "", "s", hidden, NULL, NULL);
  ferry_interface_add_method (self, "labels", "", "as", labels, NULL, NULL);
  ferry_interface_set_container (self, &funcs, NULL, NULL);
  return self;
}

/* ---- functions ---- */

static void
total (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  TestShelf *self = TEST_SHELF (object);
  int sum;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(i)", &sum);
  for (guint i = 0; i < self->counters->len; i++)
    sum += test_counter_get_value (self->counters->pdata[i]);
  ferry_invocation_return_value (invocation, g_variant_new_int32 (sum));
}

static void
again (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  TestShop *shop = user_data;
  g_autoptr (FerryProxy) proxy = ferry_proxy_new_local (shop->exporter, "counter");
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  if (ferry_proxy_call (proxy, "add", ferry_invocation_get_arguments (invocation), -1, NULL, &value, NULL, &error))
    ferry_invocation_return_value (invocation, value);
  else
    ferry_invocation_return_error (invocation, error);
}

static void
doze (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  TestShop *shop = user_data;
  gboolean fulfils;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(b)", &fulfils);
  ferry_exporter_stop (shop->exporter, fulfils ? FERRY_STOP_MODE_DRAIN : FERRY_STOP_MODE_REFUSE);
  ferry_invocation_return_value (invocation, NULL);
}

static void
leave (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  int status;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(i)", &status);
  _exit (status);
}

static void
turns (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_value (invocation, g_variant_new_uint64 (((TestShop *) user_data)->n_turns));
}

static void
toggle (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  TestShop *shop = user_data;

  shop->counting = !shop->counting;
  ferry_invocation_return_value (invocation, g_variant_new_boolean (shop->counting));
}

static void
where (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  char name[16] = "";

  prctl (PR_GET_NAME, name);
  ferry_invocation_return_value (invocation, g_variant_new_string (name));
}

static TestCounter *
dup_named (TestShop *shop, FerryInvocation *invocation)
{
  const char *name;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(&s)", &name);
  return TEST_COUNTER (ferry_exporter_dup_object (shop->exporter, name));
}

static void
let_go (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (TestCounter) counter = dup_named (user_data, invocation);

  test_counter_let_go (counter);
  ferry_invocation_return_value (invocation, NULL);
}

static void
held (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (TestCounter) counter = dup_named (user_data, invocation);

  ferry_invocation_return_value (invocation, g_variant_new_uint32 (test_counter_get_n_held (counter)));
}

static void
cancelled (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (TestCounter) counter = dup_named (user_data, invocation);

  ferry_invocation_return_value (invocation, g_variant_new_uint32 (test_counter_get_n_cancelled (counter)));
}

static void
blocked (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (TestCounter) counter = dup_named (user_data, invocation);

  ferry_invocation_return_value (invocation, g_variant_new_uint32 (test_counter_get_n_blocked (counter)));
}

static void
most (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (TestCounter) counter = dup_named (user_data, invocation);

  ferry_invocation_return_value (invocation, g_variant_new_int32 (test_counter_get_most_at_once (counter)));
}

/* ---- the shop ---- */

static void export(TestShop *self, const char *name, gpointer object, FerryInterface *interface, FerryCallPolicy policy)
{
  g_autoptr (GError) error = NULL;

  ferry_exporter_export (self->exporter, name, object, interface, policy, &error);
  g_assert_no_error (error);
}

static void
add_functions (TestShop *self)
{
  static const struct
  {
    const char *name;
    FerryMethodFunc func;
  } functions[] = {{"total", total},         {"again", again},   {"doze", doze},     {"exit", leave},
                   {"turns", turns},         {"toggle", toggle}, {"let-go", let_go}, {"held", held},
                   {"cancelled", cancelled}, {"most", most},     {"where", where},   {"blocked", blocked}};

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    ferry_exporter_add_function (self->exporter, functions[i].name, functions[i].func, self, NULL);
}

TestShop *
test_shop_new (FerryExporter *exporter)
{
  TestShop *self = g_new0 (TestShop, 1);
  g_autoptr (FerryInterface) counters = test_counter_create_interface ();
  g_autoptr (FerryInterface) shelves = create_shelf_interface ();

  self->exporter = exporter;
  self->counting = TRUE;
  self->counter = test_counter_new ("first");
  self->control = test_counter_new ("control");
  self->wide = test_counter_new ("wide");
  self->twice = g_object_new (TEST_TYPE_DOUBLE_COUNTER, "label", "twice", NULL);
  self->shelf = g_object_new (TEST_TYPE_SHELF, NULL);
  export(self, "counter", self->counter, counters, FERRY_CALL_POLICY_SERIAL);
  export(self, "control", self->control, counters, FERRY_CALL_POLICY_SERIAL);
  export(self, "wide", self->wide, counters, FERRY_CALL_POLICY_CONCURRENT);
  export(self, "twice", self->twice, counters, FERRY_CALL_POLICY_SERIAL);
  export(self, "shelf", self->shelf, shelves, FERRY_CALL_POLICY_SERIAL);
  ferry_exporter_export_type (exporter, counters, FERRY_CALL_POLICY_SERIAL);
  add_functions (self);
  return self;
}

void
test_shop_free (TestShop *self)
{
  g_object_unref (self->counter);
  g_object_unref (self->control);
  g_object_unref (self->wide);
  g_object_unref (self->twice);
  g_object_unref (self->shelf);
  g_free (self);
}

gint64
test_shop_take_turn (TestShop *self)
{
  gboolean running;
  int value = test_counter_get_value (self->counter);

  self->n_turns++;
  g_object_get (self->counter, "running", &running, NULL);
  if (!running)
    return G_MININT64;
  if (self->counting)
    test_counter_set_value (self->counter, (value + 1) % 1000000);
  return self->counting ? 0 : -1;
}
