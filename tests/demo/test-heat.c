/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/object/ferry-demo-heat.c, demo-app/object/ferry-demo-heat-field.c
 *
 * The plate of the demo that is heated, as physics has it. */

#include "config.h"

#include "demo-app/object/ferry-demo-heat.h"

#include <math.h>

/* Of the property. */
#define CONDUCTIVITY_MIN 10.0
#define CONDUCTIVITY_MAX 400.0

#define HOT 500.0
#define COLD -100.0

/* Where all lies on one side of a corner, in stripes and in single cells, so that heat flows over each kind of border.
 */
static void
make_uneven (FerryDemoHeat *heat)
{
  FerryDemoHeatField *field = ferry_demo_heat_get_field (heat);

  for (guint y = 0; y < 40; y++)
    for (guint x = 0; x < 40; x++)
      ferry_demo_heat_field_set (field, x, y, (x + y) % 3 == 0 ? HOT : COLD);
  ferry_demo_heat_field_set (field, FERRY_DEMO_HEAT_WIDTH - 1, FERRY_DEMO_HEAT_HEIGHT - 1, HOT);
  ferry_demo_heat_field_set (field, 0, FERRY_DEMO_HEAT_HEIGHT - 1, COLD);
}

static double
get_double (gpointer object, const char *property)
{
  double value;

  g_object_get (object, property, &value, NULL);
  return value;
}

static guint
get_steps (FerryDemoHeat *heat)
{
  return (guint) get_double (heat, "steps");
}

static void
test_mean_stays_without_sources (void)
{
  static const double conductivities[] = {CONDUCTIVITY_MIN, 150.0, CONDUCTIVITY_MAX};

  for (guint i = 0; i < G_N_ELEMENTS (conductivities); i++)
    {
      g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
      double lowest, highest, before;

      make_uneven (heat);
      ferry_demo_heat_field_get_range (ferry_demo_heat_get_field (heat), &lowest, &highest, &before);
      g_object_set (heat, "conductivity", conductivities[i], NULL);
      ferry_demo_heat_step (heat, 400);
      g_assert_cmpfloat_with_epsilon (get_double (heat, "mean-temperature"), before, 1e-9);
    }
}

static void
test_extremes_only_shrink (void)
{
  g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
  double lowest = COLD, highest = HOT;

  g_object_set (heat, "conductivity", CONDUCTIVITY_MAX, NULL);
  make_uneven (heat);
  for (guint i = 0; i < 200; i++)
    {
      double low, high, mean;

      ferry_demo_heat_step (heat, 1);
      ferry_demo_heat_field_get_range (ferry_demo_heat_get_field (heat), &low, &high, &mean);
      g_assert_cmpfloat (low, >=, lowest);
      g_assert_cmpfloat (high, <=, highest);
      lowest = low;
      highest = high;
    }
  g_assert_cmpfloat (lowest, >, COLD);
  g_assert_cmpfloat (highest, <, HOT);
}

static void
test_steps_keep_the_bound_of_stability (void)
{
  double longest = ferry_demo_heat_field_get_time_step (CONDUCTIVITY_MIN);
  double shortest = ferry_demo_heat_field_get_time_step (CONDUCTIVITY_MAX);

  for (double k = CONDUCTIVITY_MIN; k <= CONDUCTIVITY_MAX; k += 1.0)
    {
      /* Diffusivity times step over the square of a cell, with the numbers of ferry-demo-heat-field.c in full. */
      g_assert_cmpfloat (ferry_demo_heat_field_get_time_step (k), >, 0.0);
      g_assert_cmpfloat (k / 3.5e6 * ferry_demo_heat_field_get_time_step (k) / 1e-6, <, 0.25);
    }
  g_assert_cmpfloat (shortest, <, longest);
}

