/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full): where a file or folder of the demo is: beside the program, as in a build folder, or where it is
 * installed. */
char *ferry_demo_find (const char *name, const char *installed);

/* Has the process speak the user's language. */
void ferry_demo_translate (void);

G_END_DECLS
