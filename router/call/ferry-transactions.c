/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transaction core: the transactions that this end asks, the calls that this end answers, and the messages of
 * both.
 *
 * Asking:     a transaction is added to the table before its request is sent. One function removes it:
 *             ferry_transactions_receive() with the answer, _forget(), _abandon(), _end() or _close(), or _ask()
 *             itself if the request was not sent. The function that removes a transaction also calls done() if
 *             done() is to be called, so done() is called at most once.
 * Calls:      a call is in its owner's table until it is over; windows and cancels find it there. A call that is
 *             dropped without an answer stays until its refusal is sent. So the asking end always gets an answer,
 *             or the end of the link.
 * Locks:      send_lock is taken before lock. No callback is called with lock held, except hold(), window_hold()
 *             and match(). send() may be called with send_lock held.
 * References: a call holds a reference to its transactions. The transactions hold references only to the dropped
 *             calls in owed. They refer to other open calls by call_try_ref() under the lock, which the call's last
 *             unref takes too.
 *
 * It is one file since transactions and calls share one lock, one queue of messages that wait for room, and
 * one close function. */

#include "config.h"

#include "call/ferry-transactions-private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-forks-private.h"
#include "call/ferry-xid-table-private.h"
#include "wire/ferry-reserved-name-private.h"

/* The largest arguments in bytes that lie in the memory of their call. Larger ones have memory of their own, which is
 * freed early: a call that was dropped may wait long until its refusal is sent. */
#define MAX_OWN_SIZE 1024

/* The default size in bytes of the largest answer. */
#define DEFAULT_MAX_ANSWER (256 * 1024 * 1024)

struct _FerryTransactions
{
  _Atomic gint references;
  const FerryCarrierFuncs *funcs; /* const, as the fields down to fork_number */
  gpointer carrier;
  FerryRequestFunc request_func; /* (nullable) */
  gpointer request_data;
  gsize piece_size;     /* a larger answer goes in pieces */
  gsize max_open_bytes; /* of the arguments of open calls */
  guint fork_number;    /* see ferry-forks-private.h */
  guint64 unclaimed;    /* receiving thread: see ferry_transactions_get_unclaimed() */

  /* Held while a request is numbered and sent, so that requests are sent in the order of their numbers. */
  pthread_mutex_t send_lock;

  pthread_mutex_t lock;
  guint64 next_xid;    /* lock: this and all fields below, down to n_unknown */
  FerryXidTable asked; /* transactions; window: items that the other end may still send; flags: FerryCallFlags */
  FerryXidTable calls; /* data: the FerryCall (unowned) */
  gsize calls_size;    /* the bytes of the arguments of all calls in the table */
  FerryXidTable early; /* flags: the reason of a cancel that arrived before its request */
  guint64 *early_ring; /* (owned) (nullable): the numbers that were added to early, so that the oldest can be removed */
  guint early_next;    /* the index in early_ring of the next number */
  guint64 highest_call; /* the highest number of a request that arrived */
  GQueue owed;          /* (element-type Owed) (owned): what waits for room */
  guint n_dropped;      /* how many dropped calls and sends owed contains */
  GError *reason;       /* (owned) (nullable): set once by ferry_transactions_close(), with the lock held */
  guint64 pieces_size;  /* the size in bytes of the pieces of all entries of asked */
  guint64 max_answer;
  guint64 n_late;
  guint64 n_unknown;
  gboolean owed_busy;      /* lock, as the fields down to kept_size: a thread sends a message that it took from owed */
  gboolean standing_asked; /* this end has asked the standing call */
  gboolean standing;       /* and has processed what had come for it before */
  gboolean standing_any_thread;
  GQueue kept; /* (element-type GBytes) (owned): that */
  gsize kept_size;

  /* The next three are written with the lock held. Each message reads them without it. */
  _Atomic gboolean closed; /* reason is set */
  _Atomic gboolean has_owed;

  /* Grows when there may be room. All accesses to it are sequentially consistent: if one thread makes room while
   * another one keeps a message, at least one of the two sees what the other did. */
  _Atomic guint64 room_count;
  FerryWaitQueue room; /* any: the threads that wait for room */
};

/* What waits for room: a cancel, a window that has grown, the refusal of a dropped call, or a send that has failed. */
typedef struct
{
  guint64 xid;        /* the transaction of a cancel or of a window, else 0 */
  guint reason;       /* the reason of a cancel, or 0 */
  guint n;            /* how much a window has grown whose transaction has ended, else 0 */
  FerryCall *call;    /* (owned) (nullable): the dropped call */
  FerrySendFunc func; /* (nullable): tries the send again, with data */
  gpointer data;
} Owed;

typedef enum
{
  CALL_OPEN,
  CALL_ANSWERING, /* a thread is sending the answer */
  CALL_OVER,
} CallState;

struct _FerryCall
{
  _Atomic gint references;
  FerryTransactions *owner; /* const: (owned): this and the next four fields are const */
  guint64 xid;
  gint64 deadline;
  FerryCallFlags flags;
  const char *type; /* const: (nullable): the type of the arguments, in the call's memory; NULL for none */
  FerryBody body; /* const until the call is dropped: the serialised arguments; whole: (owned) (nullable): NULL if they
                     lie in the call's memory */
  _Atomic (GVariant *) arguments; /* (owned) (nullable): set once, when the arguments are wanted as a value */
  _Atomic guint32 state;          /* a CallState */
  _Atomic guint32 window;         /* how many more items may be sent */
  _Atomic guint32 cancelled; /* a FerryCancelReason, or 0; written with the lock of owner, the transactions, held */
  gsize n_sent;              /* used by the answering thread: bytes of the answer that were sent in pieces */
  void (*cancel_func) (FerryCall *call, gpointer data); /* the owner's lock: (nullable): NULL after it was called */
  gpointer cancel_data;                                 /* the owner's lock */
  void (*window_func) (gpointer data); /* the owner's lock, as window_hold and window_data: (nullable) */
  void (*window_hold) (gpointer data);
  gpointer window_data;
  gpointer attached; /* used by the one thread that attaches, then by the one that frees the call */
  GDestroyNotify attached_destroy;
  const char *method; /* const: in the call's memory */
  _Alignas(max_align_t) guint8 space[FERRY_CALL_SPACE];
  guint8 memory[]; /* const: the arguments, the method and the type */
};

FerryTransactions *
ferry_transactions_new (const FerryCarrierFuncs *funcs, gpointer carrier, FerryRequestFunc request_func,
                        gpointer request_data)
{
  FerryTransactions *self = g_new0 (FerryTransactions, 1);

  atomic_init (&self->references, 1);
  self->funcs = funcs;
  self->carrier = carrier;
  self->request_func = request_func;
  self->request_data = request_data;
  self->fork_number = ferry_forks_note ();
  self->piece_size = FERRY_CALL_PIECE_SIZE;
  self->max_open_bytes = FERRY_MAX_OPEN_CALL_BYTES;
  ferry_wait_queue_init (&self->room);
  pthread_mutex_init (&self->send_lock, NULL);
  pthread_mutex_init (&self->lock, NULL);
  self->next_xid = 1;
  self->max_answer = DEFAULT_MAX_ANSWER;
  g_queue_init (&self->owed);
  g_queue_init (&self->kept);
  return self;
}

