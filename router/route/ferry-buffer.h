/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_BUFFER (ferry_buffer_get_type ())

/**
 * FerryBuffer:
 *
 * Memory that a worker fills and its application reads, without a copy on the way. See
 * [method@Ferry.Sender.create_buffer] and [method@Ferry.Sender.send_buffer].
 *
 * Only one thread at a time may use a buffer. When a buffer is freed without having been sent, its memory is used for
 * later buffers.
 */
typedef struct _FerryBuffer FerryBuffer;

FERRY_AVAILABLE_IN_0_1
GType ferry_buffer_get_type (void) G_GNUC_CONST;
FERRY_AVAILABLE_IN_0_1
void ferry_buffer_unref (FerryBuffer *self);
FERRY_AVAILABLE_IN_0_1
gpointer ferry_buffer_get_data (FerryBuffer *self, gsize *size);
FERRY_AVAILABLE_IN_0_1
void ferry_buffer_shrink (FerryBuffer *self, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryBuffer, ferry_buffer_unref)

G_END_DECLS
