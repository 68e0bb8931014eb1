/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types that values of transactions have. GLib makes what it has to know of a container's type with the first value
 * of the type and frees it with the last, which is with every request where few are alive at a time: it costs as much
 * as the value itself. So one empty value of each type is kept.
 *
 * Owner:   the process. What another process sends takes a bounded part of memory: KNOWN_TYPES short types.
 * Threads: any. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void ferry_known_types_add (GVariant *value);

G_END_DECLS
