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
#include "base/ferry-thread-private.h"
#include "link/ferry-nursery-link-private.h"
#include "route/ferry-exit-private.h"

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
    g_queue_push_tail (&self->commands, command);
  pthread_mutex_unlock (&self->lock);
  /* After the lock, which the monitor takes first of all. */
  if (!closed)
    ferry_shared_queue_wake (self->shared);
  else
    command_free (command);
  return !closed;
}

/* monitor: does what was asked for so far. What is asked for meanwhile waits for the next round, so that a thread that
 * asks without end does not keep the links from their turns. */
void
ferry_monitor_run_commands (FerryMonitor *self)
{
  GQueue commands;
  Command *command;

  pthread_mutex_lock (&self->lock);
  commands = self->commands;
  g_queue_init (&self->commands);
  pthread_mutex_unlock (&self->lock);
  while ((command = g_queue_pop_head (&commands)) != NULL)
    {
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
      g_array_index (self->grants, FerryGrantEntry, slot) = (FerryGrantEntry){connection_id, link, i, 0, FALSE, NULL};
    }
}

static void
remove_grants (FerryMonitor *self, FerryLink *link)
{
  for (guint i = 0; i < link->connection_ids->len; i++)
    {
      guint64 connection_id = g_array_index (link->connection_ids, guint64, i);
      FerryGrantEntry *entry = ferry_monitor_find_grant (self, link, connection_id);

      if (entry == NULL)
        continue;
      g_clear_pointer (&entry->deep, g_ptr_array_unref);
      *entry = (FerryGrantEntry){0};
    }
}

/* The first word is set even where there is no pipe: it tells the worker's end of the down lane. */
static void
close_all_pipes (FerryLink *link, FerryPipeWord word)
{
  ferry_link_set_pipe_word (link, 0, word);
  for (guint i = 1; i < link->connection_ids->len; i++)
    ferry_link_set_pipe_word (link, i, word);
  ferry_link_wake_writers (link);
}

/* monitor: tells the router's thread of the link, behind what was drained from it. */
void
ferry_monitor_push_news (FerryMonitor *self, FerryLink *link, FerryBlockKind kind)
{
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, kind);

  block->pid = link->pid;
  ferry_monitor_push (self, block);
}

/* Tells of its end; a nursery's is heard of before that of the workers that it did not come to fork. */
static void
tell_end (FerryMonitor *self, FerryLink *link)
{
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_ENDED);
  g_autoptr (FerryExit) exit = ferry_exit_new_for_link (link);

  block->pid = link->pid;
  block->exit = ferry_exit_ref (exit);
  ferry_monitor_push (self, block);
  if (link->nursery != NULL)
    ferry_nursery_link_finish (self->shared, link, ferry_exit_get_message (exit));
}

/* monitor: tells of the process, once there is one. */
void
ferry_monitor_tell_launched (FerryMonitor *self, FerryLink *link)
{
  if (link->told_launched || link->pid == 0)
    return;
  link->told_launched = TRUE;
  ferry_monitor_push_news (self, link, FERRY_BLOCK_LAUNCHED);
}

/* monitor: the lane is drained to its last byte, or to where a rule was broken: nothing can follow. */
void
ferry_monitor_finish_link (FerryMonitor *self, FerryLink *link)
{
  g_autoptr (FerryLink) kept G_GNUC_UNUSED = ferry_link_ref (link);

  if (link->cause == FERRY_CLOSE_REASON_PROTOCOL_ERROR)
    atomic_fetch_add_explicit (&self->n_faults, 1, memory_order_relaxed);
  ferry_monitor_finish_output (self, link);
  remove_grants (self, link);
  ferry_shared_queue_remove (self->shared, link);
  close_all_pipes (link, self->stopping ? FERRY_PIPE_WORD_ROUTER_STOPPED : FERRY_PIPE_WORD_LINK_ENDED);
  /* The memory goes when the router's thread has heard of the end: see end_link() in ferry-dispatch.c. */
  tell_end (self, link);
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

      process->link->pidfd = process->pidfd;
      ferry_link_wait (process->link);
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
      ferry_link_send_signal (link, SIGKILL);
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
  /* It kills what is left. */
  ferry_shared_queue_close_guardian (self->shared);
  g_queue_clear (&self->stalled);
  atomic_store_explicit (&self->n_waiting, 0, memory_order_relaxed);
  g_queue_clear (&self->dozing);
  g_queue_clear (&self->lingering);
  while (!g_queue_is_empty (&self->shared->links))
    ferry_monitor_finish_link (self, g_queue_peek_head (&self->shared->links));
  if (late->len > 0)
    {
      ferry_thread_run_aside ("ferry-reaper", reap_in_background, late);
    }
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
    ferry_monitor_work_or_sleep (self);
  end_links (self);
  return NULL;
}

static gboolean
start_thread (FerryMonitor *self, GError **error)
{
  self->thread = ferry_thread_try_new ("ferry-monitor", "the router", monitor_main, self, error);
  return self->thread != NULL;
}

static void
catch_up (gpointer data)
{
  ferry_monitor_run_commands (data);
}