void
ferry_transactions_set_carrier (FerryTransactions *self, const FerryCarrierFuncs *funcs, gpointer carrier)
{
  self->funcs = funcs;
  self->carrier = carrier;
}

void
ferry_transactions_set_unbounded (FerryTransactions *self)
{
  self->piece_size = G_MAXSIZE;
  self->max_open_bytes = G_MAXSIZE;
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
  /* Each open call holds a reference to self, so there is none here. */
  g_assert (self->calls.n_entries == 0);
  if (self->funcs->free != NULL)
    self->funcs->free (self->carrier);
  ferry_wait_queue_clear (&self->room);
  g_array_unref (ferry_xid_table_steal_all (&self->asked));
  ferry_xid_table_clear (&self->calls);
  ferry_xid_table_clear (&self->early);
  g_free (self->early_ring);
  g_queue_clear_full (&self->owed, g_free);
  g_queue_clear_full (&self->kept, (GDestroyNotify) g_bytes_unref);
  g_clear_error (&self->reason);
  pthread_mutex_destroy (&self->lock);
  pthread_mutex_destroy (&self->send_lock);
  g_free (self);
}

gboolean
ferry_transactions_check_owner (FerryTransactions *self, GError **error)
{
  return !ferry_forks_is_inherited (self->fork_number) ||
         ferry_set_error (error, FERRY_ERROR_CLOSED,
                          "This process was forked from the one that has the transport, and cannot use it; ask in that "
                          "process itself, or start another worker");
}

/* ---- sending ---- */

gboolean
ferry_transactions_get_closed (FerryTransactions *self)
{
  /* Acquire: sees the reason that ferry_transactions_close() released. The reason is set once and never changes. */
  return atomic_load_explicit (&self->closed, memory_order_acquire);
}

GError *
ferry_transactions_dup_reason (FerryTransactions *self)
{
  return ferry_transactions_get_closed (self) ? ferry_error_copy (self->reason) : NULL;
}

static gboolean
check_open (FerryTransactions *self, GError **error)
{
  return !ferry_transactions_get_closed (self) ||
         ferry_set_error (error, FERRY_ERROR_CLOSED, "Nothing can be sent any more: %s", self->reason->message);
}

/* any, without the lock: Sends a message, unless the transactions are closed. */
static gboolean
send_message (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts = ferry_call_message_get_parts (message, parts);

  return check_open (self, error) && self->funcs->send (self->carrier, parts, n_parts, NULL, error);
}

static gboolean
refuse (FerryTransactions *self, guint64 xid, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REFUSE, xid, NULL, value);
  return send_message (self, &message, error);
}

/* ---- threads that wait for room ---- */

guint64
ferry_transactions_get_room_count (FerryTransactions *self)
{
  return atomic_load (&self->room_count);
}

void
ferry_transactions_wake_waiting (FerryTransactions *self)
{
  atomic_fetch_add (&self->room_count, 1);
  if (!ferry_wait_queue_is_empty (&self->room))
    ferry_wait_queue_finish_all (&self->room);
}

typedef struct
{
  FerryTransactions *transactions;
  guint64 count;
} RoomWait;

/* The end counts as room. */
static gboolean
has_made_room (gpointer data)
{
  const RoomWait *wait = data;

  return atomic_load (&wait->transactions->room_count) != wait->count ||
         ferry_transactions_get_closed (wait->transactions);
}

gboolean
ferry_transactions_wait_for_room (FerryTransactions *self, guint64 count, gint64 deadline, GCancellable *cancellable,
                                  GError **error)
{
  RoomWait wait = {self, count};

  return ferry_wait_queue_wait (&self->room, NULL, has_made_room, &wait, ferry_deadline_or_never (deadline),
                                cancellable, "The other end did not make room in time; allow more time, or send less",
                                error);
}

/* ---- what waits for room, without a thread that waits ---- */

static void
note_owed_locked (FerryTransactions *self)
{
  /* Relaxed: the lock guards the queue, and the next received message reads the flag again. */
  atomic_store_explicit (&self->has_owed, self->owed.length > 0 || self->owed_busy, memory_order_relaxed);
}

/* Adds a message to the entry of its transaction. Returns whether owed must be queued. One cancel of a transaction
 * is enough. Windows of a transaction are added up. A window of a transaction that has ended is not needed, but that of
 * the standing call says what was taken. */
static gboolean
merge_owed_locked (FerryTransactions *self, Owed *owed, guint n)
{
  FerryXidEntry *entry = ferry_xid_table_find (&self->asked, owed->xid);
  gboolean is_new;

  if (entry == NULL)
    {
      owed->n = owed->xid == FERRY_STANDING_XID ? n : 0;
      return owed->reason != 0 || owed->call != NULL || owed->func != NULL || owed->n > 0;
    }
  is_new = owed->reason != 0 ? !entry->cancel_owed : entry->owed == 0;
  if (owed->reason != 0)
    entry->cancel_owed = TRUE;
  entry->owed += n;
  entry->window -= MIN (n, entry->window);
  return is_new;
}

/* Queues what waits for room. Returns FALSE after ferry_transactions_close(). */
static gboolean
owe (FerryTransactions *self, const Owed *owed, guint n, gboolean first)
{
  Owed copy = *owed;
  FERRY_AUTO_LOCK (&self->lock);

  if (self->reason != NULL)
    return FALSE;
  if (merge_owed_locked (self, &copy, n))
    {
      g_queue_push_nth (&self->owed, g_memdup2 (&copy, sizeof copy), first ? 0 : -1);
      self->n_dropped += owed->call != NULL || owed->func != NULL;
      note_owed_locked (self);
    }
  return TRUE;
}

/* Removes the first of the queue. Returns FALSE if the queue is empty, or another thread sends a message of it, and
 * then the next: messages stay in order. n: set to how much a window has grown, 0 if its transaction has ended. */
static gboolean
take_owed (FerryTransactions *self, Owed *owed, guint *n)
{
  g_autofree Owed *taken = NULL;
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&self->lock);

  taken = self->owed_busy ? NULL : g_queue_pop_head (&self->owed);
  *n = 0;
  if (taken == NULL)
    return FALSE;
  *owed = *taken;
  *n = taken->n;
  /* A function may take long, or wait for what is behind it. */
  self->owed_busy = taken->func == NULL;
  note_owed_locked (self);
  self->n_dropped -= owed->call != NULL || owed->func != NULL;
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

  /* Checked first, as the other end may leave thousands of dropped calls in the queue when the link ends. */
  if (!check_open (self, error))
    return FALSE;
  if (owed->call != NULL)
    {
      reason = g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED,
                            "The call of '%s' was dropped without an answer; ask again later",
                            ferry_name_in_words (owed->call->method));
      return refuse (self, owed->call->xid, reason, error);
    }
  ferry_call_message_init (&message, owed->reason != 0 ? FERRY_CALL_CANCEL : FERRY_CALL_WINDOW, owed->xid, NULL, NULL);
  message.header.number = owed->reason != 0 ? owed->reason : n;
  return send_message (self, &message, error);
}

