/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

#include "app/ferry-demo-message.h"

G_BEGIN_DECLS

/* A worker with a pipe of its own, and what comes through it: how much, how late, and whether all of it is there.
 *
 * Signal "message": a double, which the worker sends
 * Signal "ended": the worker has ended, and all that it sent was counted; a #FerryExit says how */

#define FERRY_DEMO_TYPE_PIPE (ferry_demo_pipe_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPipe, ferry_demo_pipe, FERRY_DEMO, PIPE, GObject)

typedef struct
{
  guint64 n_messages;
  guint64 n_wrong;     /* lost, twice, or out of order */
  gint64 last_time;    /* when the newest one came, in microseconds; 0 before the first one */
  gint64 longest_wait; /* between two of them, since ferry_demo_pipe_forget_wait() */
} FerryDemoPipeFigures;

/* mode is an argument of the worker's program. */
FerryDemoPipe *ferry_demo_pipe_new (FerryRouter *router, const char *worker_path,
                                    const char *mode) G_GNUC_WARN_UNUSED_RESULT;
/* Where there is a worker already it stays. */
gboolean ferry_demo_pipe_start (FerryDemoPipe *self, GError **error);
/* Ends the worker, of which nothing is told any more. */
void ferry_demo_pipe_stop (FerryDemoPipe *self);
void ferry_demo_pipe_send_signal (FerryDemoPipe *self, int number);
gboolean ferry_demo_pipe_is_running (FerryDemoPipe *self);
const FerryDemoPipeFigures *ferry_demo_pipe_get_figures (FerryDemoPipe *self);
void ferry_demo_pipe_forget_wait (FerryDemoPipe *self);
/* Since the last call, or since the start: messages a second, and for how many microseconds one was on its way, or -1.
 * FALSE if none came. */
gboolean ferry_demo_pipe_read (FerryDemoPipe *self, double *rate, double *delay);

G_END_DECLS
