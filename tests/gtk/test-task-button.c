/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-button.c, gtk/ferry-task-tally.c, gtk/ferry-progress-ring.c
 *
 * A button that shows how far all tasks are, and opens their list. */

#include "config.h"

#include "gtk/ferry-progress-ring-private.h"
#include "gtk/ferry-task-button.h"
#include "gtk/ferry-task-list.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/look-test.h"
#include "gtk/widget-test.h"
#include "task/ferry-executor-private.h"
#include "task/task-test.h"

#include <string.h>

typedef struct
{
  TaskTest *test;
  FerryExecutor *executor; /* (unowned) the test's */
  GtkWidget *button;
  GtkWidget *window;
} Scene;

static GtkWidget *
get_menu_button (Scene *scene)
{
  return gtk_widget_get_first_child (scene->button);
}

/* A button of an executor whose one worker is a thread. FALSE where there is no display. Its popover does without the
 * grab of the pointer, which one program of a display can have: others run there too. */
static gboolean
scene_init (Scene *scene)
{
  if (!widget_test_has_display ())
    return FALSE;
  scene->test = task_test_new (/* in_threads: */ TRUE, 1);
  scene->executor = scene->test->executor;
  g_object_set (scene->executor, "keep-finished", 100, NULL);
  scene->button = ferry_task_button_new (G_LIST_MODEL (scene->executor));
  gtk_popover_set_autohide (gtk_menu_button_get_popover (GTK_MENU_BUTTON (get_menu_button (scene))), FALSE);
  scene->window = widget_test_show (scene->button);
  return TRUE;
}

/* With the frame after a popover was closed, its window takes the focus from it. What GTK keeps of it then, and all
 * that is in it, is missing below. */
static void
scene_clear (Scene *scene)
{
  gtk_menu_button_popdown (GTK_MENU_BUTTON (get_menu_button (scene)));
  widget_test_wait_frame (scene->window);
  g_object_ref (scene->button);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_finalize_object (scene->button);
  task_test_free (scene->test);
}

static void
run (gconstpointer test)
{
  Scene scene;

  if (!scene_init (&scene))
    return;
  ((void (*) (Scene *)) test) (&scene);
  scene_clear (&scene);
}

static void
add (const char *path, void (*test) (Scene *scene))
{
  g_test_add_data_func (path, (gconstpointer) test, run);
}

static double
get_fraction (Scene *scene)
{
  GtkWidget *ring = gtk_menu_button_get_child (GTK_MENU_BUTTON (get_menu_button (scene)));

  return ferry_progress_ring_get_fraction (FERRY_PROGRESS_RING (ring));
}

typedef struct
{
  Scene *scene;
  const char *words;
} Wanted;

/* (transfer full): what a screen reader says of the button, and its tooltip has. */
static char *
dup_words (Scene *scene)
{
  return gtk_test_accessible_check_property (GTK_ACCESSIBLE (get_menu_button (scene)),
                                             GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "");
}

static gboolean
says (gpointer data)
{
  const Wanted *wanted = data;
  g_autofree char *words = dup_words (wanted->scene);

  return words != NULL && strstr (words, wanted->words) != NULL;
}

static void
wait_words (Scene *scene, const char *words)
{
  Wanted wanted = {scene, words};

  ferry_test_look_until (says, &wanted);
}

static void
assert_words (Scene *scene, const char *words)
{
  g_autofree char *said = dup_words (scene);

  g_assert_cmpstr (said, ==, words);
}

static FerryProgressRing *
get_ring (Scene *scene)
{
  return FERRY_PROGRESS_RING (gtk_menu_button_get_child (GTK_MENU_BUTTON (get_menu_button (scene))));
}

static gboolean
is_turning (gpointer scene)
{
  return ferry_progress_ring_is_turning (get_ring (scene));
}

static gboolean
stands_still (gpointer scene)
{
  return !is_turning (scene);
}

static void
set_animations (gboolean enabled)
{
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", enabled, NULL);
}

