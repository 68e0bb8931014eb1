/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/pictures/ferry-demo-pictures-page.c, demo-app/pictures/ferry-demo-tile.c,
 * demo-app/pictures/worker-thumbnail.c
 *
 * The page of pictures, in the window and with real workers. */

#include "config.h"

#include "demo-app/pictures/ferry-demo-pictures-page.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "demo-app/pictures/ferry-demo-tile.h"
#include "picture-test.h"
#include "window-test.h"

#define MANY 900

static GtkWidget *
get_part (WindowTest *test, const char *name)
{
  return window_test_get_child (test, "pictures", name);
}

static FerryDemoPicturesPage *
get_page (WindowTest *test)
{
  return FERRY_DEMO_PICTURES_PAGE (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), "pictures"));
}

static void
open_folder (WindowTest *test, const char *folder)
{
  ferry_demo_pictures_page_open (get_page (test), folder);
  window_test_show_page (test, "pictures");
}

/* ---- tiles ---- */

static const char *
get_label (GtkWidget *tile, const char *name)
{
  return gtk_label_get_text (GTK_LABEL (gtk_widget_get_template_child (tile, FERRY_DEMO_TYPE_TILE, name)));
}

static GdkTexture *
get_texture (GtkWidget *tile)
{
  GtkPicture *picture = GTK_PICTURE (gtk_widget_get_template_child (tile, FERRY_DEMO_TYPE_TILE, "picture"));
  GdkPaintable *paintable = gtk_picture_get_paintable (picture);

  return paintable != NULL ? GDK_TEXTURE (paintable) : NULL;
}

/* In this order of the alphabet, which is that of states. */
static const char *
get_state (GtkWidget *tile)
{
  return get_texture (tile) != NULL ? "shown" : *get_label (tile, "reason_label") != '\0' ? "broken" : "waiting";
}

/* The tile that has the picture of that name, or NULL. Tiles that the grid keeps for later have no parent's item. */
static GtkWidget *
find_tile (GtkWidget *widget, const char *name)
{
  if (FERRY_DEMO_IS_TILE (widget) && gtk_widget_get_mapped (widget) &&
      g_str_equal (get_label (widget, "name_label"), name))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_tile (child, name);

      if (found != NULL)
        return found;
    }
  return NULL;
}

typedef struct
{
  WindowTest *test;
  const char *name;
  const char *state;
} Fact;

static gboolean
has_tile (gpointer data)
{
  const Fact *fact = data;
  GtkWidget *tile = find_tile (get_part (fact->test, "scrolled_window"), fact->name);

  return tile != NULL && g_str_equal (get_state (tile), fact->state);
}

static GtkWidget *
wait_tile (WindowTest *test, const char *name, const char *state)
{
  Fact fact = {test, name, state};

  ferry_test_look_until (has_tile, &fact);
  return find_tile (get_part (test, "scrolled_window"), name);
}

static void
assert_broken (WindowTest *test, const char *name, const char *words)
{
  GtkWidget *tile = wait_tile (test, name, "broken");
  const char *text = gtk_widget_get_tooltip_text (tile);

  if (text == NULL || strstr (text, words) == NULL)
    g_error ("The tile tells '%s', and not '… %s …'", text, words);
}

/* ---- tests ---- */

