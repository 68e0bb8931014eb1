/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far processes are in the file that they read. Linux tells of each open file where its next read begins, in
 * /proc/PID/fdinfo; see proc(5). So a bar is there for sha256sum, gzip and others that say nothing.
 *
 * Of several files that are read, the largest counts. Of several that are read one after the other, those before count
 * as well: the position is in all of them. A program that has the system copy, as cp does, stays at the beginning of
 * what it reads, and then the size of the file that it writes is the position. */

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
  char *path; /* (nullable) */
  File last;  /* that was read at the last look; its size is 0 where there was none */
  double passed;
};

/* path: (nullable): the file whose position counts, else the largest that is read. */
ProgressPosition *
progress_position_new (const char *path)
{
  ProgressPosition *self = g_new0 (ProgressPosition, 1);

  self->path = g_strdup (path);
  return self;
}

void
progress_position_free (ProgressPosition *self)
{
  g_free (self->path);
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
  gboolean has_wanted;
  struct stat wanted;
  File input;
  double output; /* the size of the largest file that is written */
} Look;

static void
look_at_descriptor (Look *look, pid_t pid, const char *fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd/%s", (int) pid, fd);
  struct stat status;
  double position = 0;
  int flags = 0;

  if (stat (path, &status) < 0 || !S_ISREG (status.st_mode) || !read_information (pid, fd, &position, &flags))
    return;
  if ((flags & O_ACCMODE) != O_RDONLY)
    {
      look->output = MAX (look->output, (double) status.st_size);
      return;
    }
  if (look->has_wanted && (status.st_dev != look->wanted.st_dev || status.st_ino != look->wanted.st_ino))
    return;
  if ((double) status.st_size > look->input.size)
    look->input =
      (File){.device = status.st_dev, .inode = status.st_ino, .position = position, .size = (double) status.st_size};
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

/* Looks where the processes are. size is that of the files until now; who knows that there are more knows better.
 *
 * Returns FALSE where none of them reads a file. */
gboolean
progress_position_read (ProgressPosition *self, const pid_t *pids, gsize n_pids, double *position, double *size)
{
  Look look = {0};

  if (self->path != NULL)
    {
      if (stat (self->path, &look.wanted) < 0)
        return FALSE;
      look.has_wanted = TRUE;
    }
  for (gsize i = 0; i < n_pids; i++)
    look_at_process (&look, pids[i]);
  if (look.input.size == 0)
    return FALSE;
  if (look.input.position == 0)
    look.input.position = look.output;
  if (look.input.device != self->last.device || look.input.inode != self->last.inode)
    self->passed += self->last.size;
  self->last = look.input;
  *position = self->passed + MIN (look.input.position, look.input.size);
  *size = self->passed + look.input.size;
  return TRUE;
}
