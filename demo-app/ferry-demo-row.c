/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A row of the list.
 *
 * Invariant: what is bound to the task and to its card hangs on groups, and goes with them when the row gets another
 *            task, or none. */

#include "ferry-demo-row.h"

#include "ferry-demo-card.h"

struct _FerryDemoRow
{
  GtkWidget parent_instance;

  FerryTask *task;
  gboolean owns_focus; /* had it when its button went away */
  GSignalGroup *task_signals;
  GSignalGroup *monitor_signals;
  GBindingGroup *task_bindings;
  GBindingGroup *monitor_bindings;

  GtkWidget *title_label;
  GtkWidget *host_label;
  GtkWidget *state_label;
  GtkWidget *progress_bar;
  GtkWidget *activity_label;
  GtkWidget *pace_label;
  GtkWidget *next_button;
  GtkWidget *cancel_button;
  GtkWidget *copy_button;
  GtkWidget *retry_button;
  GtkWidget *remove_button;
};

enum
{
  PROP_TASK = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (FerryDemoRow, ferry_demo_row, GTK_TYPE_WIDGET)

static FerryDemoCard *
get_card (FerryDemoRow *self)
{
  return ferry_demo_card_get (self->task);
}

static const char *
get_status_class (FerryTaskStatus state)
{
  switch (state)
    {
    case FERRY_TASK_STATUS_DONE:
      return "success";
    case FERRY_TASK_STATUS_STALLED:
      return "warning";
    case FERRY_TASK_STATUS_CRASHED:
    case FERRY_TASK_STATUS_TIMED_OUT:
    case FERRY_TASK_STATUS_FAILED:
      return "error";
    case FERRY_TASK_STATUS_RUNNING:
      return "running";
    case FERRY_TASK_STATUS_WAITING:
    case FERRY_TASK_STATUS_CANCELLING:
    case FERRY_TASK_STATUS_CANCELLED:
    default:
      return "dim-label";
    }
}

static void
label_widget (GtkWidget *widget, const char *verb, const char *title)
{
  g_autofree char *label = g_strdup_printf ("%s: %s", verb, title);

  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static void
show_buttons (FerryDemoRow *self, FerryTaskStatus state)
{
  gboolean over = ferry_demo_card_is_over (get_card (self));

  gtk_widget_set_sensitive (self->cancel_button, state != FERRY_TASK_STATUS_CANCELLING);
  gtk_widget_set_visible (self->next_button, state == FERRY_TASK_STATUS_WAITING);
  gtk_widget_set_visible (self->cancel_button, !over);
  gtk_widget_set_visible (self->retry_button, over);
  gtk_widget_set_visible (self->remove_button, over);
  gtk_widget_set_visible (self->copy_button, over && ferry_demo_card_get_report (get_card (self))->listing->len > 0);
}

static void
show_state (FerryDemoRow *self)
{
  FerryTaskStatus state = ferry_demo_card_get_status (get_card (self));
  const char *state_classes[] = {get_status_class (state), NULL};
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  gboolean over = ferry_demo_card_is_over (get_card (self));

  /* The focus of its window, whether or not that window is the active one. */
  self->owns_focus |= gtk_widget_is_focus (self->cancel_button) || gtk_widget_is_focus (self->next_button);
  gtk_widget_set_css_classes (self->state_label, state_classes);
  show_buttons (self, state);

  /* The focus of a button that goes away would be lost for users without a pointer. While the task is being cancelled
   * there is no button to give it to. */
  if (!self->owns_focus || state == FERRY_TASK_STATUS_CANCELLING)
    return;
  if (root != NULL &&
      (gtk_root_get_focus (root) == NULL || gtk_widget_is_ancestor (gtk_root_get_focus (root), GTK_WIDGET (self))))
    gtk_widget_grab_focus (over ? self->retry_button : self->cancel_button);
  self->owns_focus = FALSE;
}

/* Whether the task runs, and has no known end. */
static gboolean
is_indeterminate (FerryDemoRow *self)
{
  gboolean indeterminate;

  g_object_get (self->task, "indeterminate", &indeterminate, NULL);
  return indeterminate && ferry_task_get_state (self->task) == FERRY_TASK_STATE_EXECUTING;
}

/* A task with no known end has nothing to show but that it lives: see show_activity(). */
static void
show_fraction (FerryDemoRow *self)
{
  if (!is_indeterminate (self))
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->progress_bar), ferry_task_get_fraction (self->task));
}