/* Both spread as the square root of time, so four times the steps reach twice as far. */
static void
test_heat_spreads_as_a_bell (void)
{
  g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
  FerryDemoHeatField *field = ferry_demo_heat_get_field (heat);
  guint x = FERRY_DEMO_HEAT_WIDTH / 2, y = FERRY_DEMO_HEAT_HEIGHT / 2;
  double diffusivity, time, sum = 0.0, moment = 0.0;

  g_object_set (heat, "conductivity", 100.0, NULL);
  ferry_demo_heat_field_set (field, x, y, FERRY_DEMO_HEAT_AMBIENT + 1000.0);
  ferry_demo_heat_step (heat, 1000);
  time = get_double (heat, "time");
  diffusivity = 100.0 / 3.5e6 * 1e6; /* cells of a square millimetre a second */
  for (guint i = 0; i < FERRY_DEMO_HEAT_WIDTH; i++)
    for (guint j = 0; j < FERRY_DEMO_HEAT_HEIGHT; j++)
      {
        double above = ferry_demo_heat_field_get (field, i, j) - FERRY_DEMO_HEAT_AMBIENT;

        sum += above;
        moment += above * ((double) i - x) * ((double) i - x);
      }
  g_assert_cmpfloat_with_epsilon (sum, 1000.0, 1e-6);
  g_assert_cmpfloat_with_epsilon (moment / sum, 2.0 * diffusivity * time, 1e-3 * diffusivity * time);
}

static void
test_sources_give_their_power (void)
{
  static const guint places[][2] = {{128, 80}, {0, 0}, {255, 159}, {255, 0}, {1, 100}};
  double plate = 3.5e6 * 1e-9 * FERRY_DEMO_HEAT_N_CELLS; /* joules a kelvin */

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
      g_autoptr (GError) error = NULL;
      double given;

      g_object_set (heat, "source-power", 40.0, NULL);
      ferry_demo_heat_add_source (heat, places[i][0], places[i][1], &error);
      g_assert_no_error (error);
      ferry_demo_heat_step (heat, 300);
      given = (get_double (heat, "mean-temperature") - FERRY_DEMO_HEAT_AMBIENT) * plate;
      g_assert_cmpfloat_with_epsilon (given, 40.0 * get_double (heat, "time"), 1e-6);
      g_assert_cmpfloat (ferry_demo_heat_field_get (ferry_demo_heat_get_field (heat), places[i][0], places[i][1]), >,
                         FERRY_DEMO_HEAT_AMBIENT + 1.0);
    }
}

