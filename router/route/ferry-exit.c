/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a pipe or a worker ended, and the text that says so. */

#include "config.h"

#include "route/ferry-exit-private.h"

#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

struct _FerryExit
{
  _Atomic gint references;
  FerryCloseReason reason; /* const, as all that follows */
  FerryObstacle obstacle;
  char *message;
  GPid pid;
  int exit_status;
  int signal;
  gboolean early;  /* the process ended before it attached */
  gboolean forced; /* this application sent that signal */
  gboolean core_dumped;
  char **last_lines;
};

G_DEFINE_BOXED_TYPE (FerryExit, ferry_exit, ferry_exit_ref, ferry_exit_unref)

FerryExit *
ferry_exit_new (FerryCloseReason reason, const char *message)
{
  FerryExit *self = g_new0 (FerryExit, 1);

  atomic_init (&self->references, 1);
  self->reason = reason;
  self->message = g_strdup (message);
  self->exit_status = -1;
  self->last_lines = g_new0 (char *, 1);
  return self;
}

/* Whether the last line of standard error may be about the process's end. A line that was read before the latest
 * call began is about an earlier call. */
static gboolean
has_last_words (FerryLink *link)
{
  return link->output != NULL && link->output->last_error != NULL &&
         link->output->error_begun == ferry_link_get_begun_call (link);
}

/* (transfer full): adds the last line of standard error, which mostly says more. Takes ownership of text. */
static char *
quote_last_error (FerryLink *link, char *text)
{
  g_autofree char *unquoted = text;

  if (!has_last_words (link))
    return g_steal_pointer (&unquoted);
  return g_strdup_printf ("%s; the last line of its standard error was: %s", unquoted, link->output->last_error);
}

/* (transfer full): returns the name of the process at the link's other end, for messages. */
static char *
name_process (GPid pid, FerryLink *link)
{
  return g_strdup_printf ("%s '%s' (process %d)", link->fork_server != NULL ? "Fork server" : "Worker", link->name,
                          (int) pid);
}

/* (transfer full): as name_process(), with the program's name if the process never attached: it may be the cause. */
static char *
name_process_and_program (GPid pid, FerryLink *link)
{
  g_autofree char *name = name_process (pid, link);
  g_autofree char *target = NULL;

  if (link->was_open || link->program == NULL)
    return g_steal_pointer (&name);
  /* In a message, this symbolic link would not tell the user which program it was. */
  if (strcmp (link->program, "/proc/self/exe") == 0)
    target = g_file_read_link (link->program, NULL);
  return g_strdup_printf ("%s of the program '%s'", name, target != NULL ? target : link->program);
}

static char *
describe_end (FerryExit *self, const char *name)
{
  if (self->signal != 0)
    return g_strdup_printf ("%s was killed by signal %d (%s)%s%s", name, self->signal, strsignal (self->signal),
                            self->forced ? ", which this application sent" : "",
                            self->core_dumped ? ", core dumped" : "");
  if (self->exit_status >= 0)
    return g_strdup_printf ("%s exited with status %d%s", name, self->exit_status,
                            ferry_exit_is_success (self) ? " (success)" : "");
  return g_strdup_printf ("%s ended, and its status was taken by another part of the program", name);
}

/* (transfer full): explains the end of a process that never attached: its program is no worker, or could not become
 * one. text is the beginning of the message. Takes ownership of text. */
static char *
explain_early_end (FerryExit *self, FerryLink *link, char *text)
{
  g_autofree char *end = text;

  if (self->exit_status == 0)
    return g_strdup_printf ("%s before it attached; make the program call %s", end, link->entry);
  if (has_last_words (link))
    return quote_last_error (link, g_strdup_printf ("%s before it attached", end));
  if (self->exit_status == EX_UNAVAILABLE && link->confinement.required != 0)
    return g_strdup_printf (
      "%s before it attached, which means that it could not enter its sandbox; require less of the sandbox, "
      "or read its standard error",
      end);
  return g_strdup_printf ("%s before it attached; read its standard error, and make the program call %s", end,
                          link->entry);
}

/* (transfer full): explains the end of a process that was killed because it did not attach. link->detail is what the
 * process itself said, or how the fork server ended that did not fork the process; NULL where the time was over. */
