/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The threads that wait for answers over a link. Any thread; answers are taken by one at a time. */

#pragma once

#include "lane/ferry-lane-private.h"
#include "wire/ferry-layout-private.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

G_BEGIN_DECLS

#define FERRY_N_ANSWER_WAIT_LISTS 64

typedef struct
{
  pthread_mutex_t lock;
  _Atomic guint n;                                   /* the threads */
  FerryAnswerWait *lists[FERRY_N_ANSWER_WAIT_LISTS]; /* lock: (unowned) (nullable): by the lowest bits of the numbers */
} FerryAnswerWaits;

/* What one thread takes at a time, from the first answer until all threads are woken. */
typedef struct
{
  FerryAnswerWaits *waits; /* (unowned): its lock is held */
  _Atomic guint32 *due;    /* (nullable): the latest thread that was handed its answer, if it is to be woken */
} FerryAnswerPass;

void ferry_answer_waits_init (FerryAnswerWaits *self);
void ferry_answer_waits_clear (FerryAnswerWaits *self);
/* Adds a thread, before it sends the request. Its wait must not move until ferry_answer_waits_remove(), or until its
 * completion was handed over. Returns whether nothing else waits over the link. */
gboolean ferry_answer_waits_add (FerryAnswerWaits *self, FerryAnswerWait *wait);
/* Afterwards, the wait's size tells whether it got the answer. */
void ferry_answer_waits_remove (FerryAnswerWaits *self, FerryAnswerWait *wait);

static inline gboolean
ferry_answer_waits_has_any (FerryAnswerWaits *self)
{
  /* Sequentially consistent: see ferry_drain_lock_is_lent(). */
  return atomic_load_explicit (&self->n, memory_order_seq_cst) > 0;
}

void ferry_answer_pass_begin (FerryAnswerPass *self, FerryAnswerWaits *waits);
/* Hands a message to the thread that waits for it, if there is one. Then the record must be released. is_private: no
 * other process can change the payload. If another process can, a message that does not fit the thread's place is left.
 */
gboolean ferry_answer_pass_take (FerryAnswerPass *self, const FerryRecordHeader *header, const guint8 *payload,
                                 gboolean is_private);
/* Hands over a message that came as a whole, of any size. may_keep: the thread refers to the bytes, and else to a
 * copy. */
gboolean ferry_answer_pass_take_whole (FerryAnswerPass *self, guint64 connection_id, GBytes *whole,
                                       FerryValueVerdict verdict, gboolean may_keep);
void ferry_answer_pass_end (FerryAnswerPass *self);

G_END_DECLS
