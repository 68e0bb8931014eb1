/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fractal/ferry-demo-mandelbrot-view.h"

#include <math.h>
#include <string.h>

/* What the whole set takes, with something around it. */
#define WHOLE_RE (-0.75)
#define WHOLE_WIDTH 2.8
#define WHOLE_HEIGHT 2.5

/* The view goes no further from the centre: there is nothing to see. */
#define MAX_DISTANCE 2.5

/* Pixels of a tile may be drawn that much larger, by 2 to the power of this. */
#define BLUR 0.25

/* With the tile in level 0 this gives a little more than the eye can tell from more. */
#define FIRST_ITERATIONS 256u
#define ITERATIONS_PER_LEVEL 96u

/* ---- the view ---- */

static void
keep_near (FerryDemoMandelbrotView *self)
{
  self->re = CLAMP (self->re, -MAX_DISTANCE, MAX_DISTANCE);
  self->im = CLAMP (self->im, -MAX_DISTANCE, MAX_DISTANCE);
}

void
ferry_demo_mandelbrot_view_fit (FerryDemoMandelbrotView *self, int width, int height)
{
  double scale = fmax (WHOLE_WIDTH / MAX (width, 1), WHOLE_HEIGHT / MAX (height, 1));

  self->re = WHOLE_RE;
  self->im = 0.0;
  self->scale = CLAMP (scale, FERRY_DEMO_MANDELBROT_MIN_SCALE, FERRY_DEMO_MANDELBROT_MAX_SCALE);
}

void
ferry_demo_mandelbrot_view_pan (FerryDemoMandelbrotView *self, double x, double y)
{
  self->re -= x * self->scale;
  self->im += y * self->scale;
  keep_near (self);
}

void
ferry_demo_mandelbrot_view_zoom (FerryDemoMandelbrotView *self, double factor, double x, double y)
{
  double scale = CLAMP (self->scale / factor, FERRY_DEMO_MANDELBROT_MIN_SCALE, FERRY_DEMO_MANDELBROT_MAX_SCALE);

  self->re += x * (self->scale - scale);
  self->im -= y * (self->scale - scale);
  self->scale = scale;
  keep_near (self);
}

int
ferry_demo_mandelbrot_view_get_level (const FerryDemoMandelbrotView *self, int pixels)
{
  FerryDemoMandelbrotTile first = {0, 0, 0};
  double level = ceil (log2 (ferry_demo_mandelbrot_tile_get_step (&first) * pixels / self->scale) - BLUR);

  return (int) CLAMP (level, 0.0, (double) FERRY_DEMO_MANDELBROT_MAX_LEVEL);
}

typedef struct
{
  double x, y; /* in tiles */
} Middle;

static int
compare_distances (gconstpointer a, gconstpointer b, gpointer data)
{
  const FerryDemoMandelbrotTile *one = a, *other = b;
  const Middle *middle = data;
  double distance = hypot ((double) one->x + 0.5 - middle->x, (double) one->y + 0.5 - middle->y);
  double other_distance = hypot ((double) other->x + 0.5 - middle->x, (double) other->y + 0.5 - middle->y);

  return (distance > other_distance) - (distance < other_distance);
}

GArray *
ferry_demo_mandelbrot_view_find_tiles (const FerryDemoMandelbrotView *self, int width, int height, int level, double x,
                                       double y)
{
  GArray *tiles = g_array_new (FALSE, FALSE, sizeof (FerryDemoMandelbrotTile));
  double side = ldexp (4.0, -level);
  double half_width = width / 2.0 * self->scale, half_height = height / 2.0 * self->scale;
  Middle middle = {(self->re + x * self->scale) / side, (y * self->scale - self->im) / side};
  gint64 right = (gint64) ceil ((self->re + half_width) / side), end = (gint64) ceil ((half_height - self->im) / side);
  FerryDemoMandelbrotTile tile = {.level = level};

  for (tile.y = (gint64) floor ((-half_height - self->im) / side); tile.y < end; tile.y++)
    for (tile.x = (gint64) floor ((self->re - half_width) / side); tile.x < right; tile.x++)
      g_array_append_val (tiles, tile);
  g_array_sort_with_data (tiles, compare_distances, &middle);
  return tiles;
}