static char *
explain_never_attached (FerryExit *self, FerryLink *link)
{
  g_autofree char *name = name_process_and_program (self->pid, link);
  const char *entry = link->entry != NULL ? link->entry : "the function that enters its sandbox";

  if (link->detail != NULL && self->pid == 0)
    return g_strdup (link->detail);
  if (link->detail != NULL)
    return quote_last_error (
      link, g_strdup_printf ("%s %s; it was killed; make the program call %s, before it does anything else", name,
                             link->detail, entry));
  return quote_last_error (link, g_strdup_printf ("%s did not attach in time and was killed; make the program call %s, "
                                                  "or allow more time with ferry_launcher_set_attach_timeout()",
                                                  name, entry));
}

static char *
describe_process (FerryExit *self, FerryLink *link)
{
  g_autofree char *name = name_process_and_program (self->pid, link);
  char *text;

  if (self->signal == 0 && self->exit_status < 0 && link->parent != FERRY_PARENT_SELF)
    return g_strdup_printf ("%s ended, and its fork server did not report its exit status", name);
  text = describe_end (self, name);
  if (self->early)
    return explain_early_end (self, link, text);
  return self->signal != 0 || self->exit_status > 0 ? quote_last_error (link, text) : text;
}

static char *
describe_cause (FerryExit *self, FerryLink *link)
{
  g_autofree char *name = name_process (self->pid, link);

  switch (self->reason)
    {
    case FERRY_CLOSE_REASON_STOPPED:
      return g_strdup ("The sender was stopped");
    case FERRY_CLOSE_REASON_LAUNCH_FAILED:
    case FERRY_CLOSE_REASON_FORK_SERVER_LOST:
      return g_strdup (link->detail);
    case FERRY_CLOSE_REASON_NEVER_ATTACHED:
      return explain_never_attached (self, link);
    case FERRY_CLOSE_REASON_HUNG_UP:
      return g_strdup_printf ("%s closed its control socket, went on running and was killed", name);
    case FERRY_CLOSE_REASON_PROTOCOL_ERROR:
      return g_strdup_printf ("%s broke the protocol and was killed: %s", name,
                              link->detail != NULL ? link->detail : "no detail");
    case FERRY_CLOSE_REASON_ROUTER_STOPPED:
      return g_strdup ("The router was stopped");
    default:
      return describe_process (self, link);
    }
}

/* Sets the exit status or the signal, and the reason. code and status are si_code and si_status of waitid(). */
static void
set_status (FerryExit *self, int code, int status)
{
  if (code == CLD_EXITED)
    self->exit_status = status;
  else if (code == CLD_KILLED || code == CLD_DUMPED)
    {
      self->reason = FERRY_CLOSE_REASON_KILLED;
      self->signal = status;
      self->core_dumped = code == CLD_DUMPED;
    }
}

FerryExit *
ferry_exit_new_for_link (FerryLink *link)
{
  FerryExit *self = ferry_exit_new (FERRY_CLOSE_REASON_EXITED, NULL);

  self->pid = link->confinement.pid != 0 ? link->confinement.pid : link->pid;
  if (link->reaped)
    set_status (self, link->wait_code, link->wait_status);
  self->forced = self->signal > 0 && (link->signals_sent & (G_GUINT64_CONSTANT (1) << (self->signal - 1))) != 0;
  if (link->cause != FERRY_NO_CAUSE)
    self->reason = (FerryCloseReason) link->cause;
  self->early = !link->was_open && link->entry != NULL;
  self->obstacle = link->obstacle;
  self->message = describe_cause (self, link);
  if (link->output != NULL)
    {
      g_strfreev (self->last_lines);
      self->last_lines = ferry_output_dup_last_lines (link->output);
    }
  return self;
}

FerryExit *
ferry_exit_new_for_process (const char *name, GPid pid, int code, int status)
{
  FerryExit *self = ferry_exit_new (FERRY_CLOSE_REASON_EXITED, NULL);
  g_autofree char *process = g_strdup_printf ("Worker '%s' (process %d)", name, (int) pid);

  self->pid = pid;
  set_status (self, code, status);
  self->message = describe_end (self, process);
  return self;
}

FerryObstacle
ferry_exit_get_obstacle (FerryExit *self)
{
  return self->obstacle;
}

