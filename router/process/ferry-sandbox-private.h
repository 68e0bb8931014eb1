/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions of a sandbox for launchers and attachments.
 *
 * Threads: the router's thread, unless a function says otherwise. */

#pragma once

#include "engine/ferry-affinity-private.h"
#include "link/ferry-link-private.h"
#include "process/ferry-sandbox.h"
#include "process/ferry-spawn-private.h"

G_BEGIN_DECLS

/* Binds the sandbox to an affinity, unless it is bound: from then on only the affinity's thread may use the sandbox. */
void ferry_sandbox_bind (FerrySandbox *self, FerryAffinity *affinity);

/* Whether workers are to run in the sandbox. FALSE for NULL and for FERRY_SANDBOX_POLICY_OFF. */
gboolean ferry_sandbox_is_on (FerrySandbox *self);
/* Changes the plan so that its program starts in the sandbox. Fails with FERRY_ERROR_LAUNCH_FAILED. */
gboolean ferry_sandbox_apply (FerrySandbox *self, FerrySpawnPlan *plan, FerryLink *link, GError **error);

/* worker, before it has threads: enters the sandbox that the environment describes. A second call does nothing. */
void ferry_sandbox_enter (void);
/* worker: whether this process is in a sandbox that limits its memory. */
gboolean ferry_sandbox_limits_memory (void);

G_END_DECLS
