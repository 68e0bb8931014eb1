/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files that a command writes: removes what was left half done, and moves into place what was done.
 *
 * A file that is written in place and was not there before is removed. One that was there before stays, whatever has
 * become of it: it may be an archive to which something was added. The same goes for a folder, in which other files may
 * be. What is to be replaced is written in a place (command-place.h) beside the file, under its own name, by which
 * programs tell formats; what the program leaves there beside it is removed with the place.
 *
 * A link stays, and the file is that to which it leads. A device, a FIFO or a socket is written directly and is never
 * removed. A file that has several names is replaced under this one, and has its earlier content under the others:
 * backups and package stores rely on that. */

#include "command-files.h"

#include <errno.h>
#include <fcntl.h>
#include <ferry.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ferry-tree-private.h"
#include "command-place.h"
#include "command-rights.h"

/* How many links lead to a file at most, as in the kernel. */
#define MAX_LINKS 40

typedef struct
{
  char *name;          /* (owned): as it was given */
  char *path;          /* (owned): where it is in the end, without a link as its last part */
  char *written;       /* (owned): where it is written */
  CommandPlace *place; /* (unowned) (nullable): NULL: it is written directly */
  char *base;          /* (owned) (nullable): its name in the place */
  gboolean is_moved;   /* it is in its place */
  gboolean has_old;    /* if so: what was there is in the place under its name */
  gboolean existed;    /* something was there before */
  struct stat before;  /* what, if so */
} File;

struct _CommandFiles
{
  GArray *files;     /* (element-type File) (owned) */
  GPtrArray *places; /* (element-type CommandPlace) (owned) */
  char *directory;   /* (owned) (nullable): from which relative names are */
  gboolean is_over;  /* committed or discarded */
};

static void
file_clear (gpointer data)
{
  File *file = data;

  g_free (file->name);
  g_free (file->path);
  g_free (file->written);
  g_free (file->base);
}

static File *
get_file (CommandFiles *self, guint i)
{
  return &g_array_index (self->files, File, i);
}

/* ---- before ---- */

/* (transfer full): where the links lead that are the last part of a path. Of a circle it is one of them. */
static char *
follow_links (const char *path)
{
  char *found = g_strdup (path);

  for (guint i = 0; i < MAX_LINKS; i++)
    {
      g_autofree char *before = found;
      g_autofree char *target = g_file_read_link (before, NULL);
      g_autofree char *folder = g_path_get_dirname (before);

      if (target == NULL)
        return g_steal_pointer (&before);
      /* Not g_canonicalize_filename(): a folder of the path may be a link, whose '..' is elsewhere. */
      found = target[0] == '/' ? g_strdup (target) : g_build_filename (folder, target, NULL);
    }
  return found;
}

static gboolean
has_name (CommandFiles *self, const CommandPlace *place, const char *base)
{
  for (guint i = 0; i < self->files->len; i++)
    if (get_file (self, i)->place == place && g_str_equal (get_file (self, i)->base, base))
      return TRUE;
  return FALSE;
}

/* (transfer none) (nullable): a place in a folder in which no file has this name. */
static CommandPlace *
find_place (CommandFiles *self, const char *folder, const char *base, GError **error)
{
  CommandPlace *place;

  for (guint i = 0; i < self->places->len; i++)
    if (g_str_equal (command_place_get_folder (self->places->pdata[i]), folder) &&
        !has_name (self, self->places->pdata[i], base))
      return self->places->pdata[i];
  place = command_place_new (folder, error);
  if (place != NULL)
    g_ptr_array_add (self->places, place);
  return place;
}

/* (transfer full): a name without those at its end, with which somebody may name a folder. */
static char *
dup_without_slashes (const char *name)
{
  gsize length = strlen (name);

  while (length > 1 && name[length - 1] == '/')
    length--;
  return g_strndup (name, length);
}

/* Has a file be written in a place. is_link: its name is a link. */
static gboolean
put_in_place (CommandFiles *self, File *file, gboolean is_link, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (file->path);
  g_autofree char *name = dup_without_slashes (file->name);
  g_autofree char *shown = is_link ? g_strdup (folder) : g_path_get_dirname (name);

  file->base = g_path_get_basename (name);
  if (g_str_equal (file->base, ".") || g_str_equal (file->base, "..") || g_str_equal (file->base, "/") ||
      (file->existed && S_ISDIR (file->before.st_mode)))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "The folder '%s' cannot be replaced; name a folder that is not there, or do not set "
                   "'replace-output-files'",
                   file->name);
      return FALSE;
    }
  file->place = find_place (self, folder, file->base, error);
  if (file->place == NULL)
    return FALSE;
  g_free (file->written);
  /* As it was said: a program may write its name into an archive, or show it. */
  if (!is_link && strchr (name, '/') == NULL)
    file->written = g_build_filename (command_place_get_name (file->place), file->base, NULL);
  else
    file->written = g_build_filename (shown, command_place_get_name (file->place), file->base, NULL);
  return TRUE;
}

