/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values as containers: arrays and tuples by position, dictionaries by key. Positions below 0 count from the end.
 *
 * Threads: any.
 * Trust:   none in keys. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The position that key names in a list of that length. key is of any of the types n, q, i, u, x and t.
 * FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_variant_get_position (GVariant *key, guint64 length, guint64 *position, GError **error);
/* Returns (transfer full) (nullable), without a variant around it. FERRY_ERROR_BAD_ARGUMENTS without such an item,
 * FERRY_ERROR_UNKNOWN_MEMBER where value is no container. */
GVariant *ferry_variant_get_item (GVariant *value, GVariant *key, GError **error);
gboolean ferry_variant_contains (GVariant *value, GVariant *key, gboolean *contains, GError **error);
gboolean ferry_variant_get_length (GVariant *value, guint64 *length, GError **error);

G_END_DECLS
