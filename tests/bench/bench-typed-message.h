/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the bench of typed messages sends: a record of fixed size, and mail, which has texts and a dictionary. */

#pragma once

#include <ferry-variant.h>

G_BEGIN_DECLS

#define BENCH_RECORD_TYPE ((const GVariantType *) "(utd)")
#define BENCH_MAIL_TYPE ((const GVariantType *) "(usa{sv})")
#define BENCH_MAIL_SIZE 57 /* bytes of the mark that both ends check */

/* A value of BENCH_RECORD_TYPE, as it lies. */
typedef struct
{
  guint32 sequence;
  guint64 bytes;
  double seconds;
} BenchRecord;

GVariant *bench_record_to_variant (guint32 sequence);
GVariant *bench_mail_to_variant (guint32 sequence);
gconstpointer bench_mail_write (FerryVariantWriter *writer, guint32 sequence, gsize *size);

G_END_DECLS
