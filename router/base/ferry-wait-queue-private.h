/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Completions that wait for the same moment, such as room in a transport or the end of a task.
 *
 * To wait for a condition, a thread joins the queue, then looks at the condition, and then waits. What changes the
 * condition does so first, and then finishes the queue's completions. To join and to look whether the queue is empty
 * are each a read-modify-write of one word, so one of the two comes first: either the thread finds the condition
 * changed, or it is found in the queue.
 *
 * Owner:   the object that the moment is of; it outlives the waiting.
 * Threads: any. */

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-completion-private.h"

G_BEGIN_DECLS

typedef struct
{
  pthread_mutex_t lock;
  GQueue waiting;          /* lock: (element-type FerryCompletion) (owned) */
  _Atomic guint n_waiting; /* changed with the lock */
} FerryWaitQueue;

#define FERRY_WAIT_QUEUE_INIT                                                                                          \
  {                                                                                                                    \
    PTHREAD_MUTEX_INITIALIZER, G_QUEUE_INIT, 0                                                                         \
  }

void ferry_wait_queue_init (FerryWaitQueue *self);
/* No completion waits in it. */
void ferry_wait_queue_clear (FerryWaitQueue *self);

/* key (nullable): which of several moments it waits for. timed_out (nullable): the message of FERRY_ERROR_TIMED_OUT, a
 * literal. Returns (transfer full). */
FerryCompletion *ferry_wait_queue_join (FerryWaitQueue *self, gconstpointer key, const char *timed_out);
/* The key that a completion has joined with. */
gpointer ferry_wait_queue_get_key (FerryCompletion *completion);
/* The same where a deadline has a function called, which returns (transfer full) the error. */
FerryCompletion *ferry_wait_queue_join_with_func (FerryWaitQueue *self, GError *(*timed_out) (gpointer data),
                                                  gpointer data);
/* Has a task wait, which returns TRUE at the moment, or is cancelled. */
void ferry_wait_queue_add_task (FerryWaitQueue *self, GTask *task);
/* Has a task of source (nullable) wait until condition holds. On the one thread that changes the condition. */
void ferry_wait_queue_wait_async (FerryWaitQueue *self, gboolean (*condition) (gpointer data), gpointer data,
                                  gpointer source, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
/* Has this thread wait until condition holds, which is looked at without a lock. deadline: monotonic time in
 * microseconds, G_MAXINT64 for none. Returns FALSE where the deadline has passed, or cancellable is cancelled, and it
 * does not hold. */
gboolean ferry_wait_queue_wait (FerryWaitQueue *self, gconstpointer key, gboolean (*condition) (gpointer data),
                                gpointer data, gint64 deadline, GCancellable *cancellable, const char *timed_out,
                                GError **error);
/* Takes the first out, or all that have joined with key, or all where that is NULL. They are not abandoned any more, so
 * that they can be finished when a lock was let go of: ferry_completion_finish_reserved(). What the callback of one
 * cancels does not count. Return (transfer full) (nullable), (element-type FerryCompletion). */
FerryCompletion *ferry_wait_queue_reserve_next (FerryWaitQueue *self);
void ferry_wait_queue_reserve (FerryWaitQueue *self, gconstpointer key, GQueue *reserved);
/* Finishes them with TRUE, and empties the queue. */
void ferry_wait_queue_finish_reserved (GQueue *reserved);
/* All that wait now end, with TRUE. Those that join meanwhile stay. A callback may drop the queue's owner. */
void ferry_wait_queue_finish_all (FerryWaitQueue *self);
/* The same for those that have joined with key. */
void ferry_wait_queue_finish_key (FerryWaitQueue *self, gconstpointer key);

/* For what happens often: a look at one word where none waits. Releases the condition, for a thread that joins next. */
static inline gboolean
ferry_wait_queue_is_empty (FerryWaitQueue *self)
{
  return atomic_fetch_add_explicit (&self->n_waiting, 0, memory_order_acq_rel) == 0;
}

G_END_DECLS
