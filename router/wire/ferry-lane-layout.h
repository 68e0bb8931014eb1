/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layout of the memory that an application and a worker share, and of the packets of their control socket, such as
 * the welcome that a worker starts with; and the limits that both keep, such as the most descriptors on their way.
 *
 * This file contains structures and constants only; static assertions check their sizes. The page docs/protocol.md
 * describes the same layout in words, so that a worker can be written in another language. A change here must also be
 * made in docs/protocol.md. Under "Versions" that page says when such a change also changes FERRY_PROTOCOL_VERSION.
 *
 * A link has two files in memory. The segment is small and has these parts:
 *
 *   0       FerryLaneControl of the up lane       (worker to application)
 *   1024    FerryLaneControl of the down lane     (application to worker)
 *   2048    FerryLaneControl of the express lane  (application to worker, overtakes the down lane)
 *   3072    FerryLinkControl
 *   3456    FerryArenaControl
 *   4096    the pipe table: one state word for each sender that the worker was granted
 *   8192    the express lane's ring
 *   12288   the down lane's ring
 *   77824   the up lane's ring
 *   ...     the cells
 *
 * The other file is the arena, the memory of buffers.
 *
 * All numbers are in the byte order of the machine. */

#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stddef.h>

G_BEGIN_DECLS

#define FERRY_PROTOCOL_VERSION 9
#define FERRY_PROTOCOL_MAGIC "FERRYLNK"

/* The environment variable that names the worker's end of the control socket. */
#define FERRY_CONTROL_FD_VARIABLE "FERRY_CONTROL_FD"

/* The size of two cache lines, because some processors load neighbouring lines in pairs. */
#define FERRY_LINE_SIZE 128

/* Words that the lane's writer stores and its reader loads. */
typedef struct
{
  /* a number of bytes that were written since the lane was made, up to the end of a record; a multiple of 8. Stored
   * now and then, so it may be behind. Each record is published by its own first word */
  _Atomic guint64 index;
  _Atomic guint32 writer_waiting; /* increased by the writer before each wait for room; 0: the writer never waited */
  guint32 reserved;
  _Atomic guint32 spin; /* how much the reader spins before it sleeps: see FERRY_SPIN_SETTING() */
  /* 1: the writer publishes records without a barrier of its own, because issues_barriers is 1; else 0 */
  _Atomic guint32 omits_barriers;
  /* increased when the reader may give the unused memory of the up lane and of the arena back to the system */
  _Atomic guint32 tidy;
  guint8 padding[FERRY_LINE_SIZE - 28];
} FerryWriterLine;

/* The word that the lane's reader stores for what it took, and its writer loads where the lane seems to be full. */
typedef struct
{
  _Atomic guint64 head; /* the number of bytes that were taken since the lane was made; a multiple of 8 */
  guint8 padding[FERRY_LINE_SIZE - 8];
} FerryReaderLine;

/* Words that the lane's reader stores when it goes to sleep, and its writer loads for each record. */
typedef struct
{
  /* a new number, never 0, before each sleep; 0: the reader does not sleep */
  _Atomic guint32 reader_waiting;
  _Atomic guint32 ring_when_full; /* 1: the writer rings the reader's doorbell before it waits for room; else 0 */
  /* 1: before each sleep the reader issues a barrier for a writer that omits barriers; else 0 */
  _Atomic guint32 issues_barriers;
  guint8 padding[FERRY_LINE_SIZE - 12];
} FerryWakeLine;

/* A futex word for sleepers. Each ring adds one to it. */
typedef struct
{
  _Atomic guint32 rings;
  guint8 padding[FERRY_LINE_SIZE - 4];
} FerryBellLine;

typedef struct
{
  FerryWriterLine writer;
  FerryReaderLine reader;
  FerryWakeLine wake;
  FerryBellLine writer_bell; /* the writer sleeps on this word when it waits for room */
} FerryLaneControl;

