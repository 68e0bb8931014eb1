/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <sys/eventfd.h>

#include "base/ferry-base-private.h"

#define MOST 8

/* any: whether so many descriptors could be opened, up to 8. GLib ends the program where a main context, or a
 * cancellable that is waited for, gets none: so it is asked before one is made. Other threads may take them all the
 * same in between. Fails with FERRY_ERROR_SYSTEM. */
gboolean
ferry_check_free_fds (guint n, GError **error)
{
  int fds[MOST];
  guint n_opened = 0;
  int failure = 0;

  g_assert (n <= MOST);
  while (n_opened < n && failure == 0)
    {
      fds[n_opened] = eventfd (0, EFD_CLOEXEC);
      if (fds[n_opened] < 0)
        failure = errno;
      else
        n_opened++;
    }
  while (n_opened > 0)
    close (fds[--n_opened]);
  errno = failure;
  return failure == 0 || ferry_set_system_error (error, "Opening a descriptor (eventfd)");
}
