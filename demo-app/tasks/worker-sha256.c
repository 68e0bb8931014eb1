/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* SHA-256 of every regular file below a folder; symbolic links are not followed. */

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <string.h>
#include <sys/stat.h>

#include "app/ferry-demo-message.h"

#include "app/worker-jobs.h"
#include <glib/gi18n.h>

#define CHUNK_SIZE (256 * 1024)

typedef struct
{
  char *path;
  guint64 size; /* as it was when the file was found */
} FoundFile;

typedef struct
{
  FerryJob *job;
  gsize prefix;  /* bytes of each path that only repeat the folder */
  GArray *files; /* (element-type FoundFile) */
  guint next;    /* the file that is being read */
  guint64 total; /* bytes, as they were when the files were found */
  guint64 base;  /* of these, those of the files that are behind us */
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
  g_autofree char *text = g_strdup_printf ("%s: %s", name, reason);
  g_autofree char *problem = g_utf8_make_valid (text, -1);

  return ferry_job_send (walk->job, FERRY_DEMO_PROBLEM, g_variant_new_string (problem), error);
}

static gboolean
report_search (Walk *walk, GError **error)
{
  g_autofree char *count = worker_format_count (walk->files->len);
  g_autofree char *text = g_strdup_printf (_ ("Looking for files: %s so far"), count);

  return ferry_job_report (walk->job, -1.0, text, error);
}

/* name (nullable) is what is being read. */
static gboolean
report_progress (Walk *walk, guint64 done, const char *name, GError **error)
{
  g_autofree char *next = worker_format_count (walk->next);
  g_autofree char *all = worker_format_count (walk->files->len);
  g_autofree char *count = g_strdup_printf (_ ("%s of %s files"), next, all);
  g_autofree char *text = name != NULL ? g_strdup_printf ("%s: %s", count, name) : g_strdup (count);

  return ferry_job_report_amount (walk->job, done, walk->total, FERRY_DEMO_BYTES, text, error);
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
  walk->total += file.size;
  return report_search (walk, error);
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

/* FALSE with `error` set: the job is over. FALSE without: the file cannot be read, and that was reported. */
static gboolean
digest_chunks (Walk *walk, const FoundFile *file, GInputStream *stream, const char *name, GError **error)
{
  GCancellable *cancellable = ferry_job_get_cancellable (walk->job);
  guint64 bytes = 0;

  for (;;)
    {
      g_autoptr (GError) failure = NULL;
      gssize size = g_input_stream_read (stream, walk->chunk, CHUNK_SIZE, cancellable, &failure);

      if (size < 0 && !ferry_job_check (walk->job, error))
        return FALSE;
      if (size < 0)
        {
          report_failure (walk, file->path, failure->message, error);
          return FALSE;
        }
      if (size == 0)
        return TRUE;

      g_checksum_update (walk->checksum, walk->chunk, size);
      bytes += (guint64) size;
      walk->bytes += (guint64) size;
      if (!report_progress (walk, walk->base + MIN (bytes, file->size), name, error))
        return FALSE;
    }
}

static gboolean
digest_file (Walk *walk, const FoundFile *file, GError **error)
{
  g_autofree char *name = g_filename_display_name (file->path + walk->prefix);
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GError) local_error = NULL;
  int fd = open (file->path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

  if (fd < 0)
    return report_failure (walk, file->path, g_strerror (errno), error);

  stream = g_unix_input_stream_new (fd, /* close: */ TRUE);
  g_checksum_reset (walk->checksum);
  if (digest_chunks (walk, file, stream, name, &local_error))
    {
      walk->digests++;
      return ferry_job_yield (walk->job, g_variant_new ("(s^ay)", g_checksum_get_string (walk->checksum), file->path),
                              error);
    }
  if (local_error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
digest_files (Walk *walk, GError **error)
{
  for (walk->next = 0; walk->next < walk->files->len; walk->next++)
    {
      const FoundFile *file = &g_array_index (walk->files, FoundFile, walk->next);

      if (!report_progress (walk, walk->base, NULL, error) || !digest_file (walk, file, error))
        return FALSE;
      walk->base += file->size;
    }
  return report_progress (walk, walk->base, NULL, error);
}

static gboolean
find_all (Walk *walk, const char *path, GError **error)
{
  g_autofree char *inside = join (path, "");
  struct stat status;

  if (stat (path, &status) != 0)
    {
      int code = errno;
      g_autofree char *name = g_filename_display_name (path);

      ferry_job_set_error (walk->job, error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", name,
                           g_strerror (code));
      return FALSE;
    }
  if (!S_ISDIR (status.st_mode))
    return find_entry (walk, g_strdup (path), &status, error);
  walk->prefix = strlen (inside);
  return find_files (walk, path, error);
}

GVariant *
worker_sha256 (FerryJob *job, GVariant *arguments, GError **error)
{
  g_auto (Walk) walk = {.job = job};

  walk.files = g_array_new (FALSE, FALSE, sizeof (FoundFile));
  g_array_set_clear_func (walk.files, found_file_clear);
  walk.checksum = g_checksum_new (G_CHECKSUM_SHA256);
  walk.chunk = g_malloc (CHUNK_SIZE);

  if (!find_all (&walk, g_variant_get_bytestring (arguments), error))
    return NULL;
  g_array_sort (walk.files, compare_files);
  if (!digest_files (&walk, error))
    return NULL;
  return g_variant_new (FERRY_DEMO_SHA256_RESULT, walk.digests, walk.bytes);
}
