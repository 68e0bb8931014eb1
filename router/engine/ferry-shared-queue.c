/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shared queue: the up lanes of all links as the monitor sees them, the events of their doorbells, sockets and
 * processes, and the checks that end a link.
 *
 * Owner:     the monitor.
 * Threads:   one thread at a time drains the queue: that with the drain lock (FerryDrainLock). Any thread may call
 *            ferry_shared_queue_wake().
 * Invariant: an idle link costs nothing. Its empty lane is armed: its writer rings the doorbell with the next record.
 *            Such a link is not in the list of active links. An event of its doorbell, control socket or process puts
 *            it into the list. For links that are not idle see FerryVisits. */

#include "config.h"

#include "engine/ferry-shared-queue-private.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-wake-private.h"
#include "link/ferry-orphan-private.h"
#include "link/ferry-pidfd-private.h"

#define N_EVENTS 64

/* How many packets of one control socket are taken for one event. The rest is another event, after other links' turn.
 */
#define MAX_PACKETS 16

/* How long a process may run, or do nothing, after it closed its control socket, in microseconds. */
#define HANG_UP_GRACE (1 * G_USEC_PER_SEC)

/* A guardian that ends is replaced at once. But after MAX_SOON guardians in a row that ended within SOON microseconds,
 * the next guardian is started only at the next launch. */
#define SOON (1 * G_USEC_PER_SEC)
#define MAX_SOON 3

/* A doorbell is never read: each ring is an edge. */
#define DOORBELL_EVENTS (EPOLLIN | EPOLLET)

/* The watches of descriptors that belong to no link. */
static FerryWatch wake_watch = {FERRY_WATCH_WAKE, NULL};
static FerryWatch guardian_watch = {FERRY_WATCH_GUARDIAN, NULL};
static FerryWatch bells_watch = {FERRY_WATCH_BELLS, NULL};

static gboolean
watch (int epoll, int fd, guint32 events, gpointer what, GError **error)
{
  struct epoll_event event = {.events = events, .data.ptr = what};

  if (epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event) < 0)
    return ferry_set_system_error (error, "Watching a descriptor (epoll_ctl)");
  return TRUE;
}

static void
ignore_doorbell (FerrySharedQueue *self, FerryLink *link)
{
  epoll_ctl (self->bells, EPOLL_CTL_DEL, link->doorbell, NULL);
}

/* Mutes a link's doorbell, or lets it be heard again. A doorbell that has ever rung then counts as one that rings
 * again, so no ring is lost. */
void
ferry_shared_queue_set_muted (FerrySharedQueue *self, FerryLink *link, gboolean muted)
{
  struct epoll_event event = {.events = muted ? 0 : DOORBELL_EVENTS, .data.ptr = link};

  if (link->visit.is_muted == muted)
    return;
  link->visit.is_muted = muted;
  if (muted)
    ferry_traffic_note_muted (&link->traffic);
  /* Fails where the doorbell is ignored already, because the link has ended. */
  epoll_ctl (self->bells, EPOLL_CTL_MOD, link->doorbell, &event);
}

FerrySharedQueue *
ferry_shared_queue_new (GError **error)
{
  g_autoptr (FerrySharedQueue) self = g_new0 (FerrySharedQueue, 1);

  ferry_deadlines_init (&self->deadlines);
  self->wake = self->bells = -1;
  self->guardian.socket = -1;
  self->epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (self->epoll >= 0)
    self->bells = epoll_create1 (EPOLL_CLOEXEC);
  if (self->bells < 0)
    {
      ferry_set_system_error (error, "Making the shared queue (epoll_create1)");
      return NULL;
    }
  self->wake = ferry_doorbell_new (error);
  if (self->wake < 0)
    return NULL;
  self->hears = TRUE;
  return watch (self->epoll, self->wake, EPOLLIN | EPOLLET, &wake_watch, error) &&
             watch (self->epoll, self->bells, EPOLLIN, &bells_watch, error)
           ? g_steal_pointer (&self)
           : NULL;
}

void
ferry_shared_queue_free (FerrySharedQueue *self)
{
  g_assert (g_queue_is_empty (&self->links));
  ferry_shared_queue_close_guardian (self);
  ferry_clear_fd (&self->epoll);
  ferry_clear_fd (&self->bells);
  ferry_clear_fd (&self->wake);
  ferry_deadlines_clear (&self->deadlines);
  g_free (self);
}

/* any: ends the ferry_shared_queue_wait() that is running, or the next one. */
void
ferry_shared_queue_wake (FerrySharedQueue *self)
{
  ferry_doorbell_ring (self->wake);
}

