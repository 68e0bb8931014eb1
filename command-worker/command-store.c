/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is kept of a command's output for its result, in memory or a file. A little output is in an array here. More of
 * it goes into memory that has a descriptor, so that the application gets it without a copy; and from a bound on into a
 * file without a name, for which the system needs no memory.
 *
 * Of a stream that is longer than the limit, the first bytes stay where they are, and a ring has the last ones. */

#include "command-store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct _CommandStore
{
  guint64 limit;
  gsize last;       /* at most as many as limit */
  guint64 n_added;  /* of the stream */
  guint64 size;     /* how many are kept behind the head; until the end, without those of the ring */
  GByteArray *held; /* (owned): all of them, while fd is -1 */
  int fd;           /* (owned): -1: held has them */
  gboolean is_file; /* fd is a file on a disk, or would be if there were a place for one */
  guint8 *ring;     /* (owned) (nullable): of last bytes: those beyond the limit */
  guint64 n_ring;   /* how many were written to it */
};

CommandStore *
command_store_new (guint64 limit, gsize last)
{
  CommandStore *self = g_new0 (CommandStore, 1);

  self->limit = limit;
  self->last = (gsize) MIN ((guint64) last, limit);
  self->held = g_byte_array_new ();
  self->fd = -1;
  return self;
}

void
command_store_free (CommandStore *self)
{
  g_byte_array_unref (self->held);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->ring);
  g_free (self);
}

static gboolean
set_failed (GError **error)
{
  const int failure = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (failure),
               "The output of the command cannot be kept: %s; make room, set 'output-file', or lower 'output-limit'",
               g_strerror (failure));
  return FALSE;
}

/* ---- the descriptor ---- */

static gboolean
write_all (int fd, const guint8 *bytes, gsize size, guint64 place, GError **error)
{
  while (size > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (pwrite (fd, bytes, size, (off_t) place));

      if (n < 0)
        return set_failed (error);
      bytes += n;
      size -= (gsize) n;
      place += (gsize) n;
    }
  return TRUE;
}

/* Reads what is there for certain. */
static gboolean
read_all (int fd, guint8 *bytes, gsize size, guint64 place, GError **error)
{
  while (size > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (pread (fd, bytes, size, (off_t) place));

      if (n <= 0)
        {
          errno = n < 0 ? errno : EIO;
          return set_failed (error);
        }
      bytes += n;
      size -= (gsize) n;
      place += (gsize) n;
    }
  return TRUE;
}

