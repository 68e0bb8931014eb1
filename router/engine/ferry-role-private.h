/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The role of the thread that drains the shared queue. What is marked "role" or "monitor" belongs to the thread that
 * has it.
 *
 * The monitor has the role always, except while it lends it. Then the monitor sleeps, and the main loop, or a thread
 * that waits for an answer, takes the role again and again, for some microseconds each time.
 *
 * Owner:   the monitor.
 * Threads: any.
 * Model:   tests/model/role.pml. */

#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

G_BEGIN_DECLS

typedef struct
{
  pthread_mutex_t lock;
  /* any: the role is lent. Set with the lock held; the monitor clears it before it waits for the lock. Relaxed, but for
   * ferry_role_is_lent(): the lock orders what the flag tells of */
  _Atomic gboolean is_lent;
  _Atomic guint n_wants; /* any: how many threads try to acquire the role while another has it */
  _Atomic gint n_needs;  /* any: how many threads need the monitor to drain */
  gint64 keep_until;     /* role: monotonic time until which the monitor keeps the role */
  gboolean is_unused;    /* role: the role was lent, and the main loop has not had it since */
  int doorbell;          /* const: (unowned): wakes the monitor */
} FerryRole;

void ferry_role_init (FerryRole *self, int doorbell);
void ferry_role_clear (FerryRole *self);

/* The monitor: takes the role at the start of its thread, and gives it up at the end. */
void ferry_role_take (FerryRole *self);
void ferry_role_drop (FerryRole *self);

/* The monitor: lends the role, and then takes it back. In between, it sleeps until there is work for it only. */
void ferry_role_lend (FerryRole *self);
void ferry_role_take_back (FerryRole *self);

/* role: the monitor keeps the role for a while from now on. */
void ferry_role_keep (FerryRole *self, gint64 now);

/* any: takes the role, if it is lent and no other thread has it. */
gboolean ferry_role_try_acquire (FerryRole *self);
/* any: takes the role, if it is lent. Another thread has it for some microseconds, but may have lost its
 * processor to this thread, or to others. So this one gives up after a while, as if the role was not lent. It wakes the
 * monitor, which then waits for the role. */
gboolean ferry_role_acquire (FerryRole *self);
/* any: gives up the role that this thread took while it was lent. passes: there is work for the monitor only, which is
 * woken, and takes the role back. */
void ferry_role_release (FerryRole *self, gboolean passes);

/* any: a hint. But if a thread has counted itself among the answer waits, and finds the role not lent, then what the
 * role is lent to later finds it counted: the count, this load, and the store that lends the role are sequentially
 * consistent. */
static inline gboolean
ferry_role_is_lent (FerryRole *self)
{
  return atomic_load_explicit (&self->is_lent, memory_order_seq_cst);
}

/* The thread that has the role and polls: whether it is to stop. The monitor takes the role back, or another thread
 * wants it. Relaxed: hints. */
static inline gboolean
ferry_role_is_wanted (FerryRole *self)
{
  return !ferry_role_is_lent (self) || atomic_load_explicit (&self->n_wants, memory_order_relaxed) > 0;
}

/* any: makes the monitor keep the role until ferry_role_end_need(). The monitor must be woken afterwards. */
void ferry_role_begin_need (FerryRole *self);
void ferry_role_end_need (FerryRole *self);

static inline gboolean
ferry_role_is_needed (FerryRole *self)
{
  /* Relaxed: a thread that needs the monitor wakes it afterwards. */
  return atomic_load_explicit (&self->n_needs, memory_order_relaxed) > 0;
}

G_END_DECLS
