/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "channel/ferry-channel.h"

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
FerryChannel *ferry_channel_create (GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_channel_exit (FerryChannel *self, int status) G_GNUC_NORETURN;

G_END_DECLS
