/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a pool and its workers stand, for who looks at the whole application. The router's thread. */

#pragma once

#include "pool/ferry-pool-private.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;   /* (unowned) */
  GPtrArray *workers; /* (unowned) (element-type FerryPoolWorker): those that have not ended */
  guint max_workers;
  guint n_busy;
  guint n_starting;  /* how many have not come through their initialiser */
  guint n_refusals;  /* how often in a row the system had too little of something for a worker */
  gint64 next_start; /* monotonic time before which none is started; 0: none waits for that */
} FerryPoolStand;

/* What is unowned is valid until the pool changes. */
void ferry_pool_get_stand (FerryPool *self, FerryPoolStand *stand);
/* Returns (transfer full) the last lines that the worker has printed for what it runs. */
char *ferry_pool_worker_dup_lines (const FerryPoolWorker *self);

G_END_DECLS
