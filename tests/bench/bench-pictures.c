/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-pictures.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "bench-team.h"

#define MIN_WIDTH 640
#define MAX_WIDTH 2000
#define PNG_WIDTH 1000 /* of the widest: PNG takes long to be made */
#define SPOTS 3
#define NOISE 15 /* of 255, as a power of two less one */

typedef struct
{
  const char *folder;
  guint32 seed;
} Album;

typedef struct
{
  double x, y, size;
  double colour[3];
} Spot;

static void
choose_spots (GRand *rand, Spot *spots, int width, int height)
{
  for (guint i = 0; i < SPOTS; i++)
    {
      spots[i].x = g_rand_double_range (rand, 0, width);
      spots[i].y = g_rand_double_range (rand, 0, height);
      spots[i].size = g_rand_double_range (rand, 0.05, 0.3) * width;
      for (guint channel = 0; channel < 3; channel++)
        spots[i].colour[channel] = g_rand_double_range (rand, -120, 120);
    }
}

static void
paint_row (guint8 *row, int y, int width, const Spot *spots, guint32 *noise)
{
  for (int x = 0; x < width; x++)
    for (guint channel = 0; channel < 3; channel++)
      {
        double value = 80 + 100.0 * (channel == 0 ? x : channel == 1 ? y : width - x) / width;

        for (guint i = 0; i < SPOTS; i++)
          if (fabs (x - spots[i].x) + fabs (y - spots[i].y) < spots[i].size)
            value += spots[i].colour[channel];
        *noise = *noise * 1664525 + 1013904223;
        row[3 * x + (int) channel] = (guint8) CLAMP (value + (double) (*noise >> 24 & NOISE), 0, 255);
      }
}

static GdkPixbuf *
paint (GRand *rand, int width, int height)
{
  GdkPixbuf *pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, width, height);
  guint8 *pixels = gdk_pixbuf_get_pixels (pixbuf);
  guint32 noise = g_rand_int (rand);
  Spot spots[SPOTS];

  choose_spots (rand, spots, width, height);
  for (int y = 0; y < height; y++)
    paint_row (pixels + (gsize) y * (gsize) gdk_pixbuf_get_rowstride (pixbuf), y, width, spots, &noise);
  return pixbuf;
}

static void
make_picture (gpointer data, gpointer user_data)
{
  const Album *album = user_data;
  guint number = GPOINTER_TO_UINT (data);
  gboolean png = number % 4 == 0;
  g_autoptr (GRand) rand = g_rand_new_with_seed (album->seed + number);
  int width = g_rand_int_range (rand, MIN_WIDTH, png ? PNG_WIDTH : MAX_WIDTH + 1);
  g_autoptr (GdkPixbuf) pixbuf = paint (rand, width, width * 3 / 4);
  g_autofree char *name = g_strdup_printf ("picture-%05u.%s", number, png ? "png" : "jpg");
  g_autofree char *path = g_build_filename (album->folder, name, NULL);
  g_autoptr (GError) error = NULL;

  if (png ? !gdk_pixbuf_save (pixbuf, path, "png", &error, "compression", "1", NULL)
          : !gdk_pixbuf_save (pixbuf, path, "jpeg", &error, "quality", "85", NULL))
    bench_fail (path, error);
}

char *
bench_pictures_make (guint n, guint32 seed)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("ferry-pictures-XXXXXX", &error);
  Album album = {folder, seed};
  GThreadPool *pool;

  if (folder == NULL)
    bench_fail ("a folder for pictures", error);
  pool = g_thread_pool_new (make_picture, &album, (int) g_get_num_processors (), FALSE, NULL);
  for (guint number = 1; number <= n; number++)
    g_thread_pool_push (pool, GUINT_TO_POINTER (number), NULL);
  g_thread_pool_free (pool, /* immediate: */ FALSE, /* wait: */ TRUE);
  return folder;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
bench_pictures_list (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) directory = g_dir_open (folder, 0, &error);
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (directory == NULL)
    bench_fail (folder, error);
  while ((name = g_dir_read_name (directory)) != NULL)
    g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (paths, compare);
  return paths;
}

void
bench_pictures_remove (char *folder)
{
  g_autoptr (GPtrArray) paths = bench_pictures_list (folder);

  for (guint i = 0; i < paths->len; i++)
    g_unlink (g_ptr_array_index (paths, i));
  g_rmdir (folder);
  g_free (folder);
}
