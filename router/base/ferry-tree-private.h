/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removes files, and folders with all in them. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Removes what has this name in a folder, or AT_FDCWD. Follows no link, and leaves what is mounted there. Folders that
 * their owner may not write to are emptied all the same. Of what cannot be removed, the log says why. */
void ferry_tree_remove (int folder, const char *name);
/* The same of all that is in a folder. */
void ferry_tree_empty (int folder);

G_END_DECLS
