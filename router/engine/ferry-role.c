/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The role of the thread that drains the shared queue. See ferry-monitor-private.h. */

#include "config.h"

#include "engine/ferry-monitor-private.h"

#include <sched.h>

#include "lane/ferry-wake-private.h"

/* So long the monitor keeps the role after a link carried many records, or after it was woken while the role was
 * lent. */
#define KEEP_MICROSECONDS 10000

/* So long a thread waits for the role while another thread has it. */
#define WAIT_MICROSECONDS 200

void
ferry_role_init (FerryRole *self, int doorbell)
{
  *self = (FerryRole){.doorbell = doorbell};
  pthread_mutex_init (&self->lock, NULL);
}

void
ferry_role_clear (FerryRole *self)
{
  pthread_mutex_destroy (&self->lock);
}

void
ferry_role_take (FerryRole *self)
{
  pthread_mutex_lock (&self->lock);
}

void
ferry_role_drop (FerryRole *self)
{
  pthread_mutex_unlock (&self->lock);
}

void
ferry_role_lend (FerryRole *self)
{
  self->is_unused = TRUE;
  /* Sequentially consistent: see ferry_role_is_lent(). */
  atomic_store_explicit (&self->is_lent, TRUE, memory_order_seq_cst);
  pthread_mutex_unlock (&self->lock);
}

void
ferry_role_take_back (FerryRole *self)
{
  /* First, so that no further thread takes the role. */
  atomic_store_explicit (&self->is_lent, FALSE, memory_order_relaxed);
  pthread_mutex_lock (&self->lock);
  /* A ring before the main loop had the role says nothing: a worker that answers at once may always be quicker. */
  if (!self->is_unused)
    ferry_role_keep (self, g_get_monotonic_time ());
}

void
ferry_role_keep (FerryRole *self, gint64 now)
{
  self->keep_until = now + KEEP_MICROSECONDS;
}

gboolean
ferry_role_try_acquire (FerryRole *self)
{
  if (!ferry_role_is_lent (self) || pthread_mutex_trylock (&self->lock) != 0)
    return FALSE;
  if (ferry_role_is_lent (self))
    return TRUE;
  pthread_mutex_unlock (&self->lock);
  return FALSE;
}

/* While another thread has the role. */
static gboolean
wait_for_role (FerryRole *self)
{
  const gint64 until = g_get_monotonic_time () + WAIT_MICROSECONDS;

  while (ferry_role_is_lent (self))
    {
      if (g_get_monotonic_time () >= until)
        {
          ferry_doorbell_ring (self->doorbell);
          return FALSE;
        }
      sched_yield ();
      if (ferry_role_try_acquire (self))
        return TRUE;
    }
  return FALSE;
}

gboolean
ferry_role_acquire (FerryRole *self)
{
  gboolean has_role = ferry_role_try_acquire (self);

  if (has_role || !ferry_role_is_lent (self))
    return has_role;
  /* Relaxed: see ferry_role_is_wanted(). */
  atomic_fetch_add_explicit (&self->n_wants, 1, memory_order_relaxed);
  has_role = wait_for_role (self);
  atomic_fetch_sub_explicit (&self->n_wants, 1, memory_order_relaxed);
  return has_role;
}

void
ferry_role_release (FerryRole *self, gboolean passes)
{
  if (passes)
    {
      atomic_store_explicit (&self->is_lent, FALSE, memory_order_relaxed);
      ferry_doorbell_ring (self->doorbell);
    }
  pthread_mutex_unlock (&self->lock);
}

void
ferry_role_begin_need (FerryRole *self)
{
  atomic_fetch_add_explicit (&self->n_needs, 1, memory_order_relaxed);
}

void
ferry_role_end_need (FerryRole *self)
{
  atomic_fetch_sub_explicit (&self->n_needs, 1, memory_order_relaxed);
}
