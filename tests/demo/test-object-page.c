/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/object/ferry-demo-object-page.c, demo-app/object/worker-heat.c
 *
 * The page of the object that lives in a worker. */

#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "demo-app/object/ferry-demo-heat.h"
#include "window-test.h"

static GtkWidget *
get_page (WindowTest *test)
{
  return ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), "object");
}

static GtkWidget *
get_part (WindowTest *test, const char *name)
{
  return window_test_get_child (test, "object", name);
}

static const char *
get_figures (WindowTest *test)
{
  return gtk_label_get_text (GTK_LABEL (get_part (test, "figures_label")));
}

static const char *
get_state (WindowTest *test)
{
  return gtk_label_get_text (GTK_LABEL (get_part (test, "state_label")));
}

static gboolean
runs (WindowTest *test)
{
  return gtk_switch_get_active (GTK_SWITCH (get_part (test, "running_switch")));
}

static void
set_running (WindowTest *test, gboolean running)
{
  gtk_switch_set_active (GTK_SWITCH (get_part (test, "running_switch")), running);
}

static GtkAdjustment *
get_adjustment (WindowTest *test, const char *title)
{
  GtkWidget *label = widget_test_find_words (get_part (test, "settings"), title);

  return gtk_range_get_adjustment (GTK_RANGE (gtk_widget_get_next_sibling (label)));
}

/* What the page's picture is. */
static GdkPaintable *
get_paintable (WindowTest *test)
{
  return gtk_picture_get_paintable (GTK_PICTURE (get_part (test, "plate")));
}

static void
activate (WindowTest *test, const char *action)
{
  g_assert_true (gtk_widget_activate_action (get_page (test), action, NULL));
}

/* ---- facts to wait for ---- */

typedef struct
{
  WindowTest *test;
  const char *words;
  GdkPaintable *before;
} Fact;

static gboolean
has_figures (gpointer data)
{
  const Fact *fact = data;

  return strstr (get_figures (fact->test), fact->words) != NULL;
}

static gboolean
has_state (gpointer data)
{
  const Fact *fact = data;

  return strstr (get_state (fact->test), fact->words) != NULL;
}

static gboolean
has_another_picture (gpointer data)
{
  const Fact *fact = data;

  return get_paintable (fact->test) != fact->before;
}

static void
wait_figures (WindowTest *test, const char *words)
{
  Fact fact = {.test = test, .words = words};

  ferry_test_look_until (has_figures, &fact);
}

static void
wait_state (WindowTest *test, const char *words)
{
  Fact fact = {.test = test, .words = words};

  ferry_test_look_until (has_state, &fact);
}

static void
wait_log (WindowTest *test, const char *words)
{
  window_test_wait_words (get_part (test, "log_list"), words);
}

static void
wait_pictures (WindowTest *test, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GdkPaintable) before = g_object_ref (get_paintable (test));
      Fact fact = {.test = test, .before = before};

      ferry_test_look_until (has_another_picture, &fact);
    }
}

static int
get_pid (WindowTest *test)
{
  int pid = 0;

  g_assert_cmpint (sscanf (get_state (test), "It lives in process %d.", &pid), ==, 1);
  return pid;
}

static gboolean
stands_still (gpointer test)
{
  return !runs (test);
}

static gboolean
goes_on (gpointer test)
{
  return runs (test);
}

/* A plate that stands still, at the ambient temperature. */
static void
go_live (WindowTest *test)
{
  window_test_show_page (test, "object");
  wait_state (test, "It lives in process");
  ferry_test_look_until (goes_on, test);
  set_running (test, FALSE);
  wait_log (test, "Stopped");
  activate (test, "object.reset");
  wait_figures (test, "0.0\u00a0s in 0 steps, 0 heat sources");
}

/* ---- tests ---- */

static void
test_goes_live_when_it_is_seen (WindowTest *test, gconstpointer data)
{
  g_assert_cmpint (demo_test_count_workers (), ==, 0);
  window_test_show_page (test, "object");
  g_assert_cmpstr (get_state (test), ==, "Connecting…");
  g_assert_false (gtk_widget_is_sensitive (get_part (test, "settings")));
  wait_state (test, "It lives in process");
  g_assert_true (gtk_widget_is_sensitive (get_part (test, "settings")));
  g_assert_cmpint (get_pid (test), >, 0);
  wait_pictures (test, 1);
  g_assert_cmpint (gdk_paintable_get_intrinsic_width (get_paintable (test)), ==, FERRY_DEMO_HEAT_WIDTH);
}

/* Time goes on while it is seen, and a plate that is not seen costs nothing. */
static void
test_time_goes_on_while_it_is_seen (WindowTest *test, gconstpointer data)
{
  window_test_show_page (test, "object");
  ferry_test_look_until (goes_on, test);
  wait_figures (test, "2 heat sources");
  wait_pictures (test, 5);
  window_test_show_page (test, "tasks");
  ferry_test_look_until (stands_still, test);
  window_test_show_page (test, "object");
  ferry_test_look_until (goes_on, test);
  wait_pictures (test, 5);
  /* What the user has stopped stays so. */
  set_running (test, FALSE);
  wait_log (test, "Stopped");
  window_test_show_page (test, "tasks");
  window_test_show_page (test, "object");
  activate (test, "object.reset");
  wait_figures (test, "0.0\u00a0s in 0 steps");
  g_assert_false (runs (test));
}

