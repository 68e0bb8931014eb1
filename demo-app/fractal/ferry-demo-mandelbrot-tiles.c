/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Invariant: a tile is among the entries, or among the requests, or in neither; never in both. A request holds its task
 *            until that is done; one that is dropped takes its handler along, so nothing comes of a cancelled task.
 *
 * A tile lies in a buffer of its link, which the texture keeps. When a link has no more to spare, it lies in memory
 * that it came to in pieces. The workers are trusted, so that buffers are read where they lie. The program is the
 * demo's own, and is given nothing to read but four numbers. */

#include "fractal/ferry-demo-mandelbrot-tiles.h"

#include <glib/gi18n.h>

#include "app/ferry-demo-message.h"
#include "app/ferry-demo-workers.h"

#define MAX_BYTES (256 * 1024 * 1024)

/* So often a tile is begun again when its worker is lost. */
#define RETRIES 3

/* A tile is looked at after each row, so this is for a worker that is stopped, or starved. */
#define CANCEL_GRACE G_USEC_PER_SEC

typedef struct
{
  FerryDemoMandelbrotTile tile;
  GdkTexture *texture;
  GList link; /* in `used` */
} Entry;

typedef struct
{
  FerryDemoMandelbrotTiles *tiles; /* (unowned) */
  FerryDemoMandelbrotTile tile;
  FerryTask *task;
  gulong handler;
} Request;

struct _FerryDemoMandelbrotTiles
{
  GObject parent_instance;

  char *worker_path;
  FerryPool *pool;
  FerryExecutor *executor;
  gboolean started; /* the pool, which has to be stopped then */

  GHashTable *entries;   /* (element-type FerryDemoMandelbrotTile Entry) the keys are in the values */
  GHashTable *requests;  /* (element-type FerryDemoMandelbrotTile Request) likewise */
  GArray *wanted;        /* (element-type FerryDemoMandelbrotTile) the most important ones first */
  GHashTable *is_wanted; /* (element-type FerryDemoMandelbrotTile) a set, of those in `wanted` */
  GQueue used;           /* entries, those that were looked at last first */
  gsize max_bytes;

  FerryDemoMandelbrotFigures figures;
  gint64 busy_since; /* when there was something to do again */
  guint n_since;     /* tiles that came since then, and how long workers were at them */
  gint64 time_since;
  char *failure;
  char *loss;
};

typedef enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
} FerryDemoMandelbrotTilesSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoMandelbrotTiles, ferry_demo_mandelbrot_tiles, G_TYPE_OBJECT)

static void
tell (FerryDemoMandelbrotTiles *self)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* ---- those that are there ---- */

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_object_unref (entry->texture);
  g_free (entry);
}

static void
drop_entry (FerryDemoMandelbrotTiles *self, Entry *entry)
{
  g_queue_unlink (&self->used, &entry->link);
  self->figures.bytes -= FERRY_DEMO_MANDELBROT_TILE_SIZE;
  g_hash_table_remove (self->entries, &entry->tile);
}

/* Those that are wanted stay, whatever they take. */
static void
shrink (FerryDemoMandelbrotTiles *self)
{
  for (GList *link = self->used.tail, *next; link != NULL && self->figures.bytes > self->max_bytes; link = next)
    {
      Entry *entry = link->data;

      next = link->prev;
      if (!g_hash_table_contains (self->is_wanted, &entry->tile))
        drop_entry (self, entry);
    }
}

static void
add_entry (FerryDemoMandelbrotTiles *self, const FerryDemoMandelbrotTile *tile, GBytes *pixels)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->tile = *tile;
  entry->link.data = entry;
  entry->texture = gdk_memory_texture_new (FERRY_DEMO_MANDELBROT_SIDE, FERRY_DEMO_MANDELBROT_SIDE, GDK_MEMORY_DEFAULT,
                                           pixels, FERRY_DEMO_MANDELBROT_SIDE * sizeof (guint32));
  g_hash_table_replace (self->entries, &entry->tile, entry);
  g_queue_push_head_link (&self->used, &entry->link);
  self->figures.bytes += FERRY_DEMO_MANDELBROT_TILE_SIZE;
  shrink (self);
}

