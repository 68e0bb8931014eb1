/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A view as it is resolved. */

#pragma once

#include "object/ferry-object-message-private.h"
#include "object/ferry-view.h"

G_BEGIN_DECLS

/* The next step asks a list for rows. Gives (ttav): the list's revision, its length, and the rows. */
void ferry_view_rows (FerryView *self, guint64 position, guint n_rows);
/* Whether it sets or deletes a property: what comes of it is a change, as FERRY_STEP_SET has it. */
gboolean ferry_view_is_change (FerryView *self);
/* (transfer none) (nullable): the result when the exporter does not listen. */
GVariant *ferry_view_get_default (FerryView *self);
/* Borrows everything: it is not to be cleared. */
void ferry_view_fill_request (FerryView *self, FerryViewRequest *request);

G_END_DECLS
