/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-variant.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

/**
 * FerryVariantReader:
 *
 * Reads a value in the serialised form of #GVariant where it lies, without making a #GVariant.
 *
 * A reader is a variable of the caller's: it allocates nothing, and is not freed. It is set to a value with
 * [method@Ferry.VariantReader.init], and points into the caller's bytes. The children of a container are read with
 * [method@Ferry.VariantReader.next], into other readers, or with
 * ferry_variant_reader_get(), where they are numbers and texts.
 *
 * A reader never reads outside its bytes, whatever they are. A part that is not in normal form reads as the default of
 * its type: 0, no text, no children. What is read as another type than it has is the default as well. Languages other
 * than C make a #GVariant of the bytes.
 *
 * Any thread may use a reader, but only one at a time.
 */
typedef struct
{
  /*< private >*/
  gconstpointer pointers[3];
  gsize sizes[6];
} FerryVariantReader;

FERRY_AVAILABLE_IN_0_1
void ferry_variant_reader_init (FerryVariantReader *self, const GVariantType *type, gconstpointer data, gsize size);
FERRY_AVAILABLE_IN_0_1
const GVariantType *ferry_variant_reader_get_type (const FerryVariantReader *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_variant_reader_next (FerryVariantReader *self, FerryVariantReader *child);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_variant_reader_lookup (const FerryVariantReader *self, const char *key, const GVariantType *type,
                                      FerryVariantReader *value);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_variant_reader_get (FerryVariantReader *self, const char *format, ...);
FERRY_AVAILABLE_IN_0_1
gconstpointer ferry_variant_reader_get_fixed_array (const FerryVariantReader *self, gsize element_size,
                                                    gsize *n_elements);

G_END_DECLS
