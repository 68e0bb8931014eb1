/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A fuzzer is one decoder of bytes that cross a process boundary, behind libFuzzer's entry. driver.c runs it in the
 * ordinary suite on its corpus and on a fixed row of inputs; run-fuzz builds it with clang and lets it search. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* An input as orders and what belongs to them. Beyond its end there are zeros, and no bytes. */
typedef struct
{
  const guint8 *data;
  gsize size;
  gsize at;
} FuzzInput;

static inline guint8
fuzz_input_next_byte (FuzzInput *self)
{
  return self->at < self->size ? self->data[self->at++] : 0;
}

/* Two bytes of a length, and so many. Returns (transfer full). */
static inline GBytes *
fuzz_input_next_bytes (FuzzInput *self)
{
  gsize low = fuzz_input_next_byte (self);
  gsize wanted = low | (gsize) fuzz_input_next_byte (self) << 8;
  gsize length = MIN (wanted, self->size - self->at);
  GBytes *bytes = g_bytes_new (self->data + self->at, length);

  self->at += length;
  return bytes;
}

/* In fuzz-monitor.c: a monitor without a thread, and a link of two pipes whose connection ids are 1 and 2. What comes
 * out of it is read as the router's thread does. */
typedef struct _FuzzMonitor FuzzMonitor;

FuzzMonitor *fuzz_monitor_new (void);
/* One whose link has an arena; buffers that come are kept. */
FuzzMonitor *fuzz_monitor_new_with_buffers (gboolean trusted);
/* Drops one of the buffers that are kept, where there are any. */
void fuzz_monitor_drop (FuzzMonitor *self, guint index);
void fuzz_monitor_free (FuzzMonitor *self);
guint8 *fuzz_monitor_get_ring (FuzzMonitor *self);
gboolean fuzz_monitor_publish (FuzzMonitor *self, guint64 tail);

/* Reads a variant and its children, up to that many of them. */
void fuzz_walk_variant (GVariant *variant, guint *n_left);

#define FUZZ_CAPACITY (128 * 1024)
#define FUZZ_MAX_MESSAGE 3000000

/* Sends a packet over a socket, with copies of a descriptor. */
void fuzz_send_packet (int socket, gconstpointer data, gsize size, int fd, guint n_fds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FuzzMonitor, fuzz_monitor_free)

G_END_DECLS
