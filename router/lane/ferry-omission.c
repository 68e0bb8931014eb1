/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* When the writer of a lane leaves its barriers to the reader. A writer that finds no reader asleep for many records
 * omits barriers from then on. It issues them again as soon as it finds one that sleeps, or that polls. A reader that
 * polls for each record arms the lane in turn, and would issue as many barriers. docs/engine.md says what this buys.
 *
 * Owner:   the lane's writer.
 * Threads: one at a time, under the lock of the writer's owner. */

#include "config.h"

#include "lane/ferry-wake-private.h"

void
ferry_omission_allow (FerryOmission *self, FerryLaneControl *control)
{
  /* Relaxed: the reader stored the word before this process got the memory, and never stores it again. */
  self->is_allowed =
    atomic_load_explicit (&control->wake.issues_barriers, memory_order_relaxed) == 1 && ferry_barrier_join ();
}

void
ferry_omission_begin (FerryOmission *self, FerryLaneControl *control)
{
  self->is_on = TRUE;
  /* Sequentially consistent: see ferry-wake-private.h. */
  atomic_store_explicit (&control->writer.omits_barriers, 1, memory_order_seq_cst);
}

/* Begins to count records anew. */
static void
end (FerryOmission *self, FerryLaneControl *control)
{
  self->n_unrung = 0;
  if (!self->is_on)
    return;
  self->is_on = FALSE;
  /* Release: a reader that loads 0 also sees what was published without a barrier. A reader that still loads 1 issues a
   * barrier too many. */
  atomic_store_explicit (&control->writer.omits_barriers, 0, memory_order_release);
}

void
ferry_omission_note (FerryOmission *self, FerryLaneControl *control, gboolean finds_reader)
{
  if (G_UNLIKELY (finds_reader))
    end (self, control);
  else if (!self->is_on && ++self->n_unrung >= FERRY_OMIT_BARRIERS_FROM && self->is_allowed)
    ferry_omission_begin (self, control);
}
