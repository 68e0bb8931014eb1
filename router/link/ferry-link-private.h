/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a link, with the sandbox of its process (ferry-confinement.c). For the engine, and for what
 * starts processes or sends to them. */

#pragma once

#include "base/ferry-base-private.h"
#include "base/ferry-close-reason.h"
#include "base/ferry-deadlines-private.h"
#include "base/ferry-watchdog-private.h"
#include "lane/ferry-answer-waits-private.h"
#include "lane/ferry-arena-private.h"
#include "lane/ferry-segment-private.h"
#include "lane/ferry-spare-memory-private.h"
#include "link/ferry-aside-private.h"
#include "link/ferry-crash-report-private.h"
#include "link/ferry-link-state-private.h"
#include "link/ferry-output-private.h"
#include "link/ferry-traffic-private.h"
#include "wire/ferry-handshake-private.h"
#include "wire/ferry-layout-private.h"

#include <glib.h>
#include <pthread.h>

G_BEGIN_DECLS

typedef struct _FerryLink FerryLink;
typedef struct _FerrySharedQueue FerrySharedQueue;
typedef struct _FerryBlock FerryBlock;

/* The kind of the descriptor that an epoll event belongs to. Each descriptor of the epoll set has a FerryWatch. */
typedef enum
{
  FERRY_WATCH_WAKE,
  FERRY_WATCH_BELLS,
  FERRY_WATCH_CONTROL,
  FERRY_WATCH_PROCESS,
  FERRY_WATCH_OUTPUT,
  FERRY_WATCH_GUARDIAN,
} FerryWatchKind;

typedef struct
{
  FerryWatchKind kind;
  FerryLink *link; /* (unowned) (nullable) */
} FerryWatch;

/* The parent of the process at the other end. The parent is the process that gets the exit status. */
typedef enum
{
  FERRY_PARENT_SELF,        /* the application itself */
  FERRY_PARENT_ASKED,       /* a fork server that has the request and has not answered it */
  FERRY_PARENT_FORK_SERVER, /* a fork server that has forked the process */
  /* a fork server that has ended: the pidfd shows the end of the process, but not the exit status */
  FERRY_PARENT_LOST,
} FerryParent;

/* Why a process could not be started, or not be used. This decides whether the launch is tried again. */
typedef enum
{
  FERRY_LAUNCH_FAILURE_LASTING,     /* a cause that stays, such as a missing program */
  FERRY_LAUNCH_FAILURE_SHORTAGE,    /* the system lacks a resource, such as memory; a later launch may succeed */
  FERRY_LAUNCH_FAILURE_FORK_SERVER, /* the fork server cannot fork; executing the program directly may succeed */
  FERRY_LAUNCH_FAILURE_VERSION,     /* the program speaks another version of the protocol, and will each time */
  FERRY_LAUNCH_FAILURE_NO_WORKER,   /* the program said that it runs as an application, and will each time */
} FerryLaunchFailure;

typedef struct _FerryForkServerLink FerryForkServerLink;

/* The sandbox of the process at the other end. A layer is a bit, FERRY_LAYER_…. */
typedef struct
{
  guint32 required; /* const: the process is ended if it lacks one of these layers */
  /* the layers that were set up before the process executed its program; namespaces are added when they are seen */
  guint32 given;
  guint32 layers;   /* the layers that the process has, as far as the application knows */
  gboolean awaited; /* the worker must report its layers before it attaches, and has not done so */
  /* const: bubblewrap starts the process in namespaces; the link's own pid and pidfd are those of bubblewrap */
  gboolean wrapped;
  int pidfd;       /* (owned): of the process inside bubblewrap, once it is known; else -1 */
  GPid pid;        /* the id of the process of pidfd, or 0 */
  gboolean killed; /* the process of pidfd was sent SIGKILL; a second SIGKILL goes to bubblewrap */
} FerryConfinement;

/* A large message, of which the pieces that have arrived are collected. */
typedef struct
{
  guint8 *data; /* (owned) (nullable): size bytes, of which filled have arrived; NULL between messages */
  gsize size;
  gsize filled;
  gsize allocated;
  guint64 connection_id;
  guint16 kind;
  guint16 number;
} FerryAssembly;

