/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-banner.c, gtk/ferry-task-drag.c, gtk/ferry-task-tally.c, gtk/ferry-task-words.c,
 * gtk/ferry-task-guard.c, gtk/ferry-work-watch.c, queue/ferry-queue-figures.c
 *
 * A queue in a window: what rows, a banner and a guard say of its tasks, and their order. */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "faults/fault-calls.h"
#include "gtk/ferry-stop-question-private.h"
#include "gtk/ferry-task-banner.h"
#include "gtk/ferry-task-button.h"
#include "gtk/ferry-task-guard.h"
#include "gtk/ferry-task-list.h"
#include "gtk/ferry-task-monitor.h"
#include "gtk/ferry-task-row-private.h"
#include "gtk/ferry-task-tally-private.h"
#include "gtk/widget-test.h"
#include "queue/queue-test.h"

#define HOUR (3600 * (gint64) G_USEC_PER_SEC)

/* Where the child of a test has its queue. */
#define CHILD_FOLDER "FERRY_TEST_QUEUE_FOLDER"

typedef struct
{
  QueueTest *test;
  GtkWidget *list;   /* (nullable) (unowned): the window's */
  GtkWidget *window; /* (nullable) (owned) */
} Scene;

/* ---- the scene ---- */

static void
run (gconstpointer test)
{
  Scene scene = {0};

  if (!widget_test_has_display ())
    return;
  scene.test = queue_test_new (1);
  ((void (*) (Scene *)) test) (&scene);
  if (scene.window != NULL)
    {
      gtk_window_destroy (GTK_WINDOW (scene.window));
      g_assert_finalize_object (scene.window);
    }
  queue_test_free (scene.test);
}

static void
add_test (const char *path, void (*test) (Scene *scene))
{
  g_test_add_data_func (path, (gconstpointer) test, run);
}

/* A window with the list of the queue that is open. */
static void
show_list (Scene *scene)
{
  scene->list = ferry_task_list_new (G_LIST_MODEL (scene->test->queue));
  scene->window = g_object_ref (widget_test_show (scene->list));
}

static void
hide_list (Scene *scene)
{
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_finalize_object (g_steal_pointer (&scene->window));
  scene->list = NULL;
}

/* A task that runs until the gate is opened; the queue keeps it. */
static void
submit_gate (Scene *scene, const char *key, gboolean idempotent)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "gate", g_variant_new_string (key));
  g_autoptr (FerryTask) submitted = NULL;

  g_object_set (task, "name", key, "idempotent", idempotent, NULL);
  submitted = queue_test_submit_task (scene->test, task, key);
}

/* One that the queue has until somebody asks for it. */
static void
submit_note (Scene *scene, const char *key)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string (key));
  g_autoptr (FerryTask) submitted = NULL;

  g_object_set (task, "name", key, NULL);
  submitted = queue_test_submit_task (scene->test, task, key);
}

static void
wait_begun (Scene *scene, const char *key)
{
  g_autoptr (FerryTask) task = queue_test_get (scene->test, key);

  task_test_wait_begun (task);
}

static void
wait_done (Scene *scene, const char *key)
{
  g_autoptr (FerryTask) task = queue_test_get (scene->test, key);

  if (!ferry_task_get_done (task))
    task_test_wait_done (task);
}

/* The application ends while the task runs, and is started again. Its worker, a thread of this process, is free then.
 */
static void
crash_over (Scene *scene, const char *key)
{
  wait_begun (scene, key);
  queue_test_crash (scene->test);
  task_test_open_gate ();
}

static void
assert_order (Scene *scene, const char *keys)
{
  g_autofree char *list = queue_test_list (scene->test);

  g_assert_cmpstr (list, ==, keys);
}

/* ---- what is in a window ---- */

/* (nullable): the first mapped widget below that the function takes. */
static GtkWidget *
find (GtkWidget *widget, gboolean (*is_it) (GtkWidget *widget, gconstpointer data), gconstpointer data)
{
  if (gtk_widget_get_mapped (widget) && is_it (widget, data))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find (child, is_it, data);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static gboolean
is_row_of (GtkWidget *widget, gconstpointer key)
{
  FerryTask *task = FERRY_IS_TASK_ROW (widget) ? ferry_task_row_get_task (FERRY_TASK_ROW (widget)) : NULL;

  return task != NULL && g_str_equal (ferry_task_get_name (task), key);
}

static gboolean
does (GtkWidget *widget, gconstpointer action)
{
  return GTK_IS_BUTTON (widget) && g_strcmp0 (gtk_actionable_get_action_name (GTK_ACTIONABLE (widget)), action) == 0;
}

static gboolean
says (GtkWidget *widget, gconstpointer label)
{
  return GTK_IS_BUTTON (widget) && g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), label) == 0;
}

typedef struct
{
  GtkWidget *widget;
  const char *key;
} Wanted;

