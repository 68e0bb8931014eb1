/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts a process as posix_spawn() does: by clone(), with memory that is shared until the child executes its program.
 * The child makes system calls only. So the start is fast also when the application's heap is large.
 *
 * posix_spawn() itself lacks two things. First, the child sets PR_SET_PDEATHSIG before it executes its program, so that
 * the kernel kills the child also when the application is killed early. The kernel sends that signal when the thread
 * that called clone() ends, the monitor, which lasts as long as the router runs. The child then checks its parent,
 * which is another process if the application died before prctl(). Second, clone() returns the child's pidfd, which is
 * right even if another part of the application reaps any child. (Where it returns none, see start_at_gate().)
 *
 * The child begins a new process group. So its own children can be killed with it, and a terminal's Ctrl-C is sent to
 * the application only. The child inherits only its three standard streams and its control socket.
 *
 * For a process that outlives the application, an intermediate child begins a session, starts the process, and ends
 * at once. So the process gets no signal when the application dies, and has no terminal. It has no control socket. An
 * application that is process 1, as in a container without an init, or a subreaper, adopts it, and so has to reap it.
 */

#include "config.h"

#include "process/ferry-spawn-private.h"

#include "process/ferry-attributes-private.h"
#include "process/ferry-fork-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

/* Marks a function that runs in the child. AddressSanitizer is off there: its marks on the child's stack would stay
 * when the parent reuses the addresses. */
#define CHILD __attribute__ ((no_sanitize_address))

/* The bytes of the child's stack, which it uses until it executes its program. The intermediate child uses the upper
 * half, and the process that it starts the lower half. */
#define STACK_SIZE (64 * 1024)

/* The first descriptor above those that the child gives a fixed number (0 to 3). */
#define SAFE_FD 10

typedef enum
{
  STEP_NONE,
  STEP_PARENT,
  STEP_GUARDIAN,
  STEP_DESCRIPTORS,
  STEP_DIRECTORY,
  STEP_ATTRIBUTES,
  STEP_EXECUTE,
} Step;

/* The system calls of steps that fail only for want of something, or where the calls are refused. */
static const char *const calls[] = {
  [STEP_NONE] = "clone", [STEP_PARENT] = "prctl, setsid, clone", [STEP_DESCRIPTORS] = "dup2, close_range"};

/* The state of one start. Parent and child share it until the child executes its program. */
typedef struct
{
  const FerrySpawnPlan *plan;
  int control_fd;
  int guardian;
  pid_t parent;
  guint8 *stack; /* (owned): the child's, while it may use it */
  int (*child) (void *data);
  int gate[2];             /* the ends of parent and child; see start_at_gate() */
  volatile pid_t detached; /* the id of the process that outlives the application */
  volatile int failed_errno;
  volatile Step failed_step;
} Attempt;

void
ferry_spawn_plan_free (gpointer plan)
{
  FerrySpawnPlan *self = plan;

  g_free (self->program);
  g_strfreev (self->argv);
  g_strfreev (self->environ);
  g_free (self->cwd);
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    ferry_clear_fd (&self->streams[i]);
  g_free (self);
}

/* child: notes the error for the parent, and exits. */
static CHILD void
fail (Attempt *attempt, Step step)
{
  attempt->failed_errno = errno;
  attempt->failed_step = step;
  _exit (127);
}

