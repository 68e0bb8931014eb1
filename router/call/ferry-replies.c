/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-error.h"
#include "call/ferry-mux-private.h"
#include "call/ferry-remote-error-private.h"

/* What the object and its transaction share: so that the object can go while the transaction is in flight, and ends it.
 *
 * Locks: lock is not held while anybody is called. */
typedef struct
{
  _Atomic gint references;
  FerryMux *mux;   /* const: (owned) */
  char *method;    /* const: (owned) */
  gint64 deadline; /* const: monotonic time in microseconds, 0 for none */
  guint window;    /* const */
  guint64 xid;     /* 0: it was not asked. Set before anybody else has the stream, but for its items */

  GMutex lock;
  GCond cond;
  GQueue items;     /* lock: (element-type GVariant): not taken yet */
  GQueue waiting;   /* lock: (element-type Wait): who waits for the next; there are no items then */
  guint n_taken;    /* lock: items taken since the other end was told of it */
  gboolean over;    /* lock, as the next two: nothing comes any more */
  GVariant *result; /* (owned) (nullable) */
  GError *error;    /* (owned) (nullable) */
} Stream;

/* A task that waits. One reference is the queue's, one each of the sources that may end the wait. */
typedef struct
{
  _Atomic gint references;
  Stream *stream;      /* const: (unowned): the task's source object has it */
  GTask *task;         /* const: (owned) */
  GSource *sources[2]; /* const: (owned) (nullable): its cancellable, its deadline */
} Wait;

static void wait_end (Wait *self, GVariant *value, const GError *error);

/**
 * FerryReplies:
 *
 * The answer to a transaction that comes piece by piece: values, and at the end a result or an error. Made by
 * [method@Ferry.Mux.transact_stream].
 *
 * The other end sends no more values than the window allows, until some are taken here: so nothing piles up.
 *
 * With the last reference, the transaction is cancelled. Any thread may use it.
 *
 * Since: 0.1
 */
struct _FerryReplies
{
  GObject parent_instance;

  Stream *stream; /* const: (owned) */
};

G_DEFINE_FINAL_TYPE (FerryReplies, ferry_replies, G_TYPE_OBJECT)

static void
stream_unref (Stream *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_queue_clear_full (&self->items, (GDestroyNotify) g_variant_unref);
  g_assert (g_queue_is_empty (&self->waiting));
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_object_unref (self->mux);
  g_free (self->method);
  g_free (self);
}

/* ---- what comes ---- */

static void
item_came (gpointer data, GVariant *value)
{
  Stream *self = data;
  Wait *wait;

  g_mutex_lock (&self->lock);
  wait = g_queue_pop_head (&self->waiting);
  if (wait != NULL)
    self->n_taken++;
  else if (!self->over)
    g_queue_push_tail (&self->items, g_variant_ref (value));
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  if (wait != NULL)
    wait_end (wait, value, NULL);
}

static void
stream_done (gpointer data, GVariant *result, const GError *error)
{
  Stream *self = data;
  GQueue waiting;
  Wait *wait;

  g_mutex_lock (&self->lock);
  self->over = TRUE;
  self->result = result != NULL ? g_variant_ref (result) : NULL;
  self->error = error != NULL ? ferry_error_copy (error) : NULL;
  waiting = self->waiting;
  g_queue_init (&self->waiting);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  while ((wait = g_queue_pop_head (&waiting)) != NULL)
    wait_end (wait, NULL, error);
}

static void
stream_destroy (gpointer data)
{
  stream_unref (data);
}

static const FerryAskFuncs stream_funcs = {item_came, stream_done, stream_destroy};

/* Half a window at a time. */
static void
tell_taken (Stream *self)
{
  guint n = 0;

  g_mutex_lock (&self->lock);
  if (!self->over && self->n_taken >= MAX (self->window / 2, 1))
    {
      n = self->n_taken;
      self->n_taken = 0;
    }
  g_mutex_unlock (&self->lock);
  if (n > 0)
    ferry_mux_add_window (self->mux, self->xid, n);
}

/* ---- taking ---- */

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  Stream *self = data;

  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* Waits for an item or the end. Returns FALSE when the time is over before that. deadline: 0 for none. */
