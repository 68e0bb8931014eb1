/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a fork server: the workers that the fork server was asked to fork, and its answers.
 *
 * Owner:     the fork server's link.
 * Threads:   the monitor. Other threads also send requests, but only while no request is queued.
 * Trust:     none in the fork server, which may send anything at any time. An answer without a request is a protocol
 *            error: it ends the fork server and its workers, and affects no other link.
 * Invariant: no function waits. At most FERRY_MAX_ASKED requests are in the socket without an answer. Further requests
 *            are queued here, and so are requests that come before the fork server has attached. */

#include "config.h"

#include "engine/ferry-shared-queue-private.h"

#include <poll.h>
#include <signal.h>

#include "base/ferry-base-private.h"
#include "link/ferry-pidfd-private.h"

/* How long a fork server may take to answer, in microseconds, where the worker has no time limit to attach. */
#define ANSWER_TIMEOUT (30 * G_USEC_PER_SEC)

/* A worker that the fork server was asked to fork. The entry stays until the last answer for the worker has come, even
 * after the end of the worker's link. */
typedef struct
{
  guint64 id;
  FerryLink *link;            /* (owned) */
  FerryStartRequest *request; /* (owned) (nullable): the request; NULL once it is sent */
  gboolean started;
  gboolean failed;
} AskedWorker;

struct _FerryForkServerLink
{
  GHashTable *workers; /* (element-type guint64 AskedWorker) */
  GQueue waiting;      /* (element-type AskedWorker): workers with requests that are not sent yet, oldest first */
  gboolean blocked;    /* the socket is full; room in the socket is an event */
  char *end_message;   /* (owned) (nullable): how the fork server ended; NULL until that is known */

  pthread_mutex_t lock;
  guint64 latest_id;  /* lock */
  guint n_asked;      /* lock: the number of requests that were sent and not answered */
  gboolean direct;    /* lock: the socket is open, and no request is queued */
  char *why_executed; /* lock: (owned) (nullable): why a worker was executed, and not forked */
};

static void
asked_worker_free (gpointer data)
{
  AskedWorker *self = data;

  g_clear_pointer (&self->request, ferry_start_request_free);
  ferry_link_unref (self->link);
  g_free (self);
}

static void
fork_server_link_free (FerryForkServerLink *self)
{
  g_queue_clear (&self->waiting);
  g_hash_table_unref (self->workers);
  pthread_mutex_destroy (&self->lock);
  g_free (self->end_message);
  g_free (self->why_executed);
  g_free (self);
}

static FerryLaunchFailure
get_failure (int error_number)
{
  return ferry_is_shortage (error_number) ? FERRY_LAUNCH_FAILURE_SHORTAGE : FERRY_LAUNCH_FAILURE_LASTING;
}

static void
fail (FerrySharedQueue *queue, AskedWorker *worker, FerryLaunchFailure failure, const char *why)
{
  g_autofree char *text = g_utf8_make_valid (why, -1);
  g_autofree char *detail = g_strdup_printf ("Worker '%s' could not be started: %s", worker->link->name, text);

  worker->failed = TRUE;
  worker->link->process.failure = failure;
  ferry_shared_queue_apply (queue, worker->link, FERRY_LINK_LAUNCH_FAILED, detail);
}

/* Sends a request. Returns 0 or an error number. */
static int
ask_locked (FerryLink *fork_server, FerryStartRequest *request, guint64 id)
{
  int failure = ferry_start_request_send (request, fork_server->control, id);

  fork_server->fork_server->n_asked += failure == 0;
  return failure;
}

/* The time of a worker's link starts when the request is sent, and again when the process exists, because a fork server
 * may prepare itself for long. */
static void
note_asked (FerrySharedQueue *queue, FerryLink *fork_server, FerryLink *link)
{
  if (link->state == FERRY_LINK_ATTACHING)
    ferry_shared_queue_expect (queue, link, FERRY_WATCHDOG_ANSWER, fork_server->process.pid,
                               link->attach_timeout > 0 ? link->attach_timeout : ANSWER_TIMEOUT);
}

