/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/pictures/ferry-demo-thumbnail-page.c, demo-app/pictures/ferry-demo-thumbnail-tile.c
 *
 * The page of pictures, in the window and with real workers. */

#include "config.h"

#include "demo-app/pictures/ferry-demo-thumbnail-page.h"

#include <string.h>
#include <unistd.h>

#include "demo-app/pictures/ferry-demo-thumbnail-tile.h"
#include "picture-test.h"
#include "window-test.h"

static GtkWidget *
get_part (WindowTest *test, const char *name)
{
  return window_test_get_child (test, "pictures", name);
}

static FerryDemoThumbnails *
get_thumbnails (WindowTest *test)
{
  return ferry_demo_session_get_thumbnails (test->session);
}

/* A page that has a folder does not open the user's. */
static void
open_folder (WindowTest *test, const char *folder)
{
  ferry_demo_thumbnails_open (get_thumbnails (test), folder);
  window_test_show_page (test, "pictures");
}

/* The tile that is bound to the picture of that name, or NULL. */
static GtkWidget *
find_tile (GtkWidget *widget, const char *name)
{
  FerryDemoThumbnail *picture = FERRY_DEMO_IS_THUMBNAIL_TILE (widget)
                                  ? ferry_demo_thumbnail_tile_get_picture (FERRY_DEMO_THUMBNAIL_TILE (widget))
                                  : NULL;

  if (picture != NULL && g_str_equal (ferry_demo_thumbnail_get_name (picture), name))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_tile (child, name);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static const char *
get_tile_page (GtkWidget *tile)
{
  GtkWidget *stack = GTK_WIDGET (gtk_widget_get_template_child (tile, FERRY_DEMO_TYPE_THUMBNAIL_TILE, "stack"));

  return gtk_stack_get_visible_child_name (GTK_STACK (stack));
}

/* ---- facts to wait for ---- */

typedef struct
{
  WindowTest *test;
  const char *name;
  const char *page;
} Fact;

static gboolean
has_tile (gpointer data)
{
  const Fact *fact = data;
  GtkWidget *tile = find_tile (get_part (fact->test, "grid"), fact->name);

  return tile != NULL && g_str_equal (get_tile_page (tile), fact->page);
}

static GtkWidget *
wait_tile (WindowTest *test, const char *name, const char *page)
{
  Fact fact = {test, name, page};

  ferry_test_look_until (has_tile, &fact);
  return find_tile (get_part (test, "grid"), name);
}

static gboolean
is_done (gpointer data)
{
  FerryDemoThumbnails *thumbnails = get_thumbnails (data);
  guint n_pictures = g_list_model_get_n_items (ferry_demo_thumbnails_get_pictures (thumbnails));

  return n_pictures > 0 && ferry_demo_thumbnails_get_n_tried (thumbnails) == n_pictures &&
         ferry_demo_thumbnails_get_n_decoding (thumbnails) == 0;
}

static gboolean
decodes_nothing (gpointer data)
{
  return ferry_demo_thumbnails_get_n_decoding (get_thumbnails (data)) == 0;
}

static gboolean
decodes (gpointer data)
{
  return !decodes_nothing (data);
}

/* ---- tests ---- */

static void
test_page_fills (WindowTest *test, gconstpointer data)
{
  char *folder;

  folder = demo_test_folder_new ();
  picture_test_write_many (folder, 50);
  open_folder (test, folder);
  g_assert_false (gtk_widget_get_mapped (window_test_get (test, "add_button")));
  wait_tile (test, "000.png", "shown");
  wait_tile (test, "049.png", "shown");
  window_test_wait_words (test->window, "50 pictures");
  demo_test_folder_remove (folder);
}

static gboolean
has_broken (gpointer data)
{
  return ferry_demo_thumbnails_get_n_broken (get_thumbnails (data)) > 0;
}

/* Decoders are at one for some tenths of a second. */
static void
write_large (const char *folder)
{
  g_autofree char *first = g_build_filename (folder, "large.png", NULL);

  picture_test_write (folder, "large.png", 2000, 2000, PICTURE_TEST_RED);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s/%u.png", folder, i);

      g_assert_no_errno (link (first, name));
    }
}

