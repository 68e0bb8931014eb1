/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-conversations.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "call/ferry-transport.h"

G_BEGIN_DECLS

#define FERRY_TYPE_INVOCATION (ferry_invocation_get_type ())

typedef struct _FerryInvocation FerryInvocation;

FERRY_AVAILABLE_IN_0_1
GType ferry_invocation_get_type (void) G_GNUC_CONST;

FERRY_AVAILABLE_IN_0_1
FerryInvocation *ferry_invocation_ref (FerryInvocation *self);
FERRY_AVAILABLE_IN_0_1
void ferry_invocation_unref (FerryInvocation *self);

FERRY_AVAILABLE_IN_0_1
GObject *ferry_invocation_get_object (FerryInvocation *self);
FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_invocation_get_transport (FerryInvocation *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_invocation_get_method (FerryInvocation *self);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_invocation_get_arguments (FerryInvocation *self);
FERRY_AVAILABLE_IN_0_1
gconstpointer ferry_invocation_get_bytes (FerryInvocation *self, gsize *size);
FERRY_AVAILABLE_IN_0_1
gint64 ferry_invocation_get_deadline (FerryInvocation *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_invocation_is_cancelled (FerryInvocation *self);
FERRY_AVAILABLE_IN_0_1
GCancellable *ferry_invocation_get_cancellable (FerryInvocation *self);

FERRY_AVAILABLE_IN_0_1
void ferry_invocation_return_value (FerryInvocation *self, GVariant *value);
FERRY_AVAILABLE_IN_0_1
void ferry_invocation_return_bytes (FerryInvocation *self, gconstpointer data, gsize size);
FERRY_AVAILABLE_IN_0_1
void ferry_invocation_return_object (FerryInvocation *self, GObject *object);
FERRY_AVAILABLE_IN_0_1
void ferry_invocation_return_error (FerryInvocation *self, const GError *failure);
FERRY_AVAILABLE_IN_0_1
void ferry_invocation_return_new_error (FerryInvocation *self, GQuark domain, int code, const char *format, ...)
  G_GNUC_PRINTF (4, 5);
FERRY_AVAILABLE_IN_0_1
void ferry_invocation_refuse (FerryInvocation *self, const char *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryInvocation, ferry_invocation_unref)

G_END_DECLS