/* Corners that tiles have in common come to the same pixel, so that nothing is seen between them. */
void
ferry_demo_mandelbrot_view_place (const FerryDemoMandelbrotView *self, int width, int height,
                                  const FerryDemoMandelbrotTile *tile, graphene_rect_t *place)
{
  double side = ldexp (4.0, -tile->level);
  double left = round (((double) tile->x * side - self->re) / self->scale + width / 2.0);
  double right = round (((double) (tile->x + 1) * side - self->re) / self->scale + width / 2.0);
  double top = round (((double) tile->y * side + self->im) / self->scale + height / 2.0);
  double bottom = round (((double) (tile->y + 1) * side + self->im) / self->scale + height / 2.0);

  graphene_rect_init (place, (float) left, (float) top, (float) (right - left), (float) (bottom - top));
}

/* Noughts at the end say nothing. */
static char *
format_exactly (double number, double exactness)
{
  int n_digits = CLAMP ((int) ceil (-log10 (exactness)), 0, 16);
  char *text = g_strdup_printf ("%.*f", n_digits, number);
  gsize length = strlen (text);

  while (n_digits-- > 0 && text[length - 1] == '0')
    text[--length] = '\0';
  if (!g_ascii_isdigit (text[length - 1]))
    text[length - 1] = '\0';
  return text;
}

char *
ferry_demo_mandelbrot_view_describe (const FerryDemoMandelbrotView *self)
{
  g_autofree char *re = format_exactly (self->re, self->scale);
  g_autofree char *im = format_exactly (fabs (self->im), self->scale);

  return g_strdup_printf ("%s %s %s i", re, self->im < 0.0 ? "-" : "+", im);
}

/* ---- tiles ---- */

double
ferry_demo_mandelbrot_tile_get_left (const FerryDemoMandelbrotTile *self)
{
  return ldexp (4.0 * (double) self->x, -self->level);
}

double
ferry_demo_mandelbrot_tile_get_top (const FerryDemoMandelbrotTile *self)
{
  return -ldexp (4.0 * (double) self->y, -self->level);
}

double
ferry_demo_mandelbrot_tile_get_step (const FerryDemoMandelbrotTile *self)
{
  return ldexp (4.0 / FERRY_DEMO_MANDELBROT_SIDE, -self->level);
}

guint
ferry_demo_mandelbrot_tile_get_iterations (const FerryDemoMandelbrotTile *self)
{
  return FIRST_ITERATIONS + ITERATIONS_PER_LEVEL * (guint) self->level;
}

/* Halves are rounded down, also below 0. */
FerryDemoMandelbrotTile
ferry_demo_mandelbrot_tile_get_whole (const FerryDemoMandelbrotTile *self)
{
  return (FerryDemoMandelbrotTile){self->level - 1, (self->x - (self->x & 1)) / 2, (self->y - (self->y & 1)) / 2};
}

FerryDemoMandelbrotTile
ferry_demo_mandelbrot_tile_get_quarter (const FerryDemoMandelbrotTile *self, guint quarter)
{
  return (FerryDemoMandelbrotTile){self->level + 1, 2 * self->x + (quarter & 1), 2 * self->y + (quarter >> 1)};
}

guint
ferry_demo_mandelbrot_tile_hash (gconstpointer tile)
{
  const FerryDemoMandelbrotTile *self = tile;

  return ((guint) self->level * 31u + g_int64_hash (&self->x)) * 0x9e3779b1u ^ g_int64_hash (&self->y);
}

gboolean
ferry_demo_mandelbrot_tile_equal (gconstpointer a, gconstpointer b)
{
  const FerryDemoMandelbrotTile *one = a, *other = b;

  return one->level == other->level && one->x == other->x && one->y == other->y;
}
