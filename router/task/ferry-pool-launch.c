/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a pool's worker comes into being: its two pipes, its process or its thread, and what is asked of it before the
 * first task and after the last one. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-pool-private.h"
#include "task/ferry-serve-private.h"
#include "worker/ferry-nursery-private.h"
#include "worker/ferry-worker-private.h"

/* main: ends the worker as one that broke the protocol. */
void
ferry_pool_worker_fault (FerryPoolWorker *self, const char *detail)
{
  /* What it sent before is still heard, and its end comes soon; until then it is given nothing more. */
  if (self->state != FERRY_POOL_WORKER_ENDED)
    self->state = FERRY_POOL_WORKER_CONDEMNED;
  if (self->worker != NULL)
    ferry_router_fault_link (self->router, self->link, detail);
  else
    ferry_pool_worker_abandon (self);
}

/* main: lets go of a thread that cannot be ended. Its link ends now, and the thread when its function returns. */
void
ferry_pool_worker_abandon (FerryPoolWorker *self)
{
  self->state = FERRY_POOL_WORKER_CONDEMNED;
  ferry_router_close_pipe (self->router, self->calls_receiver, NULL);
  ferry_router_close_pipe (self->router, self->progress_receiver, NULL);
}

/* main: whether the worker has claimed the call. A claim counts for all calls up to it, so it is looked at once a call.
 * Acquired with the message that the worker sent after it. */
static gboolean
is_begun (gpointer transport, guint64 xid)
{
  FerryPoolWorker *self = transport;

  if (xid > self->claimed)
    self->claimed = ferry_link_get_begun_call (self->link);
  return xid <= self->claimed;
}

static void
note_unclaimed (gpointer transport, guint64 xid)
{
  FerryPoolWorker *self = transport;

  self->unclaimed = MAX (self->unclaimed, xid);
}

static void
calls_came (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryPoolWorker *self = user_data;
  g_autoptr (GError) error = NULL;

  ferry_pool_worker_ref (self);
  if (!(receiver->large != NULL ? ferry_transactions_receive_bytes (self->calls, receiver->large, &error)
                                : ferry_transactions_receive (self->calls, data, size, &error)))
    ferry_pool_worker_fault (self, error->message);
  ferry_pool_worker_unref (self);
}

static void
progress_came (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryPoolWorker *self = user_data;
  FerryTask *task = g_queue_peek_head (&self->in_flight);
  FerryProgress progress;

  /* What is no progress says nothing, and what was reported last may be of a task that is done. */
  if (type != NULL || !ferry_progress_decode (&progress, data, size) || task == NULL ||
      ferry_task_get_seat (task)->xid != progress.xid)
    return;
  g_object_ref (task);
  ferry_pool_worker_ref (self);
  if (is_begun (self, progress.xid))
    {
      ferry_pool_worker_heard (self);
      ferry_task_take_progress (task, &progress);
    }
  else
    {
      note_unclaimed (self, progress.xid);
      ferry_pool_worker_fault (self, "it reported progress of a call that was not claimed; a worker must claim a call "
                                     "before it begins it");
    }
  ferry_pool_worker_unref (self);
  g_object_unref (task);
}

static void
calls_closed (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (data);

  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_STOPPED && self->worker != NULL)
    ferry_pool_worker_take_farewell (self);
}

static gboolean
send_message (gpointer transport, const FerryCallMessage *message, GError **error)
{
  FerryPoolWorker *self = transport;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts = ferry_call_message_get_parts (message, parts);

  FerryHandful handful = {message->descriptors, message->n_descriptors, 0};
  guint64 connection_id = ferry_receiver_get_connection_id (self->calls_receiver);

  switch (ferry_link_send_with (self->link, connection_id, parts, n_parts, handful.n_descriptors > 0 ? &handful : NULL))
    {
    case FERRY_DOWN_SENT:
      return TRUE;
    case FERRY_DOWN_UNTAKEN:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                           "The worker has descriptors enough to take; ask it later");
      return FALSE;
    case FERRY_DOWN_REFUSED:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM,
                   "The system does not let the task's %u descriptors pass to a worker; raise the limit of open files: "
                   "%s",
                   handful.n_descriptors, g_strerror (handful.error_number));
      return FALSE;
    case FERRY_DOWN_WOULD_BLOCK:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK, "The worker has enough to read; ask it later");
      return FALSE;
    case FERRY_DOWN_TOO_LARGE:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                   "The arguments have more than the %" G_GUINT64_FORMAT
                   " bytes that the router takes; pass a file's name, or raise FerryRouter:max-message-size",
                   self->link->max_message_size);
      return FALSE;
    case FERRY_DOWN_CLOSED:
    default:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The worker has ended; ask another one");
      return FALSE;
    }
}

