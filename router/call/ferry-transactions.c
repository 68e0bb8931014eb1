/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transaction core: what this end asks, the calls that it is asked, and the messages of both.
 *
 * Asking:     a transaction is in the table from before its request is sent until whoever takes it out: receive() with
 *             its answer, forget(), close(), or ask() itself when it could not be sent. Who took it out calls done(),
 *             so it is called once.
 * Calls:      a call is in its owner's table until it is over, and found there by windows and cancels. One that is
 *             dropped unanswered lives on until its refusal is sent: so whoever asked always hears something, or the
 *             end of the link.
 * Threads:    any.
 * Locks:      send_lock before lock. Nothing is called with lock held; with send_lock held, the transport's send() is.
 * References: a call holds its transactions. The transactions know their open calls, but hold none, save those in
 *             unsent; they get at one by call_try_ref() under the lock, which the call's last unref takes too.
 * Trust:      none in the peer. What breaks a rule is FERRY_ERROR_PROTOCOL; what only comes too late is dropped.
 *
 * It is one file since one lock guards transactions and calls, they wait for room in one place, and what
 * ends the one ends the other. */

#include "config.h"

#include "call/ferry-transactions-private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-xid-table-private.h"

/* The largest answer where nobody says. */
#define DEFAULT_MAX_ANSWER (256 * 1024 * 1024)

struct _FerryTransactions
{
  _Atomic gint references;
  FerryTransportFuncs funcs; /* const, as the next three */
  gpointer transport;
  FerryRequestFunc request_func; /* (nullable) */
  gpointer request_data;

  /* Held while a request is numbered and sent, so that requests go out in the order of their numbers. */
  pthread_mutex_t send_lock;

  pthread_mutex_t lock;
  guint64 next_xid;     /* lock, as what follows */
  FerryXidTable asked;  /* funcs, data, window: items that the other end may still send; flags: FerryCallFlags */
  FerryXidTable calls;  /* data: the FerryCall (unowned) */
  FerryXidTable early;  /* flags: the reason of a cancel that came before its request */
  guint64 *early_ring;  /* (owned) (nullable): numbers that went into early, to drop the oldest */
  guint early_next;     /* place in it */
  guint64 highest_call; /* the highest number of a request that came */
  GQueue unsent;        /* (element-type FerryCall) (owned): dropped calls whose refusal was not taken yet */
  GQueue owed;          /* (element-type Owed) (owned): cancels and windows that were not taken yet */
  guint64 n_flushes;    /* how often something has had those two tried again */
  GError *reason;       /* lock to set, once: (owned) (nullable): set by close() */
  GHashTable *pieces;   /* (element-type guint64 GByteArray) (owned) (nullable): of answers, by their numbers */
  guint64 pieces_size;  /* bytes of those */
  guint64 max_answer;
  guint64 n_late;
  guint64 n_unknown;

  /* What each message looks at, lock to write. */
  _Atomic gboolean closed; /* reason is set */
  _Atomic gboolean has_unsent;
};

/* What the other end is to hear of a transaction, as soon as there is room. */
typedef struct
{
  guint64 xid;
  guint reason; /* of its cancel; 0: its window has grown */
} Owed;

typedef enum
{
  CALL_OPEN,
  CALL_ANSWERING, /* a thread is at it */
  CALL_OVER,
} CallState;

struct _FerryCall
{
  _Atomic gint references;
  FerryTransactions *owner; /* const: (owned), as the next five */
  guint64 xid;
  GVariant *arguments; /* (owned) (nullable) */
  gint64 deadline;
  FerryCallFlags flags;
  _Atomic guint32 state;                                /* a CallState */
  _Atomic guint32 window;                               /* items that may be sent */
  _Atomic guint32 cancelled;                            /* the owner's lock to write: a FerryCancelReason, or 0 */
  gsize n_sent;                                         /* of who answers: bytes of the value that went in pieces */
  void (*cancel_func) (FerryCall *call, gpointer data); /* the owner's lock: (nullable): not called yet */
  gpointer cancel_data;                                 /* the owner's lock */
  void (*window_func) (gpointer data);                  /* the owner's lock, as the next two: (nullable) */
  void (*window_hold) (gpointer data);
  gpointer window_data;
  gpointer attached; /* of the one thread that attaches, and of who frees the call */
  GDestroyNotify attached_destroy;
  char method[]; /* const */
};

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
  self->max_answer = DEFAULT_MAX_ANSWER;
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

