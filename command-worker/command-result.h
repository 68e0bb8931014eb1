/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The result of a command, as the application gets it: of one that has failed, too. */

#pragma once

#include <ferry.h>

#include "command-store.h"

G_BEGIN_DECLS

/* Exit status, or a signal's number below 0; standard output; standard error. */
#define COMMAND_RESULT "(iayay)"

/* Returns (floating) (nullable) a value of that type, or the one of ferry_job_return_file() that stands for it. output,
 * errors (nullable): ended. */
GVariant *command_result_new (FerryJob *job, int status, CommandStore *output, CommandStore *errors, GError **error);

G_END_DECLS
