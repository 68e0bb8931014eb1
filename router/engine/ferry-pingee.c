/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wakes the main context for messages, below painting; and sooner once they have waited too long (ageing).
 *
 * A pingee is a callback on a main context that any thread can trigger by a ping. Many pings before a call cause one
 * call. A pingee consists of two sources on one main context. Both sources read one flag, pending.
 *
 * The first ping sets pending, and the pingee clears pending before the callback runs. So any number of pings between
 * two runs of the callback wake the context once. A ping during the callback finds the flag clear, sets it, and wakes
 * the context again.
 *
 * The sources read the flag in each iteration of the context. They use no ready time: GLib holds the context's lock
 * while it sets a ready time and wakes the context. On a shared processor core the woken thread would wait for that
 * lock at once.
 *
 * The pinged source has the priority of the pingee. Sources of higher priority, such as a window that paints all the
 * time, could keep it from ever running. So the ageing source, of default priority, is due when a ping has waited too
 * long. It reads the clock in each iteration while a ping is pending.
 *
 * Owner:   counted references. While it is connected, its sources have references to it, and it has one to the context.
 * Threads: any; the callback runs on the thread that runs the context. */

#include "config.h"

#include "engine/ferry-pingee-private.h"

#include "base/ferry-base-private.h"

typedef struct
{
  GSource source;
  FerryPingee *pingee; /* (owned) */
  gboolean aged;       /* TRUE for the ageing source, FALSE for the pinged source */
} PingeeSource;

struct _FerryPingee
{
  _Atomic gint references;
  FerryPingeeFunc func; /* const, as the next three */
  gpointer user_data;
  int priority;
  gint64 ageing;

  _Atomic guint32 pending; /* 1 from the first ping until just before the callback runs */
  _Atomic gint64 since;    /* monotonic time of the first pending ping; 0: not known yet */

  pthread_mutex_t lock;
  GMainContext *context;      /* lock: (owned) (nullable): the context of the present or the latest connection */
  GSource *pinged;            /* lock: (owned) (nullable): NULL when not connected */
  GSource *aged;              /* lock: (owned) (nullable): the ageing source */
  FerryPingeeFunc wants_call; /* const, once it is connected: (nullable): see ferry_pingee_set_can_recurse() */
  gboolean dispatching;       /* context's thread: the callback is running, and must not be called again */
};

/* Whether to dispatch source now. Sets *timeout to the milliseconds until the ageing source may be due, or to -1. */
static gboolean
is_due (GSource *source, int *timeout)
{
  FerryPingee *self = ((PingeeSource *) source)->pingee;
  gint64 since;
  gint64 left;

  *timeout = -1;
  if (self->wants_call != NULL && self->wants_call (self->user_data))
    ferry_pingee_ping (self);
  /* Relaxed: a ping that is missed here wakes the context, and the context then checks its sources again. */
  if (self->dispatching || atomic_load_explicit (&self->pending, memory_order_relaxed) == 0)
    return FALSE;
  if (!((PingeeSource *) source)->aged)
    return TRUE;
  since = atomic_load_explicit (&self->since, memory_order_relaxed);
  if (since == 0)
    return FALSE;
  left = ferry_time_add (since, self->ageing) - g_get_monotonic_time ();
  if (left <= 0)
    return TRUE;
  *timeout = (int) MIN (left / FERRY_MICROSECONDS_PER_MILLISECOND + 1, G_MAXINT);
  return FALSE;
}

static gboolean
source_check (GSource *source)
{
  int timeout;

  return is_due (source, &timeout);
}

/* Runs the callback, unless it is running already. GLib keeps the source, and so the pingee, until this returns. */
static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  FerryPingee *self = ((PingeeSource *) source)->pingee;

  /* Unless the pingee can recurse, a main loop within the callback dispatches neither source: a ping stays pending
   * until the callback returns. Where both sources were due in one iteration, the first dispatch has served the ping.
   * Relaxed: only this thread clears the flag. */
  if (self->dispatching || atomic_load_explicit (&self->pending, memory_order_relaxed) == 0)
    return G_SOURCE_CONTINUE;
  self->dispatching = self->wants_call == NULL;
  atomic_store_explicit (&self->since, 0, memory_order_relaxed);
  /* Sequentially consistent: the flag is cleared before the callback reads anything; pairs with ferry_pingee_ping(). */
  atomic_store_explicit (&self->pending, 0, memory_order_seq_cst);
  if (self->func (self->user_data))
    ferry_pingee_ping (self);
  self->dispatching = FALSE;
  return G_SOURCE_CONTINUE;
}

static void
source_finalize (GSource *source)
{
  ferry_pingee_unref (((PingeeSource *) source)->pingee);
}

static GSourceFuncs source_funcs = {
  .prepare = is_due, .check = source_check, .dispatch = source_dispatch, .finalize = source_finalize};

/* (transfer full): makes a source and attaches it to the context. */
static GSource *
attach_source (FerryPingee *self, gboolean aged, int priority, const char *name)
{
  GSource *source = g_source_new (&source_funcs, sizeof (PingeeSource));

  ((PingeeSource *) source)->pingee = ferry_pingee_ref (self);
  ((PingeeSource *) source)->aged = aged;
  g_source_set_priority (source, priority);
  g_source_set_can_recurse (source, self->wants_call != NULL);
  g_source_set_static_name (source, name);
  g_source_attach (source, self->context);
  return source;
}

FerryPingee *
ferry_pingee_new (int priority, gint64 ageing, FerryPingeeFunc func, gpointer user_data)
{
  FerryPingee *self = g_new0 (FerryPingee, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  self->priority = priority;
  self->ageing = ageing;
  self->func = func;
  self->user_data = user_data;
  return self;
}

void
ferry_pingee_set_can_recurse (FerryPingee *self, FerryPingeeFunc wants_call)
{
  self->wants_call = wants_call;
}

FerryPingee *
ferry_pingee_ref (FerryPingee *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_pingee_unref (FerryPingee *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  g_assert (self->pinged == NULL);
  g_clear_pointer (&self->context, g_main_context_unref);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

void
ferry_pingee_connect (FerryPingee *self, GMainContext *context)
{
  FERRY_AUTO_LOCK (&self->lock);

  g_assert (self->pinged == NULL);
  g_clear_pointer (&self->context, g_main_context_unref);
  self->context = g_main_context_ref (context);
  self->pinged = attach_source (self, FALSE, self->priority, "[ferry] pingee");
  if (self->ageing >= 0)
    self->aged = attach_source (self, TRUE, G_PRIORITY_DEFAULT, "[ferry] pingee, aged");
}

void
ferry_pingee_disconnect (FerryPingee *self)
{
  GSource *pinged;
  GSource *aged;

  pthread_mutex_lock (&self->lock);
  pinged = g_steal_pointer (&self->pinged);
  aged = g_steal_pointer (&self->aged);
  pthread_mutex_unlock (&self->lock);
  ferry_clear_source (&pinged);
  ferry_clear_source (&aged);
}

void
ferry_pingee_ping (FerryPingee *self)
{
  /* Sequentially consistent: the caller publishes data before it sets the flag, and dispatch() clears the flag
   * before the callback reads the data. So either this thread finds the flag clear, or the callback finds the data. */
  if (atomic_exchange_explicit (&self->pending, 1, memory_order_seq_cst) != 0)
    return;
  atomic_store_explicit (&self->since, g_get_monotonic_time (), memory_order_relaxed);
  FERRY_AUTO_LOCK (&self->lock);
  if (self->pinged != NULL && !g_main_context_is_owner (self->context))
    g_main_context_wakeup (self->context);
}
