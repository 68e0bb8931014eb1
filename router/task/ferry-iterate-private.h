/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting on the router's thread, for console programs and tests: its main context is iterated meanwhile. */

#pragma once

#include "route/ferry-router.h"

G_BEGIN_DECLS

/* main: timeout is in microseconds, negative for as long as it takes; what says, for the message, what did not come
 * about. Fails with FERRY_ERROR_TIMED_OUT, FERRY_ERROR_NOT_RUNNING, FERRY_ERROR_WRONG_THREAD, and with FERRY_ERROR_BUSY
 * in a handler of the router's. */
gboolean ferry_iterate_until (FerryRouter *router, FerryCondition condition, gpointer data, gint64 timeout,
                              const char *what, GError **error);

G_END_DECLS