static FerryTransactions *
ref (FerryTransactions *self)
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

static gboolean
is_closed (FerryTransactions *self)
{
  /* Acquire: pairs with ferry_transactions_close(); the reason is there then, for good. */
  return atomic_load_explicit (&self->closed, memory_order_acquire);
}

static gboolean
check_open (FerryTransactions *self, GError **error)
{
  if (!is_closed (self))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "Nothing can be sent any more: %s", self->reason->message);
  return FALSE;
}

/* any, without the lock */
static gboolean
send_message (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  return check_open (self, error) && self->funcs.send (self->transport, message, error);
}

/* any, without the lock */
static gboolean
send_message_in_buffer (FerryTransactions *self, const FerryCallMessage *message)
{
  return self->funcs.send_in_buffer != NULL && check_open (self, NULL) &&
         self->funcs.send_in_buffer (self->transport, message);
}

static gboolean
refuse (FerryTransactions *self, guint64 xid, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REFUSE, xid, NULL, value);
  return send_message (self, &message, error);
}

/* ---- what waits for room ---- */

static gboolean flush_refusals (FerryTransactions *self);

static void
note_unsent_locked (FerryTransactions *self)
{
  /* Relaxed: the lock is taken for what it tells of, and it is looked at again with the next message. */
  atomic_store_explicit (&self->has_unsent, self->unsent.length > 0 || self->owed.length > 0, memory_order_relaxed);
}

static guint64
get_n_flushes (FerryTransactions *self)
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
  note_unsent_locked (self);
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
  note_unsent_locked (self);
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
  if (send_message (self, &message, &failure))
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
  guint64 n_flushes = get_n_flushes (self);
  gboolean kept = FALSE;

  if (!send_or_owe (self, &owed, n, FALSE, &kept, error))
    return FALSE;
  /* Room that came between the two was used for what was owed by then. */
  if (kept && get_n_flushes (self) != n_flushes)
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
      gboolean sent = flush_owed (self) && flush_refusals (self);

      pthread_mutex_lock (&self->lock);
      again = !sent && self->n_flushes != n_flushes;
      n_flushes = self->n_flushes;
      pthread_mutex_unlock (&self->lock);
    }
  while (again);
}

/* ---- large answers, which come in pieces with other messages between them ---- */

/* Trust: none. Memory grows with what comes and not with what is announced; an answer, and all of them together, are
 * bounded. */

/* The pieces of an answer so far, or NULL. */
static GByteArray *
take_pieces_locked (FerryTransactions *self, guint64 xid)
{
  gpointer key;
  gpointer pieces;

  if (self->pieces == NULL || !g_hash_table_steal_extended (self->pieces, &xid, &key, &pieces))
    return NULL;
  g_free (key);
  self->pieces_size -= ((GByteArray *) pieces)->len;
  return pieces;
}

static void
drop_pieces_locked (FerryTransactions *self, guint64 xid)
{
  GByteArray *pieces = take_pieces_locked (self, xid);

  g_clear_pointer (&pieces, g_byte_array_unref);
}

static GByteArray *
find_pieces_locked (FerryTransactions *self, guint64 xid)
{
  GByteArray *pieces;

  if (self->pieces == NULL)
    self->pieces = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_byte_array_unref);
  pieces = g_hash_table_lookup (self->pieces, &xid);
  if (pieces != NULL)
    return pieces;
  pieces = g_byte_array_new ();
  g_hash_table_insert (self->pieces, g_memdup2 (&xid, sizeof xid), pieces);
  return pieces;
}

