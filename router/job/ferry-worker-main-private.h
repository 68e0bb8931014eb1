/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the main function of workers is told by the rest of the library, and tells it. For what serves channels, for
 * forks, and for executors whose workers run the same program.
 *
 * Threads: the first, unless a function says any. */

#pragma once

#include "base/ferry-base-private.h"
#include "job/ferry-worker-main.h"

G_BEGIN_DECLS

/* Serves a transport that the application passed to the worker. Returns the exit status of the worker. */
typedef int (*FerryTransportServeFunc) (void);

/* Makes ferry_worker_main() call func, in a worker that is passed a transport of that name. Such a worker serves no
 * calls. Must be called by a constructor of the library, before main() runs. */
void ferry_worker_main_set_server (const char *transport, FerryTransportServeFunc func);

/* Calls the functions of ferry_worker_add_fork_handler(). Must be called once in each child that this process forks. */
FERRY_FOR_SIBLINGS
void ferry_worker_main_handle_fork (void);

/* any: whether the program has called ferry_worker_main(). Only then can the program be started again as a worker. */
gboolean ferry_worker_main_was_called (void);

/* any: whether this process is a worker that serves calls. */
gboolean ferry_worker_main_serves (void);

G_END_DECLS