/* Words of the whole link. */
typedef struct
{
  /* the worker sleeps on this word when it waits for records of the down lane or of the express lane */
  FerryBellLine reader_bell;

  /* The claim word: see FERRY_CLAIM_HOLD. Application and worker both change it, by compare and exchange. */
  _Atomic guint64 claim;
  /* Bit n: cell n has a value for which its reader waits. The worker sets bits; the application takes and clears all
   * bits at once. */
  _Atomic guint64 dirty;
  guint8 padding[FERRY_LINE_SIZE - 16];

  /* The pause words: see FERRY_PAUSED. */
  _Atomic guint64 pause;   /* stored by the application */
  _Atomic gint64 deadline; /* stored by the application, before pause: the call's deadline from now on; 0: none */
  _Atomic guint64 heard;   /* stored by the worker: what it has found in pause, once its function acts on that */
  /* Stored by the application, before the worker starts: the inodes of the pipes from which it reads the worker's
   * standard output and standard error; 0: it does not read that stream. */
  _Atomic guint64 outputs[2];
  _Atomic guint32 asked; /* stored by the application: how often it has sent FERRY_WHERE_SIGNAL */
  guint8 padding_2[FERRY_LINE_SIZE - 44];
} FerryLinkControl;

/* The pause word: an xid, shifted left by FERRY_PAUSE_SHIFT, a count of the stores, and a flag that says whether this
 * call is paused. A worker runs one call at a time, so there is one word: it is a level, and not a message. The latest
 * store counts, and no number of stores fills anything. The word of a call that was not begun yet, or has ended,
 * changes no other call. */
#define FERRY_PAUSED 1
#define FERRY_PAUSE_COUNT 0xfffe
#define FERRY_PAUSE_SHIFT 16

/* The claim word: an xid, shifted left by FERRY_CLAIM_SHIFT, and two flags. All calls up to this xid are settled: the
 * worker has begun them or has skipped them. Each call of a link has a greater xid than the calls before.
 *
 * A worker begins call x by changing (y, no flags) to (x, no flags), where y is less than x. If y is x or greater, the
 * application has taken call x back, and the worker skips x. While a flag is set, the worker must not change the word.
 *
 * HOLD makes the worker wait while the application takes back calls that were not begun. The application then changes
 * (y, HOLD) to (z, no flags). Here z is the last call that was taken back, or y if that is greater. DOOMED makes the
 * worker begin no more calls, because the application will kill it.
 *
 * To take calls back, the application changes the xid in the word. So the exchange of a worker that loaded the word
 * before this change fails. */
#define FERRY_CLAIM_HOLD 1
#define FERRY_CLAIM_DOOMED 2
#define FERRY_CLAIM_SHIFT 2

/* A cell: the newest value of a pipe. A writer numbers its writes from 1 on. For write n it stores n in begun, writes
 * slot n & 1, and then stores n in sequence. A reader loads s from sequence and copies slot s & 1. The copy is complete
 * if begun, loaded after the copy, is at most s + 1. */
#define FERRY_CELL_SLOT_SIZE 4096
#define FERRY_MAX_CELLS_PER_LINK 64

typedef struct
{
  guint32 size;        /* bytes of the payload, which begins after the type string, at a multiple of 8 */
  guint16 kind;        /* FERRY_RECORD_BYTES or FERRY_RECORD_VARIANT */
  guint16 type_length; /* bytes of the type string, without a terminating zero; 0 for plain bytes */
} FerryCellHeader;

typedef struct
{
  _Atomic guint64 sequence; /* stored by the writer: the number of its latest complete write */
  _Atomic guint64 begun;    /* stored by the writer: the number of the latest write that it has begun */
  guint8 padding[FERRY_LINE_SIZE - 16];
  /* stored by the reader: increased before each wait for a value; 0: the reader never waited */
  _Atomic guint32 reader_waiting;
  guint8 padding_2[FERRY_LINE_SIZE - 4];
  /* in each slot: a FerryCellHeader, a type string, the payload */
  _Atomic guint64 slots[2][FERRY_CELL_SLOT_SIZE / 8];
} FerryCell;

