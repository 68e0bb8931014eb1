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
 * @FERRY_LIMIT_MEMORY: Address space, in bytes. An allocation beyond it fails, and most programs then end. It bounds
 * what is mapped and not what is resident: a worker that maps much and touches little passes it, and memory that it
 * shares with others counts in full.
 * @FERRY_LIMIT_CPU_TIME: Processor time, in seconds. The worker gets `SIGXCPU`, and `SIGKILL` a second later.
 * @FERRY_LIMIT_OPEN_FILES: Descriptors, as one more than the highest number. To open one beyond it fails with `EMFILE`.
 * @FERRY_LIMIT_CORE_SIZE: A core dump, in bytes. It is cut there; 0 means none.
 * @FERRY_LIMIT_FILE_SIZE: A file that is written to, in bytes. The worker gets `SIGXFSZ`.
 *
 * What [method@Ferry.Launcher.set_limit] limits.
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