static void
count_cb (guint *count)
{
  ++*count;
}

static void
test_slider_is_not_echoed (WindowTest *test, gconstpointer data)
{
  GtkAdjustment *adjustment;
  GListModel *log;
  guint n_moves = 0, n_rows;

  go_live (test);
  adjustment = get_adjustment (test, "Conductivity");
  log = G_LIST_MODEL (gtk_widget_get_template_child (get_page (test), G_OBJECT_TYPE (get_page (test)), "log_model"));
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 200.0);
  g_signal_connect_swapped (adjustment, "value-changed", G_CALLBACK (count_cb), &n_moves);
  wait_log (test, "Reset");
  n_rows = g_list_model_get_n_items (log);

  gtk_adjustment_set_value (adjustment, 321.0);
  /* That the worker has it, its log says; and with the steps of a later call all is there that came before. */
  wait_log (test, "Conductivity 321 W/(m·K)");
  activate (test, "object.step");
  wait_figures (test, "in 100 steps");
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 321.0);
  g_assert_cmpuint (n_moves, ==, 1);
  /* Had it been set twice, the worker would say it in another row. */
  g_assert_cmpuint (g_list_model_get_n_items (log), ==, n_rows + 1);
  g_signal_handlers_disconnect_by_data (adjustment, &n_moves);
}

/* The last position of a slider that is drawn is the one that both ends have. */
static void
test_drawn_slider_ends_where_it_is (WindowTest *test, gconstpointer data)
{
  GtkAdjustment *adjustment;

  go_live (test);
  adjustment = get_adjustment (test, "Speed");
  for (double speed = 10.0; speed <= 2000.0; speed += 10.0)
    {
      gtk_adjustment_set_value (adjustment, speed);
      g_main_context_iteration (NULL, FALSE);
    }
  wait_log (test, "2000 steps a second");
  activate (test, "object.step");
  wait_figures (test, "in 100 steps");
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 2000.0);
}

/* The gesture is emitted at a place: that of the picture, which is in the middle of the widget. */
static void
test_click_adds_heat_source (WindowTest *test, gconstpointer data)
{
  GtkWidget *plate = get_part (test, "plate");
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (plate);
  double width, height, side;

  go_live (test);
  width = gtk_widget_get_width (plate);
  height = gtk_widget_get_height (plate);
  side = MIN (width, height * FERRY_DEMO_HEAT_WIDTH / FERRY_DEMO_HEAT_HEIGHT);
  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_GESTURE_CLICK (controller))
        g_signal_emit_by_name (controller, "pressed", 1, width / 2.0 - side / 4.0 + 0.1, height / 2.0 + 0.1);
    }
  wait_log (test, "Heat source at 64 mm, 80 mm");
  wait_figures (test, "1 heat source");
  wait_figures (test, "hottest 20.0\u00a0°C");
  activate (test, "object.step");
  wait_figures (test, "in 100 steps");
  g_assert_null (strstr (get_figures (test), "hottest 20.0\u00a0°C"));
  activate (test, "object.reset");
  wait_figures (test, "0 heat sources");
  wait_figures (test, "hottest 20.0\u00a0°C");
}

static void
test_refusal_is_shown (WindowTest *test, gconstpointer data)
{
  go_live (test);
  for (guint i = 0; i <= FERRY_DEMO_HEAT_MAX_SOURCES; i++)
    activate (test, "object.add-source");
  window_test_wait_words (test->window, "The plate has room for 64 heat sources");
  g_assert_cmpint (get_pid (test), >, 0);
}

static gboolean
has_first_power (gpointer adjustment)
{
  return G_APPROX_VALUE (gtk_adjustment_get_value (adjustment), 25.0, 0.01);
}

static void
test_killed_worker_is_followed_by_another (WindowTest *test, gconstpointer data)
{
  GtkAdjustment *adjustment;
  int first;

  go_live (test);
  adjustment = get_adjustment (test, "Power");
  gtk_adjustment_set_value (adjustment, 77.0);
  activate (test, "object.step");
  wait_figures (test, "in 100 steps");
  first = get_pid (test);

  activate (test, "object.kill");
  wait_state (test, "Stopped.");
  wait_state (test, " failed with it.");
  demo_test_wait_workers (0);
  g_assert_false (gtk_widget_is_sensitive (get_part (test, "settings")));
  g_assert_false (gtk_widget_is_sensitive (get_part (test, "plate")));
  g_assert_true (gtk_widget_get_mapped (get_part (test, "again_button")));
  /* What was learned of it stays to be read. */
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 77.0);
  g_assert_nonnull (strstr (get_figures (test), "in 100 steps"));

  activate (test, "object.start");
  wait_state (test, "It lives in process");
  g_assert_cmpint (get_pid (test), !=, first);
  g_assert_true (gtk_widget_is_sensitive (get_part (test, "settings")));
  g_assert_false (gtk_widget_get_mapped (get_part (test, "again_button")));
  /* The replica of the first worker's plate is that of the second one's now. */
  ferry_test_look_until (has_first_power, adjustment);
  ferry_test_look_until (goes_on, test);
  wait_figures (test, "2 heat sources");
  wait_pictures (test, 5);
  wait_log (test, "Started");
}

