/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an object's property "error" says, as a program reads it. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

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
