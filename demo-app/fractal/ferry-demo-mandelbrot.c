/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A tile that is not there yet is made up from what there is. It is a part of one of a level before, made larger, and
 * over it those of the levels behind, made smaller. So while tiles come the picture only gets sharper. */

#include "fractal/ferry-demo-mandelbrot.h"

#include <ferry-gtk.h>
#include <glib/gi18n.h>
#include <math.h>

/* Levels before a missing tile, and behind it, that stand in for it. */
#define COARSER 8
#define FINER 3

#define ZOOM_STEP 2.0
/* So many notches of a wheel, or what a touchpad counts as one, make all twice as large. */
#define NOTCHES 3.0
/* Pixels for a key. */
#define PAN_STEP 96.0

#define NATURAL_SIZE 480
#define LEAST_SIZE 160

struct _FerryDemoMandelbrot
{
  GtkWidget parent_instance;

  FerryDemoMandelbrotTiles *tiles;
  FerryDemoMandelbrotView view;
  gboolean whole;     /* the set is seen as a whole, also when there is another amount of room for it */
  double whole_scale; /* as it was when the set was last seen so */

  GtkGesture *drag;               /* (unowned) the widget's */
  FerryDemoMandelbrotView before; /* what was seen when the drag began, or the gesture of two fingers */
  double pointer_x, pointer_y;    /* the middle when it is elsewhere */
  gboolean has_pointer;
};

typedef enum
{
  SIGNAL_MOVED,
  N_SIGNALS
} FerryDemoMandelbrotSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoMandelbrot, ferry_demo_mandelbrot, GTK_TYPE_WIDGET)

static int
get_width (FerryDemoMandelbrot *self)
{
  return gtk_widget_get_width (GTK_WIDGET (self));
}

static int
get_height (FerryDemoMandelbrot *self)
{
  return gtk_widget_get_height (GTK_WIDGET (self));
}

/* ---- what is seen ---- */

/* The tiles near the pointer come first: that is where the user looks. */
GArray *
ferry_demo_mandelbrot_find_tiles (FerryDemoMandelbrot *self)
{
  int level = ferry_demo_mandelbrot_view_get_level (&self->view, gtk_widget_get_scale_factor (GTK_WIDGET (self)));
  double x = self->has_pointer ? self->pointer_x - get_width (self) / 2.0 : 0.0;
  double y = self->has_pointer ? self->pointer_y - get_height (self) / 2.0 : 0.0;

  return ferry_demo_mandelbrot_view_find_tiles (&self->view, get_width (self), get_height (self), level, x, y);
}

static void
show_in_words (FerryDemoMandelbrot *self)
{
  g_autofree char *place = ferry_demo_mandelbrot_view_describe (&self->view);
  g_autofree char *magnified = ferry_format_amount (ferry_demo_mandelbrot_get_magnification (self));
  g_autofree char *words = g_strdup_printf (_ ("centre %s, magnified %s times"), place, magnified);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, words, -1);
}

/* What is not seen is not wanted, also where it was a moment ago. */
static void
want_tiles (FerryDemoMandelbrot *self)
{
  gboolean seen = gtk_widget_get_mapped (GTK_WIDGET (self)) && get_width (self) > 0;
  g_autoptr (GArray) tiles = seen ? ferry_demo_mandelbrot_find_tiles (self) : NULL;

  if (self->tiles != NULL)
    ferry_demo_mandelbrot_tiles_want (self->tiles, tiles);
}

static void
move (FerryDemoMandelbrot *self, const FerryDemoMandelbrotView *view)
{
  self->view = *view;
  want_tiles (self);
  show_in_words (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[SIGNAL_MOVED], 0);
}

void
ferry_demo_mandelbrot_show_view (FerryDemoMandelbrot *self, const FerryDemoMandelbrotView *view)
{
  self->whole = FALSE;
  move (self, view);
}

void
ferry_demo_mandelbrot_pan (FerryDemoMandelbrot *self, double x, double y)
{
  FerryDemoMandelbrotView view = self->view;

  ferry_demo_mandelbrot_view_pan (&view, x, y);
  ferry_demo_mandelbrot_show_view (self, &view);
}

