/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names that the library's own protocols have beside those of ferry-object-message-private.h. A program's methods and
 * functions do not begin so. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_CHANNEL_METHOD "ferry.channel"
#define FERRY_MAP_FUNCTION "ferry.map"
/* The item of a call that is what its function has done if it fails. A message that a program sends begins with no
 * control character, and \1 to \3 are the outcomes of a map's items. */
#define FERRY_PARTIAL_RESULT "\4"
/* The item that is what a function asks its user, an “s”: empty when it asks no longer. */
#define FERRY_QUESTION "\5"
/* The item that names the files that a function writes in place, an “s” to be shown: they may be incomplete if its
 * worker is killed. */
#define FERRY_UNFINISHED "\6"
/* The item that says that a function runs programs, of type “()”: it has their grace time. */
#define FERRY_RUNS_PROGRAMS "\7"

/* The item that says that a function's work is there to stay, of type “()”: a cancel that comes now comes too late. */
#define FERRY_COMMITTED "\10"

/* Returns what a message to the user calls a method or function: words if its name is reserved, as the program does not
 * know it then, else the name itself. */
const char *ferry_name_in_words (const char *name);

G_END_DECLS
