/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The processes that descend from this one, as /proc shows them at a moment. */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct
{
  pid_t pid;
  pid_t parent;
  pid_t session;
  char state;          /* as in /proc/PID/stat: 'Z' is a zombie, 'T' is stopped */
  guint64 started;     /* when it started, in ticks since the machine did */
  gboolean is_exiting; /* it is about to end, and runs its program no more */
} CommandProcess;

/* Reads a process. Returns FALSE when there is none with this id. */
gboolean command_process_read (pid_t pid, CommandProcess *process);
/* Whether a process runs, or is stopped: a zombie has ended. */
gboolean command_process_is_alive (const CommandProcess *process);
/* (transfer full): the name of its program. */
char *command_process_dup_name (pid_t pid);
/* Opens a pidfd of the process (transfer full), or returns -1 where the process has ended: another process may have its
 * id. */
int command_process_open (const CommandProcess *process);

/* (transfer full) (element-type CommandProcess): the children of this process, and their children, and so on. */
GArray *command_processes_list (void);

G_END_DECLS
