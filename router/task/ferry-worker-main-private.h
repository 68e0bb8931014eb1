/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "task/ferry-worker-main.h"

G_BEGIN_DECLS

/* Serves what comes over a transport that the worker was passed. Returns the status to exit with. */
typedef int (*FerryTransportServeFunc) (void);

/* While the library is loaded: a worker that is passed the transport of that name serves that, and not calls. */
void ferry_worker_main_set_server (const char *transport, FerryTransportServeFunc func);

/* any: whether this program, started once more, would be a worker. */
gboolean ferry_worker_main_was_called (void);

G_END_DECLS
