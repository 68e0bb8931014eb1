/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a pipe or a worker ended, such as by a crash or killed by a signal, and the text that says so, for each close
 * reason. */

#include "config.h"

#include "engine/ferry-exit-private.h"

#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "base/ferry-property-private.h"
#include "ferry-enums.h"

/**
 * FerryExit:
 *
 * The exit record: describes how a pipe, or the worker at the pipe's other end, ended.
 *
 * An exit record never changes, so any thread may use it.
 */
struct _FerryExit
{
  GObject parent_instance;

  FerryCloseReason reason; /* const, as all that follows */
  FerryLaunchFailure failure;
  char *message;
  GPid pid;
  int exit_status;
  int signal;
  gboolean early;  /* the process ended before it attached */
  gboolean forced; /* this application sent that signal */
  gboolean core_dumped;
  char **last_lines;
  char *backtrace; /* (nullable) */
};

enum
{
  PROP_REASON = 1,
  PROP_MESSAGE,
  PROP_SUCCESS,
  PROP_IDENTIFIER,
  PROP_EXIT_STATUS,
  PROP_SIGNAL,
  PROP_FORCED,
  PROP_CORE_DUMPED,
  PROP_LAST_LINES,
  PROP_BACKTRACE,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryExit, ferry_exit, G_TYPE_OBJECT)

static void
ferry_exit_finalize (GObject *object)
{
  FerryExit *self = FERRY_EXIT (object);

  g_strfreev (self->last_lines);
  g_free (self->backtrace);
  g_free (self->message);

  G_OBJECT_CLASS (ferry_exit_parent_class)->finalize (object);
}

static const gsize fields[N_PROPERTIES] = {
  [PROP_REASON] = G_STRUCT_OFFSET (FerryExit, reason),
  [PROP_MESSAGE] = G_STRUCT_OFFSET (FerryExit, message),
  [PROP_EXIT_STATUS] = G_STRUCT_OFFSET (FerryExit, exit_status),
  [PROP_SIGNAL] = G_STRUCT_OFFSET (FerryExit, signal),
  [PROP_FORCED] = G_STRUCT_OFFSET (FerryExit, forced),
  [PROP_CORE_DUMPED] = G_STRUCT_OFFSET (FerryExit, core_dumped),
  [PROP_LAST_LINES] = G_STRUCT_OFFSET (FerryExit, last_lines),
  [PROP_BACKTRACE] = G_STRUCT_OFFSET (FerryExit, backtrace),
};

static void
ferry_exit_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryExit *self = FERRY_EXIT (object);

  if (property_id == PROP_SUCCESS)
    g_value_set_boolean (value, ferry_exit_is_success (self));
  else if (property_id == PROP_IDENTIFIER)
    g_value_take_string (value, self->pid > 0 ? g_strdup_printf ("%d", (int) self->pid) : NULL);
  else
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
}

