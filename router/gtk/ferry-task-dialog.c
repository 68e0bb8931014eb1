/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A dialog for one task that its window has to wait for.
 *
 * Owner:     the dialog its task; GTK the dialog, from the first moment on, though it is shown later or never.
 * Threads:   the one that runs GTK.
 * Invariant: while the task is not over, the dialog stays, and a close is a cancel. A task that failed is told of
 *            until the dialog is closed; otherwise the dialog goes with the end of the task. As long as there is a
 *            dialog, shown or not, its parent takes no input. */

#include "config.h"

#include "gtk/ferry-task-dialog.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-progress-binding.h"
#include "gtk/ferry-task-details-private.h"
#include "gtk/ferry-task-error-private.h"
#include "gtk/ferry-task-monitor-private.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"

/* Work that takes less shows no dialog. */
#define DELAY_MILLISECONDS 500

#define MARGIN 24
#define WIDTH 360

/* Of a text that changes all the time. */
#define MOST_LINES 2

#define FERRY_TYPE_TASK_DIALOG (ferry_task_dialog_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskDialog, ferry_task_dialog, FERRY, TASK_DIALOG, GtkWindow)

struct _FerryTaskDialog
{
  GtkWindow parent_instance;

  FerryTask *task;           /* (owned) (nullable): NULL once disposed */
  GtkEventController *hold;  /* (owned) (nullable): takes the parent's input */
  FerryTaskMonitor *monitor; /* (owned) (nullable): the same */
  guint timer;               /* until it is shown */

  GtkWidget *heading;
  GtkWidget *bar;
  GtkWidget *detail;
  GtkWidget *details_button;
  GtkWidget *button;
};

G_DEFINE_FINAL_TYPE (FerryTaskDialog, ferry_task_dialog, GTK_TYPE_WINDOW)

static void
set_words (FerryTaskDialog *self, const char *heading, const char *detail)
{
  gtk_window_set_title (GTK_WINDOW (self), heading);
  gtk_label_set_text (GTK_LABEL (self->heading), heading);
  gtk_label_set_text (GTK_LABEL (self->detail), detail);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, heading,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, detail, -1);
}

static void
show_progress (FerryTaskDialog *self)
{
  g_autofree char *detail = NULL;

  if (ferry_task_get_done (self->task))
    return;
  g_object_get (self->monitor, "detail", &detail, NULL);
  gtk_label_set_text (GTK_LABEL (self->detail), detail);
}

/* What failed, and nothing but the reason. A reason has as many lines as it needs. */
static void
show_failure (FerryTaskDialog *self)
{
  g_autofree char *title = NULL, *detail = NULL, *sentences = NULL;

  ferry_task_describe_error (self->task, &title, &detail, NULL);
  sentences = ferry_task_error_dup_sentences (title, detail);
  set_words (self, ferry_task_words_get_name (self->task), sentences);
  gtk_label_set_ellipsize (GTK_LABEL (self->detail), PANGO_ELLIPSIZE_NONE);
  gtk_label_set_lines (GTK_LABEL (self->detail), -1);
  gtk_widget_set_visible (self->bar, FALSE);
  gtk_widget_set_visible (self->details_button, TRUE);
  gtk_widget_set_sensitive (self->button, TRUE);
  gtk_button_set_label (GTK_BUTTON (self->button), _ ("_Close"));
  gtk_window_set_focus (GTK_WINDOW (self), self->button);
}

static void
present (FerryTaskDialog *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  gtk_window_present (GTK_WINDOW (self));
}

static gboolean
timer_cb (gpointer data)
{
  FerryTaskDialog *self = data;

  self->timer = 0;
  present (self);
  return G_SOURCE_REMOVE;
}

static void
done_cb (FerryTaskDialog *self)
{
  if (ferry_task_get_state (self->task) != FERRY_TASK_STATE_FAILED)
    {
      gtk_window_destroy (GTK_WINDOW (self));
      return;
    }
  show_failure (self);
  present (self);
}

/* ---- buttons ---- */

/* A cancel takes a moment. */
static gboolean
ferry_task_dialog_close_request (GtkWindow *window)
{
  FerryTaskDialog *self = FERRY_TASK_DIALOG (window);

  if (ferry_task_get_done (self->task))
    return GTK_WINDOW_CLASS (ferry_task_dialog_parent_class)->close_request (window);
  gtk_widget_set_sensitive (self->button, FALSE);
  ferry_task_cancel (self->task);
  return TRUE;
}

static void
details_cb (FerryTaskDialog *self)
{
  ferry_task_details_present (self->task, GTK_WIDGET (self), NULL, NULL);
}

/* ---- the parent ---- */

