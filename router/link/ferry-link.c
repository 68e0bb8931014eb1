/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a link: its process and how that is signalled; messages down, and the backlog of what has no
 * room in the lane; the batches of descriptors that go with messages; and the words of shared memory by which calls are
 * claimed, taken back and paused.
 *
 * It is one file since all of that is decided by the link's state, and by what its lock for the way down guards.
 *
 * Owner:   counted references. The shared queue has one of them until the link is finished.
 * Threads: the monitor, unless a field's comment names another thread.
 * Trust:   none in the process at the other end. That process may do anything with the link's memory, with its end of
 *          the control socket and with the doorbell. */

#include "config.h"

#include "link/ferry-link-private.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-cell-private.h"
#include "lane/ferry-wake-private.h"
#include "link/ferry-orphan-private.h"
#include "link/ferry-pidfd-private.h"

/* At most this many processes are reaped on the calling thread; a thread of its own reaps the rest. */
#define N_AT_ONCE 1000

/* The maximum number of bytes in the backlog of the down lane. An empty backlog takes a message of any size. */
#define MAX_BACKLOG (1024 * 1024)

/* Messages up to this size in bytes are short. All short messages together have a limit of MAX_BACKLOG of their own. So
 * a window (room for a stream's items) is sent while a large message waits. Without this rule, a worker that waits for
 * the window would wait without end. */
#define MAX_SHORT 64

/* The maximum number of cancels that wait for room in the express lane: one for each call that a worker may have. */
#define MAX_EXPRESS_BACKLOG 65536

/* How often the application tries to change the claim. An honest worker changes its claim once for each call, so one or
 * two attempts are enough. */
#define CLAIM_ATTEMPTS 1000

/* How often a worker may say where it is, without being asked: it crashes once. Somebody else may ask it. */
#define MAX_UNASKED 100

/* The bits of FerryDownWriter.turned_away. */
#define LONG_MESSAGE 1
#define SHORT_MESSAGE 2
#define FD_BATCH_MESSAGE 4

/* A record that waits in a backlog: the header, the payload and the padding, size bytes together. */
typedef struct
{
  gsize size;
  guint64 words[];
} FerryBacklogRecord;

/* The parts of a message that are not written yet. */
typedef struct
{
  const FerryPart *parts;
  gsize offset; /* bytes of the first part that are written */
} Gather;

/* An fd batch that was sent and that the worker has not taken. */
typedef struct
{
  guint64 record_end; /* the position in the down lane at which the batch's record ends */
  guint n_descriptors;
  guint64 xid;
} PendingFdBatch;

/* The part of this process' limit of address space that one arena may take. */
#define ARENA_SHARE_OF_ADDRESSES 8

/* Makes the sizes of the up lane and of the arena smaller where limits of this process require. RLIMIT_FSIZE also
 * limits shared memory, and RLIMIT_AS what is mapped of it. */
static void
fit (gsize *up_capacity, gsize *arena_size)
{
  struct rlimit file, addresses;

  if (getrlimit (RLIMIT_FSIZE, &file) < 0 || getrlimit (RLIMIT_AS, &addresses) < 0)
    return;
  while (*up_capacity > FERRY_MIN_LANE_CAPACITY && *up_capacity > file.rlim_cur / 2)
    *up_capacity /= 2;
  *arena_size = MIN (*arena_size, ferry_arena_size_for (file.rlim_cur / 2));
  *arena_size = MIN (*arena_size, ferry_arena_size_for (addresses.rlim_cur / ARENA_SHARE_OF_ADDRESSES));
}

/* any: makes a link with its memory and its doorbell, in the state FERRY_LINK_ATTACHING. */
FerryLink *
ferry_link_new (const char *name, const guint64 *connection_ids, const guint32 *cells, guint n_pipes, gsize up_capacity,
                gsize arena_size, guint64 max_message_size, GError **error)
{
  g_autoptr (FerryLink) self = g_new0 (FerryLink, 1);
  guint n_cells = 0;

  g_assert (n_pipes <= FERRY_MAX_PIPES_PER_LINK);

  self->fork_number = ferry_forks_note ();
  atomic_init (&self->references, 1);
  self->memory = self->arena_memory = self->doorbell = self->control = self->worker_end = self->process.pidfd = -1;
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
  self->down.fd_batches.pending = g_array_new (FALSE, FALSE, sizeof (PendingFdBatch));
  pthread_mutex_init (&self->down.lock, NULL);
  ferry_answer_waits_init (&self->waits);
  ferry_spare_memory_init (&self->spare);
  self->queue_node.data = self->visit.active_node.data = self;
  self->control_watch = (FerryWatch){FERRY_WATCH_CONTROL, self};
  self->process.watch = (FerryWatch){FERRY_WATCH_PROCESS, self};
  self->output_watch = (FerryWatch){FERRY_WATCH_OUTPUT, self};

  fit (&up_capacity, &arena_size);
  if (!ferry_segment_create (&self->segment, up_capacity, n_cells, &self->memory, error))
    return NULL;
  if (arena_size > 0)
    {
      self->arena_memory = ferry_arena_memory_new (arena_size, error);
      if (self->arena_memory >= 0)
        self->arena = ferry_arena_new_reader (self->memory, self->arena_memory, arena_size, error);
      if (self->arena == NULL)
        return NULL;
    }
  self->doorbell = ferry_doorbell_new (error);
  if (self->doorbell < 0)
    return NULL;
  ferry_lane_reader_init (&self->up, ferry_segment_get_up (&self->segment), self->segment.up_ring, up_capacity);
  /* Relaxed: no process has the memory yet. */
  atomic_store_explicit (&self->up.control->wake.issues_barriers, ferry_barrier_is_available () ? 1 : 0,
                         memory_order_relaxed);
  ferry_lane_writer_init (&self->down.lane, ferry_segment_get_down (&self->segment), self->segment.down_ring,
                          FERRY_DOWN_CAPACITY);
  ferry_lane_writer_init (&self->down.express, ferry_segment_get_express (&self->segment), self->segment.express_ring,
                          FERRY_EXPRESS_CAPACITY);
  for (guint i = 0; i < n_cells; i++)
    ferry_cell_init (&self->segment.cells[i]);
  return g_steal_pointer (&self);
}

/* Whether this process is a child that was forked from the one that made the link. The lanes have one writer and one
 * reader each, with positions in private memory. What the child writes would destroy the parent's link. */
static gboolean
is_inherited (const FerryLink *self)
{
  return ferry_forks_is_inherited (self->fork_number);
}

gboolean
ferry_link_check_owner (FerryLink *self, GError **error)
{
  return !is_inherited (self) ||
         ferry_set_error (error, FERRY_ERROR_CLOSED,
                          "This process was forked from the application that started the worker, and cannot use the "
                          "worker's link; ask in the application itself, or start another worker");
}

