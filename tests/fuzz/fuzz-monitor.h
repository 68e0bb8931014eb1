/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A monitor without a thread, and a link of two pipes with the connection ids 1 and 2. What comes out of it is read as
 * the router's thread does. */

#pragma once

#include "fuzz.h"

G_BEGIN_DECLS

#define FUZZ_CAPACITY (128 * 1024)
#define FUZZ_MAX_MESSAGE 3000000

typedef struct _FuzzMonitor FuzzMonitor;

FuzzMonitor *fuzz_monitor_new (void);
/* One with an arena in its link; buffers that come are kept. */
FuzzMonitor *fuzz_monitor_new_with_buffers (gboolean trusted);
/* Drops one of the buffers that are kept, where there are any. */
void fuzz_monitor_drop (FuzzMonitor *self, guint index);
void fuzz_monitor_free (FuzzMonitor *self);
guint8 *fuzz_monitor_get_ring (FuzzMonitor *self);

/* Where the payload of the next record goes. */
guint8 *fuzz_monitor_get_payload (FuzzMonitor *self);
/* Writes a record's header, once its payload is there. Returns how much is written and not published. */
gsize fuzz_monitor_write (FuzzMonitor *self, guint8 kind, guint8 number, guint64 connection_id, gsize length);
/* Publishes what is written, or any tail, and drains the lane. Returns FALSE when the link was given up. */
gboolean fuzz_monitor_publish (FuzzMonitor *self);
gboolean fuzz_monitor_publish_tail (FuzzMonitor *self, guint64 tail);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FuzzMonitor, fuzz_monitor_free)

G_END_DECLS
