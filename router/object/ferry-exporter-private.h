/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter as its transports, its runs and proxies in the same process see it.
 *
 * Locks: an exporter's lock before its table's, and both before an object's. Nobody's code is called with any. */

#pragma once

#include "object/ferry-evaluation-private.h"
#include "object/ferry-exported-private.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): by name. FERRY_ERROR_UNKNOWN_OBJECT. */
FerryExported *ferry_exporter_find (FerryExporter *self, const char *name, GError **error);
/* (transfer full): for a value that stays here, for a proxy. */
FerryExported *ferry_exporter_hold_value (FerryExporter *self, GVariant *value);
guint64 ferry_exporter_get_generation (FerryExporter *self);
/* For fuzzers: before the first transport. Not 0. */
void ferry_exporter_set_generation (FerryExporter *self, guint64 generation);
/* How often names have changed: so that those who know what one stood for ask again. */
guint64 ferry_exporter_get_n_names (FerryExporter *self);
/* Where runs go on that were answered elsewhere: (transfer none) (nullable). */
GMainContext *ferry_exporter_get_context (FerryExporter *self);
/* A run on objects of the exporter, of which it has a reference until it goes: see ferry_evaluation_new(). */
FerryEvaluation *ferry_exporter_new_run (FerryExporter *self, FerryViewRequest *request, FerryExported *root,
                                         const FerryEvaluationFuncs *funcs, gpointer data);
/* Whether requests are answered. before: this one may be of those that came before the stop. Fails with
 * FERRY_ERROR_NOT_LISTENING and FERRY_ERROR_REFUSED. */
gboolean ferry_exporter_check_listening (FerryExporter *self, gboolean before, GError **error);
void ferry_exporter_count_request (FerryExporter *self);
/* How many were taken up. */
guint64 ferry_exporter_get_n_requests (FerryExporter *self);
/* The transport of a link has ended. */
void ferry_exporter_drop_link (FerryExporter *self, gpointer link);
/* Returns (element-type FerryExporterSession) (transfer full). */
GPtrArray *ferry_exporter_list_sessions (FerryExporter *self);
/* Takes a reference. */
void ferry_exporter_add_link (FerryExporter *self, gpointer link);
/* Returns (transfer full) (nullable): the link, where it is among them. */
gpointer ferry_exporter_steal_link (FerryExporter *self, gpointer link);

G_END_DECLS
