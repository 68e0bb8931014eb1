/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/fractal/ferry-demo-mandelbrot-page.c, demo-app/fractal/ferry-demo-mandelbrot-tiles.c,
 * demo-app/fractal/worker-mandelbrot.c
 *
 * The page of the Mandelbrot set, and the workers that compute its tiles. */

#include "config.h"

#include "demo-app/fractal/ferry-demo-mandelbrot-page.h"

#include <math.h>
#include <string.h>

#include "demo-app/fractal/ferry-demo-mandelbrot.h"
#include "window-test.h"

/* A place where every point stays for some thousand iterations, and then goes: it takes workers seconds. */
static const FerryDemoMandelbrotView slow = {-0.743643887037151, 0.131825904205330, 1e-12};

/* One with more to do than a worker can have done before it is killed, and that comes to an end all the same. */
static const FerryDemoMandelbrotView busy = {-0.7454, 0.113, 1e-4};

static GtkWidget *
get_page (WindowTest *test)
{
  return GTK_WIDGET (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), "fractal"));
}

static GtkWidget *
get_part (WindowTest *test, const char *name)
{
  return window_test_get_child (test, "fractal", name);
}

static FerryDemoMandelbrot *
get_mandelbrot (WindowTest *test)
{
  return FERRY_DEMO_MANDELBROT (get_part (test, "mandelbrot"));
}

static const char *
get_text (WindowTest *test, const char *name)
{
  return gtk_label_get_text (GTK_LABEL (get_part (test, name)));
}

static FerryDemoMandelbrotTiles *
get_tiles (WindowTest *test)
{
  return ferry_demo_session_get_mandelbrot_tiles (test->session);
}

static FerryDemoMandelbrotFigures
get_figures (WindowTest *test)
{
  return *ferry_demo_mandelbrot_tiles_get_figures (get_tiles (test));
}

static void
activate (WindowTest *test, const char *action)
{
  g_assert_true (gtk_widget_activate_action (get_page (test), action, NULL));
}

/* ---- facts to wait for ---- */

static gboolean
is_complete (gpointer data)
{
  return gtk_widget_get_width (GTK_WIDGET (get_mandelbrot (data))) > 0 &&
         ferry_demo_mandelbrot_is_complete (get_mandelbrot (data)) && get_figures (data).n_open == 0;
}

static gboolean
is_complete_or_failed (gpointer data)
{
  return is_complete (data) || ferry_demo_mandelbrot_tiles_get_failure (get_tiles (data)) != NULL;
}

static void
wait_complete (WindowTest *test)
{
  ferry_test_look_until (is_complete, test);
}

static gboolean
is_busy (gpointer data)
{
  return ferry_test_get_number (ferry_demo_mandelbrot_tiles_get_pool (get_tiles (data)), "n-busy") > 0 &&
         get_figures (data).n_open > 0;
}

typedef struct
{
  WindowTest *test;
  guint64 n_come;
} TileFact;

static gboolean
has_tiles (gpointer data)
{
  const TileFact *fact = data;

  return get_figures (fact->test).n_come >= fact->n_come;
}

static void
wait_more_tiles (WindowTest *test, guint n_more)
{
  TileFact fact = {test, get_figures (test).n_come + n_more};

  ferry_test_look_until (has_tiles, &fact);
}

static gboolean
has_nothing_to_do (gpointer data)
{
  return ferry_test_get_number (ferry_demo_mandelbrot_tiles_get_pool (get_tiles (data)), "n-busy") == 0;
}

static gboolean
has_lost_worker (gpointer data)
{
  return get_figures (data).n_lost > 0;
}

static gboolean
has_failed (gpointer data)
{
  return ferry_demo_mandelbrot_tiles_get_failure (data) != NULL;
}

typedef struct
{
  WindowTest *test;
  const char *part;
  const char *text;
} Fact;

static gboolean
has_text (gpointer data)
{
  const Fact *fact = data;

  return strstr (get_text (fact->test, fact->part), fact->text) != NULL;
}

static void
wait_text (WindowTest *test, const char *part, const char *text)
{
  Fact fact = {test, part, text};

  ferry_test_look_until (has_text, &fact);
}

static gboolean
is_visible (gpointer widget)
{
  return gtk_widget_get_visible (widget);
}

static gboolean
is_sensitive (gpointer widget)
{
  return gtk_widget_is_sensitive (widget);
}

static gboolean
is_revealed (gpointer info_bar)
{
  return gtk_info_bar_get_revealed (info_bar);
}

static void
open_page (WindowTest *test)
{
  window_test_show_page (test, "fractal");
  wait_complete (test);
}

