/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines that workers print, on the application's own output. For the engine, and for tests. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Shows a line on stream 1 or 2, behind the worker's name and process id. Control characters are escaped: a worker that
 * is not trusted must not send commands to a terminal. An empty line is not shown. */
void ferry_console_show (guint stream, const char *name, GPid pid, const char *line);

G_END_DECLS
