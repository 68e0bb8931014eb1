/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks up translations. The domain is bound at the first text that is looked up, since a library has no main(). */

#include "config.h"

#include "gtk/ferry-translation-private.h"

#include <dlfcn.h>
#include <libintl.h>

/* The folder of a build's translations is beside the library, and there is none of that name where it is installed. */
static char *
find_translations (void)
{
  Dl_info library;
  g_autofree char *folder = NULL;
  g_autofree char *beside = NULL;

  if (dladdr ((gpointer) ferry_gtk_bind_domain, &library) == 0 || !g_path_is_absolute (library.dli_fname))
    return g_strdup (FERRY_GTK_LOCALEDIR);
  folder = g_path_get_dirname (library.dli_fname);
  beside = g_build_filename (folder, "po", NULL);
  return g_file_test (beside, G_FILE_TEST_IS_DIR) ? g_steal_pointer (&beside) : g_strdup (FERRY_GTK_LOCALEDIR);
}

void
ferry_gtk_bind_domain (void)
{
  static gsize is_bound = 0;
  g_autofree char *folder = NULL;

  if (!g_once_init_enter (&is_bound))
    return;
  folder = find_translations ();
  bindtextdomain (FERRY_GTK_DOMAIN, folder);
  bind_textdomain_codeset (FERRY_GTK_DOMAIN, "UTF-8");
  g_once_init_leave (&is_bound, 1);
}

const char *
ferry_gtk_gettext (const char *text)
{
  ferry_gtk_bind_domain ();
  return g_dgettext (FERRY_GTK_DOMAIN, text);
}

const char *
ferry_gtk_ngettext (const char *one, const char *many, gulong n)
{
  ferry_gtk_bind_domain ();
  return g_dngettext (FERRY_GTK_DOMAIN, one, many, n);
}
