/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-details.c, gtk/ferry-task-dialog.c
 *
 * A window with a group as one row, and the windows that come over it, in each width and each look. FERRY_GALLERY names
 * a folder for their pictures, for people to look at. */

#include "config.h"

#include "gtk/look-test.h"
#include "gtk/widget-test.h"
#include "task/task-test.h"

#include "gtk/ferry-task-actions-private.h"
#include "gtk/ferry-task-details-private.h"
#include "gtk/ferry-task-dialog.h"
#include "gtk/ferry-task-list.h"

#define HEIGHT 560

typedef struct
{
  const char *name;
  const char *theme;
  gboolean dark;
  int text_percent;
  GtkTextDirection direction;
} Look;

static const Look looks[] = {
  {"light", "Default", FALSE, 100, GTK_TEXT_DIR_LTR},
  {"dark", "Default", TRUE, 100, GTK_TEXT_DIR_LTR},
  {"high-contrast", "Default-hc", FALSE, 100, GTK_TEXT_DIR_LTR},
  {"large-text", "Default", FALSE, 200, GTK_TEXT_DIR_LTR},
  {"right-to-left", "Default", FALSE, 100, GTK_TEXT_DIR_RTL},
};

static const int widths[] = {360, 480, 1000};

typedef struct
{
  TaskTest *test;
  FerryTask *runs;
  FerryTask *failed;
  FerryTask *whole;
  FerryTask *whole_failed;
  FerryTask *again;
  GtkWidget *list;
  GtkWidget *window;
} Scene;

/* ---- what is shown ---- */

/* A group of pictures, of which some fail. */
static void
add_failures (Scene *scene)
{
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();

  scene->whole_failed = ferry_task_new_for_group (group, "Thumbnails", "pictures");
  for (guint i = 0; i < 60; i++)
    {
      GVariant *error = g_variant_new ("(sis)", "g-io-error-quark", 0, "The file ends before the picture does");
      g_autofree char *name = g_strdup_printf ("/home/user/Pictures/Holidays of 2026/IMG_%04u.jpg", 1000 + i);
      g_autoptr (FerryTask) part = ferry_task_new (FERRY_TASK_KIND_CALL, "fail", error);

      g_object_set (part, "name", name, NULL);
      ferry_task_group_add (group, part);
      if (i % 5 == 0)
        task_test_submit_task (scene->test->executor, part);
      else
        ferry_task_cancel (part);
    }
  task_test_wait_done (scene->whole_failed);
}

static void
add_tasks (Scene *scene)
{
  FerryExecutor *executor = scene->test->executor;
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) part = NULL, failed_before = NULL;

  add_failures (scene);
  failed_before = task_test_submit (executor, "fail", g_variant_new ("(sis)", "g-io-error-quark", 0, "No"));
  g_object_set (failed_before, "name", "Upload of holidays.zip", NULL);
  task_test_wait_done (failed_before);
  scene->failed = task_test_submit (executor, "print-and-fail",
                                    g_variant_new_string ("warning: 3 pages have no text\n"
                                                          "error: /home/user/Documents/Report.odt: page 17 has a "
                                                          "picture that cannot be read"));
  g_object_set (scene->failed, "name", "Export of the report", NULL);
  task_test_wait_done (scene->failed);
  scene->runs = task_test_submit (executor, "report-until-cancelled", NULL);
  g_object_set (scene->runs, "name", "Checksums of /usr/share/doc", NULL);
  task_test_wait_begun (scene->runs);
  part = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);
  scene->whole = ferry_task_new_for_group (group, "Holidays of 2026", "pictures");
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (FerryTask) done = task_test_submit (executor, "nothing", NULL);

      ferry_task_group_add (group, done);
    }
  task_test_submit_task (executor, part);
  ferry_task_group_add (group, part);
  task_test_wait_begun (part);
  scene->again = g_object_ref (ferry_task_run_again (failed_before, executor, NULL));
}

/* FALSE where there is no display. */
static gboolean
scene_init (Scene *scene)
{
  g_autoptr (GListStore) store = NULL;
  GtkWidget *view;

  if (!widget_test_has_display ())
    return FALSE;
  scene->test = task_test_new (/* in_threads: */ FALSE, 2);
  add_tasks (scene);
  store = g_list_store_new (FERRY_TYPE_TASK);
  g_list_store_append (store, scene->whole);
  g_list_store_append (store, scene->runs);
  g_list_store_append (store, scene->failed);
  g_list_store_append (store, scene->whole_failed);
  g_list_store_append (store, scene->again);
  scene->list = ferry_task_list_new (G_LIST_MODEL (store));
  scene->window = widget_test_show (scene->list);
  widget_test_wait_words (scene->list, "Export of the report");
  view = gtk_widget_get_ancestor (widget_test_find_words (scene->list, "Holidays of 2026"), GTK_TYPE_LIST_VIEW);
  gtk_selection_model_select_item (gtk_list_view_get_model (GTK_LIST_VIEW (view)), 0, TRUE);
  gtk_selection_model_select_item (gtk_list_view_get_model (GTK_LIST_VIEW (view)), 1, FALSE);
  return TRUE;
}

