/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removes files, and folders with all in them. Each folder is opened without following a link, and its entries are
 * removed by that descriptor. So nobody who renames folders meanwhile has this process remove anything elsewhere.
 *
 * A descriptor is open for each level. So a folder that is very deep is moved to the top first, and removed from there.
 *
 * The worker of commands is no part of the library, and has this file, too. */

#include "config.h"

#include "base/ferry-tree-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#define MAX_DEPTH 64

typedef struct
{
  int top;
  dev_t device;
  guint n_raised; /* folders that were moved to the top */
} Removal;

static void
complain (const char *name)
{
  if (errno != ENOENT)
    g_message ("'%s', which is to be removed, could not be: %s", name, g_strerror (errno));
}

static gboolean
is_self_or_parent (const char *name)
{
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Gives the owner all rights to a folder. The link in /proc/self/fd is that of the folder that was opened. */
static void
open_up (int fd)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  if (chmod (path, S_IRWXU) < 0)
    g_debug ("The rights of a folder that is to be emptied could not be set: %s", g_strerror (errno));
}

/* Returns -1 where it is no folder of this device. */
static int
open_folder (const Removal *self, int folder, const char *name)
{
  int place = openat (folder, name, O_PATH | FOLDER_FLAGS);
  struct stat status;
  int fd = -1;

  if (place < 0)
    return -1;
  if (fstat (place, &status) == 0 && status.st_dev == self->device)
    {
      if ((status.st_mode & S_IRWXU) != S_IRWXU)
        open_up (place);
      fd = openat (place, ".", O_RDONLY | FOLDER_FLAGS);
    }
  close (place);
  return fd;
}

static void remove_at (Removal *self, int folder, const char *name, guint depth);

/* Takes fd, which is -1 where the folder could not be opened. */
static void
empty (Removal *self, int fd, guint depth)
{
  DIR *stream = fdopendir (fd);
  const struct dirent *entry;

  if (stream == NULL)
    {
      if (fd >= 0)
        close (fd);
      return;
    }
  while ((entry = readdir (stream)) != NULL)
    if (!is_self_or_parent (entry->d_name))
      remove_at (self, fd, entry->d_name, depth);
  closedir (stream);
}

/* Moves a folder that is deep to the top. */
static gboolean
raise_folder (Removal *self, int folder, const char *name)
{
  char raised[64];

  snprintf (raised, sizeof raised, ".ferry-deep-%u", self->n_raised);
  if (renameat (folder, name, self->top, raised) < 0)
    return FALSE;
  self->n_raised++;
  return TRUE;
}

static void
remove_at (Removal *self, int folder, const char *name, guint depth)
{
  struct stat status;
  int fd;

  if (fstatat (folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return;
  fd = S_ISDIR (status.st_mode) ? open_folder (self, folder, name) : -1;
  if (fd >= 0 && depth >= MAX_DEPTH && raise_folder (self, folder, name))
    {
      close (fd);
      return;
    }
  if (fd >= 0)
    empty (self, fd, depth + 1);
  if (unlinkat (folder, name, S_ISDIR (status.st_mode) ? AT_REMOVEDIR : 0) < 0)
    complain (name);
}

/* Takes top. */
static void
empty_top (int top)
{
  Removal self = {.top = top};
  struct stat status;
  guint n_before;

  if (fstat (top, &status) == 0)
    {
      self.device = status.st_dev;
      if ((status.st_mode & S_IRWXU) != S_IRWXU)
        open_up (top);
      do
        {
          n_before = self.n_raised;
          /* Not a copy, which would share its place in the folder. */
          empty (&self, openat (top, ".", O_RDONLY | FOLDER_FLAGS), 0);
        }
      while (self.n_raised > n_before);
    }
  close (top);
}

void
ferry_tree_remove (int folder, const char *name)
{
  int top = openat (folder, name, O_PATH | FOLDER_FLAGS);

  if (top >= 0)
    empty_top (top);
  if (unlinkat (folder, name, top >= 0 ? AT_REMOVEDIR : 0) < 0)
    complain (name);
}

void
ferry_tree_empty (int folder)
{
  int top = openat (folder, ".", O_PATH | FOLDER_FLAGS);

  if (top >= 0)
    empty_top (top);
}
