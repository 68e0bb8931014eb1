/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layers of a sandbox. A worker enters Landlock and the filter of system calls itself, before it has threads.
 * bubblewrap starts the worker in namespaces. */

#pragma once

#include "sandbox/ferry-sandbox-plan-private.h"
#include "spawn/ferry-spawn-private.h"

G_BEGIN_DECLS

/* any: returns which of the FERRY_LAYER_LANDLOCK* layers this system has. */
guint32 ferry_landlock_get_layers (void);
/* worker: enters the Landlock layers of the plan. Returns the layers that were entered. Sets *failure to 0, or to
 * the error number when no layer was entered. */
guint32 ferry_landlock_enter (const FerrySandboxPlan *plan, int *failure);

/* any: whether this library was built with the filter of system calls, and this system supports it. */
gboolean ferry_call_filter_is_possible (void);
/* worker: enters the filter of system calls. Returns 0 or an error number. */
int ferry_call_filter_enter (const FerrySandboxPlan *plan);

/* any: whether bubblewrap works here. The first use makes a trial start, which takes at most ten seconds. */
gboolean ferry_bubblewrap_works (void);
/* Changes the plan so that bubblewrap starts the plan's program. ferry_bubblewrap_works() must have returned TRUE. */
void ferry_bubblewrap_wrap (FerrySpawnPlan *plan, const FerrySandboxPlan *sandbox);

G_END_DECLS
