/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asynchronous calls that wait for one moment, each with a cancellable that ends the waiting.
 *
 * Owner:   the source object of the calls, which has a GPtrArray for them, NULL while nobody waits.
 * Threads: one. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Takes a reference to the call. */
void ferry_waiters_add (GPtrArray **waiters, GTask *call);
/* The moment has come: TRUE for all of them. Callbacks may run at once, and may wait anew. */
void ferry_waiters_return (GPtrArray **waiters);

G_END_DECLS
