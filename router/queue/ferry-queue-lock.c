/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lock of a queue's file: who has it. It is one of fcntl() on a file beside it. Such a lock belongs to the process:
 * workers that are forked from it do not keep it after its death, and the system tells who has it, also over a network.
 * In return it keeps out no other queue of this process, so those have a table. */

#include "config.h"

#include "queue/ferry-queue-lock-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct _FerryQueueLock
{
  char *name;
  int fd;
};

static GMutex own_lock;
static GHashTable *own; /* own_lock: (owned) (element-type utf8): the names of the files that this process has locked */

/* Names of one file are one name. (transfer full) */
static char *
make_name (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *real = realpath (folder, NULL);
  g_autofree char *name = g_build_filename (real != NULL ? real : folder, base, NULL);

  return g_strconcat (name, ".lock", NULL);
}

static gboolean
enter (const char *name)
{
  gboolean is_new;

  g_mutex_lock (&own_lock);
  if (own == NULL)
    own = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  is_new = !g_hash_table_contains (own, name);
  if (is_new)
    g_hash_table_add (own, g_strdup (name));
  g_mutex_unlock (&own_lock);
  return is_new;
}

static void
leave (const char *name)
{
  g_mutex_lock (&own_lock);
  g_hash_table_remove (own, name);
  g_mutex_unlock (&own_lock);
}

/* Returns (transfer full) what the system knows of the process. */
static char *
describe_process (pid_t pid)
{
  g_autofree char *file = g_strdup_printf ("/proc/%d/comm", (int) pid);
  g_autofree char *command = NULL;

  if (pid <= 0 || !g_file_get_contents (file, &command, NULL, NULL))
    return pid > 0 ? g_strdup_printf ("process %d", (int) pid) : g_strdup ("another process");
  return g_strdup_printf ("process %d (%s)", (int) pid, g_strchomp (command));
}

/* The process that has the lock may end meanwhile, which is a reason to look once more. */
static gboolean
lock (int fd, const char *path, GError **error)
{
  struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  struct flock holder = wanted;
  g_autofree char *process = NULL;

  while (fcntl (fd, F_SETLK, &wanted) < 0)
    {
      if (errno != EAGAIN && errno != EACCES)
        return ferry_set_system_error (error, "Locking the queue's file");
      if (fcntl (fd, F_GETLK, &holder) < 0)
        return ferry_set_system_error (error, "Asking who has locked the queue's file");
      if (holder.l_type == F_UNLCK)
        {
          holder = wanted;
          continue;
        }
      process = describe_process (holder.l_pid);
      return ferry_set_error (error, FERRY_ERROR_BUSY, "The queue '%s' is used by %s; end it, or use another file",
                              path, process);
    }
  return TRUE;
}

gboolean
ferry_queue_lock_was_taken (const char *path)
{
  g_autofree char *name = make_name (path);

  return g_file_test (name, G_FILE_TEST_EXISTS);
}

FerryQueueLock *
ferry_queue_lock_take (const char *path, GError **error)
{
  g_autofree char *name = make_name (path);
  int fd;
  FerryQueueLock *self;

  if (!enter (name))
    {
      ferry_set_error (error, FERRY_ERROR_BUSY,
                       "The queue '%s' is used by another FerryQueue of this process; use that one, or close it", path);
      return NULL;
    }
  fd = open (name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    ferry_set_system_error (error, "Opening the lock of the queue's file");
  if (fd < 0 || !lock (fd, path, error))
    {
      if (fd >= 0)
        close (fd);
      leave (name);
      return NULL;
    }
  self = g_new (FerryQueueLock, 1);
  *self = (FerryQueueLock){g_steal_pointer (&name), fd};
  return self;
}

/* The file stays: another process may have opened it and wait for this one. */
void
ferry_queue_lock_release (FerryQueueLock *self)
{
  close (self->fd);
  leave (self->name);
  g_free (self->name);
  g_free (self);
}
