/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A watchdog over a process that has to do something, such as attach or end: its time is over when it did nothing with
 * the processor it had.
 *
 * It may take however long on this machine: what counts is whether it did nothing for the whole timeout. To do
 * something is to use a processor, or to wait for one or for a disk, in any thread. Time alone is no sign of a fault.
 *
 * The watchdog counts looks, and not time. So the time in which this process was stopped itself counts as one look.
 *
 * Threads: one at a time.
 * Trust:   the process may start others without end, so only some of them are looked at. A process may keep itself busy
 *          without end. It has a worker's place then, as one that attaches and hangs. */

#include "config.h"

#include "base/ferry-watchdog-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ferry-base-private.h"

/* How often a process is looked at in its time. */
#define N_LOOKS 10

/* The shortest time between two looks, in microseconds. */
#define SHORTEST (2 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* A process that used less than this part of the time only wakes now and then, to look whether something has come. */
#define BUSY_PART 100

/* How many threads are looked at, and how many generations of processes: each of these costs a descriptor meanwhile. */
#define MAX_THREADS 256
#define MAX_DEPTH 8

/* How often a process that has to end is looked at in all: the looks of sixty timeouts. */
#define MAX_LOOKS (60 * N_LOOKS)

/* A walk over the threads of a process and its descendants. */
typedef struct
{
  FerryActivity activity;
  FerryWatchdogKind kind;
  gboolean is_busy; /* a thread runs, waits for a processor or a disk, or is stopped */
  guint n_left;     /* how many threads may still be looked at */
  guint depth;      /* how many generations the process is away */
} Walk;

/* Reads the beginning of a file about a thread. */
static gboolean
read_file (char *text, gsize size, GPid pid, int thread, const char *name)
{
  char path[64];
  ferry_autofd fd = -1;
  gssize n;

  g_snprintf (path, sizeof path, "/proc/%d/task/%d/%s", (int) pid, thread, name);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  n = fd >= 0 ? TEMP_FAILURE_RETRY (read (fd, text, size - 1)) : -1;
  text[MAX (n, 0)] = '\0';
  return n > 0;
}

/* Reads the times of a thread from schedstat, which counts nanoseconds, and where the kernel has none from the line of
 * stat. */
static guint64
read_busy (GPid pid, int thread, guint64 n_ticks)
{
  guint64 ran, waited;
  char text[128];

  if (read_file (text, sizeof text, pid, thread, "schedstat") &&
      sscanf (text, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &ran, &waited) == 2)
    return ran + waited;
  return n_ticks * (G_GUINT64_CONSTANT (1000000000) / (guint64) sysconf (_SC_CLK_TCK));
}

static void
look_at_thread (Walk *walk, GPid pid, int thread)
{
  guint64 faults, user, system;
  char text[1024];
  const char *name_end;
  char state;

  /* The name is in brackets, and may have any characters. */
  if (!read_file (text, sizeof text, pid, thread, "stat") || (name_end = strrchr (text, ')')) == NULL)
    return;
  if (sscanf (name_end,
              ") %c %*d %*d %*d %*d %*d %*u %*u %*u %" G_GUINT64_FORMAT " %*u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
              &state, &faults, &user, &system) != 4)
    return;
  walk->is_busy |= strchr (walk->kind == FERRY_WATCHDOG_END ? "RD" : "RDTt", state) != NULL;
  walk->activity.faults += faults;
  walk->activity.busy += read_busy (pid, thread, user + system);
  walk->activity.ids += (guint64) thread;
}

static void look_at_process (Walk *walk, GPid pid);

/* Looks at the processes that a thread has started. Where the kernel does not tell them, there are none to look at. */
static void
look_at_children (Walk *walk, GPid pid, int thread)
{
  char text[1024];
  int child, length;

  if (walk->depth >= MAX_DEPTH || !read_file (text, sizeof text, pid, thread, "children"))
    return;
  walk->depth++;
  for (const char *at = text; sscanf (at, "%d %n", &child, &length) == 1 && walk->n_left > 0; at += length)
    look_at_process (walk, (GPid) child);
  walk->depth--;
}

static void
look_at_process (Walk *walk, GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", (int) pid);
  DIR *folder = opendir (path);
  struct dirent *entry;

  while (folder != NULL && walk->n_left > 0 && (entry = readdir (folder)) != NULL)
    {
      int thread = atoi (entry->d_name);

      if (thread <= 0)
        continue;
      walk->n_left--;
      look_at_thread (walk, pid, thread);
      if (walk->kind == FERRY_WATCHDOG_START)
        look_at_children (walk, pid, thread);
    }
  if (folder != NULL)
    closedir (folder);
}

/* Returns the processor time of a process, with that of its ended threads, in microseconds; 0 where it is not known. */
static gint64
get_processor_time (GPid pid)
{
  struct timespec time;
  clockid_t clock;

  if (pid <= 0 || clock_getcpuclockid (pid, &clock) != 0 || clock_gettime (clock, &time) != 0)
    return 0;
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static gint64
get_interval (const FerryWatchdog *self)
{
  return MAX (self->timeout / N_LOOKS, SHORTEST);
}

void
ferry_watchdog_start (FerryWatchdog *self, FerryWatchdogKind kind, GPid pid, gint64 timeout)
{
  *self = (FerryWatchdog){.pid = pid, .kind = kind, .timeout = timeout, .looked_at = g_get_monotonic_time ()};
  if (kind == FERRY_WATCHDOG_END)
    self->used = get_processor_time (pid);
}

gint64
ferry_watchdog_get_next_look (const FerryWatchdog *self)
{
  return ferry_time_add (self->looked_at, get_interval (self));
}

/* Whether the process has had more time than one that has to end gets. */
static gboolean
has_had_enough (const FerryWatchdog *self)
{
  return self->kind == FERRY_WATCHDOG_END &&
         (self->n_looks >= MAX_LOOKS || get_processor_time (self->pid) - self->used >= self->timeout);
}

static gboolean
was_busy (const FerryWatchdog *self, const Walk *walk, gint64 now)
{
  guint64 least = (guint64) (now - self->looked_at) * 1000 / BUSY_PART;
  const FerryActivity *before = &self->activity;
  const FerryActivity *latest = &walk->activity;

  return walk->is_busy || latest->ids != before->ids || latest->faults != before->faults ||
         latest->busy > before->busy + least;
}

gboolean
ferry_watchdog_look (FerryWatchdog *self)
{
  Walk walk = {.kind = self->kind, .n_left = MAX_THREADS};
  gint64 now = g_get_monotonic_time ();
  gboolean is_busy;

  errno = 0;
  if (self->pid > 0)
    look_at_process (&walk, self->pid);
  /* Without a descriptor nothing can be seen. Where /proc is missing, nothing but the processor time can. */
  if (walk.activity.ids == 0 && ferry_is_shortage (errno))
    walk.is_busy = TRUE;
  else if (walk.activity.ids == 0)
    walk.activity.busy = (guint64) get_processor_time (self->pid) * 1000;
  is_busy = was_busy (self, &walk, now);
  self->n_looks++;
  self->n_quiet = is_busy ? 0 : self->n_quiet + 1;
  self->activity = walk.activity;
  self->looked_at = now;
  return self->n_quiet * get_interval (self) >= self->timeout || has_had_enough (self);
}
