/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "link/ferry-fork-server-link-private.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/ferry-base-private.h"

/* How long a fork server may take to answer, where a worker may take for ever to attach. */
#define ANSWER_TIMEOUT (30 * G_USEC_PER_SEC)

/* From Linux 6.9: a signal to the process group of which the pidfd's process is, or was, the leader. */
#define SIGNAL_GROUP (1u << 2)

/* A worker that was asked for. It stays until all was said of it, even where its link has ended. */
typedef struct
{
  guint64 id;
  FerryLink *link;            /* (owned) */
  FerryStartRequest *request; /* (owned) (nullable): until it is sent */
  gboolean started;
  gboolean failed;
} Birth;

struct _FerryForkServerLink
{
  GHashTable *births; /* (element-type guint64 Birth) */
  GQueue waiting;     /* (element-type Birth): not sent yet, oldest first */
  gboolean blocked;   /* the socket is full, and watched for room */
  char *epitaph;      /* (owned) (nullable): how the fork server ended, once that is known */

  pthread_mutex_t lock;
  guint64 latest_id; /* lock */
  guint n_asked;     /* lock: sent and not answered */
  gboolean direct;   /* lock: the socket is open, and nothing waits before what another thread sends */
};

static void
birth_free (gpointer data)
{
  Birth *self = data;

  g_clear_pointer (&self->request, ferry_start_request_free);
  ferry_link_unref (self->link);
  g_free (self);
}

static void
fork_server_link_free (FerryForkServerLink *self)
{
  g_queue_clear (&self->waiting);
  g_hash_table_unref (self->births);
  pthread_mutex_destroy (&self->lock);
  g_free (self->epitaph);
  g_free (self);
}

static FerryObstacle
get_obstacle (int error_number)
{
  return ferry_is_shortage (error_number) ? FERRY_OBSTACLE_SHORTAGE : FERRY_OBSTACLE_LASTING;
}

/* A reason of the fork server's own is that it has threads, and so for each worker. */
static FerryObstacle
get_obstacle_of_answer (const FerryForkServerAnswer *answer)
{
  return answer->pid == 0 && answer->error_number == 0 ? FERRY_OBSTACLE_FORK_SERVER
                                                       : get_obstacle (answer->error_number);
}

static void
fail (FerrySharedQueue *queue, Birth *birth, FerryObstacle obstacle, const char *why)
{
  g_autofree char *text = g_utf8_make_valid (why, -1);
  g_autofree char *detail = g_strdup_printf ("Worker “%s” could not be started: %s", birth->link->name, text);

  birth->failed = TRUE;
  birth->link->obstacle = obstacle;
  ferry_shared_queue_apply (queue, birth->link, FERRY_LINK_LAUNCH_FAILED, detail);
}

/* Its time begins when it is asked for, and again when it is there: a fork server may prepare itself for long. */
static void
set_deadline (FerrySharedQueue *queue, FerryLink *link, gint64 timeout)
{
  if (link->state == FERRY_LINK_ATTACHING)
    ferry_shared_queue_set_deadline (queue, link, timeout > 0 ? ferry_time_add (g_get_monotonic_time (), timeout) : 0);
}

static void
set_blocked (FerrySharedQueue *queue, FerryLink *fork_server, gboolean blocked)
{
  if (fork_server->fork_server->blocked == blocked)
    return;
  fork_server->fork_server->blocked = blocked;
  ferry_shared_queue_watch_room (queue, fork_server, blocked);
}

/* With the lock held: returns 0 or an error number. */
static int
ask (FerryLink *fork_server, FerryStartRequest *request, guint64 id)
{
  int failure = ferry_start_request_send (request, fork_server->control, id);

  if (failure == 0)
    fork_server->fork_server->n_asked++;
  return failure;
}

static void
note_asked (FerrySharedQueue *queue, FerryLink *link)
{
  set_deadline (queue, link, link->attach_timeout > 0 ? link->attach_timeout : ANSWER_TIMEOUT);
}