/* any, with the lock of a link's down held: makes the draining thread end the link that has a fault. */
static void
report_fault (FerrySharedQueue *self)
{
  /* Release: pairs with the exchange in handle_faults(). The fault itself is ordered by the lock. */
  atomic_store_explicit (&self->faults, 1, memory_order_release);
  ferry_shared_queue_wake (self);
}

static gboolean
guard (FerrySharedQueue *self, FerryLink *link, int flags)
{
  FerryGuardianWord word = link->fork_server != NULL ? FERRY_GUARDIAN_GUARD_FORK_SERVER : FERRY_GUARDIAN_GUARD;

  return self->guardian.socket < 0 || link->process.pid == 0 || link->process.pidfd < 0 || link->process.reaped ||
         ferry_guardian_tell (self->guardian.socket, word, link->process.pid, link->process.pidfd, flags);
}

/* Makes the guardian also end this worker of a fork server. Does nothing without a guardian. Never waits. */
void
ferry_shared_queue_guard (FerrySharedQueue *self, FerryLink *link)
{
  if (!guard (self, link, MSG_DONTWAIT))
    g_debug ("The guardian was not notified of worker '%s': %s", link->name, g_strerror (errno));
}

static gboolean
guard_all (FerrySharedQueue *self, GError **error)
{
  for (GList *node = self->links.head; node != NULL; node = node->next)
    if (!guard (self, node->data, 0))
      return ferry_set_system_error (error, "Notifying the guardian of a worker (sendmsg)");
  return TRUE;
}

/* Makes a guardian guard the processes of all links. Starts a guardian if none runs. Does nothing where the guardian's
 * program is missing. start: starts a guardian. */
gboolean
ferry_shared_queue_open_guardian (FerrySharedQueue *self, FerryGuardianStartFunc start, GError **error)
{
  FerryGuardian *guardian = &self->guardian;

  if (guardian->socket >= 0)
    return TRUE;
  self->start_guardian = start;
  if (!start (guardian, error))
    return FALSE;
  if (guardian->socket < 0)
    return TRUE;
  if (watch (self->epoll, guardian->socket, EPOLLIN | EPOLLRDHUP, &guardian_watch, error) && guard_all (self, error))
    return TRUE;
  ferry_shared_queue_close_guardian (self);
  return FALSE;
}

void
ferry_shared_queue_close_guardian (FerrySharedQueue *self)
{
  if (self->guardian.socket >= 0)
    epoll_ctl (self->epoll, EPOLL_CTL_DEL, self->guardian.socket, NULL);
  ferry_clear_fd (&self->guardian.socket);
}

/* The guardian was killed. Starts another one at once, or leaves that to the next launch. */
static void
handle_guardian (FerrySharedQueue *self)
{
  g_autoptr (GError) error = NULL;

  self->n_guardians_soon = g_get_monotonic_time () - self->guardian.started_at < SOON ? self->n_guardians_soon + 1 : 0;
  ferry_shared_queue_close_guardian (self);
  if (self->n_guardians_soon < MAX_SOON && !ferry_shared_queue_open_guardian (self, self->start_guardian, &error))
    g_debug ("The guardian ended and could not be replaced; the next launch tries again: %s", error->message);
}

/* Closes a descriptor, and first removes it from the epoll set. A close alone does not remove it where a worker also
 * has the file open. */
static void
forget (FerrySharedQueue *self, int *fd)
{
  if (*fd >= 0)
    epoll_ctl (self->epoll, EPOLL_CTL_DEL, *fd, NULL);
  ferry_clear_fd (fd);
}

/* Takes the control socket from the link, with the lock: another thread may be sending descriptors over the socket. */
static int
steal_control (FerryLink *link)
{
  FERRY_AUTO_LOCK (&link->down.lock);
  return ferry_steal_fd (&link->control);
}

/* Closes the control socket. Unread packets are dropped with it. Their descriptors may take long to close, so another
 * thread closes a socket that has unread packets. */
static void
forget_control (FerrySharedQueue *self, FerryLink *link)
{
  ferry_autofd control = steal_control (link);
  char byte;

  if (control < 0)
    return;
  epoll_ctl (self->epoll, EPOLL_CTL_DEL, control, NULL);
  shutdown (control, SHUT_RDWR);
  if (recv (control, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) > 0)
    ferry_orphan_close (ferry_steal_fd (&control));
}

void
ferry_shared_queue_activate (FerrySharedQueue *self, FerryLink *link)
{
  if (link->visit.is_active)
    return;
  link->visit.is_active = TRUE;
  g_queue_push_tail_link (&self->active, &link->visit.active_node);
}

