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
#include "object/ferry-push-private.h"
#include "object/ferry-references-private.h"

G_BEGIN_DECLS

#define FERRY_TYPE_EXPORTER_LINK (ferry_exporter_link_get_type ())

G_DECLARE_FINAL_TYPE (FerryExporterLink, ferry_exporter_link, FERRY, EXPORTER_LINK, GObject)

FerryExporterLink *ferry_exporter_link_new (FerryExporter *exporter, FerryTransport *transport);
/* Where it answers is set up by the caller, before it is started. */
FerryDemux *ferry_exporter_link_get_demux (FerryExporterLink *self);
gboolean ferry_exporter_link_start (FerryExporterLink *self, GError **error);
/* Answers no more, and drops all references; what is followed ends with reason. */
void ferry_exporter_link_close (FerryExporterLink *self, const GError *reason);

/* (transfer full) (nullable) */
FerryExporter *ferry_exporter_link_dup_exporter (FerryExporterLink *self);
/* Resolves the view of a request, and answers it then; returns FALSE with an error where that is the answer. */
gboolean ferry_exporter_link_start_view (FerryExporterLink *self, FerryExporter *exporter, FerryInvocation *invocation,
                                         GError **error);
/* The exporter listens, or does not any more: watchers are told; the latter ends what is followed. */
void ferry_exporter_link_tell (FerryExporterLink *self, gboolean listening);
/* Around the moment from which on the exporter does not listen: what has come by the latter came before the stop. */
void ferry_exporter_link_begin_stop (FerryExporterLink *self);
void ferry_exporter_link_end_stop (FerryExporterLink *self);
/* Names have changed: watchers are told, and whoever follows left (nullable) by its name hears that it is gone. */
void ferry_exporter_link_tell_names (FerryExporterLink *self, FerryExported *left);
/* (transfer full) (nullable): what a request is about. FERRY_ERROR_UNKNOWN_OBJECT. */
FerryExported *ferry_exporter_link_find (FerryExporterLink *self, FerryExporter *exporter, const FerryObjectRoot *root,
                                         GError **error);
/* What the other end has. */
FerryReferences *ferry_exporter_link_get_references (FerryExporterLink *self);
/* A feed is open until it is removed. FERRY_ERROR_TOO_LARGE. */
gboolean ferry_exporter_link_add_push (FerryExporterLink *self, FerryPush *push, GError **error);
void ferry_exporter_link_remove_push (FerryExporterLink *self, FerryPush *push);

G_END_DECLS
