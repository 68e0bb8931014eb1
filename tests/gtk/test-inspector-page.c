/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-inspector-cells.c, gtk/ferry-inspector-page.c, gtk/ferry-inspector-view.c, route/ferry-inspector.c
 *
 * The page of Ferry in GTK's inspector: it is there without a word of the program, shows what runs, and looks at
 * nothing while nobody sees it. */

#include "config.h"

#include "gtk/ferry-worker-list.h"
#include "gtk/widget-test.h"
#include "task/task-test.h"

#include <string.h>

typedef struct
{
  TaskTest *test;
  GtkWidget *page;
  GtkWidget *window;
} Scene;

/* As the inspector makes it. */
static GtkWidget *
make_page (void)
{
  GIOExtensionPoint *point = g_io_extension_point_lookup ("gtk-inspector-page");
  GIOExtension *extension = g_io_extension_point_get_extension_by_name (point, "ferry");
  g_autofree char *title = NULL;
  GtkWidget *page;

  g_assert_nonnull (extension);
  page = g_object_new (g_io_extension_get_type (extension), NULL);
  g_object_get (page, "title", &title, NULL);
  g_assert_cmpstr (title, ==, "Ferry");
  g_object_set (page, "object", NULL, NULL);
  return page;
}

/* FALSE where there is no display. */
static gboolean
scene_init (Scene *scene, guint max_workers)
{
  if (!widget_test_has_display ())
    return FALSE;
  g_type_ensure (FERRY_TYPE_WORKER_LIST);
  scene->test = task_test_new (/* in_threads: */ FALSE, max_workers);
  scene->page = make_page ();
  scene->window = widget_test_show (scene->page);
  return TRUE;
}

static void
scene_clear (Scene *scene)
{
  g_object_ref (scene->page);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_finalize_object (scene->page);
  task_test_free (scene->test);
}

/* (nullable): the first widget below of the type, that says so if text is not NULL. */
static GtkWidget *
find (GtkWidget *widget, GType type, const char *text)
{
  GtkWidget *found = NULL;

  if (g_type_is_a (G_OBJECT_TYPE (widget), type) &&
      (text == NULL ||
       (gtk_widget_get_mapped (widget) && g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), text) == 0)))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find (child, type, text);
  return found;
}

static void
show_table (Scene *scene, const char *name)
{
  gtk_stack_set_visible_child_name (GTK_STACK (find (scene->page, GTK_TYPE_STACK, NULL)), name);
}

static void
click (Scene *scene, const char *text)
{
  GtkWidget *button = find (scene->page, GTK_TYPE_BUTTON, text);

  g_assert_nonnull (button);
  g_assert_true (gtk_widget_activate (button));
}

/* The page's timer, while there is one. */
static gboolean
is_looking (Scene *scene)
{
  return g_main_context_find_source_by_user_data (NULL, scene->page) != NULL;
}

static FerryTask *
run_task (Scene *scene)
{
  FerryTask *task = task_test_submit (scene->test->executor, "sleep-until-cancelled", NULL);

  g_object_set (task, "name", "Counting sheep", NULL);
  task_test_wait_begun (task);
  return task;
}

