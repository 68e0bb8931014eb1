/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fork server's own process: it loads the program once, forks workers, reaps them, and ends them with its
 * application. The process forks a worker for each request of the application, is the parent of that worker, and
 * reports the worker's end to the application.
 *
 * While it is idle, the fork server forks the next worker ahead. This pre-forked child does the first steps of every
 * worker, then waits, and reads its request from the application's socket itself. So the start of a worker costs a
 * message, not a fork. Android's zygote does the same, with its unspecialised processes. While there is a pre-forked
 * child, the fork server reads no requests: only one process reads at a time.
 *
 * Threads: one. The fork server counts its threads before each fork, and does not fork when there is more than one. In
 *          the child of a process with threads, the locks that other threads held are never unlocked. The fork server
 *          then executes its program for the worker, or refuses.
 * Trust:   the application is trusted. The fork server reads nothing from the workers. */

#include "config.h"

#include "process/ferry-fork-server-main-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/ferry-base-private.h"
#include "base/ferry-watchdog-private.h"
#include "link/ferry-pidfd-private.h"
#include "process/ferry-attachment-private.h"
#include "process/ferry-attributes-private.h"
#include "process/ferry-fork-private.h"
#include "process/ferry-spawn-private.h"
#include "wire/ferry-fork-server-packet-private.h"
#include "wire/ferry-handshake-private.h"

typedef struct
{
  guint64 id; /* the id of the request that the child serves, or PREFORKED_ID while a pre-forked child has none */
  pid_t pid;
  int pidfd;              /* (owned): of a worker that was executed; else -1 */
  FerryWatchdog watchdog; /* over a worker that tidies up, when the fork server ends */
} Child;

/* What the fork server waits for. A signal tells of the end of a child, so the fork server has no descriptor for each.
 * A fork would copy it, the worker would have to close it, and the limit of descriptors would limit the workers. Of a
 * program with threads, another thread may take the signal. So an executed worker has a descriptor. */
enum
{
  POLL_CONTROL,
  POLL_PREFORKED,
  POLL_APPLICATION,
  POLL_CHILDREN,
  POLL_EXECUTED, /* an epoll set with the pidfds of executed workers */
  N_POLLS,
};

typedef struct
{
  int control;
  GHashTable *children; /* (element-type pid_t Child) */
  struct pollfd polls[N_POLLS];
  pid_t preforked_pid;              /* the newest pre-forked child */
  int preforked_pidfd;              /* its pidfd, until its id is known; -1: none */
  FerryWatchdog preforked_watchdog; /* over the child that has a request to read */
  gboolean preforked_asked;         /* a request for the pre-forked child is in the socket, and not yet read */
  gboolean preforked_lost; /* the child ended early, or was not forked; none is forked before the next request */
  void (*warm_up) (void);  /* (nullable): run by a pre-forked child before it waits for its request */
  _Atomic guint64 *taking; /* in memory shared with the pre-forked child: the request id that it is about to read */
  gboolean is_told_to_end; /* by a signal */
  gboolean has_asked;      /* the workers to end */
  gboolean is_kept;        /* what a worker that has ended in order leaves is to be released yet */
  GHashTable *released; /* (owned) (nullable) (element-type pid_t): adopted ones that stay; NULL: it is no subreaper */
} ForkServer;

/* The pause between the start of a worker and the fork of the next pre-forked child. Without the pause, that fork and
 * the child's first steps would use the processors that the new worker needs for its first answer. */
#define PREFORKED_PAUSE_NANOSECONDS (100 * 1000)

/* A pre-forked child that does not read a waiting request within this time, in microseconds, is killed, unless it waits
 * for a processor. */
#define PREFORKED_GRACE (1 * G_USEC_PER_SEC)

/* The id of a child without a request. No request has this id. */
#define PREFORKED_ID 0

/* The bytes of a received request. Static, so that only the pages that a request fills are touched. */
static guint8 packet_buffer[FERRY_MAX_PACKET_SIZE] __attribute__ ((aligned (8)));

/* ---- in the child ---- */

/* The memory of the arguments of main(), from which the kernel reads the title of the process. The environment's
 * strings are stored directly after the arguments. */
static struct
{
  char *start;
  gsize size;       /* of the arguments */
  gsize room;       /* of the arguments and the environment */
  GPtrArray *moved; /* (owned): the copies that replaced the strings; never freed: the program may point to them */
} title;

/* Replaces each string of the array by a copy. If the original strings are stored one directly after the other,
 * beginning at end, returns the first byte after the last such string. */
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

