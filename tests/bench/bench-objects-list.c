/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What it costs the frames of a window that the list in it is another process'.
 *
 * A list view scrolls through a million rows, 40 pixels a frame, a page a frame, and a thousandth of the list a frame:
 * in turn those of a list that this process has, and those of a replica of the worker's. Then the scrolling stops, and
 * the rows that are shown have to be there, and the right ones. */

#include "config.h"

#include <gtk/gtk.h>
#include <stdlib.h>

#include "bench-frame-watch.h"
#include "bench-lines.h"
#include "bench-listening.h"
#include "bench-remote.h"
#include "bench-team.h"

#define SPEED 40       /* pixels a frame */
#define LEAP 1000      /* frames that it takes to leap through the list */
#define QUICK_ROUNDS 2 /* as there are so many ways */
#define MISSED (1.5 * BENCH_FRAME)
#define SETTLE G_GINT64_CONSTANT (10000000000)

typedef enum
{
  STEADY,
  PAGES,
  LEAPS,
  N_WAYS,
} Way;

static const char *const names[N_WAYS] = {"objects/list/steady", "objects/list/pages", "objects/list/leaps"};

/* What is noted of one way of scrolling through one list. */
typedef struct
{
  GArray *intervals; /* (owned) */
  GArray
    *loading; /* (owned) (element-type double): ms from the last scrolling until all rows that are shown are there */
  GArray *loaded; /* (owned) (element-type double): %, of the rows shown when the scrolling ended */
  GArray *passed; /* (owned) (element-type double): rows that were scrolled past */
  guint n_shown;
} Figures;

typedef struct
{
  BenchRemote remote;
  FerryProxy *proxy; /* (owned) */
  GtkWindow *window;
  GtkListView *view;
  GtkAdjustment *adjustment;
  GPtrArray *bound; /* (owned) (element-type GtkListItem): those with a row, whether or not it is seen */
  Way way;
  BenchFrameWatch frames;
} Bench;

/* ---- the window ---- */

static void
setup_cb (GtkSignalListItemFactory *factory, GtkListItem *item, Bench *self)
{
  gtk_list_item_set_child (item, gtk_label_new (NULL));
}

static gboolean
to_text (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  GVariant *value = g_value_get_variant (from);

  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    g_value_set_string (to, g_variant_get_string (value, NULL));
  else
    g_value_set_static_string (to, "");
  return TRUE;
}

static void
bind_cb (GtkSignalListItemFactory *factory, GtkListItem *item, Bench *self)
{
  GBinding *binding =
    g_object_bind_property_full (gtk_list_item_get_item (item), "value", gtk_list_item_get_child (item), "label",
                                 G_BINDING_SYNC_CREATE, to_text, NULL, NULL, NULL);

  g_object_set_data (G_OBJECT (item), "value", binding);
  g_ptr_array_add (self->bound, item);
}

static void
unbind_cb (GtkSignalListItemFactory *factory, GtkListItem *item, Bench *self)
{
  g_binding_unbind (g_object_get_data (G_OBJECT (item), "value"));
  g_ptr_array_remove_fast (self->bound, item);
}

static double
get_step (Bench *self)
{
  const double page = gtk_adjustment_get_page_size (self->adjustment);

  switch (self->way)
    {
    case PAGES:
      return page;
    case LEAPS:
      return (gtk_adjustment_get_upper (self->adjustment) - page) / LEAP;
    default:
      return SPEED;
    }
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  Bench *self = user_data;

  if (self->frames.into != NULL)
    gtk_adjustment_set_value (self->adjustment, gtk_adjustment_get_value (self->adjustment) + get_step (self));
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

static void
bench_init (Bench *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  *self = (Bench){.window = GTK_WINDOW (gtk_window_new ()),
                  .view = GTK_LIST_VIEW (gtk_list_view_new (NULL, factory)),
                  .bound = g_ptr_array_new ()};
  g_signal_connect (factory, "setup", G_CALLBACK (setup_cb), self);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cb), self);
  g_signal_connect (factory, "unbind", G_CALLBACK (unbind_cb), self);
  bench_remote_open (&self->remote);
  self->proxy = ferry_proxy_new (self->remote.transport, BENCH_REMOTE_LINES);
  gtk_window_set_default_size (self->window, 320, 480);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), GTK_WIDGET (self->view));
  self->adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scrolled));
  gtk_widget_add_tick_callback (GTK_WIDGET (self->view), tick_cb, self, NULL);
  bench_frame_watch_init (&self->frames, self->window, scrolled);
  bench_wait_until_listening (self->proxy);
}

