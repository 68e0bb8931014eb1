/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/pictures/ferry-demo-thumbnails.c, demo-app/pictures/ferry-demo-thumbnail-folder.c,
 * demo-app/pictures/ferry-demo-thumbnailer.c, demo-app/pictures/worker-thumbnail.c
 *
 * The pictures of a folder and the workers that decode them, without a window. */

#include "config.h"

#include "demo-app/pictures/ferry-demo-thumbnails.h"

#include <glib/gstdio.h>
#include <string.h>

#include "demo-app/pictures/ferry-demo-thumbnail.h"
#include "demo-test.h"
#include "picture-test.h"

#define N_WORKERS 2
#define MANY 900
#define MOST_KEPT 600

typedef struct
{
  FerryRouter *router;
  FerryDemoThumbnails *thumbnails;
  char *folder;
} Test;

static void
start (Test *test, const char *worker)
{
  test->router = ferry_test_router_new ();
  test->thumbnails = ferry_demo_thumbnails_new (test->router, worker, N_WORKERS);
  test->folder = demo_test_folder_new ();
}

static void
set_up (Test *test, gconstpointer data)
{
  start (test, g_getenv ("FERRY_DEMO_WORKER"));
}

static void
tear_down (Test *test, gconstpointer data)
{
  ferry_demo_thumbnails_stop (test->thumbnails);
  demo_test_wait_workers (0);
  g_assert_finalize_object (test->thumbnails);
  ferry_test_router_stop (test->router);
  demo_test_folder_remove (test->folder);
}

static guint
get_n_pictures (Test *test)
{
  return g_list_model_get_n_items (ferry_demo_thumbnails_get_pictures (test->thumbnails));
}

static FerryDemoThumbnail *
get_picture (Test *test, guint position)
{
  g_autoptr (FerryDemoThumbnail) picture =
    g_list_model_get_item (ferry_demo_thumbnails_get_pictures (test->thumbnails), position);

  g_assert_nonnull (picture);
  /* The list keeps it. */
  return picture;
}

static FerryDemoThumbnailState
get_state (Test *test, guint position)
{
  return ferry_demo_thumbnail_get_state (get_picture (test, position));
}

/* ---- facts to wait for ---- */

static gboolean
is_listed (gpointer data)
{
  FerryDemoThumbnailsState state = ferry_demo_thumbnails_get_state (((Test *) data)->thumbnails);

  return state == FERRY_DEMO_THUMBNAILS_STATE_LISTED || state == FERRY_DEMO_THUMBNAILS_STATE_FAILED;
}

static gboolean
is_done (gpointer data)
{
  Test *test = data;

  return is_listed (test) && ferry_demo_thumbnails_get_n_tried (test->thumbnails) == get_n_pictures (test) &&
         ferry_demo_thumbnails_get_n_decoding (test->thumbnails) == 0;
}

static gboolean
has_failed (gpointer data)
{
  return ferry_demo_thumbnails_get_state (((Test *) data)->thumbnails) == FERRY_DEMO_THUMBNAILS_STATE_FAILED;
}

static gboolean
decodes_nothing (gpointer data)
{
  return ferry_demo_thumbnails_get_n_decoding (((Test *) data)->thumbnails) == 0;
}

static void
open_folder (Test *test)
{
  ferry_demo_thumbnails_open (test->thumbnails, test->folder);
  ferry_test_run_until (is_listed, test);
}

static void
show_all (Test *test)
{
  open_folder (test);
  ferry_demo_thumbnails_resume (test->thumbnails);
  ferry_test_run_until (is_done, test);
}

static void
assert_broken (Test *test, guint position, const char *words)
{
  FerryDemoThumbnail *picture = get_picture (test, position);

  g_assert_cmpint (ferry_demo_thumbnail_get_state (picture), ==, FERRY_DEMO_THUMBNAIL_STATE_BROKEN);
  g_assert_nonnull (strstr (ferry_demo_thumbnail_get_reason (picture), words));
  g_assert_null (ferry_demo_thumbnail_get_texture (picture));
}

/* ---- tests ---- */

