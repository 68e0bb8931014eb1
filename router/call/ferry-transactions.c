/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transaction core: the transactions that this end asks, the calls that it is asked, and the messages of both.
 *
 * Asking:     a transaction is in the table from before its request is sent. One function takes it out: receive() with
 *             its answer, forget(), abandon(), end(), close(), or ask() itself where the request was not sent. The same
 *             function calls done(), so done() is called once.
 * Calls:      a call is in its owner's table until it is over. Windows and cancels find it there. A call that is
 *             dropped unanswered lives until its refusal is sent. So the asking end always gets an answer, or the end
 *             of the link.
 * Threads:    any.
 * Locks:      send_lock before lock. Nothing is called with lock held. send() is called with send_lock held.
 * References: a call holds its transactions. The transactions hold only the dropped calls in owed. They refer to the
 *             other open calls by call_try_ref() under the lock, which the call's last unref takes too.
 * Trust:      none in the peer. A broken rule is FERRY_ERROR_PROTOCOL. A message that only comes too late is dropped.
 *
 * It is one file since transactions and calls have one lock, one queue of messages that wait for room, and one end. */

#include "config.h"

#include "call/ferry-transactions-private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-xid-table-private.h"

/* The largest answer by default. */
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
  GQueue owed;          /* (element-type Owed) (owned): messages that wait for room */
  guint n_dropped;      /* dropped calls in owed */
  GError *reason;       /* lock to set, once: (owned) (nullable): set by close() */
  GHashTable *pieces;   /* (element-type guint64 GByteArray) (owned) (nullable): of answers, by their numbers */
  guint64 pieces_size;  /* bytes of those */
  guint64 max_answer;
  guint64 n_late;
  guint64 n_unknown;

  /* Lock to write; each message reads them without. */
  _Atomic gboolean closed; /* reason is set */
  _Atomic gboolean has_owed;

  _Atomic guint64 n_flushes; /* how often owed was tried again */
};

/* A message that waits for room: a cancel, a window that has grown, or the refusal of a dropped call. */
typedef struct
{
  guint64 xid;     /* 0 for a refusal */
  guint reason;    /* of a cancel, or 0 */
  FerryCall *call; /* (owned) (nullable): the dropped call */
} Owed;

typedef enum
{
  CALL_OPEN,
  CALL_ANSWERING, /* a thread sends the answer */
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
  gsize n_sent;                                         /* of the answering thread: bytes that went in pieces */
  void (*cancel_func) (FerryCall *call, gpointer data); /* the owner's lock: (nullable): not called yet */
  gpointer cancel_data;                                 /* the owner's lock */
  void (*window_func) (gpointer data);                  /* the owner's lock, as the next two: (nullable) */
  void (*window_hold) (gpointer data);
  gpointer window_data;
  gpointer attached; /* of the one thread that attaches, then of the one that frees the call */
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
  g_queue_init (&self->owed);
  return self;
}

void
ferry_transactions_set_first_xid (FerryTransactions *self, guint64 first)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->next_xid = first;
}

void
ferry_transactions_set_max_answer (FerryTransactions *self, guint64 max_answer)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->max_answer = MIN (max_answer, G_MAXUINT / 2);
}

static FerryTransactions *
ref (FerryTransactions *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_transactions_unref (FerryTransactions *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  /* Every open call holds a reference. */
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
  /* Acquire: pairs with ferry_transactions_close(), which has set the reason for good. */
  return atomic_load_explicit (&self->closed, memory_order_acquire);
}

static gboolean
check_open (FerryTransactions *self, GError **error)
{
  return !is_closed (self) ||
         ferry_set_error (error, FERRY_ERROR_CLOSED, "Nothing can be sent any more: %s", self->reason->message);
}

/* any, without the lock */
static gboolean
send_message (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  return check_open (self, error) && self->funcs.send (self->transport, message, error);
}

static gboolean
refuse (FerryTransactions *self, guint64 xid, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REFUSE, xid, NULL, value);
  return send_message (self, &message, error);
}

/* ---- messages that wait for room ---- */

static void
note_owed_locked (FerryTransactions *self)
{
  /* Relaxed: the lock guards the queue, and the next message reads the flag again. */
  atomic_store_explicit (&self->has_owed, self->owed.length > 0, memory_order_relaxed);
}

