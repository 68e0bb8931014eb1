/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fork server's own process: it forks a worker for each request of its application's, stays its parent, and tells
 * how it ended.
 *
 * A worker can be forked before it is asked for: while nothing is to be done the fork server has one in preforked,
 * which waits for its request with what every worker does first behind it, and takes it from the application's socket
 * itself. So a start costs the way to it, and not a fork; the fork for the next one comes after it. (The zygote of
 * Android does the same, with its unspecialised processes.) As long as there is a pre-forked child the fork server
 * takes no requests: one at a time reads.
 *
 * Threads: it has one, and looks before each fork: in the child of a process with threads, whatever lock another thread
 *          held stays locked for ever.
 * Trust:   the application is trusted. The workers are not asked for anything but their end. */

#include "config.h"

#include "worker/ferry-fork-server-main-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "link/ferry-fork-server-packet-private.h"
#include "spawn/ferry-attributes-private.h"
#include "spawn/ferry-fork-private.h"
#include "worker/ferry-attachment-private.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

typedef struct
{
  guint64 id; /* of its request; PREFORKED_ID: it has none, and is the pre-forked child or was it */
  pid_t pid;
} Child;

/* What is polled first. */
enum
{
  POLL_CONTROL,
  POLL_PREFORKED,
  POLL_APPLICATION,
  POLL_GROUPS,
  N_POLLS, /* then the children's pidfds */
};

typedef struct
{
  int control;
  GArray *children;         /* (element-type Child) */
  GArray *polls;            /* (element-type struct pollfd) */
  GArray *groups;           /* (element-type pid_t): of workers that have ended, where some are left that are ours */
  pid_t preforked_pid;      /* the child in preforked, or the latest that was */
  gboolean preforked_asked; /* a request lies before it */
  gboolean preforked_lost;  /* it ended without having been asked for anything: it is not replaced at once */
  _Atomic guint64 *taking;  /* shared with the pre-forked child: the id of the request that it is about to take */
} ForkServer;

/* Who was started last is left alone for so long: the next fork, and what the new child does first, would take the
 * processors that its first answer needs. */
#define PREFORKED_PAUSE_NANOSECONDS (100 * 1000)

/* A pre-forked child has a request before it for no longer than that. */
#define PREFORKED_GRACE_SECONDS 1

/* The id of a child that was not asked for anything, which no worker has. */
#define PREFORKED_ID 0

/* A request as it came. It touches as much of this as it needs. */
static guint8 packet_buffer[FERRY_MAX_PACKET_SIZE] __attribute__ ((aligned (8)));

static void (*warm_up_func) (void); /* (nullable) */

/* ---- in the child ----
 *
 * What a process that a fork server has just forked does to become a worker of its own: its group, streams, folder,
 * environment, limits, name and random numbers. What cannot be done it tells the application itself, by the fork
 * server's control socket, and ends. */

/* The arguments of the process as the kernel shows them, and how far the environment that follows them goes. */
static struct
{
  char *start;
  gsize size;
  gsize room;
  GPtrArray *moved; /* (owned): what was put in their places; whoever has a pointer into it may keep it */
} title;

/* How far strings go on from end, one right behind the other; a copy takes the place of each. */
static char *
move_strings (char **strings, char *end)
{
  for (; *strings != NULL; strings++)
    {
      if (*strings == end)
        end += strlen (end) + 1;
      *strings = g_strdup (*strings);
      g_ptr_array_add (title.moved, *strings);
    }
  return end;
}

/* The environment that a process starts with lies right behind its arguments. */
void
ferry_fork_server_set_arguments (int argc, char **argv)
{
  char *end;
  guint n = g_strv_length (environ);
  char **copy;

  if (argc < 1 || title.start != NULL)
    return;
  title.start = argv[0];
  title.moved = g_ptr_array_new ();
  end = move_strings (argv, title.start);
  title.size = (gsize) (end - title.start);
  copy = g_new (char *, n + 1);
  g_ptr_array_add (title.moved, copy);
  memcpy (copy, environ, (n + 1) * sizeof (char *));
  end = move_strings (copy, end);
  title.room = (gsize) (end - title.start);
  environ = copy;
}

static void
set_name (const char *name)
{
  gsize length = strlen (name);

  prctl (PR_SET_NAME, name);
  g_set_prgname (name);
  if (title.start == NULL)
    return;
  length = MIN (length, title.room - 1);
  memset (title.start, 0, MAX (title.size, length + 1));
  memcpy (title.start, name, length);
  program_invocation_name = program_invocation_short_name = title.start;
}

