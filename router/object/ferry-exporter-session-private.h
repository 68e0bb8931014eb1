/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over which an exporter answers: the references that the other end has, and what it listens to.
 *
 * Owner:   counted, as a GObject; the exporter has one until the transport ends, or until it goes itself.
 * Threads: any.
 * Trust:   none in the other end. */

#pragma once

#include "call/ferry-demux.h"
#include "object/ferry-exporter-private.h"

G_BEGIN_DECLS

#define FERRY_TYPE_EXPORTER_SESSION (ferry_exporter_session_get_type ())

G_DECLARE_FINAL_TYPE (FerryExporterSession, ferry_exporter_session, FERRY, EXPORTER_SESSION, GObject)

FerryExporterSession *ferry_exporter_session_new (FerryExporter *exporter, FerryTransport *transport);
/* How many references the other end has. */
guint64 ferry_exporter_session_get_n_references (FerryExporterSession *self);
/* Where it answers is set up by the caller, before it is started. */
FerryDemux *ferry_exporter_session_get_demux (FerryExporterSession *self);
gboolean ferry_exporter_session_start (FerryExporterSession *self, GError **error);
/* Answers no more, and drops all references; what is followed ends with reason. */
void ferry_exporter_session_close (FerryExporterSession *self, const GError *reason);

/* The exporter listens, or does not any more: watchers are told; the latter ends what is followed. */
void ferry_exporter_session_tell (FerryExporterSession *self, gboolean listening);
/* Around the moment from which on the exporter does not listen: what has come by the latter came before the stop. */
void ferry_exporter_session_begin_stop (FerryExporterSession *self);
void ferry_exporter_session_end_stop (FerryExporterSession *self);
/* Names have changed: watchers are told, and whoever follows left (nullable) by its name hears that it is gone. */
void ferry_exporter_session_tell_names (FerryExporterSession *self, FerryExported *left);

G_END_DECLS