void
ferry_fork_server_set_arguments (int argc, char **argv)
{
  char *end;
  guint n = g_strv_length (environ);
  char **copy;

  /* A binding for another language passes copies, which it frees later. The C library points to the original. */
  if (argc < 1 || title.start != NULL || argv[0] != program_invocation_name)
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

/* Replaces the environment by the order's strings, which are not freed. */
static void
replace_environment (FerryStartOrder *order, int control)
{
  g_autofree char **strings = g_steal_pointer (&order->environment);

  clearenv ();
  for (char **place = strings; *place != NULL; place++)
    if (strchr (*place, '=') != NULL)
      putenv (*place);
  name_control (control);
}

/* Reports a failed start to the application. pid: of the child that failed, or 0 when none was forked. Returns FALSE
 * when the report cannot be sent. */
static gboolean
send_failed (int control, guint64 id, pid_t pid, const char *what, int failure)
{
  g_autofree char *text = g_strdup_printf ("%s: %s", what, g_strerror (failure));

  return ferry_fork_server_send_failed (control, id, pid, failure, text);
}

/* child: reports the error in errno to the application, by the fork server's control socket, and exits. */
static G_GNUC_NORETURN void
give_up (FerryStartOrder *order, int control, const char *what)
{
  send_failed (control, order->id, getpid (), what, errno);
  _exit (127);
}

/* The application has the same library, or one with the same version of the protocol. */
static void
read_attributes (const FerryStartOrder *order, FerryAttributes *attributes)
{
  *attributes = (FerryAttributes){0};
  if (order->attributes_size > 0)
    memcpy (attributes, order->attributes, MIN (order->attributes_size, sizeof *attributes));
}

/* child: makes this process the worker of the order, or exits. The worker's control socket replaces the fork server's
 * under the same descriptor number. close_fork_server_fds() must have been called before. */
static void
become_worker (FerryStartOrder *order, int control)
{
  FerryAttributes attributes;

  setpgid (0, 0);
  for (int stream = 0; stream < (int) G_N_ELEMENTS (order->streams); stream++)
    if (order->streams[stream] >= 0 && dup2 (order->streams[stream], stream) < 0)
      give_up (order, control, "its standard streams could not be set, a filter of system calls must allow dup2()");
  if (order->cwd[0] != '\0' && chdir (order->cwd) < 0)
    {
      g_autofree char *what =
        g_strdup_printf ("the folder '%s' could not be entered, check its path and access", order->cwd);

      give_up (order, control, what);
    }
  read_attributes (order, &attributes);
  if (!ferry_attributes_apply (&attributes))
    give_up (order, control, "its priority and limits could not be set, set none above those of the fork server");
  if (order->environment != NULL)
    replace_environment (order, control);
  set_name (order->name);
  if (dup3 (order->control, control, O_CLOEXEC) < 0)
    give_up (order, control, "its control socket could not be set, a filter of system calls must allow dup3()");
}

/* ---- in the fork server ---- */

/* When this process was first seen to have more than one thread, for an error message. NULL while it has one thread. */
static char *threads_since;

static void
look_for_threads (const char *when)
{
  if (threads_since == NULL && ferry_count_threads () > 1)
    threads_since = g_strdup (when);
}

gboolean
ferry_fork_server_is_asked_for (void)
{
  if (!ferry_attachment_is_of_fork_server ())
    return FALSE;
  look_for_threads ("before any initialiser ran");
  return TRUE;
}

void
ferry_fork_server_note_begin (void)
{
  ferry_control_send_word (ferry_control_find_fd (), FERRY_CONTROL_PREPARES);
}

void
ferry_fork_server_note_initialiser (const char *name)
{
  g_autofree char *when = g_strdup_printf ("after its initialiser '%s' ran", name);

  look_for_threads (when);
}

/* Opens a pidfd of the application, and removes the parent-death signal, which the pidfd replaces. When the pidfd
 * reports the application's end, the fork server first kills its workers, which may have removed their own signal, and
 * then exits. Returns the pidfd, or -1 when the parent is not the application. */
static int
watch_application (guint32 pid)
{
  int pidfd = (guint32) getppid () == pid ? (int) syscall (SYS_pidfd_open, (pid_t) pid, 0) : -1;

  if (pidfd < 0)
    return -1;
  prctl (PR_SET_PDEATHSIG, 0);
  /* If the application ended before the pidfd was opened, the pidfd may be of another process with the same number. */
  if ((guint32) getppid () != pid)
    _exit (EXIT_SUCCESS);
  return pidfd;
}

/* Returns the control socket, or -1 with an error. */
static int
attach (int *application, GError **error)
{
  ferry_autofd memory = -1;
  ferry_autofd doorbell = -1;
  FerryWelcome welcome;
  ferry_autofd control = ferry_attachment_begin (&welcome, &memory, &doorbell, NULL, error);

  if (control < 0)
    return -1;
  *application = watch_application (welcome.application_pid);
  return ferry_control_send_attach (control, welcome.segment_size, error) ? ferry_steal_fd (&control) : -1;
}

/* Sets up the state that all workers inherit. */
static void
prepare (int control)
{
  int null;

  /* Fills closed standard streams, so that no later descriptor gets the number of a standard stream. */
  do
    null = open ("/dev/null", O_RDWR);
  while (null >= 0 && null <= STDERR_FILENO);
  dup2 (null, STDIN_FILENO);
  ferry_clear_fd (&null);
  fflush (NULL);
  ferry_reset_signals ();
  g_unsetenv (FERRY_FORK_SERVER_VARIABLE);
  name_control (control);
  /* Reseeds before each fork: in the child, that would delay the worker, and would copy the pages that it changes. */
  ferry_reseed ();
}

/* Returns the place of the socket to the pre-forked child. The socket is -1 without such a child. */
static int *
get_preforked (ForkServer *self)
{
  return &self->polls[POLL_PREFORKED].fd;
}

/* Blocks or unblocks the signals that the fork server reads from a signalfd; how is SIG_BLOCK or SIG_UNBLOCK. They are
 * SIGCHLD, and those that ask it to end: at a logout the system sends them to all processes of the application, and
 * workers that tidy up then must not lose their fork server, with which they would be killed. In a worker they must be
 * unblocked. Returns their set. */
static sigset_t
set_signals (int how)
{
  sigset_t ends;

  sigemptyset (&ends);
  sigaddset (&ends, SIGCHLD);
  sigaddset (&ends, SIGTERM);
  sigaddset (&ends, SIGHUP);
  sigprocmask (how, &ends, NULL);
  return ends;
}

/* worker: closes the fork server's descriptors, except the control socket. Frees no memory: that would copy pages. */
static void
close_fork_server_fds (ForkServer *self)
{
  GHashTableIter iter;
  gpointer child;

  for (guint i = POLL_PREFORKED; i < N_POLLS; i++)
    if (self->polls[i].fd >= 0)
      close (self->polls[i].fd);
  if (self->preforked_pidfd >= 0)
    close (self->preforked_pidfd);
  g_hash_table_iter_init (&iter, self->children);
  while (g_hash_table_iter_next (&iter, NULL, &child))
    if (((Child *) child)->pidfd >= 0)
      close (((Child *) child)->pidfd);
  set_signals (SIG_UNBLOCK);
}

/* ---- ends ---- */

static Child *
find_child (ForkServer *self, pid_t pid)
{
  return g_hash_table_lookup (self->children, GINT_TO_POINTER (pid));
}

/* Kills a worker with its process group. */
static void
kill_child (const Child *child)
{
  kill (child->pid, SIGKILL);
  kill (-child->pid, SIGKILL);
}

/* Reaps a child that has ended, and kills the rest of its process group, whose number no other one can have before. */
static void
bury (ForkServer *self, pid_t pid)
{
  Child *child = find_child (self, pid);

  if (child != NULL)
    kill_child (child);
  TEMP_FAILURE_RETRY (waitpid (pid, NULL, __WALL));
  if (child != NULL)
    ferry_clear_fd (&child->pidfd);
  g_hash_table_remove (self->children, GINT_TO_POINTER (pid));
}

/* Sleeps until a signal comes, the application has ended, or a worker is to be looked at that tidies up. Kills those
 * that do nothing. */
static void
look_at_children (ForkServer *self)
{
  struct pollfd polls[] = {self->polls[POLL_CHILDREN], self->polls[POLL_APPLICATION]};
  struct signalfd_siginfo signal_info;
  gint64 next = G_MAXINT64;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->children);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Child *child = value;

      if (g_get_monotonic_time () >= ferry_watchdog_get_next_look (&child->watchdog) &&
          ferry_watchdog_look (&child->watchdog))
        kill_child (child);
      next = MIN (next, ferry_watchdog_get_next_look (&child->watchdog));
    }
  next = CLAMP ((next - g_get_monotonic_time ()) / 1000 + 1, 0, FERRY_TIDY_GRACE / 1000);
  TEMP_FAILURE_RETRY (poll (polls, self->has_asked ? 1 : 2, (int) next));
  TEMP_FAILURE_RETRY (read (self->polls[POLL_CHILDREN].fd, &signal_info, sizeof signal_info));
}