static gboolean
wait_locked (Stream *self, gint64 deadline, GCancellable *cancellable)
{
  gboolean in_time = TRUE;

  while (g_queue_is_empty (&self->items) && !self->over && in_time && !g_cancellable_is_cancelled (cancellable))
    if (deadline > 0)
      in_time = g_cond_wait_until (&self->cond, &self->lock, deadline);
    else
      g_cond_wait (&self->cond, &self->lock);
  return in_time || self->over || !g_queue_is_empty (&self->items);
}

static void
time_out (Stream *self)
{
  g_autoptr (GError) error = ferry_mux_new_timed_out_error (self->method);

  ferry_mux_abandon (self->mux, self->xid, FERRY_CANCEL_REASON_DEADLINE, error);
}

/**
 * ferry_replies_next:
 * @self: the replies to a transaction
 * @cancellable: (nullable): a cancellable, for this wait only
 * @value: (out) (transfer full) (nullable): where the next value goes; %NULL at the end
 * @error: return location for an error
 *
 * Takes the next value, and waits for it. Any thread that may wait, as [method@Ferry.Mux.transact].
 *
 * Fails with %FERRY_ERROR_WRONG_THREAD and %G_IO_ERROR_CANCELLED, and goes on when called again; and with what the
 * transaction ended with, after the values that came before: the other end's error, %FERRY_ERROR_TIMED_OUT,
 * %FERRY_ERROR_CLOSED.
 *
 * Returns: %TRUE when there is a value, or a good end
 *
 * Since: 0.1
 */
gboolean
ferry_replies_next (FerryReplies *self, GCancellable *cancellable, GVariant **value, GError **error)
{
  Stream *stream;
  gboolean good;
  gboolean over;
  gulong id;

  g_return_val_if_fail (FERRY_IS_REPLIES (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  stream = self->stream;
  *value = NULL;
  if (!ferry_transport_check_may_wait (ferry_mux_get_transport (stream->mux), "ferry_replies_next_async()", error))
    return FALSE;
  id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), stream, NULL) : 0;
  g_mutex_lock (&stream->lock);
  if (!wait_locked (stream, stream->deadline, cancellable))
    {
      g_mutex_unlock (&stream->lock);
      time_out (stream);
      g_mutex_lock (&stream->lock);
      /* Where its end comes at this moment, on another thread, that counts. */
      wait_locked (stream, 0, NULL);
    }
  /* With the lock since then: others may take from it too. */
  *value = g_queue_pop_head (&stream->items);
  stream->n_taken += *value != NULL;
  over = stream->over;
  if (*value == NULL && over && stream->error != NULL && error != NULL)
    *error = ferry_error_copy (stream->error);
  good = *value != NULL || (over && stream->error == NULL);
  g_mutex_unlock (&stream->lock);
  g_cancellable_disconnect (cancellable, id);
  if (*value == NULL && !over)
    g_cancellable_set_error_if_cancelled (cancellable, error);
  tell_taken (stream);
  return good;
}

/* ---- taking, in GIO's manner ---- */

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
  for (guint i = 0; i < G_N_ELEMENTS (self->sources); i++)
    g_clear_pointer (&self->sources[i], g_source_unref);
  g_object_unref (self->task);
  g_free (self);
}

/* Of a wait that was taken out of the queue. */
static void
wait_end (Wait *self, GVariant *value, const GError *error)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->sources); i++)
    if (self->sources[i] != NULL)
      g_source_destroy (self->sources[i]);
  if (error != NULL)
    g_task_return_error (self->task, ferry_error_copy (error));
  else
    g_task_return_pointer (self->task, value != NULL ? g_variant_ref (value) : NULL, (GDestroyNotify) g_variant_unref);
  wait_unref (self);
}

static gboolean
wait_cancelled (GCancellable *cancellable, gpointer data)
{
  Wait *self = data;
  g_autoptr (GError) error = NULL;
  gboolean found;

  g_mutex_lock (&self->stream->lock);
  found = g_queue_remove (&self->stream->waiting, self);
  g_mutex_unlock (&self->stream->lock);
  if (found && g_cancellable_set_error_if_cancelled (cancellable, &error))
    wait_end (self, NULL, error);
  return G_SOURCE_REMOVE;
}

