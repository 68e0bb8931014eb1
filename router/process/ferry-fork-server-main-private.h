/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a fork server does: how a program becomes one, and what it has adopted. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The functions by which a program becomes a fork server. They must be called on the only thread of its process. */

/* Whether this process was started as a fork server. Must be called before any initialiser runs. */
gboolean ferry_fork_server_is_asked_for (void);
/* Tells the application that the initialisers begin, so that their time does not count as time to attach. */
void ferry_fork_server_note_begin (void);
/* Must be called after each initialiser, with its name. When a fork is refused because of a second thread, the error
 * names the initialiser that started the thread. */
void ferry_fork_server_note_initialiser (const char *name);
/* Remembers where the arguments of main() are, since `ps` reads the names of processes from that memory. Replaces the
 * strings of argv and of the environment by copies. */
void ferry_fork_server_set_arguments (int argc, char **argv);
/* Attaches to the application, and forks a worker for each request. A pre-forked child runs warm_up (nullable) before
 * it waits for its request. Returns 0 in a worker, which then has its own control socket, and -1 with an error when the
 * process cannot attach. Does not return in the fork server, which exits when the application ends. */
int ferry_fork_server_run (void (*warm_up) (void), GError **error);

/* ---- What it has adopted: ferry-adopted.c ---- */

/* children: (element-type pid_t): the fork server's own. released: (element-type pid_t): adopted ones that stay. */

/* Kills all others with what descends from them, and waits for their end. Those that the system does not end are
 * left. */
void ferry_adopted_kill_all (GHashTable *children, GHashTable *released);
/* Adds to released what was adopted until now. Returns FALSE, and does nothing, when a child has ended: it may be of
 * that one. */
gboolean ferry_adopted_release_all (GHashTable *children, GHashTable *released);

G_END_DECLS