static gboolean
send_cancel (gpointer transport, guint64 xid, FerryCancelReason reason, GError **error)
{
  FerryPoolWorker *self = transport;

  return ferry_link_send_cancel (self->link, xid, (guint16) reason) == FERRY_DOWN_SENT;
}

static const FerryTransportFuncs transport_funcs = {
  .send = send_message, .cancel = send_cancel, .is_begun = is_begun, .note_unclaimed = note_unclaimed};

/* A worker of a pool is asked, and asks nothing. */
static void
refuse_request (FerryTransactions *calls, FerryCall *call, gpointer data)
{
  g_autoptr (GError) reason =
    g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "The application answers no call of “%s” from a worker of a pool",
                 ferry_call_get_method (call));

  ferry_call_refuse (call, reason, NULL);
}

static void
initialised (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryPoolWorker) self = data;
  FerryPool *pool = self->pool;

  if (self->state != FERRY_POOL_WORKER_STARTING || pool == NULL)
    return;
  if (error != NULL)
    {
      g_autoptr (GError) reason = ferry_error_copy (error);

      g_prefix_error (
        &reason, "The workers' initialiser “%s” failed; mend it, then call ferry_pool_reset(): ", pool->initialiser);
      ferry_pool_fail (pool, g_steal_pointer (&reason));
      ferry_pool_worker_kill (self);
      return;
    }
  self->state = FERRY_POOL_WORKER_READY;
  ferry_pool_worker_ready (pool, self);
}

static void
finalised (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryPoolWorker) self = data;

  if (error != NULL && self->state != FERRY_POOL_WORKER_ENDED)
    g_message ("A worker's finaliser failed: %s", error->message);
}

static const FerryAnswerFuncs initialiser_funcs = {.done = initialised};
static const FerryAnswerFuncs finaliser_funcs = {.done = finalised};

static gboolean
ask (FerryPoolWorker *self, const char *function, GVariant *arguments, const FerryAnswerFuncs *funcs, GError **error)
{
  FerryRequest request = {.method = function, .arguments = arguments};

  ferry_pool_worker_ref (self);
  if (ferry_transactions_ask (self->calls, &request, funcs, self, error) != 0)
    return TRUE;
  ferry_pool_worker_unref (self);
  return FALSE;
}

/* main */
void
ferry_pool_worker_ask_finaliser (FerryPoolWorker *self)
{
  g_autoptr (GError) error = NULL;

  if (self->pool == NULL || self->pool->finaliser == NULL)
    return;
  if (!ask (self, self->pool->finaliser, self->pool->finaliser_arguments, &finaliser_funcs, &error))
    g_message ("A worker's finaliser could not be called: %s", error->message);
}

static void
worker_state_changed (FerryWorker *worker, GParamSpec *pspec, gpointer data)
{
  FerryPoolWorker *self = data;

  if (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_OPEN)
    return;
  if (self->pool != NULL)
    self->pool->has_attached = TRUE;
  ferry_pool_worker_take_process (self);
}

static void
worker_ended (FerryWorker *worker, FerryExit *exit, gpointer data)
{
  ferry_pool_worker_take_end (data, exit);
}

static char *
get_task_name (FerryWorker *worker, gpointer data)
{
  FerryPoolWorker *self = data;
  FerryTask *task = g_queue_peek_head (&self->in_flight);

  return task != NULL ? g_strdup (ferry_task_get_name (task)) : NULL;
}

static void
connect_worker (FerryPoolWorker *self)
{
  GClosure *closure = g_cclosure_new (G_CALLBACK (worker_ended), ferry_pool_worker_ref (self),
                                      (GClosureNotify) (GCallback) ferry_pool_worker_unref);

  g_signal_connect_closure (self->worker, "ended", closure, FALSE);
  closure = g_cclosure_new (G_CALLBACK (worker_state_changed), ferry_pool_worker_ref (self),
                            (GClosureNotify) (GCallback) ferry_pool_worker_unref);
  g_signal_connect_closure (self->worker, "notify::state", closure, FALSE);
  ferry_worker_set_task_name_func (self->worker, get_task_name, self);
}

/* What starts the workers: the pool's launcher, or one like it that has them forked. Made at the first start, so that
 * the launcher can be told everything before. What is then with the launcher for a worker would wait for ever; what
 * comes later is for one that is spawned, and fails until then. */
