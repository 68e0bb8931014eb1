/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor's thread, which drains the shared queue into the local queue: it sleeps, runs commands, visits links,
 * starts processes and notices their ends. It lends the drain lock, which says who drains, to the main loop, where the
 * router's short cut is on and there is little traffic. Its parts have files of their own: drain lock, visits, short
 * cut of the main loop, watermark.
 *
 * Owner:   references are counted: the router has one, and each sender of the same process has one.
 * Threads: other threads queue commands, which the monitor's thread runs in the order of their arrival. The monitor's
 *          thread takes no lock except the lock of the commands and that of its drain lock, and runs no callback of the
 *          application. It sleeps only in epoll, or in poll while it lends its drain lock. */

#include "config.h"

#include "engine/ferry-monitor-private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "engine/ferry-counter.h"
#include "engine/ferry-exit-private.h"
#include "engine/ferry-pingee-private.h"
#include "engine/ferry-watermark-private.h"
#include "link/ferry-pidfd-private.h"

/* How long a stop waits for the workers that it killed, so that their exit records are complete. */
#define STOP_GRACE_MS 100

/* The same for workers that have a handler of SIGTERM, and tidy up. */
#define STOP_TIDY_MS 2000

/* The number of visits to links after which the monitor checks doorbells, sockets and commands again. */
#define VISITS_PER_ROUND 8

struct _FerryMonitor
{
  GThread *thread;     /* const */
  FerryPingee *pingee; /* const: (owned) */
  FerryCommands commands;
  FerryDrainLock drain_lock;
  FerryVisits visits;
  FerryWatermark watermark;
  FerryShortCut short_cut;
  _Atomic gint references; /* any */
  _Atomic guint n_links;   /* any: links that were added, with an end that the router's thread has not handled yet */
};

/* ---- the watermark ---- */

static void
set_watermark_command (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;

  ferry_watermark_begin (&self->watermark, &self->visits, *(guint64 *) data);
}

/* router's thread: has the monitor set up a watermark for what was sent so far; returns its number. Pings when reached.
 */
guint64
ferry_monitor_set_watermark (FerryMonitor *self)
{
  guint64 number = ++self->watermark.latest;

  ferry_commands_add (&self->commands, set_watermark_command, g_memdup2 (&number, sizeof number), g_free);
  return number;
}

/* router's thread: whether that watermark is reached. If so, sets *n_pushed to how many blocks were pushed before. */
gboolean
ferry_monitor_is_watermark_reached (FerryMonitor *self, guint64 number, guint64 *n_pushed)
{
  /* Acquire: pairs with ferry_watermark_look(), so that the count below is at least as new as the number. */
  if (atomic_load_explicit (&self->watermark.reached, memory_order_acquire) < number)
    return FALSE;
  *n_pushed = atomic_load_explicit (&self->watermark.pushed, memory_order_relaxed);
  return TRUE;
}

/* any: makes the monitor drain until ferry_monitor_end_need(). For a thread that waits outside of the main loop. */
void
ferry_monitor_begin_need (FerryMonitor *self)
{
  ferry_drain_lock_begin_need (&self->drain_lock);
  if (self->visits.lends)
    ferry_shared_queue_wake (self->visits.shared);
}

void
ferry_monitor_end_need (FerryMonitor *self)
{
  ferry_drain_lock_end_need (&self->drain_lock);
}

/* ---- the thread ---- */

static gboolean
lends_now (FerryMonitor *self)
{
  return g_queue_is_empty (&self->visits.shared->active) && ferry_visits_may_lend (&self->visits) &&
         g_get_monotonic_time () >= self->drain_lock.keep_until;
}

