/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A button for a header bar that shows how far all tasks are, and opens their list.
 *
 * Threads:    the one that runs GTK.
 * Invariants: the figures of the tasks are looked at some times a second, and not while the button is not mapped. */

#include "config.h"

#include "gtk/ferry-task-button.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-pace.h"
#include "gtk/ferry-progress-ring-private.h"
#include "gtk/ferry-task-list-private.h"
#include "gtk/ferry-task-tally-private.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"

#define INTERVAL_MILLISECONDS 125

/* The list in the popover, in pixels: with its margins it fits into a window of 360. The height is the largest. */
#define LIST_WIDTH 320
#define LIST_HEIGHT 360

/* Above the names of the rows. */
#define HEADLINE_MARGIN 12

/* Of which the time left is computed, in whole numbers. */
#define PARTS_OF_TASK 1000.0

/**
 * FerryTaskButton:
 *
 * A button with a ring that shows how far all tasks are. It opens a popover with their list, a headline such as `3
 * tasks, 2 minutes left`, and buttons that pause all tasks, cancel them, and clear those that have ended. Where one of
 * the tasks is paused, or has reported nothing in its first 10 seconds, the headline is `3 tasks, at least 2 minutes
 * left`. The list opens at the first task that failed, or else at the first that has not ended.
 *
 * The button is for a header bar, and is there while there are tasks: those that run or wait, and those that failed and
 * that nobody has removed from the list or tried again. While nobody knows how far they are, a part of the ring turns.
 * The ring has an exclamation mark as long as there is one that failed. Its tooltip and its accessible description say
 * how many tasks run, wait and failed. They change at most ten times a second, and not while the button is not mapped.
 *
 * # CSS nodes
 *
 * The button is a `taskbutton` with a menu button, whose child is a `progressring`. The ring has the style class
 * `.error` while there are tasks that failed.
 */
struct _FerryTaskButton
{
  GtkWidget parent_instance;

  GListModel *tasks;     /* (nullable) */
  FerryTaskTally *tally; /* (owned): of the tasks */
  GtkWidget *button;
  GtkWidget *ring;
  GtkWidget *list;
  GtkWidget *headline; /* above the list: how many tasks there are, and how long they take */
  GtkWidget *pause_button;
  GtkWidget *retry_button;  /* visible while some of them have failed */
  GtkWidget *cancel_button; /* below the list, for all of it */
  GtkWidget *clear_button;
  FerryPace *pace;     /* (owned) (nullable): of all tasks, while they get on */
  guint64 done;        /* of all tasks, in parts of tasks, and since when it is that */
  gint64 done_time;    /* monotonic */
  gint64 endless_time; /* monotonic: when a task without an end was there last; 0: never */
  char *words;         /* (owned) (nullable): what the button says of the tasks */
  guint timer;         /* a look that is due */
};

enum
{
  PROP_TASKS = 1,
  PROP_LIST,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryTaskButton, ferry_task_button, GTK_TYPE_WIDGET)

/* ---- what is shown ---- */

/* A task counts as so many, of which some are done. */
static guint64
count_parts (double n_tasks)
{
  return (guint64) (MAX (n_tasks, 0.0) * PARTS_OF_TASK);
}

/* Whether all that runs is paused. How fast it gets on then says nothing of how fast it will. */
static gboolean
is_standing (const FerryTaskFigures *figures)
{
  return figures->running.n_running > 0 && figures->running.n_paused == figures->running.n_running;
}

/* In microseconds; -1 where nobody knows, as when nothing gets on. What is cancelled is not done, and makes nothing
 * faster. What has no end, or is paused, is not waited for. */
static gint64
find_time_left (FerryTaskButton *self, const FerryTaskFigures *figures)
{
  guint n_open = figures->n_waiting + figures->running.n_running;
  double running = figures->running.fractions, n_ended = (double) (figures->n_completed + figures->n_failed);
  guint64 done = count_parts (n_ended + running);
  gint64 left, now = g_get_monotonic_time ();

  if (n_open == 0 || figures->paused || figures->indeterminate || is_standing (figures))
    {
      g_clear_object (&self->pace);
      return -1;
    }
  if (self->pace == NULL || done != self->done)
    self->done_time = now;
  self->done = done;
  if (self->pace == NULL)
    self->pace = ferry_pace_new ();
  ferry_pace_add (self->pace, now, done);
  if (!ferry_pace_get_time_left (self->pace, count_parts (figures->n_waiting + figures->running.left), &left))
    return -1;
  return now - self->done_time < FERRY_ENDLESS_AFTER ? left : -1;
}

