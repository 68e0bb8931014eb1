/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many cores this process may use; ferry-machine-limits.c counts them. */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
guint ferry_get_n_usable_cores (void);

G_END_DECLS
