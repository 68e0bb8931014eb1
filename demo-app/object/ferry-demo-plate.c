/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object/ferry-demo-plate.h"

#include <glib/gi18n.h>

#include "object/ferry-demo-heat-field.h"

#define BYTES_PER_PIXEL 3

struct _FerryDemoPlate
{
  GtkWidget parent_instance;

  GtkWidget *picture;
};

typedef enum
{
  SIGNAL_PLACE_CHOSEN,
  N_SIGNALS
} FerryDemoPlateSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoPlate, ferry_demo_plate, GTK_TYPE_WIDGET)

static void
pressed_cb (FerryDemoPlate *self, int n_presses, double x, double y)
{
  guint column, row;

  if (ferry_demo_plate_find_place (self, x, y, &column, &row))
    g_signal_emit (self, signals[SIGNAL_PLACE_CHOSEN], 0, column, row);
}

static void
ferry_demo_plate_dispose (GObject *object)
{
  g_clear_pointer (&FERRY_DEMO_PLATE (object)->picture, gtk_widget_unparent);
  G_OBJECT_CLASS (ferry_demo_plate_parent_class)->dispose (object);
}

static void
ferry_demo_plate_class_init (FerryDemoPlateClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_plate_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "plate");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);

  signals[SIGNAL_PLACE_CHOSEN] = g_signal_new ("place-chosen", FERRY_DEMO_TYPE_PLATE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                               NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_UINT);
}

static void
ferry_demo_plate_init (FerryDemoPlate *self)
{
  GtkGesture *click = gtk_gesture_click_new ();
  g_autoptr (GdkPaintable) nothing = gdk_paintable_new_empty (FERRY_DEMO_HEAT_WIDTH, FERRY_DEMO_HEAT_HEIGHT);

  /* So that nothing moves when the first picture comes. */
  self->picture = gtk_picture_new_for_paintable (nothing);
  gtk_picture_set_can_shrink (GTK_PICTURE (self->picture), TRUE);
  gtk_picture_set_content_fit (GTK_PICTURE (self->picture), GTK_CONTENT_FIT_CONTAIN);
  gtk_picture_set_alternative_text (GTK_PICTURE (self->picture), _ ("Temperatures of the plate"));
  gtk_widget_set_size_request (self->picture, FERRY_DEMO_HEAT_WIDTH, FERRY_DEMO_HEAT_HEIGHT);
  gtk_widget_set_parent (self->picture, GTK_WIDGET (self));

  g_signal_connect_object (click, "pressed", G_CALLBACK (pressed_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
}

gboolean
ferry_demo_plate_show (FerryDemoPlate *self, guint width, guint height, GBytes *pixels)
{
  g_autoptr (GdkTexture) texture = NULL;

  if (width != FERRY_DEMO_HEAT_WIDTH || height != FERRY_DEMO_HEAT_HEIGHT ||
      g_bytes_get_size (pixels) != FERRY_DEMO_HEAT_PICTURE_SIZE)
    return FALSE;
  texture =
    gdk_memory_texture_new ((int) width, (int) height, GDK_MEMORY_R8G8B8, pixels, (gsize) width * BYTES_PER_PIXEL);
  gtk_picture_set_paintable (GTK_PICTURE (self->picture), GDK_PAINTABLE (texture));
  return TRUE;
}

GdkPaintable *
ferry_demo_plate_get_paintable (FerryDemoPlate *self)
{
  return gtk_picture_get_paintable (GTK_PICTURE (self->picture));
}

gboolean
ferry_demo_plate_find_place (FerryDemoPlate *self, double x, double y, guint *column, guint *row)
{
  double width = gtk_widget_get_width (GTK_WIDGET (self));
  double height = gtk_widget_get_height (GTK_WIDGET (self));
  double scale = MIN (width / FERRY_DEMO_HEAT_WIDTH, height / FERRY_DEMO_HEAT_HEIGHT);
  double left = (width - scale * FERRY_DEMO_HEAT_WIDTH) / 2.0;
  double top = (height - scale * FERRY_DEMO_HEAT_HEIGHT) / 2.0;

  if (scale <= 0.0 || x < left || y < top)
    return FALSE;
  *column = (guint) ((x - left) / scale);
  *row = (guint) ((y - top) / scale);
  return *column < FERRY_DEMO_HEAT_WIDTH && *row < FERRY_DEMO_HEAT_HEIGHT;
}
