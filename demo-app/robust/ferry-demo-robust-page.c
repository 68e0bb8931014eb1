/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two bystanders send numbered messages all the time, each through a pipe of its own. A trial is a third worker, which
 * goes wrong half a second after it began. Its row says how that ended. One more row says what the bystanders had to
 * bear meanwhile: messages that were lost, and the longest wait for one. */

#include <ferry-gtk.h>
#include <glib/gi18n.h>
#include <signal.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-pages.h"
#include "app/ferry-demo-plot.h"
#include "app/ferry-demo-window.h"
#include "pipes/ferry-demo-pipe.h"

#define N_BYSTANDERS 2
#define N_TRIALS 3
#define TURN_MILLISECONDS 200
/* In turns: how often figures are read. */
#define READ_TURNS 5
/* A trial that was not heard for so long hangs, and is ended. */
#define PATIENCE G_USEC_PER_SEC

#define FERRY_DEMO_TYPE_ROBUST_PAGE (ferry_demo_robust_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoRobustPage, ferry_demo_robust_page, FERRY_DEMO, ROBUST_PAGE, AdwBin)

typedef struct
{
  FerryDemoRobustPage *page; /* (unowned) */
  AdwActionRow *row;
  FerryDemoPipe *pipe;
} Trial;

struct _FerryDemoRobustPage
{
  AdwBin parent_instance;

  FerryDemoPipe *bystanders[N_BYSTANDERS];
  Trial trials[N_TRIALS];
  guint64 n_lost_before; /* the trial */
  guint turn_timeout;    /* while the page is seen */
  guint n_turns;

  AdwPreferencesGroup *trials_group;
  AdwActionRow *first_row;
  AdwActionRow *second_row;
  AdwActionRow *cost_row;
  GtkImage *cost_icon;
  FerryDemoPlot *plot;
};

G_DEFINE_FINAL_TYPE (FerryDemoRobustPage, ferry_demo_robust_page, ADW_TYPE_BIN)

/* ---- trials ---- */

static guint64
count_lost (FerryDemoRobustPage *self)
{
  return ferry_demo_pipe_get_figures (self->bystanders[0])->n_wrong +
         ferry_demo_pipe_get_figures (self->bystanders[1])->n_wrong;
}

static void
show_cost (FerryDemoRobustPage *self)
{
  guint64 n_lost = count_lost (self) - self->n_lost_before;
  gint64 longest = MAX (ferry_demo_pipe_get_figures (self->bystanders[0])->longest_wait,
                        ferry_demo_pipe_get_figures (self->bystanders[1])->longest_wait);
  g_autofree char *wait = ferry_demo_format_latency ((double) longest);
  g_autofree char *good = g_strdup_printf (_ ("Nothing lost, and no pause longer than %s"), wait);
  g_autofree char *bad = ferry_demo_format_counted (n_lost, ngettext ("%s message lost", "%s messages lost", n_lost));

  adw_action_row_set_subtitle (self->cost_row, n_lost == 0 ? good : bad);
  gtk_image_set_from_icon_name (self->cost_icon, n_lost == 0 ? "object-select-symbolic" : "dialog-warning-symbolic");
  gtk_widget_remove_css_class (GTK_WIDGET (self->cost_icon), n_lost == 0 ? "warning" : "success");
  gtk_widget_add_css_class (GTK_WIDGET (self->cost_icon), n_lost == 0 ? "success" : "warning");
}

static const char *
describe_outcome (FerryExit *ended)
{
  int number = ferry_exit_get_signal (ended);

  if (ferry_exit_get_reason (ended) == FERRY_CLOSE_REASON_PROTOCOL_ERROR)
    return _ ("Cut off: what it sent made no sense");
  if (number == SIGKILL)
    return _ ("Stopped: it did not react for a second");
  return number != 0 ? _ ("Crashed: its process ended, and no other") : ferry_demo_describe_end (ended);
}

static void
ended_cb (FerryDemoPipe *pipe, FerryExit *ended, Trial *trial)
{
  adw_action_row_set_subtitle (trial->row, describe_outcome (ended));
  show_cost (trial->page);
}

