/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* Lists of tasks: of the demo's own worker, and of commands. */

#define FERRY_DEMO_TYPE_TASKS_PAGE (ferry_demo_tasks_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoTasksPage, ferry_demo_tasks_page, FERRY_DEMO, TASKS_PAGE, AdwBin)

GtkWidget *ferry_demo_tasks_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
