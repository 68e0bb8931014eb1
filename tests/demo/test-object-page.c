/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/object/ferry-demo-object-page.c, demo-app/object/ferry-demo-object.c,
 * demo-app/object/ferry-demo-plate.c, demo-app/object/worker-heat.c
 *
 * The page of the object that lives in a worker. */

#include "config.h"

#include "demo-app/object/ferry-demo-object-page.h"

#include <signal.h>
#include <string.h>

#include "demo-app/object/ferry-demo-heat.h"
#include "demo-app/object/ferry-demo-plate.h"
#include "window-test.h"

static GtkWidget *
get_page (WindowTest *test)
{
  return GTK_WIDGET (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), "object"));
}

static GtkWidget *
get_part (WindowTest *test, const char *name)
{
  return window_test_get_child (test, "object", name);
}

static const char *
get_text (WindowTest *test, const char *name)
{
  return gtk_label_get_text (GTK_LABEL (get_part (test, name)));
}

static FerryDemoObject *
get_object (WindowTest *test)
{
  return ferry_demo_session_get_object (test->session);
}

static guint
get_n_pictures (WindowTest *test)
{
  return ferry_demo_object_page_get_n_pictures (FERRY_DEMO_OBJECT_PAGE (get_page (test)));
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
  FerryDemoObjectState state;
  guint n_pictures;
  guint64 n_steps;
  const char *part;
  const char *text;
} Fact;

static gboolean
has_state (gpointer data)
{
  const Fact *fact = data;

  return ferry_demo_object_get_state (get_object (fact->test)) == fact->state;
}

static gboolean
has_pictures (gpointer data)
{
  const Fact *fact = data;

  return get_n_pictures (fact->test) >= fact->n_pictures;
}

static gboolean
has_text (gpointer data)
{
  const Fact *fact = data;

  return strstr (get_text (fact->test, fact->part), fact->text) != NULL;
}

static void
wait_state (WindowTest *test, FerryDemoObjectState state)
{
  Fact fact = {.test = test, .state = state};

  ferry_test_look_until (has_state, &fact);
}

static void
wait_more_pictures (WindowTest *test, guint n_more)
{
  Fact fact = {.test = test, .n_pictures = get_n_pictures (test) + n_more};

  ferry_test_look_until (has_pictures, &fact);
}

static guint64
get_steps (WindowTest *test)
{
  guint64 steps;

  g_object_get (ferry_demo_object_get_replica (get_object (test)), "steps", &steps, NULL);
  return steps;
}

static gboolean
has_steps (gpointer data)
{
  const Fact *fact = data;

  return get_steps (fact->test) >= fact->n_steps;
}

static void
wait_more_steps (WindowTest *test, guint n_more)
{
  Fact fact = {.test = test, .n_steps = get_steps (test) + n_more};

  ferry_test_look_until (has_steps, &fact);
}

static void
wait_text (WindowTest *test, const char *part, const char *text)
{
  Fact fact = {.test = test, .part = part, .text = text};

  ferry_test_look_until (has_text, &fact);
}

#define TALL 400

static gboolean
is_tall (gpointer widget)
{
  return gtk_widget_get_height (widget) >= TALL;
}

static void
go_live (WindowTest *test)
{
  ferry_demo_object_page_set_follows (FERRY_DEMO_OBJECT_PAGE (get_page (test)), FALSE);
  window_test_show_page (test, "object");
  wait_state (test, FERRY_DEMO_OBJECT_STATE_LIVE);
}

/* ---- tests ---- */

