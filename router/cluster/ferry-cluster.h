/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-cluster.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "cluster/ferry-cluster-state.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

#define FERRY_TYPE_CLUSTER (ferry_cluster_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryCluster, ferry_cluster, FERRY, CLUSTER, GObject)

FERRY_AVAILABLE_IN_0_1
FerryCluster *ferry_cluster_new (FerryRouter *router, const char *url,
                                 const char *application) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
gboolean ferry_cluster_open (FerryCluster *self, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_cluster_close (FerryCluster *self);

FERRY_AVAILABLE_IN_0_1
FerryClusterState ferry_cluster_get_state (FerryCluster *self);
FERRY_AVAILABLE_IN_0_1
GListModel *ferry_cluster_get_hosts (FerryCluster *self);

G_END_DECLS
