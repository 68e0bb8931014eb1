/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an exporter has with one transport: the references of the other end, and its subscriptions.
 *
 * Owner:   counted, as a GObject; the exporter has a reference until the transport or the exporter ends.
 * Threads: any.
 * Trust:   none in the other end. */

#pragma once

#include "call/ferry-demux.h"
#include "object/ferry-exporter-private.h"

G_BEGIN_DECLS

#define FERRY_TYPE_EXPORTER_SESSION (ferry_exporter_session_get_type ())

G_DECLARE_FINAL_TYPE (FerryExporterSession, ferry_exporter_session, FERRY, EXPORTER_SESSION, GObject)

FerryExporterSession *ferry_exporter_session_new (FerryExporter *exporter, FerryTransport *transport);
/* How many objects the other end refers to. */
guint64 ferry_exporter_session_get_n_references (FerryExporterSession *self);
/* The caller sets where the demux answers, before the start. */
FerryDemux *ferry_exporter_session_get_demux (FerryExporterSession *self);
gboolean ferry_exporter_session_start (FerryExporterSession *self, GError **error);
/* Stops answering, drops all references, and ends all subscriptions with reason. */
void ferry_exporter_session_close (FerryExporterSession *self, const GError *reason);

/* The exporter has started or stopped listening: tells the watches. A stop also ends all subscriptions. */
void ferry_exporter_session_tell (FerryExporterSession *self, gboolean listening);
/* Requests that have come by now came before the stop. Called before the exporter stops listening. */
void ferry_exporter_session_mark_stop (FerryExporterSession *self);
/* Names have changed: tells the watches. left (nullable) has lost its name: ends the subscriptions to that name. */
void ferry_exporter_session_tell_names (FerryExporterSession *self, FerryExported *left);

G_END_DECLS
