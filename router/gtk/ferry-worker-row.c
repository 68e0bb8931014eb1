/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker as a row.
 *
 * Threads:    the one that runs GTK, which is the router's.
 * Invariants: a worker that runs a task is ended only after the row was asked twice. A question is about the worker
 *             that the row had when it was asked: another worker takes it back. */

#include "config.h"

#include "gtk/ferry-worker-row-private.h"

#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"
#include "inspect/ferry-inspection-private.h"

#define ACTION "worker.end"

/* On a worker that was asked to end, by any row. */
#define ENDING_KEY "ferry-worker-ending"

/* An en dash, as UTF-8: for what is not known. */
#define UNKNOWN "\342\200\223"

struct _FerryWorkerRow
{
  GtkWidget parent_instance;

  FerryWorker *worker; /* (nullable) */
  GSignalGroup *worker_signals;
  FerryWorkerUsage usage;

  GtkWidget *box;
  GtkWidget *title_label;
  GtkWidget *state_label;
  GtkWidget *task_label;
  GtkWidget *share_label;
  GtkWidget *memory_label;
  GtkWidget *end_button;
  GtkWidget *question; /* a revealer */
  GtkWidget *keep_button;
  GtkWidget *confirm_button;
};

G_DEFINE_FINAL_TYPE (FerryWorkerRow, ferry_worker_row, GTK_TYPE_WIDGET)

/* ---- what the row shows ---- */

/* The widget that is read out for the row: the item of the list that it is in, or the row itself. */
static GtkAccessible *
get_accessible (FerryWorkerRow *self)
{
  GtkWidget *parent = gtk_widget_get_parent (GTK_WIDGET (self));

  return GTK_ACCESSIBLE (parent != NULL && g_str_equal (gtk_widget_get_css_name (parent), "row") ? parent
                                                                                                 : GTK_WIDGET (self));
}

static gboolean
is_ending (FerryWorkerRow *self)
{
  return ferry_worker_get_state (self->worker) == FERRY_WORKER_STATE_ENDED ||
         g_object_get_data (G_OBJECT (self->worker), ENDING_KEY) != NULL;
}

/* (transfer full) (nullable): the name of the worker's task. */
static char *
dup_task_name (FerryWorkerRow *self)
{
  g_autofree char *name = NULL;

  g_object_get (self->worker, "task-name", &name, NULL);
  return name != NULL ? ferry_task_words_straighten (name) : NULL;
}

static void
show_title (FerryWorkerRow *self)
{
  const char *identifier = ferry_worker_get_identifier (self->worker);
  g_autofree char *title = identifier != NULL ? g_strdup_printf (_ ("Worker %s"), identifier) : g_strdup (_ ("Worker"));
  g_autofree char *end = g_strdup_printf (_ ("End: %s"), title);

  gtk_label_set_text (GTK_LABEL (self->title_label), title);
  gtk_accessible_update_property (get_accessible (self), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->end_button), GTK_ACCESSIBLE_PROPERTY_LABEL, end, -1);
}

static void
show_state_text (FerryWorkerRow *self, const char *text, const char *style)
{
  const char *classes[] = {style, NULL};

  gtk_label_set_text (GTK_LABEL (self->state_label), text);
  gtk_widget_set_css_classes (self->state_label, classes);
}

/* The focus of a button that can be pressed no more would be lost: the item of the list takes it. */
static void
leave_button (FerryWorkerRow *self)
{
  GtkWidget *parent = gtk_widget_get_parent (GTK_WIDGET (self));

  if (is_ending (self) && parent != NULL && gtk_widget_is_focus (self->end_button))
    gtk_widget_grab_focus (parent);
}

/* Set with each task, a tooltip would start the rest of the pointer anew, on whichever widget that is. */
static gboolean
query_task_tooltip_cb (FerryWorkerRow *self, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip)
{
  g_autofree char *task = dup_task_name (self);

  gtk_tooltip_set_text (tooltip, task);
  return task != NULL;
}

