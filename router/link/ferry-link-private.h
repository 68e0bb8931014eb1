/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a link.
 *
 * Owner:   counted references, one of which is the shared queue's until the link is finished.
 * Threads: that which drains the shared queue, where a field says nothing else.
 * Trust:   none in the process at the other end: it may do anything with its memory, its socket and its doorbell. */

#pragma once

#include <pthread.h>

#include "lane/ferry-arena-private.h"
#include "lane/ferry-lane-private.h"
#include "lane/ferry-segment-private.h"
#include "lane/ferry-spare-memory-private.h"
#include "link/ferry-handshake-private.h"
#include "link/ferry-link-state-private.h"
#include "link/ferry-one-shot-check-private.h"
#include "link/ferry-output-private.h"
#include "link/ferry-pending-memory-private.h"

G_BEGIN_DECLS

typedef struct _FerryLink FerryLink;
typedef struct _FerrySharedQueue FerrySharedQueue;
typedef struct _FerryBlock FerryBlock;

/* The subject of an epoll event. */
typedef enum
{
  FERRY_WATCH_WAKE,
  FERRY_WATCH_DOORBELL,
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

/* The parent of the process at the other end, which learns how it ended. */
typedef enum
{
  FERRY_PARENT_SELF,        /* this process */
  FERRY_PARENT_ASKED,       /* a fork server that was asked and has not answered */
  FERRY_PARENT_FORK_SERVER, /* a fork server that has forked it */
  FERRY_PARENT_LOST,        /* a fork server that is gone: the pidfd shows the end of the process, but not its status */
} FerryParent;

/* Why a process could not be started, and so whether another launch may succeed. */
typedef enum
{
  FERRY_OBSTACLE_LASTING,     /* it lasts, such as a missing program */
  FERRY_OBSTACLE_SHORTAGE,    /* the system lacks a resource, perhaps for a short time */
  FERRY_OBSTACLE_FORK_SERVER, /* its fork server cannot fork; executing the program may succeed */
} FerryObstacle;

typedef struct _FerryForkServerLink FerryForkServerLink;

/* monitor: the shared queue's calls for a link to a fork server. See ferry-fork-server-link-private.h. */
typedef struct
{
  void (*flush) (FerrySharedQueue *queue, FerryLink *fork_server);
  FerryControlEvent (*receive) (FerrySharedQueue *queue, FerryLink *fork_server, GError **error);
  void (*close) (FerryLink *fork_server);
  void (*lose) (FerrySharedQueue *queue, FerryLink *fork_server, int cause);
  void (*free) (FerryForkServerLink *self); /* any */
} FerryForkServerLinkFuncs;

typedef struct _FerryFdBatches FerryFdBatches;

/* The sandbox of the process at the other end. */
typedef struct
{
  guint32 required; /* const: the layers without which it is ended */
  guint32 given;    /* const: the layers that it was started with */
  guint32 layers;   /* the layers that it has, as far as known */
  gboolean awaited; /* the report of its own layers comes first */
  gboolean wrapped; /* const: bubblewrap is started and watched, which starts it in namespaces */
  int pidfd;        /* (owned): of the process itself, where it is wrapped and known; else -1 */
  GPid pid;         /* its number, or 0 */
  gboolean killed;  /* it was sent SIGKILL; a second one is for bubblewrap */
} FerryConfinement;

/* A message that arrives in pieces. */
typedef struct
{
  guint8 *data; /* (owned) (nullable): NULL between messages */
  gsize size;
  gsize filled;
  gsize allocated;
  guint64 connection_id;
  guint16 kind;
  guint16 number;
} FerryAssembly;

/* The record of a buffer. */
typedef struct
{
  guint64 connection_id;
  guint16 message_kind; /* of a large message that lies in it: FERRY_RECORD_BYTES or _VARIANT; else 0 */
  guint16 type_number;  /* of the metadata or the message; 0: there is none */
  guint8 *metadata;     /* (owned) (nullable) */
  gsize metadata_size;
} FerryBufferNews;

/* A buffer that is being copied. */
typedef struct
{
  FerryMemory memory; /* (owned): data is NULL while there is none */
  gsize filled;
  FerryBufferMessage message;
  FerryBufferNews news;
} FerryBufferCopy;

/* A one-shot buffer whose memory is being checked. */
typedef struct
{
  FerryOneShotCheck *check; /* (owned) (nullable): NULL while there is none */
  gsize size;
  FerryBufferNews news;
} FerryOneShotArrival;

/* A sender's wish to be notified of room, after a message would have blocked. Embedded in the sender. */
typedef struct
{
  void (*func) (
    gpointer data); /* called with the lock of down held, on any thread: it must not call functions of the link */
  gpointer data;
  GList node;
} FerryRoomWatch;

/* router's thread: a link's blocks to be dispatched. See ferry-turns-private.h. */
typedef struct
{
  FerryBlock *first;  /* (owned) (nullable): the row of its blocks */
  FerryBlock *last;   /* (unowned): of the row, where there is one */
  GQueue *list;       /* (unowned) (nullable): the list that has it */
  GList node;         /* in that */
  gint64 spent;       /* microseconds of its handlers for which it has not been passed over */
  guint check_every;  /* messages between two looks at the clock; at least 1 */
  guint left;         /* messages until the next look */
  guint64 dispatched; /* up_head of the latest block that was dispatched */
} FerryLinkTurn;

/* any: the application's end of what goes down to the worker. Its functions are those of the link. */
typedef struct
{
  pthread_mutex_t lock; /* no thread waits with it held; it guards all of these fields */
  FerryLaneWriter lane;
  FerryLaneWriter express;
  GQueue backlog;             /* (element-type FerryBacklogRecord): records without room in the down lane */
  GQueue express_backlog;     /* the same of the express lane */
  gsize backlog_size;         /* bytes of backlog, but for those of short records */
  gsize backlog_short;        /* bytes of short records */
  FerryFdBatches *fd_batches; /* (owned) (nullable): NULL before the first descriptors */
  guint turned_away;          /* bits: the kinds of messages that were rejected since the last notification of room */
  GQueue room_watches;        /* (element-type FerryRoomWatch) (unowned) */
  gboolean closed;            /* the memory is gone, or without a reader */
  const char *fault;          /* (unowned) (nullable): how the worker broke the protocol of the down lanes */
  guint64 skip_until;         /* the end of the latest skip, or 0 */
  guint64 begun_before_skip;  /* the call that was begun last before that skip */
  guint64 final_begun;        /* once closed: the call that was begun last */
  void (*report_fault) (FerrySharedQueue *queue); /* set with the link's queue: has the link ended for its fault */
} FerryDownWriter;

/* Three structs with an owner each: down, of any thread, under its lock; turn, of the router's thread; and the rest, of
 * the monitor, but for what says otherwise. */
struct _FerryLink
{
  _Atomic gint references;  /* any */
  char *name;               /* const: (owned), for messages, as the next two */
  char *program;            /* const: (owned) (nullable): what the process runs */
  const char *entry;        /* const: (unowned) (nullable): the function that the program must call */
  GArray *connection_ids;   /* const: (element-type guint64), by the index in the pipe table */
  gpointer user_data;       /* const: (unowned), of the layer above */
  GArray *cells;            /* const: (element-type guint32): the cell of each connection id, or FERRY_NO_CELL */
  guint64 max_message_size; /* const */
  gboolean local;           /* const: the sender is in this process */
  gboolean trusted;         /* const: its buffers are read in place */
  FerryArena *arena;        /* const: (owned) (nullable) */
  FerryPendingMemory *pending_memory; /* (owned) (nullable): const: NULL where no pipe has one-shot buffers */

  FerryLinkState state;
  gboolean was_open;
  int cause;              /* the FerryCloseReason that came first, or FERRY_NO_CAUSE */
  char *detail;           /* (owned) (nullable): of a protocol error or a failed launch */
  FerryObstacle obstacle; /* of a launch that failed */
  GPid pid;               /* 0 until launched */
  FerryParent parent;
  guint64 pending_signals; /* bit n - 1: signal n is sent as soon as there is a process */
  gboolean gone;           /* by its pidfd the process has ended; the fork server reports the status */
  gboolean reaped;
  int wait_code; /* the code and status of waitid() */
  int wait_status;
  gint64 deadline; /* monotonic time of the state's timeout; 0: none */
  gint64 attach_timeout;
  guint rings_allowed; /* how often the doorbell may still ring without progress */
  guint64 rings_head;  /* the progress at the last ring: the heads of its lanes, and the values taken from its cells */

  FerrySegment segment;
  FerryLaneReader up;
  FerryAssembly assembly;
  FerryBufferCopy copy;
  FerryOneShotArrival arrival;
  guint n_done;           /* how many pipes were stopped, as drained, or closed by the application */
  gboolean tail_final;    /* the link has ended, and its lane's tail was read for the last time */
  gboolean draining_done; /* no more is taken from the up lane */

  /* Monitor, for the router's thread: how far the up lane was taken, and then pushed or dropped. */
  _Atomic guint64 up_taken;

  int memory; /* until the welcome is sent */
  int doorbell;
  int control;    /* closed with the lock of down, with which senders use it */
  int worker_end; /* the worker's end of the control socket, until it is launched */
  int pidfd;
  FerryWatch doorbell_watch;
  FerryWatch control_watch;
  FerryWatch process_watch;
  FerryWatch output_watch;

  FerryConfinement confinement;
  FerryForkServerLink *fork_server;                  /* const: (owned) (nullable): of a link to a fork server */
  const FerryForkServerLinkFuncs *fork_server_funcs; /* const: set with fork_server */
  FerryOutput *output;                               /* (owned) (nullable): the standard streams that are logged */

  GList queue_node;  /* in the shared queue's list of all links */
  GList active_node; /* in its list of active links */
  gboolean active;
  gboolean stalled;      /* waits for blocks to come back */
  gint64 rested_at;      /* monotonic time at which the up lane was last found empty */
  guint64 rested_head;   /* the up lane's head at that time */
  guint64 n_since;       /* about how many records came since then */
  guint64 buffers_since; /* bytes of buffers that came since then */
  gboolean dozing;       /* its lane fills for a moment, unarmed */
  gboolean lingering;    /* the same for longer, at its writer's wish, until the writer rings */
  gboolean fenced;       /* the router's thread waits until its lane is drained up to fence */
  guint64 fence;         /* the lane's tail when that began */

  FerrySharedQueue *queue; /* (unowned) (nullable): while it has the link; set by the monitor with the lock of down */
  FerryDownWriter down;

  gboolean told_launched;        /* the layer above was told of the process */
  gboolean told_attached;        /* the layer above was told that the link is open */
  _Atomic guint64 cells_pending; /* any: bit n: the router's thread was told of cell n and has not read it yet */
  _Atomic guint64 cells_taken;   /* any: values that the router's thread took from the cells */
  FerryLinkTurn turn;            /* router's thread */
  _Atomic gint64 share_out;      /* any: what its blocks in the local queue, or being dispatched, count for */
  _Atomic gint64 bytes_kept;     /* any: bytes of its large messages and private buffers that the application keeps */
  _Atomic gint64 bytes_lent;     /* any: bytes of its buffers that the application keeps in place */
  gboolean wants_memory;         /* stalled: until the application drops some of its buffers and messages */
  FerrySpareMemory spare;        /* any: for copies of its buffers */
};

FerryLink *ferry_link_new (const char *name, const guint64 *connection_ids, const guint32 *cells, guint n_pipes,
                           gsize up_capacity, gsize arena_size, guint64 max_message_size, GError **error);
FerryLink *ferry_link_ref (FerryLink *self);
void ferry_link_unref (FerryLink *self);

gboolean ferry_link_open_socket (FerryLink *self, GError **error);
void ferry_link_allow_one_shots (FerryLink *self, guint index);
gboolean ferry_link_grant (FerryLink *self, guint index, const char *sender_name);
gboolean ferry_link_send_signal (FerryLink *self, int signal_number);
void ferry_link_send_pending_signals (FerryLink *self);
void ferry_link_note (FerryLink *self, int cause, const char *detail);
void ferry_link_set_pipe_word (FerryLink *self, guint index, FerryPipeWord word);
void ferry_link_wake_writers (FerryLink *self);
gboolean ferry_link_reap (FerryLink *self);
void ferry_link_wait (FerryLink *self);
void ferry_assembly_clear (FerryAssembly *self);
void ferry_link_give_up_buffers (FerryLink *self);

/* In ferry-confinement.c. */
void ferry_confinement_begin (FerryLink *link);
FerryControlEvent ferry_confinement_receive (FerryLink *link, GArray *descriptors, GError **error);
char *ferry_confinement_name_layers (guint32 layers);

/* The application's writing end of the down lane and of the express lane. */
typedef struct
{
  gconstpointer data;
  gsize size;
} FerryPart;

typedef enum
{
  FERRY_DOWN_SENT,        /* it is in the lane or in the backlog */
  FERRY_DOWN_WOULD_BLOCK, /* the backlog is full */
  FERRY_DOWN_TOO_LARGE,   /* larger than the maximum message size */
  FERRY_DOWN_UNTAKEN,     /* the worker has to take descriptors first */
  FERRY_DOWN_REFUSED,     /* the system refuses to pass the descriptors */
  FERRY_DOWN_CLOSED,      /* the link has ended */
} FerryDownResult;

/* The descriptors of a message. */
typedef struct
{
  const int *descriptors; /* (unowned) */
  guint n_descriptors;    /* up to FERRY_MAX_FDS_PER_LINK */
  int error_number;       /* (out): of FERRY_DOWN_REFUSED */
} FerryDescriptors;

FerryDownResult ferry_link_send (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts);
FerryDownResult ferry_link_send_with (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts,
                                      FerryDescriptors *batch);
guint64 ferry_link_get_n_fd_batches_sent (FerryLink *self);
guint64 ferry_link_get_n_fd_batches_taken (FerryLink *self);
gboolean ferry_link_take_fd_batch (FerryLink *link, guint64 number, GArray *descriptors);
void ferry_descriptors_close (GArray *descriptors);
void ferry_descriptors_free (GArray *descriptors);
void ferry_link_set_fault_locked (FerryLink *self, const char *fault);
FerryDownResult ferry_link_send_finish (FerryLink *self);
FerryDownResult ferry_link_send_cancel (FerryLink *self, guint64 xid, guint16 reason);
guint64 ferry_link_flush_down (FerryLink *self);
void ferry_link_close_down (FerryLink *self);
void ferry_link_add_room_watch (FerryLink *self, FerryRoomWatch *watch);
void ferry_link_remove_room_watch (FerryLink *self, FerryRoomWatch *watch);
gboolean ferry_link_hold_calls (FerryLink *self, guint64 *begun);
void ferry_link_release_calls (FerryLink *self, guint64 skip_until);
gboolean ferry_link_doom_call (FerryLink *self, guint64 xid);
guint64 ferry_link_get_begun_call (FerryLink *self);
guint64 ferry_link_get_written (FerryLink *self);
gboolean ferry_link_has_dispatched (FerryLink *self, guint64 position);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryLink, ferry_link_unref)

G_END_DECLS