/* Whether the application is there, which then has asked its workers to end. */
static gboolean
has_application (ForkServer *self)
{
  return self->polls[POLL_APPLICATION].fd >= 0 && poll (&self->polls[POLL_APPLICATION], 1, 0) == 0;
}

/* Asks the workers to tidy up that have a handler of SIGTERM, unless the application does. They get the signal once:
 * another one could end a handler. When the control socket is closed the application may be there for a moment more. */
static void
ask_children (ForkServer *self)
{
  GHashTableIter iter;
  gpointer value;

  if (self->has_asked || (!self->is_told_to_end && has_application (self)))
    return;
  self->has_asked = TRUE;
  g_hash_table_iter_init (&iter, self->children);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Child *child = value;

      if (ferry_process_hears_sigterm (child->pid))
        kill (child->pid, SIGTERM);
      kill (child->pid, SIGCONT);
    }
}

static gboolean
is_end_in_order (const siginfo_t *info)
{
  return info->si_code == CLD_EXITED && info->si_status == EXIT_SUCCESS;
}

/* Does nothing where another child has ended meanwhile, which is buried next. */
static void
release_kept (ForkServer *self)
{
  if (self->is_kept && self->released != NULL)
    self->is_kept = !ferry_adopted_release_all (self->children, self->released);
}

