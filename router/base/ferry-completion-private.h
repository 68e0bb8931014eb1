/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a thread waits for what another one ends: completions, and queues of those that wait for one moment. */

#pragma once

#include <gio/gio.h>
#include <pthread.h>
#include <stdatomic.h>

G_BEGIN_DECLS

/* A completion: something that is done once.
 *
 * A completion is pending until it gets a result or an error, its deadline passes, or its cancellable is cancelled.
 * The first of these is its end; a later one has no effect.
 *
 * One of three faces is notified of the end. The face may be set before the end or after it:
 *
 *   a thread     ferry_completion_wait() sleeps until the end
 *   a task       ferry_completion_return() returns a GTask with the result or the error
 *   a function   ferry_completion_call() sets a function, which the thread that ends the completion calls
 *
 * A completion has one face. A task or a thread comes with a deadline and a cancellable. If one of these ends the
 * completion, the completion is abandoned: FerryCompletionFuncs.abandon notifies the other side, and makes the
 * error. abandon runs at once. When its cancellable is cancelled, a task returns later, from its context, and not
 * within g_cancellable_cancel().
 *
 * Threads: any; each caller must hold a reference. No function here holds a lock while it calls a callback. */

typedef struct _FerryCompletion FerryCompletion;

typedef enum
{
  FERRY_ABANDON_DEADLINE,
  FERRY_ABANDON_CANCELLED,
} FerryAbandonReason;

/* data: the bytes that ferry_completion_new() allocated for the caller. */
typedef struct
{
  /* Called when the deadline or the cancellable ends the completion. Notifies the other side. Returns (transfer
   * full) the error that the completion ends with. Runs on the thread that waits, on the thread that cancels, or on
   * the thread of the task's context. */
  GError *(*abandon) (gpointer data, FerryAbandonReason reason);
  /* (nullable): called when the last reference is dropped. Releases what data contains. */
  void (*destroy) (gpointer data);
} FerryCompletionFuncs;

/* Called once, at the completion's end, with the completion's data. May take the result by ferry_completion_take(). */
typedef void (*FerryCompletionFunc) (FerryCompletion *self, gpointer data);

/* Returns (transfer full) a new completion. size: the number of data bytes for the caller, set to 0; 0 for none. */
FerryCompletion *ferry_completion_new (const FerryCompletionFuncs *funcs, gsize size);
FerryCompletion *ferry_completion_ref (FerryCompletion *self);
void ferry_completion_unref (FerryCompletion *self);
gpointer ferry_completion_get_data (FerryCompletion *self);
FerryCompletion *ferry_completion_from_data (gpointer data);

/* Ends the completion with result, or with error. free_result (nullable) releases result. Takes ownership of result
 * and error even if the completion has already ended. Returns whether this function ended the completion. */
gboolean ferry_completion_finish (FerryCompletion *self, gpointer result, GDestroyNotify free_result, GError *error);
/* The two steps of ferry_completion_finish(). If ferry_completion_reserve() returns FALSE, something else has ended
 * the completion and the caller keeps its result. */
gboolean ferry_completion_reserve (FerryCompletion *self);
void ferry_completion_finish_reserved (FerryCompletion *self, gpointer result, GDestroyNotify free_result,
                                       GError *error);
/* Ends the completion as its deadline or its cancellable would. Returns whether this function ended the completion. */
gboolean ferry_completion_abandon (FerryCompletion *self, FerryAbandonReason reason);
/* Whether the completion's end has been decided; the result may not be written yet. This load and the store that
 * decides the end are sequentially consistent. One thread may write a word that FerryCompletionFuncs.abandon reads, and
 * then call this. Then at least one of the two sees what the other wrote. */
gboolean ferry_completion_is_reserved (FerryCompletion *self);
/* Whether the completion has ended. Acquires what was written before the end. */
gboolean ferry_completion_is_over (FerryCompletion *self);

/* Sleeps until the completion has ended. deadline: monotonic time in microseconds, G_MAXINT64 for none. */
void ferry_completion_wait (FerryCompletion *self, gint64 deadline, GCancellable *cancellable);
/* Works as ferry_completion_wait(), but also returns when another thread has called ferry_completion_hand_over().
 * Returns whether one has, now or before. */
gboolean ferry_completion_wait_or_take (FerryCompletion *self, gint64 deadline, GCancellable *cancellable);
/* Any thread: makes the waiting thread return from ferry_completion_wait_or_take(), with all that was written before.
 * Once for each completion, which the waiting thread may free at once. Returns (nullable) what ferry_completion_wake()
 * must wake soon. */
_Atomic guint32 *ferry_completion_hand_over (FerryCompletion *self);
void ferry_completion_wake (_Atomic guint32 *word);
/* Makes task return when the completion ends. Takes a reference to task, and uses its cancellable and its context.
 * The caller gets the result with g_task_propagate_pointer(). */
void ferry_completion_return (FerryCompletion *self, GTask *task, gint64 deadline);
/* Works as ferry_completion_return(), but the task returns whether there is a result. The caller gets it with
 * g_task_propagate_boolean(). */
void ferry_completion_return_boolean (FerryCompletion *self, GTask *task, gint64 deadline);
/* Makes the thread that ends the completion call func. If the completion has ended already, calls func at once.
 * cancellable: (nullable): abandons the completion, on the thread that cancels and within its handler. */
void ferry_completion_call (FerryCompletion *self, FerryCompletionFunc func, GCancellable *cancellable);

/* Returns (transfer full) (nullable) the result, or NULL and sets error. Must be called once, after the completion's
 * end, by a thread that waited or by the function of ferry_completion_call(). */
gpointer ferry_completion_take (FerryCompletion *self, GError **error);

/* Returns how many tasks have returned on this thread. A task may return in the iteration of the main context in which
 * it was made. It then calls its callback later, from a source of its own. */
guint ferry_completion_count_returns (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCompletion, ferry_completion_unref)

/* ---- Wait queues: ferry-wait-queue.c ---- */

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
