/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An address that this process owns: binds its socket, with a lock beside it, and removes what a dead worker has left.
 *
 * For a path, the owner holds a lock on the file PATH.lock, which contains its process id. While it holds the lock, the
 * owner may remove a socket at the path if no process listens on it. It may also move its own socket to the path. That
 * socket listens at another path before it is moved, so a socket at the address always accepts connections. The owner
 * removes both files in ferry_bound_address_free() and at exit(), unless another process has replaced them. If an owner
 * is killed, its files stay without a lock, and the next owner removes them.
 *
 * For an abstract name, the kernel knows the owner.
 *
 * Owner:   the caller of ferry_bound_address_new().
 * Threads: one at a time, except for the removal at exit().
 * Locks:   lock guards the list of the bound addresses. exit() removes their files. No other lock is taken while it is
 *          held. */

#include "config.h"

#include "conversation/ferry-bound-address-private.h"

#include "conversation/ferry-address-private.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/ferry-base-private.h"

#define LOCK_SUFFIX ".lock"

/* The modes of the lock file, and of a socket that only this user reaches; of a socket that all users reach. */
#define OWN_MODE 0600
#define OPEN_MODE 0666

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GSList *bound_addresses; /* lock: (element-type FerryBoundAddress) (unowned) */

/* ---- the end ---- */

static gboolean
is_at_path (const struct stat *file, const char *path)
{
  struct stat found;

  return lstat (path, &found) == 0 && file->st_dev == found.st_dev && file->st_ino == found.st_ino;
}

/* Removes the socket and then the lock file. In this order, the next owner of the lock finds no file at the path. */
static void
remove_files (FerryBoundAddress *self)
{
  struct stat locked;

  if (self->address.path == NULL || self->pid != getpid ())
    return;
  if (is_at_path (&self->made, self->address.path))
    unlink (self->address.path);
  if (fstat (self->lock_fd, &locked) == 0 && is_at_path (&locked, self->lock_path))
    unlink (self->lock_path);
}

/* At exit(): removes the files of all bound addresses. Other threads may still run while the process exits, and one of
 * them may hold the lock and never release it. So this function does not wait for the lock. */
static void
remove_all (void)
{
  if (pthread_mutex_trylock (&lock) != 0)
    return;
  for (GSList *l = bound_addresses; l != NULL; l = l->next)
    remove_files (l->data);
  g_clear_pointer (&bound_addresses, g_slist_free);
  pthread_mutex_unlock (&lock);
}

static void
remember (FerryBoundAddress *self)
{
  static gboolean watches_exit; /* lock */
  FERRY_AUTO_LOCK (&lock);

  if (!watches_exit)
    atexit (remove_all);
  watches_exit = TRUE;
  bound_addresses = g_slist_prepend (bound_addresses, self);
}

void
ferry_bound_address_free (FerryBoundAddress *self)
{
  pthread_mutex_lock (&lock);
  /* Only a bound address in the list has files to remove. A bound address that is not in the list has no socket at the
   * address yet, or remove_all() has removed its files at exit(). */
  if (g_slist_find (bound_addresses, self) != NULL)
    {
      bound_addresses = g_slist_remove (bound_addresses, self);
      remove_files (self);
    }
  pthread_mutex_unlock (&lock);
  ferry_clear_fd (&self->fd);
  ferry_clear_fd (&self->lock_fd);
  g_free (self->lock_path);
  ferry_address_clear (&self->address);
  g_free (self);
}

/* ---- one owner ---- */

static gboolean
refuse_second (const FerryBoundAddress *self, pid_t owner, GError **error)
{
  g_autofree char *process = owner > 0 ? g_strdup_printf ("Process %d", (int) owner) : g_strdup ("Another process");

  return ferry_set_error (error, FERRY_ERROR_ALREADY_RUNNING,
                          "%s listens at '%s' already; connect to it, or end it first", process, self->address.text);
}

static gboolean
set_path_error (const char *what, const char *path, GError **error)
{
  int failure = errno;

  return ferry_set_error (error, failure == EACCES || failure == EPERM ? FERRY_ERROR_NOT_ALLOWED : FERRY_ERROR_SYSTEM,
                          "%s '%s' failed: %s; check the folder", what, path, g_strerror (failure));
}

/* Returns the process id in the lock file, or 0 if the owner has not written its id yet. */
static pid_t
read_owner (int fd)
{
  char text[16] = {0};

  return pread (fd, text, sizeof text - 1, 0) > 0 ? (pid_t) g_ascii_strtoll (text, NULL, 10) : 0;
}

static void
write_owner (int fd)
{
  char text[16];
  int length = snprintf (text, sizeof text, "%d\n", (int) getpid ());

  /* The process id is only needed for error messages, so the owner goes on without it. */
  if (ftruncate (fd, 0) < 0 || ferry_write_without_signal (fd, &(struct iovec){text, (size_t) length}, 1) < 0)
    g_debug ("The lock could not be signed: %s", g_strerror (errno));
}

/* Opens and locks the lock file. An owner removes its lock file when it ends, so the opened file may be gone once it
 * is locked. Then this function opens the lock file anew. */