/* Returns why it cannot be. */
static const char *
add_piece_locked (FerryTransactions *self, const FerryCallMessage *message)
{
  guint64 size = (guint64) message->header.number;
  GByteArray *pieces;

  if (size > self->max_answer)
    return "is larger than this end takes";
  if (message->body_size > FERRY_MAX_LARGEST_ANSWERS * self->max_answer - self->pieces_size)
    return "comes beside too many that are as large";
  pieces = find_pieces_locked (self, message->header.xid);
  if (message->body_size >= size - MIN (pieces->len, size))
    return "has more pieces than it is long";
  g_byte_array_append (pieces, message->body, (guint) message->body_size);
  self->pieces_size += message->body_size;
  return NULL;
}

/* Of an answer that is wanted no more they are dropped. */
static gboolean
receive_piece (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  guint64 xid = message->header.xid;
  const char *fault = NULL;

  pthread_mutex_lock (&self->lock);
  if (ferry_xid_table_find (&self->asked, xid) != NULL)
    fault = add_piece_locked (self, message);
  pthread_mutex_unlock (&self->lock);
  if (fault == NULL)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The answer to transaction %" G_GUINT64_FORMAT " %s", xid,
               fault);
  return FALSE;
}

/* Whether an answer, which has the last of the value, goes with the pieces before it, or is not wanted any more. */
static gboolean
check_pieces (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  guint64 xid = message->header.xid;
  GByteArray *pieces;
  gboolean fits;

  pthread_mutex_lock (&self->lock);
  pieces = self->pieces != NULL ? g_hash_table_lookup (self->pieces, &xid) : NULL;
  fits = ferry_xid_table_find (&self->asked, xid) == NULL ||
         (pieces != NULL && (guint64) message->header.number == pieces->len + message->body_size);
  pthread_mutex_unlock (&self->lock);
  if (!fits)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "Transaction %" G_GUINT64_FORMAT " has an answer with a gap",
                 xid);
  return fits;
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
  drop_pieces_locked (self, xid);
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
  drop_pieces_locked (self, xid);
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

/* ---- a call: a request that this end was asked, from its coming to its answer ---- */

static FerryCall *
call_new (FerryTransactions *owner, const FerryCallMessage *message)
{
  gsize length = message->header.name_length;
  FerryCall *self = g_malloc0 (sizeof *self + length + 1);

  atomic_init (&self->references, 1);
  self->owner = ref (owner);
  self->xid = message->header.xid;
  self->arguments = ferry_call_message_dup_value (message);
  self->deadline = message->header.number;
  self->flags = message->header.flags;
  atomic_init (&self->state, CALL_OPEN);
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
static gboolean
call_try_ref (FerryCall *self)
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
call_leave_table_locked (FerryCall *self)
{
  FerryXidEntry *entry = ferry_xid_table_find (&self->owner->calls, self->xid);

  if (entry != NULL && entry->data == self)
    ferry_xid_table_remove (&self->owner->calls, self->xid, NULL);
}

/* any: nobody has it any more, nor finds it. */
static void
call_free (FerryCall *self)
{
  g_clear_pointer (&self->arguments, g_variant_unref);
  if (self->attached_destroy != NULL)
    self->attached_destroy (self->attached);
  ferry_transactions_unref (self->owner);
  g_free (self);
}

static void
call_set_over (FerryCall *self)
{
  pthread_mutex_lock (&self->owner->lock);
  /* Relaxed: whoever needs more than the word has the lock. */
  atomic_store_explicit (&self->state, CALL_OVER, memory_order_relaxed);
  self->cancel_func = NULL;
  call_leave_table_locked (self);
  pthread_mutex_unlock (&self->owner->lock);
}

/* Keeps a dropped call until its refusal is taken. Returns FALSE when nothing can be sent any more. */
static gboolean
call_keep_unsent (FerryCall *self, gboolean first)
{
  FerryTransactions *owner = self->owner;
  gboolean kept;

  pthread_mutex_lock (&owner->lock);
  kept = owner->reason == NULL;
  if (kept && first)
    g_queue_push_head (&owner->unsent, self);
  else if (kept)
    g_queue_push_tail (&owner->unsent, self);
  note_unsent_locked (owner);
  pthread_mutex_unlock (&owner->lock);
  return kept;
}

/* Returns FALSE when the transport has no room, and keeps the call then. */
static gboolean
call_send_refusal (FerryCall *self, gboolean first)
{
  g_autoptr (GError) reason =
    g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "The call of “%s” was dropped without an answer",
                 ferry_call_method_in_words (self->method));
  g_autoptr (GError) error = NULL;

  return refuse (self->owner, self->xid, reason, &error) ||
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) || !call_keep_unsent (self, first);
}