/* Sends queued requests while the socket has room. Returns whether the socket is full. */
static gboolean
send_waiting_locked (FerrySharedQueue *queue, FerryLink *fork_server)
{
  FerryForkServerLink *self = fork_server->fork_server;
  AskedWorker *worker;

  while (self->n_asked < FERRY_MAX_ASKED && (worker = g_queue_peek_head (&self->waiting)) != NULL)
    {
      int failure = ask_locked (fork_server, worker->request, worker->id);

      /* After EPIPE or ECONNRESET, the monitor gets the hang-up of the fork server as an event, and then ends the
       * queued requests. */
      if (failure == EAGAIN || failure == EPIPE || failure == ECONNRESET)
        return failure == EAGAIN;
      g_queue_pop_head (&self->waiting);
      g_clear_pointer (&worker->request, ferry_start_request_free);
      if (failure == 0)
        {
          note_asked (queue, fork_server, worker->link);
          continue;
        }
      fail (queue, worker, get_failure (failure), g_strerror (failure));
      g_hash_table_remove (self->workers, &worker->id);
    }
  return FALSE;
}

void
ferry_fork_server_link_flush (FerrySharedQueue *queue, FerryLink *fork_server)
{
  FerryForkServerLink *self = fork_server->fork_server;
  gboolean open = fork_server->state == FERRY_LINK_OPEN;
  gboolean blocked;

  pthread_mutex_lock (&self->lock);
  blocked = open && send_waiting_locked (queue, fork_server);
  self->direct = open && g_queue_is_empty (&self->waiting);
  pthread_mutex_unlock (&self->lock);
  if (fork_server->control < 0 || self->blocked == blocked)
    return;
  self->blocked = blocked;
  ferry_shared_queue_watch_room (queue, fork_server, blocked);
}

/* Prevents other threads from sending requests. When this function returns, no other thread uses the socket. */
void
ferry_fork_server_link_close (FerryLink *fork_server)
{
  FerryForkServerLink *self = fork_server->fork_server;
  FERRY_AUTO_LOCK (&self->lock);

  self->direct = FALSE;
}

/* any: sends a request on the calling thread, if it can be sent at once. This saves a wake-up of the monitor. Returns
 * the request's identity, or 0 where nothing was sent. Leaves the lock held, so the monitor handles no answer until
 * ferry_fork_server_link_end_ask() is called. Before the caller calls that function, it must ask the monitor to call
 * ferry_fork_server_link_start(). */
guint64
ferry_fork_server_link_begin_ask (FerryLink *fork_server, FerryStartRequest *request)
{
  FerryForkServerLink *self = fork_server->fork_server;

  pthread_mutex_lock (&self->lock);
  if (!self->direct || self->n_asked >= FERRY_MAX_ASKED || ask_locked (fork_server, request, self->latest_id + 1) != 0)
    return 0;
  return ++self->latest_id;
}

/* any: releases the lock that ferry_fork_server_link_begin_ask() took, also where that function returned 0. */
void
ferry_fork_server_link_end_ask (FerryLink *fork_server)
{
  pthread_mutex_unlock (&fork_server->fork_server->lock);
}

/* Notes in link that its process was not forked, because the fork server has ended. */
static void
note_not_forked (FerryLink *fork_server, FerryLink *link)
{
  gboolean same =
    fork_server->cause == FERRY_CLOSE_REASON_LAUNCH_FAILED || fork_server->cause == FERRY_CLOSE_REASON_NEVER_ATTACHED;
  int cause = same ? fork_server->cause : FERRY_CLOSE_REASON_FORK_SERVER_LOST;
  g_autofree char *detail =
    g_strdup_printf ("Worker '%s' could not be started. %s", link->name, fork_server->fork_server->end_message);

  link->process.failure = fork_server->process.failure;
  ferry_link_note (link, cause, detail);
}

