/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the demo's own pictures when it is built: hills at many hours of the day, and one that is damaged.
 *
 * Usage: make-samples FOLDER */

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>

#define N_SAMPLES 60
#define DAMAGED 7
#define WIDTH 720
#define HEIGHT 480
#define N_RIDGES 5

/* Red, green or blue of a colour of the rainbow, as cosines have it. */
static double
tint (double hue, int channel)
{
  return 0.55 + 0.4 * cos (2.0 * G_PI * (hue - channel / 3.0));
}

/* How high a ridge is at x, from 0 to 1. The nearer ones are lower, and smoother. */
static double
ridge (guint picture, int n, double x)
{
  double at = x * (2.0 + 0.3 * (N_RIDGES - n)) + picture * 1.7 + n * 2.3;

  return 0.75 - 0.13 * n + 0.08 * sin (at) + 0.04 * sin (2.3 * at + n) + 0.02 * sin (5.1 * at);
}

static void
paint_column (guint8 *pixel, int stride, guint picture, double x)
{
  double hue = 0.07 * picture, height[N_RIDGES];

  for (int n = 0; n < N_RIDGES; n++)
    height[n] = ridge (picture, n, x);
  for (int y = 0; y < HEIGHT; y++, pixel += stride)
    {
      double up = 1.0 - (double) y / HEIGHT;
      int n = N_RIDGES;

      while (n > 0 && up > height[n - 1])
        n--;
      for (int channel = 0; channel < 3; channel++)
        pixel[channel] = n == 0 ? (guint8) (255.0 * (1.0 - up * (1.0 - 0.8 * tint (hue + 0.5, channel))))
                                : (guint8) (200.0 * tint (hue + 0.05 * n, channel) * (1.1 - 0.2 * n) + 20.0);
    }
}

static gboolean
make (const char *folder, guint i, GError **error)
{
  g_autofree char *name = g_strdup_printf (i == DAMAGED ? "Hills %02u, damaged.jpg" : "Hills %02u.jpg", i);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, WIDTH, HEIGHT);
  g_autofree char *bytes = NULL;
  gsize size;

  for (int x = 0; x < WIDTH; x++)
    paint_column (gdk_pixbuf_get_pixels (pixbuf) + 3 * x, gdk_pixbuf_get_rowstride (pixbuf), i, 3.0 * x / WIDTH);
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