/* Takes the reference that the caller has. Returns FALSE when the transport has no room. Once nothing is sent any more,
 * a peer may have left thousands of them, and each is only forgotten. */
static gboolean
call_refuse_dropped (FerryCall *self, gboolean first)
{
  g_autoptr (FerryTransactions) owner = ref (self->owner);
  guint64 n_flushes = get_n_flushes (owner);

  if (!is_closed (owner) && !call_send_refusal (self, first))
    {
      /* Room that came between the two was used for what was kept by then. */
      if (!first && get_n_flushes (owner) != n_flushes)
        ferry_transactions_flush_unsent (owner);
      return FALSE;
    }
  call_set_over (self);
  ferry_call_unref (self);
  return TRUE;
}

/* any, without the lock. Returns FALSE when the transport has no room. */
static gboolean
flush_refusals (FerryTransactions *self)
{
  FerryCall *call;

  do
    {
      pthread_mutex_lock (&self->lock);
      call = g_queue_pop_head (&self->unsent);
      note_unsent_locked (self);
      pthread_mutex_unlock (&self->lock);
    }
  while (call != NULL && call_refuse_dropped (call, TRUE));
  return call == NULL;
}

void
ferry_call_unref (FerryCall *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that ends it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  /* Relaxed: nobody else changes the state of a call without references. */
  if (atomic_load_explicit (&self->state, memory_order_relaxed) == CALL_OPEN && (self->flags & FERRY_CALL_ONE_WAY) == 0)
    {
      /* One more life, with a state that keeps it from a third. A cancel would be told to somebody who is gone. */
      pthread_mutex_lock (&self->owner->lock);
      self->cancel_func = NULL;
      atomic_store_explicit (&self->state, CALL_ANSWERING, memory_order_relaxed);
      atomic_store_explicit (&self->references, 1, memory_order_relaxed);
      pthread_mutex_unlock (&self->owner->lock);
      /* The other end may be slow to take refusals; what it asked with is not kept for that long. */
      g_clear_pointer (&self->arguments, g_variant_unref);
      call_refuse_dropped (self, FALSE);
      return;
    }
  /* One that is over has left the table: whoever ended it, with a reference, saw to that. */
  if (atomic_load_explicit (&self->state, memory_order_relaxed) != CALL_OVER)
    {
      pthread_mutex_lock (&self->owner->lock);
      call_leave_table_locked (self);
      pthread_mutex_unlock (&self->owner->lock);
    }
  call_free (self);
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

/* ---- a call: cancelling ---- */

guint
ferry_call_get_cancelled (FerryCall *self)
{
  /* Relaxed: the word says all there is to say. */
  return atomic_load_explicit (&self->cancelled, memory_order_relaxed);
}

/* any, without the lock */
static void
call_cancel (FerryCall *self, FerryCancelReason reason)
{
  void (*func) (FerryCall * call, gpointer data) = NULL;
  gpointer data = NULL;

  pthread_mutex_lock (&self->owner->lock);
  if (atomic_load_explicit (&self->cancelled, memory_order_relaxed) == 0 &&
      atomic_load_explicit (&self->state, memory_order_relaxed) != CALL_OVER)
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

/* ---- a call: answering ---- */

/* Whole, or in pieces: others get a turn between two of them. Where there is no room in the middle, the next try goes
 * on there. */
static gboolean
call_send_large (FerryCall *self, const FerryCallMessage *answer, GError **error)
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
  if (self->n_sent == 0 && send_message_in_buffer (self->owner, answer))
    return TRUE;
  for (;;)
    {
      FerryCallMessage message = *answer;

      ferry_call_message_cut (&message, self->n_sent);
      if (!send_message (self->owner, &message, error))
        return FALSE;
      self->n_sent += message.body_size;
      if (message.header.kind == FERRY_CALL_ANSWER)
        return TRUE;
    }
}

static gboolean
call_send_end (FerryCall *self, FerryCallKind kind, GVariant *value, GError **error)
{
  FerryCallMessage message;

  if ((self->flags & FERRY_CALL_ONE_WAY) != 0)
    return TRUE;
  if (!ferry_call_message_check (NULL, value, error))
    return FALSE;
  ferry_call_message_init (&message, kind, self->xid, NULL, value);
  if (kind == FERRY_CALL_ANSWER && self->owner->funcs.in_pieces && message.body_size > FERRY_CALL_PIECE_SIZE)
    return call_send_large (self, &message, error);
  return send_message (self->owner, &message, error);
}

static gboolean
call_end (FerryCall *self, FerryCallKind kind, GVariant *value, GError **error)
{
  guint32 state = CALL_OPEN;
  /* Relaxed: this takes the right to answer, and hands nothing over. */
  gboolean is_first_answer = atomic_compare_exchange_strong_explicit (&self->state, &state, CALL_ANSWERING,
                                                                      memory_order_relaxed, memory_order_relaxed);

  if (!is_first_answer)
    {
      ferry_critical ("The call of “%s” was answered already; answer each call once",
                      ferry_call_method_in_words (self->method));
      return FALSE;
    }
  if (!call_send_end (self, kind, value, error))
    {
      atomic_store_explicit (&self->state, CALL_OPEN, memory_order_relaxed);
      return FALSE;
    }
  call_set_over (self);
  if (atomic_load_explicit (&self->owner->has_unsent, memory_order_relaxed))
    ferry_transactions_flush_unsent (self->owner);
  return TRUE;
}

/* result is (nullable). */
gboolean
ferry_call_answer (FerryCall *self, GVariant *result, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (result);

  return call_end (self, FERRY_CALL_ANSWER, result, error);
}

/* trace and notes are (nullable). */
gboolean
ferry_call_answer_error (FerryCall *self, const GError *failure, const char *trace, const char *const *notes,
                         GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (failure, trace, notes));

  return call_end (self, FERRY_CALL_ERROR, value, error);
}

