/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A command: its first process, which begins a session, and all processes that descend from it. */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct _CommandSession CommandSession;

/* How a command is started. */
typedef struct
{
  const char *program; /* its path */
  const char *const *argv;
  const char *const *environment;
  const char *directory; /* (nullable): NULL: that of this process */
  int streams[3];        /* (unowned) */
  gboolean has_terminal; /* the standard output is a terminal, which becomes that of the session */
  gboolean is_polite;    /* with less of the processors and the disk than other programs get */
  gboolean is_wrapped;   /* the first process only waits for the command, and would not wait after a signal */
} CommandStart;

/* Which processes of a command. */
typedef enum
{
  COMMAND_SESSION_ALL,    /* all that descend from it */
  COMMAND_SESSION_INSIDE, /* those that did not leave its session */
} CommandSessionPart;

/* Leaves the processor to others, for the rest of the thread that calls. */
void command_session_be_nice (void);

/* From here to command_session_ignore_signals() this process hears of its children, and no signal that asks it to end
 * does end it: SIGTERM, SIGHUP, and the end of the process that has started it. */
gboolean command_session_hear_signals (GError **error);
void command_session_ignore_signals (void);
/* A descriptor that is readable when there was such a signal. */
int command_session_get_signal_fd (void);
/* Whether this process was asked to end. */
gboolean command_session_is_terminated (void);

CommandSession *command_session_start (const CommandStart *start, GError **error);
void command_session_free (CommandSession *self);

/* Where the kernel groups sessions, a process is nice to those of its own session only: makes the session of a polite
 * command nice, or takes that back, which a user may do, other than with the nice value of a process. Returns FALSE
 * where that is to be tried again: in a tenth of a second, the kernel takes one from all that are not root. */
gboolean command_session_set_nice (CommandSession *self, gboolean is_nice);

/* A descriptor that is readable when a process of the command has ended, and when this process got SIGTERM:
 * command_session_has_ended() reads it. */
int command_session_get_descriptor (CommandSession *self);
/* Whether the first process has ended, and with which status of waitpid(). */
gboolean command_session_has_ended (CommandSession *self, int *status);
/* Whether no process of the command is left. */
gboolean command_session_is_empty (CommandSession *self);

/* Sends a signal to all processes that descend from the command, but to the first one of a command that is wrapped. A
 * program such as script or sudo runs another one in a session of that one's own. */
void command_session_signal (CommandSession *self, int signal_number);
/* Stops all of them, and lets them go on. The first returns (transfer full) (nullable) the names of those that go on
 * all the same, since they belong to another user. */
char *command_session_stop (CommandSession *self);
void command_session_continue (CommandSession *self);
/* Lets those go on that are stopped. Returns whether there were any. */
gboolean command_session_continue_stopped (CommandSession *self);
/* Any thread: makes the descriptor below readable. */
void command_session_wake (CommandSession *self);
/* Kills what is left, and waits until it has ended. Returns (transfer full) (nullable) which processes are left and
 * why: this user may not kill them, or the kernel is slow to end them. */
char *command_session_end (CommandSession *self, CommandSessionPart part);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandSession, command_session_free)

G_END_DECLS
