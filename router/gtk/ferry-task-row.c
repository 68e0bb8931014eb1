/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task as a row: what it is, how it stands, and what can be done with it, by buttons with accessible names.
 *
 * Threads:   the one that runs GTK.
 * Invariant: what is bound to the task and to its monitor hangs on groups, and goes with them when the row gets another
 *            task, or none. Name and state of the task are told to one accessible, wherever the row is. The actions are
 * enabled as ferry_task_action_is_possible() says, and a button is visible when its action is enabled. */

#include "config.h"

#include "gtk/ferry-task-row-private.h"

#include "gtk/ferry-gtk-enums.h"
#include "gtk/ferry-look-private.h"
#include "gtk/ferry-task-cell-private.h"
#include "gtk/ferry-task-details-private.h"
#include "gtk/ferry-task-layout-private.h"
#include "gtk/ferry-task-monitor-private.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"

/* For how long the buttons of a task that has ended do nothing, in milliseconds: a click may be meant for those that
 * were in their places. A pointer that is there by then was on its way to one of those, so it has more time to leave.
 */
#define SETTLE_TIME 400
#define REST_TIME 1600

#define ALL_PARTS (FERRY_TASK_ROW_PARTS_BAR | FERRY_TASK_ROW_PARTS_PACE | FERRY_TASK_ROW_PARTS_BUTTONS)

/**
 * FerryTaskRow:
 *
 * A row that shows a task: an icon of its state, its name, a bar, what there is to say of it in one sentence, and
 * buttons.
 *
 * The bar is there while the task runs, also while it is paused then. The name may take two lines, and in a narrow row
 * three, where the sentence may take two. A row gets higher as they need it, and lower only when the state of its task
 * changes.
 *
 * The row has the actions `task.cancel`, `task.pause` (which also resumes), `task.show-error` and `task.copy-error`.
 * With an executor it has `task.run-next`, `task.retry` and `task.remove` as well, each enabled while it makes sense.
 * When the task ends, the buttons that appear do nothing for a moment, and for two seconds under a pointer that is
 * there already, unless it leaves: a click may be meant for those that were there. A click on the sentence of a task
 * that failed activates `task.show-error`, and so does Return where the row is in a [class@Gtk.ListBoxRow].
 *
 * A row computes nothing while it is not mapped.
 *
 * # CSS nodes
 *
 * The row is a `taskrow`. It has one of the style classes `waiting`, `running`, `paused`, `success`, `warning`, `error`
 * and `cancelled`, by the status of the task; a task that does not respond, or was interrupted, is a `warning`. The
 * icon and the words of the state have the class `state`.
 */
struct _FerryTaskRow
{
  GtkWidget parent_instance;

  FerryTask *task;           /* (nullable) */
  FerryExecutor *executor;   /* (nullable) */
  FerryTaskMonitor *monitor; /* (nullable): the task's */
  FerryTaskRowParts parts;
  GtkWidget *prefix; /* (nullable) (unowned): a child of the prefix box */
  GtkWidget *suffix; /* (nullable) (unowned): a child of the suffix box */
  gboolean is_compact;
  FerryTaskRowFunc func; /* (nullable) */
  gpointer func_data;
  gboolean can_remove;  /* func removes tasks that have ended, without an executor */
  gboolean owns_focus;  /* had it when its button went away */
  guint settling;       /* the buttons do nothing yet */
  gboolean rests;       /* nor before the pointer has left them */
  const char *look;     /* (nullable): the style class of the state */
  gboolean can_click;   /* the sentence opens the details */
  GtkAccessible *place; /* (nullable) (weak): what is read out for the row, and was told so */
  gboolean has_focus;   /* the place has it */
  int tenth;            /* how far the task was when that was told */

  GSignalGroup *task_signals;
  GSignalGroup *monitor_signals;
  GBindingGroup *task_bindings;
  GBindingGroup *monitor_bindings;

  GtkWidget *prefix_box;
  GtkWidget *state_image;
  GtkWidget *title_label;
  GtkWidget *host_label;
  GtkWidget *state_label;
  GtkWidget *progress_bar;
  GtkWidget *detail_label;
  GtkWidget *pace_label;
  GtkWidget *side_box;
  GtkWidget *suffix_box;
  GtkWidget *first_slot; /* of the buttons, which stand in columns */
  GtkWidget *last_slot;
  GtkWidget *details_button;
  GtkWidget *now_button;
  GtkWidget *pause_button;
  GtkWidget *cancel_button;
  GtkWidget *retry_button;
  GtkWidget *remove_button;
};

enum
{
  PROP_TASK = 1,
  PROP_EXECUTOR,
  PROP_PREFIX,
  PROP_SUFFIX,
  PROP_PARTS,
  PROP_COMPACT,
  PROP_MONITOR,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryTaskRow, ferry_task_row, GTK_TYPE_WIDGET)

static FerryTaskStatus
get_status (FerryTaskRow *self)
{
  FerryTaskStatus status;

  g_object_get (self->monitor, "status", &status, NULL);
  return status;
}

/* ---- what the row shows ---- */

/* How a state looks. The words of the state say it as well. */
static const struct
{
  const char *style; /* the class of the row */
  const char *icon;
} looks[] = {
  [FERRY_TASK_STATUS_WAITING] = {"waiting", "ferry-waiting-symbolic"},
  [FERRY_TASK_STATUS_RUNNING] = {"running", "ferry-running-symbolic"},
  [FERRY_TASK_STATUS_STALLED] = {"warning", "dialog-warning-symbolic"},
  [FERRY_TASK_STATUS_PAUSED] = {"paused", "media-playback-pause-symbolic"},
  [FERRY_TASK_STATUS_CANCELLING] = {"cancelled", "ferry-cancel-symbolic"},
  [FERRY_TASK_STATUS_DONE] = {"success", "object-select-symbolic"},
  [FERRY_TASK_STATUS_CANCELLED] = {"cancelled", "ferry-cancel-symbolic"},
  [FERRY_TASK_STATUS_CRASHED] = {"error", "dialog-warning-symbolic"},
  [FERRY_TASK_STATUS_TIMED_OUT] = {"error", "dialog-warning-symbolic"},
  [FERRY_TASK_STATUS_INTERRUPTED] = {"warning", "dialog-warning-symbolic"},
  [FERRY_TASK_STATUS_FAILED] = {"error", "dialog-warning-symbolic"},
};

