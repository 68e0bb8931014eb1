/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the demo's own pictures when it is built: views of the Mandelbrot set, and one that is damaged.
 *
 * Usage: make-samples FOLDER */

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>

#include "fractal/ferry-demo-mandelbrot-set.h"

#define N_SAMPLES 60
#define DAMAGED 7
#define WIDTH 480
#define HEIGHT 320
#define SCALE 2
#define ITERATIONS 400u
#define CENTRE_RE (-0.743643887)
#define CENTRE_IM 0.131825904

/* Ever deeper into one place, from another side each time. A point takes longer to find than to write, and only small
 * pictures are shown of these: so they are painted small, and enlarged. */
static GdkPixbuf *
paint (guint i)
{
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, WIDTH, HEIGHT);
  double step = 0.004 * SCALE * pow (0.88, i), angle = 0.7 * i;
  guint8 *pixels = gdk_pixbuf_get_pixels (pixbuf);
  int stride = gdk_pixbuf_get_rowstride (pixbuf);

  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      {
        double dx = (x - WIDTH / 2.0) * step, dy = (y - HEIGHT / 2.0) * step;
        double re = CENTRE_RE + dx * cos (angle) - dy * sin (angle),
               im = CENTRE_IM + dx * sin (angle) + dy * cos (angle);
        guint32 colour = ferry_demo_mandelbrot_colour (ferry_demo_mandelbrot_escape (re, im, ITERATIONS));
        guint8 *pixel = pixels + y * stride + 3 * x;

        pixel[0] = (guint8) (colour >> 16);
        pixel[1] = (guint8) (colour >> 8);
        pixel[2] = (guint8) colour;
      }
  return gdk_pixbuf_scale_simple (pixbuf, WIDTH * SCALE, HEIGHT * SCALE, GDK_INTERP_BILINEAR);
}

static gboolean
make (const char *folder, guint i, GError **error)
{
  g_autofree char *name = g_strdup_printf (i == DAMAGED ? "Damaged.jpg" : "View %02u.jpg", i);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GdkPixbuf) pixbuf = paint (i);
  g_autofree char *bytes = NULL;
  gsize size;

  return gdk_pixbuf_save_to_buffer (pixbuf, &bytes, &size, "jpeg", error, "quality", "80", NULL) &&
         g_file_set_contents (path, bytes, (gssize) (i == DAMAGED ? size / 3 : size), error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;

  if (argc == 2)
    g_mkdir_with_parents (argv[1], 0755);
  for (guint i = 0; argc == 2 && i < N_SAMPLES; i++)
    if (!make (argv[1], i, &error))
      {
        g_printerr ("make-samples: %s\n", error->message);
        return EXIT_FAILURE;
      }
  return argc == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