static gboolean
has_row (gpointer data)
{
  const Wanted *wanted = data;

  return find (wanted->widget, is_row_of, wanted->key) != NULL;
}

static GtkWidget *
wait_row (Scene *scene, const char *key)
{
  Wanted wanted = {scene->list, key};

  ferry_test_look_until (has_row, &wanted);
  return find (scene->list, is_row_of, key);
}

static gboolean
has_no_words (gpointer data)
{
  const Wanted *wanted = data;

  return widget_test_find_words (wanted->widget, wanted->key) == NULL;
}

static void
wait_no_words (GtkWidget *widget, const char *words)
{
  Wanted wanted = {widget, words};

  ferry_test_look_until (has_no_words, &wanted);
}

static void
click (GtkWidget *widget, gboolean (*is_it) (GtkWidget *widget, gconstpointer data), gconstpointer data)
{
  GtkWidget *button = find (widget, is_it, data);

  g_assert_nonnull (button);
  g_signal_emit_by_name (button, "clicked");
}

/* The row has the focus, and nothing else is selected. */
static void
go_to (Scene *scene, const char *key)
{
  g_autoptr (FerryTask) task = queue_test_get (scene->test, key);

  wait_row (scene, key);
  g_object_set (scene->list, "selected-task", task, NULL);
}

/* ---- interrupted ---- */

static void
test_interrupted_task_says_so_and_is_tried_again_in_its_place (Scene *scene)
{
  GtkWidget *row;

  submit_gate (scene, "Once", FALSE);
  submit_note (scene, "After");
  crash_over (scene, "Once");
  queue_test_restart (scene->test);
  wait_done (scene, "After");
  show_list (scene);
  row = wait_row (scene, "Once");
  widget_test_wait_words (row, "Interrupted");
  widget_test_wait_words (row, "The application ended while it ran, and it may have done a part of its work");
  widget_test_assert_label (find (row, does, "task.retry"), "Run again", "Once");
  task_test_close_gate ();
  go_to (scene, "Once");
  widget_test_press (scene->list, "<Control>r");
  wait_begun (scene, "Once");
  assert_order (scene, "Once After");
  wait_no_words (scene->list, "Interrupted");
  task_test_open_gate ();
  wait_done (scene, "Once");
  widget_test_wait_words (wait_row (scene, "Once"), "Done");
}

static void
test_task_at_the_death_limit_says_what_it_may_do (Scene *scene)
{
  GtkWidget *row;

  submit_gate (scene, "Deadly", TRUE);
  crash_over (scene, "Deadly");
  scene->test->death_limit = 1;
  queue_test_restart (scene->test);
  show_list (scene);
  row = wait_row (scene, "Deadly");
  widget_test_wait_words (row, "Crashed");
  widget_test_wait_words (row, "The program has ended again and again while this task ran");
  g_assert_nonnull (find (row, does, "task.retry"));
}

/* Its process is not known any more, and how that ended is. */
static void
test_crash_is_one_after_a_restart_too (Scene *scene)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_int32 (SIGSEGV));
  g_autoptr (FerryTask) submitted = NULL, after = NULL;

  queue_test_free (scene->test);
  scene->test = queue_test_new_for (task_test_new (/* in_threads: */ FALSE, 1));
  g_object_set (task, "name", "Bad", NULL);
  submitted = queue_test_submit_task (scene->test, task, "Bad");
  wait_done (scene, "Bad");
  queue_test_close (scene->test);
  queue_test_restart (scene->test);
  after = queue_test_get (scene->test, "Bad");
  g_assert_true (after != submitted);
  g_assert_cmpint (ferry_exit_get_signal (ferry_task_get_exit (after)), ==, SIGSEGV);
  g_assert_cmpstr (ferry_exit_get_message (ferry_task_get_exit (after)), ==,
                   ferry_exit_get_message (ferry_task_get_exit (submitted)));
  show_list (scene);
  widget_test_wait_words (wait_row (scene, "Bad"), "Crashed");
  widget_test_wait_words (wait_row (scene, "Bad"), "A fault in the program ended this task");
}