/* What the record of a buffer says. */
typedef struct
{
  guint64 connection_id;
  /* FERRY_RECORD_BYTES or FERRY_RECORD_VARIANT for a buffer that holds a large message; else 0 */
  guint16 message_kind;
  guint16 type_number; /* the type of the metadata or of the large message; 0: no type */
  guint8 *metadata;    /* (owned) (nullable) */
  gsize metadata_size;
} FerryBufferEnvelope;

/* A buffer of the arena while the monitor copies it to private memory. */
typedef struct
{
  FerryMemory memory; /* (owned): the copy; data is NULL while no buffer is copied */
  gsize filled;
  FerryAside *aside; /* (owned) (nullable): the copy of the next bytes, where another thread makes it */
  FerryBufferMessage message;
  FerryBufferEnvelope envelope;
} FerryBufferCopy;

/* A request to be notified when a link that rejected a message has room again. Embedded in the sending object. */
typedef struct
{
  void (*func) (
    gpointer data); /* called with the lock of down held, on any thread: must not call functions of the link */
  gpointer data;
  GList node;
} FerryRoomWatch;

/* router's thread: the blocks of a link that wait to be dispatched, and its use of time. See ferry-fair-queue.c. */
typedef struct
{
  /* (owned) (nullable): the first of the link's blocks, which are chained in the order of their arrival */
  FerryBlock *first;
  FerryBlock *last; /* (unowned): the last block of that chain; valid while first is set */
  GQueue *list;     /* (unowned) (nullable): the list of FerryFairQueue that holds the link */
  GList node;       /* the link's node in list */
  /* microseconds that the link's handlers took, less the length of a turn each time that the link was passed over */
  gint64 spent;
  guint check_every;  /* how many messages are dispatched between two readings of the clock; at least 1 */
  guint left;         /* how many of these messages are left until the next reading of the clock */
  guint64 dispatched; /* the position up_head of the latest block that was dispatched */
} FerryLinkTurn;

/* any: the descriptors that were sent down with messages. */
typedef struct
{
  guint64 n_sent;
  /* (element-type PendingFdBatch) (owned): the batches that the worker has not taken, oldest first */
  GArray *pending;
  guint n_pending; /* the number of descriptors in the batches of pending */
  /* (element-type GArray of int) (owned): for a link within this process: copies of descriptors that wait */
  GQueue local;
} FerryFdBatches;

/* any: the writing end of the down lane and of the express lane. The functions for this struct are in ferry-link.c. */
typedef struct
{
  pthread_mutex_t lock; /* guards all fields of this struct; no thread sleeps while it holds the lock */
  FerryLaneWriter lane;
  FerryLaneWriter express;
  GQueue backlog;         /* (element-type FerryBacklogRecord): records that found no room in the down lane */
  GQueue express_backlog; /* (element-type FerryBacklogRecord): records that found no room in the express lane */
  gsize backlog_size;     /* bytes of the records in backlog, without short records */
  gsize backlog_short;    /* bytes of the short records in backlog */
  FerryFdBatches fd_batches;
  _Atomic guint64 n_sent; /* any: how many messages were put into the lane or the backlog; stored with the lock held */
  /* bits: the kinds of messages that were rejected for lack of room since room was last notified */
  guint turned_away;
  GQueue room_watches; /* (element-type FerryRoomWatch) (unowned) */
  gboolean closed;     /* sending has ended: the link's memory is unmapped, or no process reads it */
  /* (unowned) (nullable): how the worker broke the protocol of the down lanes; a text that continues “it …” */
  const char *fault;
  guint64 pause;             /* the pause word that was stored last */
  guint64 skip_until;        /* the last xid of the latest skip (calls taken back from the worker), or 0 */
  guint64 begun_before_skip; /* the xid of the call that the worker began last before the latest skip */
  guint64 final_begun;       /* once closed is set: the xid of the call that the worker began last */
  /* set together with the link's queue: makes the monitor end the link for its fault */
  void (*report_fault) (FerrySharedQueue *queue);
} FerryDownWriter;

/* drain lock: where the link stands among the visits: see FerryVisits. */
typedef struct
{
  GList active_node; /* node in the shared queue's list of active links */
  gboolean is_active;
  gboolean is_stalled;      /* not visited until the router has dispatched blocks, or dropped memory, of the link */
  gboolean wants_memory;    /* is_stalled until the application drops some of the link's buffers and messages */
  GQueue *nap;              /* (unowned) (nullable): the links that nap with this one, until a time */
  gboolean is_muted;        /* the doorbell is not heard until the link is visited again */
  gboolean rings_when_full; /* the value of the up lane's word ring_when_full */
  gboolean told_launched;   /* the layer above was notified that the process exists */
  gboolean told_attached;   /* the layer above was notified that the link is open */
  gboolean is_marked;       /* the router's thread waits until the up lane is drained up to the position watermark */
  guint64 watermark;        /* the up lane's tail when is_marked was set */
} FerryLinkVisit;