static void
name_control (int control)
{
  g_autofree char *number = g_strdup_printf ("%d", control);

  g_setenv (FERRY_CONTROL_FD_VARIABLE, number, TRUE);
}

/* pre-forked child: does once, for nothing, what touches pages on the way to a worker: what a fork server is given to
 * warm up does the rest. */
static void
touch_pages (int control)
{
  g_autofree char *name = g_strdup (g_get_prgname ());

  set_name (name != NULL ? name : "preforked");
  g_unsetenv (FERRY_CONTROL_FD_VARIABLE);
  name_control (control);
}

/* The strings stay where they are, in the order's memory, which then is the environment's. */
static void
replace_environment (FerryStartOrder *order, int control)
{
  char *place = order->environment;
  const char *end = place + order->start.environment_length;

  clearenv ();
  for (; place < end; place += strlen (place) + 1)
    if (strchr (place, '=') != NULL)
      putenv (place);
  order->environment = NULL;
  name_control (control);
}

static int
apply_attributes (const FerryStart *start)
{
  FerryAttributes attributes = {
    .nice = start->nice,
    .nice_set = (start->flags & FERRY_START_NICE) != 0,
    .limits_set = start->limits_set,
  };

  memcpy (attributes.limits, start->limits, sizeof attributes.limits);
  return ferry_attributes_apply (&attributes);
}

static G_GNUC_NORETURN void
give_up (FerryStartOrder *order, int control, const char *what, int failure)
{
  g_autofree char *text = g_strdup_printf ("%s: %s", what, g_strerror (failure));

  ferry_fork_server_send_failed (control, order->start.id, getpid (), failure, text);
  _exit (127);
}

/* child: with its fork server's descriptors closed but for the control socket, whose number its own then has. */
static void
become_worker (FerryStartOrder *order, int control)
{
  int failure;

  setpgid (0, 0);
  for (int stream = 0; stream < (int) G_N_ELEMENTS (order->streams); stream++)
    if (order->streams[stream] >= 0 && dup2 (order->streams[stream], stream) < 0)
      give_up (order, control, "its standard streams could not be set", errno);
  if (order->cwd != NULL && chdir (order->cwd) < 0)
    {
      g_autofree char *what = g_strdup_printf ("the folder “%s” could not be entered, check it", order->cwd);

      give_up (order, control, what, errno);
    }
  failure = apply_attributes (&order->start);
  if (failure != 0)
    give_up (order, control, "it could not be given its priority and limits, ask for no more than the fork server has",
             failure);
  if (order->environment != NULL)
    replace_environment (order, control);
  set_name (order->name);
  if (dup3 (order->control, control, O_CLOEXEC) < 0)
    give_up (order, control, "its control socket could not be set", errno);
}

/* ---- in the fork server ---- */

/* After what this process was first seen to have more than one thread; NULL: not yet. */
static char *threads_since;

static void
look_for_threads (const char *after)
{
  if (threads_since == NULL && ferry_count_threads () > 1)
    threads_since = g_strdup (after);
}

gboolean
ferry_fork_server_is_asked_for (void)
{
  if (getauxval (AT_SECURE) != 0 || g_strcmp0 (g_getenv (FERRY_FORK_SERVER_VARIABLE), "1") != 0)
    return FALSE;
  look_for_threads ("before any initialiser ran");
  return g_getenv (FERRY_CONTROL_FD_VARIABLE) != NULL;
}

void
ferry_fork_server_note_initialiser (const char *name)
{
  g_autofree char *after = g_strdup_printf ("its initialiser “%s” ran", name);

  look_for_threads (after);
}

void
ferry_fork_server_set_warm_up (void (*warm_up) (void))
{
  warm_up_func = warm_up;
}

/* The kernel ends us with the application until this has looked. From then on we end our workers ourselves, whatever
 * they have taken off, and then end. Returns the application's pidfd, or -1 where another program started us. */
static int
watch_application (guint32 pid)
{
  int pidfd = (guint32) getppid () == pid ? (int) syscall (SYS_pidfd_open, (pid_t) pid, 0) : -1;

  if (pidfd < 0)
    return -1;
  prctl (PR_SET_PDEATHSIG, 0);
  /* It may have ended before, and another process have its number. */
  if ((guint32) getppid () != pid)
    _exit (EXIT_SUCCESS);
  return pidfd;
}