/* Sends a message, or queues it if there is no room. Takes the reference of owed to its call. Returns FALSE with an
 * error if the message can never be sent. Sets kept if the message was queued. */
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

/* Tries a send again, and queues it if there is still no room. The send fails for good once nothing can be queued. */
static void
try_or_owe (FerryTransactions *self, const Owed *owed, gboolean first, gboolean *kept)
{
  *kept = FALSE;
  while (!*kept && !owed->func (owed->data))
    *kept = owe (self, owed, 0, first);
}

/* any: Works as send_or_owe(), behind what is queued. A queued message is sent as soon as there is room. */
static gboolean
tell (FerryTransactions *self, const Owed *owed, guint n, GError **error)
{
  guint64 count = atomic_load (&self->room_count);
  gboolean kept = FALSE;

  /* Relaxed: what this thread has queued, it sees. */
  if (atomic_load_explicit (&self->has_owed, memory_order_relaxed) && owe (self, owed, n, FALSE))
    {
      ferry_transactions_flush (self);
      return TRUE;
    }
  if (!send_or_owe (self, owed, n, FALSE, &kept, error))
    return FALSE;
  /* A flush between the send and the queueing did not find the message, so another flush is needed. */
  if (kept && atomic_load (&self->room_count) != count)
    ferry_transactions_flush (self);
  return TRUE;
}

void
ferry_transactions_send_later (FerryTransactions *self, FerrySendFunc func, gpointer data, guint64 count)
{
  const Owed owed = {.func = func, .data = data};
  gboolean kept;

  if (!owe (self, &owed, 0, FALSE))
    try_or_owe (self, &owed, FALSE, &kept);
  else if (atomic_load (&self->room_count) != count)
    ferry_transactions_flush (self);
}

static void
end_owed (FerryTransactions *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->owed_busy = FALSE;
  note_owed_locked (self);
}

/* Sends what is queued. Returns FALSE when the carrier has no room. */
static gboolean
flush_once (FerryTransactions *self)
{
  gboolean kept = FALSE;
  Owed owed;
  guint n;

  while (!kept && take_owed (self, &owed, &n))
    if (owed.func != NULL)
      try_or_owe (self, &owed, TRUE, &kept);
    else
      {
        if (owed.call != NULL || owed.reason != 0 || n > 0)
          send_or_owe (self, &owed, n, TRUE, &kept, NULL);
        end_owed (self);
      }
  return !kept;
}

/* any, without the lock. If there comes room on another thread while this one holds a message, that thread finds the
 * queue empty. It has increased room_count, so this thread tries again. */
void
ferry_transactions_flush (FerryTransactions *self)
{
  g_autoptr (FerryTransactions) alive G_GNUC_UNUSED = ref (self);
  guint64 before;

  atomic_fetch_add (&self->room_count, 1);
  do
    before = atomic_load (&self->room_count);
  while (!flush_once (self) && atomic_load (&self->room_count) != before);
}

void
ferry_transactions_note_room (FerryTransactions *self)
{
  ferry_transactions_wake_waiting (self);
  ferry_transactions_flush (self);
}

/* ---- large answers, which are sent in pieces with other messages between them ---- */

/* Trust: the other end is not trusted. Memory grows with the bytes that arrived, not with the announced size. The
 *        size of one answer is limited, and so is the size of all unfinished answers together. */

/* Adds a piece to an answer. Returns NULL, or which rule the piece breaks. */
static const char *
add_piece_locked (FerryTransactions *self, FerryXidEntry *entry, const FerryCallMessage *message)
{
  guint64 size = (guint64) message->header.number;

  if (size > self->max_answer)
    return "is larger than this end accepts";
  if (message->body_size > FERRY_MAX_LARGEST_ANSWERS * self->max_answer - self->pieces_size)
    return "is one of too many large answers at the same time";
  if (entry->pieces == NULL)
    entry->pieces = g_byte_array_new ();
  if (message->body_size >= size - MIN (entry->pieces->len, size))
    return "has more bytes than it announced";
  g_byte_array_append (entry->pieces, message->body, (guint) message->body_size);
  self->pieces_size += message->body_size;
  return NULL;
}

/* Adds a piece to the answer of a transaction. If the transaction has ended, drops the piece. */
static gboolean
receive_piece (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  FerryXidEntry *entry;
  const char *fault;
  FERRY_AUTO_LOCK (&self->lock);

  entry = ferry_xid_table_find (&self->asked, message->header.xid);
  fault = entry != NULL ? add_piece_locked (self, entry, message) : NULL;
  return fault == NULL || ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                                           "The answer to transaction %" G_GUINT64_FORMAT
                                           " %s; use the same version and limits at both ends",
                                           message->header.xid, fault);
}

/* ---- asking ---- */

/* Called just before the request is sent, and once more if it is sent again after it had to wait for room. */
static void
request_wait_begin (FerryRequestWait *self, guint64 xid)
{
  FerryTransactions *transactions = self->transactions;

  /* Where a wrong answer came before an earlier request was sent, the completion is handed over already. */
  if (transactions->funcs->begin_wait == NULL || self->wait.size > 0)
    return;
  self->wait.number = xid;
  transactions->funcs->begin_wait (transactions->carrier, &self->wait);
}

static void
request_wait_end (FerryRequestWait *self, gboolean waits, gint64 deadline, GCancellable *cancellable)
{
  FerryTransactions *transactions = self->transactions;

  if (self->wait.is_listed)
    transactions->funcs->end_wait (transactions->carrier, &self->wait, waits, deadline, cancellable);
}

/* Returns the number of a new transaction, which is added to the table so that its answer finds it. Returns 0 with
 * an error when closed. Must be called with send_lock held. */
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
      entry->funcs = funcs;
      entry->data = data;
      entry->asker = request->asker;
      entry->window = request->window;
      entry->flags = request->flags;
    }
  return self->next_xid++;
}

/* Removes a transaction, and copies it to entry, which the caller must clear. Returns FALSE if it has ended. */
static gboolean
remove_asked_locked (FerryTransactions *self, guint64 xid, FerryXidEntry *entry)
{
  if (!ferry_xid_table_remove (&self->asked, xid, entry))
    return FALSE;
  self->pieces_size -= entry->pieces != NULL ? entry->pieces->len : 0;
  return TRUE;
}

/* Undoes begin(). Returns FALSE if ferry_transactions_close() has removed the transaction and called done(). */
static gboolean
take_back (FerryTransactions *self, guint64 xid, FerryCallFlags flags)
{
  g_auto (FerryXidEntry) entry = {0};
  FERRY_AUTO_LOCK (&self->lock);

  if ((flags & FERRY_CALL_ONE_WAY) == 0 && !remove_asked_locked (self, xid, &entry))
    return FALSE;
  /* The next request gets this number: it was not sent, and no later number was given out while send_lock is held. */
  self->next_xid = xid;
  return TRUE;
}