/* child: as close_range() with CLOSE_RANGE_CLOEXEC, for kernels before Linux 5.11 and where the call is refused. */
static CHILD gboolean
mark_each (int first)
{
  int folder = open ("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  guint8 buffer[1024] __attribute__ ((aligned (8)));
  long size;

  if (folder < 0)
    return FALSE;
  while ((size = syscall (SYS_getdents64, folder, buffer, sizeof buffer)) > 0)
    for (long place = 0; place < size;)
      {
        const struct dirent64 *entry = (const struct dirent64 *) (const void *) (buffer + place);
        int fd = 0;

        for (const char *digit = entry->d_name; *digit >= '0' && *digit <= '9'; digit++)
          fd = fd * 10 + (*digit - '0');
        if (fd >= first)
          fcntl (fd, F_SETFD, FD_CLOEXEC);
        place += entry->d_reclen;
      }
  close (folder);
  return size == 0;
}

/* child: makes the execution of the program close all descriptors from first on. */
static CHILD gboolean
mark_to_close (int first)
{
  int failure;

  if (syscall (SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
    return TRUE;
  failure = errno;
  if (mark_each (first))
    return TRUE;
  errno = failure;
  return FALSE;
}

/* child: gives the streams and the control socket their descriptors, 0 to 3. The program gets no others. First copies
 * each source to a descriptor that is no target. */
static CHILD void
place_descriptors (Attempt *attempt)
{
  int sources[4] = {attempt->plan->streams[0], attempt->plan->streams[1], attempt->plan->streams[2],
                    attempt->control_fd};

  for (int target = 0; target < 4; target++)
    {
      if (sources[target] < 0)
        continue;
      sources[target] = fcntl (sources[target], F_DUPFD_CLOEXEC, SAFE_FD);
      if (sources[target] < 0)
        fail (attempt, STEP_DESCRIPTORS);
    }
  for (int target = 0; target < 4; target++)
    if (sources[target] >= 0 && dup2 (sources[target], target) < 0)
      fail (attempt, STEP_DESCRIPTORS);
  if (!mark_to_close (FERRY_SPAWN_CONTROL_FD + (attempt->control_fd >= 0)))
    fail (attempt, STEP_DESCRIPTORS);
}

static CHILD int
become_program (void *data)
{
  Attempt *attempt = data;

  place_descriptors (attempt);
  if (attempt->plan->cwd != NULL && chdir (attempt->plan->cwd) < 0)
    fail (attempt, STEP_DIRECTORY);
  if (!ferry_attributes_apply (&attempt->plan->attributes))
    fail (attempt, STEP_ATTRIBUTES);
  /* The application's handlers must not run in the child, which shares the application's memory. */
  ferry_reset_signals ();
  execve (attempt->plan->program, attempt->plan->argv, attempt->plan->environ);
  if (attempt->plan->program_fd > 0)
    execveat (attempt->plan->program_fd, "", attempt->plan->argv, attempt->plan->environ, AT_EMPTY_PATH);
  fail (attempt, STEP_EXECUTE);
  return 127;
}

/* child: reports itself to the guardian. From then on the guardian kills the child when the application ends. */
static CHILD void
tell_guardian (Attempt *attempt)
{
  FerryGuardianWord word = attempt->plan->is_fork_server ? FERRY_GUARDIAN_GUARD_FORK_SERVER : FERRY_GUARDIAN_GUARD;
  pid_t pid = getpid ();
  int pidfd = (int) syscall (SYS_pidfd_open, pid, 0);

  /* Where the system has no pidfds, as under valgrind, the guardian gets the process id only. */
  if (!ferry_guardian_tell (attempt->guardian, word, pid, pidfd, 0))
    fail (attempt, STEP_GUARDIAN);
  if (pidfd >= 0)
    close (pidfd);
}

static CHILD int
be_attached (void *data)
{
  Attempt *attempt = data;

  if (prctl (PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid () != attempt->parent)
    fail (attempt, STEP_PARENT);
  setpgid (0, 0);
  if (attempt->guardian >= 0)
    tell_guardian (attempt);
  return become_program (attempt);
}

/* The intermediate child: begins a session, starts the process that outlives the application, and exits. */
static CHILD int
detach (void *data)
{
  Attempt *attempt = data;
  pid_t pid;

  if (setsid () < 0)
    fail (attempt, STEP_PARENT);
  pid = clone (become_program, attempt->stack + STACK_SIZE / 2, CLONE_VM | CLONE_VFORK | SIGCHLD, attempt);
  if (pid < 0)
    fail (attempt, STEP_PARENT);
  attempt->detached = pid;
  _exit (0);
}

static CHILD int
wait_at_gate (void *data)
{
  Attempt *attempt = data;
  const int gate = fcntl (attempt->gate[1], F_DUPFD_CLOEXEC, SAFE_FD);
  char word;

  if (gate < 0)
    fail (attempt, STEP_DESCRIPTORS);
  /* With a copy of the parent's end, the read would not end when the application does. */
  close (attempt->gate[0]);
  TEMP_FAILURE_RETRY (read (gate, &word, 1));
  return attempt->child (attempt);
}

/* Opens the pidfd of a child at the gate, lets the child through, and waits until it has executed its program or ended,
 * which closes its end. Returns FALSE when there is no child, with errno set. */
static gboolean
open_gate (int gate, pid_t pid, int *pidfd)
{
  char word = 0;
  int failure;

  *pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  if (*pidfd < 0)
    {
      failure = errno;
      kill (pid, SIGKILL);
      TEMP_FAILURE_RETRY (waitpid (pid, NULL, 0));
      errno = failure;
      return FALSE;
    }
  TEMP_FAILURE_RETRY (send (gate, &word, 1, MSG_NOSIGNAL));
  TEMP_FAILURE_RETRY (recv (gate, &word, 1, 0));
  return TRUE;
}

/* As clone() with CLONE_PIDFD, which qemu-user refuses; what shares memory is a mere fork() there. So the child shares
 * the attempt only, and waits at a gate until the parent has opened its pidfd. That is the right one: the child cannot
 * end before, so nobody can reap it, neither another part of the application, nor the kernel where SIGCHLD is ignored.
 */
static pid_t
start_at_gate (Attempt *attempt, int *pidfd)
{
  Attempt *shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ferry_autofd gate = -1;
  ferry_autofd other = -1;
  pid_t pid = -1;

  if (shared == MAP_FAILED)
    return -1;
  if (ferry_control_socket_pair (&gate, &other, NULL))
    {
      attempt->gate[0] = gate;
      attempt->gate[1] = other;
      *shared = *attempt;
      pid = clone (wait_at_gate, attempt->stack + STACK_SIZE, SIGCHLD, shared);
      ferry_clear_fd (&other);
      if (pid >= 0 && !open_gate (gate, pid, pidfd))
        pid = -1;
      *attempt = *shared;
    }
  munmap (shared, sizeof *shared);
  return pid;
}

/* Starts the child with all signals blocked, so that no handler runs in the child before the handlers are reset.
 * Returns -1 when there is no child, with failed_errno set. */
static pid_t
start (Attempt *attempt, int *pidfd)
{
  const int slack = prctl (PR_GET_TIMERSLACK);
  sigset_t all;
  sigset_t before;
  pid_t pid = -1;

  attempt->stack = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (attempt->stack != MAP_FAILED)
    {
      sigfillset (&all);
      pthread_sigmask (SIG_SETMASK, &all, &before);
      /* 0: what the application has. What the monitor has set for itself would be that of all programs. */
      prctl (PR_SET_TIMERSLACK, 0);
      pid = clone (attempt->child, attempt->stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, attempt,
                   pidfd);
      if (pid < 0 && errno == EINVAL)
        pid = start_at_gate (attempt, pidfd);
      prctl (PR_SET_TIMERSLACK, slack);
      pthread_sigmask (SIG_SETMASK, &before, NULL);
      munmap (attempt->stack, STACK_SIZE);
    }
  if (pid < 0)
    attempt->failed_errno = errno;
  return pid;
}

/* ---- the error of a process that could not be started ---- */

/* (transfer full) (nullable): returns the interpreter in the first line of a script; NULL for any other file. */
static char *
read_interpreter (const char *path)
{
  ferry_autofd fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  char beginning[256] = {0};
  const char *name = beginning + 2;
  struct stat status;

  if (fd < 0 || fstat (fd, &status) < 0 || !S_ISREG (status.st_mode) ||
      TEMP_FAILURE_RETRY (read (fd, beginning, sizeof beginning - 1)) <= 0 || !g_str_has_prefix (beginning, "#!"))
    return NULL;
  name += strspn (name, " \t");
  return g_strndup (name, strcspn (name, " \t\r\n"));
}

int
ferry_spawn_hold_program (const char *program)
{
  ferry_autofd fd = open (program, O_PATH | O_CLOEXEC);
  /* The first numbers are those of the child's streams and its control socket, which would take its place. */
  int held = fd >= 0 ? fcntl (fd, F_DUPFD_CLOEXEC, SAFE_FD) : 0;

  return MAX (held, 0);
}

gboolean
ferry_spawn_can_execute (const FerrySpawnPlan *plan)
{
  g_autofree char *path = g_canonicalize_filename (plan->program, plan->cwd);
  g_autofree char *interpreter = NULL;

  if (access (path, X_OK) < 0)
    return FALSE;
  interpreter = read_interpreter (path);
  return interpreter == NULL || access (interpreter, X_OK) == 0;
}

/* (transfer full): returns the remedy for ENOENT: the program, its loader or its interpreter is missing. */
static char *
describe_missing (const FerrySpawnPlan *plan)
{
  g_autofree char *path = g_canonicalize_filename (plan->program, plan->cwd);
  g_autofree char *interpreter = read_interpreter (path);

  if (access (path, F_OK) < 0 && plan->cwd != NULL && plan->program[0] != '/' && strchr (plan->program, '/') != NULL)
    return g_strdup_printf ("check the path, which begins in the worker's folder '%s', or give the whole path",
                            plan->cwd);
  if (access (path, F_OK) < 0)
    return g_strdup ("check the path");
  if (interpreter == NULL)
    return g_strdup ("its file exists, and its loader is missing; build the program for this system");
  return g_strdup_printf (
    "its file exists, and its interpreter '%s' is missing; install the interpreter, or correct the file's first line",
    interpreter);
}

static char *
describe_remedy (const FerrySpawnPlan *plan, int error_number)
{
  switch (error_number)
    {
    case ENOENT:
      return describe_missing (plan);
    case EACCES:
      return g_strdup (
        "make it executable (chmod +x), and check the rights of its folders and the options of its mount");
    case ENOEXEC:
      return g_strdup ("begin a script with '#!' and an interpreter; build another program for this processor");
    default:
      return g_strdup ("check the program");
    }
}

static gboolean
refuse (const Attempt *attempt, GError **error)
{
  const char *program = attempt->plan->program;
  const char *reason = g_strerror (attempt->failed_errno);
  g_autofree char *remedy = NULL;

  if (ferry_is_shortage (attempt->failed_errno))
    {
      ferry_set_error (error, FERRY_ERROR_SYSTEM, "The program '%s' could not be started: %s; %s", program, reason,
                       attempt->failed_errno == ETXTBSY
                         ? "it is still being written, so close it, or start it again when it is whole"
                         : "raise the limits, or start fewer processes");
      return ferry_error_mark_shortage (error);
    }
  switch (attempt->failed_step)
    {
    case STEP_DIRECTORY:
      return ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                              "The program '%s' could not be started in the folder '%s': %s; check the folder", program,
                              attempt->plan->cwd, reason);
    case STEP_EXECUTE:
      remedy = describe_remedy (attempt->plan, attempt->failed_errno);
      return ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED, "The program '%s' could not be executed: %s; %s",
                              program, reason, remedy);
    case STEP_ATTRIBUTES:
      return ferry_set_error (
        error, FERRY_ERROR_LAUNCH_FAILED,
        "The program '%s' could not be given its priority and limits: %s; set no higher ones than the application has",
        program, reason);
    case STEP_GUARDIAN:
      return ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                              "Worker '%s' could not be started, as its guardian could not be notified: %s; try again",
                              program, reason);
    default:
      return ferry_set_error (
        error, FERRY_ERROR_LAUNCH_FAILED, "The program '%s' could not be started (%s): %s%s", program,
        calls[attempt->failed_step], reason,
        ferry_is_refused (attempt->failed_errno) ? FERRY_REFUSED_REMEDY : "; check the limits of the process");
    }
}

/* Drops a guardian that has ended, once. Returns whether to try again: the next attempt starts another guardian. */
static gboolean
replace_guardian (FerrySpawnPlan *plan, const Attempt *attempt)
{
  /* ECONNRESET: the guardian ended with packets that it had not read. */
  const gboolean is_lost = attempt->failed_errno == EPIPE || attempt->failed_errno == ECONNRESET;

  if (attempt->failed_step != STEP_GUARDIAN || !is_lost || plan->queue == NULL || plan->lost_guardian)
    return FALSE;
  plan->lost_guardian = TRUE;
  ferry_shared_queue_close_guardian (plan->queue);
  return TRUE;
}

gboolean
ferry_spawn (gpointer data, int control_fd, GPid *pid, int *pidfd, GError **error)
{
  FerrySpawnPlan *plan = data;
  Attempt attempt = {
    .plan = plan, .control_fd = control_fd, .guardian = plan->guardian, .parent = getpid (), .child = be_attached};
  ferry_autofd process = -1;
  pid_t child;

  if (plan->queue != NULL && !ferry_shared_queue_open_guardian (plan->queue, plan->start_guardian, error))
    return FALSE;
  if (plan->queue != NULL)
    attempt.guardian = plan->queue->guardian.socket;
  child = start (&attempt, &process);
  if (child < 0)
    return refuse (&attempt, error);
  if (attempt.failed_step != STEP_NONE)
    {
      siginfo_t info;

      if (attempt.guardian >= 0)
        ferry_guardian_tell (attempt.guardian, FERRY_GUARDIAN_RELEASE, child, -1, MSG_DONTWAIT);
      TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) process, &info, WEXITED));
      if (replace_guardian (plan, &attempt))
        return ferry_spawn (plan, control_fd, pid, pidfd, error);
      return refuse (&attempt, error);
    }
  *pid = child;
  *pidfd = ferry_steal_fd (&process);
  return TRUE;
}

