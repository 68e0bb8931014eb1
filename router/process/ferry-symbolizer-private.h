/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks the program that looks up names of functions. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* any: a FerrySymbolizeFunc. Waits for the answers for a limited time. */
char *ferry_symbolizer_ask (const char *questions);

G_END_DECLS