/* drain lock: when the worker is to give memory back: see ferry_drain_tidy(). */
typedef struct
{
  guint64 asked_head;    /* the up lane's head when the worker was last asked */
  guint64 looked_head;   /* the up lane's head when this was last looked at */
  gboolean buffers_came; /* since the worker was last asked */
} FerryLinkTidiness;

/* The process at the other end. */
typedef struct
{
  GPid pid; /* 0 until it is launched */
  int pidfd;
  FerryWatch watch;
  FerryParent parent;
  FerryLaunchFailure failure; /* set where the launch failed */
  guint64 pending_signals;    /* bit n - 1: signal n is to be sent as soon as the process exists */
  guint64 signals_sent;       /* bit n - 1: the application sent the process signal n, by ferry_worker_send_signal() */
  guint32 said;               /* FERRY_CONTROL_NO_WORKER or FERRY_CONTROL_PREPARES, if it has said so; else 0 */
  gboolean tidies;            /* it was asked to end, and does so in its own time: see ferry_link_ask_to_end() */
  gboolean gone;              /* the pidfd shows that it has ended; the fork server has not reported the exit status */
  gboolean reaped;
  int refused_kill; /* why this process may not kill it: an error number; 0 if it may, or has not tried */
  int wait_code;    /* wait_code and wait_status: si_code and si_status of waitid() */
  int wait_status;
  FerryWatchdog watchdog; /* over the process that the link's deadline is for */
  /* (owned) (nullable): where it was, as it said last, when it crashed or was asked */
  FerryCrashReport *crash;
  _Atomic guint n_crashes;      /* any: how often it said so */
  guint n_asked;                /* how often it was asked */
  FerrySymbolizeFunc symbolize; /* const: (nullable): looks up names of its functions */
  /* any: where it says next that it is, unless it crashes, is for ferry_link_dup_place(), and not for its exit */
  _Atomic gboolean expects_place;
  FerryCrashReport *place; /* down.lock: (owned) (nullable): what it said then; only the router's thread drops it */
} FerryLinkProcess;

/* drain lock: what of the up lane is under way, for a record that takes several visits. */
typedef struct
{
  FerryAssembly assembly;
  FerryBufferCopy copy;
  guint n_copies_aside;    /* of the next copies, how many another thread makes */
  guint next_copies_aside; /* the number after the latest slow copy */
  /* (owned) (nullable): while another thread checks a value: that in copy, if there is one, or in assembly */
  FerryAside *judgement;
} FerryIntake;

/* What of the link is out: see ferry-local-queue.c. */
typedef struct
{
  GQueue blocks; /* local queue's lock: (element-type FerryBlock): the link's blocks that are out, in their order */
  /* local queue: (unowned) (nullable): the link's latest block, if it has records, and is in the queue still */
  _Atomic (FerryBlock *) latest;
  /* any: how much of the link's share is used by its blocks that wait in the local queue or are being dispatched */
  _Atomic gint64 share;
  _Atomic gsize lines; /* any: bytes of lines that wait there or are being dispatched */
  /* any: bytes of the link's large messages and private buffers that the application keeps */
  _Atomic gint64 kept;
  _Atomic gint64 lent; /* any: bytes of the link's arena buffers that the application keeps in place */
} FerryLinkOut;

/* The fields have three owners. down is for any thread, under its lock. turn is for the router's thread. All other
 * fields are for the monitor, unless their comment says otherwise. */
