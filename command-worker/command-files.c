/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removes what a command has left half done, or moves into place what it has done.
 *
 * A file that was there before is removed only when the command has changed it: a program that refuses to write over a
 * file fails, and the file stays. A folder that was there before stays, since other files may be in it. Where files are
 * replaced, the command writes under another name in the same folder, and the earlier file stays until it succeeds. */

#include "command-files.h"

#include <errno.h>
#include <ferry.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much of a name a temporary name has at most, in bytes, and the random part of it. */
#define MAX_STEM 100
#define RANDOM_LENGTH 8

/* How many descriptors the removal of a folder may use. */
#define MAX_REMOVE_FDS 16

typedef struct
{
  char *path;         /* (owned): where it is in the end */
  char *written;      /* (owned): where the command writes it */
  gboolean existed;   /* something was at written before */
  struct stat before; /* what was there, if so */
} File;

struct _CommandFiles
{
  GArray *files; /* (element-type File) (owned) */
  char **argv;   /* (owned) */
  char *output;  /* (owned) (nullable) */
  gboolean replaces;
};

static void
file_clear (gpointer file)
{
  g_free (((File *) file)->path);
  g_free (((File *) file)->written);
}

/* (transfer full): another name in the same folder: hidden, and with the same ends, by which programs tell formats. */
static char *
make_temporary (const char *name)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  const char *slash = strrchr (name, '/');
  const char *base = slash != NULL ? slash + 1 : name;
  gsize stem = base[0] != '\0' ? 1 + strcspn (base + 1, ".") : 0;
  char random[RANDOM_LENGTH + 1] = "";

  for (guint i = 0; i < RANDOM_LENGTH; i++)
    random[i] = letters[g_random_int_range (0, sizeof letters - 1)];
  return g_strdup_printf ("%.*s.%.*s-%s%s", (int) (base - name), name, (int) MIN (stem, MAX_STEM), base, random,
                          base + stem);
}

/* Replaces a name where it is an argument, or follows a '=' in one, as in 'of=disk.img'. Returns whether it was found.
 */
static gboolean
replace_argument (char **argv, const char *name, const char *other)
{
  gboolean found = FALSE;

  for (guint i = 1; argv[i] != NULL; i++)
    {
      gsize length = strlen (argv[i]);
      gsize prefix = length >= strlen (name) ? length - strlen (name) : 0;
      char *argument = argv[i];

      if (!g_str_has_suffix (argument, name) || (prefix > 0 && argument[prefix - 1] != '='))
        continue;
      argv[i] = g_strdup_printf ("%.*s%s", (int) prefix, argument, other);
      g_free (argument);
      found = TRUE;
    }
  return found;
}

/* Has the command write a file under another name. */
static gboolean
redirect (CommandFiles *self, File *file, const char *name, const char *directory, GError **error)
{
  g_autofree char *temporary = make_temporary (name);
  gboolean is_output = g_strcmp0 (self->output, name) == 0;

  if (file->existed && S_ISDIR (file->before.st_mode))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "The folder '%s' cannot be replaced; name a folder that is not there, or do not set "
                   "'replace-output-files'",
                   name);
      return FALSE;
    }
  if (is_output)
    {
      g_free (self->output);
      self->output = g_strdup (temporary);
    }
  if (!replace_argument (self->argv, name, temporary) && !is_output)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "No argument of '%s' is the output file '%s', which is to be replaced; name it as in the arguments",
                   self->argv[0], name);
      return FALSE;
    }
  g_free (file->written);
  file->written = g_canonicalize_filename (temporary, directory);
  file->existed = FALSE;
  return TRUE;
}

static gboolean
add (CommandFiles *self, const char *name, const CommandOptions *options, GError **error)
{
  File file = {.path = g_canonicalize_filename (name, options->directory)};

  file.written = g_strdup (file.path);
  file.existed = lstat (file.written, &file.before) == 0;
  if (options->replace_output_files && !redirect (self, &file, name, options->directory, error))
    {
      file_clear (&file);
      return FALSE;
    }
  g_array_append_val (self->files, file);
  return TRUE;
}

