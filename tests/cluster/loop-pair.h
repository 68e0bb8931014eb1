/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two ends of a session on a router's thread. The wire between them loses nothing, and takes an iteration of the
 * main context. */

#pragma once

#include "cluster/ferry-session-private.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

/* Both are (out) (transfer full). An end that is dropped or closed hears of nothing more. */
void loop_pair_new (FerryRouter *router, FerrySession **one, FerrySession **other);
/* Keeps packets from an end, or hands it those that came meanwhile. */
void loop_pair_hold (FerrySession *end, gboolean held);

G_END_DECLS
