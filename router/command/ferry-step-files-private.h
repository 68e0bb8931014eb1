/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files that a program writes which a function runs. Any thread. */

#pragma once

#include "command-worker/command-files.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/* any: has the command of a task that was not submitted write the output files that are to be replaced where they wait.
 * It still knows of those that are written in place.
 * files: (out) (transfer full) (nullable): NULL: it has none. Fails as command_files_prepare() and
 * command_files_redirect() do. */
gboolean ferry_step_files_prepare (FerryTask *task, CommandFiles **files, GError **error);

G_END_DECLS
