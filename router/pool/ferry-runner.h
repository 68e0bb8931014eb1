/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

#define FERRY_TYPE_RUNNER (ferry_runner_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_INTERFACE (FerryRunner, ferry_runner, FERRY, RUNNER, GObject)

G_END_DECLS
