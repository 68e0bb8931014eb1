/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a program becomes a nursery: what is called in it, on its one thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The environment variable that asks a program to be a nursery. */
#define FERRY_NURSERY_VARIABLE "FERRY_NURSERY"

/* Whether this process was started to be a nursery. To be called before any initialiser runs. */
gboolean ferry_nursery_is_asked_for (void);
/* That an initialiser has run, by its name: one that left a thread behind is named when a fork is refused for it. */
void ferry_nursery_note_initialiser (const char *name);
/* Where `ps` finds the name of a process: what main() was given. Copies of the arguments take their place. */
void ferry_nursery_set_arguments (int argc, char **argv);
/* What a child that is forked ahead of its request does while it waits, so that it is quick then. */
void ferry_nursery_set_rehearsal (void (*rehearse) (void));
/* Attaches, and forks a worker for each request. Returns 0 in a worker, to which the process' control socket then
 * belongs, and -1 where it cannot attach; the nursery itself exits with the application. */
int ferry_nursery_run (GError **error);

G_END_DECLS