static void
show_state (FerryWorkerRow *self)
{
  g_autofree char *task = dup_task_name (self);
  g_autofree char *description = NULL;

  if (is_ending (self))
    show_state_text (self, _ ("Ending"), "warning");
  else if (ferry_worker_get_state (self->worker) == FERRY_WORKER_STATE_STARTING)
    show_state_text (self, _ ("Starting"), "detail");
  else if (task != NULL)
    show_state_text (self, _ ("Busy"), "accent");
  else
    show_state_text (self, _ ("Idle"), "detail");
  gtk_label_set_text (GTK_LABEL (self->task_label), task != NULL ? task : UNKNOWN);
  description = g_strjoin (", ", gtk_label_get_text (GTK_LABEL (self->state_label)), task, NULL);
  gtk_accessible_update_property (get_accessible (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description, -1);
  leave_button (self);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), ACTION, !is_ending (self));
}

static void
show_usage (FerryWorkerRow *self)
{
  gboolean known =
    ferry_worker_usage_look (&self->usage, ferry_worker_get_identifier (self->worker), g_get_monotonic_time ());
  g_autofree char *percent =
    self->usage.share >= 0.0 ? g_strdup_printf (_ ("%d %%"), (int) (self->usage.share * 100.0 + 0.5)) : NULL;
  /* Translators: what share of a processor a process uses: "CPU 25 %". */
  g_autofree char *share = g_strdup_printf (_ ("CPU %s"), percent != NULL ? percent : UNKNOWN);
  g_autofree char *memory = known ? g_format_size (self->usage.memory) : g_strdup (UNKNOWN);

  gtk_label_set_text (GTK_LABEL (self->share_label), share);
  gtk_label_set_text (GTK_LABEL (self->memory_label), memory);
}

void
ferry_worker_row_look (FerryWorkerRow *self)
{
  if (self->worker == NULL)
    return;
  show_state (self);
  show_usage (self);
}

static void
state_cb (FerryWorkerRow *self)
{
  show_title (self);
  show_state (self);
}

/* ---- the end of the worker ---- */

static gboolean
is_asking (FerryWorkerRow *self)
{
  return gtk_revealer_get_reveal_child (GTK_REVEALER (self->question));
}

static void
ask (FerryWorkerRow *self, gboolean asking)
{
  gtk_widget_set_visible (self->question, asking);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->question), asking);
}

/* The focus does not go with the button that has it. */
static void
take_back_question (FerryWorkerRow *self)
{
  if (!is_asking (self))
    return;
  gtk_widget_grab_focus (self->end_button);
  ask (self, FALSE);
}

static void
end_worker (FerryWorkerRow *self)
{
  take_back_question (self);
  g_object_set_data (G_OBJECT (self->worker), ENDING_KEY, self->worker);
  ferry_worker_force_exit (self->worker);
  show_state (self);
}

static void
activate_end (GtkWidget *widget, const char *name, GVariant *parameter)
{
  FerryWorkerRow *self = FERRY_WORKER_ROW (widget);
  g_autofree char *task = self->worker != NULL ? dup_task_name (self) : NULL;

  if (self->worker == NULL || is_ending (self))
    return;
  if (task == NULL)
    {
      end_worker (self);
      return;
    }
  ask (self, TRUE);
  gtk_widget_grab_focus (self->keep_button);
}

static gboolean
escape_cb (GtkWidget *widget, GVariant *arguments, gpointer data)
{
  FerryWorkerRow *self = FERRY_WORKER_ROW (widget);
  gboolean asking = is_asking (self);

  take_back_question (self);
  return asking;
}

/* ---- the object ---- */

FerryWorker *
ferry_worker_row_get_worker (FerryWorkerRow *self)
{
  return self->worker;
}

void
ferry_worker_row_set_worker (FerryWorkerRow *self, FerryWorker *worker)
{
  ask (self, FALSE);
  g_set_object (&self->worker, worker);
  g_signal_group_set_target (self->worker_signals, worker);
  self->usage = (FerryWorkerUsage) FERRY_WORKER_USAGE_INIT;
  if (worker == NULL)
    return;
  show_title (self);
  ferry_worker_row_look (self);
}

