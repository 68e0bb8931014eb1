/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts a command in a session of its own, signals it, and ends all of it after its grace.
 *
 * From its first command on, this process is a subreaper: a process whose parent has ended becomes its child. So all
 * that comes of a command descends from this process, also what has left the session, and is found by its parent. A
 * process could start others while it is looked for. So those that were found are stopped, and looked for once more,
 * until no new one is found; only then are they killed.
 *
 * The first process is started as posix_spawn() does it: its memory is shared until it executes the program, it makes
 * system calls only, and says by that memory what has failed. posix_spawn() itself cannot set a folder, a terminal and
 * a priority.
 *
 * Threads: the one that runs the function. The handler of SIGCHLD runs on any. */

#include "command-session.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command-processes.h"

/* Marks a function that runs in the child. AddressSanitizer is off there: its marks on the child's stack would stay. */
#define CHILD __attribute__ ((no_sanitize_address))

#define STACK_SIZE (64 * 1024)

/* The first descriptor above those that the child gives a fixed number. */
#define SAFE_FD 10

/* How much less of the processors a polite command gets: as nice(1) has it without an argument. */
#define POLITE_NICE 10
#define POLITE_NICE_TEXT "10"
#define USUAL_NICE_TEXT "0"
/* IOPRIO_PRIO_VALUE (IOPRIO_CLASS_IDLE, 0) of the kernel, for which not each system has a header. */
#define POLITE_IO (3 << 13)
#define IO_OF_PROCESS 1

/* How long processes may take to end after SIGKILL, in seconds: on a busy machine, or with much memory to give back.
 * Whoever has sent SIGTERM to this process kills it soon, and before that it has to tidy up. What this user may not
 * kill gets the short time, too: it may end by itself, with its parent. */
#define LONG_KILL_SECONDS 10
#define SHORT_KILL_SECONDS 1

struct _CommandSession
{
  pid_t pid;
  int events;     /* (unowned): an eventfd to which the handler of signals writes */
  gboolean ended; /* the first process has ended */
  int status;     /* as of waitpid(), if so */
  gboolean is_wrapped;
};

/* ---- the first process ---- */

typedef enum
{
  STEP_NONE,
  STEP_SESSION,
  STEP_STREAMS,
  STEP_DIRECTORY,
  STEP_EXECUTE,
} Step;

typedef struct
{
  const CommandStart *start;
  pid_t parent;
  volatile int failed_errno;
  volatile Step failed_step;
} Attempt;

static CHILD void
fail (Attempt *attempt, Step step)
{
  attempt->failed_errno = errno;
  attempt->failed_step = step;
  _exit (127);
}

