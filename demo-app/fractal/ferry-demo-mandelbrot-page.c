/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tiles may come faster than frames do. The view moves while sizes are given out, when no label may change its own. So
 * all words are shown together, when the next frame begins. */

#include "fractal/ferry-demo-mandelbrot-page.h"

#include <glib/gi18n.h>

#include "app/ferry-demo-format.h"
#include "fractal/ferry-demo-mandelbrot.h"

#define NO_FIGURE "–"

struct _FerryDemoMandelbrotPage
{
  FerryDemoPage parent_instance;

  FerryDemoMandelbrotTiles *tiles;
  FerryDemoMandelbrot *mandelbrot; /* (unowned) a child */
  guint tick_callback;
  guint n_lost;    /* workers that were lost, as far as that was told */
  gboolean failed; /* likewise: a closed bar counts as read */
};

G_DEFINE_FINAL_TYPE (FerryDemoMandelbrotPage, ferry_demo_mandelbrot_page, FERRY_DEMO_TYPE_PAGE)

/* ---- what is shown ---- */

static void
show_view (FerryDemoMandelbrotPage *self)
{
  gboolean at_end = ferry_demo_mandelbrot_is_at_end (self->mandelbrot);

  ferry_demo_page_take_text (self, "place_label",
                             ferry_demo_mandelbrot_view_describe (ferry_demo_mandelbrot_get_view (self->mandelbrot)));
  gtk_widget_set_visible (ferry_demo_page_get_child (self, "end_label"), at_end);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "mandelbrot.zoom-in", !at_end);
}

/* Of small ones there is more to say. */
static char *
format_magnification (double magnification)
{
  return magnification < 9.95 ? g_strdup_printf ("%.2g", magnification) : ferry_format_amount (magnification);
}

static void
show_figures (FerryDemoMandelbrotPage *self)
{
  const FerryDemoMandelbrotFigures *figures = ferry_demo_mandelbrot_tiles_get_figures (self->tiles);
  FerryPool *pool = ferry_demo_mandelbrot_tiles_get_pool (self->tiles);
  g_autofree char *magnified = format_magnification (ferry_demo_mandelbrot_get_magnification (self->mandelbrot));
  g_autofree char *workers = NULL;
  gboolean any = figures->tiles_per_second > 0.0;
  guint n_workers, n_busy;

  g_object_get (pool, "n-workers", &n_workers, "n-busy", &n_busy, NULL);
  workers = ferry_demo_format_counted (n_workers, ngettext ("%s worker", "%s workers", n_workers));
  ferry_demo_page_take_text (self, "magnified_label", g_strdup_printf ("%s×", magnified));
  ferry_demo_page_take_text (self, "open_label", ferry_format_count (figures->n_open));
  ferry_demo_page_take_text (self, "rate_label",
                             any ? g_strdup_printf ("%.0f/s", figures->tiles_per_second) : g_strdup (NO_FIGURE));
  ferry_demo_page_take_text (
    self, "time_label", any ? ferry_demo_format_latency (figures->milliseconds_each * 1000.0) : g_strdup (NO_FIGURE));
  ferry_demo_page_take_text (self, "bytes_label", g_format_size_full (figures->bytes, G_FORMAT_SIZE_IEC_UNITS));
  ferry_demo_page_take_text (self, "state_label", g_strdup_printf (_ ("%s, %u busy"), workers, n_busy));
}

static void
show_loss (FerryDemoMandelbrotPage *self)
{
  const FerryDemoMandelbrotFigures *figures = ferry_demo_mandelbrot_tiles_get_figures (self->tiles);
  g_autofree char *text = NULL;

  if (figures->n_lost == self->n_lost)
    return;
  self->n_lost = figures->n_lost;
  text = g_strdup_printf (_ ("%s. Had it begun a tile, that is begun again."),
                          ferry_demo_mandelbrot_tiles_get_loss (self->tiles));
  ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_WARNING, text);
}

static void
show_state (FerryDemoMandelbrotPage *self)
{
  const char *failure = ferry_demo_mandelbrot_tiles_get_failure (self->tiles);
  gboolean empty = ferry_demo_mandelbrot_tiles_get_figures (self->tiles)->n_come == 0;

  show_loss (self);
  if (failure != NULL && !self->failed)
    ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_ERROR, failure);
  self->failed = failure != NULL;
  gtk_widget_set_visible (ferry_demo_page_get_child (self, "empty_box"), empty);
  gtk_spinner_set_spinning (ferry_demo_page_get_child (self, "spinner"), empty && failure == NULL);
  gtk_widget_set_visible (ferry_demo_page_get_child (self, "spinner"), failure == NULL);
  gtk_label_set_text (ferry_demo_page_get_child (self, "empty_label"),
                      failure != NULL ? _ ("There is no worker") : _ ("The first tiles are being computed…"));
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryDemoMandelbrotPage *self = FERRY_DEMO_MANDELBROT_PAGE (widget);

  self->tick_callback = 0;
  show_view (self);
  show_figures (self);
  show_state (self);
  return G_SOURCE_REMOVE;
}

