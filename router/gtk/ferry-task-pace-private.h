/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list model that is another one with delay: what changes there is gathered, and told when it is asked for. The
 * thread that runs GTK. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_PACE (ferry_task_pace_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskPace, ferry_task_pace, FERRY, TASK_PACE, GObject)

/* The function is called when there is something to tell after there was nothing, and for each change from or to an
 * empty list. */
FerryTaskPace *ferry_task_pace_new (void (*due) (gpointer data), gpointer data) G_GNUC_WARN_UNUSED_RESULT;
/* Nullable. The items of the model are told at once. */
void ferry_task_pace_set_model (FerryTaskPace *self, GListModel *model);
/* Tells what has changed. */
void ferry_task_pace_tell (FerryTaskPace *self);
/* Whether each change is told by itself, without delay. */
void ferry_task_pace_set_immediate (FerryTaskPace *self, gboolean is_immediate);

G_END_DECLS