void
ferry_shared_queue_deactivate (FerrySharedQueue *self, FerryLink *link)
{
  if (!link->visit.is_active)
    return;
  link->visit.is_active = FALSE;
  g_queue_unlink (&self->active, &link->visit.active_node);
}

static void
set_queue (FerrySharedQueue *self, FerryLink *link)
{
  FERRY_AUTO_LOCK (&link->down.lock);

  link->queue = self;
  link->down.report_fault = report_fault;
  if (self != NULL && link->down.fault != NULL)
    report_fault (self);
}

void
ferry_shared_queue_set_deadline (FerrySharedQueue *self, FerryLink *link, gint64 deadline)
{
  if (deadline != 0)
    ferry_deadlines_set (&self->deadlines, &link->deadline, deadline);
  else
    ferry_deadlines_unset (&self->deadlines, &link->deadline);
}

/* Gives a process timeout microseconds for what the link's state waits for, in which it may do nothing. It is the
 * process at the other end, or the fork server that starts that one. 0: no limit. */
void
ferry_shared_queue_expect (FerrySharedQueue *self, FerryLink *link, FerryWatchdogKind kind, GPid pid, gint64 timeout)
{
  ferry_watchdog_start (&link->process.watchdog, kind, pid, timeout);
  ferry_shared_queue_set_deadline (self, link,
                                   timeout > 0 ? ferry_watchdog_get_next_look (&link->process.watchdog) : 0);
}

static void
watch_control (FerrySharedQueue *self, FerryLink *link, guint32 events)
{
  struct epoll_event event = {.events = events | EPOLLRDHUP, .data.ptr = &link->control_watch};

  epoll_ctl (self->epoll, EPOLL_CTL_MOD, link->control, &event);
}

