/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fractal/ferry-demo-mandelbrot-set.h"

#include <math.h>

/* Squared. Further out than it must be: the fraction of the iterations is the better for it. */
#define BAILOUT 65536.0

/* Square roots of iterations from one black to the next: bands grow wider where there are many of them. */
#define PALETTE_PERIOD 8.0

/* These make up most of what is black, and would cost the most. */
static gboolean
is_in_large_parts (double re, double im)
{
  double from_cusp = re - 0.25;
  double q = from_cusp * from_cusp + im * im;
  double from_disc = re + 1.0;

  return q * (q + from_cusp) <= 0.25 * im * im || from_disc * from_disc + im * im <= 0.0625;
}

/* A z that comes again, to the last bit, comes without end. So it is compared with an earlier one, which is taken anew
 * after 1, 2, 4, 8… iterations. */
double
ferry_demo_mandelbrot_escape (double re, double im, guint iterations)
{
  double x = 0.0, y = 0.0, earlier_x = 0.0, earlier_y = 0.0;
  guint next = 1;

  if (is_in_large_parts (re, im))
    return FERRY_DEMO_MANDELBROT_STAYS;

  for (guint i = 1; i <= iterations; i++)
    {
      double squares = x * x + y * y;

      y = 2.0 * x * y + im;
      x = 2.0 * x * x - squares + re;
      squares = x * x + y * y;
      if (squares > BAILOUT)
        return fmax ((double) i - log2 (0.5 * log2 (squares)), 0.0);
      if (x == earlier_x && y == earlier_y)
        return FERRY_DEMO_MANDELBROT_STAYS;
      if (i == next)
        {
          earlier_x = x;
          earlier_y = y;
          next *= 2;
        }
    }
  return FERRY_DEMO_MANDELBROT_STAYS;
}

static guint32
mix (guint32 from, guint32 to, double share)
{
  guint32 colour = FERRY_DEMO_MANDELBROT_BLACK;

  for (guint shift = 0; shift < 24; shift += 8)
    {
      double a = (from >> shift) & 0xff, b = (to >> shift) & 0xff;

      colour |= (guint32) lround (a + (b - a) * share) << shift;
    }
  return colour;
}

guint32
ferry_demo_mandelbrot_colour (double escape)
{
  static const guint32 palette[] = {0x000764, 0x206bcb, 0xedffff, 0xffaa00, 0x310230};
  double place, knot;
  guint from;

  if (escape < 0.0)
    return FERRY_DEMO_MANDELBROT_BLACK;
  place = sqrt (escape) / PALETTE_PERIOD;
  place = (place - floor (place)) * G_N_ELEMENTS (palette);
  knot = floor (place);
  from = (guint) knot % G_N_ELEMENTS (palette);
  return mix (palette[from], palette[(from + 1) % G_N_ELEMENTS (palette)], place - knot);
}

void
ferry_demo_mandelbrot_row (double left, double middle, double step, guint iterations,
                           guint32 pixels[static FERRY_DEMO_MANDELBROT_SIDE])
{
  for (guint i = 0; i < FERRY_DEMO_MANDELBROT_SIDE; i++)
    pixels[i] =
      ferry_demo_mandelbrot_colour (ferry_demo_mandelbrot_escape (left + (i + 0.5) * step, middle, iterations));
}
