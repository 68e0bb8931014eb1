/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each folder is opened without following a link, and its entries are removed by that descriptor. So nobody who renames
 * folders meanwhile has this process remove anything elsewhere. */

#include "command-tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void
complain (const char *name)
{
  if (errno != ENOENT)
    g_message ("'%s', which a command has left, could not be removed: %s", name, g_strerror (errno));
}

static gboolean
is_self_or_parent (const char *name)
{
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static void remove_at (int folder, const char *name, dev_t device);

/* Takes fd. */
static void
empty (int fd, dev_t device)
{
  DIR *stream = fdopendir (fd);
  const struct dirent *entry;

  if (stream == NULL)
    {
      close (fd);
      return;
    }
  while ((entry = readdir (stream)) != NULL)
    if (!is_self_or_parent (entry->d_name))
      remove_at (fd, entry->d_name, device);
  closedir (stream);
}

static void
remove_at (int folder, const char *name, dev_t device)
{
  struct stat status;
  int fd = -1;

  if (fstatat (folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return;
  if (S_ISDIR (status.st_mode) && status.st_dev == device)
    fd = openat (folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0)
    empty (fd, device);
  if (unlinkat (folder, name, S_ISDIR (status.st_mode) ? AT_REMOVEDIR : 0) < 0)
    complain (name);
}

void
command_tree_remove (int folder, const char *name)
{
  struct stat status;

  if (fstatat (folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
    remove_at (folder, name, status.st_dev);
}

void
command_tree_empty (int folder)
{
  struct stat status;
  /* Not a copy, which would share its place in the folder. */
  int fd = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0 && fstat (fd, &status) == 0)
    empty (fd, status.st_dev);
}
