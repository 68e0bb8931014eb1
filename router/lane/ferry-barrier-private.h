/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A memory barrier that one process has another execute, by the system call membarrier().
 *
 * A barrier between a store and a load waits until the store is in memory. On a busy lane that is a third of what a
 * small message costs its writer. Where only a sleeper needs the order, the sleeper can issue the barrier for both
 * sides, once for each sleep. See ferry-wake-private.h.
 *
 * Threads: any. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether this process can issue barriers. The answer stays the same, unless the process restricts its own calls. */
gboolean ferry_barrier_is_available (void);
/* From now on, a barrier that another process issues is executed by all threads of this process too. Takes some
 * milliseconds in a process with several threads. Returns whether that worked. */
gboolean ferry_barrier_join (void);
/* Executes a barrier on each running thread of each process that has joined. A thread that does not run has executed
 * one when it was stopped. Returns whether that worked. */
gboolean ferry_barrier_issue (void);

G_END_DECLS