static void
begin_trial (FerryDemoRobustPage *self, Trial *trial)
{
  g_autoptr (GError) error = NULL;

  if (ferry_demo_pipe_is_running (trial->pipe))
    return;
  if (ferry_demo_pipe_start (trial->pipe, &error))
    adw_action_row_set_subtitle (trial->row, _ ("Works properly for half a second…"));
  else
    ferry_demo_tell_error (GTK_WIDGET (self), error, NULL);
}

/* One of them, or all at once. */
static void
try_out (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (widget);
  guint wanted = g_variant_get_uint32 (parameter);

  self->n_lost_before = count_lost (self);
  for (guint i = 0; i < N_BYSTANDERS; i++)
    ferry_demo_pipe_forget_wait (self->bystanders[i]);
  for (guint i = 0; i < N_TRIALS; i++)
    if (wanted == i || wanted == N_TRIALS)
      begin_trial (self, &self->trials[i]);
}

static void
end_where_it_hangs (Trial *trial, gint64 now)
{
  gint64 heard = ferry_demo_pipe_get_figures (trial->pipe)->last_time;

  if (ferry_demo_pipe_is_running (trial->pipe) && heard != 0 && now - heard >= PATIENCE)
    ferry_demo_pipe_send_signal (trial->pipe, SIGKILL);
}

/* ---- bystanders ---- */

static void
show_bystander (FerryDemoRobustPage *self, guint i, double rate, double delay)
{
  guint64 n_wrong = ferry_demo_pipe_get_figures (self->bystanders[i])->n_wrong;
  g_autofree char *messages = ferry_format_amount (rate);
  g_autofree char *time = ferry_demo_format_latency (delay);
  g_autofree char *lost = n_wrong > 0 ? ferry_demo_format_counted (n_wrong, _ ("%s lost")) : g_strdup (_ ("no losses"));
  g_autofree char *words = g_strdup_printf (_ ("%s messages/s, delivered in %s, %s"), messages, time, lost);

  adw_action_row_set_subtitle (i == 0 ? self->first_row : self->second_row, words);
}

static void
read_bystanders (FerryDemoRobustPage *self)
{
  double rates[N_BYSTANDERS], delays[N_BYSTANDERS];

  for (guint i = 0; i < N_BYSTANDERS; i++)
    if (ferry_demo_pipe_read (self->bystanders[i], &rates[i], &delays[i]))
      show_bystander (self, i, rates[i], delays[i]);
  ferry_demo_plot_add (self->plot, MAX (delays[0], delays[1]));
}

static gboolean
turn_cb (gpointer user_data)
{
  FerryDemoRobustPage *self = user_data;
  gint64 now = g_get_monotonic_time ();

  if (++self->n_turns % READ_TURNS == 0)
    read_bystanders (self);
  for (guint i = 0; i < N_TRIALS; i++)
    end_where_it_hangs (&self->trials[i], now);
  return G_SOURCE_CONTINUE;
}

static void
start (GtkWidget *widget, const char *action, GVariant *parameter)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_BYSTANDERS && error == NULL; i++)
    ferry_demo_pipe_start (FERRY_DEMO_ROBUST_PAGE (widget)->bystanders[i], &error);
  if (error != NULL)
    ferry_demo_tell_error (widget, error, "robust.start");
}

static void
lost_cb (FerryDemoRobustPage *self, FerryExit *ended, FerryDemoPipe *pipe)
{
  if (ferry_exit_get_reason (ended) == FERRY_CLOSE_REASON_LAUNCH_FAILED)
    adw_action_row_set_subtitle (pipe == self->bystanders[0] ? self->first_row : self->second_row,
                                 _ ("Could not be started."));
  ferry_demo_tell_end (GTK_WIDGET (self), ended, "robust.start");
}

/* ---- the page itself ---- */

static void
ferry_demo_robust_page_map (GtkWidget *widget)
{
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_demo_robust_page_parent_class)->map (widget);
  self->turn_timeout = g_timeout_add (TURN_MILLISECONDS, turn_cb, self);
  start (widget, NULL, NULL);
}

static void
rest (FerryDemoRobustPage *self)
{
  g_clear_handle_id (&self->turn_timeout, g_source_remove);
  for (guint i = 0; i < N_BYSTANDERS && self->bystanders[i] != NULL; i++)
    ferry_demo_pipe_stop (self->bystanders[i]);
  for (guint i = 0; i < N_TRIALS && self->trials[i].pipe != NULL; i++)
    ferry_demo_pipe_stop (self->trials[i].pipe);
}

