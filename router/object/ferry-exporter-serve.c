/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where an exporter's methods are called: on a main context, on threads, or by hand, which is a main context that
 * nobody else iterates. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "object/ferry-exporter-fields-private.h"
#include "object/ferry-exporter-link-private.h"

void
ferry_exporter_place_demux (FerryExporter *self, FerryDemux *demux)
{
  if (self->place == FERRY_EXPORTER_PLACE_THREADS)
    ferry_demux_set_threads (demux, self->n_threads);
  else
    ferry_demux_set_context (demux, self->context);
}

void
ferry_exporter_call_later (FerryExporter *self, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[ferry] a view goes on");
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, self->context);
}

/* Takes context. Returns FALSE where it is too late. */
static gboolean
set_place (FerryExporter *self, FerryExporterPlace place, GMainContext *context, guint n_threads)
{
  GMainContext *before = context;
  gboolean is_fresh;

  pthread_mutex_lock (&self->lock);
  is_fresh = self->links->len == 0;
  if (is_fresh)
    {
      before = self->context;
      self->place = place;
      self->context = context;
      self->n_threads = n_threads;
    }
  pthread_mutex_unlock (&self->lock);
  g_clear_pointer (&before, g_main_context_unref);
  return is_fresh;
}

#define WITHOUT_TRANSPORT "the exporter has a transport already; call this before ferry_exporter_add_transport()"
#define BY_HAND "the exporter does not answer by hand; call ferry_exporter_set_by_hand() first"

/**
 * ferry_exporter_set_context:
 * @self: an exporter without a transport
 * @context: (nullable): a main context, or %NULL for the default one
 *
 * Has methods called, properties read and written on a main context: for objects that belong to one, as widgets do. Any
 * thread.
 *
 * Since: 0.1
 */
void
ferry_exporter_set_context (FerryExporter *self, GMainContext *context)
{
  gboolean is_early;

  g_return_if_fail (FERRY_IS_EXPORTER (self));

  is_early = set_place (self, FERRY_EXPORTER_PLACE_CONTEXT,
                        g_main_context_ref (context != NULL ? context : g_main_context_default ()), 0);
  ferry_return_if_fail (is_early, WITHOUT_TRANSPORT);
}

/**
 * ferry_exporter_set_threads:
 * @self: an exporter without a transport
 * @n_threads: how many each transport has, or 0 for the thread that receives for it
 *
 * Has methods called, properties read and written on threads of the exporter's own: with 1, on one for each transport.
 * Objects are called by one at a time where their policy says so, and are otherwise to be safe for use by several
 * threads. What goes on after a method that answers later does so on a thread of a pool. Any thread.
 *
 * With 0 a call costs one change of threads less. While a method runs nothing is received then, cancels neither, and
 * it cannot wait for what comes over that transport: for objects whose methods are quick.
 *
 * Since: 0.1
 */
void
ferry_exporter_set_threads (FerryExporter *self, guint n_threads)
{
  gboolean is_early;

  g_return_if_fail (FERRY_IS_EXPORTER (self));

  is_early = set_place (self, FERRY_EXPORTER_PLACE_THREADS, NULL, n_threads);
  ferry_return_if_fail (is_early, WITHOUT_TRANSPORT);
}

/**
 * ferry_exporter_set_by_hand:
 * @self: an exporter without a transport
 *
 * Has requests wait until [method@Ferry.Exporter.process_requests] or [method@Ferry.Exporter.poll] is called, and
 * answers them there. Any thread.
 *
 * Since: 0.1
 */
void
ferry_exporter_set_by_hand (FerryExporter *self)
{
  gboolean is_early;

  g_return_if_fail (FERRY_IS_EXPORTER (self));

  is_early = set_place (self, FERRY_EXPORTER_PLACE_HAND, g_main_context_new (), 0);
  ferry_return_if_fail (is_early, WITHOUT_TRANSPORT);
}

static guint64
get_n_requests (FerryExporter *self)
{
  /* Relaxed: a count, of what this thread did. */
  return atomic_load_explicit (&self->n_requests, memory_order_relaxed);
}

static guint
count_pending (FerryExporter *self)
{
  g_autoptr (GPtrArray) links = ferry_exporter_list_links (self);
  guint n = 0;

  for (guint i = 0; i < links->len; i++)
    n += ferry_demux_get_n_pending (ferry_exporter_link_get_demux (links->pdata[i]));
  return n;
}

/**
 * ferry_exporter_process_requests:
 * @self: an exporter whose requests are answered by hand
 *
 * Answers what has been asked, and does not wait for more. It comes back also where others go on asking: what is asked
 * meanwhile may be left for the next time. One thread at a time.
 *
 * Returns: how many requests it took up
 *
 * Since: 0.1
 */
guint
ferry_exporter_process_requests (FerryExporter *self)
{
  guint64 before;
  guint64 wanted;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), 0);
  ferry_return_val_if_fail (self->place == FERRY_EXPORTER_PLACE_HAND, 0, BY_HAND);

  before = get_n_requests (self);
  wanted = before + MAX (count_pending (self), 1);
  while (get_n_requests (self) < wanted && g_main_context_iteration (self->context, FALSE))
    ;
  return (guint) (get_n_requests (self) - before);
}

static gboolean
woken_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer context)
{
  g_main_context_wakeup (context);
}

static GSource *
add_timer (GMainContext *context, gint64 ready_time)
{
  GSource *source = g_timeout_source_new (G_MAXUINT);

  g_source_set_callback (source, woken_cb, NULL, NULL);
  g_source_set_ready_time (source, ready_time);
  g_source_attach (source, context);
  return source;
}

/**
 * ferry_exporter_poll:
 * @self: an exporter whose requests are answered by hand
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Waits until something is asked, and answers what has been asked by then. One thread at a time.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT and %G_IO_ERROR_CANCELLED when nothing was asked, and with %FERRY_ERROR_BUSY
 * within what answers a request.
 *
 * Returns: whether it took up a request
 *
 * Since: 0.1
 */
gboolean
ferry_exporter_poll (FerryExporter *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  gint64 deadline = ferry_deadline_after (timeout);
  GSource *timer = NULL;
  guint64 before;
  gulong id;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), FALSE);
  ferry_return_val_if_fail (self->place == FERRY_EXPORTER_PLACE_HAND, FALSE, BY_HAND);

  if (ferry_is_in_callback_of (self->context))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                           "A request that is being answered holds up the others; poll again when it is answered");
      return FALSE;
    }
  before = get_n_requests (self);
  id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self->context, NULL) : 0;
  if (timeout >= 0)
    timer = add_timer (self->context, deadline);
  while (get_n_requests (self) == before && g_get_monotonic_time () < deadline &&
         !g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (self->context, TRUE);
  g_cancellable_disconnect (cancellable, id);
  if (timer != NULL)
    g_source_destroy (timer);
  g_clear_pointer (&timer, g_source_unref);
  ferry_exporter_process_requests (self);
  if (get_n_requests (self) != before)
    return TRUE;
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "Nothing was asked in time");
  return FALSE;
}
