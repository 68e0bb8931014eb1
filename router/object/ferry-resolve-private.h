/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resolves a view: sends it to the object's process, or evaluates it in this process.
 *
 * A resolution ends once: with the result, an error, its deadline, or its cancellation. An answer that comes after
 * the deadline or the cancellation is still read: it may have a reference that must be dropped. */

#pragma once

#include "object/ferry-proxy-private.h"
#include "object/ferry-view-private.h"

G_BEGIN_DECLS

typedef struct
{
  GVariant *value;    /* (owned) (nullable) */
  FerryProxy *object; /* (owned) (nullable) */
  guint64 n_changes;  /* for a view that sets a property: the count of changes, see FERRY_STEP_SET */
} FerryResolved;

void ferry_resolved_free (gpointer self);

/* What a resolution does when the transport has no room. */
typedef enum
{
  FERRY_RESOLVE_FAIL,  /* fails with FERRY_ERROR_WOULD_BLOCK */
  FERRY_RESOLVE_WAIT,  /* this thread waits for room */
  FERRY_RESOLVE_LATER, /* the request is sent as soon as there is room */
} FerryResolveRoom;

/* Resolves a view, and waits for the result: see ferry_view_resolve(). async_form: the function that the error
 * message names if this thread may not wait. */
gboolean ferry_resolve_wait (FerryView *view, const char *async_form, gint64 timeout, GCancellable *cancellable,
                             GVariant **value, FerryProxy **object, GError **error);
/* Resolves a view without waiting. Takes the task, which returns a FerryResolved. room: any but FERRY_RESOLVE_WAIT. */
void ferry_resolve_run_task (FerryView *view, gint64 timeout, FerryResolveRoom room, GTask *task);
/* Gives what the task has returned: see ferry_view_resolve_finish(). */
gboolean ferry_resolve_finish (GAsyncResult *result, GVariant **value, FerryProxy **object, GError **error);

G_END_DECLS
