/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private memory that buffers of workers are copied into, used again: fresh memory costs a page fault for each of its
 * pages, which takes longer than the copy.
 *
 * Owner:   the link; whoever has memory of it holds the link.
 * Threads: any. */

#pragma once

#include <glib.h>
#include <pthread.h>

G_BEGIN_DECLS

typedef struct
{
  guint8 *data; /* (nullable) */
  gsize capacity;
} FerryMemory;

typedef struct
{
  pthread_mutex_t lock;
  GArray *spare; /* lock, as what follows: (element-type FerryMemory) */
  gsize total;   /* bytes of spare */
  gboolean closed;
} FerrySpareMemory;

void ferry_spare_memory_init (FerrySpareMemory *self);
void ferry_spare_memory_clear (FerrySpareMemory *self);
void ferry_spare_memory_close (FerrySpareMemory *self);
gboolean ferry_spare_memory_take (FerrySpareMemory *self, gsize size, FerryMemory *memory);
void ferry_spare_memory_give (FerrySpareMemory *self, FerryMemory memory);

G_END_DECLS
