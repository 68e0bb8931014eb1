/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/fractal/ferry-demo-mandelbrot-set.c, demo-app/fractal/ferry-demo-mandelbrot-view.c
 *
 * The Mandelbrot set of the demo as mathematics has it, and the tiles that it is cut into. */

#include "config.h"

#include "demo-app/fractal/ferry-demo-mandelbrot-set.h"

#include <math.h>
#include <string.h>

#include "demo-app/fractal/ferry-demo-mandelbrot-view.h"

#define WIDTH 800
#define HEIGHT 500

static const FerryDemoMandelbrotView home = {-0.75, 0.0, 0.005};

static void
assert_stays (double re, double im)
{
  g_assert_cmpfloat (ferry_demo_mandelbrot_escape (re, im, 5000), ==, FERRY_DEMO_MANDELBROT_STAYS);
}

static void
test_points_of_the_set_stay (void)
{
  assert_stays (0.0, 0.0);
  assert_stays (-1.0, 0.0);
  assert_stays (-2.0, 0.0);
  assert_stays (0.25, 0.0);
  assert_stays (0.0, 1.0); /* i, -1 + i, -i, -1 + i… */
  assert_stays (-1.75, 0.0);
  assert_stays (-0.1225, 0.7449);
  assert_stays (0.36, 0.1);
}

/* It is known how long points beside two places stay: as long as π, in units of the distance, or of its root. */
static void
test_points_outside_leave_when_they_should (void)
{
  static const double distances[] = {0.01, 0.001, 0.0001};

  for (guint i = 0; i < G_N_ELEMENTS (distances); i++)
    {
      double beside_neck = ferry_demo_mandelbrot_escape (-0.75, distances[i], 100000);
      double beside_cusp = ferry_demo_mandelbrot_escape (0.25 + distances[i] * distances[i], 0.0, 100000);

      g_assert_cmpfloat_with_epsilon (beside_neck * distances[i], G_PI, 3.0 * distances[i]);
      g_assert_cmpfloat_with_epsilon (beside_cusp * distances[i], G_PI, 3.0 * distances[i]);
    }
  g_assert_cmpfloat (ferry_demo_mandelbrot_escape (-0.75, 0.0001, 31000), ==, FERRY_DEMO_MANDELBROT_STAYS);
  g_assert_cmpfloat (ferry_demo_mandelbrot_escape (1000.0, 1000.0, 100), ==, 0.0);
}

static void
test_colours_have_no_steps (void)
{
  g_assert_cmphex (ferry_demo_mandelbrot_colour (FERRY_DEMO_MANDELBROT_STAYS), ==, FERRY_DEMO_MANDELBROT_BLACK);
  for (double escape = 0.0; escape < 3000.0; escape += 0.01)
    {
      guint32 one = ferry_demo_mandelbrot_colour (escape), other = ferry_demo_mandelbrot_colour (escape + 0.01);

      g_assert_cmphex (one >> 24, ==, 0xff);
      for (guint shift = 0; shift < 24; shift += 8)
        g_assert_cmpint (ABS ((int) (one >> shift & 0xff) - (int) (other >> shift & 0xff)), <, 20);
    }
  for (double re = 0.3; re < 2.0; re += 1e-5)
    g_assert_cmpfloat_with_epsilon (ferry_demo_mandelbrot_escape (re, 0.0, 1000),
                                    ferry_demo_mandelbrot_escape (re + 1e-5, 0.0, 1000), 0.002);
}

/* Both halves of the set are each other's mirror image. */
static void
test_rows_show_the_middles_of_their_pixels (void)
{
  guint32 above[FERRY_DEMO_MANDELBROT_SIDE], below[FERRY_DEMO_MANDELBROT_SIDE];

  ferry_demo_mandelbrot_row (-2.0, 0.3, 4.0 / FERRY_DEMO_MANDELBROT_SIDE, 256, above);
  ferry_demo_mandelbrot_row (-2.0, -0.3, 4.0 / FERRY_DEMO_MANDELBROT_SIDE, 256, below);
  g_assert_cmpmem (above, sizeof above, below, sizeof below);
  for (guint i = 0; i < FERRY_DEMO_MANDELBROT_SIDE; i++)
    g_assert_cmphex (above[i], ==,
                     ferry_demo_mandelbrot_colour (ferry_demo_mandelbrot_escape (-2.0 + (i + 0.5) / 64.0, 0.3, 256)));
}

/* ---- views ---- */

static void
test_whole_set_fits (void)
{
  static const int sizes[][2] = {{800, 500}, {500, 800}, {4000, 100}, {300, 300}};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      FerryDemoMandelbrotView view;

      ferry_demo_mandelbrot_view_fit (&view, sizes[i][0], sizes[i][1]);
      g_assert_cmpfloat (view.re - sizes[i][0] / 2.0 * view.scale, <=, -2.0);
      g_assert_cmpfloat (view.re + sizes[i][0] / 2.0 * view.scale, >=, 0.5);
      g_assert_cmpfloat (sizes[i][1] / 2.0 * view.scale, >=, 1.15);
    }
}