/* Returns whether it is to be queued. One cancel of a transaction is enough. Windows add up; the window of a
 * transaction that is over is not needed. */
static gboolean
merge_owed_locked (FerryTransactions *self, const Owed *owed, guint n)
{
  FerryXidEntry *entry = ferry_xid_table_find (&self->asked, owed->xid);
  gboolean is_new;

  if (entry == NULL)
    return owed->reason != 0 || owed->call != NULL;
  is_new = owed->reason != 0 ? !entry->cancel_owed : entry->owed == 0;
  if (owed->reason != 0)
    entry->cancel_owed = TRUE;
  entry->owed += n;
  entry->window -= MIN (n, entry->window);
  return is_new;
}

/* Returns FALSE after close(). */
static gboolean
owe (FerryTransactions *self, const Owed *owed, guint n, gboolean first)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->reason != NULL)
    return FALSE;
  if (merge_owed_locked (self, owed, n))
    {
      g_queue_push_nth (&self->owed, g_memdup2 (owed, sizeof *owed), first ? 0 : -1);
      self->n_dropped += owed->call != NULL;
      note_owed_locked (self);
    }
  return TRUE;
}

/* Returns FALSE when there is nothing. n: how much a window has grown, 0 where its transaction is over. */
static gboolean
take_owed (FerryTransactions *self, Owed *owed, guint *n)
{
  g_autofree Owed *taken = NULL;
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&self->lock);

  taken = g_queue_pop_head (&self->owed);
  note_owed_locked (self);
  *n = 0;
  if (taken == NULL)
    return FALSE;
  *owed = *taken;
  self->n_dropped -= owed->call != NULL;
  entry = ferry_xid_table_find (&self->asked, taken->xid);
  if (entry != NULL && taken->reason != 0)
    entry->cancel_owed = FALSE;
  else if (entry != NULL)
    {
      *n = entry->owed;
      entry->window += entry->owed;
      entry->owed = 0;
    }
  return TRUE;
}

static gboolean
send_owed (FerryTransactions *self, const Owed *owed, guint n, GError **error)
{
  g_autoptr (GError) reason = NULL;
  FerryCallMessage message;

  /* First: after the end, a peer may leave thousands of calls. */
  if (!check_open (self, error))
    return FALSE;
  if (owed->call != NULL)
    {
      reason = g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "The call of “%s” was dropped without an answer",
                            ferry_call_method_in_words (owed->call->method));
      return refuse (self, owed->call->xid, reason, error);
    }
  ferry_call_message_init (&message, owed->reason != 0 ? FERRY_CALL_CANCEL : FERRY_CALL_WINDOW, owed->xid, NULL, NULL);
  message.header.number = owed->reason != 0 ? owed->reason : n;
  return send_message (self, &message, error);
}

/* Takes owed's call. Returns FALSE with an error where it can never be sent. Sets kept where it waits for room. */
static gboolean
send_or_owe (FerryTransactions *self, const Owed *owed, guint n, gboolean first, gboolean *kept, GError **error)
{
  g_autoptr (GError) failure = NULL;
  gboolean sent = send_owed (self, owed, n, &failure);
  gboolean has_room = !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);

  *kept = !has_room && owe (self, owed, n, first);
  if (!*kept && owed->call != NULL)
    {
      ferry_call_drop (owed->call);
      ferry_call_unref (owed->call);
    }
  if (sent || !has_room)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* any: sends the message now, or as soon as there is room. Takes owed's call. Returns FALSE with an error where it can
 * never be sent. */
static gboolean
tell (FerryTransactions *self, const Owed *owed, guint n, GError **error)
{
  guint64 n_flushes = atomic_load (&self->n_flushes);
  gboolean kept = FALSE;

  if (!send_or_owe (self, owed, n, FALSE, &kept, error))
    return FALSE;
  /* A flush in the meantime did not see it. */
  if (kept && atomic_load (&self->n_flushes) != n_flushes)
    ferry_transactions_flush_owed (self);
  return TRUE;
}

/* Returns FALSE when the transport has no room. */
static gboolean
flush_once (FerryTransactions *self)
{
  gboolean kept = FALSE;
  Owed owed;
  guint n;

  while (!kept && take_owed (self, &owed, &n))
    if (owed.call != NULL || owed.reason != 0 || n > 0)
      send_or_owe (self, &owed, n, TRUE, &kept, NULL);
  return !kept;
}