/* Makes the fork server fork the process at the other end of link. Takes the request. A request of NULL means that it
 * was already sent, with the identity id. The outcome is an event of the link. For a link that has already ended, no
 * request is sent; a process that was already requested is killed when it starts. */
gboolean
ferry_fork_server_link_start (FerrySharedQueue *queue, FerryLink *fork_server, FerryLink *link,
                              FerryStartRequest *request, guint64 id, GError **error)
{
  FerryForkServerLink *self = fork_server->fork_server;
  AskedWorker *worker;

  if (self->end_message != NULL)
    {
      g_clear_pointer (&request, ferry_start_request_free);
      note_not_forked (fork_server, link);
      return ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED, "%s", self->end_message);
    }
  if (link->state == FERRY_LINK_ENDED && request != NULL)
    {
      ferry_start_request_free (request);
      return TRUE;
    }
  worker = g_new0 (AskedWorker, 1);
  worker->id = id;
  worker->link = ferry_link_ref (link);
  worker->request = request;
  if (request == NULL)
    note_asked (queue, fork_server, link);
  else
    {
      pthread_mutex_lock (&self->lock);
      worker->id = ++self->latest_id;
      self->direct = FALSE;
      pthread_mutex_unlock (&self->lock);
    }
  /* Where the fork server is ending, the request is not queued. The request fails when the fork server's end message is
   * known. */
  if (request != NULL && fork_server->state <= FERRY_LINK_OPEN)
    g_queue_push_tail (&self->waiting, worker);
  g_hash_table_insert (self->workers, &worker->id, worker);
  ferry_fork_server_link_flush (queue, fork_server);
  return TRUE;
}

static void
note_answered (FerryForkServerLink *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->n_asked--;
}

/* why: empty for a worker that was forked. */
static void
note_executed (FerryForkServerLink *self, const char *why)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (why[0] != '\0' && self->why_executed == NULL)
    self->why_executed = g_utf8_make_valid (why, -1);
}

char *
ferry_fork_server_link_dup_why_executed (FerryLink *fork_server)
{
  FerryForkServerLink *self = fork_server->fork_server;
  FERRY_AUTO_LOCK (&self->lock);

  return g_strdup (self->why_executed);
}

/* Whether the fork server has ended. Then its workers are no longer its children, so a failed ferry_pidfd_is_child() is
 * no fault of the fork server. The end of the fork server and of its workers is reported by later events. */
static gboolean
has_ended (FerryLink *fork_server)
{
  struct pollfd poll_fd = {.fd = fork_server->process.pidfd, .events = POLLIN};

  return poll (&poll_fd, 1, 0) == 1;
}

/* The process has started, and the application got no descriptor of it: a shortage, which is no fault of the fork
 * server. The process ends when it finds that its link has ended. */
static gboolean
give_up_unwatched (FerrySharedQueue *queue, FerryLink *fork_server, AskedWorker *worker)
{
  worker->started = TRUE;
  note_answered (fork_server->fork_server);
  if (worker->link->state != FERRY_LINK_ENDED)
    fail (queue, worker, FERRY_LAUNCH_FAILURE_SHORTAGE,
          "the application has no descriptor left for its process; raise the limit of open files");
  return TRUE;
}