static void
test_page_breaks_what_it_has_done_before (WindowTest *test, gconstpointer data)
{
  char *folder;

  folder = demo_test_folder_new ();
  write_large (folder);
  open_folder (test, folder);
  ferry_test_look_until (is_done, test);
  g_assert_false (has_broken (test));
  gtk_widget_activate_action (GTK_WIDGET (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), "pictures")),
                              "page.try-to-break", NULL);
  ferry_test_look_until (has_broken, test);
  ferry_test_look_until (is_done, test);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_broken (get_thumbnails (test)), <=, WINDOW_TEST_WORKERS);
  demo_test_folder_remove (folder);
}

static gboolean
has_text (gpointer label)
{
  return *gtk_label_get_text (label) != '\0';
}

static void
test_says_how_strong_the_sandbox_is (WindowTest *test, gconstpointer data)
{
  g_autofree char *layers = ferry_sandbox_describe_strength (ferry_sandbox_get_strength ());
  GtkWidget *label;

  label = get_part (test, "sandbox_label");
  ferry_test_run_until (has_text, label);
  g_assert_nonnull (strstr (gtk_label_get_text (GTK_LABEL (label)), layers));
}

static void
assert_tells (GtkWidget *tile, const char *words)
{
  const char *text = gtk_widget_get_tooltip_text (tile);

  if (text == NULL || strstr (text, words) == NULL)
    g_error ("The tile tells '%s', and not '… %s …'", text, words);
}

static void
test_broken_picture_tells_why (WindowTest *test, gconstpointer data)
{
  GtkWidget *tile;
  char *folder;

  folder = demo_test_folder_new ();
  picture_test_write (folder, "1.png", 100, 100, PICTURE_TEST_RED);
  picture_test_write_crasher (folder, "2.png");
  picture_test_write_bomb (folder, "3.png");
  picture_test_write (folder, "4.png", 100, 100, PICTURE_TEST_BLUE);
  open_folder (test, folder);
  tile = wait_tile (test, "2.png", "broken");
  assert_tells (tile, "signal 6");
  tile = wait_tile (test, "3.png", "broken");
  assert_tells (tile, "60000 × 60000");
  gtk_test_accessible_assert_property (gtk_widget_get_parent (tile), GTK_ACCESSIBLE_PROPERTY_LABEL, "3.png");
  gtk_test_accessible_assert_property (gtk_widget_get_parent (tile), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "60000 × 60000 pixels: only pictures of at most 100 million pixels are shown");
  window_test_wait_words (tile, "60000 × 60000");
  tile = wait_tile (test, "4.png", "shown");
  g_assert_cmpstr (gtk_widget_get_tooltip_text (tile), ==, "4.png");
  g_assert_false (gtk_test_accessible_has_property (GTK_ACCESSIBLE (gtk_widget_get_parent (tile)),
                                                    GTK_ACCESSIBLE_PROPERTY_DESCRIPTION));
  wait_tile (test, "1.png", "shown");
  window_test_wait_words (test->window, "4 pictures, 2 cannot be shown");
  demo_test_folder_remove (folder);
}

static void
note_cb (FerryDemoThumbnail *picture, gpointer user_data)
{
  if (ferry_demo_thumbnail_get_state (picture) == FERRY_DEMO_THUMBNAIL_STATE_DECODING)
    g_ptr_array_add (user_data, g_strdup (ferry_demo_thumbnail_get_name (picture)));
}

static gboolean
is_begun (gpointer data)
{
  return ((GPtrArray *) data)->len > 0;
}

static gboolean
is_listed (gpointer data)
{
  return ferry_demo_thumbnails_get_state (get_thumbnails (data)) == FERRY_DEMO_THUMBNAILS_STATE_LISTED;
}

static gboolean
is_at_end (gpointer data)
{
  GtkWidget *scrolled = get_part (data, "scrolled_window");
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scrolled));
  double end = gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment);

  if (end <= 0)
    return FALSE;
  if (gtk_adjustment_get_value (adjustment) >= end - 1)
    return TRUE;
  gtk_adjustment_set_value (adjustment, end);
  return FALSE;
}

