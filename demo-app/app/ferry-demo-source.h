/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* A window with the source of a page; path is a file of demo-app/, which is among the resources. */
GtkWindow *ferry_demo_source_new (GtkWindow *parent, const char *path) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
