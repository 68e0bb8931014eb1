/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "link/ferry-link-private.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-cell-private.h"
#include "lane/ferry-doorbell-private.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* So many processes are reaped without a thread for it. */
#define N_AT_ONCE 1000

/* What may wait for room in the down lane. A message that finds nothing waiting is always taken, whatever its size. */
#define MAX_BACKLOG (1024 * 1024)

/* Messages of so few bytes have such a limit of their own: a window is to be taken while a large message waits, or a
 * worker that waits for the window would do so for ever. */
#define MAX_SHORT 64

/* Cancels that wait for room in the express lane: one for each call that a worker may have. */
#define MAX_EXPRESS_BACKLOG 65536

/* An honest worker changes its claim once a call. */
#define CLAIM_ATTEMPTS 1000

/* What turned_away says. */
#define LONG_MESSAGE 1
#define SHORT_MESSAGE 2
#define HANDED_MESSAGE 4

/* A record that waits for room. */
typedef struct
{
  gsize size;
  guint64 words[];
} FerryBacklogRecord;

/* How far the parts of a message were taken. */
typedef struct
{
  const FerryPart *parts;
  guint n_parts;
  gsize offset; /* in the first part that is left */
} Gather;

/* A packet that the worker has not taken. */
typedef struct
{
  guint64 record_end; /* position in the down lane */
  guint n_descriptors;
} FerryHanded;

struct _FerryFdBatches
{
  guint64 n_sent;    /* packets */
  guint64 n_taken;   /* those that were taken from local */
  GArray *under_way; /* (element-type FerryHanded) (owned): not taken yet, in their order */
  guint n_under_way; /* descriptors in those */
  GQueue local;      /* (element-type GArray of int) (owned): of a link within this process */
};

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
  if (self->fork_server != NULL)
    self->fork_server_funcs->free (g_steal_pointer (&self->fork_server));
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
  g_clear_pointer (&self->pending_memory, ferry_pending_memory_free);
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
  if (self->pending_memory == NULL)
    self->pending_memory = ferry_pending_memory_new ();
  ferry_pending_memory_allow (self->pending_memory, index);
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
    .flags = ferry_pending_memory_allows (self->pending_memory, index) ? FERRY_GRANT_ONE_SHOT : 0,
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

/* ---- the process at the other end ---- */

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

