/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "worker/ferry-launcher.h"

G_BEGIN_DECLS

/* What the names of senders begin with that Ferry itself passes to its workers. */
#define FERRY_RESERVED_SENDER_PREFIX "ferry."

gboolean ferry_launcher_add_reserved_sender (FerryLauncher *self, const char *name, FerrySender *sender,
                                             GError **error);
void ferry_launcher_clear_senders (FerryLauncher *self);

G_END_DECLS
