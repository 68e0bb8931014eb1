/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handlers of a demux, the requests that wait for one, and the threads or the main context that run handlers.
 *
 * Owner:   counted references.
 * Threads: any, where nothing else is said. */

#pragma once

#include <gio/gio.h>

#include "call/ferry-demux.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_DISPATCHER_PLACE_THREADS,
  FERRY_DISPATCHER_PLACE_RECEIVING,
  FERRY_DISPATCHER_PLACE_CONTEXT,
} FerryDispatcherPlace;

typedef struct _FerryDispatcher FerryDispatcher;

/* As g_thread_try_new(). */
typedef GThread *(*FerryDispatcherStartThreadFunc) (const char *name, GThreadFunc func, gpointer data, GError **error);

FerryDispatcher *ferry_dispatcher_new (void);
void ferry_dispatcher_unref (FerryDispatcher *self);

/* method (nullable): all methods without a handler of their own. func (nullable): removes the handler. destroy
 * (nullable) is called with data on any thread, without a lock, when the handler is removed and has returned. */
void ferry_dispatcher_set_handler (FerryDispatcher *self, const char *method, FerryDemuxHandler func, gpointer data,
                                   GDestroyNotify destroy);
/* Where handlers run: on at most n_threads threads, on the receiving thread, or on context (nullable). A thread that is
 * idle for idle_time microseconds ends; negative for never. Returns FALSE where the dispatcher is open. */
gboolean ferry_dispatcher_set_place (FerryDispatcher *self, FerryDispatcherPlace place, guint n_threads,
                                     gint64 idle_time, GMainContext *context);
/* How many requests may wait, and how many bytes of arguments; one request may always wait. Each returns whether the
 * value changed. */
gboolean ferry_dispatcher_set_max_pending (FerryDispatcher *self, guint max_pending);
guint ferry_dispatcher_get_max_pending (FerryDispatcher *self);
gboolean ferry_dispatcher_set_max_pending_size (FerryDispatcher *self, guint64 max_pending_size);
guint64 ferry_dispatcher_get_max_pending_size (FerryDispatcher *self);
guint ferry_dispatcher_get_n_pending (FerryDispatcher *self);

gboolean ferry_dispatcher_is_open (FerryDispatcher *self);
/* Each returns whether the state changed. close() answers the requests that wait. */
gboolean ferry_dispatcher_open (FerryDispatcher *self);
gboolean ferry_dispatcher_close (FerryDispatcher *self);
/* Takes invocation. */
void ferry_dispatcher_take (FerryDispatcher *self, FerryInvocation *invocation);
/* Has task return TRUE when all handlers have returned that were begun before the last close(). */
void ferry_dispatcher_wait_quiet (FerryDispatcher *self, GTask *task);

/* For tests. */
guint ferry_dispatcher_get_n_threads (FerryDispatcher *self);
/* Whether all handlers have returned that were begun before the last close(), and the threads are gone. */
gboolean ferry_dispatcher_is_quiet (FerryDispatcher *self);
/* For tests, while nothing runs. */
void ferry_dispatcher_set_idle_time (FerryDispatcher *self, gint64 idle_time);
void ferry_dispatcher_set_start_thread_func (FerryDispatcher *self, FerryDispatcherStartThreadFunc start_thread);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDispatcher, ferry_dispatcher_unref)

G_END_DECLS
