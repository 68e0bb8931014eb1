/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-packing.c
 *
 * Values among packed fields: those that are checked are copied first, since the bytes may be a worker's. */

#include "config.h"

#include "ferry-test.h"

#include <string.h>

#include "wire/ferry-packing-private.h"

/* Packs a value, and returns (transfer full) the bytes, which stay writable. */
static GBytes *
pack (GVariant *value)
{
  gsize size = ferry_pack_value (NULL, 0, value);
  guint8 *packed = g_malloc (size);

  g_assert_cmpuint (ferry_pack_value (packed, 0, value), ==, size);
  return g_bytes_new_take (packed, size);
}

/* (transfer full) (nullable): returns the value that was packed. */
static GVariant *
unpack (GBytes *packed, GVariant *value)
{
  FerryUnpacking unpacking;

  g_assert_true (ferry_unpack_begin (&unpacking, packed, FERRY_VALUE_UNJUDGED));
  return ferry_unpack_value (&unpacking, strlen (g_variant_get_type_string (value)), g_variant_get_size (value));
}

static void
test_checked_values_are_copied_and_trusted (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (ferry_test_make_strings (100));
  g_autoptr (GBytes) packed = pack (value);
  g_autoptr (GVariant) unpacked = unpack (packed, value);

  memset ((guint8 *) g_bytes_get_data (packed, NULL), 0xff, g_bytes_get_size (packed));
  g_assert_cmpvariant (unpacked, value);
  g_assert_true (ferry_test_is_trusted (unpacked));
}

static void
test_others_are_parts_of_the_bytes (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_bytestring ("bytes of a picture"));
  g_autoptr (GBytes) packed = pack (value);
  g_autoptr (GVariant) unpacked = unpack (packed, value);

  g_assert_cmpvariant (unpacked, value);
  g_assert_cmpuint (
    (gsize) ((const guint8 *) g_variant_get_data (unpacked) - (const guint8 *) g_bytes_get_data (packed, NULL)), <,
    g_bytes_get_size (packed));
}

/* Any byte of the value is changed: GLib says what is still in normal form. */
static void
test_what_is_not_in_normal_form_is_refused (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (
    g_variant_new_parsed ("{'size': <(5, true)>, 'names': <['a', 'b']>, 'path': <objectpath '/a'>}"));
  g_autoptr (GBytes) packed = pack (value);
  guint8 *bytes = (guint8 *) g_bytes_get_data (packed, NULL);
  guint n_refused = 0;

  for (gsize at = 8; at < 8 + g_variant_get_size (value); at++)
    for (guint change = 1; change < 256; change++)
      {
        g_autoptr (GVariant) unpacked = NULL;
        g_autoptr (GVariant) untrusted = NULL;

        bytes[at] ^= (guint8) change;
        untrusted = g_variant_ref_sink (g_variant_new_from_data (g_variant_get_type (value), bytes + 8,
                                                                 g_variant_get_size (value), FALSE, NULL, NULL));
        unpacked = unpack (packed, value);
        g_assert_cmpint (unpacked != NULL, ==, g_variant_is_normal_form (untrusted));
        n_refused += unpacked == NULL;
        bytes[at] ^= (guint8) change;
      }
  g_assert_cmpuint (n_refused, >, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/packing/checked-values-are-copied-and-trusted", test_checked_values_are_copied_and_trusted);
  g_test_add_func ("/packing/others-are-parts-of-the-bytes", test_others_are_parts_of_the_bytes);
  g_test_add_func ("/packing/what-is-not-in-normal-form-is-refused", test_what_is_not_in_normal_form_is_refused);
  return g_test_run ();
}
