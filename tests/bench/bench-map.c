/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parallel map: digests of files, by a worker a core, beside this process one after the other; and tiny items, a
 * function that gives back its argument, in chunks of one, of 64 and of automatic size. */

#include "config.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench-common.h"
#include "bench-team.h"

#define N_WORKERS 2
#define MAX_ROUNDS 16
#define N_FILES 1600
#define N_TINY 100000

/* ---- files ---- */

typedef struct
{
  char *folder;
  GPtrArray *paths; /* (element-type utf8) (owned) */
} Files;

/* From 16 KiB to 1 MiB, as documents are: many small ones and some large. */
static gsize
get_size (guint i)
{
  return (gsize) 16384 << (i % 16 == 0 ? 6 : i % 4);
}

static void
files_make (Files *self, guint n)
{
  g_autofree guint8 *data = g_malloc (get_size (0));
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("bench-map-XXXXXX", &error);
  if (self->folder == NULL)
    bench_fail ("a folder", error);
  self->paths = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      char *path = g_build_filename (self->folder, name, NULL);

      memset (data, (int) i, get_size (i));
      if (!g_file_set_contents (path, (const char *) data, (gssize) get_size (i), &error))
        bench_fail (path, error);
      g_ptr_array_add (self->paths, path);
    }
}

static void
files_remove (Files *self)
{
  for (guint i = 0; i < self->paths->len; i++)
    g_remove (self->paths->pdata[i]);
  g_rmdir (self->folder);
  g_ptr_array_unref (self->paths);
  g_free (self->folder);
}

static char *
digest (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, &error);

  if (file == NULL)
    bench_fail (path, error);
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) g_mapped_file_get_contents (file),
                                      g_mapped_file_get_length (file));
}

/* One after the other, in this process: seconds, and the digests. */
static double
measure_sequential (const Files *files, GPtrArray *digests)
{
  const gint64 started = bench_now ();

  for (guint i = 0; i < files->paths->len; i++)
    g_ptr_array_add (digests, digest (files->paths->pdata[i]));
  return (bench_now () - started) / 1e9;
}

static GListModel *
collect (FerryMap *map)
{
  g_autoptr (GError) error = NULL;
  GListModel *results = ferry_map_collect (map, -1, &error);

  if (results == NULL)
    bench_fail ("the map", error);
  return results;
}

static double
measure_map (BenchTeam *team, const Files *files, const GPtrArray *digests)
{
  const gint64 started = bench_now ();
  g_autoptr (FerryMap) map = ferry_map_new (team->executor, "sha256", FERRY_MAP_ORDERED);
  g_autoptr (GListModel) results = NULL;
  double seconds;

  ferry_map_set_arguments (map,
                           g_variant_new_strv ((const char *const *) files->paths->pdata, (gssize) files->paths->len));
  results = collect (map);
  seconds = (bench_now () - started) / 1e9;
  for (guint i = 0; i < digests->len; i++)
    {
      g_autoptr (FerryMapItem) item = g_list_model_get_item (results, i);

      if (!g_str_equal (g_variant_get_string (ferry_map_item_get_value (item), NULL), digests->pdata[i]))
        bench_fail ("a digest is not what it was", NULL);
    }
  return seconds;
}

static void
run_files (BenchTeam *team, const BenchOptions *options)
{
  double sequential[MAX_ROUNDS], mapped[MAX_ROUNDS];
  Files files;

  files_make (&files, N_FILES);
  for (guint round = 0; round < options->rounds; round++)
    {
      g_autoptr (GPtrArray) digests = g_ptr_array_new_with_free_func (g_free);

      sequential[round] = measure_sequential (&files, digests);
      mapped[round] = measure_map (team, &files, digests);
    }
  files_remove (&files);
  bench_print ("map/files/sequential", bench_median (sequential, options->rounds) * 1e3, "ms");
  bench_print ("map/files", bench_median (mapped, options->rounds) * 1e3, "ms");
  bench_print ("ratio/map/files/vs-sequential", bench_median_ratio (sequential, mapped, options->rounds), "ratio");
  bench_print_budget (">= 1.7 on 2 cores");
}

/* ---- tiny items ---- */

typedef struct
{
  guint64 n;
  guint64 next;
  guint64 n_results;
  gboolean finished;
} Tiny;

static GVariant *
next_tiny (gpointer user_data, GError **error)
{
  Tiny *self = user_data;

  return self->next < self->n ? g_variant_new_uint64 (self->next++) : NULL;
}

static void
result_cb (FerryMap *map, guint64 index, GVariant *value, const GError *error, gpointer user_data)
{
  Tiny *self = user_data;

  if (error != NULL || index != self->n_results++ || g_variant_get_uint64 (value) != index)
    bench_fail ("an item", error);
}

static void
finished_cb (FerryMap *map, gpointer user_data)
{
  ((Tiny *) user_data)->finished = TRUE;
}

/* Items a second; cpu: what one costs this thread, in ns. */
static double
measure_tiny (BenchTeam *team, guint n, guint chunk_size, double *cpu)
{
  g_autoptr (FerryMap) map = ferry_map_new (team->executor, "echo", FERRY_MAP_ORDERED);
  Tiny tiny = {.n = n};
  const gint64 used = bench_thread_cpu ();
  const gint64 started = bench_now ();

  g_object_set (map, "chunk-size", chunk_size, NULL);
  ferry_map_set_source (map, next_tiny, &tiny, NULL);
  g_signal_connect (map, "result", G_CALLBACK (result_cb), &tiny);
  g_signal_connect (map, "finished", G_CALLBACK (finished_cb), &tiny);
  ferry_map_start (map);
  while (!tiny.finished)
    g_main_context_iteration (NULL, TRUE);
  if (tiny.n_results != n)
    bench_fail ("items are missing", NULL);
  *cpu = (double) (bench_thread_cpu () - used) / n;
  return n * 1e9 / (bench_now () - started);
}

static void
run_tiny (BenchTeam *team, const BenchOptions *options)
{
  const char *const names[] = {"automatic", "1", "64"};
  const guint sizes[] = {0, 1, 64};
  const guint n = (guint) bench_choose (options, N_TINY / 100, N_TINY / 4, N_TINY);
  double rates[3][MAX_ROUNDS], costs[3][MAX_ROUNDS];

  for (guint round = 0; round < options->rounds; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
        rates[i][round] = measure_tiny (team, n, sizes[i], &costs[i][round]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *rate = g_strdup_printf ("map/tiny/chunks-%s", names[i]);
      g_autofree char *cost = g_strdup_printf ("map/tiny/chunks-%s/cpu", names[i]);

      bench_print (rate, bench_median (rates[i], options->rounds), "items/s");
      bench_print (cost, bench_median (costs[i], options->rounds), "ns");
    }
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  FerryRouter *router;
  BenchTeam team;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  router = bench_router_open ();
  bench_team_open (&team, router, N_WORKERS);
  bench_team_warm_up (&team);
  run_tiny (&team, &options);
  run_files (&team, &options);
  bench_team_close (&team);
  bench_router_close (router);
  return EXIT_SUCCESS;
}
