/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a router counts. */

#include "config.h"

#include "route/ferry-router-private.h"

static guint64
read_count (_Atomic gint64 *count)
{
  /* Relaxed: it may be out of date at once. */
  return (guint64) atomic_load_explicit (count, memory_order_relaxed);
}

/* What is there now, and the most that ever was. */
static guint64
get_level (FerryRouter *self, FerryCounter counter)
{
  FerryMonitor *monitor = self->monitor;

  switch (counter)
    {
    case FERRY_COUNTER_QUEUED_BYTES:
      return monitor != NULL ? (guint64) ferry_local_queue_get_bytes (monitor->local) : 0;
    case FERRY_COUNTER_LINKS:
      return monitor != NULL ? atomic_load_explicit (&monitor->n_links, memory_order_relaxed) : 0;
    case FERRY_COUNTER_WAITING_LINKS:
      return monitor != NULL ? atomic_load_explicit (&monitor->n_waiting, memory_order_relaxed) : 0;
    case FERRY_COUNTER_BUFFER_BYTES:
      return read_count (&self->account->held);
    case FERRY_COUNTER_SPARE_BYTES:
      return read_count (&self->account->spare);
    case FERRY_COUNTER_HIGHEST_QUEUED_BYTES:
      return MAX (self->highest_queued, monitor != NULL ? (guint64) ferry_local_queue_get_highest (monitor->local) : 0);
    case FERRY_COUNTER_HIGHEST_WAITING_LINKS:
      return MAX (self->most_waiting,
                  monitor != NULL ? atomic_load_explicit (&monitor->most_waiting, memory_order_relaxed) : 0);
    case FERRY_COUNTER_HIGHEST_BUFFER_BYTES:
      return read_count (&self->account->highest_held);
    case FERRY_COUNTER_HIGHEST_SPARE_BYTES:
      return read_count (&self->account->highest_spare);
    default:
      g_return_val_if_reached (0);
    }
}

/**
 * ferry_router_get_counter:
 * @self: a router
 * @counter: which one
 *
 * What the router counted since it was made. The counters of what is now in the router, and not in the application,
 * are 0 when it does not run. On the router's thread.
 *
 * Returns: the count
 *
 * Since: 0.1
 */
guint64
ferry_router_get_counter (FerryRouter *self, FerryCounter counter)
{
  FerryMonitor *monitor;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  monitor = self->monitor;
  switch (counter)
    {
    case FERRY_COUNTER_MESSAGES:
      return self->messages;
    case FERRY_COUNTER_BYTES:
      return self->bytes;
    case FERRY_COUNTER_DROPPED:
      return self->dropped;
    case FERRY_COUNTER_UNDELIVERED:
      return self->undelivered;
    case FERRY_COUNTER_BLOCKS:
      return self->blocks + (monitor != NULL ? atomic_load_explicit (&monitor->n_blocks, memory_order_relaxed) : 0);
    case FERRY_COUNTER_DISPATCHES:
      return self->dispatches;
    case FERRY_COUNTER_AGED_DISPATCHES:
      return self->aged_dispatches;
    case FERRY_COUNTER_PROTOCOL_ERRORS:
      return self->protocol_errors +
             (monitor != NULL ? atomic_load_explicit (&monitor->n_faults, memory_order_relaxed) : 0);
    case FERRY_COUNTER_OVERTAKEN:
      return self->overtaken;
    default:
      return get_level (self, counter);
    }
}