/* As the widget has it. */
static gpointer
find_controller (WindowTest *test, GType type)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (GTK_WIDGET (get_mandelbrot (test)));

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (G_TYPE_CHECK_INSTANCE_TYPE (controller, type))
        return controller;
    }
  g_assert_not_reached ();
}

/* ---- pictures ---- */

static guint32 *
download (GdkTexture *texture, int *width, int *height)
{
  guint32 *pixels;

  *width = gdk_texture_get_width (texture);
  *height = gdk_texture_get_height (texture);
  pixels = g_new0 (guint32, (gsize) *width * (gsize) *height);
  gdk_texture_download (texture, (guchar *) pixels, (gsize) *width * sizeof (guint32));
  return pixels;
}

/* How many pixels of the picture show nothing at all, as it would be drawn now. */
static guint
count_holes (WindowTest *test)
{
  GtkWidget *widget = GTK_WIDGET (get_mandelbrot (test));
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  graphene_rect_t area = GRAPHENE_RECT_INIT (0.0f, 0.0f, 0.0f, 0.0f);
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  g_autofree guint32 *pixels = NULL;
  int width, height;
  guint n_holes = 0;

  area.size.width = (float) gtk_widget_get_width (widget);
  area.size.height = (float) gtk_widget_get_height (widget);
  GTK_WIDGET_GET_CLASS (widget)->snapshot (widget, snapshot);
  node = gtk_snapshot_free_to_node (snapshot);
  g_assert_nonnull (node);
  texture = gsk_renderer_render_texture (gtk_native_get_renderer (gtk_widget_get_native (widget)), node, &area);
  pixels = download (texture, &width, &height);
  for (int i = 0; i < width * height; i++)
    n_holes += pixels[i] >> 24 != 0xff;
  return n_holes;
}

/* ---- tests ---- */

static void
test_first_view_completes (WindowTest *test, gconstpointer data)
{
  g_assert_cmpuint (get_figures (test).n_asked, ==, 0);
  window_test_show_page (test, "fractal");
  g_assert_true (gtk_widget_get_visible (get_part (test, "empty_box")));
  wait_complete (test);
  g_assert_cmpuint (count_holes (test), ==, 0);
  g_assert_cmpuint (get_figures (test).n_come, ==, get_figures (test).n_asked);
  g_assert_cmpuint (get_figures (test).n_cancelled, ==, 0);
  wait_text (test, "open_label", "0");
  wait_text (test, "rate_label", "/s");
  wait_text (test, "magnified_label", "1×");
  g_assert_cmpstr (get_text (test, "place_label"), ==, "-0.75 + 0 i");
  g_assert_false (gtk_widget_get_visible (get_part (test, "empty_box")));
  g_assert_false (gtk_info_bar_get_revealed (GTK_INFO_BAR (get_part (test, "info_bar"))));
  g_assert_false (gtk_widget_get_visible (get_part (test, "end_label")));

  gtk_test_accessible_assert_role (get_mandelbrot (test), GTK_ACCESSIBLE_ROLE_IMG);
  gtk_test_accessible_assert_property (get_mandelbrot (test), GTK_ACCESSIBLE_PROPERTY_LABEL, "The Mandelbrot set");
  gtk_test_accessible_assert_property (get_mandelbrot (test), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "centre -0.75 + 0 i, magnified 1 times");
}

/* To the last pixel of each, so that nothing is turned, or has another's place. */
static void
test_tiles_show_their_part_of_the_plane (WindowTest *test, gconstpointer data)
{
  g_autoptr (GArray) tiles = NULL;

  open_page (test);
  tiles = ferry_demo_mandelbrot_find_tiles (get_mandelbrot (test));
  for (guint i = 0; i < tiles->len; i++)
    {
      const FerryDemoMandelbrotTile *tile = &g_array_index (tiles, FerryDemoMandelbrotTile, i);
      double side = ldexp (4.0, -tile->level), step = side / FERRY_DEMO_MANDELBROT_SIDE;
      guint iterations = ferry_demo_mandelbrot_tile_get_iterations (tile);
      g_autofree guint32 *pixels = NULL;
      int width, height;

      pixels = download (ferry_demo_mandelbrot_tiles_look_up (get_tiles (test), tile), &width, &height);
      g_assert_cmpint (width, ==, FERRY_DEMO_MANDELBROT_SIDE);
      g_assert_cmpint (height, ==, FERRY_DEMO_MANDELBROT_SIDE);
      for (int y = 0; y < height; y += 5)
        for (int x = 0; x < width; x += 5)
          {
            double re = (double) tile->x * side + (x + 0.5) * step, im = (double) -tile->y * side - (y + 0.5) * step;

            g_assert_cmphex (pixels[y * width + x], ==,
                             ferry_demo_mandelbrot_colour (ferry_demo_mandelbrot_escape (re, im, iterations)));
          }
    }
}

