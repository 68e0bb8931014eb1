/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The asking half of the transaction core, and the end of both; ferry-transactions-receive.c takes the messages.
 *
 * A transaction is in the table from before its request is sent until whoever takes it out: receive() with its answer,
 * forget(), close(), or ask() itself when it could not be sent. Who took it out calls done(), so it is called once. */

#include "config.h"

#include "call/ferry-call-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"

/* What the other end is to hear of a transaction, as soon as there is room. */
typedef struct
{
  guint64 xid;
  guint reason; /* of its cancel; 0: its window has grown */
} Owed;

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
  self->max_answer = FERRY_DEFAULT_MAX_ANSWER;
  g_queue_init (&self->unsent);
  g_queue_init (&self->owed);
  return self;
}

void
ferry_transactions_set_first_xid (FerryTransactions *self, guint64 first)
{
  pthread_mutex_lock (&self->lock);
  self->next_xid = first;
  pthread_mutex_unlock (&self->lock);
}

void
ferry_transactions_set_max_answer (FerryTransactions *self, guint64 max_answer)
{
  pthread_mutex_lock (&self->lock);
  self->max_answer = MIN (max_answer, G_MAXUINT / 2);
  pthread_mutex_unlock (&self->lock);
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
  g_queue_clear_full (&self->owed, g_free);
  g_clear_error (&self->reason);
  g_clear_pointer (&self->pieces, g_hash_table_unref);
  pthread_mutex_destroy (&self->lock);
  pthread_mutex_destroy (&self->send_lock);
  g_free (self);
}

/* ---- sending ---- */

gboolean
ferry_transactions_is_closed (FerryTransactions *self)
{
  /* Acquire: pairs with ferry_transactions_close(); the reason is there then, for good. */
  return atomic_load_explicit (&self->closed, memory_order_acquire);
}

static gboolean
check_open (FerryTransactions *self, GError **error)
{
  if (!ferry_transactions_is_closed (self))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "Nothing can be sent any more: %s", self->reason->message);
  return FALSE;
}

/* any, without the lock */
gboolean
ferry_transactions_send (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  return check_open (self, error) && self->funcs.send (self->transport, message, error);
}

/* any, without the lock */
gboolean
ferry_transactions_send_in_buffer (FerryTransactions *self, const FerryCallMessage *message)
{
  return self->funcs.send_in_buffer != NULL && check_open (self, NULL) &&
         self->funcs.send_in_buffer (self->transport, message);
}

gboolean
ferry_transactions_refuse (FerryTransactions *self, guint64 xid, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REFUSE, xid, NULL, value);
  return ferry_transactions_send (self, &message, error);
}

/* ---- what waits for room ---- */

void
ferry_transactions_note_unsent_locked (FerryTransactions *self)
{
  /* Relaxed: the lock is taken for what it tells of, and it is looked at again with the next message. */
  atomic_store_explicit (&self->has_unsent, self->unsent.length > 0 || self->owed.length > 0, memory_order_relaxed);
}

guint64
ferry_transactions_get_n_flushes (FerryTransactions *self)
{
  guint64 n;

  pthread_mutex_lock (&self->lock);
  n = self->n_flushes;
  pthread_mutex_unlock (&self->lock);
  return n;
}

/* Returns whether it is new. One cancel of a transaction is enough, windows add up, and that of a transaction which is
 * over matters to nobody. */
static gboolean
note_owed_locked (FerryTransactions *self, const Owed *owed, guint n)
{
  FerryXidEntry *entry = ferry_xid_table_find (&self->asked, owed->xid);
  gboolean is_new = owed->reason != 0;

  if (entry == NULL)
    return is_new;
  if (owed->reason != 0)
    {
      is_new = !entry->cancel_owed;
      entry->cancel_owed = TRUE;
    }
  else
    {
      is_new = entry->owed == 0;
      entry->owed += n;
      entry->window -= MIN (n, entry->window);
    }
  return is_new;
}

static void
owe_locked (FerryTransactions *self, const Owed *owed, guint n, gboolean first)
{
  if (self->reason != NULL || !note_owed_locked (self, owed, n))
    return;
  if (first)
    g_queue_push_head (&self->owed, g_memdup2 (owed, sizeof *owed));
  else
    g_queue_push_tail (&self->owed, g_memdup2 (owed, sizeof *owed));
  ferry_transactions_note_unsent_locked (self);
}

