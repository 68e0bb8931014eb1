/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gtk/ferry-task-list.h"

G_BEGIN_DECLS

/* The list is as high as its rows, up to that many pixels. */
void ferry_task_list_set_max_height (FerryTaskList *self, int height);

G_END_DECLS