static void
install_process_properties (void)
{
  /**
   * FerryExit:identifier:
   *
   * The id that the process at the other end had, as text: `coredumpctl info` takes it. %NULL when there was no
   * process.
   */
  properties[PROP_IDENTIFIER] = g_param_spec_string ("identifier", NULL, NULL, NULL, FERRY_READABLE);

  /**
   * FerryExit:exit-status: (getter get_exit_status)
   *
   * The exit status of the process, 0 to 255; -1 when it did not exit by itself, or its status is not known.
   */
  properties[PROP_EXIT_STATUS] = g_param_spec_int ("exit-status", NULL, NULL, -1, 255, -1, FERRY_READABLE);

  /**
   * FerryExit:signal: (getter get_signal)
   *
   * The number of the signal that ended the process; 0 when none did.
   */
  properties[PROP_SIGNAL] = g_param_spec_int ("signal", NULL, NULL, 0, G_MAXINT, 0, FERRY_READABLE);

  /**
   * FerryExit:forced:
   *
   * Whether this application itself sent the signal that ended the process. It did by
   * [method@Ferry.Worker.send_signal], [method@Ferry.Worker.force_exit] or [method@Ferry.Channel.send_signal], or for a
   * task that was cancelled or timed out and did not end in its grace time. So a cancel is told from a signal of the
   * user, or of the system when it has no memory left.
   */
  properties[PROP_FORCED] = g_param_spec_boolean ("forced", NULL, NULL, FALSE, FERRY_READABLE);

  /**
   * FerryExit:core-dumped:
   *
   * Whether the process left a core dump.
   */
  properties[PROP_CORE_DUMPED] = g_param_spec_boolean ("core-dumped", NULL, NULL, FALSE, FERRY_READABLE);

  /**
   * FerryExit:last-lines:
   *
   * The last lines that the worker wrote to its standard streams, where the application reads them
   * ([enum@Ferry.StreamMode]). They are up to 20 lines and 8 KiB, the oldest first. Empty when there are none, never
   * %NULL.
   */
  properties[PROP_LAST_LINES] = g_param_spec_boxed ("last-lines", NULL, NULL, G_TYPE_STRV, FERRY_READABLE);

  /**
   * FerryExit:backtrace:
   *
   * Where the worker crashed, or was when the time of its task was over: a line for each function, the innermost first,
   * such as `#3 parse_header+0x24 (libfoo.so.1+0x11d3) at parse.cpp:211`. Names, files and lines are there as far as
   * the worker's files have symbols. %NULL when the worker did not crash, could not tell, or has a handler of its own.
   *
   * It is the worker's word, bounded and without control characters.
   */
  properties[PROP_BACKTRACE] = g_param_spec_string ("backtrace", NULL, NULL, NULL, FERRY_READABLE);
}

static void
ferry_exit_class_init (FerryExitClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = ferry_exit_finalize;
  object_class->get_property = ferry_exit_get_property;

  /**
   * FerryExit:reason: (getter get_reason)
   *
   * The reason for the end; of several, the one that occurred first.
   */
  properties[PROP_REASON] =
    g_param_spec_enum ("reason", NULL, NULL, FERRY_TYPE_CLOSE_REASON, FERRY_CLOSE_REASON_STOPPED, FERRY_READABLE);

  /**
   * FerryExit:message: (getter get_message)
   *
   * A sentence that says what happened, and that can be shown to a user.
   */
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, FERRY_READABLE);

  /**
   * FerryExit:success: (getter is_success)
   *
   * Whether the end was a success: the sender was stopped, or the process exited with status 0.
   */
  properties[PROP_SUCCESS] = g_param_spec_boolean ("success", NULL, NULL, FALSE, FERRY_READABLE);
  install_process_properties ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_exit_init (FerryExit *self)
{
  self->exit_status = -1;
}

FerryExit *
ferry_exit_new (FerryCloseReason reason, const char *message)
{
  FerryExit *self = g_object_new (FERRY_TYPE_EXIT, NULL);

  self->reason = reason;
  self->message = message != NULL ? g_utf8_make_valid (message, -1) : NULL;
  self->last_lines = g_new0 (char *, 1);
  return self;
}

FerryExit *
ferry_exit_restore (int signal, int exit_status, const char *message, const char *const *last_lines)
{
  FerryExit *self = ferry_exit_new (signal != 0 ? FERRY_CLOSE_REASON_KILLED : FERRY_CLOSE_REASON_EXITED, message);

  self->signal = signal;
  self->exit_status = exit_status;
  g_strfreev (self->last_lines);
  self->last_lines = g_strdupv ((char **) last_lines);
  return self;
}

/* Whether the last line of standard error may be about the process's end. A line that was read before the latest
 * call began is about an earlier call. */
static gboolean
has_last_words (FerryLink *link)
{
  return link->output != NULL && link->output->last_error != NULL &&
         link->output->error_call == ferry_link_get_begun_call (link);
}

