/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A buffer from its reservation to its send: in the arena, one-shot with memory of its own, or a job's, which becomes
 * the answer. For the sender that makes it, and for jobs.
 *
 * Owner:   references are counted.
 * Threads: one thread at a time. */

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
  FerryBufferMessage message; /* the buffer's size, and its place in the arena, unless it is one-shot */
  guint8 *data;               /* (nullable): NULL after the buffer was sent */

  int memory;      /* (owned): the descriptor of a one-shot buffer's memory, or -1 */
  gsize mapped;    /* how many bytes a one-shot buffer has mapped at data */
  gboolean sealed; /* the memory of a one-shot buffer cannot be changed any more */

  gboolean is_job; /* const: FERRY_BUFFER_HEAD bytes of the place, or of the heap, lie before data */
};

/* Makes a buffer of a place that was reserved in the uplink's arena. */
FerryBuffer *ferry_buffer_new (FerryUplink *uplink, const FerryBufferMessage *message);
/* Makes a one-shot buffer of size bytes, with its own memory. */
FerryBuffer *ferry_buffer_new_one_shot (FerryUplink *uplink, gsize size, GError **error);
/* Makes a job's buffer of a place that was reserved in the uplink's arena, with the bytes of the head. */
FerryBuffer *ferry_buffer_new_for_job (FerryUplink *uplink, const FerryBufferMessage *message);
/* Makes a job's buffer of size bytes that is shared with no process. */
FerryBuffer *ferry_buffer_new_on_heap (gsize size, GError **error);
/* Seals a one-shot buffer: no process can change its memory any more. */
gboolean ferry_buffer_seal (FerryBuffer *self, GError **error);
/* Unmaps and closes the memory of a one-shot buffer. If the buffer was sent, only the application has the memory
 * then; if not, the memory is freed. */
void ferry_buffer_drop_one_shot (FerryBuffer *self);

static inline gboolean
ferry_buffer_is_one_shot (const FerryBuffer *self)
{
  return self->memory >= 0;
}

G_END_DECLS
