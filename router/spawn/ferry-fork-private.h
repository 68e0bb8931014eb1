/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forking without executing, in a fork server or in a program without threads. */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* Missing in the headers of an older C library. */
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* How many threads this process has, whatever made them. It is checked before each fork: in the child, the locks of
 * other threads would stay locked for ever. */
guint ferry_count_threads (void);
/* (transfer full): the names of all threads but the first, for a message. */
char *ferry_list_threads (void);
/* fork(), with a child that ends with its parent. */
pid_t ferry_fork_child (void);
/* In a child: all signals have their default handlers, and none is blocked. By system calls alone. */
void ferry_reset_signals (void);
/* In a child: new seeds. Otherwise all children of a process would draw the same random numbers. */
void ferry_reseed (void);

G_END_DECLS
