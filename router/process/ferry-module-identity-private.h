/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What tells the build of a program or a library from others of the same name. */

#pragma once

#include <glib.h>

#include "wire/ferry-lane-layout.h"

G_BEGIN_DECLS

/* Writes to identity, which has room for FERRY_MAX_IDENTITY bytes, and returns how many; 0: the build has nothing of
 * that kind. is_mapped: the bytes are those of a module that is loaded, and not of a file. Any thread, also in a
 * handler of a signal. */
guint32 ferry_module_identify (gconstpointer bytes, gsize size, gboolean is_mapped, guint8 *identity);

G_END_DECLS
