/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-cell.c
 *
 * A cell with a writer that does as it likes: a byte each says by how much sequence and begun go on, the rest fills the
 * slot.
 */

#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "lane/ferry-cell-private.h"

static void
check_value (const FerryCellValue *value)
{
  const gsize at = (gsize) ((const guint8 *) value->data - (const guint8 *) value->words);
  g_autoptr (GVariant) variant = NULL;

  fuzz_n_accepted++;
  g_assert_true (at >= sizeof (FerryCellHeader) && at + value->size <= sizeof value->words);
  if (!value->has_type)
    return;
  g_assert_true (strlen (value->type) <= FERRY_MAX_TYPE_STRING && g_variant_type_string_is_valid (value->type));
  /* As the router does with it. */
  variant = g_variant_ref_sink (
    g_variant_new_from_data ((const GVariantType *) value->type, value->data, value->size, FALSE, NULL, NULL));
  fuzz_read_variant (variant);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FerryCell *cell = g_aligned_alloc0 (1, sizeof (FerryCell), FERRY_LINE_SIZE);
  FerryCellReader reader;
  FerryCellValue value;
  const char *fault = NULL;

  ferry_cell_reader_init (&reader, cell);
  if (size > 2)
    {
      guint64 sequence = data[0];

      memcpy ((guint64 *) cell->slots[sequence & 1], data + 2, MIN (size - 2, sizeof cell->slots[0]));
      atomic_store (&cell->begun, sequence + (guint64) (gint8) data[1]);
      atomic_store (&cell->sequence, sequence);
      if (ferry_cell_reader_take (&reader, &value, &fault) == FERRY_CELL_NEW)
        check_value (&value);
    }
  g_aligned_free (cell);
  return 0;
}