static gboolean
is_named_before (CommandFiles *self, const File *file, GError **error)
{
  for (guint i = 0; i < self->files->len; i++)
    {
      const File *other = get_file (self, i);

      if (!g_str_equal (other->path, file->path))
        continue;
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "The output files '%s' and '%s' are the same file; name each file once", other->name, file->name);
      return TRUE;
    }
  return FALSE;
}

static gboolean
add (CommandFiles *self, const char *name, const char *directory, gboolean replaces, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (name, directory);
  File file = {.name = g_strdup (name), .path = follow_links (path), .written = g_strdup (name)};
  gboolean is_regular;
  gboolean added;

  file.existed = stat (file.path, &file.before) == 0;
  is_regular = !file.existed || S_ISREG (file.before.st_mode) || S_ISDIR (file.before.st_mode);
  added = !is_named_before (self, &file, error) &&
          (!replaces || !is_regular || put_in_place (self, &file, !g_str_equal (path, file.path), error));
  if (added)
    g_array_append_val (self->files, file);
  else
    file_clear (&file);
  return added;
}

CommandFiles *
command_files_prepare (const char *const *names, const char *directory, gboolean replaces, GError **error)
{
  g_autoptr (CommandFiles) self = g_new0 (CommandFiles, 1);

  self->files = g_array_new (FALSE, FALSE, sizeof (File));
  g_array_set_clear_func (self->files, file_clear);
  self->places = g_ptr_array_new_with_free_func ((GDestroyNotify) command_place_free);
  self->directory = g_strdup (directory);
  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (!add (self, names[i], directory, replaces, error))
      return NULL;
  return g_steal_pointer (&self);
}

char **
command_files_list_direct (CommandFiles *self)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (guint i = 0; i < self->files->len; i++)
    if (get_file (self, i)->place == NULL)
      g_strv_builder_add (names, get_file (self, i)->name);
  return g_strv_builder_end (names);
}

void
command_files_free (CommandFiles *self)
{
  g_array_unref (self->files);
  g_ptr_array_unref (self->places);
  g_free (self->directory);
  g_free (self);
}

/* ---- a program's arguments ---- */

/* Returns where a name begins in an argument: at its start, or, if behind_equals, behind a '=', as in 'of=disk.img';
 * -1: nowhere. */
static gssize
find_name (const char *argument, const char *name, gboolean behind_equals)
{
  gsize length = strlen (argument);
  gsize start = length - MIN (strlen (name), length);

  if (!g_str_equal (argument + start, name))
    return -1;
  if (behind_equals)
    return start > 0 && argument[start - 1] == '=' ? (gssize) start : -1;
  return start == 0 ? 0 : -1;
}

/* Returns how many arguments have a name, and sets *found to the first. */
static guint
count_named (char **argv, const char *name, gboolean behind_equals, guint *found)
{
  guint n = 0;

  for (guint i = 1; argv[0] != NULL && argv[i] != NULL; i++)
    if (find_name (argv[i], name, behind_equals) >= 0 && n++ == 0)
      *found = i;
  return n;
}

/* Of 'f' and '--output=f' it is not known which is read. */
static gboolean
redirect_argument (const File *file, char **argv, GError **error)
{
  guint found = 0;
  guint n = count_named (argv, file->name, TRUE, &found);
  const gboolean behind_equals = n > 0;

  n += count_named (argv, file->name, FALSE, &found);
  if (n == 1)
    {
      g_autofree char *argument = argv[found];

      argv[found] =
        g_strdup_printf ("%.*s%s", (int) find_name (argument, file->name, behind_equals), argument, file->written);
      return TRUE;
    }
  if (n > 1)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "'%s' reads and writes '%s', or names it twice, and only what is written is to be replaced; say the "
                 "other one in another way, as with './' before it, or do not set 'replace-output-files'",
                 argv[0], file->name);
  else
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "No argument of '%s' is the output file '%s', which is to be replaced; name it as in the arguments",
                 argv[0], file->name);
  return FALSE;
}