static gpointer
reap_adopted (gpointer data)
{
  ferry_autofd process = GPOINTER_TO_INT (data);
  siginfo_t info;

  TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) process, &info, WEXITED));
  return NULL;
}

/* Has a detached process reaped at its end, if it is a child of the application. session: that of its start, by which
 * no other process has its number by now. */
static void
reap_if_adopted (pid_t pid, pid_t session)
{
  ferry_autofd process = (int) syscall (SYS_pidfd_open, pid, 0);
  siginfo_t info;
  GThread *thread;

  if (process < 0 || getsid (pid) != session ||
      waitid (P_PIDFD, (id_t) process, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
    return;
  thread = ferry_thread_try_new ("ferry-reaper", "reap a process", reap_adopted, GINT_TO_POINTER (process), NULL);
  if (thread == NULL)
    return;
  ferry_steal_fd (&process);
  g_thread_unref (thread);
}

gboolean
ferry_spawn_detached (FerrySpawnPlan *plan, GPid *pid, GError **error)
{
  Attempt attempt = {.plan = plan, .control_fd = -1, .guardian = -1, .child = detach};
  ferry_autofd process = -1;
  siginfo_t info;
  pid_t session = start (&attempt, &process);

  /* Reaps the intermediate child, which ends by itself. Another part of the program may have reaped it. */
  if (process >= 0)
    TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) process, &info, WEXITED));
  if (attempt.failed_errno != 0)
    return refuse (&attempt, error);
  reap_if_adopted (attempt.detached, session);
  if (pid != NULL)
    *pid = attempt.detached;
  return TRUE;
}
