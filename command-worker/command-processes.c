/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds descendants by their parents in /proc.
 *
 * What was read of a process is true of that moment. A process id may be given to another process once the first one
 * was reaped. So a pidfd is opened first, and the process is read again then: the pidfd is of the process that was
 * found, if that one still has the id, or of one that has ended. */

#include "command-processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The field of /proc/PID/stat with the time of the start; the state, the first one after the name, is the third. */
#define FIELD_STATE 3
#define FIELD_STARTED 22

/* A flag there, of the kernel (PF_EXITING). */
#define PROCESS_EXITING 0x4

static gssize
read_file (const char *path, char *text, gsize size)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  gssize got;

  if (fd < 0)
    return -1;
  got = TEMP_FAILURE_RETRY (read (fd, text, size - 1));
  close (fd);
  if (got >= 0)
    text[got] = '\0';
  return got;
}

/* Returns the place of a field of /proc/PID/stat, of which rest begins with the state. */
static const char *
find_field (const char *rest, int field)
{
  for (int i = FIELD_STATE; i < field && rest != NULL; i++)
    {
      rest = strchr (rest, ' ');
      rest = rest != NULL ? rest + 1 : NULL;
    }
  return rest;
}

gboolean
command_process_read (pid_t pid, CommandProcess *process)
{
  char path[64];
  char text[1024];
  const char *name_end;
  const char *started;
  int parent;
  int session;
  guint flags;

  snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
  if (read_file (path, text, sizeof text) <= 0)
    return FALSE;
  /* The name of a program may have brackets in it. */
  name_end = strrchr (text, ')');
  if (name_end == NULL ||
      sscanf (name_end + 1, " %c %d %*d %d %*d %*d %u", &process->state, &parent, &session, &flags) != 4)
    return FALSE;
  started = find_field (name_end + 2, FIELD_STARTED);
  if (started == NULL)
    return FALSE;
  process->pid = pid;
  process->parent = parent;
  process->session = session;
  process->is_exiting = (flags & PROCESS_EXITING) != 0;
  process->started = g_ascii_strtoull (started, NULL, 10);
  return TRUE;
}

gboolean
command_process_is_alive (const CommandProcess *process)
{
  return process->state != 'Z' && process->state != 'X';
}

char *
command_process_dup_name (pid_t pid)
{
  char path[64];
  char text[64];

  snprintf (path, sizeof path, "/proc/%d/comm", (int) pid);
  if (read_file (path, text, sizeof text) <= 0)
    return g_strdup ("?");
  g_strchomp (text);
  return g_utf8_make_valid (text, -1);
}

int
command_process_open (const CommandProcess *process)
{
  int pidfd = (int) syscall (SYS_pidfd_open, process->pid, 0);
  CommandProcess now;

  if (pidfd < 0)
    return -1;
  /* Its parent may have ended meanwhile, and then this process is the parent. */
  if (command_process_read (process->pid, &now) && now.started == process->started &&
      (now.parent == process->parent || now.parent == getpid ()))
    return pidfd;
  close (pidfd);
  return -1;
}

/* (transfer full) (element-type pid_t CommandProcess): all processes that /proc shows. */
static GHashTable *
read_all (void)
{
  GHashTable *all = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  DIR *folder = opendir ("/proc");
  const struct dirent *entry;
  CommandProcess process;

  while (folder != NULL && (entry = readdir (folder)) != NULL)
    if (g_ascii_isdigit (entry->d_name[0]) && command_process_read ((pid_t) atoi (entry->d_name), &process))
      g_hash_table_insert (all, GINT_TO_POINTER (process.pid), g_memdup2 (&process, sizeof process));
  if (folder != NULL)
    closedir (folder);
  return all;
}

/* Whether a process descends from this one. */
static gboolean
descends (GHashTable *all, const CommandProcess *process)
{
  const pid_t self = getpid ();

  /* A chain is no longer than there are processes: what was read at different moments may make a circle. */
  for (guint left = g_hash_table_size (all); process != NULL && left > 0; left--)
    {
      if (process->parent == self)
        return TRUE;
      process = g_hash_table_lookup (all, GINT_TO_POINTER (process->parent));
    }
  return FALSE;
}

GArray *
command_processes_list (void)
{
  g_autoptr (GHashTable) all = read_all ();
  GArray *found = g_array_new (FALSE, FALSE, sizeof (CommandProcess));
  GHashTableIter iter;
  gpointer process;

  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_iter_next (&iter, NULL, &process))
    if (descends (all, process))
      g_array_append_vals (found, process, 1);
  return found;
}
