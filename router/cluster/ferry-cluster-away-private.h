/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a queue's streams. The router's thread. */

#pragma once

#include "cluster/ferry-server-access-private.h"
#include "pool/ferry-away-private.h"

G_BEGIN_DECLS

/* Implements FerryRunnerInterface.open_away. settings and cut_timeout: of the cluster. */
FerryAway *ferry_cluster_away_new (const FerryBusSettings *settings, gint64 cut_timeout, GMainContext *context,
                                   const char *file, const FerryAwayFuncs *funcs, gpointer owner, GError **error);

G_END_DECLS
