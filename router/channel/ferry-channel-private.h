/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A channel as the files of this folder see it. */

#pragma once

#include "base/ferry-wait-queue-private.h"
#include "call/ferry-transport-private.h"
#include "channel/ferry-channel.h"
#include "route/ferry-home-private.h"

G_BEGIN_DECLS

#define FERRY_CHANNEL_MESSAGE "ferry.channel.message"
#define FERRY_CHANNEL_FAILURE "ferry.channel.failure"
#define FERRY_CHANNEL_CREDIT "ferry.channel.credit"
#define FERRY_CHANNEL_END "ferry.channel.end"

/* ---- taking ---- */

/* A message that came. */
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
  FERRY_CHANNEL_AT_END, /* with an error set, or without one */
} FerryChannelTake;

/* any: takes a message without waiting. error is set where the channel ended with one. */
FerryChannelTake ferry_channel_take (FerryChannel *self, FerryIncoming **incoming, GError **error);
/* any: whether there is something to take: a message, or an end that was not taken. */
gboolean ferry_channel_is_ready (FerryChannel *self);
/* any: whether the end was taken. */
gboolean ferry_channel_is_end_taken (FerryChannel *self);
typedef void (*FerryChannelNewsFunc) (FerryChannel *channel, gpointer data);
/* The context's thread: has func (nullable) called there whenever there may be something to take, and when the end was
 * taken. Returns FALSE where another func is set. */
gboolean ferry_channel_set_news_func (FerryChannel *self, FerryChannelNewsFunc func, gpointer data);
/* any: has it called once more. */
void ferry_channel_tell_news (FerryChannel *self);

/* ---- sending ---- */

/* Waits until the end was sent, or cannot be sent any more. Any thread that may wait, and not the receiving one. */
void ferry_channel_wait_end_sent (FerryChannel *self);
/* Of a polled transport: waits until its socket has taken all that was sent. */
void ferry_channel_flush (FerryChannel *self);

/* ---- the router and the context ---- */

/* Before use: a link's end at the application, of that router. router is (transfer full) (nullable). */
void ferry_channel_take_router (FerryChannel *self, FerryRouter *router);
/* Of the signals. */
GMainContext *ferry_channel_get_context (FerryChannel *self);

/* ---- the process that was started with a channel ---- */

/* The transport of a worker that is started with a channel. The first message over it, the order, has the name of the
 * function and its arguments. */
#define FERRY_CHANNEL_TRANSPORT "ferry.channel"
void ferry_channel_set_job (FerryChannel *self, const char *function, GVariant *arguments);

/* A process that was started with a channel; ferry-channel-start.c and ferry-channel-create.c have their own fields
 * behind these.
 *
 * Owner:   counted references, the channel's among them. It has no reference to the channel.
 * Threads: the home's, but for the channel's last reference. */
typedef struct
{
  _Atomic gint references;
  GDestroyNotify alone; /* const: (nullable): called when the channel's transport is closed */
  GDestroyNotify drop;  /* const: any: called with the channel's last reference; takes the channel's to the process */
  GDestroyNotify clear; /* const: (nullable): releases the fields behind these */
  GWeakRef channel;     /* any */
  FerryHome *home;      /* const: (owned): of the thread that started it */
  FerryRouter *router;  /* const: (owned) (nullable), as worker: not of a process that was forked from this one */
  FerryWorker *worker;
  GPid pid;             /* const: where there is no worker */
  FerryExit *exit;      /* (owned) (nullable): once it has ended */
  FerryWaitQueue waits; /* for the end */
} FerryChannelProcess;

/* The process runs from now on, and is the channel's, which has the reference. Before that alone, drop and clear are
 * set. home and worker (nullable) are (transfer full). */
void ferry_channel_process_init (FerryChannelProcess *self, FerryChannel *channel, FerryHome *home, FerryRouter *router,
                                 FerryWorker *worker);
gpointer ferry_channel_process_ref (gpointer self);
void ferry_channel_process_unref (gpointer self);
/* It has ended. Takes exit. */
void ferry_channel_process_end (FerryChannelProcess *self, FerryExit *exit);
/* In a child that was forked: the processes that were forked before are the parent's. */
void ferry_channel_process_forget_all (void);

/* The thread that started the process, once. Takes a reference to it. */
void ferry_channel_set_process (FerryChannel *self, FerryChannelProcess *process);
/* (nullable) */
FerryChannelProcess *ferry_channel_get_process (FerryChannel *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryIncoming, ferry_incoming_free)

/* The first message to a worker: the function that it runs. That this is in ferry-channel-serve.c also has a static
 * library bring that file, which registers itself with ferry_worker_main(). Returns (floating). */
GVariant *ferry_channel_order_new (const char *function, GVariant *arguments);

G_END_DECLS
