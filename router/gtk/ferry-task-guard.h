/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_GUARD (ferry_task_guard_get_type ())
FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryTaskGuard, ferry_task_guard, FERRY, TASK_GUARD, GObject)

FERRY_AVAILABLE_IN_0_1
FerryTaskGuard *ferry_task_guard_add (GListModel *tasks, GtkWindow *window);

G_END_DECLS