static void
test_goes_live_when_it_is_seen (WindowTest *test, gconstpointer data)
{
  g_assert_cmpint (ferry_demo_object_get_state (get_object (test)), ==, FERRY_DEMO_OBJECT_STATE_OFF);
  ferry_demo_object_page_set_follows (FERRY_DEMO_OBJECT_PAGE (get_page (test)), FALSE);
  window_test_show_page (test, "object");
  g_assert_cmpint (ferry_demo_object_get_state (get_object (test)), ==, FERRY_DEMO_OBJECT_STATE_CONNECTING);
  g_assert_cmpstr (get_text (test, "state_label"), ==, "Connecting…");
  g_assert_false (gtk_widget_is_sensitive (get_part (test, "controls")));
  wait_state (test, FERRY_DEMO_OBJECT_STATE_LIVE);
  g_assert_true (g_str_has_prefix (get_text (test, "state_label"), "Live in process "));
  g_assert_true (gtk_widget_is_sensitive (get_part (test, "controls")));
  g_assert_cmpint (ferry_demo_object_get_pid (get_object (test)), >, 0);

  /* One, of a plate that stands still. */
  wait_more_pictures (test, 1);
  g_assert_cmpint (
    gdk_paintable_get_intrinsic_width (ferry_demo_plate_get_paintable (FERRY_DEMO_PLATE (get_part (test, "plate")))),
    ==, FERRY_DEMO_HEAT_WIDTH);
  g_assert_false (gtk_info_bar_get_revealed (GTK_INFO_BAR (get_part (test, "info_bar"))));
}

static void
test_pictures_come_while_it_runs (WindowTest *test, gconstpointer data)
{
  guint n_pictures;

  go_live (test);
  g_assert_false (gtk_switch_get_active (GTK_SWITCH (get_part (test, "running_switch"))));
  activate (test, "object.start-or-stop");
  wait_more_pictures (test, 20);
  g_assert_true (gtk_switch_get_active (GTK_SWITCH (get_part (test, "running_switch"))));
  g_assert_cmpstr (gtk_button_get_label (GTK_BUTTON (get_part (test, "start_button"))), ==, "_Stop");
  g_assert_cmpuint (get_steps (test), >, 0);
  g_assert_cmpstr (get_text (test, "steps_label"), !=, "0");

  /* The switch is the same property, from the other side; a plate that stands still costs no frames. */
  gtk_switch_set_active (GTK_SWITCH (get_part (test, "running_switch")), FALSE);
  wait_text (test, "rate_label", "–");
  window_test_wait_words (get_part (test, "log_list"), "Stopped");
  g_assert_cmpstr (gtk_button_get_label (GTK_BUTTON (get_part (test, "start_button"))), ==, "_Start");

  /* A page that is not seen asks for nothing. */
  activate (test, "object.start-or-stop");
  wait_more_pictures (test, 1);
  window_test_show_page (test, "tasks");
  wait_more_steps (test, 300);
  n_pictures = get_n_pictures (test);
  wait_more_steps (test, 300);
  g_assert_cmpuint (get_n_pictures (test), ==, n_pictures);
  window_test_show_page (test, "object");
  wait_more_pictures (test, 2);
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
  FerryDemoHeatReplica *replica;
  guint n_moves = 0, n_notifies = 0;
  double conductivity;

  go_live (test);
  adjustment = gtk_range_get_adjustment (GTK_RANGE (get_part (test, "conductivity_scale")));
  replica = ferry_demo_object_get_replica (get_object (test));
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, FERRY_DEMO_HEAT_CONDUCTIVITY);
  g_signal_connect_swapped (adjustment, "value-changed", G_CALLBACK (count_cb), &n_moves);
  g_signal_connect_swapped (replica, "notify::conductivity", G_CALLBACK (count_cb), &n_notifies);

  gtk_adjustment_set_value (adjustment, 321.0);
  /* That the worker has it, its log says; and with the steps of a later call all is there that came before. */
  window_test_wait_words (get_part (test, "log_list"), "Conductivity 321 W/(m·K)");
  activate (test, "object.step");
  wait_text (test, "steps_label", "100");
  g_object_get (replica, "conductivity", &conductivity, NULL);
  g_assert_cmpfloat (conductivity, ==, 321.0);
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 321.0);
  g_assert_cmpuint (n_moves, ==, 1);
  g_assert_cmpuint (n_notifies, ==, 1);
  /* What the worker tells is not set at the worker: it would refuse steps. */
  g_assert_false (gtk_info_bar_get_revealed (GTK_INFO_BAR (get_part (test, "info_bar"))));
  /* Had it been set twice, the worker would say it in another row. */
  g_assert_cmpuint (g_list_model_get_n_items (ferry_demo_object_get_log (get_object (test))), ==, 1);
  g_signal_handlers_disconnect_by_data (adjustment, &n_moves);
  g_signal_handlers_disconnect_by_data (replica, &n_notifies);
}