/* A task that says nothing of itself is not 0 % of the way. One that does, beside it, says how far both are. */
static void
test_ring_turns_while_nobody_knows_how_far_the_tasks_are (Scene *scene)
{
  g_autoptr (FerryTask) endless = NULL, halves = NULL;

  set_animations (TRUE);
  endless = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  wait_words (scene, "1 task runs");
  assert_words (scene, "1 task runs");
  g_assert_cmpfloat (get_fraction (scene), <, 0.0);
  g_assert_true (is_turning (scene));
  g_assert_true (ferry_test_get_number (scene->executor, "indeterminate"));

  ferry_executor_set_paused (scene->executor, TRUE, FALSE);
  ferry_test_look_until (stands_still, scene);
  assert_words (scene, "Paused \302\267 1 task runs");
  ferry_executor_set_paused (scene->executor, FALSE, FALSE);
  ferry_test_look_until (is_turning, scene);

  ferry_pool_set_max_workers (scene->test->pool, 2);
  halves = task_test_submit (scene->executor, "halves", NULL);
  wait_words (scene, "2 tasks run");
  g_assert_true (is_turning (scene));
  task_test_open_gate ();
  wait_words (scene, "25 % \302\267 2 tasks run");
  g_assert_cmpfloat (get_fraction (scene), ==, 0.25);
  g_assert_false (is_turning (scene));
  task_test_close_gate ();
  task_test_wait_done (halves);
  wait_words (scene, "1 task runs");
  assert_words (scene, "1 task runs");
  ferry_task_cancel (endless);
  wait_words (scene, "All tasks have ended");
  g_assert_cmpfloat (get_fraction (scene), ==, 1.0);
  g_assert_false (is_turning (scene));
}

/* Of a task that is paused itself, nothing moves. */
static void
test_ring_stands_still_while_all_that_runs_is_paused (Scene *scene)
{
  g_autoptr (FerryTask) endless = NULL, other = NULL;

  set_animations (TRUE);
  ferry_pool_set_max_workers (scene->test->pool, 2);
  endless = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  ferry_test_look_until (is_turning, scene);
  g_assert_true (ferry_task_pause (endless));
  ferry_test_look_until (stands_still, scene);
  g_assert_cmpfloat (get_fraction (scene), <, 0.0);
  wait_words (scene, "1 task is paused");
  assert_words (scene, "1 task is paused");
  other = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  ferry_test_look_until (is_turning, scene);
  wait_words (scene, "1 task runs \302\267 1 task is paused");
  ferry_task_cancel (other);
  ferry_test_look_until (stands_still, scene);
  ferry_task_resume (endless);
  ferry_test_look_until (is_turning, scene);
  ferry_task_cancel (endless);
  ferry_test_look_until (stands_still, scene);
}

/* It stands still where nothing is to move, and asks for no frame that nobody sees. */
static void
test_ring_turns_only_where_it_is_seen_to (Scene *scene)
{
  g_autoptr (FerryTask) endless = NULL;

  set_animations (FALSE);
  endless = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  wait_words (scene, "1 task runs");
  g_assert_cmpfloat (get_fraction (scene), <, 0.0);
  g_assert_false (is_turning (scene));
  set_animations (TRUE);
  g_assert_true (is_turning (scene));
  gtk_widget_set_visible (scene->button, FALSE);
  g_assert_false (is_turning (scene));
  set_animations (FALSE);
  set_animations (TRUE);
  g_assert_false (is_turning (scene));
  gtk_widget_set_visible (scene->button, TRUE);
  ferry_test_look_until (is_turning, scene);
  ferry_task_cancel (endless);
  ferry_test_look_until (stands_still, scene);
}

static void
test_button_says_how_far_all_tasks_are (Scene *scene)
{
  g_autoptr (FerryTask) runs = NULL;
  g_autoptr (FerryTask) waits = NULL;
  GtkWidget *bar;

  bar = g_object_ref_sink (gtk_progress_bar_new ());
  g_object_bind_property (scene->executor, "fraction", bar, "fraction", G_BINDING_SYNC_CREATE);
  g_assert_false (gtk_widget_get_visible (get_menu_button (scene)));
  runs = task_test_submit (scene->executor, "halves", NULL);
  waits = task_test_submit (scene->executor, "note", g_variant_new_string ("b"));
  wait_words (scene, "1 task runs \302\267 1 task waits");
  ferry_executor_set_paused (scene->executor, TRUE, FALSE);
  wait_words (scene, "Paused \302\267 1 task runs \302\267 1 task waits");
  ferry_executor_set_paused (scene->executor, FALSE, FALSE);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (get_menu_button (scene)), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Tasks");
  widget_test_assert_read_once (scene->button);
  task_test_open_gate ();
  wait_words (scene, "25 % \302\267 1 task runs \302\267 1 task waits");
  g_assert_cmpfloat (get_fraction (scene), ==, 0.25);
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (GTK_PROGRESS_BAR (bar)), ==, 0.25);
  task_test_close_gate ();
  task_test_wait_done (waits);
  wait_words (scene, "All tasks have ended");
  g_assert_cmpfloat (get_fraction (scene), ==, 1.0);
  ferry_executor_clear_finished (scene->executor);
  g_assert_false (gtk_widget_get_visible (get_menu_button (scene)));
  g_object_unref (bar);
}

static gboolean
has_no_fraction (gpointer scene)
{
  return get_fraction (scene) < 0.0;
}

