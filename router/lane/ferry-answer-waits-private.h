/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes for the threads that wait over a link. */

#pragma once

#include "lane/ferry-lane-private.h"
#include "wire/ferry-layout-private.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

G_BEGIN_DECLS

/* The messages of one connection that any thread may handle. The thread that drains the link puts them in, where that
 * is one of FerryAnswerWaits. They are taken out one after the other: by the router's thread, or by a thread that waits
 * for what one of them may bring.
 *
 * Terms:   the marker of an inbox is an empty record in the local queue. It stands for all messages in the inbox, so
 *          that the router's thread takes them where no thread waits. There is at most one at a time.
 * Threads: any.
 * Locks:   lock is taken after that of FerryAnswerWaits. With it, came() of the waits is called, and nothing else. */

/* How many bytes an inbox holds beyond the link's share. */
#define FERRY_INBOX_RESERVE (64 * 1024)

typedef struct _FerryInboxWait FerryInboxWait;

/* A thread that waits. */
struct _FerryInboxWait
{
  /* Wakes the thread, which must then take the messages. Called with locks held: it must not wait. */
  void (*came) (FerryInboxWait *self);
  FerryInboxWait *next; /* (unowned) (nullable) */
};

typedef struct _FerryMail FerryMail;

/* A message, or the end, after which there are no messages. One piece of memory, where it has a message's bytes. */
struct _FerryMail
{
  FerryMail *next;           /* (owned) (nullable): in the inbox */
  GError *end;               /* (owned) (nullable): why the connection has ended */
  GBytes *whole;             /* (owned) (nullable): the message, if it came as a whole; else it is in data */
  FerryValueVerdict verdict; /* on the value in whole, if it was checked */
  gsize share;               /* the bytes that count against the link's share, also those of this struct */
  gsize size;
  guint64 data[];
};

typedef struct
{
  /* const: whether any thread may handle a message, which cannot change. Called with locks held: it must not wait. */
  gboolean (*accepts) (gpointer data, gconstpointer message, gsize size);
  gpointer data;

  pthread_mutex_t lock;
  FerryMail *first;         /* lock: (owned) (nullable) */
  FerryMail **last;         /* lock: where the pointer to the next one that is put goes */
  gsize counted;            /* lock: the shares of the messages in the inbox */
  guint n;                  /* lock: how many there are, with the end */
  guint n_left;             /* lock: how many of them the busy thread takes */
  FerryInboxWait *waits;    /* lock: (unowned) (nullable) */
  gboolean busy;            /* lock: a thread handles a message that it took */
  gboolean asked;           /* lock: meanwhile, another thread looked for messages */
  gboolean refused;         /* lock: a message waits in the lane since the inbox did not take it */
  gboolean is_marked;       /* lock: the marker is in the local queue, or is being put there */
  _Atomic gint64 *share;    /* lock: (unowned) (nullable): the bytes that the link has out */
  _Atomic guint *n_waiting; /* lock: (unowned) (nullable): counts the threads that wait over the link */
} FerryInbox;

/* Returns (transfer full) a mail with a copy of a message. */
FerryMail *ferry_mail_new (gconstpointer message, gsize size);
/* Returns (transfer full) a mail that refers to whole. share: the bytes that count against the link's share. */
FerryMail *ferry_mail_new_for_whole (GBytes *whole, FerryValueVerdict verdict, gsize share);
void ferry_mail_free (FerryMail *self);
/* Returns the message, or NULL for the end. */
gconstpointer ferry_mail_get_message (const FerryMail *self, gsize *size);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMail, ferry_mail_free)

void ferry_inbox_init (FerryInbox *self, gboolean (*accepts) (gpointer data, gconstpointer message, gsize size),
                       gpointer data);
void ferry_inbox_clear (FerryInbox *self);
/* Sets the counts of a link; or unsets them, and returns the bytes that count no more. */
gsize ferry_inbox_set_counts (FerryInbox *self, _Atomic gint64 *share, _Atomic guint *n_waiting);

/* Puts a mail in, and wakes the threads that wait. has_room: the link's share has room, and the caller can put a marker
 * into the local queue. Sets *marks where it must do so. Without room, the inbox takes FERRY_INBOX_RESERVE bytes, and
 * only where the mail needs no marker: a thread that waits goes on while the router's thread waits for it. Returns
 * FALSE for a mail that it refuses, which is to wait in the lane. Takes the mail. */
gboolean ferry_inbox_put (FerryInbox *self, FerryMail *mail, gboolean has_room, gboolean *marks);
/* For the router's thread, which found an empty record: returns whether it is the marker. */
gboolean ferry_inbox_is_marked (FerryInbox *self);
void ferry_inbox_unmark (FerryInbox *self);
/* Puts the end in, after all messages. Takes it. */
void ferry_inbox_put_end (FerryInbox *self, GError *end);

/* Begins a wait, after which the thread must take the messages; and ends it, after which it must do so once more. */
void ferry_inbox_begin_wait (FerryInbox *self, FerryInboxWait *wait);
void ferry_inbox_end_wait (FerryInbox *self, FerryInboxWait *wait);

/* Wakes the threads that wait, which then look also for what else they can do. */
void ferry_inbox_wake (FerryInbox *self);

/* Returns (transfer full) (nullable) the next message, or the end. Of those that come after the first call, it returns
 * none, so that a worker that sends on keeps no thread here. NULL where there are no more, or another thread handles
 * one: that thread also takes what is there now. *mine: FALSE at first; kept from one call to the next by the thread
 * that goes on. */
FerryMail *ferry_inbox_take (FerryInbox *self, gboolean *mine);
/* For the router's thread at the marker: (transfer full) (nullable): returns the next message. NULL where there is
 * none, or another thread handles one: then the marker is gone. ferry_inbox_release() must follow a message. */