/* (transfer full): adds what standard error said at last, which mostly says more. Takes ownership of text. */
static char *
quote_last_error (FerryLink *link, char *text)
{
  g_autofree char *unquoted = text;

  if (!has_last_words (link))
    return g_steal_pointer (&unquoted);
  return g_strdup_printf ("%s; it wrote to standard error: %s", unquoted, link->output->last_error);
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

  if (link->was_open || link->program == NULL)
    return g_steal_pointer (&name);
  return g_strdup_printf ("%s of the program '%s'", name, link->program);
}

static char *
describe_end (FerryExit *self, const char *name)
{
  if (self->signal != 0)
    return g_strdup_printf ("%s was killed by signal %d (%s)%s%s", name, self->signal, g_strsignal (self->signal),
                            self->forced ? ", which this application sent" : "",
                            self->core_dumped ? ", core dumped" : "");
  if (self->exit_status >= 0)
    return g_strdup_printf ("%s exited with status %d%s", name, self->exit_status,
                            ferry_exit_is_success (self) ? " (success)" : "");
  return g_strdup_printf ("%s ended, and its status was taken by another part of the program", name);
}

/* (transfer full): explains the end of a process that never attached. Its program is no worker, or could not become
 * one. The text is the beginning of the message. Takes ownership of text. */
static char *
explain_early_end (FerryExit *self, FerryLink *link, char *text)
{
  g_autofree char *end = text;

  if (self->exit_status == 0)
    return g_strdup_printf ("%s before it attached; make the program call %s", end, link->entry);
  /* What sent the signal is to blame, which may be the system, for want of memory. */
  if (self->signal != 0 || has_last_words (link))
    return quote_last_error (link, g_strdup_printf ("%s before it attached", end));
  if (self->exit_status == EX_UNAVAILABLE && link->confinement.required != 0)
    return g_strdup_printf (
      "%s before it attached, which means that it could not enter its sandbox; require less of the sandbox, "
      "or read its standard error",
      end);
  return g_strdup_printf ("%s before it attached; read its standard error, and make the program call %s", end,
                          link->entry);
}

/* (transfer full): explains the end of a process that was killed because it did not attach. The field link->detail is
 * what the process itself said, or how the fork server ended that did not fork the process; NULL where the time was
 * over. */
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
                                                  "or allow more time with FerryLauncher:attach-timeout",
                                                  name, entry));
}

static char *
describe_process (FerryExit *self, FerryLink *link)
{
  g_autofree char *name = name_process_and_program (self->pid, link);
  char *text;

  if (link->process.refused_kill != 0 && !link->process.reaped)
    return g_strdup (link->detail);
  if (self->signal == 0 && self->exit_status < 0 && link->process.parent != FERRY_PARENT_SELF)
    return g_strdup_printf ("%s ended, and its fork server did not report its exit status", name);
  text = describe_end (self, name);
  if (self->early)
    return explain_early_end (self, link, text);
  return self->signal != 0 || self->exit_status > 0 ? quote_last_error (link, text) : text;
}

