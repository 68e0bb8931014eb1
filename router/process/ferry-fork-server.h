/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "process/ferry-launcher.h"
#include "process/ferry-worker.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

#define FERRY_TYPE_FORK_SERVER (ferry_fork_server_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryForkServer, ferry_fork_server, FERRY, FORK_SERVER, GObject)

FERRY_AVAILABLE_IN_0_1
FerryForkServer *ferry_fork_server_new (FerryLauncher *launcher) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_fork_server_start (FerryForkServer *self, FerryRouter *router, GError **error);

FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_fork_server (FerryLauncher *self, FerryForkServer *fork_server);

G_END_DECLS
