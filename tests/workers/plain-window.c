/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program of GTK without Ferry's widgets, which opens GTK's inspector: plain-window TASKS, and prints what the page
 * of Ferry says of its tasks, each cell in a line. It is its own worker. It gives up with status 2 where there is no
 * page although the router has looked for one, and ends with its parent. */

#include <ferry.h>
#include <gtk/gtk.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define FUNCTION "wait-for-cancel"

static GMainLoop *loop;

/* So many times a second the page is looked at. */
#define LOOKS 50

static GVariant *
wait_for_cancel (FerryJob *job, GVariant *arguments, GError **error)
{
  GPollFD fd;

  g_cancellable_make_pollfd (ferry_job_get_cancellable (job), &fd);
  g_poll (&fd, 1, -1);
  g_cancellable_release_fd (ferry_job_get_cancellable (job));
  return NULL;
}

/* (nullable): the widget below that is of a type with this name. */
static GtkWidget *
find (GtkWidget *widget, const char *type)
{
  GtkWidget *found = g_str_equal (G_OBJECT_TYPE_NAME (widget), type) ? widget : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find (child, type);
  return found;
}

/* (nullable): the widget of a window that is of a type with this name. */
static GtkWidget *
find_in_windows (const char *type)
{
  GListModel *windows = gtk_window_get_toplevels ();
  GtkWidget *widget = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (windows) && widget == NULL; i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      widget = find (window, type);
    }
  return widget;
}

/* Adds the words of all cells in sight, each in a line. */
static void
add_words (GtkWidget *widget, GString *words)
{
  if (!gtk_widget_get_mapped (widget))
    return;
  if (GTK_IS_INSCRIPTION (widget) && gtk_inscription_get_text (GTK_INSCRIPTION (widget)) != NULL)
    g_string_append_printf (words, "%s\n", gtk_inscription_get_text (GTK_INSCRIPTION (widget)));
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    add_words (child, words);
}

/* The router looks for the library of the page in its first dispatches, and tasks are told to run in later ones. A
 * library that comes after the inspector's window adds the page soon, which comes before this. */
static gboolean
has_been_looked_for (FerryExecutor *executor)
{
  guint n_executing;

  g_object_get (executor, "n-executing", &n_executing, NULL);
  return n_executing > 0 && find_in_windows ("GtkInspectorWindow") != NULL;
}

/* The main loop is not idle before there is a page. */
static gboolean
keep_busy (gpointer data)
{
  return find_in_windows ("FerryInspectorPage") == NULL;
}

static gboolean
look_cb (gpointer executor)
{
  GtkWidget *page = find_in_windows ("FerryInspectorPage");
  GtkWidget *stack = page != NULL ? gtk_widget_get_ancestor (page, GTK_TYPE_STACK) : NULL;
  g_autoptr (GString) words = g_string_new (NULL);
  static guint n_looks_without;

  if (page == NULL && has_been_looked_for (executor) && n_looks_without++ > 0)
    exit (2);
  if (page == NULL)
    return G_SOURCE_CONTINUE;
  gtk_stack_set_visible_child (GTK_STACK (stack), page);
  gtk_stack_set_visible_child_name (GTK_STACK (find (page, "GtkStack")), "tasks");
  add_words (page, words);
  if (strstr (words->str, FUNCTION) == NULL)
    return G_SOURCE_CONTINUE;
  g_print ("%s", words->str);
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryExecutor) executor = NULL;

  ferry_function_register (FUNCTION, NULL, "", wait_for_cancel);
  ferry_worker_main (&argc, &argv);

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  gtk_init ();
  loop = g_main_loop_new (NULL, FALSE);
  if (find_in_windows ("GtkInspectorWindow") != NULL)
    g_idle_add_full (G_PRIORITY_DEFAULT_IDLE - 1, keep_busy, NULL, NULL);
  executor = ferry_executor_new_for_program ("/proc/self/exe", NULL);
  if (executor == NULL)
    return 1;
  for (int i = 0; i < (argc > 1 ? atoi (argv[1]) : 1); i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, FUNCTION, NULL);

      if (!ferry_executor_submit_task (executor, task, NULL))
        return 1;
    }
  /* With GTK_DEBUG=interactive it is open already. */
  gtk_window_set_interactive_debugging (TRUE);
  g_timeout_add_full (G_PRIORITY_LOW, 1000 / LOOKS, look_cb, executor, NULL);
  g_main_loop_run (loop);
  return 0;
}
