/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a fork server has adopted.
 *
 * The initialiser of a program may make its fork server a subreaper. Then the fork server adopts what a worker has
 * started, and is alive when the worker ends. What a worker leaves that was killed or has failed is killed, with all
 * that descends from it. What a worker leaves that exited with status 0 is released, as the worker could have killed
 * it: it stays when the fork server ends.
 *
 * Threads: the fork server's. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* children: (element-type pid_t): the fork server's own. released: (element-type pid_t): adopted ones that stay. */

/* Kills all others with what descends from them, and waits for their end. Those that the system does not end are
 * left. */
void ferry_adopted_kill_all (GHashTable *children, GHashTable *released);
/* Adds to released what was adopted until now. Returns FALSE, and does nothing, when a child has ended: it may be of
 * that one. */
gboolean ferry_adopted_release_all (GHashTable *children, GHashTable *released);

G_END_DECLS
