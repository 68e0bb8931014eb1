/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "route/ferry-router.h"
#include "worker/ferry-launcher.h"
#include "worker/ferry-worker.h"

G_BEGIN_DECLS

#define FERRY_TYPE_NURSERY (ferry_nursery_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryNursery, ferry_nursery, FERRY, NURSERY, GObject)

FERRY_AVAILABLE_IN_0_1
FerryNursery *ferry_nursery_new (FerryLauncher *launcher) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_nursery_start (FerryNursery *self, FerryRouter *router, GError **error);
FERRY_AVAILABLE_IN_0_1
FerryWorker *ferry_nursery_get_worker (FerryNursery *self);
FERRY_AVAILABLE_IN_0_1
guint ferry_nursery_get_n_starts (FerryNursery *self);

FERRY_AVAILABLE_IN_0_1
void ferry_launcher_set_nursery (FerryLauncher *self, FerryNursery *nursery);

G_END_DECLS
