/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layer of a sandbox that is a filter of system calls. */

#pragma once

#include "sandbox/ferry-sandbox-plan-private.h"

G_BEGIN_DECLS

/* Whether this library was built with it, and this system has it. */
gboolean ferry_call_filter_is_possible (void);

/* worker, before it has threads. Returns 0 or an error number. */
int ferry_call_filter_enter (const FerrySandboxPlan *plan);

G_END_DECLS
