/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
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
FERRY_AVAILABLE_IN_0_1
FerryProxy *ferry_list_replica_get_proxy (FerryListReplica *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_list_replica_get_following (FerryListReplica *self);
FERRY_AVAILABLE_IN_0_1
const GError *ferry_list_replica_get_error (FerryListReplica *self);
FERRY_AVAILABLE_IN_0_1
void ferry_list_replica_set_page_size (FerryListReplica *self, guint page_size);
FERRY_AVAILABLE_IN_0_1
guint ferry_list_replica_get_page_size (FerryListReplica *self);
FERRY_AVAILABLE_IN_0_1
void ferry_list_replica_set_cache_size (FerryListReplica *self, guint cache_size);
FERRY_AVAILABLE_IN_0_1
guint ferry_list_replica_get_cache_size (FerryListReplica *self);

G_END_DECLS