/* Sets whether room in a fork server's control socket is an event. */
void
ferry_shared_queue_watch_room (FerrySharedQueue *self, FerryLink *link, gboolean watched)
{
  watch_control (self, link, watched ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Adds the pipes of the worker's output to the epoll set, edge-triggered. So after an event, a pipe must be read until
 * it is empty. */
static gboolean
watch_output (FerrySharedQueue *self, FerryLink *link, GError **error)
{
  if (link->output != NULL)
    link->output->epoll = self->epoll;
  for (guint i = 0; link->output != NULL && i < FERRY_N_OUTPUTS; i++)
    {
      int fd = link->output->pipes[i].fd;

      if (fd >= 0 && !watch (self->epoll, fd, EPOLLIN | EPOLLET, &link->output_watch, error))
        return FALSE;
    }
  return TRUE;
}

/* Undoes the watches of a link that could not be added. Other owners may keep the link, with its descriptors, alive. */
static void
unwatch (FerrySharedQueue *self, FerryLink *link)
{
  int control = steal_control (link);

  ignore_doorbell (self, link);
  forget (self, &control);
  for (guint i = 0; link->output != NULL && i < FERRY_N_OUTPUTS; i++)
    if (link->output->pipes[i].fd >= 0)
      epoll_ctl (self->epoll, EPOLL_CTL_DEL, link->output->pipes[i].fd, NULL);
  if (link->output != NULL)
    link->output->epoll = -1;
}

/* Adds a link, takes a reference to it, and arms its up lane, so that the writer rings for the next record. */
gboolean
ferry_shared_queue_add (FerrySharedQueue *self, FerryLink *link, GError **error)
{
  if (!watch (self->bells, link->doorbell, DOORBELL_EVENTS, link, error) ||
      (link->control >= 0 && !watch (self->epoll, link->control, EPOLLIN | EPOLLRDHUP, &link->control_watch, error)) ||
      !watch_output (self, link, error))
    {
      unwatch (self, link);
      return FALSE;
    }
  if (link->local)
    link->state = FERRY_LINK_OPEN;
  else if (link->process.parent == FERRY_PARENT_SELF)
    ferry_shared_queue_expect (self, link, FERRY_WATCHDOG_START, 0, link->attach_timeout);
  ferry_traffic_init (&link->traffic);
  ferry_link_ref (link);
  set_queue (self, link);
  g_queue_push_tail_link (&self->links, &link->queue_node);
  ferry_lane_reader_arm (&link->up);
  /* A local sender may have sent before the lane was armed, and so without a ring. A worker's link is visited when it
   * opens. */
  if (link->local)
    ferry_shared_queue_activate (self, link);
  return TRUE;
}

/* Sets the process at the other end of the link, and watches its end. Takes pidfd. */
gboolean
ferry_shared_queue_set_process (FerrySharedQueue *self, FerryLink *link, GPid pid, int pidfd, GError **error)
{
  link->process.pid = link->process.watchdog.pid = pid;
  link->process.pidfd = pidfd;
  return watch (self->epoll, pidfd, EPOLLIN, &link->process.watch, error);
}

void
ferry_shared_queue_remove (FerrySharedQueue *self, FerryLink *link)
{
  ferry_shared_queue_deactivate (self, link);
  ferry_shared_queue_set_deadline (self, link, 0);
  ignore_doorbell (self, link);
  ferry_clear_fd (&link->doorbell);
  forget_control (self, link);
  forget (self, &link->process.pidfd);
  g_queue_unlink (&self->links, &link->queue_node);
  set_queue (NULL, link);
  ferry_link_unref (link);
}

/* Sends a signal to the process of a link. Where this process may not kill it, since it has changed its user or runs
 * under a filter of system calls, the guardian does, which has kept the rights of the first launch. A process that
 * nobody can kill loses its link after HANG_UP_GRACE (handle_timeout()): it sees its control socket closed, and may end
 * by itself. */
void
ferry_shared_queue_send_signal (FerrySharedQueue *self, FerryLink *link, int signal_number)
{
  if (ferry_link_send_signal (link, signal_number) || errno == ESRCH || signal_number != SIGKILL ||
      link->process.refused_kill != 0)
    return;
  link->process.refused_kill = errno;
  if (self->guardian.socket >= 0)
    ferry_guardian_tell (self->guardian.socket, FERRY_GUARDIAN_KILL, link->process.pid, -1, MSG_DONTWAIT);
  if (link->state != FERRY_LINK_ENDED && link->queue != NULL)
    ferry_shared_queue_expect (self, link, FERRY_WATCHDOG_END, link->process.pid, HANG_UP_GRACE);
}

/* Ends the process of a link: one that tidies up has some time for that. */
void
ferry_shared_queue_end_in_order (FerrySharedQueue *self, FerryLink *link)
{
  if (!ferry_link_ask_to_end (link))
    ferry_shared_queue_send_signal (self, link, SIGKILL);
  else if (link->state != FERRY_LINK_ENDED && link->queue != NULL)
    ferry_shared_queue_expect (self, link, FERRY_WATCHDOG_END,
                               link->confinement.pid != 0 ? link->confinement.pid : link->process.pid,
                               FERRY_TIDY_GRACE);
}

/* Ends the link of a process that could not be killed. */
static void
give_up_process (FerrySharedQueue *self, FerryLink *link)
{
  g_autofree char *detail = g_strdup_printf (
    "Worker '%s' (process %d) could not be ended: %s; it has lost its link and may run on. Start workers after the "
    "application has changed its user, and let a filter of system calls allow kill() and pidfd_send_signal()",
    link->name, (int) link->process.pid, g_strerror (link->process.refused_kill));

  g_warning ("%s", detail);
  ferry_link_note (link, FERRY_CLOSE_REASON_KILLED, detail);
  ferry_shared_queue_end_process (self, link);
}

/* Returns the cause for the end of a fork server's workers. event: what ended the fork server's link. */
static int
get_cause_for_workers (FerryLinkEvent event)
{
  if (event == FERRY_LINK_STOP)
    return FERRY_CLOSE_REASON_ROUTER_STOPPED;
  return event == FERRY_LINK_LAUNCH_FAILED ? FERRY_CLOSE_REASON_LAUNCH_FAILED : FERRY_CLOSE_REASON_FORK_SERVER_LOST;
}

/* Gives the fork server, which is the parent of a process that has ended, time to report how. */
static void
expect_report (FerrySharedQueue *self, FerryLink *link)
{
  ferry_shared_queue_expect (self, link, FERRY_WATCHDOG_END, ferry_read_parent (link->process.pid), HANG_UP_GRACE);
}

/* Sets the link's state, and does what follows from it for a fork server and for the fork server's workers. */
static void
enter_state (FerrySharedQueue *self, FerryLink *link, FerryLinkState state, FerryLinkEvent event)
{
  FerryLinkState before = link->state;

  link->state = state;
  link->was_open = link->was_open || state == FERRY_LINK_OPEN;
  if (link->fork_server != NULL && state == FERRY_LINK_OPEN)
    ferry_fork_server_link_flush (self, link);
  else if (link->fork_server != NULL && state > FERRY_LINK_OPEN && before <= FERRY_LINK_OPEN)
    ferry_fork_server_link_lose (self, link, get_cause_for_workers (event));
  if (link->process.parent == FERRY_PARENT_ASKED && event == FERRY_LINK_TIMEOUT)
    ferry_shared_queue_apply (self, link, FERRY_LINK_LAUNCH_FAILED, NULL);
  else if (link->bound && event == FERRY_LINK_TIMEOUT)
    ferry_shared_queue_apply (self, link, FERRY_LINK_PROCESS_ENDED, NULL);
  else if (link->process.gone && !ferry_deadline_is_set (&link->deadline) && state != FERRY_LINK_ENDED)
    expect_report (self, link);
}

/* Applies an event to the link. Only this function changes a link's state. A link that is not in a queue ignores all
 * events. Its end was reported, and a late event, such as a fork server's answer, must not open it again. */
void
ferry_shared_queue_apply (FerrySharedQueue *self, FerryLink *link, FerryLinkEvent event, const char *detail)
{
  const FerryLinkTransition *transition = ferry_link_state_next (link->state, event);

  if (link->queue == NULL)
    return;
  if (event == FERRY_LINK_FAULT || transition->next == FERRY_LINK_ENDED)
    ferry_shared_queue_activate (self, link);
  ferry_link_note (link, transition->cause, detail);
  if (event == FERRY_LINK_FAULT)
    ferry_link_blame_worker (link);
  /* When the router stops, a fork server that has attached is not killed here. It reaps its workers and ends by itself
   * when its control socket is closed. */
  if (transition->kill && !(event == FERRY_LINK_STOP && link->fork_server != NULL && link->state == FERRY_LINK_OPEN) &&
      !(event == FERRY_LINK_STOP && ferry_link_ask_to_end (link)))
    ferry_shared_queue_send_signal (self, link, SIGKILL);
  if (transition->next == link->state && event != FERRY_LINK_TIMEOUT)
    return;

  if (link->process.refused_kill == 0 || transition->next == FERRY_LINK_ENDED)
    ferry_shared_queue_set_deadline (self, link, 0);
  if (link->fork_server != NULL && transition->next > FERRY_LINK_OPEN)
    ferry_fork_server_link_close (link);
  if (transition->next == FERRY_LINK_HUNG_UP && link->state != FERRY_LINK_HUNG_UP)
    {
      forget_control (self, link);
      if (link->process.refused_kill == 0)
        ferry_shared_queue_expect (self, link, FERRY_WATCHDOG_END,
                                   link->confinement.pid != 0 ? link->confinement.pid : link->process.pid,
                                   HANG_UP_GRACE);
    }
  else if (transition->next == FERRY_LINK_ENDED)
    {
      forget_control (self, link);
      ignore_doorbell (self, link);
    }
  else if (transition->next == FERRY_LINK_OPEN)
    ferry_shared_queue_activate (self, link);
  enter_state (self, link, transition->next, event);
}

/* Makes the current tail of the up lane final, after the worker broke a rule outside of the up lane. Records that were
 * published before are still drained. But before the worker attaches, the content of the lane is undefined. */
static void
fix_tail (FerryLink *link)
{
  if (link->state == FERRY_LINK_ATTACHING)
    link->draining_done = TRUE;
  if (link->draining_done || link->tail_final)
    return;
  /* Where the tail is invalid, the latest valid tail is the end. */
  ferry_lane_reader_look_to_end (&link->up);
  link->tail_final = TRUE;
}

/* Ends a link because its worker broke a rule outside of the up lane. Records that were published before are
 * drained. */
void
ferry_shared_queue_fault (FerrySharedQueue *self, FerryLink *link, const char *detail)
{
  if (link->cause == FERRY_CLOSE_REASON_PROTOCOL_ERROR)
    return;
  fix_tail (link);
  ferry_shared_queue_apply (self, link, FERRY_LINK_FAULT, detail);
}

/* Handles the statement of a process that it is no worker. A process without senders need not attach, and goes on.
 * Nothing more is read of its socket: each application that it starts may state the same, as often as it likes. */
static FerryControlEvent
take_no_worker (FerrySharedQueue *self, FerryLink *link, GError **error)
{
  if (link->connection_ids->len == 0 && link->fork_server == NULL)
    {
      g_clear_error (error);
      link->process.said = FERRY_CONTROL_NO_WORKER;
      watch_control (self, link, 0);
      return FERRY_CONTROL_TAKEN;
    }
  ferry_link_note (link, FERRY_CLOSE_REASON_NEVER_ATTACHED, (*error)->message);
  return FERRY_CONTROL_INVALID;
}

/* Handles the word of a fork server that it runs its initialisers, which may take as long as they like. */
static FerryControlEvent
take_prepares (FerrySharedQueue *self, FerryLink *link, GError **error)
{
  if (link->fork_server != NULL && link->process.said == 0)
    {
      link->process.said = FERRY_CONTROL_PREPARES;
      ferry_shared_queue_set_deadline (self, link, 0);
      return FERRY_CONTROL_TAKEN;
    }
  ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                   link->process.said != 0 ? "The fork server said twice that it prepares itself; it must say so once"
                                           : "The worker said that it prepares itself; only a fork server does");
  return FERRY_CONTROL_INVALID;
}

/* Takes what a worker that has attached says. */
static FerryControlEvent
receive_later (FerryLink *link, GArray *orphans, GError **error)
{
  FerryCrashPacket *crash;
  FerryControlEvent event = ferry_control_receive_later (link->control, &crash, orphans, error);

  return event != FERRY_CONTROL_TAKEN || ferry_link_take_crash (link, crash, error) ? event : FERRY_CONTROL_INVALID;
}

static FerryControlEvent
receive (FerrySharedQueue *self, FerryLink *link, GError **error)
{
  gboolean attached = link->state != FERRY_LINK_ATTACHING;
  gboolean awaited = link->confinement.awaited;
  FerryControlEvent event;
  GArray *orphans;

  if (link->process.said == FERRY_CONTROL_NO_WORKER)
    return ferry_control_is_hung_up (link->control) ? FERRY_CONTROL_CLOSED : FERRY_CONTROL_NOTHING;
  if (attached && link->fork_server != NULL)
    return ferry_fork_server_link_receive (self, link, error);
  orphans = ferry_orphans_new ();
  if (link->confinement.awaited)
    {
      event = ferry_confinement_receive (link, orphans, error);
      /* After its report, a worker without senders has no deadline: it need not attach. */
      if (event == FERRY_CONTROL_TAKEN && link->connection_ids->len == 0)
        ferry_shared_queue_set_deadline (self, link, 0);
    }
  else if (attached)
    event = receive_later (link, orphans, error);
  else
    event = ferry_control_receive (link->control, link->segment.size, orphans, error);
  ferry_orphans_free (orphans);
  if (event == FERRY_CONTROL_TAKEN && !attached && !awaited)
    return take_prepares (self, link, error);
  if (event == FERRY_CONTROL_INVALID && g_error_matches (*error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER))
    return take_no_worker (self, link, error);
  return event;
}

static void
read_control (FerrySharedQueue *self, FerryLink *link, guint max)
{
  for (guint n = 0; n < max && link->control >= 0; n++)
    {
      g_autoptr (GError) error = NULL;

      switch (receive (self, link, &error))
        {
        case FERRY_CONTROL_TAKEN:
          break;
        case FERRY_CONTROL_NOTHING:
          return;
        case FERRY_CONTROL_ATTACHED:
          ferry_shared_queue_apply (self, link, FERRY_LINK_ATTACHED, NULL);
          break;
        case FERRY_CONTROL_CLOSED:
          ferry_shared_queue_apply (self, link, FERRY_LINK_CLOSED, NULL);
          return;
        case FERRY_CONTROL_INVALID:
        default:
          if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_VERSION))
            link->process.failure = FERRY_LAUNCH_FAILURE_VERSION;
          else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER))
            link->process.failure = FERRY_LAUNCH_FAILURE_NO_WORKER;
          ferry_shared_queue_fault (self, link, error->message);
          return;
        }
    }
}

