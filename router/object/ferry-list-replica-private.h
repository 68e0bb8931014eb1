/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a replica is made from another source than a proxy.
 *
 * Threads: the one that made it. */

#pragma once

#include "object/ferry-list-replica.h"
#include "object/ferry-list-source-private.h"

G_BEGIN_DECLS

/* end: outlives the replica. */
FerryListReplica *ferry_list_replica_new_from (const FerryListSource *source, gpointer end);

G_END_DECLS
