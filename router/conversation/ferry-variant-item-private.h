/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gets items of values that are containers. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sets position to the position that key gives in a list of that length. The key must be of type n, q, i, u, x or t.
 * Fails with FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_variant_get_position (GVariant *key, guint64 length, guint64 *position, GError **error);
/* Returns (transfer full) (nullable) the item of that key. If the item is a variant, returns the value inside it.
 * Fails with FERRY_ERROR_BAD_ARGUMENTS if the item is missing, and with FERRY_ERROR_UNKNOWN_MEMBER if value is no
 * container. */
GVariant *ferry_variant_get_item (GVariant *value, GVariant *key, GError **error);
gboolean ferry_variant_contains (GVariant *value, GVariant *key, gboolean *contains, GError **error);
gboolean ferry_variant_get_length (GVariant *value, guint64 *length, GError **error);

G_END_DECLS
