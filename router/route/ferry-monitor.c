/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "route/ferry-monitor-private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "route/ferry-exit-private.h"

/* How many visits are made before doorbells, sockets and commands are looked at again. */
#define VISITS_PER_ROUND 8

/* Ringing a doorbell costs the sender far more than a message, so a busy lane is not armed when it runs empty, but
 * left to fill for a moment first, as network cards moderate their interrupts. A lane is busy when this much came
 * through it in this short a time since it was armed last; one that carries a message now and then is armed at once,
 * and rings at once. */
#define BUSY_BYTES 4096
#define BUSY_MICROSECONDS 200
#define DOZE_MICROSECONDS 50

/* How long a stop waits for the workers that it killed, to have their exit records whole. */
#define STOP_GRACE_MS 100

typedef struct
{
  FerryMonitorFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Command;

static void
command_free (Command *command)
{
  if (command->destroy != NULL)
    command->destroy (command->data);
  g_free (command);
}

/* any: has func run on the monitor's thread. Returns FALSE, with data freed, when the monitor takes no more. */
gboolean
ferry_monitor_invoke (FerryMonitor *self, FerryMonitorFunc func, gpointer data, GDestroyNotify destroy)
{
  Command *command = g_new (Command, 1);
  gboolean closed;

  *command = (Command){func, data, destroy};
  pthread_mutex_lock (&self->lock);
  closed = self->closed;
  if (!closed)
    {
      g_queue_push_tail (&self->commands, command);
      ferry_shared_queue_wake (self->shared);
    }
  pthread_mutex_unlock (&self->lock);
  if (closed)
    command_free (command);
  return !closed;
}

static void
run_commands (FerryMonitor *self)
{
  for (;;)
    {
      Command *command;

      pthread_mutex_lock (&self->lock);
      command = g_queue_pop_head (&self->commands);
      pthread_mutex_unlock (&self->lock);
      if (command == NULL)
        return;
      command->func (self, command->data);
      command_free (command);
    }
}

/* monitor: the entry of a connection id that was granted on link, or NULL. */
FerryGrantEntry *
ferry_monitor_find_grant (FerryMonitor *self, FerryLink *link, guint64 connection_id)
{
  guint slot = ferry_connection_id_get_slot (connection_id);
  FerryGrantEntry *entry;

  if (slot >= self->grants->len)
    return NULL;
  entry = &g_array_index (self->grants, FerryGrantEntry, slot);
  return entry->connection_id == connection_id && entry->link == link ? entry : NULL;
}

static void
add_grants (FerryMonitor *self, FerryLink *link)
{
  for (guint i = 0; i < link->connection_ids->len; i++)
    {
      guint64 connection_id = g_array_index (link->connection_ids, guint64, i);
      guint slot = ferry_connection_id_get_slot (connection_id);

      if (slot >= self->grants->len)
        g_array_set_size (self->grants, slot + 1);
      g_array_index (self->grants, FerryGrantEntry, slot) = (FerryGrantEntry){connection_id, link, i, 0};
    }
}

static void
remove_grants (FerryMonitor *self, FerryLink *link)
{
  for (guint i = 0; i < link->connection_ids->len; i++)
    {
      guint64 connection_id = g_array_index (link->connection_ids, guint64, i);
      FerryGrantEntry *entry = ferry_monitor_find_grant (self, link, connection_id);

      if (entry != NULL)
        *entry = (FerryGrantEntry){0};
    }
}

static void
close_all_pipes (FerryLink *link, FerryPipeWord word)
{
  for (guint i = 0; i < link->connection_ids->len; i++)
    ferry_link_set_pipe_word (link, i, word);
  ferry_link_wake_writers (link);
}

static void
push_news (FerryMonitor *self, FerryLink *link, FerryBlockKind kind)
{
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, kind);

  block->pid = link->pid;
  if (kind == FERRY_BLOCK_ENDED)
    block->exit = ferry_exit_new_for_link (link);
  ferry_monitor_push (self, block);
}

/* The lane is drained to its last byte, or to where a rule was broken: nothing can follow. */
static void
finish_link (FerryMonitor *self, FerryLink *link)
{
  g_autoptr (FerryLink) kept = ferry_link_ref (link);

  if (link->cause == FERRY_CLOSE_REASON_PROTOCOL_ERROR)
    atomic_fetch_add_explicit (&self->n_faults, 1, memory_order_relaxed);
  remove_grants (self, link);
  ferry_shared_queue_remove (self->shared, link);
  close_all_pipes (link, self->stopping ? FERRY_PIPE_WORD_ROUTER_STOPPED : FERRY_PIPE_WORD_LINK_ENDED);
  atomic_fetch_sub_explicit (&self->n_links, 1, memory_order_relaxed);
  push_news (self, link, FERRY_BLOCK_ENDED);
}