/* child: gives the streams their descriptors, 0 to 2, and has no other one be inherited. */
static CHILD void
place_streams (Attempt *attempt)
{
  int sources[3];

  for (int target = 0; target < 3; target++)
    {
      sources[target] = fcntl (attempt->start->streams[target], F_DUPFD_CLOEXEC, SAFE_FD);
      if (sources[target] < 0)
        fail (attempt, STEP_STREAMS);
    }
  for (int target = 0; target < 3; target++)
    if (dup2 (sources[target], target) < 0)
      fail (attempt, STEP_STREAMS);
  if (syscall (SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
    return;
  /* Where the kernel has no such call. All that this process opens itself is closed by the execution anyway. */
  for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
    fcntl (fd, F_SETFD, FD_CLOEXEC);
}

/* child: as after a start by init. The handlers of this process must not run in the child, which shares its memory. */
static CHILD void
reset_signals (void)
{
  struct sigaction by_default = {.sa_handler = SIG_DFL};
  sigset_t none;

  for (int number = 1; number < NSIG; number++)
    sigaction (number, &by_default, NULL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

/* Of the thread that calls. */
CHILD void
command_session_be_nice (void)
{
  errno = 0;
  if (getpriority (PRIO_PROCESS, 0) < POLITE_NICE)
    setpriority (PRIO_PROCESS, 0, POLITE_NICE);
}

static CHILD void
be_polite (void)
{
  command_session_be_nice ();
  syscall (SYS_ioprio_set, IO_OF_PROCESS, 0, POLITE_IO);
}

static CHILD int
become_command (void *data)
{
  Attempt *attempt = data;
  const CommandStart *start = attempt->start;

  /* Where even the fork server is killed together with this process, the first process ends at least. */
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != attempt->parent || setsid () < 0)
    fail (attempt, STEP_SESSION);
  place_streams (attempt);
  if (start->has_terminal && ioctl (STDOUT_FILENO, TIOCSCTTY, 0) < 0)
    fail (attempt, STEP_STREAMS);
  if (start->directory != NULL && chdir (start->directory) < 0)
    fail (attempt, STEP_DIRECTORY);
  if (start->is_polite)
    be_polite ();
  reset_signals ();
  execve (start->program, (char *const *) start->argv, (char *const *) start->environment);
  fail (attempt, STEP_EXECUTE);
  return 127;
}

/* Returns the id of the child, or -1 with errno. All signals are blocked, so that no handler runs in the child. */
static pid_t
clone_child (Attempt *attempt)
{
  static guint8 *stack;
  sigset_t all;
  sigset_t before;
  pid_t pid;
  int failure;

  if (stack == NULL)
    {
      stack = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
      if (stack == MAP_FAILED)
        {
          stack = NULL;
          return -1;
        }
    }
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  pid = clone (become_command, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, attempt);
  failure = errno;
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = failure;
  return pid;
}

/* ---- why it did not start ---- */

static gboolean
set_failed (const Attempt *attempt, GError **error)
{
  const char *name = attempt->start->argv[0];
  const char *reason = g_strerror (attempt->failed_errno);

  if (attempt->failed_step == STEP_DIRECTORY)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_CHDIR,
                 "The program '%s' could not be started in the folder '%s': %s; check the folder", name,
                 attempt->start->directory, reason);
  else if (attempt->failed_step != STEP_EXECUTE)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_FORK,
                 "The program '%s' could not be started: %s; raise the limits, or start fewer processes", name, reason);
  else if (attempt->failed_errno == ENOENT)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT,
                 "The program '%s' could not be executed, since its interpreter or loader is missing; install that",
                 name);
  else if (attempt->failed_errno == ENOEXEC)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOEXEC,
                 "The program '%s' is in no format that this system executes; begin a script with '#!' and its "
                 "interpreter",
                 name);
  else if (attempt->failed_errno == ETXTBSY)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_TXTBUSY,
                 "The program '%s' is still being written; close it, or run it again when it is whole",
                 attempt->start->program);
  else if (attempt->failed_errno == E2BIG)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_TOO_BIG,
                 "The arguments or the environment of '%s' are too large; pass data by files or by its input", name);
  else
    g_set_error (error, G_SPAWN_ERROR, attempt->failed_errno == EACCES ? G_SPAWN_ERROR_ACCES : G_SPAWN_ERROR_FAILED,
                 "The program '%s' could not be executed: %s; check the rights of its folders", name, reason);
  return FALSE;
}

/* ---- what ends ---- */

static volatile sig_atomic_t event_fd = -1;
static volatile sig_atomic_t terminated;

static void
handle_signal (int signal_number)
{
  const guint64 one = 1;
  const int failure = errno;

  if (signal_number != SIGCHLD)
    terminated = TRUE;
  if (event_fd >= 0 && write (event_fd, &one, sizeof one) < 0)
    errno = 0;
  errno = failure;
}

/* The thread that watches for cancels may take the signals, so a handler has to pass them on. The descriptor stays,
 * since a handler may use it at any moment. */
gboolean
command_session_hear_signals (GError **error)
{
  struct sigaction action = {.sa_handler = handle_signal, .sa_flags = SA_RESTART};
  guint64 n;

  if (event_fd < 0)
    event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  terminated = FALSE;
  if (event_fd >= 0 && (read (event_fd, &n, sizeof n) >= 0 || errno == EAGAIN) &&
      sigaction (SIGCHLD, &action, NULL) == 0 && sigaction (SIGTERM, &action, NULL) == 0 &&
      sigaction (SIGHUP, &action, NULL) == 0)
    {
      /* Where even the fork server is killed, this process tidies up. */
      prctl (PR_SET_PDEATHSIG, SIGTERM);
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "Hearing of a command's end (eventfd): %s",
               g_strerror (errno));
  return FALSE;
}

void
command_session_ignore_signals (void)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* Between two commands nobody waits for what an earlier one has left. */
  signal (SIGCHLD, SIG_IGN);
  signal (SIGTERM, SIG_DFL);
  signal (SIGHUP, SIG_DFL);
}

int
command_session_get_signal_fd (void)
{
  return event_fd;
}

gboolean
command_session_is_terminated (void)
{
  return terminated != 0;
}

