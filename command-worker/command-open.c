/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens the files of a command's streams, without a wait for the other end of a FIFO. The system tells nobody that a
 * FIFO was opened, but who waits in open(). So a thread does that. To end its wait, this process opens the other end
 * itself. Both go by a descriptor of the FIFO, so that they open the same one. */

#include "command-open.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define USUAL_FLAGS (O_CLOEXEC | O_NOCTTY)

typedef struct
{
  char path[64]; /* const: of the FIFO's descriptor */
  int flags;     /* const */
  int done;      /* const: (unowned): an eventfd, to which the thread writes when it has opened the FIFO */
  int fd;        /* the thread's, until it is joined */
  int failure;   /* as that */
} Opening;

static gpointer
open_in_thread (gpointer data)
{
  Opening *self = data;
  const guint64 one = 1;

  self->fd = open (self->path, self->flags | USUAL_FLAGS);
  self->failure = errno;
  if (write (self->done, &one, sizeof one) < 0)
    g_warning ("The end of a wait for a FIFO cannot be told: %s", g_strerror (errno));
  return NULL;
}

/* Waits until the thread is done, or is to be stopped. Returns whether it was stopped. */
static gboolean
wait_for (Opening *self, const int stops[2])
{
  struct pollfd polls[] = {
    {.fd = self->done, .events = POLLIN},
    {.fd = stops[0], .events = POLLIN},
    {.fd = stops[1], .events = POLLIN},
  };

  TEMP_FAILURE_RETRY (poll (polls, G_N_ELEMENTS (polls), -1));
  return polls[0].revents == 0;
}

static int
open_fifo (int fifo, int flags, const int stops[2])
{
  Opening opening = {.flags = flags & ~O_CREAT, .done = eventfd (0, EFD_CLOEXEC), .fd = -1};
  GThread *thread;
  gboolean stopped;
  int other = -1;

  if (opening.done < 0)
    return -1;
  g_snprintf (opening.path, sizeof opening.path, "/proc/self/fd/%d", fifo);
  thread = g_thread_try_new ("ferry-open", open_in_thread, &opening, NULL);
  if (thread == NULL)
    {
      close (opening.done);
      errno = EAGAIN;
      return -1;
    }
  stopped = wait_for (&opening, stops);
  /* Both ends at once, whichever the thread waits for. It stays open until the thread has seen it. */
  if (stopped)
    other = open (opening.path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  g_thread_join (thread);
  close (opening.done);
  if (other >= 0)
    close (other);
  if (stopped && opening.fd >= 0)
    close (opening.fd);
  errno = stopped ? ECANCELED : opening.failure;
  return stopped ? -1 : opening.fd;
}

int
command_open (const char *path, int flags, const int stops[2])
{
  int found = open (path, O_PATH | O_CLOEXEC);
  struct stat status;
  int fd;
  int failure;

  if (found < 0 || fstat (found, &status) < 0 || !S_ISFIFO (status.st_mode))
    fd = open (path, flags | USUAL_FLAGS, 0666);
  else
    fd = open_fifo (found, flags, stops);
  failure = errno;
  if (found >= 0)
    close (found);
  errno = failure;
  return fd;
}
