/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private memory that buffers of workers are copied into, used again: fresh memory costs a page fault for each of its
 * pages, which takes longer than the copy. What was not used for some time goes back to the system.
 *
 * Owner:     the link; code that has memory of it holds the link.
 * Threads:   any.
 * Invariant: while there is spare memory, the code that took some is to call ferry_spare_memory_tidy(). */

#pragma once

#include <glib.h>
#include <pthread.h>

#include "lane/ferry-memory-account-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 *data;   /* (nullable) */
  gsize capacity; /* 0 for what is too small to be kept, and comes from the heap */
} FerryMemory;

typedef struct
{
  FerryMemoryAccount *account; /* const once it is set: (owned) (nullable) */
  pthread_mutex_t lock;
  GArray *spare;     /* lock, as what follows: (element-type SpareMemory): in the order of their coming */
  gsize total;       /* bytes of spare */
  gint64 taken_at;   /* monotonic time when memory was taken last */
  gboolean is_quiet; /* none was taken for long: what comes back goes to the system */
  gboolean closed;
} FerrySpareMemory;

void ferry_spare_memory_init (FerrySpareMemory *self);
void ferry_spare_memory_set_account (FerrySpareMemory *self, FerryMemoryAccount *account);
void ferry_spare_memory_clear (FerrySpareMemory *self);
void ferry_spare_memory_close (FerrySpareMemory *self);
gboolean ferry_spare_memory_fits (FerrySpareMemory *self, gsize size);
gboolean ferry_spare_memory_take (FerrySpareMemory *self, gsize size, FerryMemory *memory);
void ferry_spare_memory_give (FerrySpareMemory *self, FerryMemory memory);
void ferry_spare_memory_drop (FerrySpareMemory *self);
gboolean ferry_spare_memory_tidy (FerrySpareMemory *self, gint64 before);

G_END_DECLS
