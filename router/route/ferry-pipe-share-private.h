/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a pipe and its sender in the application share. It settles once whether the sender is taken (started here, or
 * passed to a worker) or the pipe is closed before that.
 *
 * Owner:   counted references: the pipe's, and the sender's.
 * Threads: any, where a function says no other. */

#pragma once

#include "link/ferry-link-private.h"

G_BEGIN_DECLS

typedef struct _FerryPipeShare FerryPipeShare;

FerryPipeShare *ferry_pipe_share_new (void);
FerryPipeShare *ferry_pipe_share_ref (FerryPipeShare *self);
void ferry_pipe_share_unref (FerryPipeShare *self);

/* Takes the sender. The pipe's slot is then in use until the link has ended. Returns FALSE for a pipe that is closed
 * or whose sender is taken already. */
gboolean ferry_pipe_share_take (FerryPipeShare *self);
/* Closes the pipe. Returns whether its sender is not taken, and so never will be. A sender that is being started calls
 * ferry_pipe_share_is_closed() after its own command to the monitor. So the router's thread closes before its command:
 * the monitor's lock orders the two. */
gboolean ferry_pipe_share_close (FerryPipeShare *self);
gboolean ferry_pipe_share_is_closed (FerryPipeShare *self);

/* Once: the link of a sender in this process, of a pipe for latest values. */
void ferry_pipe_share_set_link (FerryPipeShare *self, FerryLink *link);
/* router's thread: that link, or NULL as long as there is none. */
FerryLink *ferry_pipe_share_get_link (FerryPipeShare *self);

G_END_DECLS
