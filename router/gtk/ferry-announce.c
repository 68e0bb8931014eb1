/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is read out without being asked for. The function of GTK 4.14 is looked up in the running process, since the
 * library that was built with an older GTK may run with a newer one. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-announce-private.h"

#include <dlfcn.h>

/* GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM, which older headers do not have. */
#define MEDIUM 1

typedef void (*Announce) (GtkAccessible *accessible, const char *words, int priority);

void
ferry_announce (GtkWidget *widget, const char *words)
{
  static gsize looked_up = 0;
  static Announce announce;

  if (g_once_init_enter (&looked_up))
    {
      announce = (Announce) dlsym (RTLD_DEFAULT, "gtk_accessible_announce");
      g_once_init_leave (&looked_up, 1);
    }
  if (announce != NULL)
    announce (GTK_ACCESSIBLE (widget), words, MEDIUM);
}