static void
test_pictures_are_listed_by_name (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();
  g_autofree char *inside = g_build_filename (folder, "folder.png", NULL);
  GListModel *files =
    G_LIST_MODEL (gtk_widget_get_template_child (GTK_WIDGET (get_page (test)), FERRY_DEMO_TYPE_PICTURES_PAGE, "files"));
  g_autoptr (GFileInfo) first = NULL;

  picture_test_write (folder, "10.png", 20, 20, PICTURE_TEST_RED);
  picture_test_write (folder, "9.jpg", 20, 20, PICTURE_TEST_RED);
  picture_test_write (folder, ".hidden.png", 20, 20, PICTURE_TEST_RED);
  demo_test_write (folder, "words.txt", "x");
  g_assert_no_errno (g_mkdir (inside, 0700));
  open_folder (test, folder);
  window_test_wait_words (test->window, "2 pictures");
  first = g_list_model_get_item (files, 0);
  g_assert_cmpstr (g_file_info_get_name (first), ==, "9.jpg");
  demo_test_folder_remove (folder);
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

static void
assert_texture (WindowTest *test, const char *name, int width, int height, guint32 pixel)
{
  GdkTexture *texture = get_texture (wait_tile (test, name, "shown"));

  g_assert_cmpint (gdk_texture_get_width (texture), ==, width);
  g_assert_cmpint (gdk_texture_get_height (texture), ==, height);
  g_assert_cmphex (get_first_pixel (texture), ==, pixel);
}

/* As cairo has them: premultiplied, opacity in the highest byte. */
static void
test_pixels_come_as_they_are (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();

  picture_test_write (folder, "1.png", 400, 200, PICTURE_TEST_RED);
  picture_test_write (folder, "2.png", 33, 7, PICTURE_TEST_BLUE);
  picture_test_write (folder, "3.png", 10, 20, 0x00ff0000);
  open_folder (test, folder);
  assert_texture (test, "1.png", 160, 80, 0xffff0000);
  assert_texture (test, "2.png", 33, 7, 0xff0000ff);
  assert_texture (test, "3.png", 10, 20, 0);
  g_assert_cmpstr (gtk_label_get_text (GTK_LABEL (get_part (test, "counts_label"))), ==, "3 pictures");
  demo_test_folder_remove (folder);
}

/* A decoder that crashes takes its worker along, and no other picture. */
static void
test_broken_pictures_tell_why (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();
  GtkAccessible *cell;

  picture_test_write_bomb (folder, "1.png");
  picture_test_write_crasher (folder, "2.png");
  picture_test_write_damaged (folder, "3.png");
  picture_test_write (folder, "4.jpg", 400, 300, PICTURE_TEST_RED);
  demo_test_write (folder, "5.png", "These are words and no picture.");
  picture_test_write_crasher (folder, "6.png");
  picture_test_write (folder, "7.png", 100, 100, PICTURE_TEST_BLUE);
  open_folder (test, folder);
  assert_broken (test, "1.png", "60000 × 60000");
  assert_broken (test, "2.png", "It crashed");
  assert_broken (test, "3.png", "PNG");
  assert_broken (test, "5.png", "nrecogni");
  assert_broken (test, "6.png", "It crashed");
  cell = GTK_ACCESSIBLE (gtk_widget_get_parent (wait_tile (test, "2.png", "broken")));
  gtk_test_accessible_assert_property (cell, GTK_ACCESSIBLE_PROPERTY_LABEL, "2.png");
  gtk_test_accessible_assert_property (cell, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "It crashed");
  wait_tile (test, "7.png", "shown");
  cell = GTK_ACCESSIBLE (gtk_widget_get_parent (wait_tile (test, "4.jpg", "shown")));
  g_assert_false (gtk_test_accessible_has_property (cell, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION));
  window_test_wait_words (test->window, "7 pictures, 5 failed");
  demo_test_folder_remove (folder);
}

static gboolean
is_listed (gpointer data)
{
  GObject *files = gtk_widget_get_template_child (GTK_WIDGET (get_page (data)), FERRY_DEMO_TYPE_PICTURES_PAGE, "files");

  return g_list_model_get_n_items (G_LIST_MODEL (files)) == 3;
}

static void
test_file_that_went_is_told (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();
  g_autofree char *gone = g_build_filename (folder, "1.png", NULL);
  g_autofree char *replaced = g_build_filename (folder, "2.png", NULL);

  picture_test_write_many (folder, 0);
  picture_test_write (folder, "1.png", 10, 10, PICTURE_TEST_RED);
  picture_test_write (folder, "2.png", 10, 10, PICTURE_TEST_RED);
  picture_test_write (folder, "3.png", 10, 10, PICTURE_TEST_RED);
  ferry_demo_pictures_page_open (get_page (test), folder);
  ferry_test_look_until (is_listed, test);
  g_assert_no_errno (g_unlink (gone));
  g_assert_no_errno (g_unlink (replaced));
  g_assert_no_errno (g_mkdir (replaced, 0700));
  window_test_show_page (test, "pictures");
  assert_broken (test, "1.png", "No such file");
  assert_broken (test, "2.png", "no longer a file");
  wait_tile (test, "3.png", "shown");
  demo_test_folder_remove (folder);
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

/* How many tiles out of sight, of pictures behind the first of that name, show theirs. */
static guint
count_early (GtkWidget *widget, const char *name)
{
  guint n = 0;

  if (FERRY_DEMO_IS_TILE (widget))
    return !gtk_widget_get_mapped (widget) && get_texture (widget) != NULL &&
           strcmp (get_label (widget, "name_label"), name) > 0;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    n += count_early (child, name);
  return n;
}

/* The grid has tiles for many more when it is scrolled to its end. The last one in sight is the last of those. */
static void
test_pictures_in_sight_come_first (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();
  GtkWidget *scrolled = get_part (test, "scrolled_window");

  picture_test_write_many (folder, MANY);
  open_folder (test, folder);
  ferry_test_look_until (is_at_end, test);
  wait_tile (test, "899.png", "shown");
  /* What the decoders had in hand besides. */
  g_assert_cmpuint (count_early (scrolled, "600.png"), <=, 2 * 3 * ferry_get_n_usable_cores ());
  /* The first ones were dropped, and come again when the user scrolls back. */
  g_assert_null (find_tile (scrolled, "000.png"));
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scrolled)), 0);
  wait_tile (test, "000.png", "shown");
  demo_test_folder_remove (folder);
}