/* any, without the lock. The count tells of room that comes meanwhile, on a thread that finds nothing to send. */
void
ferry_transactions_flush_owed (FerryTransactions *self)
{
  guint64 before;

  atomic_fetch_add (&self->n_flushes, 1);
  do
    before = atomic_load (&self->n_flushes);
  while (!flush_once (self) && atomic_load (&self->n_flushes) != before);
}

/* ---- large answers, which come in pieces with other messages between them ---- */

/* Trust: none. Memory grows with the bytes that came, not with the announced size. The size of one answer is bounded,
 * and the size of all of them together. */

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

/* Returns NULL, or why it breaks a rule. */
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

/* Drops the pieces of an answer that is not wanted any more. */
static gboolean
receive_piece (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  guint64 xid = message->header.xid;
  const char *fault;
  FERRY_AUTO_LOCK (&self->lock);

  fault = ferry_xid_table_find (&self->asked, xid) != NULL ? add_piece_locked (self, message) : NULL;
  return fault == NULL || ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                                           "The answer to transaction %" G_GUINT64_FORMAT " %s", xid, fault);
}

/* Whether an answer, which has the end of the value, fits the pieces before it, or is not wanted any more. */
static gboolean
check_pieces (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  guint64 xid = message->header.xid;
  GByteArray *pieces;
  FERRY_AUTO_LOCK (&self->lock);

  pieces = self->pieces != NULL ? g_hash_table_lookup (self->pieces, &xid) : NULL;
  return ferry_xid_table_find (&self->asked, xid) == NULL ||
         (pieces != NULL && (guint64) message->header.number == pieces->len + message->body_size) ||
         ferry_set_error (error, FERRY_ERROR_PROTOCOL, "Transaction %" G_GUINT64_FORMAT " has an answer with a gap",
                          xid);
}

/* ---- asking ---- */

/* Numbers the transaction and puts it where its answer finds it. send_lock is held. */
static guint64
begin (FerryTransactions *self, const FerryRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
       GError **error)
{
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&self->lock);

  if (!check_open (self, error))
    return 0;
  if ((request->flags & FERRY_CALL_ONE_WAY) == 0)
    {
      entry = ferry_xid_table_add (&self->asked, self->next_xid);
      entry->funcs = *funcs;
      entry->data = data;
      entry->window = request->window;
      entry->flags = request->flags;
    }
  return self->next_xid++;
}

/* Undoes begin(). Returns FALSE where close() came in between, and the transaction is done. */
static gboolean
take_back (FerryTransactions *self, guint64 xid, FerryCallFlags flags)
{
  FERRY_AUTO_LOCK (&self->lock);

  if ((flags & FERRY_CALL_ONE_WAY) == 0 && !ferry_xid_table_remove (&self->asked, xid, NULL))
    return FALSE;
  /* The next request has this number: it was not sent, and is the latest while send_lock is held. */
  self->next_xid = xid;
  return TRUE;
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
  /* Serialises the arguments, and so comes before the lock. */
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
  FERRY_AUTO_LOCK (&self->lock);
  return ferry_xid_table_find (&self->asked, xid) != NULL;
}

static void
send_cancel (FerryTransactions *self, guint64 xid, FerryCancelReason reason)
{
  g_autoptr (GError) error = NULL;

  /* Where the express way is closed or full, the cancel is sent behind the other messages. */
  if (self->funcs.cancel != NULL && self->funcs.cancel (self->transport, xid, reason, NULL))
    return;
  if (!tell (self, &(Owed){.xid = xid, .reason = reason}, 0, &error))
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

static gboolean
take_out (FerryTransactions *self, guint64 xid, FerryXidEntry *entry)
{
  FERRY_AUTO_LOCK (&self->lock);
  drop_pieces_locked (self, xid);
  return ferry_xid_table_remove (&self->asked, xid, entry);
}

gboolean
ferry_transactions_forget (FerryTransactions *self, guint64 xid)
{
  return take_out (self, xid, NULL);
}

gpointer
ferry_transactions_abandon (FerryTransactions *self, guint64 xid, FerryCancelReason reason)
{
  FerryXidEntry entry = {.data = NULL};

  if (take_out (self, xid, &entry) && !entry.cancel_owed)
    send_cancel (self, xid, reason);
  return entry.data;
}

gboolean
ferry_transactions_end (FerryTransactions *self, guint64 xid, FerryCancelReason reason, const GError *error)
{
  g_autoptr (GError) copy = NULL;
  FerryXidEntry entry;

  if (!take_out (self, xid, &entry))
    return FALSE;
  if (!entry.cancel_owed)
    send_cancel (self, xid, reason);
  copy = ferry_error_copy (error);
  entry.funcs.done (entry.data, NULL, copy, NULL, FALSE);
  return TRUE;
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

/* The window grows here before it is sent, so it is never smaller than the other end's. A growth that waits for room
 * counts as owed, so it is not larger for long either. */
static gboolean
grow_window (FerryTransactions *self, guint64 xid, guint n, GError **error)
{
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&self->lock);

  entry = ferry_xid_table_find (&self->asked, xid);
  if (entry == NULL || (entry->flags & FERRY_CALL_STREAM) == 0)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "Transaction %" G_GUINT64_FORMAT " has no stream any more", xid);
  if (n > FERRY_MAX_WINDOW - entry->window - entry->owed)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The window of a stream has %d items at the most: add to it as items come",
                            FERRY_MAX_WINDOW);
  entry->window += n;
  return TRUE;
}

