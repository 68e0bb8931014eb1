/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/ferry-known-types-private.h"
#include "call/ferry-mux-fields-private.h"

#include "base/ferry-error.h"

struct _FerryAsk
{
  _Atomic gint references;
  FerryMux *mux;       /* const: (owned) */
  FerryAskFuncs funcs; /* const, as the next one */
  gpointer data;
  guint64 xid;   /* mux's lock: 0 while it is being asked */
  gboolean over; /* mux's lock: somebody ends it */
  GList node;    /* mux's lock: in its queue; data is NULL while it is not there */
};

static FerryAsk *
ask_ref (FerryAsk *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_ask_unref (FerryAsk *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  if (self->funcs.destroy != NULL)
    self->funcs.destroy (self->data);
  g_object_unref (self->mux);
  g_free (self);
}

/* Takes the right to end it. */
static gboolean
take_end (FerryAsk *self)
{
  gboolean taken;

  g_mutex_lock (&self->mux->lock);
  taken = !self->over;
  self->over = TRUE;
  if (taken && g_steal_pointer (&self->node.data) != NULL)
    g_queue_unlink (&self->mux->asks, &self->node);
  g_mutex_unlock (&self->mux->lock);
  return taken;
}

static void
tell_end (FerryAsk *self, GVariant *result, const GError *error)
{
  if (self->funcs.done != NULL)
    self->funcs.done (self->data, result, error);
  else
    self->funcs.func (result, error, self->data);
}

static void
answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryAsk) self = data;

  if (result != NULL)
    ferry_known_types_add (result);
  if (take_end (self))
    tell_end (self, result, error);
}

static void
item_came (gpointer data, const char *name, GVariant *value)
{
  FerryAsk *self = data;
  gboolean over;

  if (name[0] != '\0')
    return;
  g_mutex_lock (&self->mux->lock);
  over = self->over;
  g_mutex_unlock (&self->mux->lock);
  if (!over && value != NULL)
    self->funcs.item (self->data, value);
}

static void
hold (gpointer data)
{
  ask_ref (data);
}

static void
release (gpointer data)
{
  ferry_ask_unref (data);
}

static const FerryAnswerFuncs plain_funcs = {.done = answered};
static const FerryAnswerFuncs stream_funcs = {.item = item_came, .done = answered, .hold = hold, .release = release};

/* Has a stop of the mux find it. Returns FALSE when that came already. */
static gboolean
join (FerryAsk *self, guint64 xid)
{
  FerryMux *mux = self->mux;
  gboolean stopped;

  g_mutex_lock (&mux->lock);
  self->xid = xid;
  stopped = mux->stopped != NULL;
  if (!self->over && !stopped)
    {
      self->node.data = self;
      g_queue_push_tail_link (&mux->asks, &self->node);
    }
  g_mutex_unlock (&mux->lock);
  return !stopped;
}

FerryAsk *
ferry_mux_ask (FerryMux *self, const FerryAskRequest *request, const FerryAskFuncs *funcs, gpointer data,
               GError **error)
{
  FerryRequest message = {
    .method = request->method,
    .arguments = request->arguments,
    .deadline = request->deadline,
    .flags = request->window > 0 ? FERRY_CALL_STREAM : 0,
    .window = (guint16) request->window,
  };
  FerryAsk *ask;
  guint64 xid;

  if (!ferry_mux_check_running (self, error))
    return NULL;
  if (request->arguments != NULL)
    ferry_known_types_add (request->arguments);
  ask = g_new0 (FerryAsk, 1);
  atomic_init (&ask->references, 2);
  ask->mux = g_object_ref (self);
  ask->funcs = *funcs;
  ask->data = data;
  xid = ferry_transactions_ask (self->transactions, &message, request->window > 0 ? &stream_funcs : &plain_funcs, ask,
                                error);
  if (xid == 0)
    {
      ask->funcs.destroy = NULL;
      ferry_ask_unref (ask);
      ferry_ask_unref (ask);
      return NULL;
    }
  if (!join (ask, xid))
    {
      g_autoptr (GError) stopped = NULL;

      ferry_mux_check_running (self, &stopped);
      ferry_ask_abandon (ask, FERRY_CANCEL_REASON_CANCELLED, stopped);
    }
  return ask;
}

FerryAsk *
ferry_mux_ask_waiting (FerryMux *self, const FerryAskRequest *request, const FerryAskFuncs *funcs, gpointer data,
                       GCancellable *cancellable, GError **error)
{
  for (;;)
    {
      guint64 count = ferry_transport_get_room_count (self->transport);
      g_autoptr (GError) failure = NULL;
      FerryAsk *ask = ferry_mux_ask (self, request, funcs, data, &failure);

      if (ask != NULL)
        return ask;
      if (!g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
      if (!ferry_transport_wait_for_room (self->transport, count, request->deadline, cancellable, error))
        return NULL;
    }
}

guint64
ferry_ask_get_xid (FerryAsk *self)
{
  return self->xid;
}

gboolean
ferry_ask_abandon (FerryAsk *self, FerryCancelReason reason, const GError *error)
{
  FerryTransactions *transactions = self->mux->transactions;

  if (!take_end (self))
    return FALSE;
  ferry_transactions_cancel (transactions, self->xid, reason);
  if (ferry_transactions_forget (transactions, self->xid))
    ferry_ask_unref (self);
  tell_end (self, NULL, error);
  return TRUE;
}

void
ferry_ask_add_window (FerryAsk *self, guint n)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_transactions_add_window (self->mux->transactions, self->xid, n, &error))
    g_debug ("A stream's window does not grow: %s", error->message);
}

/* any: ends all that the mux waits for. */
void
ferry_mux_abandon_all (FerryMux *self, const GError *error)
{
  g_autoptr (GPtrArray) asks = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_ask_unref);

  g_mutex_lock (&self->lock);
  for (GList *node = self->asks.head; node != NULL; node = node->next)
    g_ptr_array_add (asks, ask_ref (node->data));
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < asks->len; i++)
    ferry_ask_abandon (g_ptr_array_index (asks, i), FERRY_CANCEL_REASON_CANCELLED, error);
}
