/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the hostile server says: hostile-server.c has the orders. */

#pragma once

#include "route/ferry-sender-private.h"
#include "wire/ferry-call-message-private.h"

extern FerrySender *calls;
extern FerrySender *progress;
extern guint64 current; /* the number of the call that was taken last */

void check (gboolean success, const char *what);
guint64 read_number (const char *text);
/* From the current call's where it has a sign. */
guint64 read_xid (const char *text);

void send_message (FerryCallKind kind, guint64 xid, const char *name, GVariant *value);
void send_error (const char *text);
/* Returns FALSE when it is no order for a message, or for progress. */
gboolean obey_message (const char *order, const char *value, guint64 n);
