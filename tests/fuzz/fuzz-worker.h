/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's end of a link, and what an application has put into its lanes. Packets of descriptors lie in its control
 * socket, of one, two, and so on. */

#pragma once

#include "fuzz.h"
#include "wire/ferry-lane-layout.h"

G_BEGIN_DECLS

#define FUZZ_MAX_DOWN_MESSAGE 3000000

typedef struct _FuzzWorker FuzzWorker;

/* Of the down lane, or of the express lane. */
FuzzWorker *fuzz_worker_new (gboolean express);
void fuzz_worker_free (FuzzWorker *self);
guint8 *fuzz_worker_get_ring (FuzzWorker *self);
gsize fuzz_worker_get_capacity (FuzzWorker *self);
/* Publishes a tail and reads all there is. Returns FALSE when the lane is broken. */
gboolean fuzz_worker_publish_tail (FuzzWorker *self, guint64 tail);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FuzzWorker, fuzz_worker_free)

G_END_DECLS
