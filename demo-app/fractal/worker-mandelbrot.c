/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tiles of the Mandelbrot set. */

#include <math.h>

#include "app/ferry-demo-message.h"
#include "app/worker-jobs.h"
#include "fractal/ferry-demo-mandelbrot-set.h"

/* Looks after each row whether the tile is still wanted. */
GVariant *
worker_mandelbrot (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autofree guint32 *pixels = g_malloc (FERRY_DEMO_MANDELBROT_TILE_SIZE);
  gint64 start = g_get_monotonic_time ();
  double left, top, step;
  guint iterations;
  GVariant *bytes;

  g_variant_get (arguments, FERRY_DEMO_MANDELBROT_ARGUMENTS, &left, &top, &step, &iterations);
  if (!isfinite (left) || !isfinite (top) || !isfinite (step) || iterations > FERRY_DEMO_MANDELBROT_MAX_ITERATIONS)
    {
      ferry_job_set_error (job, error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                           "A tile is at most %u iterations deep, and at a place that has numbers",
                           FERRY_DEMO_MANDELBROT_MAX_ITERATIONS);
      return NULL;
    }

  for (guint row = 0; row < FERRY_DEMO_MANDELBROT_SIDE; row++)
    {
      if (!ferry_job_check (job, error))
        return NULL;
      ferry_demo_mandelbrot_row (left, top - (row + 0.5) * step, step, iterations,
                                 pixels + row * FERRY_DEMO_MANDELBROT_SIDE);
    }
  bytes = g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, pixels, FERRY_DEMO_MANDELBROT_TILE_SIZE,
                                   /* trusted: */ TRUE, g_free, pixels);
  g_steal_pointer (&pixels);
  return g_variant_new ("(x@ay)", g_get_monotonic_time () - start, bytes);
}
