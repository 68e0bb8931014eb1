/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Orphans: descriptors that a worker sent and that are not used.
 *
 * The worker chooses the files of these descriptors. The close of some files may never end, such as that of a socket
 * that lingers, or of a file on a server that does not answer. So a thread of its own closes orphans, and makes no
 * other system call on them.
 *
 * Threads: any. */

#include "config.h"

#include "link/ferry-orphan-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

GArray *
ferry_orphans_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (int));
}

static gpointer
close_all (gpointer data)
{
  g_autoptr (GArray) fds = data;

  for (guint i = 0; i < fds->len; i++)
    close (g_array_index (fds, int, i));
  return NULL;
}

/* Each call starts a thread of its own, so that a close that never returns delays no other close. */
void
ferry_orphans_free (GArray *self)
{
  if (self->len > 0)
    ferry_thread_run_aside ("ferry-closer", close_all, self);
  else
    g_array_unref (self);
}

void
ferry_orphan_close (int fd)
{
  GArray *orphans = ferry_orphans_new ();

  g_array_append_val (orphans, fd);
  ferry_orphans_free (orphans);
}
