/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pending memory of a link: descriptors of one-shot buffers whose records were not drained yet.
 *
 * The worker sends the descriptor, and then publishes the record with the same number. So the descriptor is there when
 * the record is; a missing one is a fault, and never waited for.
 *
 * Owner:   the link.
 * Threads: that which drains the shared queue.
 * Trust:   no system call is made on a descriptor before ferry_one_shot_map(), after its record. Unused descriptors are
 *          orphans. */

#pragma once

#include "link/ferry-handshake-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 pipes[FERRY_MAX_PIPES_PER_LINK / 8]; /* const: bit n: pipe n of the link has one-shot buffers */
  GArray *descriptors;                        /* (element-type int) (owned elements): in the order of their numbers */
  GArray *orphans; /* (element-type int) (owned elements): the descriptors of an invalid packet */
  guint64 n_received;
  guint64 n_taken;
  char *fault; /* (owned) (nullable): of the first invalid packet, after which no more are taken */
} FerryPendingMemory;

FerryPendingMemory *ferry_pending_memory_new (void);
void ferry_pending_memory_free (FerryPendingMemory *self);

void ferry_pending_memory_allow (FerryPendingMemory *self, guint index);
gboolean ferry_pending_memory_allows (const FerryPendingMemory *self, guint index);
FerryControlEvent ferry_pending_memory_receive (FerryPendingMemory *self, int control, GError **error);
const char *ferry_pending_memory_take (FerryPendingMemory *self, int control, guint64 number, int *fd);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPendingMemory, ferry_pending_memory_free)

G_END_DECLS