static gboolean
local_sender_stopped (FerryLink *link)
{
  return link->local && link->stop_seen;
}

/* Leaves a busy link's lane to fill. Returns FALSE when it is to be armed. */
static gboolean
doze (FerryMonitor *self, FerryLink *link)
{
  gint64 now = g_get_monotonic_time ();
  gboolean busy = link->up.head - link->armed_head >= BUSY_BYTES && now - link->armed_at < BUSY_MICROSECONDS;

  link->armed_at = now;
  link->armed_head = link->up.head;
  if (!busy)
    return FALSE;
  ferry_shared_queue_deactivate (self->shared, link);
  if (g_queue_is_empty (&self->dozing))
    self->doze_until = now + DOZE_MICROSECONDS;
  link->dozing = TRUE;
  g_queue_push_tail (&self->dozing, link);
  return TRUE;
}

/* Looks after the links that dozed. */
static void
wake_dozing (FerryMonitor *self)
{
  FerryLink *link;

  while ((link = g_queue_pop_head (&self->dozing)) != NULL)
    {
      link->dozing = FALSE;
      ferry_shared_queue_activate (self->shared, link);
    }
}

/* The lane is empty. It is armed, and left alone unless something came meanwhile. */
static void
rest_link (FerryMonitor *self, FerryLink *link)
{
  if (link->state == FERRY_LINK_OPEN && local_sender_stopped (link))
    ferry_shared_queue_apply (self->shared, link, FERRY_LINK_FINISHED, NULL);
  if (link->state == FERRY_LINK_ENDED)
    {
      finish_link (self, link);
      return;
    }
  if (link->draining_done)
    {
      /* Closed for a fault: its process' end is still to come. */
      ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  if (link->state == FERRY_LINK_OPEN && doze (self, link))
    return;
  if (!ferry_lane_reader_arm (&link->up) || ferry_lane_reader_get_available (&link->up) > 0)
    return;
  ferry_shared_queue_deactivate (self->shared, link);
}

static void
visit_link (FerryMonitor *self, FerryLink *link)
{
  if (link->state == FERRY_LINK_ATTACHING)
    {
      ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  if (link->state == FERRY_LINK_OPEN && !link->told_attached && !link->local)
    {
      link->told_attached = TRUE;
      push_news (self, link, FERRY_BLOCK_ATTACHED);
    }
  switch (ferry_monitor_drain (self, link))
    {
    case FERRY_DRAIN_EMPTY:
      rest_link (self, link);
      break;
    case FERRY_DRAIN_STALLED:
      ferry_shared_queue_deactivate (self->shared, link);
      if (!link->stalled && !link->dozing)
        {
          link->stalled = TRUE;
          g_queue_push_tail (&self->stalled, link);
        }
      break;
    case FERRY_DRAIN_MORE:
    default:
      break;
    }
}

/* Links that may go on become active again. */
static void
revive_stalled (FerryMonitor *self)
{
  GList *node = self->stalled.head;

  while (node != NULL)
    {
      GList *next = node->next;
      FerryLink *link = node->data;

      if (ferry_local_queue_has_room (self->local, link))
        {
          link->stalled = FALSE;
          g_queue_delete_link (&self->stalled, node);
          ferry_shared_queue_activate (self->shared, link);
        }
      node = next;
    }
}

static void
work_or_sleep (FerryMonitor *self)
{
  revive_stalled (self);
  if (g_queue_is_empty (&self->shared->active) && !g_queue_is_empty (&self->stalled))
    {
      ferry_local_queue_arm (self->local);
      revive_stalled (self);
    }
  ferry_shared_queue_wait (self->shared, g_queue_is_empty (&self->dozing) ? FERRY_SLEEP : self->doze_until);
  if (!g_queue_is_empty (&self->dozing) && g_get_monotonic_time () >= self->doze_until)
    wake_dozing (self);
  run_commands (self);
  for (guint n = 0; n < VISITS_PER_ROUND && !self->stopping; n++)
    {
      FerryLink *link = ferry_shared_queue_next (self->shared);

      if (link == NULL)
        break;
      if (!link->stalled && !link->dozing)
        visit_link (self, link);
      else
        ferry_shared_queue_deactivate (self->shared, link);
    }
  ferry_monitor_ping (self);
}

/* A process that outlives the router's stop for a moment. */
typedef struct
{
  FerryLink *link; /* (owned) */
  int pidfd;       /* (owned) */
} LateProcess;

static gpointer
reap_in_background (gpointer data)
{
  GArray *late = data;

  for (guint i = 0; i < late->len; i++)
    {
      LateProcess *process = &g_array_index (late, LateProcess, i);
      struct pollfd poll_fd = {.fd = process->pidfd, .events = POLLIN};

      process->link->pidfd = process->pidfd;
      while (!ferry_link_reap (process->link))
        TEMP_FAILURE_RETRY (poll (&poll_fd, 1, -1));
      ferry_link_unref (process->link);
    }
  g_array_unref (late);
  return NULL;
}

/* Reaps the processes that were killed, for a moment here, and those that take longer (a large heap, a slow disk)
 * on a thread of their own, so that a stop does not wait for them. */
static GArray *
reap_killed (FerryMonitor *self)
{
  gint64 deadline = g_get_monotonic_time () + STOP_GRACE_MS * FERRY_MICROSECONDS_PER_MILLISECOND;
  GArray *late = g_array_new (FALSE, FALSE, sizeof (LateProcess));

  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;
      gint64 left = deadline - g_get_monotonic_time ();
      struct pollfd poll_fd = {.fd = link->pidfd, .events = POLLIN};
      LateProcess process;

      if (link->pidfd < 0 || link->reaped)
        continue;
      TEMP_FAILURE_RETRY (poll (&poll_fd, 1, (int) (MAX (left, 0) / FERRY_MICROSECONDS_PER_MILLISECOND)));
      if (ferry_link_reap (link))
        continue;
      process = (LateProcess){ferry_link_ref (link), ferry_steal_fd (&link->pidfd)};
      g_array_append_val (late, process);
    }
  return late;
}

static void
end_links (FerryMonitor *self)
{
  GArray *late;

  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      ferry_shared_queue_apply (self->shared, link, FERRY_LINK_STOP, NULL);
      close_all_pipes (link, FERRY_PIPE_WORD_ROUTER_STOPPED);
    }
  late = reap_killed (self);
  g_queue_clear (&self->stalled);
  g_queue_clear (&self->dozing);
  while (!g_queue_is_empty (&self->shared->links))
    finish_link (self, g_queue_peek_head (&self->shared->links));
  if (late->len > 0)
    g_thread_unref (g_thread_new ("ferry-reaper", reap_in_background, late));
  else
    g_array_unref (late);
}

