/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* On the left a main loop that does its work itself. It is that of another process, so that it can freeze and this
 * window does not: its frames come through a pipe. On the right this window's own main loop, with the same work done by
 * a worker. */

#include "start/ferry-demo-start-page.h"

#include <signal.h>

#include "app/ferry-demo-workers.h"
#include "pipes/ferry-demo-pipe.h"
#include "start/ferry-demo-frame-meter.h"

#define TURN_MILLISECONDS 200
/* So often the work is begun again when its worker is lost. */
#define RETRIES 3

struct _FerryDemoStartPage
{
  FerryDemoPage parent_instance;

  FerryDemoPipe *loop;
  FerryExecutor *executor; /* of one worker */
  FerryTask *task;         /* NULL while there is no work */
  gboolean loop_draws;     /* it has sent a frame, so it hears signals */
  gboolean loop_works;     /* or will, and has not said that it is done */
  gboolean is_measured;    /* both sides did all of the work, or are still at it */
  FerryDemoFrameMeter *loop_meter;
  FerryDemoFrameMeter *own_meter;
  guint tick_callback;
  guint n_turns;
};

G_DEFINE_FINAL_TYPE (FerryDemoStartPage, ferry_demo_start_page, FERRY_DEMO_TYPE_PAGE)

/* ---- frames ---- */

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  ferry_demo_frame_meter_count (FERRY_DEMO_START_PAGE (widget)->own_meter);
  return G_SOURCE_CONTINUE;
}

static void
turn (FerryDemoPage *page)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (page);

  ferry_demo_frame_meter_turn (self->loop_meter);
  ferry_demo_frame_meter_turn (self->own_meter);
  self->n_turns++;
}

/* ---- the work ---- */

static void
show_verdict (FerryDemoStartPage *self)
{
  double loop_wait, own_wait;

  loop_wait = (double) ferry_demo_frame_meter_take_longest_wait (self->loop_meter) / G_USEC_PER_SEC;
  own_wait = (double) ferry_demo_frame_meter_take_longest_wait (self->own_meter) / G_USEC_PER_SEC;
  ferry_demo_page_take_text (
    self, "verdict_label",
    g_strdup_printf (
      _ ("The same work: the main loop was frozen for %.1f s; with Ferry the longest wait for a frame was "
         "%.0f ms."),
      loop_wait, own_wait * 1000.0));
}

/* Work that was stopped half-way, as the page was left, says nothing about either side. */
static void
show_end (FerryDemoStartPage *self)
{
  if (self->loop_works || self->task != NULL)
    return;
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "start.freeze", TRUE);
  if (self->is_measured)
    {
      show_verdict (self);
      return;
    }
  gtk_progress_bar_set_fraction (ferry_demo_page_get_child (self, "own_bar"), 0.0);
  ferry_demo_page_take_text (self, "verdict_label", g_strdup (_ ("Press the button: it takes five seconds.")));
}

static void
freeze_loop (FerryDemoStartPage *self)
{
  ferry_demo_frame_meter_take_longest_wait (self->loop_meter);
  ferry_demo_pipe_send_signal (self->loop, SIGUSR1);
}

/* Before its first frame, the signal would end the process. */
static void
frame_cb (FerryDemoStartPage *self, double done)
{
  ferry_demo_frame_meter_count (self->loop_meter);
  if (!self->loop_draws && self->loop_works)
    freeze_loop (self);
  self->loop_draws = TRUE;
  if (!self->loop_works || done < 1.0)
    return;
  self->loop_works = FALSE;
  gtk_progress_bar_set_fraction (ferry_demo_page_get_child (self, "loop_bar"), 1.0);
  show_end (self);
}

static void
done_cb (FerryDemoStartPage *self, FerryTask *task)
{
  g_autofree char *title = NULL;

  if (self->task != task)
    return;
  if (ferry_task_describe_error (task, &title, NULL, NULL))
    {
      self->is_measured = FALSE;
      ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_WARNING, title);
    }
  g_clear_object (&self->task);
  show_end (self);
}

static void
begin_task (FerryDemoStartPage *self)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, FERRY_DEMO_WORK, NULL);
  g_autoptr (GError) error = NULL;

  g_object_set (task, "retries", RETRIES, NULL);
  g_signal_connect_object (task, "done", G_CALLBACK (done_cb), self, G_CONNECT_SWAPPED);
  g_object_bind_property (task, "fraction", ferry_demo_page_get_child (self, "own_bar"), "fraction",
                          G_BINDING_SYNC_CREATE);
  if (ferry_executor_submit_task (self->executor, task, &error))
    self->task = g_steal_pointer (&task);
  ferry_demo_page_tell_error (self, error);
}

