/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who answers which method.
 *
 * Owner:   the table is guarded by the lock of whoever has it embedded; handlers have counted references, so one that
 * is removed lives until it has returned, and its data with it. Threads: a handler's last reference goes on any thread,
 * and never under a lock: that calls the data's destroy. */

#pragma once

#include <stdatomic.h>

#include "call/ferry-demux.h"

G_BEGIN_DECLS

typedef struct
{
  _Atomic gint references;
  FerryDemuxHandler func; /* const, as what follows */
  gpointer data;
  GDestroyNotify destroy; /* (nullable) */
} FerryHandler;

typedef struct
{
  GHashTable *by_method; /* (owned): (element-type utf8 FerryHandler), both owned */
  FerryHandler *others;  /* (owned) (nullable): for all other methods */
} FerryHandlerTable;

FerryHandler *ferry_handler_new (FerryDemuxHandler func, gpointer data, GDestroyNotify destroy);
FerryHandler *ferry_handler_ref (FerryHandler *self);
void ferry_handler_unref (FerryHandler *self);

void ferry_handler_table_init (FerryHandlerTable *self);
void ferry_handler_table_clear (FerryHandlerTable *self);
/* Takes handler (nullable: removes) over, and returns the one that stood in its place (nullable), which the caller
 * drops without the lock. method (nullable): all others. */
FerryHandler *ferry_handler_table_replace (FerryHandlerTable *self, const char *method, FerryHandler *handler);
/* Returns the handler for method, borrowed, or NULL. */
FerryHandler *ferry_handler_table_find (const FerryHandlerTable *self, const char *method);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryHandler, ferry_handler_unref)

G_END_DECLS
