/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A row as its table and its replica see it. */

#pragma once

#include "object/ferry-list-row.h"
#include "object/ferry-row-table-private.h"
#include "route/ferry-home-private.h"

G_BEGIN_DECLS

FerryListRow *ferry_list_row_new (FerryHome *home);
FerryRowPlace *ferry_list_row_get_place (FerryListRow *self);
/* Has its value from now on; nobody is told yet. Once. */
void ferry_list_row_load (FerryListRow *self, GVariant *value);
void ferry_list_row_notify_loaded (FerryListRow *self);

G_END_DECLS
