/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A wall clock that a test sets, of each program that is started with this in LD_PRELOAD. The environment has the name
 * of a file in FERRY_TEST_CLOCK, whose first eight bytes are microseconds beyond the time of the machine.
 *
 * A timer of the kernel's wall clock does not hear that this one was set, as it does of its own. It ends after a second
 * at most, so that its program looks at the clock. */

#include <fcntl.h>
#include <glib.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
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

/* In place of the C library's. */
int
timerfd_settime (int fd, int flags, const struct itimerspec *value, struct itimerspec *before)
{
  struct itimerspec sooner = *value;
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  if (beyond != NULL && (flags & TFD_TIMER_ABSTIME) != 0 && sooner.it_value.tv_sec > now.tv_sec)
    sooner.it_value.tv_sec = now.tv_sec + 1;
  return (int) syscall (SYS_timerfd_settime, fd, flags, &sooner, before);
}
