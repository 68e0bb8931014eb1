/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two bystanders send numbered messages all the time. A trial is a third worker, which goes wrong half a second after
 * it began. Its row says how that ended, and what the bystanders had to bear meanwhile: messages that are missing, and
 * the longest wait for one. */

#include "robust/ferry-demo-robust-page.h"

#include <signal.h>

#include "app/ferry-demo-format.h"
#include "pipes/ferry-demo-pipe.h"

#define N_BYSTANDERS 2
#define TURN_MILLISECONDS 100
/* A trial that was not heard for so long hangs, and is ended. */
#define PATIENCE G_USEC_PER_SEC

typedef struct
{
  FerryDemoRobustPage *page; /* (unowned) */
  const char *mode;
  FerryDemoPipe *pipe;
  guint64 received_before[N_BYSTANDERS];
  guint64 wrong_before;
  gint64 begun;
  gboolean hung;
} Trial;

struct _FerryDemoRobustPage
{
  FerryDemoPage parent_instance;

  FerryDemoPipe *bystanders[N_BYSTANDERS];
  Trial trials[3];
};

G_DEFINE_FINAL_TYPE (FerryDemoRobustPage, ferry_demo_robust_page, FERRY_DEMO_TYPE_PAGE)

static guint64
count_wrong (FerryDemoRobustPage *self)
{
  guint64 n_wrong = 0;

  for (guint i = 0; i < N_BYSTANDERS; i++)
    n_wrong += ferry_demo_pipe_get_figures (self->bystanders[i])->n_wrong;
  return n_wrong;
}

/* ---- trials ---- */

static char *
describe_cost (FerryDemoRobustPage *self, Trial *trial)
{
  guint64 n_messages = 0, n_wrong = count_wrong (self) - trial->wrong_before;
  gint64 longest = 0;
  g_autofree char *messages = NULL;
  g_autofree char *wait = NULL;
  g_autofree char *wrong = ferry_format_count (n_wrong);

  for (guint i = 0; i < N_BYSTANDERS; i++)
    {
      const FerryDemoPipeFigures *figures = ferry_demo_pipe_get_figures (self->bystanders[i]);

      n_messages += figures->n_messages - trial->received_before[i];
      longest = MAX (longest, figures->longest_wait);
    }
  messages = ferry_format_count (n_messages);
  wait = ferry_demo_format_latency ((double) longest);
  return g_strdup_printf (_ ("Cost the others: %s of %s messages; their longest wait was %s"), wrong, messages, wait);
}

static void
show_result (Trial *trial, const char *words)
{
  g_autofree char *name = g_strconcat (trial->mode, "-label", NULL);
  g_autofree char *cost = describe_cost (trial->page, trial);
  double seconds = (double) (g_get_monotonic_time () - trial->begun) / G_USEC_PER_SEC;

  ferry_demo_page_take_text (trial->page, name,
                             trial->hung ? g_strdup_printf (_ ("Hung, and was ended after %.1f s. %s."), seconds, cost)
                                         : g_strdup_printf (_ ("After %.1f s: %s. %s."), seconds, words, cost));
}

static void
ended_cb (FerryDemoPipe *pipe, const char *words, Trial *trial)
{
  show_result (trial, words);
}

static void
begin_trial (FerryDemoRobustPage *self, Trial *trial)
{
  g_autofree char *name = g_strconcat (trial->mode, "-label", NULL);
  g_autoptr (GError) error = NULL;

  if (ferry_demo_pipe_is_running (trial->pipe))
    return;
  trial->begun = g_get_monotonic_time ();
  trial->hung = FALSE;
  trial->wrong_before = count_wrong (self);
  for (guint i = 0; i < N_BYSTANDERS; i++)
    {
      trial->received_before[i] = ferry_demo_pipe_get_figures (self->bystanders[i])->n_messages;
      ferry_demo_pipe_forget_wait (self->bystanders[i]);
    }
  if (ferry_demo_pipe_start (trial->pipe, &error))
    ferry_demo_page_take_text (self, name, g_strdup (_ ("Works as it should, for half a second…")));
  else
    ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_ERROR, error->message);
}

static void
run_trial (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (widget);

  for (guint i = 0; i < G_N_ELEMENTS (self->trials); i++)
    if (g_str_has_suffix (self->trials[i].mode, strchr (action, '.') + 1))
      begin_trial (self, &self->trials[i]);
}

static void
end_where_it_hangs (Trial *trial, gint64 now)
{
  gint64 heard = ferry_demo_pipe_get_figures (trial->pipe)->last_time;

  if (!ferry_demo_pipe_is_running (trial->pipe) || heard == 0 || now - heard < PATIENCE)
    return;
  trial->hung = TRUE;
  ferry_demo_pipe_send_signal (trial->pipe, SIGKILL);
}

/* ---- bystanders ---- */

