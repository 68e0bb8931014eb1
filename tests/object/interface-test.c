/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "interface-test.h"

#include <string.h>

GType
counter_mode_get_type (void)
{
  static const GEnumValue values[] = {{COUNTER_MODE_UP, "UP", "up"}, {COUNTER_MODE_DOWN, "DOWN", "down"}, {0}};
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("CounterMode", values));
  return type;
}

GType
counter_options_get_type (void)
{
  static const GFlagsValue values[] = {{1, "ONE", "one"}, {4, "FOUR", "four"}, {0}};
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("CounterOptions", values));
  return type;
}

typedef Counter FastCounter;
typedef CounterClass FastCounterClass;
typedef Counter PlainCounter;
typedef CounterClass PlainCounterClass;

G_DEFINE_TYPE (Counter, counter, G_TYPE_OBJECT)
G_DEFINE_TYPE (FastCounter, fast_counter, COUNTER_TYPE)
G_DEFINE_TYPE (PlainCounter, plain_counter, FAST_COUNTER_TYPE)

void
counter_toggle (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_assert_not_reached ();
}

void
fast_counter_toggle (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_assert_true (FALSE);
}

static void
free_value (gpointer data)
{
  GValue *value = data;

  g_value_unset (value);
  g_free (value);
}

/* Properties keep what they are given. */
static void
counter_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GValue *kept = g_new0 (GValue, 1);

  g_value_init (kept, G_VALUE_TYPE (value));
  g_value_copy (value, kept);
  g_hash_table_replace (((Counter *) object)->values, GUINT_TO_POINTER (id), kept);
}

static void
counter_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  const GValue *kept = g_hash_table_lookup (((Counter *) object)->values, GUINT_TO_POINTER (id));

  if (kept != NULL)
    g_value_copy (kept, value);
  else
    g_param_value_set_default (pspec, value);
}

static void
counter_finalize (GObject *object)
{
  g_hash_table_unref (((Counter *) object)->values);
  G_OBJECT_CLASS (counter_parent_class)->finalize (object);
}

static void
counter_init (Counter *self)
{
  self->values = g_hash_table_new_full (NULL, NULL, NULL, free_value);
}

static void
install_numbers (GObjectClass *klass, guint *id)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (klass, ++*id, g_param_spec_boolean ("boolean", NULL, NULL, TRUE, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_char ("char", NULL, NULL, -128, 127, 0, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_uchar ("uchar", NULL, NULL, 0, 200, 7, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_int ("int", NULL, NULL, -10, 10, 3, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_uint ("bit-rate", NULL, NULL, 0, 1000, 64, flags));
  g_object_class_install_property (klass, ++*id,
                                   g_param_spec_long ("long", NULL, NULL, G_MINLONG, G_MAXLONG, 0, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_ulong ("ulong", NULL, NULL, 0, G_MAXULONG, 0, flags));
  g_object_class_install_property (klass, ++*id,
                                   g_param_spec_int64 ("int64", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_uint64 ("uint64", NULL, NULL, 0, G_MAXUINT64, 0, flags));
  g_object_class_install_property (klass, ++*id,
                                   g_param_spec_float ("float", NULL, NULL, -G_MAXFLOAT, G_MAXFLOAT, 0, flags));
  g_object_class_install_property (klass, ++*id,
                                   g_param_spec_double ("double", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, 0, flags));
}

static void
install_others (GObjectClass *klass, guint *id)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags once = flags | G_PARAM_CONSTRUCT_ONLY;

  g_object_class_install_property (klass, ++*id,
                                   g_param_spec_enum ("mode", NULL, NULL, COUNTER_TYPE_MODE, COUNTER_MODE_DOWN, flags));
  g_object_class_install_property (klass, ++*id,
                                   g_param_spec_flags ("options", NULL, NULL, COUNTER_TYPE_OPTIONS, 4, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_string ("title", NULL, NULL, "none", flags));
  g_object_class_install_property (klass, ++*id,
                                   g_param_spec_variant ("extra", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_boxed ("tags", NULL, NULL, G_TYPE_STRV, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_boxed ("bytes", NULL, NULL, G_TYPE_BYTES, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_boxed ("array", NULL, NULL, G_TYPE_BYTE_ARRAY, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_object ("peer", NULL, NULL, G_TYPE_OBJECT, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_string ("serial", NULL, NULL, NULL, once));
  g_object_class_install_property (klass, ++*id,
                                   g_param_spec_string ("secret", NULL, NULL, NULL, flags & ~G_PARAM_READABLE));
  g_object_class_install_property (klass, ++*id, g_param_spec_boxed ("date", NULL, NULL, G_TYPE_DATE_TIME, flags));
  g_object_class_install_property (klass, ++*id, g_param_spec_pointer ("pointer", NULL, NULL, flags));
}

static void
counter_class_init (CounterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GType many[65];
  guint id = 0;

  object_class->set_property = counter_set_property;
  object_class->get_property = counter_get_property;
  object_class->finalize = counter_finalize;
  klass->toggle = counter_toggle;
  install_numbers (object_class, &id);
  install_others (object_class, &id);
  g_signal_new ("level-changed", COUNTER_TYPE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE, COUNTER_TYPE_MODE);
  g_signal_new ("emptied", COUNTER_TYPE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    many[i] = G_TYPE_INT;
  g_signal_newv ("wide", COUNTER_TYPE, G_SIGNAL_RUN_LAST, NULL, NULL, NULL, NULL, G_TYPE_NONE, G_N_ELEMENTS (many),
                 many);
  g_signal_new ("pointed", COUNTER_TYPE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
fast_counter_class_init (CounterClass *klass)
{
  klass->toggle = fast_counter_toggle;
  g_signal_new ("hurried", FAST_COUNTER_TYPE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
fast_counter_init (Counter *self)
{
}

static void
plain_counter_class_init (CounterClass *klass)
{
}

static void
plain_counter_init (Counter *self)
{
}

void
interface_test_expect (GError **error, FerryError code, const char *first, const char *second)
{
  g_assert_error (*error, FERRY_ERROR, (int) code);
  g_assert_nonnull (strstr ((*error)->message, first));
  g_assert_nonnull (strstr ((*error)->message, second));
  g_clear_error (error);
}
