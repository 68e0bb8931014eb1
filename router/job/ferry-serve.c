/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serves calls in a worker: reads messages from the down lane, claims a call, runs its function, and sends the answer
 * by the up lane behind what it printed.
 *
 * Requests wait in a queue, in the order of their arrival. A call is claimed before it begins. So the application can
 * take back a call that has not begun, and knows which call a dead worker had begun. While a function runs, the down
 * lane is read only when the function yields and must wait. The express lane is read when the function checks its job
 * for a cancel, and by the second thread. A function that is paused waits for the second thread, which sees the pause
 * word change.
 *
 * Threads: one thread serves, and a second thread may watch the express lane. `lock` guards `current` and `watcher`,
 *          and is never held while a function's code may run.
 * Trust:   the worker trusts the application. Even so, a malformed message is an error. */

#include "config.h"

#include "job/ferry-serve-private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/ferry-base-private.h"
#include "base/ferry-limit-clock-private.h"
#include "base/ferry-thread-private.h"
#include "job/ferry-function-private.h"
#include "job/ferry-job-private.h"
#include "job/ferry-program-version-private.h"
#include "route/ferry-buffer-private.h"
#include "route/ferry-sender-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"

/* A call that takes as long is worth a look at what it has printed, in microseconds. */
#define LONG_CALL FERRY_MICROSECONDS_PER_MILLISECOND

/* How long a worker waits for a pipe that is read and does not become empty, and how often it looks, in microseconds.
 */
#define READ_TIME (1 * G_USEC_PER_SEC)
#define MIN_READ_INTERVAL 50
#define MAX_READ_INTERVAL (5 * FERRY_MICROSECONDS_PER_MILLISECOND)

struct _FerryServe
{
  FerryDownlink *downlink;   /* const: (unowned), or (owned) if is_local */
  gboolean is_local;         /* const: both ends of the link are in this process */
  FerrySender *calls;        /* const: (owned) */
  FerrySender *progress;     /* const: (owned) */
  FerryTransport *transport; /* const: (owned) */

  /* Used only by the thread that serves. */
  const FerryFunctionEntry *chunks; /* (unowned): the function of FERRY_MAP_FUNCTION */
  GQueue queue;                     /* (element-type FerryCall) (owned): the calls that have not begun */
  const FerryDownMessage *message;  /* (unowned) (nullable): the message that take_message() handles */
  FerryBuffer *result; /* (unowned) (nullable): the buffer that the answer which is being sent consists of */
  gboolean finishing;
  gboolean never_empty; /* others print all the time what the application reads */
  GError *failure;      /* (owned) (nullable): why no more messages can be received */

  pthread_mutex_t lock;
  FerryJob *current;   /* lock: (unowned) (nullable): the job that runs; to use it without the lock, take a reference */
  GThread *watcher;    /* lock: (owned) (nullable) */
  gboolean is_watched; /* lock: the function that runs has asked for the watcher, which else sleeps */
  pthread_cond_t wanted;  /* that it is watched, or that the watcher stops */
  FerryLimitClock clock;  /* the watcher's, as the next one: of the running job's deadline */
  gint64 watched;         /* that deadline; 0: none */
  gboolean watcher_stops; /* lock */
};

static gboolean
send_message (gpointer carrier, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  FerryServe *self = carrier;

  if (self->result != NULL && parts[n_parts - 1].data == self->result->data)
    return ferry_sender_send_job_buffer (self->calls, parts, n_parts, self->result, error);
  return ferry_sender_send_parts (self->calls, parts, n_parts, -1, error);
}

static const FerryCarrierFuncs carrier_funcs = {.send = send_message};

static void
take_request (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  FerryServe *self = ferry_transport_get_carrier (transport, &carrier_funcs);

  ferry_call_take_descriptors (call, self->message);
  g_queue_push_tail (&self->queue, ferry_call_ref (call));
}

FerryServe *
ferry_serve_new (FerryDownlink *downlink, FerrySender *calls, FerrySender *progress)
{
  FerryServe *self = g_new0 (FerryServe, 1);

  self->downlink = downlink;
  self->calls = g_object_ref (calls);
  self->progress = g_object_ref (progress);
  g_queue_init (&self->queue);
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->wanted, NULL);
  self->transport = ferry_transport_new_for_carrier (&carrier_funcs, self);
  ferry_transport_take_calls (self->transport, take_request, NULL, NULL);
  ferry_transport_set_unbounded (self->transport);
  return self;
}

