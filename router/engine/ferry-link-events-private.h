/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the router's thread is told of a link, beside its messages. */

#pragma once

#include "engine/ferry-drain-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryLocalQueue *local; /* (unowned) */
  FerryDrain *drain;      /* (unowned) */
} FerryLinkEvents;

/* Each is told once. */
void ferry_link_events_tell_launched (FerryLinkEvents *self, FerryLink *link);
void ferry_link_events_tell_attached (FerryLinkEvents *self, FerryLink *link);
void ferry_link_events_tell_ended (FerryLinkEvents *self, FerryLink *link, FerryExit *exit);

/* Reads the next part of the worker's standard streams; also after the worker's end, to the last. Lines that are logged
 * need room. Lines wait for the process id of a worker that a fork server forks, as it is shown. */
FerryDrainResult ferry_link_events_take_output (FerryLinkEvents *self, FerryLink *link);
/* Reads what is left of the streams, and needs no room. */
void ferry_link_events_take_last_output (FerryLinkEvents *self, FerryLink *link);

/* Whether the link's worker has stored a value in a cell that the main loop has not been told of. */
gboolean ferry_link_events_has_cells (FerryLink *link);
/* Tells of the link's cells that were rung for. Omits a cell that the router's thread has yet to read for an earlier
 * report. So a worker that rings again and again uses one block for each cell. */
void ferry_link_events_take_cells (FerryLinkEvents *self, FerryLink *link);

G_END_DECLS