gboolean
ferry_call_refuse (FerryCall *self, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));

  return call_end (self, FERRY_CALL_REFUSE, value, error);
}

/* The other end took the call back and forgot it: nothing is ever sent of it. */
void
ferry_call_drop (FerryCall *self)
{
  call_set_over (self);
}

/* ---- a call: values on the way ---- */

guint
ferry_call_get_window (FerryCall *self)
{
  return atomic_load_explicit (&self->window, memory_order_relaxed);
}

/* The receiving thread. Returns FALSE when the window comes to more than it may. */
static gboolean
call_add_window (FerryCall *self, guint n)
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

static void
call_note_window (FerryCall *self)
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
call_take_window (FerryCall *self, GError **error)
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
call_send_value (FerryCall *self, const char *name, GVariant *value, GError **error)
{
  FerryCallMessage message;

  if (atomic_load_explicit (&self->state, memory_order_relaxed) == CALL_OVER)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The call of “%s” was answered already",
                   ferry_call_method_in_words (self->method));
      return FALSE;
    }
  if (!ferry_call_message_check (name, value, error))
    return FALSE;
  ferry_call_message_init (&message, FERRY_CALL_ITEM, self->xid, name, value);
  return send_message (self->owner, &message, error);
}

gboolean
ferry_call_send_item (FerryCall *self, GVariant *value, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (value);

  if ((self->flags & FERRY_CALL_STREAM) == 0)
    return TRUE;
  if (!call_take_window (self, error))
    return FALSE;
  if (call_send_value (self, NULL, value, error))
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
  return call_send_value (self, name, value, error);
}

