/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a task gives its worker beside the arguments: descriptors, and bytes in memory of their own.
 *
 * The task has all of it from when it is added until it is done, so that each attempt gives the worker the same.
 *
 * Threads: as all settings of a task: one after the other until it is submitted, then the router's.
 * Trust:   memory is sealed before it is handed over: a worker can neither write to it nor make it shorter, and other
 *          workers may have the same. */

#include "config.h"

#include "task/ferry-task-fields-private.h"

#include <fcntl.h>
#include <pthread.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-lane-layout.h"
#include "lane/ferry-one-shot-private.h"
#include "link/ferry-stray-private.h"

/* To give back more memory than this takes longer than to have a thread do it. */
#define LARGE_SIZE (4 * 1024 * 1024)

struct _FerryTaskBytes
{
  guint references; /* bytes_lock */
  GBytes *bytes;    /* const: (owned): so nothing else comes to lie in its place */
  int fd;           /* const: (owned) */
};

static pthread_mutex_t bytes_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *all_bytes; /* bytes_lock: (element-type GBytes FerryTaskBytes) (unowned): those that some task has */

/* ---- bytes ---- */

static int
make_memory (GBytes *bytes, GError **error)
{
  gsize size = 0;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  return ferry_one_shot_create_filled (data, size, error);
}

static FerryTaskBytes *
find_bytes_locked (GBytes *bytes)
{
  FerryTaskBytes *self = all_bytes != NULL ? g_hash_table_lookup (all_bytes, bytes) : NULL;

  if (self != NULL)
    self->references++;
  return self;
}

static FerryTaskBytes *
find_bytes (GBytes *bytes)
{
  FerryTaskBytes *self;

  pthread_mutex_lock (&bytes_lock);
  self = find_bytes_locked (bytes);
  pthread_mutex_unlock (&bytes_lock);
  return self;
}

/* Copying takes its time, so it is done without the lock. Of two threads that do so at once, one has done it for
 * nothing. */
static FerryTaskBytes *
get_bytes (GBytes *bytes, GError **error)
{
  FerryTaskBytes *self = find_bytes (bytes);
  ferry_autofd fd = -1;

  if (self != NULL)
    return self;
  fd = make_memory (bytes, error);
  if (fd < 0)
    return NULL;
  pthread_mutex_lock (&bytes_lock);
  self = find_bytes_locked (bytes);
  if (self == NULL)
    {
      self = g_new (FerryTaskBytes, 1);
      *self = (FerryTaskBytes){.references = 1, .bytes = g_bytes_ref (bytes), .fd = ferry_steal_fd (&fd)};
      if (all_bytes == NULL)
        all_bytes = g_hash_table_new (NULL, NULL);
      g_hash_table_insert (all_bytes, bytes, self);
    }
  pthread_mutex_unlock (&bytes_lock);
  return self;
}

static void
drop_bytes (FerryTaskBytes *self)
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
    ferry_stray_close (self->fd);
  else
    close (self->fd);
  g_bytes_unref (self->bytes);
  g_free (self);
}

/* ---- the task's ---- */

static void
clear_handle (gpointer data)
{
  FerryTaskHandle *self = data;

  if (self->bytes != NULL)
    drop_bytes (self->bytes);
  else
    ferry_clear_fd (&self->fd);
}

static gboolean
may_add (FerryTask *self, GError **error)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  const FerryTaskRest *rest = ferry_task_peek_rest (self);

  /* Relaxed: settings come before the submission by the caller's own order. */
  if (atomic_load_explicit (&priv->claim, memory_order_relaxed) != FERRY_TASK_CLAIM_FREE)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED,
                   "The task of “%s” was submitted or cancelled already; give it its descriptors before",
                   ferry_task_get_function (self));
      return FALSE;
    }
  if (rest->handles == NULL || rest->handles->len < FERRY_MAX_HANDED_PER_LINK)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
               "Task “%s” has %d descriptors, which is the most that one may have; put several things into one of them",
               ferry_task_get_name (self), FERRY_MAX_HANDED_PER_LINK);
  return FALSE;
}

