/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object/ferry-demo-heat-properties.h"

#define SETTING (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)

void
ferry_demo_heat_install_properties (GObjectClass *klass, GParamSpec **properties, GParamFlags figures_flags)
{
  GParamFlags figure = figures_flags | G_PARAM_STATIC_STRINGS;

  properties[FERRY_DEMO_HEAT_PROP_RUNNING] = g_param_spec_boolean ("running", NULL, NULL, FALSE, SETTING);
  properties[FERRY_DEMO_HEAT_PROP_CONDUCTIVITY] =
    g_param_spec_double ("conductivity", NULL, NULL, FERRY_DEMO_HEAT_CONDUCTIVITY_MIN, FERRY_DEMO_HEAT_CONDUCTIVITY_MAX,
                         FERRY_DEMO_HEAT_CONDUCTIVITY, SETTING);
  properties[FERRY_DEMO_HEAT_PROP_SOURCE_POWER] =
    g_param_spec_double ("source-power", NULL, NULL, 0.0, FERRY_DEMO_HEAT_POWER_MAX, FERRY_DEMO_HEAT_POWER, SETTING);
  properties[FERRY_DEMO_HEAT_PROP_SPEED] = g_param_spec_double (
    "speed", NULL, NULL, FERRY_DEMO_HEAT_SPEED_MIN, FERRY_DEMO_HEAT_SPEED_MAX, FERRY_DEMO_HEAT_SPEED, SETTING);
  properties[FERRY_DEMO_HEAT_PROP_TIME] = g_param_spec_double ("time", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, figure);
  properties[FERRY_DEMO_HEAT_PROP_MEAN_TEMPERATURE] =
    g_param_spec_double ("mean-temperature", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, FERRY_DEMO_HEAT_AMBIENT, figure);
  properties[FERRY_DEMO_HEAT_PROP_MAX_TEMPERATURE] =
    g_param_spec_double ("max-temperature", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, FERRY_DEMO_HEAT_AMBIENT, figure);
  properties[FERRY_DEMO_HEAT_PROP_STEPS] = g_param_spec_uint64 ("steps", NULL, NULL, 0, G_MAXUINT64, 0, figure);
  properties[FERRY_DEMO_HEAT_PROP_N_SOURCES] = g_param_spec_uint ("n-sources", NULL, NULL, 0, G_MAXUINT, 0, figure);
  g_object_class_install_properties (klass, FERRY_DEMO_HEAT_N_PROPS, properties);
}
