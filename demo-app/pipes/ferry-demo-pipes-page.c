/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gi18n.h>
#include <signal.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-pages.h"
#include "app/ferry-demo-plot.h"
#include "app/ferry-demo-window.h"
#include "pipes/ferry-demo-pipe.h"

#define N_PIPES FERRY_DEMO_PLOT_MAX_LINES
#define TURN_MILLISECONDS 1000
/* Before a worker that was lost is followed by another one, so that the loss is seen. */
#define PAUSE_MILLISECONDS 2000

#define FERRY_DEMO_TYPE_PIPES_PAGE (ferry_demo_pipes_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPipesPage, ferry_demo_pipes_page, FERRY_DEMO, PIPES_PAGE, AdwBin)

struct _FerryDemoPipesPage
{
  AdwBin parent_instance;

  FerryDemoPipe *pipes[N_PIPES];
  AdwActionRow *rows[N_PIPES];
  guint turn_timeout; /* while the page is seen */
  guint start_timeout;

  FerryDemoPlot *rate_plot;
  FerryDemoPlot *latency_plot;
  GtkListBox *list;
};

G_DEFINE_FINAL_TYPE (FerryDemoPipesPage, ferry_demo_pipes_page, ADW_TYPE_BIN)

/* ---- figures ---- */

static void
show_pipe (FerryDemoPipesPage *self, guint i, double rate, double delay)
{
  guint64 n_wrong = ferry_demo_pipe_get_figures (self->pipes[i])->n_wrong;
  g_autofree char *messages = ferry_format_amount (rate);
  g_autofree char *time = ferry_demo_format_latency (delay);
  g_autofree char *lost = n_wrong > 0 ? ferry_demo_format_counted (n_wrong, _ ("%s lost")) : g_strdup (_ ("no losses"));
  g_autofree char *words = g_strdup_printf (_ ("%s messages/s, delivered in %s, %s"), messages, time, lost);

  adw_action_row_set_subtitle (self->rows[i], words);
}

static gboolean
turn_cb (gpointer user_data)
{
  FerryDemoPipesPage *self = user_data;
  double rates[N_PIPES], delays[N_PIPES];

  for (guint i = 0; i < N_PIPES; i++)
    if (ferry_demo_pipe_read (self->pipes[i], &rates[i], &delays[i]) && ferry_demo_pipe_is_running (self->pipes[i]))
      show_pipe (self, i, rates[i], delays[i]);
  ferry_demo_plot_add (self->rate_plot, rates);
  ferry_demo_plot_add (self->latency_plot, delays);
  return G_SOURCE_CONTINUE;
}

/* ---- workers ---- */

static gboolean
start_cb (gpointer user_data)
{
  FerryDemoPipesPage *self = user_data;
  g_autoptr (GError) error = NULL;

  self->start_timeout = 0;
  for (guint i = 0; i < N_PIPES && error == NULL; i++)
    ferry_demo_pipe_start (self->pipes[i], &error);
  if (error != NULL)
    ferry_demo_tell_error (GTK_WIDGET (self), error, "pipes.start");
  return G_SOURCE_REMOVE;
}

static void
start (GtkWidget *widget, const char *action, GVariant *parameter)
{
  start_cb (widget);
}

/* A worker that does not come to its first message would not do so the next time. */
static void
ended_cb (FerryDemoPipe *pipe, FerryExit *ended, AdwActionRow *row)
{
  FerryDemoPipesPage *self =
    FERRY_DEMO_PIPES_PAGE (gtk_widget_get_ancestor (GTK_WIDGET (row), FERRY_DEMO_TYPE_PIPES_PAGE));

  adw_action_row_set_subtitle (row, ferry_demo_describe_end (ended));
  if (ferry_demo_pipe_get_figures (pipe)->last_time == 0)
    ferry_demo_tell_error (GTK_WIDGET (self), NULL, "pipes.start");
  else if (self->turn_timeout != 0 && self->start_timeout == 0)
    self->start_timeout = g_timeout_add (PAUSE_MILLISECONDS, start_cb, self);
}

/* The others lose nothing by it. */
static void
kill_worker (GtkWidget *widget, const char *action, GVariant *parameter)
{
  guint i = g_variant_get_uint32 (parameter);

  g_return_if_fail (i < N_PIPES);

  ferry_demo_pipe_send_signal (FERRY_DEMO_PIPES_PAGE (widget)->pipes[i], SIGKILL);
}

