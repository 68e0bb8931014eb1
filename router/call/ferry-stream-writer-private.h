/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes messages to a stream, in order, from any thread. The sending thread never waits: bytes that the stream does
 * not take at once are queued for a thread of the writer's own.
 *
 * Owner:   a stream's transport; its thread is joined before it is freed.
 * Threads: any, where nothing else is said.
 * Locks:   lock, a leaf. With it held, only the stream is called, to write without waiting. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Called on any thread, without the lock. They must not call the writer. */
typedef struct
{
  /* After a send that failed for want of room, less than half of the queue is in use now. */
  void (*room) (gpointer data);
  /* No more can be written. */
  void (*failed) (gpointer data);
  /* The queue and the end of the stream are written, or no more can be written. The writer's thread, its last call. */
  void (*done) (gpointer data);
} FerryStreamWriterFuncs;

typedef struct _FerryStreamWriter FerryStreamWriter;

FerryStreamWriter *ferry_stream_writer_new (GIOStream *io, const FerryStreamWriterFuncs *funcs, gpointer data);
void ferry_stream_writer_free (FerryStreamWriter *self);

/* Starts the thread. Messages may be sent before. */
gboolean ferry_stream_writer_start (FerryStreamWriter *self, GError **error);
/* Once: cancels the thread's write, fails the rest of the queue, and joins the thread, where it was started. */
void ferry_stream_writer_stop (FerryStreamWriter *self);

/* All parts or none. FERRY_ERROR_WOULD_BLOCK, FERRY_ERROR_CLOSED. */
gboolean ferry_stream_writer_send (FerryStreamWriter *self, const GOutputVector *parts, guint n_parts, GError **error);
/* Takes no further message. The queue is still written, and then the end of the stream. */
void ferry_stream_writer_finish (FerryStreamWriter *self);
gboolean ferry_stream_writer_is_done (FerryStreamWriter *self);
/* (nullable): why no more can be written. */
GError *ferry_stream_writer_dup_failure (FerryStreamWriter *self);

G_END_DECLS
