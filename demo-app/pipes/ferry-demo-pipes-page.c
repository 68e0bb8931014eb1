/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pipes/ferry-demo-pipes-page.h"

#include <signal.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-plot.h"
#include "pipes/ferry-demo-pipe.h"

#define N_PIPES 3
/* A minute, in points. */
#define TURNS_PER_POINT 4
#define N_POINTS (60 * 1000 / FERRY_DEMO_METER_SLOT_MILLISECONDS / TURNS_PER_POINT)
/* Before a worker that was lost is followed by another one, so that the loss is seen. */
#define PAUSE_MILLISECONDS 2000

struct _FerryDemoPipesPage
{
  FerryDemoPage parent_instance;

  FerryDemoPipe *pipes[N_PIPES];
  guint victim; /* that is killed next */
  guint n_turns;
  guint start_timeout;
};

G_DEFINE_FINAL_TYPE (FerryDemoPipesPage, ferry_demo_pipes_page, FERRY_DEMO_TYPE_PAGE)

static void
show_pipe (FerryDemoPipesPage *self, guint i, const FerryDemoReading *reading)
{
  const FerryDemoPipeFigures *figures = ferry_demo_pipe_get_figures (self->pipes[i]);
  g_autofree char *name = g_strdup_printf ("pipe_label_%u", i);
  g_autofree char *rate = ferry_format_amount (reading->messages_per_second);
  g_autofree char *latency =
    reading->has_latency ? ferry_demo_format_latency (reading->latency_median) : g_strdup ("–");
  g_autofree char *wrong = ferry_format_count (figures->n_wrong);

  if (ferry_demo_pipe_is_running (self->pipes[i]))
    ferry_demo_page_take_text (self, name,
                               g_strdup_printf (_ ("%s messages/s, %s late, %s lost"), rate, latency, wrong));
}

static void
turn (FerryDemoPage *page)
{
  FerryDemoPipesPage *self = FERRY_DEMO_PIPES_PAGE (page);
  double rates[N_PIPES], latencies[N_PIPES];
  gboolean is_point = ++self->n_turns % TURNS_PER_POINT == 0;

  for (guint i = 0; i < N_PIPES; i++)
    {
      FerryDemoReading reading;

      ferry_demo_pipe_turn (self->pipes[i], g_get_monotonic_time (), &reading);
      rates[i] = reading.messages_per_second;
      latencies[i] = reading.has_latency ? reading.latency_median : -1.0;
      if (is_point)
        show_pipe (self, i, &reading);
    }
  if (is_point)
    {
      gpointer rate_plot = ferry_demo_page_get_child (self, "rate_plot");
      gpointer latency_plot = ferry_demo_page_get_child (self, "latency_plot");
      g_autofree char *rate = NULL;

      ferry_demo_plot_add (rate_plot, rates);
      ferry_demo_plot_add (latency_plot, latencies);
      rate = ferry_format_amount (ferry_demo_plot_get_highest (rate_plot));
      ferry_demo_page_take_text (self, "rate_label", g_strdup_printf (_ ("up to %s/s"), rate));
      rate = (g_free (rate), ferry_demo_format_latency (ferry_demo_plot_get_highest (latency_plot)));
      ferry_demo_page_take_text (self, "latency_label", g_strdup_printf (_ ("up to %s"), rate));
    }
}

static gboolean
start_cb (gpointer user_data)
{
  FerryDemoPipesPage *self = user_data;
  g_autoptr (GError) error = NULL;

  self->start_timeout = 0;
  for (guint i = 0; i < N_PIPES && error == NULL; i++)
    ferry_demo_pipe_start (self->pipes[i], &error);
  ferry_demo_page_tell_error (self, error);
  return G_SOURCE_REMOVE;
}

static void
start (FerryDemoPage *page)
{
  start_cb (page);
}

/* A worker that does not come to its first message would not do so the next time. */
static void
ended_cb (FerryDemoPipesPage *self, const char *words, FerryDemoPipe *pipe)
{
  guint i = 0;
  g_autofree char *name = NULL;

  while (self->pipes[i] != pipe)
    i++;
  name = g_strdup_printf ("pipe_label_%u", i);
  ferry_demo_page_take_text (self, name, g_strdup (words));
  if (ferry_demo_pipe_get_figures (pipe)->last_time == 0)
    ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_ERROR, words);
  else if (ferry_demo_page_is_turning (self) && self->start_timeout == 0)
    self->start_timeout = g_timeout_add (PAUSE_MILLISECONDS, start_cb, self);
}

