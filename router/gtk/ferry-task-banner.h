/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_BANNER (ferry_task_banner_get_type ())
FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryTaskBanner, ferry_task_banner, FERRY, TASK_BANNER, GtkWidget)

FERRY_AVAILABLE_IN_0_1
GtkWidget *ferry_task_banner_new (GListModel *tasks) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