FerryLink *
ferry_link_ref (FerryLink *self)
{
  ferry_ref_count_inc (&self->references);
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
  if (!ferry_ref_count_dec (&self->references))
    return;
  ferry_link_close_down (self);
  ferry_clear_fd (&self->memory);
  ferry_clear_fd (&self->arena_memory);
  ferry_clear_fd (&self->doorbell);
  ferry_clear_fd (&self->control);
  ferry_clear_fd (&self->worker_end);
  ferry_clear_fd (&self->process.pidfd);
  ferry_clear_fd (&self->confinement.pidfd);
  ferry_segment_clear_soon (&self->segment);
  ferry_link_give_up_buffers (self);
  ferry_spare_memory_clear (&self->spare);
  ferry_assembly_clear (&self->intake.assembly);
  if (self->fork_server != NULL)
    self->free_fork_server (g_steal_pointer (&self->fork_server));
  g_clear_pointer (&self->output, ferry_output_free);
  g_clear_pointer (&self->process.crash, ferry_crash_report_unref);
  g_clear_pointer (&self->process.place, ferry_crash_report_unref);
  g_array_unref (self->connection_ids);
  g_array_unref (self->cells);
  g_array_unref (self->down.fd_batches.pending);
  pthread_mutex_destroy (&self->down.lock);
  g_clear_pointer (&self->worker, ferry_link_unref);
  ferry_answer_waits_clear (&self->waits);
  g_free (self->detail);
  g_free (self->name);
  g_free (self->program);
  g_free (self);
}

gboolean
ferry_link_is_taking (const FerryLink *self)
{
  return self->intake.copy.memory.data != NULL || self->intake.judgement != NULL;
}

/* The other thread may still read the value. */
static void
give_up_judgement (FerryLink *self)
{
  FerryMemory memory = self->intake.copy.memory;

  if (memory.data != NULL)
    self->intake.copy.memory = (FerryMemory){0};
  else
    memory.data = g_steal_pointer (&self->intake.assembly.data);
  ferry_aside_leave (g_steal_pointer (&self->intake.judgement), memory);
}

/* Frees what is needed to receive buffers, once no more buffers come. Buffers that are kept stay readable. */
void
ferry_link_give_up_buffers (FerryLink *self)
{
  if (self->intake.judgement != NULL)
    give_up_judgement (self);
  if (self->intake.copy.memory.data != NULL)
    ferry_spare_memory_give (&self->spare, self->intake.copy.memory);
  g_free (self->intake.copy.envelope.metadata);
  g_clear_pointer (&self->intake.copy.aside, ferry_aside_unref);
  self->intake.copy = (FerryBufferCopy){0};
  ferry_spare_memory_close (&self->spare);
  g_clear_pointer (&self->arena, ferry_arena_unref);
}

/* any, before the link is added to a queue: makes the control socket and sends the welcome into it. */
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
    .arena_units = self->arena != NULL ? self->arena->size / FERRY_ARENA_UNIT : 0,
    .depth = self->depth,
  };

  if (!ferry_control_socket_pair (&self->control, &self->worker_end, error) ||
      !ferry_control_send_welcome (self->control, &welcome, self->memory, self->doorbell, self->arena_memory, error))
    return FALSE;
  ferry_clear_fd (&self->memory);
  ferry_clear_fd (&self->arena_memory);
  return TRUE;
}

/* any, before the worker is launched: makes the pipe of stream 1 (output) or 2 (error), from which the application
 * reads what the worker prints, and shows or logs it. Returns the worker's end, which the caller owns, or -1. */
int
ferry_link_open_output (FerryLink *self, guint stream, gboolean shown, GError **error)
{
  struct stat status;
  int fd;

  if (self->output == NULL)
    self->output = ferry_output_new ();
  self->output->pipes[stream - 1].shown = shown;
  fd = ferry_output_open (self->output, stream, error);
  /* Relaxed: the worker is started after this. */
  if (fd >= 0 && fstat (fd, &status) == 0)
    atomic_store_explicit (&ferry_segment_get_control (&self->segment)->outputs[stream - 1], status.st_ino,
                           memory_order_relaxed);
  return fd;
}

/* any, before the worker is launched: writes the grant of a sender into the down lane. Returns FALSE where the lane has
 * no room for it. */
gboolean
ferry_link_grant (FerryLink *self, guint index, const char *sender_name)
{
  FerryGrant grant = {
    .index = index,
    .name_length = (guint32) strlen (sender_name),
    .cell = g_array_index (self->cells, guint32, index),
  };
  gsize length = sizeof grant + grant.name_length;
  guint8 *place;

  if (!ferry_lane_writer_has_room (&self->down.lane, ferry_record_size (length)))
    return FALSE;
  place = ferry_lane_writer_get_place (&self->down.lane);
  ferry_lane_writer_write_header (&self->down.lane, 0, (guint32) length, FERRY_RECORD_GRANT, 0,
                                  g_array_index (self->connection_ids, guint64, index));
  memcpy (place + sizeof (FerryRecordHeader), &grant, sizeof grant);
  memcpy (place + sizeof (FerryRecordHeader) + sizeof grant, sender_name, grant.name_length);
  /* No ring is needed: the worker is started after all grants are written, so no reader sleeps on the down lane. */
  ferry_lane_writer_publish (&self->down.lane, ferry_record_size (length));
  return TRUE;
}

/* Sets the cause for which the link ends, unless a cause was set before, or cause is FERRY_NO_CAUSE. */
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
  if (is_inherited (self))
    return;
  /* Release: pairs with the sender's acquire load of the word. The caller then calls ferry_link_wake_writers(). */
  atomic_store_explicit (ferry_segment_get_pipe_word (&self->segment, index), word, memory_order_release);
}

/* Wakes all threads of the worker that wait: to send, for a buffer, or for a message. Each then reads its pipe word. */
void
ferry_link_wake_writers (FerryLink *self)
{
  ferry_futex_doorbell_ring (&ferry_segment_get_control (&self->segment)->reader_bell.rings);
  ferry_futex_doorbell_ring (&ferry_segment_get_up (&self->segment)->writer_bell.rings);
  if (self->arena != NULL)
    ferry_arena_ring (self->arena);
}

/* Asks the worker to give unused memory of the link back to the system. A thread of the worker that waits for a message
 * does so. For the holder of the drain lock. */
void
ferry_link_ask_to_tidy (FerryLink *self)
{
  /* Relaxed: the ring orders the change before the reader's look at the word. */
  atomic_fetch_add_explicit (&self->down.lane.control->writer.tidy, 1, memory_order_relaxed);
  ferry_futex_doorbell_ring (&ferry_segment_get_control (&self->segment)->reader_bell.rings);
}

/* ---- the process at the other end ---- */

/* Sends a signal to the process inside bubblewrap, where that process is known. The program bubblewrap itself passes no
 * signal on, and ends when the process inside ends. Returns FALSE where bubblewrap must get the signal instead. */