G_STATIC_ASSERT (sizeof (FerryCellHeader) == 8);
G_STATIC_ASSERT (sizeof (FerryCell) == 2 * FERRY_LINE_SIZE + 2 * FERRY_CELL_SLOT_SIZE);
G_STATIC_ASSERT (sizeof (FerryLinkControl) == 3 * FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryLinkControl, pause) == 2 * FERRY_LINE_SIZE);
/* Without a lock, which the other process would not know. A word across two cache lines would be none. */
G_STATIC_ASSERT (sizeof (_Atomic guint64) == 8 && sizeof (_Atomic guint32) == 4);
G_STATIC_ASSERT (_Alignof(_Atomic guint64) == 8 && _Alignof(_Atomic guint32) == 4);
G_STATIC_ASSERT (__atomic_always_lock_free (8, NULL) && __atomic_always_lock_free (4, NULL));
G_STATIC_ASSERT (sizeof (FerryLaneControl) == 4 * FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryLaneControl, reader) == FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryLaneControl, wake) == 2 * FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryLaneControl, writer_bell) == 3 * FERRY_LINE_SIZE);
G_STATIC_ASSERT (offsetof (FerryWriterLine, writer_waiting) == 8);
G_STATIC_ASSERT (offsetof (FerryWriterLine, spin) == 16);
G_STATIC_ASSERT (offsetof (FerryWriterLine, omits_barriers) == 20);
G_STATIC_ASSERT (offsetof (FerryWriterLine, tidy) == 24);
G_STATIC_ASSERT (offsetof (FerryWakeLine, ring_when_full) == 4);
G_STATIC_ASSERT (offsetof (FerryWakeLine, issues_barriers) == 8);

/* The words of the arena, the memory of buffers. The worker allocates buffers in it; the application only reads them. A
 * buffer has a number while it is allocated. The application returns a buffer by setting its bit in released; the
 * worker takes and clears all bits at once. */
typedef struct
{
  _Atomic guint64 released; /* bit n: the application has returned buffer n to the worker */
  /* stored by the application: 1 where the application copies each buffer when it arrives; else 0 */
  _Atomic guint32 copied;
  guint8 padding[FERRY_LINE_SIZE - 12];
  /* stored by the worker: increased before each wait for a buffer; 0: the worker never waited */
  _Atomic guint32 writer_waiting;
  guint8 padding_2[FERRY_LINE_SIZE - 4];
  FerryBellLine bell; /* the worker sleeps on this word when it waits for a buffer */
} FerryArenaControl;

/* a buffer's offset is a multiple of this, and its size is rounded up to a multiple of this */
#define FERRY_ARENA_UNIT 4096
/* Where a pointer has 32 bits, an application has 3 or 4 GiB of addresses for the arenas of all of its workers. */
#define FERRY_DEFAULT_ARENA_SIZE ((gsize) (sizeof (gpointer) > 4 ? 1024 : 128) * 1024 * 1024)
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
#define FERRY_SEGMENT_ARENA_CONTROL 3456
#define FERRY_SEGMENT_PIPE_TABLE 4096
#define FERRY_SEGMENT_EXPRESS_RING 8192
#define FERRY_EXPRESS_CAPACITY 4096
#define FERRY_SEGMENT_DOWN_RING (FERRY_SEGMENT_EXPRESS_RING + FERRY_EXPRESS_CAPACITY)
#define FERRY_DOWN_CAPACITY (64 * 1024)
#define FERRY_SEGMENT_UP_RING (FERRY_SEGMENT_DOWN_RING + FERRY_DOWN_CAPACITY)
#define FERRY_MAX_PIPES_PER_LINK 1024

G_STATIC_ASSERT (FERRY_SEGMENT_LINK_CONTROL + sizeof (FerryLinkControl) <= FERRY_SEGMENT_ARENA_CONTROL);
G_STATIC_ASSERT (FERRY_SEGMENT_ARENA_CONTROL + sizeof (FerryArenaControl) <= FERRY_SEGMENT_PIPE_TABLE);

/* The up lane's capacity, a power of two in this range. The largest record fits into half of the smallest lane. */
#define FERRY_MIN_LANE_CAPACITY (128 * 1024)
#define FERRY_MAX_LANE_CAPACITY (256 * 1024 * 1024)

/* The words of the pipe table. Only the application stores them. A sender loads its word before it sends a message. */
typedef enum
{
  FERRY_PIPE_WORD_OPEN = 0,
  FERRY_PIPE_WORD_CLOSED = 1,         /* the application closed the pipe */
  FERRY_PIPE_WORD_LINK_ENDED = 2,     /* the application closed the link */
  FERRY_PIPE_WORD_ROUTER_STOPPED = 3, /* the router was stopped */
} FerryPipeWord;

