/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stops a command while its job is paused. */

#pragma once

#include <ferry.h>

#include "command-session.h"

G_BEGIN_DECLS

typedef struct _CommandPause CommandPause;

/* The job and the session are there as long as this is. */
CommandPause *command_pause_new (FerryJob *job, CommandSession *session);
/* The thread that follows the command: lets what has stopped itself after a pause go on. Returns when to look again. */
gint64 command_pause_look (CommandPause *self, gint64 now);
/* From now on the command is not stopped any more. */
void command_pause_free (CommandPause *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandPause, command_pause_free)

G_END_DECLS
