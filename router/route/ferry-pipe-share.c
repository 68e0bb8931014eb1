/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "route/ferry-pipe-share-private.h"

#include <stdatomic.h>

enum
{
  TAKEN = 1 << 0,
  CLOSED = 1 << 1,
};

struct _FerryPipeShare
{
  _Atomic gint references;
  _Atomic gint state;         /* flags of the two above */
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
  link = ferry_pipe_share_get_link (self);
  g_clear_pointer (&link, ferry_link_unref);
  g_free (self);
}

gboolean
ferry_pipe_share_take (FerryPipeShare *self)
{
  gint none = 0;

  return atomic_compare_exchange_strong_explicit (&self->state, &none, TAKEN, memory_order_acq_rel,
                                                  memory_order_acquire);
}

gboolean
ferry_pipe_share_close (FerryPipeShare *self)
{
  return (atomic_fetch_or_explicit (&self->state, CLOSED, memory_order_acq_rel) & TAKEN) == 0;
}

gboolean
ferry_pipe_share_is_closed (FerryPipeShare *self)
{
  /* Relaxed: nothing else is read because of it. */
  return (atomic_load_explicit (&self->state, memory_order_relaxed) & CLOSED) != 0;
}

void
ferry_pipe_share_set_link (FerryPipeShare *self, FerryLink *link)
{
  /* Release: pairs with ferry_pipe_share_get_link(). */
  atomic_store_explicit (&self->link, ferry_link_ref (link), memory_order_release);
}

FerryLink *
ferry_pipe_share_get_link (FerryPipeShare *self)
{
  /* Acquire: pairs with ferry_pipe_share_set_link(), for the look for the cell. */
  return atomic_load_explicit (&self->link, memory_order_acquire);
}
