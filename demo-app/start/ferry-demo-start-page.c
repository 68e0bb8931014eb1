/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The first page: the same work on a main loop of its own, and in a worker.
 *
 * One main loop does its work itself. It is that of another process, so that it can freeze and this window does not:
 * its frames come through a pipe. The other one is this window's own, with the same work done by a worker. */

#include <ferry-gtk.h>
#include <glib/gi18n.h>
#include <math.h>
#include <signal.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-pages.h"
#include "app/ferry-demo-window.h"
#include "pipes/ferry-demo-pipe.h"

#define TURN_MILLISECONDS 100
/* In microseconds. A loop without a frame for longer is frozen, whatever the machine does beside it. */
#define FROZEN_TIME (2 * G_USEC_PER_SEC)
/* Nobody sees a frame that comes so much later than others do. */
#define FELT_TIME (G_USEC_PER_SEC / 10)
/* In turns: for so long frames are measured without the work, so that the machine's own pauses are known. */
#define QUIET_TURNS 10

/* Of the work of five seconds, not of this window. */
#define WORK_NICE 5

#define N_SPOKES 8
#define LINE_WIDTH 4.0
#define TURN_PER_FRAME 0.05 /* radians */

/* ---- frames: a wheel that turns with each, and the longest wait for one ---- */

#define FERRY_DEMO_TYPE_FRAME_METER (ferry_demo_frame_meter_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoFrameMeter, ferry_demo_frame_meter, FERRY_DEMO, FRAME_METER, GtkWidget)

struct _FerryDemoFrameMeter
{
  GtkWidget parent_instance;

  guint n_frames;
  gint64 last_frame;
  gint64 longest_wait;
};

G_DEFINE_FINAL_TYPE (FerryDemoFrameMeter, ferry_demo_frame_meter, GTK_TYPE_WIDGET)

/* In the colour of the style class "accent". */
static void
ferry_demo_frame_meter_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  float width = (float) gtk_widget_get_width (widget), height = (float) gtk_widget_get_height (widget);
  double radius = MIN (width, height) / 2.0 - LINE_WIDTH;
  cairo_t *cairo = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, width, height));
  GdkRGBA colour;

  gtk_style_context_get_color (gtk_widget_get_style_context (widget), &colour);
  gdk_cairo_set_source_rgba (cairo, &colour);
  cairo_set_line_width (cairo, LINE_WIDTH);
  cairo_translate (cairo, width / 2.0, height / 2.0);
  cairo_rotate (cairo, FERRY_DEMO_FRAME_METER (widget)->n_frames * TURN_PER_FRAME);
  cairo_arc (cairo, 0.0, 0.0, radius, 0.0, 2.0 * G_PI);
  for (guint i = 0; i < N_SPOKES; i++)
    {
      cairo_move_to (cairo, 0.0, 0.0);
      cairo_line_to (cairo, radius * cos (2.0 * G_PI * i / N_SPOKES), radius * sin (2.0 * G_PI * i / N_SPOKES));
    }
  cairo_stroke (cairo);
  cairo_destroy (cairo);
}

static void
ferry_demo_frame_meter_class_init (FerryDemoFrameMeterClass *klass)
{
  GTK_WIDGET_CLASS (klass)->snapshot = ferry_demo_frame_meter_snapshot;
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "wheel");
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
ferry_demo_frame_meter_init (FerryDemoFrameMeter *self)
{
  gtk_widget_add_css_class (GTK_WIDGET (self), "accent");
}

static gint64
ferry_demo_frame_meter_get_silence (FerryDemoFrameMeter *self)
{
  return self->last_frame != 0 ? g_get_monotonic_time () - self->last_frame : 0;
}