/* One task of two. */
static void
test_button_takes_back_what_a_task_has (Scene *scene)
{
  g_autoptr (FerryTask) task = task_test_submit (scene->executor, "two-parts", NULL);

  g_object_unref (task_test_submit (scene->executor, "note", g_variant_new_string ("b")));
  task_test_open_gate ();
  wait_words (scene, "45 % \302\267 1 task runs \302\267 1 task waits");
  g_assert_cmpfloat_with_epsilon (get_fraction (scene), 0.45, 1e-9);
  task_test_close_gate ();
  ferry_test_look_until (has_no_fraction, scene);
  assert_words (scene, "1 task runs \302\267 1 task waits");
  task_test_open_gate ();
  task_test_wait_done (task);
  wait_words (scene, "All tasks have ended");
}

static void
test_popover_has_the_list (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;
  GtkWidget *list;

  task = task_test_submit (scene->executor, "note", g_variant_new_string ("a"));
  task_test_wait_done (task);
  wait_words (scene, "All tasks have ended");
  list = ferry_test_get_object (scene->button, "list");
  g_assert_true (ferry_test_get_object (list, "executor") == scene->executor);
  g_assert_false (gtk_widget_get_mapped (list));
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  ferry_test_look_until ((FerryTestCondition) gtk_widget_get_mapped, list);
  widget_test_wait_words (list, "Done");
}

/* (transfer none): below the list. */
static GtkWidget *
find_action (Scene *scene, const char *label)
{
  GtkWidget *popover = GTK_WIDGET (gtk_menu_button_get_popover (GTK_MENU_BUTTON (get_menu_button (scene))));

  widget_test_wait_words (popover, label);
  return gtk_widget_get_ancestor (widget_test_find_words (popover, label), GTK_TYPE_BUTTON);
}

static gboolean
is_sensitive (gpointer widget)
{
  return gtk_widget_is_sensitive (widget);
}

static gboolean
is_insensitive (gpointer widget)
{
  return !gtk_widget_is_sensitive (widget);
}

static gboolean
is_hidden (gpointer button)
{
  return !gtk_widget_get_visible (button);
}

static void
test_popover_has_buttons_for_all_tasks (Scene *scene)
{
  g_autoptr (FerryTask) runs = task_test_submit (scene->executor, "gate", g_variant_new_string ("a"));
  g_autoptr (FerryTask) waits = task_test_submit (scene->executor, "note", g_variant_new_string ("b"));

  wait_words (scene, "1 task runs");
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  g_assert_false (is_sensitive (find_action (scene, "Clear")));
  g_signal_emit_by_name (find_action (scene, "Cancel All"), "clicked");
  task_test_wait_done (runs);
  task_test_wait_done (waits);
  g_assert_cmpint (ferry_task_get_state (runs), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (waits), ==, FERRY_TASK_STATE_CANCELLED);
  ferry_test_look_until (is_sensitive, find_action (scene, "Clear"));
  ferry_test_look_until (is_insensitive, find_action (scene, "Cancel All"));
  g_signal_emit_by_name (find_action (scene, "Clear"), "clicked");
  gtk_menu_button_popdown (GTK_MENU_BUTTON (get_menu_button (scene)));
  ferry_test_look_until (is_hidden, get_menu_button (scene));
}

static guint
count_endless (Scene *scene)
{
  FerryRunSum sum = {0};

  ferry_executor_sum_running (scene->executor, &sum);
  return sum.n_endless;
}

/* One that has just begun may report still, so each of many that begin one after the other changes nothing. */
static void
test_a_task_that_reports_nothing_for_long_has_no_end (Scene *scene)
{
  g_autoptr (FerryTask) task = task_test_submit (scene->executor, "halves", NULL);
  FerryRun *run = (FerryRun *) ferry_task_get_run (task);

  wait_words (scene, "1 task runs");
  g_assert_cmpuint (count_endless (scene), ==, 0);
  run->start_time -= FERRY_ENDLESS_AFTER + 1;
  g_assert_cmpuint (count_endless (scene), ==, 1);
  task_test_open_gate ();
  wait_words (scene, "50 %");
  g_assert_cmpuint (count_endless (scene), ==, 0);
  task_test_close_gate ();
  task_test_wait_done (task);
}

/* (transfer none): beside the headline. */
static GtkWidget *
get_pause_button (Scene *scene, const char *headline)
{
  GtkWidget *popover = GTK_WIDGET (gtk_menu_button_get_popover (GTK_MENU_BUTTON (get_menu_button (scene))));

  widget_test_wait_words (popover, headline);
  return gtk_widget_get_next_sibling (widget_test_find_words (popover, headline));
}

static void
assert_label (GtkWidget *button, const char *words)
{
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, words);
  g_assert_cmpstr (gtk_widget_get_tooltip_text (button), ==, words);
}

