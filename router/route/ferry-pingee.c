/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pingee is two sources on one context that share a flag.
 *
 * The first ping sets pending, and it is cleared before the callback runs. So any number of pings in between is one
 * wake-up of the context. A ping that comes during the callback is not lost: it finds the flag clear, and wakes the
 * context again.
 *
 * The sources read the flag in each iteration of the context. They have no ready time: GLib sets one, and wakes the
 * context, with the context's lock held. Where both threads share a core, the woken one would run at once into the
 * lock.
 *
 * The pinged source has the priority that was asked for. The ageing source has default priority, and is due only when a
 * ping has waited too long. Without it, sources of higher priority (a window that paints all the time) could keep the
 * pinged source from ever running. It reads the clock in each iteration while a ping is pending. */

#include "config.h"

#include "route/ferry-pingee.h"

#include <gio/gio.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-wake-private.h"

typedef struct
{
  GSource source;
  FerryPingee *pingee; /* (owned) */
  gboolean aged;       /* it is the ageing source */
} PingeeSource;

struct _FerryPingee
{
  _Atomic gint references;
  FerryPingeeFunc func; /* const, as the next four */
  gpointer user_data;
  GDestroyNotify destroy;
  int priority;
  gint64 ageing;

  _Atomic guint32 pending; /* 1 from the first ping until the callback is about to run */
  _Atomic gint64 since;    /* monotonic time of a pending ping; 0: not known yet */

  pthread_mutex_t lock;
  GMainContext *context; /* lock: (owned) (nullable): the present or the latest one */
  GSource *pinged;       /* lock: (owned) (nullable): NULL when not connected */
  GSource *aged;         /* lock: (owned) (nullable) */
  gboolean dispatching;  /* context's thread */
};

G_DEFINE_BOXED_TYPE (FerryPingee, ferry_pingee, ferry_pingee_ref, ferry_pingee_unref)

/* context's thread */
static gboolean
dispatch (FerryPingee *self)
{
  g_autoptr (FerryPingee) kept G_GNUC_UNUSED = ferry_pingee_ref (self);

  /* A loop nested in the callback runs neither source: a ping stays pending until the callback has returned. */
  if (self->dispatching)
    return G_SOURCE_CONTINUE;
  self->dispatching = TRUE;
  atomic_store_explicit (&self->since, 0, memory_order_relaxed);
  /* Sequentially consistent: clearing comes before all that the callback reads. */
  atomic_store_explicit (&self->pending, 0, memory_order_seq_cst);
  if (self->func (self->user_data))
    ferry_pingee_ping (self);
  self->dispatching = FALSE;
  return G_SOURCE_CONTINUE;
}

/* Whether source is to be dispatched now. For the aged source, *timeout becomes the milliseconds until it may be. */
static gboolean
is_due (GSource *source, int *timeout)
{
  FerryPingee *self = ((PingeeSource *) source)->pingee;
  gint64 since;
  gint64 left;

  *timeout = -1;
  /* Relaxed: a ping that is missed here wakes the context, which then checks again. */
  if (self->dispatching || atomic_load_explicit (&self->pending, memory_order_relaxed) == 0)
    return FALSE;
  if (!((PingeeSource *) source)->aged)
    return TRUE;
  since = atomic_load_explicit (&self->since, memory_order_relaxed);
  if (since == 0)
    return FALSE;
  left = since + self->ageing - g_get_monotonic_time ();
  if (left <= 0)
    return TRUE;
  *timeout = (int) (left / FERRY_MICROSECONDS_PER_MILLISECOND) + 1;
  return FALSE;
}

static gboolean
source_check (GSource *source)
{
  int timeout;

  return is_due (source, &timeout);
}

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return dispatch (((PingeeSource *) source)->pingee);
}

static void
source_finalize (GSource *source)
{
  ferry_pingee_unref (((PingeeSource *) source)->pingee);
}

static GSourceFuncs source_funcs = {
  .prepare = is_due, .check = source_check, .dispatch = source_dispatch, .finalize = source_finalize};

/* (transfer full): a source, attached to the context. */
static GSource *
attach_source (FerryPingee *self, gboolean aged, int priority, const char *name)
{
  GSource *source = g_source_new (&source_funcs, sizeof (PingeeSource));

  ((PingeeSource *) source)->pingee = ferry_pingee_ref (self);
  ((PingeeSource *) source)->aged = aged;
  g_source_set_priority (source, priority);
  g_source_set_static_name (source, name);
  g_source_attach (source, self->context);
  return source;
}

/**
 * ferry_pingee_new:
 * @priority: the priority of the callback, such as [const@Ferry.PRIORITY_DEFAULT]
 * @ageing: microseconds after which a ping that higher priorities hold back is served at default priority; 0 for never
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data; it runs on the context that the pingee was connected to last, or at once
 *   where there was none
 *
 * Makes a pingee, which does nothing until it is connected. Any thread may call this.
 *
 * The pingee keeps @user_data as long as it lives. It lives until its last reference is dropped and it is disconnected,
 * or its main context is gone. A callback that is running keeps it as well. So @user_data must not hold a reference to
 * an object that disconnects the pingee only when it is freed.
 *
 * Returns: (transfer full): a new pingee
 *
 * Since: 0.1
 */
