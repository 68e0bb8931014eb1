/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-objects.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "call/ferry-transport.h"
#include "object/ferry-interface.h"

G_BEGIN_DECLS

#define FERRY_TYPE_EXPORTER (ferry_exporter_get_type ())

/**
 * FerryCallPolicy:
 * @FERRY_CALL_POLICY_SERIAL: One caller at a time: a chain of operations ends before the next one begins. A method must
 * not call its own object over a transport and wait for the answer: it would wait for itself without end. In the
 * object's process, a method can use a proxy of [ctor@Ferry.Proxy.new_local] for this.
 * @FERRY_CALL_POLICY_CONCURRENT: As many callers at a time as the exporter has threads, and more when methods return
 * before they answer.
 *
 * How many callers an exported object has at a time.
 */
typedef enum
{
  FERRY_CALL_POLICY_SERIAL,
  FERRY_CALL_POLICY_CONCURRENT,
} FerryCallPolicy;

/**
 * FerryStopMode:
 * @FERRY_STOP_MODE_DRAIN: Requests that came before the stop are answered.
 * @FERRY_STOP_MODE_REFUSE: Requests that came before the stop and have not begun are refused with %FERRY_ERROR_REFUSED.
 *
 * What happens to requests that came before an exporter was stopped. In both modes, requests that have begun continue
 * to their answers, and requests that come after the stop fail with %FERRY_ERROR_NOT_LISTENING.
 */
typedef enum
{
  FERRY_STOP_MODE_DRAIN,
  FERRY_STOP_MODE_REFUSE,
} FerryStopMode;

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryExporter, ferry_exporter, FERRY, EXPORTER, GObject)

FERRY_AVAILABLE_IN_0_1
FerryExporter *ferry_exporter_new (void) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
gboolean ferry_exporter_export (FerryExporter *self, const char *name, GObject *object, FerryInterface *interface,
                                FerryCallPolicy policy, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_exporter_export_type (FerryExporter *self, FerryInterface *interface, FerryCallPolicy policy);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exporter_unexport (FerryExporter *self, const char *name);
FERRY_AVAILABLE_IN_0_1
GObject *ferry_exporter_dup_object (FerryExporter *self, const char *name);
FERRY_AVAILABLE_IN_0_1
void ferry_exporter_add_function (FerryExporter *self, const char *name, FerryMethodFunc func, gpointer user_data,
                                  GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_exporter_add_function_full (FerryExporter *self, const char *name, FerryMethodFuncFull func,
                                       gpointer user_data, GDestroyNotify destroy);

FERRY_AVAILABLE_IN_0_1
void ferry_exporter_set_context (FerryExporter *self, GMainContext *context);
FERRY_AVAILABLE_IN_0_1
guint ferry_exporter_process_requests (FerryExporter *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exporter_poll (FerryExporter *self, gint64 timeout, GCancellable *cancellable, GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_exporter_add_transport (FerryExporter *self, FerryTransport *transport, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_exporter_start (FerryExporter *self);
FERRY_AVAILABLE_IN_0_1
void ferry_exporter_stop (FerryExporter *self, FerryStopMode mode);

G_END_DECLS
