/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fuzz.h"

guint fuzz_n_accepted;

void
fuzz_walk_variant (GVariant *variant, guint *n_left)
{
  if (*n_left == 0)
    return;
  --*n_left;
  if (g_variant_is_of_type (variant, G_VARIANT_TYPE_STRING))
    g_assert_true (g_utf8_validate (g_variant_get_string (variant, NULL), -1, NULL));
  if (!g_variant_is_container (variant))
    return;
  for (gsize i = 0; i < g_variant_n_children (variant) && *n_left > 0; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (variant, i);

      fuzz_walk_variant (child, n_left);
    }
}
