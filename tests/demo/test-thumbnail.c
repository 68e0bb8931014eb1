/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/pictures/worker-thumbnail.c
 *
 * The decoder of thumbnails, without processes. */

#include "config.h"

#include "demo-app/pictures/worker-thumbnail.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

#include "demo-test.h"
#include "picture-test.h"

#define SIDE 160

typedef struct
{
  char *folder;
} Test;

static void
set_up (Test *test, gconstpointer data)
{
  test->folder = demo_test_folder_new ();
}

static void
tear_down (Test *test, gconstpointer data)
{
  demo_test_folder_remove (test->folder);
}

static GdkPixbuf *
decode (Test *test, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (test->folder, name, NULL);
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  GdkPixbuf *pixbuf;

  g_assert_cmpint (fd, >=, 0);
  pixbuf = ferry_demo_thumbnail_decode (fd, SIDE, error);
  g_close (fd, NULL);
  return pixbuf;
}

static void
assert_size (Test *test, const char *name, int width, int height)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkPixbuf) pixbuf = decode (test, name, &error);

  g_assert_no_error (error);
  g_assert_cmpint (gdk_pixbuf_get_width (pixbuf), ==, width);
  g_assert_cmpint (gdk_pixbuf_get_height (pixbuf), ==, height);
}

static void
assert_refused (Test *test, const char *name, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkPixbuf) pixbuf = decode (test, name, &error);

  g_assert_null (pixbuf);
  g_assert_nonnull (error);
  g_assert_true (error->domain == G_IO_ERROR);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_longest_side_fits (Test *test, gconstpointer data)
{
  picture_test_write (test->folder, "wide.jpg", 800, 600, PICTURE_TEST_RED);
  picture_test_write (test->folder, "high.png", 300, 600, PICTURE_TEST_RED);
  picture_test_write (test->folder, "line.png", 2000, 1, PICTURE_TEST_RED);
  picture_test_write (test->folder, "small.jpg", 40, 30, PICTURE_TEST_RED);
  assert_size (test, "wide.jpg", 160, 120);
  assert_size (test, "high.png", 80, 160);
  assert_size (test, "line.png", 160, 1);
  assert_size (test, "small.jpg", 40, 30);
}

static void
test_picture_stands_as_camera_was_held (Test *test, gconstpointer data)
{
  picture_test_write_turned (test->folder, "turned.jpg", 800, 600);
  assert_size (test, "turned.jpg", 120, 160);
}

/* Memory is taken for nothing of it: there would not be enough. */
static void
test_bomb_is_refused_with_its_size (Test *test, gconstpointer data)
{
  picture_test_write_bomb (test->folder, "bomb.png");
  assert_refused (test, "bomb.png", "60000 × 60000 pixels");
  assert_refused (test, "bomb.png", "at most 100 million");
}

static void
test_what_is_no_picture_is_refused (Test *test, gconstpointer data)
{
  picture_test_write_damaged (test->folder, "damaged.png");
  demo_test_write (test->folder, "words.png", "These are words and no picture.");
  demo_test_write (test->folder, "empty.jpg", "");
  assert_refused (test, "damaged.png", "PNG");
  assert_refused (test, "words.png", "nrecogni");
  assert_refused (test, "empty.jpg", "");
}

static void
test_what_is_cut_off_is_refused (Test *test, gconstpointer data)
{
  picture_test_write_cut_off (test->folder, "cut-off.jpg", 200);
  picture_test_write_cut_off (test->folder, "cut-off.png", 200);
  picture_test_write_cut_off (test->folder, "large.jpg", 2000);
  assert_refused (test, "cut-off.jpg", "The file ends before the picture does");
  assert_refused (test, "cut-off.png", "The file ends before the picture does");
  assert_refused (test, "large.jpg", "The file ends before the picture does");
}

static void
add (const char *path, void (*func) (Test *test, gconstpointer data))
{
  g_test_add (path, Test, NULL, set_up, func, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/thumbnail/longest-side-fits", test_longest_side_fits);
  add ("/thumbnail/picture-stands-as-camera-was-held", test_picture_stands_as_camera_was_held);
  add ("/thumbnail/bomb-is-refused-with-its-size", test_bomb_is_refused_with_its_size);
  add ("/thumbnail/what-is-no-picture-is-refused", test_what_is_no_picture_is_refused);
  add ("/thumbnail/what-is-cut-off-is-refused", test_what_is_cut_off_is_refused);
  return g_test_run ();
}
