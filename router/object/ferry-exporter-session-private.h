/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter's session with one transport: the references that the other end has to objects of the exporter, and
 * the other end's subscriptions.
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
/* Returns how many objects the other end has references to. */
guint64 ferry_exporter_session_get_n_references (FerryExporterSession *self);
/* Returns (transfer none): the demux. Before ferry_exporter_session_start(), the caller sets the threads or the
 * context on which the demux answers. */
FerryDemux *ferry_exporter_session_get_demux (FerryExporterSession *self);
gboolean ferry_exporter_session_start (FerryExporterSession *self, GError **error);
/* Stops answering, drops all references of the other end, and ends all subscriptions and watches with reason. */
void ferry_exporter_session_close (FerryExporterSession *self, const GError *reason);

/* Must be called when the exporter has started or stopped listening: notifies the watches of the other end. A stop
 * also ends all subscriptions. */
void ferry_exporter_session_tell (FerryExporterSession *self, gboolean listening);
/* Marks the requests that have come by now as requests from before the stop. Must be called before the exporter
 * stops listening. */
void ferry_exporter_session_mark_stop (FerryExporterSession *self);
/* Must be called when an object got or lost a name: notifies the watches. left (nullable) has lost its name: the
 * subscriptions to that name end. */
void ferry_exporter_session_tell_names (FerryExporterSession *self, FerryExported *left);

G_END_DECLS