static void
test_pictures_are_listed_by_name (Test *test, gconstpointer data)
{
  g_autofree char *inside = g_build_filename (test->folder, "folder.png", NULL);

  demo_test_write (test->folder, "10.png", "x");
  demo_test_write (test->folder, "9.jpg", "x");
  demo_test_write (test->folder, "words.txt", "x");
  demo_test_write (test->folder, ".hidden.png", "x");
  g_assert_no_errno (g_mkdir (inside, 0700));
  open_folder (test);
  g_assert_cmpuint (get_n_pictures (test), ==, 2);
  g_assert_cmpstr (ferry_demo_thumbnail_get_name (get_picture (test, 0)), ==, "9.jpg");
  g_assert_cmpstr (ferry_demo_thumbnail_get_name (get_picture (test, 1)), ==, "10.png");
  /* They were not seen: nothing is begun. */
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_decoding (test->thumbnails), ==, 0);
  g_assert_cmpuint (demo_test_count_workers (), ==, 0);
}

static guint32
get_first_pixel (GdkTexture *texture)
{
  gsize stride = (gsize) gdk_texture_get_width (texture) * 4;
  g_autofree guint8 *pixels = g_malloc (stride * (gsize) gdk_texture_get_height (texture));
  guint32 pixel;

  gdk_texture_download (texture, pixels, stride);
  memcpy (&pixel, pixels, sizeof pixel);
  return pixel;
}

/* As cairo has them: premultiplied, opacity in the highest byte. */
static void
test_pixels_come_as_they_are (Test *test, gconstpointer data)
{
  GdkTexture *texture;

  picture_test_write (test->folder, "1.png", 400, 200, PICTURE_TEST_RED);
  picture_test_write (test->folder, "2.png", 33, 7, PICTURE_TEST_BLUE);
  picture_test_write (test->folder, "3.png", 10, 20, 0x00ff0000);
  show_all (test);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_broken (test->thumbnails), ==, 0);
  texture = ferry_demo_thumbnail_get_texture (get_picture (test, 0));
  g_assert_cmpint (gdk_texture_get_width (texture), ==, 160);
  g_assert_cmpint (gdk_texture_get_height (texture), ==, 80);
  g_assert_cmphex (get_first_pixel (texture), ==, 0xffff0000);
  texture = ferry_demo_thumbnail_get_texture (get_picture (test, 1));
  g_assert_cmpint (gdk_texture_get_width (texture), ==, 33);
  g_assert_cmpint (gdk_texture_get_height (texture), ==, 7);
  g_assert_cmphex (get_first_pixel (texture), ==, 0xff0000ff);
  g_assert_cmphex (get_first_pixel (ferry_demo_thumbnail_get_texture (get_picture (test, 2))), ==, 0);
}

/* A decoder that crashes takes its worker along, and no other picture; and is not tried again. */
static void
test_broken_pictures_have_reasons (Test *test, gconstpointer data)
{
  picture_test_write_bomb (test->folder, "1.png");
  picture_test_write_crasher (test->folder, "2.png");
  picture_test_write_damaged (test->folder, "3.png");
  picture_test_write (test->folder, "4.jpg", 400, 300, PICTURE_TEST_RED);
  demo_test_write (test->folder, "5.png", "These are words and no picture.");
  picture_test_write_crasher (test->folder, "6.png");
  picture_test_write (test->folder, "7.png", 100, 100, PICTURE_TEST_BLUE);
  show_all (test);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_tried (test->thumbnails), ==, 7);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_broken (test->thumbnails), ==, 5);
  assert_broken (test, 0, "60000 × 60000");
  assert_broken (test, 1, "signal 6");
  assert_broken (test, 2, "PNG");
  assert_broken (test, 4, "nrecogni");
  assert_broken (test, 5, "signal 6");
  g_assert_cmpint (get_state (test, 3), ==, FERRY_DEMO_THUMBNAIL_STATE_SHOWN);
  g_assert_cmpint (get_state (test, 6), ==, FERRY_DEMO_THUMBNAIL_STATE_SHOWN);

  ferry_demo_thumbnails_set_visible (test->thumbnails, 0, 7);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_decoding (test->thumbnails), ==, 0);
}

