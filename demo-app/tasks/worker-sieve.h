/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Counts primes, a segment at a time, with memory that depends on the square root of the limit only. */

typedef struct _WorkerSieve WorkerSieve;

WorkerSieve *worker_sieve_new (guint64 limit) G_GNUC_WARN_UNUSED_RESULT;
void worker_sieve_free (WorkerSieve *self);
gboolean worker_sieve_step (WorkerSieve *self);
guint64 worker_sieve_get_done (const WorkerSieve *self);
guint64 worker_sieve_get_primes (const WorkerSieve *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerSieve, worker_sieve_free)

G_END_DECLS
