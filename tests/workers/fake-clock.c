/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A wall clock that a test sets, of each program that is started with this in LD_PRELOAD. The environment has the name
 * of a file in FERRY_TEST_CLOCK, whose first eight bytes are microseconds beyond the time of the machine. */

#include <fcntl.h>
#include <glib.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic gint64 *beyond;

static void __attribute__ ((constructor)) map_clock (void)
{
  const char *path = g_getenv ("FERRY_TEST_CLOCK");
  int fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC) : -1;

  if (fd < 0)
    return;
  beyond = mmap (NULL, sizeof *beyond, PROT_READ, MAP_SHARED, fd, 0);
  if (beyond == MAP_FAILED)
    beyond = NULL;
  close (fd);
}

/* In place of GLib's. */
gint64
g_get_real_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000 +
         (beyond != NULL ? atomic_load_explicit (beyond, memory_order_relaxed) : 0);
}
