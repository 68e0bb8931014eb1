/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-nursery-link-private.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/ferry-base-private.h"

/* How long a nursery may take to answer, where a worker may take for ever to attach. */
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

struct _FerryNurseryLink
{
  GHashTable *births; /* (element-type guint64 Birth) */
  GQueue waiting;     /* (element-type Birth): not sent yet, oldest first */
  guint64 latest_id;
  guint n_asked;    /* sent and not answered */
  gboolean blocked; /* the socket is full, and watched for room */
};

static void
birth_free (gpointer data)
{
  Birth *self = data;

  g_clear_pointer (&self->request, ferry_start_request_free);
  ferry_link_unref (self->link);
  g_free (self);
}

FerryNurseryLink *
ferry_nursery_link_new (void)
{
  FerryNurseryLink *self = g_new0 (FerryNurseryLink, 1);

  self->births = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, birth_free);
  g_queue_init (&self->waiting);
  return self;
}

void
ferry_nursery_link_free (FerryNurseryLink *self)
{
  g_queue_clear (&self->waiting);
  g_hash_table_unref (self->births);
  g_free (self);
}

static void
fail (FerrySharedQueue *queue, Birth *birth, const char *why)
{
  g_autofree char *text = g_utf8_make_valid (why, -1);
  g_autofree char *detail = g_strdup_printf ("Worker “%s” could not be started: %s", birth->link->name, text);

  birth->failed = TRUE;
  ferry_shared_queue_apply (queue, birth->link, FERRY_LINK_LAUNCH_FAILED, detail);
}

/* Its time begins when it is asked for, and again when it is there: a nursery may prepare itself for long. */
static void
set_deadline (FerrySharedQueue *queue, FerryLink *link, gint64 timeout)
{
  if (link->state == FERRY_LINK_ATTACHING)
    ferry_shared_queue_set_deadline (queue, link, timeout > 0 ? g_get_monotonic_time () + timeout : 0);
}

static void
set_blocked (FerrySharedQueue *queue, FerryLink *nursery, gboolean blocked)
{
  if (nursery->nursery->blocked == blocked)
    return;
  nursery->nursery->blocked = blocked;
  ferry_shared_queue_watch_room (queue, nursery, blocked);
}

/* Sends what waits, as long as there is room. */
void
ferry_nursery_link_flush (FerrySharedQueue *queue, FerryLink *nursery)
{
  FerryNurseryLink *self = nursery->nursery;
  gboolean blocked = FALSE;

  while (nursery->state == FERRY_LINK_OPEN && self->n_asked < FERRY_MAX_ASKED)
    {
      Birth *birth = g_queue_peek_head (&self->waiting);
      int failure;

      if (birth == NULL)
        break;
      failure = ferry_start_request_send (birth->request, nursery->control, birth->id);
      blocked = failure == EAGAIN;
      /* That the nursery hung up is about to be heard, and then is what becomes of those that wait. */
      if (blocked || failure == EPIPE || failure == ECONNRESET)
        break;
      g_queue_pop_head (&self->waiting);
      g_clear_pointer (&birth->request, ferry_start_request_free);
      if (failure == 0)
        {
          self->n_asked++;
          set_deadline (queue, birth->link,
                        birth->link->attach_timeout > 0 ? birth->link->attach_timeout : ANSWER_TIMEOUT);
          continue;
        }
      fail (queue, birth, g_strerror (failure));
      g_hash_table_remove (self->births, &birth->id);
    }
  if (nursery->control >= 0)
    set_blocked (queue, nursery, blocked);
}

/* Has the nursery fork the process at the other end of link, whose end of the control socket goes with the request,
 * which is taken. What becomes of it is told by the link. */
gboolean
ferry_nursery_link_start (FerrySharedQueue *queue, FerryLink *nursery, FerryLink *link, FerryStartRequest *request,
                          GError **error)
{
  FerryNurseryLink *self = nursery->nursery;
  Birth *birth;

  if (nursery->state > FERRY_LINK_OPEN)
    {
      int cause = nursery->cause == FERRY_CLOSE_REASON_LAUNCH_FAILED ? nursery->cause : FERRY_CLOSE_REASON_NURSERY_LOST;

      ferry_start_request_free (request);
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED,
                   "Worker “%s” could not be started: its nursery “%s” has ended", link->name, nursery->name);
      if (error != NULL)
        ferry_link_note (link, cause, (*error)->message);
      return FALSE;
    }
  birth = g_new0 (Birth, 1);
  birth->id = ++self->latest_id;
  birth->link = ferry_link_ref (link);
  birth->request = request;
  request->fds[0] = ferry_steal_fd (&link->worker_end);
  g_hash_table_insert (self->births, &birth->id, birth);
  g_queue_push_tail (&self->waiting, birth);
  ferry_nursery_link_flush (queue, nursery);
  return TRUE;
}