static void
ferry_demo_robust_page_unmap (GtkWidget *widget)
{
  rest (FERRY_DEMO_ROBUST_PAGE (widget));
  GTK_WIDGET_CLASS (ferry_demo_robust_page_parent_class)->unmap (widget);
}

static void
ferry_demo_robust_page_dispose (GObject *object)
{
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (object);

  rest (self);
  for (guint i = 0; i < N_BYSTANDERS; i++)
    g_clear_object (&self->bystanders[i]);
  for (guint i = 0; i < N_TRIALS; i++)
    g_clear_object (&self->trials[i].pipe);
  G_OBJECT_CLASS (ferry_demo_robust_page_parent_class)->dispose (object);
}

static void
ferry_demo_robust_page_class_init (FerryDemoRobustPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_robust_page_dispose;
  widget_class->map = ferry_demo_robust_page_map;
  widget_class->unmap = ferry_demo_robust_page_unmap;
  g_type_ensure (FERRY_DEMO_TYPE_PLOT);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-robust-page.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRobustPage, trials_group);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRobustPage, first_row);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRobustPage, second_row);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRobustPage, cost_row);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRobustPage, cost_icon);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoRobustPage, plot);
  gtk_widget_class_install_action (widget_class, "robust.try", "u", try_out);
  gtk_widget_class_install_action (widget_class, "robust.start", NULL, start);
}

static void
ferry_demo_robust_page_init (FerryDemoRobustPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  ferry_demo_plot_begin (self->plot, 100.0, ferry_demo_format_latency);
}

static AdwActionRow *
add_row (FerryDemoRobustPage *self, guint number, const char *title, const char *subtitle)
{
  GtkWidget *button = g_object_new (GTK_TYPE_BUTTON, "label", _ ("Try"), "valign", GTK_ALIGN_CENTER, "action-name",
                                    "robust.try", "action-target", g_variant_new_uint32 (number), NULL);
  GtkWidget *row =
    g_object_new (ADW_TYPE_ACTION_ROW, "title", title, "subtitle", subtitle, "activatable-widget", button, NULL);

  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, title, -1);
  adw_preferences_group_add (self->trials_group, row);
  return ADW_ACTION_ROW (row);
}

GtkWidget *
ferry_demo_robust_page_new (FerryDemoSession *session)
{
  static const struct
  {
    const char *mode;
    const char *title;
    const char *subtitle;
  } trials[N_TRIALS] = {
    {FERRY_DEMO_PIPE_CRASH, N_ ("Crash"), N_ ("It writes to memory that it must not touch")},
    {FERRY_DEMO_PIPE_HANG, N_ ("Hang"), N_ ("It stops sending and does not react to anything")},
    {FERRY_DEMO_PIPE_RUBBISH, N_ ("Send Garbage"), N_ ("It overwrites its messages while they are on their way")},
  };
  FerryDemoRobustPage *self = g_object_new (FERRY_DEMO_TYPE_ROBUST_PAGE, NULL);
  FerryRouter *router = ferry_demo_session_get_router (session);
  const char *worker_path = ferry_demo_session_get_worker_path (session);

  for (guint i = 0; i < N_BYSTANDERS; i++)
    {
      self->bystanders[i] = ferry_demo_pipe_new (router, worker_path, FERRY_DEMO_PIPE_PACE);
      g_signal_connect_object (self->bystanders[i], "ended", G_CALLBACK (lost_cb), self, G_CONNECT_SWAPPED);
    }
  for (guint i = 0; i < N_TRIALS; i++)
    {
      Trial *trial = &self->trials[i];

      *trial = (Trial){.page = self, .row = add_row (self, i, _ (trials[i].title), _ (trials[i].subtitle))};
      trial->pipe = ferry_demo_pipe_new (router, worker_path, trials[i].mode);
      g_signal_connect (trial->pipe, "ended", G_CALLBACK (ended_cb), trial);
    }
  add_row (self, N_TRIALS, _ ("All at Once"), _ ("All three at the same time"));
  return GTK_WIDGET (self);
}