static void
test_what_was_interrupted_has_not_failed (Scene *scene)
{
  GtkWidget *button;

  submit_gate (scene, "Once", FALSE);
  crash_over (scene, "Once");
  queue_test_restart (scene->test);
  button = ferry_task_button_new (G_LIST_MODEL (scene->test->queue));
  scene->window = g_object_ref (widget_test_show (button));
  gtk_test_accessible_assert_property (gtk_widget_get_first_child (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "1 task was interrupted");
}

static void
test_all_that_failed_are_tried_again_at_once (Scene *scene)
{
  GtkWidget *button = ferry_task_button_new (G_LIST_MODEL (scene->test->queue)), *list;

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *key = g_strdup_printf ("f%u", i);
      g_autoptr (FerryTask) task = ferry_task_new (
        FERRY_TASK_KIND_CALL, "fail", g_variant_new ("(sis)", "g-io-error-quark", G_IO_ERROR_PENDING, "so"));
      g_autoptr (FerryTask) submitted = NULL;

      g_object_set (task, "name", key, NULL);
      submitted = queue_test_submit_task (scene->test, task, key);
    }
  submit_note (scene, "Good");
  wait_done (scene, "Good");
  show_list (scene);
  wait_row (scene, "f2");
  g_object_ref_sink (button);
  g_object_get (button, "list", &list, NULL);
  g_assert_cmpint (ferry_test_get_number (scene->test->queue, "n-failed"), ==, 3);
  g_object_set (scene->test->queue, "paused", TRUE, NULL);
  widget_test_press (scene->list, "<Shift><Control>r");
  g_assert_cmpint (ferry_test_get_number (scene->test->queue, "n-waiting"), ==, 3);
  assert_order (scene, "f0 f1 f2 Good");
  g_object_set (scene->test->queue, "paused", FALSE, NULL);
  wait_done (scene, "f2");
  g_assert_cmpint (ferry_test_get_number (scene->test->queue, "n-failed"), ==, 6);
  g_object_unref (list);
  g_assert_finalize_object (button);
}

/* ---- what holds a task ---- */

static void
test_time_is_shown_and_a_person_starts_the_task_all_the_same (Scene *scene)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("night"));
  g_autoptr (FerryTask) submitted = NULL;
  GtkWidget *row, *next;

  g_object_set (task, "name", "Tonight", "not-before", g_get_real_time () + 5 * HOUR, NULL);
  submitted = queue_test_submit_task (scene->test, task, "n");
  show_list (scene);
  row = wait_row (scene, "Tonight");
  widget_test_wait_words (row, "Waits until ");
  g_assert_null (widget_test_find_words (row, "Waiting"));
  next = find (row, does, "task.run-next");
  widget_test_assert_label (next, "Run now", "Tonight");
  g_signal_emit_by_name (next, "clicked");
  task_test_wait_done (task);
  g_assert_cmpint (ferry_test_get_number (task, "not-before"), ==, 0);
}

static void
test_reason_of_a_paused_queue_is_shown_and_follows_it (Scene *scene)
{
  GtkWidget *row;

  g_object_set (scene->test->queue, "paused", TRUE, NULL);
  submit_note (scene, "Held");
  show_list (scene);
  row = wait_row (scene, "Held");
  widget_test_wait_words (row, "The queue is paused");
  g_assert_nonnull (widget_test_find_words (row, "Waiting"));
  g_object_set (scene->test->queue, "reason", "Waits for mains power", NULL);
  widget_test_wait_words (row, "Waits for mains power");
  g_object_set (scene->test->queue, "reason", NULL, NULL);
  widget_test_wait_words (row, "The queue is paused");
  g_object_set (scene->test->queue, "paused", FALSE, NULL);
  widget_test_wait_words (row, "Done");
}

/* ---- the order ---- */

static void
submit_abc (Scene *scene)
{
  g_object_set (scene->test->queue, "paused", TRUE, NULL);
  submit_note (scene, "a");
  submit_note (scene, "b");
  submit_note (scene, "c");
  show_list (scene);
}

/* They are begun as they stand, also by another run of the application. */
static void
assert_begun_in_order (Scene *scene, const char *keys)
{
  g_autofree char *log = NULL;

  assert_order (scene, keys);
  hide_list (scene);
  queue_test_close (scene->test);
  queue_test_restart (scene->test);
  assert_order (scene, keys);
  g_object_set (scene->test->queue, "paused", FALSE, NULL);
  wait_done (scene, "a");
  wait_done (scene, "b");
  wait_done (scene, "c");
  log = task_test_take_log ();
  g_assert_cmpstr (log, ==, keys);
}

static void
test_keys_move_a_task_and_the_order_is_kept (Scene *scene)
{
  g_autoptr (FerryTask) selected = NULL;

  submit_abc (scene);
  go_to (scene, "c");
  widget_test_press (scene->list, "<Alt>Up");
  assert_order (scene, "a c b");
  g_object_get (scene->list, "selected-task", &selected, NULL);
  g_assert_cmpstr (ferry_task_get_name (selected), ==, "c");
  widget_test_press (scene->list, "<Alt>Up");
  assert_order (scene, "c a b");
  widget_test_press (scene->list, "<Alt>Up"); /* rings */
  assert_order (scene, "c a b");
  go_to (scene, "a");
  widget_test_press (scene->list, "<Alt>Down");
  assert_order (scene, "c b a");
  widget_test_press (scene->list, "<Alt>Down");
  g_clear_object (&selected);
  assert_begun_in_order (scene, "c b a");
}

