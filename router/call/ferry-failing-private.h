/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "call/ferry-invocation.h"

G_BEGIN_DECLS

/* A handler or a method that may fail, as the data of one that may not. func is of the type that the runner calls. */
typedef struct _FerryFailing FerryFailing;

FerryFailing *ferry_failing_new (GCallback func, gpointer data, GDestroyNotify destroy);
/* A GDestroyNotify of a FerryFailing. */
void ferry_failing_free (gpointer self);
/* A FerryMethodFunc, whose data is a FerryFailing with a FerryMethodFuncFull. The error is the answer. */
void ferry_failing_run_method (gpointer object, FerryInvocation *invocation, gpointer self);

G_END_DECLS
