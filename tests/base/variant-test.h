/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of random types, for the tests of what reads and writes serialised values. */

#pragma once

#include "ferry-test.h"

#include "base/ferry-variant-reader.h"
#include "base/ferry-variant-writer.h"

G_BEGIN_DECLS

typedef void (*VariantTestFunc) (GRand *random, GVariant *value);

/* Calls the function for random values of random types: 20,000, at night 200,000, or as many as FERRY_TEST_VALUES says.
 */
void variant_test_run (VariantTestFunc func);
/* Returns (transfer full) a copy of the value's bytes, aligned to 8, some of them changed, and others added or cut off.
 * It is a zero byte longer than size. */
guint8 *variant_test_mutate (GRand *random, GVariant *value, gsize *size);
/* Writes a value with the functions for its type. */
void variant_test_write (FerryVariantWriter *writer, GVariant *value);
/* Reads a value and writes it. Returns FALSE, with a part written, when it has more than n_left values in it. */
gboolean variant_test_copy (FerryVariantReader *reader, FerryVariantWriter *writer, guint *n_left);

G_END_DECLS