static gint
add (FerryTask *self, FerryTaskHandle handle)
{
  FerryTaskRest *rest = ferry_task_need_rest (self);

  if (rest->handles == NULL)
    {
      rest->handles = g_array_new (FALSE, FALSE, sizeof handle);
      g_array_set_clear_func (rest->handles, clear_handle);
    }
  rest->had_handles = TRUE;
  g_array_append_val (rest->handles, handle);
  return (gint) rest->handles->len - 1;
}

/**
 * ferry_task_add_descriptor:
 * @self: a task that was not submitted
 * @fd: a descriptor, which stays the caller's
 * @error: return location for an error
 *
 * Gives the task's function a descriptor: of a file that the application opened, of a socket, a pipe, or memory. The
 * function gets it with [method@Ferry.Job.dup_descriptor], by the handle that this returns, which the arguments say;
 * by convention as a value of type “h”. Handles count from 0, those of [method@Ferry.Task.add_bytes] among them.
 *
 * The task has a copy of its own, until it is done: many tasks that wait with a file each want a limit of the queue, or
 * of their number, below that of open files. Each attempt gets the same one, and with it one position in the file. What
 * the worker may do with a descriptor is what it was opened for, whatever a [class@Ferry.Sandbox] keeps the worker from
 * opening itself: so a file is opened for reading only where it is to be read only.
 *
 * Descriptors go to a worker when it is given the task. A task waits for a worker that has not taken 64 of those that
 * it was given before. Where the system refuses to pass one, or the worker has too many files open, the task fails with
 * %FERRY_ERROR_SYSTEM, and nothing else does.
 *
 * Fails with %FERRY_ERROR_SYSTEM when the descriptor cannot be copied, %FERRY_ERROR_TOO_LARGE when the task has 64, and
 * %FERRY_ERROR_ALREADY_STARTED when it was submitted. Any thread may call this.
 *
 * Returns: the handle, or -1 with an error
 *
 * Since: 0.1
 */
gint
ferry_task_add_descriptor (FerryTask *self, int fd, GError **error)
{
  FerryTaskHandle handle = {.fd = -1};

  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  if (!may_add (self, error))
    return -1;
  handle.fd = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (handle.fd >= 0)
    return add (self, handle);
  ferry_set_system_error (error, errno == EBADF ? "Copying a descriptor for a task, which must be open (fcntl),"
                                                : "Copying a descriptor for a task (fcntl)");
  return -1;
}

/**
 * ferry_task_add_bytes:
 * @self: a task that was not submitted
 * @bytes: the bytes
 * @error: return location for an error
 *
 * Gives the task's function bytes, which it gets with [method@Ferry.Job.dup_bytes], by the handle that this returns, as
 * in [method@Ferry.Task.add_descriptor]. They do not pass through the worker's lane, and may have any size.
 *
 * They are copied once, in this call, into memory that nobody can change. Tasks that are given the same #GBytes share
 * that, as long as one of them is not done; so do the workers that run them.
 *
 * Fails as [method@Ferry.Task.add_descriptor] does, and with %FERRY_ERROR_TOO_LARGE when they are more than this
 * process may write into a file. Any thread may call this.
 *
 * Returns: the handle, or -1 with an error
 *
 * Since: 0.1
 */
gint
ferry_task_add_bytes (FerryTask *self, GBytes *bytes, GError **error)
{
  FerryTaskHandle handle = {.fd = -1};

  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  g_return_val_if_fail (bytes != NULL, -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  if (!may_add (self, error))
    return -1;
  handle.bytes = get_bytes (bytes, error);
  if (handle.bytes == NULL)
    return -1;
  handle.fd = handle.bytes->fd;
  return add (self, handle);
}

guint
ferry_task_get_descriptors (FerryTask *self, int *descriptors)
{
  GArray *handles = ferry_task_peek_rest (self)->handles;
  guint n = handles != NULL ? handles->len : 0;

  for (guint i = 0; i < n; i++)
    descriptors[i] = g_array_index (handles, FerryTaskHandle, i).fd;
  return n;
}

gboolean
ferry_task_had_descriptors (FerryTask *self)
{
  return ferry_task_peek_rest (self)->had_handles;
}

void
ferry_task_drop_handles (FerryTask *self)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  if (priv->rest != NULL)
    g_clear_pointer (&priv->rest->handles, g_array_unref);
}
