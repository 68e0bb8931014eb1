/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job and what carries its news: one call of one worker's.
 *
 * Owner:   counted references: the thread that serves, and whoever the function gave one to.
 * Threads: created and finished by the thread that serves; a function may use it from any thread while it runs. Other
 *          threads hold uses for reading while they are at what the job only borrows, and finishing takes it for
 *          writing: so what a function left behind finds the job finished, and never what is gone. */

#pragma once

#include "call/ferry-transactions-private.h"
#include "link/ferry-downlink-private.h"
#include "task/ferry-job.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/* A reason beside those of FerryCancelReason: the application gave up the link. */
#define FERRY_CANCEL_REASON_CLOSED 3

/* Where a call's kind is, in the flags of its request. */
#define FERRY_CALL_KIND_SHIFT 4

/* How a job reaches what serves it, until it is finished. */
typedef struct
{
  /* any: takes the cancels that have come, and cancels the job that they mean. */
  void (*take_cancels) (gpointer serve);
  /* The thread that serves: waits for the next message, cancel or end, and takes it. */
  gboolean (*receive) (gpointer serve, GError **error);
  /* any: has the second thread watch over the job that runs. */
  void (*watch) (gpointer serve);
  /* any: writes what a job reported. Never waits; where the pipe has no room, *written is FALSE. */
  gboolean (*report) (gpointer serve, gconstpointer data, gsize size, gboolean *written, GError **error);
  /* The thread that serves: nobody waits for each answer that is sent from now on, until it waits for something itself,
   * or says so (hurry). They reach the main loop a millisecond later at most, many at a time. */
  void (*take_time) (gpointer serve);
  void (*hurry) (gpointer serve);
} FerryJobDriver;

/* serve (unowned) goes to the driver's functions; it and the downlink (unowned) stay until the job is finished. */
FerryJob *ferry_job_new (const FerryJobDriver *driver, gpointer serve, FerryDownlink *downlink, FerryCall *call);
/* any: (transfer none), for as long as there is the job. */
FerryCall *ferry_job_get_call (FerryJob *self);
/* any: whether the caller is the thread that serves the job. */
gboolean ferry_job_is_serving_thread (FerryJob *self);
/* The thread that serves: the job is about to run another function. The name is never freed. */
void ferry_job_set_function_name (FerryJob *self, const char *name);
/* The thread that serves: the function is about to be called, for the next item of a map too. What errors it was left
 * with before have nothing to do with it. */
void ferry_job_begin_function (FerryJob *self);
/* After the function returned: what it still does with the job fails with FERRY_ERROR_STOPPED. */
void ferry_job_finish (FerryJob *self);
/* any: has the job stop, as far as it looks; the first reason counts. */
void ferry_job_cancel (FerryJob *self, guint reason);
/* The thread that serves, until the job is finished: see FerryJobDriver. */
void ferry_job_take_time (FerryJob *self);
void ferry_job_hurry (FerryJob *self);
/* Where the error that the function failed with came from: what ferry_job_set_error() captured for this very error,
 * what came with it from yet another process, or this place. */
char *ferry_job_make_trace (FerryJob *self, const GError *error);

/* The kind of task that a call's flags say. */
FerryTaskKind ferry_call_get_task_kind (FerryCall *call);

G_END_DECLS