static char *
describe_cause (FerryExit *self, FerryLink *link)
{
  g_autoptr (FerryLink) worker = ferry_link_dup_worker (link);
  g_autofree char *name = worker != NULL ? name_process (worker->process.pid, worker) : name_process (self->pid, link);

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

/* (transfer full) (nullable): where the process said that it was, unless that was in an earlier call. */
static char *
dup_backtrace (FerryLink *link)
{
  FerryCrashReport *crash = link->process.crash;

  return crash != NULL && !ferry_crash_report_is_stale (crash, ferry_link_get_begun_call (link))
           ? ferry_crash_report_dup_text (crash)
           : NULL;
}

static gboolean
was_sent (int signal, guint64 signals_sent)
{
  return signal > 0 && (signals_sent & (G_GUINT64_CONSTANT (1) << (signal - 1))) != 0;
}

/* Takes ownership of message. It may name a program whose name is no UTF-8. */
static void
take_message (FerryExit *self, char *message)
{
  self->message = g_utf8_make_valid (message, -1);
  g_free (message);
}

FerryExit *
ferry_exit_new_for_link (FerryLink *link)
{
  FerryExit *self = ferry_exit_new (FERRY_CLOSE_REASON_EXITED, NULL);

  self->pid = link->confinement.pid != 0 ? link->confinement.pid : link->process.pid;
  if (link->process.reaped)
    set_status (self, link->process.wait_code, link->process.wait_status);
  self->forced = was_sent (self->signal, link->process.signals_sent);
  if (link->cause != FERRY_NO_CAUSE)
    self->reason = (FerryCloseReason) link->cause;
  self->early = !link->was_open && link->entry != NULL;
  self->failure = link->process.failure;
  take_message (self, describe_cause (self, link));
  self->backtrace = dup_backtrace (link);
  if (link->output != NULL)
    {
      g_strfreev (self->last_lines);
      self->last_lines = ferry_output_dup_last_lines (link->output);
    }
  return self;
}

FerryExit *
ferry_exit_new_for_process (const char *name, GPid pid, int code, int status, guint64 signals_sent)
{
  FerryExit *self = ferry_exit_new (FERRY_CLOSE_REASON_EXITED, NULL);
  g_autofree char *process = g_strdup_printf ("Worker '%s' (process %d)", name, (int) pid);

  self->pid = pid;
  set_status (self, code, status);
  self->forced = was_sent (self->signal, signals_sent);
  take_message (self, describe_end (self, process));
  return self;
}

FerryLaunchFailure
ferry_exit_get_launch_failure (FerryExit *self)
{
  return self->failure;
}

/* (transfer none) (array zero-terminated=1): returns the last lines of the process. */
const char *const *
ferry_exit_get_last_lines (FerryExit *self)
{
  return (const char *const *) self->last_lines;
}

const char *
ferry_exit_get_backtrace (FerryExit *self)
{
  return self->backtrace;
}

gboolean
ferry_exit_has_crashed (FerryExit *self)
{
  return self->backtrace != NULL && self->signal != 0 && !self->forced;
}

static void
append_line (GString *text, const char *line)
{
  g_string_append_printf (text, "    %s\n", line);
}

/* The file of Ferry's worker program in Python. It and what calls it are below the functions of the application. */
#define PYTHON_WORKER "/ferry/worker.py\", line "

/* Appends what Python's faulthandler has printed, which is among the last lines: a heading for each stack, and its
 * functions. */
static void
append_python_stacks (GString *text, char **lines)
{
  gboolean is_inside = FALSE;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      is_inside = (is_inside && g_str_has_prefix (lines[i], "  File ") && strstr (lines[i], PYTHON_WORKER) == NULL) ||
                  g_str_has_suffix (lines[i], "(most recent call first):");
      if (is_inside)
        append_line (text, lines[i]);
    }
}

char *
ferry_exit_dup_trace (FerryExit *self, const char *function)
{
  g_auto (GStrv) lines = g_strsplit (self->backtrace != NULL ? self->backtrace : "", "\n", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  append_python_stacks (text, self->last_lines);
  for (guint i = 0; lines[i] != NULL; i++)
    append_line (text, lines[i]);
  return text->len > 0 ? g_strdup_printf ("in function '%s' of process %d\n%s", function, (int) self->pid, text->str)
                       : NULL;
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
  g_return_val_if_fail (FERRY_IS_EXIT (self), FERRY_CLOSE_REASON_STOPPED);

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
  g_return_val_if_fail (FERRY_IS_EXIT (self), NULL);

  return self->message;
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
  g_return_val_if_fail (FERRY_IS_EXIT (self), -1);

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
  g_return_val_if_fail (FERRY_IS_EXIT (self), 0);

  return self->signal;
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
  g_return_val_if_fail (FERRY_IS_EXIT (self), FALSE);

  return self->reason == FERRY_CLOSE_REASON_STOPPED ||
         (self->reason == FERRY_CLOSE_REASON_EXITED && self->exit_status == 0 && !self->early);
}