/* From `before` on, which is what is seen now, or was when a gesture began. */
static void
zoom_from (FerryDemoMandelbrot *self, const FerryDemoMandelbrotView *before, double factor, double x, double y)
{
  FerryDemoMandelbrotView view = *before;

  ferry_demo_mandelbrot_view_zoom (&view, factor, x - get_width (self) / 2.0, y - get_height (self) / 2.0);
  ferry_demo_mandelbrot_show_view (self, &view);
}

void
ferry_demo_mandelbrot_zoom (FerryDemoMandelbrot *self, double factor, double x, double y)
{
  zoom_from (self, &self->view, factor, x, y);
}

void
ferry_demo_mandelbrot_zoom_in (FerryDemoMandelbrot *self)
{
  ferry_demo_mandelbrot_zoom (self, ZOOM_STEP, get_width (self) / 2.0, get_height (self) / 2.0);
}

void
ferry_demo_mandelbrot_zoom_out (FerryDemoMandelbrot *self)
{
  ferry_demo_mandelbrot_zoom (self, 1.0 / ZOOM_STEP, get_width (self) / 2.0, get_height (self) / 2.0);
}

void
ferry_demo_mandelbrot_show_whole (FerryDemoMandelbrot *self)
{
  FerryDemoMandelbrotView view;

  ferry_demo_mandelbrot_view_fit (&view, get_width (self), get_height (self));
  self->whole = TRUE;
  self->whole_scale = view.scale;
  move (self, &view);
}

/* ---- pictures ---- */

static gboolean
draw_whole (FerryDemoMandelbrot *self, GtkSnapshot *snapshot, const FerryDemoMandelbrotTile *tile)
{
  GdkTexture *texture = ferry_demo_mandelbrot_tiles_look_up (self->tiles, tile);
  graphene_rect_t place;

  if (texture == NULL)
    return FALSE;
  ferry_demo_mandelbrot_view_place (&self->view, get_width (self), get_height (self), tile, &place);
  if (place.size.width >= 1.0f && place.size.height >= 1.0f)
    gtk_snapshot_append_texture (snapshot, texture, &place);
  return TRUE;
}

static void
draw_coarser (FerryDemoMandelbrot *self, GtkSnapshot *snapshot, const FerryDemoMandelbrotTile *tile)
{
  FerryDemoMandelbrotTile coarser = *tile;
  graphene_rect_t place;
  gboolean drawn = FALSE;

  ferry_demo_mandelbrot_view_place (&self->view, get_width (self), get_height (self), tile, &place);
  gtk_snapshot_push_clip (snapshot, &place);
  for (guint i = 0; i < COARSER && coarser.level > 0 && !drawn; i++)
    {
      coarser = ferry_demo_mandelbrot_tile_get_whole (&coarser);
      drawn = draw_whole (self, snapshot, &coarser);
    }
  gtk_snapshot_pop (snapshot);
}

/* The levels that are further behind first, so that of two the one that is nearer to the picture's is on top. */
static void
draw_finer (FerryDemoMandelbrot *self, GtkSnapshot *snapshot, const FerryDemoMandelbrotTile *tile, guint depth)
{
  for (guint i = 0; i < 4 && tile->level < FERRY_DEMO_MANDELBROT_MAX_LEVEL; i++)
    {
      FerryDemoMandelbrotTile quarter = ferry_demo_mandelbrot_tile_get_quarter (tile, i);

      if (depth > 1)
        draw_finer (self, snapshot, &quarter, depth - 1);
      draw_whole (self, snapshot, &quarter);
    }
}

static void
ferry_demo_mandelbrot_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  FerryDemoMandelbrot *self = FERRY_DEMO_MANDELBROT (widget);
  g_autoptr (GArray) tiles = NULL;

  if (self->tiles == NULL)
    return;
  tiles = ferry_demo_mandelbrot_find_tiles (self);
  for (guint i = 0; i < tiles->len; i++)
    {
      const FerryDemoMandelbrotTile *tile = &g_array_index (tiles, FerryDemoMandelbrotTile, i);

      if (draw_whole (self, snapshot, tile))
        continue;
      draw_coarser (self, snapshot, tile);
      draw_finer (self, snapshot, tile, FINER);
    }
}