struct _FerryLink
{
  _Atomic gint references; /* any */
  char *name;              /* const: (owned); name, program and entry are for the texts of errors */
  char *program;           /* const: (owned) (nullable): the program that the process runs */
  /* const: (unowned) (nullable): the name of the function that the program must call to attach */
  const char *entry;
  GArray *connection_ids; /* const: (element-type guint64): the connection ids, by their index in the pipe table */
  gpointer user_data;     /* const: (unowned): data of the layer above */
  /* down.lock: (owned) (nullable): for the link of a given sender, the link of the worker that was given it last */
  FerryLink *worker;
  gboolean bound;                  /* const: the link ends with its worker, since no task has the given sender */
  gpointer given_exit;             /* (nullable): of the layer above: how the link of a given sender ended */
  _Atomic gboolean was_taken_back; /* any: the task that was given the sender has it no more */
  /* const: (element-type guint32): the cell of each connection id, by the same index, or FERRY_NO_CELL */
  GArray *cells;
  guint64 max_message_size; /* const */
  guint fork_number;        /* const: see ferry-forks.c */
  gboolean local;           /* const: both ends of the link are in this process */
  gboolean trusted;         /* const: the link's buffers are read in place, without a copy */
  guint32 depth;            /* const: of the worker: see FerryWelcome */
  FerryArena *arena;        /* const: (owned) (nullable) */

  FerryLinkState state;
  gboolean was_open;
  int cause;    /* the FerryCloseReason that was noted first, or FERRY_NO_CAUSE */
  char *detail; /* (owned) (nullable): the text for a protocol error or a failed launch */
  FerryLinkProcess process;
  FerryDeadline deadline; /* when the state times out, if it is set */
  gint64 attach_timeout;

  FerrySegment segment;
  FerryLaneReader up;
  FerryIntake intake;
  /* how many pipes have ended: by a stop record that was drained, or by a close of the application */
  guint n_done;
  /* the up lane's tail was read for the last time, because the link has ended or its worker broke a rule */
  gboolean tail_final;
  gboolean draining_done; /* no more records are taken from the up lane */

  FerryAnswerWaits waits; /* any: the threads that wait for answers over the link: see FerryShortCut */

  /* Stored by the monitor, loaded by the router's thread. The records of the up lane up to this position were taken,
   * and then pushed to the local queue, handed over, or dropped. */
  _Atomic guint64 up_taken;

  int memory;       /* the descriptor of the segment; -1 once the welcome is sent */
  int arena_memory; /* the descriptor of the arena, in the same way; -1 also for a link without an arena */
  int doorbell;
  /* the control socket. Closed only with the lock of down held, because senders use it under that lock */
  int control;
  int worker_end; /* the worker's end of the control socket; -1 once the worker is launched */
  FerryWatch control_watch;
  FerryWatch output_watch;

  FerryConfinement confinement;
  FerryForkServerLink *fork_server; /* const: (owned) (nullable): set for a link to a fork server */
  void (*free_fork_server) (FerryForkServerLink *fork_server);
  /* (owned) (nullable): the worker's standard streams that are logged */
  FerryOutput *output;

  GList queue_node; /* node in the shared queue's list of all links */
  FerryLinkVisit visit;
  FerryTraffic traffic; /* drain lock */
  FerryLinkTidiness tidiness;

  /* (unowned) (nullable): the queue that the link was added to; set by the monitor with the lock of down held */
  FerrySharedQueue *queue;
  FerryDownWriter down;

  /* any: bit n: the router's thread was notified of a value in cell n and has not read it yet */
  _Atomic guint64 cells_pending;
  _Atomic guint64 cells_taken; /* any: how many values the router's thread has taken from the link's cells */
  FerryLinkTurn turn;          /* router's thread */
  FerryLinkOut out;
  FerrySpareMemory spare; /* any: memory for copies of the link's buffers */
};

FerryLink *ferry_link_new (const char *name, const guint64 *connection_ids, const guint32 *cells, guint n_pipes,
                           gsize up_capacity, gsize arena_size, guint64 max_message_size, GError **error);
FerryLink *ferry_link_ref (FerryLink *self);
void ferry_link_unref (FerryLink *self);