/* Buries what has ended while the fork server ends, and kills what it leaves, or releases it: a worker may have ended
 * by itself at that moment, and what it has left is to stay. */
static void
bury_last (ForkServer *self, const siginfo_t *info)
{
  const Child *child = find_child (self, info->si_pid);
  /* A pre-forked child that has no request leaves nothing. */
  const gboolean was_worker = child != NULL && child->id != PREFORKED_ID;

  if (was_worker)
    self->is_kept = is_end_in_order (info);
  bury (self, info->si_pid);
  if (self->is_kept)
    release_kept (self);
  else if (was_worker && self->released != NULL)
    ferry_adopted_kill_all (self->children, self->released);
}

/* Ends the workers and exits. Called when the application has ended, or has closed its end of the control socket, and
 * when the fork server itself is told to end. A worker with a handler of SIGTERM tidies up first. */
static G_GNUC_NORETURN void
finish (ForkServer *self, int status)
{
  GHashTableIter iter;
  gpointer value;

  release_kept (self);
  g_hash_table_iter_init (&iter, self->children);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Child *child = value;

      ferry_watchdog_start (&child->watchdog, FERRY_WATCHDOG_END, child->pid, FERRY_TIDY_GRACE);
      if (!ferry_process_hears_sigterm (child->pid))
        kill_child (child);
    }
  while (g_hash_table_size (self->children) > 0)
    {
      siginfo_t info = {0};

      ask_children (self);
      if (waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
        break;
      if (info.si_pid != 0)
        bury_last (self, &info);
      else
        look_at_children (self);
    }
  g_hash_table_remove_all (self->children);
  if (self->released != NULL)
    ferry_adopted_kill_all (self->children, self->released);
  exit (status);
}

/* Stops waiting for the end of an executed worker. */
static void
unwatch (ForkServer *self, Child *child)
{
  if (child->pidfd >= 0)
    epoll_ctl (self->polls[POLL_EXECUTED].fd, EPOLL_CTL_DEL, child->pidfd, NULL);
  ferry_clear_fd (&child->pidfd);
}

/* Makes the pre-forked child the worker of request id. */
static void
give_preforked_its_id (ForkServer *self, guint64 id)
{
  ferry_autofd pidfd = ferry_steal_fd (&self->preforked_pidfd);

  ferry_clear_fd (get_preforked (self));
  find_child (self, self->preforked_pid)->id = id;
  if (!ferry_fork_server_send_started (self->control, id, self->preforked_pid, pidfd, NULL))
    finish (self, EXIT_SUCCESS);
}

/* Reads the id of the request that the pre-forked child has taken, if the child has sent it. If the child has closed
 * the socket, its pidfd will report its end. */
static void
read_preforked (ForkServer *self)
{
  guint64 id;
  gssize got = TEMP_FAILURE_RETRY (recv (*get_preforked (self), &id, sizeof id, MSG_DONTWAIT));

  if (got == (gssize) sizeof id)
    give_preforked_its_id (self, id);
  else if (got >= 0 || errno != EAGAIN)
    self->polls[POLL_PREFORKED].events = 0;
}

/* Handles the end of the pre-forked child. If the child had read a request and ended before it sent the id, the child
 * counts as the worker of that request. */
static void
handle_preforked_end (ForkServer *self)
{
  guint64 id;

  read_preforked (self);
  if (*get_preforked (self) < 0)
    return;
  /* Relaxed: the child has ended, so the last id that it stored is visible. */
  id = atomic_load_explicit (self->taking, memory_order_relaxed);
  if (id != PREFORKED_ID && ferry_start_order_peek (self->control) != id)
    {
      give_preforked_its_id (self, id);
      return;
    }
  ferry_clear_fd (get_preforked (self));
  ferry_clear_fd (&self->preforked_pidfd);
  self->preforked_lost = TRUE;
}