FerryPingee *
ferry_pingee_new (int priority, gint64 ageing, FerryPingeeFunc func, gpointer user_data, GDestroyNotify destroy)
{
  FerryPingee *self;

  g_return_val_if_fail (func != NULL, NULL);
  g_return_val_if_fail (ageing >= 0, NULL);

  self = g_new0 (FerryPingee, 1);
  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  self->priority = priority;
  self->ageing = ageing;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  return self;
}

/**
 * ferry_pingee_ref:
 * @self: a pingee
 *
 * Takes a reference. Any thread may call this.
 *
 * Returns: (transfer full): @self
 *
 * Since: 0.1
 */
FerryPingee *
ferry_pingee_ref (FerryPingee *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  ferry_ref_count_inc (&self->references);
  return self;
}

static gboolean
take_over_user_data (gpointer user_data)
{
  ferry_take_over (user_data);
  return G_SOURCE_REMOVE;
}

/* The user's data is freed on the thread that runs the context, whichever thread drops the last reference. */
static void
release_user_data (FerryPingee *self)
{
  g_autoptr (GSource) source = NULL;

  if (self->destroy == NULL)
    return;
  if (self->context == NULL || g_main_context_is_owner (self->context))
    {
      self->destroy (self->user_data);
      return;
    }
  ferry_hand_over (self->user_data);
  source = g_idle_source_new ();
  g_source_set_static_name (source, "[ferry] pingee's end");
  g_source_set_callback (source, take_over_user_data, self->user_data, self->destroy);
  g_source_attach (source, self->context);
}

/**
 * ferry_pingee_unref:
 * @self: (transfer full): a pingee
 *
 * Drops a reference. The context of a connected pingee keeps it, also after all other references. Any thread may call
 * this.
 *
 * Since: 0.1
 */
void
ferry_pingee_unref (FerryPingee *self)
{
  g_return_if_fail (self != NULL);

  if (!ferry_ref_count_dec (&self->references))
    return;
  g_assert (self->pinged == NULL);
  release_user_data (self);
  g_clear_pointer (&self->context, g_main_context_unref);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/**
 * ferry_pingee_connect:
 * @self: a pingee
 * @context: (nullable): the main context that runs the callback; %NULL for the default one
 * @error: return location for an error
 *
 * Connects the pingee to a main context. A ping that came before is served then. Any thread may call this.
 *
 * Fails with %FERRY_ERROR_ALREADY_RUNNING when the pingee is connected already.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_pingee_connect (FerryPingee *self, GMainContext *context, GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  pthread_mutex_lock (&self->lock);
  if (self->pinged != NULL)
    {
      pthread_mutex_unlock (&self->lock);
      return ferry_set_error (error, FERRY_ERROR_ALREADY_RUNNING,
                              "The pingee is connected already; disconnect it first");
    }
  g_clear_pointer (&self->context, g_main_context_unref);
  self->context = g_main_context_ref (context != NULL ? context : g_main_context_default ());
  self->pinged = attach_source (self, FALSE, self->priority, "[ferry] pingee");
  if (self->ageing > 0)
    self->aged = attach_source (self, TRUE, G_PRIORITY_DEFAULT, "[ferry] pingee, aged");
  pthread_mutex_unlock (&self->lock);
  return TRUE;
}

/**
 * ferry_pingee_disconnect:
 * @self: a pingee
 *
 * Disconnects the pingee. Where this is called on the context's own thread, also from within the callback, the callback
 * does not run again. Where it is called on another thread, a run that has begun may still use its data.
 *
 * Disconnecting twice does nothing. A ping afterwards is kept for the next [method@Ferry.Pingee.connect]. Any thread.
 *
 * Since: 0.1
 */
void
ferry_pingee_disconnect (FerryPingee *self)
{
  GSource *sources[2];

  g_return_if_fail (self != NULL);

  pthread_mutex_lock (&self->lock);
  sources[0] = g_steal_pointer (&self->pinged);
  sources[1] = g_steal_pointer (&self->aged);
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      if (sources[i] == NULL)
        continue;
      g_source_destroy (sources[i]);
      g_source_unref (sources[i]);
    }
}

/**
 * ferry_pingee_ping:
 * @self: a pingee
 *
 * Has the callback run on the context. Pings coalesce: until the callback is about to run, each ping after the first
 * costs one atomic operation. Any thread may call this.
 *
 * Since: 0.1
 */
void
ferry_pingee_ping (FerryPingee *self)
{
  g_return_if_fail (self != NULL);

  /* Sequentially consistent: the caller publishes before it sets the flag, and the callback clears the flag before it
   * reads what was published. So one of the two sees the other. */
  if (atomic_exchange_explicit (&self->pending, 1, memory_order_seq_cst) != 0)
    return;
  atomic_store_explicit (&self->since, g_get_monotonic_time (), memory_order_relaxed);
  FERRY_AUTO_LOCK (&self->lock);
  if (self->pinged != NULL && !g_main_context_is_owner (self->context))
    g_main_context_wakeup (self->context);
}
