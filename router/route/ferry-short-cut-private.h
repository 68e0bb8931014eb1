/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The short cut: while there is little traffic, the main loop polls the doorbells and drains the shared queue itself,
 * so that a message wakes one thread, not two.
 *
 * Owner:   the router.
 * Threads: the router's thread. */

#pragma once

#include "route/ferry-monitor-private.h"

G_BEGIN_DECLS

/* Returns (transfer full) a source that is attached to context. To be destroyed before the monitor is stopped. */
GSource *ferry_short_cut_attach (GMainContext *context, FerryMonitor *monitor, FerryPingee *pingee);

G_END_DECLS