static void
bench_clear (Bench *self)
{
  gtk_window_destroy (self->window);
  g_ptr_array_unref (self->bound);
  g_clear_object (&self->proxy);
  bench_remote_close (&self->remote);
}

/* ---- what is shown ---- */

static gboolean
is_shown (Bench *self, GtkListItem *item)
{
  GtkWidget *child = gtk_list_item_get_child (item);
  graphene_rect_t bounds;

  return gtk_widget_get_mapped (child) && gtk_widget_compute_bounds (child, GTK_WIDGET (self->view), &bounds) &&
         bounds.origin.y + bounds.size.height > 0 && bounds.origin.y < gtk_widget_get_height (GTK_WIDGET (self->view));
}

/* A row that is there is that of its position, or the bench fails. */
static gboolean
is_loaded (GtkListItem *item)
{
  const char *text = gtk_label_get_text (GTK_LABEL (gtk_list_item_get_child (item)));
  g_autofree char *right = bench_lines_create_text (gtk_list_item_get_position (item));

  if (text[0] != '\0' && !g_str_equal (text, right))
    bench_fail ("a row is that of another position", NULL);
  return text[0] != '\0';
}

static guint
count_loaded (Bench *self, guint *n_shown, guint *last)
{
  guint n_loaded = 0;

  *n_shown = 0;
  *last = 0;
  for (guint i = 0; i < self->bound->len; i++)
    if (is_shown (self, self->bound->pdata[i]))
      {
        (*n_shown)++;
        *last = MAX (*last, gtk_list_item_get_position (self->bound->pdata[i]));
        n_loaded += is_loaded (self->bound->pdata[i]);
      }
  return n_loaded;
}

static void
note_loading (Bench *self, Figures *figures)
{
  const gint64 started = bench_now ();
  guint last;
  guint n_loaded = count_loaded (self, &figures->n_shown, &last);
  const double percent = 100.0 * n_loaded / MAX (figures->n_shown, 1);
  double loading;
  double passed;

  /* The last scrolling has not been laid out before the next frame. */
  while (self->frames.last < started || figures->n_shown == 0 || n_loaded < figures->n_shown)
    {
      if (bench_now () > started + SETTLE)
        bench_fail ("rows that are shown are not there", NULL);
      g_main_context_iteration (NULL, TRUE);
      n_loaded = count_loaded (self, &figures->n_shown, &last);
    }
  loading = (bench_now () - started) / 1e6;
  g_array_append_val (figures->loaded, percent);
  g_array_append_val (figures->loading, loading);
  passed = last;
  g_array_append_val (figures->passed, passed);
}

/* ---- what is measured ---- */

static void
scroll (Bench *self, GListModel *rows, Way way, Figures *figures, gint64 duration)
{
  g_autoptr (GtkSelectionModel) selection = GTK_SELECTION_MODEL (gtk_no_selection_new (g_object_ref (rows)));

  gtk_list_view_set_model (self->view, selection);
  bench_run_for (G_GINT64_CONSTANT (150000000));
  self->way = way;
  bench_frame_watch_note (&self->frames, figures->intervals);
  bench_run_for (duration);
  bench_frame_watch_note (&self->frames, NULL);
  note_loading (self, figures);
  gtk_adjustment_set_value (self->adjustment, 0);
  gtk_list_view_set_model (self->view, NULL);
}

static void
run_local (Bench *self, Way way, Figures *figures, gint64 duration)
{
  g_autoptr (BenchLines) lines = bench_lines_new (BENCH_REMOTE_N_LINES);

  scroll (self, G_LIST_MODEL (lines), way, figures, duration);
}