/* The tile's picture, which stays until the next turn of the main loop at least; NULL when it is not there. */
GdkTexture *
ferry_demo_mandelbrot_tiles_look_up (FerryDemoMandelbrotTiles *self, const FerryDemoMandelbrotTile *tile)
{
  Entry *entry = g_hash_table_lookup (self->entries, tile);

  if (entry == NULL)
    return NULL;
  g_queue_unlink (&self->used, &entry->link);
  g_queue_push_head_link (&self->used, &entry->link);
  return entry->texture;
}

void
ferry_demo_mandelbrot_tiles_set_max_bytes (FerryDemoMandelbrotTiles *self, gsize max_bytes)
{
  self->max_bytes = max_bytes;
  shrink (self);
}

/* ---- those that are under way ---- */

static void
request_free (gpointer data)
{
  Request *request = data;

  g_signal_handler_disconnect (request->task, request->handler);
  ferry_task_cancel (request->task);
  g_object_unref (request->task);
  g_free (request);
}

static void
count (FerryDemoMandelbrotTiles *self, gint64 microseconds)
{
  gint64 time = g_get_monotonic_time () - self->busy_since;

  self->figures.n_come++;
  self->n_since++;
  self->time_since += CLAMP (microseconds, 0, time);
  self->figures.tiles_per_second = time > 0 ? (double) self->n_since * G_USEC_PER_SEC / (double) time : 0.0;
  self->figures.milliseconds_each = (double) self->time_since / 1000.0 / self->n_since;
}

static gboolean
take_result (FerryDemoMandelbrotTiles *self, const FerryDemoMandelbrotTile *tile, GVariant *result)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GBytes) pixels = NULL;
  gint64 microseconds;

  if (!g_variant_is_of_type (result, G_VARIANT_TYPE (FERRY_DEMO_MANDELBROT_RESULT)))
    return FALSE;
  g_variant_get (result, "(x@ay)", &microseconds, &value);
  pixels = g_variant_get_data_as_bytes (value);
  if (g_bytes_get_size (pixels) != FERRY_DEMO_MANDELBROT_TILE_SIZE)
    return FALSE;
  count (self, microseconds);
  add_entry (self, tile, pixels);
  return TRUE;
}

/* All tiles would fail for the same reason: it is reported once, and no tile is asked for until the user tries again.
 */
static void
fail (FerryDemoMandelbrotTiles *self, const char *reason)
{
  if (self->failure == NULL && ferry_pool_get_error (self->pool) != NULL)
    self->failure = g_strdup_printf (_ ("'%s' does not work as a worker. %s"), self->worker_path, reason);
  else if (self->failure == NULL)
    self->failure = g_strdup (reason);
  g_hash_table_remove_all (self->requests);
}

static void
done_cb (FerryTask *task, Request *request)
{
  FerryDemoMandelbrotTiles *self = request->tiles;
  FerryDemoMandelbrotTile tile = request->tile;
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  g_hash_table_remove (self->requests, &tile);
  if (result == NULL)
    fail (self, error->message);
  else if (!take_result (self, &tile, result))
    fail (self, _ ("A worker has sent something that is no tile"));
  self->figures.n_open = g_hash_table_size (self->requests);
  tell (self);
}

static gboolean
ask (FerryDemoMandelbrotTiles *self, const FerryDemoMandelbrotTile *tile, int priority, GError **error)
{
  GVariant *arguments =
    g_variant_new (FERRY_DEMO_MANDELBROT_ARGUMENTS, ferry_demo_mandelbrot_tile_get_left (tile),
                   ferry_demo_mandelbrot_tile_get_top (tile), ferry_demo_mandelbrot_tile_get_step (tile),
                   ferry_demo_mandelbrot_tile_get_iterations (tile));
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, FERRY_DEMO_MANDELBROT, arguments);
  Request *request;

  g_object_set (task, "priority", priority, "retries", RETRIES, NULL);
  ferry_task_set_cancel_grace (task, CANCEL_GRACE);
  if (!ferry_executor_submit_task (self->executor, task, error))
    return FALSE;

  request = g_new0 (Request, 1);
  request->tiles = self;
  request->tile = *tile;
  request->handler = g_signal_connect (task, "done", G_CALLBACK (done_cb), request);
  request->task = g_steal_pointer (&task);
  g_hash_table_replace (self->requests, &request->tile, request);
  self->figures.n_asked++;
  return TRUE;
}