static void
test_run_next_moves_the_task_to_the_front_and_that_is_kept (Scene *scene)
{
  submit_abc (scene);
  go_to (scene, "c");
  widget_test_press (scene->list, "<Control>Up");
  assert_order (scene, "c a b");
  /* One that is moved behind a task that was put first is begun where it stands. */
  go_to (scene, "c");
  widget_test_press (scene->list, "<Alt>Down");
  assert_begun_in_order (scene, "a c b");
}

static void
test_list_with_a_sorter_is_not_changed_by_hand (Scene *scene)
{
  submit_abc (scene);
  g_object_set (scene->list, "sorter",
                gtk_string_sorter_new (gtk_property_expression_new (FERRY_TYPE_TASK, NULL, "name")), NULL);
  go_to (scene, "c");
  widget_test_press (scene->list, "<Alt>Up");
  assert_order (scene, "a b c");
}

/* (transfer none) (nullable): the widget's controller of that type. */
static gpointer
find_controller (GtkWidget *widget, GType type)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (G_TYPE_CHECK_INSTANCE_TYPE (controller, type))
        return controller;
    }
  return NULL;
}

static gboolean
drag (Scene *scene, const char *key, const char *over, double y)
{
  GtkWidget *from = wait_row (scene, key), *to = wait_row (scene, over);
  GdkContentProvider *content = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  gboolean dropped = FALSE;

  g_signal_emit_by_name (find_controller (from, GTK_TYPE_DRAG_SOURCE), "prepare", 1.0, 1.0, &content);
  if (content == NULL)
    return FALSE;
  g_value_init (&value, FERRY_TYPE_TASK);
  g_assert_true (gdk_content_provider_get_value (content, &value, NULL));
  g_signal_emit_by_name (find_controller (to, GTK_TYPE_DROP_TARGET), "drop", &value, 1.0,
                         y * gtk_widget_get_height (to), &dropped);
  g_object_unref (content);
  return dropped;
}

static void
test_dragging_moves_a_task_and_the_order_is_kept (Scene *scene)
{
  submit_abc (scene);
  g_assert_true (drag (scene, "c", "a", 0.1));
  assert_order (scene, "c a b");
  g_assert_true (drag (scene, "c", "a", 0.9));
  assert_order (scene, "a c b");
  g_assert_true (drag (scene, "a", "b", 0.9));
  assert_order (scene, "c b a");
  g_assert_false (drag (scene, "a", "a", 0.9));
  assert_begun_in_order (scene, "c b a");
}

static void
test_what_runs_or_has_ended_is_not_dragged (Scene *scene)
{
  submit_note (scene, "over");
  wait_done (scene, "over");
  submit_gate (scene, "runs", FALSE);
  wait_begun (scene, "runs");
  submit_note (scene, "waits");
  show_list (scene);
  g_assert_false (drag (scene, "over", "waits", 0.1));
  g_assert_false (drag (scene, "runs", "waits", 0.1));
  g_assert_false (drag (scene, "waits", "over", 0.1));
  assert_order (scene, "over runs waits");
  task_test_open_gate ();
  wait_done (scene, "waits");
}

/* ---- the banner ---- */

static void
show_banner (Scene *scene)
{
  scene->list = ferry_task_banner_new (G_LIST_MODEL (scene->test->queue));
  scene->window = g_object_ref (widget_test_show (scene->list));
}

static void
test_banner_lets_a_paused_queue_go_on (Scene *scene)
{
  g_object_set (scene->test->queue, "paused", TRUE, NULL);
  show_banner (scene);
  g_assert_null (find (scene->list, says, "_Go On"));
  submit_note (scene, "a");
  submit_note (scene, "b");
  widget_test_wait_words (scene->list, "The queue is paused \302\267 2 tasks wait");
  g_object_set (scene->test->queue, "reason", "Waits for mains power", NULL);
  widget_test_wait_words (scene->list, "Waits for mains power \302\267 2 tasks wait");
  widget_test_assert_read_once (scene->list);
  click (scene->list, says, "_Go On");
  wait_done (scene, "b");
  wait_no_words (scene->list, "Waits for mains power");
}

static void
test_banner_tries_what_was_interrupted_again (Scene *scene)
{
  submit_gate (scene, "Once", FALSE);
  submit_note (scene, "After");
  crash_over (scene, "Once");
  queue_test_restart (scene->test);
  wait_done (scene, "After");
  show_banner (scene);
  widget_test_wait_words (scene->list, "1 task was interrupted");
  click (scene->list, says, "_Run Again");
  wait_done (scene, "Once");
  wait_no_words (scene->list, "interrupted");
  g_assert_cmpint (ferry_test_get_number (scene->test->queue, "n-interrupted"), ==, 0);
}

static gboolean
has_error (gpointer queue)
{
  g_autoptr (GError) error = NULL;

  g_object_get (queue, "error", &error, NULL);
  return error != NULL;
}

