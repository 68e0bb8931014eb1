/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The references that the other end of a transport has to what an exporter gave it. They are counted as they are sent:
 * what the other end drops are those that have arrived there, so one that is under way keeps its object.
 *
 * Owner:   the exporter's link.
 * Threads: any.
 * Trust:   none in the other end. */

#pragma once

#include "object/ferry-exported-private.h"

G_BEGIN_DECLS

typedef struct _FerryReferences FerryReferences;

/* context: (nullable): of the objects. */
FerryReferences *ferry_references_new (GMainContext *context);
void ferry_references_free (FerryReferences *self);
/* Drops all, and takes no more. */
void ferry_references_close (FerryReferences *self);
/* FERRY_ERROR_TOO_LARGE, FERRY_ERROR_CLOSED. */
gboolean ferry_references_add (FerryReferences *self, FerryExported *exported, GError **error);
/* What the other end says of a number that it does not have, or of more references than it got, is passed over: it can
 * hurt nobody but itself. */
void ferry_references_drop (FerryReferences *self, guint64 number, guint64 count);
/* Returns (transfer full) (nullable). */
FerryExported *ferry_references_find (FerryReferences *self, guint64 number);
guint64 ferry_references_get_n (FerryReferences *self);

G_END_DECLS
