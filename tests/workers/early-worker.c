/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that has a second thread before Ferry, which is within this program, enters its sandbox. It takes no sender,
 * and says so by attaching. */

#include <ferry.h>
#include <pthread.h>
#include <unistd.h>

static gpointer
stay (gpointer data)
{
  for (;;)
    pause ();
  return NULL;
}

/* Those without a number come later. */
static __attribute__ ((constructor (1000))) void
start_thread (void)
{
  pthread_t thread;

  pthread_create (&thread, NULL, stay, NULL);
}

int
main (void)
{
  g_autoptr (FerrySender) sender = ferry_worker_get_sender ("none", NULL);

  return sender != NULL;
}