/* Returns the number of a request that was sent, or 0 with an error. */
static guint64
try_to_ask (FerryTransactions *self, FerryCallMessage *message, const FerryRequest *request,
            const FerryAnswerFuncs *funcs, gpointer data, GError **error)
{
  FerryDescriptors batch = {request->descriptors, request->n_descriptors, 0};
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts;
  guint64 xid;
  FERRY_AUTO_LOCK (&self->send_lock);

  xid = message->header.xid = begin (self, request, funcs, data, error);
  if (xid == 0)
    return 0;
  if (request->xid != NULL)
    atomic_store (request->xid, xid);
  if (request->wait != NULL)
    request_wait_begin (request->wait, xid);
  n_parts = ferry_call_message_get_parts (message, parts);
  if (self->funcs->send (self->carrier, parts, n_parts, batch.n_descriptors > 0 ? &batch : NULL, error))
    return xid;
  if (!take_back (self, xid, request->flags))
    {
      g_clear_error (error);
      return xid;
    }
  /* Before another request gets the number. */
  if (request->xid != NULL)
    atomic_store (request->xid, 0);
  if (request->wait != NULL)
    request_wait_end (request->wait, FALSE, 0, NULL);
  return 0;
}

guint64
ferry_transactions_ask (FerryTransactions *self, const FerryRequest *request, const FerryAnswerFuncs *funcs,
                        gpointer data, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (request->arguments);
  FerryCallMessage message;

  g_return_val_if_fail (request->method != NULL, 0);
  g_return_val_if_fail (request->deadline >= 0, 0);
  g_return_val_if_fail ((request->flags & FERRY_CALL_ONE_WAY) != 0 || (funcs != NULL && funcs->done != NULL), 0);
  g_return_val_if_fail ((request->flags & FERRY_CALL_ONE_WAY) == 0 || (request->flags & FERRY_CALL_STREAM) == 0, 0);
  g_return_val_if_fail (request->window == 0 || (request->flags & FERRY_CALL_STREAM) != 0, 0);

  if (!ferry_transactions_check_owner (self, error) ||
      !ferry_call_message_check (request->method, request->arguments, error))
    return 0;
  /* This serialises the arguments, which takes time, so it is done before the locks are taken. */
  ferry_call_message_init (&message, FERRY_CALL_REQUEST, 0, request->method, request->arguments);
  if (request->packed.data != NULL)
    ferry_call_message_set_bytes (&message, request->packed.data, request->packed.size);
  message.header.number = (request->flags & FERRY_CALL_ONE_WAY) == 0 ? request->deadline : 0;
  message.header.flags = (guint8) request->flags;
  message.header.window = request->window;
  for (;;)
    {
      guint64 count = ferry_transactions_get_room_count (self);
      g_autoptr (GError) failure = NULL;
      guint64 xid = try_to_ask (self, &message, request, funcs, data, &failure);

      if (xid != 0)
        return xid;
      if (!request->waits || !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return 0;
        }
      if (!ferry_transactions_wait_for_room (self, count, request->deadline, request->cancellable, error))
        return 0;
    }
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

  /* If the express lane is closed or full, the cancel is sent after the other messages. That of the standing call goes
   * behind its windows, which say what was taken. */
  if (xid != FERRY_STANDING_XID && self->funcs->cancel != NULL && self->funcs->cancel (self->carrier, xid, reason))
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

/* The growth of the standing call's window that waits for room is sent, too. */
static void
keep_window_locked (FerryTransactions *self, const FerryXidEntry *entry)
{
  for (GList *node = self->owed.head; entry->xid == FERRY_STANDING_XID && node != NULL; node = node->next)
    {
      Owed *owed = node->data;

      if (owed->xid == entry->xid && owed->reason == 0)
        owed->n = entry->owed;
    }
}

static gboolean
take_out (FerryTransactions *self, guint64 xid, FerryXidEntry *entry)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (!remove_asked_locked (self, xid, entry))
    return FALSE;
  keep_window_locked (self, entry);
  return TRUE;
}

gboolean
ferry_transactions_forget (FerryTransactions *self, guint64 xid)
{
  g_auto (FerryXidEntry) entry = {0};

  return take_out (self, xid, &entry);
}

gpointer
ferry_transactions_abandon (FerryTransactions *self, guint64 xid, FerryCancelReason reason)
{
  g_auto (FerryXidEntry) entry = {0};

  if (take_out (self, xid, &entry) && !entry.cancel_owed)
    send_cancel (self, xid, reason);
  return entry.data;
}

gboolean
ferry_transactions_end (FerryTransactions *self, guint64 xid, FerryCancelReason reason, const GError *error)
{
  g_auto (FerryXidEntry) entry = {0};
  g_autoptr (GError) copy = NULL;

  if (!take_out (self, xid, &entry))
    return FALSE;
  if (!entry.cancel_owed)
    send_cancel (self, xid, reason);
  copy = ferry_error_copy (error);
  entry.funcs->done (entry.data, NULL, copy, NULL, FALSE);
  return TRUE;
}

GArray *
ferry_transactions_list_asked (FerryTransactions *self, gconstpointer asker)
{
  GArray *xids = g_array_new (FALSE, FALSE, sizeof (guint64));

  pthread_mutex_lock (&self->lock);
  for (guint i = 0; i < self->asked.n_slots; i++)
    {
      FerryXidEntry *entry = &self->asked.slots[i];

      if (entry->xid != 0 && entry->asker == asker)
        g_array_append_val (xids, entry->xid);
    }
  pthread_mutex_unlock (&self->lock);
  g_array_sort (xids, ferry_xid_compare);
  return xids;
}

/* Adds n to the window at this end. This must be done before the other end's window grows, so that the window here
 * is never the smaller one. While the growth waits for room it counts as owed, not as window. */
static gboolean
grow_window (FerryTransactions *self, guint64 xid, guint n, GError **error)
{
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&self->lock);

  entry = ferry_xid_table_find (&self->asked, xid);
  if (entry == NULL || (entry->flags & FERRY_CALL_STREAM) == 0)
    return ferry_set_error (error, FERRY_ERROR_CLOSED,
                            "Transaction %" G_GUINT64_FORMAT " has no stream, or has ended; ask for a new stream", xid);
  if (n > FERRY_MAX_WINDOW - entry->window - entry->owed)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The window of a stream has at most %d items; add to it when items have arrived",
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

/* ---- a call: a request of the other end, from its arrival to its answer ---- */

/* Copies a string of that length to memory, and sets *end to the byte after it. */
static const char *
put_string (guint8 *memory, const char *string, gsize length, guint8 **end)
{
  memcpy (memory, string, length);
  memory[length] = '\0';
  *end = memory + length + 1;
  return (const char *) memory;
}

