/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The items of a streamed answer, as the asking end receives them. */

#include "config.h"

#include "conversation/ferry-replies-private.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-wait-queue-private.h"
#include "conversation/ferry-mux-private.h"
#include "wire/ferry-remote-error-private.h"

/* The received items of a streamed answer. The FerryReplies object and the call share a Stream. So the object may be
 * dropped while the call is in flight, which ends the call.
 *
 * Locks: while lock is held, only functions of the wait queue are called. */
typedef struct
{
  _Atomic gint references;
  FerryMux *mux;   /* const: (owned) */
  char *method;    /* const: (owned) */
  gint64 deadline; /* const: monotonic time in microseconds, 0 for none */
  guint window;    /* const: the most items that may wait here */
  guint64 xid; /* 0: the request was not sent. Set before another thread has the stream, except the thread that receives
                  items */

  pthread_mutex_t lock;
  GQueue items;         /* lock: (element-type GVariant): items that the program has not taken yet */
  FerryWaitQueue waits; /* joined with lock held, while items is empty: completions that wait for the next item */
  guint n_taken;        /* lock: items taken since the window last grew */
  gboolean over;        /* lock: the call has ended */
  GError *error;        /* lock: (owned) (nullable) */
} Stream;

struct _FerryReplies
{
  GObject parent_instance;

  Stream *stream; /* const: (owned) */
};

G_DEFINE_FINAL_TYPE (FerryReplies, ferry_replies, G_TYPE_OBJECT)

static void
stream_hold (gpointer data)
{
  ferry_ref_count_inc (&((Stream *) data)->references);
}

static void
stream_unref (gpointer data)
{
  Stream *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  g_queue_clear_full (&self->items, (GDestroyNotify) g_variant_unref);
  ferry_wait_queue_clear (&self->waits);
  g_clear_error (&self->error);
  pthread_mutex_destroy (&self->lock);
  g_object_unref (self->mux);
  g_free (self->method);
  g_free (self);
}

/* ---- receiving ---- */

/* Takes the next item, or the end, of which there is one. */
static void
take_locked (Stream *self, GVariant **value, GError **error)
{
  *value = g_queue_pop_head (&self->items);
  self->n_taken += *value != NULL;
  if (*value == NULL && self->error != NULL)
    *error = ferry_error_copy (self->error);
}

/* Finishes one wait with an item or the end. Returns FALSE if either is missing. */
static gboolean
serve_one (gpointer data)
{
  Stream *self = data;
  g_autoptr (FerryCompletion) wait = NULL;
  GVariant *value = NULL;
  GError *error = NULL;

  pthread_mutex_lock (&self->lock);
  if (self->items.length > 0 || self->over)
    wait = ferry_wait_queue_reserve_next (&self->waits);
  if (wait != NULL)
    take_locked (self, &value, &error);
  pthread_mutex_unlock (&self->lock);
  if (wait == NULL)
    return FALSE;
  ferry_completion_finish_reserved (wait, value, (GDestroyNotify) g_variant_unref, error);
  return TRUE;
}

static void
item_came (gpointer data, const char *name, GVariant *value)
{
  Stream *self = data;

  if (name[0] != '\0' || value == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  if (!self->over)
    g_queue_push_tail (&self->items, g_variant_ref (value));
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_serve (&self->waits, serve_one, self);
}

/* Drops the call's reference. */
static void
stream_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Stream *self = data;

  pthread_mutex_lock (&self->lock);
  self->over = TRUE;
  self->error = error != NULL ? ferry_error_copy (error) : NULL;
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_serve (&self->waits, serve_one, self);
  stream_unref (self);
}

static const FerryAnswerFuncs stream_funcs = {
  .item = item_came, .done = stream_done, .hold = stream_hold, .release = stream_unref};

/* Allows the other end to send as many items as were taken. Saves messages: acts when half a window was taken. */
static void
tell_taken (Stream *self)
{
  guint n = 0;

  pthread_mutex_lock (&self->lock);
  if (!self->over && self->n_taken >= MAX (self->window / 2, 1))
    {
      n = self->n_taken;
      self->n_taken = 0;
    }
  pthread_mutex_unlock (&self->lock);
  if (n > 0)
    ferry_mux_add_window (self->mux, self->xid, n);
}

/* ---- taking ---- */

/* Returns the error for a wait that has reached its deadline. Ends the call too, as the deadline is that of the whole
 * call. */
static GError *
timed_out (gpointer data)
{
  Stream *self = data;
  GError *error = ferry_mux_new_timed_out_error (self->method);

  ferry_mux_abandon (self->mux, self->xid, FERRY_CANCEL_REASON_DEADLINE, error);
  return error;
}

void
ferry_replies_next_async (FerryReplies *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (FerryCompletion) wait = NULL;
  Stream *stream;

  g_return_if_fail (FERRY_IS_REPLIES (self));

  stream = self->stream;
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_replies_next_async);
  g_task_set_check_cancellable (task, FALSE);
  /* Also where there is an item: a callback that was to be called before may be under way to its context. */
  wait = ferry_wait_queue_join_with_func (&stream->waits, timed_out, stream);
  ferry_completion_return (wait, task, ferry_deadline_or_never (stream->deadline));
  ferry_wait_queue_serve (&stream->waits, serve_one, stream);
  tell_taken (stream);
}

GVariant *
ferry_replies_next_finish (FerryReplies *self, GAsyncResult *result, GError **error)
{
  GVariant *value;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  value = g_task_propagate_pointer (G_TASK (result), error);
  tell_taken (self->stream);
  return value;
}

/* ---- the end ---- */

void
ferry_replies_cancel (FerryReplies *self)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (FERRY_IS_REPLIES (self));

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "'%s' was cancelled", self->stream->method);
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
  pthread_mutex_init (&self->stream->lock, NULL);
  g_queue_init (&self->stream->items);
  ferry_wait_queue_init (&self->stream->waits);
}

FerryReplies *
ferry_mux_transact_stream (FerryMux *self, const char *method, GVariant *arguments, guint window, gint64 timeout,
                           GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  const FerryRequest request = {
    .method = method, .arguments = kept, .deadline = ferry_mux_get_deadline (timeout), .window = (guint16) window};
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
  stream_hold (stream);
  stream->xid = ferry_mux_ask (self, &request, &stream_funcs, stream, error);
  if (stream->xid != 0)
    return g_steal_pointer (&replies);
  stream_unref (stream);
  return NULL;
}
