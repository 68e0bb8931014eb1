/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "link/ferry-link-private.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-cell-private.h"
#include "lane/ferry-doorbell-private.h"
#include "link/ferry-nursery-link-private.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* So many processes are reaped without a thread for it. */
#define N_AT_ONCE 1000

/* A process that may write only short files can have no larger memory either, and would be killed for trying. */
static gsize
fit_arena (gsize arena_size)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur / 2 >= arena_size)
    return arena_size;
  return ferry_arena_size_for (limit.rlim_cur / 2);
}

/* any: makes the memory and the doorbell of a link, in the state attaching. */
FerryLink *
ferry_link_new (const char *name, const guint64 *connection_ids, const guint32 *cells, guint n_pipes, gsize up_capacity,
                gsize arena_size, guint64 max_message_size, GError **error)
{
  g_autoptr (FerryLink) self = g_new0 (FerryLink, 1);
  guint n_cells = 0;

  g_assert (n_pipes <= FERRY_MAX_PIPES_PER_LINK);

  atomic_init (&self->references, 1);
  self->memory = self->doorbell = self->control = self->worker_end = self->pidfd = -1;
  self->confinement.pidfd = -1;
  self->cause = FERRY_NO_CAUSE;
  self->turn.check_every = self->turn.left = 1;
  self->name = g_strdup (name);
  self->max_message_size = max_message_size;
  self->connection_ids = g_array_sized_new (FALSE, FALSE, sizeof (guint64), n_pipes);
  g_array_append_vals (self->connection_ids, connection_ids, n_pipes);
  self->cells = g_array_sized_new (FALSE, FALSE, sizeof (guint32), n_pipes);
  g_array_append_vals (self->cells, cells, n_pipes);
  for (guint i = 0; i < n_pipes; i++)
    n_cells += cells[i] != FERRY_NO_CELL;
  pthread_mutex_init (&self->down_lock, NULL);
  ferry_spare_memory_init (&self->spare);
  self->queue_node.data = self->active_node.data = self;
  self->doorbell_watch = (FerryWatch){FERRY_WATCH_DOORBELL, self};
  self->control_watch = (FerryWatch){FERRY_WATCH_CONTROL, self};
  self->process_watch = (FerryWatch){FERRY_WATCH_PROCESS, self};
  self->output_watch = (FerryWatch){FERRY_WATCH_OUTPUT, self};

  arena_size = fit_arena (arena_size);
  if (!ferry_segment_create (&self->segment, up_capacity, n_cells, arena_size, &self->memory, error))
    return NULL;
  if (arena_size > 0)
    {
      self->arena =
        ferry_arena_new (self->memory, ferry_segment_get_arena_offset (&self->segment), arena_size, FALSE, error);
      if (self->arena == NULL)
        return NULL;
    }
  self->doorbell = ferry_doorbell_new (error);
  if (self->doorbell < 0)
    return NULL;
  ferry_lane_reader_init (&self->up, ferry_segment_get_up (&self->segment), self->segment.up_ring, up_capacity);
  ferry_lane_writer_init (&self->down, ferry_segment_get_down (&self->segment), self->segment.down_ring,
                          FERRY_DOWN_CAPACITY);
  ferry_lane_writer_init (&self->express, ferry_segment_get_express (&self->segment), self->segment.express_ring,
                          FERRY_EXPRESS_CAPACITY);
  for (guint i = 0; i < n_cells; i++)
    ferry_cell_init (&self->segment.cells[i]);
  return g_steal_pointer (&self);
}