/* The arguments are copied here, before anything of them is used. */
static FerryCall *
call_new (FerryTransactions *owner, const FerryCallMessage *message)
{
  const FerryBody body = ferry_call_message_get_body (message);
  const gboolean is_own = body.size <= MAX_OWN_SIZE;
  const gsize own_size = is_own ? body.size : 0;
  FerryCall *self = g_malloc (sizeof *self + own_size + message->header.name_length + message->header.type_length + 2);
  guint8 *end = self->memory;

  memset (self, 0, sizeof *self);
  atomic_init (&self->references, 1);
  self->owner = ref (owner);
  self->xid = message->header.xid;
  self->deadline = message->header.number;
  self->flags = message->header.flags;
  self->body = (FerryBody){end, body.size, NULL};
  if (is_own)
    memcpy (end, body.data, body.size);
  else
    {
      self->body.whole = ferry_body_dup_bytes (&body);
      self->body.data = g_bytes_get_data (self->body.whole, NULL);
    }
  end += own_size;
  self->method = put_string (end, message->name, message->header.name_length, &end);
  if (message->header.type_length > 0)
    self->type = put_string (end, message->type_string, message->header.type_length, &end);
  atomic_init (&self->state, CALL_OPEN);
  atomic_init (&self->window, message->header.window);
  return self;
}

FerryCall *
ferry_call_ref (FerryCall *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

/* Takes a reference, unless the last one is gone already. Must be called with the owner's lock held, while the call
 * is in the table, so that it is not freed. */
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

/* Removes the call from the table. The other end may have begun another call with the same number; that call stays. */
static void
call_leave_table_locked (FerryCall *self)
{
  FerryXidEntry *entry = ferry_xid_table_find (&self->owner->calls, self->xid);

  if (entry == NULL || entry->data != self)
    return;
  ferry_xid_table_remove (&self->owner->calls, self->xid, NULL);
  self->owner->calls_size -= self->body.size;
}

/* For a call without references: frees the arguments that have memory of their own. */
static void
clear_arguments (FerryCall *self)
{
  /* Relaxed: no other thread has a reference. */
  GVariant *arguments = atomic_load_explicit (&self->arguments, memory_order_relaxed);

  atomic_store_explicit (&self->arguments, NULL, memory_order_relaxed);
  g_clear_pointer (&arguments, g_variant_unref);
  g_clear_pointer (&self->body.whole, g_bytes_unref);
}

/* any: Frees a call that has no references and is not in the table. */
static void
call_free (FerryCall *self)
{
  clear_arguments (self);
  if (self->attached_destroy != NULL)
    self->attached_destroy (self->attached);
  ferry_transactions_unref (self->owner);
  g_free (self);
}

void
ferry_call_drop (FerryCall *self)
{
  FERRY_AUTO_LOCK (&self->owner->lock);
  /* Relaxed: the lock guards everything that depends on the state. */
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
      /* The new reference is for sending the refusal. In this state its unref does not refuse again. */
      pthread_mutex_lock (&self->owner->lock);
      self->cancel_func = NULL;
      atomic_store_explicit (&self->state, CALL_ANSWERING, memory_order_relaxed);
      atomic_store_explicit (&self->references, 1, memory_order_relaxed);
      /* The refusal may wait long for room, and the arguments may be large, so they are freed now. */
      self->owner->calls_size -= self->body.size;
      self->body.size = 0;
      pthread_mutex_unlock (&self->owner->lock);
      clear_arguments (self);
      owner = ref (self->owner);
      tell (owner, &(Owed){.call = self}, 0, NULL);
      return;
    }
  /* A call that is over has been removed from the table already. */
  if (atomic_load_explicit (&self->state, memory_order_relaxed) != CALL_OVER)
    ferry_call_drop (self);
  call_free (self);
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
  /* Acquire, here and below: sees the value that another thread made and released. */
  GVariant *present = atomic_load_explicit (&self->arguments, memory_order_acquire);
  g_autoptr (GVariant) made = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (present != NULL || self->type == NULL)
    return present;
  bytes = self->body.whole != NULL ? g_bytes_ref (self->body.whole) : ferry_body_dup_bytes (&self->body);
  made = g_variant_ref_sink (g_variant_new_from_bytes ((const GVariantType *) self->type, bytes, FALSE));
  ferry_known_types_add (made);
  if (!atomic_compare_exchange_strong_explicit (&self->arguments, &present, made, memory_order_acq_rel,
                                                memory_order_acquire))
    return present;
  return g_steal_pointer (&made);
}

gboolean
ferry_call_get_body (FerryCall *self, FerryBody *body)
{
  if (self->type == NULL || !g_str_equal (self->type, FERRY_CALL_BYTES_TYPE))
    return FALSE;
  if (body != NULL)
    *body = self->body;
  return TRUE;
}

gsize
ferry_call_get_size (FerryCall *self)
{
  return self->body.size;
}

gpointer
ferry_call_get_space (FerryCall *self)
{
  return self->space;
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
  /* Relaxed: the word orders no other memory. */
  return atomic_load_explicit (&self->cancelled, memory_order_relaxed);
}

/* any, without the lock: Marks the call as cancelled, and calls its cancel function. */
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

/* Sends a large answer whole, or in pieces with messages of other calls between them. If there is no room for the
 * next piece, the next call of this function continues with that piece. */
static gboolean
call_send_large (FerryCall *self, const FerryCallMessage *answer, GError **error)
{
  FerryTransactions *owner = self->owner;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint64 max_answer;

  pthread_mutex_lock (&owner->lock);
  max_answer = owner->max_answer;
  pthread_mutex_unlock (&owner->lock);
  if (answer->body_size > max_answer)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The answer to '%s' has %" G_GSIZE_FORMAT
                            " bytes, and the transport accepts %" G_GUINT64_FORMAT
                            "; send it as items of a stream, or raise max-message-size",
                            ferry_name_in_words (self->method), answer->body_size, max_answer);
  if (self->n_sent == 0 && owner->funcs->send_in_buffer != NULL && !ferry_transactions_get_closed (owner) &&
      owner->funcs->send_in_buffer (owner->carrier, parts, ferry_call_message_get_parts (answer, parts)))
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
call_send_end (FerryCall *self, FerryCallKind kind, GVariant *value, const FerryPart *packed, GError **error)
{
  FerryCallMessage message;

  if ((self->flags & FERRY_CALL_ONE_WAY) != 0)
    return TRUE;
  if (!ferry_call_message_check (NULL, value, error))
    return FALSE;
  ferry_call_message_init (&message, kind, self->xid, NULL, value);
  if (packed != NULL)
    ferry_call_message_set_bytes (&message, packed->data, packed->size);
  if (kind == FERRY_CALL_ANSWER && message.body_size > self->owner->piece_size)
    return call_send_large (self, &message, error);
  return send_message (self->owner, &message, error);
}

/* Sends the end of a call: a value, or an array of bytes if packed (nullable) is set. */
static gboolean
call_end (FerryCall *self, FerryCallKind kind, GVariant *value, const FerryPart *packed, GError **error)
{
  guint32 state = CALL_OPEN;

  /* Relaxed: this only decides which thread may answer, and publishes no other memory. */
  if (!atomic_compare_exchange_strong_explicit (&self->state, &state, CALL_ANSWERING, memory_order_relaxed,
                                                memory_order_relaxed))
    {
      ferry_critical ("The call of '%s' was answered already; answer each call once",
                      ferry_name_in_words (self->method));
      return FALSE;
    }
  if (!call_send_end (self, kind, value, packed, error))
    {
      atomic_store_explicit (&self->state, CALL_OPEN, memory_order_relaxed);
      return FALSE;
    }
  ferry_call_drop (self);
  return TRUE;
}