static void
assert_full_disk_is_said (Scene *scene, int error_number, const char *words)
{
  fault_arm_lasting (FAULT_WRITE, 1, error_number);
  submit_note (scene, g_strerror (error_number));
  ferry_test_look_until (has_error, scene->test->queue);
  widget_test_wait_words (scene->list, words);
  g_assert_null (find (scene->list, says, "_Run Again"));
  fault_disarm ();
  wait_no_words (scene->list, words);
  wait_done (scene, g_strerror (error_number));
}

/* In words for users, with what to do, until there is room; then the tasks go on. */
static void
test_banner_says_that_nothing_can_be_stored (Scene *scene)
{
  show_banner (scene);
  assert_full_disk_is_said (scene, ENOSPC, "The disk is full");
  assert_full_disk_is_said (scene, EIO, "No task is begun. The queue ");
  g_assert_cmpuint (task_test_take_n_warnings (), ==, 2);
}

static void
test_row_says_that_it_is_not_stored (Scene *scene)
{
  show_list (scene);
  fault_arm_lasting (FAULT_WRITE, 1, ENOSPC);
  submit_note (scene, "a");
  widget_test_wait_words (scene->list, "Not stored yet: the disk is full");
  fault_disarm ();
  wait_done (scene, "a");
  wait_no_words (scene->list, "Not stored yet");
  g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
}

/* Until it is stored, a cancel is not told as one, and the row says why. */
static void
test_row_says_that_a_cancel_is_not_stored (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;

  g_object_set (scene->test->queue, "paused", TRUE, NULL);
  submit_note (scene, "a");
  queue_test_flush (scene->test);
  show_list (scene);
  fault_arm_lasting (FAULT_WRITE, 1, ENOSPC);
  task = queue_test_get (scene->test, "a");
  ferry_task_cancel (task);
  widget_test_wait_words (scene->list, "Cancelling");
  widget_test_wait_words (scene->list, "Not stored yet: the disk is full");
  fault_disarm ();
  widget_test_wait_words (scene->list, "Cancelled");
  wait_no_words (scene->list, "Not stored yet");
  g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
}

static void
cut_file (const char *path)
{
  g_autofree char *contents = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &contents, &size, NULL));
  g_assert_true (g_file_set_contents (path, contents, (gssize) size - 4096, NULL));
}

static FerryPool *
new_pool (Scene *scene, const char *program)
{
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){program, NULL});

  return ferry_pool_new (scene->test->test->router, launcher);
}

/* The row and the banner say the same, until the program is there again and somebody tries, or a while is over. */
static void
test_banner_says_that_the_program_does_not_start (Scene *scene)
{
  g_autofree char *real = ferry_test_build_path ("serving-worker");
  g_autofree char *program = task_test_make_path ("gone-worker");
  const char *const words = "The program for these tasks does not start";

  queue_test_close (scene->test);
  g_object_unref (scene->test->test->executor);
  g_object_unref (scene->test->test->pool);
  scene->test->test->pool = new_pool (scene, program);
  scene->test->test->executor = ferry_executor_new (scene->test->test->pool);
  queue_test_restart (scene->test);
  submit_note (scene, "a");
  submit_note (scene, "b");
  show_list (scene);
  widget_test_wait_words (scene->list, words);
  hide_list (scene);
  show_banner (scene);
  widget_test_wait_words (scene->list, words);
  ferry_test_assert_says (gtk_widget_get_tooltip_text (widget_test_find_words (scene->list, words)), program);
  g_assert_cmpint (symlink (real, program), ==, 0);
  click (scene->list, says, "_Try Again");
  wait_done (scene, "b");
  wait_no_words (scene->list, words);
}

/* Once: who has closed it knows. */
static void
test_banner_says_that_tasks_were_damaged (Scene *scene)
{
  submit_note (scene, "a");
  wait_done (scene, "a");
  queue_test_close (scene->test);
  cut_file (scene->test->path);
  queue_test_make (scene->test);
  queue_test_open (scene->test);
  g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
  show_banner (scene);
  widget_test_wait_words (scene->list, "was damaged");
  ferry_test_assert_says (gtk_widget_get_tooltip_text (widget_test_find_words (scene->list, "was damaged")),
                          scene->test->path);
  click (scene->list, says, "_Close");
  wait_no_words (scene->list, "was damaged");
  g_object_set (scene->test->queue, "paused", TRUE, NULL);
  submit_note (scene, "b");
  widget_test_wait_words (scene->list, "The queue is paused");
}