static gboolean
signal_wrapped (FerryConfinement *self, int signal_number)
{
  if (self->pidfd < 0 || (signal_number == SIGKILL && self->killed))
    return FALSE;
  self->killed |= signal_number == SIGKILL;
  return ferry_pidfd_signal (self->pidfd, self->pid, signal_number);
}

/* Anybody may send the signal, so the worker answers one only if this word has changed. */
static void
note_question (FerryLink *self)
{
  FERRY_AUTO_LOCK (&self->down.lock);

  self->process.n_asked++;
  /* Relaxed: the signal comes after it, and nothing else is read by it. Pairs with the load in is_asked(). */
  if (!self->down.closed && self->segment.base != NULL)
    atomic_store_explicit (&ferry_segment_get_control (&self->segment)->asked, self->process.n_asked,
                           memory_order_relaxed);
}

/* Sends the process a signal. Where the fork server has not forked the process yet, the signal is noted and sent later.
 * Returns FALSE with errno: ESRCH after the process has ended. ferry_shared_queue_send_signal() also ends a process
 * that this process may not signal. */
gboolean
ferry_link_send_signal (FerryLink *self, int signal_number)
{
  if (self->process.parent == FERRY_PARENT_ASKED)
    {
      self->process.pending_signals |= G_GUINT64_CONSTANT (1) << (signal_number - 1);
      return TRUE;
    }
  errno = ESRCH;
  if (self->process.pidfd < 0 || self->process.reaped)
    return FALSE;
  if (signal_number == FERRY_WHERE_SIGNAL)
    note_question (self);
  if (signal_wrapped (&self->confinement, signal_number))
    return TRUE;
  if (self->process.parent == FERRY_PARENT_LOST && signal_number == SIGKILL)
    return ferry_pidfd_kill_group (self->process.pidfd, self->process.pid);
  return ferry_pidfd_signal (self->process.pidfd, self->process.pid, signal_number);
}

/* Takes what the process says of where it crashed, or is. The latest counts. Fails where it says so over and over. */
gboolean
ferry_link_take_crash (FerryLink *self, FerryCrashPacket *packet, GError **error)
{
  g_autoptr (FerryCrashPacket) owned = packet;
  g_autoptr (FerryCrashReport) report = NULL;
  const int signal = packet->signal;

  if (atomic_fetch_add (&self->process.n_crashes, 1) >= MAX_UNASKED + self->process.n_asked)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The worker said over and over where it crashed; it must say so once");
  report = ferry_crash_report_new (g_steal_pointer (&owned), self->program, ferry_link_get_begun_call (self));
  if (signal == FERRY_WHERE_SIGNAL && atomic_exchange (&self->process.expects_place, FALSE))
    {
      FERRY_AUTO_LOCK (&self->down.lock);
      /* The router's thread has dropped the one before. */
      if (self->process.place == NULL)
        self->process.place = g_steal_pointer (&report);
      return TRUE;
    }
  g_clear_pointer (&self->process.crash, ferry_crash_report_unref);
  self->process.crash = g_steal_pointer (&report);
  return TRUE;
}

/* router's thread: the process is asked where it is by somebody who looks, or by others now. */
void
ferry_link_expect_place (FerryLink *self, gboolean expects)
{
  FERRY_AUTO_LOCK (&self->down.lock);

  if (expects)
    g_clear_pointer (&self->process.place, ferry_crash_report_unref);
  atomic_store (&self->process.expects_place, expects);
}

static void
do_nothing (gpointer data)
{
}

/* router's thread: returns (transfer full) (nullable) where the process said that it is, if it is in the same call
 * still. Names are looked up meanwhile, and are in what a later call returns. */
char *
ferry_link_dup_place (FerryLink *self)
{
  FerryCrashReport *place;

  pthread_mutex_lock (&self->down.lock);
  place = self->process.place;
  pthread_mutex_unlock (&self->down.lock);
  if (place == NULL || ferry_crash_report_is_stale (place, ferry_link_get_begun_call (self)))
    return NULL;
  if (self->process.symbolize != NULL && !ferry_crash_report_was_begun (place))
    ferry_crash_report_resolve (place, self->process.symbolize, do_nothing, NULL);
  return ferry_crash_report_dup_text (place);
}

/* Whether the process ends in its own time when it gets SIGTERM. A fork server does: it reads that signal, and ends
 * what it has adopted. */
static gboolean
hears_sigterm (FerryLink *self)
{
  if (self->fork_server != NULL)
    return self->state == FERRY_LINK_OPEN;
  return ferry_process_hears_sigterm (self->confinement.pid != 0 ? self->confinement.pid : self->process.pid);
}

/* Asks a process to end that tidies up first: one that has a handler of SIGTERM, or a fork server. Returns FALSE, and
 * does nothing, for any other one, which can as well be killed. */
gboolean
ferry_link_ask_to_end (FerryLink *self)
{
  if (self->process.tidies)
    return TRUE;
  if (self->process.parent == FERRY_PARENT_ASKED || self->process.pidfd < 0 || self->process.reaped ||
      !hears_sigterm (self))
    return FALSE;
  /* Another signal could end a handler that tidies up. */
  self->process.tidies = (self->process.signals_sent & (G_GUINT64_CONSTANT (1) << (SIGTERM - 1))) != 0 ||
                         ferry_link_send_signal (self, SIGTERM);
  ferry_link_send_signal (self, SIGCONT);
  return self->process.tidies;
}

/* Sends a signal to the process group of a process that was started. Within bubblewrap, the process has a group of its
 * own where bubblewrap has made a session for it. */
void
ferry_link_signal_group (FerryLink *self, int signal_number)
{
  if (self->process.parent == FERRY_PARENT_ASKED || self->process.pidfd < 0 || self->process.reaped)
    return;
  ferry_pidfd_signal_group (self->process.pidfd, self->process.pid, signal_number);
  if (self->confinement.pidfd >= 0)
    ferry_pidfd_signal_group (self->confinement.pidfd, self->confinement.pid, signal_number);
}

/* Sends the signals that ferry_link_send_signal() noted before the fork server forked the process. */
void
ferry_link_send_pending_signals (FerryLink *self)
{
  for (int number = 1; number <= 64; number++)
    if ((self->process.pending_signals & (G_GUINT64_CONSTANT (1) << (number - 1))) != 0)
      ferry_link_send_signal (self, number);
  self->process.pending_signals = 0;
}

/* Corrects the exit status of bubblewrap. Like a shell, bubblewrap exits with 128 + n where signal n killed the process
 * inside. */
static void
unwrap_status (FerryLink *self)
{
  int signal_number = self->process.wait_status - 128;

  if (self->process.wait_code != CLD_EXITED || signal_number <= 0 || signal_number >= NSIG)
    return;
  self->process.wait_code = CLD_KILLED;
  self->process.wait_status = signal_number;
}

static gpointer
reap_group (gpointer data)
{
  siginfo_t info;

  while (TEMP_FAILURE_RETRY (waitid (P_PGID, (id_t) GPOINTER_TO_INT (data), &info, WEXITED | __WALL)) == 0)
    ;
  return NULL;
}

