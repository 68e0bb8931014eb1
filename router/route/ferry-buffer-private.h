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
  FerryBufferMessage message; /* its size; and where it lies, except for a one-shot buffer */
  guint8 *data;               /* (nullable): NULL once it was sent */

  int memory;      /* (owned): that of a one-shot buffer, or -1 */
  gsize mapped;    /* bytes at data that are mapped for a one-shot buffer */
  gboolean sealed; /* a one-shot buffer can be read and sent, and not be written to any more */
};

/* A buffer that is reserved in the uplink's arena. */
FerryBuffer *ferry_buffer_new (FerryUplink *uplink, const FerryBufferMessage *message);
/* A buffer in memory of its own. */
FerryBuffer *ferry_buffer_new_one_shot (FerryUplink *uplink, gsize size, GError **error);
/* Seals a one-shot buffer: no mapping of its memory can change it any more. */
gboolean ferry_buffer_seal (FerryBuffer *self, GError **error);
/* Unmaps and closes the memory of a one-shot buffer, which is then the application's alone, or gone. */
void ferry_buffer_drop_one_shot (FerryBuffer *self);

static inline gboolean
ferry_buffer_is_one_shot (const FerryBuffer *self)
{
  return self->memory >= 0;
}

G_END_DECLS