/* The widget that is read out for the row: the item of the list that it is in, or the row itself. */
static GtkAccessible *
get_accessible (FerryTaskRow *self)
{
  GtkWidget *parent = gtk_widget_get_parent (GTK_WIDGET (self));

  if (FERRY_IS_TASK_CELL (parent))
    parent = gtk_widget_get_parent (parent);
  return GTK_ACCESSIBLE (parent != NULL && g_str_equal (gtk_widget_get_css_name (parent), "row") ? parent
                                                                                                 : GTK_WIDGET (self));
}

/* A task that waits has nothing to show, also while it is paused. */
static gboolean
has_bar (FerryTaskRow *self)
{
  FerryTaskState state = ferry_task_get_state (self->task);

  return (self->parts & FERRY_TASK_ROW_PARTS_BAR) != 0 && get_status (self) < FERRY_TASK_STATUS_DONE &&
         state != FERRY_TASK_STATE_WAITING;
}

/* Whether the sentence says the state as well: how much of a group or a map has failed. */
static gboolean
says_state (FerryTaskRow *self)
{
  g_autofree char *failures = ferry_task_words_for_failures (self->task), *detail = NULL;

  g_object_get (self->monitor, "detail", &detail, NULL);
  return g_strcmp0 (detail, failures) == 0;
}

/* The state in words, and what there is to say of it. What the bar shows is among them: it has no other words. */
static char *
dup_words (FerryTaskRow *self)
{
  g_autofree char *state = NULL, *detail = NULL, *percent = NULL;
  const char *separator = "";

  g_object_get (self->monitor, "state-text", &state, "detail", &detail, NULL);
  if (says_state (self))
    return g_steal_pointer (&detail);
  percent = has_bar (self) ? ferry_task_words_for_fraction (self->task) : g_strdup ("");
  if (g_str_equal (detail, state) || g_str_equal (detail, ferry_task_words_get_name (self->task)))
    *detail = '\0';
  if (*percent != '\0' && *detail != '\0')
    separator = FERRY_TASK_WORDS_SEPARATOR;
  return *percent != '\0' || *detail != '\0' ? g_strdup_printf ("%s: %s%s%s", state, percent, separator, detail)
                                             : g_steal_pointer (&state);
}

/* What is said for the row as a whole: the state alone while a bar says more, which changes all the time. Those who
 * walk the rows do not come to the bar, so that the row with the focus says all. */
static char *
dup_description (FerryTaskRow *self)
{
  char *state = NULL;

  if (self->has_focus || get_status (self) >= FERRY_TASK_STATUS_DONE)
    return dup_words (self);
  g_object_get (self->monitor, "state-text", &state, NULL);
  return state;
}

/* Where there is an error to show. */
static void
show_details (FerryTaskRow *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), ferry_task_action_get_name (FERRY_TASK_ACTION_SHOW_ERROR), NULL);
}

static void
forget_place (FerryTaskRow *self)
{
  if (self->place == NULL)
    return;
  gtk_accessible_reset_property (self->place, GTK_ACCESSIBLE_PROPERTY_LABEL);
  gtk_accessible_reset_property (self->place, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION);
  if (GTK_IS_LIST_BOX_ROW (self->place))
    g_signal_handlers_disconnect_by_func (self->place, show_details, self);
  g_clear_weak_pointer (&self->place);
}

static gboolean
is_focus (FerryTaskRow *self, GtkAccessible *place)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  return root != NULL && gtk_root_get_focus (root) == GTK_WIDGET (place);
}

static int
get_tenth (FerryTaskRow *self)
{
  return (int) (10.0 * ferry_task_get_fraction (self->task));
}

/* Name and state are told to what the row is in now, and to nothing else. A row that is in nothing is not read out. */
static void
show_place (FerryTaskRow *self)
{
  GtkAccessible *place = get_accessible (self);
  g_autofree char *label = NULL, *description = NULL;

  if (place != self->place)
    forget_place (self);
  if (self->task == NULL || gtk_widget_get_parent (GTK_WIDGET (self)) == NULL)
    return;
  if (self->place == NULL && GTK_IS_LIST_BOX_ROW (place))
    g_signal_connect_object (place, "activate", G_CALLBACK (show_details), self, G_CONNECT_SWAPPED);
  self->has_focus = is_focus (self, place);
  self->tenth = get_tenth (self);
  label = g_strdup_printf (_ ("Task: %s"), ferry_task_words_get_name (self->task));
  description = dup_description (self);
  g_set_weak_pointer (&self->place, place);
  gtk_accessible_update_property (place, GTK_ACCESSIBLE_PROPERTY_LABEL, label, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  description, -1);
}

static void
focus_cb (FerryTaskRow *self)
{
  if (self->place != NULL && is_focus (self, self->place) != self->has_focus)
    show_place (self);
}

/* Takes the label. */
static void
take_label (gpointer widget, char *label)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_free (label);
}

/* One button pauses the task and lets it go on. */
static void
show_pause (FerryTaskRow *self)
{
  const char *title = ferry_task_words_get_name (self->task);

  if (ferry_task_is_paused (self->task))
    {
      gtk_button_set_icon_name (GTK_BUTTON (self->pause_button), "media-playback-start-symbolic");
      take_label (self->pause_button, g_strdup_printf (_ ("Resume: %s"), title));
    }
  else
    {
      gtk_button_set_icon_name (GTK_BUTTON (self->pause_button), "media-playback-pause-symbolic");
      take_label (self->pause_button, g_strdup_printf (_ ("Pause: %s"), title));
    }
}

