/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-demo-row.h"

#include "ferry-demo-job-words.h"

struct _FerryDemoRow
{
  GtkWidget parent_instance;

  FerryDemoJob *job;
  GSignalGroup *job_signals;

  GtkWidget *state_label;
  GtkWidget *progress_bar;
  GtkWidget *pace_label;
  GtkWidget *cancel_button;
  GtkWidget *copy_button;
  GtkWidget *repeat_button;
  GtkWidget *remove_button;
};

enum
{
  PROP_JOB = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (FerryDemoRow, ferry_demo_row, GTK_TYPE_WIDGET)

static const char *
get_state_class (FerryDemoJobState state)
{
  switch (state)
    {
    case FERRY_DEMO_JOB_STATE_DONE:
      return "success";
    case FERRY_DEMO_JOB_STATE_NOT_RESPONDING:
      return "warning";
    case FERRY_DEMO_JOB_STATE_CRASHED:
    case FERRY_DEMO_JOB_STATE_FAILED:
      return "error";
    case FERRY_DEMO_JOB_STATE_STARTING:
    case FERRY_DEMO_JOB_STATE_RUNNING:
    case FERRY_DEMO_JOB_STATE_CANCELLING:
    case FERRY_DEMO_JOB_STATE_CANCELLED:
    default:
      return "dim-label";
    }
}

static void
show_state (FerryDemoRow *self)
{
  FerryDemoJobState state = ferry_demo_job_get_state (self->job);
  const char *state_classes[] = {get_state_class (state), NULL};
  gboolean over = ferry_demo_job_is_over (self->job);
  gboolean had_focus = gtk_widget_has_focus (self->cancel_button);

  gtk_widget_set_css_classes (self->state_label, state_classes);
  gtk_widget_set_sensitive (self->cancel_button, state != FERRY_DEMO_JOB_STATE_CANCELLING);
  gtk_widget_set_visible (self->cancel_button, !over);
  gtk_widget_set_visible (self->repeat_button, over);
  gtk_widget_set_visible (self->remove_button, over);
  gtk_widget_set_visible (self->copy_button, over && ferry_demo_job_get_report (self->job)->listing->len > 0);

  /* The focus of a button that goes away would be lost to somebody who has no pointer. */
  if (over && had_focus)
    gtk_widget_grab_focus (self->repeat_button);
}

static void
show_fraction (FerryDemoRow *self)
{
  double fraction = ferry_demo_job_get_fraction (self->job);

  if (fraction >= 0.0)
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->progress_bar), fraction);
  else
    gtk_progress_bar_pulse (GTK_PROGRESS_BAR (self->progress_bar));
}

/* A job with no known end has nothing to show but that it lives: its words change while it does. */
static void
show_activity (FerryDemoRow *self)
{
  if (ferry_demo_job_get_fraction (self->job) < 0.0)
    gtk_progress_bar_pulse (GTK_PROGRESS_BAR (self->progress_bar));
}

/* An empty label would be read out as the name of its type. */
static void
show_pace (FerryDemoRow *self)
{
  gtk_widget_set_visible (self->pace_label, *ferry_demo_job_get_pace (self->job) != '\0');
}

static void
label_widget (GtkWidget *widget, const char *verb, const char *title)
{
  g_autofree char *label = g_strdup_printf ("%s: %s", verb, title);

  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static void
show_job (FerryDemoRow *self)
{
  const char *title = ferry_demo_job_get_title (self->job);

  if (gtk_widget_get_parent (GTK_WIDGET (self)) != NULL)
    label_widget (gtk_widget_get_parent (GTK_WIDGET (self)), "Job", title);
  label_widget (self->progress_bar, "Progress", title);
  label_widget (self->cancel_button, "Cancel", title);
  label_widget (self->copy_button, "Copy digests", title);
  label_widget (self->repeat_button, "Start again", title);
  label_widget (self->remove_button, "Remove", title);
  show_state (self);
  show_fraction (self);
  show_pace (self);
}

static void
cancel_cb (FerryDemoRow *self)
{
  ferry_demo_job_cancel (self->job);
}

static void
copy_cb (FerryDemoRow *self)
{
  g_autofree char *listing = g_utf8_make_valid (ferry_demo_job_get_report (self->job)->listing->str, -1);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), listing);
}

static void
activate_with_id (FerryDemoRow *self, const char *action)
{
  gtk_widget_activate_action (GTK_WIDGET (self), action, "t", ferry_demo_job_get_id (self->job));
}

static void
repeat_cb (FerryDemoRow *self)
{
  activate_with_id (self, "job.repeat");
}

static void
remove_cb (FerryDemoRow *self)
{
  activate_with_id (self, "job.remove");
}

static void
set_job (FerryDemoRow *self, FerryDemoJob *job)
{
  if (!g_set_object (&self->job, job))
    return;
  g_signal_group_set_target (self->job_signals, job);
  if (job != NULL)
    show_job (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_JOB]);
}

static void
ferry_demo_row_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryDemoRow *self = FERRY_DEMO_ROW (object);

  if (property_id == PROP_JOB)
    g_value_set_object (value, self->job);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
ferry_demo_row_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryDemoRow *self = FERRY_DEMO_ROW (object);

  if (property_id == PROP_JOB)
    set_job (self, g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
ferry_demo_row_dispose (GObject *object)
{
  FerryDemoRow *self = FERRY_DEMO_ROW (object);
  GtkWidget *child;

  g_clear_object (&self->job_signals);
  g_clear_object (&self->job);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (ferry_demo_row_parent_class)->dispose (object);
}

static void
ferry_demo_row_class_init (FerryDemoRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_demo_row_get_property;
  object_class->set_property = ferry_demo_row_set_property;
  object_class->dispose = ferry_demo_row_dispose;

  properties[PROP_JOB] = g_param_spec_object ("job", NULL, NULL, FERRY_DEMO_TYPE_JOB,
                                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "jobrow");
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-row.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, state_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, progress_bar);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, pace_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, copy_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, repeat_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRow, remove_button);
  gtk_widget_class_bind_template_callback (widget_class, cancel_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_cb);
  gtk_widget_class_bind_template_callback (widget_class, repeat_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_cb);
}

static void
ferry_demo_row_init (FerryDemoRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  self->job_signals = g_signal_group_new (FERRY_DEMO_TYPE_JOB);
  g_signal_group_connect_swapped (self->job_signals, "notify::state-name", G_CALLBACK (show_state), self);
  g_signal_group_connect_swapped (self->job_signals, "notify::fraction", G_CALLBACK (show_fraction), self);
  g_signal_group_connect_swapped (self->job_signals, "notify::activity", G_CALLBACK (show_activity), self);
  g_signal_group_connect_swapped (self->job_signals, "notify::pace", G_CALLBACK (show_pace), self);
}
