/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-fold.h"

struct _FerryDemoFold
{
  GtkWidget parent_instance;

  GtkWidget *main;
  GtkWidget *side;
  int least_width;
  gboolean side_first;
  gboolean hides;
  gboolean even;
  gboolean folded;
  guint notify_idle;
};

enum
{
  PROP_MAIN = 1,
  PROP_SIDE,
  PROP_LEAST_WIDTH,
  PROP_SIDE_FIRST,
  PROP_HIDES,
  PROP_EVEN,
  PROP_FOLDED,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (FerryDemoFold, ferry_demo_fold, GTK_TYPE_WIDGET)

static int
get_side_width (FerryDemoFold *self, int width)
{
  int minimum, natural;

  gtk_widget_measure (self->side, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, &natural, NULL, NULL);
  return CLAMP (self->even ? width / 2 : natural, minimum, MAX (width / 2, minimum));
}

/* Large letters may need more room than the least width has. */
static gboolean
folds_at (FerryDemoFold *self, int width)
{
  int minimum;

  gtk_widget_measure (self->main, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  return width >= 0 && width < MAX (self->least_width, minimum + get_side_width (self, width));
}

static GtkSizeRequestMode
ferry_demo_fold_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
measure_width (FerryDemoFold *self, int *minimum, int *natural)
{
  int main_minimum, main_natural, side_minimum, side_natural;

  gtk_widget_measure (self->main, GTK_ORIENTATION_HORIZONTAL, -1, &main_minimum, &main_natural, NULL, NULL);
  gtk_widget_measure (self->side, GTK_ORIENTATION_HORIZONTAL, -1, &side_minimum, &side_natural, NULL, NULL);
  *minimum = self->hides ? main_minimum : MAX (main_minimum, side_minimum);
  *natural = MAX (main_natural + side_natural, *minimum);
}

static void
measure_height (FerryDemoFold *self, int width, int *minimum, int *natural)
{
  gboolean folds = folds_at (self, width);
  int side_width = width < 0 ? -1 : folds ? width : get_side_width (self, width);
  int main_width = width < 0 || folds ? width : MAX (width - side_width, 0);
  int side_minimum = 0, side_natural = 0;

  gtk_widget_measure (self->main, GTK_ORIENTATION_VERTICAL, main_width, minimum, natural, NULL, NULL);
  if (folds && self->hides)
    return;
  gtk_widget_measure (self->side, GTK_ORIENTATION_VERTICAL, side_width, &side_minimum, &side_natural, NULL, NULL);
  *minimum = folds ? *minimum + side_minimum : MAX (*minimum, side_minimum);
  *natural = folds ? *natural + side_natural : MAX (*natural, side_natural);
}

static void
ferry_demo_fold_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                         int *minimum_baseline, int *natural_baseline)
{
  FerryDemoFold *self = FERRY_DEMO_FOLD (widget);

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    measure_width (self, minimum, natural);
  else
    measure_height (self, for_size, minimum, natural);
}

static gboolean
notify_cb (gpointer user_data)
{
  FerryDemoFold *self = user_data;

  self->notify_idle = 0;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FOLDED]);
  return G_SOURCE_REMOVE;
}

static void
set_folded (FerryDemoFold *self, gboolean folded)
{
  if (self->folded == folded)
    return;
  self->folded = folded;
  if (self->notify_idle == 0)
    self->notify_idle = g_idle_add_full (G_PRIORITY_HIGH_IDLE, notify_cb, self, NULL);
}

static void
allocate (GtkWidget *child, int x, int y, int width, int height)
{
  gtk_widget_size_allocate (child, &(GtkAllocation){x, y, width, height}, -1);
}

static void
ferry_demo_fold_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  FerryDemoFold *self = FERRY_DEMO_FOLD (widget);
  gboolean first = self->side_first != (gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL);
  int side_width, side_height;

  set_folded (self, folds_at (self, width));
  gtk_widget_set_child_visible (self->side, !self->folded || !self->hides);
  if (!self->folded)
    {
      side_width = get_side_width (self, width);
      allocate (self->side, first ? 0 : width - side_width, 0, side_width, height);
      allocate (self->main, first ? side_width : 0, 0, width - side_width, height);
      return;
    }
  if (self->hides)
    {
      allocate (self->main, 0, 0, width, height);
      return;
    }
  gtk_widget_measure (self->side, GTK_ORIENTATION_VERTICAL, width, NULL, &side_height, NULL, NULL);
  allocate (self->main, 0, 0, width, height - side_height);
  allocate (self->side, 0, height - side_height, width, side_height);
}

static void
ferry_demo_fold_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_boolean (value, FERRY_DEMO_FOLD (object)->folded);
}

static void
take_child (FerryDemoFold *self, GtkWidget **place, const GValue *value)
{
  *place = g_value_get_object (value);
  gtk_widget_set_parent (*place, GTK_WIDGET (self));
}

static void
ferry_demo_fold_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryDemoFold *self = FERRY_DEMO_FOLD (object);

  if (id == PROP_MAIN)
    take_child (self, &self->main, value);
  else if (id == PROP_SIDE)
    take_child (self, &self->side, value);
  else if (id == PROP_LEAST_WIDTH)
    self->least_width = g_value_get_int (value);
  else if (id == PROP_SIDE_FIRST)
    self->side_first = g_value_get_boolean (value);
  else if (id == PROP_HIDES)
    self->hides = g_value_get_boolean (value);
  else
    self->even = g_value_get_boolean (value);
}

static void
ferry_demo_fold_dispose (GObject *object)
{
  FerryDemoFold *self = FERRY_DEMO_FOLD (object);

  g_clear_handle_id (&self->notify_idle, g_source_remove);
  g_clear_pointer (&self->main, gtk_widget_unparent);
  g_clear_pointer (&self->side, gtk_widget_unparent);
  G_OBJECT_CLASS (ferry_demo_fold_parent_class)->dispose (object);
}

static void
ferry_demo_fold_class_init (FerryDemoFoldClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags once = G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = ferry_demo_fold_get_property;
  object_class->set_property = ferry_demo_fold_set_property;
  object_class->dispose = ferry_demo_fold_dispose;
  widget_class->get_request_mode = ferry_demo_fold_get_request_mode;
  widget_class->measure = ferry_demo_fold_measure;
  widget_class->size_allocate = ferry_demo_fold_size_allocate;

  properties[PROP_MAIN] = g_param_spec_object ("main", NULL, NULL, GTK_TYPE_WIDGET, once);
  properties[PROP_SIDE] = g_param_spec_object ("side", NULL, NULL, GTK_TYPE_WIDGET, once);
  properties[PROP_LEAST_WIDTH] = g_param_spec_int ("least-width", NULL, NULL, 0, G_MAXINT, 0, once);
  properties[PROP_SIDE_FIRST] = g_param_spec_boolean ("side-first", NULL, NULL, FALSE, once);
  properties[PROP_HIDES] = g_param_spec_boolean ("hides", NULL, NULL, FALSE, once);
  properties[PROP_EVEN] = g_param_spec_boolean ("even", NULL, NULL, FALSE, once);
  properties[PROP_FOLDED] =
    g_param_spec_boolean ("folded", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ferry_demo_fold_init (FerryDemoFold *self)
{
}
