/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A value that a function has written to memory or a file, which its task gets as a descriptor. What travels in place
 * of it is a small value, which says where it is and of which type. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* worker: returns (floating) the value that stands for what is in the returned descriptor of that handle. */
GVariant *ferry_file_value_new (gint handle, const GVariantType *type);
gboolean ferry_file_value_is (GVariant *value);
/* Returns the handle. */
gint ferry_file_value_get_handle (GVariant *value);
/* application: returns (transfer full) (nullable) the value that is in fd, which stays the caller's. trusts_worker: it
 * may also be a file that others could make shorter while it is read. Fails with FERRY_ERROR_BAD_RESULT. */
GVariant *ferry_file_value_map (GVariant *value, int fd, gboolean trusts_worker, GError **error);

G_END_DECLS
