/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-progress.c
 *
 * Progress, as the application takes it from a worker's cell. */

#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "wire/ferry-progress-private.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  /* What lies behind it on the heap is not read. */
  g_autofree guint8 *copy = g_memdup2 (data, size);
  guint8 bytes[FERRY_MAX_PROGRESS_SIZE];
  FerryProgress progress;
  FerryProgress again;
  gsize size_again;

  if (!ferry_progress_decode (&progress, copy, size))
    return 0;
  fuzz_n_accepted++;
  g_assert_true (progress.fraction == -1 || progress.fraction == FERRY_FRACTION_TAKEN_BACK ||
                 (progress.fraction >= 0 && progress.fraction <= 1));
  g_assert_true (progress.total == 0 || progress.amount <= progress.total);
  g_assert_true (g_utf8_validate (progress.unit, -1, NULL));
  g_assert_true (g_utf8_validate (progress.text, -1, NULL));

  /* What was made sane comes through as it is. */
  size_again = ferry_progress_encode (bytes, progress.xid, progress.fraction, progress.amount, progress.total,
                                      progress.unit, progress.text);
  g_assert_true (ferry_progress_decode (&again, bytes, size_again));
  g_assert_true (again.xid == progress.xid && again.fraction == progress.fraction && again.amount == progress.amount);
  g_assert_true (again.total == progress.total);
  g_assert_cmpstr (again.unit, ==, progress.unit);
  g_assert_cmpstr (again.text, ==, progress.text);
  return 0;
}