static void
test_wheel_keeps_the_point_under_the_pointer (WindowTest *test, gconstpointer data)
{
  static const double notches[] = {-1.0, -6.0, 2.0, -0.1};
  double x = 123.0, y = 234.0, width, height;
  gboolean handled;

  open_page (test);
  width = gtk_widget_get_width (GTK_WIDGET (get_mandelbrot (test)));
  height = gtk_widget_get_height (GTK_WIDGET (get_mandelbrot (test)));
  g_signal_emit_by_name (find_controller (test, GTK_TYPE_EVENT_CONTROLLER_MOTION), "motion", x, y);
  for (guint i = 0; i < G_N_ELEMENTS (notches); i++)
    {
      FerryDemoMandelbrotView before = *ferry_demo_mandelbrot_get_view (get_mandelbrot (test)), after;

      g_signal_emit_by_name (find_controller (test, GTK_TYPE_EVENT_CONTROLLER_SCROLL), "scroll", 0.0, notches[i],
                             &handled);
      g_assert_true (handled);
      after = *ferry_demo_mandelbrot_get_view (get_mandelbrot (test));
      g_assert_cmpfloat_with_epsilon (after.scale, before.scale * exp2 (notches[i] / 3.0), before.scale * 1e-9);
      g_assert_cmpfloat_with_epsilon (before.re + (x - width / 2.0) * before.scale,
                                      after.re + (x - width / 2.0) * after.scale, after.scale * 1e-3);
      g_assert_cmpfloat_with_epsilon (before.im - (y - height / 2.0) * before.scale,
                                      after.im - (y - height / 2.0) * after.scale, after.scale * 1e-3);
    }
  wait_complete (test);
}

static void
test_drag_takes_the_picture_along (WindowTest *test, gconstpointer data)
{
  FerryDemoMandelbrotView before, after;
  gpointer drag;

  open_page (test);
  before = *ferry_demo_mandelbrot_get_view (get_mandelbrot (test));
  drag = find_controller (test, GTK_TYPE_GESTURE_DRAG);
  g_signal_emit_by_name (drag, "drag-begin", 100.0, 100.0);
  g_signal_emit_by_name (drag, "drag-update", 20.0, -10.0);
  g_signal_emit_by_name (drag, "drag-update", 50.0, 30.0);
  g_signal_emit_by_name (drag, "drag-end", 50.0, 30.0);
  after = *ferry_demo_mandelbrot_get_view (get_mandelbrot (test));
  g_assert_cmpfloat_with_epsilon (after.re, before.re - 50.0 * before.scale, 1e-12);
  g_assert_cmpfloat_with_epsilon (after.im, before.im + 30.0 * before.scale, 1e-12);
  g_assert_cmpfloat (after.scale, ==, before.scale);
  wait_complete (test);
}

static guint
count_those_not_in (GArray *tiles, GArray *others)
{
  guint n = 0;

  for (guint i = 0; i < tiles->len; i++)
    {
      gboolean there = FALSE;

      for (guint j = 0; j < others->len && !there; j++)
        there = ferry_demo_mandelbrot_tile_equal (&g_array_index (tiles, FerryDemoMandelbrotTile, i),
                                                  &g_array_index (others, FerryDemoMandelbrotTile, j));
      n += !there;
    }
  return n;
}

static void
test_pan_asks_only_for_what_comes_into_view (WindowTest *test, gconstpointer data)
{
  g_autoptr (GArray) before = NULL;
  g_autoptr (GArray) after = NULL;
  guint64 n_asked;

  open_page (test);
  before = ferry_demo_mandelbrot_find_tiles (get_mandelbrot (test));
  n_asked = get_figures (test).n_asked;

  ferry_demo_mandelbrot_pan (get_mandelbrot (test), -300.0, 0.0);
  after = ferry_demo_mandelbrot_find_tiles (get_mandelbrot (test));
  g_assert_cmpuint (count_those_not_in (after, before), >, 0);
  g_assert_cmpuint (count_those_not_in (after, before), <, after->len);
  g_assert_cmpuint (get_figures (test).n_asked, ==, n_asked + count_those_not_in (after, before));
  wait_complete (test);

  /* What was seen before is there still. */
  n_asked = get_figures (test).n_asked;
  ferry_demo_mandelbrot_pan (get_mandelbrot (test), 300.0, 0.0);
  g_assert_cmpuint (get_figures (test).n_asked, ==, n_asked);
  g_assert_true (ferry_demo_mandelbrot_is_complete (get_mandelbrot (test)));
}

