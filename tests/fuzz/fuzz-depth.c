/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-depth.c
 *
 * The depth of a type, which two bytes of length precede, and of any bytes as a value of it. What is accepted is walked
 * and printed. */

#include "config.h"

#include "fuzz.h"
#include "wire/ferry-depth-private.h"

#define MAX_NODES 10000

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = {data, size, 0};
  g_autoptr (GBytes) type_bytes = fuzz_input_next_bytes (&input);
  gsize length = g_bytes_get_size (type_bytes);
  g_autofree char *type = g_memdup2 (g_bytes_get_data (type_bytes, NULL), length);
  g_autoptr (GVariant) value = NULL;
  gsize value_size = input.size - input.at;
  /* Aligned, as all values are that come. GLib 2.74 aborts where it walks one of less than 8 bytes that is not. */
  g_autofree guint8 *bytes = g_memdup2 (input.data + input.at, value_size);
  guint n_left = MAX_NODES;

  if (length > 1024 || ferry_depth_judge_type (type, length) != FERRY_TYPE_GOOD)
    return 0;
  value =
    g_variant_ref_sink (g_variant_new_from_data ((const GVariantType *) type, bytes, value_size, FALSE, NULL, NULL));
  if (ferry_depth_allows (type, length, bytes, value_size))
    {
      fuzz_n_accepted++;
      fuzz_read_variant (value);
    }
  /* What an honest end sends is refused for its depth alone. */
  else if (g_variant_is_normal_form (value))
    g_assert_true (fuzz_walk_variant (value, &n_left) > FERRY_MAX_DEPTH || n_left == 0);
  return 0;
}
