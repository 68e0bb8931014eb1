/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The asking half of the transaction core, and the taking of messages for both.
 *
 * A transaction is in the table from before its request is sent until whoever takes it out: receive() with its answer,
 * forget(), close(), or ask() itself when it could not be sent. Who took it out calls done(), so it is called once. */

#include "config.h"

#include "call/ferry-call-private.h"

#include <string.h>

#include "base/ferry-error.h"

FerryTransactions *
ferry_transactions_new (const FerryTransportFuncs *funcs, gpointer transport, FerryRequestFunc request_func,
                        gpointer request_data)
{
  FerryTransactions *self = g_new0 (FerryTransactions, 1);

  atomic_init (&self->references, 1);
  self->funcs = *funcs;
  self->transport = transport;
  self->request_func = request_func;
  self->request_data = request_data;
  pthread_mutex_init (&self->send_lock, NULL);
  pthread_mutex_init (&self->lock, NULL);
  self->next_xid = 1;
  g_queue_init (&self->unsent);
  return self;
}

FerryTransactions *
ferry_transactions_ref (FerryTransactions *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_transactions_unref (FerryTransactions *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  /* Open calls hold references, also those in unsent: there are none any more. */
  g_assert (self->calls.n_entries == 0);
  if (self->funcs.destroy != NULL)
    self->funcs.destroy (self->transport);
  ferry_xid_table_clear (&self->asked);
  ferry_xid_table_clear (&self->calls);
  ferry_xid_table_clear (&self->early);
  g_free (self->early_ring);
  g_clear_error (&self->reason);
  pthread_mutex_destroy (&self->lock);
  pthread_mutex_destroy (&self->send_lock);
  g_free (self);
}

/* ---- sending ---- */

static gboolean
check_open_locked (FerryTransactions *self, GError **error)
{
  if (self->reason == NULL)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The other end is gone: %s", self->reason->message);
  return FALSE;
}

/* any, without the lock */
gboolean
ferry_transactions_send (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  gboolean open;

  pthread_mutex_lock (&self->lock);
  open = check_open_locked (self, error);
  pthread_mutex_unlock (&self->lock);
  return open && self->funcs.send (self->transport, message, error);
}

gboolean
ferry_transactions_refuse (FerryTransactions *self, guint64 xid, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REFUSE, xid, NULL, value);
  return ferry_transactions_send (self, &message, error);
}

/* ---- asking ---- */

/* Numbers the transaction and puts it where its answer finds it. send_lock is held. */
static guint64
begin (FerryTransactions *self, const FerryRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
       GError **error)
{
  guint64 xid = 0;

  pthread_mutex_lock (&self->lock);
  if (check_open_locked (self, error))
    {
      xid = self->next_xid++;
      if ((request->flags & FERRY_CALL_ONE_WAY) == 0)
        {
          FerryXidEntry *entry = ferry_xid_table_add (&self->asked, xid);

          entry->funcs = *funcs;
          entry->data = data;
          entry->window = request->window;
          entry->flags = request->flags;
        }
    }
  pthread_mutex_unlock (&self->lock);
  return xid;
}

/* Takes back what begin() did. Returns FALSE when the transaction is done all the same: close() came in between. */
static gboolean
take_back (FerryTransactions *self, guint64 xid, FerryCallFlags flags)
{
  gboolean taken;

  pthread_mutex_lock (&self->lock);
  taken = (flags & FERRY_CALL_ONE_WAY) != 0 || ferry_xid_table_remove (&self->asked, xid, NULL);
  /* Nobody was told this number, and with send_lock held it is the latest: so the next request has it. */
  if (taken)
    self->next_xid = xid;
  pthread_mutex_unlock (&self->lock);
  return taken;
}

guint64
ferry_transactions_ask (FerryTransactions *self, const FerryRequest *request, const FerryAnswerFuncs *funcs,
                        gpointer data, GError **error)
{
  g_autoptr (GVariant) arguments = request->arguments != NULL ? g_variant_ref_sink (request->arguments) : NULL;
  g_autoptr (GError) failure = NULL;
  FerryCallMessage message;
  guint64 xid;

  g_return_val_if_fail (request->method != NULL, 0);
  g_return_val_if_fail (request->deadline >= 0, 0);
  g_return_val_if_fail ((request->flags & FERRY_CALL_ONE_WAY) != 0 || (funcs != NULL && funcs->done != NULL), 0);
  g_return_val_if_fail ((request->flags & FERRY_CALL_ONE_WAY) == 0 || (request->flags & FERRY_CALL_STREAM) == 0, 0);
  g_return_val_if_fail (request->window == 0 || (request->flags & FERRY_CALL_STREAM) != 0, 0);

  if (!ferry_call_message_check (request->method, arguments, error))
    return 0;
  /* Serialises the arguments, so it is done before the lock is taken. */
  ferry_call_message_init (&message, FERRY_CALL_REQUEST, 0, request->method, arguments);
  message.header.number = request->deadline;
  message.header.flags = (guint8) request->flags;
  message.header.window = request->window;

  pthread_mutex_lock (&self->send_lock);
  xid = begin (self, request, funcs, data, &failure);
  message.header.xid = xid;
  if (xid != 0 && !self->funcs.send (self->transport, &message, &failure) && take_back (self, xid, request->flags))
    xid = 0;
  pthread_mutex_unlock (&self->send_lock);
  if (xid == 0)
    g_propagate_error (error, g_steal_pointer (&failure));
  return xid;
}

