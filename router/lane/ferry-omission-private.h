/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* When the writer of a lane omits the barrier after each record, and so leaves it to a reader that is about to sleep:
 * see ferry-barrier-private.h and ferry-wake-private.h.
 *
 * A writer that finds no reader asleep for many records omits barriers from then on. It issues them again as soon as it
 * finds one that sleeps, or that polls. A reader that polls for each record arms the lane in turn, and would issue as
 * many barriers. docs/engine.md says what this buys.
 *
 * Owner:   the lane's writer.
 * Threads: one at a time, under the lock of the writer's owner. */

#pragma once

#include "wire/ferry-lane-layout.h"

G_BEGIN_DECLS

/* After this many records without a wake-up, and without a reader that disarms the lane, the writer omits barriers. A
 * reader that sleeps costs far more than the barriers before as many records. */
#define FERRY_OMIT_BARRIERS_FROM 256

typedef struct
{
  gboolean is_allowed; /* const after ferry_omission_allow() */
  gboolean is_on;      /* the value that was stored in the lane's word omits_barriers last */
  guint n_unrung;      /* while it is off: how many records were published since the latest wake-up */
} FerryOmission;

/* Allows the writer to omit barriers, if the reader issues barriers and this process can join in them. */
void ferry_omission_allow (FerryOmission *self, FerryLaneControl *control);
/* The next records are published without a barrier. */
void ferry_omission_begin (FerryOmission *self, FerryLaneControl *control);
/* A record was published. finds_reader: the reader sleeps, or disarmed the lane since its latest sleep. */
void ferry_omission_note (FerryOmission *self, FerryLaneControl *control, gboolean finds_reader);

/* The reader: whether its writer omits barriers. */
static inline gboolean
ferry_omission_is_announced (FerryLaneControl *control)
{
  /* Sequentially consistent: see ferry-wake-private.h. */
  return atomic_load_explicit (&control->writer.omits_barriers, memory_order_seq_cst) != 0;
}

G_END_DECLS
