/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How widgets look: themes, contrast and pictures. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* From now on all widgets look so. A theme of GTK: "Default" or "Default-hc". */
void look_test_set (const char *theme, gboolean dark, int text_percent);
void look_test_reset (void);

/* As WCAG has it: from 1 to 21. */
double look_test_get_contrast (const GdkRGBA *one, const GdkRGBA *other);
/* A colour that the theme has by that name. */
GdkRGBA look_test_lookup (GtkWidget *widget, const char *name);
/* A share of one colour above another one. */
GdkRGBA look_test_mix (const GdkRGBA *below, const GdkRGBA *above, float share);
/* A colour with its alpha above another one. */
GdkRGBA look_test_blend (const GdkRGBA *below, const GdkRGBA *above);

/* (transfer full) (nullable): the widget's picture; NULL before its window is drawn. */
GdkTexture *look_test_take (GtkWidget *widget);

G_END_DECLS