static void
ferry_worker_row_dispose (GObject *object)
{
  FerryWorkerRow *self = FERRY_WORKER_ROW (object);

  if (self->worker_signals != NULL)
    g_signal_group_set_target (self->worker_signals, NULL);
  g_clear_object (&self->worker_signals);
  g_clear_object (&self->worker);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (ferry_worker_row_parent_class)->dispose (object);
}

static void
ferry_worker_row_class_init (FerryWorkerRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_worker_row_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "workerrow");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_install_action (widget_class, ACTION, NULL, activate_end);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Escape, 0, escape_cb, NULL);
}

/* style: (nullable) */
static GtkWidget *
add_label (GtkWidget *box, float xalign, gboolean expands, const char *style)
{
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "xalign", xalign, "hexpand", expands, "ellipsize",
                                   PANGO_ELLIPSIZE_END, "single-line-mode", TRUE, NULL);

  if (style != NULL)
    gtk_widget_add_css_class (label, style);
  gtk_box_append (GTK_BOX (box), label);
  return label;
}

/* (transfer floating): what the worker is, what it runs, and below that how it stands and what it uses. */
static GtkWidget *
make_words (FerryWorkerRow *self)
{
  GtkWidget *words = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *lower = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *numbers[2];

  self->title_label = add_label (words, 0.0F, TRUE, NULL);
  self->task_label = add_label (words, 0.0F, TRUE, "detail");
  gtk_widget_set_has_tooltip (self->task_label, TRUE);
  g_signal_connect_object (self->task_label, "query-tooltip", G_CALLBACK (query_task_tooltip_cb), self,
                           G_CONNECT_SWAPPED);
  self->state_label = add_label (lower, 0.0F, TRUE, "detail");
  self->share_label = numbers[0] = add_label (lower, 1.0F, FALSE, "detail");
  self->memory_label = numbers[1] = add_label (lower, 1.0F, FALSE, "detail");
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      gtk_widget_add_css_class (numbers[i], "numeric");
      gtk_widget_add_css_class (numbers[i], "caption");
    }
  gtk_widget_set_hexpand (words, TRUE);
  gtk_widget_set_valign (words, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (words), lower);
  return words;
}

/* (transfer floating): asks whether a task may be lost. */
static GtkWidget *
make_question (FerryWorkerRow *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", _ ("End it? Its task is lost."), "xalign", 0.0, "hexpand",
                                   TRUE, "wrap", TRUE, "accessible-role", GTK_ACCESSIBLE_ROLE_ALERT, NULL);

  self->keep_button = gtk_button_new_with_label (_ ("Keep"));
  self->confirm_button = gtk_button_new_with_label (_ ("End"));
  gtk_widget_add_css_class (self->confirm_button, "destructive-action");
  g_signal_connect_object (self->keep_button, "clicked", G_CALLBACK (take_back_question), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->confirm_button, "clicked", G_CALLBACK (end_worker), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), self->keep_button);
  gtk_box_append (GTK_BOX (box), self->confirm_button);
  self->question = gtk_revealer_new ();
  gtk_revealer_set_child (GTK_REVEALER (self->question), box);
  ask (self, FALSE);
  return self->question;
}

static void
ferry_worker_row_init (FerryWorkerRow *self)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  self->usage = (FerryWorkerUsage) FERRY_WORKER_USAGE_INIT;
  self->worker_signals = g_signal_group_new (FERRY_TYPE_WORKER);
  g_signal_group_connect_swapped (self->worker_signals, "notify::identifier", G_CALLBACK (state_cb), self);
  g_signal_group_connect_swapped (self->worker_signals, "notify::state", G_CALLBACK (state_cb), self);
  self->end_button = gtk_button_new_from_icon_name ("window-close-symbolic");
  gtk_widget_add_css_class (self->end_button, "flat");
  gtk_widget_set_valign (self->end_button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (self->end_button, _ ("End this worker"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->end_button), ACTION);
  gtk_box_append (GTK_BOX (line), make_words (self));
  gtk_box_append (GTK_BOX (line), self->end_button);
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_box_append (GTK_BOX (self->box), line);
  gtk_box_append (GTK_BOX (self->box), make_question (self));
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

GtkWidget *
ferry_worker_row_new (void)
{
  return g_object_new (FERRY_TYPE_WORKER_ROW, NULL);
}
