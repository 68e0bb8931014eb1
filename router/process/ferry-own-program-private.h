/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the programs that are installed with the library. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* any: (transfer full): returns the path of the program. It may be missing. variable: an environment variable with the
 * path, for a program that is neither installed nor in the library's build folder. */
char *ferry_find_own_program (const char *name, const char *variable);

G_END_DECLS