static void
test_popover_has_a_headline_and_pauses_all (Scene *scene)
{
  FerryTask *runs = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  FerryTask *waits = task_test_submit (scene->executor, "note", g_variant_new_string ("b"));
  GtkWidget *button;

  wait_words (scene, "1 task waits");
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  button = get_pause_button (scene, "2 tasks");
  assert_label (button, "Pause All");
  g_signal_emit_by_name (button, "clicked");
  g_assert_true (ferry_test_get_number (runs, "is-paused"));
  g_assert_true (get_pause_button (scene, "2 tasks, paused") == button);
  assert_label (button, "Resume All");
  g_signal_emit_by_name (button, "clicked");
  g_assert_false (ferry_test_get_number (runs, "is-paused"));
  ferry_task_cancel (runs);
  task_test_wait_done (waits);
  get_pause_button (scene, "All tasks have ended");
  ferry_test_look_until (is_insensitive, button);
  g_object_unref (runs);
  g_object_unref (waits);
}

static void
assert_headline (FerryTaskFigures figures, gint64 time_left, guint n_failed, const char *words)
{
  gboolean is_least = figures.running.n_endless > 0;
  g_autofree char *headline = ferry_task_words_for_headline (&figures, time_left, is_least, n_failed);

  g_assert_cmpstr (headline, ==, words);
}

static void
test_headline_says_how_long_all_tasks_take (void)
{
  const gint64 minute = 60 * (gint64) G_USEC_PER_SEC;

  assert_headline ((FerryTaskFigures){.n_waiting = 2, .running.n_running = 1}, 2 * minute, 0,
                   "3 tasks, 2 minutes left");
  assert_headline ((FerryTaskFigures){.running.n_running = 1}, -1, 0, "1 task");
  assert_headline ((FerryTaskFigures){.n_waiting = 1, .paused = TRUE}, 2 * minute, 0, "1 task, paused");
  assert_headline ((FerryTaskFigures){.running = {.n_running = 3, .n_endless = 1}}, 2 * minute, 0,
                   "3 tasks, at least 2 minutes left");
  assert_headline ((FerryTaskFigures){.running = {.n_running = 1, .n_endless = 1}}, -1, 0, "1 task");
  assert_headline ((FerryTaskFigures){.running = {.n_running = 1, .n_endless = 1}, .paused = TRUE}, minute, 0,
                   "1 task, paused");
  assert_headline ((FerryTaskFigures){.running = {.n_running = 1, .n_paused = 1}}, minute, 0, "1 task, paused");
  assert_headline ((FerryTaskFigures){0}, -1, 2, "2 tasks failed");
  assert_headline ((FerryTaskFigures){.n_interrupted = 1}, -1, 1, "1 task was interrupted");
  assert_headline ((FerryTaskFigures){.n_interrupted = 1}, -1, 3, "2 tasks failed \302\267 1 task was interrupted");
  assert_headline ((FerryTaskFigures){0}, -1, 0, "All tasks have ended");
}

/* Steps that take half a minute, if nobody cancels. */
static GVariant *
step_steadily (FerryJob *job, GVariant *arguments, GError **error)
{
  for (guint i = 0; i < 1500; i++)
    {
      if (!ferry_job_report_amount (job, i, 1500, NULL, NULL, error))
        return NULL;
      g_poll (NULL, 0, 20); /* the work */
    }
  return NULL;
}

/* (transfer none): the headline. */
static GtkLabel *
get_headline (Scene *scene)
{
  GtkPopover *popover = gtk_menu_button_get_popover (GTK_MENU_BUTTON (get_menu_button (scene)));

  return GTK_LABEL (gtk_widget_get_first_child (gtk_widget_get_first_child (gtk_popover_get_child (popover))));
}

static gboolean
has_time_left (gpointer scene)
{
  return strstr (gtk_label_get_text (get_headline (scene)), "left") != NULL;
}

static gboolean
has_no_time_left (gpointer scene)
{
  return g_str_equal (gtk_label_get_text (get_headline (scene)), "1 task");
}

/* Time in which all that runs is paused does not count, and the pace begins anew. */
static void
test_nothing_has_a_time_left_while_it_is_paused (Scene *scene)
{
  g_autoptr (FerryTask) task = task_test_submit (scene->executor, "step-steadily", NULL);

  ferry_test_look_until (has_time_left, scene);
  g_assert_true (ferry_task_pause (task));
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  widget_test_wait_words (
    gtk_popover_get_child (gtk_menu_button_get_popover (GTK_MENU_BUTTON (get_menu_button (scene)))), "1 task, paused");
  ferry_task_resume (task);
  ferry_test_look_until (has_no_time_left, scene);
  ferry_test_look_until (has_time_left, scene);
  ferry_task_cancel (task);
  task_test_wait_done (task);
}