/* Takes all packets that lie in the control socket now. Another process may send more meanwhile, without end. */
static void
read_control_to_end (FerrySharedQueue *self, FerryLink *link)
{
  int size = 0;

  if (link->control >= 0 && ioctl (link->control, FIONREAD, &size) == 0)
    /* Each packet that breaks no rule has a header. One more is taken, for the end of the socket. */
    read_control (self, link, (guint) size / sizeof (FerryControlHeader) + 1);
}

/* Counts the rings of a worker that makes no progress, and ends a worker that rings too often. Between two rings, an
 * honest worker publishes a record, takes a record, or has a value in a cell that the application has taken. */
static void
handle_doorbell (FerrySharedQueue *self, FerryLink *link)
{
  /* Relaxed: where the new count is seen late, only one of the many allowed rings is used. */
  guint64 progress =
    link->up.head + ferry_link_flush_down (link) + atomic_load_explicit (&link->cells_taken, memory_order_relaxed);

  if (!ferry_traffic_note_ring (&link->traffic, progress))
    {
      ferry_shared_queue_fault (
        self, link,
        "it rang its doorbell over and over without sending anything; it must ring only after it published or took a "
        "record, or set a value");
      ignore_doorbell (self, link);
      return;
    }
  if (link->state != FERRY_LINK_ATTACHING)
    ferry_shared_queue_activate (self, link);
}

