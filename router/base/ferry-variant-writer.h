/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-variant.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_VARIANT_WRITER (ferry_variant_writer_get_type ())

/**
 * FerryVariantWriter:
 *
 * Writes values of one type in the serialised form of #GVariant, without making a #GVariant.
 *
 * A writer is made once for a type. Then it writes any number of values, one after the other, into memory that it
 * uses again. So it allocates nothing, once the memory is large enough. The bytes are the same as those of
 * [method@GLib.Variant.get_data], and are sent with [method@Ferry.Sender.send_serialised].
 *
 * The functions that add values are called in the order of the type. A container is opened, filled and closed. A value
 * in the wrong place is a mistake of the program: a critical is logged, and nothing is added. Languages other than C
 * make a #GVariant, with the same bytes.
 *
 * Any thread may use a writer, but only one at a time.
 */
typedef struct _FerryVariantWriter FerryVariantWriter;

FERRY_AVAILABLE_IN_0_1
GType ferry_variant_writer_get_type (void) G_GNUC_CONST;
FERRY_AVAILABLE_IN_0_1
FerryVariantWriter *ferry_variant_writer_new (const GVariantType *type) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_variant_writer_unref (FerryVariantWriter *self);

FERRY_AVAILABLE_IN_0_1
void ferry_variant_writer_add (FerryVariantWriter *self, const char *format, ...);
FERRY_AVAILABLE_IN_0_1
void ferry_variant_writer_add_array (FerryVariantWriter *self, gconstpointer elements, gsize n_elements,
                                     gsize element_size);
FERRY_AVAILABLE_IN_0_1
void ferry_variant_writer_open (FerryVariantWriter *self, const GVariantType *type);
FERRY_AVAILABLE_IN_0_1
void ferry_variant_writer_close (FerryVariantWriter *self);
FERRY_AVAILABLE_IN_0_1
gconstpointer ferry_variant_writer_finish (FerryVariantWriter *self, gsize *size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryVariantWriter, ferry_variant_writer_unref)

G_END_DECLS
