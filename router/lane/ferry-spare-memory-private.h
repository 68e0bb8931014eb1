/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory of the application for copies of buffers, kept for the next copies. Threads: any. */

#pragma once

#include "lane/ferry-memory-account-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 *data;   /* (nullable) */
  gsize capacity; /* in bytes; 0 for small memory, which comes from the heap and is never spare */
} FerryMemory;

typedef struct
{
  FerryMemoryAccount *account; /* const once it is set: (owned) (nullable) */
  pthread_mutex_t lock;
  GArray *spare;     /* lock, like all fields below: (element-type SpareMemory): the spare memory, oldest first */
  gsize total;       /* bytes of all spare memory */
  gint64 taken_at;   /* monotonic time in microseconds at which memory was last taken */
  gboolean is_quiet; /* no memory was taken for long, so memory that is given back is freed */
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
