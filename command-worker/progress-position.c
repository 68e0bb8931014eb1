/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far processes are in the file that they read, for programs that print no progress. Linux tells of each open file
 * where its next read begins, in /proc/PID/fdinfo; see proc(5). So a bar is there for sha256sum, gzip and others that
 * say nothing.
 *
 * Of several files that are read, the largest counts. Of a list of files that are read one after the other, the
 * position is in all of them: those before count as well, also where no look has met them. A program that has the
 * system copy, as cp does, stays at the beginning of what it reads, and then the size of the file that it writes is the
 * position. */

#include "config.h"

#include "progress-position.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  dev_t device;
  ino_t inode;
  double position;
  double size;
} File;

struct _ProgressPosition
{
  char **paths;      /* (nullable): of the files that count */
  GHashTable *files; /* (nullable) (element-type File File): those of them that are there; the position of each is where
                      * it begins in all of them */
  double total;      /* of them */
  gboolean is_ambiguous; /* one of them is read twice: which time it is, its position does not say */
};

static guint
hash_file (gconstpointer key)
{
  const File *file = key;

  return (guint) file->inode;
}

static gboolean
files_are_equal (gconstpointer a, gconstpointer b)
{
  const File *file = a;
  const File *other = b;

  return file->device == other->device && file->inode == other->inode;
}

static void
add_file (ProgressPosition *self, const char *path)
{
  struct stat status;
  File *file;

  if (stat (path, &status) < 0 || !S_ISREG (status.st_mode))
    return;
  file = g_new (File, 1);
  *file = (File){status.st_dev, status.st_ino, self->total, (double) status.st_size};
  self->total += file->size;
  self->is_ambiguous |= !g_hash_table_add (self->files, file);
}

/* Looks for the files, of which the first may be made by what runs. */
static void
find_files (ProgressPosition *self)
{
  if (self->paths == NULL || self->total > 0)
    return;
  for (guint i = 0; self->paths[i] != NULL; i++)
    add_file (self, self->paths[i]);
}

/* paths: (nullable): the files that count, in the order in which they are read; NULL, or none: the largest that is
 * read. */
ProgressPosition *
progress_position_new (const char *const *paths)
{
  ProgressPosition *self = g_new0 (ProgressPosition, 1);

  if (paths == NULL || paths[0] == NULL)
    return self;
  self->paths = g_strdupv ((char **) paths);
  self->files = g_hash_table_new_full (hash_file, files_are_equal, g_free, NULL);
  find_files (self);
  return self;
}

void
progress_position_free (ProgressPosition *self)
{
  g_strfreev (self->paths);
  g_clear_pointer (&self->files, g_hash_table_unref);
  g_free (self);
}

/* Reads "pos:" and "flags:" of a descriptor. Returns whether both are there. */
static gboolean
read_information (pid_t pid, const char *fd, double *position, int *flags)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fdinfo/%s", (int) pid, fd);
  FILE *file = fopen (path, "re");
  char line[256];
  guint n_found = 0;

  if (file == NULL)
    return FALSE;
  while (n_found < 2 && fgets (line, sizeof line, file) != NULL)
    {
      char *end = NULL;

      if (g_str_has_prefix (line, "pos:"))
        {
          *position = g_ascii_strtod (line + strlen ("pos:"), &end);
          n_found++;
        }
      else if (g_str_has_prefix (line, "flags:"))
        {
          *flags = (int) strtol (line + strlen ("flags:"), &end, 8);
          n_found++;
        }
    }
  fclose (file);
  return n_found == 2;
}

/* What is known of the looks at all descriptors. */
typedef struct
{
  GHashTable *files; /* (nullable) */
  File input;
  double before; /* of the files before it */
  double output; /* the size of the largest file that is written */
} Look;

static void
look_at_descriptor (Look *look, pid_t pid, const char *fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd/%s", (int) pid, fd);
  const File *listed = NULL;
  struct stat status;
  double position = 0;
  int flags = 0;
  File file;

  if (stat (path, &status) < 0 || !S_ISREG (status.st_mode) || !read_information (pid, fd, &position, &flags))
    return;
  if ((flags & O_ACCMODE) != O_RDONLY)
    {
      look->output = MAX (look->output, (double) status.st_size);
      return;
    }
  file = (File){status.st_dev, status.st_ino, position, (double) status.st_size};
  if (look->files != NULL && (listed = g_hash_table_lookup (look->files, &file)) == NULL)
    return;
  /* Of files of a list that are open at once, the last one counts. */
  if (listed != NULL ? look->input.size == 0 || listed->position > look->before : file.size > look->input.size)
    {
      look->input = file;
      look->before = listed != NULL ? listed->position : 0;
    }
}

static void
look_at_process (Look *look, pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd", (int) pid);
  DIR *folder = opendir (path);
  const struct dirent *entry;

  if (folder == NULL)
    return;
  while ((entry = readdir (folder)) != NULL)
    if (g_ascii_isdigit (entry->d_name[0]))
      look_at_descriptor (look, pid, entry->d_name);
  closedir (folder);
}

/* Looks where the processes are. Returns FALSE where none of them reads a file that counts. */
gboolean
progress_position_read (ProgressPosition *self, const pid_t *pids, gsize n_pids, double *position, double *size)
{
  Look look = {.files = self->files};

  find_files (self);
  for (gsize i = 0; i < n_pids; i++)
    look_at_process (&look, pids[i]);
  if (look.input.size == 0 || self->is_ambiguous)
    return FALSE;
  if (look.input.position == 0)
    look.input.position = look.output;
  *position = look.before + MIN (look.input.position, look.input.size);
  *size = self->files != NULL ? self->total : look.input.size;
  return TRUE;
}
