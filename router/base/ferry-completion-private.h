/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A completion: something that is done once, for which a thread, a task or a function waits. */

#pragma once

#include <gio/gio.h>
#include <pthread.h>
#include <stdatomic.h>

G_BEGIN_DECLS

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

G_END_DECLS
