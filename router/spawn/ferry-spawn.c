/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a process as posix_spawn() does: with a clone() that shares our memory until the child executes, and with
 * system calls only in the child. So a large heap of the application costs nothing.
 *
 * posix_spawn() itself lacks two things. The child sets PR_SET_PDEATHSIG before it executes, so that it ends with an
 * application that is killed early. That signal follows the thread that called clone(), the monitor, which lasts as
 * long as the router runs. The child's parent is another process where the application died in between. And the pidfd
 * is made with the process, so that it is right even where another part of the program reaps any child.
 *
 * The child begins a process group, so that its own children end with it, and only the application receives a
 * terminal's Ctrl-C. It inherits its three standard streams and its control socket, and nothing else.
 *
 * A process that outlives the application is made by an intermediate child, which begins a session and ends at once. So
 * the process gets no signal at a parent's death, has no terminal, and leaves no zombie to the application. It has no
 * control socket. */

#include "config.h"

#include "spawn/ferry-spawn-private.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-lane-layout.h"

/* Runs in the child. AddressSanitizer would leave its marks on the child's stack, whose addresses the parent reuses. */
#define CHILD __attribute__ ((no_sanitize_address))

/* Of the child, until it executes. */
#define STACK_SIZE (64 * 1024)

/* Above the numbers that the child puts in place. */
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

/* Shared by parent and child until the child executes. */
typedef struct
{
  const FerrySpawnPlan *plan;
  int control_fd;
  int guardian;
  pid_t parent;
  guint8 *detached_stack;  /* (nullable): of the process that outlives us */
  volatile pid_t detached; /* its number */
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
  g_free (self->attributes.name);
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    ferry_clear_fd (&self->streams[i]);
  g_free (self);
}

/* child: only system calls follow. */
static CHILD void
fail (Attempt *attempt, Step step)
{
  attempt->failed_errno = errno;
  attempt->failed_step = step;
  _exit (127);
}

/* child: first moves each source out of the way of the targets. */
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
  if (syscall (SYS_close_range, FERRY_SPAWN_CONTROL_FD + (attempt->control_fd >= 0), ~0U, 0) < 0)
    fail (attempt, STEP_DESCRIPTORS);
}

static CHILD int
become_program (void *data)
{
  Attempt *attempt = data;
  int failure;

  place_descriptors (attempt);
  if (attempt->plan->cwd != NULL && chdir (attempt->plan->cwd) < 0)
    fail (attempt, STEP_DIRECTORY);
  failure = ferry_attributes_apply (&attempt->plan->attributes);
  if (failure != 0)
    {
      errno = failure;
      fail (attempt, STEP_ATTRIBUTES);
    }
  /* The application's handlers must not run on the application's memory. */
  ferry_reset_signals ();
  execve (attempt->plan->program, attempt->plan->argv, attempt->plan->environ);
  fail (attempt, STEP_EXECUTE);
  return 127;
}