static void
run_remote (Bench *self, Way way, Figures *figures, gint64 duration)
{
  g_autoptr (FerryListReplica) replica = ferry_list_replica_new (self->proxy);
  g_autoptr (GError) error = NULL;
  gboolean following = FALSE;

  for (; !following; g_object_get (replica, "following", &following, NULL))
    g_main_context_iteration (NULL, TRUE);
  if (g_list_model_get_n_items (G_LIST_MODEL (replica)) != BENCH_REMOTE_N_LINES)
    bench_fail ("a replica of another length", NULL);
  scroll (self, G_LIST_MODEL (replica), way, figures, duration);
  g_object_get (replica, "error", &error, NULL);
  if (error != NULL)
    bench_fail ("a replica", error);
}

static void
figures_init (Figures *self)
{
  *self = (Figures){bench_frame_intervals_new (), bench_frame_intervals_new (), bench_frame_intervals_new (),
                    bench_frame_intervals_new (), 0};
}

static void
figures_clear (Figures *self)
{
  g_array_unref (self->intervals);
  g_array_unref (self->loading);
  g_array_unref (self->loaded);
  g_array_unref (self->passed);
}

/* % of all frames. */
static double
get_missed (const Figures *self)
{
  guint n_missed = 0;

  for (guint i = 0; i < self->intervals->len; i++)
    n_missed += g_array_index (self->intervals, double, i) > MISSED;
  return 100.0 * n_missed / MAX (self->intervals->len, 1);
}

static void
print_figure (const char *bench, const char *name, double value, const char *unit)
{
  g_autofree char *figure = g_strdup_printf ("%s/%s", bench, name);

  bench_print (figure, value, unit);
}

static void
print (const char *bench, const Figures *local, const Figures *remote)
{
  bench_frame_print (bench, "local", local->intervals);
  bench_frame_print (bench, "remote", remote->intervals);
  print_figure (bench, "local/missed", get_missed (local), "%");
  print_figure (bench, "remote/missed", get_missed (remote), "%");
  print_figure (bench, "missed-over-local", get_missed (remote) - get_missed (local), "%");
  bench_print_budget ("<= 1: one frame of a hundred, which is what the p99 leaves out");
  bench_frame_print_over (bench, "local", remote->intervals, local->intervals);
  print_figure (bench, "local/passed", bench_array_quantile (local->passed, 0.5), "rows");
  print_figure (bench, "remote/passed", bench_array_quantile (remote->passed, 0.5), "rows");
  print_figure (bench, "remote/shown", remote->n_shown, "rows");
  print_figure (bench, "remote/loaded-at-the-end", bench_array_quantile (remote->loaded, 0.5), "%");
  print_figure (bench, "local/until-all-loaded", bench_array_quantile (local->loading, 0.5), "ms");
  print_figure (bench, "remote/until-all-loaded", bench_array_quantile (remote->loading, 0.5), "ms");
}

int
main (int argc, char **argv)
{
  Figures local[N_WAYS];
  Figures remote[N_WAYS];
  BenchOptions options;
  gint64 duration;
  Bench self;

  bench_frame_begin ("objects-list", &options, &argc, &argv);
  bench_init (&self);
  duration = bench_choose (&options, 50, 500, 3000) * G_GINT64_CONSTANT (1000000);
  for (guint way = 0; way < N_WAYS; way++)
    {
      figures_init (&local[way]);
      figures_init (&remote[way]);
    }
  for (guint round = 0; round < bench_choose (&options, 1, QUICK_ROUNDS, options.rounds); round++)
    for (guint way = 0; way < N_WAYS; way++)
      {
        run_local (&self, way, &local[way], duration);
        run_remote (&self, way, &remote[way], duration);
      }
  for (guint way = 0; way < N_WAYS; way++)
    {
      print (names[way], &local[way], &remote[way]);
      figures_clear (&local[way]);
      figures_clear (&remote[way]);
    }
  bench_clear (&self);
  return EXIT_SUCCESS;
}