static FerryLauncher *
get_starter (FerryPool *pool, GError **error)
{
  if (pool->starter != NULL)
    return pool->starter;
  if (!ferry_launcher_check_no_senders (pool->launcher, "the pool",
                                        "have tasks use ferry_job_send() and ferry_job_yield(), or spawn a worker of "
                                        "its own for them; then give the pool another launcher, or call "
                                        "ferry_pool_reset()",
                                        error))
    return NULL;
  ferry_launcher_log_usual (pool->launcher);
  if (pool->use_nursery && ferry_launcher_get_nursery (pool->launcher) == NULL)
    pool->starter = ferry_launcher_new_forked (pool->launcher);
  else
    pool->starter = g_object_ref (pool->launcher);
  return pool->starter;
}

static gboolean
start_process (FerryPoolWorker *self, const char *name, FerrySender *calls, FerrySender *progress, GError **error)
{
  FerryPool *pool = self->pool;
  FerryLauncher *starter = get_starter (pool, error);
  GArray *senders;

  if (starter == NULL)
    return FALSE;
  senders = ferry_launcher_set_senders_aside (starter);
  if (ferry_launcher_add_reserved_sender (starter, FERRY_CALLS_SENDER, calls, error) &&
      ferry_launcher_add_reserved_sender (starter, FERRY_PROGRESS_SENDER, progress, error))
    self->worker = ferry_launcher_spawn_named (starter, self->router, name, error);
  ferry_launcher_put_senders_back (starter, senders);
  if (self->worker == NULL)
    return FALSE;
  self->link = ferry_link_ref (ferry_worker_get_link (self->worker));
  connect_worker (self);
  g_list_store_append (pool->list, self->worker);
  return TRUE;
}

static void
unref_worker (gpointer data)
{
  ferry_pool_worker_unref (data);
}

static gboolean
start (FerryPoolWorker *self, const char *name, GError **error)
{
  g_autoptr (FerrySender) calls = NULL;
  g_autoptr (FerrySender) progress = NULL;

  if (!ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &calls, &self->calls_receiver, error) ||
      !ferry_router_pipe (self->router, FERRY_PIPE_LATEST, &progress, &self->progress_receiver, error))
    return FALSE;
  self->calls_receiver->internal = self->progress_receiver->internal = TRUE;
  ferry_receiver_set_handler (self->calls_receiver, calls_came, ferry_pool_worker_ref (self), unref_worker);
  g_signal_connect (self->calls_receiver, "closed", G_CALLBACK (calls_closed), self);
  ferry_receiver_set_handler (self->progress_receiver, progress_came, ferry_pool_worker_ref (self), unref_worker);
  if (self->pool->in_threads)
    return ferry_pool_worker_start_thread (self, name, calls, progress, error);
  return start_process (self, name, calls, progress, error);
}

/* Undoes what was done for a worker that cannot be used; what was started of it ends, and concerns the pool no more. */
static void
give_up (FerryPoolWorker *self)
{
  FerryPool *pool = g_steal_pointer (&self->pool);
  guint position;

  if (self->worker != NULL)
    {
      if (g_list_store_find (pool->list, self->worker, &position))
        g_list_store_remove (pool->list, position);
      ferry_worker_force_exit (self->worker);
    }
  if (self->calls_receiver != NULL)
    {
      ferry_receiver_set_handler (self->calls_receiver, NULL, NULL, NULL);
      g_signal_handlers_disconnect_by_data (self->calls_receiver, self);
      ferry_router_close_pipe (self->router, self->calls_receiver, NULL);
    }
  if (self->progress_receiver != NULL)
    {
      ferry_receiver_set_handler (self->progress_receiver, NULL, NULL, NULL);
      ferry_router_close_pipe (self->router, self->progress_receiver, NULL);
    }
}

/* main: a worker that is being started, and takes tasks at once where no initialiser comes first: they wait for it in
 * its lane. */
FerryPoolWorker *
ferry_pool_worker_new (FerryPool *pool, GError **error)
{
  g_autoptr (FerryPoolWorker) self = g_new0 (FerryPoolWorker, 1);
  g_autofree char *name = NULL;

  self->references = 1;
  self->pool = pool;
  self->router = g_object_ref (pool->router);
  self->timers = pool->timers;
  self->born_at = self->idle_at = g_get_monotonic_time ();
  g_queue_init (&self->in_flight);
  self->calls = ferry_transactions_new (&transport_funcs, self, refuse_request, self);
  name = g_strdup_printf ("%s %u", ferry_pool_get_name (pool), ++pool->n_numbered);
  self->state = pool->initialiser != NULL ? FERRY_POOL_WORKER_STARTING : FERRY_POOL_WORKER_READY;
  if (start (self, name, error) &&
      (pool->initialiser == NULL ||
       ask (self, pool->initialiser, pool->initialiser_arguments, &initialiser_funcs, error)))
    return g_steal_pointer (&self);
  give_up (self);
  return NULL;
}
