/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A source that is ready while there is work, and that wakes its context only where that sleeps.
 *
 * GLib writes to the context's eventfd for each new ready time of a source, and for each wake-up, also on the context's
 * own thread. This source looks for work before each sleep of the context, and after it. So work needs no system call
 * that comes while the context dispatches, and all work that comes during one sleep needs one.
 *
 * Invariant: while will_look is set, look() is called before the context sleeps.
 *
 * Owner:   the class that has it as the first member of its own source. The source's functions have
 *          ferry_work_source_prepare() and ferry_work_source_check().
 * Threads: any adds work; the context's looks. */

#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

typedef struct _FerryWorkSource FerryWorkSource;

struct _FerryWorkSource
{
  GSource source;
  /* const: returns whether there is work, or sets *timeout to the milliseconds until there may be, if that is known.
   * Work that other threads add must be added, and looked for, with one lock. */
  gboolean (*look) (FerryWorkSource *self, int *timeout);
  _Atomic gboolean will_look; /* the model tests/model/work.pml has what it does */
};

gboolean ferry_work_source_prepare (GSource *source, int *timeout);
gboolean ferry_work_source_check (GSource *source);
/* any, after work was added: wakes the context if it sleeps, or is about to. The source must be attached. */
void ferry_work_source_wake (FerryWorkSource *self);

G_END_DECLS
