/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "app/ferry-demo-page.h"

G_BEGIN_DECLS

/* The tasks of the executor. Its actions "job.…" are those of the window that it is in. */

#define FERRY_DEMO_TYPE_TASKS_PAGE (ferry_demo_tasks_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoTasksPage, ferry_demo_tasks_page, FERRY_DEMO, TASKS_PAGE, FerryDemoPage)

G_END_DECLS
