/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the library's own widgets say of errors, beside ferry_task_describe_error(). */

#pragma once

#include "gtk/ferry-task-error.h"

G_BEGIN_DECLS

/* again does the work of before once more: where that has crashed, a crash of again is one that repeats. */
void ferry_task_inherit_crash (FerryTask *again, FerryTask *before);
/* What the library and the system say of it, for developers and in English. */
char *ferry_task_error_dup_technical (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
/* The text with a full stop behind it, where it does not end as a sentence does. Several lines are left as they are. */
char *ferry_task_error_dup_sentence (const char *text) G_GNUC_WARN_UNUSED_RESULT;
/* Title and detail of ferry_task_describe_error() as sentences; only one of them if they say the same. */
char *ferry_task_error_dup_sentences (const char *title, const char *detail) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
