/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that leaves a child behind, which keeps all that it had: control socket, lane, standard output.
 *
 *   forking-worker MESSAGES WHERE WHAT
 *
 * It sends MESSAGES messages, numbered from 0, through the sender "out", forks, writes the child's number and a line
 * end to standard output, and exits with status 0. The child stays in the process group where WHERE is "inside", and
 * begins a session of its own where it is "outside"; then it hangs without end where WHAT is "pause", and goes on
 * sending where it is "send". The worker exits when its child is there. */

#include "config.h"

#include <ferry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "route/ferry-sender-private.h"

static guint64 next_number;

static void
send_numbers (FerrySender *sender, guint64 n)
{
  for (guint64 i = 0; i < n; i++, next_number++)
    if (!ferry_sender_send_bytes (sender, &next_number, sizeof next_number, NULL))
      return;
}

static void
live_on (FerrySender *sender, int ready_fd, gboolean outside, gboolean sends)
{
  if (outside)
    setsid ();
  if (write (ready_fd, "!", 1) != 1)
    _exit (2);
  /* The library refuses a forked child; a hostile one takes the mark off. */
  ferry_sender_get_uplink (sender)->forked = FALSE;
  ferry_sender_get_uplink (sender)->writer.capacity = ferry_sender_get_uplink (sender)->segment.up_capacity;
  if (sends)
    send_numbers (sender, G_MAXUINT64);
  for (;;)
    pause ();
}

int
main (int argc, char **argv)
{
  g_autoptr (FerrySender) sender = ferry_worker_get_sender ("out", NULL);
  int pipe_fds[2];
  char byte;
  pid_t child;

  if (argc != 4 || sender == NULL || !ferry_sender_start (sender, NULL) || pipe (pipe_fds) < 0)
    return 2;
  send_numbers (sender, g_ascii_strtoull (argv[1], NULL, 10));
  child = fork ();
  if (child < 0)
    return 2;
  if (child == 0)
    live_on (sender, pipe_fds[1], strcmp (argv[2], "outside") == 0, strcmp (argv[3], "send") == 0);
  printf ("%d\n", (int) child);
  fflush (stdout);
  _exit (read (pipe_fds[0], &byte, 1) == 1 ? 0 : 2);
}
