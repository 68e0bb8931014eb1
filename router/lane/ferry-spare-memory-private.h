/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private memory that buffers of workers are copied into. It is used again, since the page faults of fresh memory take
 * longer than the copying. Memory that was not used for some time goes back to the system.
 *
 * Owner:     the link. Code that has memory of it holds the link.
 * Threads:   any.
 * Invariant: while there is spare memory, the code that took some calls ferry_spare_memory_tidy() again and again. */

#pragma once

#include <glib.h>
#include <pthread.h>

#include "lane/ferry-memory-account-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 *data;   /* (nullable) */
  gsize capacity; /* 0 for small memory, which comes from the heap and is not kept */
} FerryMemory;

typedef struct
{
  FerryMemoryAccount *account; /* const once it is set: (owned) (nullable) */
  pthread_mutex_t lock;
  GArray *spare;     /* lock, as the rest: (element-type SpareMemory): the oldest first */
  gsize total;       /* bytes of spare */
  gint64 taken_at;   /* monotonic time of the latest taking */
  gboolean is_quiet; /* none was taken for long: memory that comes back goes to the system */
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