static gboolean
is_asked (FerryTransactions *self, guint64 xid)
{
  gboolean found;

  pthread_mutex_lock (&self->lock);
  found = ferry_xid_table_find (&self->asked, xid) != NULL;
  pthread_mutex_unlock (&self->lock);
  return found;
}

gboolean
ferry_transactions_cancel (FerryTransactions *self, guint64 xid, FerryCancelReason reason)
{
  g_autoptr (GError) error = NULL;
  FerryCallMessage message;

  if (!is_asked (self, xid))
    return FALSE;
  if (self->funcs.cancel != NULL && self->funcs.cancel (self->transport, xid, reason, &error))
    return TRUE;
  /* Where the quick road is closed or full, the slow one will do. When that is too, the end of the link is near, or
   * the other end is so far behind that it would not have heard of the request yet. */
  ferry_call_message_init (&message, FERRY_CALL_CANCEL, xid, NULL, NULL);
  message.header.number = reason;
  g_clear_error (&error);
  if (!ferry_transactions_send (self, &message, &error))
    g_debug ("The cancel of transaction %" G_GUINT64_FORMAT " was not sent: %s", xid, error->message);
  return TRUE;
}

gboolean
ferry_transactions_forget (FerryTransactions *self, guint64 xid)
{
  gboolean found;

  pthread_mutex_lock (&self->lock);
  found = ferry_xid_table_remove (&self->asked, xid, NULL);
  pthread_mutex_unlock (&self->lock);
  return found;
}

/* The window that is counted here is never smaller than what the other end knows of: so it grows before it is sent. */
static gboolean
grow_window (FerryTransactions *self, guint64 xid, guint n, GError **error)
{
  FerryXidEntry *entry;
  gboolean grown = FALSE;

  pthread_mutex_lock (&self->lock);
  entry = ferry_xid_table_find (&self->asked, xid);
  if (entry == NULL || (entry->flags & FERRY_CALL_STREAM) == 0)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "Transaction %" G_GUINT64_FORMAT " has no stream any more",
                 xid);
  else if (n > FERRY_MAX_WINDOW - entry->window)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                 "The window of a stream has %d items at the most: add to it as items come", FERRY_MAX_WINDOW);
  else
    grown = TRUE;
  if (grown)
    entry->window += n;
  pthread_mutex_unlock (&self->lock);
  return grown;
}

static void
shrink_window (FerryTransactions *self, guint64 xid, guint n)
{
  FerryXidEntry *entry;

  pthread_mutex_lock (&self->lock);
  entry = ferry_xid_table_find (&self->asked, xid);
  if (entry != NULL)
    entry->window -= MIN (n, entry->window);
  pthread_mutex_unlock (&self->lock);
}

gboolean
ferry_transactions_add_window (FerryTransactions *self, guint64 xid, guint n, GError **error)
{
  FerryCallMessage message;

  g_return_val_if_fail (n > 0, FALSE);

  if (!grow_window (self, xid, n, error))
    return FALSE;
  ferry_call_message_init (&message, FERRY_CALL_WINDOW, xid, NULL, NULL);
  message.header.number = n;
  if (ferry_transactions_send (self, &message, error))
    return TRUE;
  shrink_window (self, xid, n);
  return FALSE;
}

/* ---- answers ---- */

static void
count_stray_locked (FerryTransactions *self, guint64 xid)
{
  if (xid < self->next_xid)
    self->n_late++;
  else
    self->n_unknown++;
}

static void
hand_over_answer (const FerryXidEntry *entry, const FerryCallMessage *message)
{
  g_autoptr (GVariant) value = ferry_call_message_dup_value (message);
  g_autoptr (GError) error = NULL;
  g_autofree char *trace = NULL;

  if (message->header.kind == FERRY_CALL_ANSWER)
    {
      entry->funcs.done (entry->data, value, NULL, NULL, FALSE);
      return;
    }
  error = ferry_error_from_variant (value, &trace);
  if (trace != NULL)
    ferry_trace_remember (error, trace);
  entry->funcs.done (entry->data, NULL, error, trace, message->header.kind == FERRY_CALL_REFUSE);
}

