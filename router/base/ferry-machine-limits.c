/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cores, memory, descriptors and threads of the machine that this process may use.
 *
 * Threads: any. */

#include "config.h"

#include <sched.h>
#include <sys/eventfd.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "base/ferry-usable-cores.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define MAX_FDS 8
#define MAX_THREADS 3

/* Reads a limit from the text of a control group's file, and lowers *limit to it. */
typedef void (*LimitFunc) (const char *text, guint64 *limit);

/* Reads a file such as "cpu.max" of this process's control group (version 2), and of each group above it, as far as
 * the files exist. The limits of all these groups apply, so the lowest one counts. */
static void
read_groups (const char *file, LimitFunc func, guint64 *limit)
{
  g_autofree char *text = NULL;
  char *folder;

  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL) || !g_str_has_prefix (text, "0::"))
    return;
  folder = text + strlen ("0::");
  g_strchomp (folder);
  for (char *end = folder + strlen (folder); end != NULL; end = strrchr (folder, '/'))
    {
      g_autofree char *path = NULL;
      g_autofree char *content = NULL;

      *end = '\0';
      path = g_build_filename (CGROUP_ROOT, folder, file, NULL);
      if (g_file_get_contents (path, &content, NULL, NULL))
        func (content, limit);
    }
}

/* Reads "cpu.max" of one group: "max 100000" or "150000 100000". A part of a core counts as one core. */
static void
limit_cores (const char *text, guint64 *cores)
{
  char *end;
  guint64 quota = g_ascii_strtoull (text, &end, 10);
  guint64 period = g_ascii_strtoull (end, NULL, 10);

  if (end != text && quota > 0 && period > 0)
    *cores = MIN ((quota + period - 1) / period, *cores);
}

/* Reads "memory.max" of one group: a number of bytes, or "max". */
static void
limit_memory (const char *text, guint64 *usable)
{
  char *end;
  guint64 bytes = g_ascii_strtoull (text, &end, 10);

  if (end != text)
    *usable = MIN (*usable, bytes);
}

/**
 * ferry_get_n_usable_cores:
 *
 * Returns how many processor cores this process may use. They are the cores of its affinity mask, but no more than the
 * quota of its control group (version 2) allows, rounded up. Any thread may call this.
 *
 * Returns: the number of cores, at least 1
 */
guint
ferry_get_n_usable_cores (void)
{
  cpu_set_t set;
  /* sched_getaffinity() fails if the machine has more than 1,024 cores: they do not fit into the set. */
  guint64 cores = sched_getaffinity (0, sizeof set, &set) < 0 ? g_get_num_processors () : (guint) CPU_COUNT (&set);

  read_groups ("cpu.max", limit_cores, &cores);
  return (guint) MAX (cores, 1);
}

guint64
ferry_get_usable_memory (void)
{
  glong n_pages = sysconf (_SC_PHYS_PAGES);
  glong page_size = sysconf (_SC_PAGESIZE);
  guint64 usable = n_pages > 0 && page_size > 0 ? (guint64) n_pages * (guint64) page_size : G_MAXUINT64;

  read_groups ("memory.max", limit_memory, &usable);
  return usable;
}

gboolean
ferry_check_free_fds (guint n, GError **error)
{
  int fds[MAX_FDS];
  guint n_opened = 0;
  int failure;

  g_assert (n <= MAX_FDS);
  while (n_opened < n && (fds[n_opened] = eventfd (0, EFD_CLOEXEC)) >= 0)
    n_opened++;
  failure = n_opened < n ? errno : 0;
  while (n_opened > 0)
    close (fds[--n_opened]);
  errno = failure;
  return failure == 0 || ferry_set_system_error (error, "Opening a descriptor (eventfd)");
}

static gpointer
pass (gpointer gate)
{
  pthread_mutex_lock (gate);
  pthread_mutex_unlock (gate);
  return NULL;
}

gboolean
ferry_check_free_threads (guint n, const char *purpose, GError **error)
{
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  GThread *threads[MAX_THREADS];
  guint n_started = 0;
  gboolean starts = TRUE;

  g_assert (n <= MAX_THREADS);
  /* All of them are there at the same time. */
  pthread_mutex_lock (&gate);
  while (starts && n_started < n)
    {
      threads[n_started] = ferry_thread_try_new ("ferry-free", purpose, pass, &gate, error);
      starts = threads[n_started] != NULL;
      n_started += starts;
    }
  pthread_mutex_unlock (&gate);
  while (n_started > 0)
    g_thread_join (threads[--n_started]);
  pthread_mutex_destroy (&gate);
  return starts;
}
