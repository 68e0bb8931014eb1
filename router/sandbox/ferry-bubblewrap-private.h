/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layer of a sandbox that is made of namespaces, by bubblewrap. */

#pragma once

#include "sandbox/ferry-sandbox-plan-private.h"
#include "spawn/ferry-spawn-private.h"

G_BEGIN_DECLS

/* any: whether a trial start has succeeded. The first call makes it, which takes some milliseconds, and a second at the
 * most. */
gboolean ferry_bubblewrap_works (void);

/* Has the plan start its program through bubblewrap, which works. */
void ferry_bubblewrap_wrap (FerrySpawnPlan *plan, const FerrySandboxPlan *sandbox);

G_END_DECLS
