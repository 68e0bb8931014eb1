/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "gtk/look-test.h"

#include <math.h>

void
look_test_set (const char *theme, gboolean dark, int text_percent)
{
  g_object_set (gtk_settings_get_default (), "gtk-theme-name", theme, "gtk-application-prefer-dark-theme", dark,
                "gtk-xft-dpi", 96 * 1024 * text_percent / 100, NULL);
}

void
look_test_reset (void)
{
  look_test_set ("Default", FALSE, 100);
}

static double
linearize (float channel)
{
  return channel <= 0.04045 ? channel / 12.92 : pow ((channel + 0.055) / 1.055, 2.4);
}

static double
get_luminance (const GdkRGBA *color)
{
  return 0.2126 * linearize (color->red) + 0.7152 * linearize (color->green) + 0.0722 * linearize (color->blue);
}

double
look_test_get_contrast (const GdkRGBA *one, const GdkRGBA *other)
{
  double a = get_luminance (one), b = get_luminance (other);

  return (MAX (a, b) + 0.05) / (MIN (a, b) + 0.05);
}

GdkRGBA
look_test_lookup (GtkWidget *widget, const char *name)
{
  GdkRGBA color;

  g_assert_true (gtk_style_context_lookup_color (gtk_widget_get_style_context (widget), name, &color));
  return color;
}

GdkRGBA
look_test_mix (const GdkRGBA *below, const GdkRGBA *above, float share)
{
  return (GdkRGBA){.red = below->red + (above->red - below->red) * share,
                   .green = below->green + (above->green - below->green) * share,
                   .blue = below->blue + (above->blue - below->blue) * share,
                   .alpha = 1.0F};
}

GdkRGBA
look_test_blend (const GdkRGBA *below, const GdkRGBA *above)
{
  return look_test_mix (below, above, above->alpha);
}

GdkTexture *
look_test_take (GtkWidget *widget)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (widget);
  g_autoptr (GskRenderNode) node = NULL;
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  GskRenderer *renderer = gtk_native_get_renderer (gtk_widget_get_native (widget));
  graphene_rect_t area;

  graphene_rect_init (&area, 0, 0, (float) gtk_widget_get_width (widget), (float) gtk_widget_get_height (widget));
  gdk_paintable_snapshot (paintable, snapshot, area.size.width, area.size.height);
  node = gtk_snapshot_free_to_node (snapshot);
  return node != NULL && renderer != NULL ? gsk_renderer_render_texture (renderer, node, &area) : NULL;
}
