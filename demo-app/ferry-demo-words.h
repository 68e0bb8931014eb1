/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ferry-demo-card.h"
#include "ferry-demo-pace.h"

G_BEGIN_DECLS

/* What a task's row says; every function but the first two returns a new string. */

const char *ferry_demo_words_for_state (FerryDemoState state);
double ferry_demo_words_get_seconds (FerryTask *task);
char *ferry_demo_words_for_title (const FerryDemoSpec *spec) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_progress (FerryTask *task, gboolean with_message) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_waiting (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_run (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_silence (double seconds) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_duration (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_pace (FerryTask *task, const FerryDemoPace *pace) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_result (const FerryDemoSpec *spec, const FerryDemoReport *report) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_signal (int signal_number) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_failure (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_counts (FerryExecutor *executor) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
