/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Completions that wait for one moment. */

#pragma once

#include "base/ferry-completion-private.h"

G_BEGIN_DECLS

typedef struct
{
  pthread_mutex_t lock;
  GQueue waiting;          /* lock: (element-type FerryCompletion) (owned) */
  _Atomic guint n_waiting; /* changed with the lock held */
  _Atomic guint n_looks;   /* how often the waits were to be served since the thread that serves them began to look */
} FerryWaitQueue;

#define FERRY_WAIT_QUEUE_INIT                                                                                          \
  {                                                                                                                    \
    PTHREAD_MUTEX_INITIALIZER, G_QUEUE_INIT, 0                                                                         \
  }

void ferry_wait_queue_init (FerryWaitQueue *self);
/* Frees the queue's lock. No completion may be waiting in the queue. */
void ferry_wait_queue_clear (FerryWaitQueue *self);

/* Returns (transfer full) a completion that waits in the queue. key (nullable): says which of several moments the
 * completion waits for. timed_out (nullable): the message of FERRY_ERROR_TIMED_OUT, a string literal. */
FerryCompletion *ferry_wait_queue_join (FerryWaitQueue *self, gconstpointer key, const char *timed_out);
/* Returns the key that ferry_wait_queue_join() was given for this completion. */
gpointer ferry_wait_queue_get_key (FerryCompletion *completion);
/* Works as ferry_wait_queue_join() without a key. If the deadline passes, calls timed_out, which returns (transfer
 * full) the error. */
FerryCompletion *ferry_wait_queue_join_with_func (FerryWaitQueue *self, GError *(*timed_out) (gpointer data),
                                                  gpointer data);
/* Makes the task wait: the task returns TRUE at the moment, or is cancelled. */
void ferry_wait_queue_add_task (FerryWaitQueue *self, GTask *task);
/* Makes a new task of source (nullable) wait until condition returns TRUE. Must be called on the one thread that
 * changes the condition. */
void ferry_wait_queue_wait_async (FerryWaitQueue *self, gboolean (*condition) (gpointer data), gpointer data,
                                  gpointer source, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
/* Waits on this thread until condition returns TRUE. condition is called without a lock. deadline: monotonic time in
 * microseconds, G_MAXINT64 for none. Returns FALSE if the deadline has passed or cancellable is cancelled while
 * condition still returns FALSE. */
gboolean ferry_wait_queue_wait (FerryWaitQueue *self, gconstpointer key, gboolean (*condition) (gpointer data),
                                gpointer data, gint64 deadline, GCancellable *cancellable, const char *timed_out,
                                GError **error);
/* Remove completions from the queue: the first one, or all that joined with key, or all if key is NULL. Afterwards
 * neither their deadline nor their cancellable ends them. So the caller can drop its lock, and then finish them with
 * ferry_completion_finish_reserved(). A callback of one of them can no longer cancel another one. The first function
 * returns (transfer full) (nullable); the second appends (element-type FerryCompletion) (owned) to reserved. */
FerryCompletion *ferry_wait_queue_reserve_next (FerryWaitQueue *self);
/* Calls serve_one, which reserves the next wait and finishes it, or returns FALSE, while there are waits. If another
 * thread does so already, it looks once more instead, so the waits are finished in their order. */
void ferry_wait_queue_serve (FerryWaitQueue *self, gboolean (*serve_one) (gpointer data), gpointer data);
void ferry_wait_queue_reserve (FerryWaitQueue *self, gconstpointer key, GQueue *reserved);
/* Finishes the completions of reserved with TRUE, and empties reserved. */
void ferry_wait_queue_finish_reserved (GQueue *reserved);
/* Finishes all completions that wait now, with TRUE. A completion that joins during this call keeps waiting. A
 * callback may drop the queue's owner. */
void ferry_wait_queue_finish_all (FerryWaitQueue *self);
/* Works as ferry_wait_queue_finish_all(), but only for completions that joined with key. */
void ferry_wait_queue_finish_key (FerryWaitQueue *self, gconstpointer key);

/* Whether no completion waits. Reads one word, so it may be called often. Releases the changed condition to a thread
 * that joins next. */
static inline gboolean
ferry_wait_queue_is_empty (FerryWaitQueue *self)
{
  return atomic_fetch_add_explicit (&self->n_waiting, 0, memory_order_acq_rel) == 0;
}

G_END_DECLS