static gboolean
receive_answer (FerryTransactions *self, const FerryCallMessage *message)
{
  FerryXidEntry entry;
  gboolean ours;

  pthread_mutex_lock (&self->lock);
  ours = ferry_xid_table_remove (&self->asked, message->header.xid, &entry);
  if (!ours)
    count_stray_locked (self, message->header.xid);
  pthread_mutex_unlock (&self->lock);
  if (ours)
    hand_over_answer (&entry, message);
  return TRUE;
}

static gboolean
receive_item (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  gboolean of_stream = message->name == NULL;
  FerryAnswerFuncs funcs = {NULL};
  gpointer data = NULL;
  FerryXidEntry *entry;
  gboolean allowed = TRUE;

  pthread_mutex_lock (&self->lock);
  entry = ferry_xid_table_find (&self->asked, message->header.xid);
  if (entry == NULL)
    count_stray_locked (self, message->header.xid);
  else if (of_stream && entry->window == 0)
    allowed = FALSE;
  else
    {
      entry->window -= of_stream ? 1 : 0;
      funcs = entry->funcs;
      data = entry->data;
    }
  pthread_mutex_unlock (&self->lock);
  if (!allowed)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                 "Transaction %" G_GUINT64_FORMAT " has an item beyond its window", message->header.xid);
  if (funcs.item != NULL)
    {
      g_autoptr (GVariant) value = ferry_call_message_dup_value (message);
      char name[FERRY_MAX_CALL_NAME + 1] = "";

      if (!of_stream)
        memcpy (name, message->name, message->header.name_length);
      name[message->header.name_length] = '\0';
      funcs.item (data, name, value);
    }
  return allowed;
}

/* ---- requests ---- */

/* What the other end gets where its request is not taken at all. */
static gboolean
turn_away (FerryTransactions *self, const FerryCallMessage *message, const char *why, GError **error)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, why);
  g_autoptr (GError) failure = NULL;

  if ((message->header.flags & FERRY_CALL_ONE_WAY) != 0 ||
      ferry_transactions_refuse (self, message->header.xid, reason, &failure) ||
      !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return TRUE;
  /* To keep such refusals for later would need memory without bound. */
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "More is asked than can be refused: %s", why);
  return FALSE;
}

/* Puts the call into the table. Returns FALSE with an error, or without when the request is to be turned away. */
static gboolean
admit (FerryTransactions *self, FerryCall *call, const char **why, GError **error)
{
  gboolean admitted = FALSE;
  FerryXidEntry early;

  pthread_mutex_lock (&self->lock);
  self->highest_call = MAX (self->highest_call, call->xid);
  if (ferry_xid_table_find (&self->calls, call->xid) != NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "Transaction %" G_GUINT64_FORMAT " is asked twice",
                 call->xid);
  else if (self->calls.n_entries >= FERRY_MAX_OPEN_CALLS)
    *why = "Too many calls are open: wait for answers first";
  else if (self->request_func == NULL)
    *why = "This end takes no calls";
  else
    {
      admitted = TRUE;
      ferry_xid_table_add (&self->calls, call->xid)->data = call;
      /* Relaxed: nobody else has the call yet. */
      if (ferry_xid_table_remove (&self->early, call->xid, &early))
        atomic_store_explicit (&call->cancelled, early.flags, memory_order_relaxed);
    }
  pthread_mutex_unlock (&self->lock);
  return admitted;
}

static gboolean
receive_request (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  FerryCall *call = ferry_call_new (self, message);
  g_autoptr (GError) failure = NULL;
  const char *why = NULL;

  if (admit (self, call, &why, &failure))
    {
      self->request_func (self, call, self->request_data);
      ferry_call_unref (call);
      return TRUE;
    }
  ferry_call_free (call);
  if (failure == NULL)
    return turn_away (self, message, why, error);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static FerryCall *
find_call (FerryTransactions *self, guint64 xid)
{
  FerryXidEntry *entry;
  FerryCall *call = NULL;

  pthread_mutex_lock (&self->lock);
  entry = ferry_xid_table_find (&self->calls, xid);
  if (entry != NULL && ferry_call_try_ref (entry->data))
    call = entry->data;
  pthread_mutex_unlock (&self->lock);
  return call;
}

/* For a call that is over, a window comes too late, and that is no fault. */
static gboolean
receive_window (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  g_autoptr (FerryCall) call = find_call (self, message->header.xid);

  if (call == NULL || ferry_call_add_window (call, (guint) message->header.number))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "Transaction %" G_GUINT64_FORMAT " has an impossible window",
               message->header.xid);
  return FALSE;
}

