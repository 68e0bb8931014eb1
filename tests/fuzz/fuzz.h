/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A fuzzer is one decoder of bytes that cross a process boundary, behind libFuzzer's entry. driver.c runs it in the
 * ordinary suite on its corpus and on a fixed row of inputs; tests/fuzz/run builds it with clang and lets it search. */

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

/* How often a decoder took what it was given: each fuzzer counts, and driver.c asks that its corpus has such inputs. */
extern guint fuzz_n_accepted;

/* Reads a variant and its children, up to that many of them. Returns how many levels they have, as GLib reads them. */
guint fuzz_walk_variant (GVariant *variant, guint *n_left);
/* Reads and prints a variant that was accepted, as any handler may do. It is no deeper than it may be. */
void fuzz_read_variant (GVariant *variant);

G_END_DECLS
