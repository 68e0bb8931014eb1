/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an executor in a list does to the frames of its window.
 *
 * The window shows 10,000 rows and scrolls through them all the time: in turn those of an executor, with tasks that run
 * and report, and those of a plain list, beside as many processes that burn their processor. What the rows hold is
 * bound in the same way: a name and a fraction. */

#include "config.h"

#include <gtk/gtk.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "bench-frame-watch.h"
#include "bench-team.h"

#define N_ROWS 10000
#define N_WORKERS 2
#define TASK_TIME 2000 /* µs */
#define LEAVING 8      /* rows a frame, which is about what the tasks do */
#define SPEED 40       /* pixels a frame */

typedef struct
{
  GtkWindow *window;
  GtkListView *view;
  GtkAdjustment *adjustment;
  double step; /* pixels a frame, and which way */
  BenchFrameWatch frames;
  GArray *control;         /* (owned) */
  GArray *executor;        /* (owned): finished tasks stay in the list */
  GArray *leaving;         /* (owned): they leave it */
  GArray *control_leaving; /* (owned): rows leave a plain list */
  GListStore *shrinking;   /* (unowned) (nullable): the plain list that rows leave */
  guint64 n_done;          /* tasks */
  FerryRouter *router;
} Bench;

/* ---- a plain row ---- */

#define BENCH_TYPE_ROW (bench_row_get_type ())

G_DECLARE_FINAL_TYPE (BenchRow, bench_row, BENCH, ROW, GObject)

struct _BenchRow
{
  GObject parent_instance;
};

enum
{
  ROW_NAME = 1,
  ROW_FRACTION,
};

G_DEFINE_FINAL_TYPE (BenchRow, bench_row, G_TYPE_OBJECT)

static void
bench_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == ROW_NAME)
    g_value_set_string (value, "burn");
  else
    g_value_set_double (value, 0);
}

static void
bench_row_class_init (BenchRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = bench_row_get_property;
  g_object_class_install_property (object_class, ROW_NAME,
                                   g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READABLE));
  g_object_class_install_property (object_class, ROW_FRACTION,
                                   g_param_spec_double ("fraction", NULL, NULL, -1, 1, 0, G_PARAM_READABLE));
}

static void
bench_row_init (BenchRow *self)
{
}

static GListModel *
plain_list_new (void)
{
  GListStore *store = g_list_store_new (BENCH_TYPE_ROW);

  for (guint i = 0; i < N_ROWS; i++)
    {
      g_autoptr (GObject) row = g_object_new (BENCH_TYPE_ROW, NULL);

      g_list_store_append (store, row);
    }
  return G_LIST_MODEL (store);
}

/* ---- the window ---- */

static void
setup_cb (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  gtk_box_append (GTK_BOX (row), gtk_label_new (NULL));
  gtk_box_append (GTK_BOX (row), gtk_progress_bar_new ());
  gtk_list_item_set_child (item, row);
}

static gboolean
from_fraction (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_value_set_double (to, CLAMP (g_value_get_double (from), 0, 1));
  return TRUE;
}

static void
bind_cb (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
  GtkWidget *label = gtk_widget_get_first_child (gtk_list_item_get_child (item));
  GtkWidget *bar = gtk_widget_get_next_sibling (label);
  GObject *row = gtk_list_item_get_item (item);
  GBinding *name = g_object_bind_property (row, "name", label, "label", G_BINDING_SYNC_CREATE);
  GBinding *fraction = g_object_bind_property_full (row, "fraction", bar, "fraction", G_BINDING_SYNC_CREATE,
                                                    from_fraction, NULL, NULL, NULL);

  g_object_set_data (G_OBJECT (item), "name", name);
  g_object_set_data (G_OBJECT (item), "fraction", fraction);
}

static void
unbind_cb (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
  g_binding_unbind (g_object_get_data (G_OBJECT (item), "name"));
  g_binding_unbind (g_object_get_data (G_OBJECT (item), "fraction"));
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  Bench *self = user_data;
  const double value = gtk_adjustment_get_value (self->adjustment) + self->step;
  const double end = gtk_adjustment_get_upper (self->adjustment) - gtk_adjustment_get_page_size (self->adjustment);

  if (self->frames.into == NULL)
    return G_SOURCE_CONTINUE;
  for (guint i = 0; self->shrinking != NULL && i < LEAVING; i++)
    g_list_store_remove (self->shrinking, 0);
  if (value < 0 || value > end)
    self->step = -self->step;
  gtk_adjustment_set_value (self->adjustment, CLAMP (value, 0, end));
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

static void
bench_init (Bench *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  g_signal_connect (factory, "setup", G_CALLBACK (setup_cb), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cb), NULL);
  g_signal_connect (factory, "unbind", G_CALLBACK (unbind_cb), NULL);
  *self = (Bench){.window = GTK_WINDOW (gtk_window_new ()),
                  .view = GTK_LIST_VIEW (gtk_list_view_new (NULL, factory)),
                  .step = SPEED,
                  .control = bench_frame_intervals_new (),
                  .executor = bench_frame_intervals_new (),
                  .leaving = bench_frame_intervals_new (),
                  .control_leaving = bench_frame_intervals_new (),
                  .router = bench_router_open ()};
  gtk_window_set_default_size (self->window, 320, 480);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), GTK_WIDGET (self->view));
  self->adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scrolled));
  gtk_widget_add_tick_callback (GTK_WIDGET (self->view), tick_cb, self, NULL);
  bench_frame_watch_init (&self->frames, self->window, scrolled);
}