static void
ferry_demo_frame_meter_count (FerryDemoFrameMeter *self)
{
  self->longest_wait = MAX (self->longest_wait, ferry_demo_frame_meter_get_silence (self));
  self->last_frame = g_get_monotonic_time ();
  self->n_frames++;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* What was before says nothing: the page was not seen. */
static void
ferry_demo_frame_meter_reset (FerryDemoFrameMeter *self)
{
  self->last_frame = self->longest_wait = 0;
}

static gint64
ferry_demo_frame_meter_take_longest_wait (FerryDemoFrameMeter *self)
{
  gint64 longest = self->longest_wait;

  self->longest_wait = 0;
  return longest;
}

/* ---- the page ---- */

#define FERRY_DEMO_TYPE_START_PAGE (ferry_demo_start_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoStartPage, ferry_demo_start_page, FERRY_DEMO, START_PAGE, AdwBin)

struct _FerryDemoStartPage
{
  AdwBin parent_instance;

  FerryDemoPipe *loop;
  FerryExecutor *executor; /* of one worker */
  FerryTask *task;         /* NULL while there is no work */
  gboolean loop_draws;     /* it has sent a frame, so it hears signals */
  gboolean loop_works;     /* or will, and has not said that it is done */
  guint n_works;           /* how often this process of the loop was told to work */
  guint n_loop_clicks;     /* that it has taken */
  guint n_loop_waiting;    /* clicks that wait until it takes any */
  guint n_own_clicks;
  guint n_turns;        /* without the work */
  gint64 usual_wait;    /* the longest one of this window without the work, a moment ago */
  gboolean is_measured; /* both sides did all of the work, or are still at it */
  guint tick_callback;  /* while the page is seen */
  guint turn_timeout;

  FerryDemoFrameMeter *loop_meter;
  FerryDemoFrameMeter *own_meter;
  GtkLabel *loop_words;
  GtkLabel *own_words;
  GtkButton *loop_button;
  GtkButton *own_button;
  GtkProgressBar *bar;
  GtkWidget *next;
};

G_DEFINE_FINAL_TYPE (FerryDemoStartPage, ferry_demo_start_page, ADW_TYPE_BIN)

/* ---- frames ---- */

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  ferry_demo_frame_meter_count (FERRY_DEMO_START_PAGE (widget)->own_meter);
  return G_SOURCE_CONTINUE;
}

typedef enum
{
  SMOOTH,
  SLOW, /* as a whole machine may be */
  FROZEN,
} Judgement;

/* usual: the longest wait without the work. */
static Judgement
judge (gint64 wait, gint64 usual)
{
  if (wait > FROZEN_TIME)
    return FROZEN;
  return wait > usual + FELT_TIME ? SLOW : SMOOTH;
}

/* style_class: (nullable) */
static void
show_words (GtkLabel *label, const char *words, const char *style_class)
{
  gtk_label_set_text (label, words);
  gtk_widget_remove_css_class (GTK_WIDGET (label), "smooth");
  gtk_widget_remove_css_class (GTK_WIDGET (label), "frozen");
  if (style_class != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (label), style_class);
}

static void
show_silence (GtkLabel *label, gint64 wait, gint64 usual)
{
  Judgement judgement = judge (wait, usual);
  g_autofree char *time = ferry_demo_format_latency ((double) wait);
  g_autofree char *words =
    g_strdup_printf (judgement == FROZEN ? _ ("Frozen, for %s now") : _ ("No frame for %s"), time);

  if (judgement == SMOOTH)
    show_words (label, _ ("Responds"), "smooth");
  else
    show_words (label, words, judgement == FROZEN ? "frozen" : NULL);
}

static void
show_outcome (GtkLabel *label, gint64 wait, gint64 usual)
{
  Judgement judgement = judge (wait, usual);
  g_autofree char *time = ferry_demo_format_latency ((double) wait);
  g_autofree char *words = g_strdup_printf (
    judgement == FROZEN ? _ ("Frozen for %s") : _ ("No pause longer than %s; this machine is busy"), time);

  if (judgement == SMOOTH)
    show_words (label, _ ("Responded all the time"), "smooth");
  else
    show_words (label, words, judgement == FROZEN ? "frozen" : NULL);
}

/* While nothing works, the machine's own pauses are measured. */
static void
measure_quiet (FerryDemoStartPage *self)
{
  if (++self->n_turns % QUIET_TURNS == 0)
    self->usual_wait = ferry_demo_frame_meter_take_longest_wait (self->own_meter);
}

static gboolean
turn_cb (gpointer user_data)
{
  FerryDemoStartPage *self = user_data;

  if (self->loop_works)
    show_silence (self->loop_words, ferry_demo_frame_meter_get_silence (self->loop_meter), self->usual_wait);
  if (self->task != NULL)
    show_silence (self->own_words, ferry_demo_frame_meter_get_silence (self->own_meter), self->usual_wait);
  else if (!self->loop_works)
    measure_quiet (self);
  return G_SOURCE_CONTINUE;
}

