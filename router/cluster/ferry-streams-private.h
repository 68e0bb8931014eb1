/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The streams of a queue at a NATS server, with JetStream, and a connection of their own. One thread at a time, which
 * waits here. */

#pragma once

#include <gio/gio.h>

#include "cluster/ferry-server-access-private.h"
#include "pool/ferry-away-private.h"

G_BEGIN_DECLS

typedef struct _FerryStreams FerryStreams;

/* Which of the two. */
typedef enum
{
  FERRY_STREAMS_TASKS, /* a work queue: what waits. Nothing is kept of a message that was acknowledged */
  FERRY_STREAMS_ENDS,  /* who has begun what, and how it has ended */
} FerryStreamsKind;

/* What was asked for. */
typedef enum
{
  FERRY_STREAMS_DONE,
  FERRY_STREAMS_CONFLICT,  /* the subject has another message than was expected */
  FERRY_STREAMS_NOTHING,   /* the subject has no message */
  FERRY_STREAMS_TOO_LARGE, /* the server takes no message of that size */
  FERRY_STREAMS_NO_ROOM,   /* the server takes no message now, and the stream is as it was; see the next one */
  FERRY_STREAMS_LOST,      /* nobody knows whether it was done: the connection is gone, or the stream */
} FerryStreamsAnswer;

/* A message that is read. */
typedef struct
{
  GBytes *bytes;    /* (owned) */
  guint64 sequence; /* for ferry_streams_replace() and ferry_streams_delete() */
  gint64 time;      /* when it was stored, in microseconds since 1970, by the server's clock */
} FerryStreamsMessage;

void ferry_streams_message_clear (FerryStreamsMessage *self);

/* A message of FERRY_STREAMS_TASKS that was fetched. */
typedef struct
{
  char *subject;
  char *reply; /* says which delivery it is, also to another connection */
  GBytes *bytes;
  char *mark; /* (owned) (nullable): that it was sent with */
} FerryStreamsDelivery;

void ferry_streams_delivery_free (gpointer delivery);

/* queue: (nullable): a token: of whom the queue is; NULL: of the user. ack_wait: what ferry_streams_get_ack_wait() is
 * of streams that are made. Fails with FERRY_ERROR_BAD_ARGUMENTS. */
FerryStreams *ferry_streams_new (const FerryBusSettings *settings, const char *queue, gint64 ack_wait, GError **error);
void ferry_streams_free (FerryStreams *self);

/* (transfer none) (nullable): why the latest answer was FERRY_STREAMS_NO_ROOM. */
const GError *ferry_streams_get_shortage (FerryStreams *self);

/* (transfer none): of whom the queue is. */
const char *ferry_streams_get_queue (FerryStreams *self);
/* (transfer none) */
const char *ferry_streams_get_address (FerryStreams *self);

/* Connects, if it is not connected, and looks whether the streams are there. n_classes: of how many classes, from the
 * first on, tasks are fetched; what is missing for that is made. 0: none, and nothing is made. Fails as
 * ferry_server_access_connect() does, and with FERRY_ERROR_NOT_LISTENING, FERRY_ERROR_NOT_ALLOWED. */
gboolean ferry_streams_connect (FerryStreams *self, guint n_classes, GError **error);
gboolean ferry_streams_is_connected (FerryStreams *self);
/* Why the latest answer was FERRY_STREAMS_LOST: (transfer full). Ends the connection. */
GError *ferry_streams_disconnect (FerryStreams *self);

/* Messages, of subjects behind the prefix. mark: (nullable): of a task: it comes with its delivery. */
FerryStreamsAnswer ferry_streams_create (FerryStreams *self, const char *subject, GBytes *bytes, const char *mark);
/* expected: 0: whatever message there is. */
FerryStreamsAnswer ferry_streams_replace (FerryStreams *self, const char *subject, GBytes *bytes, guint64 expected);
FerryStreamsAnswer ferry_streams_read (FerryStreams *self, const char *subject, FerryStreamsMessage *message);
/* mark: (out) (transfer full) (nullable): the name of the mark of a file; NULL: there is none. */
FerryStreamsAnswer ferry_streams_read_mark (FerryStreams *self, const char *file, char **mark);
FerryStreamsAnswer ferry_streams_delete (FerryStreams *self, guint64 sequence);
/* Removes what waits at a subject, which may have wildcards. */
FerryStreamsAnswer ferry_streams_purge (FerryStreams *self, const char *subject);
/* subjects: (out) (transfer full) (element-type utf8): those that have messages, behind the prefix. */
FerryStreamsAnswer ferry_streams_list (FerryStreams *self, FerryStreamsKind kind, const char *pattern,
                                       GPtrArray **subjects);
/* How long a message that was fetched is kept for who has it, in microseconds. */
gint64 ferry_streams_get_ack_wait (FerryStreams *self);
/* The sequence of the latest task that was given to anybody, of those whose subjects begin as this one of a task. */
FerryStreamsAnswer ferry_streams_get_delivered (FerryStreams *self, const char *subject, guint64 *sequence);
/* How many of a class were never fetched, and how many were and are not answered, or were given back. */
FerryStreamsAnswer ferry_streams_count_pending (FerryStreams *self, FerryAwayClass class, guint64 *n_new,
                                                guint64 *n_open);
/* Adds up to n messages of a class to deliveries (element-type FerryStreamsDelivery), for which it waits so many
 * milliseconds. */
FerryStreamsAnswer ferry_streams_fetch (FerryStreams *self, FerryAwayClass class, guint n, gint64 timeout,
                                        GPtrArray *deliveries);
/* Answers a delivery: “+ACK”, “+WPI” (in progress), “-NAK”. wants_answer: waits until the server has it. */
FerryStreamsAnswer ferry_streams_answer (FerryStreams *self, const char *reply, const char *text,
                                         gboolean wants_answer);

/* (transfer none): such as “high”. */
const char *ferry_streams_name_class (FerryAwayClass class);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryStreamsMessage, ferry_streams_message_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryStreams, ferry_streams_free)

G_END_DECLS