/* The fork server has forked the process. */
void
ferry_link_send_pending_signals (FerryLink *self)
{
  for (int number = 1; number <= 64; number++)
    if ((self->pending_signals & (G_GUINT64_CONSTANT (1) << (number - 1))) != 0)
      ferry_link_send_signal (self, number);
  self->pending_signals = 0;
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

/* ---- what goes down ----
 *
 * The application's writing end of a link: the down lane, the express lane and the claim word.
 *
 * Threads:   any, under the link's down_lock, with which nobody waits.
 * Trust:     none in the worker. It can write any position and any claim: a position is checked by the lane's writer, a
 *            claim is a number that is only compared, and no loop follows it for ever.
 * Invariant: a lane's backlog holds what comes after all that is in the lane; while it holds anything, the lane's
 *            writer is armed, so that the reader's next half lane of room has the monitor flush it. */

static gboolean
is_short (gsize record_size)
{
  return record_size <= ferry_record_size (MAX_SHORT);
}

static gsize *
get_backlog_size (FerryLink *self, gsize record_size)
{
  return is_short (record_size) ? &self->backlog_short : &self->backlog_size;
}

static gboolean
may_wait_locked (FerryLink *self, gsize size)
{
  if (g_queue_is_empty (&self->backlog))
    return TRUE;
  return *get_backlog_size (self, ferry_record_size (size)) + size <= MAX_BACKLOG;
}

static void
lock (FerryLink *self)
{
  pthread_mutex_lock (&self->down_lock);
}

static void
unlock (FerryLink *self)
{
  pthread_mutex_unlock (&self->down_lock);
}

static gboolean
is_usable_locked (FerryLink *self)
{
  return !self->down_closed && self->down_fault == NULL;
}

/* Leaves it to the monitor to end the link. */
void
ferry_link_set_fault_locked (FerryLink *self, const char *fault)
{
  if (self->down_fault != NULL)
    return;
  self->down_fault = fault;
  if (self->queue != NULL)
    self->report_fault (self->queue);
}

/* ---- descriptors that go down ----
 *
 * The descriptors that go down a link with messages, as the application has them between sending and their being taken.
 *
 * The packet with the descriptors goes into the control socket first, and the record that belongs to it into the down
 * lane after it, both with the link's down_lock held: so the packet is there when the worker comes to the record, in
 * the same order. That the worker has taken the packet is known by its having passed the record.
 *
 * A link whose both ends are in this process has no socket; copies of the descriptors wait here for the other end.
 *
 * Threads: any, with the link's down_lock held.
 * Trust:   none in the worker. One that passes its records and leaves the packets in the socket is found out there:
 *          so what lies in the kernel on its account is bounded by what it says it has not taken. */

static FerryFdBatches *
fd_batches_new (void)
{
  FerryFdBatches *self = g_new0 (FerryFdBatches, 1);

  self->under_way = g_array_new (FALSE, FALSE, sizeof (FerryHanded));
  g_queue_init (&self->local);
  return self;
}

/* any: closes descriptors (element-type int) that the application gave, and leaves the array empty. They are the
 * application's own, and so is what their end may wait for. */
void
ferry_descriptors_close (GArray *descriptors)
{
  for (guint i = 0; i < descriptors->len; i++)
    close (g_array_index (descriptors, int, i));
  g_array_set_size (descriptors, 0);
}

void
ferry_descriptors_free (GArray *descriptors)
{
  ferry_descriptors_close (descriptors);
  g_array_unref (descriptors);
}

static void
fd_batches_free (FerryFdBatches *self)
{
  g_array_unref (self->under_way);
  g_queue_clear_full (&self->local, (GDestroyNotify) ferry_descriptors_free);
  g_free (self);
}

/* Whether packets are left in the socket where the worker says that it has taken all. */
static gboolean
is_something_left (FerryLink *link)
{
  int left = 0;

  return link->control >= 0 && ioctl (link->control, SIOCOUTQ, &left) == 0 && left > 0;
}

/* How many of its descriptors the worker has not taken yet, as far as its head in the down lane tells. */
static guint
count_fd_batches_locked (FerryLink *link)
{
  FerryFdBatches *self = link->fd_batches;
  guint n_passed = 0;

  if (self == NULL)
    return 0;
  ferry_lane_writer_look (&link->down, 0);
  while (n_passed < self->under_way->len &&
         g_array_index (self->under_way, FerryHanded, n_passed).record_end <= link->down.head)
    self->n_under_way -= g_array_index (self->under_way, FerryHanded, n_passed++).n_descriptors;
  if (n_passed == 0)
    return self->n_under_way;
  g_array_remove_range (self->under_way, 0, n_passed);
  if (self->under_way->len == 0 && is_something_left (link))
    ferry_link_set_fault_locked (link, "it took messages without the descriptors that belong to them");
  return self->n_under_way;
}

/* Returns 0, or the number of an error. */
static int
send_fd_batch_locally (FerryFdBatches *self, const int *descriptors, guint n_descriptors)
{
  GArray *copies = g_array_new (FALSE, FALSE, sizeof (int));
  int error_number;

  for (guint i = 0; i < n_descriptors; i++)
    {
      int copy = fcntl (descriptors[i], F_DUPFD_CLOEXEC, 0);

      if (copy < 0)
        {
          error_number = errno;
          ferry_descriptors_free (copies);
          return error_number;
        }
      g_array_append_val (copies, copy);
    }
  g_queue_push_tail (&self->local, copies);
  return 0;
}

/* Whether the other end is closed, which the monitor hears of, and not only shut for what we send. */
static gboolean
has_hung_up (int control)
{
  struct pollfd poll_fd = {.fd = control, .events = 0};

  return poll (&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP) != 0;
}

static int
send_hand_now (FerryLink *link, const FerryHandful *handful, guint64 record_end)
{
  FerryHanded handed = {record_end, handful->n_descriptors};
  FerryFdBatches *self;
  int error_number;

  if (link->fd_batches == NULL)
    link->fd_batches = fd_batches_new ();
  self = link->fd_batches;
  if (link->local)
    error_number = send_fd_batch_locally (self, handful->descriptors, handful->n_descriptors);
  else
    error_number =
      ferry_control_send_fd_batch (link->control, self->n_sent + 1, handful->descriptors, handful->n_descriptors);
  if (error_number == EPIPE && !has_hung_up (link->control))
    ferry_link_set_fault_locked (link, "it shut its control socket down");
  if (error_number != 0)
    return error_number;
  self->n_sent++;
  self->n_under_way += handful->n_descriptors;
  g_array_append_val (self->under_way, handed);
  return 0;
}

/* Whether so many may go down now. Where they may not, the lane's writer is armed, so that the worker's taking some
 * rings. */
static gboolean
may_send_fd_batch (FerryLink *link, guint n)
{
  if (count_fd_batches_locked (link) + n <= FERRY_MAX_FDS_PER_LINK)
    return TRUE;
  ferry_lane_writer_arm (&link->down, 0);
  return count_fd_batches_locked (link) + n <= FERRY_MAX_FDS_PER_LINK;
}

/* Sends the descriptors of the message whose record is to end there in the down lane. Returns 0, or the number of an
 * error: EAGAIN where the worker has to take some first. Then its taking some rings. */
static int
send_hand_locked (FerryLink *link, const FerryHandful *handful, guint64 record_end)
{
  int error_number;

  if (!may_send_fd_batch (link, handful->n_descriptors))
    return EAGAIN;
  error_number = send_hand_now (link, handful, record_end);
  if (error_number != EAGAIN)
    return error_number;
  ferry_lane_writer_arm (&link->down, 0);
  if (count_fd_batches_locked (link) > 0)
    return EAGAIN;
  /* Nothing is there to be taken, so that nobody would tell of room. */
  error_number = send_hand_now (link, handful, record_end);
  return error_number == EAGAIN ? ENOBUFS : error_number;
}

/* any: the other end of a link within this process: takes the packet of that number, and adds its descriptors. Returns
 * FALSE when it is not there. */
gboolean
ferry_link_take_fd_batch (FerryLink *link, guint64 number, GArray *descriptors)
{
  GArray *taken = NULL;

  pthread_mutex_lock (&link->down_lock);
  if (link->fd_batches != NULL && number == link->fd_batches->n_taken + 1)
    taken = g_queue_pop_head (&link->fd_batches->local);
  if (taken != NULL)
    link->fd_batches->n_taken++;
  pthread_mutex_unlock (&link->down_lock);
  if (taken == NULL)
    return FALSE;
  g_array_append_vals (descriptors, taken->data, taken->len);
  g_array_unref (taken);
  return TRUE;
}

/* any: how many packets of descriptors went down. */
guint64
ferry_link_get_n_handed (FerryLink *self)
{
  guint64 n;

  pthread_mutex_lock (&self->down_lock);
  n = self->fd_batches != NULL ? self->fd_batches->n_sent : 0;
  pthread_mutex_unlock (&self->down_lock);
  return n;
}

/* any: how many of those the worker has taken. Once the link has ended, nobody knows, and it is said to be all. */
guint64
ferry_link_get_n_fd_batches_taken (FerryLink *self)
{
  guint64 n = G_MAXUINT64;

  pthread_mutex_lock (&self->down_lock);
  if (!self->down_closed && self->fd_batches != NULL)
    {
      count_fd_batches_locked (self);
      n = self->fd_batches->n_sent - self->fd_batches->under_way->len;
    }
  pthread_mutex_unlock (&self->down_lock);
  return n;
}

/* ---- lanes and claim ---- */

/* Whether both lanes are as an honest worker leaves them. */
static gboolean
check_lanes_locked (FerryLink *self)
{
  if (!self->down.broken && !self->express.broken)
    return TRUE;
  ferry_link_set_fault_locked (self,
                               "it wrote a position beyond what was sent to it; the head of its down lane and of its "
                               "express lane must be a multiple of 8, from the one before to the end of what was sent");
  return FALSE;
}

static void
ring_reader_locked (FerryLink *self)
{
  ferry_futex_doorbell_ring (&ferry_segment_get_control (&self->segment)->reader_bell.rings);
}

static void
publish_locked (FerryLink *self, FerryLaneWriter *writer, gsize size)
{
  if (ferry_lane_writer_publish (writer, size))
    ring_reader_locked (self);
}

static void
gather (Gather *self, guint8 *place, gsize size)
{
  while (size > 0)
    {
      gsize left = self->parts->size - self->offset;
      gsize n = MIN (left, size);

      if (n > 0)
        memcpy (place, (const guint8 *) self->parts->data + self->offset, n);
      place += n;
      size -= n;
      self->offset += n;
      if (n == left)
        {
          self->parts++;
          self->n_parts--;
          self->offset = 0;
        }
    }
}

/* Where in the down lane the record ends that is put there next. */
static guint64
get_next_end (FerryLink *self, gsize payload)
{
  return self->down.tail + self->backlog_size + self->backlog_short + ferry_record_size (payload);
}

static void
fill (guint8 *place, const FerryRecordHeader *header, Gather *payload)
{
  memcpy (place, header, sizeof *header);
  gather (payload, place + sizeof *header, header->length);
}

/* Writes a record into the lane or, when it has no room or others wait for it, behind those. */
static void
put_locked (FerryLink *self, FerryLaneWriter *writer, GQueue *backlog, const FerryRecordHeader *header, Gather *payload)
{
  gsize size = ferry_record_size (header->length);
  FerryBacklogRecord *record;

  if (G_LIKELY (g_queue_is_empty (backlog) && ferry_lane_writer_has_room (writer, size)))
    {
      fill (ferry_lane_writer_get_place (writer), header, payload);
      publish_locked (self, writer, size);
      return;
    }
  record = g_malloc (sizeof *record + size);
  record->size = size;
  /* What is between the payload and the record's end crosses as well, and may not be what lay in our memory. */
  record->words[size / sizeof (guint64) - 1] = 0;
  fill ((guint8 *) record->words, header, payload);
  g_queue_push_tail (backlog, record);
  if (backlog == &self->backlog)
    *get_backlog_size (self, size) += size;
}

/* Tells of room once there is plenty: half of the backlog for each kind, or all of it. Somebody whose message is larger
 * than that tries in vain, and is told again when more has gone. */
static void
tell_of_room_locked (FerryLink *self)
{
  guint before = self->turned_away;

  if (self->backlog_size <= MAX_BACKLOG / 2)
    self->turned_away &= ~(guint) LONG_MESSAGE;
  if (self->backlog_short <= MAX_BACKLOG / 2)
    self->turned_away &= ~(guint) SHORT_MESSAGE;
  if (g_queue_is_empty (&self->backlog))
    self->turned_away &= HANDED_MESSAGE;
  if ((before & HANDED_MESSAGE) != 0 && count_fd_batches_locked (self) <= FERRY_MAX_FDS_PER_LINK / 2)
    self->turned_away &= ~(guint) HANDED_MESSAGE;
  if (self->turned_away == before)
    return;
  for (GList *node = self->room_watches.head; node != NULL; node = node->next)
    {
      FerryRoomWatch *watch = node->data;

      watch->func (watch->data);
    }
}

/* Moves what waits into the lane. When something is left, the lane's writer is armed. Room is told of by the flush that
 * made it, and no other: or two who try in vain would wake each other without end. */
static void
flush_locked (FerryLink *self, FerryLaneWriter *writer, GQueue *backlog)
{
  FerryBacklogRecord *record;
  gboolean moved = FALSE;

  while ((record = g_queue_peek_head (backlog)) != NULL)
    {
      if (!ferry_lane_writer_has_room (writer, record->size) && !ferry_lane_writer_arm (writer, record->size))
        break;
      memcpy (ferry_lane_writer_get_place (writer), record->words, record->size);
      publish_locked (self, writer, record->size);
      if (backlog == &self->backlog)
        *get_backlog_size (self, record->size) -= record->size;
      g_queue_pop_head (backlog);
      g_free (record);
      moved = TRUE;
    }
  if (G_UNLIKELY (moved && self->turned_away != 0))
    tell_of_room_locked (self);
}

static void
put_message_locked (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts, gsize size)
{
  Gather payload = {parts, n_parts, 0};
  FerryLargeMessage large = {.size = size, .kind = FERRY_RECORD_BYTES};
  FerryPart large_part = {&large, sizeof large};
  Gather large_payload = {&large_part, 1, 0};

  if (G_LIKELY (size <= FERRY_MAX_RECORD_PAYLOAD))
    {
      FerryRecordHeader header = {(guint32) size, FERRY_RECORD_BYTES, 0, connection_id};

      put_locked (self, &self->down, &self->backlog, &header, &payload);
      return;
    }
  put_locked (self, &self->down, &self->backlog,
              &(FerryRecordHeader){sizeof large, FERRY_RECORD_LARGE, 0, connection_id}, &large_payload);
  while (size > 0)
    {
      gsize piece = MIN (size, FERRY_MAX_RECORD_PAYLOAD);
      FerryRecordHeader header = {(guint32) piece, FERRY_RECORD_PIECE, 0, connection_id};

      put_locked (self, &self->down, &self->backlog, &header, &payload);
      size -= piece;
    }
}

/* Sends the descriptors of the message that comes next, and puts their record before it. */
static FerryDownResult
send_fd_batch_locked (FerryLink *self, guint64 connection_id, FerryHandful *handful)
{
  FerryFdBatchMessage message = {.n_descriptors = handful->n_descriptors};
  FerryPart part = {&message, sizeof message};
  Gather payload = {&part, 1, 0};

  if (!self->local && self->control < 0)
    return FERRY_DOWN_CLOSED;
  handful->error_number = send_hand_locked (self, handful, get_next_end (self, sizeof message));
  switch (handful->error_number)
    {
    case 0:
      message.number = self->fd_batches->n_sent;
      put_locked (self, &self->down, &self->backlog,
                  &(FerryRecordHeader){sizeof message, FERRY_RECORD_FD_BATCH, 0, connection_id}, &payload);
      return FERRY_DOWN_SENT;
    case EAGAIN:
      self->turned_away |= HANDED_MESSAGE;
      return FERRY_DOWN_UNTAKEN;
    case EPIPE:
    case ECONNRESET:
      /* The worker is going, or gone: how it ended is the monitor's to say. */
      return FERRY_DOWN_CLOSED;
    default:
      return FERRY_DOWN_REFUSED;
    }
}

/* any: sends the worker a message of plain bytes for one of its pipes. Never waits. */
FerryDownResult
ferry_link_send (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts)
{
  return ferry_link_send_with (self, connection_id, parts, n_parts, NULL);
}

/* any: the same with descriptors, which all go with it, or nothing does. */
FerryDownResult
ferry_link_send_with (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts,
                      FerryHandful *handful)
{
  FerryDownResult result = FERRY_DOWN_CLOSED;
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    {
      if (parts[i].size > self->max_message_size - size)
        return FERRY_DOWN_TOO_LARGE;
      size += parts[i].size;
    }
  lock (self);
  if (is_usable_locked (self))
    {
      flush_locked (self, &self->down, &self->backlog);
      if (!may_wait_locked (self, size))
        {
          /* Something waits, so a flush is to come. */
          self->turned_away |= is_short (ferry_record_size (size)) ? SHORT_MESSAGE : LONG_MESSAGE;
          result = FERRY_DOWN_WOULD_BLOCK;
        }
      else
        {
          result = handful != NULL ? send_fd_batch_locked (self, connection_id, handful) : FERRY_DOWN_SENT;
          if (result == FERRY_DOWN_SENT)
            put_message_locked (self, connection_id, parts, n_parts, size);
          flush_locked (self, &self->down, &self->backlog);
        }
      if (!check_lanes_locked (self) || !is_usable_locked (self))
        result = FERRY_DOWN_CLOSED;
    }
  unlock (self);
  return result;
}

static FerryDownResult
send_word (FerryLink *self, FerryLaneWriter *writer, GQueue *backlog, FerryRecordHeader header)
{
  FerryDownResult result = FERRY_DOWN_CLOSED;
  Gather nothing = {NULL, 0, 0};

  lock (self);
  if (is_usable_locked (self))
    {
      flush_locked (self, writer, backlog);
      result = backlog == &self->express_backlog && backlog->length >= MAX_EXPRESS_BACKLOG ? FERRY_DOWN_WOULD_BLOCK
                                                                                           : FERRY_DOWN_SENT;
      if (result == FERRY_DOWN_SENT)
        put_locked (self, writer, backlog, &header, &nothing);
      flush_locked (self, writer, backlog);
      if (!check_lanes_locked (self))
        result = FERRY_DOWN_CLOSED;
    }
  unlock (self);
  return result;
}

/* any: tells the worker that nothing more will be asked, behind all that was. */
FerryDownResult
ferry_link_send_finish (FerryLink *self)
{
  return send_word (self, &self->down, &self->backlog, (FerryRecordHeader){0, FERRY_RECORD_FINISH, 0, 0});
}

/* any: has the worker cancel a call. Overtakes all that is in the down lane. */
FerryDownResult
ferry_link_send_cancel (FerryLink *self, guint64 xid, guint16 reason)
{
  return send_word (self, &self->express, &self->express_backlog,
                    (FerryRecordHeader){0, FERRY_RECORD_CANCEL, reason, xid});
}

/* Somebody waits for descriptors to be taken. A ring is good for one look, so another one is asked for. */
static void
look_at_handed_locked (FerryLink *self)
{
  ferry_lane_writer_arm (&self->down, 0);
  tell_of_room_locked (self);
}

/* any: moves into the lanes what waits for room. Returns how many bytes the worker has taken from them so far, which
 * tells one that goes on from one that only rings. */
guint64
ferry_link_flush_down (FerryLink *self)
{
  guint64 taken;

  lock (self);
  if (is_usable_locked (self))
    {
      ferry_lane_writer_look (&self->down, 0);
      ferry_lane_writer_look (&self->express, 0);
      flush_locked (self, &self->express, &self->express_backlog);
      flush_locked (self, &self->down, &self->backlog);
      if ((self->turned_away & HANDED_MESSAGE) != 0)
        look_at_handed_locked (self);
      check_lanes_locked (self);
    }
  taken = self->down.head + self->express.head;
  unlock (self);
  return taken;
}

static _Atomic guint64 *
get_claim (FerryLink *self)
{
  return &ferry_segment_get_control (&self->segment)->claim;
}

/* The call begun last. Where the claim is the end of a skip, that was never begun, but the one before the skip was. */
static guint64
get_begun_of (FerryLink *self, guint64 claim)
{
  guint64 xid = claim >> FERRY_CLAIM_SHIFT;

  return xid != 0 && xid == self->skip_until ? self->begun_before_skip : xid;
}

/* Changes the claim from one value to another; *claim becomes the value found when that was not it. */
static gboolean
change_claim (FerryLink *self, guint64 *claim, guint64 next)
{
  /* Release: what led to the change is seen by a worker that sees it. Acquire: what the worker did before the claim
   * that we found. Pairs with the same exchange in ferry_downlink_claim(). */
  return atomic_compare_exchange_strong_explicit (get_claim (self), claim, next, memory_order_acq_rel,
                                                  memory_order_acquire);
}

static guint64
load_claim (FerryLink *self)
{
  /* Acquire: as in change_claim(). */
  return atomic_load_explicit (get_claim (self), memory_order_acquire);
}

static gboolean
give_up_claim_locked (FerryLink *self)
{
  ferry_link_set_fault_locked (self, "it changed its claim over and over");
  return FALSE;
}

/* any: keeps the worker from beginning calls, until ferry_link_release_calls(). *begun becomes the one begun last; 0:
 * none. Returns FALSE when the link has ended. */
gboolean
ferry_link_hold_calls (FerryLink *self, guint64 *begun)
{
  gboolean held = FALSE;

  *begun = 0;
  lock (self);
  if (is_usable_locked (self))
    {
      guint64 claim = load_claim (self);

      for (guint n = 0; n < CLAIM_ATTEMPTS && !held; n++)
        held = change_claim (self, &claim, claim | FERRY_CLAIM_HOLD);
      if (held)
        *begun = get_begun_of (self, claim);
      else
        give_up_claim_locked (self);
    }
  unlock (self);
  return held;
}

/* any: lets the worker begin calls again, but none up to skip_until that it has not begun; 0: all of them. */
void
ferry_link_release_calls (FerryLink *self, guint64 skip_until)
{
  gboolean released = FALSE;

  lock (self);
  if (is_usable_locked (self))
    {
      guint64 claim = load_claim (self);
      guint64 begun = 0;

      for (guint n = 0; n < CLAIM_ATTEMPTS && !released; n++)
        {
          guint64 xid = MAX (claim >> FERRY_CLAIM_SHIFT, skip_until);

          begun = get_begun_of (self, claim);
          released = change_claim (self, &claim, xid << FERRY_CLAIM_SHIFT | (claim & FERRY_CLAIM_DOOMED));
        }
      if (!released)
        give_up_claim_locked (self);
      else if (skip_until > claim >> FERRY_CLAIM_SHIFT)
        {
          self->skip_until = skip_until;
          self->begun_before_skip = begun;
        }
      ring_reader_locked (self);
    }
  unlock (self);
}

/* any: has the worker begin nothing any more, if xid is the call that it began last. Returns whether it is. */
gboolean
ferry_link_doom_call (FerryLink *self, guint64 xid)
{
  gboolean doomed = FALSE;

  lock (self);
  if (is_usable_locked (self))
    {
      guint64 claim = load_claim (self);
      guint n = 0;

      while (n < CLAIM_ATTEMPTS && !doomed && xid != 0 && get_begun_of (self, claim) == xid)
        {
          doomed = change_claim (self, &claim, claim | FERRY_CLAIM_DOOMED);
          n++;
        }
      if (n == CLAIM_ATTEMPTS && !doomed)
        give_up_claim_locked (self);
    }
  unlock (self);
  return doomed;
}

/* any: the call that the worker began last; 0: none. After the end of the link, what it was then. */
guint64
ferry_link_get_begun_call (FerryLink *self)
{
  guint64 begun;

  lock (self);
  begun = self->down_closed ? self->final_begun : get_begun_of (self, load_claim (self));
  unlock (self);
  return begun;
}

/* router's thread: the end of what the worker has written to the up lane so far. The worker may write any position;
 * what is returned lies in the lane. */
guint64
ferry_link_get_written (FerryLink *self)
{
  /* Acquire: see ferry_link_has_dispatched(). */
  guint64 taken = atomic_load_explicit (&self->up_taken, memory_order_acquire);
  guint64 written = taken;

  lock (self);
  /* Acquire: pairs with ferry_lane_writer_publish(), which comes before the claim of a later call. */
  if (is_usable_locked (self))
    written = atomic_load_explicit (&self->up.control->writer.tail, memory_order_acquire);
  unlock (self);
  /* A buffer that is being copied holds taken back by its record. */
  return written - taken <= 2 * self->up.capacity ? written : taken;
}

/* router's thread: whether all that was written up to a position of the up lane has been dispatched. Records that make
 * no block, such as the pieces of a message that was not finished, count when nothing else of the link is on its way.
 */
gboolean
ferry_link_has_dispatched (FerryLink *self, guint64 position)
{
  /* Acquire: pairs with the monitor's release, so that share_out counts the blocks that it pushed before. */
  guint64 taken = atomic_load_explicit (&self->up_taken, memory_order_acquire);

  return self->up_dispatched >= position ||
         (taken >= position && atomic_load_explicit (&self->share_out, memory_order_relaxed) == 0);
}

/* any: has watch->func called each time that there is room after a message was turned away. */
void
ferry_link_add_room_watch (FerryLink *self, FerryRoomWatch *watch)
{
  lock (self);
  watch->node = (GList){.data = watch};
  g_queue_push_tail_link (&self->room_watches, &watch->node);
  unlock (self);
}

/* any: when this returns, nobody is in watch->func. */
void
ferry_link_remove_room_watch (FerryLink *self, FerryRoomWatch *watch)
{
  lock (self);
  g_queue_unlink (&self->room_watches, &watch->node);
  unlock (self);
}

/* any: nothing goes down any more; the memory may be unmapped after this. */
void
ferry_link_close_down (FerryLink *self)
{
  lock (self);
  if (!self->down_closed && self->segment.base != NULL)
    self->final_begun = get_begun_of (self, load_claim (self));
  self->down_closed = TRUE;
  g_queue_clear_full (&self->backlog, g_free);
  g_queue_clear_full (&self->express_backlog, g_free);
  self->backlog_size = 0;
  self->backlog_short = 0;
  g_clear_pointer (&self->fd_batches, fd_batches_free);
  unlock (self);
}