gboolean
ferry_transactions_add_window (FerryTransactions *self, guint64 xid, guint n, GError **error)
{
  FerryXidEntry *entry;

  g_return_val_if_fail (n > 0, FALSE);

  if (!grow_window (self, xid, n, error))
    return FALSE;
  if (tell (self, &(Owed){.xid = xid}, n, error))
    return TRUE;
  FERRY_AUTO_LOCK (&self->lock);
  entry = ferry_xid_table_find (&self->asked, xid);
  if (entry != NULL)
    entry->window -= MIN (n, entry->window);
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
  ferry_ref_count_inc (&self->references);
  return self;
}

/* The owner's lock is held. The call is in the table, so it is not freed, but its last reference may be gone. */
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

/* Takes the call out of the table, where the other end may have begun another one of the same number. */
static void
call_leave_table_locked (FerryCall *self)
{
  FerryXidEntry *entry = ferry_xid_table_find (&self->owner->calls, self->xid);

  if (entry != NULL && entry->data == self)
    ferry_xid_table_remove (&self->owner->calls, self->xid, NULL);
}

/* any: without references, and out of the table. */
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
  FERRY_AUTO_LOCK (&self->owner->lock);
  /* Relaxed: the lock guards all that the state tells of. */
  atomic_store_explicit (&self->state, CALL_OVER, memory_order_relaxed);
  self->cancel_func = NULL;
  call_leave_table_locked (self);
}

