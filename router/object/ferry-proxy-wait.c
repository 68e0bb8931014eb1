/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting until the exporter of a proxy listens, or never will. */

#include "config.h"

#include "object/ferry-proxy-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-mux-private.h"
#include "call/ferry-transport-private.h"

/* What a watch wakes. Counted references: of who waits, and of the watch. */
typedef struct
{
  _Atomic gint references;
  GMutex lock;
  GCond cond;
  guint n_changes; /* lock */
} Bell;

static void
bell_unref (gpointer data)
{
  Bell *self = data;

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
ring (gpointer data)
{
  Bell *self = data;

  g_mutex_lock (&self->lock);
  self->n_changes++;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
}

static void
ring_cancelled (GCancellable *cancellable, gpointer data)
{
  ring (data);
}

static void
exporter_rings (FerryExporter *exporter, GParamSpec *pspec, gpointer data)
{
  ring (data);
}

static Bell *
bell_new (void)
{
  Bell *self = g_new0 (Bell, 1);

  atomic_init (&self->references, 1);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  return self;
}

static Bell *
bell_ref (Bell *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

static void
bell_closure_unref (gpointer data, GClosure *closure)
{
  bell_unref (data);
}

/* Returns whether there is more to wait for: it does not listen, and may. */
static gboolean
may_listen_later (FerryProxy *self, GError **error)
{
  g_autoptr (GError) end = NULL;

  if (ferry_proxy_get_listening (self))
    return FALSE;
  end = self->link != NULL ? ferry_proxy_link_dup_end (self->link) : NULL;
  if (end == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&end));
  return FALSE;
}

gboolean
ferry_proxy_check_may_wait (FerryProxy *self, const char *async_form, GError **error)
{
  GMainContext *context;

  if (self->link != NULL)
    return ferry_transport_check_may_wait (ferry_proxy_get_transport (self), async_form, error);
  context = ferry_exporter_get_context (self->exporter);
  if (!g_main_context_is_owner (NULL) && (context == NULL || !g_main_context_is_owner (context)))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD,
               "To wait on this thread would hold up its main loop; use %s, or another thread", async_form);
  return FALSE;
}

/* Returns FALSE when the time is over. */
static gboolean
wait_for_change (Bell *bell, guint *seen, gint64 deadline)
{
  gboolean in_time = TRUE;

  g_mutex_lock (&bell->lock);
  while (bell->n_changes == *seen && in_time)
    if (deadline > 0)
      in_time = g_cond_wait_until (&bell->cond, &bell->lock, deadline);
    else
      g_cond_wait (&bell->cond, &bell->lock);
  *seen = bell->n_changes;
  g_mutex_unlock (&bell->lock);
  return in_time;
}

static gboolean
wait_with_bell (FerryProxy *self, Bell *bell, gint64 deadline, GCancellable *cancellable, GError **error)
{
  GError *failure = NULL;
  gboolean in_time = TRUE;
  guint seen = 0;

  while (in_time && !g_cancellable_is_cancelled (cancellable) && may_listen_later (self, &failure))
    in_time = wait_for_change (bell, &seen, deadline);
  if (failure != NULL)
    {
      g_propagate_error (error, failure);
      return FALSE;
    }
  if (ferry_proxy_get_listening (self))
    return TRUE;
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "Nobody has begun to listen in time");
  return FALSE;
}

/**
 * ferry_proxy_wait_until_listening:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Waits until the exporter listens. It ends at once when it never will, since the worker has ended.
 *
 * Any thread, but not that of the default main context, nor the one that receives.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED, %FERRY_ERROR_WRONG_THREAD, with %FERRY_ERROR_NOT_LISTENING
 * when the exporter leaves the transport, and with why the transport has ended, such as %FERRY_ERROR_CLOSED and
 * %FERRY_ERROR_WORKER_LOST.
 *
 * Returns: whether it listens
 *
 * Since: 0.1
 */
gboolean
ferry_proxy_wait_until_listening (FerryProxy *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  Bell *bell;
  guint64 watch = 0;
  gulong handler = 0;
  gulong id;
  gboolean listens;

  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);

  /* In this process it is seen at once. */
  if (self->link == NULL && ferry_proxy_get_listening (self))
    return TRUE;
  if (!ferry_proxy_check_may_wait (self, "ferry_proxy_wait_until_listening_async()", error))
    return FALSE;
  bell = bell_new ();
  if (self->link != NULL)
    watch = ferry_proxy_link_add_watch (self->link, FALSE, ring, bell_ref (bell), bell_unref);
  else
    handler = g_signal_connect_data (self->exporter, "notify::listening", G_CALLBACK (exporter_rings), bell_ref (bell),
                                     bell_closure_unref, 0);
  id = cancellable != NULL
         ? g_cancellable_connect (cancellable, G_CALLBACK (ring_cancelled), bell_ref (bell), bell_unref)
         : 0;
  listens = wait_with_bell (self, bell, ferry_mux_get_deadline (timeout), cancellable, error);
  g_cancellable_disconnect (cancellable, id);
  if (self->link != NULL)
    ferry_proxy_link_remove_watch (self->link, watch);
  else
    g_signal_handler_disconnect (self->exporter, handler);
  bell_unref (bell);
  return listens;
}

