/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_METHOD_CALL (ferry_method_call_get_type ())

/**
 * FerryMethodCall:
 *
 * A call of a method of an exported object. It is answered exactly once: in the method's function, or later with a
 * reference that the function took, on any thread. A call that is dropped unanswered fails with %FERRY_ERROR_REFUSED.
 *
 * Since: 0.1
 */
typedef struct _FerryMethodCall FerryMethodCall;

/**
 * FerryMethodFunc:
 * @object: (type GObject.Object): the object
 * @call: the call to answer; borrowed
 * @user_data: (nullable) (closure): the data that was set with the function; %NULL for a function of the class
 *
 * A method of an exported object, or a function that an object is passed to.
 *
 * Since: 0.1
 */
typedef void (*FerryMethodFunc) (gpointer object, FerryMethodCall *call, gpointer user_data);

FERRY_AVAILABLE_IN_0_1
GType ferry_method_call_get_type (void) G_GNUC_CONST;
FERRY_AVAILABLE_IN_0_1
FerryMethodCall *ferry_method_call_ref (FerryMethodCall *self);
FERRY_AVAILABLE_IN_0_1
void ferry_method_call_unref (FerryMethodCall *self);
FERRY_AVAILABLE_IN_0_1
GObject *ferry_method_call_get_object (FerryMethodCall *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_method_call_get_method (FerryMethodCall *self);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_method_call_get_arguments (FerryMethodCall *self);
FERRY_AVAILABLE_IN_0_1
GCancellable *ferry_method_call_get_cancellable (FerryMethodCall *self);
FERRY_AVAILABLE_IN_0_1
gint64 ferry_method_call_get_deadline (FerryMethodCall *self);
FERRY_AVAILABLE_IN_0_1
void ferry_method_call_return_value (FerryMethodCall *self, GVariant *value);
FERRY_AVAILABLE_IN_0_1
void ferry_method_call_return_object (FerryMethodCall *self, GObject *object);
FERRY_AVAILABLE_IN_0_1
void ferry_method_call_return_error (FerryMethodCall *self, const GError *failure);
FERRY_AVAILABLE_IN_0_1
void ferry_method_call_return_new_error (FerryMethodCall *self, GQuark domain, int code, const char *format, ...)
  G_GNUC_PRINTF (4, 5);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMethodCall, ferry_method_call_unref)

G_END_DECLS
