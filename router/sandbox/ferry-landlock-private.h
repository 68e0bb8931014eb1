/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layer of a sandbox that Landlock makes: files, and where the kernel can, TCP, signals and abstract addresses. */

#pragma once

#include "sandbox/ferry-sandbox-plan-private.h"

G_BEGIN_DECLS

/* What this system can give: FERRY_LAYER_LANDLOCK and those beside it, or 0. */
guint32 ferry_landlock_get_layers (void);

/* worker, before it has threads: enters what the plan tries of those. Returns what it has entered; *failure is an error
 * number where that is nothing. */
guint32 ferry_landlock_enter (const FerrySandboxPlan *plan, int *failure);

G_END_DECLS
