/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lies where in the memory that an application and a worker share, and what goes over their control socket.
 *
 * Nothing but structures and constants, pinned by the compiler. docs/protocol.md says the same in prose, so that a
 * worker can be written in another language; the two change together, and from the first release on
 * FERRY_PROTOCOL_VERSION with them.
 *
 * A segment, one for each link:
 *
 *   0       FerryLaneControl of the up lane       (worker to application)
 *   1024    FerryLaneControl of the down lane     (application to worker)
 *   2048    FerryLaneControl of the express lane  (application to worker: what must not wait behind the down lane)
 *   3072    FerryLinkControl
 *   4096    the pipe table: one state word for each sender that was passed to the worker
 *   8192    the express lane's ring
 *   12288   the down lane's ring
 *   77824   the up lane's ring
 *   ...     the cells
 *   ...     the arena: FerryArenaControl in a page of its own, then the memory of buffers
 *
 * All numbers are in the byte order of the machine. */

#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stddef.h>

G_BEGIN_DECLS

#define FERRY_PROTOCOL_VERSION 2
#define FERRY_PROTOCOL_MAGIC "FERRYLNK"

/* The environment variable that names the worker's end of the control socket. */
#define FERRY_CONTROL_FD_VARIABLE "FERRY_CONTROL_FD"

/* Two cache lines: neighbouring lines are fetched in pairs by some processors. */
#define FERRY_LINE_SIZE 128

/* What the lane's writer stores and its reader loads. */
typedef struct
{
  _Atomic guint64 tail;           /* bytes ever written; a multiple of 8 */
  _Atomic guint32 writer_waiting; /* epoch of the writer's latest wait for room; 0: it never waited */
  _Atomic guint32 unhurried;      /* 1: what is published may be taken a little later, many at a time; else 0 */
  guint8 padding[FERRY_LINE_SIZE - 16];
} FerryWriterLine;

/* What the lane's reader stores and its writer loads. */
typedef struct
{
  _Atomic guint64 head;           /* bytes ever taken; a multiple of 8 */
  _Atomic guint32 reader_waiting; /* epoch of the reader's latest sleep; 0: it never slept */
  guint8 padding[FERRY_LINE_SIZE - 12];
} FerryReaderLine;

/* A futex word that whoever wakes a sleeper adds one to. */
typedef struct
{
  _Atomic guint32 rings;
  guint8 padding[FERRY_LINE_SIZE - 4];
} FerryBellLine;

typedef struct
{
  FerryWriterLine writer;
  FerryReaderLine reader;
  FerryBellLine writer_bell; /* the writer sleeps here for room */
} FerryLaneControl;

/* What does not belong to one lane. */
typedef struct
{
  FerryBellLine reader_bell; /* the worker sleeps here, for the down lane and for the express lane */

  /* Which call the worker is at: see FERRY_CLAIM_HOLD. Both ends change it, by compare and exchange. */
  _Atomic guint64 claim;
  /* Bit n: cell n has a value that its reader waits for. The worker sets bits, the application takes all. */
  _Atomic guint64 dirty;
  guint8 padding[2 * FERRY_LINE_SIZE - 16];
} FerryLinkControl;

/* The claim word: an xid, shifted, and two flags. All calls up to that xid are settled: begun or passed over; xids of a
 * link only grow. A worker begins call x by changing (y, no flags) to (x, no flags), with y below x; a y that is not
 * says that x was taken back, and is passed over. With a flag set a worker changes nothing. HOLD makes it wait, while
 * the application takes back calls that were not begun: it changes (y, HOLD) to (z, no flags), where z is the last of
 * them, and not below y. DOOMED makes the worker begin nothing any more, since it is about to be killed.
 *
 * That the taking back itself changes the xid is what a worker's exchange fails by which had looked before it. */
#define FERRY_CLAIM_HOLD 1
#define FERRY_CLAIM_DOOMED 2
#define FERRY_CLAIM_SHIFT 2

/* A cell: the newest value of a pipe. Write n (from 1 on) goes into slot n & 1: begun becomes n, then the slot is
 * written, then sequence becomes n. Who has read slot s & 1 in between has read it whole if begun is at most s + 1. */
