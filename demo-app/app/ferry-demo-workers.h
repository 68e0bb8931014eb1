/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

/* How workers of the demo begin and end. */

/* Starts the program with an argument, or with none, as a worker that leaves the processor to the window. */
FerryLauncher *ferry_demo_launcher_new (const char *worker_path, const char *argument) G_GNUC_WARN_UNUSED_RESULT;

/* Cancels all tasks of an executor and ends all workers of its pool, deaf ones by force. Returns when that is done, and
 * dispatches the main context until then. */
void ferry_demo_end (FerryExecutor *executor);

G_END_DECLS
