/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mailbox of a main context. Any thread posts functions; the context's thread calls each function once, in the
 * order of the posts. All code of the library that wakes a main context uses a mailbox. All waiting posts share one
 * wake-up and one source. ferry_router_route_until() can run the mailbox's posts and leave all other sources of the
 * context alone.
 *
 * Owner:   the context. Each context has one mailbox: the first post makes it, and it is freed with the context.
 * Threads: any thread posts; the context's thread calls. */

#pragma once

#include <glib.h>

#include "base/ferry-sibling-private.h"

G_BEGIN_DECLS

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