/* The page is not seen: workers that send for nothing cost the machine something. */
static void
rest (FerryDemoPage *page)
{
  FerryDemoPipesPage *self = FERRY_DEMO_PIPES_PAGE (page);

  g_clear_handle_id (&self->start_timeout, g_source_remove);
  for (guint i = 0; i < N_PIPES; i++)
    ferry_demo_pipe_stop (self->pipes[i]);
}

static void
try_to_break (FerryDemoPage *page)
{
  FerryDemoPipesPage *self = FERRY_DEMO_PIPES_PAGE (page);

  ferry_demo_pipe_send_signal (self->pipes[self->victim], SIGKILL);
  self->victim = (self->victim + 1) % N_PIPES;
}

static void
begin (FerryDemoPage *page, FerryDemoSession *session)
{
  FerryDemoPipesPage *self = FERRY_DEMO_PIPES_PAGE (page);

  for (guint i = 0; i < N_PIPES; i++)
    {
      g_autofree char *name = g_strdup_printf ("pipe_mark_%u", i);
      const GdkRGBA *colour = ferry_demo_plot_get_colour (i);
      g_autofree char *mark = g_strdup_printf ("<span foreground='#%02x%02x%02x'>●</span>", (guint) (colour->red * 255),
                                               (guint) (colour->green * 255), (guint) (colour->blue * 255));

      gtk_label_set_markup (ferry_demo_page_get_child (self, name), mark);
      self->pipes[i] = ferry_demo_pipe_new (
        ferry_demo_session_get_router (session), ferry_demo_session_get_worker_path (session),
        ferry_demo_session_prefers_throughput (session) ? FERRY_DEMO_PIPE_FLOOD : FERRY_DEMO_PIPE_PACE);
      g_signal_connect_object (self->pipes[i], "ended", G_CALLBACK (ended_cb), self, G_CONNECT_SWAPPED);
    }
}

static gboolean
is_settled (FerryDemoPage *page)
{
  return FERRY_DEMO_PIPES_PAGE (page)->n_turns > 4 * TURNS_PER_POINT;
}

/* ---- the page itself ---- */

static void
ferry_demo_pipes_page_dispose (GObject *object)
{
  FerryDemoPipesPage *self = FERRY_DEMO_PIPES_PAGE (object);

  g_clear_handle_id (&self->start_timeout, g_source_remove);
  for (guint i = 0; i < N_PIPES; i++)
    g_clear_object (&self->pipes[i]);
  G_OBJECT_CLASS (ferry_demo_pipes_page_parent_class)->dispose (object);
}

static void
ferry_demo_pipes_page_class_init (FerryDemoPipesPageClass *klass)
{
  static const char *const names[] = {"pipe_mark_0",  "pipe_mark_1",   "pipe_mark_2", "pipe_label_0",
                                      "pipe_label_1", "pipe_label_2",  "rate_plot",   "latency_plot",
                                      "rate_label",   "latency_label", NULL};

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_pipes_page_dispose;
  FERRY_DEMO_PAGE_CLASS (klass)->begin = begin;
  FERRY_DEMO_PAGE_CLASS (klass)->try_to_break = try_to_break;
  FERRY_DEMO_PAGE_CLASS (klass)->try_again = start;
  FERRY_DEMO_PAGE_CLASS (klass)->start = start;
  FERRY_DEMO_PAGE_CLASS (klass)->turn = turn;
  FERRY_DEMO_PAGE_CLASS (klass)->rest = rest;
  FERRY_DEMO_PAGE_CLASS (klass)->turn_milliseconds = FERRY_DEMO_METER_SLOT_MILLISECONDS;
  FERRY_DEMO_PAGE_CLASS (klass)->is_settled = is_settled;
  g_type_ensure (FERRY_DEMO_TYPE_PLOT);
  ferry_demo_page_class_set_template (klass, "ferry-demo-pipes-page", names);
}

static void
ferry_demo_pipes_page_init (FerryDemoPipesPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  ferry_demo_plot_begin (ferry_demo_page_get_child (self, "rate_plot"), N_PIPES, N_POINTS, 1000.0);
  ferry_demo_plot_begin (ferry_demo_page_get_child (self, "latency_plot"), N_PIPES, N_POINTS, 100.0);
}