/* Whether both paths are of one regular file, or of one that is not there yet. */
static gboolean
are_same (const char *name, const char *other)
{
  struct stat status;
  struct stat of_other;

  if (g_strcmp0 (name, other) == 0 && name != NULL && access (name, F_OK) < 0)
    return TRUE;
  return name != NULL && other != NULL && stat (name, &status) == 0 && stat (other, &of_other) == 0 &&
         S_ISREG (status.st_mode) && status.st_dev == of_other.st_dev && status.st_ino == of_other.st_ino;
}

/* (nullable): the argument that is the file for the standard output, or has it behind a '='. */
static const char *
find_read_argument (CommandFiles *self, char **argv, const char *output)
{
  for (guint i = 1; argv[0] != NULL && argv[i] != NULL; i++)
    {
      const char *equals = strchr (argv[i], '=');
      g_autofree char *whole = g_canonicalize_filename (argv[i], self->directory);
      g_autofree char *value = equals != NULL ? g_canonicalize_filename (equals + 1, self->directory) : NULL;

      if (are_same (whole, output) || are_same (value, output))
        return argv[i];
    }
  return NULL;
}

/* Whether a file is read that is written directly: the standard input, or an argument that is emptied for the standard
 * output. Sets error if so. */
static gboolean
reads_what_is_written (CommandFiles *self, char **argv, const char *input, const char *output, GError **error)
{
  g_autofree char *path = input != NULL ? g_canonicalize_filename (input, self->directory) : NULL;
  const char *found = are_same (path, output) ? input : NULL;

  /* One that is replaced can be read while the new one is written. */
  for (guint i = 0; i < self->files->len && found == NULL; i++)
    if (get_file (self, i)->place == NULL && are_same (path, get_file (self, i)->path))
      found = input;
  if (found == NULL && output != NULL)
    found = find_read_argument (self, argv, output);
  if (found != NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "'%s' is to read '%s' and to write it, which may empty it before it is read; write another file, or "
                 "set 'output-files' and 'replace-output-files'",
                 argv[0], found);
  return found != NULL;
}

gboolean
command_files_redirect (CommandFiles *self, char **argv, char **output, const char *input, GError **error)
{
  for (guint i = 0; i < self->files->len; i++)
    {
      const File *file = get_file (self, i);

      if (file->place == NULL)
        continue;
      if (g_strcmp0 (*output, file->name) != 0)
        {
          if (!redirect_argument (file, argv, error))
            return FALSE;
          continue;
        }
      g_free (*output);
      *output = g_strdup (file->written);
    }
  if (*output != NULL)
    {
      g_autofree char *relative = *output;

      *output = g_canonicalize_filename (relative, self->directory);
    }
  return !reads_what_is_written (self, argv, input, *output, error);
}

/* ---- failure ---- */

/* Whether the file is another one than before, or has changed. */
static gboolean
has_changed (const File *file, const struct stat *now)
{
  const struct stat *before = &file->before;

  return now->st_ino != before->st_ino || now->st_dev != before->st_dev || now->st_size != before->st_size ||
         now->st_mtim.tv_sec != before->st_mtim.tv_sec || now->st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

/* Removes a file that was written directly, or returns whether it is damaged. */
static gboolean
discard_direct (const File *file)
{
  struct stat now;

  if (lstat (file->path, &now) < 0 || (!S_ISREG (now.st_mode) && !S_ISDIR (now.st_mode) && !S_ISLNK (now.st_mode)))
    return FALSE;
  if (file->existed)
    return S_ISREG (now.st_mode) && has_changed (file, &now);
  ferry_tree_remove (AT_FDCWD, file->path);
  return FALSE;
}

/* (transfer full) (nullable): says what may be damaged. */
static char *
discard (CommandFiles *self)
{
  g_autoptr (GString) damaged = g_string_new (NULL);
  guint n_damaged = 0;

  if (self->is_over)
    return NULL;
  self->is_over = TRUE;
  for (guint i = 0; i < self->files->len; i++)
    if (get_file (self, i)->place == NULL && discard_direct (get_file (self, i)))
      g_string_append_printf (damaged, "%s'%s'", n_damaged++ > 0 ? ", " : "", get_file (self, i)->name);
  g_ptr_array_set_size (self->places, 0);
  if (n_damaged == 0)
    return NULL;
  return g_strdup_printf ("%s may be damaged, since %s written in place and not finished", damaged->str,
                          n_damaged > 1 ? "they were" : "it was");
}

void
command_files_discard (CommandFiles *self, GError *error)
{
  g_autofree char *damage = discard (self);
  g_autofree char *message = NULL;

  if (damage == NULL)
    return;
  if (error == NULL)
    {
      g_message ("%s", damage);
      return;
    }
  message = error->message;
  error->message = g_strdup_printf ("%s; %s", message, damage);
}

/* ---- success ---- */

static gboolean
set_move_error (const File *file, int failure, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (failure),
               "What was written could not be moved to '%s': %s; check the folder, its rights, and what is there",
               file->path, g_strerror (failure));
  return FALSE;
}

