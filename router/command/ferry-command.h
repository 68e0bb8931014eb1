/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "job/ferry-job.h"
#include "process/ferry-launcher.h"
#include "task/ferry-executor.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/**
 * FerryCommandProgress:
 * @FERRY_COMMAND_PROGRESS_AUTOMATIC: As the program is known to say it: a table of well-known programs has the reader,
 *   by the program's name. Of others, the one share of a line that they draw over counts, such as `42 %` or
 *   `1.0/10.0 MB`, while it begins low and rises. Once it falls, the bar is taken back.
 * @FERRY_COMMAND_PROGRESS_NONE: The command says nothing of its progress.
 * @FERRY_COMMAND_PROGRESS_PERCENT: The only percentage in any line, such as `42 %` or `12.5/100%`.
 * @FERRY_COMMAND_PROGRESS_STEPS: Steps of several, such as `[12/300]`.
 * @FERRY_COMMAND_PROGRESS_NUMBER: Lines that are numbers, out of 100 or of [property@Ferry.Command:total].
 * @FERRY_COMMAND_PROGRESS_KEYS: Lines such as `out_time_us=1500000`; [property@Ferry.Command:progress-pattern] has the
 *   keys.
 * @FERRY_COMMAND_PROGRESS_JSON: Lines that are JSON objects; [property@Ferry.Command:progress-pattern] has the paths.
 * @FERRY_COMMAND_PROGRESS_PATTERN: What the groups of the expression [property@Ferry.Command:progress-pattern] find.
 * @FERRY_COMMAND_PROGRESS_POSITION: How far the program has read in a file, for a program that says nothing.
 *
 * How the progress of a command is read from its output.
 */
typedef enum
{
  FERRY_COMMAND_PROGRESS_AUTOMATIC,
  FERRY_COMMAND_PROGRESS_NONE,
  FERRY_COMMAND_PROGRESS_PERCENT,
  FERRY_COMMAND_PROGRESS_STEPS,
  FERRY_COMMAND_PROGRESS_NUMBER,
  FERRY_COMMAND_PROGRESS_KEYS,
  FERRY_COMMAND_PROGRESS_JSON,
  FERRY_COMMAND_PROGRESS_PATTERN,
  FERRY_COMMAND_PROGRESS_POSITION,
} FerryCommandProgress;

#define FERRY_TYPE_COMMAND (ferry_command_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryCommand, ferry_command, FERRY, COMMAND, GObject)

FERRY_AVAILABLE_IN_0_1
FerryCommand *ferry_command_new (const char *const *argv) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_task_new_for_command (FerryCommand *command, GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
FerryLauncher *ferry_launcher_new_for_commands (GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryExecutor *ferry_executor_new_for_commands (GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_executor_submit_command (FerryExecutor *self, FerryCommand *command,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
const char *ferry_job_get_scratch_folder (FerryJob *self, GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_run_task (FerryJob *self, FerryTask *task, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_run_command (FerryJob *self, FerryCommand *command, GVariant **result, GError **error);

G_END_DECLS
