/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A thread of the application as a pool's worker: it serves over a link whose both ends are in this process, so tasks,
 * senders, order and limits are the same as with a process.
 *
 * What a process has and a thread has not: it cannot be killed. Nobody joins it, since it may be anywhere; it holds
 * what it needs, and lets go of it when its function has returned. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "task/ferry-pool-private.h"
#include "task/ferry-serve-private.h"

/* The thread's own. */
typedef struct
{
  FerryUplink *uplink;
  FerrySender *calls;
  FerrySender *progress;
} Thread;

static void
thread_free (Thread *thread)
{
  g_object_unref (thread->calls);
  g_object_unref (thread->progress);
  ferry_uplink_unref (thread->uplink);
  g_free (thread);
}

static gpointer
serve (gpointer data)
{
  Thread *thread = data;
  g_autoptr (FerryDownlink) downlink = ferry_downlink_new (thread->uplink);
  g_autoptr (FerryServe) server = ferry_serve_new (downlink, thread->calls, thread->progress);
  g_autoptr (GError) error = NULL;

  if (!ferry_serve_run (server, &error))
    g_debug ("A thread of a pool ends: %s", error->message);
  g_clear_pointer (&server, ferry_serve_free);
  g_clear_pointer (&downlink, ferry_downlink_free);
  thread_free (thread);
  return NULL;
}

static void
launched (gpointer data, GPid pid)
{
}

static void
attached (gpointer data)
{
}

static void
ended (gpointer data, FerryExit *exit)
{
  ferry_pool_worker_take_end (data, exit);
}

static void
unref_worker (gpointer data)
{
  ferry_pool_worker_unref (data);
}

static Thread *
new_thread (FerryPoolWorker *self, FerrySender *calls, FerrySender *progress, GError **error)
{
  guint64 connection_ids[2] = {ferry_sender_get_connection_id (calls), ferry_sender_get_connection_id (progress)};
  guint32 cells[2] = {FERRY_NO_CELL, 0};
  g_autoptr (FerryLink) link = NULL;
  FerryUplink *uplink;
  Thread *thread;

  link = ferry_link_new ("a thread", connection_ids, cells, 2, self->router->lane_capacity, 0,
                         self->router->max_message_size, error);
  if (link == NULL)
    return NULL;
  ferry_clear_fd (&link->memory);
  link->local = TRUE;
  uplink = ferry_uplink_new_local (link, self->router->thread, error);
  if (uplink == NULL)
    return NULL;
  if (!ferry_sender_pass (calls, error) || !ferry_sender_pass (progress, error))
    {
      ferry_uplink_unref (uplink);
      return NULL;
    }
  self->link = g_steal_pointer (&link);
  thread = g_new (Thread, 1);
  thread->uplink = uplink;
  thread->calls = ferry_sender_new_granted (connection_ids[0], uplink, 0, FERRY_NO_CELL);
  thread->progress = ferry_sender_new_granted (connection_ids[1], uplink, 1, 0);
  return thread;
}

/* main: starts the thread. Its link ends when the thread has stopped both senders, or when their pipes are closed. */
gboolean
ferry_pool_worker_start_thread (FerryPoolWorker *self, const char *name, FerrySender *calls, FerrySender *progress,
                                GError **error)
{
  Thread *thread = new_thread (self, calls, progress, error);
  FerryLinkObserver *observer;
  GError *failure = NULL;

  if (thread == NULL)
    return FALSE;
  self->attached = TRUE;
  observer = g_new0 (FerryLinkObserver, 1);
  *observer = (FerryLinkObserver){
    .launched = launched,
    .attached = attached,
    .ended = ended,
    .data = ferry_pool_worker_ref (self),
    .destroy = unref_worker,
  };
  if (!ferry_router_add_link (self->router, self->link, observer, NULL, NULL, NULL))
    {
      unref_worker (observer->data);
      g_free (observer);
      thread_free (thread);
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING, "The router is being stopped");
      return FALSE;
    }
  self->thread = g_thread_try_new (name, serve, thread, &failure);
  if (self->thread != NULL)
    return TRUE;
  thread_free (thread);
  return ferry_set_thread_error (error, "a pool", failure);
}
