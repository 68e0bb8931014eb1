/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The limits of the system that a launcher sets for its workers (setrlimit), such as memory and open files. */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

/**
 * FerryLimit:
 * @FERRY_LIMIT_MEMORY: Address space, in bytes. An allocation beyond the limit fails, and most programs then end.
 *   Mapped memory counts even if it is not resident; shared memory counts in full.
 * @FERRY_LIMIT_CPU_TIME: Processor time, in seconds. At the limit the worker gets `SIGXCPU`, and `SIGKILL` a second
 *   later.
 * @FERRY_LIMIT_OPEN_FILES: The number of descriptors (the highest descriptor plus one). Opening a further descriptor
 *   fails with `EMFILE`.
 * @FERRY_LIMIT_CORE_SIZE: The size of a core dump, in bytes. A larger dump is cut off; 0 means no core dump.
 * @FERRY_LIMIT_FILE_SIZE: The size of a file that the worker writes, in bytes. The worker gets `SIGXFSZ` when it writes
 *   beyond the limit.
 *
 * The resources that [method@Ferry.Launcher.set_limit] limits.
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
