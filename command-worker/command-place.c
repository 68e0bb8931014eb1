/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A folder beside files that are to be replaced, in which the new ones are written. A place is a folder with the rights
 * 0700, so nobody else reads what is half written, whatever rights the program gives it. The process that uses it keeps
 * it locked (flock), and the kernel ends the lock with the process. So a place that can be locked is of nobody, as
 * after a SIGKILL, and whoever makes the next one in the same folder removes it.
 *
 * Places are called .ferry-0, .ferry-1 and so on, so that a look at a few names finds them all, however many files the
 * folder has. Where others have taken all of these names, it is a random one.
 *
 * Trust: others may write to the folder, as to /tmp. What is there under such a name is used or removed only if it is a
 *        folder, no link, of this user, and for this user alone. All is done by descriptors of what was looked at. */

#include "command-place.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ferry-tree-private.h"

#define PREFIX ".ferry-"

/* How many places a folder has with numbers for names. */
#define N_NUMBERS 64

/* How often a name is made up, and its length. */
#define N_TRIES 16
#define RANDOM_LENGTH 8

struct _CommandPlace
{
  char *folder;  /* (owned) */
  int folder_fd; /* (owned) */
  char *name;    /* (owned) */
  int fd;        /* (owned): locked */
};

/* Returns a descriptor of a folder that is this user's alone; -1: it is none. */
static int
open_own (int folder, const char *name)
{
  int fd = openat (folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;

  if (fd < 0)
    return -1;
  if (fstat (fd, &status) == 0 && status.st_uid == geteuid () && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
    return fd;
  close (fd);
  return -1;
}

/* Whether the descriptor is still that of the folder with this name. */
static gboolean
is_called (int fd, int folder, const char *name)
{
  struct stat own;
  struct stat there;

  return fstat (fd, &own) == 0 && fstatat (folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

/* Removes a place that nobody uses. */
static void
remove_unused (int folder, const char *name)
{
  int fd = open_own (folder, name);

  if (fd < 0)
    return;
  if (flock (fd, LOCK_EX | LOCK_NB) == 0 && is_called (fd, folder, name))
    {
      ferry_tree_empty (fd);
      unlinkat (folder, name, AT_REMOVEDIR);
    }
  close (fd);
}

/* Makes a folder with this name and locks it. Returns FALSE with errno; EEXIST: try another name. */
static gboolean
make (CommandPlace *self, const char *name)
{
  int fd;

  if (mkdirat (self->folder_fd, name, 0700) < 0)
    return FALSE;
  fd = open_own (self->folder_fd, name);
  /* Where the file system has no locks, nobody can lock it, and so nobody removes it. */
  if (fd >= 0 && (flock (fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && is_called (fd, self->folder_fd, name))
    {
      self->fd = fd;
      self->name = g_strdup (name);
      return TRUE;
    }
  /* Somebody took it for one that nobody uses, before it was locked. */
  if (fd >= 0)
    close (fd);
  errno = EEXIST;
  return FALSE;
}

static char *
make_random_name (void)
{
  char random[RANDOM_LENGTH + 1] = "";

  for (guint i = 0; i < RANDOM_LENGTH; i++)
    random[i] = (char) g_random_int_range ('a', 'z' + 1);
  return g_strconcat (PREFIX, random, NULL);
}

static gboolean
make_any (CommandPlace *self)
{
  gboolean may_make = TRUE;
  int failure = EEXIST;

  for (guint i = 0; i < N_NUMBERS + N_TRIES && self->fd < 0 && may_make; i++)
    {
      g_autofree char *name = i < N_NUMBERS ? g_strdup_printf (PREFIX "%u", i) : make_random_name ();

      may_make = make (self, name) || errno == EEXIST;
      failure = errno;
    }
  errno = failure;
  return self->fd >= 0;
}

CommandPlace *
command_place_new (const char *folder, GError **error)
{
  g_autoptr (CommandPlace) self = g_new0 (CommandPlace, 1);
  int failure;

  self->folder = g_strdup (folder);
  self->fd = -1;
  self->folder_fd = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (self->folder_fd < 0)
    {
      failure = errno;
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (failure),
                   "The folder '%s' of an output file cannot be used: %s; make it, or check its path", folder,
                   g_strerror (failure));
      return NULL;
    }
  for (guint i = 0; i < N_NUMBERS; i++)
    {
      g_autofree char *name = g_strdup_printf (PREFIX "%u", i);

      remove_unused (self->folder_fd, name);
    }
  if (make_any (self))
    return g_steal_pointer (&self);
  failure = errno;
  g_set_error (
    error, G_IO_ERROR, g_io_error_from_errno (failure),
    "Nothing can be written to the folder '%s', where an output file is to be replaced: %s; check the rights "
    "of the folder, or do not set 'replace-output-files'",
    folder, g_strerror (failure));
  return NULL;
}

void
command_place_free (CommandPlace *self)
{
  if (self->fd >= 0)
    {
      ferry_tree_empty (self->fd);
      if (is_called (self->fd, self->folder_fd, self->name))
        unlinkat (self->folder_fd, self->name, AT_REMOVEDIR);
      close (self->fd);
    }
  if (self->folder_fd >= 0)
    close (self->folder_fd);
  g_free (self->name);
  g_free (self->folder);
  g_free (self);
}

const char *
command_place_get_name (CommandPlace *self)
{
  return self->name;
}

const char *
command_place_get_folder (CommandPlace *self)
{
  return self->folder;
}

int
command_place_get_fd (CommandPlace *self)
{
  return self->fd;
}

int
command_place_get_folder_fd (CommandPlace *self)
{
  return self->folder_fd;
}
