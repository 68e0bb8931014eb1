/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Arguments and results that a queue stores, large ones in files beside the database.
 *
 * A small value is in the row, a large one in a file of its own, whose name, size and checksum are in the row.
 *
 * A value in a file is in memory until its row is on the disk, or after it was loaded for a task that is begun. Else it
 * is read when somebody asks for it.
 *
 * Owner:   counted references.
 * Threads: any, but for what a function says.
 * Trust:   the file is the user's own, and may be damaged, cut or gone: what is read is held against the checksum. */

#include "config.h"

#include "queue/ferry-queue-value-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "queue/ferry-queue-sum-private.h"
#include "wire/ferry-layout-private.h"

#define VALUE_TYPE "v"

struct _FerryQueueValue
{
  gatomicrefcount references;
  char *name;                /* const: (nullable): of one in a file */
  char *folder;              /* const: (nullable): of one in a file */
  GVariant *value;           /* (owned) (nullable): of this process: changed where the queue's thread is not at it */
  GBytes *bytes;             /* (owned) (nullable): of a row or a file; else the queue's thread */
  char *text;                /* (nullable): of one in a file: name, size and checksum; the queue's thread */
  gsize size;                /* of one in a file: the queue's thread, or const */
  guint64 sum;               /* of one in a file: the queue's thread, or const */
  gboolean is_written;       /* the queue's thread */
  _Atomic gboolean is_wrong; /* its file was found to be damaged */
};

/* ---- packing ---- */

GBytes *
ferry_queue_no_bytes (void)
{
  static gsize none = 0;

  if (g_once_init_enter (&none))
    g_once_init_leave (&none, (gsize) g_bytes_new_static ("", 0));
  return g_bytes_ref ((GBytes *) none);
}

GBytes *
ferry_queue_pack (GVariant *value)
{
  g_autoptr (GVariant) normal = NULL;
  g_autoptr (GVariant) ordered = NULL;

  if (value == NULL)
    return NULL;
  normal = g_variant_get_normal_form (value);
  ordered = G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (normal) : g_variant_ref (normal);
  return g_variant_get_data_as_bytes (ordered);
}

GVariant *
ferry_queue_unpack (GBytes *bytes, const char *type)
{
  g_autoptr (GVariant) ordered = NULL;
  gconstpointer data;
  gsize size;

  if (bytes == NULL)
    return NULL;
  data = g_bytes_get_data (bytes, &size);
  if (ferry_layout_judge (type, strlen (type), data, size) != FERRY_VALUE_GOOD)
    return NULL;
  /* Trusted: it has been checked, in memory of this process alone. */
  ordered = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, TRUE));
  return G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (ordered) : g_steal_pointer (&ordered);
}

/* ---- the struct ---- */

FerryQueueValue *
ferry_queue_value_of_bytes (GBytes *bytes)
{
  FerryQueueValue *self = g_new0 (FerryQueueValue, 1);

  g_atomic_ref_count_init (&self->references);
  self->bytes = g_bytes_ref (bytes);
  return self;
}

static guint64
sum_of (GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  return ferry_queue_sum_add_bytes (FERRY_QUEUE_SUM_START, data, size);
}

FerryQueueValue *
ferry_queue_value_of (const char *folder, GVariant *value)
{
  FerryQueueValue *self;

  if (value == NULL)
    return NULL;
  self = g_new0 (FerryQueueValue, 1);
  g_atomic_ref_count_init (&self->references);
  self->value = g_variant_ref_sink (value);
  if (g_variant_get_size (value) <= FERRY_QUEUE_INLINE_SIZE)
    return self;
  self->name = g_uuid_string_random ();
  self->folder = g_strdup (folder);
  return self;
}

FerryQueueValue *
ferry_queue_value_of_text (const char *folder, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  FerryQueueValue *self;
  guint64 size, sum;

  if (g_strv_length (words) != 3 || !g_uuid_string_is_valid (words[0]) ||
      !ferry_parse_number (words[1], 10, 1, G_MAXSSIZE, &size) ||
      !ferry_parse_number (words[2], 16, 0, G_MAXUINT64, &sum))
    return NULL;
  self = g_new0 (FerryQueueValue, 1);
  g_atomic_ref_count_init (&self->references);
  self->size = (gsize) size;
  self->sum = sum;
  self->text = g_strdup (text);
  self->name = g_steal_pointer (&words[0]);
  words[0] = g_strdup ("");
  self->folder = g_strdup (folder);
  self->is_written = TRUE;
  return self;
}

FerryQueueValue *
ferry_queue_value_ref (FerryQueueValue *self)
{
  if (self != NULL)
    g_atomic_ref_count_inc (&self->references);
  return self;
}

void
ferry_queue_value_unref (FerryQueueValue *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->text);
  g_free (self->name);
  g_free (self->folder);
  g_free (self);
}

GBytes *
ferry_queue_value_get_bytes (const FerryQueueValue *self)
{
  return self->name == NULL ? self->bytes : NULL;
}

const char *
ferry_queue_value_get_text (const FerryQueueValue *self)
{
  return self->text;
}

const char *
ferry_queue_value_get_name (const FerryQueueValue *self)
{
  return self->name;
}

/* ---- writing ---- */

gboolean
ferry_queue_set_write_error (const char *path, GError **error)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, code == EROFS ? G_IO_ERROR_READ_ONLY : g_io_error_from_errno (code),
               "The queue's file '%s' cannot be written: %s; %s", path, g_strerror (code),
               code == ENOSPC || code == EDQUOT                   ? "make room on its disk"
               : code == EROFS || code == EACCES || code == EPERM ? "allow this user to write it and its folder"
                                                                  : "see what the system's log says of the disk");
  return FALSE;
}

