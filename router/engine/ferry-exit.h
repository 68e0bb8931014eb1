/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-close-reason.h"
#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_EXIT (ferry_exit_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryExit, ferry_exit, FERRY, EXIT, GObject)

FERRY_AVAILABLE_IN_0_1
FerryCloseReason ferry_exit_get_reason (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_exit_get_message (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
int ferry_exit_get_exit_status (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
int ferry_exit_get_signal (FerryExit *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exit_is_success (FerryExit *self);

G_END_DECLS
