/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names that the library's own protocols have beside those of ferry-object-message-private.h. A program's methods and
 * functions do not begin so. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_CHANNEL_METHOD "ferry.channel"
#define FERRY_MAP_FUNCTION "ferry.map"

/* Returns what a message to the user calls a method or function: words if its name is reserved, as the program does not
 * know it then, else the name itself. */
const char *ferry_name_in_words (const char *name);

G_END_DECLS
