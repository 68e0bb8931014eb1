/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-objects.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "process/ferry-launcher.h"

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
FerryWorker *ferry_launcher_spawn_again (FerryLauncher *self, FerryRouter *router,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
