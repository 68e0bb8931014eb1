/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What widgets say of why a task failed, in short and in full. */

#pragma once

#include "gtk/ferry-task-error.h"

G_BEGIN_DECLS

/* What the library and the system say of it, for developers and in English. */
char *ferry_task_error_dup_technical (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): what has failed of a task that stands for several others, a line for each. */
char *ferry_task_error_list_failures (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): the same, of those of which the library and the system say something else to developers. */
char *ferry_task_error_list_technical (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
/* The text with a full stop behind it, where it does not end as a sentence does. Several lines are left as they are. */
char *ferry_task_error_dup_sentence (const char *text) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): which files may be damaged or incomplete now that the task has ended without a result. */
char *ferry_task_error_dup_harm (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
/* Title and detail of ferry_task_describe_error() as sentences; only one of them if they say the same. */
char *ferry_task_error_dup_sentences (const char *title, const char *detail) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