gboolean
ferry_call_answer (FerryCall *self, GVariant *result, GError **error)
{
  g_autoptr (GVariant) taken G_GNUC_UNUSED = ferry_variant_take_floating (result);

  return call_end (self, FERRY_CALL_ANSWER, result, NULL, error);
}

gboolean
ferry_call_answer_packed (FerryCall *self, const FerryPart *packed, GError **error)
{
  return call_end (self, FERRY_CALL_ANSWER, NULL, packed, error);
}

gboolean
ferry_call_answer_error (FerryCall *self, const GError *failure, const char *trace, const char *const *notes,
                         GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (failure, trace, notes));

  return call_end (self, FERRY_CALL_ERROR, value, NULL, error);
}

gboolean
ferry_call_refuse (FerryCall *self, const GError *reason, GError **error)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_error_to_variant (reason, NULL, NULL));

  return call_end (self, FERRY_CALL_REFUSE, value, NULL, error);
}

/* ---- a call: values before the answer ---- */

guint
ferry_call_get_window (FerryCall *self)
{
  /* Relaxed, as for all accesses to the window: it is a count and orders no other memory. */
  return atomic_load_explicit (&self->window, memory_order_relaxed);
}

/* Receiving thread, so one at a time: Adds n to the window. Returns FALSE if the window would become too large, or the
 * call has no stream. */
static gboolean
call_add_window (FerryCall *self, guint n)
{
  if ((self->flags & FERRY_CALL_STREAM) == 0 || n > FERRY_MAX_WINDOW - ferry_call_get_window (self))
    return FALSE;
  atomic_fetch_add_explicit (&self->window, n, memory_order_relaxed);
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
  guint32 window = ferry_call_get_window (self);

  do
    {
      if (window == 0)
        return ferry_set_error (
          error, FERRY_ERROR_WOULD_BLOCK,
          "The window of the stream of '%s' is used up; wait until the other end accepts more items",
          ferry_name_in_words (self->method));
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
    return ferry_set_error (error, FERRY_ERROR_CLOSED,
                            "The call of '%s' was answered already; send items before the answer",
                            ferry_name_in_words (self->method));
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

static gboolean
ends_pieces (const FerryCallMessage *message)
{
  return message->header.kind == FERRY_CALL_ANSWER && message->header.number > 0;
}

/* Passes the answer to the asker. If it came in pieces and the joined value breaks a rule, passes that error, copies it
 * to broken, and returns FALSE. */
static gboolean
hand_over_answer (FerryXidEntry *entry, const FerryCallMessage *message, GError **broken)
{
  gboolean is_packed = entry->funcs->done_packed != NULL && message->header.kind == FERRY_CALL_ANSWER &&
                       ferry_call_message_is_bytes (message);
  g_autoptr (GError) error = NULL;
  g_autofree char *trace = NULL;
  GByteArray *pieces = ends_pieces (message) ? g_steal_pointer (&entry->pieces) : NULL;
  g_autoptr (GBytes) joined = is_packed && pieces != NULL ? ferry_call_message_join_bytes (message, pieces) : NULL;
  g_autoptr (GVariant) value = NULL;
  gboolean is_good;

  if (!is_packed)
    value =
      pieces != NULL ? ferry_call_message_join_value (message, pieces, &error) : ferry_call_message_dup_value (message);
  is_good = error == NULL;
  if (!is_good && broken != NULL)
    *broken = g_error_copy (error);
  if (message->header.kind != FERRY_CALL_ANSWER)
    {
      error = ferry_error_from_variant (value, &trace);
      g_clear_pointer (&value, g_variant_unref);
    }
  if (is_packed)
    {
      const FerryBody body = joined != NULL
                               ? (FerryBody){g_bytes_get_data (joined, NULL), g_bytes_get_size (joined), joined}
                               : ferry_call_message_get_body (message);

      entry->funcs->done_packed (entry->data, &body);
    }
  else
    entry->funcs->done (entry->data, value, error, trace, message->header.kind == FERRY_CALL_REFUSE);
  return is_good;
}

/* Whether the last part of an answer completes the pieces that came before. entry (nullable): of its transaction. */
static gboolean
fits_pieces_locked (const FerryXidEntry *entry, const FerryCallMessage *message)
{
  return entry == NULL ||
         (entry->pieces != NULL && (guint64) message->header.number == entry->pieces->len + message->body_size);
}

/* An error, or an answer that came whole, replaces the pieces that came before. */
static gboolean
receive_answer (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  const guint64 xid = message->header.xid;
  g_auto (FerryXidEntry) entry = {0};
  FerryXidEntry *asked;
  gboolean fits;

  pthread_mutex_lock (&self->lock);
  asked = ends_pieces (message) ? ferry_xid_table_find (&self->asked, xid) : NULL;
  fits = fits_pieces_locked (asked, message);
  if (fits && !remove_asked_locked (self, xid, &entry))
    count_orphan_locked (self, xid);
  pthread_mutex_unlock (&self->lock);
  if (!fits)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "Transaction %" G_GUINT64_FORMAT
                            " has an answer that lacks bytes; use the same version of Ferry at both ends",
                            xid);
  return entry.xid == 0 || hand_over_answer (&entry, message, error);
}

static gboolean
receive_item (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  gboolean of_stream = message->name == NULL;
  const FerryAnswerFuncs *funcs = NULL;
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
      if (funcs->hold != NULL)
        funcs->hold (data);
    }
  pthread_mutex_unlock (&self->lock);
  if (!allowed)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "Transaction %" G_GUINT64_FORMAT
                            " has an item beyond its window; send only as many items as the window allows",
                            message->header.xid);
  if (funcs != NULL && funcs->item != NULL)
    {
      g_autoptr (GVariant) value = ferry_call_message_dup_value (message);
      char name[FERRY_MAX_CALL_NAME + 1] = "";

      if (!of_stream)
        memcpy (name, message->name, message->header.name_length);
      name[message->header.name_length] = '\0';
      funcs->item (data, name, value);
    }
  if (funcs != NULL && funcs->release != NULL)
    funcs->release (data);
  return TRUE;
}

/* ---- receiving: requests, windows and cancels for what this end answers ---- */

/* Refuses a request for which no call was made. Returns FALSE with an error if there is no room for the refusal. */
static gboolean
refuse_request (FerryTransactions *self, const FerryCallMessage *message, const char *why, GError **error)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, why);
  g_autoptr (GError) failure = NULL;

  if ((message->header.flags & FERRY_CALL_ONE_WAY) != 0 || refuse (self, message->header.xid, reason, &failure) ||
      !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return TRUE;
  /* Keeping such refusals for later would need unlimited memory. */
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "The other end sends more requests than can be refused: %s",
                          why);
}

