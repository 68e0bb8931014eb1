/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The demo where it is built without clusters. */

#include "tasks/ferry-demo-cluster.h"

#include <glib/gi18n.h>

FerryRunner *
ferry_demo_cluster_new (FerryRouter *router, const char *url, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                       _ ("This demo was built without libnats, so it knows of no other hosts"));
  return NULL;
}

gboolean
ferry_demo_cluster_connect (FerryRunner *cluster, GError **error)
{
  g_return_val_if_reached (FALSE);
}

void
ferry_demo_cluster_close (FerryRunner *cluster)
{
  g_return_if_reached ();
}

GtkWidget *
ferry_demo_cluster_make_button (FerryRunner *cluster)
{
  g_return_val_if_reached (NULL);
}