/* With the lock held: sends what waits, as long as there is room. Returns whether the socket is full. */
static gboolean
send_waiting (FerrySharedQueue *queue, FerryLink *fork_server)
{
  FerryForkServerLink *self = fork_server->fork_server;
  Birth *birth;

  while (self->n_asked < FERRY_MAX_ASKED && (birth = g_queue_peek_head (&self->waiting)) != NULL)
    {
      int failure = ask (fork_server, birth->request, birth->id);

      /* That the fork server hung up is about to be heard, and then is what becomes of those that wait. */
      if (failure == EAGAIN || failure == EPIPE || failure == ECONNRESET)
        return failure == EAGAIN;
      g_queue_pop_head (&self->waiting);
      g_clear_pointer (&birth->request, ferry_start_request_free);
      if (failure == 0)
        {
          note_asked (queue, birth->link);
          continue;
        }
      fail (queue, birth, get_obstacle (failure), g_strerror (failure));
      g_hash_table_remove (self->births, &birth->id);
    }
  return FALSE;
}

/* Sends what waits, as long as there is room. */
static void
flush (FerrySharedQueue *queue, FerryLink *fork_server)
{
  FerryForkServerLink *self = fork_server->fork_server;
  gboolean open = fork_server->state == FERRY_LINK_OPEN;
  gboolean blocked;

  pthread_mutex_lock (&self->lock);
  blocked = open && send_waiting (queue, fork_server);
  self->direct = open && g_queue_is_empty (&self->waiting);
  pthread_mutex_unlock (&self->lock);
  if (fork_server->control >= 0)
    set_blocked (queue, fork_server, blocked);
}

/* Nobody else uses the socket from now on. */
static void
close_socket (FerryLink *fork_server)
{
  FerryForkServerLink *self = fork_server->fork_server;

  pthread_mutex_lock (&self->lock);
  self->direct = FALSE;
  pthread_mutex_unlock (&self->lock);
}

/* any: begins to send a request, past the monitor where it can be sent at once: a thread less has to be woken before
 * the worker runs. Returns its identity, or 0 where it has yet to be sent. Until ferry_fork_server_link_end_ask() the
 * monitor hears no answer to it, and before that the monitor is asked to call ferry_fork_server_link_start(). */
guint64
ferry_fork_server_link_begin_ask (FerryLink *fork_server, FerryStartRequest *request)
{
  FerryForkServerLink *self = fork_server->fork_server;

  pthread_mutex_lock (&self->lock);
  if (!self->direct || self->n_asked >= FERRY_MAX_ASKED || ask (fork_server, request, self->latest_id + 1) != 0)
    return 0;
  return ++self->latest_id;
}

/* any */
void
ferry_fork_server_link_end_ask (FerryLink *fork_server)
{
  pthread_mutex_unlock (&fork_server->fork_server->lock);
}

/* Notes why the process at the other end of link was never forked: its fork server has ended. */
static void
note_unborn (FerryLink *fork_server, FerryLink *link)
{
  int cause =
    fork_server->cause == FERRY_CLOSE_REASON_LAUNCH_FAILED ? fork_server->cause : FERRY_CLOSE_REASON_FORK_SERVER_LOST;
  g_autofree char *detail =
    g_strdup_printf ("Worker “%s” could not be started. %s", link->name, fork_server->fork_server->epitaph);

  link->obstacle = fork_server->obstacle;
  ferry_link_note (link, cause, detail);
}

/* Has the fork server fork the process at the other end of link, with the request, which is taken; or with NULL where
 * it was sent under that identity. What becomes of it is told by the link; where that has ended, nothing is sent, and
 * what was sent is undone when it is answered. */
gboolean
ferry_fork_server_link_start (FerrySharedQueue *queue, FerryLink *fork_server, FerryLink *link,
                              FerryStartRequest *request, guint64 id, GError **error)
{
  FerryForkServerLink *self = fork_server->fork_server;
  Birth *birth;

  if (self->epitaph != NULL)
    {
      g_clear_pointer (&request, ferry_start_request_free);
      note_unborn (fork_server, link);
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED, self->epitaph);
      return FALSE;
    }
  if (link->state == FERRY_LINK_ENDED && request != NULL)
    {
      ferry_start_request_free (request);
      return TRUE;
    }
  birth = g_new0 (Birth, 1);
  birth->id = id;
  birth->link = ferry_link_ref (link);
  birth->request = request;
  if (request == NULL)
    note_asked (queue, link);
  else
    {
      pthread_mutex_lock (&self->lock);
      birth->id = ++self->latest_id;
      self->direct = FALSE;
      pthread_mutex_unlock (&self->lock);
    }
  /* Where the fork server is about to end, it waits to hear how. */
  if (request != NULL && fork_server->state <= FERRY_LINK_OPEN)
    g_queue_push_tail (&self->waiting, birth);
  g_hash_table_insert (self->births, &birth->id, birth);
  flush (queue, fork_server);
  return TRUE;
}