#define FERRY_CELL_SLOT_SIZE 4096
#define FERRY_MAX_CELLS_PER_LINK 64

typedef struct
{
  guint32 size;        /* of the payload, which begins behind the type string, at a multiple of 8 */
  guint16 kind;        /* FERRY_RECORD_BYTES or FERRY_RECORD_VARIANT */
  guint16 type_length; /* of the type string, 0 for plain bytes */
} FerryCellHeader;

typedef struct
{
  _Atomic guint64 sequence; /* stored by the writer: the latest write that is whole */
  _Atomic guint64 begun;    /* stored by the writer */
  guint8 padding[FERRY_LINE_SIZE - 16];
  _Atomic guint32 reader_waiting; /* stored by the reader: epoch of its latest wait for a value; 0: it never waited */
  guint8 padding_2[FERRY_LINE_SIZE - 4];
  _Atomic guint64 slots[2][FERRY_CELL_SLOT_SIZE / 8]; /* a FerryCellHeader, a type string, the payload */
} FerryCell;

G_STATIC_ASSERT (sizeof (FerryCellHeader) == 8);
G_STATIC_ASSERT (sizeof (FerryCell) == 2 * FERRY_LINE_SIZE + 2 * FERRY_CELL_SLOT_SIZE);
G_STATIC_ASSERT (sizeof (FerryLinkControl) == 3 * FERRY_LINE_SIZE);
G_STATIC_ASSERT (sizeof (_Atomic guint64) == 8 && sizeof (_Atomic guint32) == 4);
G_STATIC_ASSERT (ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2);
G_STATIC_ASSERT (sizeof (FerryLaneControl) == 3 * FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryLaneControl, reader) == FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryLaneControl, writer_bell) == 2 * FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryWriterLine, writer_waiting) == 8);
G_STATIC_ASSERT (offsetof (FerryReaderLine, reader_waiting) == 8);

/* The arena: memory of which the worker gives out buffers, and that the application only reads. A buffer has a number
 * as long as it is in use. What the application has let go of is told by released; the worker takes all of it. */
typedef struct
{
  _Atomic guint64 released; /* bit n: buffer n is the worker's again. The application sets bits, the worker takes all */
  _Atomic guint32 copied;   /* stored by the application: 1 where it copies each buffer when it comes; else 0 */
  guint8 padding[FERRY_LINE_SIZE - 12];
  _Atomic guint32 writer_waiting; /* stored by the worker: epoch of its latest wait for a buffer; 0: it never waited */
  guint8 padding_2[FERRY_LINE_SIZE - 4];
  FerryBellLine bell; /* the worker sleeps here for a buffer */
} FerryArenaControl;

#define FERRY_ARENA_CONTROL_SIZE 4096
#define FERRY_ARENA_UNIT 4096 /* offset of each buffer, and its share of the arena, are multiples of it */
#define FERRY_DEFAULT_ARENA_SIZE (FERRY_ARENA_CONTROL_SIZE + (gsize) 1024 * 1024 * 1024)
#define FERRY_MAX_ARENA_SIZE (G_GUINT64_CONSTANT (1) << 36)
#define FERRY_MAX_BUFFERS_PER_LINK 64

G_STATIC_ASSERT (sizeof (FerryArenaControl) == 3 * FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryArenaControl, copied) == 8);
G_STATIC_ASSERT (offsetof (FerryArenaControl, writer_waiting) == FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryArenaControl, bell) == 2 * FERRY_LINE_SIZE);

#define FERRY_SEGMENT_UP_CONTROL 0
#define FERRY_SEGMENT_DOWN_CONTROL 1024
#define FERRY_SEGMENT_EXPRESS_CONTROL 2048
#define FERRY_SEGMENT_LINK_CONTROL 3072
#define FERRY_SEGMENT_PIPE_TABLE 4096
#define FERRY_SEGMENT_EXPRESS_RING 8192
#define FERRY_EXPRESS_CAPACITY 4096
#define FERRY_SEGMENT_DOWN_RING (FERRY_SEGMENT_EXPRESS_RING + FERRY_EXPRESS_CAPACITY)
#define FERRY_DOWN_CAPACITY (64 * 1024)
#define FERRY_SEGMENT_UP_RING (FERRY_SEGMENT_DOWN_RING + FERRY_DOWN_CAPACITY)
#define FERRY_MAX_PIPES_PER_LINK 1024