static gboolean
wait_timed_out (gpointer data)
{
  Wait *self = data;

  time_out (self->stream);
  return G_SOURCE_REMOVE;
}

static Wait *
wait_new (Stream *stream, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  Wait *self = g_new0 (Wait, 1);

  atomic_init (&self->references, 1);
  self->stream = stream;
  self->task = g_object_ref (task);
  if (cancellable != NULL)
    {
      self->sources[0] = g_cancellable_source_new (cancellable);
      g_source_set_callback (self->sources[0], G_SOURCE_FUNC (wait_cancelled), wait_ref (self), wait_unref);
    }
  if (stream->deadline > 0)
    {
      gint64 left = MAX (stream->deadline - g_get_monotonic_time (), 0) / FERRY_MICROSECONDS_PER_MILLISECOND + 1;

      self->sources[1] = g_timeout_source_new ((guint) MIN (left, G_MAXUINT));
      g_source_set_callback (self->sources[1], wait_timed_out, wait_ref (self), wait_unref);
    }
  return self;
}

/* Takes an item, or lines up. Returns FALSE when wait has its end. */
static gboolean
take_or_wait (Stream *self, Wait *wait, GVariant **value, GError **error)
{
  gboolean waits;

  g_mutex_lock (&self->lock);
  *value = g_queue_pop_head (&self->items);
  self->n_taken += *value != NULL;
  waits = *value == NULL && !self->over;
  if (*value == NULL && self->error != NULL)
    *error = ferry_error_copy (self->error);
  if (waits)
    g_queue_push_tail (&self->waiting, wait_ref (wait));
  g_mutex_unlock (&self->lock);
  return waits;
}

/**
 * ferry_replies_next_async:
 * @self: the replies to a transaction
 * @cancellable: (nullable): a cancellable, for this wait only
 * @callback: (scope async): called when there is a value, or the end, in the thread-default main context of the caller
 * @user_data: data for @callback
 *
 * Takes the next value without waiting. Any thread with a main context that runs. When there are several of these at
 * once, they get their values in turn.
 *
 * Since: 0.1
 */
