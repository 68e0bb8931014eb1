/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sandbox that a worker is in, from within the worker. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* worker, before it has threads: enters the sandbox that the environment tells of, once. */
void ferry_sandbox_enter (void);
/* worker: whether this one is in a sandbox that limits its memory. */
gboolean ferry_sandbox_limits_memory (void);

G_END_DECLS