/* Somebody has removed the file, or put another one in its place. */
static void
test_banner_has_a_file_written_anew (Scene *scene)
{
  show_banner (scene);
  g_assert_cmpint (unlink (scene->test->path), ==, 0);
  submit_note (scene, "a");
  widget_test_wait_words (scene->list, "was removed or replaced, and no task is begun");
  click (scene->list, says, "_Try Again");
  wait_done (scene, "a");
  wait_no_words (scene->list, "was removed or replaced");
  g_assert_cmpint (unlink (scene->test->path), ==, 0);
  g_assert_true (g_file_set_contents (scene->test->path, "another", -1, NULL));
  submit_note (scene, "b");
  widget_test_wait_words (scene->list, "was removed or replaced, and no task is begun");
  click (scene->list, says, "_Try Again");
  wait_done (scene, "b");
  widget_test_wait_words (scene->list, "What was in its place lies beside it");
  g_assert_cmpuint (task_test_take_n_warnings (), ==, 3);
}

/* ---- figures ---- */

static void
test_figures_of_a_queue_are_counted_without_its_tasks (Scene *scene)
{
  g_autoptr (FerryTaskTally) tally = NULL;
  FerryTaskFigures figures;
  guint n_told = 0;

  g_object_set (scene->test->queue, "paused", TRUE, NULL);
  submit_note (scene, "a");
  submit_note (scene, "b");
  queue_test_close (scene->test);
  queue_test_restart (scene->test);
  tally = ferry_task_tally_new (G_LIST_MODEL (scene->test->queue));
  widget_test_count_notifications (scene->test->queue, "fraction", &n_told);
  figures = ferry_task_tally_get (tally);
  g_assert_cmpint (figures.n_waiting, ==, 2);
  g_assert_cmpint (ferry_task_tally_count_open (tally), ==, 2);
  g_assert_cmpint (ferry_task_tally_count_lost (tally), ==, 0);
  g_object_set (scene->test->queue, "paused", FALSE, NULL);
  wait_done (scene, "b");
  figures = ferry_task_tally_get (tally);
  g_assert_cmpint (figures.n_completed, ==, 2);
  g_assert_cmpint (figures.n_waiting + figures.running.n_running, ==, 0);
  g_assert_cmpint (n_told, >, 0);
  ferry_task_tally_cancel_all (tally);
}

static void
test_cancel_all_cancels_what_waits_in_the_queue (Scene *scene)
{
  g_autoptr (FerryTaskTally) tally = ferry_task_tally_new (G_LIST_MODEL (scene->test->queue));

  submit_gate (scene, "runs", FALSE);
  wait_begun (scene, "runs");
  submit_note (scene, "waits");
  ferry_task_tally_cancel_all (tally);
  wait_done (scene, "runs");
  wait_done (scene, "waits");
  g_assert_cmpint (ferry_task_tally_get (tally).n_cancelled, ==, 2);
}

static gboolean
has_begun_one (gpointer queue)
{
  return ferry_test_get_number (queue, "n-executing") == 1;
}

/* The file has a task as begun that waits for the one worker. */
static void
test_only_those_run_that_a_worker_has_begun (Scene *scene)
{
  g_autoptr (FerryTaskTally) tally = ferry_task_tally_new (G_LIST_MODEL (scene->test->queue));
  g_autoptr (FerryTask) other = task_test_submit (scene->test->test->executor, "sleep-until-cancelled", NULL);
  FerryTaskFigures figures;

  task_test_wait_begun (other);
  submit_gate (scene, "next", FALSE);
  submit_note (scene, "waits");
  ferry_test_look_until (has_begun_one, scene->test->queue);
  figures = ferry_task_tally_get (tally);
  g_assert_cmpint (figures.running.n_running, ==, 0);
  g_assert_cmpint (figures.n_waiting, ==, 2);
  g_assert_false (figures.indeterminate);
  ferry_task_cancel (other);
  wait_begun (scene, "next");
  figures = ferry_task_tally_get (tally);
  g_assert_cmpint (figures.running.n_running, ==, 1);
  g_assert_true (figures.indeterminate);
  task_test_open_gate ();
  wait_done (scene, "waits");
}

/* With its executor, so that what runs is paused too; the banner lets both go on. */
static void
test_all_of_a_queue_is_paused_and_goes_on (Scene *scene)
{
  g_autoptr (FerryTask) runs = NULL;

  submit_gate (scene, "runs", FALSE);
  wait_begun (scene, "runs");
  runs = queue_test_get (scene->test, "runs");
  submit_note (scene, "waits");
  show_list (scene);
  g_object_set (scene->list, "paused", TRUE, NULL);
  g_assert_true (ferry_test_get_number (runs, "is-paused"));
  g_assert_true (ferry_test_get_number (scene->test->queue, "paused"));
  g_assert_true (ferry_test_get_number (scene->list, "paused"));
  hide_list (scene);
  show_banner (scene);
  widget_test_wait_words (scene->list, "The queue is paused");
  click (scene->list, says, "_Go On");
  g_assert_false (ferry_test_get_number (runs, "is-paused"));
  g_assert_false (ferry_test_get_number (scene->test->queue, "paused"));
  task_test_open_gate ();
  wait_done (scene, "waits");
}

/* ---- the guard ---- */

