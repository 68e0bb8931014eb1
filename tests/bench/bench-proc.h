/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

guint64 bench_proc_switches (GPid pid);
gint64 bench_proc_resident (GPid pid, gint64 *of_memfds);
gint64 bench_proc_private (GPid pid);

G_END_DECLS