static void
note_answered (FerryForkServerLink *self)
{
  pthread_mutex_lock (&self->lock);
  self->n_asked--;
  pthread_mutex_unlock (&self->lock);
}

/* A process that nobody waits for any more. */
static void
end_unwanted (int pidfd)
{
  syscall (SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

/* A fork server that has ended has no children any more. Its workers end with it, which is about to be heard. */
static gboolean
has_ended (FerryLink *fork_server)
{
  struct pollfd poll_fd = {.fd = fork_server->pidfd, .events = POLLIN};

  return poll (&poll_fd, 1, 0) == 1;
}

static gboolean
take_started (FerrySharedQueue *queue, FerryLink *fork_server, Birth *birth, FerryForkServerAnswer *answer)
{
  FerryLink *link = birth->link;

  if (birth->request != NULL || birth->started)
    return FALSE;
  if (!ferry_pidfd_is_child (answer->pidfd, (GPid) answer->pid, fork_server->pid))
    return has_ended (fork_server);
  birth->started = TRUE;
  note_answered (fork_server->fork_server);
  if (link->state == FERRY_LINK_ENDED)
    {
      end_unwanted (answer->pidfd);
      return TRUE;
    }
  link->parent = FERRY_PARENT_FORK_SERVER;
  set_deadline (queue, link, link->attach_timeout);
  if (!ferry_shared_queue_set_process (queue, link, (GPid) answer->pid, ferry_steal_fd (&answer->pidfd), NULL))
    {
      end_unwanted (link->pidfd);
      fail (queue, birth, FERRY_OBSTACLE_SHORTAGE, "its process cannot be watched; raise the limit of open files");
      return TRUE;
    }
  ferry_shared_queue_guard (queue, link);
  ferry_link_send_pending_signals (link);
  ferry_shared_queue_activate (queue, link);
  return TRUE;
}

/* With a process, the child says itself that it could not be made what was asked for: its start and its end are told as
 * well, in whatever order start and failure come. */
static gboolean
take_failed (FerrySharedQueue *queue, FerryLink *fork_server, Birth *birth, FerryForkServerAnswer *answer)
{
  if (birth->request != NULL || birth->failed || (answer->pid == 0 && birth->started))
    return FALSE;
  fail (queue, birth, get_obstacle_of_answer (answer), answer->text);
  if (answer->pid != 0)
    return TRUE;
  note_answered (fork_server->fork_server);
  g_hash_table_remove (fork_server->fork_server->births, &birth->id);
  return TRUE;
}

static gboolean
take_ended (FerrySharedQueue *queue, FerryLink *fork_server, Birth *birth, FerryForkServerAnswer *answer)
{
  FerryLink *link = birth->link;

  if (!birth->started)
    return FALSE;
  if (link->state != FERRY_LINK_ENDED)
    {
      link->reaped = TRUE;
      link->wait_code = answer->code;
      link->wait_status = answer->status;
      ferry_shared_queue_end_process (queue, link);
    }
  g_hash_table_remove (fork_server->fork_server->births, &birth->id);
  return TRUE;
}

/* The worker with that identity, or NULL. The answer may have come before the monitor has heard of what was asked for
 * by another thread, which has then told it by the time that it leaves the lock. */
static Birth *
find_birth (FerrySharedQueue *queue, FerryForkServerLink *self, guint64 id)
{
  Birth *birth = g_hash_table_lookup (self->births, &id);
  gboolean asked;

  if (birth != NULL)
    return birth;
  pthread_mutex_lock (&self->lock);
  asked = id <= self->latest_id;
  pthread_mutex_unlock (&self->lock);
  if (!asked || queue->catch_up == NULL)
    return NULL;
  queue->catch_up (queue->catch_up_data);
  return g_hash_table_lookup (self->births, &id);
}

static gboolean
take_answer (FerrySharedQueue *queue, FerryLink *fork_server, FerryForkServerAnswer *answer)
{
  Birth *birth = find_birth (queue, fork_server->fork_server, answer->id);

  if (birth == NULL)
    return FALSE;
  if (answer->kind == FERRY_CONTROL_STARTED)
    return take_started (queue, fork_server, birth, answer);
  if (answer->kind == FERRY_CONTROL_FAILED)
    return take_failed (queue, fork_server, birth, answer);
  return take_ended (queue, fork_server, birth, answer);
}

/* Takes the next packet of a fork server that has attached. */
static FerryControlEvent
receive (FerrySharedQueue *queue, FerryLink *fork_server, GError **error)
{
  FerryForkServerAnswer answer;
  FerryControlEvent event = ferry_fork_server_answer_receive (&answer, fork_server->control, error);

  if (event != FERRY_CONTROL_TAKEN)
    return event;
  if (!take_answer (queue, fork_server, &answer))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                           "The fork server told of a worker that it has not");
      event = FERRY_CONTROL_INVALID;
    }
  ferry_clear_fd (&answer.pidfd);
  flush (queue, fork_server);
  return event;
}