FerryServe *
ferry_serve_new_local (FerryLink *link, const guint64 connection_ids[2], GThread *never_waits, GError **error)
{
  g_autoptr (FerrySender) calls = NULL;
  g_autoptr (FerrySender) progress = NULL;
  g_autoptr (FerryUplink) uplink = NULL;
  FerryServe *self;

  link->local = TRUE;
  uplink = ferry_uplink_new_local (link, never_waits, error);
  if (uplink == NULL)
    return NULL;
  calls = ferry_sender_new_granted (connection_ids[0], uplink, 0, FERRY_NO_CELL);
  progress = ferry_sender_new_granted (connection_ids[1], uplink, 1, 0);
  self = ferry_serve_new (ferry_downlink_new (uplink), calls, progress);
  self->is_local = TRUE;
  return self;
}

void
ferry_serve_free (FerryServe *self)
{
  g_clear_error (&self->failure);
  g_queue_clear_full (&self->queue, (GDestroyNotify) ferry_call_unref);
  g_object_unref (self->transport);
  pthread_mutex_destroy (&self->lock);
  pthread_cond_destroy (&self->wanted);
  g_object_unref (self->calls);
  g_object_unref (self->progress);
  if (self->is_local)
    ferry_downlink_free (self->downlink);
  g_free (self);
}

/* ---- cancels ---- */

/* any: returns (transfer full) (nullable) the job that runs, if it is the one of call xid, or if xid is 0. */
static FerryJob *
ref_current (FerryServe *self, guint64 xid)
{
  FerryJob *job = NULL;
  FERRY_AUTO_LOCK (&self->lock);

  if (self->current != NULL && (xid == 0 || xid == ferry_call_get_xid (ferry_job_get_call (self->current))))
    job = g_object_ref (self->current);
  return job;
}

/* any */
static void
unref_job (FerryJob *job)
{
  ferry_hand_over (job);
  g_object_unref (job);
}

/* any */
static void
cancel_current (FerryServe *self, guint64 xid, guint reason)
{
  FerryJob *job = ref_current (self, xid);

  if (job == NULL)
    return;
  ferry_job_cancel (job, reason);
  /* The thread that serves may be waiting in ferry_job_yield(), and does not know what this thread has read. */
  if (!ferry_job_is_serving_thread (job))
    ferry_downlink_interrupt (self->downlink);
  unref_job (job);
}

void
ferry_serve_take_cancels (FerryServe *self)
{
  guint64 xid;
  guint16 reason;

  while (ferry_downlink_take_cancel (self->downlink, &xid, &reason))
    {
      /* Marks the call first, then reads `current`. run() sets `current` first, then reads the mark, so one of them
       * cancels the job. */
      ferry_transport_receive_cancel (self->transport, xid, reason);
      cancel_current (self, xid, reason);
    }
  if (ferry_downlink_is_closed (self->downlink))
    cancel_current (self, 0, FERRY_CANCEL_REASON_CLOSED);
}

/* ---- the second thread ---- */

/* Cancels the running job if its deadline has passed, by a clock of that deadline. Returns when to look again, or
 * FERRY_NO_DEADLINE. */
static gint64
check_deadline (FerryServe *self)
{
  FerryJob *job = ref_current (self, 0);
  gint64 deadline;

  if (job == NULL)
    return FERRY_NO_DEADLINE;
  deadline = ferry_job_is_cancelled (job) ? 0 : ferry_job_get_deadline (job);
  if (deadline != self->watched)
    ferry_limit_clock_begin (&self->clock, -1);
  self->watched = deadline;
  if (deadline != 0 && ferry_limit_clock_look (&self->clock) >= deadline)
    {
      ferry_job_cancel (job, FERRY_CANCEL_REASON_DEADLINE);
      ferry_downlink_interrupt (self->downlink);
      deadline = 0;
    }
  unref_job (job);
  return deadline != 0 ? ferry_limit_clock_sleep (&self->clock, deadline) : FERRY_NO_DEADLINE;
}

/* Tells the running job whether it is paused. */
static void
take_pause (FerryServe *self)
{
  FerryJob *job;

  ferry_downlink_take_pause (self->downlink);
  job = ref_current (self, 0);
  if (job == NULL)
    return;
  ferry_job_note_pause (job);
  unref_job (job);
}

/* The second thread wakes for each message while it watches. So it waits here until a function wants it. Returns FALSE
 * when it is to stop. */
static gboolean
wait_until_wanted (FerryServe *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  while (!self->is_watched && !self->watcher_stops)
    pthread_cond_wait (&self->wanted, &self->lock);
  return !self->watcher_stops;
}

static gpointer
watch (gpointer data)
{
  FerryServe *self = data;

  while (wait_until_wanted (self))
    {
      gint64 deadline;

      take_pause (self);
      deadline = check_deadline (self);
      ferry_serve_take_cancels (self);
      if (!ferry_downlink_wait_for_cancel (self->downlink, deadline))
        break;
    }
  ferry_serve_take_cancels (self);
  return NULL;
}

