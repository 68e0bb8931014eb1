/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One stream that a command writes, as this process reads it: its lines, and as much of it as is kept. */

#pragma once

#include "command-lines.h"
#include "command-store.h"

G_BEGIN_DECLS

/* How many lines of the end of a stream are kept for errors. */
#define COMMAND_OUTPUT_LAST_LINES 10

typedef struct _CommandOutput CommandOutput;

/* limit, last: as of command_store_new(). is_drawn: what is drawn over is not counted, which takes time. fd: the
 * reading end (transfer full), which does not block. */
CommandOutput *command_output_new (int fd, guint64 limit, gsize last, gboolean is_drawn);
void command_output_free (CommandOutput *self);

/* The descriptor to wait for, or -1 once the stream has ended. */
int command_output_get_fd (CommandOutput *self);
/* Reads what is there, up to a bound. Returns (transfer none) the bytes, which are valid until the next call for any
 * stream; NULL when nothing is there, or the stream has ended, or with an error when they cannot be kept. lines
 * (nullable): is called for each line. */
const guint8 *command_output_read (CommandOutput *self, gsize *size, CommandLinesFunc lines, gpointer data,
                                   GError **error);
/* The stream is read no more: what follows the last end of a line is a line. Fails as command_store_end() does. */
gboolean command_output_end (CommandOutput *self, CommandLinesFunc lines, gpointer data, GError **error);

/* The lines below are to be shown: valid UTF-8 without terminal sequences and blanks around them, and none is empty. */

/* (transfer full) (nullable): the newest line, unless it was taken. */
char *command_output_take_line (CommandOutput *self);
/* (transfer full): the last lines, each with a line feed; empty: the stream had none. */
char *command_output_dup_last_lines (CommandOutput *self);

/* How much was written; without what was drawn over later, if that is asked for. */
guint64 command_output_get_n_written (CommandOutput *self);
/* (transfer none): what is kept. */
CommandStore *command_output_get_store (CommandOutput *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandOutput, command_output_free)

G_END_DECLS
