/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a screen reader reads out without being asked for. The function of GTK 4.14 is looked up in the running process,
 * since the library that was built with an older GTK may run with a newer one. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-look-private.h"

#include <dlfcn.h>

/* GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM, which older headers do not have. */
#define MEDIUM 1

typedef void (*Announce) (GtkAccessible *accessible, const char *words, int priority);

GtkWidget *
ferry_announce_line_new (void)
{
  return g_object_new (GTK_TYPE_BOX, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS, "visible", FALSE, NULL);
}

void
ferry_announce (GtkWidget *widget, GtkWidget *line, const char *words)
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
  else if (line != NULL)
    {
      gtk_widget_set_visible (line, TRUE);
      gtk_accessible_update_property (GTK_ACCESSIBLE (line), GTK_ACCESSIBLE_PROPERTY_LABEL, words, -1);
    }
}
