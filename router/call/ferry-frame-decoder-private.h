/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The protocol of a stream: a greeting in each direction, and then frames, each a length and a message.
 * docs/protocol.md has the same in prose. The decoder is the way in, and the queue is the way out.
 *
 * Owner:     embedded in what has the stream.
 * Threads:   one at a time.
 * Trust:     none. Memory grows with the bytes that came, never with an announced length.
 * Invariant: begin <= end <= capacity; the bytes from begin to end are not given out yet. */

#pragma once

#include <gio/gio.h>

#include "call/ferry-call-message-private.h"

G_BEGIN_DECLS

#define FERRY_STREAM_VERSION 1
#define FERRY_GREETING_SIZE 16
#define FERRY_FRAME_HEADER_SIZE 4

/* The largest message by default. */
#define FERRY_FRAME_MAX_MESSAGE ((guint32) 64 * 1024 * 1024)

typedef enum
{
  FERRY_FRAME_NONE,    /* more bytes must come first */
  FERRY_FRAME_MESSAGE, /* here is one */
  FERRY_FRAME_BROKEN,  /* a rule is broken, and no further bytes are read */
} FerryFrameStatus;

typedef struct
{
  guint8 *buffer; /* (owned) (nullable) */
  gsize capacity;
  gsize begin;
  gsize end;
  guint32 max_message; /* may be changed between any two calls */
  gboolean greeted;
} FerryFrameDecoder;

/* A message as it is sent. */
typedef struct
{
  guint8 header[FERRY_FRAME_HEADER_SIZE];
  GOutputVector vectors[1 + FERRY_CALL_MAX_PARTS]; /* the header's, and the message's */
} FerryFrame;

/* The bytes that the stream has not taken yet. */
typedef struct
{
  GQueue chunks;      /* (owned) (element-type Chunk) */
  _Atomic gsize size; /* of the bytes in them: may be read at any time */
  gboolean refused;   /* a message was refused for want of room */
  gboolean closed;    /* this end takes no further message */
  GError *failure;    /* (owned) (nullable): why no more can be written */
} FerryFrameQueue;

/* Writes without waiting. Returns how much the stream took, and sets failure where it takes no more for good. */
typedef gsize (*FerryFrameWriteFunc) (gpointer data, const GOutputVector *parts, guint n_parts);

void ferry_greeting_write (guint8 greeting[FERRY_GREETING_SIZE]);
/* Borrows parts. Returns the number of vectors, or 0 with FERRY_ERROR_TOO_LARGE. */
guint ferry_frame_init (FerryFrame *self, const GOutputVector *parts, guint n_parts, guint32 max_message,
                        GError **error);

void ferry_frame_decoder_init (FerryFrameDecoder *self, guint32 max_message);
void ferry_frame_decoder_clear (FerryFrameDecoder *self);

/* After next() had none: where the next bytes of the stream go, and how many at the most, never 0. */
guint8 *ferry_frame_decoder_get_room (FerryFrameDecoder *self, gsize *size);
/* Adds n bytes that were written there. */
void ferry_frame_decoder_add (FerryFrameDecoder *self, gsize n);
/* The next message, borrowed until get_room(). FERRY_ERROR_PROTOCOL and FERRY_ERROR_VERSION. */
FerryFrameStatus ferry_frame_decoder_next (FerryFrameDecoder *self, gconstpointer *message, gsize *size,
                                           GError **error);
/* Returns the error for the end of the stream: FERRY_ERROR_CLOSED, or FERRY_ERROR_PROTOCOL inside a frame. */
GError *ferry_frame_decoder_end (const FerryFrameDecoder *self) G_GNUC_WARN_UNUSED_RESULT;

void ferry_frame_queue_init (FerryFrameQueue *self);
/* Drops the bytes. */
void ferry_frame_queue_drop (FerryFrameQueue *self);
/* Sends a message by write (nullable) where nothing waits, and queues the rest. A message that was begun is always
 * finished, so its rest is queued whatever the length of the queue. Fails with FERRY_ERROR_WOULD_BLOCK while a MiB
 * waits, with failure, and with FERRY_ERROR_CLOSED. */
gboolean ferry_frame_queue_send (FerryFrameQueue *self, const GOutputVector *parts, guint n_parts,
                                 FerryFrameWriteFunc write, gpointer data, GError **error);
/* The next bytes to be written, which stay until they are removed. size: 0 where none wait. */
gconstpointer ferry_frame_queue_peek (FerryFrameQueue *self, gsize *size);
/* Removes n bytes that were written. Returns whether there is room after a message was refused. */
gboolean ferry_frame_queue_remove (FerryFrameQueue *self, gsize n);

G_END_DECLS
