/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program of a command, and its environment. */

#pragma once

#include <glib.h>

#include "command-options.h"

G_BEGIN_DECLS

/* (transfer full): as the application has given it; or its own, without what Ferry has added, and with what a terminal
 * of 80 columns needs. */
char **command_program_make_environment (const CommandOptions *options);
/* (transfer full): the path of the program, which PATH of the environment finds where its name has no slash. Fails with
 * G_SPAWN_ERROR_NOENT, and G_SPAWN_ERROR_ACCES for one that may not be executed. */
char *command_program_find (const char *name, char **environment, const char *directory, GError **error);

G_END_DECLS
