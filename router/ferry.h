/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#define FERRY_INSIDE

#include "base/ferry-close-reason.h"
#include "base/ferry-error.h"
#include "base/ferry-version.h"

#include "route/ferry-exit.h"
#include "route/ferry-pingee.h"
#include "route/ferry-receiver.h"
#include "route/ferry-router.h"
#include "route/ferry-sender.h"

#include "worker/ferry-launcher.h"
#include "worker/ferry-worker.h"

#include "ferry-enums.h"

#undef FERRY_INSIDE
