/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A folder for files that nobody wants once the work is done. Any thread, one at a time. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryScratchFolder FerryScratchFolder;

/* Makes an empty folder, and removes those that processes have left which were killed. Fails with FERRY_ERROR_SYSTEM.
 */
FerryScratchFolder *ferry_scratch_folder_new (GError **error);
/* (transfer none): returns the absolute path. */
const char *ferry_scratch_folder_get_path (const FerryScratchFolder *self);
/* Removes the folder and all in it. */
void ferry_scratch_folder_free (FerryScratchFolder *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryScratchFolder, ferry_scratch_folder_free)

G_END_DECLS
