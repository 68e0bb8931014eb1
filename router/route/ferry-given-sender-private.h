/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sender that is given to a worker that runs already. Any thread, one at a time. */

#pragma once

#include "engine/ferry-exit.h"
#include "route/ferry-sender-private.h"

G_BEGIN_DECLS

typedef struct _FerryGivenSender FerryGivenSender;

/* Takes the sender, which cannot be used in this process any more. */
FerryGivenSender *ferry_given_sender_new (FerrySender *sender, GError **error);
/* Returns the descriptor that stands for the sender, which stays open until ferry_given_sender_end(). */
int ferry_given_sender_get_descriptor (FerryGivenSender *self);
/* router's thread: notes the worker that is being given the sender. If it breaks the protocol, the worker is ended. */
void ferry_given_sender_set_worker (FerryGivenSender *self, FerryLink *worker);
/* Ends the pipe, behind all that the worker has sent, and frees the given sender. exit: (nullable): how the worker
 * ended that had it; NULL: the sender counts as stopped. */
void ferry_given_sender_end (FerryGivenSender *self, FerryExit *exit);

/* any: gives the sender, which cannot be used in this process any more, to the worker of a link, by a name. The pipe
 * ends with the worker, or when the worker has dropped the sender. */
gboolean ferry_given_sender_pass (FerrySender *sender, FerryLink *worker, const char *name, GError **error);

/* worker: returns (transfer full) the sender that a descriptor stands for, which stays the caller's. Each descriptor,
 * with all its copies, gives one sender. */
FerrySender *ferry_given_sender_open (int fd, GError **error);

G_END_DECLS