/* monitor: sleeps until there is work, and then does one round of work. */
static void
work_or_sleep (FerryMonitor *self)
{
  FerryVisits *visits = &self->visits;

  ferry_visits_revive (visits);
  if (lends_now (self))
    ferry_short_cut_lend_drain_lock (&self->short_cut);
  ferry_shared_queue_wait (visits->shared, ferry_visits_get_waking_time (visits));
  ferry_visits_end_naps (visits);
  ferry_drain_tidy (visits->drain);
  ferry_commands_run (&self->commands);
  ferry_watermark_set_up_if_due (&self->watermark, visits);
  for (guint n = 0; n < VISITS_PER_ROUND && !visits->is_stopping; n++)
    {
      FerryLink *link = ferry_shared_queue_next (visits->shared);

      if (link == NULL)
        break;
      ferry_visits_visit (visits, link, FALSE);
    }
  ferry_drain_ping (visits->drain);
  if (ferry_watermark_look (&self->watermark, visits))
    ferry_pingee_ping (self->pingee);
}

/* A process that was killed, or tidies up, and has not ended in time. */
typedef struct
{
  FerryLink *link; /* (owned) */
  int pidfd;       /* (owned) */
} LateProcess;

static gpointer
reap_in_background (gpointer data)
{
  g_autoptr (GArray) late = data;

  for (guint i = 0; i < late->len; i++)
    {
      LateProcess *process = &g_array_index (late, LateProcess, i);

      process->link->process.pidfd = process->pidfd;
      ferry_link_wait (process->link);
      ferry_link_unref (process->link);
    }
  return NULL;
}

/* ---- exit() ----
 *
 * What is left of an application that calls exit(), or returns from main(), is ended by its fork servers and its
 * guardian. Where it is the first process of a container, these are killed with it. So it waits for those workers that
 * tidy up; all others are of no interest here. */

static pthread_mutex_t monitors_lock = PTHREAD_MUTEX_INITIALIZER;
static GQueue monitors = G_QUEUE_INIT; /* monitors_lock: (element-type FerryMonitor) (unowned): those that run */
static pid_t monitors_owner;           /* monitors_lock: the process that they are of */

/* Asks the workers to tidy up that do, and waits for them. data: an eventfd, to which it writes then. */
static void
end_in_order_command_at_exit (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;
  FerrySharedQueue *shared = self->visits.shared;
  const gint64 deadline = g_get_monotonic_time () + STOP_TIDY_MS * FERRY_MICROSECONDS_PER_MILLISECOND;
  const guint64 one = 1;

  for (GList *node = shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (link->fork_server == NULL && ferry_link_ask_to_end (link))
        ferry_visits_close_pipes (link, FERRY_PIPE_WORD_ROUTER_STOPPED);
    }
  for (GList *node = shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;
      gint64 left = deadline - g_get_monotonic_time ();
      struct pollfd poll_fd = {.fd = link->process.pidfd, .events = POLLIN};

      if (link->process.tidies && poll_fd.fd >= 0)
        TEMP_FAILURE_RETRY (poll (&poll_fd, 1, (int) (MAX (left, 0) / FERRY_MICROSECONDS_PER_MILLISECOND)));
    }
  TEMP_FAILURE_RETRY (write (GPOINTER_TO_INT (data), &one, sizeof one));
}

/* any: an atexit() function. The descriptor stays open, since a late monitor writes to it. */
static void
end_in_order_at_exit (void)
{
  int done = getpid () == monitors_owner ? eventfd (0, EFD_CLOEXEC | EFD_SEMAPHORE) : -1;
  struct pollfd poll_fd = {.fd = done, .events = POLLIN};
  guint64 one;
  guint n = 0;

  if (done < 0)
    return;
  pthread_mutex_lock (&monitors_lock);
  for (GList *node = monitors.head; node != NULL; node = node->next)
    if (ferry_monitor_count_links (node->data) > 0)
      n += ferry_commands_add (&((FerryMonitor *) node->data)->commands, end_in_order_command_at_exit,
                               GINT_TO_POINTER (done), NULL);
  pthread_mutex_unlock (&monitors_lock);
  /* A monitor that is held up is not waited for. */
  while (n-- > 0 && TEMP_FAILURE_RETRY (poll (&poll_fd, 1, STOP_TIDY_MS + STOP_GRACE_MS)) == 1)
    TEMP_FAILURE_RETRY (read (done, &one, sizeof one));
}

