/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of a proxy's object.
 *
 * Owner:   a fetch owns itself until its answer comes. It knows the replica until it is cancelled. */

#include "config.h"

#include "object/ferry-list-source-private.h"

#include "base/ferry-base-private.h"
#include "object/ferry-resolve-private.h"

typedef struct
{
  GCancellable *cancellable; /* (owned) */
  FerryRowsFunc func;        /* (nullable): NULL after a cancel */
  gpointer data;
} Fetch;

static void
fetch_free (Fetch *self)
{
  g_object_unref (self->cancellable);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fetch, fetch_free)

static gpointer
open_subscription (gpointer end, const FerrySubscriptionFuncs *funcs, gpointer data)
{
  return ferry_proxy_open_subscription (end, NULL, NULL, TRUE, funcs, data);
}

static void
close_subscription (gpointer subscription)
{
  ferry_subscription_close (subscription);
}

static void
resolve_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Fetch) self = user_data;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (FerryProxy) stranger = NULL;
  g_autoptr (GError) error = NULL;

  if (ferry_view_resolve_finish (result, &answer, &stranger, &error) && answer == NULL)
    ferry_set_error (
      &error, FERRY_ERROR_PROTOCOL,
      "The other end answered a request for rows without rows; use the same version of Ferry in both programs");
  if (self->func != NULL)
    self->func (self->data, answer, error);
}

static gpointer
fetch (gpointer end, guint64 position, guint n_rows, FerryRowsFunc func, gpointer data)
{
  g_autoptr (FerryView) view = ferry_view_new (end);
  Fetch *self = g_new0 (Fetch, 1);

  self->cancellable = g_cancellable_new ();
  self->func = func;
  self->data = data;
  ferry_view_rows (view, position, n_rows);
  ferry_resolve_run_task (view, -1, FERRY_RESOLVE_LATER, g_task_new (end, self->cancellable, resolve_cb, self));
  return self;
}

static void
cancel (gpointer fetch)
{
  Fetch *self = fetch;
  g_autoptr (GCancellable) cancellable = g_object_ref (self->cancellable);

  self->func = NULL;
  g_cancellable_cancel (cancellable);
}

const FerryListSource ferry_list_source_proxy = {
  .open_subscription = open_subscription,
  .close_subscription = close_subscription,
  .fetch = fetch,
  .cancel = cancel,
};