/* child: from here on the guardian ends it with the application. */
static CHILD void
tell_guardian (Attempt *attempt)
{
  FerryGuardianWord word = attempt->plan->is_fork_server ? FERRY_GUARDIAN_GUARD_FORK_SERVER : FERRY_GUARDIAN_GUARD;
  pid_t pid = getpid ();
  int pidfd = (int) syscall (SYS_pidfd_open, pid, 0);

  /* Without pidfds, as under valgrind, the guardian has the number alone. */
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

/* The intermediate child. */
static CHILD int
detach (void *data)
{
  Attempt *attempt = data;
  pid_t pid;

  if (setsid () < 0)
    fail (attempt, STEP_PARENT);
  pid = clone (become_program, attempt->detached_stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, attempt);
  if (pid < 0)
    fail (attempt, STEP_PARENT);
  attempt->detached = pid;
  _exit (0);
}

/* The child has a stack of its own, since the parent's is in use when the child has executed. */
static guint8 *
make_stack (void)
{
  void *stack = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

  return stack == MAP_FAILED ? NULL : stack;
}

/* With all signals blocked, so that none is handled in the child before it resets them. */
static pid_t
start (Attempt *attempt, int (*child) (void *data), int *pidfd)
{
  guint8 *stack = make_stack ();
  sigset_t all;
  sigset_t before;
  pid_t pid;

  if (stack == NULL)
    return -1;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  pid = clone (child, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, attempt, pidfd);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  munmap (stack, STACK_SIZE);
  return pid;
}

/* ---- the error of a process that could not be started ---- */

/* (transfer full) (nullable): the interpreter in the first line of a script. */
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

/* any: whether the program is there and may be executed, and so is the interpreter of a script. */
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

/* The remedy for ENOENT: the program, its loader or its interpreter is missing. */
static char *
describe_missing (const FerrySpawnPlan *plan)
{
  g_autofree char *path = g_canonicalize_filename (plan->program, plan->cwd);
  g_autofree char *interpreter = read_interpreter (path);

  if (access (path, F_OK) < 0)
    return g_strdup ("check the path");
  if (interpreter == NULL)
    return g_strdup ("its file is there, and its loader is missing; build it for this system");
  return g_strdup_printf (
    "its file is there, and its interpreter “%s” is missing; install that, or mend the file's first line", interpreter);
}

static char *
describe_remedy (const FerrySpawnPlan *plan, int error_number)
{
  switch (error_number)
    {
    case ENOENT:
      return describe_missing (plan);
    case EACCES:
      return g_strdup ("make it executable (chmod +x), and check its folders and the mount");
    case ENOEXEC:
      return g_strdup ("begin a script with “#!” and its interpreter, and build a program for this processor");
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
    return ferry_set_error (error, FERRY_ERROR_SYSTEM,
                            "The program “%s” could not be started: %s; raise the limits, or start fewer processes",
                            program, reason);
  switch (attempt->failed_step)
    {
    case STEP_DIRECTORY:
      return ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                              "The program “%s” could not be started in the folder “%s”: %s; check the folder", program,
                              attempt->plan->cwd, reason);
    case STEP_EXECUTE:
      remedy = describe_remedy (attempt->plan, attempt->failed_errno);
      return ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED, "The program “%s” could not be executed: %s; %s",
                              program, reason, remedy);
    case STEP_ATTRIBUTES:
      return ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                              "The program “%s” could not be given its priority and limits: %s; ask for no more than "
                              "the application has",
                              program, reason);
    case STEP_GUARDIAN:
      return ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                              "Worker “%s” could not be started, as the guardian could not be told of it: %s", program,
                              reason);
    default:
      return ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED, "The program “%s” could not be started: %s", program,
                              reason);
    }
}

/* Whether a retry makes sense: the guardian has ended, and the next try starts another one. */
static gboolean
replace_guardian (FerrySpawnPlan *plan, const Attempt *attempt)
{
  if (attempt->failed_step != STEP_GUARDIAN || attempt->failed_errno != EPIPE || plan->queue == NULL ||
      plan->lost_guardian)
    return FALSE;
  plan->lost_guardian = TRUE;
  ferry_shared_queue_close_guardian (plan->queue);
  return TRUE;
}

/* monitor: a FerryLaunchFunc; data is a FerrySpawnPlan. */
gboolean
ferry_spawn (gpointer data, int control_fd, GPid *pid, int *pidfd, GError **error)
{
  FerrySpawnPlan *plan = data;
  Attempt attempt = {.plan = plan, .control_fd = control_fd, .guardian = plan->guardian, .parent = getpid ()};
  ferry_autofd process = -1;
  pid_t child;

  if (plan->queue != NULL && !ferry_shared_queue_open_guardian (plan->queue, plan->start_guardian, error))
    return FALSE;
  if (plan->queue != NULL)
    attempt.guardian = plan->queue->guardian.socket;
  child = start (&attempt, be_attached, &process);
  if (child < 0)
    {
      attempt.failed_errno = errno;
      return refuse (&attempt, error);
    }
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

gboolean
ferry_spawn_detached (FerrySpawnPlan *plan, GPid *pid, GError **error)
{
  Attempt attempt = {.plan = plan, .control_fd = -1, .guardian = -1, .detached_stack = make_stack ()};
  ferry_autofd process = -1;
  siginfo_t info;

  if (attempt.detached_stack == NULL || start (&attempt, detach, &process) < 0)
    attempt.failed_errno = errno;
  /* The intermediate child has ended, or is about to. Another part of the program may have reaped it. */
  if (process >= 0)
    TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) process, &info, WEXITED));
  if (attempt.detached_stack != NULL)
    munmap (attempt.detached_stack, STACK_SIZE);
  if (attempt.failed_errno != 0)
    return refuse (&attempt, error);
  *pid = attempt.detached;
  return TRUE;
}
