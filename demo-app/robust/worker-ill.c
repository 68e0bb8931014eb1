/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Workers that go wrong: each sends for half a second as it should, and then does what no program should. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app/worker-jobs.h"

#define GOOD_TIME (G_USEC_PER_SEC / 2)
#define RUBBISH 0xa5

/* A write to a page that may not be written is what an orphan pointer does, and no compiler or sanitizer sees it
 * coming. The core dump of a crash that was asked for is of no use. Where it was is said, but a sanitizer's report is
 * not wanted. */
void
worker_ill_write_nowhere (void)
{
  volatile char *page = mmap (NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  g_printerr ("Writing where nothing may be written\n");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  signal (SIGSEGV, SIG_DFL);
#endif
  prctl (PR_SET_DUMPABLE, 0);
  page[0] = 1;
}

void
worker_ill_crash (FerrySender *sender)
{
  worker_pipe_send_for (sender, GOOD_TIME);
  worker_ill_write_nowhere ();
}

void
worker_ill_hang (FerrySender *sender)
{
  worker_pipe_send_for (sender, GOOD_TIME);
  signal (SIGTERM, SIG_IGN);
  for (;;)
    pause ();
}

/* The memory of the link that messages lie in; what is before it says how far both ends are, and ends the link. */
static gboolean
find_messages (unsigned long *begin, unsigned long *end)
{
  g_autofree char *maps = NULL;
  g_auto (GStrv) lines = NULL;
  unsigned long offset;

  if (!g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL))
    return FALSE;
  lines = g_strsplit (maps, "\n", 0);
  for (guint i = 0; lines[i] != NULL; i++)
    if (strstr (lines[i], "/memfd:ferry-link") != NULL &&
        sscanf (lines[i], "%lx-%lx %*s %lx", begin, end, &offset) == 3 && offset != 0)
      return TRUE;
  return FALSE;
}

/* What a wild pointer does: messages are overwritten while they are on their way. */
void
worker_ill_rubbish (FerrySender *sender)
{
  unsigned long begin, end;

  worker_pipe_send_for (sender, GOOD_TIME);
  if (!find_messages (&begin, &end))
    return;
  while (worker_pipe_send (sender, 0.0))
    memset ((void *) begin, RUBBISH, end - begin);
}
