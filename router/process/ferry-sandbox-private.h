/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sandbox: its layers, and what launchers and attachments ask of it. */

#pragma once

#include <glib.h>

#include "engine/ferry-affinity-private.h"
#include "link/ferry-link-private.h"
#include "process/ferry-sandbox-message-private.h"
#include "process/ferry-sandbox.h"
#include "process/ferry-spawn-private.h"
#include "wire/ferry-lane-layout.h"

G_BEGIN_DECLS

/* any: returns which of the FERRY_LAYER_LANDLOCK* layers this system has. */
guint32 ferry_landlock_get_layers (void);
/* worker: enters the Landlock layers of the message. Returns the layers that were entered. Sets *failure to 0, or to
 * the error number when no layer was entered. */
guint32 ferry_landlock_enter (const FerrySandboxMessage *message, int *failure);

/* any: whether this library was built with the filter of system calls, and this system supports it. */
gboolean ferry_call_filter_is_possible (void);
/* worker: enters the filter of system calls. Returns 0 or an error number. */
int ferry_call_filter_enter (const FerrySandboxMessage *message);

/* any: whether bubblewrap works here. The first use makes a trial start, which is given up when it does nothing for ten
 * seconds. */
gboolean ferry_bubblewrap_works (void);
/* any: whether that was tried. */
gboolean ferry_bubblewrap_is_known (void);
/* Changes the plan so that bubblewrap starts the plan's program. ferry_bubblewrap_works() must have returned TRUE. */
void ferry_bubblewrap_wrap (FerrySpawnPlan *plan, const FerrySandboxMessage *sandbox);

/* Functions of a sandbox for launchers and attachments.
 *
 * Threads: the router's thread, unless a function says otherwise. */

/* Binds the sandbox to an affinity, unless it is bound: from then on only the affinity's thread may use the sandbox. */
void ferry_sandbox_bind (FerrySandbox *self, FerryAffinity *affinity);

/* any: as ferry_sandbox_get_strength(), but starts nothing: without namespaces where nobody has tried them. Sets *all
 * to whether somebody has. */
FerrySandboxStrength ferry_sandbox_peek_strength (gboolean *all);
/* Whether workers are to run in the sandbox. FALSE for NULL and for FERRY_SANDBOX_POLICY_OFF. */
gboolean ferry_sandbox_is_on (FerrySandbox *self);
/* Changes the plan so that its program starts in the sandbox. Fails with FERRY_ERROR_LAUNCH_FAILED. */
gboolean ferry_sandbox_apply (FerrySandbox *self, FerrySpawnPlan *plan, FerryLink *link, GError **error);

/* worker, before it has threads: enters the sandbox that the environment describes. A second call does nothing. */
FERRY_FOR_SIBLINGS
void ferry_sandbox_enter (void);
/* worker: whether this process is in a sandbox that limits its memory. */
gboolean ferry_sandbox_limits_memory (void);

G_END_DECLS
