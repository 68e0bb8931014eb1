/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* GDBus over a socket, for those that it is a peer of. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Takes fd over, and waits until both ends know of each other. Returns (transfer full) (nullable). */
GDBusConnection *bench_dbus_connect (int fd, const char *guid, GDBusConnectionFlags flags, GError **error);

G_END_DECLS
