/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the compiler reads once for all files of the library. Each includes what it needs all the same. */

#include "config.h"

#include <gio/gio.h>