static gboolean
take_lock (FerryBoundAddress *self, GError **error)
{
  for (;;)
    {
      ferry_autofd fd = open (self->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, OWN_MODE);
      struct stat locked;

      if (fd < 0)
        return set_path_error ("Opening", self->lock_path, error);
      if (flock (fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? refuse_second (self, read_owner (fd), error)
                                    : set_path_error ("Locking", self->lock_path, error);
      if (fstat (fd, &locked) == 0 && is_at_path (&locked, self->lock_path))
        {
          write_owner (fd);
          self->lock_fd = ferry_steal_fd (&fd);
          return TRUE;
        }
    }
}

/* Fails if a process listens at the address without the lock. A process listens unless the connection is refused, or
 * there is no socket. */
static gboolean
check_not_alive (const FerryBoundAddress *self, GError **error)
{
  ferry_autofd fd = ferry_address_connect (&self->address);
  struct ucred owner = {0};

  if (fd < 0 && (errno == ECONNREFUSED || errno == ENOENT))
    return TRUE;
  if (fd >= 0)
    ferry_address_get_peer (fd, &owner, NULL);
  return refuse_second (self, owner.pid, error);
}

/* Removes a socket that no process listens on. Fails for any other file at the path. */
static gboolean
clear_way (const FerryBoundAddress *self, GError **error)
{
  const char *path = self->address.path;
  struct stat found;

  if (lstat (path, &found) < 0)
    return errno == ENOENT || set_path_error ("Reading the attributes of", path, error);
  if (!S_ISSOCK (found.st_mode))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The file '%s' exists and is not a socket; use another address, or remove the file", path);
  if (!check_not_alive (self, error))
    return FALSE;
  return !is_at_path (&found, path) || unlink (path) == 0 || set_path_error ("Removing", path, error);
}

/* ---- the socket ---- */

static gboolean
put_in_place (const char *from, const char *to)
{
  if (renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
    return TRUE;
  /* Some file systems do not support RENAME_NOREPLACE. clear_way() has just checked that no file is at the path. */
  return errno == EINVAL && rename (from, to) == 0;
}

static gboolean
bind_path (FerryBoundAddress *self, GError **error)
{
  g_autofree char *path = g_strconcat (self->address.path, FERRY_ADDRESS_NEW_SUFFIX, NULL);
  struct sockaddr_un name = {.sun_family = AF_UNIX};

  /* FerryAddress limits the path's length so that the suffix fits. */
  strcpy (name.sun_path, path);
  /* An owner that was killed before it moved its socket has left a socket file at this path. */
  if (lstat (path, &self->made) == 0 && S_ISSOCK (self->made.st_mode))
    unlink (path);
  /* bind() makes the file with the mode of the socket, so other users can never open the file. */
  if (fchmod (self->fd, OWN_MODE) < 0 || bind (self->fd, (const struct sockaddr *) &name, sizeof name) < 0)
    return set_path_error ("Making the socket", path, error);
  if (lstat (path, &self->made) == 0 && listen (self->fd, SOMAXCONN) == 0 && put_in_place (path, self->address.path))
    return TRUE;
  set_path_error ("Moving the socket to", self->address.path, error);
  unlink (path);
  return FALSE;
}

static gboolean
take_path (FerryBoundAddress *self, GError **error)
{
  self->lock_path = g_strconcat (self->address.path, LOCK_SUFFIX, NULL);
  if (!take_lock (self, error))
    return FALSE;
  if (clear_way (self, error) && bind_path (self, error))
    return TRUE;
  /* The lock file must be removed before ferry_bound_address_free() releases the lock. */
  unlink (self->lock_path);
  return FALSE;
}

static gboolean
take_name (FerryBoundAddress *self, GError **error)
{
  if (bind (self->fd, (const struct sockaddr *) &self->address.name, self->address.size) < 0)
    {
      if (errno != EADDRINUSE)
        return ferry_set_system_error (error, "Taking an abstract name (bind)");
      return check_not_alive (self, error) && refuse_second (self, 0, error);
    }
  return listen (self->fd, SOMAXCONN) == 0 || ferry_set_system_error (error, "listen()");
}

FerryBoundAddress *
ferry_bound_address_new (const char *address, GError **error)
{
  g_autoptr (FerryBoundAddress) self = g_new0 (FerryBoundAddress, 1);

  self->fd = self->lock_fd = -1;
  self->pid = getpid ();
  if (!ferry_address_init (&self->address, address, error))
    return NULL;
  self->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (self->fd < 0)
    {
      ferry_set_system_error (error, "socket()");
      return NULL;
    }
  if (self->address.path != NULL ? !take_path (self, error) : !take_name (self, error))
    return NULL;
  remember (self);
  return g_steal_pointer (&self);
}

void
ferry_bound_address_open_to_all (FerryBoundAddress *self)
{
  if (self->address.path != NULL && is_at_path (&self->made, self->address.path) &&
      chmod (self->address.path, OPEN_MODE) < 0)
    g_warning ("The mode of '%s' could not be changed: %s; other users cannot connect", self->address.path,
               g_strerror (errno));
}
