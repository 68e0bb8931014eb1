/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the application has and does, as text. */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
char *ferry_describe_application (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