/* ---- pointers and keys ---- */

static void
pointer_cb (FerryDemoMandelbrot *self, double x, double y)
{
  self->has_pointer = TRUE;
  self->pointer_x = x;
  self->pointer_y = y;
}

static void
pointer_left_cb (FerryDemoMandelbrot *self)
{
  self->has_pointer = FALSE;
}

static gboolean
scroll_cb (FerryDemoMandelbrot *self, double x, double y)
{
  double width = get_width (self), height = get_height (self);

  ferry_demo_mandelbrot_zoom (self, exp2 (-y / NOTCHES), self->has_pointer ? self->pointer_x : width / 2.0,
                              self->has_pointer ? self->pointer_y : height / 2.0);
  return GDK_EVENT_STOP;
}

static void
drag_begin_cb (FerryDemoMandelbrot *self)
{
  self->before = self->view;
  gtk_widget_grab_focus (GTK_WIDGET (self));
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), "grabbing");
}

/* From where it began: so what was taken hold of stays under the pointer, to the pixel. */
static void
drag_update_cb (FerryDemoMandelbrot *self, double x, double y)
{
  FerryDemoMandelbrotView view = self->before;

  if (x == 0.0 && y == 0.0)
    return;
  ferry_demo_mandelbrot_view_pan (&view, x, y);
  ferry_demo_mandelbrot_show_view (self, &view);
}

static void
drag_end_cb (FerryDemoMandelbrot *self)
{
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), "grab");
}

/* Two fingers are no drag any more. */
static void
fingers_begin_cb (FerryDemoMandelbrot *self)
{
  gtk_event_controller_reset (GTK_EVENT_CONTROLLER (self->drag));
  self->before = self->view;
}

static void
fingers_cb (FerryDemoMandelbrot *self, double factor, GtkGesture *fingers)
{
  double x, y;

  if (factor > 0.0 && gtk_gesture_get_bounding_box_center (fingers, &x, &y))
    zoom_from (self, &self->before, factor, x, y);
}

static gboolean
arrow_cb (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  int x, y;

  g_variant_get (arguments, "(ii)", &x, &y);
  ferry_demo_mandelbrot_pan (FERRY_DEMO_MANDELBROT (widget), -x * PAN_STEP, -y * PAN_STEP);
  return GDK_EVENT_STOP;
}

/* Only while the widget has the focus: elsewhere arrows go from one button to the next. */
static void
add_keys (GtkWidgetClass *widget_class)
{
  static const struct
  {
    guint arrow, keypad_arrow;
    int x, y;
  } keys[] = {
    {GDK_KEY_Left, GDK_KEY_KP_Left, -1, 0},
    {GDK_KEY_Right, GDK_KEY_KP_Right, 1, 0},
    {GDK_KEY_Up, GDK_KEY_KP_Up, 0, -1},
    {GDK_KEY_Down, GDK_KEY_KP_Down, 0, 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      gtk_widget_class_add_binding (widget_class, keys[i].arrow, 0, arrow_cb, "(ii)", keys[i].x, keys[i].y);
      gtk_widget_class_add_binding (widget_class, keys[i].keypad_arrow, 0, arrow_cb, "(ii)", keys[i].x, keys[i].y);
    }
}

static void
add_controller (FerryDemoMandelbrot *self, gpointer controller)
{
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (controller));
}