/* Reaps an ended child, and reports its end. The rest of its process group is killed before the child is reaped, while
 * no other process can have the group's number. */
static void
reap (ForkServer *self, Child *child, const siginfo_t *info)
{
  guint64 id;

  if (child->pid == self->preforked_pid && *get_preforked (self) >= 0)
    handle_preforked_end (self);
  id = child->id;
  unwatch (self, child);
  kill (-child->pid, SIGKILL);
  TEMP_FAILURE_RETRY (waitpid (child->pid, NULL, 0));
  g_hash_table_remove (self->children, GINT_TO_POINTER (info->si_pid));
  self->is_kept = id != PREFORKED_ID && is_end_in_order (info);
  if (id != PREFORKED_ID && !ferry_fork_server_send_ended (self->control, id, info->si_code, info->si_status))
    finish (self, EXIT_SUCCESS);
  self->is_kept = FALSE;
}

/* Reaps what has ended. A process that a worker made with CLONE_PARENT is a child of the fork server too, but no
 * worker; so is what was adopted. Returns TRUE when all workers that ended have exited with status 0. Sets *ended when
 * one has ended. */
static gboolean
reap_ended (ForkServer *self, gboolean *ended)
{
  gboolean in_order = TRUE;

  for (;;)
    {
      siginfo_t info = {0};
      Child *child;

      if (waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || info.si_pid == 0)
        return in_order;
      child = find_child (self, info.si_pid);
      if (child != NULL)
        {
          *ended = TRUE;
          in_order = in_order && is_end_in_order (&info);
          reap (self, child, &info);
          continue;
        }
      TEMP_FAILURE_RETRY (waitpid (info.si_pid, NULL, __WALL));
      if (self->released != NULL)
        g_hash_table_remove (self->released, GINT_TO_POINTER (info.si_pid));
    }
}

/* Reaps all children that have ended, and kills what they leave, or releases it. One signal may stand for several ends.
 */
static void
reap_all (ForkServer *self)
{
  struct signalfd_siginfo signal_info;
  gboolean ended = FALSE;
  gboolean in_order = TRUE;

  /* Before the children are looked at: the signal of a later end stays. */
  while (TEMP_FAILURE_RETRY (read (self->polls[POLL_CHILDREN].fd, &signal_info, sizeof signal_info)) > 0)
    if (signal_info.ssi_signo != SIGCHLD)
      {
        self->is_told_to_end = TRUE;
        finish (self, EXIT_SUCCESS);
      }
  do
    in_order = reap_ended (self, &ended) && in_order;
  while (self->released != NULL && ended && in_order && !ferry_adopted_release_all (self->children, self->released));
  if (self->released != NULL && !in_order)
    ferry_adopted_kill_all (self->children, self->released);
}

/* Adds a new child. Returns (transfer full) its pidfd. When the pidfd cannot be opened, kills the child, and returns -1
 * with errno. */
static int
add_child (ForkServer *self, guint64 id, pid_t pid)
{
  int pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  int failure = errno;
  Child child = {.id = id, .pid = pid, .pidfd = -1};

  if (pidfd >= 0)
    {
      g_hash_table_insert (self->children, GINT_TO_POINTER (pid), g_memdup2 (&child, sizeof child));
      return pidfd;
    }
  kill (pid, SIGKILL);
  TEMP_FAILURE_RETRY (waitpid (pid, NULL, 0));
  errno = failure;
  return -1;
}

/* ---- a program that has threads ----
 *
 * It is never forked. Where the order allows it, the fork server executes its own program for the worker. That child
 * shares nothing with the fork server's threads: it makes system calls only, until it executes. */

/* (transfer full): the environment of an executed worker. */
static char **
make_environment (const FerryStartOrder *order)
{
  g_autofree char *control = g_strdup_printf ("%d", FERRY_SPAWN_CONTROL_FD);
  char **environment = order->environment != NULL ? g_strdupv (order->environment) : g_get_environ ();

  environment = g_environ_unsetenv (environment, FERRY_FORK_SERVER_VARIABLE);
  return g_environ_setenv (environment, FERRY_CONTROL_FD_VARIABLE, control, TRUE);
}

/* (transfer full) (nullable): the arguments that this process was executed with. */
static char **
read_arguments (GError **error)
{
  g_autofree char *line = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  gsize size;

  if (!g_file_get_contents ("/proc/self/cmdline", &line, &size, error))
    return NULL;
  for (const char *place = line; place < line + size; place += strlen (place) + 1)
    g_strv_builder_add (builder, place);
  return g_strv_builder_end (builder);
}

