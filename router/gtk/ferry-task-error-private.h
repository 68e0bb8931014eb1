/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is known of a task from an earlier one with the same work. */

#pragma once

#include "gtk/ferry-task-error.h"

G_BEGIN_DECLS

/* again does the work of before once more: where that has crashed, a crash of again is one that repeats. */
void ferry_task_inherit_crash (FerryTask *again, FerryTask *before);

G_END_DECLS
