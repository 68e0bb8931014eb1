/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forks of a process that goes on without executing a program: of a fork server, or of a program without threads. */

#pragma once

#include "base/ferry-base-private.h"

#include <sys/types.h>

G_BEGIN_DECLS

/* Returns how many threads this process has, including threads that other libraries made. The callers check this
 * before each fork: in the child, locks that other threads held would never be unlocked. */
FERRY_FOR_SIBLINGS
guint ferry_count_threads (void);
/* (transfer full): returns the names of all threads but the main thread, for a message. */
FERRY_FOR_SIBLINGS
char *ferry_list_threads (void);
/* As fork(), but the kernel kills the child when its parent ends. */
FERRY_FOR_SIBLINGS
pid_t ferry_fork_child (void);
/* In a child: gives all signals their default handlers, and blocks none. Makes system calls only. */
void ferry_reset_signals (void);
/* Seeds the random number generators anew. Otherwise all children of a process would get the same random numbers. */
FERRY_FOR_SIBLINGS
void ferry_reseed (void);

G_END_DECLS