/* (transfer full): the path of this process' program, or another one of the kernel's where the file was replaced. */
static char *
find_program (void)
{
  g_autofree char *path = g_file_read_link ("/proc/self/exe", NULL);

  return g_strdup (path != NULL && access (path, X_OK) == 0 ? path : "/proc/self/exe");
}

static gboolean
execute (FerryStartOrder *order, GPid *pid, int *pidfd, GError **error)
{
  g_autoptr (FerrySpawnPlan) plan = g_new0 (FerrySpawnPlan, 1);

  plan->program = find_program ();
  plan->environ = make_environment (order);
  plan->cwd = order->cwd[0] != '\0' ? g_strdup (order->cwd) : NULL;
  plan->guardian = -1;
  read_attributes (order, &plan->attributes);
  for (guint i = 0; i < G_N_ELEMENTS (plan->streams); i++)
    plan->streams[i] = ferry_steal_fd (&order->streams[i]);
  plan->argv = read_arguments (error);
  return plan->argv != NULL && ferry_spawn (plan, order->control, pid, pidfd, error);
}

/* Waits for the end of an executed worker from now on. Fails with FERRY_ERROR_SYSTEM. */
static gboolean
watch (ForkServer *self, int pidfd, GError **error)
{
  int *set = &self->polls[POLL_EXECUTED].fd;
  struct epoll_event event = {.events = EPOLLIN};

  if (*set < 0)
    *set = epoll_create1 (EPOLL_CLOEXEC);
  return (*set >= 0 && epoll_ctl (*set, EPOLL_CTL_ADD, pidfd, &event) == 0) ||
         ferry_set_system_error (error, "Watching an executed worker (epoll)");
}

static Child *
add_executed (ForkServer *self, FerryStartOrder *order, GError **error)
{
  Child child = {.id = order->id, .pidfd = -1};

  if (!execute (order, &child.pid, &child.pidfd, error))
    return NULL;
  if (!watch (self, child.pidfd, error))
    {
      kill (child.pid, SIGKILL);
      TEMP_FAILURE_RETRY (waitpid (child.pid, NULL, 0));
      ferry_clear_fd (&child.pidfd);
      return NULL;
    }
  g_hash_table_insert (self->children, GINT_TO_POINTER (child.pid), g_memdup2 (&child, sizeof child));
  return find_child (self, child.pid);
}

/* Executes a worker for the order, and reports its start or the failure. Returns FALSE when that cannot be sent. */
static gboolean
execute_worker (ForkServer *self, FerryStartOrder *order, const char *why)
{
  const guint64 id = order->id;
  g_autoptr (GError) error = NULL;
  const Child *child = add_executed (self, order, &error);
  int number = child == NULL && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_SYSTEM) ? EAGAIN : ENOENT;

  if (child == NULL)
    return ferry_fork_server_send_failed (self->control, id, 0, number, error->message);
  return ferry_fork_server_send_started (self->control, id, child->pid, child->pidfd, why);
}

/* (transfer full) (nullable): why this process can fork no worker. */
static char *
find_reason_not_to_fork (void)
{
  guint n_threads = ferry_count_threads ();
  ferry_autofd pidfd = -1;

  if (n_threads > 1)
    return g_strdup_printf ("the fork server has %u threads, the second was found %s, and it cannot be forked safely; "
                            "start no threads in its program before its workers run, neither by GTK nor by another "
                            "library",
                            n_threads, threads_since != NULL ? threads_since : "after its last initialiser ran");
  pidfd = (int) syscall (SYS_pidfd_open, getpid (), 0);
  if (pidfd >= 0 || !ferry_is_refused (errno))
    return NULL;
  return g_strdup_printf ("the fork server cannot watch its workers (pidfd_open): %s" FERRY_REFUSED_REMEDY,
                          g_strerror (errno));
}

/* Executes the worker of the order, or refuses. */
static gboolean
avoid_fork (ForkServer *self, FerryStartOrder *order, const char *text)
{
  if ((order->flags & FERRY_START_MAY_EXECUTE) != 0)
    return execute_worker (self, order, text);
  return ferry_fork_server_send_failed (self->control, order->id, 0, 0, text);
}

/* Forks a worker for the order, and reports its start or the failure. Returns TRUE in the worker. */
static gboolean
fork_worker (ForkServer *self, FerryStartOrder *order)
{
  g_autofree char *reason = find_reason_not_to_fork ();
  const guint64 id = order->id;
  gboolean told;
  ferry_autofd pidfd = -1;
  pid_t pid = reason != NULL ? -1 : ferry_fork_child ();

  if (pid == 0)
    {
      close_fork_server_fds (self);
      become_worker (order, self->control);
      return TRUE;
    }
  if (reason != NULL)
    told = avoid_fork (self, order, reason);
  else if (pid < 0)
    told = send_failed (self->control, id, 0, "the fork server cannot fork", errno);
  else if ((pidfd = add_child (self, id, pid)) < 0)
    told = send_failed (self->control, id, 0, "the fork server cannot watch the worker (pidfd_open)", errno);
  else
    told = ferry_fork_server_send_started (self->control, id, pid, pidfd, NULL);
  if (!told)
    finish (self, EXIT_SUCCESS);
  /* The next worker needs other random numbers. */
  ferry_reseed ();
  return FALSE;
}