/* A record: this header, length bytes of payload, and zero to seven bytes of padding up to a multiple of 8.
 *
 * The first 8 bytes of the header are one word, which is never 0, and which publishes the record. The writer writes the
 * rest of the record, clears the word behind it, and then stores this word. So at the writer's tail there is always a
 * word that is 0. */
typedef struct
{
  guint32 length;
  guint16 kind;
  /* the number of a type, in FERRY_RECORD_TYPE and in records with a value of a type; in FERRY_RECORD_CANCEL the
   * reason; else 0 */
  guint16 number;
  guint64 connection_id;
} FerryRecordHeader;

G_STATIC_ASSERT (sizeof (FerryRecordHeader) == 16);

typedef enum
{
  FERRY_RECORD_BYTES = 1, /* up and down: a message; the payload is its bytes */
  /* up: a message; the payload is a serialised GVariant. A FERRY_RECORD_TYPE with the same number announced its type */
  FERRY_RECORD_VARIANT = 2,
  /* up: gives a type a number; the payload is the type string, without a terminating zero */
  FERRY_RECORD_TYPE = 3,
  /* up and down: a large message; the payload is a FerryLargeMessage. Records with the pieces follow. Up, the payload
   * may also have a FerryBufferMessage: then the message is in that buffer, and no pieces follow */
  FERRY_RECORD_LARGE = 4,
  FERRY_RECORD_PIECE = 5,   /* up and down: a piece of a large message */
  FERRY_RECORD_ABANDON = 6, /* up: ends a large message; its other pieces will not come */
  FERRY_RECORD_STOP = 7,    /* up: the sender was stopped; down: no more messages will come for the pipe */
  FERRY_RECORD_GRANT = 8,   /* down: grants a sender; the payload is a FerryGrant and the sender's name */
  /* down: no more calls will come; the worker must answer the calls that it has, and then exit */
  FERRY_RECORD_FINISH = 9,
  FERRY_RECORD_CANCEL = 10,   /* express: cancels a call; connection_id is the call's xid, number is the reason */
  FERRY_RECORD_BUFFER = 11,   /* up: a buffer; the payload is a FerryBufferMessage, then a value or nothing */
  FERRY_RECORD_FD_BATCH = 13, /* down: the next message has descriptors; the payload is a FerryFdBatchMessage */
} FerryRecordKind;

/* The payload of FERRY_RECORD_BUFFER. A serialised GVariant may follow; the number in the record's header is the number
 * of its type. Where that number is 0, nothing follows. */
typedef struct
{
  guint64 offset; /* in bytes from the beginning of the arena */
  guint64 size;
  guint32 number; /* the number of the buffer */
  guint32 reserved;
} FerryBufferMessage;

G_STATIC_ASSERT (sizeof (FerryBufferMessage) == 24);

/* The payload of FERRY_RECORD_FD_BATCH: the next message of the same pipe has descriptors. The descriptors were sent
 * over the control socket before, in the FerryFdBatch with the same number. */
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
  guint32 index; /* the index of the sender's word in the pipe table */
  guint32 name_length;
  guint32 cell; /* the number of the sender's cell, or FERRY_NO_CELL */
  guint32 reserved;
} FerryGrant;

#define FERRY_NO_CELL G_MAXUINT32

G_STATIC_ASSERT (sizeof (FerryGrant) == 16);

/* A block takes exactly two records of the largest size. */
#define FERRY_BLOCK_SIZE (64 * 1024)
#define FERRY_MAX_RECORD_SIZE (FERRY_BLOCK_SIZE / 2)
#define FERRY_MAX_RECORD_PAYLOAD (FERRY_MAX_RECORD_SIZE - sizeof (FerryRecordHeader))

/* The types of a pipe are numbered from 1 on, in the order in which they are announced. */
#define FERRY_MAX_TYPES_PER_PIPE 255
#define FERRY_MAX_TYPE_STRING 1024

#define FERRY_MAX_SENDER_NAME 255

/* What stays free behind the last record of a full lane: the first word of the next record, which is 0. */
#define FERRY_LANE_END ((gsize) 8)

static inline gsize
ferry_record_size (gsize payload)
{
  return sizeof (FerryRecordHeader) + ((payload + 7) & ~(gsize) 7);
}

