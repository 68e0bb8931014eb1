/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A library for crashing-worker.c: run() calls a function that aborts, and that has no name where the symbols are
 * removed. */

#include <stdlib.h>

void run (void);

__attribute__ ((noinline)) static void
abort_without_a_name (void)
{
  abort ();
}

void
run (void)
{
  abort_without_a_name ();
}
