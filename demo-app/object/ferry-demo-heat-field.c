/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Heat that flows in a plate, step by step.
 *
 * Invariant: what flows out of a cell flows into its neighbour, and nothing flows over an edge. So the mean changes by
 *            what ferry_demo_heat_field_heat() gives, and by rounding. */

#include "object/ferry-demo-heat-field.h"

#define W FERRY_DEMO_HEAT_WIDTH
#define H FERRY_DEMO_HEAT_HEIGHT

/* Of metals: 3.5 MJ to heat a cubic metre by a kelvin, give or take. */
#define HEAT_CAPACITY 3.5e6
#define CELL 1e-3

/* Seconds, where that is stable. */
#define TIME_STEP 4e-3

/* The share of a neighbour's difference that a cell takes on in a step. Above a quarter the four neighbours take more
 * than there is, and every step makes it worse. */
#define STABLE_SHARE 0.25
#define SHARE_WANTED (0.96 * STABLE_SHARE)

#define SOURCE_RADIUS 3

struct _FerryDemoHeatField
{
  double *now;  /* row by row, as the next */
  double *next; /* what a step writes, before the two change places */
};

FerryDemoHeatField *
ferry_demo_heat_field_new (double temperature)
{
  FerryDemoHeatField *self = g_new0 (FerryDemoHeatField, 1);

  self->now = g_new (double, FERRY_DEMO_HEAT_N_CELLS);
  self->next = g_new (double, FERRY_DEMO_HEAT_N_CELLS);
  ferry_demo_heat_field_fill (self, temperature);
  return self;
}

void
ferry_demo_heat_field_free (FerryDemoHeatField *self)
{
  g_free (self->now);
  g_free (self->next);
  g_free (self);
}

void
ferry_demo_heat_field_fill (FerryDemoHeatField *self, double temperature)
{
  for (guint i = 0; i < FERRY_DEMO_HEAT_N_CELLS; i++)
    self->now[i] = temperature;
}

double
ferry_demo_heat_field_get (FerryDemoHeatField *self, guint x, guint y)
{
  g_return_val_if_fail (x < W && y < H, 0.0);

  return self->now[y * W + x];
}

void
ferry_demo_heat_field_set (FerryDemoHeatField *self, guint x, guint y, double temperature)
{
  g_return_if_fail (x < W && y < H);

  self->now[y * W + x] = temperature;
}

void
ferry_demo_heat_field_get_range (FerryDemoHeatField *self, double *lowest, double *highest, double *mean)
{
  double sum = 0.0;

  *lowest = *highest = self->now[0];
  for (guint i = 0; i < FERRY_DEMO_HEAT_N_CELLS; i++)
    {
      *lowest = MIN (*lowest, self->now[i]);
      *highest = MAX (*highest, self->now[i]);
      sum += self->now[i];
    }
  *mean = sum / FERRY_DEMO_HEAT_N_CELLS;
}

static double
get_share (double conductivity, double time_step)
{
  return conductivity / HEAT_CAPACITY * time_step / (CELL * CELL);
}

double
ferry_demo_heat_field_get_time_step (double conductivity)
{
  return TIME_STEP * MIN (1.0, SHARE_WANTED / get_share (conductivity, TIME_STEP));
}

/* Beyond an edge lies what lies before it, so that nothing flows. */
static void
step_row (const double *above, const double *row, const double *below, double *next, double share)
{
  next[0] = row[0] + share * (above[0] + below[0] + row[1] - 3.0 * row[0]);
  for (guint x = 1; x < W - 1; x++)
    next[x] = row[x] + share * (above[x] + below[x] + row[x - 1] + row[x + 1] - 4.0 * row[x]);
  next[W - 1] = row[W - 1] + share * (above[W - 1] + below[W - 1] + row[W - 2] - 3.0 * row[W - 1]);
}

void
ferry_demo_heat_field_step (FerryDemoHeatField *self, double conductivity)
{
  double share = get_share (conductivity, ferry_demo_heat_field_get_time_step (conductivity));
  double *now = self->now;

  for (guint y = 0; y < H; y++)
    {
      const double *row = now + y * W;

      step_row (y > 0 ? row - W : row, row, y < H - 1 ? row + W : row, self->next + y * W, share);
    }
  self->now = self->next;
  self->next = now;
}

static gboolean
is_in_disc (int dx, int dy)
{
  return dx * dx + dy * dy <= SOURCE_RADIUS * SOURCE_RADIUS;
}

static gboolean
is_in_plate (int x, int y)
{
  return x >= 0 && x < W && y >= 0 && y < H;
}

/* Where an edge cuts the disc, the rest of it gets all. */
void
ferry_demo_heat_field_heat (FerryDemoHeatField *self, guint x, guint y, double energy)
{
  double *cells[(2 * SOURCE_RADIUS + 1) * (2 * SOURCE_RADIUS + 1)];
  guint n_cells = 0;

  g_return_if_fail (x < W && y < H);

  for (int dy = -SOURCE_RADIUS; dy <= SOURCE_RADIUS; dy++)
    for (int dx = -SOURCE_RADIUS; dx <= SOURCE_RADIUS; dx++)
      if (is_in_disc (dx, dy) && is_in_plate ((int) x + dx, (int) y + dy))
        cells[n_cells++] = &self->now[((int) y + dy) * W + (int) x + dx];
  for (guint i = 0; i < n_cells; i++)
    *cells[i] += energy / (HEAT_CAPACITY * CELL * CELL * CELL * n_cells);
}

/* Black, purple, red, orange, yellow, white: what is hotter is always lighter. */
static void
get_colour (double level, guint8 pixel[static 3])
{
  static const guint8 colours[][3] = {
    {8, 6, 24}, {58, 16, 92}, {140, 30, 100}, {214, 62, 62}, {248, 142, 40}, {252, 222, 110}, {255, 255, 240},
  };
  double place = CLAMP (level, 0.0, 1.0) * (G_N_ELEMENTS (colours) - 1);
  guint i = MIN ((guint) place, G_N_ELEMENTS (colours) - 2);
  double share = place - i;

  for (guint c = 0; c < 3; c++)
    pixel[c] = (guint8) (colours[i][c] + share * (colours[i + 1][c] - colours[i][c]) + 0.5);
}

void
ferry_demo_heat_field_render (FerryDemoHeatField *self, double black, double white,
                              guint8 pixels[static FERRY_DEMO_HEAT_PICTURE_SIZE])
{
  guint8 palette[256][3];

  g_return_if_fail (white > black);

  for (guint i = 0; i < G_N_ELEMENTS (palette); i++)
    get_colour (i / 255.0, palette[i]);
  for (guint i = 0; i < FERRY_DEMO_HEAT_N_CELLS; i++)
    {
      double level = (self->now[i] - black) / (white - black);
      const guint8 *colour = palette[(guint) (CLAMP (level, 0.0, 1.0) * 255.0 + 0.5)];

      for (guint c = 0; c < 3; c++)
        pixels[3 * i + c] = colour[c];
    }
}