/* A while longer, so that the headline does not change with each of many tasks that report nothing. */
static gboolean
has_endless (FerryTaskButton *self, const FerryTaskFigures *figures)
{
  gint64 now = g_get_monotonic_time ();

  if (figures->running.n_endless > 0)
    self->endless_time = now;
  return self->endless_time != 0 && now - self->endless_time < FERRY_ENDLESS_AFTER;
}

static void
show_headline (FerryTaskButton *self, const FerryTaskFigures *figures, guint n_failed)
{
  gint64 left = find_time_left (self, figures);
  g_autofree char *words = ferry_task_words_for_headline (figures, left, has_endless (self, figures), n_failed);
  const char *pause = figures->paused ? _ ("Resume All") : _ ("Pause All");

  if (g_strcmp0 (gtk_label_get_text (GTK_LABEL (self->headline)), words) != 0)
    gtk_label_set_text (GTK_LABEL (self->headline), words);
  if (g_strcmp0 (gtk_widget_get_tooltip_text (self->pause_button), pause) == 0)
    return;
  gtk_button_set_icon_name (GTK_BUTTON (self->pause_button),
                            figures->paused ? "media-playback-start-symbolic" : "media-playback-pause-symbolic");
  gtk_widget_set_tooltip_text (self->pause_button, pause);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->pause_button), GTK_ACCESSIBLE_PROPERTY_LABEL, pause, -1);
}

static void
show_figures (FerryTaskButton *self)
{
  FerryTaskFigures figures = ferry_task_tally_get (self->tally);
  guint n_open = figures.n_waiting + figures.running.n_running,
        n_failed = ferry_task_list_count_failed (FERRY_TASK_LIST (self->list));
  g_autofree char *words = ferry_task_words_for_work (&figures, n_failed);

  if (figures.indeterminate)
    ferry_progress_ring_set_indeterminate (
      FERRY_PROGRESS_RING (self->ring),
      /* turns: */ !figures.paused && figures.running.n_running > 0 && !is_standing (&figures));
  else
    ferry_progress_ring_set_fraction (FERRY_PROGRESS_RING (self->ring), n_open > 0 ? figures.fraction : 1.0);
  ferry_progress_ring_set_failed (FERRY_PROGRESS_RING (self->ring), n_failed > 0);
  show_headline (self, &figures, n_failed);
  gtk_widget_set_sensitive (self->pause_button, n_open > 0 || figures.paused);
  gtk_widget_set_sensitive (self->cancel_button, n_open > 0);
  gtk_widget_set_visible (self->retry_button, n_failed > 0);
  gtk_widget_set_sensitive (
    self->clear_button,
    g_list_model_get_n_items (self->tasks) > n_open + ferry_task_list_count_removed (FERRY_TASK_LIST (self->list)));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, words, -1);
  g_free (self->words);
  self->words = g_steal_pointer (&words);
}

/* A tooltip that is set while the pointer rests starts that rest anew, on whichever widget of the application it is.
 * Over the popover, it would hide the headline. */
static gboolean
query_tooltip_cb (FerryTaskButton *self, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip)
{
  gtk_tooltip_set_text (tooltip, self->words);
  return self->words != NULL && !gtk_widget_get_mapped (self->list);
}

static gboolean
timer_cb (gpointer user_data)
{
  FerryTaskButton *self = user_data;

  self->timer = 0;
  show_figures (self);
  return G_SOURCE_REMOVE;
}

static void
figures_cb (FerryTaskButton *self)
{
  if (self->timer != 0 || !gtk_widget_get_mapped (self->button))
    return;
  self->timer = g_timeout_add (INTERVAL_MILLISECONDS, timer_cb, self);
  g_source_set_name_by_id (self->timer, "[ferry] figures of a task button");
}

/* What is removed is gone for those who look, also while an undo may bring it back. */
static void
removed_cb (gpointer data)
{
  FerryTaskButton *self = data;

  if (self->tasks != NULL)
    figures_cb (self);
}