static void
test_nothing_blinks_while_tiles_come (WindowTest *test, gconstpointer data)
{
  open_page (test);
  ferry_demo_mandelbrot_zoom (get_mandelbrot (test), 16.0, 200.0, 200.0);
  g_assert_false (ferry_demo_mandelbrot_is_complete (get_mandelbrot (test)));
  g_assert_cmpuint (count_holes (test), ==, 0);
  wait_complete (test);
  g_assert_cmpuint (count_holes (test), ==, 0);

  /* And what was looked at from near is part of what is seen from further out, where all else has to come. */
  ferry_demo_mandelbrot_tiles_set_max_bytes (get_tiles (test), 0);
  ferry_demo_mandelbrot_zoom (get_mandelbrot (test), 0.5, 200.0, 200.0);
  g_assert_false (ferry_demo_mandelbrot_is_complete (get_mandelbrot (test)));
  g_assert_cmpuint (count_holes (test), >, 0);
  g_assert_cmpuint (count_holes (test), <,
                    gtk_widget_get_width (GTK_WIDGET (get_mandelbrot (test))) *
                      gtk_widget_get_height (GTK_WIDGET (get_mandelbrot (test))) * 4 / 5);
  wait_complete (test);
}

static void
test_tiles_that_are_kept_are_bounded (WindowTest *test, gconstpointer data)
{
  gsize max_bytes = 40 * FERRY_DEMO_MANDELBROT_TILE_SIZE;

  ferry_demo_mandelbrot_tiles_set_max_bytes (get_tiles (test), max_bytes);
  open_page (test);
  for (guint i = 0; i < 4; i++)
    {
      activate (test, "mandelbrot.zoom-in");
      wait_complete (test);
      g_assert_cmpuint (get_figures (test).bytes, <=, max_bytes);
    }

  /* What is seen is kept in any case. */
  ferry_demo_mandelbrot_tiles_set_max_bytes (get_tiles (test), 0);
  g_assert_true (ferry_demo_mandelbrot_is_complete (get_mandelbrot (test)));
  activate (test, "mandelbrot.show-whole");
  wait_complete (test);
}

static void
test_what_goes_out_of_view_is_cancelled (WindowTest *test, gconstpointer data)
{
  guint n_open;

  open_page (test);
  ferry_demo_mandelbrot_show_view (get_mandelbrot (test), &slow);
  ferry_test_look_until (is_busy, test);
  n_open = get_figures (test).n_open;
  activate (test, "mandelbrot.show-whole");
  g_assert_cmpuint (get_figures (test).n_cancelled, ==, n_open);
  /* It was seen before. */
  g_assert_cmpuint (get_figures (test).n_open, ==, 0);
  ferry_test_look_until (has_nothing_to_do, test);
  g_assert_cmpuint (get_figures (test).n_lost, ==, 0);
}

static void
test_leaving_the_page_cancels (WindowTest *test, gconstpointer data)
{
  FerryDemoMandelbrotFigures figures;

  open_page (test);
  ferry_demo_mandelbrot_show_view (get_mandelbrot (test), &slow);
  ferry_test_look_until (is_busy, test);
  window_test_show_page (test, "tasks");
  figures = get_figures (test);
  g_assert_cmpuint (figures.n_open, ==, 0);
  g_assert_cmpuint (figures.n_cancelled, >, 0);
  g_assert_cmpuint (figures.n_cancelled, ==, figures.n_asked - figures.n_come);
  ferry_test_look_until (has_nothing_to_do, test);
  /* Workers left in peace, so they are there for what comes next. */
  g_assert_cmpuint (get_figures (test).n_lost, ==, 0);
  g_assert_cmpuint (get_figures (test).n_come, ==, figures.n_come);

  window_test_show_page (test, "fractal");
  g_assert_cmpuint (get_figures (test).n_open, >, 0);
  activate (test, "mandelbrot.show-whole");
  wait_complete (test);
}

