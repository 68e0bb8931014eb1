/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks up translations. The domain is bound at the first text that is looked up, since a library has no main(). */

#include "config.h"

#include "gtk/ferry-translation-private.h"

#include <libintl.h>

void
ferry_gtk_bind_domain (void)
{
  static gsize is_bound = 0;

  if (!g_once_init_enter (&is_bound))
    return;
  bindtextdomain (FERRY_GTK_DOMAIN, FERRY_GTK_LOCALEDIR);
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