static void
add_pointers (FerryDemoMandelbrot *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *scroll = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);
  GtkGesture *fingers = gtk_gesture_zoom_new ();

  self->drag = gtk_gesture_drag_new ();
  g_signal_connect_object (motion, "enter", G_CALLBACK (pointer_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (motion, "motion", G_CALLBACK (pointer_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (motion, "leave", G_CALLBACK (pointer_left_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (scroll, "scroll", G_CALLBACK (scroll_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->drag, "drag-begin", G_CALLBACK (drag_begin_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->drag, "drag-update", G_CALLBACK (drag_update_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->drag, "drag-end", G_CALLBACK (drag_end_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (fingers, "begin", G_CALLBACK (fingers_begin_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (fingers, "scale-changed", G_CALLBACK (fingers_cb), self, G_CONNECT_SWAPPED);
  add_controller (self, motion);
  add_controller (self, scroll);
  add_controller (self, self->drag);
  add_controller (self, fingers);
}

/* ---- the widget ---- */

static void
ferry_demo_mandelbrot_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                               int *minimum_baseline, int *natural_baseline)
{
  *minimum = LEAST_SIZE;
  *natural = NATURAL_SIZE;
}

static void
ferry_demo_mandelbrot_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  FerryDemoMandelbrot *self = FERRY_DEMO_MANDELBROT (widget);

  if (self->whole)
    ferry_demo_mandelbrot_show_whole (self);
  else
    move (self, &self->view);
}

static void
ferry_demo_mandelbrot_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ferry_demo_mandelbrot_parent_class)->map (widget);
  want_tiles (FERRY_DEMO_MANDELBROT (widget));
}

static void
ferry_demo_mandelbrot_unmap (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ferry_demo_mandelbrot_parent_class)->unmap (widget);
  want_tiles (FERRY_DEMO_MANDELBROT (widget));
}

static void
ferry_demo_mandelbrot_dispose (GObject *object)
{
  FerryDemoMandelbrot *self = FERRY_DEMO_MANDELBROT (object);

  if (self->tiles != NULL)
    g_signal_handlers_disconnect_by_data (self->tiles, self);
  g_clear_object (&self->tiles);
  G_OBJECT_CLASS (ferry_demo_mandelbrot_parent_class)->dispose (object);
}

static void
ferry_demo_mandelbrot_class_init (FerryDemoMandelbrotClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_mandelbrot_dispose;
  widget_class->measure = ferry_demo_mandelbrot_measure;
  widget_class->size_allocate = ferry_demo_mandelbrot_size_allocate;
  widget_class->snapshot = ferry_demo_mandelbrot_snapshot;
  widget_class->map = ferry_demo_mandelbrot_map;
  widget_class->unmap = ferry_demo_mandelbrot_unmap;
  gtk_widget_class_set_css_name (widget_class, "mandelbrot");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
  add_keys (widget_class);

  signals[SIGNAL_MOVED] =
    g_signal_new ("moved", FERRY_DEMO_TYPE_MANDELBROT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_demo_mandelbrot_init (FerryDemoMandelbrot *self)
{
  self->whole = TRUE;
  ferry_demo_mandelbrot_view_fit (&self->view, NATURAL_SIZE, NATURAL_SIZE);
  self->whole_scale = self->view.scale;
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), "grab");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("The Mandelbrot set"), -1);
  add_pointers (self);
}

void
ferry_demo_mandelbrot_set_tiles (FerryDemoMandelbrot *self, FerryDemoMandelbrotTiles *tiles)
{
  g_return_if_fail (self->tiles == NULL);

  self->tiles = g_object_ref (tiles);
  g_signal_connect_object (tiles, "changed", G_CALLBACK (gtk_widget_queue_draw), self, G_CONNECT_SWAPPED);
  want_tiles (self);
}

const FerryDemoMandelbrotView *
ferry_demo_mandelbrot_get_view (FerryDemoMandelbrot *self)
{
  return &self->view;
}

double
ferry_demo_mandelbrot_get_magnification (FerryDemoMandelbrot *self)
{
  return self->whole_scale / self->view.scale;
}

gboolean
ferry_demo_mandelbrot_is_at_end (FerryDemoMandelbrot *self)
{
  return self->view.scale <= FERRY_DEMO_MANDELBROT_MIN_SCALE;
}

gboolean
ferry_demo_mandelbrot_is_complete (FerryDemoMandelbrot *self)
{
  g_autoptr (GArray) tiles = ferry_demo_mandelbrot_find_tiles (self);
  gboolean complete = tiles->len > 0;

  for (guint i = 0; i < tiles->len && complete; i++)
    complete =
      ferry_demo_mandelbrot_tiles_look_up (self->tiles, &g_array_index (tiles, FerryDemoMandelbrotTile, i)) != NULL;
  return complete;
}
