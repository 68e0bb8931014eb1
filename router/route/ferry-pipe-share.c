/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "route/ferry-pipe-share-private.h"

#include <stdatomic.h>

struct _FerryPipeShare
{
  _Atomic gint references;
  _Atomic gint claim;         /* a FerryClaim */
  _Atomic gint closed;        /* the router's thread closed the pipe after it was claimed */
  _Atomic (FerryLink *) link; /* (owned) (nullable): of a pipe for latest values whose sender is in this process */
};

FerryPipeShare *
ferry_pipe_share_new (void)
{
  FerryPipeShare *self = g_new0 (FerryPipeShare, 1);

  atomic_init (&self->references, 1);
  return self;
}

FerryPipeShare *
ferry_pipe_share_ref (FerryPipeShare *self)
{
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_pipe_share_unref (FerryPipeShare *self)
{
  FerryLink *link;

  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) != 1)
    return;
  link = atomic_load_explicit (&self->link, memory_order_relaxed);
  g_clear_pointer (&link, ferry_link_unref);
  g_free (self);
}

/* any: settles who has the sender. Returns FALSE when that was settled before. */
gboolean
ferry_pipe_share_claim (FerryPipeShare *self, FerryClaim claim)
{
  gint open = FERRY_CLAIM_OPEN;

  return atomic_compare_exchange_strong_explicit (&self->claim, &open, claim, memory_order_acq_rel,
                                                  memory_order_acquire);
}

/* any: whether that was settled so. Nothing else is said by it. */
gboolean
ferry_pipe_share_is_claimed_as (FerryPipeShare *self, FerryClaim claim)
{
  return atomic_load_explicit (&self->claim, memory_order_relaxed) == (gint) claim;
}

/* router's thread: the pipe is closed after it was claimed. Before the monitor is told: a sender that is just being
 * started looks here after its own command, and the monitor's lock orders the two. */
void
ferry_pipe_share_set_closed (FerryPipeShare *self)
{
  atomic_store_explicit (&self->closed, 1, memory_order_relaxed);
}

/* any: see ferry_pipe_share_set_closed(). */
gboolean
ferry_pipe_share_is_closed (FerryPipeShare *self)
{
  return atomic_load_explicit (&self->closed, memory_order_relaxed) != 0;
}

/* any, once: the link of a sender in this process, of a pipe for latest values. */
void
ferry_pipe_share_set_link (FerryPipeShare *self, FerryLink *link)
{
  /* Release: pairs with the router's thread, which looks for the cell. */
  atomic_store_explicit (&self->link, ferry_link_ref (link), memory_order_release);
}

/* router's thread: that link, or NULL as long as there is none. */
FerryLink *
ferry_pipe_share_get_link (FerryPipeShare *self)
{
  /* Acquire: pairs with ferry_pipe_share_set_link(). */
  return atomic_load_explicit (&self->link, memory_order_acquire);
}