static void
test_tables_show_what_there_is (void)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) waiting = NULL;
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  g_assert_nonnull (widget_test_find_words (scene.page, "No Workers"));
  show_table (&scene, "tasks");
  widget_test_wait_words (scene.page, "No Tasks");
  show_table (&scene, "paths");
  widget_test_wait_words (scene.page, "No Pipes, Channels or Calls");
  task = run_task (&scene);
  waiting = task_test_submit (scene.test->executor, "echo", g_variant_new_string ("the argument"));
  widget_test_wait_words (scene.page, ": 'ferry.calls'");
  g_assert_true (ferry_router_pipe (scene.test->router, FERRY_PIPE_QUEUED, &sender, &receiver, NULL));
  widget_test_wait_words (scene.page, "Pipe");
  show_table (&scene, "tasks");
  widget_test_wait_words (scene.page, "Counting sheep");
  widget_test_wait_words (scene.page, "A worker: the only one is busy");
  widget_test_wait_words (scene.page, "the argument");
  show_table (&scene, "workers");
  widget_test_wait_words (scene.page, "Busy");
  widget_test_wait_words (scene.page, "MB");
  widget_test_wait_words (scene.page, " %");
  show_table (&scene, "figures");
  widget_test_wait_words (scene.page, "queued-bytes");
  g_assert_true (ferry_router_close_pipe (scene.test->router, receiver, NULL));
  g_clear_object (&sender);
  g_clear_object (&receiver);
  ferry_task_cancel (task);
  task_test_wait_done (waiting);
  scene_clear (&scene);
}

/* What the pointer shows over a title of the table that is shown. */
static void
assert_explained (Scene *scene, const char *title, const char *words)
{
  GtkWidget *label = widget_test_find_words (scene->page, title);
  const char *tooltip = NULL;

  g_assert_nonnull (label);
  for (GtkWidget *widget = label; tooltip == NULL && !GTK_IS_COLUMN_VIEW (widget);
       widget = gtk_widget_get_parent (widget))
    tooltip = gtk_widget_get_tooltip_text (widget);
  g_assert_nonnull (tooltip);
  ferry_test_assert_says (tooltip, words);
}

static void
test_titles_of_columns_explain_themselves (void)
{
  g_autoptr (FerryTask) task = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  widget_test_wait_words (scene.page, "Busy");
  assert_explained (&scene, "CPU", "one processor core is 100 %");
  assert_explained (&scene, "Memory", "shares with others");
  assert_explained (&scene, "Sandbox", "layers");
  show_table (&scene, "tasks");
  widget_test_wait_words (scene.page, "Counting sheep");
  assert_explained (&scene, "Attempts", "How often");
  show_table (&scene, "figures");
  widget_test_wait_words (scene.page, "queued-bytes");
  assert_explained (&scene, "More per Second", "the share of that second");
  show_table (&scene, "paths");
  widget_test_wait_words (scene.page, "Pipe");
  assert_explained (&scene, "Wait There", "messages or calls");
  assert_explained (&scene, "Handler", "on average");
  assert_explained (&scene, "Oldest Call", "For how long");
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  scene_clear (&scene);
}

/* The fork server is before the worker that it has forked. */
static void
select_worker (Scene *scene)
{
  GtkWidget *view = gtk_widget_get_ancestor (widget_test_find_words (scene->page, "Busy"), GTK_TYPE_COLUMN_VIEW);
  GtkSelectionModel *model = gtk_column_view_get_model (GTK_COLUMN_VIEW (view));

  g_assert_nonnull (widget_test_find_words (scene->page, "Forks Others"));
  gtk_selection_model_select_item (model, g_list_model_get_n_items (G_LIST_MODEL (model)) - 1, TRUE);
}

static void
test_worker_that_is_selected_can_be_killed (void)
{
  g_autoptr (FerryTask) task = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  widget_test_wait_words (scene.page, "Busy");
  g_assert_false (gtk_widget_get_sensitive (find (scene.page, GTK_TYPE_BUTTON, "_Kill")));
  select_worker (&scene);
  widget_test_wait_words (scene.page, "Counting sheep (sleep-until-cancelled)");
  click (&scene, "_Kill");
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  scene_clear (&scene);
}

/* In the function, and below it in what called it. */
static void
test_worker_that_is_asked_says_where_it_is (void)
{
  g_autoptr (FerryTask) task = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  widget_test_wait_words (scene.page, "Busy");
  select_worker (&scene);
  click (&scene, "_Where?");
  widget_test_wait_words (scene.page, "#0 ");
  widget_test_wait_words (scene.page, "main+0x");
  g_assert_false (ferry_task_get_done (task));
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  scene_clear (&scene);
}