static void
bench_clear (Bench *self)
{
  gtk_window_destroy (self->window);
  g_array_unref (self->control);
  g_array_unref (self->executor);
  g_array_unref (self->leaving);
  g_array_unref (self->control_leaving);
  bench_router_close (self->router);
}

/* ---- what is measured ---- */

/* Shows the rows, and notes the intervals of frames once all has settled. */
static void
watch (Bench *self, GListModel *rows, GArray *into, gint64 duration)
{
  g_autoptr (GtkSelectionModel) selection = GTK_SELECTION_MODEL (gtk_no_selection_new (g_object_ref (rows)));

  gtk_list_view_set_model (self->view, selection);
  bench_run_for (G_GINT64_CONSTANT (500000000));
  bench_frame_watch_note (&self->frames, into);
  bench_run_for (duration);
  bench_frame_watch_note (&self->frames, NULL);
  gtk_adjustment_set_value (self->adjustment, 0);
  gtk_list_view_set_model (self->view, NULL);
}

static void
done_cb (FerryTask *task, gpointer user_data)
{
  Bench *self = user_data;

  if (ferry_task_get_state (task) == FERRY_TASK_STATE_COMPLETED)
    self->n_done++;
}

static void
submit (Bench *self, BenchTeam *team)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "burn", g_variant_new_int64 (TASK_TIME));
  g_autoptr (GError) error = NULL;

  g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
  if (!ferry_executor_submit_task (team->executor, task, &error))
    bench_fail ("a task", error);
}

static void
run_executor (Bench *self, GArray *into, gboolean keep, gint64 duration)
{
  BenchTeam team;

  bench_team_open (&team, self->router, N_WORKERS);
  bench_team_warm_up (&team);
  if (keep)
    g_object_set (team.executor, "keep-finished", N_ROWS, NULL);
  for (guint i = 0; i < N_ROWS; i++)
    submit (self, &team);
  watch (self, G_LIST_MODEL (team.executor), into, duration);
  bench_team_close (&team);
}

static void
run_control (Bench *self, GArray *into, gboolean keep, gint64 duration)
{
  g_autoptr (GListModel) rows = plain_list_new ();
  GPid processes[N_WORKERS];

  for (guint i = 0; i < N_WORKERS; i++)
    {
      g_autofree char *path = bench_path_beside ("bench-functions");
      char *argv[] = {path, (char[]){"burn"}, NULL};
      g_autoptr (GError) error = NULL;

      if (!g_spawn_async (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &processes[i], &error))
        bench_fail (path, error);
    }
  self->shrinking = keep ? NULL : G_LIST_STORE (rows);
  watch (self, rows, into, duration);
  self->shrinking = NULL;
  for (guint i = 0; i < N_WORKERS; i++)
    {
      kill (processes[i], SIGKILL);
      waitpid (processes[i], NULL, 0);
      g_spawn_close_pid (processes[i]);
    }
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  gint64 duration;
  Bench self;

  bench_frame_begin ("list", &options, &argc, &argv);
  bench_init (&self);
  duration = bench_choose (&options, 100, 800, 3000) * G_GINT64_CONSTANT (1000000);
  for (guint round = 0; round < bench_choose (&options, 1, 3, options.rounds); round++)
    {
      run_control (&self, self.control, TRUE, duration);
      run_control (&self, self.control_leaving, FALSE, duration);
      run_executor (&self, self.executor, TRUE, duration);
      run_executor (&self, self.leaving, FALSE, duration);
    }
  bench_frame_print ("list", "control", self.control);
  bench_frame_print ("list", "executor", self.executor);
  bench_frame_print ("list", "control-leaving", self.control_leaving);
  bench_frame_print ("list", "executor-leaving", self.leaving);
  bench_print ("list/executor/tasks", (double) self.n_done, "tasks");
  bench_frame_print_over ("list", "control", self.executor, self.control);
  bench_clear (&self);
  return EXIT_SUCCESS;
}
