/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What whoever forks without executing has to see to, a fork server or a program without threads. */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* How many threads this process has, those that are not Ferry's as well. In the child of a process with threads,
 * whatever lock another thread held stays locked for ever: so that is looked at before each fork. */
guint ferry_count_threads (void);
/* Their names, for a message: those that are not the first one. */
char *ferry_list_threads (void);
/* fork(); the child ends with its parent. Returns as fork() does. */
pid_t ferry_fork_child (void);
/* Without this, all that are forked from a process would draw the same numbers. */
void ferry_reseed (void);

G_END_DECLS