/* The first row of the table that has that text. */
static void
select_row (Scene *scene, const char *text)
{
  GtkWidget *view = gtk_widget_get_ancestor (widget_test_find_words (scene->page, text), GTK_TYPE_COLUMN_VIEW);

  gtk_selection_model_select_item (gtk_column_view_get_model (GTK_COLUMN_VIEW (view)), 0, TRUE);
}

static void
test_task_whose_worker_this_program_has_killed_says_so (void)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  g_object_set (scene.test->executor, "keep-finished", 1, NULL);
  task = run_task (&scene);
  worker = g_list_model_get_item (ferry_pool_get_workers (scene.test->pool), 0);
  ferry_worker_force_exit (worker);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  show_table (&scene, "tasks");
  widget_test_wait_words (scene.page, "Failed");
  select_row (&scene, "Failed");
  widget_test_wait_words (scene.page, "This program has killed its worker");
  g_clear_object (&worker);
  scene_clear (&scene);
}

/* By a sender that its task was given: a link that is none of the worker's own. */
static void
test_worker_that_is_held_up_is_told_from_one_that_hangs (void)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTestPipe) pipe = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = ferry_task_new (FERRY_TASK_KIND_CALL, "send-numbers", g_variant_new ("(ht)", 0, G_MAXUINT64));
  pipe = ferry_test_pipe_new (scene.test->router);
  g_object_set (task, "name", "Counting sheep", NULL);
  g_assert_cmpint (ferry_task_add_sender (task, pipe->sender, NULL), ==, 0);
  task_test_submit_task (scene.test->executor, task);
  task_test_wait_begun (task);
  ferry_test_pipe_wait_count (pipe, 1);
  /* Ferry's handlers, which the sender is quicker than. */
  widget_test_wait_words (scene.page, "Held Up");
  show_table (&scene, "tasks");
  widget_test_wait_words (scene.page, "This program, to handle what it has sent");
  show_table (&scene, "paths");
  widget_test_wait_words (scene.page, "Counting sheep, at serving-worker");
  widget_test_wait_words (scene.page, "Held Up");
  widget_test_wait_words (scene.page, " ms");
  ferry_task_cancel (task);
  task_test_wait_done (task);
  ferry_test_pipe_wait_closed (pipe);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  scene_clear (&scene);
}

/* Before the window gives it to what is next, which is the text below that can be selected. */
static void
test_row_that_has_the_focus_may_go (void)
{
  g_autoptr (FerryTask) task = NULL;
  GtkWidget *row;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  show_table (&scene, "tasks");
  task = run_task (&scene);
  widget_test_wait_words (scene.page, "Counting sheep");
  for (row = widget_test_find_words (scene.page, "Counting sheep"); !gtk_widget_get_focusable (row);)
    row = gtk_widget_get_parent (row);
  g_assert_true (gtk_widget_grab_focus (row));
  g_assert_true (gtk_root_get_focus (GTK_ROOT (scene.window)) == row);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  widget_test_wait_words (scene.page, "No Tasks");
  widget_test_wait_frame (scene.window);
  widget_test_wait_frame (scene.window);
  scene_clear (&scene);
}

static void
test_worker_that_is_stopped_does_its_task_first (void)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  worker = g_list_model_get_item (ferry_pool_get_workers (scene.test->pool), 0);
  widget_test_wait_words (scene.page, "Busy");
  select_worker (&scene);
  click (&scene, "_Stop");
  widget_test_wait_words (scene.page, "Ending");
  g_assert_false (ferry_task_get_done (task));
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  ferry_test_wait_ended (worker);
  g_clear_object (&worker);
  scene_clear (&scene);
}