/* pre-forked child: reads its request, and sends its id to the fork server by socket. Stores the id in self->taking
 * before it reads. So the fork server knows the request if this child ends before it has sent the id. */
static FerryControlEvent
take_order (ForkServer *self, int socket, FerryStartOrder *order)
{
  guint64 id = ferry_start_order_peek (self->control);
  FerryControlEvent event;

  /* Relaxed: the fork server reads the id after the end of this process. */
  atomic_store_explicit (self->taking, id, memory_order_relaxed);
  event = ferry_start_order_receive (order, self->control, packet_buffer, NULL);
  if (event == FERRY_CONTROL_NOTHING)
    return event;
  if (event == FERRY_CONTROL_CLOSED || id == PREFORKED_ID)
    _exit (EXIT_SUCCESS);
  if (TEMP_FAILURE_RETRY (send (socket, &id, sizeof id, MSG_NOSIGNAL)) != (gssize) sizeof id)
    _exit (EXIT_FAILURE);
  if (event == FERRY_CONTROL_TAKEN)
    return event;
  ferry_fork_server_send_failed (
    self->control, id, getpid (), EMFILE,
    "the descriptors of its request did not reach the worker; raise the limit of open files");
  _exit (EXIT_FAILURE);
}

/* pre-forked child: waits for its request, and becomes the worker. Exits when the other end of socket is closed. */
static void
wait_as_preforked (ForkServer *self, int socket)
{
  struct pollfd polls[] = {{.fd = self->control, .events = POLLIN}, {.fd = socket, .events = POLLIN}};
  g_autofree char *name = g_strdup (g_get_prgname ());
  FerryStartOrder order;

  close_fork_server_fds (self);
  /* From here to the warm-up: writes to the pages that take_order() and become_worker() will write to, so that they are
   * copied before a request comes. */
  atomic_store_explicit (self->taking, PREFORKED_ID, memory_order_relaxed);
  set_name (name != NULL ? name : "preforked");
  g_unsetenv (FERRY_CONTROL_FD_VARIABLE);
  name_control (self->control);
  if (self->warm_up != NULL)
    self->warm_up ();
  do
    {
      TEMP_FAILURE_RETRY (poll (polls, G_N_ELEMENTS (polls), -1));
      if (polls[1].revents != 0)
        _exit (EXIT_SUCCESS);
    }
  while (take_order (self, socket, &order) != FERRY_CONTROL_TAKEN);
  close (socket);
  become_worker (&order, self->control);
  ferry_start_order_clear (&order);
}

/* Forks a child ahead of its request. Returns TRUE in the child, once it is a worker. When the fork fails, the fork
 * server forks again for the next request, and reports the reason if that fork fails too. */
static gboolean
fork_preforked (ForkServer *self)
{
  int sockets[2];
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
  self->preforked_pidfd = pid < 0 ? -1 : add_child (self, PREFORKED_ID, pid);
  if (self->preforked_pidfd < 0)
    {
      close (sockets[0]);
      return FALSE;
    }
  self->polls[POLL_PREFORKED] = (struct pollfd){.fd = sockets[0], .events = POLLIN};
  self->preforked_pid = pid;
  self->preforked_asked = FALSE;
  self->preforked_lost = FALSE;
  ferry_reseed ();
  return FALSE;
}

/* Reads a request, and forks its worker. Returns TRUE in the worker. */
static gboolean
serve (ForkServer *self)
{
  g_autoptr (GError) error = NULL;
  FerryStartOrder order;
  gboolean is_worker;

  switch (ferry_start_order_receive (&order, self->control, packet_buffer, &error))
    {
    case FERRY_CONTROL_TAKEN:
      self->preforked_lost = FALSE;
      is_worker = fork_worker (self, &order);
      ferry_start_order_clear (&order);
      return is_worker;
    case FERRY_CONTROL_INVALID:
      g_printerr ("ferry-fork-server: %s\n", error->message);
      /* If only descriptors of the request are missing, the fork server continues, without that worker. */
      if (order.id == PREFORKED_ID ||
          !send_failed (self->control, order.id, 0,
                        "the descriptors of its request did not reach the fork server; raise the limit of open files",
                        EMFILE))
        finish (self, EXIT_FAILURE);
      return FALSE;
    case FERRY_CONTROL_CLOSED:
      finish (self, EXIT_SUCCESS);
    default:
      return FALSE;
    }
}