/* Ends the links for which another thread has set a fault. */
static void
handle_faults (FerrySharedQueue *self)
{
  if (atomic_exchange_explicit (&self->faults, 0, memory_order_acquire) == 0)
    return;
  for (GList *node = self->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;
      const char *fault;

      pthread_mutex_lock (&link->down.lock);
      fault = link->down.fault;
      pthread_mutex_unlock (&link->down.lock);
      if (fault != NULL)
        ferry_shared_queue_fault (self, link, fault);
    }
}

/* Handles the end of a link's process. First reads the control socket, because the process may have attached and sent
 * packets before it ended. */
void
ferry_shared_queue_end_process (FerrySharedQueue *self, FerryLink *link)
{
  if (self->guardian.socket >= 0 && link->process.pid != 0)
    ferry_guardian_tell (self->guardian.socket, FERRY_GUARDIAN_RELEASE, link->process.pid, -1, MSG_DONTWAIT);
  epoll_ctl (self->epoll, EPOLL_CTL_DEL, link->process.pidfd, NULL);
  read_control_to_end (self, link);
  ferry_shared_queue_apply (self, link, FERRY_LINK_PROCESS_ENDED, NULL);
}

/* Ends the link of a given sender, whose worker may run on and write. Records up to the present tail are drained. First
 * takes the attach packet, without which the lane is not read. */
