/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes without a wait to a descriptor that is not Ferry's own: a pipe, a terminal or a file of the application.
 *
 * Threads: any. */

#include "config.h"

#include <signal.h>
#include <sys/uio.h>

#include "base/ferry-base-private.h"

gssize
ferry_write_without_signal (int fd, const struct iovec *parts, int n_parts)
{
  const struct timespec no_time = {0};
  sigset_t raised;
  sigset_t before;
  int failure;
  gssize n;

  sigemptyset (&raised);
  sigaddset (&raised, SIGPIPE);
  sigaddset (&raised, SIGXFSZ);
  pthread_sigmask (SIG_BLOCK, &raised, &before);
  n = TEMP_FAILURE_RETRY (writev (fd, parts, n_parts));
  failure = errno;
  /* Removes the signal, unless the application has blocked it itself. */
  sigemptyset (&raised);
  if (n < 0 && failure == EPIPE && !sigismember (&before, SIGPIPE))
    sigaddset (&raised, SIGPIPE);
  if (n < 0 && failure == EFBIG && !sigismember (&before, SIGXFSZ))
    sigaddset (&raised, SIGXFSZ);
  if (!sigisemptyset (&raised))
    TEMP_FAILURE_RETRY (sigtimedwait (&raised, NULL, &no_time));
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = failure;
  return n;
}