static gboolean
take_started (FerrySharedQueue *queue, FerryLink *fork_server, AskedWorker *worker, FerryForkServerAnswer *answer)
{
  FerryLink *link = worker->link;

  if (worker->request != NULL || worker->started)
    return FALSE;
  if (answer->lost_pidfd)
    return give_up_unwatched (queue, fork_server, worker);
  if (!ferry_pidfd_is_child (answer->pidfd, (GPid) answer->pid, fork_server->process.pid))
    return has_ended (fork_server);
  worker->started = TRUE;
  note_answered (fork_server->fork_server);
  note_executed (fork_server->fork_server, answer->text);
  if (link->state == FERRY_LINK_ENDED)
    {
      ferry_pidfd_signal (answer->pidfd, (GPid) answer->pid, SIGKILL);
      return TRUE;
    }
  link->process.parent = FERRY_PARENT_FORK_SERVER;
  if (link->state == FERRY_LINK_ATTACHING)
    ferry_shared_queue_expect (queue, link, FERRY_WATCHDOG_START, (GPid) answer->pid, link->attach_timeout);
  if (!ferry_shared_queue_set_process (queue, link, (GPid) answer->pid, ferry_steal_fd (&answer->pidfd), NULL))
    {
      ferry_pidfd_signal (link->process.pidfd, link->process.pid, SIGKILL);
      fail (queue, worker, FERRY_LAUNCH_FAILURE_SHORTAGE,
            "the application cannot watch its process; raise the limit of open files");
      return TRUE;
    }
  ferry_shared_queue_guard (queue, link);
  ferry_link_send_pending_signals (link);
  ferry_shared_queue_activate (queue, link);
  return TRUE;
}

/* Handles the answer that a worker could not be started. An answer without a process number is the only answer for the
 * worker. If its error number is also 0, the fork server can fork no worker at all. An answer with a process number
 * comes from the forked child itself. Then the fork server also reports the child's start, before or after this answer,
 * and the child's end. */
static gboolean
take_failed (FerrySharedQueue *queue, FerryLink *fork_server, AskedWorker *worker, FerryForkServerAnswer *answer)
{
  if (worker->request != NULL || worker->failed || (answer->pid == 0 && worker->started))
    return FALSE;
  fail (queue, worker,
        answer->pid == 0 && answer->error_number == 0 ? FERRY_LAUNCH_FAILURE_FORK_SERVER
                                                      : get_failure (answer->error_number),
        answer->text);
  if (answer->pid != 0)
    return TRUE;
  note_answered (fork_server->fork_server);
  g_hash_table_remove (fork_server->fork_server->workers, &worker->id);
  return TRUE;
}

static gboolean
take_ended (FerrySharedQueue *queue, FerryLink *fork_server, AskedWorker *worker, FerryForkServerAnswer *answer)
{
  FerryLink *link = worker->link;

  if (!worker->started)
    return FALSE;
  ferry_link_reap_adopted (link);
  if (link->state != FERRY_LINK_ENDED)
    {
      link->process.reaped = TRUE;
      link->process.wait_code = answer->code;
      link->process.wait_status = answer->status;
      ferry_shared_queue_end_process (queue, link);
    }
  g_hash_table_remove (fork_server->fork_server->workers, &worker->id);
  return TRUE;
}

/* Returns the worker with that identity, or NULL. Where another thread sent the request, an answer may come before the
 * monitor knows of the request. But that thread has posted its request to the monitor before it releases the lock. */
static AskedWorker *
find_worker (FerrySharedQueue *queue, FerryForkServerLink *self, guint64 id)
{
  AskedWorker *worker = g_hash_table_lookup (self->workers, &id);
  gboolean asked;

  if (worker != NULL)
    return worker;
  pthread_mutex_lock (&self->lock);
  asked = id <= self->latest_id;
  pthread_mutex_unlock (&self->lock);
  if (!asked || queue->catch_up == NULL)
    return NULL;
  queue->catch_up (queue->catch_up_data);
  return g_hash_table_lookup (self->workers, &id);
}

static gboolean
take_answer (FerrySharedQueue *queue, FerryLink *fork_server, FerryForkServerAnswer *answer)
{
  AskedWorker *worker = find_worker (queue, fork_server->fork_server, answer->id);

  if (worker == NULL)
    return FALSE;
  if (answer->kind == FERRY_CONTROL_STARTED)
    return take_started (queue, fork_server, worker, answer);
  if (answer->kind == FERRY_CONTROL_FAILED)
    return take_failed (queue, fork_server, worker, answer);
  return take_ended (queue, fork_server, worker, answer);
}