static void
test_leaving_the_page_cancels (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();

  picture_test_write_many (folder, MANY);
  open_folder (test, folder);
  wait_tile (test, "000.png", "shown");
  window_test_show_page (test, "tasks");
  window_test_show_page (test, "pictures");
  wait_tile (test, "005.png", "shown");
  g_assert_null (widget_test_find_words (test->window, " failed"));
  demo_test_folder_remove (folder);
}

static void
test_another_folder_has_nothing_of_the_first (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new (), *other = demo_test_folder_new ();

  picture_test_write_many (folder, 100);
  picture_test_write (other, "other.png", 20, 20, PICTURE_TEST_RED);
  open_folder (test, folder);
  wait_tile (test, "000.png", "shown");
  /* A user that opens two at once gets the last one. */
  open_folder (test, folder);
  open_folder (test, other);
  wait_tile (test, "other.png", "shown");
  window_test_wait_words (test->window, "1 picture");
  g_assert_null (find_tile (get_part (test, "scrolled_window"), "000.png"));
  demo_test_folder_remove (folder);
  demo_test_folder_remove (other);
}

static void
test_crash_is_had_when_all_is_done (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();

  picture_test_write_many (folder, 5);
  open_folder (test, folder);
  wait_tile (test, "004.png", "shown");
  g_assert_null (widget_test_find_words (test->window, " failed"));
  gtk_widget_activate_action (GTK_WIDGET (get_page (test)), "pictures.crash", NULL);
  assert_broken (test, "000.png", "It crashed");
  /* It costs one picture. */
  for (guint i = 1; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("%03u.png", i);

      wait_tile (test, name, "shown");
    }
  window_test_wait_words (test->window, "5 pictures, 1 failed");
  demo_test_folder_remove (folder);
}

static gboolean
has_text (gpointer label)
{
  return *gtk_label_get_text (label) != '\0';
}

/* A line for each layer that this system has. */
static void
test_says_how_strong_the_sandbox_is (WindowTest *test, gconstpointer data)
{
  GtkWidget *label = get_part (test, "layers_label");
  g_auto (GStrv) lines = NULL;

  ferry_test_run_until (has_text, label);
  lines = g_strsplit (gtk_label_get_text (GTK_LABEL (label)), "\n", -1);
  g_assert_cmpint (g_strv_length (lines), ==, __builtin_popcount (ferry_sandbox_get_strength ()));
}

static void
test_empty_folder_says_so (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();

  open_folder (test, folder);
  window_test_wait_words (test->window, "No Pictures in This Folder");
  window_test_wait_words (test->window, "Open a Folder…");
  open_folder (test, "/nonexistent/pictures");
  window_test_wait_words (test->window, "This Folder Cannot Be Shown");
  window_test_wait_words (test->window, "/nonexistent/pictures");
  demo_test_folder_remove (folder);
}

/* A window of its own, whose workers are another program. */
static void
with_worker (const char *worker, WindowTestFunc func)
{
  g_autofree char *before = g_strdup (g_getenv ("FERRY_DEMO_WORKER"));

  g_setenv ("FERRY_DEMO_WORKER", worker, TRUE);
  window_test_run (func);
  g_setenv ("FERRY_DEMO_WORKER", before, TRUE);
}

/* No picture is to blame for that. */
static void
see_worker_that_is_missing (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();

  picture_test_write_many (folder, 10);
  open_folder (test, folder);
  for (guint i = 0; i < 2; i++)
    {
      window_test_wait_words (test->window, "Pictures Cannot Be Decoded");
      g_assert_null (widget_test_find_words (test->window, " failed"));
      gtk_widget_activate_action (GTK_WIDGET (get_page (test)), "pictures.again", NULL);
    }
  window_test_wait_words (test->window, "Pictures Cannot Be Decoded");
  demo_test_folder_remove (folder);
}

