/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A channel from within the layer. */

#pragma once

#include "call/ferry-transport-private.h"
#include "channel/ferry-channel.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

#define FERRY_CHANNEL_MESSAGE "ferry.channel.message"
#define FERRY_CHANNEL_FAILURE "ferry.channel.failure"
#define FERRY_CHANNEL_CREDIT "ferry.channel.credit"
#define FERRY_CHANNEL_END "ferry.channel.end"

/* The process that was started with a channel; it is in ferry-channel-process-private.h. */
typedef struct _FerryChannelProcess FerryChannelProcess;

/* What came and was not taken. */
typedef struct
{
  GVariant *value; /* (owned) (nullable) */
  GError *failure; /* (owned) (nullable): an error that was sent as a value */
  FerryCall *call; /* (owned) (nullable): where it is to be acknowledged */
} FerryIncoming;

void ferry_incoming_free (FerryIncoming *self);

typedef enum
{
  FERRY_CHANNEL_NOTHING, /* yet */
  FERRY_CHANNEL_TAKEN,
  FERRY_CHANNEL_AT_END, /* of the good or the bad kind */
} FerryChannelTake;

/* any: takes a message without waiting. At a bad end, error is set. */
FerryChannelTake ferry_channel_take (FerryChannel *self, FerryIncoming **incoming, GError **error);
/* any: whether there is something to take: a message, or an end that nobody was given. */
gboolean ferry_channel_is_ready (FerryChannel *self);
/* any: whether somebody was given the end. */
gboolean ferry_channel_is_end_taken (FerryChannel *self);
/* The context's thread: has func called whenever there may be something to take, or the end, and once more by
 * ferry_channel_tell_news(). */
void ferry_channel_set_news_func (FerryChannel *self, void (*func) (gpointer data), gpointer data);
gboolean ferry_channel_has_news_func (FerryChannel *self);
void ferry_channel_tell_news (FerryChannel *self);

/* Waits until the end was sent, or cannot be any more. any that may wait, and not the receiving thread. */
void ferry_channel_wait_end_sent (FerryChannel *self);
/* Of a polled transport: waits until all that was sent lies before the other end. */
void ferry_channel_flush (FerryChannel *self);

/* At its beginning: it is a link's end at the application, of that router. router is (transfer full) (nullable). */
void ferry_channel_take_router (FerryChannel *self, FerryRouter *router);
/* Where signals are emitted. */
GMainContext *ferry_channel_get_context (FerryChannel *self);
void ferry_channel_set_job (FerryChannel *self, const char *function, GVariant *arguments);
/* The thread that started the process, once. alone (nullable) is called when the transport is closed, unref with the
 * last reference to the channel, by any thread. */
void ferry_channel_set_process (FerryChannel *self, FerryChannelProcess *process, GDestroyNotify alone,
                                GDestroyNotify unref);
/* (nullable) */
FerryChannelProcess *ferry_channel_get_process (FerryChannel *self);
/* any: has who listens hear that the process has ended. */
void ferry_channel_tell_exit (FerryChannel *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryIncoming, ferry_incoming_free)

G_END_DECLS
