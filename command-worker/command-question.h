/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a command asks its user, and the answers. */

#pragma once

#include <ferry.h>

#include "command-session.h"

G_BEGIN_DECLS

typedef struct _CommandQuestion CommandQuestion;

/* Returns NULL where nobody would answer. The job is there as long as this is. */
CommandQuestion *command_question_new (FerryJob *job);
void command_question_free (CommandQuestion *self);

/* Writes the answers to a descriptor (transfer full) that does not block: the end of a pipe that the command reads, or
 * of its terminal. terminal: (nullable): the path of that. */
void command_question_set_input (CommandQuestion *self, int fd, const char *terminal);

/* Takes what the command has written to a stream, 0 or 1, at a moment. */
void command_question_feed (CommandQuestion *self, guint stream, const guint8 *bytes, gsize size, gint64 now);
/* Asks, where the command does. Returns when this wants to be called next, or G_MAXINT64. */
gint64 command_question_tell (CommandQuestion *self, gint64 now);

/* What to wait for: an answer, or room for one. */
typedef struct
{
  int fd;
  short events;
} CommandQuestionWait;

CommandQuestionWait command_question_get_wait (CommandQuestion *self);
/* What was waited for has come. */
void command_question_pass_answer (CommandQuestion *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandQuestion, command_question_free)

G_END_DECLS
