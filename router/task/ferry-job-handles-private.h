/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The descriptors that came with a call, for its job.
 *
 * Owner:   the call, from its coming until its job is finished.
 * Threads: the one that serves; in a use of the job, any. */

#pragma once

#include "call/ferry-transactions-private.h"
#include "link/ferry-downlink-private.h"

G_BEGIN_DECLS

/* Takes the descriptors that came with the message, where any did, for the call that it was. */
void ferry_call_take_descriptors (FerryCall *call, const FerryDownMessage *message);
/* Whether all came that were sent. */
gboolean ferry_call_check_descriptors (FerryCall *call, GError **error);
/* The descriptor that a handle stands for, which stays the call's; -1 with an error that names the function. */
int ferry_call_find_descriptor (FerryCall *call, gint handle, const char *function_name, GError **error);
void ferry_call_drop_descriptors (FerryCall *call);

G_END_DECLS