/* Reaps the rest of a killed process group. A worker may make its own children children of this process (CLONE_PARENT),
 * and process 1, or a subreaper, adopts them. Until such a child is reaped, it keeps the number of the group in use. */
void
ferry_link_reap_group (GPid group)
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

typedef struct
{
  int process; /* (owned): a pidfd, as is the next one */
  int parent;  /* (owned) */
} Heir;

static gpointer
reap_heir (gpointer data)
{
  Heir *heir = data;
  struct pollfd parent = {.fd = heir->parent, .events = POLLIN};
  siginfo_t info;

  TEMP_FAILURE_RETRY (poll (&parent, 1, -1));
  TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) heir->process, &info, WEXITED | WNOHANG));
  ferry_clear_fd (&heir->process);
  ferry_clear_fd (&heir->parent);
  g_free (heir);
  return NULL;
}

/* Whether this process is process 1 or a subreaper. No other one gets children that it has not started. */
static gboolean
adopts (void)
{
  int is_subreaper = 0;

  return getpid () == 1 || (prctl (PR_GET_CHILD_SUBREAPER, &is_subreaper) == 0 && is_subreaper != 0);
}

/* A fork server that ends closes its descriptors first, and leaves its children last: the worker may have ended in
 * between, and is adopted as a zombie. */
static void
reap_later (FerryLink *self)
{
  ferry_autofd parent = -1, process = -1;
  siginfo_t info;
  GPid owner;
  Heir *heir;

  /* One that was reaped is no more. */
  if (!ferry_pidfd_signal (self->process.pidfd, self->process.pid, 0))
    return;
  owner = ferry_read_parent (self->process.pid);
  if (owner == getpid ())
    {
      TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) self->process.pidfd, &info, WEXITED | WNOHANG));
      return;
    }
  process = fcntl (self->process.pidfd, F_DUPFD_CLOEXEC, 0);
  parent = (int) syscall (SYS_pidfd_open, owner, 0);
  if (process < 0 || parent < 0)
    return;
  heir = g_new (Heir, 1);
  *heir = (Heir){ferry_steal_fd (&process), ferry_steal_fd (&parent)};
  ferry_thread_run_aside ("ferry-reaper", reap_heir, heir);
}

/* Where this process adopts what others leave, reaps what a fork server's worker left, and the worker itself if the
 * fork server has ended before it. */
void
ferry_link_reap_adopted (FerryLink *self)
{
  siginfo_t info;

  /* Group 0 would be that of this process. Any other number may be another group's by now, with children of an
   * application that adopts none. */
  if (self->process.pid == 0 || !adopts ())
    return;
  if (self->process.pidfd >= 0 &&
      TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) self->process.pidfd, &info, WEXITED | WNOHANG)) < 0)
    reap_later (self);
  ferry_link_reap_group (self->process.pid);
}

/* Takes the exit status of the process if it has ended. First kills the rest of its process group, because the number
 * of the group may be reused once the leader is reaped. Returns FALSE where the process has not ended. */
