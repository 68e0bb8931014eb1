/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What makes each page of the demo; ferry-demo-window.c has the table of them. */

#pragma once

#include <adwaita.h>

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* The pages that are only made; that of the pictures has a header of its own. */

/* The same work on a main loop, which freezes, and in a worker, which does not hold up the main loop. */
GtkWidget *ferry_demo_start_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;
/* The list of the demo's own tasks. */
GtkWidget *ferry_demo_tasks_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;
/* Programs as tasks, with what they print. */
GtkWidget *ferry_demo_commands_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;
/* To the line where a command is typed. */
void ferry_demo_commands_page_enter (GtkWidget *page);
/* Workers that crash, hang and send garbage, and what that costs two others: nothing. */
GtkWidget *ferry_demo_robust_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;
/* A plate that is heated, an object in another process, and the widgets that are bound to it. */
GtkWidget *ferry_demo_object_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
