/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request that this end was asked, from its coming to its answer.
 *
 * A call is in its owner's table until it is over, and found there by windows and cancels. One that is dropped
 * unanswered lives on until its refusal is sent: so whoever asked always hears something, or the end of the link. */

#include "config.h"

#include "call/ferry-call-private.h"

#include <string.h>

#include "base/ferry-base-private.h"

FerryCall *
ferry_call_new (FerryTransactions *owner, const FerryCallMessage *message)
{
  gsize length = message->header.name_length;
  FerryCall *self = g_malloc0 (sizeof *self + length + 1);

  atomic_init (&self->references, 1);
  self->owner = ferry_transactions_ref (owner);
  self->xid = message->header.xid;
  self->arguments = ferry_call_message_dup_value (message);
  self->deadline = message->header.number;
  self->flags = message->header.flags;
  atomic_init (&self->state, FERRY_CALL_OPEN);
  atomic_init (&self->window, message->header.window);
  atomic_init (&self->cancelled, 0);
  memcpy (self->method, message->name, length);
  return self;
}

FerryCall *
ferry_call_ref (FerryCall *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

/* The owner's lock is held: the call is in the table, so it is not freed, but its last reference may be gone. */
gboolean
ferry_call_try_ref (FerryCall *self)
{
  gint references = atomic_load_explicit (&self->references, memory_order_relaxed);

  while (references > 0)
    {
      if (atomic_compare_exchange_weak_explicit (&self->references, &references, references + 1, memory_order_relaxed,
                                                 memory_order_relaxed))
        return TRUE;
    }
  return FALSE;
}

/* Takes the call out of the table. The other end may have begun another one of the same number since. */
static void
leave_table_locked (FerryCall *self)
{
  FerryXidEntry *entry = ferry_xid_table_find (&self->owner->calls, self->xid);

  if (entry != NULL && entry->data == self)
    ferry_xid_table_remove (&self->owner->calls, self->xid, NULL);
}

/* any: nobody has it any more, nor finds it. */
void
ferry_call_free (FerryCall *self)
{
  g_clear_pointer (&self->arguments, g_variant_unref);
  if (self->attached_destroy != NULL)
    self->attached_destroy (self->attached);
  ferry_transactions_unref (self->owner);
  g_free (self);
}

static void
set_over (FerryCall *self)
{
  pthread_mutex_lock (&self->owner->lock);
  /* Relaxed: whoever needs more than the word has the lock. */
  atomic_store_explicit (&self->state, FERRY_CALL_OVER, memory_order_relaxed);
  self->cancel_func = NULL;
  leave_table_locked (self);
  pthread_mutex_unlock (&self->owner->lock);
}

/* Keeps a dropped call until its refusal is taken. Returns FALSE when nothing can be sent any more. */
static gboolean
keep_unsent (FerryCall *self, gboolean first)
{
  FerryTransactions *owner = self->owner;
  gboolean kept;

  pthread_mutex_lock (&owner->lock);
  kept = owner->reason == NULL;
  if (kept && first)
    g_queue_push_head (&owner->unsent, self);
  else if (kept)
    g_queue_push_tail (&owner->unsent, self);
  ferry_transactions_note_unsent_locked (owner);
  pthread_mutex_unlock (&owner->lock);
  return kept;
}

/* Returns FALSE when the transport has no room, and keeps the call then. */
static gboolean
send_refusal (FerryCall *self, gboolean first)
{
  g_autoptr (GError) reason =
    g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "The call of “%s” was dropped without an answer",
                 ferry_call_method_in_words (self->method));
  g_autoptr (GError) error = NULL;

  return ferry_transactions_refuse (self->owner, self->xid, reason, &error) ||
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) || !keep_unsent (self, first);
}

/* Takes the reference that the caller has. Returns FALSE when the transport has no room. Once nothing is sent any more,
 * a peer may have left thousands of them, and each is only forgotten. */
