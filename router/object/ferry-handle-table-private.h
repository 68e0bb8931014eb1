/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The references of the other end of a transport to objects and values of an exporter. They are counted when they are
 * sent. The other end drops those that have arrived there, so a reference on its way keeps its object.
 *
 * Owner:   the exporter's session.
 * Threads: any.
 * Trust:   none in the other end. */

#pragma once

#include "object/ferry-exported-private.h"

G_BEGIN_DECLS

typedef struct _FerryHandleTable FerryHandleTable;

/* context: (nullable): where methods are called. */
FerryHandleTable *ferry_handle_table_new (GMainContext *context);
void ferry_handle_table_free (FerryHandleTable *self);
/* Drops all references, and takes no more. */
void ferry_handle_table_close (FerryHandleTable *self);
/* Counts one reference. Fails with FERRY_ERROR_TOO_LARGE and FERRY_ERROR_CLOSED. */
gboolean ferry_handle_table_add (FerryHandleTable *self, FerryExported *exported, GError **error);
/* Ignores a number that the other end does not have, and a count above that of its references: such a mistake harms
 * only the other end. */
void ferry_handle_table_drop (FerryHandleTable *self, guint64 number, guint64 count);
/* Returns (transfer full) (nullable). */
FerryExported *ferry_handle_table_find (FerryHandleTable *self, guint64 number);
/* How many objects and values have references. */
guint64 ferry_handle_table_get_n (FerryHandleTable *self);

G_END_DECLS
