/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

/**
 * FerryLimit:
 * @FERRY_LIMIT_MEMORY: Address space, in bytes. An allocation beyond it fails, and most programs then end. Mapped
 * memory counts, also where it is not resident; shared memory counts in full.
 * @FERRY_LIMIT_CPU_TIME: Processor time, in seconds. The worker gets `SIGXCPU`, and `SIGKILL` a second later.
 * @FERRY_LIMIT_OPEN_FILES: Descriptors, as the highest number plus one. Opening one more fails with `EMFILE`.
 * @FERRY_LIMIT_CORE_SIZE: The size of a core dump, in bytes. A larger dump is cut; 0 means none.
 * @FERRY_LIMIT_FILE_SIZE: The size of a written file, in bytes. The worker gets `SIGXFSZ` beyond it.
 *
 * The resources that [method@Ferry.Launcher.set_limit] limits.
 *
 * Since: 0.1
 */
typedef enum
{
  FERRY_LIMIT_MEMORY,
  FERRY_LIMIT_CPU_TIME,
  FERRY_LIMIT_OPEN_FILES,
  FERRY_LIMIT_CORE_SIZE,
  FERRY_LIMIT_FILE_SIZE,
} FerryLimit;

G_END_DECLS