/* The bar says in words what is drawn below it. */
static void
show_activity (FerryDemoRow *self)
{
  g_autofree char *detail = NULL;

  g_object_get (ferry_demo_card_get_monitor (get_card (self)), "detail", &detail, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->progress_bar), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, detail, -1);
  if (is_indeterminate (self))
    gtk_progress_bar_pulse (GTK_PROGRESS_BAR (self->progress_bar));
}

/* An empty label would be read out as the name of its type. */
static void
show_pace (FerryDemoRow *self)
{
  g_autofree char *pace = NULL;

  g_object_get (ferry_demo_card_get_monitor (get_card (self)), "pace-text", &pace, NULL);
  gtk_widget_set_visible (self->pace_label, *pace != '\0');
}

/* Nothing of a task that runs on this machine. */
static void
show_host (FerryDemoRow *self)
{
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;

  g_object_get (self->task, "host-name", &name, NULL);
  text = g_strdup_printf ("on %s", name != NULL ? name : "");
  gtk_label_set_text (GTK_LABEL (self->host_label), text);
  gtk_widget_set_visible (self->host_label, name != NULL);
}

static void
show_title (FerryDemoRow *self)
{
  const char *title = ferry_task_get_name (self->task);

  if (gtk_widget_get_parent (GTK_WIDGET (self)) != NULL)
    label_widget (gtk_widget_get_parent (GTK_WIDGET (self)), "Task", title);
  label_widget (self->progress_bar, "Progress", title);
  label_widget (self->next_button, "Run next", title);
  label_widget (self->cancel_button, "Cancel", title);
  label_widget (self->copy_button, "Copy digests", title);
  label_widget (self->retry_button, "Run again", title);
  label_widget (self->remove_button, "Remove", title);
}

/* What a list item is read out as: the task, and its state. */
static void
describe_item (FerryDemoRow *self)
{
  GtkWidget *item = gtk_widget_get_parent (GTK_WIDGET (self));
  g_autofree char *state = NULL;

  g_object_get (ferry_demo_card_get_monitor (get_card (self)), "state-text", &state, NULL);
  if (item != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (item), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, state, -1);
}

static void
show_task (FerryDemoRow *self)
{
  show_title (self);
  show_host (self);
  describe_item (self);
  show_state (self);
  show_fraction (self);
  show_activity (self);
  show_pace (self);
}

static void
state_cb (FerryDemoRow *self)
{
  describe_item (self);
  show_state (self);
  show_fraction (self);
}

static void
cancel_cb (FerryDemoRow *self)
{
  ferry_task_cancel (self->task);
}

static void
copy_cb (FerryDemoRow *self)
{
  g_autofree char *listing = g_utf8_make_valid (ferry_demo_card_get_report (get_card (self))->listing->str, -1);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), listing);
}

static void
activate_with_id (FerryDemoRow *self, const char *action)
{
  gtk_widget_activate_action (GTK_WIDGET (self), action, "t", ferry_demo_card_get_id (get_card (self)));
}

static void
next_cb (FerryDemoRow *self)
{
  activate_with_id (self, "job.run-next");
}

static void
retry_cb (FerryDemoRow *self)
{
  activate_with_id (self, "job.retry");
}

static void
remove_cb (FerryDemoRow *self)
{
  activate_with_id (self, "job.remove");
}

