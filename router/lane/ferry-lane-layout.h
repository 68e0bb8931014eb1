/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layout of the memory that an application and a worker share, and of the packets of their control socket.
 *
 * This file holds structures and constants only; static assertions pin their sizes. docs/protocol.md says the same in
 * prose, so that a worker can be written in another language. The two change together. From the first release on,
 * FERRY_PROTOCOL_VERSION changes with them.
 *
 * A segment, one for each link:
 *
 *   0       FerryLaneControl of the up lane       (worker to application)
 *   1024    FerryLaneControl of the down lane     (application to worker)
 *   2048    FerryLaneControl of the express lane  (application to worker, past the down lane)
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

/* Two cache lines: some processors fetch neighbouring lines in pairs. */
#define FERRY_LINE_SIZE 128

/* Words that the lane's writer stores and its reader loads. */
typedef struct
{
  _Atomic guint64 tail;           /* bytes ever written; a multiple of 8 */
  _Atomic guint32 writer_waiting; /* epoch of the writer's latest wait for room; 0: it never waited */
  _Atomic guint32 unhurried;      /* 1: the reader may take records later, many at a time; else 0 */
  guint8 padding[FERRY_LINE_SIZE - 16];
} FerryWriterLine;

/* Words that the lane's reader stores and its writer loads. */
typedef struct
{
  _Atomic guint64 head;           /* bytes ever taken; a multiple of 8 */
  _Atomic guint32 reader_waiting; /* epoch of the reader's latest sleep; 0: it never slept */
  guint8 padding[FERRY_LINE_SIZE - 12];
} FerryReaderLine;

/* A futex word. A wake-up adds one to it. */
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

/* Words of the whole link. */
typedef struct
{
  FerryBellLine reader_bell; /* the worker sleeps here, for the down lane and for the express lane */

  /* The claim word: see FERRY_CLAIM_HOLD. Both ends change it, by compare and exchange. */
  _Atomic guint64 claim;
  /* Bit n: cell n has a value that its reader waits for. The worker sets bits; the application takes all of them. */
  _Atomic guint64 dirty;
  guint8 padding[2 * FERRY_LINE_SIZE - 16];
} FerryLinkControl;

/* The claim word: an xid, shifted, and two flags. All calls up to that xid are settled: the worker has begun them or
 * passed them over. The xids of a link only grow.
 *
 * A worker begins call x by changing (y, no flags) to (x, no flags), where y is below x. A y that is x or above says
 * that x was taken back; the worker passes x over. While a flag is set, the worker does not change the word.
 *
 * HOLD makes the worker wait while the application takes back calls that were not begun. The application then changes
 * (y, HOLD) to (z, no flags), where z is the last call taken back, and not below y. DOOMED makes the worker begin no
 * more calls, since it is about to be killed.
 *
 * Taking back changes the xid itself. So the exchange of a worker that loaded the word before it fails. */
#define FERRY_CLAIM_HOLD 1
#define FERRY_CLAIM_DOOMED 2
#define FERRY_CLAIM_SHIFT 2

/* A cell: the newest value of a pipe. Write n, from 1 on, goes into slot n & 1: the writer stores n in begun, writes
 * the slot, then stores n in sequence. A copy of slot s & 1 is whole if begun is at most s + 1 after the copying. */
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
  _Atomic guint64 sequence; /* stored by the writer: its latest complete write */
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

/* The arena: the memory of buffers. The worker allocates buffers in it; the application only reads it. A buffer has a
 * number while it is in use. The application returns a buffer by its bit in released; the worker takes all bits. */
typedef struct
{
  _Atomic guint64 released; /* bit n: the application has returned buffer n to the worker */
  _Atomic guint32 copied;   /* stored by the application: 1 where it copies each buffer on arrival; else 0 */
  guint8 padding[FERRY_LINE_SIZE - 12];
  _Atomic guint32 writer_waiting; /* stored by the worker: epoch of its latest wait for a buffer; 0: it never waited */
  guint8 padding_2[FERRY_LINE_SIZE - 4];
  FerryBellLine bell; /* the worker sleeps here for a buffer */
} FerryArenaControl;

