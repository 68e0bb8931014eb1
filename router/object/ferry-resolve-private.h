/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A view on its way to its result, in another process or in this one.
 *
 * It ends once: with the result, the error that came, its deadline, or its cancellation. What comes after the last two
 * is still looked at, because it may bring a handle that has to be dropped again. */

#pragma once

#include "object/ferry-proxy-private.h"
#include "object/ferry-view-private.h"

G_BEGIN_DECLS

typedef struct
{
  GVariant *value;    /* (owned) (nullable) */
  FerryProxy *object; /* (owned) (nullable) */
  guint64 n_changes;  /* where a property was set: see FERRY_STEP_SET */
} FerryResolved;

void ferry_resolved_free (gpointer self);

/* What happens where the transport has no room. */
typedef enum
{
  FERRY_RESOLVE_FAIL,  /* with FERRY_ERROR_WOULD_BLOCK */
  FERRY_RESOLVE_WAIT,  /* this thread waits for it */
  FERRY_RESOLVE_LATER, /* it is asked as soon as there is some */
} FerryResolveRoom;

/* Waits: see ferry_view_resolve(). async_form: what to use where this thread may not. */
gboolean ferry_resolve_wait (FerryView *view, const char *async_form, gint64 timeout, GCancellable *cancellable,
                             GVariant **value, FerryProxy **object, GError **error);
/* In GIO's manner; the task's result is a FerryResolved. Takes the task. room: any but FERRY_RESOLVE_WAIT. */
void ferry_resolve_run_task (FerryView *view, gint64 timeout, FerryResolveRoom room, GTask *task);

G_END_DECLS
