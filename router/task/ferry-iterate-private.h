/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting on the router's thread by iterating its main context, for console programs and tests. */

#pragma once

#include "route/ferry-router.h"

G_BEGIN_DECLS

/* any: whether the caller may wait. Fails with FERRY_ERROR_NOT_RUNNING, FERRY_ERROR_WRONG_THREAD, and FERRY_ERROR_BUSY
 * in a callback of the router's main context. */
gboolean ferry_iterate_check (FerryRouter *router, GError **error);

/* main, after ferry_iterate_check(): iterates until condition holds. timeout: microseconds, negative for none; with 0
 * the sources that are ready are dispatched once. The caller keeps data alive. Returns whether condition holds. */
gboolean ferry_iterate (FerryRouter *router, FerryCondition condition, gpointer data, gint64 timeout);

/* The same of any context of this thread. */
gboolean ferry_iterate_context (GMainContext *context, FerryCondition condition, gpointer data, gint64 timeout);

/* main: ferry_iterate_check() and ferry_iterate(); a timeout of 0 does not iterate. Fails with FERRY_ERROR_TIMED_OUT as
 * well, whose message begins with what. Without a router, context is iterated. Then this fails with
 * FERRY_ERROR_WRONG_THREAD where that is not the thread-default one, and with FERRY_ERROR_BUSY in a callback of it. */
gboolean ferry_iterate_until (FerryRouter *router, GMainContext *context, FerryCondition condition, gpointer data,
                              gint64 timeout, const char *what, GError **error);

G_END_DECLS
