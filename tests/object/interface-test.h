/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An object with a property of each type, signals and functions in its class; one derived from it that has another
 * implementation; and a child of that which has none of its own. */

#pragma once

#include "base/ferry-error.h"
#include "object/ferry-interface-private.h"

G_BEGIN_DECLS

#define INTERFACE_TEST_NAME "com.example.Counter"

typedef enum
{
  COUNTER_MODE_UP = 1,
  COUNTER_MODE_DOWN = 4,
} CounterMode;

#define COUNTER_TYPE_MODE (counter_mode_get_type ())
GType counter_mode_get_type (void);
#define COUNTER_TYPE_OPTIONS (counter_options_get_type ())
/* The bits 1 and 4. */
GType counter_options_get_type (void);

typedef struct
{
  GObject parent_instance;
  GHashTable *values; /* number of the property to GValue */
} Counter;

typedef struct
{
  GObjectClass parent_class;
  FerryMethodFunc toggle;
  FerryMethodFunc missing; /* NULL in all */
} CounterClass;

#define COUNTER_TYPE (counter_get_type ())
GType counter_get_type (void);
/* Implements toggle anew. */
#define FAST_COUNTER_TYPE (fast_counter_get_type ())
GType fast_counter_get_type (void);
/* Derived from the fast one. */
#define PLAIN_COUNTER_TYPE (plain_counter_get_type ())
GType plain_counter_get_type (void);

void counter_toggle (gpointer object, FerryInvocation *invocation, gpointer user_data);
void fast_counter_toggle (gpointer object, FerryInvocation *invocation, gpointer user_data);

/* Checks the error, and that its message has both, and clears it. */
void interface_test_expect (GError **error, FerryError code, const char *first, const char *second);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Counter, g_object_unref)

G_END_DECLS