/* Each button says what it does, and to which task. */
static void
show_title (FerryTaskRow *self)
{
  const char *title = ferry_task_words_get_name (self->task);

  show_place (self);
  take_label (self->progress_bar, g_strdup_printf (_ ("Progress: %s"), title));
  show_pause (self);
  take_label (self->now_button, g_strdup_printf (_ ("Run now: %s"), title));
  take_label (self->cancel_button, g_strdup_printf (_ ("Cancel: %s"), title));
  take_label (self->details_button, g_strdup_printf (_ ("Details: %s"), title));
  take_label (self->retry_button, g_strdup_printf (_ ("Run again: %s"), title));
  take_label (self->remove_button, g_strdup_printf (_ ("Remove: %s"), title));
}

/* Nothing of a task that runs on this machine. */
static void
show_host (FerryTaskRow *self)
{
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;

  g_object_get (self->task, "host-name", &name, NULL);
  text = g_strdup_printf (_ ("on %s"), name != NULL ? name : "");
  gtk_label_set_text (GTK_LABEL (self->host_label), text);
  gtk_widget_set_visible (self->host_label, name != NULL);
}

/* Whether the state is to be said: the bar of a task that runs says so, and so may the sentence. */
static gboolean
must_say_state (FerryTaskRow *self, FerryTaskStatus status)
{
  return status != FERRY_TASK_STATUS_RUNNING && !says_state (self) &&
         (status != FERRY_TASK_STATUS_WAITING || !ferry_task_words_say_waiting (self->task));
}

/* The bar says in words what is drawn around it. AT-SPI has descriptions, and GTK 4.8 no text of a value for it. */
static void
show_detail (FerryTaskRow *self)
{
  g_autofree char *words = dup_words (self);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self->progress_bar), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, words,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, words, -1);
  gtk_widget_set_visible (self->state_label, must_say_state (self, get_status (self)));
  if (get_status (self) >= FERRY_TASK_STATUS_DONE)
    show_place (self); /* without a bar, the row says it */
}

/* GTK takes the words from a bar that ends to pulse. One whose fraction was taken back is empty until it pulses. */
static void
show_fraction (FerryTaskRow *self)
{
  double fraction;

  g_object_get (self->monitor, "fraction", &fraction, NULL);
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->progress_bar), fraction);
  if (self->has_focus && get_tenth (self) != self->tenth)
    show_place (self);
  show_detail (self);
}

/* A task with no known end has nothing to show but that it lives. */
static void
pulse (FerryTaskRow *self)
{
  gboolean indeterminate;

  g_object_get (self->monitor, "indeterminate", &indeterminate, NULL);
  if (indeterminate && get_status (self) != FERRY_TASK_STATUS_PAUSED)
    gtk_progress_bar_pulse (GTK_PROGRESS_BAR (self->progress_bar));
}

/* An empty label would be read out as the name of its type. */
static void
show_pace (FerryTaskRow *self)
{
  g_autofree char *pace = NULL;

  g_object_get (self->monitor, "pace-text", &pace, NULL);
  gtk_widget_set_visible (self->pace_label, (self->parts & FERRY_TASK_ROW_PARTS_PACE) != 0 && *pace != '\0');
}

static gboolean
is_possible (FerryTaskRow *self, FerryTaskAction action)
{
  if (action == FERRY_TASK_ACTION_REMOVE && self->can_remove && self->task != NULL)
    return ferry_task_get_done (self->task);
  return ferry_task_action_is_possible (action, self->task, self->executor);
}

static void
show_action (FerryTaskRow *self, FerryTaskAction action, GtkWidget *button, gboolean visible)
{
  gtk_widget_action_set_enabled (GTK_WIDGET (self), ferry_task_action_get_name (action), is_possible (self, action));
  gtk_widget_set_visible (button, visible && (self->parts & FERRY_TASK_ROW_PARTS_BUTTONS) != 0);
}

/* What is over can be tried again and removed; what is not can be cancelled. Beside that is one button more: to have a
 * task begin that waits for its time, or else to pause a task or let it go on. What waits is paused, and put first, by
 * the actions. No button is where one for the opposite was: Remove is in the place of Pause. */
static void
show_actions (FerryTaskRow *self)
{
  gboolean over = self->task != NULL && ferry_task_get_done (self->task);
  gboolean waits = self->task != NULL && ferry_task_get_state (self->task) == FERRY_TASK_STATE_WAITING;
  gboolean paused = self->task != NULL && ferry_task_is_paused (self->task);
  gboolean failed = self->task != NULL && ferry_task_get_state (self->task) == FERRY_TASK_STATE_FAILED;
  gboolean buttons = (self->parts & FERRY_TASK_ROW_PARTS_BUTTONS) != 0;

  show_action (
    self, FERRY_TASK_ACTION_RUN_NEXT, self->now_button,
    waits && !paused && ferry_task_words_wait_for_time (self->task) && is_possible (self, FERRY_TASK_ACTION_RUN_NEXT));
  show_action (self, FERRY_TASK_ACTION_PAUSE, self->pause_button,
               paused || (!waits && ferry_task_action_is_possible (FERRY_TASK_ACTION_PAUSE, self->task, NULL)));
  show_action (self, FERRY_TASK_ACTION_CANCEL, self->cancel_button, self->task != NULL && !over);
  show_action (self, FERRY_TASK_ACTION_SHOW_ERROR, self->details_button, failed);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), ferry_task_action_get_name (FERRY_TASK_ACTION_COPY_ERROR), failed);
  show_action (self, FERRY_TASK_ACTION_RETRY, self->retry_button, is_possible (self, FERRY_TASK_ACTION_RETRY));
  show_action (self, FERRY_TASK_ACTION_REMOVE, self->remove_button,
               over && is_possible (self, FERRY_TASK_ACTION_REMOVE));
  gtk_widget_set_visible (self->first_slot, buttons);
  gtk_widget_set_visible (self->last_slot, buttons);
}