gboolean
ferry_serve_watch (FerryServe *self)
{
  g_autoptr (GError) error = NULL;
  gboolean has_deadline, is_other;

  pthread_mutex_lock (&self->lock);
  has_deadline = self->current != NULL && ferry_job_get_deadline (self->current) != 0;
  self->is_watched = TRUE;
  pthread_cond_signal (&self->wanted);
  if (self->watcher == NULL)
    self->watcher = ferry_thread_try_new ("ferry-watch", "watching for cancels", watch, self, &error);
  is_other = self->watcher != NULL && self->watcher != g_thread_self ();
  pthread_mutex_unlock (&self->lock);
  if (error != NULL)
    g_message ("A function is notified of a cancel or a pause only when it checks for one: %s", error->message);
  /* The second thread may sleep until the deadline of an earlier job; this makes it read the deadlines again. Of a job
   * without one, it has nothing to read. */
  if (has_deadline)
    ferry_downlink_interrupt (self->downlink);
  return is_other;
}

/* ---- the thread that serves ---- */

/* Handles a message of the down lane. Sets failure when the message is malformed. */
static void
take_message (FerryServe *self, const FerryDownMessage *message)
{
  gboolean received;
  guint cancelled;

  if (message->connection_id != ferry_sender_get_connection_id (self->calls))
    {
      g_debug ("A message for pipe %" G_GUINT64_FORMAT " was ignored; only the calls pipe has messages",
               message->connection_id);
      return;
    }
  self->message = message;
  received =
    ferry_transport_process (self->transport, message->data, message->size, NULL, FERRY_VALUE_UNJUDGED, &self->failure);
  self->message = NULL;
  if (!received)
    return;
  /* The message may have been a cancel of the running call. */
  cancelled = self->current != NULL ? ferry_call_get_cancelled (ferry_job_get_call (self->current)) : 0;
  if (cancelled != 0)
    ferry_job_cancel (self->current, cancelled);
}

gboolean
ferry_serve_receive (FerryServe *self, GError **error)
{
  FerryDownMessage message;

  switch (self->failure != NULL ? FERRY_DOWN_EVENT_NOTHING
                                : ferry_downlink_receive (self->downlink, FERRY_NO_DEADLINE, &message))
    {
    case FERRY_DOWN_EVENT_MESSAGE:
      take_message (self, &message);
      break;
    case FERRY_DOWN_EVENT_FINISH:
      self->finishing = TRUE;
      break;
    case FERRY_DOWN_EVENT_CLOSED:
      self->failure =
        g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The application has closed the link to this worker");
      break;
    case FERRY_DOWN_EVENT_BROKEN:
      self->failure =
        g_error_new_literal (FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                             "A message of the application is malformed; build application and worker with "
                             "the same version of Ferry");
      break;
    case FERRY_DOWN_EVENT_NOTHING:
    default:
      break;
    }
  ferry_serve_take_cancels (self);
  if (self->failure == NULL)
    return TRUE;
  g_propagate_error (error, ferry_error_copy (self->failure));
  return FALSE;
}

/* Waits for the signal that ends this worker, which must not begin another call. */
static void
wait_for_end (FerryServe *self)
{
  while (!self->finishing && ferry_serve_receive (self, NULL))
    ;
  if (self->failure == NULL)
    self->failure = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The application ends this worker");
}

static void
set_current (FerryServe *self, FerryJob *job)
{
  gboolean was_watched;

  pthread_mutex_lock (&self->lock);
  self->current = job;
  was_watched = self->is_watched;
  self->is_watched = FALSE;
  pthread_mutex_unlock (&self->lock);
  /* Takes the watcher from the bell, which rings for each message, to where it waits until it is wanted. */
  if (was_watched)
    ferry_downlink_interrupt (self->downlink);
}

static void
run (FerryServe *self, const FerryFunctionEntry *function, FerryCall *call, FerryAnswer *answer)
{
  FerryJob *job = ferry_job_new (self, self->downlink, self->calls, self->progress, call);
  guint cancelled;

  set_current (self, job);
  cancelled = ferry_call_get_cancelled (call);
  if (cancelled != 0)
    ferry_job_cancel (job, cancelled);
  ferry_debug_often ("Begins call %" G_GUINT64_FORMAT " of '%s'", ferry_call_get_xid (call), function->name);
  ferry_answer_run (answer, job, function, ferry_call_get_arguments (call));
  set_current (self, NULL);
  ferry_job_finish (job);
  unref_job (job);
}

static const FerryAnswerSendFuncs call_funcs = {ferry_call_answer, ferry_call_answer_error};

/* Returns (nullable) a function of the program's, or one that every worker has. */
static const FerryFunctionEntry *
find_function (FerryServe *self, const char *name)
{
  if (g_str_equal (name, FERRY_MAP_FUNCTION))
    return self->chunks;
  if (g_str_equal (name, FERRY_VERSION_FUNCTION))
    return &ferry_version_function;
  return g_str_equal (name, FERRY_LIST_FUNCTION) ? &ferry_list_function : ferry_function_find (name);
}

