/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-normal-form.c, wire/ferry-layout.c, wire/ferry-depth.c
 *
 * A type, which two bytes of length precede, and any bytes as a value of it. Whether they are in normal form is for
 * GLib to say as well, and it reads what it is told to trust as what it has checked itself. */

#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-layout-private.h"

#define MAX_NODES 10000

static void
assert_reads_alike (GVariant *value, const char *type, gconstpointer bytes, gsize size)
{
  g_autoptr (GVariant) trusted =
    g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), bytes, size, TRUE, NULL, NULL));
  g_autofree char *printed = g_variant_print (value, TRUE);
  g_autofree char *printed_trusted = g_variant_print (trusted, TRUE);

  g_assert_cmpstr (printed, ==, printed_trusted);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = {data, size, 0};
  g_autoptr (GBytes) type_bytes = fuzz_input_next_bytes (&input);
  gsize length = g_bytes_get_size (type_bytes);
  g_autofree char *type = g_strndup (g_bytes_get_data (type_bytes, NULL), length);
  gsize value_size = input.size - input.at;
  /* Aligned, as all values are that come. GLib 2.74 aborts where it walks one of less than 8 bytes that is not. */
  g_autofree guint8 *bytes = g_memdup2 (input.data + input.at, value_size);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (FerryLayout) layout = NULL;
  FerryValueVerdict verdict;
  guint n_left = MAX_NODES;

  if (length > 1024 || ferry_depth_judge_type (type, length) != FERRY_TYPE_GOOD)
    return 0;
  layout = ferry_layout_new (type, length);
  verdict = ferry_layout_judge (type, length, bytes, value_size);
  g_assert_cmpint (ferry_layout_check (layout, bytes, value_size), ==, verdict);
  /* First, as GLib notes what it finds. */
  if (verdict == FERRY_VALUE_GOOD)
    {
      value =
        g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), bytes, value_size, FALSE, NULL, NULL));
      assert_reads_alike (value, type, bytes, value_size);
      g_variant_unref (value);
    }
  value = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), bytes, value_size, FALSE, NULL, NULL));
  /* GLib takes more levels. What an honest end sends is refused for its depth alone. */
  if (verdict != FERRY_VALUE_TOO_DEEP)
    g_assert_cmpint (verdict == FERRY_VALUE_GOOD, ==, g_variant_is_normal_form (value));
  else if (g_variant_is_normal_form (value))
    g_assert_true (fuzz_walk_variant (value, &n_left) > FERRY_MAX_DEPTH || n_left == 0);
  fuzz_n_accepted += verdict == FERRY_VALUE_GOOD;
  return 0;
}
