/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Thumbnails of many pictures, decoded by the demo's workers in their sandbox, and in turn by as many threads of this
 * process with the very same decoder. The window shows each of them, and paints at every tick of its frame clock. The
 * control paints as well, beside as many processes that burn their processor and send nothing. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <ferry.h>
#include <glib/gstdio.h>
#include <gtk/gtk.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "bench-frame-watch.h"
#include "bench-pictures.h"
#include "bench-team.h"
#include "demo-app/app/ferry-demo-message.h"
#include "demo-app/pictures/ferry-demo-thumbnail-decode.h"
#include "demo-app/pictures/ferry-demo-thumbnailer.h"

#define N_PICTURES 2000
#define N_PICTURES_QUICK 240
#define N_PICTURES_SMOKE 24
#define N_SLICES 10
#define SEED 20261120
#define PICTURES_PER_WORKER 3
#define N_COLUMNS 6
#define N_CELLS 24

typedef struct
{
  GtkWindow *window;
  GtkPicture *cells[N_CELLS]; /* (unowned) */
  BenchFrameWatch frames;
  FerryRouter *router;
  FerryPool *pool;
  FerryExecutor *executor;
  guint n_cores;

  GPtrArray *paths; /* (element-type filename) */
  guint next;       /* of the paths, which is begun next */
  guint end;        /* of this slice */
  guint n_done;
  guint64 digest; /* of all pixels of this slice, in whatever order */
} Bench;

typedef struct
{
  const char *name;
  void (*run) (Bench *self);
  GArray *intervals; /* (owned) */
  GArray *rates;     /* (owned): pictures a second, of each slice */
} Way;

/* ---- what both have ---- */

static void
take (Bench *self, guint width, guint height, guint stride, guint channels, GBytes *pixels)
{
  g_autoptr (GdkTexture) texture = gdk_memory_texture_new (
    (int) width, (int) height, channels == 3 ? GDK_MEMORY_R8G8B8 : GDK_MEMORY_R8G8B8A8, pixels, stride);

  self->digest += g_bytes_hash (pixels);
  gtk_picture_set_paintable (self->cells[self->n_done++ % N_CELLS], GDK_PAINTABLE (texture));
}

static int
open_picture (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    g_error ("%s: %s", path, g_strerror (errno));
  return fd;
}

static void
wait_for_slice (Bench *self, guint n)
{
  while (self->n_done < n)
    g_main_context_iteration (NULL, TRUE);
}

/* ---- workers ---- */

static void begin_task (Bench *self);

static void
done_cb (FerryTask *task, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);
  g_autoptr (GVariant) data = NULL;
  g_autoptr (GBytes) pixels = NULL;
  guint width, height, stride, channels;

  if (result == NULL)
    bench_fail (ferry_task_get_name (task), error);
  g_variant_get (result, "(uuuu@ay)", &width, &height, &stride, &channels, &data);
  pixels = g_variant_get_data_as_bytes (data);
  take (self, width, height, stride, channels, pixels);
  begin_task (self);
}

static void
begin_task (Bench *self)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  if (self->next == self->end)
    return;
  fd = open_picture (g_ptr_array_index (self->paths, self->next++));
  task = ferry_task_new (FERRY_TASK_KIND_CALL, FERRY_DEMO_THUMBNAIL,
                         g_variant_new ("(hu)", FERRY_DEMO_THUMBNAIL_HANDLE, FERRY_DEMO_THUMBNAIL_SIDE));
  if (ferry_task_add_descriptor (task, fd, &error) != FERRY_DEMO_THUMBNAIL_HANDLE)
    bench_fail ("a descriptor", error);
  g_close (fd, NULL);
  g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
  if (!ferry_executor_submit_task (self->executor, task, &error))
    bench_fail ("a picture", error);
}

static void
run_workers (Bench *self)
{
  guint n = self->end - self->next;

  for (guint i = 0; i < self->n_cores * PICTURES_PER_WORKER; i++)
    begin_task (self);
  wait_for_slice (self, n);
}

