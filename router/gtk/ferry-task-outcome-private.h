/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application says of a task's end: see ferry-task-outcome.c. */

#pragma once

#include "gtk/ferry-task-outcome.h"

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_OUTCOME (ferry_task_outcome_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskOutcome, ferry_task_outcome, FERRY, TASK_OUTCOME, GObject)

/* The outcome of the task, which has it for as long as it lives. It emits "changed". */
FerryTaskOutcome *ferry_task_outcome_of (FerryTask *task);
/* (nullable): the detail; NULL while the application has said nothing. */
const char *ferry_task_outcome_get (FerryTaskOutcome *self, FerryTaskStatus *status);

G_END_DECLS
