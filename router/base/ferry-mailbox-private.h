/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A main context's mailbox: any thread posts functions, and the context's thread calls each once, in the order of the
 * posts. It is the one way to wake a main context. However many posts wait, they are one wake-up and one source.
 * ferry_router_route_until() can serve it and leave all other sources of the context alone.
 *
 * Owner:   the context. Each context has one mailbox, made by the first post, which goes with the context.
 * Threads: any thread posts; the context's thread calls. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryMailbox FerryMailbox;
typedef void (*FerryMailboxFunc) (gpointer data);

/* any, with a reference to the context (nullable: the default one): has func called at default priority, and then
 * destroy (nullable). Never calls at once, also not on the context's own thread. Where the context ends first, destroy
 * is called alone. */
void ferry_mailbox_post (GMainContext *context, FerryMailboxFunc func, gpointer data, GDestroyNotify destroy);

/* any */
FerryMailbox *ferry_mailbox_ref_for (GMainContext *context);
void ferry_mailbox_unref (FerryMailbox *self);

/* All that follows is the context's thread's. */
guint ferry_mailbox_get_n (FerryMailbox *self);
/* Calls the oldest post. Returns FALSE where there is none. */
gboolean ferry_mailbox_run_one (FerryMailbox *self);
/* Whether a post's function is being called. */
gboolean ferry_mailbox_is_running (const FerryMailbox *self);
/* Has each post call wake, on the posting thread and with a lock held, until ferry_mailbox_unwatch(): the context's
 * thread is about to sleep on something else. Returns FALSE, and watches nothing, where a post waits already. */
gboolean ferry_mailbox_watch (FerryMailbox *self, FerryMailboxFunc wake, gpointer data);
void ferry_mailbox_unwatch (FerryMailbox *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMailbox, ferry_mailbox_unref)

G_END_DECLS