/* ---- clicks: people believe their finger ---- */

static void
show_clicks (GtkButton *button, guint n)
{
  g_autofree char *count = ferry_demo_format_counted (n, ngettext ("%s Click", "%s Clicks", n));

  gtk_button_set_label (button, n > 0 ? count : _ ("Click Me"));
}

/* The process of the other loop has no window. A click waits for its loop as one on a window of its own would: it is
 * taken when that loop next draws. */
static void
take_loop_clicks (FerryDemoStartPage *self)
{
  if (self->n_loop_waiting == 0)
    return;
  self->n_loop_clicks += self->n_loop_waiting;
  self->n_loop_waiting = 0;
  show_clicks (self->loop_button, self->n_loop_clicks);
}

static void
loop_clicked_cb (FerryDemoStartPage *self)
{
  self->n_loop_waiting++;
}

static void
own_clicked_cb (FerryDemoStartPage *self)
{
  show_clicks (self->own_button, ++self->n_own_clicks);
}

static void
forget_clicks (FerryDemoStartPage *self)
{
  self->n_loop_clicks = self->n_loop_waiting = self->n_own_clicks = 0;
  show_clicks (self->loop_button, 0);
  show_clicks (self->own_button, 0);
}

/* ---- the work ---- */

/* Its room is there from the beginning: the button above it stays where it is for the next press. */
static void
show_next_button (FerryDemoStartPage *self, gboolean is_shown)
{
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "start.next", is_shown);
  gtk_widget_set_opacity (self->next, is_shown ? 1.0 : 0.0);
}

/* Work that was stopped half-way, as the page was left, says nothing about either side. */
static void
show_end (FerryDemoStartPage *self)
{
  gboolean works = self->loop_works || self->task != NULL;

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "start.work", !works);
  if (works)
    return;
  if (self->is_measured)
    {
      show_outcome (self->loop_words, ferry_demo_frame_meter_take_longest_wait (self->loop_meter), self->usual_wait);
      show_outcome (self->own_words, ferry_demo_frame_meter_take_longest_wait (self->own_meter), self->usual_wait);
      show_next_button (self, TRUE);
      return;
    }
  gtk_progress_bar_set_fraction (self->bar, 0.0);
  show_words (self->loop_words, _ ("The application does the work itself"), NULL);
  show_words (self->own_words, _ ("A worker does the work for this window"), NULL);
}

static void
freeze_loop (FerryDemoStartPage *self)
{
  ferry_demo_frame_meter_take_longest_wait (self->loop_meter);
  self->n_works++;
  ferry_demo_pipe_send_signal (self->loop, SIGUSR1);
}

/* Before its first frame, the signal would end the process. n_done: how often it has done the work; frames from before
 * the present one may still come. */
static void
frame_cb (FerryDemoStartPage *self, double n_done)
{
  ferry_demo_frame_meter_count (self->loop_meter);
  take_loop_clicks (self);
  if (!self->loop_draws && self->loop_works)
    freeze_loop (self);
  self->loop_draws = TRUE;
  if (!self->loop_works || n_done < self->n_works)
    return;
  self->loop_works = FALSE;
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
      ferry_demo_tell (GTK_WIDGET (self), title, NULL);
    }
  g_clear_object (&self->task);
  show_end (self);
}

static void
begin_task (FerryDemoStartPage *self)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, FERRY_DEMO_WORK, NULL);
  g_autoptr (GError) error = NULL;

  g_signal_connect_object (task, "done", G_CALLBACK (done_cb), self, G_CONNECT_SWAPPED);
  g_object_bind_property (task, "fraction", self->bar, "fraction", G_BINDING_SYNC_CREATE);
  if (ferry_executor_submit_task (self->executor, task, &error))
    self->task = g_steal_pointer (&task);
  else
    ferry_demo_tell_error (GTK_WIDGET (self), error, NULL);
}

static void
work (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (widget);

  if (!ferry_demo_pipe_is_running (self->loop) || self->loop_works || self->task != NULL)
    return;
  self->usual_wait = MAX (self->usual_wait, ferry_demo_frame_meter_take_longest_wait (self->own_meter));
  forget_clicks (self);
  self->loop_works = TRUE;
  self->is_measured = TRUE;
  if (self->loop_draws)
    freeze_loop (self);
  begin_task (self);
  show_end (self);
}

