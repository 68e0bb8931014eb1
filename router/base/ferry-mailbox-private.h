/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ways to wake a main context: a source that looks for work, and a mailbox of functions. */

#pragma once

#include <glib.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* ---- Sources of work: ferry-work-source.c ---- */

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

/* The mailbox of a main context. Any thread posts functions; the context's thread calls each function once, in the
 * order of the posts. All code of the library that wakes a main context uses a mailbox. All waiting posts share one
 * wake-up and one source. ferry_router_route_until() can run the mailbox's posts and leave all other sources of the
 * context alone.
 *
 * Owner:   the context. Each context has one mailbox: the first post makes it, and it is freed with the context.
 * Threads: any thread posts; the context's thread calls. */

typedef struct _FerryMailbox FerryMailbox;
typedef void (*FerryMailboxFunc) (gpointer data);

/* any: Makes the context's thread call func at default priority, and then destroy (nullable). The caller must hold a
 * reference to the context (nullable: the default context). Never calls func before returning, not even on the
 * context's own thread. If the context is freed first, destroy is called without func. */
FERRY_FOR_SIBLINGS
void ferry_mailbox_post (GMainContext *context, FerryMailboxFunc func, gpointer data, GDestroyNotify destroy);

/* any: Returns (transfer full) the mailbox of the context (nullable: the default context). */
FerryMailbox *ferry_mailbox_ref_for (GMainContext *context);
void ferry_mailbox_unref (FerryMailbox *self);

/* Context's thread, for this function and all below: returns the number of waiting posts. */
guint ferry_mailbox_get_n (FerryMailbox *self);
/* Calls the function of the oldest post. Returns FALSE if no post waits. */
gboolean ferry_mailbox_run_one (FerryMailbox *self);
/* Whether a post's function is being called. */
gboolean ferry_mailbox_is_running (const FerryMailbox *self);
/* For the context's thread when it is about to sleep on something other than the context. Until
 * ferry_mailbox_unwatch(), each post calls wake, on the posting thread and with a lock held. Returns FALSE, and sets
 * no wake, if a post is waiting already. */
gboolean ferry_mailbox_watch (FerryMailbox *self, FerryMailboxFunc wake, gpointer data);
void ferry_mailbox_unwatch (FerryMailbox *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMailbox, ferry_mailbox_unref)

G_END_DECLS
