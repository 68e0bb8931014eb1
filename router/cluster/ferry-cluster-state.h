/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a cluster has its server. */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-cluster.h>, not this header."
#endif

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * FerryClusterState:
 * @FERRY_CLUSTER_STATE_CLOSED: There is no connection, and none is tried: not yet, or not any more.
 * @FERRY_CLUSTER_STATE_CONNECTING: The first connection is being tried, again and again.
 * @FERRY_CLUSTER_STATE_CONNECTED: The server is there.
 * @FERRY_CLUSTER_STATE_RECONNECTING: The server was there. The connection is being tried again and again.
 *
 * What a cluster has of its server.
 */
typedef enum
{
  FERRY_CLUSTER_STATE_CLOSED,
  FERRY_CLUSTER_STATE_CONNECTING,
  FERRY_CLUSTER_STATE_CONNECTED,
  FERRY_CLUSTER_STATE_RECONNECTING,
} FerryClusterState;

G_END_DECLS
