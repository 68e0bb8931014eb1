/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attaching to a persistent worker, on a thread that may wait.
 *
 * Threads: any, one for each attempt.
 * Trust:   none in who listens at the address until the kernel has said whose process it is. */

#pragma once

#include "call/ferry-address-private.h"
#include "call/ferry-transport.h"

G_BEGIN_DECLS

typedef struct
{
  FerryAddress address;
  gboolean wait;   /* until somebody listens there */
  gint64 deadline; /* monotonic, in microseconds; G_MAXINT64 for none */
} FerryAttempt;

/* timeout: in microseconds, negative for any time. */
FerryAttempt *ferry_attempt_new (const char *address, gint64 timeout, gboolean wait, GError **error);
void ferry_attempt_free (FerryAttempt *self);
FerryTransport *ferry_attempt_run (FerryAttempt *self, GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryAttempt, ferry_attempt_free)

G_END_DECLS
