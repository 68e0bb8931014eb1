/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "window-test.h"

#include <string.h>

/* An application does so by itself. */
static void
add_style (void)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, "/org/ferryproject/Demo/style.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (), GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

void
window_test_init (int *argc, char ***argv)
{
  g_setenv ("GTK_A11Y", "test", TRUE);
  g_test_init (argc, argv, NULL);
  demo_test_init ();
  if (g_getenv ("DISPLAY") != NULL || g_getenv ("WAYLAND_DISPLAY") != NULL)
    {
      adw_init ();
      add_style ();
    }
}

gboolean
window_test_is_open (gpointer queue)
{
  return ferry_test_get_number (queue, "is-open");
}

static void
set_up (WindowTest *test)
{
  g_autoptr (GError) error = NULL;

  demo_test_forget_tasks ();
  test->session =
    ferry_demo_session_new (g_getenv ("FERRY_DEMO_WORKER"), WINDOW_TEST_WORKERS, FERRY_SANDBOX_POLICY_PREFERRED);
  test->executor = ferry_demo_session_get_executor (test->session);
  test->queue = ferry_demo_session_get_queue (test->session);
  ferry_demo_session_start (test->session, &error);
  g_assert_no_error (error);
  test->window = ferry_demo_window_new (NULL, test->session);
  g_object_add_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
  window_test_show_page (test, "tasks");
  gtk_window_present (GTK_WINDOW (test->window));
  ferry_test_look_until (window_test_is_open, test->queue);
}

static gboolean
is_null (gpointer data)
{
  return *(gpointer *) data == NULL;
}

/* Whatever the test left running must end now, and nothing may keep the window or the session. */
static void
tear_down (WindowTest *test)
{
  gtk_window_destroy (GTK_WINDOW (test->window));
  ferry_test_look_until (is_null, &test->window);
  ferry_demo_session_stop (test->session);
  demo_test_wait_workers (0);
  g_assert_finalize_object (test->session);
}

void
window_test_run (WindowTestFunc func)
{
  WindowTest test = {NULL};

  if (!demo_test_has_display ())
    return;
  set_up (&test);
  func (&test, NULL);
  tear_down (&test);
}

static void
run (gconstpointer func)
{
  window_test_run ((WindowTestFunc) func);
}

void
window_test_add (const char *path, WindowTestFunc func)
{
  g_test_add_data_func (path, (gconstpointer) func, run);
}

/* ---- what the window shows ---- */

typedef gboolean (*WidgetCondition) (GtkWidget *widget, gconstpointer data);

/* The first of the mapped widgets below widget that is wanted. */
static GtkWidget *
find_widget (GtkWidget *widget, WidgetCondition is_wanted, gconstpointer data)
{
  if (!gtk_widget_get_mapped (widget))
    return NULL;
  if (is_wanted (widget, data))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_widget (child, is_wanted, data);

      if (found != NULL)
        return found;
    }
  return NULL;
}

typedef struct
{
  GtkWidget *widget;
  const char *words;
} Words;

static gboolean
are_shown (gpointer data)
{
  const Words *words = data;

  return widget_test_find_words (words->widget, words->words) != NULL;
}

void
window_test_wait_words (GtkWidget *widget, const char *words)
{
  Words wanted = {widget, words};

  ferry_test_look_until (are_shown, &wanted);
}

GtkWidget *
window_test_get_child (WindowTest *test, const char *page, const char *name)
{
  GtkWidget *widget = ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), page);
  GObject *child = gtk_widget_get_template_child (widget, G_OBJECT_TYPE (widget), name);

  return GTK_WIDGET (child);
}

GtkWidget *
window_test_get (WindowTest *test, const char *name)
{
  return window_test_get_child (test, "tasks", name);
}

gboolean
window_test_is_empty (WindowTest *test)
{
  return gtk_widget_get_mapped (ferry_test_get_object (window_test_get (test, "list"), "placeholder"));
}

/* ---- tasks and their rows ---- */

guint
window_test_get_n_tasks (WindowTest *test)
{
  return g_list_model_get_n_items (G_LIST_MODEL (test->queue));
}

FerryTask *
window_test_get_task (WindowTest *test, guint position)
{
  g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (test->queue), position);

  g_assert_nonnull (task);
  /* The list keeps it. */
  return task;
}

FerryTask *
window_test_add_task (WindowTest *test, const char *word)
{
  FerryDemoJob job;

  g_assert_true (ferry_demo_job_parse (word, &job, NULL));
  ferry_demo_session_add (test->session, job);
  return window_test_get_task (test, window_test_get_n_tasks (test) - 1);
}

typedef struct
{
  WindowTest *test;
  FerryTask *task;
  FerryTaskStatus state;
} TaskFact;

static gboolean
shows_task (GtkWidget *widget, gconstpointer data)
{
  return FERRY_IS_TASK_ROW (widget) && ferry_test_get_object (widget, "task") == data;
}

static gboolean
has_row (gpointer data)
{
  const TaskFact *fact = data;

  return find_widget (fact->test->window, shows_task, fact->task) != NULL;
}

void
window_test_show_page (WindowTest *test, const char *name)
{
  g_assert_true (gtk_widget_activate_action (test->window, "page.show", "s", name));
}

GtkWidget *
window_test_wait_row (WindowTest *test, FerryTask *task)
{
  TaskFact fact = {.test = test, .task = task};

  ferry_test_look_until (has_row, &fact);
  return find_widget (test->window, shows_task, task);
}

FerryTaskStatus
window_test_get_status (FerryTask *task)
{
  FerryTaskMonitor *monitor = g_object_get_data (G_OBJECT (task), WINDOW_TEST_MONITOR);

  if (monitor == NULL)
    {
      monitor = ferry_task_monitor_new (task, NULL);
      g_object_set_data_full (G_OBJECT (task), WINDOW_TEST_MONITOR, monitor, g_object_unref);
    }
  return (FerryTaskStatus) ferry_test_get_number (monitor, "status");
}

static gboolean
has_state (gpointer data)
{
  const TaskFact *fact = data;

  return window_test_get_status (fact->task) == fact->state;
}

void
window_test_wait_state (FerryTask *task, FerryTaskStatus state)
{
  TaskFact fact = {.task = task, .state = state};

  ferry_test_look_until (has_state, &fact);
}

static gboolean
is_idle (gpointer data)
{
  FerryQueue *queue = ((WindowTest *) data)->queue;

  return ferry_test_get_number (queue, "n-waiting") + ferry_test_get_number (queue, "n-executing") == 0;
}

void
window_test_wait_idle (WindowTest *test)
{
  ferry_test_look_until (is_idle, test);
}

/* ---- what somebody does ---- */

void
window_test_act (WindowTest *test, FerryTask *task, const char *action)
{
  gtk_window_set_focus (GTK_WINDOW (test->window), NULL);
  window_test_wait_row (test, task);
  g_object_set (window_test_get (test, "list"), "selected-task", task, NULL);
  g_assert_true (gtk_widget_activate_action (window_test_get (test, "list"), action, NULL));
}

void
window_test_press_in_list (WindowTest *test, const char *key)
{
  widget_test_press (window_test_get (test, "list"), key);
}

static gboolean
has_no_row (gpointer data)
{
  return !has_row (data);
}

void
window_test_wait_no_row (WindowTest *test, FerryTask *task)
{
  TaskFact fact = {.test = test, .task = task};

  ferry_test_look_until (has_no_row, &fact);
}

void
window_test_activate (WindowTest *test, const char *action)
{
  g_assert_true (gtk_widget_activate_action (test->window, action, NULL));
}
