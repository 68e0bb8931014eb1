/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One stream that a command writes, as this process reads it: its lines, and as much of it as is kept. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is kept of the end of a stream, in bytes and in lines. */
#define COMMAND_OUTPUT_TAIL (64 * 1024)
#define COMMAND_OUTPUT_LAST_LINES 10

typedef struct _CommandOutput CommandOutput;

/* Called for a line: valid UTF-8 without terminal sequences and blanks around it, and not empty. */
typedef void (*CommandLineFunc) (const char *line, gpointer data);

/* limit: how many bytes from the start are kept. fd: the reading end (transfer full), which does not block. */
CommandOutput *command_output_new (int fd, guint64 limit);
void command_output_free (CommandOutput *self);

/* The descriptor to wait for, or -1 once the stream has ended. */
int command_output_get_fd (CommandOutput *self);
/* Reads what is there, up to a bound. Returns (transfer none) the bytes, which are valid until the next call for any
 * stream; NULL when nothing is there, or the stream has ended. func (nullable) is called for each line; without it,
 * only the last lines are looked at. */
const guint8 *command_output_read (CommandOutput *self, gsize *size, CommandLineFunc func, gpointer data);
/* Takes what follows the last end of a line for a line, when the stream has ended. */
void command_output_flush (CommandOutput *self, CommandLineFunc func, gpointer data);

/* (transfer full) (nullable): the newest line, unless it was taken. */
char *command_output_take_line (CommandOutput *self);
/* (transfer full): the last lines, each with a line feed; empty: the stream had none. */
char *command_output_dup_last_lines (CommandOutput *self);
/* Whether more was read than the limit. */
gboolean command_output_is_over_limit (CommandOutput *self);
/* (transfer none) (not nullable): what is kept of the start, and of the end. */
GByteArray *command_output_get_start (CommandOutput *self);
/* (transfer full): up to COMMAND_OUTPUT_TAIL bytes. */
GByteArray *command_output_dup_tail (CommandOutput *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandOutput, command_output_free)

G_END_DECLS