/* A lane's capacity is a power of two in this range: small enough to be written in full at once by one message,
 * large enough that half a lane always takes the largest record. */
#define FERRY_MIN_LANE_CAPACITY (128 * 1024)
#define FERRY_MAX_LANE_CAPACITY (256 * 1024 * 1024)

/* The words of the pipe table; stored by the application only, loaded by the sender before each message. */
typedef enum
{
  FERRY_PIPE_WORD_OPEN = 0,
  FERRY_PIPE_WORD_CLOSED = 1,         /* the application closed the pipe */
  FERRY_PIPE_WORD_LINK_ENDED = 2,     /* the application gave up the link */
  FERRY_PIPE_WORD_ROUTER_STOPPED = 3, /* the router was stopped */
} FerryPipeWord;

/* A record: this header, then length bytes of payload, then zero to seven bytes up to a multiple of 8. */
typedef struct
{
  guint32 length;
  guint16 kind;
  guint16 number; /* FERRY_RECORD_TYPE and FERRY_RECORD_VARIANT: the number of a type, else 0 */
  guint64 connection_id;
} FerryRecordHeader;

G_STATIC_ASSERT (sizeof (FerryRecordHeader) == 16);

typedef enum
{
  FERRY_RECORD_BYTES = 1,     /* up and down: a message; the payload is its bytes */
  FERRY_RECORD_VARIANT = 2,   /* up: a message; the payload is a serialised GVariant of the type announced as number */
  FERRY_RECORD_TYPE = 3,      /* up: announces a type string, without its terminating zero, as number */
  FERRY_RECORD_LARGE = 4,     /* up and down: a message follows in pieces; the payload is a FerryLargeMessage. Up,
                               * it may lie in a buffer instead, whose FerryBufferMessage comes behind that */
  FERRY_RECORD_PIECE = 5,     /* up and down: a piece of it */
  FERRY_RECORD_ABANDON = 6,   /* up: the rest of it will not come */
  FERRY_RECORD_STOP = 7,      /* up: the sender was stopped */
  FERRY_RECORD_GRANT = 8,     /* down: the payload is a FerryGrant and the sender's name */
  FERRY_RECORD_FINISH = 9,    /* down: nothing more will be asked; the worker does what it has, and exits */
  FERRY_RECORD_CANCEL = 10,   /* express: the call whose xid is in place of the connection id; number says why */
  FERRY_RECORD_BUFFER = 11,   /* up: a buffer; the payload is a FerryBufferMessage, and what goes with it */
  FERRY_RECORD_ONE_SHOT = 12, /* up: a buffer in memory of its own; the payload is a FerryOneShotMessage, as above */
  FERRY_RECORD_FD_BATCH = 13, /* down: descriptors belong to the next message; the payload is a FerryFdBatchMessage */
} FerryRecordKind;

/* Followed by a serialised GVariant of the type announced as the header's number, unless that is 0. */
typedef struct
{
  guint64 offset; /* from the beginning of the arena */
  guint64 size;
  guint32 number; /* of the buffer */
  guint32 reserved;
} FerryBufferMessage;

G_STATIC_ASSERT (sizeof (FerryBufferMessage) == 24);

/* As above. The descriptor of the memory came over the control socket before, in the FerryMemoryPacket of that number.
 */
typedef struct
{
  guint64 number;
  guint64 size; /* that of the memory as well */
} FerryOneShotMessage;

G_STATIC_ASSERT (sizeof (FerryOneShotMessage) == 16);

/* The message that comes next, for the same pipe, has descriptors. They came over the control socket before, in the
 * FerryFdBatch of that number. */
typedef struct
{
  guint64 number;
  guint32 n_descriptors;
  guint32 reserved;
} FerryFdBatchMessage;

G_STATIC_ASSERT (sizeof (FerryFdBatchMessage) == 16);

