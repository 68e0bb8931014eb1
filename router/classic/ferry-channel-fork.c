/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Processes that are forked from this process, each with a channel to it: for programs without threads.
 *
 * No function of this file starts a thread, because a process with threads cannot be forked again. A source in the main
 * context watches the child's pidfd. A thread that waits for the channel iterates this context. Other children of the
 * process are not touched.
 *
 * References: the channel, the transport and the source have a reference to the Child. The transport has its reference
 *             because it calls hung_up() when the other process has closed the socket. The source has its reference
 *             until the process has ended. The child has weak references to channel and transport.
 * Threads:    the thread that created the channel. Only the channel's last reference may be dropped on any thread. */

#include "config.h"

#include "classic/ferry-channel-fork-private.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "base/ferry-watchdog-private.h"
#include "classic/ferry-polled-transport-private.h"
#include "conversation/ferry-channel-private.h"
#include "engine/ferry-exit-private.h"
#include "job/ferry-worker-main-private.h"
#include "link/ferry-pidfd-private.h"
#include "process/ferry-fork-private.h"

/* How long a child may run after its channel was dropped, in microseconds. */
#define GRACE (5 * G_USEC_PER_SEC)
/* How long a child may run, or do nothing, until it ends after its socket, in microseconds: the transport's error says
 * how it ended. */
#define HUNG_UP_GRACE (1 * G_USEC_PER_SEC)

typedef struct
{
  FerryChannelProcess process;
  GPid pid;             /* const */
  GWeakRef transport;   /* any: weak: the transport of the parent's end of the channel */
  GSource *source;      /* const: (owned): watches pidfd, and has a reference to the child until it is destroyed */
  int pidfd;            /* const until unwatch(); then -1 */
  guint64 signals_sent; /* bit n - 1: this process sent the child signal n */
  pthread_mutex_t lock;
  gint64 kill_at;         /* guarded by lock: when to kill the child; monotonic time, G_MAXINT64: never */
  gint64 lost_at;         /* guarded by lock: when to look at a child that closed its socket and runs; as kill_at */
  FerryWatchdog watchdog; /* guarded by lock: over that child */
  GList node;             /* the link in `children` */
} Child;

static GQueue children = G_QUEUE_INIT; /* (element-type Child) (unowned): the children that are watched */

static void
child_clear (gpointer data)
{
  Child *self = data;

  g_assert (self->pidfd < 0);
  g_source_unref (self->source);
  g_weak_ref_clear (&self->transport);
  pthread_mutex_destroy (&self->lock);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Child, ferry_channel_process_unref)

/* ---- the end of a child ---- */

/* Stops watching the child. The caller must have a reference to the child, since the source drops its own. */
static void
unwatch (Child *self)
{
  if (self->pidfd < 0)
    return;
  g_queue_unlink (&children, &self->node);
  g_source_destroy (self->source);
  ferry_clear_fd (&self->pidfd);
}

static void
lose_transport (Child *self, const char *how)
{
  g_autoptr (FerryTransport) transport = g_weak_ref_get (&self->transport);
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, how);

  if (transport != NULL)
    ferry_transport_end (transport, reason);
}

static void
has_ended (Child *self, const siginfo_t *info)
{
  g_autoptr (FerryTransport) transport = g_weak_ref_get (&self->transport);
  const char *name = g_get_prgname () != NULL ? g_get_prgname () : "child";
  FerryExit *exit = ferry_exit_new_for_process (name, self->pid, info->si_code, info->si_status, self->signals_sent);

  unwatch (self);
  /* Receives all that the child had sent, before the transport is ended. */
  if (transport != NULL)
    ferry_polled_transport_drain (transport);
  lose_transport (self, ferry_exit_get_message (exit));
  ferry_channel_process_end (&self->process, exit);
}

