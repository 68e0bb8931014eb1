/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Completions that wait for the same moment, such as room in a transport or the end of a task.
 *
 * To wait for a condition, a thread joins the queue, then looks at the condition, and then waits. What changes the
 * condition does so first and then finishes the queue's completions. Both are sequentially consistent, so that one of
 * the two sees what the other did.
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

void ferry_wait_queue_init (FerryWaitQueue *self);
/* No completion waits in it. */
void ferry_wait_queue_clear (FerryWaitQueue *self);

/* timed_out: the message of FERRY_ERROR_TIMED_OUT, a literal. Returns (transfer full). */
FerryCompletion *ferry_wait_queue_join (FerryWaitQueue *self, const char *timed_out);
/* The first that waits ends with result; free_result (nullable) releases it. Returns FALSE when none waits, and takes
 * nothing then. */
gboolean ferry_wait_queue_finish_next (FerryWaitQueue *self, gpointer result, GDestroyNotify free_result);
/* All that wait now end, with TRUE, or with a copy of error (nullable). Those that join meanwhile stay. */
void ferry_wait_queue_finish_all (FerryWaitQueue *self, const GError *error);

/* For what happens often: a look at one word where none waits. */
static inline gboolean
ferry_wait_queue_is_empty (FerryWaitQueue *self)
{
  return atomic_load_explicit (&self->n_waiting, memory_order_seq_cst) == 0;
}

G_END_DECLS