/* The last position of a slider that is drawn is the one that both ends have. */
static void
test_drawn_slider_ends_where_it_is (WindowTest *test, gconstpointer data)
{
  GtkAdjustment *adjustment;

  go_live (test);
  adjustment = gtk_range_get_adjustment (GTK_RANGE (get_part (test, "speed_scale")));
  for (double speed = FERRY_DEMO_HEAT_SPEED_MIN; speed <= FERRY_DEMO_HEAT_SPEED_MAX; speed += 10.0)
    {
      gtk_adjustment_set_value (adjustment, speed);
      g_main_context_iteration (NULL, FALSE);
    }
  window_test_wait_words (get_part (test, "log_list"), "2000 steps a second");
  activate (test, "object.step");
  wait_text (test, "steps_label", "100");
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, FERRY_DEMO_HEAT_SPEED_MAX);
}

static gboolean
is_warm (gpointer data)
{
  return !g_str_equal (get_text (data, "max_label"), "20.0 °C");
}

static void
test_click_adds_heat_source (WindowTest *test, gconstpointer data)
{
  FerryDemoPlate *plate;
  double width, height;
  guint column, row;

  go_live (test);
  wait_more_pictures (test, 1);
  plate = FERRY_DEMO_PLATE (get_part (test, "plate"));
  /* So that there is something above the picture, and below. */
  gtk_widget_set_size_request (GTK_WIDGET (plate), -1, TALL);
  ferry_test_look_until (is_tall, plate);
  width = gtk_widget_get_width (GTK_WIDGET (plate));
  height = gtk_widget_get_height (GTK_WIDGET (plate));
  g_assert_true (ferry_demo_plate_find_place (plate, width / 2.0, height / 2.0, &column, &row));
  g_assert_cmpuint (column, ==, FERRY_DEMO_HEAT_WIDTH / 2);
  g_assert_cmpuint (row, ==, FERRY_DEMO_HEAT_HEIGHT / 2);
  g_assert_cmpfloat (width * FERRY_DEMO_HEAT_HEIGHT / FERRY_DEMO_HEAT_WIDTH, <, height - 20.0);
  g_assert_false (ferry_demo_plate_find_place (plate, width / 2.0, 5.0, &column, &row));
  g_assert_false (ferry_demo_plate_find_place (plate, width / 2.0, height - 5.0, &column, &row));
  g_assert_false (ferry_demo_plate_find_place (plate, -1.0, height / 2.0, &column, &row));
  g_assert_false (ferry_demo_plate_find_place (plate, width + 1.0, height / 2.0, &column, &row));

  g_signal_emit_by_name (plate, "place-chosen", 12, 34);
  window_test_wait_words (get_part (test, "log_list"), "Heat source at 12 mm, 34 mm");
  wait_text (test, "sources_label", "1");
  g_assert_cmpstr (get_text (test, "max_label"), ==, "20.0 °C");
  activate (test, "object.step");
  ferry_test_look_until (is_warm, test);
  activate (test, "object.reset");
  wait_text (test, "sources_label", "0");
  wait_text (test, "max_label", "20.0 °C");
}

static void
test_refusal_is_shown (WindowTest *test, gconstpointer data)
{
  go_live (test);
  for (guint i = 0; i <= FERRY_DEMO_HEAT_MAX_SOURCES; i++)
    activate (test, "object.add-source");
  wait_text (test, "info_label", "The plate has room for 64 heat sources");
  g_assert_true (gtk_info_bar_get_revealed (GTK_INFO_BAR (get_part (test, "info_bar"))));
  g_assert_cmpint (ferry_demo_object_get_state (get_object (test)), ==, FERRY_DEMO_OBJECT_STATE_LIVE);
  g_assert_cmpint (gtk_info_bar_get_message_type (GTK_INFO_BAR (get_part (test, "info_bar"))), ==, GTK_MESSAGE_WARNING);
}