FerryControlEvent
ferry_fork_server_link_receive (FerrySharedQueue *queue, FerryLink *fork_server, GError **error)
{
  FerryForkServerAnswer answer;
  FerryControlEvent event = ferry_fork_server_answer_receive (&answer, fork_server->control, error);

  if (event != FERRY_CONTROL_TAKEN)
    return event;
  if (!take_answer (queue, fork_server, &answer))
    {
      ferry_set_error (
        error, FERRY_ERROR_PROTOCOL,
        "The fork server sent an answer that belongs to no request; it must answer each request for a worker "
        "as docs/protocol.md says");
      event = FERRY_CONTROL_INVALID;
    }
  ferry_clear_fd (&answer.pidfd);
  ferry_fork_server_link_flush (queue, fork_server);
  return event;
}

static void
lose_started (FerrySharedQueue *queue, FerryLink *fork_server, FerryLink *link, int cause)
{
  g_autofree char *detail = NULL;

  if (link->state == FERRY_LINK_ENDED)
    return;
  detail = g_strdup_printf ("Worker '%s' ended with its fork server '%s' (process %d)", link->name, fork_server->name,
                            (int) fork_server->process.pid);
  ferry_link_note (link, cause, detail);
  link->process.parent = FERRY_PARENT_LOST;
  ferry_shared_queue_end_in_order (queue, link);
  if (!link->process.gone)
    return;
  ferry_link_reap_adopted (link);
  ferry_shared_queue_end_process (queue, link);
}

/* Ends the started workers of a fork server that sends no more answers. When the fork server is dead, the kernel kills
 * its workers, but for those that have asked it for SIGTERM; when it only hung up, this function ends them. When the
 * router stops, the fork server first reaps its workers. Requests without an answer stay until
 * ferry_fork_server_link_finish() is called. */
void
ferry_fork_server_link_lose (FerrySharedQueue *queue, FerryLink *fork_server, int cause)
{
  FerryForkServerLink *self = fork_server->fork_server;
  GHashTableIter iterator;
  gpointer value;

  if (cause != FERRY_CLOSE_REASON_ROUTER_STOPPED)
    ferry_shared_queue_send_signal (queue, fork_server, SIGKILL);
  g_queue_clear (&self->waiting);
  g_hash_table_iter_init (&iterator, self->workers);
  while (g_hash_table_iter_next (&iterator, NULL, &value))
    {
      AskedWorker *worker = value;

      if (!worker->started)
        continue;
      lose_started (queue, fork_server, worker->link, cause);
      g_hash_table_iter_remove (&iterator);
    }
}

/* Ends the links of all workers that were not started, as launches that failed. message: how the fork server ended. */
void
ferry_fork_server_link_finish (FerrySharedQueue *queue, FerryLink *fork_server, const char *message)
{
  FerryForkServerLink *self = fork_server->fork_server;
  GHashTableIter iterator;
  gpointer value;

  self->end_message = g_strdup (message);
  g_hash_table_iter_init (&iterator, self->workers);
  while (g_hash_table_iter_next (&iterator, NULL, &value))
    {
      FerryLink *link = ((AskedWorker *) value)->link;

      if (link->state == FERRY_LINK_ENDED)
        continue;
      note_not_forked (fork_server, link);
      ferry_shared_queue_apply (queue, link, FERRY_LINK_LAUNCH_FAILED, NULL);
    }
  g_hash_table_remove_all (self->workers);
}

/* any, before the link is added to a queue: makes the link one to a fork server. */
void
ferry_fork_server_link_begin (FerryLink *fork_server)
{
  FerryForkServerLink *self = g_new0 (FerryForkServerLink, 1);

  self->workers = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, asked_worker_free);
  pthread_mutex_init (&self->lock, NULL);
  fork_server->fork_server = self;
  fork_server->free_fork_server = fork_server_link_free;
}