/* ---- what is wanted ---- */

static void
drop_unwanted (FerryDemoMandelbrotTiles *self)
{
  GHashTableIter iter;
  gpointer tile;

  g_hash_table_iter_init (&iter, self->requests);
  while (g_hash_table_iter_next (&iter, &tile, NULL))
    if (!g_hash_table_contains (self->is_wanted, tile))
      {
        self->figures.n_cancelled++;
        g_hash_table_iter_remove (&iter);
      }
}

/* Those that wait change places with each other, as the view changes; of one that was begun nothing can be hastened. */
static void
hurry (FerryDemoMandelbrotTiles *self, Request *request, int priority)
{
  int present;

  g_object_get (request->task, "priority", &present, NULL);
  if (ferry_task_get_state (request->task) == FERRY_TASK_STATE_WAITING && present != priority)
    ferry_executor_set_task_priority (self->executor, request->task, priority, NULL);
}

static gboolean
ask_for_missing (FerryDemoMandelbrotTiles *self, GError **error)
{
  if (self->wanted->len > 0 && !self->started && !ferry_pool_start (self->pool, error))
    return FALSE;
  self->started |= self->wanted->len > 0;
  if (g_hash_table_size (self->requests) == 0)
    {
      self->busy_since = g_get_monotonic_time ();
      self->n_since = 0;
      self->time_since = 0;
    }

  for (guint i = 0; i < self->wanted->len; i++)
    {
      const FerryDemoMandelbrotTile *tile = &g_array_index (self->wanted, FerryDemoMandelbrotTile, i);
      Request *request = g_hash_table_lookup (self->requests, tile);
      int priority = (int) (self->wanted->len - i);

      if (request != NULL)
        hurry (self, request, priority);
      else if (ferry_demo_mandelbrot_tiles_look_up (self, tile) == NULL && !ask (self, tile, priority, error))
        return FALSE;
    }
  return TRUE;
}

static void
go_on (FerryDemoMandelbrotTiles *self)
{
  g_autoptr (GError) error = NULL;

  drop_unwanted (self);
  if (self->failure == NULL && !ask_for_missing (self, &error))
    fail (self, error->message);
  self->figures.n_open = g_hash_table_size (self->requests);
  tell (self);
}

/* Has these tiles come, the first ones first, and no others: what is under way and is not among them is cancelled.
 * `tiles` is kept, and stays as it is. (element-type FerryDemoMandelbrotTile) (nullable) */
void
ferry_demo_mandelbrot_tiles_want (FerryDemoMandelbrotTiles *self, GArray *tiles)
{
  g_hash_table_remove_all (self->is_wanted);
  g_array_unref (self->wanted);
  self->wanted = tiles != NULL ? g_array_ref (tiles) : g_array_new (FALSE, FALSE, sizeof (FerryDemoMandelbrotTile));
  for (guint i = 0; i < self->wanted->len; i++)
    g_hash_table_add (self->is_wanted, &g_array_index (self->wanted, FerryDemoMandelbrotTile, i));
  go_on (self);
}

/* After a failure. */
void
ferry_demo_mandelbrot_tiles_retry (FerryDemoMandelbrotTiles *self)
{
  if (ferry_pool_get_error (self->pool) != NULL)
    ferry_pool_reset (self->pool);
  g_clear_pointer (&self->failure, g_free);
  go_on (self);
}

/* ---- workers ---- */

static void
ended_cb (FerryDemoMandelbrotTiles *self, FerryExit *exit_record)
{
  if (ferry_exit_is_success (exit_record) || ferry_exit_get_reason (exit_record) == FERRY_CLOSE_REASON_STOPPED)
    return;
  self->figures.n_lost++;
  g_free (self->loss);
  self->loss = g_strdup (ferry_exit_get_message (exit_record));
  tell (self);
}

static void
workers_changed_cb (FerryDemoMandelbrotTiles *self, guint position, guint n_removed, guint n_added, GListModel *workers)
{
  for (guint i = position; i < position + n_added; i++)
    {
      g_autoptr (GObject) worker = g_list_model_get_item (workers, i);

      g_signal_connect_object (worker, "ended", G_CALLBACK (ended_cb), self, G_CONNECT_SWAPPED);
    }
}

