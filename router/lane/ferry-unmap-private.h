/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that goes back to the system. With the last mapping of shared memory all of its pages are freed, a tenth of a
 * second for a GiB of them: so a thread does it that does nothing else, and ends when there is no more. Neither the
 * application's threads nor the monitor wait for it.
 *
 * Threads: any. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void ferry_unmap_soon (gpointer data, gsize size);

G_END_DECLS