static void
reap_all (CommandSession *self)
{
  guint64 n;
  pid_t pid;
  int status;

  if (read (self->events, &n, sizeof n) < 0 && errno != EAGAIN)
    return;
  while ((pid = waitpid (-1, &status, WNOHANG | __WALL)) > 0)
    {
      if (pid == self->pid && !self->ended)
        {
          self->ended = TRUE;
          self->status = status;
        }
    }
}

CommandSession *
command_session_start (const CommandStart *start, GError **error)
{
  Attempt attempt = {.start = start, .parent = getpid ()};
  g_autoptr (CommandSession) self = g_new0 (CommandSession, 1);
  pid_t pid;

  self->pid = -1;
  self->is_wrapped = start->is_wrapped;
  self->events = event_fd;
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  pid = clone_child (&attempt);
  if (pid < 0)
    {
      attempt.failed_errno = errno;
      attempt.failed_step = STEP_SESSION;
    }
  else if (attempt.failed_step != STEP_NONE)
    TEMP_FAILURE_RETRY (waitpid (pid, NULL, 0));
  if (attempt.failed_step != STEP_NONE)
    {
      set_failed (&attempt, error);
      return NULL;
    }
  self->pid = pid;
  return g_steal_pointer (&self);
}

void
command_session_free (CommandSession *self)
{
  g_free (self);
}

gboolean
command_session_set_nice (CommandSession *self, gboolean is_nice)
{
  const char *text = is_nice ? POLITE_NICE_TEXT : USUAL_NICE_TEXT;
  g_autofree char *path = g_strdup_printf ("/proc/%d/autogroup", (int) self->pid);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean again = fd >= 0 && write (fd, text, strlen (text)) < 0 && errno == EAGAIN;

  if (fd >= 0)
    close (fd);
  return !again;
}

int
command_session_get_descriptor (CommandSession *self)
{
  return self->events;
}

gboolean
command_session_has_ended (CommandSession *self, int *status)
{
  reap_all (self);
  if (self->ended)
    *status = self->status;
  return self->ended;
}

/* What descends from this process has a child of it for an ancestor. */
static gboolean
has_children (void)
{
  siginfo_t info = {0};

  return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

gboolean
command_session_is_empty (CommandSession *self)
{
  reap_all (self);
  return !has_children ();
}

/* ---- signals to all ---- */

/* (transfer full) (element-type CommandProcess): the processes of the command that have not ended. */
static GArray *
list (CommandSession *self, CommandSessionPart part)
{
  GArray *all = command_processes_list ();

  for (guint i = all->len; i > 0; i--)
    {
      const CommandProcess *process = &g_array_index (all, CommandProcess, i - 1);

      if (!command_process_is_alive (process) || (part == COMMAND_SESSION_INSIDE && process->session != self->pid))
        g_array_remove_index_fast (all, i - 1);
    }
  return all;
}

/* Sends a signal to a process. Returns FALSE if that is not allowed. */
static gboolean
send (const CommandProcess *process, int signal_number)
{
  int pidfd = command_process_open (process);
  gboolean allowed = pidfd < 0 || syscall (SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0) == 0 || errno != EPERM;

  if (pidfd >= 0)
    close (pidfd);
  return allowed;
}

static void
add_refused (GString *refused, pid_t pid)
{
  g_autofree char *name = command_process_dup_name (pid);

  g_string_append_printf (refused, "%s'%s'", refused->len > 0 ? ", " : "", name);
}

/* Sends a signal to all processes of a part, once to each, until there is no new one. refused (nullable): gets the
 * names of those that this user may not send it to. Returns (transfer full) them all. */
static GArray *
send_until_none_is_new (CommandSession *self, CommandSessionPart part, int signal_number, GString *refused)
{
  g_autoptr (GHashTable) told = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);

  for (;;)
    {
      g_autoptr (GArray) found = list (self, part);
      gboolean is_new = FALSE;

      for (guint i = 0; i < found->len; i++)
        {
          const CommandProcess *process = &g_array_index (found, CommandProcess, i);
          /* An id that was given to another process meanwhile counts as new. */
          const gint64 key = (gint64) process->started << 22 | process->pid;

          if (g_hash_table_contains (told, &key))
            continue;
          g_ptr_array_add (keys, g_memdup2 (&key, sizeof key));
          g_hash_table_add (told, keys->pdata[keys->len - 1]);
          if (!send (process, signal_number) && refused != NULL)
            add_refused (refused, process->pid);
          is_new = TRUE;
        }
      if (!is_new)
        return g_steal_pointer (&found);
    }
}

