/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files and folders that something is said to write: looked at before it begins, and moved into place or removed
 * when it has ended. What writes them is no matter of this. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CommandFiles CommandFiles;

/* Looks at the files as they are. names: (nullable): the relative ones are from directory (nullable). replaces: they
 * are written in a folder of their own, and moved into place by command_files_commit(). Fails with G_IO_ERROR, and with
 * FERRY_ERROR_BAD_ARGUMENTS for a file that cannot be replaced, or is named twice. */
CommandFiles *command_files_prepare (const char *const *names, const char *directory, gboolean replaces,
                                     GError **error);
/* Where command_files_commit() was not called, nothing was written: command_files_discard() must come before. */
void command_files_free (CommandFiles *self);

/* Has a program write the files where they are to be written. argv: (inout): its arguments; output: (inout) (nullable):
 * the path of its standard output, which is absolute then. input: (nullable): that of its standard input. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS for a file that is to be replaced and is no argument, or more than one; and for one that is
 * read and written. */
gboolean command_files_redirect (CommandFiles *self, char **argv, char **output, const char *input, GError **error);

/* (transfer full): the names of the files that are written in place, as they were given. */
char **command_files_list_direct (CommandFiles *self);

/* Whether all files are written that are to be replaced, and can be moved. Fails with G_IO_ERROR. */
gboolean command_files_check (CommandFiles *self, GError **error);
/* All that writes these has succeeded: moves them into place. All are checked before the first is moved,
 * and where one cannot be moved, the others go back, if the file system can do that. Fails with G_IO_ERROR, and
 * discards all of them, where one is not there or cannot be moved. */
gboolean command_files_commit (CommandFiles *const *all, guint n, GError **error);
/* It has not succeeded: removes what was written and was not there before. error: (nullable): of what has failed; it,
 * or else the log, says which files were there before and may be damaged. */
void command_files_discard (CommandFiles *self, GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandFiles, command_files_free)

G_END_DECLS
