/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that floods, and keeps account of what was acknowledged where its end does not reach.
 *
 *   counting-worker THREADS SIZE
 *
 * Standard input is memory, mapped shared: a 64-bit count for each thread of the messages with a send that returned
 * TRUE. Each thread sends messages of SIZE bytes through the sender "out", without end: its index and the message's
 * number, 8 bytes each, and the low byte of the number from there on. */

#include <ferry.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_THREADS 16

static FerrySender *sender;
static _Atomic guint64 *acknowledged;
static gsize message_size;

static gpointer
flood (gpointer data)
{
  guint64 index = GPOINTER_TO_SIZE (data);
  g_autofree guint8 *message = g_malloc0 (message_size);

  memcpy (message, &index, sizeof index);
  for (guint64 number = 0;; number++)
    {
      memcpy (message + 8, &number, sizeof number);
      memset (message + 16, (int) (number & 0xff), message_size - 16);
      if (!ferry_sender_send_bytes (sender, message, message_size, NULL))
        return NULL;
      atomic_store (&acknowledged[index], number + 1);
    }
}

int
main (int argc, char **argv)
{
  GThread *threads[MAX_THREADS];
  gsize n_threads = argc == 3 ? strtoul (argv[1], NULL, 10) : 0;

  if (n_threads < 1 || n_threads > MAX_THREADS)
    return 2;
  message_size = strtoul (argv[2], NULL, 10);
  acknowledged = mmap (NULL, n_threads * sizeof *acknowledged, PROT_READ | PROT_WRITE, MAP_SHARED, STDIN_FILENO, 0);
  sender = ferry_worker_get_sender ("out", NULL);
  if (message_size < 16 || (void *) acknowledged == MAP_FAILED || sender == NULL || !ferry_sender_start (sender, NULL))
    return 2;
  for (gsize i = 1; i < n_threads; i++)
    threads[i] = g_thread_new ("flood", flood, GSIZE_TO_POINTER (i));
  flood (GSIZE_TO_POINTER (0));
  for (gsize i = 1; i < n_threads; i++)
    g_thread_join (threads[i]);
  g_object_unref (sender);
  return 0;
}
