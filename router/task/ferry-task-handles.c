/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a task gives its worker: descriptors, bytes and senders. They stay until the task is done, so each attempt gives
 * the same.
 *
 * Threads: until the task is submitted, any thread, one at a time; then the router's. The shared bytes have a lock.
 * Trust:   memory is sealed before a worker gets it: no worker can write to it or make it shorter, and several workers
 *          may share it. */

#include "config.h"

#include "task/ferry-task-private.h"

#include <fcntl.h>
#include <pthread.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-sealed-bytes-private.h"
#include "link/ferry-orphan-private.h"
#include "route/ferry-given-sender-private.h"

/* In bytes. Freeing a larger memory takes longer than passing it to another thread that frees it. */
#define LARGE_SIZE (4 * 1024 * 1024)

/* A copy of a GBytes in shared memory. All tasks that were given this GBytes share the copy. References are counted. */
typedef struct
{
  guint references; /* bytes_lock */
  GBytes *bytes;    /* const: (owned): the key in all_bytes is its address */
  int fd;           /* const: (owned) */
} Bytes;

/* One of them. Its handle is its index in the array. */
typedef struct
{
  int fd;                   /* owned only if bytes and sender are NULL; else their descriptor */
  Bytes *bytes;             /* (owned) (nullable) */
  FerryGivenSender *sender; /* (owned) (nullable) */
} Handle;

static pthread_mutex_t bytes_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *all_bytes; /* bytes_lock: (nullable) (element-type GBytes Bytes) (unowned): the bytes of all tasks */

/* Returns (transfer full) the shared copy of bytes. If there is none yet, makes it from fd, and takes fd; if fd is -1,
 * returns NULL. */
static Bytes *
ref_bytes (GBytes *bytes, int *fd)
{
  Bytes *self;
  FERRY_AUTO_LOCK (&bytes_lock);

  self = all_bytes != NULL ? g_hash_table_lookup (all_bytes, bytes) : NULL;
  if (self != NULL)
    self->references++;
  else if (*fd >= 0)
    {
      self = g_new (Bytes, 1);
      *self = (Bytes){.references = 1, .bytes = g_bytes_ref (bytes), .fd = ferry_steal_fd (fd)};
      if (all_bytes == NULL)
        all_bytes = g_hash_table_new (NULL, NULL);
      g_hash_table_insert (all_bytes, bytes, self);
    }
  return self;
}

/* Returns (transfer full) the shared copy of bytes, which is made if necessary. The bytes are copied without the lock,
 * because copying takes long. If two threads copy the same bytes at once, one copy is dropped. */
static Bytes *
get_bytes (GBytes *bytes, GError **error)
{
  ferry_autofd fd = -1;
  Bytes *self = ref_bytes (bytes, &fd);
  gsize size = 0;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (self != NULL)
    return self;
  fd = ferry_sealed_bytes_new (data, size, error);
  return fd >= 0 ? ref_bytes (bytes, &fd) : NULL;
}

static void
drop_bytes (Bytes *self)
{
  gboolean last;

  pthread_mutex_lock (&bytes_lock);
  last = --self->references == 0;
  if (last)
    g_hash_table_remove (all_bytes, self->bytes);
  if (last && g_hash_table_size (all_bytes) == 0)
    g_clear_pointer (&all_bytes, g_hash_table_unref);
  pthread_mutex_unlock (&bytes_lock);
  if (!last)
    return;
  if (g_bytes_get_size (self->bytes) > LARGE_SIZE)
    ferry_orphan_close (self->fd);
  else
    close (self->fd);
  g_bytes_unref (self->bytes);
  g_free (self);
}

static void
clear_handle (gpointer data)
{
  Handle *self = data;

  if (self->sender != NULL)
    ferry_given_sender_end (self->sender, NULL);
  else if (self->bytes != NULL)
    drop_bytes (self->bytes);
  else
    ferry_clear_fd (&self->fd);
}

guint
ferry_task_handles_get_n (const FerryTaskHandles *self)
{
  return self->items != NULL ? self->items->len : 0;
}

static gint
add (FerryTaskHandles *self, Handle handle)
{
  if (self->items == NULL)
    {
      self->items = g_array_new (FALSE, FALSE, sizeof handle);
      g_array_set_clear_func (self->items, clear_handle);
    }
  g_array_append_val (self->items, handle);
  return (gint) self->items->len - 1;
}

gint
ferry_task_handles_add_descriptor (FerryTaskHandles *self, int fd, GError **error)
{
  int copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);

  if (copy >= 0)
    return add (self, (Handle){.fd = copy});
  ferry_set_system_error (error, errno == EBADF ? "Copying a descriptor for a task (fcntl), which must be open,"
                                                : "Copying a descriptor for a task (fcntl)");
  return -1;
}

gint
ferry_task_handles_add_bytes (FerryTaskHandles *self, GBytes *bytes, GError **error)
{
  Bytes *shared = get_bytes (bytes, error);

  return shared != NULL ? add (self, (Handle){.fd = shared->fd, .bytes = shared}) : -1;
}

gint
ferry_task_handles_add_sender (FerryTaskHandles *self, FerrySender *sender, GError **error)
{
  FerryGivenSender *given = ferry_given_sender_new (sender, error);

  return given != NULL ? add (self, (Handle){.fd = ferry_given_sender_get_descriptor (given), .sender = given}) : -1;
}

gboolean
ferry_task_handles_has_senders (const FerryTaskHandles *self)
{
  for (guint i = 0; i < ferry_task_handles_get_n (self); i++)
    if (g_array_index (self->items, Handle, i).sender != NULL)
      return TRUE;
  return FALSE;
}

GBytes *
ferry_task_handles_get_bytes (const FerryTaskHandles *self, guint handle)
{
  const Handle *item = &g_array_index (self->items, Handle, handle);

  return item->bytes != NULL ? item->bytes->bytes : NULL;
}

guint
ferry_task_handles_give (const FerryTaskHandles *self, FerryLink *worker, int *descriptors)
{
  guint n = ferry_task_handles_get_n (self);

  for (guint i = 0; i < n; i++)
    {
      const Handle *handle = &g_array_index (self->items, Handle, i);

      descriptors[i] = handle->fd;
      if (handle->sender != NULL)
        ferry_given_sender_set_worker (handle->sender, worker);
    }
  return n;
}

void
ferry_task_handles_drop (FerryTaskHandles *self, FerryExit *exit)
{
  for (guint i = 0; exit != NULL && i < ferry_task_handles_get_n (self); i++)
    {
      Handle *handle = &g_array_index (self->items, Handle, i);

      if (handle->sender != NULL)
        ferry_given_sender_end (g_steal_pointer (&handle->sender), exit);
    }
  if (self->items != NULL)
    g_array_set_size (self->items, 0);
}

void
ferry_task_handles_clear (FerryTaskHandles *self)
{
  g_clear_pointer (&self->items, g_array_unref);
}