static void
test_nothing_is_computed_while_the_button_is_hidden (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *words = NULL;

  task = task_test_submit (scene->executor, "gate", g_variant_new_string ("a"));
  wait_words (scene, "1 task runs");
  gtk_widget_set_visible (scene->button, FALSE);
  task_test_open_gate ();
  task_test_wait_done (task);
  task_test_settle ();
  g_assert_null (g_main_context_find_source_by_user_data (NULL, scene->button));
  words = dup_words (scene);
  ferry_test_assert_says (words, "1 task runs");
  gtk_widget_set_visible (scene->button, TRUE);
  wait_words (scene, "All tasks have ended");
}

/* A tooltip that is set starts the rest of the pointer anew, so that none came while tasks ran. */
static void
test_the_tooltip_is_not_set_before_it_is_asked_for (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;

  task = task_test_submit (scene->executor, "gate", g_variant_new_string ("a"));
  wait_words (scene, "1 task runs");
  g_assert_true (gtk_widget_get_has_tooltip (get_menu_button (scene)));
  g_assert_null (gtk_widget_get_tooltip_text (get_menu_button (scene)));
  task_test_open_gate ();
}

static gboolean
has_tooltip (Scene *scene)
{
  g_autoptr (GObject) tooltip = g_object_new (GTK_TYPE_TOOLTIP, NULL);
  gboolean is_shown = FALSE;

  g_signal_emit_by_name (get_menu_button (scene), "query-tooltip", 1, 1, FALSE, tooltip, &is_shown);
  return is_shown;
}

/* The pointer rests where it has opened it. */
static void
test_the_tooltip_does_not_hide_the_headline (Scene *scene)
{
  g_autoptr (FerryTask) task = task_test_submit (scene->executor, "gate", g_variant_new_string ("a"));
  GtkWidget *list = ferry_test_get_object (scene->button, "list");

  wait_words (scene, "1 task runs");
  g_assert_true (has_tooltip (scene));
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  ferry_test_look_until ((FerryTestCondition) gtk_widget_get_mapped, list);
  g_assert_false (has_tooltip (scene));
  task_test_open_gate ();
}

static gboolean
has_error (gpointer scene)
{
  return gtk_widget_has_css_class (gtk_menu_button_get_child (GTK_MENU_BUTTON (get_menu_button (scene))), "error");
}

static gboolean
has_no_error (gpointer scene)
{
  return !has_error (scene);
}

/* Nobody waits for the others to hear of it. */
static void
test_button_says_at_once_that_something_failed (Scene *scene)
{
  g_autoptr (FerryTask) failing = NULL, runs = NULL, again = NULL;
  g_autofree char *words = NULL;

  failing = task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "domain", 1, "It failed"));
  runs = task_test_submit (scene->executor, "gate", g_variant_new_string ("a"));
  wait_words (scene, "1 task runs \302\267 1 task failed");
  g_assert_true (has_error (scene));
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (get_menu_button (scene)), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Tasks");
  g_assert_true (ferry_executor_remove (scene->executor, failing, NULL));
  ferry_test_look_until (has_no_error, scene);
  words = dup_words (scene);
  g_assert_false (strstr (words, "failed") != NULL);
  task_test_open_gate ();
  again = task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "domain", 1, "It failed"));
  wait_words (scene, "1 task failed");
  g_assert_true (has_error (scene));
}

/* Also where an application keeps nothing that is finished. */
static void
test_what_failed_stays_until_it_is_removed (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;
  GtkWidget *list;

  g_object_set (scene->executor, "keep-finished", 0, "finished-time", G_GINT64_CONSTANT (0), NULL);
  task = task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "domain", 1, "It failed"));
  g_object_unref (task_test_submit (scene->executor, "note", g_variant_new_string ("a")));
  task_test_wait_done (task);
  wait_words (scene, "1 task failed");
  g_assert_true (gtk_widget_get_visible (get_menu_button (scene)));
  g_assert_true (has_error (scene));
  list = ferry_test_get_object (scene->button, "list");
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  widget_test_wait_words (list, "Failed");
  g_object_set (list, "selected-task", task, NULL);
  gtk_widget_activate_action (list, "task.remove", NULL);
  gtk_menu_button_popdown (GTK_MENU_BUTTON (get_menu_button (scene)));
  ferry_test_look_until (is_hidden, get_menu_button (scene));
}

static gboolean
has_no_failed (gpointer scene)
{
  return has_no_error (scene) && !is_sensitive (find_action (scene, "Clear"));
}

static gboolean
is_unmapped (gpointer list)
{
  return !gtk_widget_get_mapped (list);
}

static gboolean
has_focus_inside (gpointer list)
{
  return gtk_widget_get_focus_child (list) != NULL;
}