/* The kinds of packets of the control socket. */
typedef enum
{
  /* application to worker, with two descriptors: the segment, and the up lane's doorbell */
  FERRY_CONTROL_WELCOME = 1,
  FERRY_CONTROL_ATTACH = 2, /* worker to application, without descriptors */
  /* application to fork server: start a worker; with the worker's end of its control socket, and its streams */
  FERRY_CONTROL_START = 3,
  FERRY_CONTROL_STARTED = 4, /* fork server to application: a worker was forked; with the pidfd of the worker */
  FERRY_CONTROL_FAILED = 5,  /* fork server to application: a worker could not be started */
  FERRY_CONTROL_ENDED = 6,   /* fork server to application: a worker has ended, and was reaped */
  /* worker to application, before the attach packet: the sandbox layers that the worker has entered */
  FERRY_CONTROL_CONFINED = 7,
  FERRY_CONTROL_FD_BATCH = 9, /* application to worker, with the descriptors of a message in the down lane */
  /* worker to application, instead of the attach packet, and only a header: the process has not attached and wanted to
   * start workers of its own, so its program runs as an application */
  FERRY_CONTROL_NO_WORKER = 10,
  /* fork server to application, before the attach packet, and only a header: the fork server runs its initialisers */
  FERRY_CONTROL_PREPARES = 11,
  FERRY_CONTROL_RETURNS = 12, /* application to function, in a descriptor port: how many descriptors may come */
  /* through the socket of a descriptor port, and only a header: a descriptor */
  FERRY_CONTROL_DESCRIPTOR = 13,
  FERRY_CONTROL_CRASH = 14, /* worker to application, after the attach packet: where it was when a signal came */
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
  guint32 arena_units; /* the arena's size in units of FERRY_ARENA_UNIT; 0: no arena, and no third descriptor */
  guint32 depth;       /* 1, and more if the application is a worker itself: 1 + its own; 0 for a given sender */
  guint32 reserved;    /* 0 */
} FerryWelcome;

typedef struct
{
  FerryControlHeader header;
  guint64 segment_size; /* as in the welcome; 0 when the worker cannot attach */
  guint32 worker_pid;
  guint32 reserved;
} FerryAttach;

/* The layers of a sandbox, as bits. */
#define FERRY_LAYER_LIMITS (1u << 0)
#define FERRY_LAYER_NO_NEW_PRIVILEGES (1u << 1)
#define FERRY_LAYER_LANDLOCK (1u << 2)
#define FERRY_LAYER_LANDLOCK_NETWORK (1u << 3) /* Landlock also restricts TCP */
#define FERRY_LAYER_LANDLOCK_SCOPE (1u << 4)   /* Landlock also restricts signals and abstract socket addresses */
#define FERRY_LAYER_SYSTEM_CALLS (1u << 5)
#define FERRY_LAYER_NAMESPACES (1u << 6)

/* The layers that the worker enters itself. The process that starts the worker sets up the other layers. */
#define FERRY_LAYERS_OF_WORKER                                                                                         \
  (FERRY_LAYER_LANDLOCK | FERRY_LAYER_LANDLOCK_NETWORK | FERRY_LAYER_LANDLOCK_SCOPE | FERRY_LAYER_SYSTEM_CALLS)

/* The environment variable that describes a worker's sandbox. */
#define FERRY_SANDBOX_VARIABLE "FERRY_SANDBOX"

typedef struct
{
  FerryControlHeader header;
  guint32 layers; /* the layers of FERRY_LAYERS_OF_WORKER that the worker has entered */
  /* why the worker has not entered Landlock: an error number. 0 where it has entered it, or was not asked to */
  guint32 landlock_errno;
  guint32 filter_errno; /* why the worker has not entered the filter of system calls, in the same way */
  guint32 reserved;
} FerryConfined;

/* Where a worker was when a signal came that ends it, or that asks it where it is. Behind the packet are the frames,
 * the innermost first, then what identifies the files that are loaded, and then their names, each with a zero. */
