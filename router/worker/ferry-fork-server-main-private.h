/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions by which a program becomes a fork server. They are called on its one thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The environment variable that makes a program a fork server. */
#define FERRY_FORK_SERVER_VARIABLE "FERRY_FORK_SERVER"

/* Whether this process was started as a fork server. To be called before any initialiser runs. */
gboolean ferry_fork_server_is_asked_for (void);
/* To be called after each initialiser: when a fork is refused, the error names the one that left a thread behind. */
void ferry_fork_server_note_initialiser (const char *name);
/* Keeps the memory of main()'s arguments for the names of processes in `ps`. Copies replace the arguments. */
void ferry_fork_server_set_arguments (int argc, char **argv);
/* Attaches, and forks a worker for each request. A pre-forked child runs warm_up (nullable) before it waits for its
 * request. Returns 0 in a worker, which then has the control socket, and -1 with an error where it cannot attach. In
 * the fork server it does not return; that exits with the application. */
int ferry_fork_server_run (void (*warm_up) (void), GError **error);

G_END_DECLS
