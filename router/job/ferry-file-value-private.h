/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A value that a function has written to memory or a file, which its task gets as a descriptor. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A mark, the handle, and the type. */
#define FERRY_FILE_VALUE_TYPE "(shg)"

/* worker: returns (floating) the value that stands for what is in the returned descriptor of that handle. */
GVariant *ferry_file_value_new (gint handle, const GVariantType *type);
gboolean ferry_file_value_is (GVariant *value);
/* Returns the handle. */
gint ferry_file_value_get_handle (GVariant *value);
/* application: returns (transfer full) (nullable) the value that is in fd, which stays the caller's. trusts_worker: it
 * may also be a file that others could still write to. Fails with FERRY_ERROR_BAD_RESULT. Takes as long as the value
 * is large. */
GVariant *ferry_file_value_open (GVariant *value, int fd, gboolean trusts_worker, GError **error);

/* The same on a thread of its own. */
typedef struct _FerryFileOpening FerryFileOpening;

/* Takes fd. That thread calls done with data when it has opened the value. */
FerryFileOpening *ferry_file_opening_new (GVariant *value, int fd, gboolean trusts_worker, GDestroyNotify done,
                                          gpointer data);
/* Whether it opens that value. */
gboolean ferry_file_opening_is_of (FerryFileOpening *self, GVariant *value);
gboolean ferry_file_opening_is_done (FerryFileOpening *self);
/* Once it is done: returns what ferry_file_value_open() has. Takes self. */
GVariant *ferry_file_opening_end (FerryFileOpening *self, GError **error);
void ferry_file_opening_unref (FerryFileOpening *self);

G_END_DECLS