static void
scene_clear (Scene *scene)
{
  ferry_task_cancel (scene->runs);
  ferry_task_cancel (scene->whole);
  ferry_task_cancel (scene->again);
  task_test_wait_done (scene->runs);
  task_test_wait_done (scene->whole);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_clear_object (&scene->failed);
  g_clear_object (&scene->runs);
  g_clear_object (&scene->whole);
  g_clear_object (&scene->whole_failed);
  g_clear_object (&scene->again);
  task_test_free (scene->test);
}

/* ---- how it looks ---- */

typedef struct
{
  GtkWidget *window;
  int width; /* 0: any */
  guint n_turns;
  GdkTexture *texture; /* (owned) (nullable) */
} Wanted;

/* The look comes with the next frame, and rows of another height with that behind it. */
static gboolean
is_taken (gpointer data)
{
  Wanted *wanted = data;

  if (!gtk_widget_get_mapped (wanted->window) ||
      (wanted->width > 0 && gtk_widget_get_width (wanted->window) != wanted->width) || wanted->n_turns++ < 4)
    return FALSE;
  wanted->texture = look_test_take (wanted->window);
  return wanted->texture != NULL;
}

static void
save (GdkTexture *texture, const char *what, const char *look, int width)
{
  const char *folder = g_getenv ("FERRY_GALLERY");
  g_autofree char *name = g_strdup_printf ("%s-%s-%d.png", what, look, width);
  g_autofree char *path = folder != NULL ? g_build_filename (folder, name, NULL) : NULL;

  if (path != NULL)
    g_assert_true (gdk_texture_save_to_png (texture, path));
}

/* A window over another one is not wider than that. */
static void
take_picture (GtkWidget *window, const char *what, const Look *look, int width)
{
  g_autoptr (GdkTexture) texture = NULL;
  Wanted wanted = {.window = window, .width = g_str_equal (what, "list") ? width : 0};

  ferry_test_look_until (is_taken, &wanted);
  texture = wanted.texture;
  g_assert_cmpint (gdk_texture_get_width (texture), <=, width);
  save (texture, what, look->name, width);
}

/* (nullable) */
static GtkWidget *
find_window_over (GtkWidget *window)
{
  g_autoptr (GList) windows = gtk_window_list_toplevels ();

  for (GList *item = windows; item != NULL; item = item->next)
    if (gtk_window_get_transient_for (item->data) == GTK_WINDOW (window))
      return item->data;
  return NULL;
}

static GtkWidget *
find_menu (Scene *scene)
{
  GtkWidget *child = gtk_widget_get_first_child (scene->list);

  while (!GTK_IS_POPOVER_MENU (child))
    child = gtk_widget_get_next_sibling (child);
  return child;
}

static void
take_pictures (Scene *scene, const Look *look, int width)
{
  gtk_widget_set_size_request (scene->window, width, HEIGHT);
  gtk_window_set_default_size (GTK_WINDOW (scene->window), width, HEIGHT);
  take_picture (scene->window, "list", look, width);

  /* The windows of other programs do not close it. */
  gtk_popover_set_autohide (GTK_POPOVER (find_menu (scene)), FALSE);
  gtk_widget_activate_action (scene->list, "menu.popup", NULL);
  take_picture (find_menu (scene), "menu", look, width);
  gtk_popover_popdown (GTK_POPOVER (find_menu (scene)));

  ferry_task_details_present (scene->failed, scene->list, NULL, NULL);
  take_picture (find_window_over (scene->window), "details", look, width);
  gtk_window_destroy (GTK_WINDOW (find_window_over (scene->window)));

  ferry_task_details_present (scene->whole_failed, scene->list, NULL, NULL);
  take_picture (find_window_over (scene->window), "details-group", look, width);
  gtk_window_destroy (GTK_WINDOW (find_window_over (scene->window)));

  ferry_task_show_dialog (scene->runs, GTK_WINDOW (scene->window));
  take_picture (find_window_over (scene->window), "dialog", look, width);
  gtk_window_destroy (GTK_WINDOW (find_window_over (scene->window)));

  ferry_task_show_dialog (scene->failed, GTK_WINDOW (scene->window));
  take_picture (find_window_over (scene->window), "dialog-failed", look, width);
  gtk_window_destroy (GTK_WINDOW (find_window_over (scene->window)));
}

static void
test_windows_fit_in_each_look (void)
{
  Scene scene;

  if (!scene_init (&scene))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    {
      look_test_set (looks[i].theme, looks[i].dark, looks[i].text_percent);
      gtk_widget_set_default_direction (looks[i].direction);
      for (guint j = 0; j < G_N_ELEMENTS (widths); j++)
        take_pictures (&scene, &looks[i], widths[j]);
    }
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
  look_test_reset ();
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  widget_test_start ();
  g_test_add_func ("/gallery/windows-fit-in-each-look", test_windows_fit_in_each_look);
  return g_test_run ();
}
