/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said of a task. Each function but the first two returns a new string. */

#pragma once

#include <ferry.h>

#include "gtk/ferry-task-status.h"

G_BEGIN_DECLS

const char *ferry_task_words_for_status (FerryTaskStatus status);
/* How long the task has run, or runs so far, in microseconds; -1 where it has not begun. */
gint64 ferry_task_words_get_elapsed (FerryTask *task, gint64 now);
char *ferry_task_words_for_progress (FerryTask *task, gboolean with_text) G_GNUC_WARN_UNUSED_RESULT;
/* Whether a task that waits was put before all others. */
void ferry_task_words_set_first (FerryTask *task, gboolean is_first);
char *ferry_task_words_for_waiting (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_task_words_for_run (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_task_words_for_silence (gint64 silence) G_GNUC_WARN_UNUSED_RESULT;
/* Empty for a task that never began. */
char *ferry_task_words_for_duration (FerryTask *task, gint64 now) G_GNUC_WARN_UNUSED_RESULT;
/* Rate, time left and duration. The rate is 0, and the time left -1, where they are not known. */
char *ferry_task_words_for_pace (FerryTask *task, double rate, gint64 time_left, gint64 now) G_GNUC_WARN_UNUSED_RESULT;
/* How far all tasks of an executor are, and how many of them run and wait. */
char *ferry_task_words_for_work (FerryExecutor *executor) G_GNUC_WARN_UNUSED_RESULT;
/* How many tasks were done, and how many failed. */
char *ferry_task_words_for_ends (guint64 n_completed, guint64 n_failed) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