/* router's thread: makes a monitor that pings pingee after each block, and starts its thread. */
FerryMonitor *
ferry_monitor_new (FerryPingee *pingee, FerryMemoryAccount *account, gsize local_queue_limit, gint64 spare_time,
                   GError **error)
{
  g_autoptr (FerryMonitor) self = g_new0 (FerryMonitor, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  self->pingee = ferry_pingee_ref (pingee);
  self->spare_time = spare_time;
  self->grants = g_array_new (FALSE, TRUE, sizeof (FerryGrantEntry));
  self->shared = ferry_shared_queue_new (error);
  if (self->shared == NULL)
    return NULL;
  self->shared->catch_up = catch_up;
  self->shared->catch_up_data = self;
  self->local = ferry_local_queue_new (self->shared, account, local_queue_limit, error);
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
  pthread_mutex_unlock (&self->lock);
  ferry_shared_queue_wake (self->shared);
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

/* A cause that was noted before has its own obstacle: that of the nursery, for instance. */
static void
note_obstacle (FerryLink *link, const GError *error)
{
  if (link->cause == FERRY_NO_CAUSE && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_SYSTEM))
    link->obstacle = FERRY_OBSTACLE_SHORTAGE;
}

static void
launch_link (FerryMonitor *self, LinkCommand *command)
{
  g_autoptr (GError) error = NULL;
  FerryLink *link = command->link;
  GPid pid = 0;
  int pidfd = -1;

  if (!command->launch (command->data, link->worker_end, &pid, &pidfd, &error))
    {
      note_obstacle (link, error);
      ferry_shared_queue_apply (self->shared, link, FERRY_LINK_LAUNCH_FAILED, error->message);
    }
  else if (pid == 0)
    return;
  else if (!ferry_shared_queue_set_process (self->shared, link, pid, pidfd, &error))
    {
      /* It cannot be watched, so it is ended here. */
      ferry_link_send_signal (link, SIGKILL);
      ferry_link_wait (link);
      note_obstacle (link, error);
      ferry_shared_queue_apply (self->shared, link, FERRY_LINK_LAUNCH_FAILED, error->message);
    }
  else
    ferry_monitor_tell_launched (self, link);
  ferry_clear_fd (&link->worker_end);
}

/* The link could not be added. What was asked of a nursery already is answered, and ended then. */
static void
refuse_launch (LinkCommand *command)
{
  GPid pid;
  int pidfd;

  if (command->launch != NULL && command->link->parent == FERRY_PARENT_ASKED)
    command->launch (command->data, -1, &pid, &pidfd, NULL);
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
      note_obstacle (link, error);
      ferry_link_note (link, FERRY_CLOSE_REASON_LAUNCH_FAILED, error->message);
      link->state = FERRY_LINK_ENDED;
      refuse_launch (command);
      remove_grants (self, link);
      close_all_pipes (link, FERRY_PIPE_WORD_LINK_ENDED);
      tell_end (self, link);
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

  ferry_spare_memory_set_account (&link->spare, ferry_local_queue_get_account (self->local));
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
  ferry_grant_entry_set_done (entry);
  if (ferry_monitor_is_local_end (entry->link))
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

/* A nursery may take its time to say which process it is that is to be killed. It is not waited for: what it starts all
 * the same is killed when it says so. */
static void
end_unstarted (FerryMonitor *self, FerryLink *link)
{
  link->reaped = TRUE;
  link->wait_code = CLD_KILLED;
  link->wait_status = SIGKILL;
  ferry_link_note (link, FERRY_CLOSE_REASON_KILLED, NULL);
  ferry_shared_queue_apply (self->shared, link, FERRY_LINK_PROCESS_ENDED, NULL);
}

static void
send_signal_command (FerryMonitor *self, gpointer data)
{
  SignalCommand *command = data;
  FerryLink *link = command->link;

  if (command->signal_number == SIGKILL && link->parent == FERRY_PARENT_ASKED && link->queue != NULL)
    end_unstarted (self, link);
  else
    ferry_link_send_signal (link, command->signal_number);
}

/* any: sends the process of a link a signal, after whatever was asked for before. */
gboolean
ferry_monitor_send_signal (FerryMonitor *self, FerryLink *link, int signal_number)
{
  SignalCommand *command = g_new (SignalCommand, 1);

  *command = (SignalCommand){ferry_link_ref (link), signal_number};
  return ferry_monitor_invoke (self, send_signal_command, command, signal_command_free);
}

typedef struct
{
  FerryLink *link; /* (owned) */
  char *detail;    /* (owned) */
} FaultCommand;

static void
fault_command_free (gpointer data)
{
  FaultCommand *command = data;

  ferry_link_unref (command->link);
  g_free (command->detail);
  g_free (command);
}

static void
fault_command (FerryMonitor *self, gpointer data)
{
  FaultCommand *command = data;

  /* A link that has ended meanwhile has left the queue. */
  if (command->link->queue != NULL)
    ferry_shared_queue_fault (self->shared, command->link, command->detail);
}

/* any: ends a link whose worker broke a rule that only the layers above know. */
gboolean
ferry_monitor_fault_link (FerryMonitor *self, FerryLink *link, const char *detail)
{
  FaultCommand *command = g_new (FaultCommand, 1);

  *command = (FaultCommand){ferry_link_ref (link), g_strdup (detail)};
  return ferry_monitor_invoke (self, fault_command, command, fault_command_free);
}
