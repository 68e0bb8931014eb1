/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The temperatures of a plate of metal, 1 mm thick with insulated faces and edges, on a grid of square cells. Heat
 * flows between them by explicit finite differences. All lengths are cells, of 1 mm; temperatures are °C.
 *
 * A step is no longer than the method is stable for, whatever the plate conducts: see
 * ferry_demo_heat_field_get_time_step(). */

#define FERRY_DEMO_HEAT_WIDTH 256
#define FERRY_DEMO_HEAT_HEIGHT 160
#define FERRY_DEMO_HEAT_N_CELLS (FERRY_DEMO_HEAT_WIDTH * FERRY_DEMO_HEAT_HEIGHT)

/* Bytes of a picture: red, green and blue of each cell. */
#define FERRY_DEMO_HEAT_PICTURE_SIZE (3 * FERRY_DEMO_HEAT_N_CELLS)

typedef struct _FerryDemoHeatField FerryDemoHeatField;

FerryDemoHeatField *ferry_demo_heat_field_new (double temperature) G_GNUC_WARN_UNUSED_RESULT;
void ferry_demo_heat_field_free (FerryDemoHeatField *self);

void ferry_demo_heat_field_fill (FerryDemoHeatField *self, double temperature);
double ferry_demo_heat_field_get (FerryDemoHeatField *self, guint x, guint y);
void ferry_demo_heat_field_set (FerryDemoHeatField *self, guint x, guint y, double temperature);
void ferry_demo_heat_field_get_range (FerryDemoHeatField *self, double *lowest, double *highest, double *mean);

/* Seconds that a step takes for a conductivity in W/(m·K). */
double ferry_demo_heat_field_get_time_step (double conductivity);
void ferry_demo_heat_field_step (FerryDemoHeatField *self, double conductivity);

/* Gives that many joules to the disc around a cell. */
void ferry_demo_heat_field_heat (FerryDemoHeatField *self, guint x, guint y, double energy);

/* Colours between black for the first temperature and white for the second. */
void ferry_demo_heat_field_render (FerryDemoHeatField *self, double black, double white,
                                   guint8 pixels[static FERRY_DEMO_HEAT_PICTURE_SIZE]);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDemoHeatField, ferry_demo_heat_field_free)

G_END_DECLS