#define FERRY_ARENA_CONTROL_SIZE 4096
#define FERRY_ARENA_UNIT 4096 /* a buffer's offset, and its size rounded up, are multiples of it */
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

/* A lane's capacity is a power of two in this range. Half of the smallest lane takes the largest record. */
#define FERRY_MIN_LANE_CAPACITY (128 * 1024)
#define FERRY_MAX_LANE_CAPACITY (256 * 1024 * 1024)

/* The words of the pipe table. Only the application stores them; the sender loads its word before each message. */
typedef enum
{
  FERRY_PIPE_WORD_OPEN = 0,
  FERRY_PIPE_WORD_CLOSED = 1,         /* the application closed the pipe */
  FERRY_PIPE_WORD_LINK_ENDED = 2,     /* the application closed the link */
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
  FERRY_RECORD_VARIANT = 2,   /* up: a message; the payload is a serialised GVariant of the type number */
  FERRY_RECORD_TYPE = 3,      /* up: announces a type string, without its terminating zero, as number */
  FERRY_RECORD_LARGE = 4,     /* up and down: a message follows in pieces; the payload is a FerryLargeMessage. Up,
                               * a FerryBufferMessage may follow in the payload: the message lies in that buffer */
  FERRY_RECORD_PIECE = 5,     /* up and down: a piece of a large message */
  FERRY_RECORD_ABANDON = 6,   /* up: the rest of the large message will not come */
  FERRY_RECORD_STOP = 7,      /* up: the sender was stopped */
  FERRY_RECORD_GRANT = 8,     /* down: the payload is a FerryGrant and the sender's name */
  FERRY_RECORD_FINISH = 9,    /* down: no more calls will come; the worker answers those it has, and exits */
  FERRY_RECORD_CANCEL = 10,   /* express: cancels a call: its xid is in connection_id, the reason in number */
  FERRY_RECORD_BUFFER = 11,   /* up: a buffer; the payload is a FerryBufferMessage, and a value */
  FERRY_RECORD_ONE_SHOT = 12, /* up: a one-shot buffer; the payload is a FerryOneShotMessage, and a value */
  FERRY_RECORD_FD_BATCH = 13, /* down: the next message has descriptors; the payload is a FerryFdBatchMessage */
} FerryRecordKind;

/* A serialised GVariant follows, of the type announced as the header's number; none where that is 0. */
typedef struct
{
  guint64 offset; /* from the beginning of the arena */
  guint64 size;
  guint32 number; /* of the buffer */
  guint32 reserved;
} FerryBufferMessage;

G_STATIC_ASSERT (sizeof (FerryBufferMessage) == 24);

/* Followed as above. The memory's descriptor came over the control socket before, in the FerryMemoryPacket of number.
 */
typedef struct
{
  guint64 number;
  guint64 size; /* of the buffer, which is the size of its memory */
} FerryOneShotMessage;

G_STATIC_ASSERT (sizeof (FerryOneShotMessage) == 16);

/* The next message of the same pipe has descriptors, which came over the control socket before: in the FerryFdBatch of
 * that number. */
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

/* Each buffer of this sender is a one-shot buffer. */
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

/* The packets of the control socket. */
typedef enum
{
  FERRY_CONTROL_WELCOME = 1,  /* application to worker, with two descriptors: the segment, the up lane's doorbell */
  FERRY_CONTROL_ATTACH = 2,   /* worker to application, without descriptors */
  FERRY_CONTROL_START = 3,    /* application to fork server, with the worker's end of a control socket, and streams */
  FERRY_CONTROL_STARTED = 4,  /* fork server to application, with the pidfd of the worker that it forked */
  FERRY_CONTROL_FAILED = 5,   /* fork server to application: a worker could not be started */
  FERRY_CONTROL_ENDED = 6,    /* fork server to application: a worker has ended, and was reaped */
  FERRY_CONTROL_CONFINED = 7, /* worker to application, before it attaches: the sandbox layers that it has entered */
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
  guint64 segment_size; /* as in the welcome; 0 when the worker cannot go on */
  guint32 worker_pid;
  guint32 reserved;
} FerryAttach;

