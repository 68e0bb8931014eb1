/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

#include "app/ferry-demo-page.h"

G_BEGIN_DECLS

#define FERRY_DEMO_TYPE_WINDOW (ferry_demo_window_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoWindow, ferry_demo_window, FERRY_DEMO, WINDOW, GtkApplicationWindow)

GtkWidget *ferry_demo_window_new (GtkApplication *application, FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;
void ferry_demo_window_show_page (FerryDemoWindow *self, const char *page);
/* The page that is shown, or the one of that name. */
FerryDemoPage *ferry_demo_window_get_page (FerryDemoWindow *self, const char *name);

G_END_DECLS