FerryMail *ferry_inbox_take_marked (FerryInbox *self);
void ferry_inbox_release (FerryInbox *self);
/* For the same thread, instead: puts the message back, which comes first again, with the marker. Takes it. */
void ferry_inbox_put_back (FerryInbox *self, FerryMail *mail);
/* For a thread that has taken messages, or found none: returns whether a message waits in the lane for that. */
gboolean ferry_inbox_end_refusal (FerryInbox *self);

/* The threads that wait for answers over one link, by the numbers of the answers. The thread that drains the link hands
 * an answer to the thread that waits for it, and wakes that thread. The payload of an answer begins with its number.
 * What any thread may handle goes to the inbox of its connection, if there is one. A thread that only watches what goes
 * to the router's thread is woken by each piece of that.
 *
 * Threads: any. Answers are taken by one thread at a time.
 * Locks:   lock is held while answers are handed over. The only functions that are called with it are those of
 *          FerryAnswerWait and of the inboxes, those of the completions, which take no lock, and came() of the
 *          watches. */

#define FERRY_N_ANSWER_WAIT_LISTS 64

typedef struct
{
  pthread_mutex_t lock;
  _Atomic gboolean may_hand_over;     /* an inbox that refused a message, for which the link is stalled, has room */
  _Atomic guint n;                    /* the threads, also those that wait for what comes to an inbox */
  _Atomic (GArray *) inboxes;         /* lock: (owned) (nullable) (element-type Joined) */
  _Atomic (FerryInboxWait *) watches; /* lock: (unowned) (nullable): woken by what goes to the router's thread */
  FerryAnswerWait *lists[FERRY_N_ANSWER_WAIT_LISTS]; /* lock: (unowned) (nullable): by the lowest bits of the numbers */
} FerryAnswerWaits;

/* What one thread takes at a time, from the first answer until all threads are woken. */
typedef struct
{
  FerryAnswerWaits *waits; /* (unowned): its lock is held */
  _Atomic guint32 *due;    /* (nullable): the latest thread that was handed its answer, if it is to be woken */
  gboolean marks; /* the last message that was taken is in an inbox; the inbox's marker must be put in its place */
} FerryAnswerPass;

void ferry_answer_waits_init (FerryAnswerWaits *self);
void ferry_answer_waits_clear (FerryAnswerWaits *self);
/* Adds a thread, before it sends the request. Its wait must not move until ferry_answer_waits_remove(), or until its
 * completion was handed over. Returns whether nothing else waits over the link. */
gboolean ferry_answer_waits_add (FerryAnswerWaits *self, FerryAnswerWait *wait);
/* Afterwards, the wait's size tells whether it got the answer. */
void ferry_answer_waits_remove (FerryAnswerWaits *self, FerryAnswerWait *wait);
/* Makes the messages of a connection that the inbox accepts come to it. share: the bytes that the link has out. A
 * message that was drained before is not among them. */
void ferry_answer_waits_join (FerryAnswerWaits *self, guint64 connection_id, FerryInbox *inbox, _Atomic gint64 *share);
/* Undoes ferry_answer_waits_join(), if that was called. Returns the bytes that the link has out no more. */
gsize ferry_answer_waits_leave (FerryAnswerWaits *self, FerryInbox *inbox);

/* Begins a watch: from now on, the thread is woken when anything of the link was pushed into the local queue. It counts
 * as a thread that waits. */
void ferry_answer_waits_begin_watch (FerryAnswerWaits *self, FerryInboxWait *watch);
void ferry_answer_waits_end_watch (FerryAnswerWaits *self, FerryInboxWait *watch);
void ferry_answer_waits_wake_watches (FerryAnswerWaits *self);

static inline void
ferry_answer_waits_note_push (FerryAnswerWaits *self)
{
  /* Relaxed: a thread that looked into the local queue before the push had begun its watch before that, and the queue's
   * lock orders both. */
  if (G_UNLIKELY (atomic_load_explicit (&self->watches, memory_order_relaxed) != NULL))
    ferry_answer_waits_wake_watches (self);
}

static inline gboolean
ferry_answer_waits_has_any (FerryAnswerWaits *self)
{
  /* Sequentially consistent: see ferry_drain_lock_is_lent(). */
  return atomic_load_explicit (&self->n, memory_order_seq_cst) > 0;
}

/* Whether messages may be taken: a thread waits, or there is an inbox. */
static inline gboolean
ferry_answer_waits_may_take (FerryAnswerWaits *self)
{
  /* Relaxed: an inbox joins before the first message that it must not miss is drained. */
  return ferry_answer_waits_has_any (self) || atomic_load_explicit (&self->inboxes, memory_order_relaxed) != NULL;
}

void ferry_answer_pass_begin (FerryAnswerPass *self, FerryAnswerWaits *waits);
/* Hands a message to the thread that waits for it, if there is one, or to an inbox. Then the record must be released.
 * is_private: no other process can change the payload, and a marker can take the record's place. If another process
 * can, a message that does not fit the thread's place is left. */
gboolean ferry_answer_pass_take (FerryAnswerPass *self, const FerryRecordHeader *header, const guint8 *payload,
                                 gboolean is_private);
/* Hands over a message that came as a whole, of any size. may_keep: the thread or the inbox refers to the bytes, and
 * else to a copy. */
gboolean ferry_answer_pass_take_whole (FerryAnswerPass *self, guint64 connection_id, GBytes *whole,
                                       FerryValueVerdict verdict, gboolean may_keep);
void ferry_answer_pass_end (FerryAnswerPass *self);

G_END_DECLS
