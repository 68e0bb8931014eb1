/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Doorbells. A waker rings a doorbell to wake a sleeper when ferry_wake_due() returns TRUE.
 *
 * A descriptor doorbell is an eventfd in an epoll set, edge-triggered: each write is an event, and the count is never
 * read. A worker shares the open file description of the eventfd. The worker may read it, fill it, or make it blocking,
 * and harms only its own wake-ups. The application never writes to a doorbell that a worker has, because such a write
 * could block.
 *
 * A futex doorbell is a word in shared memory; a ring changes the word. It also works between processes. The other
 * process may have any number of threads asleep there, and the time that a ring takes must not depend on that. So a
 * ring wakes a few threads, and a thread that a ring has woken wakes the rest. The model tests/model/bell.pml checks
 * that all threads hear of the ring. */

#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

/* The maximum number of threads that one ring of a futex doorbell wakes. It is more than sleep there in most workers.
 */
#define FERRY_FUTEX_DOORBELL_WAKES 4

int ferry_doorbell_new (GError **error);
void ferry_doorbell_ring (int fd);

void ferry_futex_doorbell_ring (_Atomic guint32 *rings);
gboolean ferry_futex_doorbell_wait (_Atomic guint32 *rings, guint32 seen, gint64 deadline);
/* For a thread that sleeps on a futex doorbell by other means. Called before the sleep, and after it. seen: the value
 * of *rings on which the thread slept. */
void ferry_futex_doorbell_begin_wait (_Atomic guint32 *rings);
void ferry_futex_doorbell_end_wait (_Atomic guint32 *rings, guint32 seen);

G_END_DECLS
