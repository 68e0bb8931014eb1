/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What tests ask a cluster for. */

#pragma once

#include "cluster/ferry-cluster.h"
#include "cluster/ferry-host-private.h"

G_BEGIN_DECLS

/* How many hosts there are at a time that have not answered. Whoever may publish can tell of hosts by any names. */
#define FERRY_CLUSTER_MAX_ASKED 4096

/* For tests: adds a host that has a session (transfer full). It is an item of FerryCluster:hosts when it has told its
 * facts. Returns (transfer none) the host, which the cluster keeps until its session ends. */
FerryHost *ferry_cluster_add_session (FerryCluster *self, FerrySession *session);

G_END_DECLS