/* Whether the pre-forked child reads the request that is in the control socket. Sets preforked_asked. */
static gboolean
leave_to_preforked (ForkServer *self)
{
  if (*get_preforked (self) < 0 || (self->polls[POLL_CONTROL].revents & (POLLHUP | POLLERR)) != 0)
    return FALSE;
  self->preforked_asked = ferry_start_order_peek (self->control) != PREFORKED_ID;
  if (self->preforked_asked)
    ferry_watchdog_start (&self->preforked_watchdog, FERRY_WATCHDOG_END, self->preforked_pid, PREFORKED_GRACE);
  return TRUE;
}

/* Kills a pre-forked child that has not read a waiting request in time, for instance one that SIGSTOP stopped. After
 * the child's end, the fork server reads the request itself. On a busy machine the child may wait long for a processor,
 * and is waited for. */
static void
end_stuck_preforked (ForkServer *self)
{
  self->preforked_asked = ferry_start_order_peek (self->control) != PREFORKED_ID;
  if (self->preforked_asked && ferry_watchdog_look (&self->preforked_watchdog))
    kill (self->preforked_pid, SIGKILL);
}

/* Runs the fork server. Returns only in a worker. */
static void
serve_all (ForkServer *self)
{
  for (;;)
    {
      static const struct timespec pause = {.tv_nsec = PREFORKED_PAUSE_NANOSECONDS};
      gboolean has_preforked = *get_preforked (self) >= 0;
      gboolean pausing = !has_preforked && !self->preforked_lost;
      gboolean waiting = has_preforked && self->preforked_asked;
      gint64 left = waiting ? ferry_watchdog_get_next_look (&self->preforked_watchdog) - g_get_monotonic_time () : 0;
      const struct timespec look = {.tv_nsec = CLAMP (left, 0, G_USEC_PER_SEC - 1) * 1000};
      const struct timespec *limit = pausing ? &pause : waiting ? &look : NULL;
      int n;

      /* While the pre-forked child reads a request, poll reports only the end of the application here (POLLHUP). */
      self->polls[POLL_CONTROL].events = waiting ? 0 : POLLIN;
      n = TEMP_FAILURE_RETRY (ppoll (self->polls, N_POLLS, limit, NULL));
      if (n == 0 && waiting)
        end_stuck_preforked (self);
      else if (n == 0 && fork_preforked (self))
        return;
      if (n > 0 && self->polls[POLL_APPLICATION].revents != 0)
        finish (self, EXIT_SUCCESS);
      if (n > 0 && self->polls[POLL_PREFORKED].revents != 0)
        read_preforked (self);
      if (n > 0 && (self->polls[POLL_CHILDREN].revents | self->polls[POLL_EXECUTED].revents) != 0)
        reap_all (self);
      if (n > 0 && self->polls[POLL_CONTROL].revents != 0 && !leave_to_preforked (self) && serve (self))
        return;
    }
}

int
ferry_fork_server_run (void (*warm_up) (void), GError **error)
{
  /* Static, since a worker returns from this function with it, and must not free it. */
  static ForkServer self;
  int is_subreaper = 0;
  int application;
  sigset_t ends;

  self.control = attach (&application, error);
  if (self.control < 0)
    return -1;
  prepare (self.control);
  self.warm_up = warm_up;
  self.taking = mmap (NULL, sizeof *self.taking, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (self.taking == MAP_FAILED)
    {
      ferry_set_system_error (error, "Making a fork server's memory (mmap)");
      return -1;
    }
  self.children = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  if (prctl (PR_GET_CHILD_SUBREAPER, &is_subreaper) == 0 && is_subreaper != 0)
    self.released = g_hash_table_new (NULL, NULL);
  self.preforked_pidfd = -1;
  ends = set_signals (SIG_BLOCK);
  self.polls[POLL_CONTROL] = (struct pollfd){.fd = self.control, .events = POLLIN};
  self.polls[POLL_PREFORKED] = (struct pollfd){.fd = -1, .events = POLLIN};
  self.polls[POLL_APPLICATION] = (struct pollfd){.fd = application, .events = POLLIN};
  self.polls[POLL_CHILDREN] = (struct pollfd){.fd = signalfd (-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN};
  self.polls[POLL_EXECUTED] = (struct pollfd){.fd = -1, .events = POLLIN};
  if (self.polls[POLL_CHILDREN].fd < 0)
    {
      ferry_set_system_error (error, "Watching a fork server's workers (signalfd)");
      return -1;
    }
  serve_all (&self);
  return 0;
}
