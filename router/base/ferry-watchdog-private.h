/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A watchdog over a process that has to do something, however long that takes on this machine. One thread at a time. */

#pragma once

#include <glib.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* What the process has to do. */
typedef enum
{
  /* Start. A wrapper, such as bubblewrap or a script, does what its children do. One that was stopped is waited for. */
  FERRY_WATCHDOG_START,
  FERRY_WATCHDOG_ANSWER, /* answer: as to start, but what its children do is not looked at */
  /* End: it may use a processor for the timeout and no longer, a stop is no excuse, and a minute's looks are enough. */
  FERRY_WATCHDOG_END,
} FerryWatchdogKind;

/* What /proc says of the threads of a process, and of its descendants. */
typedef struct
{
  guint64 busy;   /* nanoseconds that the threads ran or waited for a processor, since they began */
  guint64 faults; /* page faults that waited for a disk */
  guint64 ids;    /* the sum of the threads' ids: another sum means that a thread or process has begun or ended */
} FerryActivity;

/* A watchdog, as a member of its owner. */
typedef struct
{
  GPid pid;
  FerryWatchdogKind kind;
  gint64 timeout;
  gint64 looked_at; /* monotonic, in microseconds */
  gint64 used;      /* FERRY_WATCHDOG_END: the processor time of the process at the start, in microseconds */
  guint n_looks;
  guint n_quiet; /* looks in a row at which the process had done nothing */
  FerryActivity activity;
} FerryWatchdog;

/* Starts the watchdog anew. timeout: in microseconds. pid: 0 where there is no process (yet): time then decides. */
FERRY_FOR_SIBLINGS
void ferry_watchdog_start (FerryWatchdog *self, FerryWatchdogKind kind, GPid pid, gint64 timeout);
/* Returns when to look next: monotonic, in microseconds. */
FERRY_FOR_SIBLINGS
gint64 ferry_watchdog_get_next_look (const FerryWatchdog *self);
/* Looks at the process. Returns TRUE when its time is over. Where the system tells nothing, time decides alone. */
FERRY_FOR_SIBLINGS
gboolean ferry_watchdog_look (FerryWatchdog *self);

G_END_DECLS