static void
test_file_that_went_is_told (Test *test, gconstpointer data)
{
  g_autofree char *gone = g_build_filename (test->folder, "1.png", NULL);
  g_autofree char *folder = g_build_filename (test->folder, "2.png", NULL);

  picture_test_write (test->folder, "1.png", 10, 10, PICTURE_TEST_RED);
  picture_test_write (test->folder, "2.png", 10, 10, PICTURE_TEST_RED);
  picture_test_write (test->folder, "3.png", 10, 10, PICTURE_TEST_RED);
  open_folder (test);
  g_assert_no_errno (g_unlink (gone));
  g_assert_no_errno (g_unlink (folder));
  g_assert_no_errno (g_mkdir (folder, 0700));
  ferry_demo_thumbnails_resume (test->thumbnails);
  ferry_test_run_until (is_done, test);
  assert_broken (test, 0, "No such file");
  assert_broken (test, 1, "not a file any more");
  g_assert_cmpint (get_state (test, 2), ==, FERRY_DEMO_THUMBNAIL_STATE_SHOWN);
}

static void
note_cb (FerryDemoThumbnail *picture, gpointer user_data)
{
  if (ferry_demo_thumbnail_get_state (picture) == FERRY_DEMO_THUMBNAIL_STATE_DECODING)
    g_ptr_array_add (user_data, g_strdup (ferry_demo_thumbnail_get_name (picture)));
}

static void
test_pictures_in_sight_come_first (Test *test, gconstpointer data)
{
  g_autoptr (GPtrArray) order = g_ptr_array_new_with_free_func (g_free);
  guint n;

  picture_test_write_many (test->folder, 500);
  open_folder (test);
  for (guint i = 0; i < get_n_pictures (test); i++)
    g_signal_connect (get_picture (test, i), "changed", G_CALLBACK (note_cb), order);
  ferry_demo_thumbnails_set_visible (test->thumbnails, 300, 20);
  ferry_demo_thumbnails_resume (test->thumbnails);
  n = ferry_demo_thumbnails_get_n_decoding (test->thumbnails);
  g_assert_cmpuint (n, >=, N_WORKERS);
  g_assert_cmpuint (n, <, 20);
  ferry_test_run_until (is_done, test);

  /* In sight, near behind, near before, and then all others. */
  g_assert_cmpuint (order->len, ==, 500);
  g_assert_cmpstr (order->pdata[0], ==, "300.png");
  g_assert_cmpstr (order->pdata[19], ==, "319.png");
  g_assert_cmpstr (order->pdata[20], ==, "320.png");
  g_assert_cmpstr (order->pdata[119], ==, "419.png");
  g_assert_cmpstr (order->pdata[120], ==, "200.png");
  g_assert_cmpstr (order->pdata[219], ==, "299.png");
  g_assert_cmpstr (order->pdata[220], ==, "000.png");
  g_assert_cmpstr (order->pdata[499], ==, "499.png");
}

/* A scroll waits for what is in the workers' hands, and for nothing else. */
static void
test_scrolling_changes_the_order (Test *test, gconstpointer data)
{
  g_autoptr (GPtrArray) order = g_ptr_array_new_with_free_func (g_free);
  guint n;

  picture_test_write_many (test->folder, 300);
  open_folder (test);
  for (guint i = 0; i < get_n_pictures (test); i++)
    g_signal_connect (get_picture (test, i), "changed", G_CALLBACK (note_cb), order);
  ferry_demo_thumbnails_set_visible (test->thumbnails, 0, 20);
  ferry_demo_thumbnails_resume (test->thumbnails);
  n = order->len;
  ferry_demo_thumbnails_set_visible (test->thumbnails, 250, 20);
  ferry_test_run_until (is_done, test);
  g_assert_cmpstr (order->pdata[n - 1], <, "020.png");
  g_assert_cmpstr (order->pdata[n], ==, "250.png");
  g_assert_cmpstr (order->pdata[n + 19], ==, "269.png");
}