void
command_session_signal (CommandSession *self, int signal_number)
{
  g_autoptr (GArray) found = list (self, COMMAND_SESSION_ALL);

  for (guint i = 0; i < found->len; i++)
    {
      const CommandProcess *process = &g_array_index (found, CommandProcess, i);

      if (!self->is_wrapped || process->pid != self->pid)
        send (process, signal_number);
    }
}

char *
command_session_stop (CommandSession *self)
{
  GString *refused = g_string_new (NULL);

  g_array_unref (send_until_none_is_new (self, COMMAND_SESSION_ALL, SIGSTOP, refused));
  return g_string_free (refused, refused->len == 0);
}

void
command_session_continue (CommandSession *self)
{
  g_array_unref (send_until_none_is_new (self, COMMAND_SESSION_ALL, SIGCONT, NULL));
}

gboolean
command_session_continue_stopped (CommandSession *self)
{
  g_autoptr (GArray) found = list (self, COMMAND_SESSION_ALL);
  gboolean any = FALSE;

  for (guint i = 0; i < found->len; i++)
    {
      const CommandProcess *process = &g_array_index (found, CommandProcess, i);

      if (process->state != 'T')
        continue;
      send (process, SIGCONT);
      any = TRUE;
    }
  return any;
}

void
command_session_wake (CommandSession *self)
{
  const guint64 one = 1;

  if (write (self->events, &one, sizeof one) < 0)
    g_debug ("The thread that follows a command was not woken: %s", g_strerror (errno));
}

/* ---- the end ---- */

/* The names of processes. */
typedef struct
{
  GString *refused; /* (owned): this user may not kill them */
  GString *killed;  /* (owned): they got SIGKILL, and are there */
} Left;

static void
add_name (GString *names, pid_t pid)
{
  g_autofree char *name = command_process_dup_name (pid);

  g_string_append_printf (names, "%s'%s' (process %d)", names->len > 0 ? ", " : "", name, (int) pid);
}

static void
kill_found (GArray *found, Left *left)
{
  g_string_truncate (left->refused, 0);
  g_string_truncate (left->killed, 0);
  for (guint i = 0; i < found->len; i++)
    {
      const CommandProcess *process = &g_array_index (found, CommandProcess, i);

      add_name (send (process, SIGKILL) ? left->killed : left->refused, process->pid);
    }
}

/* Returns (transfer full). */
static char *
describe_left (const Left *left, gint64 seconds)
{
  GString *text = g_string_new (NULL);

  if (left->refused->len > 0)
    g_string_append_printf (text, "%s could not be ended, since this user may not do that", left->refused->str);
  if (left->killed->len > 0)
    g_string_append_printf (text,
                            "%sthe kernel has not ended %s within %" G_GINT64_FORMAT
                            " s of SIGKILL, as with a disk or a network that does not answer",
                            text->len > 0 ? ", and " : "", left->killed->str, seconds);
  return g_string_free (text, FALSE);
}

/* Waits until a child has ended, and not for long: a descendant whose parent has not ended yet is no child of this
 * process, so there is no signal of it. */
static void
wait_for_events (CommandSession *self, gboolean is_slow)
{
  struct pollfd poll_fd = {.fd = self->events, .events = POLLIN};

  poll (&poll_fd, 1, is_slow ? 100 : 10);
  reap_all (self);
}

char *
command_session_end (CommandSession *self, CommandSessionPart part)
{
  const gint64 begun = g_get_monotonic_time ();
  Left left = {g_string_new (NULL), g_string_new (NULL)};
  char *text = NULL;

  for (reap_all (self); text == NULL && has_children (); reap_all (self))
    {
      g_autoptr (GArray) found = send_until_none_is_new (self, part, SIGSTOP, NULL);
      gboolean is_long;
      gint64 seconds;

      if (found->len == 0)
        break;
      kill_found (found, &left);
      seconds = (g_get_monotonic_time () - begun) / G_USEC_PER_SEC;
      is_long = left.killed->len > 0 && !command_session_is_terminated ();
      if (seconds >= (is_long ? LONG_KILL_SECONDS : SHORT_KILL_SECONDS))
        text = describe_left (&left, seconds);
      else
        wait_for_events (self, seconds >= SHORT_KILL_SECONDS);
    }
  g_string_free (left.refused, TRUE);
  g_string_free (left.killed, TRUE);
  return text;
}
