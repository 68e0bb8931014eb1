/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one-shot buffers of a link, as the application has them between descriptor and record.
 *
 * The worker sends the descriptor first, and publishes the record after it. So the descriptor is there when the record
 * is: one that is not is a fault, and never waited for. Both carry the same number.
 *
 * Owner:   the link.
 * Threads: whoever drains the shared queue.
 * Trust:   nothing is asked of a descriptor before its record comes; then ferry_one_shot_map() does. Those that nobody
 *          wants are closed by a thread of their own. */

#pragma once

#include "link/ferry-handshake-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 pipes[FERRY_MAX_PIPES_PER_LINK / 8]; /* const: bit n: pipe n of the link has one-shot buffers */
  GArray *descriptors;                        /* (element-type int) (owned elements): in the order of their numbers */
  GArray *orphans; /* (element-type int) (owned elements): what came with a packet that was none */
  guint64 n_received;
  guint64 n_taken;
  char *fault; /* (owned) (nullable): what was wrong in the socket: nothing more is taken from it */
} FerryPendingMemory;

FerryPendingMemory *ferry_pending_memory_new (void);
void ferry_pending_memory_free (FerryPendingMemory *self);

void ferry_pending_memory_allow (FerryPendingMemory *self, guint index);
gboolean ferry_pending_memory_allows (const FerryPendingMemory *self, guint index);
FerryControlEvent ferry_pending_memory_receive (FerryPendingMemory *self, int control, GError **error);
const char *ferry_pending_memory_take (FerryPendingMemory *self, int control, guint64 number, int *fd);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPendingMemory, ferry_pending_memory_free)

G_END_DECLS
