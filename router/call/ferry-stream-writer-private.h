/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes messages to a stream, in order, from any thread, and never waits on the thread that sends: what the stream
 * does not take at once lies in a queue, for a thread of the writer's own.
 *
 * Owner:   a stream's transport; its thread is joined before it is freed.
 * Threads: any, where nothing else is said.
 * Locks:   lock, a leaf: nobody is called with it held but the stream, to write without waiting. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Called on any thread, without the lock. They must not call the writer. */
typedef struct
{
  /* A message was not taken since there was no room, and less than half of the queue is in use now. */
  void (*room) (gpointer data);
  /* Nothing can be written any more. */
  void (*failed) (gpointer data);
  /* All was written and the stream's end said so, or nothing can be written any more. The writer's thread, its last. */
  void (*done) (gpointer data);
} FerryStreamWriterFuncs;

typedef struct _FerryStreamWriter FerryStreamWriter;

FerryStreamWriter *ferry_stream_writer_new (GIOStream *io, const FerryStreamWriterFuncs *funcs, gpointer data);
void ferry_stream_writer_free (FerryStreamWriter *self);

/* The thread. What is sent before it runs waits for it where the stream does not take it. */
gboolean ferry_stream_writer_start (FerryStreamWriter *self, GError **error);
/* Once: ends what it is writing, fails the rest, and waits for it, where it was started. */
void ferry_stream_writer_stop (FerryStreamWriter *self);

/* All parts or none. FERRY_ERROR_WOULD_BLOCK, FERRY_ERROR_CLOSED. */
gboolean ferry_stream_writer_send (FerryStreamWriter *self, const GOutputVector *parts, guint n_parts, GError **error);
/* Takes nothing more; what was taken is still written, and then the end of the stream. */
void ferry_stream_writer_finish (FerryStreamWriter *self);
gboolean ferry_stream_writer_is_done (FerryStreamWriter *self);
/* Why nothing can be written any more; NULL where it still can. */
GError *ferry_stream_writer_dup_failure (FerryStreamWriter *self);

G_END_DECLS