/* A popover would give the focus to the first button, which acts. Where it is can be seen, also by who has clicked. */
static void
opened_cb (FerryTaskButton *self)
{
  ferry_task_list_focus_first (FERRY_TASK_LIST (self->list));
  gtk_window_set_focus_visible (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), TRUE);
}

static void
map_cb (FerryTaskButton *self)
{
  if (self->tasks != NULL)
    show_figures (self);
}

static void
unmap_cb (FerryTaskButton *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
}

/* A window takes the focus from a popover that was closed with the next frame. GTK 4.8 keeps a popover for good whose
 * button is hidden before. */
static void
take_focus (FerryTaskButton *self)
{
  GtkRoot *root = gtk_widget_get_root (self->button);
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (focus != NULL && gtk_widget_is_ancestor (focus, self->button))
    gtk_root_set_focus (root, NULL);
}

static void
items_changed_cb (FerryTaskButton *self)
{
  gboolean has_tasks = self->tasks != NULL && g_list_model_get_n_items (self->tasks) > 0;

  if (self->tasks != NULL)
    figures_cb (self);
  if (!has_tasks)
    take_focus (self);
  gtk_widget_set_visible (self->button, has_tasks);
}

/* ---- the object ---- */

static void
set_tasks (FerryTaskButton *self, GListModel *tasks)
{
  if (self->tasks == tasks)
    return;
  if (self->tasks != NULL)
    g_signal_handlers_disconnect_by_data (self->tasks, self);
  g_clear_object (&self->tally);
  unmap_cb (self);
  g_set_object (&self->tasks, tasks);
  g_object_set (self->list, "tasks", tasks, NULL);
  if (tasks != NULL)
    {
      self->tally = ferry_task_tally_new (tasks);
      g_signal_connect_object (self->tally, "changed", G_CALLBACK (figures_cb), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (tasks, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
      show_figures (self);
    }
  items_changed_cb (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TASKS]);
}

static void
ferry_task_button_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTaskButton *self = FERRY_TASK_BUTTON (object);

  switch (property_id)
    {
    case PROP_TASKS:
      g_value_set_object (value, self->tasks);
      break;
    case PROP_LIST:
      g_value_set_object (value, self->list);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_task_button_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  if (property_id == PROP_TASKS)
    set_tasks (FERRY_TASK_BUTTON (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
ferry_task_button_dispose (GObject *object)
{
  FerryTaskButton *self = FERRY_TASK_BUTTON (object);

  unmap_cb (self);
  if (self->button != NULL)
    ferry_task_list_set_removed_func (FERRY_TASK_LIST (self->list), NULL, NULL);
  g_clear_pointer (&self->button, gtk_widget_unparent);
  g_clear_object (&self->pace);
  g_clear_object (&self->tally);
  g_clear_object (&self->tasks);
  g_clear_pointer (&self->words, g_free);
  G_OBJECT_CLASS (ferry_task_button_parent_class)->dispose (object);
}

static void
ferry_task_button_class_init (FerryTaskButtonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_task_button_get_property;
  object_class->set_property = ferry_task_button_set_property;
  object_class->dispose = ferry_task_button_dispose;
  /**
   * FerryTaskButton:tasks:
   *
   * The tasks, as a list has them: an executor, several in a [class@Gtk.FlattenListModel], or another list model of
   * tasks; %NULL for none.
   */
  properties[PROP_TASKS] = g_param_spec_object ("tasks", NULL, NULL, G_TYPE_LIST_MODEL,
                                                G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  /**
   * FerryTaskButton:list:
   *
   * The list in the popover, for a filter, a sorter, widgets in its rows, and its signals: what it removes can be shown
   * in a toast of the window, which stays when the popover is closed.
   */
  properties[PROP_LIST] = g_param_spec_object ("list", NULL, NULL, FERRY_TYPE_TASK_LIST,
                                               G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "taskbutton");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GENERIC);
}

static void
pause_all (FerryTaskButton *self)
{
  gtk_widget_activate_action (self->list, "task.pause-all", NULL);
}

static void
cancel_all (FerryTaskButton *self)
{
  gtk_widget_activate_action (self->list, "task.cancel-all", NULL);
}

static void
retry_all (FerryTaskButton *self)
{
  gtk_widget_activate_action (self->list, "task.retry-all", NULL);
}

static void
clear_finished (FerryTaskButton *self)
{
  gtk_widget_activate_action (self->list, "task.clear-finished", NULL);
}

static GtkWidget *
add_action (FerryTaskButton *self, GtkWidget *box, const char *label, void (*func) (FerryTaskButton *self))
{
  GtkWidget *button = ferry_look_make_button (label);

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_hexpand (button, TRUE);
  gtk_box_append (GTK_BOX (box), button);
  g_signal_connect_object (button, "clicked", G_CALLBACK (func), self, G_CONNECT_SWAPPED);
  return button;
}

static GtkWidget *
make_headline (FerryTaskButton *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->headline = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0, "hexpand", TRUE, "wrap", TRUE, "wrap-mode",
                                 PANGO_WRAP_WORD_CHAR, NULL);
  gtk_widget_add_css_class (self->headline, "heading");
  self->pause_button = gtk_button_new ();
  gtk_widget_add_css_class (self->pause_button, "flat");
  gtk_widget_set_valign (self->pause_button, GTK_ALIGN_CENTER);
  g_signal_connect_object (self->pause_button, "clicked", G_CALLBACK (pause_all), self, G_CONNECT_SWAPPED);
  gtk_widget_set_margin_start (box, HEADLINE_MARGIN);
  gtk_widget_set_margin_end (box, HEADLINE_MARGIN);
  gtk_box_append (GTK_BOX (box), self->headline);
  gtk_box_append (GTK_BOX (box), self->pause_button);
  return box;
}

/* The list, and what can be done with all of it. */
static GtkWidget *
make_popover (FerryTaskButton *self)
{
  GtkWidget *popover = gtk_popover_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *actions = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->list = ferry_task_list_new (NULL);
  gtk_widget_set_size_request (self->list, LIST_WIDTH, -1);
  ferry_task_list_set_max_height (FERRY_TASK_LIST (self->list), LIST_HEIGHT);
  self->cancel_button = add_action (self, actions, _ ("Cancel _All"), cancel_all);
  self->retry_button = add_action (self, actions, _ ("_Run Again"), retry_all);
  gtk_widget_set_tooltip_text (self->retry_button, _ ("Run all tasks again that have failed"));
  self->clear_button = add_action (self, actions, _ ("C_lear"), clear_finished);
  gtk_box_set_homogeneous (GTK_BOX (actions), TRUE);
  gtk_box_append (GTK_BOX (box), make_headline (self));
  gtk_box_append (GTK_BOX (box), self->list);
  gtk_box_append (GTK_BOX (box), actions);
  ferry_task_list_set_removed_func (FERRY_TASK_LIST (self->list), removed_cb, self);
  gtk_popover_set_child (GTK_POPOVER (popover), box);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (popover), GTK_ACCESSIBLE_RELATION_LABELLED_BY, self->headline, NULL,
                                  -1);
  g_signal_connect_object (popover, "map", G_CALLBACK (opened_cb), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  return popover;
}

static void
ferry_task_button_init (FerryTaskButton *self)
{
  ferry_look_ensure_styles (GTK_WIDGET (self));
  self->ring = ferry_progress_ring_new ();
  self->button = gtk_menu_button_new ();
  gtk_menu_button_set_child (GTK_MENU_BUTTON (self->button), self->ring);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->button), make_popover (self));
  /* As a button with an icon, which is flat in some themes. */
  gtk_widget_add_css_class (gtk_widget_get_first_child (self->button), "image-button");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Tasks"), -1);
  gtk_widget_set_parent (self->button, GTK_WIDGET (self));
  gtk_widget_set_has_tooltip (self->button, TRUE);
  g_signal_connect_object (self->button, "query-tooltip", G_CALLBACK (query_tooltip_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->button, "map", G_CALLBACK (map_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->button, "unmap", G_CALLBACK (unmap_cb), self, G_CONNECT_SWAPPED);
  items_changed_cb (self);
}

/**
 * ferry_task_button_new:
 * @tasks: (nullable) (transfer none): an executor, or another list model of tasks
 *
 * Makes a button. On the thread that runs GTK, which must be the router's.
 *
 * Returns: (transfer floating): a new button
 */
GtkWidget *
ferry_task_button_new (GListModel *tasks)
{
  g_return_val_if_fail (tasks == NULL || G_IS_LIST_MODEL (tasks), NULL);

  return g_object_new (FERRY_TYPE_TASK_BUTTON, "tasks", tasks, NULL);
}
