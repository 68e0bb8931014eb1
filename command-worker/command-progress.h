/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far a command is, as its job reports it. */

#pragma once

#include <ferry.h>

#include "command-options.h"
#include "progress-reader.h"

G_BEGIN_DECLS

typedef struct _CommandProgress CommandProgress;

/* The job and the options are there as long as this is. Fails where the pattern says nothing that can be read. */
CommandProgress *command_progress_new (FerryJob *job, const CommandOptions *options, GError **error);
void command_progress_free (CommandProgress *self);

/* Takes what was read of a stream at a moment. */
void command_progress_feed (CommandProgress *self, ProgressStream stream, const guint8 *bytes, gsize size, gint64 now);
/* Reports what is new and due. Returns when this wants to be called next, or G_MAXINT64: when something was read. */
gint64 command_progress_tell (CommandProgress *self, gint64 now);
/* Reports the last that was said, and of a command that has succeeded, that all is done. */
void command_progress_end (CommandProgress *self, gboolean succeeded);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandProgress, command_progress_free)

G_END_DECLS
