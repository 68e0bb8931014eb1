/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A main context that other threads may use while its own thread sleeps. One thread at a time has it. Its keeper, the
 * thread that made it, has it all the time, except while it polls in ferry_shared_context_iterate().
 *
 * Owner:   counted references.
 * Threads: any, except where a function says the keeper. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerrySharedContext FerrySharedContext;

/* The calling thread becomes the keeper. No other thread may acquire the context by other ways from now on. */
FerrySharedContext *ferry_shared_context_new (GMainContext *context);
FerrySharedContext *ferry_shared_context_ref (FerrySharedContext *self);
void ferry_shared_context_unref (FerrySharedContext *self);
GMainContext *ferry_shared_context_get_context (FerrySharedContext *self);
/* Acquires the context, unless another thread has it or its keeper waits for it. Never waits. May be nested. */
gboolean ferry_shared_context_try_enter (FerrySharedContext *self);
/* Undoes ferry_shared_context_try_enter(). The keeper wakes, also when it has nothing to dispatch. */
void ferry_shared_context_leave (FerrySharedContext *self);
/* The keeper: iterates the context once, and waits until a source is ready or another thread has left. */
void ferry_shared_context_iterate (FerrySharedContext *self);
/* The keeper: others may enter at any time from now on. */
void ferry_shared_context_abandon (FerrySharedContext *self);

G_END_DECLS