typedef struct
{
  guint64 size;
  guint16 kind; /* FERRY_RECORD_BYTES or FERRY_RECORD_VARIANT */
  guint16 number;
  guint32 reserved;
} FerryLargeMessage;

G_STATIC_ASSERT (sizeof (FerryLargeMessage) == 16);

typedef struct
{
  guint32 index; /* of the sender's word in the pipe table */
  guint32 name_length;
  guint32 cell;  /* the number of its cell, or FERRY_NO_CELL */
  guint32 flags; /* FERRY_GRANT_ONE_SHOT, or 0 */
} FerryGrant;

#define FERRY_NO_CELL G_MAXUINT32

/* Its buffers have memory of their own each, which is handed over with them. */
#define FERRY_GRANT_ONE_SHOT (1u << 0)

G_STATIC_ASSERT (sizeof (FerryGrant) == 16);

/* Two records of the largest size fill a block exactly. */
#define FERRY_BLOCK_SIZE (64 * 1024)
#define FERRY_MAX_RECORD_SIZE (FERRY_BLOCK_SIZE / 2)
#define FERRY_MAX_RECORD_PAYLOAD (FERRY_MAX_RECORD_SIZE - sizeof (FerryRecordHeader))

/* Types are numbered from 1 in the order of their announcements. */
#define FERRY_MAX_TYPES_PER_PIPE 255
#define FERRY_MAX_TYPE_STRING 1024

#define FERRY_MAX_SENDER_NAME 255

static inline gsize
ferry_record_size (gsize payload)
{
  return sizeof (FerryRecordHeader) + ((payload + 7) & ~(gsize) 7);
}

/* The messages of the control socket, each a packet of its own. */
typedef enum
{
  FERRY_CONTROL_WELCOME = 1,  /* application to worker, with two descriptors: the segment, the up lane's doorbell */
  FERRY_CONTROL_ATTACH = 2,   /* worker to application, without descriptors */
  FERRY_CONTROL_START = 3,    /* application to fork server, with the worker's end of a control socket, and streams */
  FERRY_CONTROL_STARTED = 4,  /* fork server to application, with the pidfd of what it forked */
  FERRY_CONTROL_FAILED = 5,   /* fork server to application: what it was asked for could not be started */
  FERRY_CONTROL_ENDED = 6,    /* fork server to application: what it forked has ended, and was reaped */
  FERRY_CONTROL_CONFINED = 7, /* worker to application, before it attaches: how much of its sandbox it has */
  FERRY_CONTROL_MEMORY = 8,   /* worker to application, with one descriptor: the memory of a one-shot buffer */
  FERRY_CONTROL_FD_BATCH = 9, /* application to worker, with the descriptors of a message in the down lane */
} FerryControlKind;

typedef struct
{
  char magic[8];
  guint32 kind;
  guint32 version;
} FerryControlHeader;

typedef struct
{
  FerryControlHeader header;
  guint64 segment_size;
  guint64 up_capacity;
  guint64 down_capacity;
  guint64 max_message_size;
  guint32 application_pid;
  guint32 n_pipes;
  guint32 n_cells;
  guint32 reserved;
  guint64 arena_size; /* the last part of the segment; 0 where there is none */
} FerryWelcome;

typedef struct
{
  FerryControlHeader header;
  guint64 segment_size; /* as it was welcomed; 0 when the worker cannot go on */
  guint32 worker_pid;
  guint32 reserved;
} FerryAttach;

/* The layers of a sandbox. */
#define FERRY_LAYER_LIMITS (1u << 0)
#define FERRY_LAYER_NO_NEW_PRIVILEGES (1u << 1)
#define FERRY_LAYER_LANDLOCK (1u << 2)
#define FERRY_LAYER_LANDLOCK_NETWORK (1u << 3) /* beside FERRY_LAYER_LANDLOCK, where it can: TCP as well */
#define FERRY_LAYER_LANDLOCK_SCOPE (1u << 4)   /* beside it, where it can: signals and abstract addresses as well */
#define FERRY_LAYER_SYSTEM_CALLS (1u << 5)
#define FERRY_LAYER_NAMESPACES (1u << 6)

