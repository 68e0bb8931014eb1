/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes a list replica from another source than a proxy. A source has a subscription to a list's changes, and
 * returns the list's rows.
 *
 * Threads: the replica's. Callbacks must be called on the replica's main context, and never before the function that
 *          registers them returns.
 * Trust:   none in what callbacks are given. */

#pragma once

#include "object/ferry-list-replica.h"
#include "object/ferry-subscription-private.h"

G_BEGIN_DECLS

typedef struct
{
  gpointer (*open_subscription) (gpointer end, const FerrySubscriptionFuncs *funcs, gpointer data);
  /* Closes a subscription: from now on the source must not call its callbacks. */
  void (*close_subscription) (gpointer subscription);
  /* Fetches rows. Must call ferry_list_replica_answer() once, after it has returned. Returns a handle, which must be
   * valid until that call, or until its cancel. */
  gpointer (*fetch) (gpointer end, guint64 position, guint n_rows, gpointer fetch);
  /* Cancels a fetch: from now on the source must not answer it. */
  void (*cancel) (gpointer handle);
} FerryListSource;

/* Returns (transfer full): a replica of the source's list. end: passed to the source's functions; it must outlive
 * the replica. */
FerryListReplica *ferry_list_replica_new_from (const FerryListSource *source, gpointer end);
/* Must be called by the source with the answer to a fetch. answer: (nullable): of any type; NULL with an error. */
void ferry_list_replica_answer (gpointer fetch, GVariant *answer, const GError *error);

G_END_DECLS
