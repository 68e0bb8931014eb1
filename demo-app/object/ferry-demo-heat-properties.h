/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* The properties of the plate that is heated, which the object in the worker and its replica in the application both
 * have:
 *
 *   running           whether time goes on
 *   conductivity      of the plate, in W/(m·K)
 *   source-power      of each heat source, in W
 *   speed             steps a second that are wanted; where the processor has no time for them there are fewer
 *   time              how much was simulated, in s
 *   mean-temperature  in °C, as the next
 *   max-temperature
 *   steps             how many were computed
 *   n-sources         how many heat sources there are */

#define FERRY_DEMO_HEAT_CONDUCTIVITY_MIN 10.0
#define FERRY_DEMO_HEAT_CONDUCTIVITY_MAX 400.0
#define FERRY_DEMO_HEAT_CONDUCTIVITY 200.0
#define FERRY_DEMO_HEAT_POWER_MAX 100.0
#define FERRY_DEMO_HEAT_POWER 25.0
#define FERRY_DEMO_HEAT_SPEED_MIN 10.0
#define FERRY_DEMO_HEAT_SPEED_MAX 2000.0
#define FERRY_DEMO_HEAT_SPEED 500.0
#define FERRY_DEMO_HEAT_AMBIENT 20.0

enum
{
  FERRY_DEMO_HEAT_PROP_RUNNING = 1,
  FERRY_DEMO_HEAT_PROP_CONDUCTIVITY,
  FERRY_DEMO_HEAT_PROP_SOURCE_POWER,
  FERRY_DEMO_HEAT_PROP_SPEED,
  FERRY_DEMO_HEAT_PROP_TIME,
  FERRY_DEMO_HEAT_PROP_MEAN_TEMPERATURE,
  FERRY_DEMO_HEAT_PROP_MAX_TEMPERATURE,
  FERRY_DEMO_HEAT_PROP_STEPS,
  FERRY_DEMO_HEAT_PROP_N_SOURCES,
  FERRY_DEMO_HEAT_N_PROPS
};

/* figures_flags: of those that the object alone says. */
void ferry_demo_heat_install_properties (GObjectClass *klass, GParamSpec **properties, GParamFlags figures_flags);

G_END_DECLS
