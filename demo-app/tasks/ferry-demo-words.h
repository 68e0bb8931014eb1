/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

#include "tasks/ferry-demo-report.h"
#include "tasks/ferry-demo-spec.h"

G_BEGIN_DECLS

/* What only the demo says of its jobs; every function returns a new string. */

char *ferry_demo_words_for_title (const FerryDemoSpec *spec) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_result (const FerryDemoSpec *spec, const FerryDemoReport *report) G_GNUC_WARN_UNUSED_RESULT;
char *ferry_demo_words_for_counts (FerryExecutor *executor) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
