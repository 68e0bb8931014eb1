/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cuts a stream into its lines, byte by byte as they were written. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The bytes of a part. A line that is longer comes in several. */
#define COMMAND_LINES_MAX (16 * 1024)

typedef struct _CommandLines CommandLines;

/* The bytes up to a line feed, which are without it, and without the carriage return of "\r\n". is_part: the line goes
 * on, and more of it follows. They are for the time of the call, and do not end in a zero. */
typedef void (*CommandLinesFunc) (const guint8 *bytes, gsize size, gboolean is_part, gpointer data);

CommandLines *command_lines_new (void);
void command_lines_free (CommandLines *self);

void command_lines_feed (CommandLines *self, const guint8 *bytes, gsize size, CommandLinesFunc take, gpointer data);
/* The stream has ended: what follows the last line feed is a line, unless it is nothing. */
void command_lines_end (CommandLines *self, CommandLinesFunc take, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandLines, command_lines_free)

G_END_DECLS
