/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object/ferry-demo-heat-words.h"

#include <ferry-gtk.h>
#include <glib/gi18n.h>

gboolean
ferry_demo_heat_to_seconds (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_value_take_string (to, g_strdup_printf ("%.2f s", g_value_get_double (from)));
  return TRUE;
}

gboolean
ferry_demo_heat_to_degrees (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_value_take_string (to, g_strdup_printf ("%.1f °C", g_value_get_double (from)));
  return TRUE;
}

gboolean
ferry_demo_heat_to_count (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_auto (GValue) count = G_VALUE_INIT;

  g_value_init (&count, G_TYPE_UINT64);
  g_value_transform (from, &count);
  g_value_take_string (to, ferry_format_count (g_value_get_uint64 (&count)));
  return TRUE;
}

gboolean
ferry_demo_heat_to_verb (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_value_set_static_string (to, g_value_get_boolean (from) ? _ ("_Stop") : _ ("_Start"));
  return TRUE;
}
