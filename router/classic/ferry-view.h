/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-classic.h>, not this header."
#endif

#include <ferry-objects.h>

G_BEGIN_DECLS

#define FERRY_TYPE_VIEW (ferry_view_get_type ())

/**
 * FerryView:
 *
 * A chain of operations that begins at an exported object. Each operation is done on the result of the operation
 * before. A view sends nothing until it is resolved. The function [method@FerryClassic.View.resolve] and its siblings
 * do the whole chain at the object's end, in one call.
 *
 * A view belongs to one thread at a time until it is frozen. A frozen view does not change any more, and any number of
 * threads may use it.
 */
typedef struct _FerryView FerryView;

FERRY_AVAILABLE_IN_0_1
GType ferry_view_get_type (void) G_GNUC_CONST;
FERRY_AVAILABLE_IN_0_1
FerryView *ferry_view_new (FerryProxy *proxy) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryView *ferry_view_copy (FerryView *self) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryView *ferry_view_ref (FerryView *self);
FERRY_AVAILABLE_IN_0_1
void ferry_view_unref (FerryView *self);
FERRY_AVAILABLE_IN_0_1
void ferry_view_freeze (FerryView *self);
FERRY_AVAILABLE_IN_0_1
char *ferry_view_to_string (FerryView *self);

FERRY_AVAILABLE_IN_0_1
void ferry_view_call (FerryView *self, const char *method, GVariant *arguments);
FERRY_AVAILABLE_IN_0_1
void ferry_view_get (FerryView *self, const char *property);
FERRY_AVAILABLE_IN_0_1
void ferry_view_set (FerryView *self, const char *property, GVariant *value);
FERRY_AVAILABLE_IN_0_1
void ferry_view_delete (FerryView *self, const char *property);
FERRY_AVAILABLE_IN_0_1
void ferry_view_get_item (FerryView *self, GVariant *key);
FERRY_AVAILABLE_IN_0_1
void ferry_view_set_item (FerryView *self, GVariant *key, GVariant *value);
FERRY_AVAILABLE_IN_0_1
void ferry_view_delete_item (FerryView *self, GVariant *key);
FERRY_AVAILABLE_IN_0_1
void ferry_view_contains (FerryView *self, GVariant *key);
FERRY_AVAILABLE_IN_0_1
void ferry_view_length (FerryView *self);
FERRY_AVAILABLE_IN_0_1
void ferry_view_pass_to (FerryView *self, const char *function, GVariant *arguments);
FERRY_AVAILABLE_IN_0_1
void ferry_view_super (FerryView *self, const char *type_name);

FERRY_AVAILABLE_IN_0_1
void ferry_view_set_default (FerryView *self, GVariant *value);
FERRY_AVAILABLE_IN_0_1
void ferry_view_set_as_proxy (FerryView *self, gboolean as_proxy);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_view_resolve (FerryView *self, gint64 timeout, GCancellable *cancellable, GVariant **value,
                             FerryProxy **object, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_view_resolve_async (FerryView *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_view_resolve_finish (FerryView *self, GAsyncResult *result, GVariant **value, FerryProxy **object,
                                    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryView, ferry_view_unref)

G_END_DECLS