/* ---- the page itself ---- */

static void
start_loop (GtkWidget *widget, const char *action, GVariant *parameter)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_demo_pipe_start (FERRY_DEMO_START_PAGE (widget)->loop, &error))
    ferry_demo_tell_error (widget, error, "start.loop");
}

static void
go_on (GtkWidget *widget, const char *action, GVariant *parameter)
{
  gtk_widget_activate_action (widget, "page.show", "s", "tasks");
}

static void
ended_cb (FerryDemoStartPage *self, FerryExit *ended)
{
  self->loop_draws = self->loop_works = self->is_measured = FALSE;
  self->n_works = 0;
  ferry_demo_tell_end (GTK_WIDGET (self), ended, "start.loop");
  show_end (self);
}

static void
ferry_demo_start_page_map (GtkWidget *widget)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_demo_start_page_parent_class)->map (widget);
  ferry_demo_frame_meter_reset (self->own_meter);
  ferry_demo_frame_meter_reset (self->loop_meter);
  self->usual_wait = 0;
  self->tick_callback = gtk_widget_add_tick_callback (widget, tick_cb, NULL, NULL);
  self->turn_timeout = g_timeout_add (TURN_MILLISECONDS, turn_cb, self);
  start_loop (widget, NULL, NULL);
}

static void
ferry_demo_start_page_unmap (GtkWidget *widget)
{
  FerryDemoStartPage *self = FERRY_DEMO_START_PAGE (widget);

  gtk_widget_remove_tick_callback (widget, self->tick_callback);
  g_clear_handle_id (&self->turn_timeout, g_source_remove);
  self->is_measured = self->is_measured && !self->loop_works && self->task == NULL;
  self->loop_draws = self->loop_works = FALSE;
  self->n_works = 0;
  ferry_demo_pipe_stop (self->loop);
  if (self->task != NULL)
    ferry_task_cancel (self->task);
  GTK_WIDGET_CLASS (ferry_demo_start_page_parent_class)->unmap (widget);
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
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_start_page_dispose;
  widget_class->map = ferry_demo_start_page_map;
  widget_class->unmap = ferry_demo_start_page_unmap;
  g_type_ensure (FERRY_DEMO_TYPE_FRAME_METER);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-start-page.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoStartPage, loop_meter);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoStartPage, own_meter);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoStartPage, loop_words);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoStartPage, own_words);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoStartPage, loop_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoStartPage, own_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoStartPage, bar);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoStartPage, next);
  gtk_widget_class_bind_template_callback (widget_class, loop_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, own_clicked_cb);
  gtk_widget_class_install_action (widget_class, "start.work", NULL, work);
  gtk_widget_class_install_action (widget_class, "start.loop", NULL, start_loop);
  gtk_widget_class_install_action (widget_class, "start.next", NULL, go_on);
}

static void
ferry_demo_start_page_init (FerryDemoStartPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  show_next_button (self, FALSE);
}

/* The work leaves the processor to what draws, on a machine with one of them too. */
static void
set_nice (FerryExecutor *executor)
{
  g_autoptr (FerryLauncher) launcher = NULL;

  g_object_get (ferry_executor_get_pool (executor), "launcher", &launcher, NULL);
  g_object_set (launcher, "nice", WORK_NICE, NULL);
}

GtkWidget *
ferry_demo_start_page_new (FerryDemoSession *session)
{
  FerryDemoStartPage *self = g_object_new (FERRY_DEMO_TYPE_START_PAGE, NULL);

  self->executor = ferry_demo_session_add_executor (session, "start", NULL, 1);
  set_nice (self->executor);
  self->loop = ferry_demo_pipe_new (ferry_demo_session_get_router (session),
                                    ferry_demo_session_get_worker_path (session), FERRY_DEMO_PIPE_LOOP);
  g_signal_connect_object (self->loop, "message", G_CALLBACK (frame_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->loop, "ended", G_CALLBACK (ended_cb), self, G_CONNECT_SWAPPED);
  show_end (self);
  return GTK_WIDGET (self);
}
