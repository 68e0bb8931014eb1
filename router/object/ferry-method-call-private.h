/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A method call as the run makes it that waits for its answer. */

#pragma once

#include "object/ferry-evaluation-private.h"
#include "object/ferry-method-call.h"

G_BEGIN_DECLS

/* Takes a reference of each. arguments: (nullable). */
/* method: of the run's request. */
FerryMethodCall *ferry_method_call_new (FerryEvaluation *run, GObject *object, const char *method, GVariant *arguments);

G_END_DECLS