static void
test_killed_worker_leaves_no_hole (WindowTest *test, gconstpointer data)
{
  open_page (test);
  ferry_demo_mandelbrot_show_view (get_mandelbrot (test), &busy);
  /* A worker that has done some is in the middle of the next one. */
  wait_more_tiles (test, 6);
  activate (test, "page.try-to-break");
  ferry_test_look_until (has_lost_worker, test);
  wait_text (test, "info_label", "signal 9");
  g_assert_true (gtk_info_bar_get_revealed (GTK_INFO_BAR (get_part (test, "info_bar"))));
  g_assert_cmpint (gtk_info_bar_get_message_type (GTK_INFO_BAR (get_part (test, "info_bar"))), ==, GTK_MESSAGE_WARNING);
  ferry_test_look_until (is_complete_or_failed, test);
  g_assert_cmpstr (ferry_demo_mandelbrot_tiles_get_failure (get_tiles (test)), ==, NULL);
  g_assert_cmpuint (count_holes (test), ==, 0);
  g_assert_cmpuint (get_figures (test).n_lost, ==, 1);
}

static void
test_zoom_ends_and_the_page_says_so (WindowTest *test, gconstpointer data)
{
  open_page (test);
  for (guint i = 0; !ferry_demo_mandelbrot_is_at_end (get_mandelbrot (test)); i++)
    {
      g_assert_cmpuint (i, <, 60);
      activate (test, "mandelbrot.zoom-in");
    }
  ferry_test_look_until (is_visible, get_part (test, "end_label"));
  g_assert_cmpfloat (ferry_demo_mandelbrot_get_magnification (get_mandelbrot (test)), >, 1e11);
  g_assert_false (gtk_widget_is_sensitive (get_part (test, "zoom_in_button")));
  wait_complete (test);
  activate (test, "mandelbrot.zoom-out");
  g_assert_false (ferry_demo_mandelbrot_is_at_end (get_mandelbrot (test)));
  wait_complete (test);
  ferry_test_look_until (is_sensitive, get_part (test, "zoom_in_button"));
}

/* One page of a window of its own, with a program that is not there. */
static void
test_worker_that_is_missing_is_told (void)
{
  g_autoptr (FerryDemoSession) session = NULL;
  WindowTest test = {NULL};

  if (!demo_test_has_display ())
    return;
  session = ferry_demo_session_new ("/nonexistent/worker", 1);
  test.session = session;
  g_assert_true (ferry_demo_session_start (session, NULL));
  test.window = ferry_demo_window_new (NULL, session);
  gtk_window_present (GTK_WINDOW (test.window));
  window_test_show_page (&test, "fractal");
  for (guint i = 0; i < 2; i++)
    {
      ferry_test_look_until (has_failed, get_tiles (&test));
      wait_text (&test, "info_label", "/nonexistent/worker");
      ferry_test_look_until (is_revealed, get_part (&test, "info_bar"));
      wait_text (&test, "empty_label", "There is no worker");
      g_assert_cmpint (gtk_info_bar_get_message_type (GTK_INFO_BAR (get_part (&test, "info_bar"))), ==,
                       GTK_MESSAGE_ERROR);
      g_assert_cmpuint (get_figures (&test).n_open, ==, 0);
      activate (&test, "page.try-again");
    }
  gtk_window_destroy (GTK_WINDOW (test.window));
  ferry_demo_session_stop (session);
}

int
main (int argc, char **argv)
{
  window_test_init (&argc, &argv);
  window_test_add ("/mandelbrot-page/first-view-completes", test_first_view_completes);
  window_test_add ("/mandelbrot-page/tiles-show-their-part-of-the-plane", test_tiles_show_their_part_of_the_plane);
  window_test_add ("/mandelbrot-page/wheel-keeps-the-point-under-the-pointer",
                   test_wheel_keeps_the_point_under_the_pointer);
  window_test_add ("/mandelbrot-page/drag-takes-the-picture-along", test_drag_takes_the_picture_along);
  window_test_add ("/mandelbrot-page/pan-asks-only-for-what-comes-into-view",
                   test_pan_asks_only_for_what_comes_into_view);
  window_test_add ("/mandelbrot-page/nothing-blinks-while-tiles-come", test_nothing_blinks_while_tiles_come);
  window_test_add ("/mandelbrot-page/tiles-that-are-kept-are-bounded", test_tiles_that_are_kept_are_bounded);
  window_test_add ("/mandelbrot-page/what-goes-out-of-view-is-cancelled", test_what_goes_out_of_view_is_cancelled);
  window_test_add ("/mandelbrot-page/leaving-the-page-cancels", test_leaving_the_page_cancels);
  window_test_add ("/mandelbrot-page/killed-worker-leaves-no-hole", test_killed_worker_leaves_no_hole);
  window_test_add ("/mandelbrot-page/zoom-ends-and-the-page-says-so", test_zoom_ends_and_the_page_says_so);
  g_test_add_func ("/mandelbrot-page/worker-that-is-missing-is-told", test_worker_that_is_missing_is_told);
  return g_test_run ();
}