static void
remember_early_locked (FerryTransactions *self, guint64 xid, FerryCancelReason reason)
{
  if (ferry_xid_table_find (&self->early, xid) != NULL)
    return;
  if (self->early_ring == NULL)
    self->early_ring = g_new0 (guint64, FERRY_MAX_EARLY_CANCELS);
  ferry_xid_table_remove (&self->early, self->early_ring[self->early_next], NULL);
  self->early_ring[self->early_next] = xid;
  self->early_next = (self->early_next + 1) % FERRY_MAX_EARLY_CANCELS;
  ferry_xid_table_add (&self->early, xid)->flags = reason;
}

void
ferry_transactions_receive_cancel (FerryTransactions *self, guint64 xid, guint16 reason)
{
  g_autoptr (FerryCall) call = NULL;

  /* A reason of a later version is a cancel nevertheless. */
  if (reason != FERRY_CANCEL_REASON_DEADLINE)
    reason = FERRY_CANCEL_REASON_CANCELLED;
  pthread_mutex_lock (&self->lock);
  if (xid > self->highest_call && self->reason == NULL)
    remember_early_locked (self, xid, reason);
  pthread_mutex_unlock (&self->lock);
  /* A call that is over needs none. */
  call = find_call (self, xid);
  if (call != NULL)
    ferry_call_cancel (call, reason);
}

gboolean
ferry_transactions_receive (FerryTransactions *self, gconstpointer data, gsize size, GError **error)
{
  g_autoptr (FerryTransactions) kept G_GNUC_UNUSED = ferry_transactions_ref (self);
  FerryCallMessage message;
  gboolean open;
  gboolean behind;

  if (!ferry_call_message_parse (&message, data, size, error))
    return FALSE;
  pthread_mutex_lock (&self->lock);
  open = self->reason == NULL;
  behind = self->unsent.length > 0;
  pthread_mutex_unlock (&self->lock);
  if (!open)
    return TRUE;
  if (behind)
    ferry_transactions_flush_unsent (self);

  switch (message.header.kind)
    {
    case FERRY_CALL_REQUEST:
      return receive_request (self, &message, error);
    case FERRY_CALL_ITEM:
      return receive_item (self, &message, error);
    case FERRY_CALL_WINDOW:
      return receive_window (self, &message, error);
    case FERRY_CALL_CANCEL:
      ferry_transactions_receive_cancel (self, message.header.xid, (guint16) message.header.number);
      return TRUE;
    default:
      return receive_answer (self, &message);
    }
}

/* ---- the end ---- */

static GPtrArray *
ref_calls_locked (FerryTransactions *self)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_call_unref);

  for (guint i = 0; i < self->calls.n_slots; i++)
    {
      FerryXidEntry *entry = &self->calls.slots[i];

      if (entry->xid != 0 && ferry_call_try_ref (entry->data))
        g_ptr_array_add (calls, entry->data);
    }
  return calls;
}

void
ferry_transactions_close (FerryTransactions *self, const GError *reason)
{
  g_autoptr (FerryTransactions) kept G_GNUC_UNUSED = ferry_transactions_ref (self);
  g_autoptr (GPtrArray) calls = NULL;
  g_autoptr (GArray) asked = NULL;

  g_return_if_fail (reason != NULL);

  pthread_mutex_lock (&self->lock);
  if (self->reason != NULL)
    {
      pthread_mutex_unlock (&self->lock);
      return;
    }
  self->reason = g_error_copy (reason);
  asked = ferry_xid_table_steal_all (&self->asked);
  calls = ref_calls_locked (self);
  ferry_xid_table_clear (&self->early);
  pthread_mutex_unlock (&self->lock);

  /* Calls first: what works on them is to stop soon, and done() may take its time. */
  for (guint i = 0; i < calls->len; i++)
    ferry_call_cancel (g_ptr_array_index (calls, i), FERRY_CANCEL_REASON_CANCELLED);
  for (guint i = 0; i < asked->len; i++)
    {
      FerryXidEntry *entry = &g_array_index (asked, FerryXidEntry, i);
      g_autoptr (GError) copy = g_error_copy (self->reason);

      entry->funcs.done (entry->data, NULL, copy, NULL, FALSE);
    }
  ferry_transactions_flush_unsent (self);
}

guint
ferry_transactions_get_n_asked (FerryTransactions *self)
{
  guint n;

  pthread_mutex_lock (&self->lock);
  n = self->asked.n_entries;
  pthread_mutex_unlock (&self->lock);
  return n;
}

guint64
ferry_transactions_get_n_late (FerryTransactions *self)
{
  guint64 n;

  pthread_mutex_lock (&self->lock);
  n = self->n_late;
  pthread_mutex_unlock (&self->lock);
  return n;
}

guint64
ferry_transactions_get_n_unknown (FerryTransactions *self)
{
  guint64 n;

  pthread_mutex_lock (&self->lock);
  n = self->n_unknown;
  pthread_mutex_unlock (&self->lock);
  return n;
}