/* Adds the call to the table. Returns FALSE, and sets error, or sets why to the reason for a refusal. */
static gboolean
admit (FerryTransactions *self, FerryCall *call, const char **why, GError **error)
{
  FerryXidEntry early;
  FERRY_AUTO_LOCK (&self->lock);

  if (ferry_xid_table_find (&self->calls, call->xid) != NULL || call->xid == FERRY_STANDING_XID)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "Transaction %" G_GUINT64_FORMAT " is asked twice; use each number once", call->xid);
  self->highest_call = MAX (self->highest_call, call->xid);
  if (self->calls.n_entries >= FERRY_MAX_OPEN_CALLS)
    *why = "Too many calls are open; wait for answers first";
  else if (self->calls.n_entries > 0 && call->body.size > self->max_open_bytes - self->calls_size)
    *why = "The arguments of open calls are too large together; wait for answers first";
  else if (self->request_func == NULL)
    *why = "The other end answers no requests; send them to another end";
  if (*why != NULL)
    return FALSE;
  ferry_xid_table_add (&self->calls, call->xid)->data = call;
  self->calls_size += call->body.size;
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

/* Processes a WINDOW message. A window for a call that is over comes late, which breaks no rule. */
static gboolean
receive_window (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  g_autoptr (FerryCall) call = find_call (self, message->header.xid);

  if (call == NULL || call_add_window (call, (guint) message->header.number))
    {
      ferry_transactions_wake_waiting (self);
      if (call != NULL)
        call_note_window (call);
      return TRUE;
    }
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "Transaction %" G_GUINT64_FORMAT
                          " has a window that is too large, or no stream; use the same version of Ferry at both ends",
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

  /* An unknown reason may come from a later version, and is still a cancel. */
  if (reason != FERRY_CANCEL_REASON_DEADLINE)
    reason = FERRY_CANCEL_REASON_CANCELLED;
  pthread_mutex_lock (&self->lock);
  if (xid > self->highest_call && self->reason == NULL)
    remember_early_locked (self, xid, reason);
  pthread_mutex_unlock (&self->lock);
  call = find_call (self, xid);
  if (call != NULL)
    call_cancel (call, reason);
  ferry_transactions_wake_waiting (self);
}

/* ---- the standing call ---- */

FerryCall *
ferry_transactions_stand (FerryTransactions *self, const char *method, const FerryAnswerFuncs *funcs, gpointer data)
{
  g_autoptr (GError) reason = NULL;
  FerryCallMessage message;
  FerryXidEntry *entry;
  FerryXidEntry early = {0};
  FerryCall *call;

  ferry_call_message_init (&message, FERRY_CALL_REQUEST, FERRY_STANDING_XID, method, NULL);
  message.header.flags = FERRY_CALL_STREAM;
  message.header.window = FERRY_STANDING_WINDOW;
  call = call_new (self, &message);
  pthread_mutex_lock (&self->lock);
  if (self->standing_asked)
    {
      pthread_mutex_unlock (&self->lock);
      call_free (call);
      return NULL;
    }
  self->standing_asked = TRUE;
  self->standing_any_thread = funcs->any_thread;
  reason = self->reason != NULL ? ferry_error_copy (self->reason) : NULL;
  if (reason == NULL)
    {
      entry = ferry_xid_table_add (&self->asked, FERRY_STANDING_XID);
      entry->funcs = funcs;
      entry->data = data;
      entry->window = FERRY_STANDING_WINDOW;
      entry->flags = FERRY_CALL_STREAM;
      ferry_xid_table_add (&self->calls, FERRY_STANDING_XID)->data = call;
      ferry_xid_table_remove (&self->early, FERRY_STANDING_XID, &early);
    }
  else
    early.flags = FERRY_CANCEL_REASON_CANCELLED;
  /* Relaxed: no other thread has the call yet. */
  atomic_store_explicit (&call->cancelled, early.flags, memory_order_relaxed);
  pthread_mutex_unlock (&self->lock);
  if (reason != NULL)
    funcs->done (data, NULL, reason, NULL, FALSE);
  return call;
}

/* Keeps what comes for the standing call before this end has asked it. Returns FALSE if it has. */
static gboolean
keep (FerryTransactions *self, const FerryCallMessage *message, gconstpointer data, gsize size, gboolean *fits)
{
  const FerryCallKind kind = message->header.kind;
  FERRY_AUTO_LOCK (&self->lock);

  /* An other end that claims its calls has no standing call. */
  if (self->standing || self->funcs->is_begun != NULL || kind == FERRY_CALL_REQUEST || kind == FERRY_CALL_WINDOW ||
      kind == FERRY_CALL_CANCEL)
    return FALSE;
  *fits =
    self->kept.length <= FERRY_STANDING_WINDOW &&
    (self->kept.length == 0 || size <= FERRY_MAX_OPEN_CALL_BYTES - MIN (self->kept_size, FERRY_MAX_OPEN_CALL_BYTES));
  if (*fits)
    g_queue_push_tail (&self->kept, message->whole != NULL ? g_bytes_ref (message->whole) : g_bytes_new (data, size));
  self->kept_size += size;
  return TRUE;
}

/* Returns (transfer full) (nullable) the next message that was kept. */
static GBytes *
take_kept (FerryTransactions *self)
{
  GBytes *bytes;
  FERRY_AUTO_LOCK (&self->lock);

  bytes = g_queue_pop_head (&self->kept);
  self->standing = bytes == NULL;
  self->kept_size -= bytes != NULL ? g_bytes_get_size (bytes) : 0;
  return bytes;
}

/* ---- receiving: any message ---- */

/* Whether the other end may send this message: it must claim a transaction first. A message of a transaction that
 * has ended is allowed here, and dropped later. */
static gboolean
check_begun (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  const guint64 xid = message->header.xid;

  if (self->funcs->is_begun == NULL || message->header.kind == FERRY_CALL_REFUSE ||
      self->funcs->is_begun (self->carrier, xid) || !is_asked (self, xid))
    return TRUE;
  self->unclaimed = MAX (self->unclaimed, xid);
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "Transaction %" G_GUINT64_FORMAT " has an %s, but was not claimed; a worker must claim a "
                          "call before it begins the call",
                          xid, message->header.kind == FERRY_CALL_ITEM ? "item" : "answer");
}

guint64
ferry_transactions_get_unclaimed (FerryTransactions *self)
{
  return self->unclaimed;
}

static gboolean
receive_now (FerryTransactions *self, const FerryCallMessage *message, GError **error)
{
  switch (message->header.kind)
    {
    case FERRY_CALL_REQUEST:
      return receive_request (self, message, error);
    case FERRY_CALL_ITEM:
      return check_begun (self, message, error) && receive_item (self, message, error);
    case FERRY_CALL_WINDOW:
      return receive_window (self, message, error);
    case FERRY_CALL_CANCEL:
      ferry_transactions_receive_cancel (self, message->header.xid, (guint16) message->header.number);
      return TRUE;
    case FERRY_CALL_PIECE:
      return check_begun (self, message, error) && receive_piece (self, message, error);
    default:
      return check_begun (self, message, error) && receive_answer (self, message, error);
    }
}

