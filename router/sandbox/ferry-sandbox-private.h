/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sandbox from within the layer. It belongs to the router's thread. */

#pragma once

#include "link/ferry-link-private.h"
#include "route/ferry-home-private.h"
#include "sandbox/ferry-sandbox.h"
#include "spawn/ferry-spawn-private.h"

G_BEGIN_DECLS

/* main: from now on the sandbox is for that thread. */
void ferry_sandbox_bind (FerrySandbox *self, FerryHome *home);

/* For a launcher whose worker is executed. */
gboolean ferry_sandbox_is_on (FerrySandbox *self);
/* main: has the plan, of a program that is executed, start it in the sandbox. Fails with FERRY_ERROR_LAUNCH_FAILED. */
gboolean ferry_sandbox_apply (FerrySandbox *self, FerrySpawnPlan *plan, FerryLink *link, GError **error);

G_END_DECLS