/* Returns how many bytes the application has not read yet of what this process has printed to a stream. What the
 * program has put in the place of the application's pipe is none of its business: perhaps nobody reads that. */
static guint
get_unread (FerryServe *self, int stream)
{
  struct stat status;
  int size = 0;

  return ioctl (stream, FIONREAD, &size) == 0 && size > 0 && fstat (stream, &status) == 0 &&
             S_ISFIFO (status.st_mode) && status.st_ino == ferry_downlink_get_output (self->downlink, (guint) stream)
           ? (guint) size
           : 0;
}

/* Waits until the application has read what this process has printed, so that none of it is taken for what a later call
 * prints. The kernel tells nobody that a pipe has become empty. An application that is stopped, or has no time, is
 * waited for as long as the link is open. One that reads, and finds ever more because other processes print to the pipe
 * as well, is waited for once. */
static void
wait_until_read (FerryServe *self)
{
  gulong interval = MIN_READ_INTERVAL;
  gint64 end = G_MAXINT64;
  guint before = 0, unread;

  while ((unread = get_unread (self, STDOUT_FILENO) + get_unread (self, STDERR_FILENO)) > 0)
    {
      gint64 now = g_get_monotonic_time ();

      if (unread < before)
        end = MIN (end, now + READ_TIME);
      self->never_empty |= now > end;
      if (self->never_empty || ferry_downlink_is_closed (self->downlink))
        return;
      before = unread;
      g_usleep (interval);
      interval = MIN (2 * interval, MAX_READ_INTERVAL);
    }
  self->never_empty = FALSE;
}

static void
begin (FerryServe *self, FerryCall *call)
{
  g_auto (FerryAnswer) answer = {0};
  const char *name = ferry_call_get_method (call);
  const FerryFunctionEntry *function = find_function (self, name);

  if (ferry_answer_begin (&answer, call, function))
    run (self, function, call, &answer);
  if (answer.failure != NULL || g_get_monotonic_time () - answer.begun_at >= LONG_CALL)
    wait_until_read (self);
  ferry_debug_often ("Ends call %" G_GUINT64_FORMAT " of '%s' after %" G_GINT64_FORMAT " us: %s",
                     ferry_call_get_xid (call), name, g_get_monotonic_time () - answer.begun_at,
                     answer.failure != NULL ? answer.failure->message : "a result");
  self->result = answer.buffer;
  ferry_answer_send (&answer, call, &call_funcs, name, NULL);
  self->result = NULL;
}

static void
serve_call (FerryServe *self, FerryCall *call)
{
  ferry_serve_take_cancels (self);
  switch (ferry_downlink_claim (self->downlink, ferry_call_get_xid (call)))
    {
    case FERRY_CLAIM_BEGUN:
      begin (self, call);
      break;
    case FERRY_CLAIM_SKIPPED:
      g_debug ("Skips call %" G_GUINT64_FORMAT ", which the application has taken back", ferry_call_get_xid (call));
      ferry_call_drop (call);
      break;
    case FERRY_CLAIM_KILLED:
    default:
      ferry_call_drop (call);
      wait_for_end (self);
      break;
    }
}

/* Ends the second thread, and closes the transport and the senders. Calls that have not begun get no answer: the
 * application is notified of the link's end. */
static void
close_all (FerryServe *self)
{
  g_autoptr (GError) reason = NULL;

  if (self->watcher != NULL)
    {
      pthread_mutex_lock (&self->lock);
      self->watcher_stops = TRUE;
      pthread_cond_signal (&self->wanted);
      pthread_mutex_unlock (&self->lock);
      /* After an interrupt that comes before it sleeps at the bell, the thread does not sleep. */
      ferry_downlink_interrupt (self->downlink);
      g_thread_join (g_steal_pointer (&self->watcher));
    }
  reason = self->failure != NULL ? ferry_error_copy (self->failure)
                                 : g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The worker is finished");
  ferry_transport_end (self->transport, reason);
  ferry_sender_stop (self->calls, NULL);
  ferry_sender_stop (self->progress, NULL);
}

gboolean
ferry_serve_run (FerryServe *self, const FerryFunctionEntry *chunks, GError **error)
{
  self->chunks = chunks;
  if (!ferry_sender_start (self->calls, error) || !ferry_sender_start (self->progress, error))
    return FALSE;
  while (self->failure == NULL)
    {
      g_autoptr (FerryCall) call = g_queue_pop_head (&self->queue);

      if (call != NULL)
        serve_call (self, call);
      else if (self->finishing)
        break;
      else
        ferry_serve_receive (self, NULL);
    }
  close_all (self);
  if (self->failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->failure));
  return FALSE;
}
