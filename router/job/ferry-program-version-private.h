/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The version of this program, which its hosts tell. Any thread. */

#pragma once

#include "job/ferry-function-private.h"

G_BEGIN_DECLS

/* A function that every worker that serves calls has. It returns the version of its program, an empty one if the
 * program has set none. */
#define FERRY_VERSION_FUNCTION "ferry.version"

extern const FerryFunctionEntry ferry_version_function;

/* Whether text may be shown as a version: 1 to 64 of A-Z, a-z, 0-9, '.', '+', '~', '_' and '-'. */
FERRY_FOR_SIBLINGS
gboolean ferry_version_is_valid (const char *text);

G_END_DECLS
