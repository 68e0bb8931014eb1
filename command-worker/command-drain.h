/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads what a command's processes write that go on after it. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The argument with which this program does that. */
#define COMMAND_DRAIN_ARGUMENT "--drain"

/* The most streams of a command that are read. */
#define COMMAND_DRAIN_MAX 2

/* Starts a process that reads from descriptors until nobody can write to them, and drops what it reads. */
gboolean command_drain_start (const int *fds, guint n_fds, GError **error);

/* What that process does: it returns at the end. */
void command_drain_run (void);

G_END_DECLS
