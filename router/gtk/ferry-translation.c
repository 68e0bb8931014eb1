/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks up translations of the library's texts. The domain is bound at the first text that is looked up, since a
 * library has no main(). */

#include "config.h"

#include "gtk/ferry-translation-private.h"

#include <dlfcn.h>
#include <libintl.h>

/* In a build, and in what pip installs, the folder of translations is beside the library. There is none of that name
 * where meson installs it. */
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

/* Units that functions report often. */
static const char *const units[] = {
  NC_ ("unit", "files"),   NC_ ("unit", "folders"), NC_ ("unit", "items"),    NC_ ("unit", "pictures"),
  NC_ ("unit", "pages"),   NC_ ("unit", "frames"),  NC_ ("unit", "lines"),    NC_ ("unit", "letters"),
  NC_ ("unit", "numbers"), NC_ ("unit", "steps"),   NC_ ("unit", "messages"), NC_ ("unit", "packets"),
};

const char *
ferry_gtk_translate_unit (const char *unit)
{
  const char *translation = g_dpgettext2 (NULL, "unit", unit);

  if (translation != unit)
    return translation;
  ferry_gtk_bind_domain ();
  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_str_equal (unit, units[i]))
      return g_dpgettext2 (FERRY_GTK_DOMAIN, "unit", unit);
  return unit;
}
