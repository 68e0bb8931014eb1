/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a process, in the manner of posix_spawn(): with a clone() that shares our memory until the child executes,
 * so that it costs the same from an application with a large heap, and with nothing but system calls in the child.
 *
 * Not posix_spawn() itself, for two reasons. The child sets PR_SET_PDEATHSIG before it executes: a worker that never
 * gets as far as setting it itself would outlive an application that was killed. The signal follows the thread that
 * called clone(), which is the monitor's and lasts as long as the router runs; an application that died in between is
 * seen by the child's parent being another one. And the pidfd is made with the process, so that it is the right one
 * even where another part of the program reaps whatever child it finds.
 *
 * The child begins a process group of its own: what it starts ends with it, and a terminal's Ctrl-C is the
 * application's to handle. It inherits its three standard streams and its control socket, and nothing else.
 *
 * A process that is to outlive the application is made by a child in between, which begins a session and ends at once:
 * so nobody's death is told to it, no terminal is its own, and the application has no zombie of it to reap. It has no
 * control socket either. */

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

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* Runs in the child. AddressSanitizer would leave its marks on the child's stack, whose addresses the parent goes on to
 * use for other things. */
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

/* What parent and child share while the child has not executed. */
typedef struct
{
  const FerrySpawnPlan *plan;
  int control_fd;
  int guardian;
  pid_t parent;
  guint8 *detached_stack;  /* (nullable): of the process that outlives us, until it executes */
  volatile pid_t detached; /* its number */
  volatile int failed_errno;
  volatile Step failed_step;
} Birth;

void
ferry_spawn_plan_free (gpointer plan)
{
  FerrySpawnPlan *self = plan;

  g_free (self->program);
  g_strfreev (self->argv);
  g_strfreev (self->environ);
  g_free (self->cwd);
  ferry_attributes_clear (&self->attributes);
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    ferry_clear_fd (&self->streams[i]);
  g_free (self);
}

/* child: nothing but system calls from here on. */
static CHILD void
fail (Birth *birth, Step step)
{
  birth->failed_errno = errno;
  birth->failed_step = step;
  _exit (127);
}