static void
show_soon (FerryDemoMandelbrotPage *self)
{
  if (self->tick_callback == 0 && self->tiles != NULL)
    self->tick_callback = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

/* ---- actions ---- */

static void
zoom_in (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_mandelbrot_zoom_in (FERRY_DEMO_MANDELBROT_PAGE (widget)->mandelbrot);
}

static void
zoom_out (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_mandelbrot_zoom_out (FERRY_DEMO_MANDELBROT_PAGE (widget)->mandelbrot);
}

static void
show_whole (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_mandelbrot_show_whole (FERRY_DEMO_MANDELBROT_PAGE (widget)->mandelbrot);
}

static void
try_to_break (FerryDemoPage *page)
{
  ferry_demo_mandelbrot_tiles_kill (FERRY_DEMO_MANDELBROT_PAGE (page)->tiles);
}

static void
try_again (FerryDemoPage *page)
{
  FerryDemoMandelbrotPage *self = FERRY_DEMO_MANDELBROT_PAGE (page);

  self->failed = FALSE;
  ferry_demo_mandelbrot_tiles_retry (self->tiles);
}

/* ---- the page itself ---- */

static void
begin (FerryDemoPage *page, FerryDemoSession *session)
{
  FerryDemoMandelbrotPage *self = FERRY_DEMO_MANDELBROT_PAGE (page);

  self->tiles = g_object_ref (ferry_demo_session_get_mandelbrot_tiles (session));
  g_signal_connect_object (self->tiles, "changed", G_CALLBACK (show_soon), self, G_CONNECT_SWAPPED);
  ferry_demo_mandelbrot_set_tiles (self->mandelbrot, self->tiles);
  show_soon (self);
}

/* Whether no more is to come: all is there that is seen, or nothing comes any more. */
static gboolean
is_settled (FerryDemoPage *page)
{
  FerryDemoMandelbrotPage *self = FERRY_DEMO_MANDELBROT_PAGE (page);

  return ferry_demo_mandelbrot_tiles_get_failure (self->tiles) != NULL ||
         ferry_demo_mandelbrot_is_complete (self->mandelbrot);
}

static void
ferry_demo_mandelbrot_page_dispose (GObject *object)
{
  FerryDemoMandelbrotPage *self = FERRY_DEMO_MANDELBROT_PAGE (object);

  if (self->tick_callback != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick_callback);
  self->tick_callback = 0;
  if (self->tiles != NULL)
    g_signal_handlers_disconnect_by_data (self->tiles, self);
  g_clear_object (&self->tiles);
  G_OBJECT_CLASS (ferry_demo_mandelbrot_page_parent_class)->dispose (object);
}

static void
add_keys (GtkWidgetClass *widget_class)
{
  static const struct
  {
    guint value;
    GdkModifierType modifiers;
    const char *action;
  } keys[] = {
    {GDK_KEY_plus, 0, "mandelbrot.zoom-in"},
    {GDK_KEY_plus, GDK_SHIFT_MASK, "mandelbrot.zoom-in"}, /* where it is above another sign */
    {GDK_KEY_equal, 0, "mandelbrot.zoom-in"},
    {GDK_KEY_KP_Add, 0, "mandelbrot.zoom-in"},
    {GDK_KEY_minus, 0, "mandelbrot.zoom-out"},
    {GDK_KEY_KP_Subtract, 0, "mandelbrot.zoom-out"},
    {GDK_KEY_0, 0, "mandelbrot.show-whole"},
    {GDK_KEY_KP_0, 0, "mandelbrot.show-whole"},
    {GDK_KEY_Home, 0, "mandelbrot.show-whole"},
    {GDK_KEY_KP_Home, 0, "mandelbrot.show-whole"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_widget_class_add_binding_action (widget_class, keys[i].value, keys[i].modifiers, keys[i].action, NULL);
}

static void
ferry_demo_mandelbrot_page_class_init (FerryDemoMandelbrotPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  static const char *const names[] = {
    "mandelbrot", "empty_box",  "spinner",    "empty_label", "place_label", "end_label",      "magnified_label",
    "open_label", "rate_label", "time_label", "bytes_label", "state_label", "zoom_in_button", NULL,
  };

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_mandelbrot_page_dispose;
  FERRY_DEMO_PAGE_CLASS (klass)->begin = begin;
  FERRY_DEMO_PAGE_CLASS (klass)->try_to_break = try_to_break;
  FERRY_DEMO_PAGE_CLASS (klass)->try_again = try_again;
  FERRY_DEMO_PAGE_CLASS (klass)->is_settled = is_settled;

  g_type_ensure (FERRY_DEMO_TYPE_MANDELBROT);
  ferry_demo_page_class_set_template (klass, "ferry-demo-mandelbrot-page", names);
  gtk_widget_class_install_action (widget_class, "mandelbrot.zoom-in", NULL, zoom_in);
  gtk_widget_class_install_action (widget_class, "mandelbrot.zoom-out", NULL, zoom_out);
  gtk_widget_class_install_action (widget_class, "mandelbrot.show-whole", NULL, show_whole);
  add_keys (widget_class);
}

static void
ferry_demo_mandelbrot_page_init (FerryDemoMandelbrotPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->mandelbrot = ferry_demo_page_get_child (self, "mandelbrot");
  g_signal_connect_object (self->mandelbrot, "moved", G_CALLBACK (show_soon), self, G_CONNECT_SWAPPED);
}
