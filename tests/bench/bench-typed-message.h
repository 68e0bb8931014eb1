/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the bench of typed messages sends: a record of fixed size. */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

#define BENCH_RECORD_TYPE ((const GVariantType *) "(utd)")

/* A value of BENCH_RECORD_TYPE, as it lies. */
typedef struct
{
  guint32 sequence;
  guint64 bytes;
  double seconds;
} BenchRecord;

GVariant *bench_record_to_variant (guint32 sequence);

G_END_DECLS
