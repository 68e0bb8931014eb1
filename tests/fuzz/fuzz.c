/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fuzz.h"
#include "wire/ferry-depth-private.h"

#define CHILDREN_READ 1000

guint fuzz_n_accepted;

/* Goes behind the type at a place. */
static guint
count_levels (const char **at)
{
  const char letter = *(*at)++;
  guint n_members = 0;
  guint deepest = 0;

  if (letter == 'v')
    return 1;
  if (letter == 'a' || letter == 'm')
    return 1 + count_levels (at);
  if (letter != '(' && letter != '{')
    return 0;
  for (; **at != ')' && **at != '}'; n_members++)
    {
      guint levels = count_levels (at);

      deepest = MAX (deepest, levels);
    }
  ++*at;
  return n_members > 0 ? 1 + deepest : 0;
}

guint
fuzz_walk_variant (GVariant *variant, guint *n_left)
{
  const char *type = g_variant_get_type_string (variant);
  guint deepest = count_levels (&type);

  if (*n_left == 0)
    return deepest;
  --*n_left;
  if (g_variant_is_of_type (variant, G_VARIANT_TYPE_STRING))
    g_assert_true (g_utf8_validate (g_variant_get_string (variant, NULL), -1, NULL));
  if (!g_variant_is_container (variant))
    return deepest;
  for (gsize i = 0; i < g_variant_n_children (variant) && *n_left > 0; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (variant, i);
      guint levels = 1 + fuzz_walk_variant (child, n_left);

      deepest = MAX (deepest, levels);
    }
  return deepest;
}

void
fuzz_read_variant (GVariant *variant)
{
  g_autofree char *text = NULL;
  guint n_left = CHILDREN_READ;

  g_assert_cmpuint (fuzz_walk_variant (variant, &n_left), <=, FERRY_MAX_DEPTH);
  /* What has more children takes too long to print. */
  if (n_left > 0)
    text = g_variant_print (variant, TRUE);
}