static gboolean
refuse_dropped (FerryCall *self, gboolean first)
{
  g_autoptr (FerryTransactions) owner = ferry_transactions_ref (self->owner);
  guint64 n_flushes = ferry_transactions_get_n_flushes (owner);

  if (!ferry_transactions_is_closed (owner) && !send_refusal (self, first))
    {
      /* Room that came between the two was used for what was kept by then. */
      if (!first && ferry_transactions_get_n_flushes (owner) != n_flushes)
        ferry_transactions_flush_unsent (owner);
      return FALSE;
    }
  set_over (self);
  ferry_call_unref (self);
  return TRUE;
}

/* any, without the lock. Returns FALSE when the transport has no room. */
gboolean
ferry_transactions_flush_refusals (FerryTransactions *self)
{
  FerryCall *call;

  do
    {
      pthread_mutex_lock (&self->lock);
      call = g_queue_pop_head (&self->unsent);
      ferry_transactions_note_unsent_locked (self);
      pthread_mutex_unlock (&self->lock);
    }
  while (call != NULL && refuse_dropped (call, TRUE));
  return call == NULL;
}

void
ferry_call_unref (FerryCall *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that ends it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  /* Relaxed: nobody else changes the state of a call without references. */
  if (atomic_load_explicit (&self->state, memory_order_relaxed) == FERRY_CALL_OPEN &&
      (self->flags & FERRY_CALL_ONE_WAY) == 0)
    {
      /* One more life, with a state that keeps it from a third. A cancel would be told to somebody who is gone. */
      pthread_mutex_lock (&self->owner->lock);
      self->cancel_func = NULL;
      atomic_store_explicit (&self->state, FERRY_CALL_ANSWERING, memory_order_relaxed);
      atomic_store_explicit (&self->references, 1, memory_order_relaxed);
      pthread_mutex_unlock (&self->owner->lock);
      /* The other end may be slow to take refusals; what it asked with is not kept for that long. */
      g_clear_pointer (&self->arguments, g_variant_unref);
      refuse_dropped (self, FALSE);
      return;
    }
  /* One that is over has left the table: whoever ended it, with a reference, saw to that. */
  if (atomic_load_explicit (&self->state, memory_order_relaxed) != FERRY_CALL_OVER)
    {
      pthread_mutex_lock (&self->owner->lock);
      leave_table_locked (self);
      pthread_mutex_unlock (&self->owner->lock);
    }
  ferry_call_free (self);
}