/* Returns FALSE when there is nothing. n: how much a window has grown, 0 where nobody is to hear of it any more. */
static gboolean
take_owed (FerryTransactions *self, Owed *owed, guint *n)
{
  g_autofree Owed *taken = NULL;
  FerryXidEntry *entry;

  pthread_mutex_lock (&self->lock);
  taken = g_queue_pop_head (&self->owed);
  entry = taken != NULL ? ferry_xid_table_find (&self->asked, taken->xid) : NULL;
  *n = 0;
  if (entry != NULL && taken->reason != 0)
    entry->cancel_owed = FALSE;
  else if (entry != NULL)
    {
      *n = entry->owed;
      entry->window += entry->owed;
      entry->owed = 0;
    }
  ferry_transactions_note_unsent_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (taken != NULL)
    *owed = *taken;
  return taken != NULL;
}

/* Returns FALSE with an error where it can never be sent. Sets kept where there is no room, and it is owed. */
static gboolean
send_or_owe (FerryTransactions *self, const Owed *owed, guint n, gboolean first, gboolean *kept, GError **error)
{
  g_autoptr (GError) failure = NULL;
  FerryCallMessage message;

  ferry_call_message_init (&message, owed->reason != 0 ? FERRY_CALL_CANCEL : FERRY_CALL_WINDOW, owed->xid, NULL, NULL);
  message.header.number = owed->reason != 0 ? owed->reason : n;
  if (ferry_transactions_send (self, &message, &failure))
    return TRUE;
  *kept = g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  if (!*kept)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  pthread_mutex_lock (&self->lock);
  owe_locked (self, owed, n, first);
  pthread_mutex_unlock (&self->lock);
  return TRUE;
}

/* any: sends what the other end is to hear now, or as soon as there is room. Returns FALSE with an error where it never
 * will. */
static gboolean
tell (FerryTransactions *self, guint64 xid, guint reason, guint n, GError **error)
{
  const Owed owed = {xid, reason};
  guint64 n_flushes = ferry_transactions_get_n_flushes (self);
  gboolean kept = FALSE;

  if (!send_or_owe (self, &owed, n, FALSE, &kept, error))
    return FALSE;
  /* Room that came between the two was used for what was owed by then. */
  if (kept && ferry_transactions_get_n_flushes (self) != n_flushes)
    ferry_transactions_flush_unsent (self);
  return TRUE;
}

/* Returns FALSE when the transport has no room. */
static gboolean
flush_owed (FerryTransactions *self)
{
  gboolean kept = FALSE;
  Owed owed;
  guint n;

  while (!kept && take_owed (self, &owed, &n))
    if (owed.reason != 0 || n > 0)
      send_or_owe (self, &owed, n, TRUE, &kept, NULL);
  return !kept;
}

/* any, without the lock. Room that comes meanwhile, on a thread that finds nothing to send, is seen by the count. */
void
ferry_transactions_flush_unsent (FerryTransactions *self)
{
  guint64 n_flushes;
  gboolean again;

  pthread_mutex_lock (&self->lock);
  n_flushes = ++self->n_flushes;
  pthread_mutex_unlock (&self->lock);
  do
    {
      gboolean sent = flush_owed (self) && ferry_transactions_flush_refusals (self);

      pthread_mutex_lock (&self->lock);
      again = !sent && self->n_flushes != n_flushes;
      n_flushes = self->n_flushes;
      pthread_mutex_unlock (&self->lock);
    }
  while (again);
}

/* ---- asking ---- */

