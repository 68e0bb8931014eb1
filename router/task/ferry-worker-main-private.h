/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "task/ferry-worker-main.h"

G_BEGIN_DECLS

/* any: whether this program, started once more, would be a worker. */
gboolean ferry_worker_main_was_called (void);

G_END_DECLS
