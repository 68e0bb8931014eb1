/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The pictures in a folder, and not in those below it: files that are pictures by their names, in the order of those.
 * Nothing of them is opened. */

void ferry_demo_thumbnail_folder_list_async (GFile *folder, GCancellable *cancellable, GAsyncReadyCallback callback,
                                             gpointer user_data);
/* Returns (transfer full) (element-type FerryDemoThumbnail). */
GPtrArray *ferry_demo_thumbnail_folder_list_finish (GFile *folder, GAsyncResult *result,
                                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
