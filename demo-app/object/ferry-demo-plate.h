/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Shows the newest picture of the plate, as large as there is room for.
 *
 * Signal "place-chosen": two guint, the place of the picture that was clicked on, from its left and from above. */

#define FERRY_DEMO_TYPE_PLATE (ferry_demo_plate_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPlate, ferry_demo_plate, FERRY_DEMO, PLATE, GtkWidget)

/* FALSE when it is no picture: what comes from a worker may be anything. */
gboolean ferry_demo_plate_show (FerryDemoPlate *self, guint width, guint height, GBytes *pixels);
GdkPaintable *ferry_demo_plate_get_paintable (FerryDemoPlate *self);
/* Where a point of the widget lies on the picture; FALSE when it is beside it. */
gboolean ferry_demo_plate_find_place (FerryDemoPlate *self, double x, double y, guint *column, guint *row);

G_END_DECLS