CommandFiles *
command_files_new (const CommandOptions *options, GError **error)
{
  g_autoptr (CommandFiles) self = g_new0 (CommandFiles, 1);

  self->files = g_array_new (FALSE, FALSE, sizeof (File));
  g_array_set_clear_func (self->files, file_clear);
  self->argv = g_strdupv ((char **) options->argv);
  self->output = g_strdup (options->output_file);
  self->replaces = options->replace_output_files;
  for (guint i = 0; options->output_files != NULL && options->output_files[i] != NULL; i++)
    if (!add (self, options->output_files[i], options, error))
      return NULL;
  if (self->output != NULL)
    {
      g_autofree char *relative = g_steal_pointer (&self->output);

      self->output = g_canonicalize_filename (relative, options->directory);
    }
  return g_steal_pointer (&self);
}

void
command_files_free (CommandFiles *self)
{
  g_array_unref (self->files);
  g_strfreev (self->argv);
  g_free (self->output);
  g_free (self);
}

const char *const *
command_files_get_argv (CommandFiles *self)
{
  return (const char *const *) self->argv;
}

const char *
command_files_get_output (CommandFiles *self)
{
  return self->output;
}

/* ---- the end ---- */

static int
remove_entry (const char *path, const struct stat *status, int type, struct FTW *place)
{
  /* What cannot be removed keeps its folders, and nothing else. */
  if (remove (path) < 0 && errno != ENOENT && errno != ENOTEMPTY)
    g_message ("'%s', which a command has left, could not be removed: %s", path, g_strerror (errno));
  return 0;
}

void
command_files_remove_path (const char *path)
{
  nftw (path, remove_entry, MAX_REMOVE_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Whether the file is another one than before, or has changed. */
static gboolean
has_changed (const File *file, const struct stat *now)
{
  const struct stat *before = &file->before;

  return now->st_ino != before->st_ino || now->st_dev != before->st_dev || now->st_size != before->st_size ||
         now->st_mtim.tv_sec != before->st_mtim.tv_sec || now->st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

void
command_files_remove (CommandFiles *self)
{
  for (guint i = 0; i < self->files->len; i++)
    {
      const File *file = &g_array_index (self->files, File, i);
      struct stat now;

      if (lstat (file->written, &now) < 0)
        continue;
      if (!S_ISREG (now.st_mode) && !S_ISDIR (now.st_mode) && !S_ISLNK (now.st_mode))
        continue; /* a device, which the command wrote to */
      if (!file->existed || (!S_ISDIR (now.st_mode) && has_changed (file, &now)))
        command_files_remove_path (file->written);
    }
}

/* As a program that writes over a file leaves them: a private file stays private. */
static void
keep_rights (const File *file)
{
  struct stat earlier;

  if (lstat (file->path, &earlier) == 0 && S_ISREG (earlier.st_mode) &&
      chmod (file->written, earlier.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)) < 0 && errno != ENOENT)
    g_message ("'%s' has other rights than before: %s", file->path, g_strerror (errno));
}

gboolean
command_files_keep (CommandFiles *self, GError **error)
{
  for (guint i = 0; self->replaces && i < self->files->len; i++)
    {
      const File *file = &g_array_index (self->files, File, i);
      int failure;

      keep_rights (file);
      if (rename (file->written, file->path) == 0)
        continue;
      failure = errno;
      if (failure == ENOENT)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                     "'%s' ended well, and has not written the output file '%s'; check its arguments", self->argv[0],
                     file->path);
      else
        g_set_error (error, G_IO_ERROR, g_io_error_from_errno (failure),
                     "What '%s' has written could not be moved to '%s': %s; check the rights of the folder",
                     self->argv[0], file->path, g_strerror (failure));
      command_files_remove (self);
      return FALSE;
    }
  return TRUE;
}
