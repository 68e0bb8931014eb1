/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The function that runs a command. */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

#define COMMAND_FUNCTION "command"
/* What a command is: the properties of FerryCommand. */
#define COMMAND_ARGUMENTS "a{sv}"
GVariant *command_run (FerryJob *job, GVariant *arguments, GError **error);

G_END_DECLS
