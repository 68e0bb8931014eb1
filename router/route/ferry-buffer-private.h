/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Owner:   counted references.
 * Threads: one at a time. */

#pragma once

#include "link/ferry-uplink-private.h"
#include "route/ferry-buffer.h"

G_BEGIN_DECLS

struct _FerryBuffer
{
  _Atomic gint references;
  FerryUplink *uplink;        /* const: (owned) */
  FerryBufferMessage message; /* where it lies, unless it is a one-shot buffer, and its size */
  guint8 *data;               /* (nullable): NULL once it was sent */

  int memory;      /* (owned): that of a one-shot buffer, or -1 */
  gsize mapped;    /* how much of it is at data */
  gboolean sealed; /* it can be read, and sent, and is not written to any more */
};

FerryBuffer *ferry_buffer_new (FerryUplink *uplink, const FerryBufferMessage *message);
FerryBuffer *ferry_buffer_new_one_shot (FerryUplink *uplink, gsize size, GError **error);
gboolean ferry_buffer_seal (FerryBuffer *self, GError **error);
void ferry_buffer_drop_one_shot (FerryBuffer *self);

static inline gboolean
ferry_buffer_is_one_shot (const FerryBuffer *self)
{
  return self->memory >= 0;
}

G_END_DECLS
