/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker with functions that write into a ledger that they have begun: a line 'ID PROCESS' at the end of a file,
 * which processes write at the same time.
 *
 *   tell    (stuu) -> t: the ledger's path, the task's ID, how many milliseconds it takes, and how many numbers it
 * sends in that time, as messages of the type "number", from 0; gives the ID yield   the same, but that it yields the
 * numbers weigh   (stay) -> (tay): the path and the ID; gives the ID and the bytes */

#include <errno.h>
#include <fcntl.h>
#include <ferry.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static gboolean
enter (const char *path, guint64 id, GError **error)
{
  g_autofree char *line = g_strdup_printf ("%" G_GUINT64_FORMAT " %d\n", id, getpid ());
  int fd = open (path, O_WRONLY | O_APPEND | O_CLOEXEC);
  gboolean written = fd >= 0 && write (fd, line, strlen (line)) == (gssize) strlen (line);

  if (!written)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO, "Cannot write to %s: %s", path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return written;
}

typedef gboolean (*Send) (FerryJob *job, guint64 number, GError **error);

static gboolean
tell (FerryJob *job, guint64 number, GError **error)
{
  return ferry_job_send (job, "number", g_variant_new_uint64 (number), error);
}

static gboolean
yield (FerryJob *job, guint64 number, GError **error)
{
  return ferry_job_yield (job, g_variant_new_uint64 (number), error);
}

/* For so long, or until the job is cancelled. */
static void
work (FerryJob *job, guint milliseconds)
{
  GCancellable *cancellable = ferry_job_get_cancellable (job);
  GPollFD poll_fd;

  g_cancellable_make_pollfd (cancellable, &poll_fd);
  g_poll (&poll_fd, 1, (gint) milliseconds);
  g_cancellable_release_fd (cancellable);
}

static GVariant *
count (FerryJob *job, GVariant *arguments, Send send, GError **error)
{
  const char *path;
  guint64 id;
  guint milliseconds, n;

  g_variant_get (arguments, "(&stuu)", &path, &id, &milliseconds, &n);
  if (!enter (path, id, error))
    return NULL;
  for (guint64 i = 0; i < n; i++)
    {
      work (job, milliseconds / n);
      if (!send (job, i, error))
        return NULL;
    }
  return g_variant_new_uint64 (id);
}

static GVariant *
count_in_messages (FerryJob *job, GVariant *arguments, GError **error)
{
  return count (job, arguments, tell, error);
}

static GVariant *
count_in_yields (FerryJob *job, GVariant *arguments, GError **error)
{
  return count (job, arguments, yield, error);
}

static GVariant *
weigh (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path;
  guint64 id;
  g_autoptr (GVariant) bytes = NULL;

  g_variant_get (arguments, "(&st@ay)", &path, &id, &bytes);
  if (!enter (path, id, error))
    return NULL;
  return g_variant_new ("(t@ay)", id, bytes);
}

int
main (int argc, char **argv)
{
  ferry_function_register ("tell", "(stuu)", "t", count_in_messages);
  ferry_function_register ("recite", "(stuu)", "t", count_in_yields);
  ferry_function_register ("weigh", "(stay)", "(tay)", weigh);
  ferry_worker_main (&argc, &argv);
  printf ("ferry_worker_main returned\n");
  return 4;
}
