/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the answer of a call before the router's thread has received it. See ferry-answer-watch-private.h. */

#include "config.h"

#include "task/ferry-answer-watch-private.h"

#include <pthread.h>
#include <string.h>

#include "base/ferry-thread-private.h"
#include "wire/ferry-call-message-private.h"
#include "wire/ferry-remote-error-private.h"

/* Held while a thread reads a pointer to a route and refers to what is in it. The thread that frees a route takes it
 * once in between, and all others need not. */
static pthread_mutex_t ways_lock = PTHREAD_MUTEX_INITIALIZER;

void
ferry_answer_route_init (FerryAnswerRoute *self, FerryMonitor *monitor, FerryLink *link, guint64 connection_id)
{
  *self = (FerryAnswerRoute){ferry_monitor_ref (monitor), ferry_link_ref (link), connection_id};
}

static void
drop_route (FerryAnswerRoute *self)
{
  g_clear_pointer (&self->link, ferry_link_unref);
  g_clear_pointer (&self->monitor, ferry_monitor_unref);
}

void
ferry_answer_route_clear (FerryAnswerRoute *self)
{
  pthread_mutex_lock (&ways_lock);
  pthread_mutex_unlock (&ways_lock);
  drop_route (self);
}

void
ferry_early_answer_free (FerryEarlyAnswer *self)
{
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
  g_free (self->trace);
  g_free (self);
}

/* Whether a message ends the call: an answer, an error or a refusal. */
static gboolean
ends_call (gpointer data, gconstpointer message, gsize size)
{
  const FerryAnswerWatch *self = data;
  FerryCallHeader header;

  if (size < sizeof header)
    return FALSE;
  memcpy (&header, message, sizeof header);
  return header.xid == self->xid &&
         (header.kind == FERRY_CALL_ANSWER || header.kind == FERRY_CALL_ERROR || header.kind == FERRY_CALL_REFUSE);
}

static void
wake (FerryInboxWait *wait)
{
  const FerryAnswerWatch *self = (const FerryAnswerWatch *) wait;

  self->came (self->waited);
}

static gboolean
copy_route (const FerryAnswerRoute *_Atomic *place, FerryAnswerRoute *copy)
{
  const FerryAnswerRoute *route;
  FERRY_AUTO_LOCK (&ways_lock);

  /* Acquire: makes the fields visible. */
  route = atomic_load_explicit (place, memory_order_acquire);
  if (route != NULL)
    ferry_answer_route_init (copy, route->monitor, route->link, route->connection_id);
  return route != NULL;
}

gboolean
ferry_answer_watch_begin (FerryAnswerWatch *self, const FerryAnswerRoute *_Atomic *place, guint64 xid,
                          void (*came) (gconstpointer waited), gconstpointer waited)
{
  *self = (FerryAnswerWatch){.wait.came = wake, .came = came, .waited = waited};
  if (!copy_route (place, &self->route))
    return FALSE;
  self->xid = xid;
  self->search = (FerryLocalSearch){
    .link = self->route.link, .connection_id = self->route.connection_id, .matches = ends_call, .data = self};
  ferry_answer_waits_begin_watch (&self->route.link->waiting.waits, &self->wait);
  ferry_monitor_note_wait (self->route.monitor, self->route.link);
  return TRUE;
}

void
ferry_answer_watch_end (FerryAnswerWatch *self)
{
  if (self->xid == 0)
    return;
  ferry_answer_waits_end_watch (&self->route.link->waiting.waits, &self->wait);
  drop_route (&self->route);
  self->xid = 0;
}

/* A refusal is no answer: the task is sent again. */
static FerryEarlyAnswer *
decode (GBytes *bytes)
{
  g_autoptr (FerryEarlyAnswer) self = g_new0 (FerryEarlyAnswer, 1);
  g_autoptr (GVariant) value = NULL;
  FerryCallMessage message;
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (!ferry_call_message_parse (&message, data, size, NULL) || message.header.kind == FERRY_CALL_REFUSE ||
      (message.header.kind == FERRY_CALL_ANSWER && message.header.number > 0))
    return NULL;
  message.whole = bytes;
  /* One that breaks a rule ends the link when it is received. */
  value = ferry_call_message_dup_value (&message, NULL);
  if (value == NULL && message.type_string != NULL)
    return NULL;
  if (message.header.kind == FERRY_CALL_ANSWER)
    self->result = g_steal_pointer (&value);
  else
    self->error = ferry_error_from_variant (value, &self->trace);
  return g_steal_pointer (&self);
}

FerryEarlyAnswer *
ferry_answer_watch_look (FerryAnswerWatch *self)
{
  g_autoptr (GBytes) bytes =
    ferry_local_queue_search (ferry_monitor_get_local_queue (self->route.monitor), &self->search);

  return bytes != NULL && self->xid <= ferry_link_get_begun_call (self->route.link) ? decode (bytes) : NULL;
}
