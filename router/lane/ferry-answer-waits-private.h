/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The threads that wait for answers over one link, by the numbers of the answers. The thread that drains the link hands
 * an answer to the thread that waits for it, and wakes that thread. The payload of an answer begins with its number.
 * What any thread may handle goes to the inbox of its connection, if there is one. A thread that only watches what goes
 * to the router's thread is woken by each piece of that.
 *
 * Threads: any. Answers are taken by one thread at a time.
 * Locks:   lock is held while answers are handed over. The only functions that are called with it are those of
 *          FerryAnswerWait and of the inboxes, those of the completions, which take no lock, and came() of the
 *          watches. */

#pragma once

#include "lane/ferry-inbox-private.h"
#include "lane/ferry-lane-private.h"

G_BEGIN_DECLS

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
} FerryAnswerRun;

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

/* Whether any thread waits. */
static inline gboolean
ferry_answer_waits_has_any (FerryAnswerWaits *self)
{
  /* Sequentially consistent: see ferry_role_is_lent(). */
  return atomic_load_explicit (&self->n, memory_order_seq_cst) > 0;
}

/* Whether messages may be taken: a thread waits, or there is an inbox. */
static inline gboolean
ferry_answer_waits_may_take (FerryAnswerWaits *self)
{
  /* Relaxed: an inbox joins before the first message that it must not miss is drained. */
  return ferry_answer_waits_has_any (self) || atomic_load_explicit (&self->inboxes, memory_order_relaxed) != NULL;
}

void ferry_answer_run_begin (FerryAnswerRun *self, FerryAnswerWaits *waits);
/* Hands a message to the thread that waits for it, if there is one, or to an inbox. Then the record must be released.
 * is_private: no other process can change the payload, and a marker can take the record's place. If another process
 * can, a message that does not fit the thread's place is left. */
gboolean ferry_answer_run_take (FerryAnswerRun *self, const FerryRecordHeader *header, const guint8 *payload,
                                gboolean is_private);
/* Hands over a message that came as a whole, of any size. may_keep: the thread or the inbox refers to the bytes, and
 * else to a copy. */
gboolean ferry_answer_run_take_whole (FerryAnswerRun *self, guint64 connection_id, GBytes *whole, gboolean may_keep);
void ferry_answer_run_end (FerryAnswerRun *self);

G_END_DECLS
