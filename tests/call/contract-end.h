/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An end of a transport that does as a test of the contract orders: in the test's process, or in a worker
 * (tests/workers/contract-worker.c), which gets its orders through a socket. The end that answers may also be what
 * serves the tasks of a pool. What is wrong at an end ends its process.
 *
 * Threads: the test's, or the one that obeys; one order at a time. What comes, comes on threads of the library's. */

#pragma once

#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

typedef struct _ContractEnd ContractEnd;

/* Takes transport; NULL for an end that serves tasks, of which a process has one. */
ContractEnd *contract_end_new (FerryTransport *transport);
/* One in another process. Takes the socket. */
ContractEnd *contract_end_new_remote (int socket);
/* Closes the transport. What was asked must have ended once by then. */
void contract_end_free (ContractEnd *self);

/* Carries out an order; contract-end.c has a table of them. Returns (transfer full) (nullable) what it says. */
GVariant *contract_end_do (ContractEnd *self, const char *order, GVariant *argument);
/* Does all that comes through the socket, until that is closed. Takes it. */
void contract_end_obey (ContractEnd *self, int socket);
/* Registers what an end answers as functions of tasks. */
void contract_end_register_functions (void);

/* Returns the descriptor of a new file with that text. */
int contract_end_make_file (const char *text);
char *contract_end_read_file (int fd);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ContractEnd, contract_end_free)

G_END_DECLS