/* child: handlers of the application's must not run on what is its memory. */
static CHILD void
reset_signals (void)
{
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t none;

  for (int number = 1; number < NSIG; number++)
    if (number != SIGKILL && number != SIGSTOP)
      sigaction (number, &action, NULL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

/* child: each source is first moved out of the way of the targets. */
static CHILD void
place_descriptors (Birth *birth)
{
  int sources[4] = {birth->plan->streams[0], birth->plan->streams[1], birth->plan->streams[2], birth->control_fd};

  for (int target = 0; target < 4; target++)
    {
      if (sources[target] < 0)
        continue;
      sources[target] = fcntl (sources[target], F_DUPFD_CLOEXEC, SAFE_FD);
      if (sources[target] < 0)
        fail (birth, STEP_DESCRIPTORS);
    }
  for (int target = 0; target < 4; target++)
    if (sources[target] >= 0 && dup2 (sources[target], target) < 0)
      fail (birth, STEP_DESCRIPTORS);
  if (syscall (SYS_close_range, FERRY_SPAWN_CONTROL_FD + (birth->control_fd >= 0), ~0U, 0) < 0)
    fail (birth, STEP_DESCRIPTORS);
}

static CHILD int
become_program (Birth *birth)
{
  int failure;

  place_descriptors (birth);
  if (birth->plan->cwd != NULL && chdir (birth->plan->cwd) < 0)
    fail (birth, STEP_DIRECTORY);
  failure = ferry_attributes_apply (&birth->plan->attributes);
  if (failure != 0)
    {
      errno = failure;
      fail (birth, STEP_ATTRIBUTES);
    }
  reset_signals ();
  execve (birth->plan->program, birth->plan->argv, birth->plan->environ);
  fail (birth, STEP_EXECUTE);
  return 127;
}

/* child: from here on it is ended with the application, whatever its program takes off. */
static CHILD void
meet_guardian (Birth *birth)
{
  FerryGuardianWord word = birth->plan->is_fork_server ? FERRY_GUARDIAN_GUARD_FORK_SERVER : FERRY_GUARDIAN_GUARD;
  pid_t self = getpid ();
  int pidfd = (int) syscall (SYS_pidfd_open, self, 0);

  /* Where there are no pidfds, such as under valgrind, the number has to do. */
  if (!ferry_guardian_tell (birth->guardian, word, self, pidfd, 0))
    fail (birth, STEP_GUARDIAN);
  if (pidfd >= 0)
    close (pidfd);
}

static CHILD int
be_born (void *data)
{
  Birth *birth = data;

  if (prctl (PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid () != birth->parent)
    fail (birth, STEP_PARENT);
  setpgid (0, 0);
  if (birth->guardian >= 0)
    meet_guardian (birth);
  return become_program (birth);
}

static CHILD int
be_detached (void *data)
{
  return become_program (data);
}

/* The one in between. */
static CHILD int
detach (void *data)
{
  Birth *birth = data;
  pid_t pid;

  if (setsid () < 0)
    fail (birth, STEP_PARENT);
  pid = clone (be_detached, birth->detached_stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, birth);
  if (pid < 0)
    fail (birth, STEP_PARENT);
  birth->detached = pid;
  _exit (0);
}

/* The child has a stack of its own, since the parent's goes on being used when the child has executed. */
static guint8 *
make_stack (void)
{
  void *stack = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

  return stack == MAP_FAILED ? NULL : stack;
}

static pid_t
give_birth (Birth *birth, int (*child) (void *data), int *pidfd)
{
  guint8 *stack = make_stack ();
  pid_t pid;

  if (stack == NULL)
    return -1;
  pid = clone (child, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, birth, pidfd);
  munmap (stack, STACK_SIZE);
  return pid;
}

/* ---- what is said of a process that could not be started ---- */

/* The beginning of a file, or nothing where that cannot be read. */
static gsize
read_beginning (const char *path, char *buffer, gsize size)
{
  ferry_autofd fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat status;
  gssize got = -1;

  if (fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    got = TEMP_FAILURE_RETRY (read (fd, buffer, size));
  return got > 0 ? (gsize) got : 0;
}

/* (transfer full) (nullable): what the first line of a script names. */
static char *
read_interpreter (const char *path)
{
  char beginning[256] = {0};
  const char *name = beginning + 2;

  read_beginning (path, beginning, sizeof beginning - 1);
  if (!g_str_has_prefix (beginning, "#!"))
    return NULL;
  name += strspn (name, " \t");
  return g_strndup (name, strcspn (name, " \t\r\n"));
}

/* any: whether the program is there and may be executed, and the interpreter of a script is there. */
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

/* What is missing: the program, or what its file names to run it. The system gives one reason for all three. */
static char *
describe_missing (const FerrySpawnPlan *plan)
{
  g_autofree char *path = g_canonicalize_filename (plan->program, plan->cwd);
  g_autofree char *interpreter = read_interpreter (path);

  if (access (path, F_OK) < 0)
    return g_strdup ("check the path");
  if (interpreter == NULL)
    return g_strdup ("its file is there, and what loads it is missing; build it for this system");
  return g_strdup_printf (
    "its file is there, and its interpreter “%s” is missing; install that, or mend the file's first line", interpreter);
}

/* What to do about a program that is not executed. */
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
refuse (const Birth *birth, GError **error)
{
  const char *program = birth->plan->program;
  const char *reason = g_strerror (birth->failed_errno);
  g_autofree char *remedy = NULL;

  if (ferry_is_shortage (birth->failed_errno))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM,
                   "The program “%s” could not be started: %s; raise the limits, or start fewer processes", program,
                   reason);
      return FALSE;
    }
  switch (birth->failed_step)
    {
    case STEP_DIRECTORY:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED,
                   "The program “%s” could not be started in the folder “%s”: %s; check the folder", program,
                   birth->plan->cwd, reason);
      break;
    case STEP_EXECUTE:
      remedy = describe_remedy (birth->plan, birth->failed_errno);
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED, "The program “%s” could not be executed: %s; %s",
                   program, reason, remedy);
      break;
    case STEP_ATTRIBUTES:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED,
                   "The program “%s” could not be given its priority and limits: %s; ask for no more than the "
                   "application has",
                   program, reason);
      break;
    case STEP_GUARDIAN:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED,
                   "Worker “%s” could not be started, as the guardian could not be told of it: %s", program, reason);
      break;
    case STEP_NONE:
    case STEP_PARENT:
    case STEP_DESCRIPTORS:
    default:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED, "The program “%s” could not be started: %s", program,
                   reason);
      break;
    }
  return FALSE;
}