static gboolean
are_in_sight (gpointer data)
{
  for (guint i = 0; i < 20; i++)
    if (get_state (data, i) != FERRY_DEMO_THUMBNAIL_STATE_SHOWN)
      return FALSE;
  return TRUE;
}

static void
test_thumbnails_far_away_are_dropped (Test *test, gconstpointer data)
{
  guint64 n_decoded;

  picture_test_write_many (test->folder, MANY);
  open_folder (test);
  ferry_demo_thumbnails_set_visible (test->thumbnails, MANY - 20, 20);
  ferry_demo_thumbnails_resume (test->thumbnails);
  ferry_test_run_until (is_done, test);
  n_decoded = ferry_demo_thumbnails_get_n_decoded (test->thumbnails);
  g_assert_cmpuint (n_decoded, ==, MANY);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_kept (test->thumbnails), ==, MOST_KEPT);
  g_assert_cmpint (get_state (test, 0), ==, FERRY_DEMO_THUMBNAIL_STATE_WAITING);
  for (guint i = MANY - MOST_KEPT; i < MANY; i++)
    g_assert_cmpint (get_state (test, i), ==, FERRY_DEMO_THUMBNAIL_STATE_SHOWN);

  /* They come again, with their neighbours, and are counted once. */
  ferry_demo_thumbnails_set_visible (test->thumbnails, 0, 20);
  ferry_test_run_until (are_in_sight, test);
  ferry_test_run_until (decodes_nothing, test);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_decoded (test->thumbnails), ==, n_decoded + 120);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_kept (test->thumbnails), ==, MOST_KEPT);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_tried (test->thumbnails), ==, MANY);
  g_assert_cmpint (get_state (test, MANY - 1), ==, FERRY_DEMO_THUMBNAIL_STATE_WAITING);
}

static void
test_pause_takes_all_back (Test *test, gconstpointer data)
{
  picture_test_write_many (test->folder, 100);
  open_folder (test);
  ferry_demo_thumbnails_resume (test->thumbnails);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_decoding (test->thumbnails), >, 0);
  ferry_demo_thumbnails_pause (test->thumbnails);
  ferry_test_run_until (decodes_nothing, test);
  /* No worker had begun: it had still to start. */
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_tried (test->thumbnails), ==, 0);
  ferry_demo_thumbnails_set_visible (test->thumbnails, 50, 20);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_decoding (test->thumbnails), ==, 0);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (get_state (test, i), !=, FERRY_DEMO_THUMBNAIL_STATE_DECODING);

  ferry_demo_thumbnails_resume (test->thumbnails);
  ferry_test_run_until (is_done, test);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_broken (test->thumbnails), ==, 0);
}

static gboolean
has_tried (gpointer data)
{
  return ferry_demo_thumbnails_get_n_tried (((Test *) data)->thumbnails) > 0;
}

static void
test_stop_ends_workers_in_mid_work (Test *test, gconstpointer data)
{
  picture_test_write_many (test->folder, MANY);
  open_folder (test);
  ferry_demo_thumbnails_resume (test->thumbnails);
  ferry_test_run_until (has_tried, test);
  ferry_demo_thumbnails_stop (test->thumbnails);
  demo_test_wait_workers (0);
  g_assert_cmpuint (get_n_pictures (test), ==, 0);
  g_assert_cmpint (ferry_demo_thumbnails_get_state (test->thumbnails), ==, FERRY_DEMO_THUMBNAILS_STATE_NO_FOLDER);
}

static void
test_another_folder_has_nothing_of_the_first (Test *test, gconstpointer data)
{
  char *other = demo_test_folder_new ();

  picture_test_write_many (test->folder, 100);
  picture_test_write (other, "other.png", 20, 20, PICTURE_TEST_RED);
  open_folder (test);
  ferry_demo_thumbnails_resume (test->thumbnails);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_decoding (test->thumbnails), >, 0);
  ferry_demo_thumbnails_open (test->thumbnails, other);
  g_assert_cmpuint (get_n_pictures (test), ==, 0);
  ferry_test_run_until (is_done, test);
  g_assert_cmpuint (get_n_pictures (test), ==, 1);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_decoded (test->thumbnails), <, 100);
  g_assert_cmpint (get_state (test, 0), ==, FERRY_DEMO_THUMBNAIL_STATE_SHOWN);

  /* A user that opens two at once gets the last one. */
  ferry_demo_thumbnails_open (test->thumbnails, test->folder);
  ferry_demo_thumbnails_open (test->thumbnails, other);
  ferry_test_run_until (is_done, test);
  g_assert_cmpuint (get_n_pictures (test), ==, 1);
  demo_test_folder_remove (other);
}

