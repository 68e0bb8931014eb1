/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter for its sessions, its evaluations, and proxies in the same process.
 *
 * Locks: an exporter's lock before its table's, and both before an object's. Application code runs without them. */

#pragma once

#include "object/ferry-evaluation-private.h"
#include "object/ferry-exported-private.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): by name. Fails with FERRY_ERROR_UNKNOWN_OBJECT. */
FerryExported *ferry_exporter_find (FerryExporter *self, const char *name, GError **error);
/* (transfer full): keeps a value here, for a proxy of it. */
FerryExported *ferry_exporter_hold_value (FerryExporter *self, GVariant *value);
guint64 ferry_exporter_get_generation (FerryExporter *self);
/* For fuzzers, before the first transport. generation: not 0. */
void ferry_exporter_set_generation (FerryExporter *self, guint64 generation);
/* How often names have changed: with a new number, the other end asks again what a name means. */
guint64 ferry_exporter_get_n_names (FerryExporter *self);
/* (transfer none) (nullable): where methods are called; NULL for threads. */
GMainContext *ferry_exporter_get_context (FerryExporter *self);
/* See ferry_evaluation_new(). The evaluation has a reference to the exporter. */
FerryEvaluation *ferry_exporter_new_evaluation (FerryExporter *self, FerryViewRequest *request, FerryExported *root,
                                                const FerryEvaluationCaller *caller);
/* Whether requests are answered. before: this request came before the stop. Fails with FERRY_ERROR_NOT_LISTENING and
 * FERRY_ERROR_REFUSED. */
gboolean ferry_exporter_check_listening (FerryExporter *self, gboolean before, GError **error);
void ferry_exporter_count_request (FerryExporter *self);
/* How many have begun. */
guint64 ferry_exporter_get_n_requests (FerryExporter *self);
/* The session's transport has ended. */
void ferry_exporter_drop_session (FerryExporter *self, gpointer session);
/* Returns (element-type FerryExporterSession) (transfer full). */
GPtrArray *ferry_exporter_list_sessions (FerryExporter *self);
/* Takes a reference. */
void ferry_exporter_add_session (FerryExporter *self, gpointer session);
/* Returns (transfer full) (nullable): the session, where the exporter has it. */
gpointer ferry_exporter_steal_session (FerryExporter *self, gpointer session);

G_END_DECLS
