/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Doorbells: they wake a sleeper once ferry_wake_due() says so.
 *
 * A descriptor doorbell is an eventfd in an epoll set, edge-triggered: each write is an edge, and the count is never
 * read. A worker shares the open file description. It may read it, fill it, or make it blocking, and hurts only its own
 * wake-ups. For the same reason the application never writes to a doorbell that a worker holds.
 *
 * A futex doorbell is a word in shared memory that a ring changes. It works between processes. */

#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

int ferry_doorbell_new (GError **error);
void ferry_doorbell_ring (int fd);

void ferry_futex_doorbell_ring (_Atomic guint32 *rings);
gboolean ferry_futex_doorbell_wait (_Atomic guint32 *rings, guint32 seen, gint64 deadline);

G_END_DECLS