/* Whether it can be tried again, with another guardian: that one has ended, which the queue is about to hear. */
static gboolean
replace_guardian (FerrySpawnPlan *plan, const Birth *birth)
{
  if (birth->failed_step != STEP_GUARDIAN || birth->failed_errno != EPIPE || plan->queue == NULL || plan->lost_guardian)
    return FALSE;
  plan->lost_guardian = TRUE;
  ferry_shared_queue_close_guardian (plan->queue);
  return TRUE;
}

static gboolean
find_guardian (const FerrySpawnPlan *plan, int *guardian, GError **error)
{
  *guardian = plan->guardian;
  if (plan->queue == NULL)
    return TRUE;
  if (!ferry_shared_queue_open_guardian (plan->queue, plan->start_guardian, error))
    return FALSE;
  *guardian = plan->queue->guardian.socket;
  return TRUE;
}

/* monitor: a FerryLaunchFunc; plan is a FerrySpawnPlan. */
gboolean
ferry_spawn (gpointer plan, int control_fd, GPid *pid, int *pidfd, GError **error)
{
  Birth birth = {.plan = plan, .control_fd = control_fd, .guardian = -1, .parent = getpid ()};
  ferry_autofd process = -1;
  pid_t child;

  if (!find_guardian (plan, &birth.guardian, error))
    return FALSE;
  /* The monitor has all signals blocked, so none is handled in the child before it resets them. */
  child = give_birth (&birth, be_born, &process);
  if (child < 0)
    {
      birth.failed_errno = errno;
      return refuse (&birth, error);
    }
  if (birth.failed_step != STEP_NONE)
    {
      siginfo_t info;

      if (birth.guardian >= 0)
        ferry_guardian_tell (birth.guardian, FERRY_GUARDIAN_RELEASE, child, -1, MSG_DONTWAIT);
      TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) process, &info, WEXITED));
      if (replace_guardian (plan, &birth))
        return ferry_spawn (plan, control_fd, pid, pidfd, error);
      return refuse (&birth, error);
    }
  *pid = child;
  *pidfd = ferry_steal_fd (&process);
  return TRUE;
}

/* Without signals, as in the monitor: none is handled in a child before it resets them. */
static pid_t
give_detached_birth (Birth *birth, int *pidfd)
{
  sigset_t all;
  sigset_t before;
  pid_t pid;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  pid = give_birth (birth, detach, pidfd);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return pid;
}

/* any: starts a process that is no child of ours, and outlives us. */
gboolean
ferry_spawn_detached (FerrySpawnPlan *plan, GPid *pid, GError **error)
{
  Birth birth = {.plan = plan, .control_fd = -1, .guardian = -1, .detached_stack = make_stack ()};
  ferry_autofd process = -1;
  siginfo_t info;

  if (birth.detached_stack == NULL || give_detached_birth (&birth, &process) < 0)
    birth.failed_errno = errno;
  /* The one in between has ended, or is about to. Another part of the program may have reaped it. */
  if (process >= 0)
    TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) process, &info, WEXITED));
  if (birth.detached_stack != NULL)
    munmap (birth.detached_stack, STACK_SIZE);
  if (birth.failed_errno != 0)
    return refuse (&birth, error);
  *pid = birth.detached;
  return TRUE;
}
