/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much of a processor and of the memory a process uses, as the system tells it: one small file is read. */

#pragma once

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 started; /* when the process was started, in ticks since the system's start; 0: not looked at yet */
  guint64 ticks;   /* processor time by then */
  gint64 at;       /* monotonic time of the latest look */
  double share;    /* of one processor between the latest two looks; negative: not known */
  guint64 memory;  /* resident, in bytes */
} FerryWorkerUsage;

#define FERRY_WORKER_USAGE_INIT                                                                                        \
  {                                                                                                                    \
    .share = -1.0                                                                                                      \
  }

/* Any thread. Returns FALSE, and knows nothing, where the process is gone or cannot be looked at.
 * identifier: (nullable): FerryWorker:identifier. now: monotonic. */
FERRY_FOR_SIBLINGS
gboolean ferry_worker_usage_look (FerryWorkerUsage *self, const char *identifier, gint64 now);

G_END_DECLS