static gboolean
receive (FerryTransactions *self, const FerryCallMessage *message, gconstpointer data, gsize size, GError **error)
{
  gboolean fits;

  if (ferry_transactions_get_closed (self))
    return TRUE;
  /* A carrier need not tell of room that the other end made before it sent this. Relaxed: see note_owed_locked(). */
  if (atomic_load_explicit (&self->has_owed, memory_order_relaxed))
    ferry_transactions_flush (self);
  if (message->header.xid != FERRY_STANDING_XID || !keep (self, message, data, size, &fits))
    return receive_now (self, message, error);
  return fits || ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                                  "More was sent to a channel than it has room for; use the same version of Ferry at "
                                  "both ends");
}

gboolean
ferry_transactions_receive_kept (FerryTransactions *self, GError **error)
{
  gboolean received = TRUE;
  GBytes *bytes;

  while (received && (bytes = take_kept (self)) != NULL)
    {
      FerryCallMessage message;

      /* It was parsed before. */
      ferry_call_message_parse (&message, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL);
      message.whole = bytes;
      received = receive_now (self, &message, error);
      g_bytes_unref (bytes);
    }
  return received;
}

gboolean
ferry_transactions_receive (FerryTransactions *self, gconstpointer data, gsize size, GError **error)
{
  FerryCallMessage message;

  return ferry_call_message_parse (&message, data, size, error) && receive (self, &message, data, size, error);
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
  return receive (self, &message, data, size, error);
}

gboolean
ferry_transactions_is_for_any_thread (FerryTransactions *self, gconstpointer data, gsize size)
{
  FerryCallMessage message;
  const FerryXidEntry *asked;

  if (!ferry_call_message_parse (&message, data, size, NULL) || message.header.kind == FERRY_CALL_REQUEST)
    return FALSE;
  FERRY_AUTO_LOCK (&self->lock);
  if (message.header.xid == FERRY_STANDING_XID)
    return self->standing && self->standing_any_thread;
  if (message.header.kind == FERRY_CALL_WINDOW || message.header.kind == FERRY_CALL_CANCEL)
    return FALSE;
  asked = ferry_xid_table_find (&self->asked, message.header.xid);
  return asked != NULL && asked->funcs->any_thread;
}

/* ---- a thread that waits for the answer ---- */

/* See ferry-answer-waits-private.h. */
G_STATIC_ASSERT (offsetof (FerryCallHeader, xid) == 0);

/* Takes a message if it is a piece of the answer. Calls nothing, as is_answer(). */
static gboolean
take_part (gpointer data, gconstpointer bytes, gsize size)
{
  const FerryRequestWait *self = data;
  FerryTransactions *transactions = self->transactions;
  FerryCallMessage message;

  return transactions->funcs->is_begun == NULL && ferry_call_message_parse (&message, bytes, size, NULL) &&
         message.header.xid == self->wait.number && message.header.kind == FERRY_CALL_PIECE &&
         receive_piece (transactions, &message, NULL);
}

/* Whether an answer that came in pieces has all its bytes. */
static gboolean
fits_pieces (FerryTransactions *self, const FerryCallMessage *message)
{
  FERRY_AUTO_LOCK (&self->lock);
  return fits_pieces_locked (ferry_xid_table_find (&self->asked, message->header.xid), message);
}

/* Whether a message is the answer, or the last part of it. */
static gboolean
is_answer (gpointer data, gconstpointer bytes, gsize size)
{
  const FerryRequestWait *self = data;
  FerryTransactions *transactions = self->transactions;
  FerryCallMessage message;
  FerryCallKind kind;

  if (transactions->funcs->is_begun != NULL || !ferry_call_message_parse (&message, bytes, size, NULL))
    return FALSE;
  kind = message.header.kind;
  return message.header.xid == self->wait.number && (!ends_pieces (&message) || fits_pieces (transactions, &message)) &&
         (kind == FERRY_CALL_ANSWER || kind == FERRY_CALL_ERROR || kind == FERRY_CALL_REFUSE);
}

void
ferry_request_wait_init (FerryRequestWait *self, FerryTransactions *transactions, FerryCompletion *completion)
{
  self->transactions = transactions;
  self->wait = (FerryAnswerWait){
    .place = self->answer,
    .max_size = sizeof self->answer,
    .is_answer = is_answer,
    .take_part = take_part,
    .data = self,
    .completion = completion,
  };
}

/* Processes the answer that the thread was handed, maybe while another thread is in ferry_transactions_receive(). */
static void
receive_own_answer (FerryRequestWait *self)
{
  FerryTransactions *transactions = self->transactions;
  gconstpointer data = self->wait.whole != NULL ? g_bytes_get_data (self->wait.whole, NULL) : self->answer;
  FerryCallMessage message;

  /* Closed transactions have failed already. The message was parsed before, so it is not malformed. If the joined value
   * of its pieces is, the asker gets that error. */
  if (ferry_transactions_get_closed (transactions) || !ferry_call_message_parse (&message, data, self->wait.size, NULL))
    return;
  message.whole = self->wait.whole;
  receive_answer (transactions, &message, NULL);
}

void
ferry_request_wait_finish (FerryRequestWait *self, gint64 deadline, GCancellable *cancellable)
{
  request_wait_end (self, TRUE, deadline, cancellable);
  if (self->wait.size > 0)
    receive_own_answer (self);
  g_clear_pointer (&self->wait.whole, g_bytes_unref);
  ferry_completion_wait (self->wait.completion, deadline, cancellable);
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

gboolean
ferry_transactions_close (FerryTransactions *self, const GError *reason)
{
  g_autoptr (FerryTransactions) kept G_GNUC_UNUSED = ref (self);
  g_autoptr (GPtrArray) calls = NULL;
  g_autoptr (GArray) asked = NULL;

  g_return_val_if_fail (reason != NULL, FALSE);

  pthread_mutex_lock (&self->lock);
  if (self->reason != NULL)
    {
      pthread_mutex_unlock (&self->lock);
      return FALSE;
    }
  self->reason = ferry_error_copy (reason);
  /* Release: publishes the reason for ferry_transactions_get_closed(). */
  atomic_store_explicit (&self->closed, TRUE, memory_order_release);
  asked = ferry_xid_table_steal_all (&self->asked);
  self->pieces_size = 0;
  calls = ref_calls_locked (self);
  ferry_xid_table_clear (&self->early);
  pthread_mutex_unlock (&self->lock);

  /* Calls come first: they should stop soon, and done() may take long. */
  for (guint i = 0; i < calls->len; i++)
    call_cancel (g_ptr_array_index (calls, i), FERRY_CANCEL_REASON_CANCELLED);
  for (guint i = 0; i < asked->len; i++)
    {
      FerryXidEntry *entry = &g_array_index (asked, FerryXidEntry, i);
      g_autoptr (GError) copy = ferry_error_copy (self->reason);

      entry->funcs->done (entry->data, NULL, copy, NULL, FALSE);
    }
  ferry_transactions_note_room (self);
  return TRUE;
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
    .pieces_size = self->pieces_size,
  };
}
