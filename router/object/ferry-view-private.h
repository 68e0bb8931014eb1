/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of a view that its resolution uses. */

#pragma once

#include "object/ferry-object-message-private.h"
#include "object/ferry-view.h"

G_BEGIN_DECLS

/* Adds a step that reads rows of a list. Its result is (ttav): the list's revision, its length, and the rows. */
void ferry_view_rows (FerryView *self, guint64 position, guint n_rows);
/* Returns (transfer none): the proxy of the object at which the view begins. */
FerryProxy *ferry_view_get_proxy (FerryView *self);
/* Whether the view sets or deletes a property: then its result is (tv), see FERRY_STEP_SET. */
gboolean ferry_view_is_change (FerryView *self);
/* Returns (transfer none) (nullable): the result that replaces the error when the exporter does not listen. */
GVariant *ferry_view_get_default (FerryView *self);
/* Fills a request, which borrows everything from the view and must not be cleared. */
void ferry_view_fill_request (FerryView *self, FerryViewRequest *request);

G_END_DECLS