/* ---- receiving: answers and items for what this end asked ---- */

static void
count_orphan_locked (FerryTransactions *self, guint64 xid)
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
    *pieces = take_pieces_locked (self, xid);
  else
    count_orphan_locked (self, xid);
  pthread_mutex_unlock (&self->lock);
  return ours;
}

static gboolean
receive_answer (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  gboolean joined = message->header.kind == FERRY_CALL_ANSWER && message->header.number > 0;
  GByteArray *pieces = NULL;
  FerryXidEntry entry;

  if (joined && !check_pieces (self, message, error))
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
    count_orphan_locked (self, message->header.xid);
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

/* ---- receiving: requests, windows and cancels for what it is asked ---- */

/* What the other end gets where its request is not taken at all. */
static gboolean
turn_away (FerryTransactions *self, const FerryCallMessage *message, const char *why, GError **error)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, why);
  g_autoptr (GError) failure = NULL;

  if ((message->header.flags & FERRY_CALL_ONE_WAY) != 0 || refuse (self, message->header.xid, reason, &failure) ||
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
  FerryCall *call = call_new (self, message);
  g_autoptr (GError) failure = NULL;
  const char *why = NULL;

  if (admit (self, call, &why, &failure))
    {
      self->request_func (self, call, self->request_data);
      ferry_call_unref (call);
      return TRUE;
    }
  call_free (call);
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
  if (entry != NULL && call_try_ref (entry->data))
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

  if (call == NULL || call_add_window (call, (guint) message->header.number))
    {
      note_room (self);
      if (call != NULL)
        call_note_window (call);
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
    call_cancel (call, reason);
  note_room (self);
}

/* ---- receiving: any message ---- */

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
  if (is_closed (self))
    return TRUE;
  /* Relaxed: see note_unsent_locked(). */
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
      return check_begun (self, message, error) && receive_piece (self, message, error);
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

/* ---- the end ---- */

static GPtrArray *
ref_calls_locked (FerryTransactions *self)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_call_unref);

  for (guint i = 0; i < self->calls.n_slots; i++)
    {
      FerryXidEntry *entry = &self->calls.slots[i];

      if (entry->xid != 0 && call_try_ref (entry->data))
        g_ptr_array_add (calls, entry->data);
    }
  return calls;
}

void
ferry_transactions_close (FerryTransactions *self, const GError *reason)
{
  g_autoptr (FerryTransactions) kept G_GNUC_UNUSED = ref (self);
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
  /* Release: pairs with is_closed(). */
  atomic_store_explicit (&self->closed, TRUE, memory_order_release);
  asked = ferry_xid_table_steal_all (&self->asked);
  g_clear_pointer (&self->pieces, g_hash_table_unref);
  calls = ref_calls_locked (self);
  ferry_xid_table_clear (&self->early);
  pthread_mutex_unlock (&self->lock);

  /* Calls first: what works on them is to stop soon, and done() may take its time. */
  for (guint i = 0; i < calls->len; i++)
    call_cancel (g_ptr_array_index (calls, i), FERRY_CANCEL_REASON_CANCELLED);
  for (guint i = 0; i < asked->len; i++)
    {
      FerryXidEntry *entry = &g_array_index (asked, FerryXidEntry, i);
      g_autoptr (GError) copy = ferry_error_copy (self->reason);

      entry->funcs.done (entry->data, NULL, copy, NULL, FALSE);
    }
  ferry_transactions_flush_unsent (self);
}

/* ---- counts ---- */

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

FerryTransactionsKept
ferry_transactions_get_kept (FerryTransactions *self)
{
  FerryTransactionsKept kept;

  pthread_mutex_lock (&self->lock);
  kept = (FerryTransactionsKept){
    .n_calls = self->calls.n_entries,
    .n_early = self->early.n_entries,
    .n_unsent = self->unsent.length,
    .has_pieces = self->pieces != NULL,
    .pieces_size = self->pieces_size,
  };
  pthread_mutex_unlock (&self->lock);
  return kept;
}
