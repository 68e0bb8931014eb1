/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A folder for files that nobody wants once the work is done, such as ~/.cache/ferry/scratch-k3Jx9a.
 *
 * It is in the user's cache folder, and not in /tmp: what is made here is as large as what the user works on, /tmp may
 * be memory, and a file that is done is moved to its place by a rename where both are in the home folder.
 *
 * Who has a folder keeps it locked (flock()). The kernel unlocks it with the process, however that ends. So a folder
 * that can be locked is one that was left, and the next process that makes one removes it. A folder is made before it
 * is locked: one that another process has found and removed in between has no links any more, and is made anew.
 *
 * Owner:   whoever made it. It is locked as long as it is there.
 * Threads: any, one at a time.
 * Trust:   the folder is of this user alone (mode 0700), in one that only this user may write to. */

#include "config.h"

#include "base/ferry-scratch-folder-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/ferry-base-private.h"
#include "base/ferry-tree-private.h"

#define PREFIX "scratch-"

struct _FerryScratchFolder
{
  char *path; /* (owned) */
  int lock;   /* (owned) */
};

/* Returns a descriptor with the lock of a folder, or -1: somebody has it, or it is gone. */
static int
lock_folder (const char *path, int operation)
{
  ferry_autofd fd = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;

  if (fd < 0 || TEMP_FAILURE_RETRY (flock (fd, operation)) < 0 || fstat (fd, &status) < 0 || status.st_nlink == 0)
    return -1;
  return ferry_steal_fd (&fd);
}

/* Removes the folders that nobody has locked. Where a file system has no locks, all count as locked. */
static void
remove_left (const char *parent)
{
  DIR *folder = opendir (parent);
  const struct dirent *entry;

  while (folder != NULL && (entry = readdir (folder)) != NULL)
    {
      g_autofree char *path = NULL;
      ferry_autofd fd = -1;

      if (!g_str_has_prefix (entry->d_name, PREFIX))
        continue;
      path = g_build_filename (parent, entry->d_name, NULL);
      fd = lock_folder (path, LOCK_EX | LOCK_NB);
      if (fd >= 0)
        ferry_tree_remove (AT_FDCWD, path);
    }
  if (folder != NULL)
    closedir (folder);
}

/* Whether it is a folder of this user alone: in a folder that all may write to, another user may have made it. */
static gboolean
is_own (const char *path)
{
  struct stat status;

  return lstat (path, &status) == 0 && S_ISDIR (status.st_mode) && status.st_uid == geteuid () &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* (transfer full): returns the folder that has them: in the user's cache, or for a user that has none, in /tmp. */
static char *
make_parent (void)
{
  char *path = g_build_filename (g_get_user_cache_dir (), "ferry", NULL);

  if (g_mkdir_with_parents (path, 0700) == 0 && is_own (path) && access (path, W_OK) == 0)
    return path;
  g_free (path);
  path = g_strdup_printf ("%s/ferry-%u", g_get_tmp_dir (), (guint) geteuid ());
  mkdir (path, 0700);
  return path;
}

FerryScratchFolder *
ferry_scratch_folder_new (GError **error)
{
  g_autofree char *parent = make_parent ();

  if (!is_own (parent))
    {
      ferry_set_error (error, FERRY_ERROR_SYSTEM,
                       "There is no folder for files that are made on the way: '%s' is not of this user alone; remove "
                       "it, or set XDG_CACHE_HOME",
                       parent);
      return NULL;
    }
  remove_left (parent);
  for (;;)
    {
      g_autofree char *path = g_build_filename (parent, PREFIX "XXXXXX", NULL);
      FerryScratchFolder *self;
      struct stat status;
      int fd;

      if (g_mkdtemp_full (path, 0700) == NULL)
        {
          ferry_set_error (error, FERRY_ERROR_SYSTEM,
                           "A folder for files that are made on the way could not be made in '%s': %s; make room there",
                           parent, g_strerror (errno));
          return NULL;
        }
      fd = lock_folder (path, LOCK_EX);
      if (fd < 0 && ferry_is_shortage (errno))
        {
          ferry_set_system_error (error, "Locking a folder for files that are made on the way (open, flock)");
          rmdir (path);
          return NULL;
        }
      if (fd < 0 && lstat (path, &status) < 0)
        continue; /* another process has removed it meanwhile */
      self = g_new (FerryScratchFolder, 1);
      *self = (FerryScratchFolder){g_steal_pointer (&path), fd};
      return self;
    }
}

const char *
ferry_scratch_folder_get_path (const FerryScratchFolder *self)
{
  return self->path;
}

void
ferry_scratch_folder_free (FerryScratchFolder *self)
{
  ferry_tree_remove (AT_FDCWD, self->path);
  ferry_clear_fd (&self->lock);
  g_free (self->path);
  g_free (self);
}
