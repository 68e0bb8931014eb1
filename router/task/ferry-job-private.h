/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job: one call that a worker serves.
 *
 * Owner:   counted references: of the thread that serves, and those that the function took.
 * Threads: the thread that serves makes and finishes it; while the function runs, any thread uses it. Other threads
 *          lock `uses` for reading while they use what the job borrows, and finishing locks it for writing. So a
 *          thread that outlives the function finds the job finished. */

#pragma once

#include "call/ferry-transactions-private.h"
#include "link/ferry-downlink-private.h"
#include "route/ferry-sender.h"
#include "task/ferry-job.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/* A reason beside those of FerryCancelReason: the application gave up the link. */
#define FERRY_CANCEL_REASON_CLOSED 3

/* The position of the kind of task in the flags of a request. */
#define FERRY_CALL_KIND_SHIFT 4

/* What a job needs of what serves it, until it is finished. */
typedef struct
{
  gpointer serve;          /* (unowned): for the functions */
  FerryDownlink *downlink; /* (unowned) */
  FerrySender *calls;      /* (unowned) */
  FerrySender *progress;   /* (unowned) */
  /* any: takes the cancels that have come, and cancels the job that they are for. */
  void (*take_cancels) (gpointer serve);
  /* The thread that serves: waits for the next message, cancel or end, and takes it. */
  gboolean (*receive) (gpointer serve, GError **error);
  /* any: has the second thread watch for cancels and the deadline of the job. */
  void (*watch) (gpointer serve);
} FerryJobDriver;

/* The thread that serves. driver (unowned) lives until the job is finished. */
FerryJob *ferry_job_new (const FerryJobDriver *driver, FerryCall *call);
/* any: (transfer none) */
FerryCall *ferry_job_get_call (FerryJob *self);
/* any: whether the caller is the thread that serves the job. */
gboolean ferry_job_is_serving_thread (FerryJob *self);
/* The thread that serves: the job runs another function from now on. The name is never freed. */
void ferry_job_set_function_name (FerryJob *self, const char *name);
/* The thread that serves: before each call of the function, such as for the next item of a map. Traces of earlier
 * errors do not count for it. */
void ferry_job_begin_function (FerryJob *self);
/* The thread that serves, after the function has returned: uses of the job fail with FERRY_ERROR_STOPPED from now on.
 * Closes the call's descriptors. */
void ferry_job_finish (FerryJob *self);
/* any: asks the function to stop. The first reason counts. */
void ferry_job_cancel (FerryJob *self, guint reason);
/* The thread that serves, until the job is finished: sends answers up to a millisecond late, many at a time, until the
 * thread waits, or until ferry_job_hurry(). */
void ferry_job_take_time (FerryJob *self);
void ferry_job_hurry (FerryJob *self);
/* Returns (transfer full) the trace of the error that the function failed with: the one of ferry_job_set_error(), or
 * the one of another process and this place. */
char *ferry_job_make_trace (FerryJob *self, const GError *error);

FerryTaskKind ferry_call_get_task_kind (FerryCall *call);
/* Takes the descriptors that came with the message of the call, if any. */
void ferry_call_take_descriptors (FerryCall *call, const FerryDownMessage *message);
/* Fails with FERRY_ERROR_SYSTEM where the worker could not take all descriptors of the call. */
gboolean ferry_call_check_descriptors (FerryCall *call, GError **error);

G_END_DECLS