const char *
ferry_call_method_in_words (const char *method)
{
  static const struct
  {
    const char *method;
    const char *words;
  } known[] = {
    {"ferry.View", "a view of an object"},
    {"ferry.Watch", "the state of an exporter"},
    {"ferry.Describe", "the description of an object"},
    {"ferry.Follow", "the changes of an object"},
    {"ferry.Release", "references to objects"},
    {"ferry.channel.message", "a message of a channel"},
    {"ferry.channel.failure", "an error of a channel"},
    {"ferry.channel.end", "the end of a channel"},
    {"ferry.map", "a part of a map"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_equal (method, known[i].method))
      return known[i].words;
  return method;
}

guint64
ferry_call_get_xid (FerryCall *self)
{
  return self->xid;
}

const char *
ferry_call_get_method (FerryCall *self)
{
  return self->method;
}

/* Returns NULL where there are none. */
GVariant *
ferry_call_get_arguments (FerryCall *self)
{
  return self->arguments;
}

gint64
ferry_call_get_deadline (FerryCall *self)
{
  return self->deadline;
}

FerryCallFlags
ferry_call_get_flags (FerryCall *self)
{
  return self->flags;
}

/* ---- cancelling ---- */

guint
ferry_call_get_cancelled (FerryCall *self)
{
  /* Relaxed: the word says all there is to say. */
  return atomic_load_explicit (&self->cancelled, memory_order_relaxed);
}

/* any, without the lock */
void
ferry_call_cancel (FerryCall *self, FerryCancelReason reason)
{
  void (*func) (FerryCall * call, gpointer data) = NULL;
  gpointer data = NULL;

  pthread_mutex_lock (&self->owner->lock);
  if (atomic_load_explicit (&self->cancelled, memory_order_relaxed) == 0 &&
      atomic_load_explicit (&self->state, memory_order_relaxed) != FERRY_CALL_OVER)
    {
      atomic_store_explicit (&self->cancelled, reason, memory_order_relaxed);
      func = g_steal_pointer (&self->cancel_func);
      data = self->cancel_data;
    }
  pthread_mutex_unlock (&self->owner->lock);
  if (func != NULL)
    func (self, data);
}

void
ferry_call_set_cancel_func (FerryCall *self, void (*func) (FerryCall *call, gpointer data), gpointer data)
{
  gboolean cancelled;

  pthread_mutex_lock (&self->owner->lock);
  cancelled = atomic_load_explicit (&self->cancelled, memory_order_relaxed) != 0;
  self->cancel_func = cancelled ? NULL : func;
  self->cancel_data = data;
  pthread_mutex_unlock (&self->owner->lock);
  if (cancelled && func != NULL)
    func (self, data);
}

void
ferry_call_attach (FerryCall *self, gpointer data, GDestroyNotify destroy)
{
  g_assert (self->attached_destroy == NULL);
  self->attached = data;
  self->attached_destroy = destroy;
}

/* Returns NULL where nothing is. */
gpointer
ferry_call_get_attached (FerryCall *self)
{
  return self->attached;
}

/* ---- answering ---- */

/* Whole, or in pieces: others get a turn between two of them. Where there is no room in the middle, the next try goes
 * on there. */
static gboolean
send_large (FerryCall *self, const FerryCallMessage *answer, GError **error)
{
  guint64 max_answer;

  pthread_mutex_lock (&self->owner->lock);
  max_answer = self->owner->max_answer;
  pthread_mutex_unlock (&self->owner->lock);
  if (answer->body_size > max_answer)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                   "The answer to “%s” has %" G_GSIZE_FORMAT " bytes, and the transport takes %" G_GUINT64_FORMAT
                   "; send it as items of a stream, or raise max-message-size",
                   ferry_call_method_in_words (self->method), answer->body_size, max_answer);
      return FALSE;
    }
  if (self->n_sent == 0 && ferry_transactions_send_in_buffer (self->owner, answer))
    return TRUE;
  for (;;)
    {
      FerryCallMessage message = *answer;

      ferry_call_message_cut (&message, self->n_sent);
      if (!ferry_transactions_send (self->owner, &message, error))
        return FALSE;
      self->n_sent += message.body_size;
      if (message.header.kind == FERRY_CALL_ANSWER)
        return TRUE;
    }
}

static gboolean
send_end (FerryCall *self, FerryCallKind kind, GVariant *value, GError **error)
{
  FerryCallMessage message;

  if ((self->flags & FERRY_CALL_ONE_WAY) != 0)
    return TRUE;
  if (!ferry_call_message_check (NULL, value, error))
    return FALSE;
  ferry_call_message_init (&message, kind, self->xid, NULL, value);
  if (kind == FERRY_CALL_ANSWER && self->owner->funcs.in_pieces && message.body_size > FERRY_CALL_PIECE_SIZE)
    return send_large (self, &message, error);
  return ferry_transactions_send (self->owner, &message, error);
}

static gboolean
end (FerryCall *self, FerryCallKind kind, GVariant *value, GError **error)
{
  guint32 state = FERRY_CALL_OPEN;
  /* Relaxed: this takes the right to answer, and hands nothing over. */
  gboolean is_first_answer = atomic_compare_exchange_strong_explicit (&self->state, &state, FERRY_CALL_ANSWERING,
                                                                      memory_order_relaxed, memory_order_relaxed);

  if (!is_first_answer)
    {
      ferry_critical ("The call of “%s” was answered already; answer each call once",
                      ferry_call_method_in_words (self->method));
      return FALSE;
    }
  if (!send_end (self, kind, value, error))
    {
      atomic_store_explicit (&self->state, FERRY_CALL_OPEN, memory_order_relaxed);
      return FALSE;
    }
  set_over (self);
  if (atomic_load_explicit (&self->owner->has_unsent, memory_order_relaxed))
    ferry_transactions_flush_unsent (self->owner);
  return TRUE;
}

