/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of a channel that other files use: those of this folder, and of classic/, which has the forks. */

#pragma once

#include "base/ferry-base-private.h"
#include "base/ferry-wait-queue-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/ferry-channel.h"
#include "engine/ferry-affinity-private.h"

G_BEGIN_DECLS

/* ---- sending messages ---- */

/* For a channel over a carrier without threads: waits until its socket has taken everything that was sent. */
FERRY_FOR_SIBLINGS
void ferry_channel_flush (FerryChannel *self);

/* Waits until the end message was sent, or can no longer be sent. Not on the thread that receives for the transport. */
FERRY_FOR_SIBLINGS
void ferry_channel_wait_end_sent (FerryChannel *self);

/* ---- the router, the transport and the context ---- */

/* Sets the router of a channel, which is the application's end of a link, when it is made. router is (transfer full)
 * (nullable): NULL for any other channel. */
void ferry_channel_take_router (FerryChannel *self, FerryRouter *router);
/* any: Returns (transfer none) the transport that carries the messages. */
FERRY_FOR_SIBLINGS
FerryTransport *ferry_channel_get_transport (FerryChannel *self);
/* any: Returns (nullable) the name of the function that the channel was started with. */
const char *ferry_channel_get_function (FerryChannel *self);
/* Returns the context in which the channel emits its signals. */
FERRY_FOR_SIBLINGS
GMainContext *ferry_channel_get_context (FerryChannel *self);

/* ---- the process that was started with a channel ---- */

/* The name of the transport to a worker that is started with a channel. The first message over this transport, the
 * order, has the name of the function to run, and its arguments. */
#define FERRY_CHANNEL_TRANSPORT "ferry.channel"
void ferry_channel_set_job (FerryChannel *self, const char *function, GVariant *arguments);

/* A process that was started with a channel. The structs of ferry-channel-start.c and of
 * classic/ferry-channel-fork.c begin with this one.
 *
 * Owner:   counted references; the channel has one of them. The process has no reference to the channel.
 * Threads: the affinity's thread. Only the channel's last reference may be dropped on any thread. */
typedef struct
{
  _Atomic gint references;
  GDestroyNotify drop;  /* const: any: called when the channel is disposed of; drops the channel's reference */
  GDestroyNotify clear; /* const: (nullable): releases the fields that the struct of the other file adds */
  void (*send_signal) (gpointer self, int number); /* const: (nullable): NULL where there is a worker */
  GWeakRef channel;                                /* any: the channel, while it lives */
  FerryAffinity *affinity;                         /* const: (owned): of the thread that started the process */
  FerryRouter *router; /* const: (owned) (nullable): NULL, as worker is, for a fork of this process */
  FerryWorker *worker;
  char *identifier;     /* const: (owned) (nullable): the process id as text; NULL where there is a worker */
  FerryExit *exit;      /* (owned) (nullable): set when the process has ended */
  FerryWaitQueue waits; /* completions that wait for the process' end */
} FerryChannelProcess;

/* Initializes self when the process has started, and sets it as the channel's process. It has one reference, which
 * belongs to the channel. The fields drop, clear, send_signal and identifier must be set before. affinity and worker
 * (nullable) are (transfer full). */
FERRY_FOR_SIBLINGS
void ferry_channel_process_init (FerryChannelProcess *self, FerryChannel *channel, FerryAffinity *affinity,
                                 FerryRouter *router, FerryWorker *worker);
FERRY_FOR_SIBLINGS
gpointer ferry_channel_process_ref (gpointer self);
FERRY_FOR_SIBLINGS
void ferry_channel_process_unref (gpointer self);
/* Records that the process has ended, and wakes all waits for that. Takes ownership of exit. */
FERRY_FOR_SIBLINGS
void ferry_channel_process_end (FerryChannelProcess *self, FerryExit *exit);
/* Must be called in a forked child: forgets the processes that were forked before, which are the parent's. */
FERRY_FOR_SIBLINGS
void ferry_channel_process_forget_all (void);

/* Makes the context's thread notify `exit`. On the thread that started the process. */
void ferry_channel_tell_exit (FerryChannel *self);
/* Returns (transfer none) (nullable) the process that was started with the channel. */
FERRY_FOR_SIBLINGS
FerryChannelProcess *ferry_channel_get_process (FerryChannel *self);
/* any: returns (transfer full) (nullable) the same. */
FerryChannelProcess *ferry_channel_dup_process (FerryChannel *self);
/* Returns (transfer none) (nullable) the worker that was started with the channel. */
FerryWorker *ferry_channel_get_worker (FerryChannel *self);

/* Calls func once, when the process that was started with self has ended, which runs now. Keeps no reference to self.
 * On the thread that started the process. */
FERRY_FOR_SIBLINGS
void ferry_channel_call_at_exit (FerryChannel *self, GDestroyNotify func, gpointer data);

/* How many workers run that were started with channels of router (nullable): NULL for the forks of this process. On the
 * thread that started them. */
FERRY_FOR_SIBLINGS
guint ferry_channel_count_running (FerryRouter *router);
/* Makes task return TRUE when the number is 0 next time. */
FERRY_FOR_SIBLINGS
void ferry_channel_wait_for_none (FerryRouter *router, GTask *task);

/* Returns (floating) the first message to a worker: the function that it runs. It is in ferry-channel-serve.c, so that
 * a program with the static library links that file and its constructor. */
GVariant *ferry_channel_order_new (const char *function, GVariant *arguments);

G_END_DECLS