static gboolean
attach (int *control, int *application, GError **error)
{
  ferry_autofd fd = ferry_control_take_fd (error);
  ferry_autofd memory = -1;
  ferry_autofd doorbell = -1;
  FerryWelcome welcome;

  if (fd < 0)
    return FALSE;
  if (!ferry_control_receive_welcome (fd, &welcome, &memory, &doorbell, error))
    {
      ferry_control_send_attach (fd, 0, NULL);
      return FALSE;
    }
  ferry_attachment_end_with_application (fd, welcome.application_pid);
  *application = watch_application (welcome.application_pid);
  if (!ferry_control_send_attach (fd, welcome.segment_size, error))
    return FALSE;
  *control = ferry_steal_fd (&fd);
  return TRUE;
}

/* What every worker finds is done once and inherited: a standard input that is at its end, streams that nothing is left
 * in, signals that nobody handles, and a variable that names the control socket, whose number is the same in each. */
static void
prepare (int control)
{
  g_autofree char *number = g_strdup_printf ("%d", control);
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t none;
  int null;

  /* Later descriptors must not get the numbers of the standard streams. */
  do
    null = open ("/dev/null", O_RDWR);
  while (null >= 0 && null <= STDERR_FILENO);
  dup2 (null, STDIN_FILENO);
  ferry_clear_fd (&null);
  fflush (NULL);
  for (int signal_number = 1; signal_number < NSIG; signal_number++)
    if (signal_number != SIGKILL && signal_number != SIGSTOP)
      sigaction (signal_number, &action, NULL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  g_unsetenv (FERRY_FORK_SERVER_VARIABLE);
  g_setenv (FERRY_CONTROL_FD_VARIABLE, number, TRUE);
  /* Ahead of each child: one that did it would need the time and, of its own, the pages that it changes. */
  ferry_reseed ();
}

static void
add_poll (ForkServer *self, int fd)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

  g_array_append_val (self->polls, poll_fd);
}

static struct pollfd *
get_poll (ForkServer *self, guint index)
{
  return &g_array_index (self->polls, struct pollfd, index);
}

static struct pollfd *
get_child_poll (ForkServer *self, guint index)
{
  return get_poll (self, N_POLLS + index);
}

/* The fork server's end of a socket to the child in preforked; -1: there is none. */
static int *
get_preforked (ForkServer *self)
{
  return &get_poll (self, POLL_PREFORKED)->fd;
}

/* The signal that tells of a child's end is for a descriptor, in this process and in no worker. */
static sigset_t
set_signals (int how)
{
  sigset_t ends;

  sigemptyset (&ends);
  sigaddset (&ends, SIGCHLD);
  sigprocmask (how, &ends, NULL);
  return ends;
}

/* worker: closes what is the fork server's. Its memory stays as it is: to free it would copy the pages that it lies on.
 */
static void
let_go (ForkServer *self)
{
  for (guint i = POLL_PREFORKED; i < self->polls->len; i++)
    if (get_poll (self, i)->fd >= 0)
      close (get_poll (self, i)->fd);
  set_signals (SIG_UNBLOCK);
}

/* The application is gone, or has let go: nobody hears of the workers any more. */
static G_GNUC_NORETURN void
finish (ForkServer *self, int status)
{
  for (guint i = 0; i < self->children->len; i++)
    {
      pid_t pid = g_array_index (self->children, Child, i).pid;

      kill (pid, SIGKILL);
      kill (-pid, SIGKILL);
    }
  for (guint i = 0; i < self->children->len; i++)
    TEMP_FAILURE_RETRY (waitpid (g_array_index (self->children, Child, i).pid, NULL, 0));
  exit (status);
}

/* The pre-forked child has taken a request. */
static void
give_preforked_its_id (ForkServer *self, guint64 id)
{
  ferry_clear_fd (get_preforked (self));
  for (guint i = 0; i < self->children->len; i++)
    {
      Child *child = &g_array_index (self->children, Child, i);

      if (child->pid != self->preforked_pid)
        continue;
      child->id = id;
      if (!ferry_fork_server_send_started (self->control, id, child->pid, get_child_poll (self, i)->fd))
        finish (self, EXIT_SUCCESS);
    }
}