/* How far the pixel that shows a point is from where it was, after a zoom about it. */
static double
get_drift (FerryDemoMandelbrotView view, double factor, double x, double y)
{
  double re = view.re + x * view.scale, im = view.im - y * view.scale;

  ferry_demo_mandelbrot_view_zoom (&view, factor, x, y);
  return hypot ((re - view.re) / view.scale - x, (view.im - im) / view.scale - y);
}

static void
test_zoom_keeps_what_it_is_about (void)
{
  FerryDemoMandelbrotView view = {-0.743643887037151, 0.131825904205330, 0.005};

  for (; view.scale > 2.0 * FERRY_DEMO_MANDELBROT_MIN_SCALE; view.scale /= 2.0)
    {
      g_assert_cmpfloat (get_drift (view, 2.0, 300.0, -200.0), <, 0.1);
      g_assert_cmpfloat (get_drift (view, 0.7, -399.0, 249.0), <, 0.1);
    }
}

static void
test_zoom_ends_where_doubles_do (void)
{
  FerryDemoMandelbrotView view = home, before;
  FerryDemoMandelbrotTile tile = {FERRY_DEMO_MANDELBROT_MAX_LEVEL, 0, 0};
  double left;

  for (guint i = 0; i < 100; i++)
    ferry_demo_mandelbrot_view_zoom (&view, 2.0, 100.0, 100.0);
  g_assert_cmpfloat (view.scale, ==, FERRY_DEMO_MANDELBROT_MIN_SCALE);
  before = view;
  ferry_demo_mandelbrot_view_zoom (&view, 2.0, 100.0, 100.0);
  g_assert_cmpmem (&view, sizeof view, &before, sizeof before);
  g_assert_cmpint (ferry_demo_mandelbrot_view_get_level (&view, 1), ==, FERRY_DEMO_MANDELBROT_MAX_LEVEL);

  /* Pixels beside each other, far from 0, are different numbers still; and half of them as well. */
  tile.x = -(G_GINT64_CONSTANT (1) << 41);
  left = ferry_demo_mandelbrot_tile_get_left (&tile);
  g_assert_cmpfloat (left, ==, -2.0);
  g_assert_cmpfloat (left + 0.5 * ferry_demo_mandelbrot_tile_get_step (&tile), >, left);

  for (guint i = 0; i < 100; i++)
    ferry_demo_mandelbrot_view_zoom (&view, 0.5, 0.0, 0.0);
  g_assert_cmpfloat (view.scale, ==, FERRY_DEMO_MANDELBROT_MAX_SCALE);
}

static void
test_pan_moves_what_is_seen (void)
{
  FerryDemoMandelbrotView view = home;

  ferry_demo_mandelbrot_view_pan (&view, 10.0, 20.0);
  g_assert_cmpfloat_with_epsilon (view.re, home.re - 0.05, 1e-12);
  g_assert_cmpfloat_with_epsilon (view.im, home.im + 0.1, 1e-12);
  for (guint i = 0; i < 100; i++)
    ferry_demo_mandelbrot_view_pan (&view, 500.0, 0.0);
  g_assert_cmpfloat (view.re, >=, -3.0);
}

static void
assert_words (double re, double im, double scale, const char *words)
{
  FerryDemoMandelbrotView view = {re, im, scale};
  g_autofree char *described = ferry_demo_mandelbrot_view_describe (&view);

  g_assert_cmpstr (described, ==, words);
}

static void
test_places_are_told_as_exactly_as_they_are_seen (void)
{
  assert_words (-0.75, 0.0, 0.005, "-0.75 + 0 i");
  assert_words (-0.75, 0.1, 0.005, "-0.75 + 0.1 i");
  assert_words (-0.743643887037151, -0.131825904205330, 1e-6, "-0.743644 - 0.131826 i");
  assert_words (-0.743643887037151, 0.131825904205330, 1e-15, "-0.743643887037151 + 0.13182590420533 i");
  assert_words (2.0, 1.0, 1.0, "2 + 1 i");
}

static gboolean
has_point (const graphene_rect_t *place, float x, float y)
{
  return x >= place->origin.x && x < place->origin.x + place->size.width && y >= place->origin.y &&
         y < place->origin.y + place->size.height;
}

