/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the router's thread is told of a link besides its records. These are the start of the process, the worker's
 * attachment, its output, the cells that have new values, and the link's end. News goes into the local queue, behind
 * the blocks that were drained from the link before.
 *
 * Owner:   the visits of the monitor.
 * Threads: that which has the role. */

#pragma once

#include "engine/ferry-drain-private.h"
#include "engine/ferry-local-queue-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryLocalQueue *local; /* (unowned) */
  FerryDrain *drain;      /* (unowned) */
} FerryNews;

/* Each is told once. */
void ferry_news_tell_launched (FerryNews *self, FerryLink *link);
void ferry_news_tell_attached (FerryNews *self, FerryLink *link);
void ferry_news_tell_ended (FerryNews *self, FerryLink *link, FerryExit *exit);

/* Reads the next part of the worker's standard streams; also after the worker's end, to the last. Lines that are logged
 * need room. Lines wait for the process id of a worker that a fork server forks, as it is shown. */
FerryDrainResult ferry_news_take_output (FerryNews *self, FerryLink *link);
/* Reads what is left of the streams, and needs no room. */
void ferry_news_take_last_output (FerryNews *self, FerryLink *link);

/* Whether the link's worker has stored a value in a cell that the main loop has not been told of. */
gboolean ferry_news_has_cells (FerryLink *link);
/* Tells of the link's cells that were rung for. Omits a cell that the router's thread has yet to read for an earlier
 * report. So a worker that rings again and again uses one block for each cell. */
void ferry_news_take_cells (FerryNews *self, FerryLink *link);

G_END_DECLS