void
ferry_shared_queue_end_given (FerrySharedQueue *self, FerryLink *link)
{
  read_control_to_end (self, link);
  fix_tail (link);
  ferry_shared_queue_apply (self, link, FERRY_LINK_PROCESS_ENDED, NULL);
}

/* Handles an event of a process' pidfd: the process has ended. For a fork server's worker, the fork server must report
 * the exit status in time. */
static void
handle_process (FerrySharedQueue *self, FerryLink *link)
{
  if (link->process.parent == FERRY_PARENT_FORK_SERVER && !link->process.gone && !link->process.reaped)
    {
      link->process.gone = TRUE;
      epoll_ctl (self->epoll, EPOLL_CTL_DEL, link->process.pidfd, NULL);
      expect_report (self, link);
      return;
    }
  if (ferry_link_reap (link))
    ferry_shared_queue_end_process (self, link);
}

/* Whether the process has not had its time yet: it has sent what is waited for, or does what it can. */
static gboolean
may_go_on (FerrySharedQueue *self, FerryLink *link)
{
  gint64 deadline = link->deadline.time;

  if (link->state == FERRY_LINK_ATTACHING)
    read_control_to_end (self, link);
  /* What was read has set another deadline, or unset this one. */
  if (!ferry_deadline_is_set (&link->deadline) || link->deadline.time != deadline)
    return TRUE;
  if (ferry_watchdog_look (&link->process.watchdog))
    return FALSE;
  ferry_shared_queue_set_deadline (self, link, ferry_watchdog_get_next_look (&link->process.watchdog));
  return TRUE;
}

/* (transfer full) (nullable): what is said of a timeout, where it is another process's: the fork server's. */
static char *
describe_timeout (FerryLink *link)
{
  if (link->process.parent != FERRY_PARENT_ASKED)
    return NULL;
  return g_strdup_printf ("Worker '%s' could not be started: its fork server (process %d) did not answer in time, and "
                          "used no processor meanwhile; do not block in the fork server's initialisers or signal "
                          "handlers, or end it",
                          link->name, (int) link->process.watchdog.pid);
}

static void
handle_timeout (FerrySharedQueue *self, FerryLink *link)
{
  g_autofree char *detail = NULL;

  if (may_go_on (self, link))
    return;
  if (link->process.gone)
    {
      ferry_shared_queue_end_process (self, link);
      return;
    }
  if (link->process.refused_kill != 0)
    {
      give_up_process (self, link);
      return;
    }
  if (link->process.tidies)
    {
      ferry_shared_queue_set_deadline (self, link, 0);
      ferry_shared_queue_send_signal (self, link, SIGKILL);
      return;
    }
  detail = describe_timeout (link);
  ferry_shared_queue_apply (self, link, FERRY_LINK_TIMEOUT, detail);
}

