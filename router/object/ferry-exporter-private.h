/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter as its transports, its runs and proxies in the same process see it.
 *
 * Locks: an exporter's lock before its table's, and both before an object's. Nobody's code is called with any. */

#pragma once

#include "object/ferry-exported-private.h"
#include "object/ferry-object-message-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryMethodFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} FerryPassFunction;

/* (transfer full) (nullable): by name. FERRY_ERROR_UNKNOWN_OBJECT. */
FerryExported *ferry_exporter_find (FerryExporter *self, const char *name, GError **error);
/* (transfer full) (nullable): for an object that a method gave: exported by name, or its type is.
 * FERRY_ERROR_NOT_ALLOWED. */
FerryExported *ferry_exporter_find_object (FerryExporter *self, GObject *object, GError **error);
/* (transfer full): for a value that stays here, for a proxy. */
FerryExported *ferry_exporter_hold_value (FerryExporter *self, GVariant *value);
/* (nullable): for as long as the exporter lives. FERRY_ERROR_UNKNOWN_FUNCTION. */
const FerryPassFunction *ferry_exporter_find_function (FerryExporter *self, const char *name, GError **error);
guint64 ferry_exporter_get_generation (FerryExporter *self);
/* How often names have changed: so that those who know what one stood for ask again. */
guint64 ferry_exporter_get_n_names (FerryExporter *self);
/* Where runs go on that were answered elsewhere: (transfer none) (nullable). */
GMainContext *ferry_exporter_get_context (FerryExporter *self);
/* Has func called on that context. */
void ferry_exporter_call_later (FerryExporter *self, GSourceFunc func, gpointer data, GDestroyNotify destroy);
/* Whether requests are answered. before: this one may be of those that came before the stop. Fails with
 * FERRY_ERROR_NOT_LISTENING and FERRY_ERROR_REFUSED. */
gboolean ferry_exporter_check_listening (FerryExporter *self, gboolean before, GError **error);
void ferry_exporter_count_request (FerryExporter *self);
/* The transport of a link has ended. */
void ferry_exporter_drop_link (FerryExporter *self, gpointer link);

G_END_DECLS
