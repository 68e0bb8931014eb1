/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells the other end which references are dropped: in order, and later where the transport has no room.
 *
 * Owner:   counted references.
 * Threads: any. */

#pragma once

#include "call/ferry-transport.h"

G_BEGIN_DECLS

typedef struct _FerryUnrefQueue FerryUnrefQueue;

/* Takes a reference of the transport. */
FerryUnrefQueue *ferry_unref_queue_new (FerryTransport *transport);
void ferry_unref_queue_unref (FerryUnrefQueue *self);
/* Drops count references that have arrived, to the object of that number, of the exporter of that generation. */
void ferry_unref_queue_add (FerryUnrefQueue *self, guint64 generation, guint64 number, guint64 count);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryUnrefQueue, ferry_unref_queue_unref)

G_END_DECLS