static void
test_folder_that_is_missing_is_told (Test *test, gconstpointer data)
{
  ferry_demo_thumbnails_resume (test->thumbnails);
  ferry_demo_thumbnails_open (test->thumbnails, "/nonexistent/pictures");
  ferry_test_run_until (has_failed, test);
  g_assert_nonnull (strstr (ferry_demo_thumbnails_get_reason (test->thumbnails), "/nonexistent/pictures"));
  picture_test_write (test->folder, "1.png", 20, 20, PICTURE_TEST_RED);
  show_all (test);
  g_assert_null (ferry_demo_thumbnails_get_reason (test->thumbnails));
}

/* No picture is to blame for that. */
static void
test_worker_that_is_missing_is_told (void)
{
  Test test;

  start (&test, "/nonexistent/worker");
  picture_test_write_many (test.folder, 10);
  open_folder (&test);
  for (guint i = 0; i < 2; i++)
    {
      ferry_demo_thumbnails_resume (test.thumbnails);
      ferry_test_run_until (has_failed, &test);
      ferry_test_run_until (decodes_nothing, &test);
      g_assert_nonnull (strstr (ferry_demo_thumbnails_get_reason (test.thumbnails), "/nonexistent/worker"));
      g_assert_cmpuint (ferry_demo_thumbnails_get_n_broken (test.thumbnails), ==, 0);
      g_assert_cmpint (get_state (&test, 0), ==, FERRY_DEMO_THUMBNAIL_STATE_WAITING);
    }
  tear_down (&test, NULL);
}

static void
test_what_a_worker_makes_up_is_not_shown (void)
{
  static const char *const lies[] = {"channels", "empty", "high", "narrow", "short", "type", "wide", "wrapping"};
  g_autofree char *worker = ferry_test_build_path ("lying-worker");
  Test test;

  start (&test, worker);
  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.png", i);

      demo_test_write (test.folder, name, lies[i]);
    }
  show_all (&test);
  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    assert_broken (&test, i, "gave no picture");
  tear_down (&test, NULL);
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
  demo_test_init ();
  picture_test_init ();
  add ("/thumbnails/pictures-are-listed-by-name", test_pictures_are_listed_by_name);
  add ("/thumbnails/pixels-come-as-they-are", test_pixels_come_as_they_are);
  add ("/thumbnails/broken-pictures-have-reasons", test_broken_pictures_have_reasons);
  add ("/thumbnails/file-that-went-is-told", test_file_that_went_is_told);
  add ("/thumbnails/pictures-in-sight-come-first", test_pictures_in_sight_come_first);
  add ("/thumbnails/scrolling-changes-the-order", test_scrolling_changes_the_order);
  add ("/thumbnails/thumbnails-far-away-are-dropped", test_thumbnails_far_away_are_dropped);
  add ("/thumbnails/pause-takes-all-back", test_pause_takes_all_back);
  add ("/thumbnails/stop-ends-workers-in-mid-work", test_stop_ends_workers_in_mid_work);
  add ("/thumbnails/another-folder-has-nothing-of-the-first", test_another_folder_has_nothing_of_the_first);
  add ("/thumbnails/folder-that-is-missing-is-told", test_folder_that_is_missing_is_told);
  g_test_add_func ("/thumbnails/worker-that-is-missing-is-told", test_worker_that_is_missing_is_told);
  g_test_add_func ("/thumbnails/what-a-worker-makes-up-is-not-shown", test_what_a_worker_makes_up_is_not_shown);
  return g_test_run ();
}
