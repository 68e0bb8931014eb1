/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list model in the order of another one, but for items that were moved. The thread that runs GTK. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_ORDER (ferry_task_order_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskOrder, ferry_task_order, FERRY, TASK_ORDER, GObject)

FerryTaskOrder *ferry_task_order_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* Nullable. Each item is in its place again. */
void ferry_task_order_set_model (FerryTaskOrder *self, GListModel *model);
/* Moves the item in one place to another one, which it then has. */
void ferry_task_order_move (FerryTaskOrder *self, guint from, guint to);
/* Until the end, changes of the other model are noted, and not told. Then the last item takes the given place, where
 * the first one of two that are to be one is removed. */
void ferry_task_order_begin_replacement (FerryTaskOrder *self, guint position);
void ferry_task_order_end_replacement (FerryTaskOrder *self);

G_END_DECLS