/* Each pixel of the picture belongs to one tile, and each tile has some. */
static void
test_tiles_cover_the_view_without_gap (void)
{
  FerryDemoMandelbrotView view = {-0.743643887037151, 0.131825904205330, 0.0051};

  for (; view.scale > FERRY_DEMO_MANDELBROT_MIN_SCALE; view.scale /= 7.7)
    {
      int level = ferry_demo_mandelbrot_view_get_level (&view, 1);
      g_autoptr (GArray) tiles = ferry_demo_mandelbrot_view_find_tiles (&view, WIDTH, HEIGHT, level, 0.0, 0.0);

      g_assert_cmpuint (tiles->len, >=, 6);
      g_assert_cmpuint (tiles->len, <=, 70);
      for (float y = 0.5f; y < HEIGHT; y += 13.0f)
        for (float x = 0.5f; x < WIDTH; x += 13.0f)
          {
            guint n_here = 0;

            for (guint i = 0; i < tiles->len; i++)
              {
                graphene_rect_t place;

                ferry_demo_mandelbrot_view_place (&view, WIDTH, HEIGHT,
                                                  &g_array_index (tiles, FerryDemoMandelbrotTile, i), &place);
                n_here += has_point (&place, x, y);
              }
            g_assert_cmpuint (n_here, ==, 1);
          }
    }
}

static void
test_nearest_tiles_come_first (void)
{
  FerryDemoMandelbrotView view = home;
  int level = ferry_demo_mandelbrot_view_get_level (&view, 1);
  g_autoptr (GArray) middle = ferry_demo_mandelbrot_view_find_tiles (&view, WIDTH, HEIGHT, level, 0.0, 0.0);
  g_autoptr (GArray) corner = ferry_demo_mandelbrot_view_find_tiles (&view, WIDTH, HEIGHT, level, 390.0, -240.0);
  graphene_rect_t place;

  ferry_demo_mandelbrot_view_place (&view, WIDTH, HEIGHT, &g_array_index (middle, FerryDemoMandelbrotTile, 0), &place);
  g_assert_true (graphene_rect_get_x (&place) <= WIDTH / 2.0f + 1.0f &&
                 place.origin.x + place.size.width >= WIDTH / 2.0f - 1.0f);
  ferry_demo_mandelbrot_view_place (&view, WIDTH, HEIGHT, &g_array_index (corner, FerryDemoMandelbrotTile, 0), &place);
  g_assert_cmpfloat (place.origin.x + place.size.width, >=, WIDTH - 10.0);
  g_assert_cmpfloat (place.origin.y, <=, 10.0);
  g_assert_cmpuint (middle->len, ==, corner->len);
}

static void
test_quarters_make_up_their_tile (void)
{
  FerryDemoMandelbrotView view = home;
  FerryDemoMandelbrotTile tile = {3, -3, 2};
  graphene_rect_t place, quarter_place;

  ferry_demo_mandelbrot_view_place (&view, WIDTH, HEIGHT, &tile, &place);
  for (guint i = 0; i < 4; i++)
    {
      FerryDemoMandelbrotTile quarter = ferry_demo_mandelbrot_tile_get_quarter (&tile, i);
      FerryDemoMandelbrotTile whole = ferry_demo_mandelbrot_tile_get_whole (&quarter);

      ferry_demo_mandelbrot_view_place (&view, WIDTH, HEIGHT, &quarter, &quarter_place);
      g_assert_true (graphene_rect_contains_rect (&place, &quarter_place));
      g_assert_true (ferry_demo_mandelbrot_tile_equal (&whole, &tile));
      g_assert_cmpuint (ferry_demo_mandelbrot_tile_hash (&whole), ==, ferry_demo_mandelbrot_tile_hash (&tile));
      g_assert_false (ferry_demo_mandelbrot_tile_equal (&quarter, &tile));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mandelbrot/points-of-the-set-stay", test_points_of_the_set_stay);
  g_test_add_func ("/mandelbrot/points-outside-leave-when-they-should", test_points_outside_leave_when_they_should);
  g_test_add_func ("/mandelbrot/colours-have-no-steps", test_colours_have_no_steps);
  g_test_add_func ("/mandelbrot/rows-show-the-middles-of-their-pixels", test_rows_show_the_middles_of_their_pixels);
  g_test_add_func ("/mandelbrot/whole-set-fits", test_whole_set_fits);
  g_test_add_func ("/mandelbrot/zoom-keeps-what-it-is-about", test_zoom_keeps_what_it_is_about);
  g_test_add_func ("/mandelbrot/zoom-ends-where-doubles-do", test_zoom_ends_where_doubles_do);
  g_test_add_func ("/mandelbrot/pan-moves-what-is-seen", test_pan_moves_what_is_seen);
  g_test_add_func ("/mandelbrot/places-are-told-as-exactly-as-they-are-seen",
                   test_places_are_told_as_exactly_as_they_are_seen);
  g_test_add_func ("/mandelbrot/tiles-cover-the-view-without-gap", test_tiles_cover_the_view_without_gap);
  g_test_add_func ("/mandelbrot/nearest-tiles-come-first", test_nearest_tiles_come_first);
  g_test_add_func ("/mandelbrot/quarters-make-up-their-tile", test_quarters_make_up_their_tile);
  return g_test_run ();
}