static void
note_monitor (FerryMonitor *self)
{
  FERRY_AUTO_LOCK (&monitors_lock);

  if (monitors_owner == 0)
    atexit (end_in_order_at_exit);
  /* In a fork, those of its parent are none of its own. */
  if (monitors_owner != getpid ())
    g_queue_clear (&monitors);
  monitors_owner = getpid ();
  g_queue_push_tail (&monitors, self);
}

static void
forget_monitor (FerryMonitor *self)
{
  FERRY_AUTO_LOCK (&monitors_lock);

  g_queue_remove (&monitors, self);
}

static gboolean
has_tidying (FerrySharedQueue *shared)
{
  for (GList *node = shared->links.head; node != NULL; node = node->next)
    if (((FerryLink *) node->data)->process.tidies)
      return TRUE;
  return FALSE;
}

/* Reaps the processes that end, and waits up to STOP_GRACE_MS for those that were killed, and up to STOP_TIDY_MS
 * for those that tidy up, and for their fork servers. Returns those that take longer to end (a large heap, a slow
 * disk), for another thread to reap. Of these, the guardian gives some time to what tidies up, and to fork servers: one
 * that were killed here would leave what it has adopted, and was to kill. */
static GArray *
reap_killed (FerryMonitor *self)
{
  FerrySharedQueue *shared = self->visits.shared;
  gboolean some_tidy = has_tidying (shared);
  gint64 now = g_get_monotonic_time ();
  GArray *late = g_array_new (FALSE, FALSE, sizeof (LateProcess));

  for (GList *node = shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;
      gboolean ends_itself = link->process.tidies || link->fork_server != NULL;
      gint64 deadline =
        now + (some_tidy && ends_itself ? STOP_TIDY_MS : STOP_GRACE_MS) * FERRY_MICROSECONDS_PER_MILLISECOND;
      gint64 left = deadline - g_get_monotonic_time ();
      struct pollfd poll_fd = {.fd = link->process.pidfd, .events = POLLIN};
      LateProcess process;

      if (link->process.pidfd < 0 || link->process.reaped)
        continue;
      TEMP_FAILURE_RETRY (poll (&poll_fd, 1, (int) (MAX (left, 0) / FERRY_MICROSECONDS_PER_MILLISECOND)));
      if (ferry_link_reap (link))
        continue;
      if (!ends_itself || shared->guardian.socket < 0)
        ferry_link_send_signal (link, SIGKILL);
      process = (LateProcess){ferry_link_ref (link), ferry_steal_fd (&link->process.pidfd)};
      g_array_append_val (late, process);
    }
  return late;
}

static void
end_links (FerryMonitor *self)
{
  FerrySharedQueue *shared = self->visits.shared;
  GArray *late;

  for (GList *node = shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      ferry_shared_queue_apply (shared, link, FERRY_LINK_STOP, NULL);
      ferry_visits_close_pipes (link, FERRY_PIPE_WORD_ROUTER_STOPPED);
    }
  late = reap_killed (self);
  /* The guardian kills the processes that are left. */
  ferry_shared_queue_close_guardian (shared);
  ferry_visits_forget (&self->visits);
  while (!g_queue_is_empty (&shared->links))
    ferry_visits_finish (&self->visits, g_queue_peek_head (&shared->links));
  if (late->len > 0)
    ferry_thread_run_aside ("ferry-reaper", reap_in_background, late);
  else
    g_array_unref (late);
}

