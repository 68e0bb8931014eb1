/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files and folders that a command is said to write. */

#pragma once

#include <glib.h>

#include "command-options.h"

G_BEGIN_DECLS

typedef struct _CommandFiles CommandFiles;

/* Looks at the files as they are before the command begins. Fails with FERRY_ERROR_BAD_ARGUMENTS for one that is to be
 * replaced, and is no argument of the command, or is a folder. */
CommandFiles *command_files_new (const CommandOptions *options, GError **error);
/* A command that was not ended by either function below has written nothing. */
void command_files_free (CommandFiles *self);

/* (transfer none): the arguments of the command, with the names under which it writes. */
const char *const *command_files_get_argv (CommandFiles *self);
/* (transfer none) (nullable): the path to which its standard output is written. */
const char *command_files_get_output (CommandFiles *self);

/* The command has succeeded: moves its files into place. Fails, and removes them, where it has not written one. */
gboolean command_files_keep (CommandFiles *self, GError **error);
/* The command has not succeeded: removes what it has written. */
void command_files_remove (CommandFiles *self);

/* Removes a file, or a folder and all in it that it may; of the rest it says why not. */
void command_files_remove_path (const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandFiles, command_files_free)

G_END_DECLS
