/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* SHA-256 of every regular file below a folder; symbolic links are not followed. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "worker-report.h"

#define CHUNK_SIZE (256 * 1024)

typedef struct
{
  char *path;
  guint64 size; /* as it was when the file was found */
} FoundFile;

typedef struct
{
  WorkerReport *report;
  gsize prefix;  /* bytes of each path that only repeat the folder */
  GArray *files; /* (element-type FoundFile) */
  WorkerProgress progress;
  guint64 base;  /* expected bytes of the files that are behind us */
  guint64 bytes; /* really read */
  guint64 digests;
  GChecksum *checksum;
  guint8 *chunk;
} Walk;

static void
found_file_clear (gpointer data)
{
  g_free (((FoundFile *) data)->path);
}

static void
walk_clear (Walk *walk)
{
  g_clear_pointer (&walk->files, g_array_unref);
  g_clear_pointer (&walk->checksum, g_checksum_free);
  g_clear_pointer (&walk->chunk, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Walk, walk_clear)

static gboolean
report_failure (Walk *walk, const char *path, const char *reason, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);
  g_autofree char *problem = g_strdup_printf ("%s: %s", name, reason);

  return worker_report_problem (walk->report, problem, error);
}

/* Joined as find joins them: a folder's own slashes are kept. */
static char *
join (const char *folder, const char *name)
{
  return g_str_has_suffix (folder, "/") ? g_strconcat (folder, name, NULL) : g_strconcat (folder, "/", name, NULL);
}

static gboolean find_files (Walk *walk, const char *folder, GError **error);

static gboolean
find_entry (Walk *walk, char *path, const struct stat *status, GError **error)
{
  g_autofree char *owned = path;
  FoundFile file = {NULL, (guint64) status->st_size};

  if (S_ISDIR (status->st_mode))
    return find_files (walk, owned, error);
  if (!S_ISREG (status->st_mode))
    return TRUE;

  file.path = g_steal_pointer (&owned);
  g_array_append_val (walk->files, file);
  walk->progress.items_done = walk->files->len;
  walk->base += file.size;
  return worker_report_progress (walk->report, &walk->progress, error);
}

static gboolean
find_files (Walk *walk, const char *folder, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GDir) directory = g_dir_open (folder, 0, &failure);
  const char *name;

  if (directory == NULL)
    return report_failure (walk, folder, failure->message, error);

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *path = join (folder, name);
      struct stat status;

      if (lstat (path, &status) != 0)
        {
          if (!report_failure (walk, path, g_strerror (errno), error))
            return FALSE;
        }
      else if (!find_entry (walk, g_steal_pointer (&path), &status, error))
        return FALSE;
    }
  return TRUE;
}

static int
compare_files (gconstpointer a, gconstpointer b)
{
  return strcmp (((const FoundFile *) a)->path, ((const FoundFile *) b)->path);
}

/* FALSE with `error` set: nobody listens any more. FALSE without: the file cannot be read, and that was reported. */
static gboolean
digest_chunks (Walk *walk, const FoundFile *file, int fd, GError **error)
{
  guint64 bytes = 0;

  for (;;)
    {
      ssize_t size = read (fd, walk->chunk, CHUNK_SIZE);

      if (size < 0 && errno == EINTR)
        continue;
      if (size < 0)
        {
          report_failure (walk, file->path, g_strerror (errno), error);
          return FALSE;
        }
      if (size == 0)
        return TRUE;

      g_checksum_update (walk->checksum, walk->chunk, size);
      bytes += (guint64) size;
      walk->bytes += (guint64) size;
      walk->progress.done = walk->base + MIN (bytes, file->size);
      if (!worker_report_progress (walk->report, &walk->progress, error))
        return FALSE;
    }
}

static gboolean
digest_file (Walk *walk, const FoundFile *file, GError **error)
{
  g_autofree char *doing = g_filename_display_name (file->path + walk->prefix);
  g_autoptr (GError) local_error = NULL;
  int fd = open (file->path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  gboolean whole;

  if (fd < 0)
    return report_failure (walk, file->path, g_strerror (errno), error);

  walk->progress.doing = doing;
  g_checksum_reset (walk->checksum);
  whole = digest_chunks (walk, file, fd, &local_error);
  close (fd);
  walk->progress.doing = "";

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (!whole)
    return TRUE;
  walk->digests++;
  return worker_report_digest (walk->report, g_checksum_get_string (walk->checksum), file->path, error);
}

static gboolean
digest_files (Walk *walk, GError **error)
{
  walk->progress = (WorkerProgress){.total = walk->base, .items_total = walk->files->len, .doing = ""};
  walk->base = 0;
  if (!worker_report_progress_at_once (walk->report, &walk->progress, error))
    return FALSE;

  for (guint i = 0; i < walk->files->len; i++)
    {
      const FoundFile *file = &g_array_index (walk->files, FoundFile, i);

      if (!digest_file (walk, file, error))
        return FALSE;
      walk->base += file->size;
      walk->progress.done = walk->base;
      walk->progress.items_done = i + 1;
    }
  return TRUE;
}

gboolean
worker_sha256 (WorkerReport *report, const FerryDemoSpec *spec, GError **error)
{
  g_auto (Walk) walk = {.report = report, .progress.doing = ""};
  struct stat status;

  if (stat (spec->argument, &status) != 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", spec->argument, g_strerror (errno));
      return FALSE;
    }

  walk.files = g_array_new (FALSE, FALSE, sizeof (FoundFile));
  g_array_set_clear_func (walk.files, found_file_clear);
  walk.checksum = g_checksum_new (G_CHECKSUM_SHA256);
  walk.chunk = g_malloc (CHUNK_SIZE);

  if (S_ISDIR (status.st_mode))
    {
      g_autofree char *inside = join (spec->argument, "");

      walk.prefix = strlen (inside);
      if (!find_files (&walk, spec->argument, error))
        return FALSE;
    }
  else if (!find_entry (&walk, g_strdup (spec->argument), &status, error))
    return FALSE;

  g_array_sort (walk.files, compare_files);
  return digest_files (&walk, error) && worker_report_result (report, walk.digests, walk.bytes, error);
}