static void
turn (FerryDemoPage *page)
{
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (page);
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; i < N_BYSTANDERS; i++)
    {
      const FerryDemoPipeFigures *figures = ferry_demo_pipe_get_figures (self->bystanders[i]);
      g_autofree char *name = g_strdup_printf ("bystander_label_%u", i);
      g_autofree char *messages = ferry_format_count (figures->n_messages);
      g_autofree char *wrong = ferry_format_count (figures->n_wrong);

      ferry_demo_page_take_text (self, name, g_strdup_printf (_ ("%s messages, %s missing"), messages, wrong));
    }
  for (guint i = 0; i < G_N_ELEMENTS (self->trials); i++)
    end_where_it_hangs (&self->trials[i], now);
}

static void
start (FerryDemoPage *page)
{
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (page);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_BYSTANDERS && error == NULL; i++)
    ferry_demo_pipe_start (self->bystanders[i], &error);
  ferry_demo_page_tell_error (self, error);
}

static void
lost_cb (FerryDemoRobustPage *self, const char *words)
{
  ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_ERROR, words);
}

static void
rest (FerryDemoPage *page)
{
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (page);

  for (guint i = 0; i < N_BYSTANDERS; i++)
    ferry_demo_pipe_stop (self->bystanders[i]);
  for (guint i = 0; i < G_N_ELEMENTS (self->trials); i++)
    ferry_demo_pipe_stop (self->trials[i].pipe);
}

/* ---- the page itself ---- */

static void
try_to_break (FerryDemoPage *page)
{
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (page);

  for (guint i = 0; i < G_N_ELEMENTS (self->trials); i++)
    begin_trial (self, &self->trials[i]);
}

static void
begin (FerryDemoPage *page, FerryDemoSession *session)
{
  static const char *const modes[] = {FERRY_DEMO_PIPE_CRASH, FERRY_DEMO_PIPE_HANG, FERRY_DEMO_PIPE_RUBBISH};
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (page);
  FerryRouter *router = ferry_demo_session_get_router (session);
  const char *worker_path = ferry_demo_session_get_worker_path (session);

  for (guint i = 0; i < N_BYSTANDERS; i++)
    {
      self->bystanders[i] = ferry_demo_pipe_new (router, worker_path, FERRY_DEMO_PIPE_PACE);
      g_signal_connect_object (self->bystanders[i], "ended", G_CALLBACK (lost_cb), self, G_CONNECT_SWAPPED);
    }
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      self->trials[i] = (Trial){.page = self, .mode = modes[i]};
      self->trials[i].pipe = ferry_demo_pipe_new (router, worker_path, modes[i]);
      g_signal_connect (self->trials[i].pipe, "ended", G_CALLBACK (ended_cb), &self->trials[i]);
    }
}

static gboolean
is_settled (FerryDemoPage *page)
{
  return ferry_demo_pipe_get_figures (FERRY_DEMO_ROBUST_PAGE (page)->bystanders[0])->n_messages > 10000;
}

static void
ferry_demo_robust_page_dispose (GObject *object)
{
  FerryDemoRobustPage *self = FERRY_DEMO_ROBUST_PAGE (object);

  for (guint i = 0; i < N_BYSTANDERS; i++)
    g_clear_object (&self->bystanders[i]);
  for (guint i = 0; i < G_N_ELEMENTS (self->trials); i++)
    {
      if (self->trials[i].pipe != NULL)
        g_signal_handlers_disconnect_by_data (self->trials[i].pipe, &self->trials[i]);
      g_clear_object (&self->trials[i].pipe);
    }
  G_OBJECT_CLASS (ferry_demo_robust_page_parent_class)->dispose (object);
}

static void
ferry_demo_robust_page_class_init (FerryDemoRobustPageClass *klass)
{
  static const char *const names[] = {"bystander_label_0", "bystander_label_1",  "pipe-crash-label",
                                      "pipe-hang-label",   "pipe-rubbish-label", NULL};

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_robust_page_dispose;
  FERRY_DEMO_PAGE_CLASS (klass)->is_settled = is_settled;
  FERRY_DEMO_PAGE_CLASS (klass)->begin = begin;
  FERRY_DEMO_PAGE_CLASS (klass)->try_to_break = try_to_break;
  FERRY_DEMO_PAGE_CLASS (klass)->try_again = start;
  FERRY_DEMO_PAGE_CLASS (klass)->start = start;
  FERRY_DEMO_PAGE_CLASS (klass)->turn = turn;
  FERRY_DEMO_PAGE_CLASS (klass)->rest = rest;
  FERRY_DEMO_PAGE_CLASS (klass)->turn_milliseconds = TURN_MILLISECONDS;
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "robust.crash", NULL, run_trial);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "robust.hang", NULL, run_trial);
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "robust.rubbish", NULL, run_trial);
  ferry_demo_page_class_set_template (klass, "ferry-demo-robust-page", names);
}

static void
ferry_demo_robust_page_init (FerryDemoRobustPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