/* Applies the timeouts that are due. Returns the milliseconds until the next deadline, or -1 where no link has one.
 * Looks at no link with a deadline that is to come. */
static int
handle_timeouts (FerrySharedQueue *self)
{
  const FerryDeadline *first = ferry_deadlines_peek (&self->deadlines);
  guint left = ferry_deadlines_get_n (&self->deadlines);
  gint64 now;

  if (first == NULL)
    return -1;
  now = g_get_monotonic_time ();
  for (; left > 0 && first != NULL && first->time <= now; left--)
    {
      FerryLink *link = (FerryLink *) (void *) ((char *) first - G_STRUCT_OFFSET (FerryLink, deadline));

      handle_timeout (self, link);
      first = ferry_deadlines_peek (&self->deadlines);
    }
  if (first == NULL)
    return -1;
  return (int) CLAMP ((first->time - now) / FERRY_MICROSECONDS_PER_MILLISECOND + 1, 0, G_MAXINT);
}

/* Any thread: sleeps until an event comes or a monotonic time is reached, and handles no event. FERRY_SLEEP: no limit.
 * Uses ppoll(), which is more precise than epoll_wait(). */
void
ferry_shared_queue_sleep (FerrySharedQueue *self, gint64 until)
{
  struct pollfd poll_fd = {.fd = self->epoll, .events = POLLIN};
  gint64 left = CLAMP (until - g_get_monotonic_time (), 0, FERRY_LONGEST_SLEEP);
  struct timespec timeout = {.tv_sec = left / G_USEC_PER_SEC, .tv_nsec = (left % G_USEC_PER_SEC) * 1000};

  ppoll (&poll_fd, 1, until != FERRY_SLEEP ? &timeout : NULL, NULL);
}

/* Sets whether the ring of a doorbell is an event for ferry_shared_queue_wait() and ferry_shared_queue_sleep(). If not,
 * the rings are kept until they are taken or heard. */
void
ferry_shared_queue_hear (FerrySharedQueue *self, gboolean hears)
{
  struct epoll_event event = {.events = hears ? EPOLLIN : 0, .data.ptr = &bells_watch};

  if (self->hears == hears)
    return;
  self->hears = hears;
  epoll_ctl (self->epoll, EPOLL_CTL_MOD, self->bells, &event);
}

/* Activates the links of the doorbells that have rung. */
void
ferry_shared_queue_take_bells (FerrySharedQueue *self)
{
  struct epoll_event events[N_EVENTS];
  int n = epoll_wait (self->bells, events, N_EVENTS, 0);

  for (int i = 0; i < n; i++)
    handle_doorbell (self, events[i].data.ptr);
}

/* Handles the events of doorbells, control sockets and processes. Waits for them until a monotonic time in
 * microseconds, which must be near. FERRY_SLEEP: waits without limit. 0, or active links: does not wait. */
void
ferry_shared_queue_wait (FerrySharedQueue *self, gint64 until)
{
  struct epoll_event events[N_EVENTS];
  int timeout = handle_timeouts (self);
  int n;

  if (until != FERRY_SLEEP || !g_queue_is_empty (&self->active))
    timeout = 0;
  if (until > 0 && g_queue_is_empty (&self->active))
    ferry_shared_queue_sleep (self, until);
  n = epoll_wait (self->epoll, events, N_EVENTS, timeout);
  for (int i = 0; i < n; i++)
    {
      FerryWatch *what = events[i].data.ptr;

      switch (what->kind)
        {
        case FERRY_WATCH_WAKE:
          handle_faults (self);
          break;
        case FERRY_WATCH_BELLS:
          ferry_shared_queue_take_bells (self);
          break;
        case FERRY_WATCH_CONTROL:
          read_control (self, what->link, MAX_PACKETS);
          if (what->link->fork_server != NULL)
            ferry_fork_server_link_flush (self, what->link);
          break;
        case FERRY_WATCH_PROCESS:
          handle_process (self, what->link);
          break;
        case FERRY_WATCH_GUARDIAN:
          handle_guardian (self);
          break;
        case FERRY_WATCH_OUTPUT:
          ferry_output_note_data (what->link->output);
          ferry_shared_queue_activate (self, what->link);
          break;
        default:
          g_assert_not_reached ();
        }
    }
}

/* Moves the first active link to the end of the list, and returns that link. Returns NULL where no link is active. */
FerryLink *
ferry_shared_queue_next (FerrySharedQueue *self)
{
  GList *node = g_queue_pop_head_link (&self->active);

  if (node == NULL)
    return NULL;
  g_queue_push_tail_link (&self->active, node);
  return node->data;
}