static gpointer
monitor_main (gpointer data)
{
  FerryMonitor *self = data;

  /* By default, the kernel delays the timers of a thread by up to 50 microseconds. */
  prctl (PR_SET_TIMERSLACK, 1);
  ferry_drain_lock_take (&self->drain_lock);
  while (!self->visits.is_stopping)
    work_or_sleep (self);
  /* Runs the commands that were queued before stop_command() closed the queue. */
  ferry_commands_run (&self->commands);
  end_links (self);
  ferry_drain_lock_drop (&self->drain_lock);
  return NULL;
}

static void
catch_up (gpointer data)
{
  ferry_commands_run (data);
}

/* router's thread: makes a monitor and starts its thread. The monitor pings pingee when it has pushed blocks. context:
 * (nullable): runs the main loop to which the drain lock is lent. */
FerryMonitor *
ferry_monitor_new (FerryPingee *pingee, GMainContext *context, FerryMemoryAccount *account, gsize local_queue_limit,
                   gint64 spare_time, GError **error)
{
  FerrySharedQueue *shared = ferry_shared_queue_new (error);
  g_autoptr (FerryMonitor) self = NULL;

  if (shared == NULL)
    return NULL;
  self = g_new0 (FerryMonitor, 1);
  atomic_init (&self->references, 1);
  self->pingee = ferry_pingee_ref (pingee);
  ferry_drain_lock_init (&self->drain_lock, shared->wake);
  ferry_commands_init (&self->commands, self, shared->wake);
  self->visits.lends = context != NULL;
  if (!ferry_visits_init (&self->visits, shared, &self->drain_lock, pingee, account, local_queue_limit, spare_time,
                          error))
    return NULL;
  ferry_short_cut_init (&self->short_cut, &self->visits, &self->drain_lock, pingee, context);
  shared->catch_up = catch_up;
  shared->catch_up_data = &self->commands;
  self->thread = ferry_thread_try_new ("ferry-monitor", "the router", monitor_main, self, error);
  if (self->thread == NULL)
    return NULL;
  note_monitor (self);
  return g_steal_pointer (&self);
}