gboolean
ferry_link_reap (FerryLink *self)
{
  struct pollfd poll_fd = {.fd = self->process.pidfd, .events = POLLIN};
  siginfo_t info = {0};

  /* The process is not a child of this process. Its fork server takes its exit status; here only its end is checked. */
  if (self->process.parent != FERRY_PARENT_SELF)
    {
      if (!self->process.reaped && poll (&poll_fd, 1, 0) == 1)
        {
          ferry_link_reap_adopted (self);
          self->process.reaped = TRUE;
        }
      return self->process.reaped;
    }
  if (waitid (P_PIDFD, (id_t) self->process.pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
    {
      siginfo_t again;

      if (info.si_pid == 0)
        return FALSE;
      kill (-self->process.pid, SIGKILL);
      TEMP_FAILURE_RETRY (waitid (P_PIDFD, (id_t) self->process.pidfd, &again, WEXITED | WNOHANG));
      ferry_link_reap_group (self->process.pid);
    }
  /* waitid() fails with ECHILD where another part of the program reaps children, or where SIGCHLD is ignored. Then the
   * process has ended, and only its exit status is lost. */
  self->process.wait_code = info.si_code;
  self->process.wait_status = info.si_status;
  if (self->confinement.wrapped)
    unwrap_status (self);
  self->process.reaped = TRUE;
  return TRUE;
}

/* Waits for the end of a process that was killed. */
void
ferry_link_wait (FerryLink *self)
{
  struct pollfd poll_fd = {.fd = self->process.pidfd, .events = POLLIN};

  while (!ferry_link_reap (self))
    TEMP_FAILURE_RETRY (poll (&poll_fd, 1, -1));
}

/* ---- messages down ----
 *
 * Trust:     none in the worker. The worker can write any position and any claim. The lane's writer checks positions. A
 *            claim is a number that is only compared, and each loop over it is bounded.
 * Invariant: the records of a lane's backlog follow the records in the lane. While the backlog has records, the lane's
 *            writer is armed. So the worker rings when half of the lane is free, and the monitor then flushes the
 *            backlog. */

static gboolean
is_short (gsize record_size)
{
  return record_size <= ferry_record_size (MAX_SHORT);
}

static gsize *
get_backlog_size (FerryLink *self, gsize record_size)
{
  return is_short (record_size) ? &self->down.backlog_short : &self->down.backlog_size;
}

static gboolean
may_wait_locked (FerryLink *self, gsize size)
{
  return g_queue_is_empty (&self->down.backlog) ||
         *get_backlog_size (self, ferry_record_size (size)) + size <= MAX_BACKLOG;
}

static gboolean
is_usable_locked (FerryLink *self)
{
  return !self->down.closed && self->down.fault == NULL && !is_inherited (self);
}

/* Sets the fault of the down lanes, unless one is set, and makes the monitor end the link. fault: (unowned): a text
 * that continues “it …”. */
void
ferry_link_set_fault_locked (FerryLink *self, const char *fault)
{
  if (self->down.fault != NULL)
    return;
  self->down.fault = fault;
  if (self->queue != NULL)
    self->down.report_fault (self->queue);
}

/* ---- fd batches ----
 *
 * Descriptors that go down with messages. A batch is first sent as a packet over the control socket. Then the batch's
 * record is written into the down lane, while the lock of down is still held. So the packet is in the socket when the
 * worker reads the record, and packets and records have the same order. The worker has taken a batch when the head of
 * the down lane has passed the record.
 *
 * A link within this process has no socket. There, copies of the descriptors wait in fd_batches.local.
 *
 * Trust: none in the worker. A worker that passes records but leaves their packets in the socket is detected. So the
 *        number of descriptors in the socket is bounded by the records that the worker's head has not passed. */

/* any: closes descriptors (element-type int) and empties the array. The files must be the application's own: closing a
 * worker's file may take long. */
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

static gboolean
has_unread_packets (FerryLink *link)
{
  int left = 0;

  return link->control >= 0 && ioctl (link->control, SIOCOUTQ, &left) == 0 && left > 0;
}

/* Returns how many descriptors the worker has not taken, according to the head of the down lane. Batches that the
 * worker has taken are removed from pending. */
static guint
count_pending_fds_locked (FerryLink *link)
{
  FerryFdBatches *self = &link->down.fd_batches;
  guint n_passed = 0;

  ferry_lane_writer_look (&link->down.lane, 0);
  while (n_passed < self->pending->len &&
         g_array_index (self->pending, PendingFdBatch, n_passed).record_end <= link->down.lane.head)
    self->n_pending -= g_array_index (self->pending, PendingFdBatch, n_passed++).n_descriptors;
  g_array_remove_range (self->pending, 0, n_passed);
  if (n_passed > 0 && self->pending->len == 0 && has_unread_packets (link))
    ferry_link_set_fault_locked (
      link, "it took messages without their descriptors; it must receive the packet of each fd batch from its control "
            "socket when it takes the record of the batch");
  return self->n_pending;
}

/* Puts copies of the descriptors into the queue of a link within this process. Returns 0 or an error number. */
static int
send_fd_batch_locally (FerryFdBatches *self, const int *descriptors, guint n_descriptors)
{
  GArray *copies = g_array_new (FALSE, FALSE, sizeof (int));

  for (guint i = 0; i < n_descriptors; i++)
    {
      int copy = fcntl (descriptors[i], F_DUPFD_CLOEXEC, 0);

      if (copy < 0)
        {
          int error_number = errno;

          ferry_descriptors_free (copies);
          return error_number;
        }
      g_array_append_val (copies, copy);
    }
  g_queue_push_tail (&self->local, copies);
  return 0;
}

/* Whether the worker's end of the socket is closed. Called after EPIPE: if the end is not closed, the worker has only
 * shut the socket down for reading. The monitor handles a closed end. */
static gboolean
has_hung_up (int control)
{
  struct pollfd poll_fd = {.fd = control, .events = 0};

  return poll (&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP) != 0;
}

static int
send_fd_batch_now (FerryLink *link, const FerryDescriptors *batch, guint64 record_end)
{
  PendingFdBatch pending = {record_end, batch->n_descriptors, batch->xid};
  FerryFdBatches *self = &link->down.fd_batches;
  int error_number;

  if (link->local)
    error_number = send_fd_batch_locally (self, batch->descriptors, batch->n_descriptors);
  else
    error_number =
      ferry_control_send_fd_batch (link->control, self->n_sent + 1, batch->descriptors, batch->n_descriptors);
  if (error_number == EPIPE && !has_hung_up (link->control))
    ferry_link_set_fault_locked (link, "it shut its control socket down; it must keep the socket open while it runs");
  if (error_number != 0)
    return error_number;
  self->n_sent++;
  self->n_pending += batch->n_descriptors;
  g_array_append_val (self->pending, pending);
  return 0;
}

/* Makes the worker ring when it takes descriptors. Returns how many descriptors are pending. */
static guint
arm_for_fd_batch (FerryLink *link)
{
  ferry_lane_writer_arm (&link->down.lane, 0);
  return count_pending_fds_locked (link);
}

/* Sends the packet of a batch. record_end: the position in the down lane at which the batch's record will end. Returns
 * 0 or an error number. EAGAIN: the worker must take some descriptors first, and rings when it has taken them. */
static int
send_fd_batch_packet_locked (FerryLink *link, const FerryDescriptors *batch, guint64 record_end)
{
  const guint n = batch->n_descriptors;
  int error_number;

  if (count_pending_fds_locked (link) + n > FERRY_MAX_FDS_PER_LINK &&
      arm_for_fd_batch (link) + n > FERRY_MAX_FDS_PER_LINK)
    return EAGAIN;
  error_number = send_fd_batch_now (link, batch, record_end);
  if (error_number != EAGAIN)
    return error_number;
  if (arm_for_fd_batch (link) > 0)
    return EAGAIN;
  /* No descriptor is pending, so the worker would not ring. Try once more instead of waiting for a ring. */
  error_number = send_fd_batch_now (link, batch, record_end);
  return error_number == EAGAIN ? ENOBUFS : error_number;
}

/* any: takes the batch of this number from a link within this process, and appends its descriptors. Returns FALSE where
 * the next batch has another number, or where there is no batch. */
gboolean
ferry_link_take_fd_batch (FerryLink *link, guint64 number, GArray *descriptors)
{
  FerryFdBatches *self = &link->down.fd_batches;
  g_autoptr (GArray) taken = NULL;
  FERRY_AUTO_LOCK (&link->down.lock);

  if (self->local.length == 0 || number != self->n_sent - self->local.length + 1)
    return FALSE;
  taken = g_queue_pop_head (&self->local);
  g_array_append_vals (descriptors, taken->data, taken->len);
  return TRUE;
}

/* any: whether the worker has not taken the descriptors of the call xid. After the link's end FALSE, for unknown. */
gboolean
ferry_link_has_untaken_fds (FerryLink *self, guint64 xid)
{
  const GArray *pending = self->down.fd_batches.pending;
  FERRY_AUTO_LOCK (&self->down.lock);

  if (self->down.closed)
    return FALSE;
  count_pending_fds_locked (self);
  for (guint i = 0; i < pending->len; i++)
    if (g_array_index (pending, PendingFdBatch, i).xid == xid)
      return TRUE;
  return FALSE;
}

/* ---- the link of a given sender, and the link of the worker that has the sender ---- */

/* router's thread: notes the worker that is being given the sender of this link. Its buffers are trusted as those of
 * the worker's own link. */
void
ferry_link_set_worker (FerryLink *self, FerryLink *worker)
{
  g_autoptr (FerryLink) before G_GNUC_UNUSED = NULL;
  FERRY_AUTO_LOCK (&self->down.lock);

  before = g_steal_pointer (&self->worker);
  self->worker = ferry_link_ref (worker);
  if (self->trusted != worker->trusted)
    self->trusted = worker->trusted;
}

/* any: returns (transfer full) (nullable) the link of the worker that was given the sender of this link. */
FerryLink *
ferry_link_dup_worker (FerryLink *self)
{
  FERRY_AUTO_LOCK (&self->down.lock);
  return self->worker != NULL ? ferry_link_ref (self->worker) : NULL;
}

/* monitor: ends the worker that has broken the protocol of a sender that it was given. A thread cannot be ended. */
void
ferry_link_blame_worker (FerryLink *self)
{
  g_autoptr (FerryLink) worker = ferry_link_dup_worker (self);

  if (worker == NULL || worker->local)
    return;
  FERRY_AUTO_LOCK (&worker->down.lock);
  ferry_link_set_fault_locked (worker, "it broke the protocol of a sender that it was given");
}

/* ---- lanes and claim ---- */

/* Sets the link's fault where the worker wrote an invalid position. Returns whether the link may still be used. */
static gboolean
check_lanes_locked (FerryLink *self)
{
  if (self->down.lane.broken || self->down.express.broken)
    ferry_link_set_fault_locked (
      self, "it wrote a position beyond what was sent to it; the heads of its down lane and of its express lane must "
            "be multiples of 8, must not decrease, and must not pass the end of what was sent");
  return is_usable_locked (self);
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
          self->offset = 0;
        }
    }
}

