/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Owner:   counted references.
 * Threads: one at a time. */

#pragma once

#include "lane/ferry-uplink-private.h"
#include "route/ferry-buffer.h"

G_BEGIN_DECLS

struct _FerryBuffer
{
  _Atomic gint references;
  FerryUplink *uplink;        /* const: (owned) */
  FerryBufferMessage message; /* where it lies, and its size */
  guint8 *data;               /* (nullable): NULL once it was sent */
};

FerryBuffer *ferry_buffer_new (FerryUplink *uplink, const FerryBufferMessage *message);

G_END_DECLS