/* A figure that is the worker's alone. */
static void
test_refused_property_is_set_back (WindowTest *test, gconstpointer data)
{
  go_live (test);
  activate (test, "object.step");
  wait_text (test, "steps_label", "100");
  g_object_set (ferry_demo_object_get_replica (get_object (test)), "steps", G_GUINT64_CONSTANT (12345), NULL);
  g_assert_cmpstr (get_text (test, "steps_label"), ==, "12,345");
  wait_text (test, "steps_label", "100");
  wait_text (test, "info_label", "steps");
  g_assert_true (gtk_info_bar_get_revealed (GTK_INFO_BAR (get_part (test, "info_bar"))));
}

static void
assert_lost (WindowTest *test, const char *reason)
{
  wait_state (test, FERRY_DEMO_OBJECT_STATE_LOST);
  g_assert_cmpstr (get_text (test, "state_label"), ==, "Lost");
  g_assert_nonnull (strstr (get_text (test, "info_label"), reason));
  g_assert_true (gtk_info_bar_get_revealed (GTK_INFO_BAR (get_part (test, "info_bar"))));
  g_assert_cmpint (gtk_info_bar_get_message_type (GTK_INFO_BAR (get_part (test, "info_bar"))), ==, GTK_MESSAGE_ERROR);
  g_assert_false (gtk_widget_is_sensitive (get_part (test, "controls")));
  g_assert_false (gtk_widget_is_sensitive (get_part (test, "start_button")));
  g_assert_false (gtk_widget_is_sensitive (get_part (test, "plate")));
}

static gboolean
has_first_power (gpointer data)
{
  return G_APPROX_VALUE (gtk_adjustment_get_value (data), FERRY_DEMO_HEAT_POWER, 0.01);
}

static void
test_killed_worker_is_followed_by_another (WindowTest *test, gconstpointer data)
{
  GtkAdjustment *adjustment;
  GPid first;

  go_live (test);
  adjustment = gtk_range_get_adjustment (GTK_RANGE (get_part (test, "power_scale")));
  gtk_adjustment_set_value (adjustment, 77.0);
  activate (test, "object.start-or-stop");
  wait_more_pictures (test, 5);
  first = ferry_demo_object_get_pid (get_object (test));

  activate (test, "page.try-to-break");
  assert_lost (test, "signal 9");
  wait_text (test, "info_label", " failed with it.");
  g_assert_cmpuint (ferry_demo_object_get_n_failed (get_object (test)), >, 0);
  demo_test_wait_workers (0);
  /* What was learned of it stays to be read. */
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 77.0);
  g_assert_cmpstr (get_text (test, "steps_label"), !=, "0");

  activate (test, "page.try-again");
  wait_state (test, FERRY_DEMO_OBJECT_STATE_LIVE);
  g_assert_false (gtk_info_bar_get_revealed (GTK_INFO_BAR (get_part (test, "info_bar"))));
  g_assert_cmpint (ferry_demo_object_get_pid (get_object (test)), !=, first);
  g_assert_cmpuint (ferry_demo_object_get_n_failed (get_object (test)), ==, 0);
  g_assert_true (gtk_widget_is_sensitive (get_part (test, "controls")));
  wait_more_pictures (test, 1);
  wait_text (test, "steps_label", "0");
  /* The replica of the first worker's plate is that of the second one's now. */
  ferry_test_look_until (has_first_power, adjustment);
  activate (test, "object.start-or-stop");
  wait_more_pictures (test, 5);
  window_test_wait_words (get_part (test, "log_list"), "Started");
}