static void
test_the_list_opens_at_what_has_not_ended (Scene *scene)
{
  GtkWidget *list = ferry_test_get_object (scene->button, "list");
  g_autoptr (FerryTask) ended = task_test_submit (scene->executor, "note", g_variant_new_string ("a"));
  g_autoptr (FerryTask) runs = NULL;

  task_test_wait_done (ended);
  runs = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  wait_words (scene, "1 task runs");
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  ferry_test_look_until (has_focus_inside, list);
  widget_test_wait_words (list, "Done");
  widget_test_wait_words (gtk_window_get_focus (GTK_WINDOW (scene->window)), "sleep-until-cancelled");
  ferry_task_cancel (runs);
  task_test_wait_done (runs);
}

/* Whether all of a row can be seen, with its error. */
static gboolean
is_whole (gpointer row)
{
  GtkWidget *scrolled = gtk_widget_get_ancestor (row, GTK_TYPE_SCROLLED_WINDOW);
  graphene_rect_t bounds;

  return gtk_widget_compute_bounds (row, scrolled, &bounds) && bounds.origin.y >= 0 &&
         bounds.origin.y + bounds.size.height <= gtk_widget_get_height (scrolled);
}

static int
measure_list (Scene *scene)
{
  GtkWidget *list = ferry_test_get_object (scene->button, "list");
  int natural;

  gtk_widget_measure (list, GTK_ORIENTATION_VERTICAL, -1, NULL, &natural, NULL, NULL);
  return natural;
}

/* Whether the popover ends below its last buttons. */
static gboolean
has_whole_buttons (gpointer scene)
{
  GtkWidget *popover = GTK_WIDGET (gtk_menu_button_get_popover (GTK_MENU_BUTTON (get_menu_button (scene))));
  GtkWidget *button = gtk_widget_get_ancestor (widget_test_find_words (popover, "Clear"), GTK_TYPE_BUTTON);
  graphene_rect_t bounds;

  return gtk_widget_compute_bounds (button, popover, &bounds) &&
         bounds.origin.y + bounds.size.height <= gtk_widget_get_height (popover);
}

/* What acts is a step away. What is removed is gone, until an undo brings it back. */
static void
test_popover_opens_at_what_failed (Scene *scene)
{
  g_autoptr (FerryTask) done = NULL, failing = NULL;
  GtkWidget *list = ferry_test_get_object (scene->button, "list"), *focus;

  done = task_test_submit (scene->executor, "note", g_variant_new_string ("a"));
  failing = task_test_submit (
    scene->executor, "fail",
    g_variant_new ("(sis)", "domain", 1, "It failed, and says so in a sentence of two lines or more"));
  wait_words (scene, "1 task failed");
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  ferry_test_look_until (has_focus_inside, list);
  focus = gtk_window_get_focus (GTK_WINDOW (scene->window));
  g_assert_false (GTK_IS_BUTTON (focus));
  g_assert_true (gtk_window_get_focus_visible (GTK_WINDOW (scene->window)));
  widget_test_wait_words (focus, "Failed");
  ferry_test_look_until (is_whole, focus);
  ferry_test_look_until (has_whole_buttons, scene);
  /* Also where no width is told, as a popover asks. */
  g_assert_cmpint (measure_list (scene), >=, gtk_widget_get_height (list));
  /* Keys mean the row with the focus. The window with the error would stand below the popover. */
  gtk_widget_activate_action (list, "task.show-error", NULL);
  ferry_test_look_until (is_unmapped, list);
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  ferry_test_look_until (has_focus_inside, list);
  gtk_widget_activate_action (list, "task.clear-finished", NULL);
  widget_test_wait_words (list, "No Tasks");
  ferry_test_look_until (has_no_failed, scene);
  ferry_test_look_until (has_focus_inside, list);
  gtk_widget_activate_action (list, "task.undo", NULL);
  ferry_test_look_until (has_error, scene);
  g_assert_true (is_sensitive (find_action (scene, "Clear")));
}