static gboolean
write_bytes (int fd, GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  while (size > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (write (fd, data, size));

      if (n <= 0)
        {
          errno = n == 0 ? EIO : errno;
          return FALSE;
        }
      data += n;
      size -= (gsize) n;
    }
  return TRUE;
}

gboolean
ferry_queue_sync_folder (const char *path)
{
  ferry_autofd fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  return fd >= 0 && fsync (fd) == 0;
}

gboolean
ferry_queue_make_folder (const char *path)
{
  g_autofree char *parent = g_path_get_dirname (path);
  gboolean is_new = mkdir (path, 0700) == 0;

  if (!is_new && errno == ENOENT && ferry_queue_make_folder (parent))
    is_new = mkdir (path, 0700) == 0;
  if (!is_new)
    return errno == EEXIST;
  if (ferry_queue_sync_folder (parent))
    return TRUE;
  rmdir (path);
  return FALSE;
}

static void
pack (FerryQueueValue *self)
{
  g_autoptr (GVariant) boxed = NULL;

  if (self->bytes != NULL)
    return;
  boxed = g_variant_ref_sink (g_variant_new_variant (self->value));
  self->bytes = ferry_queue_pack (boxed);
  if (self->name == NULL)
    return;
  self->size = g_bytes_get_size (self->bytes);
  self->sum = sum_of (self->bytes);
  self->text = g_strdup_printf ("%s %" G_GSIZE_FORMAT " %" G_GINT64_MODIFIER "x", self->name, self->size, self->sum);
}

gboolean
ferry_queue_value_write (FerryQueueValue *self, GError **error)
{
  g_autofree char *path = NULL;
  ferry_autofd fd = -1;

  if (self->is_written)
    return TRUE;
  pack (self);
  if (self->name == NULL)
    return TRUE;
  path = g_build_filename (self->folder, self->name, NULL);
  if (!ferry_queue_make_folder (self->folder))
    return ferry_queue_set_write_error (self->folder, error);
  fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return ferry_queue_set_write_error (path, error);
  if (!write_bytes (fd, self->bytes) || fsync (fd) < 0 || !ferry_queue_sync_folder (self->folder))
    {
      ferry_queue_set_write_error (path, error);
      /* A disk that is full needs the room; one that was not removed is written over, or removed at the next start. */
      unlink (path);
      return FALSE;
    }
  self->is_written = TRUE;
  return TRUE;
}

/* ---- reading ---- */

static gboolean
set_read_error (FerryQueueValue *self, GIOErrorEnum code, const char *why, GError **error)
{
  g_set_error (error, G_IO_ERROR, code,
               "What the queue has stored of the task in '%s/%s' is lost: %s. Try the task again, or remove it",
               self->folder, self->name, why);
  return FALSE;
}

static gboolean
set_system_read_error (FerryQueueValue *self, GError **error)
{
  return set_read_error (self, g_io_error_from_errno (errno), g_strerror (errno), error);
}

GBytes *
ferry_queue_value_read (FerryQueueValue *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, self->name, NULL);
  ferry_autofd fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  g_autofree guint8 *data = fd >= 0 ? g_try_malloc (self->size) : NULL;
  g_autoptr (GBytes) bytes = NULL;
  gssize n = 1;

  if (fd >= 0 && data == NULL)
    errno = ENOMEM;
  for (gsize at = 0; data != NULL && at < self->size && n > 0; at += (gsize) MAX (n, 0))
    n = TEMP_FAILURE_RETRY (pread (fd, data + at, self->size - at, (off_t) at));
  if (fd < 0 || data == NULL || n < 0)
    {
      set_system_read_error (self, error);
      return NULL;
    }
  if (n > 0)
    bytes = g_bytes_new_take (g_steal_pointer (&data), self->size);
  if (bytes != NULL && sum_of (bytes) == self->sum)
    return g_steal_pointer (&bytes);
  /* Relaxed: nothing else is told by it. */
  atomic_store_explicit (&self->is_wrong, TRUE, memory_order_relaxed);
  set_read_error (self, G_IO_ERROR_INVALID_DATA, "it is not what was written", error);
  return NULL;
}

void
ferry_queue_value_keep (FerryQueueValue *self, GBytes *bytes)
{
  if (!ferry_queue_value_is_at_hand (self))
    self->bytes = g_bytes_ref (bytes);
}

void
ferry_queue_value_unload (FerryQueueValue *self)
{
  if (self->name == NULL)
    return;
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
}

gboolean
ferry_queue_value_is_at_hand (const FerryQueueValue *self)
{
  return self->value != NULL || self->bytes != NULL;
}

gboolean
ferry_queue_value_check (FerryQueueValue *self, GError **error)
{
  g_autofree char *path = NULL;
  struct stat about;

  if (self->name == NULL || ferry_queue_value_is_at_hand (self))
    return TRUE;
  path = g_build_filename (self->folder, self->name, NULL);
  if (lstat (path, &about) < 0)
    return set_system_read_error (self, error);
  if (!S_ISREG (about.st_mode) || (guint64) about.st_size != self->size ||
      atomic_load_explicit (&self->is_wrong, memory_order_relaxed))
    return set_read_error (self, G_IO_ERROR_INVALID_DATA, "it is not what was written", error);
  return TRUE;
}

GVariant *
ferry_queue_value_open (FerryQueueValue *self, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) boxed = NULL;

  if (self->value != NULL)
    return g_variant_ref (self->value);
  bytes = self->bytes != NULL ? g_bytes_ref (self->bytes) : ferry_queue_value_read (self, error);
  boxed = ferry_queue_unpack (bytes, VALUE_TYPE);
  if (boxed != NULL)
    return g_variant_get_variant (boxed);
  if (bytes != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "What the queue has stored of the task is no value; try the task again, or remove it");
  return NULL;
}