/* The page is scrolled to its end while nothing is decoded; and what comes then is not the first of the rest. */
static void
test_pictures_in_sight_come_first (WindowTest *test, gconstpointer data)
{
  g_autoptr (GPtrArray) order = g_ptr_array_new_with_free_func (g_free);
  GListModel *pictures;
  char *folder;

  folder = demo_test_folder_new ();
  picture_test_write_many (folder, 900);
  ferry_demo_thumbnails_open (get_thumbnails (test), folder);
  ferry_test_look_until (is_listed, test);
  window_test_show_page (test, "pictures");
  ferry_demo_thumbnails_pause (get_thumbnails (test));
  ferry_test_look_until (is_at_end, test);
  wait_tile (test, "899.png", "waiting");
  ferry_test_look_until (decodes_nothing, test);
  pictures = ferry_demo_thumbnails_get_pictures (get_thumbnails (test));
  for (guint i = 0; i < 900; i++)
    {
      g_autoptr (FerryDemoThumbnail) picture = g_list_model_get_item (pictures, i);

      g_signal_connect (picture, "changed", G_CALLBACK (note_cb), order);
    }
  gtk_test_widget_wait_for_draw (test->window);
  gtk_test_widget_wait_for_draw (test->window);
  ferry_demo_thumbnails_resume (get_thumbnails (test));
  ferry_test_look_until (is_begun, order);
  g_assert_cmpstr (order->pdata[0], >, "860.png");
  wait_tile (test, "899.png", "shown");
  ferry_test_look_until (is_done, test);
  for (guint i = 0; i < 900; i++)
    {
      g_autoptr (FerryDemoThumbnail) picture = g_list_model_get_item (pictures, i);

      g_signal_handlers_disconnect_by_data (picture, order);
    }

  /* The first ones were dropped, and come again when the user scrolls back. */
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_kept (get_thumbnails (test)), <, 900);
  gtk_adjustment_set_value (
    gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (get_part (test, "scrolled_window"))), 0);
  wait_tile (test, "000.png", "shown");
  demo_test_folder_remove (folder);
}

static void
test_leaving_the_page_cancels (WindowTest *test, gconstpointer data)
{
  char *folder;
  guint n_tried;

  folder = demo_test_folder_new ();
  picture_test_write_many (folder, 900);
  open_folder (test, folder);
  ferry_test_look_until (decodes, test);
  window_test_show_page (test, "tasks");
  ferry_test_look_until (decodes_nothing, test);
  n_tried = ferry_demo_thumbnails_get_n_tried (get_thumbnails (test));
  g_assert_cmpuint (n_tried, <, 900);
  window_test_show_page (test, "pictures");
  ferry_test_look_until (is_done, test);
  g_assert_cmpuint (ferry_demo_thumbnails_get_n_broken (get_thumbnails (test)), ==, 0);
  demo_test_folder_remove (folder);
}

static void
test_empty_folder_says_so (WindowTest *test, gconstpointer data)
{
  char *folder;

  folder = demo_test_folder_new ();
  open_folder (test, folder);
  window_test_wait_words (test->window, "No Pictures in This Folder");
  window_test_wait_words (test->window, "Open a Folder…");
  ferry_demo_thumbnails_open (get_thumbnails (test), "/nonexistent/pictures");
  window_test_wait_words (test->window, "This Folder Cannot Be Shown");
  window_test_wait_words (test->window, "/nonexistent/pictures");
  demo_test_folder_remove (folder);
}

int
main (int argc, char **argv)
{
  window_test_init (&argc, &argv);
  picture_test_init ();
  window_test_add ("/thumbnail-page/page-fills", test_page_fills);
  window_test_add ("/thumbnail-page/page-breaks-what-it-has-done-before", test_page_breaks_what_it_has_done_before);
  window_test_add ("/thumbnail-page/says-how-strong-the-sandbox-is", test_says_how_strong_the_sandbox_is);
  window_test_add ("/thumbnail-page/broken-picture-tells-why", test_broken_picture_tells_why);
  window_test_add ("/thumbnail-page/pictures-in-sight-come-first", test_pictures_in_sight_come_first);
  window_test_add ("/thumbnail-page/leaving-the-page-cancels", test_leaving_the_page_cancels);
  window_test_add ("/thumbnail-page/empty-folder-says-so", test_empty_folder_says_so);
  return g_test_run ();
}
