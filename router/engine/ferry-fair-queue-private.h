/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* From which link the next block is dispatched. */

#pragma once

#include "engine/ferry-local-queue-private.h"
#include "link/ferry-link-private.h"

G_BEGIN_DECLS

typedef struct
{
  GQueue fresh;  /* (element-type FerryLink) (owned): links that were in no list before */
  GQueue others; /* (element-type FerryLink) (owned): links that had a turn; their rows may be empty */
  GQueue held;   /* (element-type FerryLink) (owned): links that get no turn; their rows may be empty */
} FerryFairQueue;

void ferry_fair_queue_add (FerryFairQueue *self, FerryBlock *block);
FerryBlock *ferry_fair_queue_take (FerryFairQueue *self);
void ferry_fair_queue_put_back (FerryFairQueue *self, FerryBlock *block);
gboolean ferry_fair_queue_has_until (const FerryFairQueue *self, guint64 serial);
gboolean ferry_fair_queue_charge (FerryLink *link, gint64 passed);
void ferry_fair_queue_remove (FerryLink *link, FerryBlock *before, FerryBlock *block);
void ferry_fair_queue_hold (FerryFairQueue *self, FerryLink *link);
gboolean ferry_fair_queue_is_held (const FerryFairQueue *self, const FerryLink *link);
void ferry_fair_queue_release (FerryFairQueue *self, FerryLink *link);
void ferry_fair_queue_release_all (FerryFairQueue *self);

G_END_DECLS
