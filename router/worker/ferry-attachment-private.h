/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "worker/ferry-worker.h"

G_BEGIN_DECLS

FerrySender *ferry_attachment_get_sender (const char *name, GError **error);

G_END_DECLS
