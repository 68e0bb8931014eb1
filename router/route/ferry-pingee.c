/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pingee is two sources on one context that share a flag.
 *
 * pending is set by the first ping and cleared before the callback runs, so any number of pings in between is one
 * wake-up of the context, and a ping that comes while the callback looks around is not lost: it finds the flag clear
 * and wakes the context again.
 *
 * The source looks at the flag whenever the context looks at its sources. A ready time would do as well, but the
 * context is locked while one is set, and woken under that lock: where both threads share a core, the one that was
 * woken runs at once, and into the lock.
 *
 * The pinged source runs at the priority that was asked for. The ageing source runs at default priority, but only
 * when a ping has waited too long: sources of higher priority (a window that paints all the time) would otherwise
 * keep the pinged source from running at all. It costs a look at the clock in each turn of the loop, and only while
 * a ping is pending. */

#include "config.h"

#include "route/ferry-pingee.h"

#include <gio/gio.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-wake-private.h"

typedef struct
{
  GSource source;
  FerryPingee *pingee; /* (owned) */
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
  _Atomic gint64 since;    /* monotonic time from which a pending ping has waited; 0: not known yet */

  pthread_mutex_t lock;
  GMainContext *context; /* lock: (owned) (nullable): the context it is, or was last, connected to */
  GSource *pinged;       /* lock: (owned) (nullable): NULL when not connected */
  GSource *aged;         /* lock: (owned) (nullable) */
  gboolean dispatching;  /* context's thread */
};

G_DEFINE_BOXED_TYPE (FerryPingee, ferry_pingee, ferry_pingee_ref, ferry_pingee_unref)

/* any */
static void
wake (FerryPingee *self)
{
  pthread_mutex_lock (&self->lock);
  if (self->pinged != NULL && !g_main_context_is_owner (self->context))
    g_main_context_wakeup (self->context);
  pthread_mutex_unlock (&self->lock);
}

/* context's thread */
static gboolean
dispatch (FerryPingee *self)
{
  g_autoptr (FerryPingee) kept G_GNUC_UNUSED = ferry_pingee_ref (self);

  /* A nested loop inside the callback runs neither source; the ping stays pending until that has returned. */
  if (self->dispatching)
    return G_SOURCE_CONTINUE;
  self->dispatching = TRUE;
  atomic_store_explicit (&self->since, 0, memory_order_relaxed);
  /* Sequentially consistent: clearing comes before whatever the callback looks at. */
  atomic_store_explicit (&self->pending, 0, memory_order_seq_cst);
  if (self->func (self->user_data))
    ferry_pingee_ping (self);
  self->dispatching = FALSE;
  return G_SOURCE_CONTINUE;
}

static gboolean
pinged_check (GSource *source)
{
  FerryPingee *self = ((PingeeSource *) source)->pingee;

  /* Relaxed: a ping that is missed here wakes the context, which then looks again. */
  return !self->dispatching && atomic_load_explicit (&self->pending, memory_order_relaxed) != 0;
}

static gboolean
pinged_prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  return pinged_check (source);
}

static gboolean
pinged_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return dispatch (((PingeeSource *) source)->pingee);
}

