/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application, which an executor may hold: a GApplication without windows ends over its tasks else. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FerryApplicationHold FerryApplicationHold;

/* context: the router's. */
FerryApplicationHold *ferry_application_hold_new (GMainContext *context);
/* Holds the default application while has_tasks and wanted are TRUE. With has_tasks alone, the end of the application
 * is logged. */
void ferry_application_hold_set (FerryApplicationHold *self, gboolean has_tasks, gboolean wanted);
void ferry_application_hold_free (FerryApplicationHold *self);

G_END_DECLS