/* A process that nobody waits for any more. */
static void
end_unwanted (int pidfd)
{
  syscall (SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static gboolean
take_started (FerrySharedQueue *queue, FerryLink *nursery, Birth *birth, FerryNurseryAnswer *answer)
{
  FerryLink *link = birth->link;

  if (birth->request != NULL || birth->started ||
      !ferry_pidfd_is_child (answer->pidfd, (GPid) answer->pid, nursery->pid))
    return FALSE;
  birth->started = TRUE;
  nursery->nursery->n_asked--;
  if (link->state == FERRY_LINK_ENDED)
    {
      end_unwanted (answer->pidfd);
      return TRUE;
    }
  link->parent = FERRY_PARENT_NURSERY;
  set_deadline (queue, link, link->attach_timeout);
  if (!ferry_shared_queue_set_process (queue, link, (GPid) answer->pid, ferry_steal_fd (&answer->pidfd), NULL))
    {
      end_unwanted (link->pidfd);
      fail (queue, birth, "its process cannot be watched; raise the limit of open files");
      return TRUE;
    }
  ferry_link_send_pending_signals (link);
  ferry_shared_queue_activate (queue, link);
  return TRUE;
}

/* With a process, the child says itself that it could not be made what was asked for: its start and its end are told as
 * well, in whatever order start and failure come. */
static gboolean
take_failed (FerrySharedQueue *queue, FerryLink *nursery, Birth *birth, FerryNurseryAnswer *answer)
{
  if (birth->request != NULL || birth->failed || (answer->pid == 0 && birth->started))
    return FALSE;
  fail (queue, birth, answer->text);
  if (answer->pid != 0)
    return TRUE;
  nursery->nursery->n_asked--;
  g_hash_table_remove (nursery->nursery->births, &birth->id);
  return TRUE;
}

static gboolean
take_ended (FerrySharedQueue *queue, FerryLink *nursery, Birth *birth, FerryNurseryAnswer *answer)
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
  g_hash_table_remove (nursery->nursery->births, &birth->id);
  return TRUE;
}

static gboolean
take_answer (FerrySharedQueue *queue, FerryLink *nursery, FerryNurseryAnswer *answer)
{
  Birth *birth = g_hash_table_lookup (nursery->nursery->births, &answer->id);

  if (birth == NULL)
    return FALSE;
  if (answer->kind == FERRY_CONTROL_STARTED)
    return take_started (queue, nursery, birth, answer);
  if (answer->kind == FERRY_CONTROL_FAILED)
    return take_failed (queue, nursery, birth, answer);
  return take_ended (queue, nursery, birth, answer);
}

/* Takes the next packet of a nursery that has attached. */
FerryControlEvent
ferry_nursery_link_receive (FerrySharedQueue *queue, FerryLink *nursery, GError **error)
{
  FerryNurseryAnswer answer;
  FerryControlEvent event = ferry_nursery_answer_receive (&answer, nursery->control, error);

  if (event != FERRY_CONTROL_TAKEN)
    return event;
  if (!take_answer (queue, nursery, &answer))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The nursery told of a worker that it has not");
      event = FERRY_CONTROL_INVALID;
    }
  ferry_clear_fd (&answer.pidfd);
  ferry_nursery_link_flush (queue, nursery);
  return event;
}

/* What is left of a worker's process group, which nobody reaps for us. Where the kernel is older than 6.9, a worker
 * that ended with its nursery leaves its own children behind. */
static void
end_group (FerryLink *link)
{
  if (link->pidfd < 0)
    return;
  syscall (SYS_pidfd_send_signal, link->pidfd, SIGKILL, NULL, 0);
  syscall (SYS_pidfd_send_signal, link->pidfd, SIGKILL, NULL, SIGNAL_GROUP);
}

static void
lose_birth (FerrySharedQueue *queue, FerryLink *nursery, Birth *birth, int cause)
{
  FerryLink *link = birth->link;
  g_autofree char *detail = NULL;

  if (link->state == FERRY_LINK_ENDED)
    return;
  detail = g_strdup_printf ("Worker “%s” ended with its nursery “%s” (process %d)", link->name, nursery->name,
                            (int) nursery->pid);
  ferry_link_note (link, cause, detail);
  if (!birth->started)
    {
      ferry_shared_queue_apply (queue, link, FERRY_LINK_LAUNCH_FAILED, NULL);
      return;
    }
  end_group (link);
  link->parent = FERRY_PARENT_LOST;
  if (link->gone)
    ferry_shared_queue_end_process (queue, link);
}

/* Nothing more will be heard of the nursery. Its workers end with it: by the kernel when it is dead, and by us where it
 * only hung up. When the router stops, it reaps them first. */
void
ferry_nursery_link_lose (FerrySharedQueue *queue, FerryLink *nursery, int cause)
{
  FerryNurseryLink *self = nursery->nursery;
  GHashTableIter iterator;
  gpointer birth;

  if (cause != FERRY_CLOSE_REASON_ROUTER_STOPPED)
    ferry_link_send_signal (nursery, SIGKILL);
  g_queue_clear (&self->waiting);
  g_hash_table_iter_init (&iterator, self->births);
  while (g_hash_table_iter_next (&iterator, NULL, &birth))
    lose_birth (queue, nursery, birth, cause);
  g_hash_table_remove_all (self->births);
}
