/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What others may know of a task that runs a command. */

#pragma once

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* The function that runs commands. */
#define FERRY_COMMAND_FUNCTION "command"

/* The environment variable by which a worker names its application to the workers of its commands. */
#define FERRY_COMMAND_APPLICATION_VARIABLE "FERRY_COMMAND_APPLICATION"

/* any: whether a task of function is a command of which each file that it writes takes its place as a whole, so that it
 * may run once more after an end in its middle. arguments: (nullable). */
FERRY_FOR_SIBLINGS
gboolean ferry_command_replaces_files (const char *function, GVariant *arguments);

G_END_DECLS