/* Takes the child's exit status, if it has ended. Returns FALSE while the child runs. */
static gboolean
reap (Child *self)
{
  siginfo_t info = {0};

  if (self->pidfd < 0)
    return TRUE;
  /* If waitid() fails, other code has taken the status: then, too, the child has ended. */
  if (waitid ((idtype_t) P_PIDFD, (id_t) self->pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0)
    return FALSE;
  has_ended (self, &info);
  return TRUE;
}

/* The process is not reaped while there is a pidfd, so the signal reaches no other process. */
static void
send_signal (gpointer data, int number)
{
  Child *self = data;

  if (self->pidfd < 0)
    return;
  self->signals_sent |= G_GUINT64_CONSTANT (1) << (number - 1);
  ferry_pidfd_signal (self->pidfd, self->pid, number);
}

static void
set_alarm_locked (Child *self)
{
  gint64 next = MIN (self->kill_at, self->lost_at);

  if (!g_source_is_destroyed (self->source))
    g_source_set_ready_time (self->source, next == G_MAXINT64 ? -1 : next);
}

static void
look_at_clock (Child *self)
{
  gint64 now = g_get_monotonic_time ();
  gboolean lost;
  gboolean killed;

  pthread_mutex_lock (&self->lock);
  lost = self->lost_at <= now && ferry_watchdog_look (&self->watchdog);
  killed = self->kill_at <= now;
  if (self->lost_at <= now)
    self->lost_at = lost ? G_MAXINT64 : ferry_watchdog_get_next_look (&self->watchdog);
  self->kill_at = killed ? G_MAXINT64 : self->kill_at;
  set_alarm_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (killed)
    send_signal (self, SIGKILL);
  if (lost)
    lose_transport (self, "The process has closed its end of the channel but runs on; close the channel in the process "
                          "only before it exits");
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_autoptr (Child) self = ferry_channel_process_ref (data);

  if (!reap (self))
    look_at_clock (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = dispatch};

/* Called when the other process has closed the socket, probably because it has ended. Ends the transport now, if the
 * exit status is known, or when it has ended. */
static void
hung_up (gpointer data)
{
  g_autoptr (Child) self = ferry_channel_process_ref (data);

  if (self->process.exit != NULL)
    {
      lose_transport (self, ferry_exit_get_message (self->process.exit));
      return;
    }
  FERRY_AUTO_LOCK (&self->lock);
  ferry_watchdog_start (&self->watchdog, FERRY_WATCHDOG_END, self->pid, HUNG_UP_GRACE);
  self->lost_at = ferry_watchdog_get_next_look (&self->watchdog);
  set_alarm_locked (self);
}

/* any: called when the channel was dropped. Sets when the child is killed. Takes ownership of data. */
static void
drop (gpointer data)
{
  Child *self = data;

  pthread_mutex_lock (&self->lock);
  self->kill_at = ferry_time_add (g_get_monotonic_time (), GRACE);
  set_alarm_locked (self);
  pthread_mutex_unlock (&self->lock);
  ferry_channel_process_unref (self);
}

/* Reaps or kills the children of channels that were dropped, because their context may no longer be iterated. */
static void
look_after_dropped (void)
{
  GList *next;

  for (GList *node = children.head; node != NULL; node = next)
    {
      g_autoptr (Child) self = ferry_channel_process_ref (node->data);
      g_autoptr (FerryChannel) channel = g_weak_ref_get (&self->process.channel);

      next = node->next;
      if (channel == NULL && !reap (self))
        look_at_clock (self);
    }
}

/* ---- the start of a child ---- */

/* parent: makes the Child of a process that was forked, and starts watching it. Takes ownership of pidfd. */
static Child *
child_new (FerryChannel *channel, GPid pid, int pidfd)
{
  Child *self = g_new0 (Child, 1);
  GMainContext *context = ferry_channel_get_context (channel);

  self->process.drop = drop;
  self->process.clear = child_clear;
  self->process.send_signal = send_signal;
  self->process.identifier = g_strdup_printf ("%d", (int) pid);
  ferry_channel_process_init (&self->process, channel, ferry_affinity_new (context, g_thread_self ()), NULL, NULL);
  self->pid = pid;
  self->pidfd = pidfd;
  self->kill_at = G_MAXINT64;
  self->lost_at = G_MAXINT64;
  pthread_mutex_init (&self->lock, NULL);
  g_weak_ref_init (&self->transport, ferry_channel_get_transport (channel));
  self->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_callback (self->source, NULL, ferry_channel_process_ref (self), ferry_channel_process_unref);
  g_source_set_static_name (self->source, "[ferry] child");
  g_source_add_unix_fd (self->source, pidfd, G_IO_IN);
  g_source_attach (self->source, context);
  self->node.data = self;
  g_queue_push_tail_link (&children, &self->node);
  return self;
}

static FerryChannel *
channel_new (int fd)
{
  g_autoptr (FerryTransport) transport = ferry_polled_transport_new (fd);

  return ferry_channel_new (transport);
}

/* parent: makes the parent's end of a channel to a child that was forked. */
static FerryChannel *
join (GPid pid, int pidfd, int fd)
{
  FerryChannel *channel = channel_new (fd);
  Child *child = child_new (channel, pid, pidfd);

  ferry_polled_transport_set_hang_up_func (ferry_channel_get_transport (channel), hung_up,
                                           ferry_channel_process_ref (child), ferry_channel_process_unref);
  return channel;
}

/* child: makes the child's end of the channel. Does not touch its copy of the parent's main context. */
static FerryChannel *
begin_as_child (int fd)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  FerryChannel *channel;

  /* Waits for the parent's greeting, which the parent sends after it has opened the pidfd. If the child ended before
   * that, other code of the parent might reap it, and its process number might then belong to another process. */
  TEMP_FAILURE_RETRY (poll (&poll_fd, 1, -1));
  ferry_polled_transport_disown_all ();
  while (children.head != NULL)
    {
      g_autoptr (Child) other = ferry_channel_process_ref (children.head->data);

      unwatch (other);
    }
  ferry_channel_process_forget_all ();
  ferry_reseed ();
  /* This context remains the thread's default one until the process ends. */
  g_main_context_push_thread_default (g_main_context_new ());
  channel = channel_new (fd);
  ferry_worker_main_handle_fork ();
  return channel;
}

static gboolean
check_may_fork (GError **error)
{
  guint n_threads = ferry_count_threads ();
  g_autofree char *names = NULL;

  if (ferry_transport_is_handing_over ())
    return ferry_set_error (error, FERRY_ERROR_BUSY,
                            "A process cannot be forked in a callback of a channel's messages, because its child would "
                            "continue in that callback; call ferry_channel_create() outside of callbacks");
  if (n_threads == 0)
    return ferry_set_error (
      error, FERRY_ERROR_REFUSED,
      "Ferry cannot count this process' threads without /proc; mount /proc, or use ferry_channel_start()");
  if (n_threads == 1)
    return TRUE;
  names = ferry_list_threads ();
  return ferry_set_error (error, FERRY_ERROR_REFUSED,
                          "This process has %u threads, and a process with threads cannot be forked safely; use "
                          "ferry_channel_start(), or create all channels before a thread is started. Threads: %s",
                          n_threads, names);
}

/* parent: kills and reaps a child that cannot be watched. */
static FerryChannel *
give_up_child (pid_t pid, GError **error)
{
  ferry_set_system_error (error, "Watching the new process (pidfd_open)");
  kill (pid, SIGKILL);
  TEMP_FAILURE_RETRY (waitpid (pid, NULL, 0));
  return NULL;
}

FerryChannel *
ferry_channel_fork (GError **error)
{
  ferry_autofd ours = -1;
  ferry_autofd theirs = -1;
  int fds[2];
  int pidfd;
  pid_t pid;

  look_after_dropped ();
  if (!check_may_fork (error))
    return NULL;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    {
      ferry_set_system_error (error, "Making a channel (socketpair)");
      return NULL;
    }
  ours = fds[0];
  theirs = fds[1];
  /* Writes the buffers of all streams now. Otherwise both processes would write what is in the buffers. */
  fflush (NULL);
  pid = ferry_fork_child ();
  if (pid < 0)
    {
      ferry_set_system_error (error, "Starting a process (fork)");
      return NULL;
    }
  if (pid == 0)
    {
      ferry_clear_fd (&ours);
      return begin_as_child (ferry_steal_fd (&theirs));
    }
  pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  return pidfd < 0 ? give_up_child (pid, error) : join (pid, pidfd, ferry_steal_fd (&ours));
}

void
ferry_channel_exit_fork (FerryChannel *self, int status)
{
  if (!FERRY_IS_CHANNEL (self) || ferry_transport_get_context (ferry_channel_get_transport (self)) == NULL ||
      ferry_channel_get_process (self) != NULL)
    g_error (
      "ferry_channel_exit() was called outside of a child of ferry_channel_create(), or with another channel; "
      "call it only in such a child, with the channel of ferry_channel_create(), and return from main() in the parent");
  ferry_channel_close (self);
  ferry_channel_flush (self);
  fflush (NULL);
  _exit (status);
}
