/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sources that look for work before and after a main context sleeps, and who wakes that context. Such a source is ready
 * while there is work, and wakes its context only where that sleeps.
 *
 * GLib writes to the context's eventfd for each new ready time of a source, and for each wake-up, also on the context's
 * own thread. This source looks for work before each sleep of the context, and after it. So work needs no system call
 * that comes while the context dispatches, and all work that comes during one sleep needs one.
 *
 * Invariant: while will_look is set, look() is called before the context sleeps.
 *
 * Owner:   the class that has it as the first member of its own source. The source's functions have
 *          ferry_work_source_prepare() and ferry_work_source_check().
 * Threads: any adds work; the context's looks. */

#include "config.h"

#include "base/ferry-mailbox-private.h"
#include "base/ferry-spin-private.h"

gboolean
ferry_work_source_prepare (GSource *source, int *timeout)
{
  FerryWorkSource *self = (FerryWorkSource *) source;
  gboolean is_ready;

  *timeout = -1;
  /* Before the look: what is added after it, also by another source's prepare(), wakes the context. */
  atomic_store (&self->will_look, FALSE);
  is_ready = self->look (self, timeout);
  if (is_ready)
    atomic_store (&self->will_look, TRUE);
  return is_ready;
}

gboolean
ferry_work_source_check (GSource *source)
{
  FerryWorkSource *self = (FerryWorkSource *) source;
  int timeout;

  atomic_store (&self->will_look, TRUE);
  return self->look (self, &timeout);
}

void
ferry_work_source_wake (FerryWorkSource *self)
{
  if (!atomic_exchange (&self->will_look, TRUE))
    {
      ferry_spin_note_wake ();
      g_main_context_wakeup (g_source_get_context (&self->source));
    }
}