static gboolean
has_chooser (gpointer chooser)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      if (GTK_IS_FILE_CHOOSER (window) && gtk_widget_get_mapped (window))
        *(GtkWidget **) chooser = window;
    }
  return *(GtkWidget **) chooser != NULL;
}

static gboolean
is_unmapped (gpointer widget)
{
  return !gtk_widget_get_mapped (widget);
}

typedef struct
{
  GtkWidget *chooser;
  GFile *folder;
} Choice;

static gboolean
is_in_folder (gpointer data)
{
  const Choice *choice = data;
  g_autoptr (GFile) folder = gtk_file_chooser_get_current_folder (GTK_FILE_CHOOSER (choice->chooser));

  return folder != NULL && g_file_equal (folder, choice->folder);
}

/* The chooser is made with its first use, and is the same for the second one. */
static void
test_folder_that_is_chosen_is_shown (WindowTest *test, gconstpointer data)
{
#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("A chooser of GTK 4.8 leaves places, errors and facts of files behind");
  return;
#endif
  char *folder = demo_test_folder_new ();
  g_autoptr (GFile) file = g_file_new_for_path (folder);
  GtkWidget *first = NULL;
  Choice choice = {NULL, file};

  picture_test_write (folder, "red.png", 20, 20, PICTURE_TEST_RED);
  window_test_activate (test, "pictures.open");
  ferry_test_look_until (has_chooser, &first);
  gtk_window_close (GTK_WINDOW (first));
  ferry_test_look_until (is_unmapped, first);

  window_test_activate (test, "pictures.open");
  ferry_test_look_until (has_chooser, &choice.chooser);
  g_assert_true (choice.chooser == first);
  gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (first), file, NULL);
  ferry_test_look_until (is_in_folder, &choice);
  gtk_dialog_response (GTK_DIALOG (first), GTK_RESPONSE_ACCEPT);
  wait_tile (test, "red.png", "shown");
  demo_test_folder_remove (folder);
}

static void
test_worker_that_is_missing_is_told (void)
{
  with_worker ("/nonexistent/worker", see_worker_that_is_missing);
}

static void
see_what_is_made_up (WindowTest *test, gconstpointer data)
{
  static const char *const lies[] = {"empty", "format", "high", "narrow", "short", "type", "wide", "wrapping"};
  char *folder = demo_test_folder_new ();

  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.png", i);

      demo_test_write (folder, name, lies[i]);
    }
  open_folder (test, folder);
  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.png", i);

      assert_broken (test, name, "gave no picture");
    }
  demo_test_folder_remove (folder);
}

static void
test_what_a_worker_makes_up_is_not_shown (void)
{
  g_autofree char *worker = ferry_test_build_path ("lying-worker");

  with_worker (worker, see_what_is_made_up);
}

int
main (int argc, char **argv)
{
  window_test_init (&argc, &argv);
  picture_test_init ();
  window_test_add ("/pictures-page/pictures-are-listed-by-name", test_pictures_are_listed_by_name);
  window_test_add ("/pictures-page/pixels-come-as-they-are", test_pixels_come_as_they_are);
  window_test_add ("/pictures-page/broken-pictures-tell-why", test_broken_pictures_tell_why);
  window_test_add ("/pictures-page/file-that-went-is-told", test_file_that_went_is_told);
  window_test_add ("/pictures-page/pictures-in-sight-come-first", test_pictures_in_sight_come_first);
  window_test_add ("/pictures-page/leaving-the-page-cancels", test_leaving_the_page_cancels);
  window_test_add ("/pictures-page/another-folder-has-nothing-of-the-first",
                   test_another_folder_has_nothing_of_the_first);
  window_test_add ("/pictures-page/crash-is-had-when-all-is-done", test_crash_is_had_when_all_is_done);
  window_test_add ("/pictures-page/says-how-strong-the-sandbox-is", test_says_how_strong_the_sandbox_is);
  window_test_add ("/pictures-page/empty-folder-says-so", test_empty_folder_says_so);
  window_test_add ("/pictures-page/folder-that-is-chosen-is-shown", test_folder_that_is_chosen_is_shown);
  g_test_add_func ("/pictures-page/worker-that-is-missing-is-told", test_worker_that_is_missing_is_told);
  g_test_add_func ("/pictures-page/what-a-worker-makes-up-is-not-shown", test_what_a_worker_makes_up_is_not_shown);
  return demo_test_run_all ();
}