/* The pre-forked child says which request it has taken, or is about to end. */
static void
hear_preforked (ForkServer *self)
{
  guint64 id;
  gssize got = TEMP_FAILURE_RETRY (recv (*get_preforked (self), &id, sizeof id, MSG_DONTWAIT));

  if (got == (gssize) sizeof id)
    give_preforked_its_id (self, id);
  else if (got >= 0 || errno != EAGAIN)
    get_poll (self, POLL_PREFORKED)->events = 0;
}

/* The pre-forked child has ended. One that had taken a request, and did not come to say so, was the worker. */
static void
lose_preforked (ForkServer *self)
{
  guint64 id;

  hear_preforked (self);
  if (*get_preforked (self) < 0)
    return;
  /* Relaxed: it has ended. */
  id = atomic_load_explicit (self->taking, memory_order_relaxed);
  if (id != PREFORKED_ID && ferry_start_order_peek (self->control) != id)
    {
      give_preforked_its_id (self, id);
      return;
    }
  ferry_clear_fd (get_preforked (self));
  self->preforked_lost = TRUE;
}

/* A worker may make its own children ours (CLONE_PARENT). They are in its group, and die with it. */
static void
reap_groups (ForkServer *self)
{
  struct signalfd_siginfo signal_info;

  TEMP_FAILURE_RETRY (read (get_poll (self, POLL_GROUPS)->fd, &signal_info, sizeof signal_info));
  for (guint i = self->groups->len; i-- > 0;)
    {
      pid_t group = g_array_index (self->groups, pid_t, i);
      pid_t reaped;

      do
        reaped = waitpid (-group, NULL, WNOHANG | __WALL);
      while (reaped > 0);
      if (reaped < 0)
        g_array_remove_index_fast (self->groups, i);
    }
}

