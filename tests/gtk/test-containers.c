/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-list.c, gtk/ferry-list-view.c, gtk/ferry-task-layout.c
 *
 * A list is as high as its rows in what GNOME puts lists into: a page of preferences, a popover, a clamp in a page that
 * scrolls; on a telephone, with text of twice the size, and from right to left. FERRY_GALLERY=FOLDER leaves pictures.
 */

#include "config.h"

#include <adwaita.h>

#include "gtk/ferry-task-button.h"
#include "gtk/ferry-task-list.h"
#include "gtk/ferry-task-row.h"
#include "gtk/look-test.h"
#include "gtk/widget-test.h"
#include "task/task-test.h"

#define WIDTH 360
#define HEIGHT 640
#define N_TASKS 3
#define MAX_HEIGHT 500
#define LONG_NAME "Pictures of last summer at the sea"

typedef struct
{
  const char *name;
  int text_percent;
  GtkTextDirection direction;
} Look;

static const Look looks[] = {
  {"telephone", 100, GTK_TEXT_DIR_LTR},
  {"large text", 200, GTK_TEXT_DIR_LTR},
  {"large text from right to left", 200, GTK_TEXT_DIR_RTL},
};

/* ---- what is in sight ---- */

typedef struct
{
  GtkWidget *list;
  int n_rows;  /* that are whole in sight */
  int highest; /* of the rows */
  int end;     /* of the last one */
} Sight;

static void
look_at (GtkWidget *widget, Sight *sight)
{
  graphene_rect_t bounds;

  if (!gtk_widget_get_mapped (widget))
    return;
  if (FERRY_IS_TASK_ROW (widget) && gtk_widget_compute_bounds (widget, sight->list, &bounds))
    {
      sight->n_rows += bounds.size.height > 0 && bounds.origin.y >= 0 &&
                       bounds.origin.y + bounds.size.height <= (float) gtk_widget_get_height (sight->list) + 1;
      sight->highest = MAX (sight->highest, (int) bounds.size.height);
      sight->end = MAX (sight->end, (int) (bounds.origin.y + bounds.size.height));
    }
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    look_at (child, sight);
}

static Sight
see (GtkWidget *list)
{
  Sight sight = {.list = list};

  look_at (list, &sight);
  return sight;
}

/* No row is cut, and there is no room for one that is not there. */
static gboolean
is_as_high_as_its_rows (gpointer list)
{
  Sight sight = see (list);

  return sight.n_rows == N_TASKS && gtk_widget_get_height (list) - sight.end < sight.highest / 2;
}

static gboolean
is_as_high_as_it_may_be (gpointer list)
{
  return gtk_widget_get_height (list) == MAX_HEIGHT;
}

static void
leave_picture (GtkWidget *window, const char *container, const char *look)
{
  g_autofree char *name = g_strdup_printf ("%s, %s.png", container, look), *path = NULL;
  g_autoptr (GdkTexture) texture = g_getenv ("FERRY_GALLERY") != NULL ? look_test_take (window) : NULL;

  if (texture == NULL)
    return;
  path = g_build_filename (g_getenv ("FERRY_GALLERY"), name, NULL);
  g_assert_true (gdk_texture_save_to_png (texture, path));
}

/* ---- containers: each has the list, and returns what a window has ---- */

static GtkWidget *
put_into_preferences (GtkWidget *list)
{
  GtkWidget *page = adw_preferences_page_new (), *group = adw_preferences_group_new ();

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), "Backups");
  gtk_widget_add_css_class (list, "card");
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), list);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (group));
  return page;
}

static GtkWidget *
put_into_clamp (GtkWidget *list)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  gtk_box_append (GTK_BOX (box), gtk_label_new ("Above"));
  gtk_box_append (GTK_BOX (box), g_object_new (ADW_TYPE_CLAMP, "child", list, NULL));
  return g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", box, "hscrollbar-policy", GTK_POLICY_NEVER, NULL);
}