/* Each of them is counted, and tried again by its own executor. Other models are counted task by task. */
static void
test_button_knows_all_executors_of_its_model (Scene *scene)
{
  g_autoptr (FerryExecutor) other = ferry_executor_new (scene->test->pool);
  GListStore *models = g_list_store_new (G_TYPE_LIST_MODEL), *store = g_list_store_new (FERRY_TYPE_TASK);
  GListModel *tasks = G_LIST_MODEL (gtk_flatten_list_model_new (G_LIST_MODEL (models)));
  g_autoptr (FerryTask) here = NULL, there = NULL, loose = NULL;
  GtkWidget *list = ferry_test_get_object (scene->button, "list");

  ferry_pool_set_max_workers (scene->test->pool, 2);
  g_list_store_append (models, scene->executor);
  g_object_set (scene->button, "tasks", tasks, NULL);
  g_list_store_append (models, other);
  g_list_store_append (models, store);
  here = task_test_submit (scene->executor, "gate", g_variant_new_string ("a"));
  wait_words (scene, "1 task runs");
  there = task_test_submit (other, "fail", g_variant_new ("(sis)", "domain", 1, "It failed"));
  wait_words (scene, "1 task runs \302\267 1 task failed");
  assert_words (scene, "1 task runs \302\267 1 task failed");
  g_assert_true (has_error (scene));
  loose = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("a"));
  g_list_store_append (store, loose);
  wait_words (scene, "33 % \302\267 1 task runs \302\267 1 task waits");
  ferry_task_cancel (loose);
  ferry_test_look_until (has_no_fraction, scene);
  assert_words (scene, "1 task runs \302\267 1 task failed");
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  widget_test_wait_words (list, "Failed");
  g_object_set (list, "selected-task", there, NULL);
  gtk_widget_activate_action (list, "task.retry", NULL);
  g_assert_cmpint (ferry_test_get_number (scene->executor, "n-executing"), ==, 1);
  g_assert_cmpint (g_list_model_get_n_items (G_LIST_MODEL (scene->executor)), ==, 1);
  g_assert_cmpint (g_list_model_get_n_items (G_LIST_MODEL (other)), ==, 1);
  gtk_menu_button_popdown (GTK_MENU_BUTTON (get_menu_button (scene)));
  task_test_open_gate ();
  ferry_test_look_until (task_test_is_idle, scene->executor);
  ferry_test_look_until (task_test_is_idle, other);
  g_object_set (scene->button, "tasks", NULL, NULL);
  g_assert_finalize_object (tasks);
  g_object_unref (store);
}

static gboolean
is_high (gpointer scene)
{
  return measure_list (scene) >= 300;
}

/* With one task it is not much higher than that task's row. */
static void
test_popover_is_as_high_as_its_rows (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;
  GtkWidget *list;

  list = ferry_test_get_object (scene->button, "list");
  task = task_test_submit (scene->executor, "note", g_variant_new_string ("a"));
  task_test_wait_done (task);
  gtk_menu_button_popup (GTK_MENU_BUTTON (get_menu_button (scene)));
  widget_test_wait_words (list, "Done");
  g_assert_cmpint (measure_list (scene), <=, 120);
  for (guint i = 0; i < 30; i++)
    g_object_unref (task_test_submit (scene->executor, "note", g_variant_new_string ("b")));
  ferry_test_look_until (task_test_is_idle, scene->executor);
  ferry_test_look_until (is_high, scene);
  g_assert_cmpint (measure_list (scene), <=, 400);
}

/* A list of tasks that counts how often one is asked for. */
G_DECLARE_FINAL_TYPE (CountingModel, counting_model, COUNTING, MODEL, GObject)

struct _CountingModel
{
  GObject parent_instance;
  GPtrArray *tasks;
  guint n_asked;
};

static GType
get_item_type (GListModel *model)
{
  return FERRY_TYPE_TASK;
}

static guint
get_n_items (GListModel *model)
{
  return COUNTING_MODEL (model)->tasks->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  CountingModel *self = COUNTING_MODEL (model);

  self->n_asked++;
  return position < self->tasks->len ? g_object_ref (self->tasks->pdata[position]) : NULL;
}

static void
counting_model_list_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_TYPE_WITH_CODE (CountingModel, counting_model, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, counting_model_list_init))

static void
counting_model_finalize (GObject *object)
{
  g_ptr_array_unref (COUNTING_MODEL (object)->tasks);
  G_OBJECT_CLASS (counting_model_parent_class)->finalize (object);
}

static void
counting_model_class_init (CountingModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = counting_model_finalize;
}

static void
counting_model_init (CountingModel *self)
{
  self->tasks = g_ptr_array_new_with_free_func (g_object_unref);
}

static gboolean
is_half_done (gpointer task)
{
  return ferry_task_get_fraction (task) == 0.5;
}

/* One of two that failed has left, and one that runs tells of itself. */
static void
test_no_task_is_looked_at_to_count_those_that_failed (Scene *scene)
{
  g_autoptr (CountingModel) model = g_object_new (counting_model_get_type (), NULL);
  FerryTask *runs;

  for (guint i = 0; i < 2; i++)
    {
      FerryTask *failing =
        task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "domain", 1, "It failed"));

      task_test_wait_done (failing);
      g_ptr_array_add (model->tasks, failing);
    }
  runs = task_test_submit (scene->executor, "halves", NULL);
  g_ptr_array_add (model->tasks, runs);
  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (model->tasks, task_test_submit (scene->executor, "note", g_variant_new_string ("a")));
  g_object_set (scene->button, "tasks", model, NULL);
  wait_words (scene, "2 tasks failed");
  g_ptr_array_remove_index (model->tasks, 0);
  g_list_model_items_changed (G_LIST_MODEL (model), 0, 1, 0);
  wait_words (scene, "1 task runs \302\267 100 tasks wait \302\267 1 task failed");
  model->n_asked = 0;
  task_test_open_gate ();
  ferry_test_look_until (is_half_done, runs);
  task_test_close_gate ();
  task_test_wait_done (runs);
  ferry_test_look_until (task_test_is_idle, scene->executor);
  wait_words (scene, "1 task failed");
  g_assert_cmpuint (model->n_asked, ==, 0);
  g_object_set (scene->button, "tasks", NULL, NULL);
}

