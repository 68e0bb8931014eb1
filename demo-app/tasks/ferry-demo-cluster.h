/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Other hosts, which run the tasks that find no worker here. Where the demo is built without clusters there are none.
 *
 * FERRY_DEMO_PROCESSES names a folder, where there is one. It has a file NAME.pid for each host and for the server that
 * may be killed from the window, to see what becomes of the tasks. */

/* (transfer full) */
FerryRunner *ferry_demo_cluster_new (FerryRouter *router, const char *url, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ferry_demo_cluster_connect (FerryRunner *cluster, GError **error);
/* Tasks that run there fail. */
void ferry_demo_cluster_close (FerryRunner *cluster);

/* A button that tells how many hosts there are, and opens the list of them. */
GtkWidget *ferry_demo_cluster_make_button (FerryRunner *cluster) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
