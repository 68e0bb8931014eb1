/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which of its last lines says why a command has failed. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full): what is said of the cause, for the end of a message, with a colon before it; empty: nothing is.
 * Lines end with line feeds; argv is that of the command. */
char *command_cause_describe (const char *last_lines, const char *const *argv);

G_END_DECLS
