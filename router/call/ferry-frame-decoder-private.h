/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What travels on a stream: a greeting each way, and then frames, each a length and a message. docs/protocol.md has the
 * same in prose.
 *
 * Owner:     embedded in whoever reads the stream.
 * Threads:   one at a time.
 * Trust:     none. Memory grows with what came, never with what a length announces.
 * Invariant: begin <= end <= capacity; what lies between them came and was not given out yet. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_STREAM_VERSION 1
#define FERRY_GREETING_SIZE 16
#define FERRY_FRAME_HEADER_SIZE 4

/* The largest message, where nothing else is set. */
#define FERRY_FRAME_MAX_MESSAGE ((guint32) 64 * 1024 * 1024)

typedef enum
{
  FERRY_FRAME_NONE,    /* more must come first */
  FERRY_FRAME_MESSAGE, /* here is one */
  FERRY_FRAME_BROKEN,  /* a rule was broken, and nothing after that is read */
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

void ferry_greeting_write (guint8 greeting[FERRY_GREETING_SIZE]);
void ferry_frame_write_header (guint8 header[FERRY_FRAME_HEADER_SIZE], guint32 size);

void ferry_frame_decoder_init (FerryFrameDecoder *self, guint32 max_message);
void ferry_frame_decoder_clear (FerryFrameDecoder *self);

/* Where the next bytes of the stream go, and how many at the most: never 0. After next() had none. */
guint8 *ferry_frame_decoder_get_room (FerryFrameDecoder *self, gsize *size);
/* So many bytes were put there. */
void ferry_frame_decoder_add (FerryFrameDecoder *self, gsize n);
/* The next message, borrowed until get_room(). FERRY_ERROR_PROTOCOL and FERRY_ERROR_VERSION. */
FerryFrameStatus ferry_frame_decoder_next (FerryFrameDecoder *self, gconstpointer *message, gsize *size,
                                           GError **error);
/* What the end of the stream means at this place: FERRY_ERROR_CLOSED, or FERRY_ERROR_PROTOCOL inside a frame. */
GError *ferry_frame_decoder_end (const FerryFrameDecoder *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