/* The one that has been there for the longest time; what it is at is begun again by another one. */
void
ferry_demo_mandelbrot_tiles_kill (FerryDemoMandelbrotTiles *self)
{
  g_autoptr (FerryWorker) worker = g_list_model_get_item (ferry_pool_get_workers (self->pool), 0);

  if (worker != NULL)
    ferry_worker_force_exit (worker);
}

/* To be called once, before the router is stopped. */
void
ferry_demo_mandelbrot_tiles_stop (FerryDemoMandelbrotTiles *self)
{
  ferry_demo_mandelbrot_tiles_want (self, NULL);
  if (!self->started)
    return;
  fail (self, "The workers were stopped");
  ferry_demo_end (self->executor);
  self->started = FALSE;
}

/* ---- the object ---- */

static void
ferry_demo_mandelbrot_tiles_dispose (GObject *object)
{
  FerryDemoMandelbrotTiles *self = FERRY_DEMO_MANDELBROT_TILES (object);

  g_hash_table_remove_all (self->requests);
  g_clear_object (&self->executor);
  g_clear_object (&self->pool);
  G_OBJECT_CLASS (ferry_demo_mandelbrot_tiles_parent_class)->dispose (object);
}

static void
ferry_demo_mandelbrot_tiles_finalize (GObject *object)
{
  FerryDemoMandelbrotTiles *self = FERRY_DEMO_MANDELBROT_TILES (object);

  g_hash_table_unref (self->is_wanted);
  g_array_unref (self->wanted);
  g_hash_table_unref (self->requests);
  g_hash_table_unref (self->entries);
  g_free (self->worker_path);
  g_free (self->failure);
  g_free (self->loss);
  G_OBJECT_CLASS (ferry_demo_mandelbrot_tiles_parent_class)->finalize (object);
}

static void
ferry_demo_mandelbrot_tiles_class_init (FerryDemoMandelbrotTilesClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_demo_mandelbrot_tiles_dispose;
  object_class->finalize = ferry_demo_mandelbrot_tiles_finalize;

  signals[SIGNAL_CHANGED] =
    g_signal_new ("changed", FERRY_DEMO_TYPE_MANDELBROT_TILES, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_demo_mandelbrot_tiles_init (FerryDemoMandelbrotTiles *self)
{
  GHashFunc hash = ferry_demo_mandelbrot_tile_hash;
  GEqualFunc equal = ferry_demo_mandelbrot_tile_equal;

  self->entries = g_hash_table_new_full (hash, equal, NULL, entry_free);
  self->requests = g_hash_table_new_full (hash, equal, NULL, request_free);
  self->wanted = g_array_new (FALSE, FALSE, sizeof (FerryDemoMandelbrotTile));
  self->is_wanted = g_hash_table_new (hash, equal);
  self->max_bytes = MAX_BYTES;
}

FerryDemoMandelbrotTiles *
ferry_demo_mandelbrot_tiles_new (FerryRouter *router, const char *worker_path, guint max_workers)
{
  g_autoptr (FerryLauncher) launcher = ferry_demo_launcher_new (worker_path, NULL);
  FerryDemoMandelbrotTiles *self = g_object_new (FERRY_DEMO_TYPE_MANDELBROT_TILES, NULL);

  g_object_set (launcher, "trusted", TRUE, NULL);
  self->worker_path = g_strdup (worker_path);
  self->pool = ferry_pool_new (router, launcher);
  g_object_set (self->pool, "name", "mandelbrot", "max-workers", max_workers, NULL);
  self->executor = ferry_executor_new (self->pool);
  g_signal_connect_object (ferry_pool_get_workers (self->pool), "items-changed", G_CALLBACK (workers_changed_cb), self,
                           G_CONNECT_SWAPPED);
  return self;
}

const FerryDemoMandelbrotFigures *
ferry_demo_mandelbrot_tiles_get_figures (FerryDemoMandelbrotTiles *self)
{
  return &self->figures;
}

const char *
ferry_demo_mandelbrot_tiles_get_failure (FerryDemoMandelbrotTiles *self)
{
  return self->failure;
}

const char *
ferry_demo_mandelbrot_tiles_get_loss (FerryDemoMandelbrotTiles *self)
{
  return self->loss;
}

FerryPool *
ferry_demo_mandelbrot_tiles_get_pool (FerryDemoMandelbrotTiles *self)
{
  return self->pool;
}