/* The focus of a button that goes away would be lost for users without a pointer. While the task is being cancelled
 * there is no button to give it to, and in the moment after the end none that takes it: GTK gives it to what the row is
 * in. */
static void
keep_focus (FerryTaskRow *self, FerryTaskStatus status)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (!self->owns_focus || status == FERRY_TASK_STATUS_CANCELLING || self->settling != 0)
    return;
  if (root != NULL && focus != self->pause_button &&
      (focus == NULL || focus == GTK_WIDGET (self->place) || gtk_widget_is_ancestor (focus, GTK_WIDGET (self))))
    gtk_widget_grab_focus (status < FERRY_TASK_STATUS_DONE               ? self->cancel_button
                           : gtk_widget_get_visible (self->retry_button) ? self->retry_button
                                                                         : self->details_button);
  self->owns_focus = FALSE;
}

static void
set_buttons_sensitive (FerryTaskRow *self, gboolean sensitive)
{
  gtk_widget_set_sensitive (self->first_slot, sensitive);
  gtk_widget_set_sensitive (self->last_slot, sensitive);
}

static void
settle (FerryTaskRow *self)
{
  if (self->settling == 0)
    return;
  g_clear_handle_id (&self->settling, g_source_remove);
  set_buttons_sensitive (self, TRUE);
}

static gboolean
has_pointer (FerryTaskRow *self)
{
  return (gtk_widget_get_state_flags (self->side_box) & GTK_STATE_FLAG_PRELIGHT) != 0;
}

static gboolean
settle_cb (gpointer row)
{
  FerryTaskRow *self = row;

  if (!self->rests && has_pointer (self))
    {
      self->rests = TRUE;
      self->settling = g_timeout_add (REST_TIME, settle_cb, self);
      return G_SOURCE_REMOVE;
    }
  settle (self);
  keep_focus (self, get_status (self));
  return G_SOURCE_REMOVE;
}

static void
side_flags_cb (FerryTaskRow *self)
{
  if (self->settling != 0 && self->rests && !has_pointer (self))
    settle_cb (self);
}

/* After what has come meanwhile, and what is drawn of it. */
static void
begin_to_settle (FerryTaskRow *self)
{
  g_clear_handle_id (&self->settling, g_source_remove);
  self->rests = FALSE;
  self->settling = g_timeout_add_full (GDK_PRIORITY_REDRAW + 1, SETTLE_TIME, settle_cb, self, NULL);
  set_buttons_sensitive (self, FALSE);
}

static FerryTaskLayout *
get_layout (FerryTaskRow *self)
{
  return FERRY_TASK_LAYOUT (gtk_widget_get_layout_manager (GTK_WIDGET (self)));
}

/* What a click on the sentence opens. */
static void
show_can_click (FerryTaskRow *self)
{
  gboolean can_click = ferry_task_get_state (self->task) == FERRY_TASK_STATE_FAILED;

  if (self->can_click == can_click)
    return;
  self->can_click = can_click;
  gtk_widget_set_cursor_from_name (self->detail_label, can_click ? "pointer" : NULL);
  if (can_click)
    gtk_widget_add_css_class (self->detail_label, "can-click");
  else
    gtk_widget_remove_css_class (self->detail_label, "can-click");
}

static void
show_state (FerryTaskRow *self, FerryTaskStatus status)
{
  const char *look = looks[status].style;

  gtk_image_set_from_icon_name (GTK_IMAGE (self->state_image), looks[status].icon);
  if (self->look != look && self->look != NULL)
    gtk_widget_remove_css_class (GTK_WIDGET (self), self->look);
  if (self->look != look)
    gtk_widget_add_css_class (GTK_WIDGET (self), look);
  self->look = look;
  if (says_state (self))
    gtk_widget_add_css_class (self->detail_label, "state");
  else
    gtk_widget_remove_css_class (self->detail_label, "state");
  show_can_click (self);
}

/* The focus of its window, whether or not that window is the active one. */
static void
note_focus (FerryTaskRow *self)
{
  self->owns_focus |= gtk_widget_is_focus (self->cancel_button) || gtk_widget_is_focus (self->now_button) ||
                      gtk_widget_is_focus (self->pause_button);
}

static void
show_status (FerryTaskRow *self)
{
  FerryTaskStatus status = get_status (self);

  note_focus (self);
  show_place (self);
  show_pause (self);
  show_state (self, status);
  gtk_widget_set_visible (self->progress_bar, has_bar (self));
  show_actions (self);
  ferry_task_layout_begin (get_layout (self), GTK_WIDGET (self));
  keep_focus (self, status);
}

/* A list says how many of its tasks have ended; the row of a single one says what it has come to. */
static void
status_cb (FerryTaskRow *self)
{
  g_autofree char *state = NULL, *words = NULL;

  note_focus (self);
  if (get_status (self) >= FERRY_TASK_STATUS_DONE)
    begin_to_settle (self);
  show_status (self);
  show_detail (self);
  if (self->func != NULL || get_status (self) < FERRY_TASK_STATUS_DONE)
    return;
  g_object_get (self->monitor, "state-text", &state, NULL);
  words = g_strdup_printf ("%s: %s", ferry_task_words_get_name (self->task), state);
  ferry_announce (GTK_WIDGET (self), NULL, words);
}

static void
show_task (FerryTaskRow *self)
{
  show_title (self);
  show_host (self);
  show_status (self);
  show_fraction (self);
  show_detail (self);
  show_pace (self);
}

/* ---- what can be done ---- */

