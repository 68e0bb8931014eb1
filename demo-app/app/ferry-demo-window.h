/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* A list of pages, and the page that is shown. A page is a widget that a function makes for the session; the table in
 * the .c file has its name, title and icon, and the file that "View Source" shows. It works while it is mapped, and
 * ends its work when it is disposed of.
 *
 * Actions for pages: "page.show" with a page's name, "page.view-source", "command.enter". */

#define FERRY_DEMO_TYPE_WINDOW (ferry_demo_window_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoWindow, ferry_demo_window, FERRY_DEMO, WINDOW, AdwApplicationWindow)

GtkWidget *ferry_demo_window_new (GtkApplication *application, FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;
gboolean ferry_demo_window_has_page (const char *name);
void ferry_demo_window_show_page (FerryDemoWindow *self, const char *page);
/* The page that is shown, or the one of that name. */
GtkWidget *ferry_demo_window_get_page (FerryDemoWindow *self, const char *name);

/* Says a sentence in the window of a page. With an action of the page, it stays and has a button "Run Again". */
void ferry_demo_tell (GtkWidget *page, const char *sentence, const char *again);
/* A worker could not be started. The error is in words for programmers, which go to the log. */
void ferry_demo_tell_error (GtkWidget *page, const GError *error, const char *again);
/* A worker has ended, or it was found late that it could not be started. */
void ferry_demo_tell_end (GtkWidget *page, FerryExit *ended, const char *again);

G_END_DECLS
