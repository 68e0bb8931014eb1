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

typedef struct _FerryHandleTable FerryHandleTable;

/* context: (nullable): of the objects. */
FerryHandleTable *ferry_handle_table_new (GMainContext *context);
void ferry_handle_table_free (FerryHandleTable *self);
/* Drops all, and takes no more. */
void ferry_handle_table_close (FerryHandleTable *self);
/* FERRY_ERROR_TOO_LARGE, FERRY_ERROR_CLOSED. */
gboolean ferry_handle_table_add (FerryHandleTable *self, FerryExported *exported, GError **error);
/* What the other end says of a number that it does not have, or of more references than it got, is passed over: it can
 * hurt nobody but itself. */
void ferry_handle_table_drop (FerryHandleTable *self, guint64 number, guint64 count);
/* Returns (transfer full) (nullable). */
FerryExported *ferry_handle_table_find (FerryHandleTable *self, guint64 number);
guint64 ferry_handle_table_get_n (FerryHandleTable *self);

G_END_DECLS