static gboolean
is_question (GtkWidget *widget, gconstpointer data)
{
  return FERRY_IS_STOP_QUESTION (widget);
}

static GtkWidget *
find_question (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      if (is_question (window, NULL) && gtk_widget_get_mapped (window))
        return window;
    }
  return NULL;
}

static gboolean
is_asked (gpointer data)
{
  return find_question () != NULL;
}

static gboolean
is_closed (gpointer data)
{
  return !gtk_widget_get_realized (data);
}

static void
guard (Scene *scene, GListModel *tasks)
{
  scene->window = g_object_ref (widget_test_show (gtk_label_new ("Work")));
  ferry_task_guard_add (tasks, GTK_WINDOW (scene->window));
}

static void
ask (Scene *scene)
{
  gtk_window_close (GTK_WINDOW (scene->window));
  ferry_test_look_until (is_asked, NULL);
}

/* It is not promised to go on next time what the disk has no room for. */
static void
test_guard_counts_what_is_not_stored (Scene *scene)
{
  guard (scene, G_LIST_MODEL (scene->test->queue));
  fault_arm_lasting (FAULT_WRITE, 1, ENOSPC);
  submit_note (scene, "one");
  submit_note (scene, "two");
  ferry_test_look_until (has_error, scene->test->queue);
  ask (scene);
  g_assert_nonnull (widget_test_find_words (find_question (), "2 tasks cannot be stored"));
  g_assert_nonnull (widget_test_find_words (find_question (), "The disk is full"));
  g_assert_nonnull (find (find_question (), says, "_Quit and Lose Them"));
  widget_test_assert_read_once (find_question ());
  click (find_question (), says, "_Keep Running");
  fault_disarm ();
  wait_done (scene, "two");
  g_assert_false (is_closed (scene->window));
  g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
}

static void
test_quitting_closes_the_queue_and_cancels_nothing (Scene *scene)
{
  submit_gate (scene, "runs", TRUE);
  submit_note (scene, "waits");
  wait_begun (scene, "runs");
  guard (scene, G_LIST_MODEL (scene->test->queue));
  ask (scene);
  g_assert_nonnull (widget_test_find_words (find_question (), "Quit, and go on next time?"));
  g_assert_nonnull (widget_test_find_words (find_question (), "2 tasks are kept"));
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_question ()), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Quit, and go on next time?");
  widget_test_assert_read_once (find_question ());
  click (find_question (), says, "_Keep Running");
  g_assert_false (is_closed (scene->window));
  ask (scene);
  click (find_question (), says, "_Quit");
  ferry_test_look_until (is_closed, scene->window);
  g_assert_false (ferry_test_get_number (scene->test->queue, "is-open"));
  ferry_test_finalize (g_steal_pointer (&scene->test->queue));
  {
    g_autofree char *states =
      queue_test_ask (scene->test, "SELECT group_concat(key || state || deaths, ' ') FROM task");

    g_assert_cmpstr (states, ==, "runs00 waits00");
  }
  queue_test_restart (scene->test);
  task_test_open_gate ();
  wait_done (scene, "runs");
  wait_done (scene, "waits");
}

/* What no queue has is lost, and the question is about that. */
static void
test_tasks_beside_the_queue_are_asked_about_and_stopped (Scene *scene)
{
  TaskTest *test = scene->test->test;
  g_autoptr (FerryExecutor) beside = ferry_executor_new (test->pool);
  g_autoptr (FerryTask) lost = task_test_submit (beside, "gate", g_variant_new_string ("lost"));
  GListStore *models = g_list_store_new (G_TYPE_LIST_MODEL);
  GListModel *tasks;

  task_test_wait_begun (lost);
  submit_note (scene, "waits");
  g_list_store_append (models, beside);
  g_list_store_append (models, scene->test->queue);
  tasks = G_LIST_MODEL (gtk_flatten_list_model_new (G_LIST_MODEL (models)));
  guard (scene, tasks);
  ask (scene);
  g_assert_nonnull (widget_test_find_words (find_question (), "Stop 1 task?"));
  click (find_question (), says, "_Stop");
  ferry_test_look_until (is_closed, scene->window);
  task_test_assert_cancelled (lost);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_finalize_object (tasks);
  ferry_test_finalize (g_steal_pointer (&scene->test->queue));
  {
    g_autofree char *states = queue_test_ask (scene->test, "SELECT group_concat(key || state, ' ') FROM task");

    g_assert_cmpstr (states, ==, "waits0");
  }
}