static void
act (FerryTaskRow *self, FerryTaskAction action)
{
  g_autoptr (FerryTask) task = g_object_ref (self->task);
  g_autoptr (GError) error = NULL;
  gboolean done;

  if (self->func != NULL)
    {
      self->func (self->func_data, task, action);
      return;
    }
  if (action == FERRY_TASK_ACTION_RUN_NEXT)
    done = ferry_task_run_next (task, self->executor, &error);
  else if (action == FERRY_TASK_ACTION_RETRY)
    done = ferry_task_run_again (task, self->executor, &error) != NULL;
  else
    done = ferry_executor_remove (self->executor, task, &error);
  if (!done)
    gtk_widget_error_bell (GTK_WIDGET (self));
}

static void
copy_error (FerryTaskRow *self)
{
  g_autofree char *text = ferry_task_dup_error_report (self->task);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
}

static void
retry_own (gpointer row, FerryTask *task, FerryTaskAction action)
{
  g_autoptr (GError) error = NULL;

  if (ferry_task_run_again (task, FERRY_TASK_ROW (row)->executor, &error) == NULL)
    gtk_widget_error_bell (GTK_WIDGET (row));
}

static void
show_error (FerryTaskRow *self)
{
  ferry_task_details_present (self->task, GTK_WIDGET (self),
                              is_possible (self, FERRY_TASK_ACTION_RETRY) ? retry_own : NULL, self);
}

static void
activate_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  FerryTaskRow *self = FERRY_TASK_ROW (widget);
  FerryTaskAction action;

  if (!ferry_task_action_find (name, &action) || !is_possible (self, action))
    return;
  if (action == FERRY_TASK_ACTION_CANCEL)
    ferry_task_cancel (self->task);
  else if (action == FERRY_TASK_ACTION_PAUSE && self->func == NULL)
    ferry_task_toggle_paused (self->task);
  else if (action == FERRY_TASK_ACTION_SHOW_ERROR && self->func == NULL)
    show_error (self);
  else if (action == FERRY_TASK_ACTION_COPY_ERROR)
    copy_error (self);
  else
    act (self, action);
}

/* ---- the object ---- */

void
ferry_task_row_set_func (FerryTaskRow *self, FerryTaskRowFunc func, gpointer data)
{
  self->func = func;
  self->func_data = data;
}

FerryTask *
ferry_task_row_get_task (FerryTaskRow *self)
{
  return self->task;
}

void
ferry_task_row_set_task (FerryTaskRow *self, FerryTask *task)
{
  if (!g_set_object (&self->task, task))
    return;
  g_clear_object (&self->monitor);
  if (task != NULL)
    {
      self->monitor = ferry_task_monitor_new (task, GTK_WIDGET (self));
      ferry_task_monitor_set_has_bar (self->monitor, (self->parts & FERRY_TASK_ROW_PARTS_BAR) != 0);
    }
  self->owns_focus = FALSE;
  settle (self);
  g_signal_group_set_target (self->task_signals, task);
  g_signal_group_set_target (self->monitor_signals, self->monitor);
  g_binding_group_set_source (self->task_bindings, task);
  g_binding_group_set_source (self->monitor_bindings, self->monitor);
  if (task != NULL)
    show_task (self);
  else
    {
      forget_place (self);
      show_actions (self);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TASK]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MONITOR]);
}

void
ferry_task_row_set_executor (FerryTaskRow *self, FerryExecutor *executor)
{
  if (!g_set_object (&self->executor, executor))
    return;
  show_actions (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXECUTOR]);
}

void
ferry_task_row_set_can_remove (FerryTaskRow *self, gboolean can_remove)
{
  if (self->can_remove == can_remove)
    return;
  self->can_remove = can_remove;
  show_actions (self);
}

/* Puts the widget (nullable) into the box, in place of the other one. */
static void
replace_child (GtkWidget *box, GtkWidget **child, GtkWidget *widget)
{
  if (*child != NULL)
    gtk_box_remove (GTK_BOX (box), *child);
  *child = widget;
  if (widget != NULL)
    gtk_box_append (GTK_BOX (box), widget);
  gtk_widget_set_visible (box, widget != NULL);
}

static void
set_prefix (FerryTaskRow *self, GtkWidget *prefix)
{
  if (self->prefix == prefix)
    return;
  replace_child (self->prefix_box, &self->prefix, prefix);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PREFIX]);
}

static void
set_suffix (FerryTaskRow *self, GtkWidget *suffix)
{
  if (self->suffix == suffix)
    return;
  replace_child (self->suffix_box, &self->suffix, suffix);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SUFFIX]);
}

static void
set_compact (FerryTaskRow *self, gboolean compact)
{
  if (self->is_compact == compact)
    return;
  self->is_compact = compact;
  ferry_task_layout_set_compact (get_layout (self), compact);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_COMPACT]);
}

static void
set_parts (FerryTaskRow *self, FerryTaskRowParts parts)
{
  gboolean bar = (parts & FERRY_TASK_ROW_PARTS_BAR) != 0;

  if (self->parts == parts)
    return;
  self->parts = parts;
  if (self->task != NULL)
    {
      ferry_task_monitor_set_has_bar (self->monitor, bar);
      show_task (self);
    }
  gtk_widget_queue_resize (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PARTS]);
}

