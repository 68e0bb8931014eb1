/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the programs that are installed with the library, such as the guardian and ferry-command.
 *
 * The library starts each of them by itself. */

#include "config.h"

#include "process/ferry-own-program-private.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>

/* The folders of the programs relative to the library's, when installed and in a build folder. So a library that was
 * moved finds the programs that were moved with it. */
static const char *const folders[] = {FERRY_PRIVATE_FOLDER, ".", "../command-worker"};

/* (transfer full) (nullable): returns the folder of the library, or of the program that the library is linked into. The
 * loader knows neither by an absolute path if they were found by a relative one. */
static char *
find_library_folder (void)
{
  struct link_map *map = NULL;
  char origin[PATH_MAX];
  Dl_info library;

  if (dladdr1 ((gpointer) &folders, &library, (void **) &map, RTLD_DL_LINKMAP) == 0)
    return NULL;
  if (map->l_name[0] == '\0')
    {
      g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

      return program != NULL ? g_path_get_dirname (program) : NULL;
    }
  if (g_path_is_absolute (library.dli_fname))
    return g_path_get_dirname (library.dli_fname);
  return dlinfo (map, RTLD_DI_ORIGIN, origin) == 0 ? g_strdup (origin) : NULL;
}

static char *
find_beside_library (const char *name)
{
  g_autofree char *library = find_library_folder ();

  if (library == NULL)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (library, folders[i], name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer (&path);
    }
  return NULL;
}

char *
ferry_find_own_program (const char *name, const char *variable)
{
  const char *named = secure_getenv (variable);
  char *path = named != NULL ? g_strdup (named) : find_beside_library (name);

  return path != NULL ? path : g_build_filename (FERRY_LIBDIR, FERRY_PRIVATE_FOLDER, name, NULL);
}
