/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pending memory of a link: descriptors of one-shot buffers with records that were not drained yet.
 *
 * The worker sends the descriptor of a buffer, and then publishes the buffer's record with the same number. So the
 * descriptor has arrived when the record is read. A missing descriptor is a fault, and is never waited for.
 *
 * Owner:   the link.
 * Threads: the thread that drains the shared queue.
 * Trust:   none in the worker. No system call is made on a descriptor before its record has come and
 *          ferry_one_shot_map() checks it. Descriptors that are not used become orphans. */

#pragma once

#include "wire/ferry-handshake-private.h"

G_BEGIN_DECLS

typedef struct
{
  /* const once the worker is launched: bit n: pipe n of the link has one-shot buffers */
  guint8 pipes[FERRY_MAX_PIPES_PER_LINK / 8];
  /* (element-type int) (owned elements): descriptors that wait for their records, in the order of their numbers */
  GArray *descriptors;
  GArray *orphans; /* (element-type int) (owned elements): the descriptors of an invalid packet */
  guint64 n_taken; /* how many descriptors were taken for their records */
  /* (owned) (nullable): what is wrong with the first invalid packet; after that packet, no more are taken */
  char *fault;
} FerryPendingMemory;

FerryPendingMemory *ferry_pending_memory_new (void);
void ferry_pending_memory_free (FerryPendingMemory *self);

void ferry_pending_memory_allow (FerryPendingMemory *self, guint index);
gboolean ferry_pending_memory_allows (const FerryPendingMemory *self, guint index);
FerryControlEvent ferry_pending_memory_receive (FerryPendingMemory *self, int control, GError **error);
const char *ferry_pending_memory_take (FerryPendingMemory *self, int control, guint64 number, int *fd);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPendingMemory, ferry_pending_memory_free)

G_END_DECLS
