/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job: one call that a worker serves, and its answer.
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
#include "worker/ferry-function-private.h"

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
/* The thread that serves, after the function has returned: uses of the job fail with FERRY_ERROR_STOPPED from now on.
 * Closes the call's descriptors. */
void ferry_job_finish (FerryJob *self);
/* any: asks the function to stop. The first reason counts. */
void ferry_job_cancel (FerryJob *self, guint reason);
/* The thread that serves, until the job is finished: (transfer none). */
FerryUplink *ferry_job_get_uplink (FerryJob *self);

/* Takes the descriptors that came with the message of the call, if any. */
void ferry_call_take_descriptors (FerryCall *call, const FerryDownMessage *message);
/* The answer to a call, or to an item of a map: a result or an error. It is on the stack of the thread that serves. */
typedef struct
{
  GVariant *result; /* (owned) (nullable) */
  GError *failure;  /* (owned) (nullable): where it is set, the result does not count */
  char *trace;      /* (owned) (nullable) */
  const char *note; /* (nullable): of a second failure */
  gint64 begun_at;  /* monotonic time; of a call */
} FerryAnswer;

/* How an answer is sent. */
typedef struct
{
  gboolean (*send_result) (FerryCall *call, GVariant *result, GError **error);
  gboolean (*send_failure) (FerryCall *call, const GError *failure, const char *trace, const char *const *notes,
                            GError **error);
} FerryAnswerWay;

/* Begins a call of function (nullable: no function has that name). Returns FALSE, and sets failure, where the function
 * is not to be called. */
gboolean ferry_answer_begin (FerryAnswer *self, FerryCall *call, const FerryFunctionEntry *function);
/* Calls the function with arguments that fit it. The job has its name meanwhile. Traces of earlier errors do not count
 * for it. */
void ferry_answer_run (FerryAnswer *self, FerryJob *job, const FerryFunctionEntry *function, GVariant *arguments);
/* Sets FERRY_ERROR_UNKNOWN_FUNCTION. */
void ferry_answer_set_unknown (GError **error, const char *name);
/* Where a result of function cannot be sent, the answer is that error. Returns FALSE where no answer can be sent. */
gboolean ferry_answer_send (FerryAnswer *self, FerryCall *call, const FerryAnswerWay *way, const char *function,
                            GError **error);
void ferry_answer_clear (FerryAnswer *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryAnswer, ferry_answer_clear)

G_END_DECLS
