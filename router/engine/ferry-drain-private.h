/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The drain takes the records of a link, and puts them into the local queue. */

#pragma once

#include "engine/ferry-local-queue-private.h"
#include "engine/ferry-pingee-private.h"

G_BEGIN_DECLS

typedef struct _FerryDrain FerryDrain;

typedef enum
{
  FERRY_DRAIN_EMPTY,     /* the lane is empty */
  FERRY_DRAIN_CAUGHT_UP, /* less than a block was known to be in the lane, and all of it was taken */
  FERRY_DRAIN_MORE,      /* the lane may hold more records */
  FERRY_DRAIN_STALLED,   /* the link waits: for room in the queue, for memory, or for a check */
} FerryDrainResult;

/* Makes a drain, which the first three arguments must outlive. spare_time: microseconds to keep unused memory. */
FerryDrain *ferry_drain_new (FerrySharedQueue *shared, FerryLocalQueue *local, FerryPingee *pingee, gint64 spare_time);
void ferry_drain_free (FerryDrain *self);

void ferry_drain_grant (FerryDrain *self, FerryLink *link);
void ferry_drain_revoke (FerryDrain *self, FerryLink *link);
FerryLink *ferry_drain_end_pipe (FerryDrain *self, guint64 connection_id, guint *index);

FerryDrainResult ferry_drain_visit (FerryDrain *self, FerryLink *link);
gboolean ferry_drain_checks_are_over (const FerryLink *link);

void ferry_drain_push (FerryDrain *self, FerryBlock *block);
void ferry_drain_ping (FerryDrain *self);
void ferry_drain_set_pings (FerryDrain *self, gboolean pings);

guint64 ferry_drain_get_n_handed_over (FerryDrain *self);
gint64 ferry_drain_get_tidy_time (FerryDrain *self);
void ferry_drain_tidy (FerryDrain *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDrain, ferry_drain_free)

G_END_DECLS