static gboolean
aged_is_due (FerryPingee *self, int *timeout)
{
  gint64 since;
  gint64 left;

  *timeout = -1;
  /* Relaxed: a ping that is missed here wakes the context through the pinged source. */
  if (self->dispatching || atomic_load_explicit (&self->pending, memory_order_relaxed) == 0)
    return FALSE;
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
aged_prepare (GSource *source, int *timeout)
{
  return aged_is_due (((PingeeSource *) source)->pingee, timeout);
}

static gboolean
aged_check (GSource *source)
{
  int timeout;

  return aged_is_due (((PingeeSource *) source)->pingee, &timeout);
}

static void
source_finalize (GSource *source)
{
  ferry_pingee_unref (((PingeeSource *) source)->pingee);
}

static GSourceFuncs pinged_funcs = {
  .prepare = pinged_prepare, .check = pinged_check, .dispatch = pinged_dispatch, .finalize = source_finalize};
static GSourceFuncs aged_funcs = {
  .prepare = aged_prepare, .check = aged_check, .dispatch = pinged_dispatch, .finalize = source_finalize};

static GSource *
make_source (FerryPingee *self, GSourceFuncs *funcs, int priority, const char *name)
{
  GSource *source = g_source_new (funcs, sizeof (PingeeSource));

  ((PingeeSource *) source)->pingee = ferry_pingee_ref (self);
  g_source_set_priority (source, priority);
  g_source_set_static_name (source, name);
  return source;
}

/**
 * ferry_pingee_new:
 * @priority: the priority of the callback, such as [const@Ferry.PRIORITY_DEFAULT]
 * @ageing: after how many microseconds a ping that higher priorities hold back is served at default priority;
 *   0 for never
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data; it runs on the context that the pingee was connected to last, or at once
 *   where it never was
 *
 * Makes a pingee, which does nothing until it is connected. Any thread may call this.
 *
 * It keeps @user_data as long as it lives: until its last reference was dropped, and it was disconnected or its main
 * context is gone. A callback that is running keeps it as well. So @user_data must not hold a reference to an object
 * that disconnects the pingee only when it is freed.
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

  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

typedef struct
{
  GDestroyNotify destroy;
  gpointer user_data;
} Farewell;

static gboolean
say_farewell (gpointer data)
{
  Farewell *farewell = data;

  ferry_take_over (farewell);
  farewell->destroy (farewell->user_data);
  return G_SOURCE_REMOVE;
}

/* The user's data goes on the thread that runs the context, whichever thread drops the last reference. */
static void
release_user_data (FerryPingee *self)
{
  g_autoptr (GSource) source = NULL;
  Farewell *farewell;

  if (self->destroy == NULL)
    return;
  if (self->context == NULL || g_main_context_is_owner (self->context))
    {
      self->destroy (self->user_data);
      return;
    }
  farewell = g_new (Farewell, 1);
  *farewell = (Farewell){self->destroy, self->user_data};
  ferry_hand_over (farewell);
  source = g_idle_source_new ();
  g_source_set_static_name (source, "[ferry] pingee's end");
  g_source_set_callback (source, say_farewell, farewell, g_free);
  g_source_attach (source, self->context);
}

/**
 * ferry_pingee_unref:
 * @self: (transfer full): a pingee
 *
 * Drops a reference. A connected pingee is kept by its context, so the last reference of a user's does not end it.
 * Any thread may call this.
 *
 * Since: 0.1
 */
void
ferry_pingee_unref (FerryPingee *self)
{
  g_return_if_fail (self != NULL);

  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) != 1)
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
 * Connects the pingee to a main context. A ping that came before is served now. Any thread may call this.
 *
 * Fails with %FERRY_ERROR_ALREADY_RUNNING when it is connected already.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_pingee_connect (FerryPingee *self, GMainContext *context, GError **error)
{
  GSource *aged = NULL;
  GSource *pinged;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  pthread_mutex_lock (&self->lock);
  if (self->pinged != NULL)
    {
      pthread_mutex_unlock (&self->lock);
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_ALREADY_RUNNING,
                           "The pingee is connected already; disconnect it first");
      return FALSE;
    }
  g_clear_pointer (&self->context, g_main_context_unref);
  self->context = g_main_context_ref (context != NULL ? context : g_main_context_default ());
  pinged = make_source (self, &pinged_funcs, self->priority, "[ferry] pingee");
  self->pinged = g_source_ref (pinged);
  if (self->ageing > 0)
    {
      aged = make_source (self, &aged_funcs, G_PRIORITY_DEFAULT, "[ferry] pingee, aged");
      self->aged = g_source_ref (aged);
    }
  g_source_attach (pinged, self->context);
  if (aged != NULL)
    g_source_attach (aged, self->context);
  pthread_mutex_unlock (&self->lock);
  g_source_unref (pinged);
  g_clear_pointer (&aged, g_source_unref);
  return TRUE;
}

/**
 * ferry_pingee_disconnect:
 * @self: a pingee
 *
 * Disconnects the pingee: called on the context's own thread, also from within the callback, the callback does not
 * run again; called on another thread, one run that has begun may still be under way, and uses its data. Disconnecting
 * twice does nothing. A ping afterwards is harmless, and is remembered for the next [method@Ferry.Pingee.connect]. Any
 * thread.
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
 * Has the callback run on the context. Pings coalesce: until the callback is about to run, all but the first cost
 * one atomic operation. Any thread may call this.
 *
 * Since: 0.1
 */
void
ferry_pingee_ping (FerryPingee *self)
{
  g_return_if_fail (self != NULL);

  /* Sequentially consistent: what the caller published comes before the flag, and the callback's clearing of the
   * flag before its look at what was published, so one of the two sees the other. */
  if (atomic_exchange_explicit (&self->pending, 1, memory_order_seq_cst) != 0)
    return;
  atomic_store_explicit (&self->since, g_get_monotonic_time (), memory_order_relaxed);
  wake (self);
}