/* The layers of a sandbox. */
#define FERRY_LAYER_LIMITS (1u << 0)
#define FERRY_LAYER_NO_NEW_PRIVILEGES (1u << 1)
#define FERRY_LAYER_LANDLOCK (1u << 2)
#define FERRY_LAYER_LANDLOCK_NETWORK (1u << 3) /* Landlock restricts TCP as well */
#define FERRY_LAYER_LANDLOCK_SCOPE (1u << 4)   /* it restricts signals and abstract addresses as well */
#define FERRY_LAYER_SYSTEM_CALLS (1u << 5)
#define FERRY_LAYER_NAMESPACES (1u << 6)

/* The layers that the worker enters itself; the starting process sets up the others. */
#define FERRY_LAYERS_OF_WORKER                                                                                         \
  (FERRY_LAYER_LANDLOCK | FERRY_LAYER_LANDLOCK_NETWORK | FERRY_LAYER_LANDLOCK_SCOPE | FERRY_LAYER_SYSTEM_CALLS)

/* The environment variable that describes a worker's sandbox. */
#define FERRY_SANDBOX_VARIABLE "FERRY_SANDBOX"

typedef struct
{
  FerryControlHeader header;
  guint32 layers;         /* of FERRY_LAYERS_OF_WORKER, those that it has entered */
  guint32 landlock_errno; /* why it has not entered Landlock; 0 where it has, or was not to enter it */
  guint32 filter_errno;   /* the same for the filter of system calls */
  guint32 reserved;
} FerryConfined;

/* The memory of a one-shot buffer. The worker publishes its record after it has sent this packet. */
typedef struct
{
  FerryControlHeader header;
  guint64 number; /* from 1 on, without gaps */
} FerryMemoryPacket;

/* The limit of memory packets whose records the application has not taken. */
#define FERRY_MAX_PENDING_MEMORIES_PER_LINK 16

G_STATIC_ASSERT (sizeof (FerryMemoryPacket) == 24);

/* Descriptors of a message. The application publishes their record after it has sent this packet. */
typedef struct
{
  FerryControlHeader header;
  guint64 number; /* from 1 on, without gaps */
  guint32 n_descriptors;
  guint32 reserved;
} FerryFdBatch;

/* The limit of descriptors that the worker has not taken, and so of those of one message. */
#define FERRY_MAX_FDS_PER_LINK 64

G_STATIC_ASSERT (sizeof (FerryFdBatch) == 32);

/* The longest packet of a control socket. */
#define FERRY_MAX_PACKET_SIZE (128 * 1024)

/* The flags of a start. Its descriptors are the control socket, then the streams in this order. */
#define FERRY_START_STDIN (1u << 0)
#define FERRY_START_STDOUT (1u << 1)
#define FERRY_START_STDERR (1u << 2)
#define FERRY_START_NICE (1u << 3)
#define FERRY_START_ENVIRONMENT (1u << 4)

#define FERRY_START_N_LIMITS 5
#define FERRY_START_MAX_DESCRIPTORS 4

/* The name, the folder and the environment follow. The environment is a row of strings that each end with a zero. */
typedef struct
{
  FerryControlHeader header;
  guint64 id;
  gint32 nice;
  guint32 flags;
  guint32 limits_set; /* bit n: limits[n] is set */
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

/* A text follows. */
typedef struct
{
  FerryControlHeader header;
  guint64 id;
  guint32 pid; /* 0 when no process was forked; else a STARTED and an ENDED come as well */
  guint16 text_length;
  guint16 error_number; /* the system's error number; 0: the reason is the fork server's own */
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
