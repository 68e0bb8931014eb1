/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an object's properties say, as a program reads them. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

static inline gboolean
property_test_get_boolean (gpointer object, const char *name)
{
  gboolean value;

  g_object_get (object, name, &value, NULL);
  return value;
}

/* A number of any type. */
static inline gint64
property_test_get_number (gpointer object, const char *name)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_object_get_property (object, name, &value);
  return g_value_get_int64 (&value);
}

/* The property "error" is of that domain and code. */
#define property_test_assert_error(object, wanted_domain, wanted_code)                                                 \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autoptr (GError) property_error = NULL;                                                                          \
                                                                                                                       \
    g_object_get ((object), "error", &property_error, NULL);                                                           \
    g_assert_error (property_error, wanted_domain, wanted_code);                                                       \
  }                                                                                                                    \
  G_STMT_END

/* The property "error" is NULL. */
#define property_test_assert_no_error(object)                                                                          \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autoptr (GError) property_error = NULL;                                                                          \
                                                                                                                       \
    g_object_get ((object), "error", &property_error, NULL);                                                           \
    g_assert_no_error (property_error);                                                                                \
  }                                                                                                                    \
  G_STMT_END

G_END_DECLS