static void
ferry_task_row_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTaskRow *self = FERRY_TASK_ROW (object);

  switch (property_id)
    {
    case PROP_TASK:
      g_value_set_object (value, self->task);
      break;
    case PROP_EXECUTOR:
      g_value_set_object (value, self->executor);
      break;
    case PROP_PREFIX:
      g_value_set_object (value, self->prefix);
      break;
    case PROP_SUFFIX:
      g_value_set_object (value, self->suffix);
      break;
    case PROP_PARTS:
      g_value_set_flags (value, self->parts);
      break;
    case PROP_COMPACT:
      g_value_set_boolean (value, self->is_compact);
      break;
    case PROP_MONITOR:
      g_value_set_object (value, self->monitor);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_task_row_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryTaskRow *self = FERRY_TASK_ROW (object);

  switch (property_id)
    {
    case PROP_TASK:
      ferry_task_row_set_task (self, g_value_get_object (value));
      break;
    case PROP_EXECUTOR:
      ferry_task_row_set_executor (self, g_value_get_object (value));
      break;
    case PROP_PREFIX:
      set_prefix (self, g_value_get_object (value));
      break;
    case PROP_SUFFIX:
      set_suffix (self, g_value_get_object (value));
      break;
    case PROP_PARTS:
      set_parts (self, g_value_get_flags (value));
      break;
    case PROP_COMPACT:
      set_compact (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

/* What else Pango has for this lays out the text. */
G_GNUC_BEGIN_IGNORE_DEPRECATIONS
static PangoDirection
find_direction (const char *text)
{
  return text != NULL ? pango_find_base_dir (text, -1) : PANGO_DIRECTION_NEUTRAL;
}
G_GNUC_END_IGNORE_DEPRECATIONS

/* Pango has a text that runs against its widget at the other side than one that runs along, for the same alignment. */
static void
align (GtkWidget *line)
{
  PangoDirection direction = find_direction (gtk_inscription_get_text (GTK_INSCRIPTION (line)));
  gboolean is_mirrored = gtk_widget_get_direction (line) == GTK_TEXT_DIR_RTL;
  gboolean runs_along = direction == PANGO_DIRECTION_NEUTRAL || (direction == PANGO_DIRECTION_RTL) == is_mirrored;

  gtk_inscription_set_xalign (GTK_INSCRIPTION (line), runs_along ? 0.0F : 1.0F);
}

static void
show_direction (FerryTaskRow *self)
{
  align (self->title_label);
  align (self->detail_label);
}

static void
ferry_task_row_direction_changed (GtkWidget *widget, GtkTextDirection previous)
{
  show_direction (FERRY_TASK_ROW (widget));
  GTK_WIDGET_CLASS (ferry_task_row_parent_class)->direction_changed (widget, previous);
}

static void
ferry_task_row_root (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ferry_task_row_parent_class)->root (widget);
  g_signal_connect_object (gtk_widget_get_root (widget), "notify::focus-widget", G_CALLBACK (focus_cb), widget,
                           G_CONNECT_SWAPPED);
}

static void
ferry_task_row_unroot (GtkWidget *widget)
{
  g_signal_handlers_disconnect_by_func (gtk_widget_get_root (widget), focus_cb, widget);
  GTK_WIDGET_CLASS (ferry_task_row_parent_class)->unroot (widget);
}

static void
ferry_task_row_dispose (GObject *object)
{
  FerryTaskRow *self = FERRY_TASK_ROW (object);

  forget_place (self);
  g_clear_object (&self->task_signals);
  g_clear_object (&self->monitor_signals);
  g_clear_object (&self->task_bindings);
  g_clear_object (&self->monitor_bindings);
  g_clear_object (&self->monitor);
  g_clear_object (&self->task);
  g_clear_object (&self->executor);
  g_clear_handle_id (&self->settling, g_source_remove);
  self->prefix = NULL;
  self->suffix = NULL;
  gtk_widget_dispose_template (GTK_WIDGET (self), FERRY_TYPE_TASK_ROW);
  G_OBJECT_CLASS (ferry_task_row_parent_class)->dispose (object);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  ferry_gtk_bind_domain ();
  ferry_look_ensure_resources ();
  gtk_widget_class_set_template_from_resource (widget_class, FERRY_LOOK_RESOURCES "ferry-task-row.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, prefix_box);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, state_image);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, title_label);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, host_label);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, state_label);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, progress_bar);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, detail_label);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, details_button);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, pace_label);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, side_box);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, suffix_box);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, first_slot);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, last_slot);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, now_button);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, pause_button);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, retry_button);
  gtk_widget_class_bind_template_child (widget_class, FerryTaskRow, remove_button);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * FerryTaskRow:task:
   *
   * The task that the row shows; %NULL for none.
   */
  properties[PROP_TASK] = g_param_spec_object ("task", NULL, NULL, FERRY_TYPE_TASK, settable);
  /**
   * FerryTaskRow:executor:
   *
   * The executor that the task was submitted to. With %NULL, the row does not offer to try the task again, to remove it
   * or to run it next.
   */
  properties[PROP_EXECUTOR] = g_param_spec_object ("executor", NULL, NULL, FERRY_TYPE_EXECUTOR, settable);
  /**
   * FerryTaskRow:prefix:
   *
   * A widget of the application at the start of the row, such as an icon of what the task is about; %NULL for none.
   */
  properties[PROP_PREFIX] = g_param_spec_object ("prefix", NULL, NULL, GTK_TYPE_WIDGET, settable);
  /**
   * FerryTaskRow:suffix:
   *
   * A widget of the application, before the buttons; %NULL for none.
   */
  properties[PROP_SUFFIX] = g_param_spec_object ("suffix", NULL, NULL, GTK_TYPE_WIDGET, settable);
  /**
   * FerryTaskRow:parts:
   *
   * Which parts the row has beside name and sentence; all by default. Without the bar, the sentence says how far the
   * task is, in percent where it reports no amount. Without buttons, the actions and their keys stay.
   */
  properties[PROP_PARTS] = g_param_spec_flags ("parts", NULL, NULL, FERRY_TYPE_TASK_ROW_PARTS, ALL_PARTS, settable);
  /**
   * FerryTaskRow:compact:
   *
   * Whether the bar is beside the name, so that the row is as high while its task runs as before and after. A narrow
   * row has no room for that, and its bar stays below.
   */
  properties[PROP_COMPACT] = g_param_spec_boolean ("compact", NULL, NULL, FALSE, settable);
  /**
   * FerryTaskRow:monitor:
   *
   * The monitor of the task; %NULL without a task.
   */
  properties[PROP_MONITOR] = g_param_spec_object ("monitor", NULL, NULL, FERRY_TYPE_TASK_MONITOR, readable);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_task_row_class_init (FerryTaskRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_task_row_get_property;
  object_class->set_property = ferry_task_row_set_property;
  object_class->dispose = ferry_task_row_dispose;
  widget_class->direction_changed = ferry_task_row_direction_changed;
  widget_class->root = ferry_task_row_root;
  widget_class->unroot = ferry_task_row_unroot;
  install_properties (object_class);

  gtk_widget_class_set_layout_manager_type (widget_class, FERRY_TYPE_TASK_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "taskrow");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  bind_template (widget_class);
  for (guint i = 0; i < FERRY_TASK_N_ACTIONS; i++)
    gtk_widget_class_install_action (widget_class, ferry_task_action_get_name ((FerryTaskAction) i), NULL,
                                     activate_action);
}

static gboolean
transform_name (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  const FerryTaskRow *self = user_data;

  g_value_set_string (to, ferry_task_words_get_name (self->task));
  return TRUE;
}

/* What the name has said already is not said again. */
static gboolean
transform_detail (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  const FerryTaskRow *self = user_data;
  const char *detail = g_value_get_string (from);

  g_value_set_string (to, g_strcmp0 (detail, ferry_task_words_get_name (self->task)) == 0 ? "" : detail);
  return TRUE;
}

static void
connect_groups (FerryTaskRow *self)
{
  self->task_signals = g_signal_group_new (FERRY_TYPE_TASK);
  g_signal_group_connect_swapped (self->task_signals, "notify::name", G_CALLBACK (show_title), self);
  g_signal_group_connect_swapped (self->task_signals, "notify::host-name", G_CALLBACK (show_host), self);
  g_signal_group_connect_swapped (self->task_signals, "notify::not-before", G_CALLBACK (show_actions), self);
  g_signal_group_connect_swapped (self->task_signals, "notify::can-pause", G_CALLBACK (show_actions), self);

  self->monitor_signals = g_signal_group_new (FERRY_TYPE_TASK_MONITOR);
  g_signal_group_connect_swapped (self->monitor_signals, "notify::status", G_CALLBACK (status_cb), self);
  g_signal_group_connect_swapped (self->monitor_signals, "notify::fraction", G_CALLBACK (show_fraction), self);
  g_signal_group_connect_swapped (self->monitor_signals, "notify::indeterminate", G_CALLBACK (show_fraction), self);
  g_signal_group_connect_swapped (self->monitor_signals, "notify::elapsed", G_CALLBACK (pulse), self);
  g_signal_group_connect_swapped (self->monitor_signals, "notify::detail", G_CALLBACK (show_detail), self);
  g_signal_group_connect_swapped (self->monitor_signals, "notify::pace-text", G_CALLBACK (show_pace), self);

  self->task_bindings = g_binding_group_new ();
  g_binding_group_bind_full (self->task_bindings, "name", self->title_label, "text", G_BINDING_SYNC_CREATE,
                             transform_name, NULL, self, NULL);

  self->monitor_bindings = g_binding_group_new ();
  g_binding_group_bind (self->monitor_bindings, "state-text", self->state_label, "label", G_BINDING_SYNC_CREATE);
  g_binding_group_bind_full (self->monitor_bindings, "detail", self->detail_label, "text", G_BINDING_SYNC_CREATE,
                             transform_detail, NULL, self, NULL);
  g_binding_group_bind (self->monitor_bindings, "pace-text", self->pace_label, "label", G_BINDING_SYNC_CREATE);
}

/* An inscription does not say so itself. */
static gboolean
is_cut (GtkInscription *line)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (GTK_WIDGET (line), gtk_inscription_get_text (line));

  pango_layout_set_attributes (layout, gtk_inscription_get_attributes (line));
  pango_layout_set_wrap (layout, gtk_inscription_get_wrap_mode (line));
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_set_width (layout, gtk_widget_get_width (GTK_WIDGET (line)) * PANGO_SCALE);
  pango_layout_set_height (layout, gtk_widget_get_height (GTK_WIDGET (line)) * PANGO_SCALE);
  return pango_layout_is_ellipsized (layout);
}

/* The whole of a text that is cut. GTK asks the display server where the pointer is each time that the text of a
 * tooltip is set, so it is not set before it is asked for. */
static gboolean
query_tooltip_cb (GtkInscription *line, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip)
{
  gtk_tooltip_set_text (tooltip, gtk_inscription_get_text (line));
  return is_cut (line);
}

static gboolean
query_button_tooltip_cb (GtkWidget *button, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip, const char *words)
{
  gtk_tooltip_set_text (tooltip, ferry_gtk_gettext (words));
  return TRUE;
}

static gboolean
query_pause_tooltip_cb (FerryTaskRow *self, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip)
{
  gtk_tooltip_set_text (
    tooltip, self->task != NULL && ferry_task_is_paused (self->task) ? _ ("Resume this task") : _ ("Pause this task"));
  return TRUE;
}

static void
add_tooltips (FerryTaskRow *self)
{
  const struct
  {
    GtkWidget *button;
    const char *words;
  } tooltips[] = {
    {self->cancel_button, N_ ("Cancel this task")},
    {self->now_button, N_ ("Run this task now")},
    {self->retry_button, N_ ("Run this task again")},
    {self->remove_button, N_ ("Remove this task from the list")},
  };

  for (guint i = 0; i < G_N_ELEMENTS (tooltips); i++)
    g_signal_connect (tooltips[i].button, "query-tooltip", G_CALLBACK (query_button_tooltip_cb),
                      (gpointer) tooltips[i].words);
  g_signal_connect_swapped (self->pause_button, "query-tooltip", G_CALLBACK (query_pause_tooltip_cb), self);
  g_signal_connect (self->title_label, "query-tooltip", G_CALLBACK (query_tooltip_cb), NULL);
  g_signal_connect (self->detail_label, "query-tooltip", G_CALLBACK (query_tooltip_cb), NULL);
  gtk_widget_set_has_tooltip (self->title_label, TRUE);
  gtk_widget_set_has_tooltip (self->detail_label, TRUE);
}

/* Names and reasons have names of files in them, to which a hyphen would seem to belong. All rows have one list of
 * attributes: GTK 4.8 never gives up the reference that an inscription has. */
static void
leave_out_hyphens (FerryTaskRow *self)
{
  static PangoAttrList *attributes;

  if (attributes == NULL)
    {
      attributes = pango_attr_list_new ();
      pango_attr_list_insert (attributes, pango_attr_insert_hyphens_new (FALSE));
    }
  gtk_inscription_set_attributes (GTK_INSCRIPTION (self->title_label), attributes);
  gtk_inscription_set_attributes (GTK_INSCRIPTION (self->detail_label), attributes);
}

static void
clicked_cb (FerryTaskRow *self, int n_presses, double x, double y, GtkGesture *gesture)
{
  GdkModifierType state = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (gesture));

  if (n_presses == 1 && (state & gtk_accelerator_get_default_mod_mask ()) == 0 &&
      gtk_widget_contains (self->detail_label, x, y))
    show_details (self);
}

/* The press selects the row as well, and a pointer that leaves the buttons of what has ended has them act. */
static void
add_click (FerryTaskRow *self)
{
  GtkGesture *click = gtk_gesture_click_new ();

  g_signal_connect_swapped (click, "released", G_CALLBACK (clicked_cb), self);
  gtk_widget_add_controller (self->detail_label, GTK_EVENT_CONTROLLER (click));
  g_signal_connect_swapped (self->side_box, "state-flags-changed", G_CALLBACK (side_flags_cb), self);
}

static void
title_text_cb (FerryTaskRow *self)
{
  align (self->title_label);
  ferry_task_layout_begin (get_layout (self), GTK_WIDGET (self));
}

static void
detail_text_cb (FerryTaskRow *self)
{
  align (self->detail_label);
  ferry_task_layout_change_words (get_layout (self), GTK_WIDGET (self));
}

static void
ferry_task_row_init (FerryTaskRow *self)
{
  self->parts = ALL_PARTS;
  gtk_widget_init_template (GTK_WIDGET (self));
  ferry_look_ensure_styles (GTK_WIDGET (self));
  g_signal_connect_swapped (self->title_label, "notify::text", G_CALLBACK (title_text_cb), self);
  g_signal_connect_swapped (self->detail_label, "notify::text", G_CALLBACK (detail_text_cb), self);
  leave_out_hyphens (self);
  gtk_button_set_label (GTK_BUTTON (self->details_button), _ ("Details"));
  /* It would be the name of each row's button, before one that names the task, too. */
  gtk_accessible_reset_relation (GTK_ACCESSIBLE (self->details_button), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
  add_tooltips (self);
  add_click (self);
  connect_groups (self);
  g_signal_connect (self, "notify::parent", G_CALLBACK (show_place), NULL);
  show_actions (self);
}

/**
 * ferry_task_row_set_prefix:
 * @self: a row
 * @prefix: (nullable) (transfer none): a widget of the application; %NULL for none
 *
 * Sets [property@FerryGtk.TaskRow:prefix]. A floating reference is sunk. On the thread that runs GTK.
 */
void
ferry_task_row_set_prefix (FerryTaskRow *self, GtkWidget *prefix)
{
  g_return_if_fail (FERRY_IS_TASK_ROW (self));
  g_return_if_fail (prefix == NULL || GTK_IS_WIDGET (prefix));

  set_prefix (self, prefix);
}

/**
 * ferry_task_row_set_suffix:
 * @self: a row
 * @suffix: (nullable) (transfer none): a widget of the application; %NULL for none
 *
 * Sets [property@FerryGtk.TaskRow:suffix]. A floating reference is sunk. On the thread that runs GTK.
 */
void
ferry_task_row_set_suffix (FerryTaskRow *self, GtkWidget *suffix)
{
  g_return_if_fail (FERRY_IS_TASK_ROW (self));
  g_return_if_fail (suffix == NULL || GTK_IS_WIDGET (suffix));

  set_suffix (self, suffix);
}

/**
 * ferry_task_row_set_parts:
 * @self: a row
 * @parts: what the row has
 *
 * Sets [property@FerryGtk.TaskRow:parts]. On the thread that runs GTK.
 */
void
ferry_task_row_set_parts (FerryTaskRow *self, FerryTaskRowParts parts)
{
  g_return_if_fail (FERRY_IS_TASK_ROW (self));

  set_parts (self, parts);
}

/**
 * ferry_task_row_set_compact:
 * @self: a row
 * @compact: whether the bar is beside the name
 *
 * Sets [property@FerryGtk.TaskRow:compact]. On the thread that runs GTK.
 */
void
ferry_task_row_set_compact (FerryTaskRow *self, gboolean compact)
{
  g_return_if_fail (FERRY_IS_TASK_ROW (self));

  set_compact (self, compact);
}

/**
 * ferry_task_row_new:
 * @task: (nullable): a task
 * @executor: (nullable): the executor that the task was submitted to
 *
 * Makes a row. On the thread that runs GTK, which must be the router's.
 *
 * Returns: (transfer floating): a new row
 */
GtkWidget *
ferry_task_row_new (FerryTask *task, FerryExecutor *executor)
{
  g_return_val_if_fail (task == NULL || FERRY_IS_TASK (task), NULL);
  g_return_val_if_fail (executor == NULL || FERRY_IS_EXECUTOR (executor), NULL);

  return g_object_new (FERRY_TYPE_TASK_ROW, "executor", executor, "task", task, NULL);
}
