/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "picture-test.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <string.h>
#include <unistd.h>

#include "demo-app/app/ferry-demo-message.h"

#define WRONG_BYTES 64

/* A PNG's signature, the header of one of 60,000 × 60,000 pixels of 8 bits for red, green and blue, and the beginning
 * of those. */
static const guint8 bomb[] = {0x89, 'P',  'N',  'G', '\r', '\n', 0x1a, '\n', 0,    0,   0,   13,   'I',  'H', 'D',
                              'R',  0,    0,    234, 0x60, 0,    0,    234,  0x60, 8,   2,   0,    0,    0,   0x0f,
                              0xb0, 0xe2, 0x15, 0,   0,    16,   0,    'I',  'D',  'A', 'T', 0x78, 0x9c, 0,   0};

/* Says in the way of a camera that the picture is to be turned to the right by a quarter. */
static const guint8 turned[] = {0xff, 0xe1, 0,    34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                                0,    1,    0x01, 0x12, 0,   3,   0,   0,   0, 1, 0,   6,   0, 0,  0, 0, 0, 0};

void
picture_test_init (void)
{
  g_autofree char *size = g_strdup_printf ("%dx%d", PICTURE_TEST_CRASH_WIDTH, PICTURE_TEST_CRASH_HEIGHT);

  g_setenv (FERRY_DEMO_CRASH_SIZE, size, TRUE);
}

static void
write_file (const char *folder, const char *name, gconstpointer data, gsize size)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, data, (gssize) size, &error);
  g_assert_no_error (error);
}

static char *
make (const char *type, int width, int height, guint32 colour, gsize *size)
{
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, (colour & 0xff) != 0xff, 8, width, height);
  g_autoptr (GError) error = NULL;
  char *data;

  gdk_pixbuf_fill (pixbuf, colour);
  gdk_pixbuf_save_to_buffer (pixbuf, &data, size, type, &error, NULL);
  g_assert_no_error (error);
  return data;
}

void
picture_test_write (const char *folder, const char *name, int width, int height, guint32 colour)
{
  gsize size;
  g_autofree char *data = make (g_str_has_suffix (name, ".png") ? "png" : "jpeg", width, height, colour, &size);

  write_file (folder, name, data, size);
}

void
picture_test_write_turned (const char *folder, const char *name, int width, int height)
{
  gsize size;
  g_autofree char *data = make ("jpeg", width, height, PICTURE_TEST_RED, &size);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  /* Behind the first mark of the file, and before all others. */
  g_byte_array_append (bytes, (const guint8 *) data, 2);
  g_byte_array_append (bytes, turned, sizeof turned);
  g_byte_array_append (bytes, (const guint8 *) data + 2, (guint) size - 2);
  write_file (folder, name, bytes->data, bytes->len);
}

void
picture_test_write_bomb (const char *folder, const char *name)
{
  write_file (folder, name, bomb, sizeof bomb);
}

void
picture_test_write_damaged (const char *folder, const char *name)
{
  gsize size;
  g_autofree char *data = make ("png", 200, 200, PICTURE_TEST_RED, &size);

  memset (data + size / 2, 0xa5, MIN (WRONG_BYTES, size / 4));
  write_file (folder, name, data, size);
}

/* Of noise, so that each row has its bytes. */
void
picture_test_write_cut_off (const char *folder, const char *name, int side)
{
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, side, side);
  guint8 *pixels = gdk_pixbuf_get_pixels (pixbuf);
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  guint32 noise = 1;
  gsize size;

  for (gsize i = 0; i < gdk_pixbuf_get_byte_length (pixbuf); i++)
    pixels[i] = (guint8) ((noise = 1664525 * noise + 1013904223) >> 24);
  gdk_pixbuf_save_to_buffer (pixbuf, &data, &size, g_str_has_suffix (name, ".png") ? "png" : "jpeg", &error, NULL);
  g_assert_no_error (error);
  write_file (folder, name, data, size - size / 50);
}

void
picture_test_write_crasher (const char *folder, const char *name)
{
  picture_test_write (folder, name, PICTURE_TEST_CRASH_WIDTH, PICTURE_TEST_CRASH_HEIGHT, PICTURE_TEST_RED);
}

void
picture_test_write_many (const char *folder, guint n)
{
  gsize size;
  g_autofree char *data = make ("png", 8, 8, PICTURE_TEST_BLUE, &size);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%03u.png", i);

      write_file (folder, name, data, size);
    }
}
