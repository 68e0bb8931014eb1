/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a program becomes a fork server: what is called in it, on its one thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The environment variable that asks a program to be a fork server. */
#define FERRY_FORK_SERVER_VARIABLE "FERRY_FORK_SERVER"

/* Whether this process was started to be a fork server. To be called before any initialiser runs. */
gboolean ferry_fork_server_is_asked_for (void);
/* That an initialiser has run, by its name: one that left a thread behind is named when a fork is refused for it. */
void ferry_fork_server_note_initialiser (const char *name);
/* Where `ps` finds the name of a process: what main() was given. Copies of the arguments take their place. */
void ferry_fork_server_set_arguments (int argc, char **argv);
/* What a child that is forked ahead of its request does while it waits, so that it is quick then. */
void ferry_fork_server_set_warm_up (void (*warm_up) (void));
/* Attaches, and forks a worker for each request. Returns 0 in a worker, to which the process' control socket then
 * belongs, and -1 where it cannot attach; the fork server itself exits with the application. */
int ferry_fork_server_run (GError **error);

G_END_DECLS
