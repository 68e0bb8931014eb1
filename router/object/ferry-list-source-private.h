/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a replica has its list from: a subscription of its changes, and answers with its rows.
 *
 * Threads: the replica's. Functions are called from its main context, never before what registered them has returned.
 * Trust:   none in what they are given. */

#pragma once

#include "object/ferry-subscription-private.h"

G_BEGIN_DECLS

/* answer (nullable): of any type; there is an error where there is none. */
typedef void (*FerryRowsFunc) (gpointer data, GVariant *answer, const GError *error);

typedef struct
{
  gpointer (*open_subscription) (gpointer end, const FerrySubscriptionFuncs *funcs, gpointer data);
  /* No function is called any more. */
  void (*close_subscription) (gpointer subscription);
  /* The function is called once; then the fetch is gone. */
  gpointer (*fetch) (gpointer end, guint64 position, guint n_rows, FerryRowsFunc func, gpointer data);
  /* It is called no more, and the fetch is gone. */
  void (*cancel) (gpointer fetch);
} FerryListSource;

/* Its end is a FerryProxy. */
extern const FerryListSource ferry_list_source_proxy;

G_END_DECLS
