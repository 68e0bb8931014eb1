/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a replica is made from another source than a proxy. A source is a subscription to the list's changes, and answers
 * with its rows.
 *
 * Threads: the replica's. Callbacks are called from its main context, never before the function that registers them
 *          returns.
 * Trust:   none in what callbacks are given. */

#pragma once

#include "object/ferry-list-replica.h"
#include "object/ferry-subscription-private.h"

G_BEGIN_DECLS

typedef struct
{
  gpointer (*open_subscription) (gpointer end, const FerrySubscriptionFuncs *funcs, gpointer data);
  /* No callback is called any more. */
  void (*close_subscription) (gpointer subscription);
  /* Calls ferry_list_replica_answer() once, later. Returns a handle, which is valid until then, or until its cancel. */
  gpointer (*fetch) (gpointer end, guint64 position, guint n_rows, gpointer fetch);
  /* There is no answer any more. */
  void (*cancel) (gpointer handle);
} FerryListSource;

/* end: outlives the replica. */
FerryListReplica *ferry_list_replica_new_from (const FerryListSource *source, gpointer end);
/* answer: (nullable): of any type; NULL with an error. */
void ferry_list_replica_answer (gpointer fetch, GVariant *answer, const GError *error);

G_END_DECLS
