/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes the other end's messages: answers and items for what this end asked; requests, windows and cancels for what it
 * is asked.
 *
 * Trust: none. What breaks a rule is FERRY_ERROR_PROTOCOL; what only comes too late is dropped. */

#include "config.h"

#include "call/ferry-call-private.h"

#include <string.h>

#include "base/ferry-error.h"

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
end_run (FerryTransactions *self)
{
  if (self->funcs.end_run != NULL)
    self->funcs.end_run (self->transport);
}

/* pieces is taken; NULL where the value came whole. Returns FALSE, having told it, where the pieces come to a value
 * that breaks a rule. */
static gboolean
hand_over_answer (FerryTransactions *self, const FerryXidEntry *entry, const FerryCallMessage *message,
                  GByteArray *pieces, GError **broken)
{
  void (*done) (gpointer data, GVariant * result, GError * error, const char *trace, gboolean refused);
  g_autoptr (GError) error = NULL;
  g_autofree char *trace = NULL;
  g_autoptr (GVariant) value =
    pieces != NULL ? ferry_call_message_join_value (message, pieces, &error) : ferry_call_message_dup_value (message);
  gboolean is_good = error == NULL;

  if (!is_good && broken != NULL)
    *broken = g_error_copy (error);
  if (message->header.kind != FERRY_CALL_ANSWER)
    {
      error = ferry_error_from_variant (value, &trace);
      if (trace != NULL)
        ferry_error_set_trace (error, trace);
      g_clear_pointer (&value, g_variant_unref);
    }
  done = entry->funcs.done_in_run;
  if (done == NULL)
    {
      end_run (self);
      done = entry->funcs.done;
    }
  done (entry->data, value, error, trace, message->header.kind == FERRY_CALL_REFUSE);
  return is_good;
}

/* Takes the transaction out, with what came of its answer in pieces. Returns FALSE when there is no such transaction.
 */
static gboolean
take_asked (FerryTransactions *self, guint64 xid, FerryXidEntry *entry, GByteArray **pieces)
{
  gboolean ours;

  pthread_mutex_lock (&self->lock);
  ours = ferry_xid_table_remove (&self->asked, xid, entry);
  if (ours)
    *pieces = ferry_transactions_take_pieces_locked (self, xid);
  else
    count_stray_locked (self, xid);
  pthread_mutex_unlock (&self->lock);
  return ours;
}

static gboolean
receive_answer (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  gboolean joined = message->header.kind == FERRY_CALL_ANSWER && message->header.number > 0;
  GByteArray *pieces = NULL;
  FerryXidEntry entry;

  if (joined && !ferry_transactions_check_pieces (self, message, error))
    return FALSE;
  if (!take_asked (self, message->header.xid, &entry, &pieces))
    return TRUE;
  /* An error, or a whole answer, does without what came before. */
  if (!joined)
    g_clear_pointer (&pieces, g_byte_array_unref);
  return hand_over_answer (self, &entry, message, pieces, error);
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
      if (funcs.hold != NULL)
        funcs.hold (data);
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
  if (funcs.release != NULL)
    funcs.release (data);
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

static void
note_room (FerryTransactions *self)
{
  if (self->funcs.note_room != NULL)
    self->funcs.note_room (self->transport);
}

/* For a call that is over, a window comes too late, and that is no fault. */
static gboolean
receive_window (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  g_autoptr (FerryCall) call = find_call (self, message->header.xid);

  if (call == NULL || ferry_call_add_window (call, (guint) message->header.number))
    {
      note_room (self);
      if (call != NULL)
        ferry_call_note_window (call);
      return TRUE;
    }
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
  note_room (self);
}

/* What comes of a transaction that is over is dropped later, begun or not. */
static gboolean
check_begun (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  const guint64 xid = message->header.xid;
  gboolean asked;

  if (self->funcs.is_begun == NULL || message->header.kind == FERRY_CALL_REFUSE ||
      self->funcs.is_begun (self->transport, xid))
    return TRUE;
  pthread_mutex_lock (&self->lock);
  asked = ferry_xid_table_find (&self->asked, xid) != NULL;
  pthread_mutex_unlock (&self->lock);
  if (!asked)
    return TRUE;
  self->funcs.note_unclaimed (self->transport, xid);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
               "Transaction %" G_GUINT64_FORMAT " has an %s, and was not claimed; a worker must claim a call before it "
               "begins it",
               xid, message->header.kind == FERRY_CALL_ITEM ? "item" : "answer");
  return FALSE;
}

/* A message that was parsed. */
static gboolean
receive (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  if (ferry_transactions_is_closed (self))
    return TRUE;
  /* Relaxed: see note_unsent_locked() in ferry-call.c. */
  if (atomic_load_explicit (&self->has_unsent, memory_order_relaxed))
    ferry_transactions_flush_unsent (self);

  switch (message->header.kind)
    {
    case FERRY_CALL_REQUEST:
      end_run (self);
      return receive_request (self, message, error);
    case FERRY_CALL_ITEM:
      end_run (self);
      return check_begun (self, message, error) && receive_item (self, message, error);
    case FERRY_CALL_WINDOW:
      return receive_window (self, message, error);
    case FERRY_CALL_CANCEL:
      end_run (self);
      ferry_transactions_receive_cancel (self, message->header.xid, (guint16) message->header.number);
      return TRUE;
    case FERRY_CALL_PIECE:
      end_run (self);
      return check_begun (self, message, error) && ferry_transactions_receive_piece (self, message, error);
    default:
      return check_begun (self, message, error) && receive_answer (self, message, error);
    }
}

gboolean
ferry_transactions_receive (FerryTransactions *self, gconstpointer data, gsize size, GError **error)
{
  FerryCallMessage message;

  return ferry_call_message_parse (&message, data, size, error) && receive (self, &message, error);
}

gboolean
ferry_transactions_receive_bytes (FerryTransactions *self, GBytes *bytes, GError **error)
{
  FerryCallMessage message;
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (!ferry_call_message_parse (&message, data, size, error))
    return FALSE;
  message.whole = bytes;
  return receive (self, &message, error);
}