static gpointer
monitor_main (gpointer data)
{
  FerryMonitor *self = data;

  /* A thread's timers are late by 50 microseconds unless it asks for better. */
  prctl (PR_SET_TIMERSLACK, 1);
  while (!self->stopping)
    work_or_sleep (self);
  end_links (self);
  return NULL;
}

/* Starts the thread, with all signals blocked: the application's handlers run on its own threads. */
static gboolean
start_thread (FerryMonitor *self, GError **error)
{
  sigset_t all;
  sigset_t before;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  self->thread = g_thread_try_new ("ferry-monitor", monitor_main, self, error);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return self->thread != NULL;
}

/* router's thread: makes a monitor that pings pingee after each block, and starts its thread. */
FerryMonitor *
ferry_monitor_new (FerryPingee *pingee, gsize local_queue_limit, GError **error)
{
  g_autoptr (FerryMonitor) self = g_new0 (FerryMonitor, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  self->pingee = ferry_pingee_ref (pingee);
  self->grants = g_array_new (FALSE, TRUE, sizeof (FerryGrantEntry));
  self->shared = ferry_shared_queue_new (error);
  if (self->shared == NULL)
    return NULL;
  self->local = ferry_local_queue_new (self->shared, local_queue_limit, error);
  if (self->local == NULL || !start_thread (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

FerryMonitor *
ferry_monitor_ref (FerryMonitor *self)
{
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

/* any. The last reference goes after ferry_monitor_stop(). */
void
ferry_monitor_unref (FerryMonitor *self)
{
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) != 1)
    return;
  g_assert (g_queue_is_empty (&self->commands));
  g_clear_pointer (&self->local, ferry_local_queue_unref);
  g_clear_pointer (&self->shared, ferry_shared_queue_free);
  g_clear_pointer (&self->pingee, ferry_pingee_unref);
  g_array_unref (self->grants);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

static void
stop_command (FerryMonitor *self, gpointer data)
{
  self->stopping = TRUE;
}

/* router's thread: has the monitor take no more, end all links, and joins it. The stop is the last command: what was
 * asked for before it is done. The local queue then holds what was drained, and the end of each link. */
void
ferry_monitor_stop (FerryMonitor *self)
{
  Command *command = g_new (Command, 1);

  *command = (Command){stop_command, NULL, NULL};
  pthread_mutex_lock (&self->lock);
  g_queue_push_tail (&self->commands, command);
  self->closed = TRUE;
  ferry_shared_queue_wake (self->shared);
  pthread_mutex_unlock (&self->lock);
  g_thread_join (g_steal_pointer (&self->thread));
}

typedef struct
{
  FerryLink *link; /* (owned) */
  FerryLaunchFunc launch;
  gpointer data;
  GDestroyNotify destroy;
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

static void
launch_link (FerryMonitor *self, LinkCommand *command)
{
  g_autoptr (GError) error = NULL;
  FerryLink *link = command->link;
  GPid pid = 0;
  int pidfd = -1;

  if (!command->launch (command->data, link->worker_end, &pid, &pidfd, &error) ||
      !ferry_shared_queue_set_process (self->shared, link, pid, pidfd, &error))
    {
      ferry_link_send_signal (link, SIGKILL);
      ferry_shared_queue_apply (self->shared, link, FERRY_LINK_LAUNCH_FAILED, error->message);
      return;
    }
  ferry_clear_fd (&link->worker_end);
  push_news (self, link, FERRY_BLOCK_LAUNCHED);
}

static void
add_link_command (FerryMonitor *self, gpointer data)
{
  LinkCommand *command = data;
  g_autoptr (GError) error = NULL;
  FerryLink *link = command->link;

  atomic_fetch_add_explicit (&self->n_links, 1, memory_order_relaxed);
  add_grants (self, link);
  if (!ferry_shared_queue_add (self->shared, link, &error))
    {
      ferry_link_note (link, FERRY_CLOSE_REASON_LAUNCH_FAILED, error->message);
      remove_grants (self, link);
      atomic_fetch_sub_explicit (&self->n_links, 1, memory_order_relaxed);
      close_all_pipes (link, FERRY_PIPE_WORD_LINK_ENDED);
      push_news (self, link, FERRY_BLOCK_ENDED);
    }
  else if (command->launch != NULL)
    launch_link (self, command);
}

/* any: adds a link and, with launch, starts the process at its other end. Returns FALSE when the monitor takes no
 * more. */
gboolean
ferry_monitor_add_link (FerryMonitor *self, FerryLink *link, FerryLaunchFunc launch, gpointer launch_data,
                        GDestroyNotify launch_destroy)
{
  LinkCommand *command = g_new (LinkCommand, 1);

  *command = (LinkCommand){ferry_link_ref (link), launch, launch_data, launch_destroy};
  return ferry_monitor_invoke (self, add_link_command, command, link_command_free);
}

static void
close_pipe_command (FerryMonitor *self, gpointer data)
{
  guint64 connection_id = *(guint64 *) data;
  guint slot = ferry_connection_id_get_slot (connection_id);
  FerryGrantEntry *entry = slot < self->grants->len ? &g_array_index (self->grants, FerryGrantEntry, slot) : NULL;

  if (entry == NULL || entry->connection_id != connection_id)
    return;
  ferry_link_set_pipe_word (entry->link, entry->index, FERRY_PIPE_WORD_CLOSED);
  ferry_link_wake_writers (entry->link);
  if (entry->link->local)
    ferry_shared_queue_apply (self->shared, entry->link, FERRY_LINK_FINISHED, NULL);
}

/* any: tells the sender of a pipe that nobody receives any more. */
gboolean
ferry_monitor_close_pipe (FerryMonitor *self, guint64 connection_id)
{
  return ferry_monitor_invoke (self, close_pipe_command, g_memdup2 (&connection_id, sizeof connection_id), g_free);
}

typedef struct
{
  FerryLink *link; /* (owned) */
  int signal_number;
} SignalCommand;

static void
signal_command_free (gpointer data)
{
  SignalCommand *command = data;

  ferry_link_unref (command->link);
  g_free (command);
}

static void
send_signal_command (FerryMonitor *self, gpointer data)
{
  SignalCommand *command = data;

  ferry_link_send_signal (command->link, command->signal_number);
}

/* any: sends the process of a link a signal, after whatever was asked for before. */
gboolean
ferry_monitor_send_signal (FerryMonitor *self, FerryLink *link, int signal_number)
{
  SignalCommand *command = g_new (SignalCommand, 1);

  *command = (SignalCommand){ferry_link_ref (link), signal_number};
  return ferry_monitor_invoke (self, send_signal_command, command, signal_command_free);
}
