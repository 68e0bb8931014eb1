/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Unmaps the memory of links that have ended on a thread of its own. The last unmapping of shared memory frees all of
 * its pages, which takes a tenth of a second for a GiB. So neither the application's threads nor the monitor wait for
 * it. The thread ends when no mapping is left to unmap.
 *
 * Threads: any. */

#include "config.h"

#include "lane/ferry-segment-private.h"

#include <pthread.h>
#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

/* Mappings of fewer bytes are unmapped on the calling thread, which is as fast as waking another thread. */
#define SMALL ((gsize) 256 * 1024)

typedef struct
{
  gpointer data;
  gsize size;
} Mapping;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GQueue mappings = G_QUEUE_INIT; /* lock: (element-type Mapping) (owned) */
static gboolean is_running;            /* lock: a thread unmaps the mappings, or was just started for that */

static gpointer
unmap_all (gpointer unused)
{
  Mapping *mapping;

  for (;;)
    {
      pthread_mutex_lock (&lock);
      mapping = g_queue_pop_head (&mappings);
      is_running = mapping != NULL;
      pthread_mutex_unlock (&lock);
      if (mapping == NULL)
        return NULL;
      munmap (mapping->data, mapping->size);
      g_free (mapping);
    }
}

/* As ferry_unmap_soon(), however small the mapping is: it may be the last one of a large file. */
void
ferry_unmap_aside (gpointer data, gsize size)
{
  Mapping *mapping = g_new (Mapping, 1);
  gboolean start;

  *mapping = (Mapping){data, size};
  pthread_mutex_lock (&lock);
  g_queue_push_tail (&mappings, mapping);
  start = !is_running;
  is_running = TRUE;
  pthread_mutex_unlock (&lock);
  if (start)
    ferry_thread_run_aside ("ferry-unmapper", unmap_all, NULL);
}

void
ferry_unmap_soon (gpointer data, gsize size)
{
  if (size < SMALL)
    munmap (data, size);
  else
    ferry_unmap_aside (data, size);
}
