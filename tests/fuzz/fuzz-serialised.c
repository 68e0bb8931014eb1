/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-shape.c, wire/ferry-layout.c
 *
 * A type, which two bytes of length precede, and any bytes as a value of it, as a serialised handler gets them. Whether
 * they are in normal form is for GLib to say as well. */

#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-shape-private.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = {data, size, 0};
  g_autoptr (GBytes) type_bytes = fuzz_input_next_bytes (&input);
  gsize length = g_bytes_get_size (type_bytes);
  g_autofree char *type = g_strndup (g_bytes_get_data (type_bytes, NULL), length);
  gsize value_size = input.size - input.at;
  g_autofree guint8 *bytes = g_memdup2 (input.data + input.at, value_size);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (FerryShape) shape = NULL;
  gboolean is_normal;

  if (length > 1024 || ferry_depth_judge_type (type, length) != FERRY_TYPE_GOOD)
    return 0;
  shape = ferry_shape_new (type, length);
  is_normal = ferry_shape_is_normal (shape, bytes, value_size);
  value = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), bytes, value_size, FALSE, NULL, NULL));
  /* GLib takes more levels. */
  if (is_normal || ferry_depth_allows (type, length, bytes, value_size))
    g_assert_cmpint (is_normal, ==, g_variant_is_normal_form (value));
  fuzz_n_accepted += is_normal;
  return 0;
}