/* Ends of what has begun, such as the release of a button, take their way. */
static gboolean
takes_input (GtkEventController *controller, GdkEvent *event, gpointer data)
{
  switch ((int) gdk_event_get_event_type (event))
    {
    case GDK_BUTTON_PRESS:
    case GDK_KEY_PRESS:
    case GDK_SCROLL:
    case GDK_TOUCH_BEGIN:
    case GDK_TOUCHPAD_SWIPE:
    case GDK_TOUCHPAD_PINCH:
    case GDK_PAD_BUTTON_PRESS:
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

/* The dialog is modal from when it is shown. Work that is over sooner is to leave no picture, not even that of a window
 * whose buttons are insensitive for a moment. */
static void
hold_parent (FerryTaskDialog *self, GtkWindow *parent)
{
  self->hold = g_object_ref (gtk_event_controller_legacy_new ());
  gtk_event_controller_set_propagation_phase (self->hold, GTK_PHASE_CAPTURE);
  g_signal_connect (self->hold, "event", G_CALLBACK (takes_input), NULL);
  gtk_widget_add_controller (GTK_WIDGET (parent), self->hold);
}

static void
release_parent (FerryTaskDialog *self)
{
  GtkWidget *parent = self->hold != NULL ? gtk_event_controller_get_widget (self->hold) : NULL;

  if (parent != NULL)
    gtk_widget_remove_controller (parent, self->hold);
  g_clear_object (&self->hold);
}

/* ---- the object ---- */

static void
ferry_task_dialog_dispose (GObject *object)
{
  FerryTaskDialog *self = FERRY_TASK_DIALOG (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  release_parent (self);
  g_clear_object (&self->monitor);
  g_clear_object (&self->task);
  G_OBJECT_CLASS (ferry_task_dialog_parent_class)->dispose (object);
}

static void
ferry_task_dialog_class_init (FerryTaskDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_task_dialog_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = ferry_task_dialog_close_request;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static GtkWidget *
add_label (GtkWidget *content, const char *style)
{
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0, "wrap", TRUE, "wrap-mode", PANGO_WRAP_WORD_CHAR,
                                   "lines", MOST_LINES, "ellipsize", PANGO_ELLIPSIZE_END, NULL);

  gtk_widget_add_css_class (label, style);
  gtk_box_append (GTK_BOX (content), label);
  return label;
}

static GtkWidget *
add_button (GtkWidget *box, const char *words, GCallback clicked, FerryTaskDialog *self)
{
  GtkWidget *button = ferry_look_make_button (words);

  gtk_label_set_ellipsize (GTK_LABEL (gtk_button_get_child (GTK_BUTTON (button))), PANGO_ELLIPSIZE_END);
  g_signal_connect_object (button, "clicked", clicked, self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), button);
  return button;
}

static void
ferry_task_dialog_init (FerryTaskDialog *self)
{
  GtkWidget *content =
    ferry_look_begin_dialog (GTK_WINDOW (self), GTK_ACCESSIBLE_ROLE_DIALOG, "taskdialog", 12, MARGIN);
  GtkWidget *buttons = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  self->heading = add_label (content, "heading");
  self->bar = gtk_progress_bar_new ();
  gtk_box_append (GTK_BOX (content), self->bar);
  self->detail = add_label (content, "body");
  self->details_button = add_button (buttons, _ ("_Details"), G_CALLBACK (details_cb), self);
  gtk_widget_set_visible (self->details_button, FALSE);
  self->button = add_button (buttons, _ ("_Cancel"), G_CALLBACK (gtk_window_close), self);
  gtk_widget_set_halign (buttons, GTK_ALIGN_END);
  gtk_widget_set_margin_top (buttons, 12);
  gtk_box_append (GTK_BOX (content), buttons);
  gtk_window_set_child (GTK_WINDOW (self), content);
  gtk_window_set_titlebar (GTK_WINDOW (self), g_object_new (GTK_TYPE_BOX, "visible", FALSE, NULL));
  gtk_window_set_focus (GTK_WINDOW (self), self->button);
}

static void
follow (FerryTaskDialog *self, FerryTask *task)
{
  self->task = g_object_ref (task);
  self->monitor = ferry_task_monitor_new (task, GTK_WIDGET (self));
  ferry_task_monitor_set_has_bar (self->monitor, TRUE);
  ferry_bind_progress (task, GTK_PROGRESS_BAR (self->bar));
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_RELATION_LABELLED_BY, self->heading, NULL,
                                  -1);
  set_words (self, ferry_task_words_get_name (task), "");
  g_signal_connect_object (self->monitor, "notify::detail", G_CALLBACK (show_progress), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (task, "done", G_CALLBACK (done_cb), self, G_CONNECT_SWAPPED);
  show_progress (self);
  self->timer = g_timeout_add (DELAY_MILLISECONDS, timer_cb, self);
  g_source_set_name_by_id (self->timer, "[ferry] dialog of a task");
}

/**
 * ferry_task_show_dialog:
 * @task: a task
 * @parent: the window that has to wait for it
 *
 * Shows a modal dialog with the progress of a task, and a button to cancel it, once the task has taken half a second.
 * So short work shows nothing. But @parent takes no clicks and keys from now on, so a double click begins no second
 * task. The dialog goes when the task is done or was cancelled. If the task fails, the dialog says why, and stays until
 * it is closed.
 *
 * To close the dialog is to cancel the task. It goes with its parent, and the task goes on then. On the thread that
 * runs GTK, which must be the router's.
 */
void
ferry_task_show_dialog (FerryTask *task, GtkWindow *parent)
{
  FerryTaskDialog *self;

  g_return_if_fail (FERRY_IS_TASK (task));
  g_return_if_fail (GTK_IS_WINDOW (parent));

  self = g_object_new (FERRY_TYPE_TASK_DIALOG, "transient-for", parent, "modal", TRUE, "destroy-with-parent", TRUE,
                       "default-width", ferry_look_get_dialog_width (GTK_WIDGET (parent), WIDTH), NULL);
  hold_parent (self, parent);
  follow (self, task);
  if (ferry_task_get_done (task))
    done_cb (self);
}