FerryMonitor *
ferry_monitor_ref (FerryMonitor *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

/* any: drops a reference. ferry_monitor_stop() must come before the last one is dropped. */
void
ferry_monitor_unref (FerryMonitor *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  ferry_short_cut_clear (&self->short_cut);
  ferry_commands_clear (&self->commands);
  ferry_drain_lock_clear (&self->drain_lock);
  ferry_visits_clear (&self->visits);
  g_clear_pointer (&self->pingee, ferry_pingee_unref);
  g_free (self);
}

static void
stop_command (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;

  self->visits.is_stopping = TRUE;
  ferry_commands_close (&self->commands);
}

/* router's thread: stops the monitor, and joins its thread. The queued commands run, further ones are refused, and all
 * links end. The local queue then holds the blocks that were drained, and the end of each link. */
void
ferry_monitor_stop (FerryMonitor *self)
{
  forget_monitor (self);
  ferry_commands_add (&self->commands, stop_command, NULL, NULL);
  g_thread_join (g_steal_pointer (&self->thread));
}

/* any */
FerryCommands *
ferry_monitor_get_commands (FerryMonitor *self)
{
  return &self->commands;
}

/* const */
FerrySharedQueue *
ferry_monitor_get_shared_queue (FerryMonitor *self)
{
  return self->visits.shared;
}

/* const */
FerryLocalQueue *
ferry_monitor_get_local_queue (FerryMonitor *self)
{
  return self->visits.local;
}

/* const */
FerryShortCut *
ferry_monitor_get_short_cut (FerryMonitor *self)
{
  return &self->short_cut;
}

/* router's thread: (transfer full): returns the source of the short cut, attached to the router's context. To be
 * destroyed before ferry_monitor_stop(). */
GSource *
ferry_monitor_attach_short_cut (FerryMonitor *self)
{
  return ferry_short_cut_attach (&self->short_cut, ferry_monitor_ref (self), (GDestroyNotify) ferry_monitor_unref);
}

/* any: sets what the monitor has counted in counts, by FerryCounter. */
void
ferry_monitor_get_counts (FerryMonitor *self, guint64 *counts)
{
  FerryVisits *visits = &self->visits;

  /* Relaxed: the counts may be out of date when they are returned. */
  counts[FERRY_COUNTER_BLOCKS] = ferry_local_queue_get_n_pushed (visits->local);
  counts[FERRY_COUNTER_PROTOCOL_ERRORS] = atomic_load_explicit (&visits->n_faults, memory_order_relaxed);
  counts[FERRY_COUNTER_QUEUED_BYTES] = (guint64) ferry_local_queue_get_bytes (visits->local);
  counts[FERRY_COUNTER_LINKS] = ferry_monitor_count_links (self);
  counts[FERRY_COUNTER_WAITING_LINKS] = atomic_load_explicit (&visits->n_waiting, memory_order_relaxed);
  counts[FERRY_COUNTER_SPIN_TIME] = ferry_spin_get_time (&self->short_cut.spin);
  counts[FERRY_COUNTER_DIRECT_ANSWERS] = ferry_drain_get_n_handed_over (visits->drain);
  counts[FERRY_COUNTER_HIGHEST_QUEUED_BYTES] = (guint64) ferry_local_queue_get_highest (visits->local);
  counts[FERRY_COUNTER_HIGHEST_WAITING_LINKS] = atomic_load_explicit (&visits->most_waiting, memory_order_relaxed);
}

/* any: returns how many links there are: those that were added, with an end that the router's thread has not handled.
 */
guint
ferry_monitor_count_links (FerryMonitor *self)
{
  return atomic_load_explicit (&self->n_links, memory_order_relaxed);
}

/* any: counts a link that is gone: the router's thread has handled its end, or it could not be added. */
void
ferry_monitor_count_ended_link (FerryMonitor *self)
{
  atomic_fetch_sub_explicit (&self->n_links, 1, memory_order_relaxed);
}

/* ---- commands of other threads ---- */

typedef struct
{
  FerryLink *link;        /* (owned) */
  FerryLaunchFunc launch; /* add_link_command(): (nullable) */
  int signal_number;      /* send_signal_command() */
  gpointer data;          /* add_link_command(): for launch; fault_command(): the detail */
  GDestroyNotify destroy; /* (nullable): of data */
} LinkCommand;

static void
link_command_free (gpointer data)
{
  LinkCommand *command = data;

  if (command->destroy != NULL)
    command->destroy (command->data);
  ferry_link_unref (command->link);
  g_free (command);
}

static gboolean
invoke_for_link (FerryMonitor *self, FerryCommandFunc func, LinkCommand command)
{
  ferry_link_ref (command.link);
  return ferry_commands_add (&self->commands, func, g_memdup2 (&command, sizeof command), link_command_free);
}

/* Notes a shortage as the launch's failure, unless the link has a cause already: that cause came with its failure. */
static void
note_failure (FerryLink *link, const GError *error)
{
  if (link->cause == FERRY_NO_CAUSE && ferry_error_is_shortage (error))
    link->process.failure = FERRY_LAUNCH_FAILURE_SHORTAGE;
}

static void
launch_link (FerryMonitor *self, LinkCommand *command)
{
  g_autoptr (GError) error = NULL;
  FerryLink *link = command->link;
  GPid pid = 0;
  int pidfd = -1;

  if (command->launch (command->data, link->worker_end, &pid, &pidfd, &error))
    {
      if (pid == 0)
        return;
      if (ferry_shared_queue_set_process (self->visits.shared, link, pid, pidfd, &error))
        ferry_link_events_tell_launched (&self->visits.events, link);
      else
        {
          /* The process cannot be watched, so it is killed here. */
          ferry_link_send_signal (link, SIGKILL);
          ferry_link_wait (link);
        }
    }
  if (error != NULL)
    {
      note_failure (link, error);
      ferry_shared_queue_apply (self->visits.shared, link, FERRY_LINK_LAUNCH_FAILED, error->message);
    }
  ferry_clear_fd (&link->worker_end);
}

/* Tells the worker how much to spin. */
static void
store_spin (FerryMonitor *self, FerryLink *link)
{
  /* Relaxed: see ferry_downlink_receive(). */
  atomic_store_explicit (&link->down.lane.control->writer.spin,
                         atomic_load_explicit (&self->short_cut.spin_setting, memory_order_relaxed),
                         memory_order_relaxed);
}

static void
set_spin_command (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;

  for (GList *node = self->visits.shared->links.head; node != NULL; node = node->next)
    store_spin (self, node->data);
}

/* any: sets how much the main loop and the workers spin: see FERRY_SPIN_SETTING(). */
void
ferry_monitor_set_spin (FerryMonitor *self, guint32 setting)
{
  if (atomic_exchange_explicit (&self->short_cut.spin_setting, setting, memory_order_relaxed) != setting)
    ferry_commands_add (&self->commands, set_spin_command, NULL, NULL);
}

static void
add_link_command (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;
  LinkCommand *command = data;
  g_autoptr (GError) error = NULL;
  FerryLink *link = command->link;
  GPid pid;
  int pidfd;

  store_spin (self, link);
  self->visits.n_bound += link->bound;
  ferry_drain_grant (self->visits.drain, link);
  if (!ferry_shared_queue_add (self->visits.shared, link, &error))
    {
      note_failure (link, error);
      ferry_link_note (link, FERRY_CLOSE_REASON_LAUNCH_FAILED, error->message);
      link->state = FERRY_LINK_ENDED;
      /* A fork server may have been asked to start the process. It answers later, and the process is killed then. */
      if (command->launch != NULL && link->process.parent == FERRY_PARENT_ASKED)
        command->launch (command->data, -1, &pid, &pidfd, NULL);
      ferry_drain_revoke (self->visits.drain, link);
      ferry_visits_close_pipes (link, FERRY_PIPE_WORD_LINK_ENDED);
      ferry_visits_tell_end (&self->visits, link);
    }
  else if (command->launch != NULL)
    launch_link (self, command);
  else if (link->bound && link->worker->state == FERRY_LINK_ENDED && link->worker->queue == NULL)
    {
      g_autoptr (FerryExit) exit = ferry_exit_new_for_link (link->worker);

      ferry_visits_end_given (&self->visits, link, exit);
    }
}

/* any: adds a link and, where launch is not NULL, makes the monitor's thread start the process at its other end.
 * Returns FALSE when the monitor takes no more commands. */
gboolean
ferry_monitor_add_link (FerryMonitor *self, FerryLink *link, FerryLaunchFunc launch, gpointer launch_data,
                        GDestroyNotify launch_destroy)
{
  ferry_spare_memory_set_account (&link->spare, ferry_local_queue_get_account (self->visits.local));
  atomic_fetch_add_explicit (&self->n_links, 1, memory_order_relaxed);
  if (invoke_for_link (self, add_link_command,
                       (LinkCommand){.link = link, .launch = launch, .data = launch_data, .destroy = launch_destroy}))
    return TRUE;
  ferry_monitor_count_ended_link (self);
  return FALSE;
}

static void
close_pipe_command (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;
  guint index;
  FerryLink *link = ferry_drain_end_pipe (self->visits.drain, *(guint64 *) data, &index);

  if (link == NULL)
    return;
  ferry_link_set_pipe_word (link, index, FERRY_PIPE_WORD_CLOSED);
  ferry_link_wake_writers (link);
  ferry_visits_end_if_local (&self->visits, link);
}

/* any: marks a pipe as closed, so that sending through the pipe fails. */
void
ferry_monitor_close_pipe (FerryMonitor *self, guint64 connection_id)
{
  ferry_commands_add (&self->commands, close_pipe_command, g_memdup2 (&connection_id, sizeof connection_id), g_free);
}

/* Ends a link without an answer of its fork server, so that its process is not known. If the process is started anyway,
 * it is killed when the fork server answers. */
static void
end_unstarted (FerryMonitor *self, FerryLink *link)
{
  link->process.reaped = TRUE;
  link->process.wait_code = CLD_KILLED;
  link->process.wait_status = SIGKILL;
  ferry_link_note (link, FERRY_CLOSE_REASON_KILLED, NULL);
  ferry_shared_queue_apply (self->visits.shared, link, FERRY_LINK_PROCESS_ENDED, NULL);
}

static void
send_signal_command (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;
  LinkCommand *command = data;
  FerryLink *link = command->link;

  link->process.signals_sent |= G_GUINT64_CONSTANT (1) << (command->signal_number - 1);
  if (command->signal_number == SIGKILL && link->process.parent == FERRY_PARENT_ASKED && link->queue != NULL)
    end_unstarted (self, link);
  else
    ferry_shared_queue_send_signal (self->visits.shared, link, command->signal_number);
}

static void
end_in_order_command (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;
  FerryLink *link = ((LinkCommand *) data)->link;

  if (link->process.parent == FERRY_PARENT_ASKED && link->queue != NULL)
    end_unstarted (self, link);
  else
    ferry_shared_queue_end_in_order (self->visits.shared, link);
  link->process.signals_sent |= G_GUINT64_CONSTANT (1) << ((link->process.tidies ? SIGTERM : SIGKILL) - 1);
}

/* any: ends the process of a link, after the commands that are queued have run. */
void
ferry_monitor_end_in_order (FerryMonitor *self, FerryLink *link)
{
  invoke_for_link (self, end_in_order_command, (LinkCommand){.link = link});
}

/* any: sends a signal to the process of a link, after the commands that are queued have run. Returns FALSE when the
 * monitor takes no more commands. */
gboolean
ferry_monitor_send_signal (FerryMonitor *self, FerryLink *link, int signal_number)
{
  return invoke_for_link (self, send_signal_command, (LinkCommand){.link = link, .signal_number = signal_number});
}

static void
signal_group_command (gpointer owner, gpointer data)
{
  LinkCommand *command = data;

  ferry_link_signal_group (command->link, command->signal_number);
}

/* any: as ferry_monitor_send_signal(), for a process that was started, and its process group. */
gboolean
ferry_monitor_signal_group (FerryMonitor *self, FerryLink *link, int signal_number)
{
  return invoke_for_link (self, signal_group_command, (LinkCommand){.link = link, .signal_number = signal_number});
}

static void
fault_command (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;
  LinkCommand *command = data;

  /* A link that has ended meanwhile is in no queue. */
  if (command->link->queue != NULL)
    ferry_shared_queue_fault (self->visits.shared, command->link, command->data);
}

/* any: ends a link because its worker broke a rule that the router's thread checks. */
void
ferry_monitor_fault_link (FerryMonitor *self, FerryLink *link, const char *detail)
{
  invoke_for_link (self, fault_command, (LinkCommand){.link = link, .data = g_strdup (detail), .destroy = g_free});
}

static void
end_link_command (gpointer owner, gpointer data)
{
  FerryMonitor *self = owner;
  LinkCommand *command = data;
  FerryLink *link = command->link;

  if (link->queue != NULL)
    ferry_visits_end_given (&self->visits, link, command->data);
}

/* any: ends a link that has no process of its own, behind all that was written to its lane before this call. exit:
 * (nullable): how the worker ended that had the link's sender; NULL: the sender counts as stopped. */
void
ferry_monitor_end_link (FerryMonitor *self, FerryLink *link, FerryExit *exit)
{
  LinkCommand command = {.link = link};

  if (exit != NULL)
    {
      command.data = g_object_ref (exit);
      command.destroy = g_object_unref;
    }
  invoke_for_link (self, end_link_command, command);
}