FerryLink *
ferry_link_ref (FerryLink *self)
{
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_assembly_clear (FerryAssembly *self)
{
  g_free (self->data);
  *self = (FerryAssembly){0};
}

void
ferry_link_unref (FerryLink *self)
{
  /* Release, so that our uses come before the end; acquire, so that the end comes after everybody's. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) != 1)
    return;
  ferry_link_close_down (self);
  ferry_clear_fd (&self->memory);
  ferry_clear_fd (&self->doorbell);
  ferry_clear_fd (&self->control);
  ferry_clear_fd (&self->worker_end);
  ferry_clear_fd (&self->pidfd);
  ferry_clear_fd (&self->confinement.pidfd);
  ferry_segment_clear_soon (&self->segment);
  ferry_link_give_up_buffers (self);
  ferry_spare_memory_clear (&self->spare);
  ferry_assembly_clear (&self->assembly);
  g_clear_pointer (&self->nursery, ferry_nursery_link_free);
  g_clear_pointer (&self->output, ferry_output_free);
  g_array_unref (self->connection_ids);
  g_array_unref (self->cells);
  pthread_mutex_destroy (&self->down_lock);
  g_free (self->detail);
  g_free (self->name);
  g_free (self->program);
  g_free (self);
}

/* Nothing more comes. What the application keeps stays readable. */
void
ferry_link_give_up_buffers (FerryLink *self)
{
  if (self->copy.memory.data != NULL)
    ferry_spare_memory_give (&self->spare, self->copy.memory);
  g_free (self->copy.news.metadata);
  self->copy = (FerryBufferCopy){0};
  g_clear_pointer (&self->arrival.check, ferry_one_shot_check_drop);
  g_free (self->arrival.news.metadata);
  self->arrival = (FerryOneShotArrival){0};
  ferry_spare_memory_close (&self->spare);
  g_clear_pointer (&self->arena, ferry_arena_unref);
  g_clear_pointer (&self->offers, ferry_offers_free);
}

/* any, before the link is in a queue: makes the control socket and puts the welcome into it. */
gboolean
ferry_link_open_socket (FerryLink *self, GError **error)
{
  FerryWelcome welcome = {
    .segment_size = self->segment.size,
    .up_capacity = self->segment.up_capacity,
    .down_capacity = FERRY_DOWN_CAPACITY,
    .max_message_size = self->max_message_size,
    .application_pid = (guint32) getpid (),
    .n_pipes = self->connection_ids->len,
    .n_cells = self->segment.n_cells,
    .arena_size = self->segment.arena_size,
  };

  if (!ferry_control_socket_pair (&self->control, &self->worker_end, error) ||
      !ferry_control_send_welcome (self->control, &welcome, self->memory, self->doorbell, error))
    return FALSE;
  ferry_clear_fd (&self->memory);
  return TRUE;
}

/* any, before its grant: the buffers of that pipe come in memory of their own each. */
void
ferry_link_allow_one_shots (FerryLink *self, guint index)
{
  if (self->offers == NULL)
    self->offers = ferry_offers_new ();
  ferry_offers_allow (self->offers, index);
}

/* any, before the worker is launched: puts a sender's name and connection id into the down lane. Returns FALSE when
 * the lane has no room for it. */
gboolean
ferry_link_grant (FerryLink *self, guint index, const char *sender_name)
{
  FerryGrant grant = {
    .index = index,
    .name_length = (guint32) strlen (sender_name),
    .cell = g_array_index (self->cells, guint32, index),
    .flags = ferry_offers_allows (self->offers, index) ? FERRY_GRANT_ONE_SHOT : 0,
  };
  gsize length = sizeof grant + grant.name_length;
  guint8 *place;

  if (!ferry_lane_writer_has_room (&self->down, ferry_record_size (length)))
    return FALSE;
  place = ferry_lane_writer_get_place (&self->down);
  ferry_record_write_header (place, (guint32) length, FERRY_RECORD_GRANT, 0,
                             g_array_index (self->connection_ids, guint64, index));
  memcpy (place + sizeof (FerryRecordHeader), &grant, sizeof grant);
  memcpy (place + sizeof (FerryRecordHeader) + sizeof grant, sender_name, grant.name_length);
  /* Nobody sleeps on the down lane: its grants are all there before the worker is. */
  ferry_lane_writer_publish (&self->down, ferry_record_size (length));
  return TRUE;
}

/* What wraps a process passes no signal on, and ends when it ends: so the process itself gets it, where it is known. */
static gboolean
signal_wrapped (FerryConfinement *self, int signal_number)
{
  if (self->pidfd < 0 || (signal_number == SIGKILL && self->killed))
    return FALSE;
  self->killed |= signal_number == SIGKILL;
  return syscall (SYS_pidfd_send_signal, self->pidfd, signal_number, NULL, 0) == 0;
}

/* Sends the process a signal, as soon as there is one. Returns FALSE when there is none any more. */
gboolean
ferry_link_send_signal (FerryLink *self, int signal_number)
{
  if (self->parent == FERRY_PARENT_ASKED)
    {
      self->pending_signals |= G_GUINT64_CONSTANT (1) << (signal_number - 1);
      return TRUE;
    }
  if (self->pidfd < 0 || self->reaped)
    return FALSE;
  if (signal_wrapped (&self->confinement, signal_number))
    return TRUE;
  return syscall (SYS_pidfd_send_signal, self->pidfd, signal_number, NULL, 0) == 0;
}

/* The nursery has forked the process. */
void
ferry_link_send_pending_signals (FerryLink *self)
{
  for (int number = 1; number <= 64; number++)
    if ((self->pending_signals & (G_GUINT64_CONSTANT (1) << (number - 1))) != 0)
      ferry_link_send_signal (self, number);
  self->pending_signals = 0;
}

/* Notes why the link ends; of several causes the first counts. */
void
ferry_link_note (FerryLink *self, int cause, const char *detail)
{
  if (cause == FERRY_NO_CAUSE || self->cause != FERRY_NO_CAUSE)
    return;
  self->cause = cause;
  self->detail = g_strdup (detail);
}

void
ferry_link_set_pipe_word (FerryLink *self, guint index, FerryPipeWord word)
{
  /* Release: pairs with the sender's load; ferry_link_wake_writers() follows. */
  atomic_store_explicit (ferry_segment_get_pipe_word (&self->segment, index), word, memory_order_release);
}

/* Wakes every thread that waits in a send, for a buffer or for something to come down, so that it sees its pipe word.
 */
void
ferry_link_wake_writers (FerryLink *self)
{
  ferry_futex_doorbell_ring (&ferry_segment_get_control (&self->segment)->reader_bell.rings);
  ferry_futex_doorbell_ring (&ferry_segment_get_up (&self->segment)->writer_bell.rings);
  if (self->arena != NULL)
    ferry_arena_ring (self->arena);
}

/* A process that is no child of ours: its parent takes its status. */
static gboolean
reap_grandchild (FerryLink *self)
{
  struct pollfd poll_fd = {.fd = self->pidfd, .events = POLLIN};

  if (poll (&poll_fd, 1, 0) == 1)
    self->reaped = TRUE;
  return self->reaped;
}

/* What wraps a process tells of its death by a signal as a shell does. */
static void
unwrap_status (FerryLink *self)
{
  int signal_number = self->wait_status - 128;

  if (self->wait_code != CLD_EXITED || signal_number <= 0 || signal_number >= NSIG)
    return;
  self->wait_code = CLD_KILLED;
  self->wait_status = signal_number;
}

/* Waits for processes that were killed. */
static gpointer
reap_group (gpointer data)
{
  siginfo_t info;

  while (TEMP_FAILURE_RETRY (waitid (P_PGID, (id_t) GPOINTER_TO_INT (data), &info, WEXITED | __WALL)) == 0)
    ;
  return NULL;
}

/* A process may make its own children ours (CLONE_PARENT). They are in its group, which was killed, and nobody else has
 * that group's number before they are reaped. */
static void
reap_rest (GPid group)
{
  siginfo_t info;

  for (guint i = 0; i < N_AT_ONCE; i++)
    {
      info.si_pid = 0;
      if (waitid (P_PGID, (id_t) group, &info, WEXITED | WNOHANG | __WALL) < 0)
        return;
      if (info.si_pid == 0)
        break;
    }
  ferry_thread_run_aside ("ferry-reaper", reap_group, GINT_TO_POINTER (group));
}

/* Takes the exit status of a process that has ended, after ending what is left of its process group: as long as the
 * leader is not reaped, nobody else can have that group's number. Returns FALSE when the process has not ended. */
gboolean
ferry_link_reap (FerryLink *self)
{
  siginfo_t info = {0};

  if (self->parent != FERRY_PARENT_SELF)
    return reap_grandchild (self);
  if (waitid (P_PIDFD, (id_t) self->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
    {
      siginfo_t again;

      if (info.si_pid == 0)
        return FALSE;
      kill (-self->pid, SIGKILL);
      TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) self->pidfd, &again, WEXITED | WNOHANG));
      reap_rest (self->pid);
    }
  /* ECHILD: the program has somebody else reap its children, or ignores SIGCHLD. The status is lost, the end not. */
  self->wait_code = info.si_code;
  self->wait_status = info.si_status;
  if (self->confinement.wrapped)
    unwrap_status (self);
  self->reaped = TRUE;
  return TRUE;
}

/* Waits for the end of a process that was killed. */
void
ferry_link_wait (FerryLink *self)
{
  struct pollfd poll_fd = {.fd = self->pidfd, .events = POLLIN};

  while (!ferry_link_reap (self))
    TEMP_FAILURE_RETRY (poll (&poll_fd, 1, -1));
}
