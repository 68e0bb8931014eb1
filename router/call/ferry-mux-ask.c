/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a mux asks.
 *
 * The table of the transactions has them all: whoever takes one out there ends it, so each ends once, and a mux needs
 * no list of its own. Its number is all that others know of it; none is ever used twice. */

#include "config.h"

#include "call/ferry-known-types-private.h"
#include "call/ferry-mux-fields-private.h"

#include "base/ferry-error.h"

typedef struct
{
  _Atomic gint references; /* the table's, and those of items on their way */
  FerryMux *mux;           /* const: (owned) */
  FerryAskFuncs funcs;     /* const, as the next one */
  gpointer data;
} Ask;

static void
hold (gpointer data)
{
  Ask *self = data;

  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
}

static void
ask_free (Ask *self)
{
  g_object_unref (self->mux);
  g_free (self);
}

static void
release (gpointer data)
{
  Ask *self = data;

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  if (self->funcs.destroy != NULL)
    self->funcs.destroy (self->data);
  ask_free (self);
}

/* For who took it out of the table, with whose reference. */
static void
end (Ask *self, GVariant *result, const GError *error, gboolean later)
{
  if (result != NULL)
    ferry_known_types_add (result);
  if (self->funcs.wake != NULL)
    self->funcs.wake (self->data, result, error, later);
  else if (self->funcs.done != NULL)
    self->funcs.done (self->data, result, error);
  else
    self->funcs.func (result, error, self->data);
  release (self);
}

static void
answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  end (data, result, error, FALSE);
}

static void
answered_in_run (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  end (data, result, error, TRUE);
}

static void
item_came (gpointer data, const char *name, GVariant *value)
{
  Ask *self = data;

  if (name[0] == '\0' && value != NULL)
    self->funcs.item (self->data, value);
}

static const FerryAnswerFuncs plain_funcs = {.done = answered};
static const FerryAnswerFuncs waiting_funcs = {.done = answered, .done_in_run = answered_in_run};
static const FerryAnswerFuncs stream_funcs = {.item = item_came, .done = answered, .hold = hold, .release = release};

static const FerryAnswerFuncs *
get_answer_funcs (const FerryAskRequest *request, const FerryAskFuncs *funcs)
{
  if (request->window > 0)
    return &stream_funcs;
  return funcs->wake != NULL ? &waiting_funcs : &plain_funcs;
}

static Ask *
ask_new (FerryMux *mux, const FerryAskFuncs *funcs, gpointer data)
{
  Ask *self = g_new (Ask, 1);

  atomic_init (&self->references, 1);
  self->mux = g_object_ref (mux);
  self->funcs = *funcs;
  self->data = data;
  return self;
}

guint64
ferry_mux_ask (FerryMux *self, const FerryAskRequest *request, const FerryAskFuncs *funcs, gpointer data,
               GError **error)
{
  FerryRequest message = {
    .method = request->method,
    .arguments = request->arguments,
    .packed = request->packed,
    .deadline = request->deadline,
    .flags = request->window > 0 ? FERRY_CALL_STREAM : 0,
    .window = (guint16) request->window,
  };
  g_autoptr (GError) stopped = NULL;
  guint64 xid;
  Ask *ask;

  if (!ferry_mux_check_running (self, error))
    return 0;
  if (request->arguments != NULL)
    ferry_known_types_add (request->arguments);
  ask = ask_new (self, funcs, data);
  xid = ferry_transactions_ask (self->transactions, &message, get_answer_funcs (request, funcs), ask, error);
  if (xid == 0)
    ask_free (ask);
  /* It is in the table now, and the table has a lock: a stop that did not find it there has set its mark before that,
   * and is seen here. */
  else if (!ferry_mux_check_running (self, &stopped))
    ferry_mux_abandon (self, xid, FERRY_CANCEL_REASON_CANCELLED, stopped);
  return xid;
}

guint64
ferry_mux_ask_waiting (FerryMux *self, const FerryAskRequest *request, const FerryAskFuncs *funcs, gpointer data,
                       GCancellable *cancellable, GError **error)
{
  for (;;)
    {
      guint64 count = ferry_transport_get_room_count (self->transport);
      g_autoptr (GError) failure = NULL;
      guint64 xid = ferry_mux_ask (self, request, funcs, data, &failure);

      if (xid != 0)
        return xid;
      if (!g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return 0;
        }
      if (!ferry_transport_wait_for_room (self->transport, count, request->deadline, cancellable, error))
        return 0;
    }
}

gboolean
ferry_mux_abandon (FerryMux *self, guint64 xid, FerryCancelReason reason, const GError *error)
{
  Ask *ask = ferry_transactions_abandon (self->transactions, xid, reason);

  if (ask == NULL)
    return FALSE;
  end (ask, NULL, error, FALSE);
  return TRUE;
}

void
ferry_mux_add_window (FerryMux *self, guint64 xid, guint n)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_transactions_add_window (self->transactions, xid, n, &error))
    g_debug ("A stream's window does not grow: %s", error->message);
}

/* Others than muxes ask over the same transport too. */
static gboolean
is_of_mux (const FerryAnswerFuncs *funcs, gpointer data, gpointer mux)
{
  return funcs->done == answered && ((Ask *) data)->mux == mux;
}

GArray *
ferry_mux_list_asked (FerryMux *self)
{
  return ferry_transactions_list_asked (self->transactions, is_of_mux, self);
}
