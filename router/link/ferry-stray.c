/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "link/ferry-stray-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

GArray *
ferry_strays_new (void)
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

/* One thread for each time, so that a close that hangs holds up no other's. */
void
ferry_strays_close (GArray *self)
{
  GArray *taken;

  if (self->len == 0)
    return;
  taken = ferry_strays_new ();
  g_array_append_vals (taken, self->data, self->len);
  g_array_set_size (self, 0);
  ferry_thread_run_aside ("ferry-closer", close_all, taken);
}

void
ferry_strays_free (GArray *self)
{
  ferry_strays_close (self);
  g_array_unref (self);
}

void
ferry_stray_close (int fd)
{
  GArray *strays = ferry_strays_new ();

  g_array_append_val (strays, fd);
  ferry_strays_free (strays);
}
