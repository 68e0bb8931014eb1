/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A ring that fills, of the size of an icon. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_PROGRESS_RING (ferry_progress_ring_get_type ())
G_DECLARE_FINAL_TYPE (FerryProgressRing, ferry_progress_ring, FERRY, PROGRESS_RING, GtkWidget)

GtkWidget *ferry_progress_ring_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* From 0 to 1. */
void ferry_progress_ring_set_fraction (FerryProgressRing *self, double fraction);
/* The fraction is not known. turns: something is under way, so that a part of the ring goes round. */
void ferry_progress_ring_set_indeterminate (FerryProgressRing *self, gboolean turns);
/* Marks the ring with an exclamation mark, in the colour of errors. */
void ferry_progress_ring_set_failed (FerryProgressRing *self, gboolean failed);
/* For tests: the fraction, negative while it is not known; and whether there is a frame after each other one. */
double ferry_progress_ring_get_fraction (FerryProgressRing *self);
gboolean ferry_progress_ring_is_turning (FerryProgressRing *self);
/* The colours of the part that is filled, and of the rest. */
void ferry_progress_ring_get_colors (FerryProgressRing *self, GdkRGBA *filled, GdkRGBA *track);

G_END_DECLS
