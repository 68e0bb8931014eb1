/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Makes the rows of a list view over the replica of the log. A row that has not come yet has a placeholder. */
GtkListItemFactory *ferry_demo_log_factory_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
