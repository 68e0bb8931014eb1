/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the control groups of this process (version 2) say.
 *
 * Threads: any. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* text is what a group's file says. */
typedef void (*FerryCgroupFunc) (const char *text, gpointer data);

void ferry_cgroup_read (const char *file, FerryCgroupFunc func, gpointer data);

G_END_DECLS
