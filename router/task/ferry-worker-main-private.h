/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "task/ferry-worker-main.h"

G_BEGIN_DECLS

/* Serves a transport that the worker was passed. Returns the exit status. */
typedef int (*FerryTransportServeFunc) (void);

/* While the library is loaded: a worker that is passed a transport of that name serves it with func, and serves no
 * calls. */
void ferry_worker_main_set_server (const char *transport, FerryTransportServeFunc func);

/* any: whether the program has called ferry_worker_main(), and so can be a worker when it is started again. */
gboolean ferry_worker_main_was_called (void);

G_END_DECLS
