/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The barest program that there is: it writes the clock to its standard output. */

#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int
main (void)
{
  struct timespec time;
  int64_t now;

  clock_gettime (CLOCK_MONOTONIC, &time);
  now = time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
  return write (STDOUT_FILENO, &now, sizeof now) == sizeof now ? EXIT_SUCCESS : EXIT_FAILURE;
}