/* ---- without waiting ---- */

/* Counted references: of who begins, of the watch, of the sources. All but the watch is done on the task's context. */
typedef struct
{
  _Atomic gint references;
  GTask *task;            /* const: (owned) */
  _Atomic gboolean looks; /* it is going to look, on its context */
  gboolean over;
  guint64 watch;
  gulong handler;
  GSource *sources[2]; /* (owned) (nullable): its time, its cancellable */
} Wait;

static Wait *
wait_ref (Wait *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

static void
wait_unref (gpointer data)
{
  Wait *self = data;

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_object_unref (self->task);
  g_free (self);
}

static void
wait_closure_unref (gpointer data, GClosure *closure)
{
  wait_unref (data);
}

/* Takes error. */
static void
wait_end (Wait *self, GError *error)
{
  FerryProxy *proxy = g_task_get_source_object (self->task);

  self->over = TRUE;
  if (self->watch != 0)
    ferry_proxy_link_remove_watch (proxy->link, self->watch);
  if (self->handler != 0)
    g_signal_handler_disconnect (proxy->exporter, self->handler);
  for (guint i = 0; i < G_N_ELEMENTS (self->sources); i++)
    if (self->sources[i] != NULL)
      {
        g_source_destroy (self->sources[i]);
        g_clear_pointer (&self->sources[i], g_source_unref);
      }
  if (error != NULL)
    g_task_return_error (self->task, error);
  else
    g_task_return_boolean (self->task, TRUE);
}

static gboolean
look (gpointer data)
{
  Wait *self = data;
  GError *error = NULL;

  /* Before it is looked at: a change that comes now has it look again. */
  atomic_store (&self->looks, FALSE);
  if (!self->over && !may_listen_later (g_task_get_source_object (self->task), &error))
    wait_end (self, error);
  return G_SOURCE_REMOVE;
}

/* any */
static void
look_soon (gpointer data)
{
  Wait *self = data;
  g_autoptr (GSource) source = NULL;

  if (atomic_exchange (&self->looks, TRUE))
    return;
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[ferry] an exporter's state");
  g_source_set_callback (source, look, wait_ref (self), wait_unref);
  g_source_attach (source, g_task_get_context (self->task));
}

static void
exporter_looks (FerryExporter *exporter, GParamSpec *pspec, gpointer data)
{
  look_soon (data);
}

static gboolean
wait_timed_out (gpointer data)
{
  wait_end (data, g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "Nobody has begun to listen in time"));
  return G_SOURCE_REMOVE;
}

static gboolean
wait_cancelled (GCancellable *cancellable, gpointer data)
{
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    wait_end (data, error);
  return G_SOURCE_REMOVE;
}

/* Takes source. */
static void
add_source (Wait *self, guint index, GSource *source, GSourceFunc func)
{
  self->sources[index] = source;
  g_source_set_callback (source, func, wait_ref (self), wait_unref);
  g_source_attach (source, g_task_get_context (self->task));
}

/**
 * ferry_proxy_wait_until_listening_async:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when the exporter listens, or will not
 * @user_data: data for @callback
 *
 * As [method@Ferry.Proxy.wait_until_listening], without waiting. Any thread.
 *
 * Since: 0.1
 */
void
ferry_proxy_wait_until_listening_async (FerryProxy *self, gint64 timeout, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data)
{
  Wait *wait;

  g_return_if_fail (FERRY_IS_PROXY (self));

  wait = g_new0 (Wait, 1);
  atomic_init (&wait->references, 1);
  wait->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (wait->task, ferry_proxy_wait_until_listening_async);
  g_task_set_check_cancellable (wait->task, FALSE);
  if (timeout >= 0)
    {
      add_source (wait, 0, g_timeout_source_new (G_MAXUINT), wait_timed_out);
      g_source_set_ready_time (wait->sources[0], ferry_mux_get_deadline (timeout));
    }
  if (cancellable != NULL)
    add_source (wait, 1, g_cancellable_source_new (cancellable), G_SOURCE_FUNC (wait_cancelled));
  if (self->link != NULL)
    wait->watch = ferry_proxy_link_add_watch (self->link, FALSE, look_soon, wait_ref (wait), wait_unref);
  else
    wait->handler = g_signal_connect_data (self->exporter, "notify::listening", G_CALLBACK (exporter_looks),
                                           wait_ref (wait), wait_closure_unref, 0);
  look_soon (wait);
  wait_unref (wait);
}

/**
 * ferry_proxy_wait_until_listening_finish:
 * @self: a proxy
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.wait_until_listening_async]; fails as [method@Ferry.Proxy.wait_until_listening] does. Any
 * thread.
 *
 * Returns: whether it listens
 *
 * Since: 0.1
 */
gboolean
ferry_proxy_wait_until_listening_finish (FerryProxy *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
