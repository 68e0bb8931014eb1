/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ferry-demo-job.h"
#include "ferry-demo-pace.h"

G_BEGIN_DECLS

/* What a job's row says; every function but the state's returns a new string. */

const char *ferry_demo_words_for_state (FerryDemoJobState state);
char *ferry_demo_words_for_title (const FerryDemoSpec *spec) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_activity (const FerryDemoSpec *spec,
                                     const FerryDemoReport *report) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_silence (double seconds) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_pace (const FerryDemoSpec *spec, const FerryDemoReport *report,
                                 const FerryDemoPace *pace) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_result (const FerryDemoSpec *spec, const FerryDemoReport *report) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_crash (int signal_number) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_cancelled (const FerryDemoSpec *spec,
                                      const FerryDemoReport *report) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_failure (FerryExit *exit, const FerryDemoReport *report) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