static void
test_page_that_is_not_seen_does_not_look (void)
{
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  g_assert_true (is_looking (&scene));
  gtk_widget_set_visible (scene.page, FALSE);
  g_assert_false (is_looking (&scene));
  gtk_widget_set_visible (scene.page, TRUE);
  g_assert_true (is_looking (&scene));
  gtk_widget_set_visible (scene.window, FALSE);
  g_assert_false (is_looking (&scene));
  scene_clear (&scene);
}

static void
test_page_shows_that_a_router_is_gone (void)
{
  g_autoptr (FerryTask) task = NULL;
  Scene scene;

  if (!scene_init (&scene, 2))
    return;
  task = run_task (&scene);
  widget_test_wait_words (scene.page, "Busy");
  select_worker (&scene);
  g_assert_true (ferry_router_stop (scene.test->router, NULL));
  widget_test_wait_words (scene.page, "No Workers");
  g_assert_true (ferry_task_get_done (task));
  show_table (&scene, "figures");
  widget_test_wait_words (scene.page, "running");
  g_assert_true (ferry_router_start (scene.test->router, NULL));
  scene_clear (&scene);
}

static void
got_text_cb (GObject *clipboard, GAsyncResult *result, gpointer text)
{
  *(char **) text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (clipboard), result, NULL);
}

static gboolean
is_filled (gpointer clipboard)
{
  return gdk_clipboard_is_local (clipboard) && gdk_clipboard_get_content (clipboard) != NULL;
}

static gboolean
is_there (gpointer text)
{
  return *(char **) text != NULL;
}

static void
test_text_is_copied_without_names (void)
{
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *text = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  click (&scene, "_Copy as Text");
  ferry_test_run_until (is_filled, gtk_widget_get_clipboard (scene.page));
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (scene.page), NULL, got_text_cb, &text);
  ferry_test_run_until (is_there, &text);
  ferry_test_assert_says (text, "GTK 4.");
  ferry_test_assert_says (text, "runs sleep-until-cancelled");
  g_assert_null (strstr (text, "Counting sheep"));
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  scene_clear (&scene);
}

/* What the page says of the table, once it does, is in the text as well. */
static void
assert_in_text (Scene *scene, const char *table, const char *words)
{
  g_autofree char *lower = g_ascii_strdown (words, -1);
  g_autofree char *text = NULL;

  show_table (scene, table);
  widget_test_wait_words (scene->page, words);
  text = ferry_describe_application ();
  ferry_test_assert_says (text, lower);
}

static void
test_text_has_the_words_of_the_page (void)
{
  static const char *const titles[] = {"Workers", "Tasks", "Routers and Queues", "Pipes and Calls"};
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) waiting = NULL;
  g_autoptr (FerryTask) paused = NULL;
  g_autofree char *text = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  waiting = task_test_submit (scene.test->executor, "nothing", NULL);
  paused = task_test_submit (scene.test->executor, "nothing", NULL);
  ferry_task_pause (paused);
  text = ferry_describe_application ();
  for (guint i = 0; i < G_N_ELEMENTS (titles); i++)
    {
      g_autofree char *title = g_strdup_printf ("\n%s:", titles[i]);

      g_assert_nonnull (widget_test_find_words (scene.page, titles[i]));
      ferry_test_assert_says (text, title);
    }
  assert_in_text (&scene, "workers", "Busy");
  assert_in_text (&scene, "workers", "Forks Others");
  assert_in_text (&scene, "tasks", "Running");
  assert_in_text (&scene, "tasks", "Waiting");
  assert_in_text (&scene, "tasks", "Paused");
  assert_in_text (&scene, "tasks", "A worker: the only one is busy");
  assert_in_text (&scene, "tasks", "Somebody who resumes it");
  assert_in_text (&scene, "figures", "running");
  assert_in_text (&scene, "figures", "Yes");
  assert_in_text (&scene, "paths", "Carried");
  ferry_task_resume (paused);
  ferry_task_cancel (task);
  task_test_wait_done (waiting);
  task_test_wait_done (paused);
  scene_clear (&scene);
}