/* Ends what is left of the child's process group before the child is reaped, while its number is its own. */
static void
reap (ForkServer *self, guint index)
{
  Child *child = &g_array_index (self->children, Child, index);
  guint64 id;
  siginfo_t info = {0};

  if (waitid (P_PID, (id_t) child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
    return;
  if (child->pid == self->preforked_pid && *get_preforked (self) >= 0)
    lose_preforked (self);
  id = child->id;
  kill (-child->pid, SIGKILL);
  TEMP_FAILURE_RETRY (waitpid (child->pid, NULL, 0));
  g_array_append_val (self->groups, child->pid);
  reap_groups (self);
  ferry_clear_fd (&get_child_poll (self, index)->fd);
  g_array_remove_index_fast (self->polls, N_POLLS + index);
  g_array_remove_index_fast (self->children, index);
  if (id != PREFORKED_ID && !ferry_fork_server_send_ended (self->control, id, info.si_code, info.si_status))
    finish (self, EXIT_SUCCESS);
}

static gboolean
refuse (ForkServer *self, guint64 id, const char *what, int failure)
{
  g_autofree char *text = g_strdup_printf ("%s: %s", what, g_strerror (failure));

  return ferry_fork_server_send_failed (self->control, id, 0, failure, text);
}

/* Returns FALSE when the application cannot be told. */
static gboolean
adopt (ForkServer *self, guint64 id, pid_t pid)
{
  int pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  Child child = {id, pid};

  if (pidfd < 0)
    {
      int failure = errno;

      kill (pid, SIGKILL);
      TEMP_FAILURE_RETRY (waitpid (pid, NULL, 0));
      return refuse (self, id, "the fork server cannot watch it (pidfd_open)", failure);
    }
  g_array_append_val (self->children, child);
  add_poll (self, pidfd);
  return ferry_fork_server_send_started (self->control, id, pid, pidfd);
}

static gboolean
refuse_for_threads (ForkServer *self, guint64 id, guint n_threads)
{
  g_autofree char *text = NULL;

  look_for_threads ("its last initialiser ran");
  text = g_strdup_printf (
    "the fork server has %u threads, the second since %s%s, and a process with threads cannot be forked "
    "safely; have its program start none before its workers run",
    n_threads, threads_since != NULL && g_str_has_prefix (threads_since, "before") ? "" : "after ",
    threads_since != NULL ? threads_since : "a moment ago");
  return ferry_fork_server_send_failed (self->control, id, 0, 0, text);
}

/* Returns TRUE in the worker. */
static gboolean
fork_worker (ForkServer *self, FerryStartOrder *order)
{
  guint n_threads = ferry_count_threads ();
  gboolean told;
  pid_t pid;

  if (n_threads > 1)
    {
      if (!refuse_for_threads (self, order->start.id, n_threads))
        finish (self, EXIT_SUCCESS);
      return FALSE;
    }
  pid = ferry_fork_child ();
  if (pid == 0)
    {
      let_go (self);
      become_worker (order, self->control);
      return TRUE;
    }
  if (pid < 0)
    told = refuse (self, order->start.id, "the fork server cannot fork", errno);
  else
    told = adopt (self, order->start.id, pid);
  if (!told)
    finish (self, EXIT_SUCCESS);
  /* For the next one. */
  ferry_reseed ();
  return FALSE;
}

/* pre-forked child: takes its request, having noted which it will be for the case that it ends before it has said so.
 */
static FerryControlEvent
take_order (ForkServer *self, int leash, FerryStartOrder *order)
{
  g_autoptr (GError) error = NULL;
  guint64 id = ferry_start_order_peek (self->control);
  FerryControlEvent event;

  /* Relaxed: read when this process has ended. */
  atomic_store_explicit (self->taking, id, memory_order_relaxed);
  event = ferry_start_order_receive (order, self->control, packet_buffer, &error);
  if (event == FERRY_CONTROL_NOTHING)
    return event;
  if (event == FERRY_CONTROL_CLOSED || id == PREFORKED_ID)
    _exit (EXIT_SUCCESS);
  if (TEMP_FAILURE_RETRY (send (leash, &id, sizeof id, MSG_NOSIGNAL)) != (gssize) sizeof id)
    _exit (EXIT_FAILURE);
  if (event == FERRY_CONTROL_TAKEN)
    return event;
  ferry_fork_server_send_failed (self->control, id, getpid (), EMFILE,
                                 "its descriptors did not reach it; raise the limit of open files");
  _exit (EXIT_FAILURE);
}

/* pre-forked child: waits for its request. The other end of the leash closes with the fork server, and then it ends. */
static void
wait_as_preforked (ForkServer *self, int leash)
{
  struct pollfd polls[] = {{.fd = self->control, .events = POLLIN}, {.fd = leash, .events = POLLIN}};
  FerryStartOrder order;

  let_go (self);
  /* For the page that it lies on. */
  atomic_store_explicit (self->taking, PREFORKED_ID, memory_order_relaxed);
  touch_pages (self->control);
  if (warm_up_func != NULL)
    warm_up_func ();
  do
    {
      TEMP_FAILURE_RETRY (poll (polls, G_N_ELEMENTS (polls), -1));
      if (polls[1].revents != 0)
        _exit (EXIT_SUCCESS);
    }
  while (take_order (self, leash, &order) != FERRY_CONTROL_TAKEN);
  close (leash);
  become_worker (&order, self->control);
  ferry_start_order_clear (&order);
}

/* Forks a child ahead of its request. Where that cannot be, a request has its own fork, which says why. Returns TRUE in
 * the child, when it is a worker. */
static gboolean
fork_preforked (ForkServer *self)
{
  int sockets[2];
  int pidfd;
  pid_t pid;

  self->preforked_lost = TRUE;
  if (ferry_count_threads () > 1 || socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
    return FALSE;
  atomic_store_explicit (self->taking, PREFORKED_ID, memory_order_relaxed);
  pid = ferry_fork_child ();
  if (pid == 0)
    {
      close (sockets[0]);
      wait_as_preforked (self, sockets[1]);
      return TRUE;
    }
  close (sockets[1]);
  pidfd = pid > 0 ? (int) syscall (SYS_pidfd_open, pid, 0) : -1;
  if (pidfd < 0)
    {
      close (sockets[0]);
      if (pid > 0)
        {
          kill (pid, SIGKILL);
          TEMP_FAILURE_RETRY (waitpid (pid, NULL, 0));
        }
      return FALSE;
    }
  g_array_append_val (self->children, ((Child){PREFORKED_ID, pid}));
  add_poll (self, pidfd);
  *get_poll (self, POLL_PREFORKED) = (struct pollfd){.fd = sockets[0], .events = POLLIN};
  self->preforked_pid = pid;
  self->preforked_asked = FALSE;
  self->preforked_lost = FALSE;
  ferry_reseed ();
  return FALSE;
}

/* Does the next request. Returns TRUE in the worker. */
static gboolean
serve (ForkServer *self)
{
  g_autoptr (GError) error = NULL;
  FerryStartOrder order;
  gboolean born = FALSE;

  switch (ferry_start_order_receive (&order, self->control, packet_buffer, &error))
    {
    case FERRY_CONTROL_TAKEN:
      self->preforked_lost = FALSE;
      born = fork_worker (self, &order);
      ferry_start_order_clear (&order);
      return born;
    case FERRY_CONTROL_INVALID:
      g_printerr ("ferry-fork-server: %s\n", error->message);
      /* Where only its descriptors are missing, one worker is not started, and the others go on. */
      if (order.start.id == PREFORKED_ID ||
          !refuse (self, order.start.id, "its descriptors did not reach the fork server; raise the limit of open files",
                   EMFILE))
        finish (self, EXIT_FAILURE);
      return FALSE;
    case FERRY_CONTROL_CLOSED:
      finish (self, EXIT_SUCCESS);
    case FERRY_CONTROL_NOTHING:
    case FERRY_CONTROL_ATTACHED:
    default:
      return FALSE;
    }
}

/* Whether what came is for the pre-forked child to take. */
static gboolean
leave_to_preforked (ForkServer *self)
{
  if (*get_preforked (self) < 0 || (get_poll (self, POLL_CONTROL)->revents & (POLLHUP | POLLERR)) != 0)
    return FALSE;
  self->preforked_asked = ferry_start_order_peek (self->control) != PREFORKED_ID;
  return TRUE;
}

/* The pre-forked child has not taken what lies before it: somebody stopped it. It is done without, once its end is
 * heard of. */
static void
end_stuck_preforked (ForkServer *self)
{
  self->preforked_asked = ferry_start_order_peek (self->control) != PREFORKED_ID;
  if (self->preforked_asked)
    kill (self->preforked_pid, SIGKILL);
}

/* Returns in a worker. */
static void
serve_all (ForkServer *self)
{
  for (;;)
    {
      static const struct timespec pause = {.tv_nsec = PREFORKED_PAUSE_NANOSECONDS};
      static const struct timespec grace = {.tv_sec = PREFORKED_GRACE_SECONDS};
      gboolean has_preforked = *get_preforked (self) >= 0;
      gboolean pausing = !has_preforked && !self->preforked_lost;
      gboolean waiting = has_preforked && self->preforked_asked;
      int n;

      /* While the pre-forked child has a request before it, only the end of the application is of interest here. */
      get_poll (self, POLL_CONTROL)->events = waiting ? 0 : POLLIN;
      get_poll (self, POLL_GROUPS)->events = self->groups->len > 0 ? POLLIN : 0;
      n = TEMP_FAILURE_RETRY (ppoll ((struct pollfd *) (void *) self->polls->data, self->polls->len,
                                     pausing   ? &pause
                                     : waiting ? &grace
                                               : NULL,
                                     NULL));
      if (n == 0 && waiting)
        end_stuck_preforked (self);
      else if (n == 0 && fork_preforked (self))
        return;
      if (n > 0 && get_poll (self, POLL_APPLICATION)->revents != 0)
        finish (self, EXIT_SUCCESS);
      if (n > 0 && get_poll (self, POLL_GROUPS)->revents != 0)
        reap_groups (self);
      if (n > 0 && get_poll (self, POLL_PREFORKED)->revents != 0)
        hear_preforked (self);
      /* From the last one down, since the last one takes the place of one that goes. */
      for (guint i = self->children->len; n > 0 && i-- > 0;)
        if (get_child_poll (self, i)->revents != 0)
          reap (self, i);
      if (n > 0 && get_poll (self, POLL_CONTROL)->revents != 0 && !leave_to_preforked (self) && serve (self))
        return;
    }
}

int
ferry_fork_server_run (GError **error)
{
  /* A worker returns, and leaves it as it is. */
  static ForkServer self = {.control = -1};
  int application = -1;
  sigset_t ends;

  if (!attach (&self.control, &application, error))
    return -1;
  prepare (self.control);
  self.taking = mmap (NULL, sizeof *self.taking, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (self.taking == MAP_FAILED)
    {
      ferry_set_system_error (error, "Making a fork server's memory (mmap)");
      return -1;
    }
  self.children = g_array_new (FALSE, FALSE, sizeof (Child));
  self.groups = g_array_new (FALSE, FALSE, sizeof (pid_t));
  self.polls = g_array_new (FALSE, FALSE, sizeof (struct pollfd));
  add_poll (&self, self.control);
  add_poll (&self, -1);
  add_poll (&self, application);
  ends = set_signals (SIG_BLOCK);
  add_poll (&self, signalfd (-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  serve_all (&self);
  return 0;
}
