/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The source of a list replica: a subscription to the list's changes, and answers with its rows.
 *
 * Threads: the replica's. Callbacks are called from its main context, never before the function that registers them
 *          returns.
 * Trust:   none in what callbacks are given. */

#pragma once

#include "object/ferry-subscription-private.h"

G_BEGIN_DECLS

/* answer: (nullable): of any type; NULL with an error. */
typedef void (*FerryRowsFunc) (gpointer data, GVariant *answer, const GError *error);

typedef struct
{
  gpointer (*open_subscription) (gpointer end, const FerrySubscriptionFuncs *funcs, gpointer data);
  /* No callback is called any more. */
  void (*close_subscription) (gpointer subscription);
  /* Calls func once; the fetch is freed then. Returns the fetch, for cancel. */
  gpointer (*fetch) (gpointer end, guint64 position, guint n_rows, FerryRowsFunc func, gpointer data);
  /* func is not called any more, and the fetch is freed. */
  void (*cancel) (gpointer fetch);
} FerryListSource;

/* end is a FerryProxy. */
extern const FerryListSource ferry_list_source_proxy;

G_END_DECLS
