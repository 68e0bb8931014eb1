/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said of a task. */

#pragma once

#include <ferry.h>

#include "gtk/ferry-task-status.h"
#include "gtk/ferry-task-tally-private.h"

/* Between words that belong together less than those that a comma divides: a middle dot, as UTF-8. */
#define FERRY_TASK_WORDS_SEPARATOR " \302\267 "

G_BEGIN_DECLS

const char *ferry_task_words_for_status (FerryTaskStatus status);
/* (transfer full): what a stranger has said, such as a file's name, without the marks by which it would turn the words
 * around it from left to right, or from right to left. */
char *ferry_task_words_straighten (const char *text) G_GNUC_WARN_UNUSED_RESULT;
/* The name of the task in that way. */
const char *ferry_task_words_get_name (FerryTask *task);
/* How long the task has run, or runs so far, in microseconds; -1 where it has not begun. */
gint64 ferry_task_words_get_elapsed (FerryTask *task, gint64 now);
/* In percent; empty where it is not known, or where a task has ended before anything was done. */
char *ferry_task_words_for_fraction (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
/* How far a task is: "3 of 10 files, 2 minutes left". The time left is -1 where it is not known. A task that reports no
 * amount is so many percent of the way, which a bar says if there is one. */
char *ferry_task_words_for_progress (FerryTask *task, gint64 time_left, gboolean has_bar) G_GNUC_WARN_UNUSED_RESULT;
/* Whether a task that waits was put before all others. */
void ferry_task_words_set_first (FerryTask *task, gboolean is_first);
/* Whether the task waits in a queue for its time. */
gboolean ferry_task_words_wait_for_time (FerryTask *task);
/* Why no task of a queue is begun, of which FerryExecutor:error is error. */
const char *ferry_task_words_for_unstarted (const GError *error);
/* (transfer full) (nullable): that the file of its queue does not know of it, or not of its end, which nobody was told;
 * NULL: it does. */
char *ferry_task_words_for_unstored (FerryTask *task);
char *ferry_task_words_for_waiting (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
/* Whether these words say that the task waits; what an application or a function has said may not. */
gboolean ferry_task_words_say_waiting (FerryTask *task);
/* With what the function says of it. */
char *ferry_task_words_for_run (FerryTask *task, gint64 time_left, gboolean has_bar) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): what the function or its program asks; NULL: nothing. */
char *ferry_task_words_for_question (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
/* How much a task has done that has a result; empty where it has not counted. */
char *ferry_task_words_for_result (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): of a task that stands for several others, and has failed: how many of them did. */
char *ferry_task_words_for_failures (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_task_words_for_silence (gint64 silence) G_GNUC_WARN_UNUSED_RESULT;
/* Rate and duration. The rate is 0 where it is not known. */
char *ferry_task_words_for_pace (FerryTask *task, double rate, gint64 now) G_GNUC_WARN_UNUSED_RESULT;
/* How far all tasks are, and how many of them run and wait; and how many have failed that nobody has acted on. */
char *ferry_task_words_for_work (const FerryTaskFigures *figures, guint n_failed) G_GNUC_WARN_UNUSED_RESULT;
/* How many tasks are open, and how long they take, in microseconds, or how long at least; -1 where that is not known.
 * Where none is open, how many have failed. */
char *ferry_task_words_for_headline (const FerryTaskFigures *figures, gint64 time_left, gboolean is_least,
                                     guint n_failed) G_GNUC_WARN_UNUSED_RESULT;
/* How many tasks were done, and how many failed. */
char *ferry_task_words_for_ends (guint64 n_completed, guint64 n_failed) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
