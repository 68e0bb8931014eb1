/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a fork server has adopted of killed workers, and how it ends that. The initialiser of a program may make its
 * fork server a subreaper. Then the fork server adopts what a worker has started, and is alive when the worker ends.
 * What a worker leaves that was killed or has failed is killed, with all that descends from it. What a worker leaves
 * that exited with status 0 is released, as the worker could have killed it: it stays when the fork server ends.
 *
 * A process could start others while it is looked for, so they are looked for once more, until there are none. A parent
 * is killed before its children: a shell would go on with its next command. None is stopped for that: it would stay
 * stopped where the fork server itself is killed.
 *
 * Threads: the fork server's. */

#include "config.h"

#include "process/ferry-fork-server-main-private.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "link/ferry-pidfd-private.h"
#include "wire/ferry-guardian-protocol.h"

/* How long adopted processes may take to end. */
#define GRACE (8 * G_USEC_PER_SEC)
G_STATIC_ASSERT (GRACE + FERRY_TIDY_GRACE < FERRY_GUARDIAN_GRACE_MILLISECONDS * FERRY_MICROSECONDS_PER_MILLISECOND);

typedef struct
{
  pid_t pid;
  pid_t parent;
  guint depth; /* 1: a child of the fork server */
  int pidfd;   /* (owned): -1: the process has ended */
} Adopted;

static void
adopted_clear (gpointer process)
{
  ferry_clear_fd (&((Adopted *) process)->pidfd);
}

/* Returns the parent of a process, or 0 where there is no such process, or it is a zombie. */
static pid_t
read_parent (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
  g_autofree char *text = NULL;
  const char *name_end;
  char state;
  int parent;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  /* The name of a program may have brackets in it. */
  name_end = strrchr (text, ')');
  return name_end != NULL && sscanf (name_end + 1, " %c %d", &state, &parent) == 2 && state != 'Z' ? parent : 0;
}

/* (transfer full) (element-type pid_t pid_t): returns the parents of all processes. */
static GHashTable *
read_parents (void)
{
  GHashTable *parents = g_hash_table_new (NULL, NULL);
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      pid_t pid = (pid_t) atoi (name);
      pid_t parent = pid > 0 ? read_parent (pid) : 0;

      if (parent > 0)
        g_hash_table_insert (parents, GINT_TO_POINTER (pid), GINT_TO_POINTER (parent));
    }
  return parents;
}

/* Returns how far a process is from the fork server that was adopted and not released, or descends from such a one; 0
 * for another one. */
static guint
get_depth (GHashTable *children, GHashTable *released, GHashTable *parents, pid_t pid)
{
  /* A chain is no longer than there are processes: what was read at different moments may make a circle. */
  for (guint depth = 1; pid != 0 && depth <= g_hash_table_size (parents); depth++)
    {
      pid_t parent = GPOINTER_TO_INT (g_hash_table_lookup (parents, GINT_TO_POINTER (pid)));

      if (parent == getpid ())
        return !g_hash_table_contains (children, GINT_TO_POINTER (pid)) &&
                   !g_hash_table_contains (released, GINT_TO_POINTER (pid))
                 ? depth
                 : 0;
      pid = parent;
    }
  return 0;
}

static int
compare_depths (gconstpointer a, gconstpointer b)
{
  return (int) ((const Adopted *) a)->depth - (int) ((const Adopted *) b)->depth;
}

/* Opens a process that was found. Its parent is read again then, since another process may have got its id before. */
static int
open_adopted (const Adopted *process)
{
  ferry_autofd pidfd = (int) syscall (SYS_pidfd_open, process->pid, 0);
  pid_t parent = pidfd >= 0 ? read_parent (process->pid) : 0;

  return parent != 0 && (parent == process->parent || parent == getpid ()) ? ferry_steal_fd (&pidfd) : -1;
}

/* (transfer full) (element-type Adopted): returns all that were adopted, and behind them what descends from them. */
static GArray *
find_adopted (GHashTable *children, GHashTable *released)
{
  g_autoptr (GHashTable) parents = read_parents ();
  GArray *adopted = g_array_new (FALSE, FALSE, sizeof (Adopted));
  GHashTableIter iter;
  gpointer pid, parent;

  g_array_set_clear_func (adopted, adopted_clear);
  g_hash_table_iter_init (&iter, parents);
  while (g_hash_table_iter_next (&iter, &pid, &parent))
    {
      Adopted process = {
        .pid = GPOINTER_TO_INT (pid),
        .parent = GPOINTER_TO_INT (parent),
        .depth = get_depth (children, released, parents, GPOINTER_TO_INT (pid)),
      };

      if (process.depth == 0)
        continue;
      process.pidfd = open_adopted (&process);
      g_array_append_val (adopted, process);
    }
  g_array_sort (adopted, compare_depths);
  return adopted;
}

void
ferry_adopted_kill_all (GHashTable *children, GHashTable *released)
{
  const gint64 deadline = g_get_monotonic_time () + GRACE;
  gint64 left = GRACE;

  while (left > 0)
    {
      g_autoptr (GArray) adopted = find_adopted (children, released);

      if (adopted->len == 0)
        return;
      for (guint i = 0; i < adopted->len; i++)
        syscall (SYS_pidfd_send_signal, g_array_index (adopted, Adopted, i).pidfd, SIGKILL, NULL, 0);
      for (guint i = 0; i < adopted->len && left > 0; i++)
        {
          struct pollfd end = {.fd = g_array_index (adopted, Adopted, i).pidfd, .events = POLLIN};

          poll (&end, end.fd >= 0 ? 1 : 0, end.fd >= 0 ? (int) (left / 1000) : 0);
          left = deadline - g_get_monotonic_time ();
        }
    }
}

gboolean
ferry_adopted_release_all (GHashTable *children, GHashTable *released)
{
  g_autoptr (GArray) adopted = find_adopted (children, released);
  siginfo_t info = {0};

  if (waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid != 0)
    return FALSE;
  for (guint i = 0; i < adopted->len; i++)
    if (g_array_index (adopted, Adopted, i).parent == getpid ())
      g_hash_table_add (released, GINT_TO_POINTER (g_array_index (adopted, Adopted, i).pid));
  return TRUE;
}