/* What is filled and what is not, each against what is beside it. */
static void
test_ring_can_be_told_from_the_ground (Scene *scene)
{
  static const char *const themes[] = {"Default", "Default-hc"};
  GtkWidget *ring;

  ring = gtk_menu_button_get_child (GTK_MENU_BUTTON (get_menu_button (scene)));
  for (guint theme = 0; theme < G_N_ELEMENTS (themes); theme++)
    for (gboolean dark = FALSE; dark <= TRUE; dark++)
      {
        GdkRGBA ground, filled, track;

        look_test_set (themes[theme], dark, 100);
        ground = look_test_lookup (ring, "theme_bg_color");
        ferry_progress_ring_get_colors (FERRY_PROGRESS_RING (ring), &filled, &track);
        filled = look_test_blend (&ground, &filled);
        track = look_test_blend (&ground, &track);
        g_test_message ("%s %d: %.2f %.2f", themes[theme], dark, look_test_get_contrast (&track, &ground),
                        look_test_get_contrast (&filled, &track));
        g_assert_cmpfloat (look_test_get_contrast (&track, &ground), >=, 3.0);
        g_assert_cmpfloat (look_test_get_contrast (&filled, &track), >=, 3.0);
      }
  look_test_reset ();
}

/* What GTK opens once, it opens before descriptors are counted. */
static void
warm_up (void)
{
  if (gtk_is_initialized ())
    gtk_window_destroy (GTK_WINDOW (widget_test_show (ferry_task_button_new (NULL))));
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  ferry_function_register ("step-steadily", "", "", step_steadily);
  widget_test_start ();
  warm_up ();
  add ("/task-button/button-says-how-far-all-tasks-are", test_button_says_how_far_all_tasks_are);
  add ("/task-button/ring-turns-while-nobody-knows-how-far-the-tasks-are",
       test_ring_turns_while_nobody_knows_how_far_the_tasks_are);
  add ("/task-button/ring-stands-still-while-all-that-runs-is-paused",
       test_ring_stands_still_while_all_that_runs_is_paused);
  add ("/task-button/a-task-that-reports-nothing-for-long-has-no-end",
       test_a_task_that_reports_nothing_for_long_has_no_end);
  add ("/task-button/the-list-opens-at-what-has-not-ended", test_the_list_opens_at_what_has_not_ended);
  add ("/task-button/popover-has-a-headline-and-pauses-all", test_popover_has_a_headline_and_pauses_all);
  g_test_add_func ("/task-button/headline-says-how-long-all-tasks-take", test_headline_says_how_long_all_tasks_take);
  add ("/task-button/nothing-has-a-time-left-while-it-is-paused", test_nothing_has_a_time_left_while_it_is_paused);
  add ("/task-button/ring-turns-only-where-it-is-seen-to", test_ring_turns_only_where_it_is_seen_to);
  add ("/task-button/button-takes-back-what-a-task-has", test_button_takes_back_what_a_task_has);
  add ("/task-button/popover-has-the-list", test_popover_has_the_list);
  add ("/task-button/popover-has-buttons-for-all-tasks", test_popover_has_buttons_for_all_tasks);
  add ("/task-button/button-says-at-once-that-something-failed", test_button_says_at_once_that_something_failed);
  add ("/task-button/what-failed-stays-until-it-is-removed", test_what_failed_stays_until_it_is_removed);
  add ("/task-button/popover-opens-at-what-failed", test_popover_opens_at_what_failed);
  add ("/task-button/button-knows-all-executors-of-its-model", test_button_knows_all_executors_of_its_model);
  add ("/task-button/popover-is-as-high-as-its-rows", test_popover_is_as_high_as_its_rows);
  add ("/task-button/no-task-is-looked-at-to-count-those-that-failed",
       test_no_task_is_looked_at_to_count_those_that_failed);
  add ("/task-button/ring-can-be-told-from-the-ground", test_ring_can_be_told_from_the_ground);
  add ("/task-button/the-tooltip-is-not-set-before-it-is-asked-for",
       test_the_tooltip_is_not_set_before_it_is_asked_for);
  add ("/task-button/the-tooltip-does-not-hide-the-headline", test_the_tooltip_does_not_hide_the_headline);
  add ("/task-button/nothing-is-computed-while-the-button-is-hidden",
       test_nothing_is_computed_while_the_button_is_hidden);
  return g_test_run ();
}