/* Those that the worker enters by itself; the others are whoever's who starts it. */
#define FERRY_LAYERS_OF_WORKER                                                                                         \
  (FERRY_LAYER_LANDLOCK | FERRY_LAYER_LANDLOCK_NETWORK | FERRY_LAYER_LANDLOCK_SCOPE | FERRY_LAYER_SYSTEM_CALLS)

/* The environment variable by which a worker is told of its sandbox. */
#define FERRY_SANDBOX_VARIABLE "FERRY_SANDBOX"

typedef struct
{
  FerryControlHeader header;
  guint32 layers;         /* of FERRY_LAYERS_OF_WORKER, those that it has entered */
  guint32 landlock_errno; /* why it has not entered Landlock; 0 where it has, or was not told to */
  guint32 filter_errno;   /* the same for the filter of system calls */
  guint32 reserved;
} FerryConfined;

/* The record that the memory is for is published after it was sent. */
typedef struct
{
  FerryControlHeader header;
  guint64 number; /* from 1 on, without gaps */
} FerryMemoryPacket;

/* How many may lie with the application whose records it has not taken. */
#define FERRY_MAX_PENDING_MEMORIES_PER_LINK 16

G_STATIC_ASSERT (sizeof (FerryMemoryPacket) == 24);

/* The record that they are for is published after it was sent. */
typedef struct
{
  FerryControlHeader header;
  guint64 number; /* from 1 on, without gaps */
  guint32 n_descriptors;
  guint32 reserved;
} FerryFdBatch;

/* How many descriptors may lie with a worker that it has not taken, and so the most that one message has. */
#define FERRY_MAX_HANDED_PER_LINK 64

G_STATIC_ASSERT (sizeof (FerryFdBatch) == 32);

/* The longest packet of a control socket. */
#define FERRY_MAX_PACKET_SIZE (128 * 1024)

/* What comes with a start, beside the control socket: the streams are descriptors behind it, in this order. */
#define FERRY_START_STDIN (1u << 0)
#define FERRY_START_STDOUT (1u << 1)
#define FERRY_START_STDERR (1u << 2)
#define FERRY_START_NICE (1u << 3)
#define FERRY_START_ENVIRONMENT (1u << 4)

#define FERRY_START_N_LIMITS 5
#define FERRY_START_MAX_DESCRIPTORS 4

/* Followed by the name, the folder and the environment; that is a row of strings that each end with a zero byte. */
typedef struct
{
  FerryControlHeader header;
  guint64 id;
  gint32 nice;
  guint32 flags;
  guint32 limits_set; /* bit n: limits[n] counts */
  guint32 name_length;
  guint32 cwd_length; /* 0: the fork server's own folder */
  guint32 environment_length;
  guint64 limits[FERRY_START_N_LIMITS]; /* by FerryLimit */
} FerryStart;

typedef struct
{
  FerryControlHeader header;
  guint64 id;
  guint32 pid;
  guint32 reserved;
} FerryStarted;

/* Followed by a text. */
typedef struct
{
  FerryControlHeader header;
  guint64 id;
  guint32 pid; /* 0 when nothing was forked; else a start and an end are told of as well */
  guint16 text_length;
  guint16 error_number; /* what the system gave as its reason; 0: it is the fork server's own */
} FerryFailed;

#define FERRY_MAX_FAILURE_TEXT 1024

typedef struct
{
  FerryControlHeader header;
  guint64 id;
  guint32 code;   /* as waitid() has it: CLD_EXITED, CLD_KILLED or CLD_DUMPED */
  guint32 status; /* the exit status or the signal */
} FerryEnded;

G_STATIC_ASSERT (sizeof (FerryStart) == 88);
G_STATIC_ASSERT (sizeof (FerryStarted) == 32);
G_STATIC_ASSERT (sizeof (FerryFailed) == 32);
G_STATIC_ASSERT (sizeof (FerryEnded) == 32);
G_STATIC_ASSERT (sizeof (FerryControlHeader) == 16);
G_STATIC_ASSERT (sizeof (FerryWelcome) == 72);
G_STATIC_ASSERT (sizeof (FerryAttach) == 32);
G_STATIC_ASSERT (sizeof (FerryConfined) == 32);

G_END_DECLS
