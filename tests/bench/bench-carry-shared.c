/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* POSIX shared memory with one copy: the worker fills it, the application copies it to memory that is used again, and
 * two semaphores say which has the turn. */

#include "config.h"

#include "bench-carry.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD 4096

typedef struct
{
  sem_t filled;
  sem_t emptied;
} Head;

typedef struct
{
  Head *head;   /* (owned): the mapping begins with it, and its data at HEAD */
  gsize size;   /* of the mapping */
  guint8 *copy; /* (owned) (nullable) */
} Shared;

static gboolean
map (Shared *self, int fd, gsize size)
{
  void *memory = mmap (NULL, HEAD + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

  *self = (Shared){.head = memory, .size = HEAD + size};
  return memory != MAP_FAILED;
}

static gboolean
shared_open (BenchCarrier *self, GError **error)
{
  g_autofree char *name = g_strdup_printf ("/bench-buffers-%d", getpid ());
  Shared *shared = g_new0 (Shared, 1);
  int fd = shm_open (name, O_RDWR | O_CREAT | O_EXCL, 0600);

  if (fd < 0 || shm_unlink (name) != 0 || ftruncate (fd, (off_t) (HEAD + self->size)) != 0 ||
      !map (shared, fd, self->size))
    {
      g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
      return FALSE;
    }
  sem_init (&shared->head->filled, 1, 0);
  sem_init (&shared->head->emptied, 1, 1);
  shared->copy = g_malloc0 (self->size);
  self->end = shared;
  return bench_carrier_spawn (self, "", fd, error);
}

static void
wait_for (sem_t *semaphore)
{
  while (sem_wait (semaphore) != 0)
    g_assert (errno == EINTR);
}

static void
shared_take (BenchCarrier *self)
{
  Shared *shared = self->end;

  wait_for (&shared->head->filled);
  memcpy (shared->copy, (guint8 *) shared->head + HEAD, self->size);
  sem_post (&shared->head->emptied);
  bench_carrier_check (self, shared->copy, self->size);
}

static void
shared_close (BenchCarrier *self)
{
  Shared *shared = self->end;

  bench_carrier_end_process (self);
  munmap (shared->head, shared->size);
  g_free (shared->copy);
  g_free (shared);
}

static gpointer
shared_attach (const char *address, gsize size)
{
  Shared *shared = g_new0 (Shared, 1);

  if (!map (shared, BENCH_CARRY_FD, size))
    bench_carry_fail ("shared memory", NULL);
  return shared;
}

static guint8 *
shared_begin (gpointer end, gsize size)
{
  Shared *shared = end;

  wait_for (&shared->head->emptied);
  return (guint8 *) shared->head + HEAD;
}

static gboolean
shared_send (gpointer end, gsize size)
{
  return sem_post (&((Shared *) end)->head->filled) == 0;
}

const BenchWay bench_way_shared = {
  .name = "shared",
  .open = shared_open,
  .take = shared_take,
  .close = shared_close,
  .attach = shared_attach,
  .begin = shared_begin,
  .send = shared_send,
};