/**
 * ferry_exit_ref:
 * @self: an exit record
 *
 * Takes a reference. Any thread.
 *
 * Returns: (transfer full): @self
 */
FerryExit *
ferry_exit_ref (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  ferry_ref_count_inc (&self->references);
  return self;
}

/**
 * ferry_exit_unref:
 * @self: (transfer full): an exit record
 *
 * Drops a reference; the last one frees the record. Any thread.
 */
void
ferry_exit_unref (FerryExit *self)
{
  g_return_if_fail (self != NULL);

  if (!ferry_ref_count_dec (&self->references))
    return;
  g_strfreev (self->last_lines);
  g_free (self->message);
  g_free (self);
}

/**
 * ferry_exit_get_reason:
 * @self: an exit record
 *
 * Gets the reason for the end of the pipe or the worker. Any thread.
 *
 * Returns: the reason; of several, the one that occurred first
 */
FerryCloseReason
ferry_exit_get_reason (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, FERRY_CLOSE_REASON_STOPPED);

  return self->reason;
}

/**
 * ferry_exit_get_message:
 * @self: an exit record
 *
 * Gets a sentence that says what happened, and that can be shown to a user. Any thread.
 *
 * Returns: (transfer none): the sentence
 */
const char *
ferry_exit_get_message (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->message;
}

/**
 * ferry_exit_get_pid:
 * @self: an exit record
 *
 * Gets the id of the process at the other end, which the system may have given to another process since. Any thread.
 *
 * Returns: the process id, or -1 when there was no process
 */
GPid
ferry_exit_get_pid (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, -1);

  return self->pid > 0 ? self->pid : -1;
}

/**
 * ferry_exit_get_exit_status:
 * @self: an exit record
 *
 * Gets the exit status of the process, also when ferry_exit_get_reason() is not %FERRY_CLOSE_REASON_EXITED. Any thread.
 *
 * Returns: 0 to 255, or -1 when the process did not exit by itself or the status is not known
 */
int
ferry_exit_get_exit_status (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, -1);

  return self->exit_status;
}

/**
 * ferry_exit_get_signal:
 * @self: an exit record
 *
 * Gets the signal that ended the process, also when ferry_exit_get_reason() is not %FERRY_CLOSE_REASON_KILLED, as for a
 * worker that hung up and was then killed. Any thread.
 *
 * Returns: the signal's number, or 0 when no signal ended the process
 */
int
ferry_exit_get_signal (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->signal;
}

/**
 * ferry_exit_is_forced:
 * @self: an exit record
 *
 * Whether this application itself sent the signal that ended the process: by [method@Ferry.Worker.send_signal] or
 * [method@Ferry.Worker.force_exit], or for a task that was cancelled or timed out and did not end in its grace time. So
 * a cancel is told from a signal of the user, or of the system when it has no memory left. Any thread.
 *
 * Returns: %TRUE if a signal of this application ended the process
 */
gboolean
ferry_exit_is_forced (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->forced;
}

/**
 * ferry_exit_get_core_dumped:
 * @self: an exit record
 *
 * Whether the process left a core dump. Any thread.
 *
 * Returns: %TRUE if the process left a core dump
 */
gboolean
ferry_exit_get_core_dumped (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->core_dumped;
}

/**
 * ferry_exit_get_last_lines:
 * @self: an exit record
 *
 * Gets the last lines that the worker wrote to its logged standard streams ([method@Ferry.Launcher.log_stream]): up to
 * 20 lines and 8 KiB, the oldest first. Any thread.
 *
 * Returns: (transfer none) (array zero-terminated=1): the lines; an empty array when nothing was logged
 */
const char *const *
ferry_exit_get_last_lines (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return (const char *const *) self->last_lines;
}

/**
 * ferry_exit_is_success:
 * @self: an exit record
 *
 * Whether the end was a success: the sender was stopped, or the process exited with status 0 after it had attached. Any
 * thread.
 *
 * Returns: %TRUE if the end was a success
 */
gboolean
ferry_exit_is_success (FerryExit *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->reason == FERRY_CLOSE_REASON_STOPPED ||
         (self->reason == FERRY_CLOSE_REASON_EXITED && self->exit_status == 0 && !self->early);
}
