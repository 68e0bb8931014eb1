/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

#include "object/ferry-demo-heat-replica.h"

G_BEGIN_DECLS

/* The plate that is heated, as the application has it: the worker that it lives in, its proxy, and what is bound to
 * that. A worker that is lost can be followed by another one, with a plate of its own and the same proxy.
 *
 * Signal "changed": the state, or the number of calls that failed with the worker, is another one.
 * Signal "refused": what the replica was set to was not taken; a string says why. */

typedef enum
{
  FERRY_DEMO_OBJECT_STATE_OFF, /* not asked for yet, or stopped */
  FERRY_DEMO_OBJECT_STATE_CONNECTING,
  FERRY_DEMO_OBJECT_STATE_LIVE,
  FERRY_DEMO_OBJECT_STATE_LOST,
} FerryDemoObjectState;

#define FERRY_DEMO_TYPE_OBJECT (ferry_demo_object_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoObject, ferry_demo_object, FERRY_DEMO, OBJECT, GObject)

FerryDemoObject *ferry_demo_object_new (FerryRouter *router, const char *worker_path) G_GNUC_WARN_UNUSED_RESULT;
void ferry_demo_object_start (FerryDemoObject *self);
void ferry_demo_object_kill (FerryDemoObject *self);
void ferry_demo_object_stop (FerryDemoObject *self);

FerryDemoObjectState ferry_demo_object_get_state (FerryDemoObject *self);
/* Why it was lost. (nullable) */
const char *ferry_demo_object_get_reason (FerryDemoObject *self);
/* Of the worker, 0 where there is none. */
GPid ferry_demo_object_get_pid (FerryDemoObject *self);
/* Calls of this worker that were under way when it was lost. */
guint ferry_demo_object_get_n_failed (FerryDemoObject *self);
/* Both NULL before the first start, and the same for all workers. */
FerryDemoHeatReplica *ferry_demo_object_get_replica (FerryDemoObject *self);
GListModel *ferry_demo_object_get_log (FerryDemoObject *self);

/* Only while it is live. */
void ferry_demo_object_call_async (FerryDemoObject *self, const char *method, GVariant *arguments,
                                   GAsyncReadyCallback callback, gpointer user_data);
GVariant *ferry_demo_object_call_finish (FerryDemoObject *self, GAsyncResult *result,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