static FerryPool *
pool_new (Bench *self)
{
  g_autofree char *path = bench_path_beside ("../../demo-app/ferry-demo-worker");
  const char *const argv[] = {path, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerrySandbox) sandbox = ferry_demo_thumbnailer_create_sandbox ();
  g_autofree char *strength = ferry_sandbox_describe_strength (ferry_sandbox_get_strength ());
  FerryPool *pool;

  g_print ("# sandbox: %s\n", strength);
  g_object_set (launcher, "sandbox", sandbox, NULL);
  pool = ferry_pool_new (self->router, launcher);
  ferry_pool_set_max_workers (pool, self->n_cores);
  g_object_set (pool, "min-workers", self->n_cores, NULL);
  return pool;
}

/* ---- threads ---- */

typedef struct
{
  Bench *bench;
  GdkPixbuf *pixbuf; /* (owned) */
} Decoded;

static gboolean
decoded_cb (gpointer user_data)
{
  Decoded *decoded = user_data;
  GdkPixbuf *pixbuf = decoded->pixbuf;
  g_autoptr (GBytes) pixels = gdk_pixbuf_read_pixel_bytes (pixbuf);

  take (decoded->bench, (guint) gdk_pixbuf_get_width (pixbuf), (guint) gdk_pixbuf_get_height (pixbuf),
        (guint) gdk_pixbuf_get_rowstride (pixbuf), (guint) gdk_pixbuf_get_n_channels (pixbuf), pixels);
  g_object_unref (pixbuf);
  g_free (decoded);
  return G_SOURCE_REMOVE;
}

static void
decode_in_thread (gpointer data, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  Decoded *decoded = g_new (Decoded, 1);
  int fd = open_picture (data);

  *decoded = (Decoded){user_data, ferry_demo_thumbnail_decode_file (fd, FERRY_DEMO_THUMBNAIL_SIDE, &error)};
  if (decoded->pixbuf == NULL)
    bench_fail (data, error);
  g_close (fd, NULL);
  g_idle_add_full (G_PRIORITY_DEFAULT, decoded_cb, decoded, NULL);
}

static void
run_threads (Bench *self)
{
  guint n = self->end - self->next;
  GThreadPool *pool = g_thread_pool_new (decode_in_thread, self, (int) self->n_cores, /* exclusive: */ TRUE, NULL);

  while (self->next < self->end)
    g_thread_pool_push (pool, g_ptr_array_index (self->paths, self->next++), NULL);
  wait_for_slice (self, n);
  g_thread_pool_free (pool, /* immediate: */ FALSE, /* wait: */ TRUE);
}

/* ---- the control ---- */

static void
run_control (Bench *self, GArray *into, gint64 duration)
{
  g_autofree GPid *processes = g_new (GPid, self->n_cores);
  g_autofree char *path = bench_path_beside ("bench-functions");
  char *argv[] = {path, (char[]){"burn"}, NULL};
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < self->n_cores; i++)
    if (!g_spawn_async (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &processes[i], &error))
      bench_fail (path, error);
  bench_frame_watch_note (&self->frames, into);
  bench_run_for (duration);
  bench_frame_watch_note (&self->frames, NULL);
  for (guint i = 0; i < self->n_cores; i++)
    {
      kill (processes[i], SIGKILL);
      waitpid (processes[i], NULL, 0);
      g_spawn_close_pid (processes[i]);
    }
}

/* ---- what is measured ---- */

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

