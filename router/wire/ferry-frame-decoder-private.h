/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The protocol of a stream: each direction begins with a greeting, and frames follow. A frame is a length and a
 * message. docs/protocol.md describes the protocol in prose. FerryFrameDecoder reads a stream; FerryFrameQueue
 * writes one.
 *
 * Owner:     the object that has the stream; both structures are embedded in it.
 * Threads:   one at a time.
 * Trust:     the bytes are not trusted. Memory grows with the bytes that arrived, never with an announced length.
 * Invariant: begin <= end <= capacity; the bytes from begin to end have not been returned as messages yet. */

#pragma once

#include <gio/gio.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-call-message-private.h"

G_BEGIN_DECLS

#define FERRY_STREAM_VERSION 2
#define FERRY_GREETING_SIZE 16
#define FERRY_FRAME_HEADER_SIZE 4

/* The default size in bytes of the largest message. */
#define FERRY_FRAME_MAX_MESSAGE ((guint32) 64 * 1024 * 1024)

typedef enum
{
  FERRY_FRAME_NONE,    /* there is no whole message yet: more bytes must be added */
  FERRY_FRAME_MESSAGE, /* there is a message */
  FERRY_FRAME_BROKEN,  /* the bytes break a rule of the protocol; no further bytes may be added */
} FerryFrameStatus;

typedef struct
{
  guint8 *buffer; /* (owned) (nullable) */
  gsize capacity;
  gsize begin;
  gsize end;
  guint32 max_message; /* bytes; may be changed between any two calls */
  gboolean greeted;
} FerryFrameDecoder;

/* Writes without blocking. Returns how many bytes the stream accepted. Sets the queue's failure if the stream will
 * accept no more. */
typedef gsize (*FerryFrameWriteFunc) (gpointer data, const GOutputVector *parts, guint n_parts);

/* The bytes that were not written to the stream yet. The lock of the queue's owner guards all of it. */
typedef struct
{
  GQueue chunks;             /* (owned) (element-type Chunk) */
  gsize size;                /* the size of chunks in bytes */
  gboolean refused;          /* a message was refused because there was no room */
  gboolean closed;           /* this end accepts no more messages */
  GError *failure;           /* (owned) (nullable): why nothing more can be written */
  FerryFrameWriteFunc write; /* const: (nullable): NULL queues all bytes; called with data */
  gpointer data;
} FerryFrameQueue;

void ferry_greeting_write (guint8 greeting[FERRY_GREETING_SIZE]);
/* Checks the first size bytes of a greeting: a program with another protocol may never send the rest. Fails with
 * FERRY_ERROR_PROTOCOL, and with FERRY_ERROR_VERSION for a greeting of another version or machine. */
gboolean ferry_greeting_check (const guint8 *greeting, gsize size, GError **error);

FERRY_FOR_SIBLINGS
void ferry_frame_decoder_init (FerryFrameDecoder *self, guint32 max_message);
FERRY_FOR_SIBLINGS
void ferry_frame_decoder_clear (FerryFrameDecoder *self);

/* Returns where to store the next bytes of the stream, and sets size to how many bytes there is room for, never 0.
 * Must be called after ferry_frame_decoder_next() returned FERRY_FRAME_NONE. */
FERRY_FOR_SIBLINGS
guint8 *ferry_frame_decoder_get_room (FerryFrameDecoder *self, gsize *size);
/* Adds n bytes that the caller stored at the address that ferry_frame_decoder_get_room() returned. */
FERRY_FOR_SIBLINGS
void ferry_frame_decoder_add (FerryFrameDecoder *self, gsize n);
/* Gets the next message, which is borrowed until ferry_frame_decoder_get_room(). Fails with FERRY_ERROR_PROTOCOL and
 * FERRY_ERROR_VERSION. */
FERRY_FOR_SIBLINGS
FerryFrameStatus ferry_frame_decoder_next (FerryFrameDecoder *self, gconstpointer *message, gsize *size,
                                           GError **error);
/* Returns (transfer full) the error for the end of the stream: FERRY_ERROR_CLOSED, or FERRY_ERROR_PROTOCOL if the
 * stream ended inside a frame. */
FERRY_FOR_SIBLINGS
GError *ferry_frame_decoder_end (const FerryFrameDecoder *self) G_GNUC_WARN_UNUSED_RESULT;

FERRY_FOR_SIBLINGS
void ferry_frame_queue_init (FerryFrameQueue *self, FerryFrameWriteFunc write, gpointer data);
FERRY_FOR_SIBLINGS
void ferry_frame_queue_drop (FerryFrameQueue *self);
/* Sends a message; without parts, sends the greeting, which must come first. If the queue is empty, writes as much as
 * the stream accepts. The rest is queued, however long the queue is then, since a frame must be whole. Fails with
 * FERRY_ERROR_TOO_LARGE for a message of more than max_message bytes, and with FERRY_ERROR_WOULD_BLOCK if 1 MiB or more
 * is queued. Fails with a copy of failure if failure is set, and with FERRY_ERROR_CLOSED if closed is set. */
FERRY_FOR_SIBLINGS
gboolean ferry_frame_queue_send (FerryFrameQueue *self, const GOutputVector *parts, guint n_parts, guint32 max_message,
                                 GError **error);
/* Returns the next bytes to write, at most 256 KiB, which stay in the queue until ferry_frame_queue_remove(). Sets size
 * to their number, 0 if the queue is empty. */
FERRY_FOR_SIBLINGS
gconstpointer ferry_frame_queue_peek (FerryFrameQueue *self, gsize *size);
/* Removes n bytes that were written. Returns TRUE if a message was refused and there is room again. */
FERRY_FOR_SIBLINGS
gboolean ferry_frame_queue_remove (FerryFrameQueue *self, gsize n);

G_END_DECLS