static void
test_sources_off_the_plate_are_refused (void)
{
  g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
  static const guint places[][2] = {{FERRY_DEMO_HEAT_WIDTH, 0}, {0, FERRY_DEMO_HEAT_HEIGHT}, {G_MAXUINT, G_MAXUINT}};
  g_autoptr (GError) full = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (ferry_demo_heat_add_source (heat, places[i][0], places[i][1], &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
  for (guint i = 0; i < FERRY_DEMO_HEAT_MAX_SOURCES; i++)
    g_assert_true (ferry_demo_heat_add_source (heat, i, i, NULL));
  g_assert_false (ferry_demo_heat_add_source (heat, 0, 0, &full));
  g_assert_error (full, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpfloat (get_double (heat, "n-sources"), ==, FERRY_DEMO_HEAT_MAX_SOURCES);
}

static void
test_reset (void)
{
  g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();

  g_object_set (heat, "conductivity", 50.0, NULL);
  ferry_demo_heat_add_source (heat, 10, 10, NULL);
  ferry_demo_heat_step (heat, 10);
  g_assert_cmpfloat (get_double (heat, "max-temperature"), >, FERRY_DEMO_HEAT_AMBIENT);
  g_assert_cmpuint (get_steps (heat), ==, 10);
  g_assert_cmpfloat (get_double (heat, "time"), >, 0.0);

  ferry_demo_heat_reset (heat);
  g_assert_cmpfloat (get_double (heat, "n-sources"), ==, 0);
  g_assert_cmpuint (get_steps (heat), ==, 0);
  g_assert_cmpfloat (get_double (heat, "time"), ==, 0.0);
  g_assert_cmpfloat (get_double (heat, "max-temperature"), ==, FERRY_DEMO_HEAT_AMBIENT);
  g_assert_cmpfloat_with_epsilon (get_double (heat, "mean-temperature"), FERRY_DEMO_HEAT_AMBIENT, 1e-9);
  g_assert_cmpfloat (get_double (heat, "conductivity"), ==, 50.0);
  ferry_demo_heat_step (heat, 10);
  g_assert_cmpfloat_with_epsilon (get_double (heat, "max-temperature"), FERRY_DEMO_HEAT_AMBIENT, 1e-9);
}

static guint
get_lightness (const guint8 *pixels, guint x, guint y)
{
  const guint8 *pixel = pixels + 3 * (y * FERRY_DEMO_HEAT_WIDTH + x);

  return pixel[0] + pixel[1] + pixel[2];
}

static void
test_picture_is_lighter_where_it_is_hotter (void)
{
  g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
  FerryDemoHeatField *field = ferry_demo_heat_get_field (heat);
  g_autoptr (GBytes) bytes = NULL;
  const guint8 *pixels;
  double black, white;
  gsize size;

  for (guint x = 0; x < FERRY_DEMO_HEAT_WIDTH; x++)
    ferry_demo_heat_field_set (field, x, 7, FERRY_DEMO_HEAT_AMBIENT + x);
  /* So that it looks at the temperatures. */
  g_object_set (heat, "conductivity", CONDUCTIVITY_MIN, NULL);
  ferry_demo_heat_step (heat, 1);
  bytes = ferry_demo_heat_render (heat, &black, &white);
  pixels = g_bytes_get_data (bytes, &size);
  g_assert_cmpuint (size, ==, 3 * FERRY_DEMO_HEAT_WIDTH * FERRY_DEMO_HEAT_HEIGHT);
  g_assert_cmpuint (size, <=, 160 * 1024);
  g_assert_cmpfloat (black, ==, FERRY_DEMO_HEAT_AMBIENT);
  g_assert_cmpfloat (white, ==, get_double (heat, "max-temperature"));
  for (guint x = 1; x < FERRY_DEMO_HEAT_WIDTH - 1; x++)
    g_assert_cmpuint (get_lightness (pixels, x, 7), >=, get_lightness (pixels, x - 1, 7));
  g_assert_cmpuint (get_lightness (pixels, FERRY_DEMO_HEAT_WIDTH - 2, 7), >, get_lightness (pixels, 128, 7));
  g_assert_cmpuint (get_lightness (pixels, 128, 7), >, get_lightness (pixels, 128, 100));
}

static void
test_as_many_steps_as_are_due (void)
{
  g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
  gint64 plenty = 100 * G_USEC_PER_SEC;
  gint64 start = 1000;

  g_object_set (heat, "speed", 100.0, NULL);
  g_assert_cmpint (ferry_demo_heat_advance (heat, start, plenty), ==, -1);
  g_object_set (heat, "running", TRUE, NULL);
  g_assert_cmpint (ferry_demo_heat_advance (heat, start, plenty), ==, 10001);
  g_assert_cmpuint (get_steps (heat), ==, 0);
  ferry_demo_heat_advance (heat, start + 10001, plenty);
  g_assert_cmpuint (get_steps (heat), ==, 1);
  ferry_demo_heat_advance (heat, start + G_USEC_PER_SEC + 1, plenty);
  g_assert_cmpuint (get_steps (heat), ==, 100);

  /* What there was no time for is not made up for later. */
  ferry_demo_heat_advance (heat, start + 101 * G_USEC_PER_SEC, 0);
  g_assert_cmpuint (get_steps (heat), <, 200);
  ferry_demo_heat_advance (heat, start + 101 * G_USEC_PER_SEC, plenty);
  g_assert_cmpuint (get_steps (heat), <, 200);

  g_object_set (heat, "running", FALSE, NULL);
  g_assert_cmpint (ferry_demo_heat_advance (heat, start + 200 * G_USEC_PER_SEC, plenty), ==, -1);
  g_object_set (heat, "running", TRUE, NULL);
  ferry_demo_heat_advance (heat, start + 300 * G_USEC_PER_SEC, plenty);
  g_assert_cmpuint (get_steps (heat), <, 200);
}

static const char *
get_note (FerryDemoHeat *heat, guint position)
{
  g_autoptr (GObject) note = g_list_model_get_item (ferry_demo_heat_get_notes (heat), position);
  const char *text;

  g_assert_nonnull (note);
  /* The log keeps it. */
  g_variant_get (ferry_demo_heat_get_row (note), "(d&s)", NULL, &text);
  return text;
}

static void
test_log_is_bounded (void)
{
  g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
  GListModel *notes = ferry_demo_heat_get_notes (heat);

  g_object_set (heat, "running", TRUE, NULL);
  g_assert_cmpstr (get_note (heat, 0), ==, "Started");
  ferry_demo_heat_add_source (heat, 12, 34, NULL);
  g_assert_cmpstr (get_note (heat, 1), ==, "Heat source at 12 mm, 34 mm");

  /* A slider on its way is one row, until something else happens. */
  for (double k = 30.0; k < 90.0; k += 1.0)
    g_object_set (heat, "conductivity", k, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (notes), ==, 3);
  g_assert_cmpstr (get_note (heat, 2), ==, "Conductivity 89 W/(m·K)");
  g_object_set (heat, "speed", 20.0, NULL);
  g_object_set (heat, "conductivity", 30.0, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (notes), ==, 5);

  for (guint i = 0; i < 2 * FERRY_DEMO_HEAT_MAX_NOTES; i++)
    ferry_demo_heat_reset (heat);
  g_object_set (heat, "running", FALSE, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (notes), ==, FERRY_DEMO_HEAT_MAX_NOTES);
  g_assert_cmpstr (get_note (heat, FERRY_DEMO_HEAT_MAX_NOTES - 1), ==, "Stopped");
}

/* What a proxy fills must take every value that the object can have. */
static void
test_replica_takes_what_the_object_has (void)
{
  g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
  g_autoptr (GObject) replica = g_object_new (FERRY_DEMO_TYPE_HEAT, NULL);
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;

  make_uneven (heat);
  ferry_demo_heat_add_source (heat, 5, 5, NULL);
  g_object_set (heat, "running", TRUE, "conductivity", 33.0, "speed", 44.0, "source-power", 55.0, NULL);
  ferry_demo_heat_step (heat, 3);
  pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (heat), &n_pspecs);
  g_assert_cmpuint (n_pspecs, ==, 9);
  for (guint i = 0; i < n_pspecs; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_auto (GValue) copied = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (heat), pspecs[i]->name, &value);
      g_assert_false (g_param_value_defaults (pspecs[i], &value));
      g_object_set_property (replica, pspecs[i]->name, &value);
      g_object_get_property (replica, pspecs[i]->name, &copied);
      g_assert_cmpint (g_param_values_cmp (pspecs[i], &value, &copied), ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/heat/mean-stays-without-sources", test_mean_stays_without_sources);
  g_test_add_func ("/heat/extremes-only-shrink", test_extremes_only_shrink);
  g_test_add_func ("/heat/steps-keep-the-bound-of-stability", test_steps_keep_the_bound_of_stability);
  g_test_add_func ("/heat/heat-spreads-as-a-bell", test_heat_spreads_as_a_bell);
  g_test_add_func ("/heat/sources-give-their-power", test_sources_give_their_power);
  g_test_add_func ("/heat/sources-off-the-plate-are-refused", test_sources_off_the_plate_are_refused);
  g_test_add_func ("/heat/reset", test_reset);
  g_test_add_func ("/heat/picture-is-lighter-where-it-is-hotter", test_picture_is_lighter_where_it_is_hotter);
  g_test_add_func ("/heat/as-many-steps-as-are-due", test_as_many_steps_as_are_due);
  g_test_add_func ("/heat/log-is-bounded", test_log_is_bounded);
  g_test_add_func ("/heat/replica-takes-what-the-object-has", test_replica_takes_what_the_object_has);
  return g_test_run ();
}
