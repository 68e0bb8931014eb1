/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-objects.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "object/ferry-list-row.h"
#include "object/ferry-proxy.h"

G_BEGIN_DECLS

#define FERRY_TYPE_LIST_REPLICA (ferry_list_replica_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryListReplica, ferry_list_replica, FERRY, LIST_REPLICA, GObject)

FERRY_AVAILABLE_IN_0_1
FerryListReplica *ferry_list_replica_new (FerryProxy *proxy) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
