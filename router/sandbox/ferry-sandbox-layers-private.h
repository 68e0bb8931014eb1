/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layers of a sandbox: Landlock and the filter of system calls, which a worker enters before it has threads, and
 * namespaces, in which bubblewrap starts it. */

#pragma once

#include "sandbox/ferry-sandbox-plan-private.h"
#include "spawn/ferry-spawn-private.h"

G_BEGIN_DECLS

/* any: FERRY_LAYER_LANDLOCK and its newer parts, as far as this system has them. */
guint32 ferry_landlock_get_layers (void);
/* worker: enters those of the plan's layers. Returns the layers that were entered; *failure: why none was, or 0. */
guint32 ferry_landlock_enter (const FerrySandboxPlan *plan, int *failure);

/* any: whether this library was built with the filter, and this system has it. */
gboolean ferry_call_filter_is_possible (void);
/* worker: returns 0 or an error number. */
int ferry_call_filter_enter (const FerrySandboxPlan *plan);

/* any: whether a trial start has succeeded. The first call makes it, and takes ten seconds at the most. */
gboolean ferry_bubblewrap_works (void);
/* Has the plan start its program through bubblewrap, which works. */
void ferry_bubblewrap_wrap (FerrySpawnPlan *plan, const FerrySandboxPlan *sandbox);

G_END_DECLS