static GtkWidget *
put_into_popover (GtkWidget *list)
{
  GtkWidget *button = g_object_new (GTK_TYPE_MENU_BUTTON, "valign", GTK_ALIGN_START, NULL);
  GtkWidget *popover = g_object_new (GTK_TYPE_POPOVER, "child", list, "autohide", FALSE, NULL);

  gtk_widget_set_size_request (list, WIDTH - 60, -1);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (button), popover);
  return button;
}

static const struct
{
  const char *name;
  GtkWidget *(*put) (GtkWidget *list);
} containers[] = {
  {"preferences", put_into_preferences},
  {"clamp", put_into_clamp},
  {"popover", put_into_popover},
};

/* ---- the test ---- */

static void
add_done (FerryExecutor *executor, const char *name)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("a"));

  g_object_set (task, "name", name, NULL);
  g_assert_true (ferry_executor_submit_task (executor, task, NULL));
  task_test_wait_done (task);
}

/* Themes are libadwaita's. */
static void
set_text_size (int percent)
{
  g_object_set (gtk_settings_get_default (), "gtk-xft-dpi", 96 * 1024 * percent / 100, NULL);
}

static void
try_container (TaskTest *test, guint container, const Look *look)
{
  GtkWidget *list = ferry_task_list_new (G_LIST_MODEL (test->executor));
  GtkWidget *child = containers[container].put (list), *window = gtk_window_new ();
  int minimum;

  ferry_task_list_set_max_height (FERRY_TASK_LIST (list), MAX_HEIGHT);
  gtk_window_set_default_size (GTK_WINDOW (window), WIDTH, HEIGHT);
  gtk_window_set_child (GTK_WINDOW (window), child);
  gtk_window_present (GTK_WINDOW (window));
  if (GTK_IS_MENU_BUTTON (child))
    gtk_menu_button_popup (GTK_MENU_BUTTON (child));
  g_test_message ("%s, %s", containers[container].name, look->name);
  ferry_test_look_until (is_as_high_as_its_rows, list);
  gtk_widget_measure (window, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  g_assert_cmpint (minimum, <=, WIDTH);
  g_assert_cmpint (gtk_widget_get_width (list), <=, WIDTH);
  leave_picture (GTK_IS_MENU_BUTTON (child) ? gtk_widget_get_ancestor (list, GTK_TYPE_POPOVER) : window,
                 containers[container].name, look->name);
  for (guint i = 0; i < 12; i++)
    add_done (test->executor, LONG_NAME);
  ferry_test_look_until (is_as_high_as_it_may_be, list);
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
try_all (guint container)
{
  if (!widget_test_has_display ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    {
      TaskTest *test = task_test_new (/* in_threads: */ TRUE, 1);

      set_text_size (looks[i].text_percent);
      gtk_widget_set_default_direction (looks[i].direction);
      g_object_set (test->executor, "keep-finished", 100, NULL);
      for (guint j = 0; j < N_TASKS; j++)
        add_done (test->executor, LONG_NAME);
      try_container (test, container, &looks[i]);
      task_test_free (test);
    }
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
  set_text_size (100);
}

static void
test_list_is_as_high_as_its_rows_in_a_page_of_preferences (void)
{
  try_all (0);
}

static void
test_list_is_as_high_as_its_rows_in_a_clamp_of_a_page_that_scrolls (void)
{
  try_all (1);
}

static void
test_list_is_as_high_as_its_rows_in_a_popover (void)
{
  try_all (2);
}

/* Whether what is last in the popover of a button, below its list, is whole. */
static gboolean
is_whole (gpointer button)
{
  GtkPopover *popover = gtk_menu_button_get_popover (GTK_MENU_BUTTON (gtk_widget_get_first_child (button)));
  GtkWidget *box = gtk_popover_get_child (popover);
  graphene_rect_t bounds;

  return gtk_widget_get_mapped (box) && see (ferry_test_get_object (button, "list")).n_rows == 2 &&
         gtk_widget_compute_bounds (gtk_widget_get_last_child (box), box, &bounds) &&
         bounds.origin.y + bounds.size.height <= (float) gtk_widget_get_height (box);
}

/* GTK 4.8 asks how high a popover is in a width that has its shadow, and libadwaita's is broad. */
static void
test_popover_of_a_button_is_whole (void)
{
  GtkWidget *button, *window;
  TaskTest *test;

  if (!widget_test_has_display ())
    return;
  test = task_test_new (/* in_threads: */ TRUE, 2);
  button = ferry_task_button_new (G_LIST_MODEL (test->executor));
  gtk_popover_set_autohide (gtk_menu_button_get_popover (GTK_MENU_BUTTON (gtk_widget_get_first_child (button))), FALSE);
  for (guint i = 0; i < 2; i++)
    g_object_unref (task_test_submit (test->executor, "sleep-until-cancelled", NULL));
  window = widget_test_show (button);
  gtk_menu_button_popup (GTK_MENU_BUTTON (gtk_widget_get_first_child (button)));
  ferry_test_look_until (is_whole, button);
  leave_picture (gtk_widget_get_ancestor (ferry_test_get_object (button, "list"), GTK_TYPE_POPOVER), "button", "usual");
  ferry_executor_cancel_all (test->executor);
  ferry_test_look_until (task_test_is_idle, test->executor);
  gtk_menu_button_popdown (GTK_MENU_BUTTON (gtk_widget_get_first_child (button)));
  widget_test_wait_frame (window);
  gtk_window_destroy (GTK_WINDOW (window));
  task_test_free (test);
}

/* What GTK opens once, it opens before descriptors are counted. */
static void
warm_up (void)
{
  if (!gtk_is_initialized ())
    return;
  adw_init ();
  gtk_window_destroy (GTK_WINDOW (widget_test_show (ferry_task_list_new (NULL))));
}

/* The page would jump with the first task, and with each time that the last one leaves. */
static void
test_empty_list_is_as_high_as_one_with_a_task (void)
{
  GtkWidget *list, *box, *window;
  TaskTest *test;
  int empty, one;

  if (!widget_test_has_display ())
    return;
  test = task_test_new (/* in_threads: */ TRUE, 1);
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  list = ferry_task_list_new (G_LIST_MODEL (test->executor));
  ferry_task_list_set_max_height (FERRY_TASK_LIST (list), MAX_HEIGHT);
  gtk_box_append (GTK_BOX (box), list);
  window = widget_test_show (box);
  gtk_widget_measure (list, GTK_ORIENTATION_VERTICAL, WIDTH, NULL, &empty, NULL, NULL);
  g_object_set (test->executor, "keep-finished", 1, NULL);
  add_done (test->executor, "Summer");
  widget_test_wait_words (list, "Done");
  gtk_widget_measure (list, GTK_ORIENTATION_VERTICAL, WIDTH, NULL, &one, NULL, NULL);
  g_assert_cmpint (ABS (one - empty), <=, 6);
  gtk_window_destroy (GTK_WINDOW (window));
  task_test_free (test);
}

int
main (int argc, char **argv)
{
  /* A test has no schemas of its own, and no types of files; libadwaita asks for those of the system, as its icons do.
   */
  g_settings_schema_source_get_default ();
  g_content_type_set_mime_dirs (NULL);
  task_test_init (&argc, &argv);
  widget_test_start ();
  warm_up ();
  g_test_add_func ("/containers/list-is-as-high-as-its-rows-in-a-page-of-preferences",
                   test_list_is_as_high_as_its_rows_in_a_page_of_preferences);
  g_test_add_func ("/containers/list-is-as-high-as-its-rows-in-a-clamp-of-a-page-that-scrolls",
                   test_list_is_as_high_as_its_rows_in_a_clamp_of_a_page_that_scrolls);
  g_test_add_func ("/containers/list-is-as-high-as-its-rows-in-a-popover",
                   test_list_is_as_high_as_its_rows_in_a_popover);
  g_test_add_func ("/containers/popover-of-a-button-is-whole", test_popover_of_a_button_is_whole);
  g_test_add_func ("/containers/empty-list-is-as-high-as-one-with-a-task",
                   test_empty_list_is_as_high_as_one_with_a_task);
  return g_test_run ();
}
