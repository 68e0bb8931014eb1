/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A buffer from its reservation to its send, for the sender that makes it, and for jobs. One thread at a time. */

#pragma once

#include "link/ferry-uplink-private.h"
#include "route/ferry-buffer.h"

G_BEGIN_DECLS

/* The bytes in front of a job's buffer, for the header of the answer that the buffer becomes. */
#define FERRY_BUFFER_HEAD 32

struct _FerryBuffer
{
  _Atomic gint references;
  FerryUplink *uplink;        /* const: (owned) (nullable): NULL for a buffer on the heap */
  FerryBufferMessage message; /* the buffer's size, and its place in the arena */
  guint8 *data;               /* (nullable): NULL after the buffer was sent */

  gboolean is_job; /* const: FERRY_BUFFER_HEAD bytes of the place, or of the heap, lie before data */
};

/* Makes a buffer of a place that was reserved in the uplink's arena. */
FerryBuffer *ferry_buffer_new (FerryUplink *uplink, const FerryBufferMessage *message);
/* Makes a job's buffer of a place that was reserved in the uplink's arena, with the bytes of the head. */
FerryBuffer *ferry_buffer_new_for_job (FerryUplink *uplink, const FerryBufferMessage *message);
/* Makes a job's buffer of size bytes that is shared with no process. */
FerryBuffer *ferry_buffer_new_on_heap (gsize size, GError **error);
G_END_DECLS