/* Numbers the transaction and puts it where its answer finds it. send_lock is held. */
static guint64
begin (FerryTransactions *self, const FerryRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
       GError **error)
{
  guint64 xid = 0;

  pthread_mutex_lock (&self->lock);
  if (check_open (self, error))
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
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (request->arguments);
  g_autoptr (GError) failure = NULL;
  FerryCallMessage message;
  guint64 xid;

  g_return_val_if_fail (request->method != NULL, 0);
  g_return_val_if_fail (request->deadline >= 0, 0);
  g_return_val_if_fail ((request->flags & FERRY_CALL_ONE_WAY) != 0 || (funcs != NULL && funcs->done != NULL), 0);
  g_return_val_if_fail ((request->flags & FERRY_CALL_ONE_WAY) == 0 || (request->flags & FERRY_CALL_STREAM) == 0, 0);
  g_return_val_if_fail (request->window == 0 || (request->flags & FERRY_CALL_STREAM) != 0, 0);

  if (!ferry_call_message_check (request->method, request->arguments, error))
    return 0;
  /* Serialises the arguments, so it is done before the lock is taken. */
  ferry_call_message_init (&message, FERRY_CALL_REQUEST, 0, request->method, request->arguments);
  if (request->packed.data != NULL)
    ferry_call_message_set_bytes (&message, request->packed.data, request->packed.size);
  message.header.number = request->deadline;
  message.header.flags = (guint8) request->flags;
  message.header.window = request->window;
  message.descriptors = request->descriptors;
  message.n_descriptors = request->n_descriptors;

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

static void
send_cancel (FerryTransactions *self, guint64 xid, FerryCancelReason reason)
{
  g_autoptr (GError) error = NULL;

  /* Where the quick road is closed or full, the slow one will do. */
  if (self->funcs.cancel != NULL && self->funcs.cancel (self->transport, xid, reason, NULL))
    return;
  if (!tell (self, xid, reason, 0, &error))
    g_debug ("The cancel of transaction %" G_GUINT64_FORMAT " was not sent: %s", xid, error->message);
}

gboolean
ferry_transactions_cancel (FerryTransactions *self, guint64 xid, FerryCancelReason reason)
{
  gboolean asked = is_asked (self, xid);

  if (asked)
    send_cancel (self, xid, reason);
  return asked;
}

gboolean
ferry_transactions_forget (FerryTransactions *self, guint64 xid)
{
  gboolean found;

  pthread_mutex_lock (&self->lock);
  found = ferry_xid_table_remove (&self->asked, xid, NULL);
  ferry_transactions_drop_pieces_locked (self, xid);
  pthread_mutex_unlock (&self->lock);
  return found;
}

gpointer
ferry_transactions_abandon (FerryTransactions *self, guint64 xid, FerryCancelReason reason)
{
  FerryXidEntry entry = {.data = NULL};
  gboolean found;

  pthread_mutex_lock (&self->lock);
  found = ferry_xid_table_remove (&self->asked, xid, &entry);
  ferry_transactions_drop_pieces_locked (self, xid);
  pthread_mutex_unlock (&self->lock);
  if (found && !entry.cancel_owed)
    send_cancel (self, xid, reason);
  return entry.data;
}

GArray *
ferry_transactions_list_asked (FerryTransactions *self,
                               gboolean (*match) (const FerryAnswerFuncs *funcs, gpointer data, gpointer user_data),
                               gpointer user_data)
{
  GArray *xids = g_array_new (FALSE, FALSE, sizeof (guint64));

  pthread_mutex_lock (&self->lock);
  for (guint i = 0; i < self->asked.n_slots; i++)
    {
      FerryXidEntry *entry = &self->asked.slots[i];

      if (entry->xid != 0 && match (&entry->funcs, entry->data, user_data))
        g_array_append_val (xids, entry->xid);
    }
  pthread_mutex_unlock (&self->lock);
  g_array_sort (xids, ferry_xid_compare);
  return xids;
}

/* The window that is counted here is never smaller than what the other end knows of, so it grows before it is sent; and
 * no larger for long, so what is owed of it does not count. */
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
  else if (n > FERRY_MAX_WINDOW - entry->window - entry->owed)
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
  g_return_val_if_fail (n > 0, FALSE);

  if (!grow_window (self, xid, n, error))
    return FALSE;
  if (tell (self, xid, 0, n, error))
    return TRUE;
  shrink_window (self, xid, n);
  return FALSE;
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
  self->reason = ferry_error_copy (reason);
  /* Release: pairs with ferry_transactions_is_closed(). */
  atomic_store_explicit (&self->closed, TRUE, memory_order_release);
  asked = ferry_xid_table_steal_all (&self->asked);
  g_clear_pointer (&self->pieces, g_hash_table_unref);
  calls = ref_calls_locked (self);
  ferry_xid_table_clear (&self->early);
  pthread_mutex_unlock (&self->lock);

  /* Calls first: what works on them is to stop soon, and done() may take its time. */
  for (guint i = 0; i < calls->len; i++)
    ferry_call_cancel (g_ptr_array_index (calls, i), FERRY_CANCEL_REASON_CANCELLED);
  for (guint i = 0; i < asked->len; i++)
    {
      FerryXidEntry *entry = &g_array_index (asked, FerryXidEntry, i);
      g_autoptr (GError) copy = ferry_error_copy (self->reason);

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