static void
set_task (FerryDemoRow *self, FerryTask *task)
{
  FerryTaskMonitor *monitor = task != NULL ? ferry_demo_card_get_monitor (ferry_demo_card_get (task)) : NULL;

  if (!g_set_object (&self->task, task))
    return;
  self->owns_focus = FALSE;
  g_signal_group_set_target (self->task_signals, task);
  g_signal_group_set_target (self->monitor_signals, monitor);
  g_binding_group_set_source (self->task_bindings, task);
  g_binding_group_set_source (self->monitor_bindings, monitor);
  if (task != NULL)
    show_task (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TASK]);
}

static void
ferry_demo_row_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryDemoRow *self = FERRY_DEMO_ROW (object);

  if (property_id == PROP_TASK)
    g_value_set_object (value, self->task);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
ferry_demo_row_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryDemoRow *self = FERRY_DEMO_ROW (object);

  if (property_id == PROP_TASK)
    set_task (self, g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
ferry_demo_row_dispose (GObject *object)
{
  FerryDemoRow *self = FERRY_DEMO_ROW (object);
  GtkWidget *child;

  g_clear_object (&self->task_signals);
  g_clear_object (&self->monitor_signals);
  g_clear_object (&self->task_bindings);
  g_clear_object (&self->monitor_bindings);
  g_clear_object (&self->task);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (ferry_demo_row_parent_class)->dispose (object);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-row.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, title_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, host_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, state_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, progress_bar);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, activity_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, pace_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, next_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, copy_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, retry_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, remove_button);
  gtk_widget_class_bind_template_callback (widget_class, next_cb);
  gtk_widget_class_bind_template_callback (widget_class, cancel_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_cb);
  gtk_widget_class_bind_template_callback (widget_class, retry_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_cb);
}

static void
ferry_demo_row_class_init (FerryDemoRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_demo_row_get_property;
  object_class->set_property = ferry_demo_row_set_property;
  object_class->dispose = ferry_demo_row_dispose;

  properties[PROP_TASK] = g_param_spec_object ("task", NULL, NULL, FERRY_TYPE_TASK,
                                               G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "taskrow");
  bind_template (widget_class);
}

static void
connect_groups (FerryDemoRow *self)
{
  self->task_signals = g_signal_group_new (FERRY_TYPE_TASK);
  g_signal_group_connect_swapped (self->task_signals, "notify::name", G_CALLBACK (show_title), self);
  g_signal_group_connect_swapped (self->task_signals, "notify::fraction", G_CALLBACK (show_fraction), self);
  g_signal_group_connect_swapped (self->task_signals, "notify::host-name", G_CALLBACK (show_host), self);

  self->monitor_signals = g_signal_group_new (FERRY_TYPE_TASK_MONITOR);
  g_signal_group_connect_swapped (self->monitor_signals, "notify::status", G_CALLBACK (state_cb), self);
  g_signal_group_connect_swapped (self->monitor_signals, "notify::elapsed", G_CALLBACK (show_activity), self);
  g_signal_group_connect_swapped (self->monitor_signals, "notify::pace-text", G_CALLBACK (show_pace), self);

  self->task_bindings = g_binding_group_new ();
  g_binding_group_bind (self->task_bindings, "name", self->title_label, "label", G_BINDING_SYNC_CREATE);

  self->monitor_bindings = g_binding_group_new ();
  g_binding_group_bind (self->monitor_bindings, "state-text", self->state_label, "label", G_BINDING_SYNC_CREATE);
  g_binding_group_bind (self->monitor_bindings, "detail", self->activity_label, "label", G_BINDING_SYNC_CREATE);
  g_binding_group_bind (self->monitor_bindings, "detail", self->activity_label, "tooltip-text", G_BINDING_SYNC_CREATE);
  g_binding_group_bind (self->monitor_bindings, "pace-text", self->pace_label, "label", G_BINDING_SYNC_CREATE);
}

static void
ferry_demo_row_init (FerryDemoRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  connect_groups (self);
}

/* NULL for a row that is not in use. */
FerryTask *
ferry_demo_row_get_task (FerryDemoRow *self)
{
  return self->task;
}