/* ---- the page itself ---- */

static void
ferry_demo_pipes_page_map (GtkWidget *widget)
{
  FerryDemoPipesPage *self = FERRY_DEMO_PIPES_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_demo_pipes_page_parent_class)->map (widget);
  self->turn_timeout = g_timeout_add (TURN_MILLISECONDS, turn_cb, self);
  start_cb (self);
}

/* Workers that send for nothing cost the machine something. */
static void
rest (FerryDemoPipesPage *self)
{
  g_clear_handle_id (&self->turn_timeout, g_source_remove);
  g_clear_handle_id (&self->start_timeout, g_source_remove);
  for (guint i = 0; i < N_PIPES && self->pipes[i] != NULL; i++)
    ferry_demo_pipe_stop (self->pipes[i]);
}

static void
ferry_demo_pipes_page_unmap (GtkWidget *widget)
{
  rest (FERRY_DEMO_PIPES_PAGE (widget));
  GTK_WIDGET_CLASS (ferry_demo_pipes_page_parent_class)->unmap (widget);
}

static void
ferry_demo_pipes_page_dispose (GObject *object)
{
  FerryDemoPipesPage *self = FERRY_DEMO_PIPES_PAGE (object);

  rest (self);
  for (guint i = 0; i < N_PIPES; i++)
    g_clear_object (&self->pipes[i]);
  G_OBJECT_CLASS (ferry_demo_pipes_page_parent_class)->dispose (object);
}

static void
ferry_demo_pipes_page_class_init (FerryDemoPipesPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_pipes_page_dispose;
  widget_class->map = ferry_demo_pipes_page_map;
  widget_class->unmap = ferry_demo_pipes_page_unmap;
  g_type_ensure (FERRY_DEMO_TYPE_PLOT);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-pipes-page.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoPipesPage, rate_plot);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoPipesPage, latency_plot);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoPipesPage, list);
  gtk_widget_class_install_action (widget_class, "pipes.kill", "u", kill_worker);
  gtk_widget_class_install_action (widget_class, "pipes.start", NULL, start);
}

static void
ferry_demo_pipes_page_init (FerryDemoPipesPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  ferry_demo_plot_begin (self->rate_plot, 1000.0, ferry_format_amount);
  ferry_demo_plot_begin (self->latency_plot, 100.0, ferry_demo_format_latency);
}

/* What a worker's lines are drawn in stands before its name. */
static AdwActionRow *
add_row (FerryDemoPipesPage *self, guint i)
{
  g_autofree char *name = g_strdup_printf (_ ("Worker %u"), i + 1);
  const GdkRGBA *colour = ferry_demo_plot_get_colour (i);
  g_autofree char *mark = g_strdup_printf ("<span foreground='#%02x%02x%02x'>●</span>", (guint) (colour->red * 255),
                                           (guint) (colour->green * 255), (guint) (colour->blue * 255));
  GtkWidget *row =
    g_object_new (ADW_TYPE_ACTION_ROW, "title", name, "subtitle", _ ("Starting…"), "subtitle-lines", 0, NULL);

  GtkWidget *button = g_object_new (GTK_TYPE_BUTTON, "label", _ ("Kill"), "valign", GTK_ALIGN_CENTER, "action-name",
                                    "pipes.kill", "action-target", g_variant_new_uint32 (i), NULL);

  gtk_widget_add_css_class (button, "destructive-action");
  gtk_widget_add_css_class (row, "numeric");
  adw_action_row_add_prefix (ADW_ACTION_ROW (row),
                             g_object_new (GTK_TYPE_LABEL, "label", mark, "use-markup", TRUE, NULL));
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, name, -1);
  gtk_list_box_append (self->list, row);
  return ADW_ACTION_ROW (row);
}

GtkWidget *
ferry_demo_pipes_page_new (FerryDemoSession *session)
{
  FerryDemoPipesPage *self = g_object_new (FERRY_DEMO_TYPE_PIPES_PAGE, NULL);

  for (guint i = 0; i < N_PIPES; i++)
    {
      self->rows[i] = add_row (self, i);
      self->pipes[i] = ferry_demo_pipe_new (ferry_demo_session_get_router (session),
                                            ferry_demo_session_get_worker_path (session), FERRY_DEMO_PIPE_PACE);
      g_signal_connect_object (self->pipes[i], "ended", G_CALLBACK (ended_cb), self->rows[i], 0);
    }
  return GTK_WIDGET (self);
}