static void
test_many_tasks_are_counted_and_some_are_shown (void)
{
  const guint n_tasks = 10000;
  g_autoptr (FerryTask) task = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  show_table (&scene, "tasks");
  task = run_task (&scene);
  for (guint i = 1; i < n_tasks; i++)
    g_object_unref (task_test_submit (scene.test->executor, "nothing", NULL));
  widget_test_wait_words (scene.page, "500 of 10,000");
  g_assert_nonnull (widget_test_find_words (scene.page, "Counting sheep"));
  ferry_executor_cancel_all (scene.test->executor);
  widget_test_wait_words (scene.page, "No Tasks");
  scene_clear (&scene);
}

/* What a program without Ferry's widgets shows, or (nullable) NULL where there is no display. */
static char *
run_plain_window (const char *debug)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "plain-window", NULL);
  const char *argv[] = {program, "2", NULL};
  /* The inspector itself warns where nothing reads its icons. */
  g_auto (GStrv) environment =
    g_environ_unsetenv (g_environ_setenv (g_get_environ (), "GTK_DEBUG", debug, TRUE), "G_DEBUG");
  g_autoptr (GError) error = NULL;
  char *output = NULL;
  int status;

  if (!widget_test_has_display ())
    return NULL;
  /* Status 2: there is no page. */
  g_spawn_sync (NULL, (char **) argv, environment, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  return output;
}

static void
test_program_without_widgets_has_the_page (void)
{
  g_autofree char *output = run_plain_window ("");

  if (output != NULL)
    ferry_test_assert_says (output, "wait-for-cancel");
}

static void
test_inspector_that_was_open_before_has_the_page (void)
{
  g_autofree char *output = run_plain_window ("interactive");

  if (output != NULL)
    ferry_test_assert_says (output, "wait-for-cancel");
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  widget_test_start ();

  g_test_add_func ("/inspector-page/tables-show-what-there-is", test_tables_show_what_there_is);
  g_test_add_func ("/inspector-page/titles-of-columns-explain-themselves", test_titles_of_columns_explain_themselves);
  g_test_add_func ("/inspector-page/worker-that-is-selected-can-be-killed", test_worker_that_is_selected_can_be_killed);
  g_test_add_func ("/inspector-page/worker-that-is-asked-says-where-it-is", test_worker_that_is_asked_says_where_it_is);
  g_test_add_func ("/inspector-page/task-whose-worker-this-program-has-killed-says-so",
                   test_task_whose_worker_this_program_has_killed_says_so);
  g_test_add_func ("/inspector-page/worker-that-is-held-up-is-told-from-one-that-hangs",
                   test_worker_that_is_held_up_is_told_from_one_that_hangs);
  g_test_add_func ("/inspector-page/row-that-has-the-focus-may-go", test_row_that_has_the_focus_may_go);
  g_test_add_func ("/inspector-page/worker-that-is-stopped-does-its-task-first",
                   test_worker_that_is_stopped_does_its_task_first);
  g_test_add_func ("/inspector-page/page-that-is-not-seen-does-not-look", test_page_that_is_not_seen_does_not_look);
  g_test_add_func ("/inspector-page/page-shows-that-a-router-is-gone", test_page_shows_that_a_router_is_gone);
  g_test_add_func ("/inspector-page/text-is-copied-without-names", test_text_is_copied_without_names);
  g_test_add_func ("/inspector-page/text-has-the-words-of-the-page", test_text_has_the_words_of_the_page);
  g_test_add_func ("/inspector-page/many-tasks-are-counted-and-some-are-shown",
                   test_many_tasks_are_counted_and_some_are_shown);
  g_test_add_func ("/inspector-page/program-without-widgets-has-the-page", test_program_without_widgets_has_the_page);
  g_test_add_func ("/inspector-page/inspector-that-was-open-before-has-the-page",
                   test_inspector_that_was_open_before_has_the_page);
  return g_test_run ();
}