static gboolean
open_memory (CommandStore *self, GError **error)
{
  self->fd = memfd_create ("ferry-output", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (self->fd < 0)
    return set_failed (error);
  if (!write_all (self->fd, self->held->data, self->held->len, COMMAND_STORE_HEAD, error))
    return FALSE;
  g_byte_array_set_size (self->held, 0);
  return TRUE;
}

/* Returns a file without a name in a folder, or -1. */
static int
open_nameless (const char *folder)
{
  g_autofree char *name = NULL;
  int fd = open (folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

  if (fd >= 0)
    return fd;
  /* Not each file system has these. */
  name = g_build_filename (folder, "ferry-output-XXXXXX", NULL);
  fd = g_mkstemp_full (name, O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0)
    unlink (name);
  return fd;
}

/* /tmp is memory on many systems. */
static int
open_file (void)
{
  const char *chosen = g_getenv ("TMPDIR");
  int fd = open_nameless (chosen != NULL && chosen[0] != '\0' ? chosen : "/var/tmp");

  return fd >= 0 ? fd : open_nameless (g_get_tmp_dir ());
}

/* Moves what is in memory to a file. Where there is no place for one, it stays in memory. */
static gboolean
move_to_file (CommandStore *self, GError **error)
{
  g_autofree guint8 *bytes = g_malloc (COMMAND_STORE_HELD);
  int fd = open_file ();

  self->is_file = TRUE;
  if (fd < 0)
    return TRUE;
  for (guint64 place = 0; place < self->size; place += COMMAND_STORE_HELD)
    {
      gsize size = (gsize) MIN (COMMAND_STORE_HELD, self->size - place);

      if (!read_all (self->fd, bytes, size, place + COMMAND_STORE_HEAD, error) ||
          !write_all (fd, bytes, size, place + COMMAND_STORE_HEAD, error))
        {
          close (fd);
          return FALSE;
        }
    }
  close (self->fd);
  self->fd = fd;
  return TRUE;
}

/* ---- bytes ---- */

static gboolean
append (CommandStore *self, const guint8 *bytes, gsize size, GError **error)
{
  const guint64 after = self->size + size;

  if (self->fd < 0 && after > COMMAND_STORE_HELD && !open_memory (self, error))
    return FALSE;
  if (!self->is_file && after > COMMAND_STORE_MEMORY && !move_to_file (self, error))
    return FALSE;
  if (self->fd < 0)
    g_byte_array_append (self->held, bytes, (guint) size);
  else if (!write_all (self->fd, bytes, size, self->size + COMMAND_STORE_HEAD, error))
    return FALSE;
  self->size = after;
  return TRUE;
}

/* Puts bytes that are beyond the limit into the ring. */
static void
add_to_ring (CommandStore *self, const guint8 *bytes, gsize size)
{
  gsize skipped = size > self->last ? size - self->last : 0;
  gsize place;
  gsize first;

  if (self->last == 0)
    return;
  if (self->ring == NULL)
    self->ring = g_malloc (self->last);
  self->n_ring += skipped;
  place = (gsize) (self->n_ring % self->last);
  first = MIN (size - skipped, self->last - place);
  memcpy (self->ring + place, bytes + skipped, first);
  memcpy (self->ring, bytes + skipped + first, size - skipped - first);
  self->n_ring += size - skipped;
}

gboolean
command_store_add (CommandStore *self, const guint8 *bytes, gsize size, GError **error)
{
  gsize room = (gsize) MIN ((guint64) size, self->limit - self->size);

  self->n_added += size;
  if (room > 0 && !append (self, bytes, room, error))
    return FALSE;
  if (size > room)
    add_to_ring (self, bytes + room, size - room);
  return TRUE;
}

/* Copies bytes that are kept. */
static gboolean
read_kept (CommandStore *self, guint8 *bytes, gsize size, guint64 place, GError **error)
{
  if (self->fd >= 0)
    return read_all (self->fd, bytes, size, place + COMMAND_STORE_HEAD, error);
  memcpy (bytes, self->held->data + place, size);
  return TRUE;
}

/* The last bytes are in the ring, or some of them are the last of those before it. */
gboolean
command_store_end (CommandStore *self, GError **error)
{
  const gsize in_ring = (gsize) MIN (self->n_ring, (guint64) self->last);
  const gsize before = self->last - in_ring;
  const gsize place = self->last > 0 ? (gsize) (self->n_ring % self->last) : 0;
  g_autofree guint8 *bytes = NULL;

  if (self->n_ring == 0)
    return TRUE;
  bytes = g_malloc (self->last);
  if (!read_kept (self, bytes, before, self->size - before, error))
    return FALSE;
  if (self->n_ring >= self->last)
    memcpy (bytes, self->ring + place, self->last - place);
  memcpy (bytes + self->last - place, self->ring, place);
  self->n_ring = 0;
  self->size -= self->last;
  if (self->fd < 0)
    g_byte_array_set_size (self->held, (guint) self->size);
  return append (self, bytes, self->last, error);
}

guint64
command_store_get_size (CommandStore *self)
{
  return self->size;
}

guint64
command_store_get_gap (CommandStore *self, guint64 *n_left_out)
{
  *n_left_out = self->n_added - self->size;
  return *n_left_out > 0 ? self->size - self->last : 0;
}

GBytes *
command_store_dup_bytes (CommandStore *self, GError **error)
{
  g_autoptr (GBytes) mapped = NULL;
  g_autoptr (GMappedFile) file = NULL;

  if (self->fd < 0)
    return g_bytes_new (self->held->data, self->held->len);
  file = g_mapped_file_new_from_fd (self->fd, FALSE, error);
  if (file == NULL)
    return NULL;
  mapped = g_mapped_file_get_bytes (file);
  return g_bytes_new_from_bytes (mapped, COMMAND_STORE_HEAD, (gsize) self->size);
}

int
command_store_finish (CommandStore *self, const guint8 head[COMMAND_STORE_HEAD], const guint8 *bytes, gsize size,
                      GError **error)
{
  if (self->fd < 0 && !open_memory (self, error))
    return -1;
  if (!write_all (self->fd, bytes, size, self->size + COMMAND_STORE_HEAD, error) ||
      !write_all (self->fd, head, COMMAND_STORE_HEAD, 0, error))
    return -1;
  /* A file has no seals, and says so. */
  if (fcntl (self->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 && !self->is_file)
    {
      set_failed (error);
      return -1;
    }
  return self->fd;
}
