/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The threads that wait for answers over one link, by the numbers of the answers. The thread that drains the link hands
 * an answer to the thread that waits for it, and wakes that thread. The payload of an answer begins with its number.
 *
 * Threads: any. Answers are taken by one thread at a time.
 * Locks:   lock is held while answers are handed over, and until their threads are woken. No function is called with it
 *          but those of FerryCaller, and those of the completions, which take no lock.
 * Life:    what the awaited completions sleep in may be freed after ferry_callers_sync(). */

#pragma once

#include "lane/ferry-lane-private.h"

G_BEGIN_DECLS

#define FERRY_N_CALLER_LISTS 64

typedef struct
{
  pthread_mutex_t lock;
  _Atomic guint n;                          /* stored with the lock held */
  FerryCaller *lists[FERRY_N_CALLER_LISTS]; /* lock: (unowned) (nullable): by the lowest bits of the numbers */
} FerryCallers;

/* What one thread takes at a time, from the first answer until all threads are woken. */
typedef struct
{
  FerryCallers *callers; /* (unowned): its lock is held */
  FerryDueWaiters due;
} FerryAnswerRun;

void ferry_callers_init (FerryCallers *self);
void ferry_callers_clear (FerryCallers *self);
/* Adds a thread, before it sends the request. It must not move until ferry_callers_remove(), or until its completion
 * was handed over. */
void ferry_callers_add (FerryCallers *self, FerryCaller *caller);
/* Afterwards, the caller's size tells whether it got the answer. */
void ferry_callers_remove (FerryCallers *self, FerryCaller *caller);
/* Returns when all threads that were handed an answer before are woken. */
void ferry_callers_sync (FerryCallers *self);

/* Whether any thread waits. A thread that has an answer in the lane is counted. */
static inline gboolean
ferry_callers_has_any (FerryCallers *self)
{
  /* Sequentially consistent: see is_awaited() of ferry-monitor.c. */
  return atomic_load_explicit (&self->n, memory_order_seq_cst) > 0;
}

void ferry_answer_run_begin (FerryAnswerRun *self, FerryCallers *callers);
/* Hands a message to the thread that waits for it, if there is one; then the record must be released. is_private: no
 * other process can change the payload. If one can, a message that does not fit the thread's place is left. */
gboolean ferry_answer_run_take (FerryAnswerRun *self, const FerryRecordHeader *header, const guint8 *payload,
                                gboolean is_private);
/* Hands over a message that came as a whole of any size. The thread refers to the bytes. */
gboolean ferry_answer_run_take_whole (FerryAnswerRun *self, guint64 connection_id, GBytes *whole);
void ferry_answer_run_end (FerryAnswerRun *self);

G_END_DECLS