static void
bench_init (Bench *self, guint n_pictures)
{
  GtkWidget *grid = gtk_grid_new ();
  char *folder = bench_pictures_make (n_pictures, SEED);
  g_autoptr (GError) error = NULL;

  *self = (Bench){.window = GTK_WINDOW (gtk_window_new ()),
                  .router = bench_router_open (),
                  .n_cores = ferry_get_n_usable_cores (),
                  .paths = bench_pictures_list (folder)};
  g_free (folder);
  for (guint i = 0; i < N_CELLS; i++)
    {
      GtkWidget *cell = gtk_picture_new ();

      gtk_widget_set_size_request (cell, FERRY_DEMO_THUMBNAIL_SIDE, FERRY_DEMO_THUMBNAIL_SIDE);
      gtk_grid_attach (GTK_GRID (grid), cell, (int) (i % N_COLUMNS), (int) (i / N_COLUMNS), 1, 1);
      self->cells[i] = GTK_PICTURE (cell);
    }
  gtk_widget_add_tick_callback (grid, tick_cb, NULL, NULL);
  bench_frame_watch_init (&self->frames, self->window, grid);
  self->pool = pool_new (self);
  self->executor = ferry_executor_new (self->pool);
  g_object_set (self->executor, "keep-finished", 0, NULL);
  if (!ferry_pool_start (self->pool, &error))
    bench_fail ("the workers", error);
}

static void
bench_clear (Bench *self)
{
  BenchTeam team = {self->router, self->pool, self->executor};
  char *folder = g_path_get_dirname (g_ptr_array_index (self->paths, 0));

  gtk_window_destroy (self->window);
  g_object_ref (self->router);
  bench_team_close (&team);
  bench_router_close (self->router);
  g_ptr_array_unref (self->paths);
  bench_pictures_remove (folder);
}

/* Returns how long the slice took, in ns. */
static gint64
measure (Bench *self, Way *way, guint begin, guint end, gboolean note)
{
  gint64 started = bench_now (), duration;
  double rate;

  self->next = begin;
  self->end = end;
  self->n_done = 0;
  self->digest = 0;
  bench_frame_watch_note (&self->frames, note ? way->intervals : NULL);
  way->run (self);
  bench_frame_watch_note (&self->frames, NULL);
  duration = bench_now () - started;
  rate = (end - begin) * 1e9 / (double) duration;
  if (note)
    g_array_append_val (way->rates, rate);
  return duration;
}

static void
measure_slice (Bench *self, Way *ways, GArray *control, guint begin, guint end, guint number)
{
  guint64 digests[2];
  gint64 duration = 0;

  for (guint i = 0; i < 2; i++)
    {
      guint which = (number + i) % 2;

      duration = measure (self, &ways[which], begin, end, TRUE);
      digests[which] = self->digest;
    }
  if (digests[0] != digests[1])
    bench_fail ("pixels of the workers are not those of the threads", NULL);
  run_control (self, control, duration);
}

int
main (int argc, char **argv)
{
  Way ways[] = {
    {"workers", run_workers, bench_frame_intervals_new (), bench_frame_intervals_new ()},
    {"threads", run_threads, bench_frame_intervals_new (), bench_frame_intervals_new ()},
  };
  g_autoptr (GArray) control = bench_frame_intervals_new ();
  BenchOptions options;
  guint n_pictures;
  Bench self;

  bench_frame_begin ("thumbnails", &options, &argc, &argv);
  n_pictures = (guint) bench_choose (&options, N_PICTURES_SMOKE, N_PICTURES_QUICK, N_PICTURES);
  bench_init (&self, n_pictures);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    measure (&self, &ways[i], 0, n_pictures / N_SLICES, FALSE);
  for (guint slice = 0; slice < N_SLICES; slice++)
    measure_slice (&self, ways, control, slice * n_pictures / N_SLICES, (slice + 1) * n_pictures / N_SLICES, slice);

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *row = g_strdup_printf ("thumbnails/%s", ways[i].name);

      bench_print (row, bench_array_quantile (ways[i].rates, 0.5), "pictures/s");
      bench_frame_print ("thumbnails", ways[i].name, ways[i].intervals);
    }
  bench_frame_print ("thumbnails", "control", control);
  bench_print (
    "ratio/thumbnails/workers-vs-threads",
    bench_median_ratio ((double *) (void *) ways[0].rates->data, (double *) (void *) ways[1].rates->data, N_SLICES),
    "x");
  bench_print_budget (">= 0.85");
  bench_frame_print_over ("thumbnails", "control", ways[0].intervals, control);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_array_unref (ways[i].intervals);
      g_array_unref (ways[i].rates);
    }
  bench_clear (&self);
  return EXIT_SUCCESS;
}
