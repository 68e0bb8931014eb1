/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a launcher and an attachment ask of a sandbox. Threads: the router's, where nothing else is said. */

#pragma once

#include "link/ferry-link-private.h"
#include "route/ferry-home-private.h"
#include "sandbox/ferry-sandbox.h"
#include "spawn/ferry-spawn-private.h"

G_BEGIN_DECLS

/* From now on the sandbox is for that thread. */
void ferry_sandbox_bind (FerrySandbox *self, FerryHome *home);

/* self: (nullable) */
gboolean ferry_sandbox_is_on (FerrySandbox *self);
/* Has the plan start its program in the sandbox. Fails with FERRY_ERROR_LAUNCH_FAILED. */
gboolean ferry_sandbox_apply (FerrySandbox *self, FerrySpawnPlan *plan, FerryLink *link, GError **error);

/* worker, before it has threads: enters the sandbox that the environment describes, once. */
void ferry_sandbox_enter (void);
/* worker: whether this process is in a sandbox that limits its memory. */
gboolean ferry_sandbox_limits_memory (void);

G_END_DECLS
