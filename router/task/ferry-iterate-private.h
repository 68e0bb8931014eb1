/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting on the router's thread, for console programs and tests: its main context is iterated meanwhile. */

#pragma once

#include "route/ferry-router.h"

G_BEGIN_DECLS

/* main: whether this is the place to wait: FERRY_ERROR_NOT_RUNNING, FERRY_ERROR_WRONG_THREAD, and FERRY_ERROR_BUSY in a
 * callback of the router's main context. */
gboolean ferry_iterate_check (FerryRouter *router, GError **error);

/* main, where ferry_iterate_check() holds: timeout is in microseconds, negative for as long as it takes; with 0, what
 * is ready is dispatched. Whoever owns data keeps it. Returns whether the condition holds. */
gboolean ferry_iterate (FerryRouter *router, FerryCondition condition, gpointer data, gint64 timeout);

/* main: ferry_iterate_check() and ferry_iterate(), with 0 for not at all. what says, for the message, what did not come
 * about. Fails with FERRY_ERROR_TIMED_OUT besides. */
gboolean ferry_iterate_until (FerryRouter *router, FerryCondition condition, gpointer data, gint64 timeout,
                              const char *what, GError **error);

/* The same where there is no router: context is the thread-default one. Fails with FERRY_ERROR_WRONG_THREAD where it is
 * another, FERRY_ERROR_BUSY where what came is being handed over, and FERRY_ERROR_TIMED_OUT. */
gboolean ferry_iterate_context_until (GMainContext *context, FerryCondition condition, gpointer data, gint64 timeout,
                                      const char *what, GError **error);

G_END_DECLS
