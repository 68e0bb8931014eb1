/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

#include "object/ferry-demo-heat-properties.h"

G_BEGIN_DECLS

/* What widgets are bound to: the properties of the plate, which is in another process. It has values and no more; the
 * proxy of the plate sets them, and is told when they are set elsewhere. */

#define FERRY_DEMO_TYPE_HEAT_REPLICA (ferry_demo_heat_replica_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoHeatReplica, ferry_demo_heat_replica, FERRY_DEMO, HEAT_REPLICA, GObject)

G_END_DECLS