/* Writes a record into the lane, or appends it to the backlog where the lane has no room or records wait already. */
static void
put_locked (FerryLink *self, FerryLaneWriter *writer, GQueue *backlog, const FerryRecordHeader *header, Gather *payload)
{
  gsize size = ferry_record_size (header->length);
  FerryBacklogRecord *record;

  if (G_LIKELY (g_queue_is_empty (backlog) && ferry_lane_writer_has_room (writer, size)))
    {
      ferry_lane_writer_write_header (writer, 0, header->length, header->kind, header->number, header->connection_id);
      gather (payload, ferry_lane_writer_get_place (writer) + sizeof *header, header->length);
      publish_locked (self, writer, size);
      return;
    }
  record = g_malloc (sizeof *record + size);
  record->size = size;
  /* The worker also gets the padding, which must not contain bytes of the application's memory. */
  record->words[size / sizeof (guint64) - 1] = 0;
  memcpy (record->words, header, sizeof *header);
  gather (payload, (guint8 *) record->words + sizeof *header, header->length);
  g_queue_push_tail (backlog, record);
  if (backlog == &self->down.backlog)
    *get_backlog_size (self, size) += size;
}

/* Calls the room watches when a kind of message that was rejected has room again. Long and short messages have room
 * when half of their limit is free. All kinds of messages except fd batches have room when the backlog is empty. A
 * message that is larger than the room is rejected again, and its sender is notified again after the next flush. */
static void
notify_room_locked (FerryLink *self)
{
  guint before = self->down.turned_away;

  if (self->down.backlog_size <= MAX_BACKLOG / 2)
    self->down.turned_away &= ~(guint) LONG_MESSAGE;
  if (self->down.backlog_short <= MAX_BACKLOG / 2)
    self->down.turned_away &= ~(guint) SHORT_MESSAGE;
  if (g_queue_is_empty (&self->down.backlog))
    self->down.turned_away &= FD_BATCH_MESSAGE;
  if ((before & FD_BATCH_MESSAGE) != 0 && count_pending_fds_locked (self) <= FERRY_MAX_FDS_PER_LINK / 2)
    self->down.turned_away &= ~(guint) FD_BATCH_MESSAGE;
  if (self->down.turned_away == before)
    return;
  for (GList *node = self->down.room_watches.head; node != NULL; node = node->next)
    {
      FerryRoomWatch *watch = node->data;

      watch->func (watch->data);
    }
}

/* Moves records from the backlog into the lane. If some records stay, the lane's writer is armed. Room watches are
 * called only if records were moved. Otherwise, two senders that are both rejected would wake each other without
 * end. */
static void
flush_locked (FerryLink *self, FerryLaneWriter *writer, GQueue *backlog)
{
  FerryBacklogRecord *record;
  gboolean moved = FALSE;

  while ((record = g_queue_peek_head (backlog)) != NULL)
    {
      if (!ferry_lane_writer_has_room (writer, record->size) && !ferry_lane_writer_arm (writer, record->size))
        break;
      writer->word = record->words[0];
      memcpy (ferry_lane_writer_get_place (writer) + sizeof writer->word, record->words + 1,
              record->size - sizeof writer->word);
      publish_locked (self, writer, record->size);
      if (backlog == &self->down.backlog)
        *get_backlog_size (self, record->size) -= record->size;
      g_queue_pop_head (backlog);
      g_free (record);
      moved = TRUE;
    }
  if (G_UNLIKELY (moved && self->down.turned_away != 0))
    notify_room_locked (self);
}

static void
put_message_locked (FerryLink *self, guint16 kind, guint64 connection_id, const FerryPart *parts, gsize size)
{
  Gather payload = {.parts = parts};
  FerryLargeMessage large = {.size = size, .kind = FERRY_RECORD_BYTES};
  FerryPart large_part = {&large, sizeof large};
  Gather large_payload = {.parts = &large_part};

  /* Relaxed: a count. It is only stored with the lock held. */
  atomic_store_explicit (&self->down.n_sent, atomic_load_explicit (&self->down.n_sent, memory_order_relaxed) + 1,
                         memory_order_relaxed);
  if (G_LIKELY (size <= FERRY_MAX_RECORD_PAYLOAD))
    {
      FerryRecordHeader header = {(guint32) size, kind, 0, connection_id};

      put_locked (self, &self->down.lane, &self->down.backlog, &header, &payload);
      return;
    }
  put_locked (self, &self->down.lane, &self->down.backlog,
              &(FerryRecordHeader){sizeof large, FERRY_RECORD_LARGE, 0, connection_id}, &large_payload);
  while (size > 0)
    {
      gsize piece = MIN (size, FERRY_MAX_RECORD_PAYLOAD);
      FerryRecordHeader header = {(guint32) piece, FERRY_RECORD_PIECE, 0, connection_id};

      put_locked (self, &self->down.lane, &self->down.backlog, &header, &payload);
      size -= piece;
    }
}

/* Sends the descriptors of the next message, and writes the batch's record. The caller writes the message behind it. */
static FerryDownResult
send_fd_batch_locked (FerryLink *self, guint64 connection_id, FerryDescriptors *batch)
{
  FerryFdBatchMessage message = {.n_descriptors = batch->n_descriptors};
  FerryPart part = {&message, sizeof message};
  Gather payload = {.parts = &part};
  const guint64 waiting = self->down.backlog_size + self->down.backlog_short;
  const guint64 record_end = self->down.lane.tail + waiting + ferry_record_size (sizeof message);

  if (!self->local && self->control < 0)
    return FERRY_DOWN_CLOSED;
  batch->error_number = send_fd_batch_packet_locked (self, batch, record_end);
  switch (batch->error_number)
    {
    case 0:
      message.number = self->down.fd_batches.n_sent;
      put_locked (self, &self->down.lane, &self->down.backlog,
                  &(FerryRecordHeader){sizeof message, FERRY_RECORD_FD_BATCH, 0, connection_id}, &payload);
      return FERRY_DOWN_SENT;
    case EAGAIN:
      self->down.turned_away |= FD_BATCH_MESSAGE;
      return FERRY_DOWN_UNTAKEN;
    case EPIPE:
    case ECONNRESET:
      /* The worker is ending, or has ended. The monitor reports how it ended. */
      return FERRY_DOWN_CLOSED;
    default:
      return FERRY_DOWN_REFUSED;
    }
}

