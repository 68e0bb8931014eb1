/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is known of the process that was started with a channel, in whichever way; what FerryChannel has as its process
 * begins with this.
 *
 * Threads: that which started it. */

#pragma once

#include "base/ferry-wait-queue-private.h"
#include "channel/ferry-channel-private.h"
#include "route/ferry-exit.h"
#include "route/ferry-home-private.h"
#include "worker/ferry-worker.h"

G_BEGIN_DECLS

struct _FerryChannelProcess
{
  FerryHome *home;      /* const: (owned): of the thread that started it */
  FerryWorker *worker;  /* const: (owned) (nullable): none where it was forked from this process */
  GPid pid;             /* const: where there is no worker */
  FerryExit *exit;      /* (owned) (nullable): once it has ended */
  FerryWaitQueue waits; /* for the end */
};

/* In ferry-channel-start.c. exit is taken over: keeps it, and tells who waits, and channel (nullable). */
void ferry_channel_process_end (FerryChannelProcess *self, FerryExit *exit, FerryChannel *channel);

G_END_DECLS