typedef struct
{
  FerryControlHeader header;
  gint32 signal;
  gint32 code;       /* si_code of the signal */
  guint64 address;   /* si_addr, for a signal of a fault; else 0 */
  guint32 n_frames;  /* at most FERRY_MAX_CRASH_FRAMES */
  guint32 n_modules; /* at most FERRY_MAX_CRASH_MODULES; the name of the program itself may be empty */
} FerryCrash;

typedef struct
{
  guint64 offset; /* in the file, as its own symbols have it; the address itself where it is in no file */
  guint32 module; /* the number of the file, from 0 on, or FERRY_NO_MODULE */
  guint32 exact;  /* 1: the offset is of the instruction that a signal has interrupted; 0: of that behind a call */
} FerryCrashFrame;

/* What tells the build of a file from others: see ferry_module_identify(). */
#define FERRY_MAX_IDENTITY 32

typedef struct
{
  guint32 size; /* of the identity; 0: it is not known */
  guint8 identity[FERRY_MAX_IDENTITY];
} FerryCrashModule;

#define FERRY_NO_MODULE G_MAXUINT32
#define FERRY_MAX_CRASH_FRAMES 64
#define FERRY_MAX_CRASH_MODULES 32
#define FERRY_MAX_CRASH_SIZE 16384 /* of the whole packet */

/* The signal that asks a worker where it is. Nothing happens to a process that has no handler of it. Terminals and
 * people send it too, so a worker answers only if FerryLinkControl.asked has changed. */
#define FERRY_WHERE_SIGNAL SIGWINCH

/* The descriptors of a message. The application sends them before it publishes the record with the same number. */
typedef struct
{
  FerryControlHeader header;
  guint64 number; /* numbered from 1 on, without gaps */
  guint32 n_descriptors;
  guint32 reserved;
} FerryFdBatch;

/* The maximum number of descriptors that are sent and that the worker has not taken, and so of one message. */
#define FERRY_MAX_FDS_PER_LINK 64

G_STATIC_ASSERT (sizeof (FerryFdBatch) == 32);

/* The first packet of a task's descriptor port. */
typedef struct
{
  FerryControlHeader header;
  guint32 max; /* how many descriptors the function may return, from 1 to FERRY_MAX_FDS_PER_LINK */
  guint32 reserved;
} FerryReturns;

G_STATIC_ASSERT (sizeof (FerryReturns) == 24);

/* The size in bytes of the longest packet of a control socket. */
#define FERRY_MAX_PACKET_SIZE (128 * 1024)

/* The flags of a request to start a worker. The packet's descriptors are the control socket, then the streams that have
 * their flags set, in this order. */
#define FERRY_START_STDIN (1u << 0)
#define FERRY_START_STDOUT (1u << 1)
#define FERRY_START_STDERR (1u << 2)
/* the fork server executes its program for the worker where it has threads, and cannot be forked */
#define FERRY_START_MAY_EXECUTE (1u << 5)

#define FERRY_START_MAX_DESCRIPTORS 4

/* A packet between an application and its fork server. A value follows it, to the end, in normal form. */
typedef struct
{
  FerryControlHeader header;
  guint64 id; /* of the request, and of all answers to it */
} FerryForkServerPacket;

/* A request to start a worker: flags; the attributes, a FerryAttributes; name; folder, empty for the fork server's own;
 * environment, nothing for the fork server's. Strings end with a zero. */
#define FERRY_START_TYPE "(uayayaymaay)"

/* An answer: the process; FAILED: the system's error number, or 0 where only the text says it, ENDED: the si_code of
 * waitid(); ENDED: the exit status, or the number of the signal; STARTED: why the worker was executed, and not forked,
 * or empty, FAILED: why no worker was started. */
#define FERRY_START_ANSWER_TYPE "(uuuay)"

#define FERRY_MAX_FAILURE_TEXT 1024

G_STATIC_ASSERT (sizeof (FerryForkServerPacket) == 24);
G_STATIC_ASSERT (sizeof (FerryControlHeader) == 16);
G_STATIC_ASSERT (sizeof (FerryWelcome) == 72);
G_STATIC_ASSERT (sizeof (FerryAttach) == 32);
G_STATIC_ASSERT (sizeof (FerryConfined) == 32);
G_STATIC_ASSERT (sizeof (FerryCrash) == 40);
G_STATIC_ASSERT (sizeof (FerryCrashFrame) == 16);

G_END_DECLS