static FerryDownResult
send_parts (FerryLink *self, guint16 kind, guint64 connection_id, const FerryPart *parts, guint n_parts,
            FerryDescriptors *batch)
{
  FerryDownResult result = FERRY_DOWN_SENT;
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    {
      if (parts[i].size > self->max_message_size - size)
        return FERRY_DOWN_TOO_LARGE;
      size += parts[i].size;
    }
  /* First: a thread of the parent may have had the lock at the fork. */
  if (is_inherited (self))
    return FERRY_DOWN_CLOSED;
  FERRY_AUTO_LOCK (&self->down.lock);
  if (!is_usable_locked (self))
    return FERRY_DOWN_CLOSED;
  flush_locked (self, &self->down.lane, &self->down.backlog);
  if (may_wait_locked (self, size))
    {
      if (batch != NULL)
        result = send_fd_batch_locked (self, connection_id, batch);
      if (result == FERRY_DOWN_SENT)
        put_message_locked (self, kind, connection_id, parts, size);
      flush_locked (self, &self->down.lane, &self->down.backlog);
    }
  else
    {
      /* The backlog is not empty, so a later flush calls the room watches. */
      self->down.turned_away |= is_short (ferry_record_size (size)) ? SHORT_MESSAGE : LONG_MESSAGE;
      result = FERRY_DOWN_WOULD_BLOCK;
    }
  return check_lanes_locked (self) ? result : FERRY_DOWN_CLOSED;
}

/* any: sends a message of plain bytes to a pipe of the worker, with descriptors. Either all is sent, or nothing. Never
 * waits. batch: (nullable). */
FerryDownResult
ferry_link_send_with (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts,
                      FerryDescriptors *batch)
{
  return send_parts (self, FERRY_RECORD_BYTES, connection_id, parts, n_parts, batch);
}

/* any: sends a message like ferry_link_send_with(), without descriptors. */
FerryDownResult
ferry_link_send (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts)
{
  return send_parts (self, FERRY_RECORD_BYTES, connection_id, parts, n_parts, NULL);
}

/* any: gives the worker a sender of another link by its name. batch: the descriptor of that link's socket. Either all
 * is sent, or nothing. */
FerryDownResult
ferry_link_send_given (FerryLink *self, guint64 connection_id, const char *name, FerryDescriptors *batch)
{
  FerryGrant grant = {.name_length = (guint32) strlen (name), .cell = FERRY_NO_CELL};
  FerryPart parts[] = {{&grant, sizeof grant}, {name, grant.name_length}};

  return send_parts (self, FERRY_RECORD_GRANT, connection_id, parts, G_N_ELEMENTS (parts), batch);
}

static FerryDownResult
send_word (FerryLink *self, FerryLaneWriter *writer, GQueue *backlog, FerryRecordHeader header)
{
  gboolean full;
  Gather nothing = {0};

  if (is_inherited (self))
    return FERRY_DOWN_CLOSED;
  FERRY_AUTO_LOCK (&self->down.lock);

  if (!is_usable_locked (self))
    return FERRY_DOWN_CLOSED;
  flush_locked (self, writer, backlog);
  full = backlog == &self->down.express_backlog && backlog->length >= MAX_EXPRESS_BACKLOG;
  if (!full)
    put_locked (self, writer, backlog, &header, &nothing);
  flush_locked (self, writer, backlog);
  if (!check_lanes_locked (self))
    return FERRY_DOWN_CLOSED;
  return full ? FERRY_DOWN_WOULD_BLOCK : FERRY_DOWN_SENT;
}

/* any: notifies the worker that no more calls come. The worker reads this after all messages. */
FerryDownResult
ferry_link_send_finish (FerryLink *self)
{
  return send_word (self, &self->down.lane, &self->down.backlog, (FerryRecordHeader){0, FERRY_RECORD_FINISH, 0, 0});
}

/* any: notifies the worker that no more messages come for a pipe. The worker reads this after those that were sent. */
FerryDownResult
ferry_link_send_stop (FerryLink *self, guint64 connection_id)
{
  return send_word (self, &self->down.lane, &self->down.backlog,
                    (FerryRecordHeader){0, FERRY_RECORD_STOP, 0, connection_id});
}

/* any: makes the worker cancel a call. By the express lane, the cancel overtakes what waits in the down lane. */
FerryDownResult
ferry_link_send_cancel (FerryLink *self, guint64 xid, guint16 reason)
{
  return send_word (self, &self->down.express, &self->down.express_backlog,
                    (FerryRecordHeader){0, FERRY_RECORD_CANCEL, reason, xid});
}

/* any: moves the backlogs into the lanes. Returns how many bytes the worker has taken from both lanes so far. */
guint64
ferry_link_flush_down (FerryLink *self)
{
  FERRY_AUTO_LOCK (&self->down.lock);

  if (is_usable_locked (self))
    {
      ferry_lane_writer_look (&self->down.lane, 0);
      ferry_lane_writer_look (&self->down.express, 0);
      flush_locked (self, &self->down.express, &self->down.express_backlog);
      flush_locked (self, &self->down.lane, &self->down.backlog);
      /* A sender waits until the worker takes descriptors. An armed writer gets only one ring, so it is armed again. */
      if ((self->down.turned_away & FD_BATCH_MESSAGE) != 0)
        {
          ferry_lane_writer_arm (&self->down.lane, 0);
          notify_room_locked (self);
        }
      check_lanes_locked (self);
    }
  return self->down.lane.head + self->down.express.head;
}

static _Atomic guint64 *
get_claim (FerryLink *self)
{
  return &ferry_segment_get_control (&self->segment)->claim;
}

/* Returns the xid of the call that the worker began last, and sets *claim. Where the claim is the end of a skip, that
 * call was never begun. Then the call that was begun before the skip is returned. */
static guint64
load_begun (FerryLink *self, guint64 *claim)
{
  guint64 xid;

  /* Acquire: pairs with the worker's exchange, as explained in change_claim_locked(). */
  *claim = atomic_load_explicit (get_claim (self), memory_order_acquire);
  xid = *claim >> FERRY_CLAIM_SHIFT;
  return xid != 0 && xid == self->down.skip_until ? self->down.begun_before_skip : xid;
}

/* A change of the claim word: calls up to skip_until are taken back from the worker, and flags are set or cleared. */
typedef struct
{
  guint64 skip_until;
  guint64 set;
  guint64 clear;
} ClaimChange;

/* Changes the claim word if only_if is 0 or the call that the worker began last. Sets *begun to the call that was begun
 * last. Returns whether the claim was changed. A worker that changes the claim at each attempt gets a fault. */