/* Whether the file was written, and can take its place. */
static gboolean
check_written (const File *file, GError **error)
{
  g_autofree char *base = g_path_get_basename (file->path);
  struct stat written;
  struct stat there;

  if (fstatat (command_place_get_fd (file->place), file->base, &written, AT_SYMLINK_NOFOLLOW) < 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "The output file '%s' has not been written, though all else went well; check the arguments of the "
                   "program",
                   file->name);
      return FALSE;
    }
  if (fstatat (command_place_get_folder_fd (file->place), base, &there, AT_SYMLINK_NOFOLLOW) < 0)
    return TRUE;
  if (S_ISDIR (there.st_mode))
    return set_move_error (file, EISDIR, error);
  if (S_ISDIR (written.st_mode))
    return set_move_error (file, ENOTDIR, error);
  if (!S_ISREG (there.st_mode) && !S_ISLNK (there.st_mode))
    return set_move_error (file, EEXIST, error);
  return TRUE;
}

/* As a program that writes over a file leaves them: a private file stays private. */
static void
keep_rights (const File *file)
{
  g_autofree char *base = g_path_get_basename (file->path);
  int before = openat (command_place_get_folder_fd (file->place), base, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  int after = openat (command_place_get_fd (file->place), file->base, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;

  if (before >= 0 && after >= 0 && fstat (before, &status) == 0 && S_ISREG (status.st_mode) &&
      fstat (after, &status) == 0 && S_ISREG (status.st_mode))
    command_rights_copy (before, after);
  if (before >= 0)
    close (before);
  if (after >= 0)
    close (after);
}

/* What was there is kept until all files are moved, where the file system can exchange two names. */
static gboolean
move (File *file, GError **error)
{
  g_autofree char *base = g_path_get_basename (file->path);
  const int place = command_place_get_fd (file->place);
  const int folder = command_place_get_folder_fd (file->place);

  file->has_old = renameat2 (place, file->base, folder, base, RENAME_EXCHANGE) == 0;
  file->is_moved = file->has_old || renameat (place, file->base, folder, base) == 0;
  return file->is_moved || set_move_error (file, errno, error);
}

static void
move_back (File *file)
{
  g_autofree char *base = g_path_get_basename (file->path);
  const int place = command_place_get_fd (file->place);
  const int folder = command_place_get_folder_fd (file->place);

  if (file->has_old)
    renameat2 (folder, base, place, file->base, RENAME_EXCHANGE);
  else if (file->is_moved && !file->existed)
    renameat (folder, base, place, file->base);
  file->has_old = file->is_moved = FALSE;
}

gboolean
command_files_check (CommandFiles *self, GError **error)
{
  for (guint i = 0; i < self->files->len; i++)
    if (get_file (self, i)->place != NULL && !check_written (get_file (self, i), error))
      return FALSE;
  return TRUE;
}

static gboolean
move_files (CommandFiles *self, GError **error)
{
  for (guint i = 0; i < self->files->len; i++)
    if (get_file (self, i)->place != NULL && !move (get_file (self, i), error))
      return FALSE;
  return TRUE;
}

/* In reverse, since two may have the same name. */
static void
move_files_back (CommandFiles *self)
{
  for (guint i = self->files->len; i > 0; i--)
    if (get_file (self, i - 1)->place != NULL)
      move_back (get_file (self, i - 1));
}

gboolean
command_files_commit (CommandFiles *const *all, guint n, GError **error)
{
  GError *failure = NULL;
  guint n_moved = 0;

  for (guint i = 0; i < n && failure == NULL; i++)
    command_files_check (all[i], &failure);
  for (guint i = 0; i < n && failure == NULL; i++)
    for (guint k = 0; k < all[i]->files->len; k++)
      if (get_file (all[i], k)->place != NULL)
        keep_rights (get_file (all[i], k));
  while (n_moved < n && failure == NULL)
    move_files (all[n_moved++], &failure);
  for (guint i = n_moved; i > 0 && failure != NULL; i--)
    move_files_back (all[i - 1]);
  for (guint i = 0; i < n; i++)
    {
      if (failure != NULL)
        command_files_discard (all[i], failure);
      all[i]->is_over = TRUE;
      g_ptr_array_set_size (all[i]->places, 0);
    }
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, failure);
  return FALSE;
}
