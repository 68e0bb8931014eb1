/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the program of a command, as a shell would, and makes its environment. */

#include "command-program.h"

#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

/* Where programs are searched for when the environment does not say it. */
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* (transfer full): the environment of the application, or of this process where that is not said. */
static char **
dup_default_environment (const CommandOptions *options)
{
  return options->default_environment != NULL ? g_strdupv ((char **) options->default_environment) : g_get_environ ();
}

char **
command_program_make_environment (const CommandOptions *options)
{
  char **own;

  if (options->environment != NULL)
    return g_strdupv ((char **) options->environment);
  own = dup_default_environment (options);
  for (guint i = 0; own[i] != NULL;)
    if (g_str_has_prefix (own[i], "FERRY_"))
      {
        g_autofree char *name = g_strndup (own[i], strcspn (own[i], "="));

        own = g_environ_unsetenv (own, name);
      }
    else
      i++;
  /* Programs then move no cursor and use no colours. */
  return options->terminal ? g_environ_setenv (own, "TERM", "dumb", TRUE) : own;
}

/* Paths are seen from the folder of the command. */
static gboolean
is_program (const char *directory, const char *path)
{
  g_autofree char *seen = g_canonicalize_filename (path, directory);

  return g_file_test (seen, G_FILE_TEST_IS_REGULAR) && access (seen, X_OK) == 0;
}

static gboolean
is_folder (const char *directory, const char *path)
{
  g_autofree char *seen = g_canonicalize_filename (path, directory);

  return g_file_test (seen, G_FILE_TEST_IS_DIR);
}

static gboolean
exists (const char *directory, const char *path)
{
  g_autofree char *seen = g_canonicalize_filename (path, directory);

  return g_file_test (seen, G_FILE_TEST_EXISTS);
}

/* (transfer full) (nullable): searches in the folders of PATH. Sets *found when there is such a file, which may be one
 * that cannot be executed. */
static char *
search (const char *name, char **environment, const char *directory, gboolean *found)
{
  const char *path = g_environ_getenv (environment, "PATH");
  g_auto (GStrv) folders = g_strsplit (path != NULL ? path : DEFAULT_PATH, ":", -1);

  for (guint i = 0; folders[i] != NULL; i++)
    {
      g_autofree char *candidate = g_build_filename (folders[i][0] != '\0' ? folders[i] : ".", name, NULL);

      if (is_program (directory, candidate))
        return g_steal_pointer (&candidate);
      *found = *found || exists (directory, candidate);
    }
  return NULL;
}

/* Says why there is no program of that name. */
static void
set_missing (const char *name, const char *directory, gboolean found, GError **error)
{
  const gboolean is_path = strchr (name, '/') != NULL;

  if (is_path && is_folder (directory, name))
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_ACCES,
                 "'%s' is a folder and no program; name the program that is in it", name);
  else if (found)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_ACCES,
                 "The program '%s' may not be executed; make it executable (chmod +x), or choose another program",
                 name);
  else if (strpbrk (name, " \t\n") != NULL)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT,
                 "There is no program '%s'; give the program and each of its arguments for itself, since no shell cuts "
                 "a line into words",
                 name);
  else if (is_path)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT, "There is no program '%s'; check its path", name);
  else
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT,
                 "The program '%s' was not found; install it, or add its folder to PATH", name);
}

char *
command_program_find (const char *name, char **environment, const char *directory, GError **error)
{
  const gboolean is_path = strchr (name, '/') != NULL;
  gboolean found = is_path && exists (directory, name);
  char *path = NULL;

  if (!is_path)
    path = search (name, environment, directory, &found);
  else if (is_program (directory, name))
    path = g_strdup (name);
  if (path == NULL)
    set_missing (name, directory, found, error);
  return path;
}
