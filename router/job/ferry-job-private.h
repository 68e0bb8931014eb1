/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job, and the answer to its call. */

#pragma once

#include "call/ferry-transport-private.h"
#include "job/ferry-function-private.h"
#include "job/ferry-job.h"
#include "link/ferry-downlink-private.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/* A job is one call that a worker serves, and its answer.
 *
 * Owner:   reference counted: the thread that serves has a reference, and the function may take more.
 * Threads: the thread that serves makes and finishes the job; while the function runs, any thread may use it. Another
 *          thread locks `uses` for reading while it uses what serves the job, or the call's descriptors. Finishing
 *          locks `uses` for writing. So a thread that runs longer than the function finds the job finished. */

/* A cancel reason in addition to those of FerryCancelReason: the application has closed the link. */
#define FERRY_CANCEL_REASON_CLOSED 3

typedef struct _FerryServe FerryServe;

/* The thread that serves: makes a job for call. The rest is of what serves the job, which must live until the job is
 * finished: its downlink, and its senders of calls and of progress. */
FerryJob *ferry_job_new (FerryServe *serve, FerryDownlink *downlink, FerrySender *calls, FerrySender *progress,
                         FerryCall *call);
/* any: returns (transfer none) the call that the job runs. */
FerryCall *ferry_job_get_call (FerryJob *self);
/* any: returns the deadline, in microseconds; 0 for none. */
gint64 ferry_job_get_deadline (FerryJob *self);
/* any: whether the caller is the thread that serves the job. */
gboolean ferry_job_is_serving_thread (FerryJob *self);
/* The thread that serves: finishes the job, after the function has returned. From now on, uses of the job fail with
 * FERRY_ERROR_STOPPED. Closes the descriptors that came with the call. */
void ferry_job_finish (FerryJob *self);
/* any: cancels the job, so that its function stops. The reason of the first cancel is kept. */
void ferry_job_cancel (FerryJob *self, guint reason);
/* The thread that serves: returns for how long the function has waited in pauses on this thread, in microseconds. */
gint64 ferry_job_get_paused_time (FerryJob *self);
/* any: reads the pause word. Lets threads go on that wait for the end of a pause, and notifies of a change. */
void ferry_job_note_pause (FerryJob *self);

/* Called on the thread that serves when the function has returned. failure: why it has failed, or NULL; it may be set.
 */
typedef void (*FerryJobEndFunc) (gpointer data, GError **failure);

/* any: has func called once when the function has returned; of several, the latest first. Fails with
 * FERRY_ERROR_STOPPED. */
gboolean ferry_job_add_end (FerryJob *self, FerryJobEndFunc func, gpointer data, GError **error);
/* any: what ferry_job_check() says of a cancel, and does not wait while the job is paused. */
gboolean ferry_job_check_cancelled (FerryJob *self, GError **error);
/* any: (transfer none) (nullable): the path of the job's scratch folder, which is made when this is called first. */
const char *ferry_job_make_scratch_folder (FerryJob *self, GError **error);
/* The thread that serves, when the function has returned. */
void ferry_job_remove_scratch_folder (FerryJob *self);
/* any: reports and sends for the function while it waits, also when the job is paused or cancelled. fraction: as in
 * ferry_job_report(). */
void ferry_job_pass_progress (FerryJob *self, double fraction, guint64 amount, const char *unit, const char *text);
void ferry_job_pass_message (FerryJob *self, const char *type, GVariant *value);

/* Any thread: names the files that this job writes in place, all of them each time; "": none any more. If its worker is
 * killed, the error of the task says so. */
void ferry_job_pass_unfinished (FerryJob *self, const char *files);
/* any: the function runs programs: the application gives it their grace time from now on. */
void ferry_job_note_programs (FerryJob *self);
/* any: a program begins, which is paused with the task: the application knows it then, also where neither the function
 * nor the program reports. Where the function has begun no part, begins one, of half of what is left, which
 * ferry_job_end_part() ends. Returns whether it has. */
gboolean ferry_job_begin_own_part (FerryJob *self);

/* Moves the descriptors of message, if any, to the call, which owns them from now on. */
void ferry_call_take_descriptors (FerryCall *call, const FerryDownMessage *message);
/* The answer to a call, or to an item of a map: a result or an error. It is stored on the stack of the thread that
 * serves. */
typedef struct
{
  GVariant *result; /* (owned) (nullable) */
  /* (owned) (nullable): what the function returned by ferry_job_return_buffer(); result has its bytes */
  FerryBuffer *buffer;
  GError *failure;  /* (owned) (nullable): if it is set, the result is ignored */
  char *trace;      /* (owned) (nullable) */
  const char *note; /* (nullable): a text about a second failure, sent with the error */
  gint64 begun_at;  /* monotonic time when the call began; 0 for an item of a map */
} FerryAnswer;

/* The functions by which an answer is sent: as the answer to a call, or as a message of a map's item. */
typedef struct
{
  gboolean (*send_result) (FerryCall *call, GVariant *result, GError **error);
  gboolean (*send_failure) (FerryCall *call, const GError *failure, const char *trace, const char *const *notes,
                            GError **error);
} FerryAnswerSendFuncs;

/* Checks whether a call may be run. function is NULL when no function has the call's name. Returns FALSE, and sets
 * failure, when the call was cancelled, is too late, or cannot be run. */
gboolean ferry_answer_begin (FerryAnswer *self, FerryCall *call, const FerryFunctionEntry *function);
/* Calls the function and stores its result or error. The arguments must have the function's type. Meanwhile the job has
 * the function's name. Traces of errors that are older than the call are not used. */
void ferry_answer_run (FerryAnswer *self, FerryJob *job, const FerryFunctionEntry *function, GVariant *arguments);
/* Sets error to FERRY_ERROR_UNKNOWN_FUNCTION, with name in its message. Returns FALSE. */
gboolean ferry_answer_set_unknown (GError **error, const char *name);
/* Sends the answer. When the result cannot be sent, sends the reason as an error instead. @function is a name for that
 * error. Returns FALSE with an error when nothing can be sent. */
gboolean ferry_answer_send (FerryAnswer *self, FerryCall *call, const FerryAnswerSendFuncs *funcs, const char *function,
                            GError **error);
void ferry_answer_clear (FerryAnswer *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryAnswer, ferry_answer_clear)

G_END_DECLS