/* By other code, and with a page that is not seen. */
static void
test_end_is_heard_behind_another_page (WindowTest *test, gconstpointer data)
{
  go_live (test);
  window_test_show_page (test, "tasks");
  ferry_test_kill (ferry_demo_object_get_pid (get_object (test)), SIGTERM);
  assert_lost (test, "signal 15");
  window_test_show_page (test, "object");
  g_assert_cmpint (ferry_demo_object_get_state (get_object (test)), ==, FERRY_DEMO_OBJECT_STATE_LOST);
  activate (test, "page.try-again");
  wait_state (test, FERRY_DEMO_OBJECT_STATE_LIVE);
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

static gboolean
is_lost (gpointer object)
{
  return ferry_demo_object_get_state (object) == FERRY_DEMO_OBJECT_STATE_LOST;
}

static void
test_program_that_is_missing_is_told (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  g_autoptr (FerryDemoObject) object = ferry_demo_object_new (router, "/nonexistent/worker");

  g_assert_true (ferry_router_start (router, NULL));
  for (guint i = 0; i < 2; i++)
    {
      ferry_demo_object_start (object);
      ferry_test_look_until (is_lost, object);
      g_assert_nonnull (strstr (ferry_demo_object_get_reason (object), "/nonexistent/worker"));
      g_assert_cmpint (ferry_demo_object_get_pid (object), ==, -1);
    }
  ferry_demo_object_stop (object);
  g_assert_true (ferry_router_stop (router, NULL));
}

static gboolean
is_cancelled (FerryTask *task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_CANCELLING ||
         ferry_task_get_state (task) == FERRY_TASK_STATE_CANCELLED;
}

static gboolean
is_mapped (gpointer widget)
{
  return gtk_widget_get_mapped (widget);
}

static void
test_pages_have_their_own_buttons (WindowTest *test, gconstpointer data)
{
  static const char *const buttons[] = {"add_button", "cancel_all_button", "clear_button", "workers_button"};

  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++)
    ferry_test_look_until (is_mapped, window_test_get (test, buttons[i]));
  window_test_show_page (test, "object");
  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++)
    g_assert_false (gtk_widget_get_mapped (window_test_get (test, buttons[i])));

  /* A user that adds a job wants to see it. */
  window_test_activate (test, "job.add-hang");
  g_assert_cmpstr (ferry_test_get_string (test->window, "page"), ==, "tasks");
  ferry_test_look_until (is_mapped, window_test_get (test, "add_button"));
  g_object_set (window_test_get (test, "list"), "selected-task", window_test_get_task (test, 0), NULL);
  window_test_show_page (test, "object");
  window_test_activate (test, "job.cancel-current");
  g_assert_false (is_cancelled (window_test_get_task (test, 0)));
  window_test_show_page (test, "tasks");
  window_test_activate (test, "job.cancel-current");
  g_assert_true (is_cancelled (window_test_get_task (test, 0)));
}

static gboolean
runs (gpointer data)
{
  return gtk_switch_get_active (GTK_SWITCH (get_part (data, "running_switch")));
}

static gboolean
rests (gpointer data)
{
  return !runs (data);
}

static void
test_time_goes_on_while_it_is_seen (WindowTest *test, gconstpointer data)
{
  window_test_show_page (test, "object");
  ferry_test_look_until (runs, test);
  wait_text (test, "sources_label", "2");
  wait_more_pictures (test, 5);
  window_test_show_page (test, "tasks");
  ferry_test_look_until (rests, test);
  window_test_show_page (test, "object");
  ferry_test_look_until (runs, test);
  wait_more_steps (test, 50);
}

int
main (int argc, char **argv)
{
  window_test_init (&argc, &argv);
  window_test_add ("/object-page/goes-live-when-it-is-seen", test_goes_live_when_it_is_seen);
  window_test_add ("/object-page/time-goes-on-while-it-is-seen", test_time_goes_on_while_it_is_seen);
  window_test_add ("/object-page/pictures-come-while-it-runs", test_pictures_come_while_it_runs);
  window_test_add ("/object-page/slider-is-not-echoed", test_slider_is_not_echoed);
  window_test_add ("/object-page/drawn-slider-ends-where-it-is", test_drawn_slider_ends_where_it_is);
  window_test_add ("/object-page/click-adds-heat-source", test_click_adds_heat_source);
  window_test_add ("/object-page/scale-is-mirrored-with-its-numbers", test_scale_is_mirrored_with_its_numbers);
  window_test_add ("/object-page/refusal-is-shown", test_refusal_is_shown);
  window_test_add ("/object-page/refused-property-is-set-back", test_refused_property_is_set_back);
  window_test_add ("/object-page/killed-worker-is-followed-by-another", test_killed_worker_is_followed_by_another);
  window_test_add ("/object-page/end-is-heard-behind-another-page", test_end_is_heard_behind_another_page);
  g_test_add_func ("/object-page/program-that-is-missing-is-told", test_program_that_is_missing_is_told);
  window_test_add ("/object-page/pages-have-their-own-buttons", test_pages_have_their_own_buttons);
  return g_test_run ();
}
