/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Confines a command by bubblewrap, in namespaces of its own. A worker in a sandbox of Ferry may start nothing, so this
 * worker has none, and the command has one.
 *
 * The command sees the folders with the system's programs, libraries and settings, read-only; a /tmp, /dev and /proc of
 * its own; and the folders that were granted. Of a folder with a grant, the way to it is seen as empty folders. */

#include "command-confinement.h"

#include <gio/gio.h>
#include <stdlib.h>

#define PROGRAM "bwrap"

/* Where programs are, what they load, and how the system is set up. On many systems some are links into /usr. */
static const char *const system_folders[] = {"/usr",
                                             "/bin",
                                             "/sbin",
                                             "/lib",
                                             "/lib32",
                                             "/lib64",
                                             "/etc",
                                             "/opt",
                                             "/gnu/store",
                                             "/nix/store",
                                             "/run/current-system"};

static void
add_system_folders (GStrvBuilder *argv)
{
  for (guint i = 0; i < G_N_ELEMENTS (system_folders); i++)
    {
      g_autofree char *target = g_file_read_link (system_folders[i], NULL);

      if (target != NULL)
        g_strv_builder_add_many (argv, "--symlink", target, system_folders[i], NULL);
      else
        g_strv_builder_add_many (argv, "--ro-bind-try", system_folders[i], system_folders[i], NULL);
    }
}

/* Folders are mounted at the path that the command knows. Those that are not there are an error of bubblewrap, which
 * names them. */
static void
add_folders (GStrvBuilder *argv, const char *option, const char *const *folders, const char *directory)
{
  for (guint i = 0; folders != NULL && folders[i] != NULL; i++)
    {
      g_autofree char *path = g_canonicalize_filename (folders[i], directory);

      g_strv_builder_add_many (argv, option, path, path, NULL);
    }
}

char **
command_confinement_wrap (const CommandOptions *options, const char *const *argv, GError **error)
{
  g_autoptr (GStrvBuilder) wrapped = g_strv_builder_new ();
  g_autofree char *program = g_find_program_in_path (PROGRAM);

  if (g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "'%s' cannot be confined, as Flatpak denies namespaces to applications; it can run without, in the "
                   "application's own sandbox",
                   argv[0]);
      return NULL;
    }
  if (program == NULL)
    {
      g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT,
                   "'%s' cannot be confined, as bubblewrap is missing; install it (the package is 'bubblewrap')",
                   argv[0]);
      return NULL;
    }
  g_strv_builder_add_many (wrapped, program, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", NULL);
  if (options->network)
    g_strv_builder_add (wrapped, "--share-net");
  add_system_folders (wrapped);
  g_strv_builder_add_many (wrapped, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", NULL);
  if (options->network)
    g_strv_builder_add_many (wrapped, "--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve", NULL);
  add_folders (wrapped, "--ro-bind", options->readable_folders, options->directory);
  add_folders (wrapped, "--bind", options->writable_folders, options->directory);
  /* Without a folder of its own it begins in that of the application, or in '/' where it cannot see that. */
  if (options->has_directory)
    g_strv_builder_add_many (wrapped, "--chdir", options->directory, NULL);
  g_strv_builder_add (wrapped, "--");
  g_strv_builder_addv (wrapped, (const char **) argv);
  return g_strv_builder_end (wrapped);
}