static void
freeze (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (widget);

  if (!ferry_demo_pipe_is_running (self->loop) || self->loop_works || self->task != NULL)
    return;
  gtk_widget_action_set_enabled (widget, "start.freeze", FALSE);
  ferry_demo_page_take_text (self, "verdict_label", g_strdup (_ ("Five seconds of work, on both sides…")));
  ferry_demo_frame_meter_take_longest_wait (self->own_meter);
  gtk_progress_bar_set_fraction (ferry_demo_page_get_child (self, "loop_bar"), 0.0);
  self->loop_works = TRUE;
  self->is_measured = TRUE;
  if (self->loop_draws)
    freeze_loop (self);
  begin_task (self);
}

/* ---- workers ---- */

static void
start_loop (FerryDemoPage *page)
{
  g_autoptr (GError) error = NULL;

  ferry_demo_pipe_start (FERRY_DEMO_START_PAGE (page)->loop, &error);
  ferry_demo_page_tell_error (page, error);
}

static void
ended_cb (FerryDemoStartPage *self, const char *words)
{
  self->loop_draws = FALSE;
  self->loop_works = FALSE;
  self->is_measured = FALSE;
  ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_ERROR, words);
  show_end (self);
}

static void
rest (FerryDemoPage *page)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (page);

  if (self->tick_callback != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick_callback);
  self->tick_callback = 0;
  self->loop_draws = FALSE;
  self->loop_works = FALSE;
  self->is_measured = FALSE;
  ferry_demo_pipe_stop (self->loop);
  if (self->task != NULL)
    ferry_task_cancel (self->task);
}

static void
stopping_cb (FerryDemoStartPage *self)
{
  rest (FERRY_DEMO_PAGE (self));
  ferry_demo_end (self->executor);
}

/* The worker is lost in the middle of its work; the next one begins it again. */
static void
try_to_break (FerryDemoPage *page)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (page);
  GListModel *workers = ferry_pool_get_workers (ferry_executor_get_pool (self->executor));
  g_autoptr (FerryWorker) worker = g_list_model_get_item (workers, 0);

  if (self->task == NULL)
    freeze (GTK_WIDGET (page), NULL, NULL);
  else if (worker != NULL)
    ferry_worker_force_exit (worker);
}

static void
begin (FerryDemoPage *page, FerryDemoSession *session)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (page);
  FerryRouter *router = ferry_demo_session_get_router (session);
  const char *worker_path = ferry_demo_session_get_worker_path (session);
  g_autoptr (FerryLauncher) launcher = ferry_demo_launcher_new (worker_path, NULL);
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);
  g_autoptr (GError) error = NULL;

  g_object_set (pool, "name", "start", "max-workers", 1, NULL);
  self->executor = ferry_executor_new (pool);
  self->loop = ferry_demo_pipe_new (router, worker_path, FERRY_DEMO_PIPE_LOOP);
  ferry_demo_pipe_set_tells (self->loop, TRUE);
  g_signal_connect_object (self->loop, "message", G_CALLBACK (frame_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->loop, "ended", G_CALLBACK (ended_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "stopping", G_CALLBACK (stopping_cb), self, G_CONNECT_SWAPPED);
  ferry_pool_start (pool, &error);
  ferry_demo_page_tell_error (page, error);
}

/* ---- the page itself ---- */

static gboolean
is_settled (FerryDemoPage *page)
{
  return FERRY_DEMO_START_PAGE (page)->n_turns > 10;
}

static void
start (FerryDemoPage *page)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (page);

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "start.freeze", TRUE);
  self->tick_callback = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
  start_loop (page);
}

static void
ferry_demo_start_page_dispose (GObject *object)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (object);

  g_clear_object (&self->task);
  g_clear_object (&self->loop);
  g_clear_object (&self->executor);
  G_OBJECT_CLASS (ferry_demo_start_page_parent_class)->dispose (object);
}

static void
ferry_demo_start_page_class_init (FerryDemoStartPageClass *klass)
{
  static const char *const names[] = {"loop_meter", "own_meter", "loop_bar", "own_bar", "verdict_label", NULL};

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_start_page_dispose;
  FERRY_DEMO_PAGE_CLASS (klass)->begin = begin;
  FERRY_DEMO_PAGE_CLASS (klass)->try_to_break = try_to_break;
  FERRY_DEMO_PAGE_CLASS (klass)->try_again = start_loop;
  FERRY_DEMO_PAGE_CLASS (klass)->start = start;
  FERRY_DEMO_PAGE_CLASS (klass)->turn = turn;
  FERRY_DEMO_PAGE_CLASS (klass)->rest = rest;
  FERRY_DEMO_PAGE_CLASS (klass)->turn_milliseconds = TURN_MILLISECONDS;
  FERRY_DEMO_PAGE_CLASS (klass)->is_settled = is_settled;
  gtk_widget_class_install_action (GTK_WIDGET_CLASS (klass), "start.freeze", NULL, freeze);
  g_type_ensure (FERRY_DEMO_TYPE_FRAME_METER);
  ferry_demo_page_class_set_template (klass, "ferry-demo-start-page", names);
}

static void
ferry_demo_start_page_init (FerryDemoStartPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->loop_meter = ferry_demo_page_get_child (self, "loop_meter");
  self->own_meter = ferry_demo_page_get_child (self, "own_meter");
}
