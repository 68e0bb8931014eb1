/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A copy of a queue's file with its values, at a path where nothing was.
 *
 * Its folder of values is made first, which nobody else can make then. In it is the draft of the database until all is
 * on the disk. So what has the path is complete, and after an end in between there is only the folder.
 *
 * Values are copied and not linked: what damages a file would damage both.
 *
 * Owner:   the queue. The file has it while the draft is written.
 * Threads: one at a time: the file's, and then one that copies values while the file goes on. */

#include "config.h"

#include "queue/ferry-queue-copy-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "queue/ferry-queue-value-private.h"

/* How much is copied until somebody may cancel it, in bytes. */
#define PART_SIZE (1024 * 1024)

struct _FerryQueueCopy
{
  char *path;                /* const */
  char *folder;              /* const: of its values */
  char *draft;               /* const */
  char *values;              /* const: the folder of those of the queue */
  GCancellable *cancellable; /* const (owned) (nullable) */
  GPtrArray *names;          /* (owned) (nullable) */
  gboolean has_folder;       /* and is not complete */
};

FerryQueueCopy *
ferry_queue_copy_new (const char *path, const char *folder, const char *values, GCancellable *cancellable)
{
  FerryQueueCopy *self = g_new0 (FerryQueueCopy, 1);

  self->path = g_strdup (path);
  self->folder = g_strdup (folder);
  self->draft = g_build_filename (self->folder, "draft", NULL);
  self->values = g_strdup (values);
  self->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  return self;
}

static void
remove_folder (FerryQueueCopy *self)
{
  for (guint i = 0; self->names != NULL && i < self->names->len; i++)
    {
      g_autofree char *path = g_build_filename (self->folder, self->names->pdata[i], NULL);

      unlink (path);
    }
  unlink (self->draft);
  rmdir (self->folder);
}

void
ferry_queue_copy_free (FerryQueueCopy *self)
{
  if (self->has_folder)
    remove_folder (self);
  g_clear_pointer (&self->names, g_ptr_array_unref);
  g_clear_object (&self->cancellable);
  g_free (self->values);
  g_free (self->draft);
  g_free (self->folder);
  g_free (self->path);
  g_free (self);
}

const char *
ferry_queue_copy_get_path (const FerryQueueCopy *self)
{
  return self->path;
}

static gboolean
say_exists (const char *path, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
               "'%s' exists, and a back-up of a queue replaces nothing; choose another name, or remove it", path);
  return FALSE;
}

static gboolean
make_folder (FerryQueueCopy *self, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (self->path);
  struct stat about;

  if (self->has_folder)
    return TRUE;
  if (lstat (self->path, &about) == 0)
    return say_exists (self->path, error);
  if (!ferry_queue_make_folder (parent))
    return ferry_queue_set_write_error (parent, error);
  self->has_folder = mkdir (self->folder, 0700) == 0;
  if (self->has_folder)
    return TRUE;
  return errno == EEXIST ? say_exists (self->folder, error) : ferry_queue_set_write_error (self->folder, error);
}

const char *
ferry_queue_copy_begin (FerryQueueCopy *self, GError **error)
{
  ferry_autofd fd = -1;

  if (!make_folder (self, error))
    return NULL;
  fd = open (self->draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0)
    return self->draft;
  ferry_queue_set_write_error (self->draft, error);
  return NULL;
}

gboolean
ferry_queue_copy_check (FerryQueueCopy *self, GError **error)
{
  return !g_cancellable_set_error_if_cancelled (self->cancellable, error);
}

void
ferry_queue_copy_take_names (FerryQueueCopy *self, GPtrArray *names)
{
  self->names = names;
}

/* ---- values ---- */

/* One that is lost in the queue is lost in its copy. */
static gboolean
copy_value (FerryQueueCopy *self, const char *name, GError **error)
{
  g_autofree char *from = g_build_filename (self->values, name, NULL);
  g_autofree char *to = g_build_filename (self->folder, name, NULL);
  ferry_autofd source = open (from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  ferry_autofd copy = -1;
  gssize n = -1;

  if (source < 0 && errno == ENOENT)
    return TRUE;
  if (source >= 0)
    copy = open (to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  while (copy >= 0 && (n = sendfile (copy, source, NULL, PART_SIZE)) > 0)
    if (!ferry_queue_copy_check (self, error))
      return FALSE;
  return (n == 0 && fsync (copy) == 0) || ferry_queue_set_write_error (source < 0 ? from : to, error);
}

static gboolean
sync_draft (FerryQueueCopy *self, GError **error)
{
  ferry_autofd fd = open (self->draft, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

  return (fd >= 0 && fsync (fd) == 0 && ferry_queue_sync_folder (self->folder)) ||
         ferry_queue_set_write_error (self->draft, error);
}

static gboolean
put_in_place (FerryQueueCopy *self, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (self->path);
  struct stat about;

  if (renameat2 (AT_FDCWD, self->draft, AT_FDCWD, self->path, RENAME_NOREPLACE) < 0)
    {
      const int code = errno;

      if (code == EEXIST || lstat (self->path, &about) == 0)
        return say_exists (self->path, error);
      /* Some file systems do not support RENAME_NOREPLACE. */
      errno = code;
      if (code != EINVAL || rename (self->draft, self->path) < 0)
        return ferry_queue_set_write_error (self->path, error);
    }
  if (ferry_queue_sync_folder (parent))
    return TRUE;
  ferry_queue_set_write_error (parent, error);
  unlink (self->path);
  return FALSE;
}

gboolean
ferry_queue_copy_finish (FerryQueueCopy *self, GError **error)
{
  for (guint i = 0; i < self->names->len; i++)
    if (!ferry_queue_copy_check (self, error) || !copy_value (self, self->names->pdata[i], error))
      return FALSE;
  if (!sync_draft (self, error) || !ferry_queue_copy_check (self, error) || !put_in_place (self, error))
    return FALSE;
  self->has_folder = FALSE;
  /* Unless it has values. */
  rmdir (self->folder);
  return TRUE;
}