/* result is (nullable). */
gboolean
ferry_call_answer (FerryCall *self, GVariant *result, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (result);

  return end (self, FERRY_CALL_ANSWER, result, error);
}

/* trace and notes are (nullable). */
gboolean
ferry_call_answer_error (FerryCall *self, const GError *failure, const char *trace, const char *const *notes,
                         GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (failure, trace, notes));

  return end (self, FERRY_CALL_ERROR, value, error);
}

gboolean
ferry_call_refuse (FerryCall *self, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));

  return end (self, FERRY_CALL_REFUSE, value, error);
}

/* The other end took the call back and forgot it: nothing is ever sent of it. */
void
ferry_call_drop (FerryCall *self)
{
  set_over (self);
}

/* ---- values on the way ---- */

guint
ferry_call_get_window (FerryCall *self)
{
  return atomic_load_explicit (&self->window, memory_order_relaxed);
}

/* The receiving thread. Returns FALSE when the window comes to more than it may. */
gboolean
ferry_call_add_window (FerryCall *self, guint n)
{
  guint32 window = atomic_load_explicit (&self->window, memory_order_relaxed);

  if ((self->flags & FERRY_CALL_STREAM) == 0)
    return FALSE;
  /* Relaxed, as all of the window's: it is a count and orders nothing. */
  do
    {
      if (n > FERRY_MAX_WINDOW - window)
        return FALSE;
    }
  while (!atomic_compare_exchange_weak_explicit (&self->window, &window, window + n, memory_order_relaxed,
                                                 memory_order_relaxed));
  return TRUE;
}

void
ferry_call_note_window (FerryCall *self)
{
  void (*func) (gpointer data);
  gpointer data;

  pthread_mutex_lock (&self->owner->lock);
  func = self->window_func;
  data = self->window_data;
  if (func != NULL)
    self->window_hold (data);
  pthread_mutex_unlock (&self->owner->lock);
  if (func != NULL)
    func (data);
}

void
ferry_call_set_window_func (FerryCall *self, void (*func) (gpointer data), void (*hold) (gpointer data), gpointer data)
{
  pthread_mutex_lock (&self->owner->lock);
  self->window_func = func;
  self->window_hold = hold;
  self->window_data = data;
  pthread_mutex_unlock (&self->owner->lock);
}

static gboolean
take_window (FerryCall *self, GError **error)
{
  guint32 window = atomic_load_explicit (&self->window, memory_order_relaxed);

  do
    {
      if (window == 0)
        {
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
                       "The window of the stream of “%s” is used up: wait until more is asked for",
                       ferry_call_method_in_words (self->method));
          return FALSE;
        }
    }
  while (!atomic_compare_exchange_weak_explicit (&self->window, &window, window - 1, memory_order_relaxed,
                                                 memory_order_relaxed));
  return TRUE;
}

static gboolean
send_value (FerryCall *self, const char *name, GVariant *value, GError **error)
{
  FerryCallMessage message;

  if (atomic_load_explicit (&self->state, memory_order_relaxed) == FERRY_CALL_OVER)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The call of “%s” was answered already",
                   ferry_call_method_in_words (self->method));
      return FALSE;
    }
  if (!ferry_call_message_check (name, value, error))
    return FALSE;
  ferry_call_message_init (&message, FERRY_CALL_ITEM, self->xid, name, value);
  return ferry_transactions_send (self->owner, &message, error);
}

gboolean
ferry_call_send_item (FerryCall *self, GVariant *value, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (value);

  if ((self->flags & FERRY_CALL_STREAM) == 0)
    return TRUE;
  if (!take_window (self, error))
    return FALSE;
  if (send_value (self, NULL, value, error))
    return TRUE;
  atomic_fetch_add_explicit (&self->window, 1, memory_order_relaxed);
  return FALSE;
}

gboolean
ferry_call_send_value (FerryCall *self, const char *name, GVariant *value, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (value);

  g_assert (name != NULL);
  if ((self->flags & FERRY_CALL_ONE_WAY) != 0)
    return TRUE;
  return send_value (self, name, value, error);
}