void
ferry_replies_next_async (FerryReplies *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  Wait *wait;

  g_return_if_fail (FERRY_IS_REPLIES (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_replies_next_async);
  g_task_set_check_cancellable (task, FALSE);
  wait = wait_new (self->stream, task);
  /* Before anybody can end it, and destroy them. */
  for (guint i = 0; i < G_N_ELEMENTS (wait->sources); i++)
    if (wait->sources[i] != NULL)
      g_source_attach (wait->sources[i], g_task_get_context (task));
  if (take_or_wait (self->stream, wait, &value, &error))
    wait_unref (wait);
  else
    wait_end (wait, value, error);
  tell_taken (self->stream);
}

/**
 * ferry_replies_next_finish:
 * @self: the replies to a transaction
 * @result: what the callback was given
 * @value: (out) (transfer full) (nullable): where the next value goes; %NULL at the end
 * @error: return location for an error
 *
 * Ends [method@Ferry.Replies.next_async]. Fails as [method@Ferry.Replies.next]. Any thread.
 *
 * Returns: %TRUE when there is a value, or a good end
 *
 * Since: 0.1
 */
gboolean
ferry_replies_next_finish (FerryReplies *self, GAsyncResult *result, GVariant **value, GError **error)
{
  g_autoptr (GError) failure = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *value = g_task_propagate_pointer (G_TASK (result), &failure);
  tell_taken (self->stream);
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* ---- the end ---- */

/**
 * ferry_replies_get_done:
 * @self: the replies to a transaction
 *
 * Any thread.
 *
 * Returns: whether nothing comes any more; values that came may still be there to be taken
 *
 * Since: 0.1
 */
gboolean
ferry_replies_get_done (FerryReplies *self)
{
  gboolean over;

  g_return_val_if_fail (FERRY_IS_REPLIES (self), TRUE);

  g_mutex_lock (&self->stream->lock);
  over = self->stream->over;
  g_mutex_unlock (&self->stream->lock);
  return over;
}

/**
 * ferry_replies_dup_result:
 * @self: the replies to a transaction
 * @error: return location for an error
 *
 * What the transaction ended with, behind all values. Any thread.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK while it has not ended, and as [method@Ferry.Replies.next].
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error where there is none
 *
 * Since: 0.1
 */
GVariant *
ferry_replies_dup_result (FerryReplies *self, GError **error)
{
  GVariant *result = NULL;
  Stream *stream;

  g_return_val_if_fail (FERRY_IS_REPLIES (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  stream = self->stream;
  g_mutex_lock (&stream->lock);
  if (!stream->over)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
                 "“%s” has not ended; take its values until there are no more", stream->method);
  else if (stream->error != NULL)
    g_propagate_error (error, ferry_error_copy (stream->error));
  else if (stream->result != NULL)
    result = g_variant_ref (stream->result);
  g_mutex_unlock (&stream->lock);
  return result;
}

/**
 * ferry_replies_cancel:
 * @self: the replies to a transaction
 *
 * Ends the transaction with %G_IO_ERROR_CANCELLED, and tells the other end. Values that came can still be taken. Does
 * nothing where it has ended. Any thread.
 *
 * Since: 0.1
 */
void
ferry_replies_cancel (FerryReplies *self)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (FERRY_IS_REPLIES (self));

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "“%s” was cancelled", self->stream->method);
  ferry_mux_abandon (self->stream->mux, self->stream->xid, FERRY_CANCEL_REASON_CANCELLED, error);
}

/* ---- the object ---- */

static void
ferry_replies_finalize (GObject *object)
{
  FerryReplies *self = FERRY_REPLIES (object);

  if (self->stream->xid != 0)
    ferry_replies_cancel (self);
  stream_unref (self->stream);

  G_OBJECT_CLASS (ferry_replies_parent_class)->finalize (object);
}

static void
ferry_replies_class_init (FerryRepliesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_replies_finalize;
}

static void
ferry_replies_init (FerryReplies *self)
{
  self->stream = g_new0 (Stream, 1);
  atomic_init (&self->stream->references, 1);
  g_mutex_init (&self->stream->lock);
  g_cond_init (&self->stream->cond);
  g_queue_init (&self->stream->items);
  g_queue_init (&self->stream->waiting);
}

/**
 * ferry_mux_transact_stream:
 * @self: a mux
 * @method: what is asked, 1 to 255 bytes of UTF-8
 * @arguments: (nullable): what goes with it; a floating reference is taken
 * @window: how many values may come before some are taken, 1 to 65535
 * @timeout: how long all of it may take, in microseconds; negative for any time. The other end is told the deadline
 * @error: return location for an error
 *
 * Asks for an answer in pieces, without waiting. Any thread.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK where the transport has no room at present, with %FERRY_ERROR_CLOSED,
 * %FERRY_ERROR_BAD_ARGUMENTS and %FERRY_ERROR_TOO_LARGE.
 *
 * Returns: (transfer full) (nullable): where the values come, or %NULL with an error
 *
 * Since: 0.1
 */
FerryReplies *
ferry_mux_transact_stream (FerryMux *self, const char *method, GVariant *arguments, guint window, gint64 timeout,
                           GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryAskRequest request = {method, kept, ferry_mux_get_deadline (timeout), window};
  g_autoptr (FerryReplies) replies = NULL;
  Stream *stream;

  g_return_val_if_fail (FERRY_IS_MUX (self), NULL);
  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (window > 0 && window <= G_MAXUINT16, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  replies = g_object_new (FERRY_TYPE_REPLIES, NULL);
  stream = replies->stream;
  stream->mux = g_object_ref (self);
  stream->method = g_strdup (method);
  stream->deadline = request.deadline;
  stream->window = window;
  atomic_fetch_add_explicit (&stream->references, 1, memory_order_relaxed);
  stream->xid = ferry_mux_ask (self, &request, &stream_funcs, stream, error);
  if (stream->xid != 0)
    return g_steal_pointer (&replies);
  stream_unref (stream);
  return NULL;
}
