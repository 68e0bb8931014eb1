/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The drain: from a lane into blocks, and with them into the local queue.
 *
 * Owner:     the monitor.
 * Threads:   the monitor, which drains the shared queue, where a function says no other.
 * Trust:     a worker may change the bytes of a lane at any time, so they are copied first, and only the copy is
 *            checked and used. A record that fails ends the link: the records before it are delivered, nothing after
 *            it is. */

#pragma once

#include "route/ferry-local-queue-private.h"
#include "route/ferry-pingee.h"

G_BEGIN_DECLS

typedef struct _FerryDrain FerryDrain;

typedef enum
{
  FERRY_DRAIN_EMPTY,     /* the lane is empty */
  FERRY_DRAIN_CAUGHT_UP, /* the lane was emptied, and filled less than a block */
  FERRY_DRAIN_MORE,      /* more may be in the lane */
  FERRY_DRAIN_STALLED,   /* the link has its share of blocks out */
} FerryDrainResult;

/* spare_time: for how many microseconds memory for copies is kept unused. The first three outlive the drain. */
FerryDrain *ferry_drain_new (FerrySharedQueue *shared, FerryLocalQueue *local, FerryPingee *pingee, gint64 spare_time);
void ferry_drain_free (FerryDrain *self);

void ferry_drain_grant (FerryDrain *self, FerryLink *link);
void ferry_drain_revoke (FerryDrain *self, FerryLink *link);
FerryLink *ferry_drain_end_pipe (FerryDrain *self, guint64 connection_id, guint *index);

FerryDrainResult ferry_drain_visit (FerryDrain *self, FerryLink *link);
gboolean ferry_drain_has_looked (const FerryLink *link);

void ferry_drain_push (FerryDrain *self, FerryBlock *block);
void ferry_drain_ping (FerryDrain *self);

gint64 ferry_drain_get_tidy_time (FerryDrain *self);
void ferry_drain_tidy (FerryDrain *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDrain, ferry_drain_free)

G_END_DECLS
