/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What sandboxed-worker tries with descriptors, and at the kernel's edges.
 *
 *   lease:PATH          has others wait that open a file for writing
 *   lock:PATH           locks a file
 *   attributes:PATH     lists a file's extended attributes by its path
 *   link:PATH           makes a symbolic link
 *   fifo:PATH           makes a pipe that has a name
 *   turn-async          has a descriptor signal its owner by a request, and
 *   turn-async-flag     by a flag
 *   flag-append         has a descriptor written at its end only
 *   flag-unblocked      has a descriptor not wait, by a flag,
 *   turn-unblocked      by a request, and
 *   transport           by making a transport over a socket
 *   secret              makes memory that is never swapped
 *   sync                has all that the system has to write written
 *   sync-input          the same of the file system that standard input is on
 *   name-interface      asks a local socket for the name of the first network interface
 *   netlink:PROTOCOL    makes a socket to the kernel's network
 *   pidfd:PID           gets a descriptor that stands for another process
 *   robust-list:PID     asks for an address within another process
 *   share-core:PID      puts itself on the processors' threads of another process
 *   leave-group         leaves the group of processes that it was started in
 *   outlive-by-wide     goes on when its parent ends, asked with a number of which the kernel reads half
 *   make-ruleset        makes a ruleset of Landlock's
 *   queue-reads         has a queue made for reads and writes in the background
 *   thread-in-namespace starts a thread that has a network of its own
 *   capability          raises the limits of others, which needs a capability
 *   threads:N           has that many threads at a time
 *   reserve:SIZE        maps memory that is only read
 *   shelve:SIZE         has so much memory that it has made unwritable meanwhile
 *   stretch:SIZE        makes a page of its stack so large
 *   same:FD:INODE       sees whether a descriptor is the file of that number: 0, or EXDEV */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns FALSE for an order that is none of these. */
gboolean sandbox_attempt (const char *what, const char *value, const char *second, int *outcome);

G_END_DECLS