static gboolean
change_claim_locked (FerryLink *self, const ClaimChange *change, guint64 only_if, guint64 *begun)
{
  const guint64 flags = FERRY_CLAIM_HOLD | FERRY_CLAIM_DOOMED;

  for (guint n = 0; n < CLAIM_ATTEMPTS; n++)
    {
      guint64 claim, next;

      *begun = load_begun (self, &claim);
      if (only_if != 0 && *begun != only_if)
        return FALSE;
      next = MAX (claim >> FERRY_CLAIM_SHIFT, change->skip_until) << FERRY_CLAIM_SHIFT |
             (((claim | change->set) & ~change->clear) & flags);
      /* Release: a worker that sees the change also sees all stores before it. Acquire: this thread sees all stores
       * before the worker's claim. Pairs with the same exchange in ferry_downlink_claim(). */
      if (!atomic_compare_exchange_strong_explicit (get_claim (self), &claim, next, memory_order_acq_rel,
                                                    memory_order_acquire))
        continue;
      if (change->skip_until > claim >> FERRY_CLAIM_SHIFT)
        {
          self->down.skip_until = change->skip_until;
          self->down.begun_before_skip = *begun;
        }
      return TRUE;
    }
  ferry_link_set_fault_locked (self, "it changed its claim over and over; it must change its claim once for each call");
  return FALSE;
}

/* any: prevents the worker from beginning calls, until ferry_link_release_calls() is called. Sets *begun to the call
 * that the worker began last, or 0. Returns FALSE where the link has ended. */
gboolean
ferry_link_hold_calls (FerryLink *self, guint64 *begun)
{
  FERRY_AUTO_LOCK (&self->down.lock);

  *begun = 0;
  return is_usable_locked (self) && change_claim_locked (self, &(ClaimChange){.set = FERRY_CLAIM_HOLD}, 0, begun);
}

/* any: allows the worker to begin calls again. The worker skips the calls up to skip_until; 0: skips none. */
void
ferry_link_release_calls (FerryLink *self, guint64 skip_until)
{
  guint64 begun;
  FERRY_AUTO_LOCK (&self->down.lock);

  if (is_usable_locked (self))
    {
      change_claim_locked (self, &(ClaimChange){.skip_until = skip_until, .clear = FERRY_CLAIM_HOLD}, 0, &begun);
      ring_reader_locked (self);
    }
}

/* any: if xid is the call that the worker began last, prevents the worker from ever beginning another call. Returns
 * whether xid was that call. */
gboolean
ferry_link_doom_call (FerryLink *self, guint64 xid)
{
  guint64 begun;
  FERRY_AUTO_LOCK (&self->down.lock);

  return is_usable_locked (self) && xid != 0 &&
         change_claim_locked (self, &(ClaimChange){.set = FERRY_CLAIM_DOOMED}, xid, &begun);
}

/* any: returns the call that the worker began last, or 0; after the end of the link, the last one before the end. */
guint64
ferry_link_get_begun_call (FerryLink *self)
{
  guint64 claim;
  FERRY_AUTO_LOCK (&self->down.lock);

  return self->down.closed ? self->down.final_begun : load_begun (self, &claim);
}

/* any: pauses the call xid, or lets it go on. deadline: the call's from now on, a monotonic time; 0: none. A call that
 * the worker has not begun yet is paused when it begins. Only one call of a link is paused at a time: the one that the
 * worker has begun last, or will begin next. */
void
ferry_link_set_pause (FerryLink *self, guint64 xid, gboolean paused, gint64 deadline)
{
  FerryLinkControl *control;
  FERRY_AUTO_LOCK (&self->down.lock);

  if (!is_usable_locked (self))
    return;
  control = ferry_segment_get_control (&self->segment);
  self->down.pause =
    xid << FERRY_PAUSE_SHIFT | ((self->down.pause + 2) & FERRY_PAUSE_COUNT) | (paused ? FERRY_PAUSED : 0);
  atomic_store_explicit (&control->deadline, deadline, memory_order_relaxed);
  /* Release: a worker that sees the pause also sees the deadline. */
  atomic_store_explicit (&control->pause, self->down.pause, memory_order_release);
  ring_reader_locked (self);
}

/* any: whether the worker says that its function has heard of the latest ferry_link_set_pause(), and acts on it. */
gboolean
ferry_link_has_heard_pause (FerryLink *self)
{
  FERRY_AUTO_LOCK (&self->down.lock);

  /* Relaxed: the word is only compared. */
  return is_usable_locked (self) && (self->down.pause & FERRY_PAUSED) != 0 &&
         atomic_load_explicit (&ferry_segment_get_control (&self->segment)->heard, memory_order_relaxed) ==
           self->down.pause;
}

/* router's thread: returns the position up to which the worker has written the up lane. Ignores an invalid position. */
guint64
ferry_link_get_written (FerryLink *self)
{
  /* Acquire: pairs with the monitor's release, as explained in ferry_link_has_dispatched(). */
  guint64 taken = atomic_load_explicit (&self->up_taken, memory_order_acquire);
  guint64 written = taken;

  pthread_mutex_lock (&self->down.lock);
  /* Acquire: pairs with ferry_uplink_store_index(), which a worker calls before it claims a later call. */
  if (is_usable_locked (self))
    written = atomic_load_explicit (&self->up.control->writer.index, memory_order_acquire);
  pthread_mutex_unlock (&self->down.lock);
  /* While a buffer is copied, up_taken stays before its record, although the lane may be full again. So written may be
   * up to two capacities ahead. */
  return written - taken <= 2 * self->up.capacity ? written : taken;
}

/* router's thread: whether the up lane was dispatched up to a position. Some records make no block, such as pieces of
 * an unfinished message. They count as dispatched when no block of the link is in the local queue or in dispatch. */
gboolean
ferry_link_has_dispatched (FerryLink *self, guint64 position)
{
  /* Acquire: pairs with the monitor's release store. So share_out includes the blocks that the monitor pushed before
   * that store. */
  guint64 taken = atomic_load_explicit (&self->up_taken, memory_order_acquire);

  return self->turn.dispatched >= position ||
         (taken >= position && atomic_load_explicit (&self->out.share, memory_order_relaxed) == 0);
}

/* any: makes the link call watch->func each time that it has room again after it rejected a message. */
void
ferry_link_add_room_watch (FerryLink *self, FerryRoomWatch *watch)
{
  FERRY_AUTO_LOCK (&self->down.lock);

  watch->node = (GList){.data = watch};
  g_queue_push_tail_link (&self->down.room_watches, &watch->node);
}

/* any: removes a watch. When this function returns, no thread is in watch->func. */
void
ferry_link_remove_room_watch (FerryLink *self, FerryRoomWatch *watch)
{
  FERRY_AUTO_LOCK (&self->down.lock);
  g_queue_unlink (&self->down.room_watches, &watch->node);
}

/* any: ends the sending of messages down. The link's memory may be unmapped after this. */
void
ferry_link_close_down (FerryLink *self)
{
  guint64 claim;
  FERRY_AUTO_LOCK (&self->down.lock);

  if (!self->down.closed && self->segment.base != NULL)
    self->down.final_begun = load_begun (self, &claim);
  self->down.closed = TRUE;
  g_queue_clear_full (&self->down.backlog, g_free);
  g_queue_clear_full (&self->down.express_backlog, g_free);
  self->down.backlog_size = 0;
  self->down.backlog_short = 0;
  g_queue_clear_full (&self->down.fd_batches.local, (GDestroyNotify) ferry_descriptors_free);
}