gboolean ferry_link_open_socket (FerryLink *self, GError **error);
int ferry_link_open_output (FerryLink *self, guint stream, gboolean shown, GError **error);
/* monitor: Whether a message that was taken from the lane is still copied or checked. */
gboolean ferry_link_is_taking (const FerryLink *self);
gboolean ferry_link_grant (FerryLink *self, guint index, const char *sender_name);
gboolean ferry_link_send_signal (FerryLink *self, int signal_number);
gboolean ferry_link_ask_to_end (FerryLink *self);
void ferry_link_signal_group (FerryLink *self, int signal_number);
void ferry_link_send_pending_signals (FerryLink *self);
void ferry_link_note (FerryLink *self, int cause, const char *detail);
void ferry_link_set_pipe_word (FerryLink *self, guint index, FerryPipeWord word);
void ferry_link_wake_writers (FerryLink *self);
void ferry_link_ask_to_tidy (FerryLink *self);
gboolean ferry_link_reap (FerryLink *self);
void ferry_link_reap_adopted (FerryLink *self);
void ferry_link_reap_group (GPid group);
gboolean ferry_link_take_crash (FerryLink *self, FerryCrashPacket *packet, GError **error);
void ferry_link_expect_place (FerryLink *self, gboolean expects);
char *ferry_link_dup_place (FerryLink *self);
void ferry_link_wait (FerryLink *self);
void ferry_assembly_clear (FerryAssembly *self);
void ferry_link_give_up_buffers (FerryLink *self);
void ferry_link_set_worker (FerryLink *self, FerryLink *worker);
FerryLink *ferry_link_dup_worker (FerryLink *self);
void ferry_link_blame_worker (FerryLink *self);

/* In ferry-confinement.c. */
void ferry_confinement_begin (FerryLink *link);
FerryControlEvent ferry_confinement_receive (FerryLink *link, GArray *descriptors, GError **error);
char *ferry_confinement_name_layers (guint32 layers);

typedef enum
{
  FERRY_DOWN_SENT,        /* the message is in the lane or in the backlog */
  FERRY_DOWN_WOULD_BLOCK, /* the backlog is full */
  FERRY_DOWN_TOO_LARGE,   /* the message is larger than the maximum message size */
  FERRY_DOWN_UNTAKEN,     /* the worker must first take descriptors that were sent earlier */
  FERRY_DOWN_REFUSED,     /* the system refuses to pass the descriptors */
  FERRY_DOWN_CLOSED,      /* the link has ended */
} FerryDownResult;

/* The descriptors of a message. */
typedef struct
{
  const int *descriptors; /* (unowned) */
  guint n_descriptors;    /* at most FERRY_MAX_FDS_PER_LINK */
  guint64 xid;            /* of the call that they are sent with; 0: of none */
  int error_number;       /* (out): errno of the refusal, for FERRY_DOWN_REFUSED */
} FerryDescriptors;

/* any: fails with FERRY_ERROR_CLOSED in a process that was forked from the one that made the link. There the functions
 * that send, or change the link's words, do nothing. Takes no lock. */
gboolean ferry_link_check_owner (FerryLink *self, GError **error);
FerryDownResult ferry_link_send (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts);
FerryDownResult ferry_link_send_with (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts,
                                      FerryDescriptors *batch);
FerryDownResult ferry_link_send_given (FerryLink *self, guint64 connection_id, const char *name,
                                       FerryDescriptors *batch);
gboolean ferry_link_has_untaken_fds (FerryLink *self, guint64 xid);
gboolean ferry_link_take_fd_batch (FerryLink *link, guint64 number, GArray *descriptors);
void ferry_descriptors_close (GArray *descriptors);
void ferry_descriptors_free (GArray *descriptors);
void ferry_link_set_fault_locked (FerryLink *self, const char *fault);
FerryDownResult ferry_link_send_finish (FerryLink *self);
FerryDownResult ferry_link_send_stop (FerryLink *self, guint64 connection_id);
FerryDownResult ferry_link_send_cancel (FerryLink *self, guint64 xid, guint16 reason);
guint64 ferry_link_flush_down (FerryLink *self);
void ferry_link_close_down (FerryLink *self);
void ferry_link_add_room_watch (FerryLink *self, FerryRoomWatch *watch);
void ferry_link_remove_room_watch (FerryLink *self, FerryRoomWatch *watch);
gboolean ferry_link_hold_calls (FerryLink *self, guint64 *begun);
void ferry_link_release_calls (FerryLink *self, guint64 skip_until);
gboolean ferry_link_doom_call (FerryLink *self, guint64 xid);
guint64 ferry_link_get_begun_call (FerryLink *self);
void ferry_link_set_pause (FerryLink *self, guint64 xid, gboolean paused, gint64 deadline);
gboolean ferry_link_has_heard_pause (FerryLink *self);
guint64 ferry_link_get_written (FerryLink *self);
gboolean ferry_link_has_dispatched (FerryLink *self, guint64 position);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryLink, ferry_link_unref)

G_END_DECLS
