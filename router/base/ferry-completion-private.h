/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Something that is done once.
 *
 * A completion is pending until it has a result, an error, reaches its deadline, or its cancellable is cancelled. The
 * first of these is its end. A later one changes nothing.
 *
 * One of three faces tells of the end. It is given before the end or after it:
 *
 *   a thread     ferry_completion_wait() sleeps until the end
 *   a task       ferry_completion_return() returns a GTask with the result or the error
 *   a function   ferry_completion_call() has a function called on the thread that ends the completion
 *
 * A completion has one face. A task and a thread bring a deadline and a cancellable; where one of these is the end, the
 * completion is abandoned: FerryCompletionFuncs.abandon tells the other side, and makes the error. That is done at
 * once; a task whose cancellable is cancelled returns a moment later, and not within g_cancellable_cancel().
 *
 * Threads: any; each caller has a reference. No function here holds a lock while it calls another one's code. */

#pragma once

#include <gio/gio.h>

#include "base/ferry-waiters-private.h"

G_BEGIN_DECLS

typedef struct _FerryCompletion FerryCompletion;

typedef enum
{
  FERRY_ABANDON_DEADLINE,
  FERRY_ABANDON_CANCELLED,
} FerryAbandonReason;

/* data: the bytes that ferry_completion_new() made room for. */
typedef struct
{
  /* The completion ends by its deadline or its cancellable. Tells the other side. Returns (transfer full) the error
   * that it ends with. On the thread that waits, the one that cancels, or that of the task's context. */
  GError *(*abandon) (gpointer data, FerryAbandonReason reason);
  /* (nullable): with the last reference; releases what data has. */
  void (*destroy) (gpointer data);
} FerryCompletionFuncs;

/* Called once, at the end. data: as above. It may take the result with ferry_completion_take(). */
typedef void (*FerryCompletionFunc) (FerryCompletion *self, gpointer data);

/* size: of the bytes for its maker, which are 0 at first; 0 for none. Returns (transfer full). */
FerryCompletion *ferry_completion_new (const FerryCompletionFuncs *funcs, gsize size);
FerryCompletion *ferry_completion_ref (FerryCompletion *self);
void ferry_completion_unref (FerryCompletion *self);
/* Has a thread sleep where others do, so that many are woken at once. Before another thread has it; waiters outlives
 * the wait, and the calls that end it. */
void ferry_completion_set_waiters (FerryCompletion *self, FerryWaiters *waiters);
gpointer ferry_completion_get_data (FerryCompletion *self);
FerryCompletion *ferry_completion_from_data (gpointer data);

/* Ends it with result and free_result, which releases it (nullable), or with error. Takes all of them, also where it
 * has its end already. Returns whether this is the end. */
gboolean ferry_completion_finish (FerryCompletion *self, gpointer result, GDestroyNotify free_result, GError *error);
/* The same, but a thread that waits is woken by the next ferry_waiters_wake_due(). For the thread that calls that. */
gboolean ferry_completion_finish_in_run (FerryCompletion *self, gpointer result, GDestroyNotify free_result,
                                         GError *error);
/* The two steps of that, for a result that is kept where another end has won. */
gboolean ferry_completion_reserve (FerryCompletion *self);
void ferry_completion_finish_reserved (FerryCompletion *self, gpointer result, GDestroyNotify free_result,
                                       GError *error);
/* Ends it as its deadline or its cancellable would. Returns whether this is the end. */
gboolean ferry_completion_abandon (FerryCompletion *self, FerryAbandonReason reason);
/* Whether an end has won, and may not be over yet. Sequentially consistent, as its coming is: of a thread that writes a
 * word and looks at this, and FerryCompletionFuncs.abandon that looks at the word, one sees the other. */
gboolean ferry_completion_is_reserved (FerryCompletion *self);
/* Acquires what was written before its end. */
gboolean ferry_completion_is_over (FerryCompletion *self);

/* Sleeps until its end, which it is in any case when this returns. deadline: monotonic time in microseconds, G_MAXINT64
 * for none. */
void ferry_completion_wait (FerryCompletion *self, gint64 deadline, GCancellable *cancellable);
/* Takes a reference to the task, whose cancellable and context count. The result is for g_task_propagate_pointer(). */
void ferry_completion_return (FerryCompletion *self, GTask *task, gint64 deadline);
/* The same for g_task_propagate_boolean(): whether there is a result. */
void ferry_completion_return_boolean (FerryCompletion *self, GTask *task, gint64 deadline);
/* func is called at once where it is over. */
void ferry_completion_call (FerryCompletion *self, FerryCompletionFunc func);

/* After its end, once, for a thread and a function: (transfer full) (nullable) the result, or NULL with the error. */
gpointer ferry_completion_take (FerryCompletion *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCompletion, ferry_completion_unref)

G_END_DECLS
