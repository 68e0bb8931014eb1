/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-cluster.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

/**
 * FerryHostState:
 * @FERRY_HOST_STATE_PRESENT: The host takes tasks.
 * @FERRY_HOST_STATE_DRAINING: The host ends the tasks that it has begun, and takes no others.
 * @FERRY_HOST_STATE_SILENT: The connection to the server is cut, so nothing is known of the host at present.
 * @FERRY_HOST_STATE_LOST: The host has left, or was lost, or has broken the rules of the protocol. It has no tasks.
 *
 * What a cluster knows of a host.
 */
typedef enum
{
  FERRY_HOST_STATE_PRESENT,
  FERRY_HOST_STATE_DRAINING,
  FERRY_HOST_STATE_SILENT,
  FERRY_HOST_STATE_LOST,
} FerryHostState;

#define FERRY_TYPE_HOST (ferry_host_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryHost, ferry_host, FERRY, HOST, GObject)

FERRY_AVAILABLE_IN_0_1
const char *ferry_host_get_name (FerryHost *self);
FERRY_AVAILABLE_IN_0_1
FerryHostState ferry_host_get_state (FerryHost *self);
FERRY_AVAILABLE_IN_0_1
guint ferry_host_get_n_workers (FerryHost *self);
FERRY_AVAILABLE_IN_0_1
guint ferry_host_get_n_busy (FerryHost *self);
FERRY_AVAILABLE_IN_0_1
gint64 ferry_host_get_round_trip (FerryHost *self);

G_END_DECLS
