/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-typed-message.h"

GVariant *
bench_record_to_variant (guint32 sequence)
{
  return g_variant_new ((const char *) BENCH_RECORD_TYPE, sequence, (guint64) 7, 0.5);
}
