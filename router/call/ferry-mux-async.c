/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A mux's transactions in GIO's asynchronous manner. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-mux-fields-private.h"
#include "call/ferry-remote-error-private.h"

/* References: the answer's, until it came; the timeout's and the cancellable's, while they may call; and that of who
 * sets it up. */
typedef struct
{
  _Atomic gint references;
  FerryMux *mux;             /* const: (unowned): task has it */
  GTask *task;               /* const: (owned) */
  GCancellable *cancellable; /* const: (owned) (nullable) */
  char *method;              /* const: (owned) (nullable): NULL where nothing but its answer ends it */
  guint64 xid;               /* set before anybody can want to end it */

  gboolean over;    /* mux's lock, as what follows */
  GSource *timeout; /* (owned) (nullable) */
  gulong cancel_id;
} Pending;

static Pending *
pending_ref (Pending *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

static void
pending_unref (gpointer data)
{
  Pending *self = data;

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_object_unref (self->task);
  g_clear_object (&self->cancellable);
  g_free (self->method);
  g_free (self);
}

static void
closure_unref (gpointer data, GClosure *closure)
{
  pending_unref (data);
}

/* Whoever else could end it does not any more, or finds it over. */
static void
disarm (Pending *self)
{
  g_autoptr (GSource) timeout = NULL;
  gulong id;

  if (self->method == NULL)
    return;
  g_mutex_lock (&self->mux->lock);
  self->over = TRUE;
  timeout = g_steal_pointer (&self->timeout);
  id = self->cancel_id;
  self->cancel_id = 0;
  g_mutex_unlock (&self->mux->lock);
  if (timeout != NULL)
    g_source_destroy (timeout);
  /* This may be that handler, or another thread may be in it: it is not waited for, and has a reference. */
  if (id != 0)
    g_signal_handler_disconnect (self->cancellable, id);
}

static void
task_done (gpointer data, GVariant *result, const GError *error)
{
  Pending *self = data;

  disarm (self);
  if (error != NULL)
    g_task_return_error (self->task, ferry_error_copy (error));
  else
    g_task_return_pointer (self->task, result != NULL ? g_variant_ref (result) : NULL,
                           (GDestroyNotify) g_variant_unref);
  pending_unref (self);
}

static const FerryAskFuncs task_funcs = {.done = task_done};

static gboolean
timed_out (gpointer data)
{
  Pending *self = data;
  g_autoptr (GError) error = ferry_mux_new_timed_out_error (self->method);

  ferry_mux_abandon (self->mux, self->xid, FERRY_CANCEL_REASON_DEADLINE, error);
  return G_SOURCE_REMOVE;
}

static void
cancelled (GCancellable *cancellable, gpointer data)
{
  Pending *self = data;
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "“%s” was cancelled", self->method);

  ferry_mux_abandon (self->mux, self->xid, FERRY_CANCEL_REASON_CANCELLED, error);
}

static void
set_timeout (Pending *self, gint64 timeout)
{
  gint64 milliseconds = MIN (timeout / FERRY_MICROSECONDS_PER_MILLISECOND + 1, G_MAXUINT);
  g_autoptr (GSource) source = g_timeout_source_new ((guint) milliseconds);
  gboolean over;

  g_source_set_static_name (source, "[ferry] a transaction's time");
  g_source_set_callback (source, timed_out, pending_ref (self), pending_unref);
  /* Before anybody can end it, and destroy this. */
  g_source_attach (source, g_task_get_context (self->task));
  g_mutex_lock (&self->mux->lock);
  over = self->over;
  if (!over)
    self->timeout = g_source_ref (source);
  g_mutex_unlock (&self->mux->lock);
  if (over)
    g_source_destroy (source);
}

static void
follow_cancellable (Pending *self)
{
  GClosure *closure = g_cclosure_new (G_CALLBACK (cancelled), pending_ref (self), closure_unref);
  gulong id = g_signal_connect_closure (self->cancellable, "cancelled", closure, FALSE);
  gboolean over;

  g_mutex_lock (&self->mux->lock);
  over = self->over;
  if (!over)
    self->cancel_id = id;
  g_mutex_unlock (&self->mux->lock);
  if (over)
    g_signal_handler_disconnect (self->cancellable, id);
  else if (g_cancellable_is_cancelled (self->cancellable))
    cancelled (self->cancellable, self);
}

/**
 * ferry_mux_transact_async:
 * @self: a mux
 * @method: what is asked, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): what goes with it; a floating reference is taken
 * @timeout: how long it may take, in microseconds; negative for any time. The other end is told the deadline
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when it is over, in the thread-default main context of the caller
 * @user_data: data for @callback
 *
 * Asks without waiting. Any thread with a main context that runs. Where the transport has no room at present it fails
 * with %FERRY_ERROR_WOULD_BLOCK, at once: have fewer in flight, and go on when one is answered.
 *
 * Since: 0.1
 */
void
ferry_mux_transact_async (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryAskRequest request = {method, kept, ferry_mux_get_deadline (timeout), 0};
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  Pending *pending;

  g_return_if_fail (FERRY_IS_MUX (self));
  g_return_if_fail (method != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_mux_transact_async);
  g_task_set_check_cancellable (task, FALSE);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  pending = g_new0 (Pending, 1);
  atomic_init (&pending->references, 2);
  pending->mux = self;
  pending->task = g_object_ref (task);
  g_set_object (&pending->cancellable, cancellable);
  if (timeout >= 0 || cancellable != NULL)
    pending->method = g_strdup (method);
  pending->xid = ferry_mux_ask (self, &request, &task_funcs, pending, &error);
  if (pending->xid == 0)
    {
      g_task_return_error (task, error);
      pending_unref (pending);
    }
  else
    {
      if (timeout >= 0)
        set_timeout (pending, timeout);
      if (cancellable != NULL)
        follow_cancellable (pending);
    }
  pending_unref (pending);
}

/**
 * ferry_mux_transact_finish:
 * @self: a mux
 * @result: what the callback was given
 * @value: (out) (transfer full) (nullable) (optional): where the answer's value goes, %NULL for an answer without one
 * @error: return location for an error
 *
 * Ends [method@Ferry.Mux.transact_async]. Fails as [method@Ferry.Mux.transact]. Any thread.
 *
 * Returns: %TRUE when it was answered
 *
 * Since: 0.1
 */
gboolean
ferry_mux_transact_finish (FerryMux *self, GAsyncResult *result, GVariant **value, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) answer = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  answer = g_task_propagate_pointer (G_TASK (result), &failure);
  if (value != NULL)
    *value = failure == NULL ? g_steal_pointer (&answer) : NULL;
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}
