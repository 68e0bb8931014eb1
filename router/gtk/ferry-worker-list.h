/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_WORKER_LIST (ferry_worker_list_get_type ())
FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryWorkerList, ferry_worker_list, FERRY, WORKER_LIST, GtkWidget)

FERRY_AVAILABLE_IN_0_1
GtkWidget *ferry_worker_list_new (FerryPool *pool) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_worker_list_set_max_height (FerryWorkerList *self, int max_height);

G_END_DECLS