/* By other code, and with a page that is not seen. */
static void
test_end_is_heard_behind_another_page (WindowTest *test, gconstpointer data)
{
  go_live (test);
  window_test_show_page (test, "tasks");
  ferry_test_kill (get_pid (test), SIGTERM);
  wait_state (test, "Stopped.");
  window_test_show_page (test, "object");
  g_assert_cmpint (demo_test_count_workers (), ==, 0);
  activate (test, "object.start");
  wait_state (test, "It lives in process");
}

/* How light the left end of the scale under the plate is, and the right one; NULL as long as it is not drawn. */
static guint32 *
draw_scale (GtkWidget *scale, int *width)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (scale);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  guint32 *pixels;

  gdk_paintable_snapshot (paintable, snapshot, gtk_widget_get_width (scale), gtk_widget_get_height (scale));
  node = gtk_snapshot_free_to_node (snapshot);
  if (node == NULL)
    return NULL;
  texture = gsk_renderer_render_texture (gtk_native_get_renderer (gtk_widget_get_native (scale)), node, NULL);
  *width = gdk_texture_get_width (texture);
  pixels = g_new0 (guint32, (gsize) *width * (gsize) gdk_texture_get_height (texture));
  gdk_texture_download (texture, (guchar *) pixels, (gsize) *width * sizeof (guint32));
  return pixels;
}

static guint
get_lightness (guint32 pixel)
{
  return (pixel & 0xff) + (pixel >> 8 & 0xff) + (pixel >> 16 & 0xff);
}

/* Whether the dark end of the scale is where the number of black stands. */
static gboolean
scale_fits_its_numbers (gpointer black_label)
{
  GtkWidget *scale = gtk_widget_get_next_sibling (black_label);
  int width = 0;
  g_autofree guint32 *pixels = draw_scale (scale, &width);
  guint left, right;
  double x;

  if (pixels == NULL || width < 20)
    return FALSE;
  left = get_lightness (pixels[width + 8]);
  right = get_lightness (pixels[2 * width - 8]);
  gtk_widget_translate_coordinates (black_label, scale, 0.0, 0.0, &x, NULL);
  return x < 0 ? left < right : left > right;
}

static gboolean
stands_on_the_right (gpointer black_label)
{
  double x;

  gtk_widget_translate_coordinates (black_label, gtk_widget_get_next_sibling (black_label), 0.0, 0.0, &x, NULL);
  return x > 0;
}

static void
test_scale_is_mirrored_with_its_numbers (WindowTest *test, gconstpointer data)
{
  GtkWidget *label;

  go_live (test);
  label = get_part (test, "black_label");
  ferry_test_look_until (scale_fits_its_numbers, label);
  g_assert_false (stands_on_the_right (label));
  gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  ferry_test_look_until (stands_on_the_right, label);
  ferry_test_look_until (scale_fits_its_numbers, label);
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
}

static void
see_program_that_is_missing (WindowTest *test, gconstpointer data)
{
  window_test_show_page (test, "object");
  for (guint i = 0; i < 2; i++)
    {
      wait_state (test, "Could not be started.");
      activate (test, "object.start");
    }
}

static void
test_program_that_is_missing_is_told (void)
{
  g_autofree char *before = g_strdup (g_getenv ("FERRY_DEMO_WORKER"));

  g_setenv ("FERRY_DEMO_WORKER", "/nonexistent/worker", TRUE);
  window_test_run (see_program_that_is_missing);
  g_setenv ("FERRY_DEMO_WORKER", before, TRUE);
}

int
main (int argc, char **argv)
{
  window_test_init (&argc, &argv);
  window_test_add ("/object-page/goes-live-when-it-is-seen", test_goes_live_when_it_is_seen);
  window_test_add ("/object-page/time-goes-on-while-it-is-seen", test_time_goes_on_while_it_is_seen);
  window_test_add ("/object-page/slider-is-not-echoed", test_slider_is_not_echoed);
  window_test_add ("/object-page/drawn-slider-ends-where-it-is", test_drawn_slider_ends_where_it_is);
  window_test_add ("/object-page/click-adds-heat-source", test_click_adds_heat_source);
  window_test_add ("/object-page/scale-is-mirrored-with-its-numbers", test_scale_is_mirrored_with_its_numbers);
  window_test_add ("/object-page/refusal-is-shown", test_refusal_is_shown);
  window_test_add ("/object-page/killed-worker-is-followed-by-another", test_killed_worker_is_followed_by_another);
  window_test_add ("/object-page/end-is-heard-behind-another-page", test_end_is_heard_behind_another_page);
  g_test_add_func ("/object-page/program-that-is-missing-is-told", test_program_that_is_missing_is_told);
  return demo_test_run_all ();
}
