/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Has GTK's inspector show a page of Ferry without a line of the application: loads the library of widgets, which adds
 * the page to the inspector when it is loaded.
 *
 * Only a program that has GTK 4 gets it, and only a program of the shared library: one that has this library in itself
 * would get a second one by that of the widgets.
 *
 * Threads: any. */

#include "config.h"

#include "route/ferry-router-private.h"

#include <dlfcn.h>

/* (transfer full) (nullable): the library of widgets that was installed with this one; in a build it is a folder
 * deeper. */
static char *
find_widgets (void)
{
  Dl_info own;
  g_autofree char *name = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *beside = NULL;
  g_autofree char *deeper = NULL;

  if (dladdr ((gpointer) ferry_inspector_offer_page, &own) == 0)
    return NULL;
  name = g_path_get_basename (own.dli_fname);
  if (!g_str_has_prefix (name, "libferry-"))
    return NULL;
  folder = g_path_get_dirname (own.dli_fname);
  beside = g_build_filename (folder, FERRY_GTK_LIBRARY, NULL);
  deeper = g_build_filename (folder, "gtk", FERRY_GTK_LIBRARY, NULL);
  if (g_file_test (beside, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&beside);
  return g_file_test (deeper, G_FILE_TEST_EXISTS) ? g_steal_pointer (&deeper) : NULL;
}

void
ferry_inspector_offer_page (void)
{
  static _Atomic gboolean offered;
  g_autofree char *path = NULL;
  void *gtk;

  if (atomic_load_explicit (&offered, memory_order_relaxed))
    return;
  gtk = dlopen ("libgtk-4.so.1", RTLD_NOLOAD | RTLD_LAZY);
  if (gtk == NULL)
    return;
  dlclose (gtk);
  /* Once, whichever thread comes first. */
  if (atomic_exchange_explicit (&offered, TRUE, memory_order_relaxed))
    return;
  path = find_widgets ();
  if (path != NULL && dlopen (path, RTLD_NOW | RTLD_LOCAL) == NULL)
    g_debug ("GTK's inspector has no page of Ferry: %s", dlerror ());
}