/* The child of the test below. */
static void
be_terminated (Scene *scene)
{
  ferry_test_finalize (g_steal_pointer (&scene->test->queue));
  g_free (scene->test->path);
  scene->test->path = g_build_filename (g_getenv (CHILD_FOLDER), "queue.db", NULL);
  queue_test_make (scene->test);
  queue_test_open (scene->test);
  submit_gate (scene, "runs", TRUE);
  submit_gate (scene, "once", FALSE);
  wait_begun (scene, "runs");
  queue_test_flush (scene->test);
  guard (scene, G_LIST_MODEL (scene->test->queue));
  kill (getpid (), SIGTERM);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_signal_of_the_end_closes_the_queue (Scene *scene)
{
  if (g_test_subprocess ())
    be_terminated (scene);
  g_setenv (CHILD_FOLDER, scene->test->folder, TRUE);
  ferry_test_finalize (g_steal_pointer (&scene->test->queue));
  g_test_trap_subprocess (NULL, 0, 0);
  g_assert_false (g_test_trap_has_passed ());
  g_assert_false (g_test_trap_reached_timeout ());
  {
    g_autofree char *states =
      queue_test_ask (scene->test, "SELECT group_concat(key || state || deaths, ' ') FROM task");

    /* Neither counts as a death: the queue knew of its end. */
    g_assert_cmpstr (states, ==, "runs00 once00");
  }
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  widget_test_start ();
  add_test ("/queue-window/interrupted-task-says-so-and-is-tried-again-in-its-place",
            test_interrupted_task_says_so_and_is_tried_again_in_its_place);
  add_test ("/queue-window/task-at-the-death-limit-says-what-it-may-do",
            test_task_at_the_death_limit_says_what_it_may_do);
  add_test ("/queue-window/crash-is-one-after-a-restart-too", test_crash_is_one_after_a_restart_too);
  add_test ("/queue-window/what-was-interrupted-has-not-failed", test_what_was_interrupted_has_not_failed);
  add_test ("/queue-window/all-that-failed-are-tried-again-at-once", test_all_that_failed_are_tried_again_at_once);
  add_test ("/queue-window/time-is-shown-and-a-person-starts-the-task-all-the-same",
            test_time_is_shown_and_a_person_starts_the_task_all_the_same);
  add_test ("/queue-window/reason-of-a-paused-queue-is-shown-and-follows-it",
            test_reason_of_a_paused_queue_is_shown_and_follows_it);
  add_test ("/queue-window/keys-move-a-task-and-the-order-is-kept", test_keys_move_a_task_and_the_order_is_kept);
  add_test ("/queue-window/run-next-moves-the-task-to-the-front-and-that-is-kept",
            test_run_next_moves_the_task_to_the_front_and_that_is_kept);
  add_test ("/queue-window/list-with-a-sorter-is-not-changed-by-hand", test_list_with_a_sorter_is_not_changed_by_hand);
  add_test ("/queue-window/dragging-moves-a-task-and-the-order-is-kept",
            test_dragging_moves_a_task_and_the_order_is_kept);
  add_test ("/queue-window/what-runs-or-has-ended-is-not-dragged", test_what_runs_or_has_ended_is_not_dragged);
  add_test ("/queue-window/banner-lets-a-paused-queue-go-on", test_banner_lets_a_paused_queue_go_on);
  add_test ("/queue-window/banner-tries-what-was-interrupted-again", test_banner_tries_what_was_interrupted_again);
  add_test ("/queue-window/banner-says-that-nothing-can-be-stored", test_banner_says_that_nothing_can_be_stored);
  add_test ("/queue-window/figures-are-counted-without-its-tasks",
            test_figures_of_a_queue_are_counted_without_its_tasks);
  add_test ("/queue-window/only-those-run-that-a-worker-has-begun", test_only_those_run_that_a_worker_has_begun);
  add_test ("/queue-window/all-of-a-queue-is-paused-and-goes-on", test_all_of_a_queue_is_paused_and_goes_on);
  add_test ("/queue-window/cancel-all-cancels-what-waits-in-the-queue",
            test_cancel_all_cancels_what_waits_in_the_queue);
  add_test ("/queue-window/guard-counts-what-is-not-stored", test_guard_counts_what_is_not_stored);
  add_test ("/queue-window/quitting-closes-the-queue-and-cancels-nothing",
            test_quitting_closes_the_queue_and_cancels_nothing);
  add_test ("/queue-window/tasks-beside-the-queue-are-asked-about-and-stopped",
            test_tasks_beside_the_queue_are_asked_about_and_stopped);
  add_test ("/queue-window/signal-of-the-end-closes-the-queue", test_signal_of_the_end_closes_the_queue);
  add_test ("/queue-window/banner-has-a-file-written-anew", test_banner_has_a_file_written_anew);
  add_test ("/queue-window/banner-says-that-the-program-does-not-start",
            test_banner_says_that_the_program_does_not_start);
  add_test ("/queue-window/row-says-that-a-cancel-is-not-stored", test_row_says_that_a_cancel_is_not_stored);
  add_test ("/queue-window/row-says-that-it-is-not-stored", test_row_says_that_it_is_not_stored);
  add_test ("/queue-window/banner-says-that-tasks-were-damaged", test_banner_says_that_tasks_were_damaged);
  return g_test_run ();
}