void
ferry_call_unref (FerryCall *self)
{
  g_autoptr (FerryTransactions) owner = NULL;

  if (!ferry_ref_count_dec (&self->references))
    return;
  /* Relaxed: only a thread with a reference changes the state. */
  if (atomic_load_explicit (&self->state, memory_order_relaxed) == CALL_OPEN && (self->flags & FERRY_CALL_ONE_WAY) == 0)
    {
      /* The reference is for the refusal. The state keeps the next unref from doing this again. */
      pthread_mutex_lock (&self->owner->lock);
      self->cancel_func = NULL;
      atomic_store_explicit (&self->state, CALL_ANSWERING, memory_order_relaxed);
      atomic_store_explicit (&self->references, 1, memory_order_relaxed);
      pthread_mutex_unlock (&self->owner->lock);
      /* The other end may be slow to take refusals, and the arguments may be large. */
      g_clear_pointer (&self->arguments, g_variant_unref);
      owner = ref (self->owner);
      tell (owner, &(Owed){.call = self}, 0, NULL);
      return;
    }
  /* A call that is over has left the table already. */
  if (atomic_load_explicit (&self->state, memory_order_relaxed) != CALL_OVER)
    call_set_over (self);
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
  /* Relaxed: no other memory goes with the word. */
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

gpointer
ferry_call_get_attached (FerryCall *self)
{
  return self->attached;
}

/* ---- a call: answering ---- */

/* Whole, or in pieces, with messages of other calls between them. Where there is no room in the middle, the next try
 * goes on there. */
static gboolean
call_send_large (FerryCall *self, const FerryCallMessage *answer, GError **error)
{
  FerryTransactions *owner = self->owner;
  guint64 max_answer;

  pthread_mutex_lock (&owner->lock);
  max_answer = owner->max_answer;
  pthread_mutex_unlock (&owner->lock);
  if (answer->body_size > max_answer)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The answer to “%s” has %" G_GSIZE_FORMAT
                            " bytes, and the transport takes %" G_GUINT64_FORMAT
                            "; send it as items of a stream, or raise max-message-size",
                            ferry_call_method_in_words (self->method), answer->body_size, max_answer);
  if (self->n_sent == 0 && owner->funcs.send_in_buffer != NULL && !is_closed (owner) &&
      owner->funcs.send_in_buffer (owner->transport, answer))
    return TRUE;
  for (;;)
    {
      FerryCallMessage message = *answer;

      ferry_call_message_cut (&message, self->n_sent);
      if (!send_message (owner, &message, error))
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

  /* Relaxed: it takes the right to answer, and publishes no other memory. */
  if (!atomic_compare_exchange_strong_explicit (&self->state, &state, CALL_ANSWERING, memory_order_relaxed,
                                                memory_order_relaxed))
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
  if (atomic_load_explicit (&self->owner->has_owed, memory_order_relaxed))
    ferry_transactions_flush_owed (self->owner);
  return TRUE;
}

gboolean
ferry_call_answer (FerryCall *self, GVariant *result, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (result);

  return call_end (self, FERRY_CALL_ANSWER, result, error);
}

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

/* The receiving thread. Returns FALSE where the window would be too large, or there is no stream. */
static gboolean
call_add_window (FerryCall *self, guint n)
{
  guint32 window = atomic_load_explicit (&self->window, memory_order_relaxed);

  if ((self->flags & FERRY_CALL_STREAM) == 0)
    return FALSE;
  /* Relaxed, as all accesses to the window: it is a count and orders nothing. */
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
  FERRY_AUTO_LOCK (&self->owner->lock);
  self->window_func = func;
  self->window_hold = hold;
  self->window_data = data;
}

static gboolean
call_take_window (FerryCall *self, GError **error)
{
  guint32 window = atomic_load_explicit (&self->window, memory_order_relaxed);

  do
    {
      if (window == 0)
        return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                                "The window of the stream of “%s” is used up: wait until more is asked for",
                                ferry_call_method_in_words (self->method));
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
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The call of “%s” was answered already",
                            ferry_call_method_in_words (self->method));
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

/* Takes pieces, which is NULL where the value came whole. Where the joined value breaks a rule, calls done() with that
 * error, and returns FALSE. */
static gboolean
hand_over_answer (FerryTransactions *self, const FerryXidEntry *entry, const FerryCallMessage *message,
                  GByteArray *pieces, GError **broken)
{
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
  if (entry->funcs.done_in_run == NULL)
    end_run (self);
  (entry->funcs.done_in_run != NULL ? entry->funcs.done_in_run : entry->funcs.done) (
    entry->data, value, error, trace, message->header.kind == FERRY_CALL_REFUSE);
  return is_good;
}

/* Takes the transaction out, with the pieces of its answer. Returns FALSE where it is not in the table. */
static gboolean
take_asked (FerryTransactions *self, guint64 xid, FerryXidEntry *entry, GByteArray **pieces)
{
  gboolean found;
  FERRY_AUTO_LOCK (&self->lock);

  found = ferry_xid_table_remove (&self->asked, xid, entry);
  if (found)
    *pieces = take_pieces_locked (self, xid);
  else
    count_orphan_locked (self, xid);
  return found;
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
  /* An error, or a whole answer, has no use for pieces. */
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
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
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
  return TRUE;
}

/* ---- receiving: requests, windows and cancels for what it is asked ---- */

/* Refuses a request that becomes no call. */
static gboolean
refuse_request (FerryTransactions *self, const FerryCallMessage *message, const char *why, GError **error)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, why);
  g_autoptr (GError) failure = NULL;

  if ((message->header.flags & FERRY_CALL_ONE_WAY) != 0 || refuse (self, message->header.xid, reason, &failure) ||
      !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return TRUE;
  /* To keep such refusals for later would need memory without bound. */
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "More is asked than can be refused: %s", why);
}

