/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forks a process without executing a program, in a fork server or in a program without threads. */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* Returns how many threads this process has, including threads that other libraries made. The callers check this
 * before each fork: in the child, locks that other threads held would stay locked for ever. */
guint ferry_count_threads (void);
/* (transfer full): returns the names of all threads but the main thread, for a message. */
char *ferry_list_threads (void);
/* As fork(), but the kernel kills the child when its parent ends. */
pid_t ferry_fork_child (void);
/* In a child: seeds the random number generators anew. Otherwise all children of a process would get the same random
 * numbers. */
void ferry_reseed (void);

G_END_DECLS