/* What is left of a worker's process group, which nobody reaps for us. Where the kernel is older than 6.9, a worker
 * that ended with its fork server leaves its own children behind. */
static void
end_group (FerryLink *link)
{
  if (link->pidfd < 0)
    return;
  syscall (SYS_pidfd_send_signal, link->pidfd, SIGKILL, NULL, 0);
  syscall (SYS_pidfd_send_signal, link->pidfd, SIGKILL, NULL, SIGNAL_GROUP);
}

/* A process that the fork server had forked. */
static void
lose_started (FerrySharedQueue *queue, FerryLink *fork_server, FerryLink *link, int cause)
{
  g_autofree char *detail = NULL;

  if (link->state == FERRY_LINK_ENDED)
    return;
  detail = g_strdup_printf ("Worker “%s” ended with its fork server “%s” (process %d)", link->name, fork_server->name,
                            (int) fork_server->pid);
  ferry_link_note (link, cause, detail);
  end_group (link);
  link->parent = FERRY_PARENT_LOST;
  if (link->gone)
    ferry_shared_queue_end_process (queue, link);
}

/* Nothing more will be heard of the fork server. Its workers end with it: by the kernel when it is dead, and by us
 * where it only hung up. When the router stops, it reaps them first. What was asked for and not forked waits to hear
 * how the fork server ended. */
static void
lose (FerrySharedQueue *queue, FerryLink *fork_server, int cause)
{
  FerryForkServerLink *self = fork_server->fork_server;
  GHashTableIter iterator;
  gpointer value;

  if (cause != FERRY_CLOSE_REASON_ROUTER_STOPPED)
    ferry_link_send_signal (fork_server, SIGKILL);
  g_queue_clear (&self->waiting);
  g_hash_table_iter_init (&iterator, self->births);
  while (g_hash_table_iter_next (&iterator, NULL, &value))
    {
      Birth *birth = value;

      if (!birth->started)
        continue;
      lose_started (queue, fork_server, birth->link, cause);
      g_hash_table_iter_remove (&iterator);
    }
}

/* It is known how the fork server ended, which message says. */
void
ferry_fork_server_link_finish (FerrySharedQueue *queue, FerryLink *fork_server, const char *message)
{
  FerryForkServerLink *self = fork_server->fork_server;
  GHashTableIter iterator;
  gpointer value;

  self->epitaph = g_strdup (message);
  g_hash_table_iter_init (&iterator, self->births);
  while (g_hash_table_iter_next (&iterator, NULL, &value))
    {
      FerryLink *link = ((Birth *) value)->link;

      if (link->state == FERRY_LINK_ENDED)
        continue;
      note_unborn (fork_server, link);
      ferry_shared_queue_apply (queue, link, FERRY_LINK_LAUNCH_FAILED, NULL);
    }
  g_hash_table_remove_all (self->births);
}

static const FerryForkServerLinkFuncs fork_server_funcs = {
  .flush = flush,
  .receive = receive,
  .close = close_socket,
  .lose = lose,
  .free = fork_server_link_free,
};

/* any, before the link is in a queue: a fork server is to be at its other end. */
void
ferry_fork_server_link_begin (FerryLink *fork_server)
{
  FerryForkServerLink *self = g_new0 (FerryForkServerLink, 1);

  self->births = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, birth_free);
  g_queue_init (&self->waiting);
  pthread_mutex_init (&self->lock, NULL);
  fork_server->fork_server = self;
  fork_server->fork_server_funcs = &fork_server_funcs;
}