/* Puts the call into the table. Returns FALSE with an error, or with why it is to be refused. */
static gboolean
admit (FerryTransactions *self, FerryCall *call, const char **why, GError **error)
{
  FerryXidEntry early;
  FERRY_AUTO_LOCK (&self->lock);

  self->highest_call = MAX (self->highest_call, call->xid);
  if (ferry_xid_table_find (&self->calls, call->xid) != NULL)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "Transaction %" G_GUINT64_FORMAT " is asked twice", call->xid);
  if (self->calls.n_entries >= FERRY_MAX_OPEN_CALLS)
    *why = "Too many calls are open: wait for answers first";
  else if (self->request_func == NULL)
    *why = "This end takes no calls";
  if (*why != NULL)
    return FALSE;
  ferry_xid_table_add (&self->calls, call->xid)->data = call;
  /* Relaxed: no other thread has the call yet. */
  if (ferry_xid_table_remove (&self->early, call->xid, &early))
    atomic_store_explicit (&call->cancelled, early.flags, memory_order_relaxed);
  return TRUE;
}

static gboolean
receive_request (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  FerryCall *call = call_new (self, message);
  const char *why = NULL;

  if (admit (self, call, &why, error))
    {
      self->request_func (self, call, self->request_data);
      ferry_call_unref (call);
      return TRUE;
    }
  call_free (call);
  return why != NULL && refuse_request (self, message, why, error);
}

static FerryCall *
find_call (FerryTransactions *self, guint64 xid)
{
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&self->lock);

  entry = ferry_xid_table_find (&self->calls, xid);
  return entry != NULL && call_try_ref (entry->data) ? entry->data : NULL;
}

static void
note_room (FerryTransactions *self)
{
  if (self->funcs.note_room != NULL)
    self->funcs.note_room (self->transport);
}

/* A window for a call that is over is late, which is no fault. */
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
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "Transaction %" G_GUINT64_FORMAT " has an impossible window",
                          message->header.xid);
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

  /* A reason that only a later version knows is a cancel nevertheless. */
  if (reason != FERRY_CANCEL_REASON_DEADLINE)
    reason = FERRY_CANCEL_REASON_CANCELLED;
  pthread_mutex_lock (&self->lock);
  if (xid > self->highest_call && self->reason == NULL)
    remember_early_locked (self, xid, reason);
  pthread_mutex_unlock (&self->lock);
  call = find_call (self, xid);
  if (call != NULL)
    call_cancel (call, reason);
  note_room (self);
}

/* ---- receiving: any message ---- */

/* A message of a transaction that is over is dropped later, begun or not. */
static gboolean
check_begun (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  const guint64 xid = message->header.xid;

  if (self->funcs.is_begun == NULL || message->header.kind == FERRY_CALL_REFUSE ||
      self->funcs.is_begun (self->transport, xid) || !is_asked (self, xid))
    return TRUE;
  self->funcs.note_unclaimed (self->transport, xid);
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "Transaction %" G_GUINT64_FORMAT " has an %s, and was not claimed; a worker must claim a "
                          "call before it begins it",
                          xid, message->header.kind == FERRY_CALL_ITEM ? "item" : "answer");
}

/* A message that was parsed. */
static gboolean
receive (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  if (is_closed (self))
    return TRUE;
  /* Relaxed: see note_owed_locked(). */
  if (atomic_load_explicit (&self->has_owed, memory_order_relaxed))
    ferry_transactions_flush_owed (self);

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

  /* Calls first: they are to stop soon, and done() may take its time. */
  for (guint i = 0; i < calls->len; i++)
    call_cancel (g_ptr_array_index (calls, i), FERRY_CANCEL_REASON_CANCELLED);
  for (guint i = 0; i < asked->len; i++)
    {
      FerryXidEntry *entry = &g_array_index (asked, FerryXidEntry, i);
      g_autoptr (GError) copy = ferry_error_copy (self->reason);

      entry->funcs.done (entry->data, NULL, copy, NULL, FALSE);
    }
  ferry_transactions_flush_owed (self);
}

/* ---- counts ---- */

FerryTransactionsCounts
ferry_transactions_get_counts (FerryTransactions *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return (FerryTransactionsCounts){
    .n_asked = self->asked.n_entries,
    .n_late = self->n_late,
    .n_unknown = self->n_unknown,
    .n_calls = self->calls.n_entries,
    .n_early = self->early.n_entries,
    .n_unsent = self->n_dropped,
    .has_pieces = self->pieces != NULL,
    .pieces_size = self->pieces_size,
  };
}
