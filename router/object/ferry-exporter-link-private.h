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

#define FERRY_TYPE_EXPORTER_LINK (ferry_exporter_link_get_type ())

G_DECLARE_FINAL_TYPE (FerryExporterLink, ferry_exporter_link, FERRY, EXPORTER_LINK, GObject)

FerryExporterLink *ferry_exporter_link_new (FerryExporter *exporter, FerryTransport *transport);
/* How many references the other end has. */
guint64 ferry_exporter_link_get_n_references (FerryExporterLink *self);
/* Where it answers is set up by the caller, before it is started. */
FerryDemux *ferry_exporter_link_get_demux (FerryExporterLink *self);
gboolean ferry_exporter_link_start (FerryExporterLink *self, GError **error);
/* Answers no more, and drops all references; what is followed ends with reason. */
void ferry_exporter_link_close (FerryExporterLink *self, const GError *reason);

/* The exporter listens, or does not any more: watchers are told; the latter ends what is followed. */
void ferry_exporter_link_tell (FerryExporterLink *self, gboolean listening);
/* Around the moment from which on the exporter does not listen: what has come by the latter came before the stop. */
void ferry_exporter_link_begin_stop (FerryExporterLink *self);
void ferry_exporter_link_end_stop (FerryExporterLink *self);
/* Names have changed: watchers are told, and whoever follows left (nullable) by its name hears that it is gone. */
void ferry_exporter_link_tell_names (FerryExporterLink *self, FerryExported *left);

G_END_DECLS
