/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-conversations.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "call/ferry-transport.h"
#include "process/ferry-launcher.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_launcher_add_transport (FerryLauncher *self, FerryRouter *router, const char *name,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_worker_get_transport (const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
