/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waits on the router's thread that iterate its main context, for console programs and tests. */

#pragma once

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

/* any: whether the caller may wait for something of router. Fails with FERRY_ERROR_NOT_RUNNING,
 * FERRY_ERROR_WRONG_THREAD, and FERRY_ERROR_BUSY in a callback of the router's main context. */
gboolean ferry_iterate_check (FerryRouter *router, GError **error);

/* Iterates a main context of this thread until condition (data) returns TRUE, and returns its last value. The timeout
 * is in microseconds, negative for none. With 0, ready sources are dispatched once. The caller must keep data alive. */
gboolean ferry_iterate_context (GMainContext *context, FerryCondition condition, gpointer data, gint64 timeout);

/* The same until completion is over, which a cancel ends. After the timeout it may not be over. */
void ferry_iterate_for (GMainContext *context, FerryCompletion *completion, gint64 timeout, GCancellable *cancellable);

/* Waits until condition (data) returns TRUE. Fails as ferry_iterate_check() does, and with FERRY_ERROR_TIMED_OUT and a
 * message that begins with what. With a timeout of 0, condition is only called once.
 *
 * If router is NULL, context is iterated. Fails then with FERRY_ERROR_WRONG_THREAD when context is not the
 * thread-default context, and with FERRY_ERROR_BUSY in a callback of context. */
FERRY_FOR_SIBLINGS
gboolean ferry_iterate_until (FerryRouter *router, GMainContext *context, FerryCondition condition, gpointer data,
                              gint64 timeout, const char *what, GError **error);

G_END_DECLS
